"""What a client says about customers, and how it becomes the values of an action."""

from collections.abc import Sequence
from typing import Any

import strawberry

from app.actions.customers import CustomerFacts, CustomerRef
from app.core.errors import Invalid, RapportError
from app.core.ids import parse_id
from resolvers.customers.types import Channel, ConsentStatus
from resolvers.presentation import error_extensions
from resolvers.scalars import JSON, DateTime


@strawberry.input(one_of=True, description="One customer, by exactly one of the names.")
class CustomerRefInput:
    """How to say which customer."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Their public id.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="Their id in the tenant's own systems."
    )
    email: str | None = strawberry.field(default=strawberry.UNSET, description="One of their e-mail addresses.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="One of their phone numbers, in E.164.")
    anonymous_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The id that their browser or app gave itself."
    )

    def ref(self, path: str = "customer") -> CustomerRef:
        """The values of an action. ``path`` names this input in errors."""
        if self.id:
            return CustomerRef("id", parse_id("customer", self.id, f"{path}.id").hex)
        for kind in ("external_id", "email", "phone", "anonymous_id"):
            value = getattr(self, kind)
            if isinstance(value, str):
                return CustomerRef(kind, value)
        raise Invalid.at(path, "names nobody")


@strawberry.input(description="What somebody says about one channel.")
class ConsentInput:
    """A channel and a word."""

    channel: Channel = strawberry.field(description="The channel.")
    status: ConsentStatus = strawberry.field(description="What they say about it.")


@strawberry.input(description="What is known about a customer. What is left out says nothing.")
class CustomerFactsInput:
    """Names, attributes and preferences."""

    external_id: str | None = strawberry.field(default=None, description="Their id in the tenant's own systems.")
    email: str | None = strawberry.field(default=None, description="Their e-mail address.")
    phone: str | None = strawberry.field(default=None, description="Their phone number, in E.164.")
    anonymous_id: str | None = strawberry.field(default=None, description="The id of their browser or app.")
    attributes: JSON | None = strawberry.field(
        default=None, description="An object of attributes by name; null removes one, others stay."
    )
    timezone: str | None = strawberry.field(default=None, description="Their IANA timezone.")
    locale: str | None = strawberry.field(default=None, description="Their language, as a BCP 47 tag.")
    consents: list[ConsentInput] | None = strawberry.field(
        default=None, description="What they say about channels; others stay."
    )

    def facts(self, **more: Any) -> CustomerFacts:
        """The values of an action. Raises :class:`Invalid` where attributes are not an object."""
        if self.attributes is not None and not isinstance(self.attributes, dict):
            raise Invalid.at("attributes", "must be an object")
        return CustomerFacts(
            external_id=self.external_id,
            email=self.email,
            phone=self.phone,
            anonymous_id=self.anonymous_id,
            attributes=self.attributes or {},
            timezone=self.timezone,
            locale=self.locale,
            consents={said.channel.value: said.status.value for said in self.consents or ()},
            **more,
        )


@strawberry.input(description="Who somebody is and what is known about them.")
class IdentifyCustomerInput(CustomerFactsInput):
    """At least one name."""

    created_at: DateTime | None = strawberry.field(
        default=None, description="Since when they have been a customer; for new ones now if left out."
    )


@strawberry.input(description="What changes about one customer.")
class UpdateCustomerInput(CustomerFactsInput):
    """Facts about a customer with a known id."""

    id: strawberry.ID = strawberry.field(description="The customer.")


@strawberry.type(description="Why one item of several was refused.")
class ItemError:
    """The refusal of one item; its neighbours are not touched by it."""

    code: str = strawberry.field(description="A stable word for the kind of refusal.")
    message: str = strawberry.field(description="A sentence for people.")
    field: str | None = strawberry.field(description="The offending field within the item.")

    @classmethod
    def of(cls, error: RapportError) -> "ItemError":
        """In the graph's words."""
        shown = error_extensions(error)
        return cls(code=shown["code"], message=error.message, field=shown.get("field"))


MAX_ITEMS = 500


def check_items(items: Sequence[object], path: str) -> None:
    """Raises :class:`Invalid` unless there are 1 to 500 items."""
    if not 1 <= len(items) <= MAX_ITEMS:
        raise Invalid.at(path, f"must have 1 to {MAX_ITEMS} items")
