"""What Parcelvoy's client API says of people: who is meant, and what is known of them."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.actions.customers import CustomerFacts, CustomerRef, Identified, identify_many
from app.core.errors import Invalid, Issue, RapportError
from app.core.tx import Tx
from app.rest.parcelvoy.wire import Wire

Text = Annotated[str, StringConstraints(min_length=1)]
NAMES = {"attributes": "data", "customer": "external_id", "properties": "data", "occurred_at": "created_at"}
"""What the actions call a user's fields and an event's, where Parcelvoy's words are others."""
MOST = 1000
"""How many users, events or calls one request may bring."""
ResultT = TypeVar("ResultT")


class Named(Wire):
    """Somebody, by an id of yours or by their browser's."""

    anonymous_id: Text | None = Field(None, description="A browser's or device's id from before they were known.")
    external_id: Text | None = Field(None, description="Your own id of this person.")

    @model_validator(mode="after")
    def _check_named(self) -> "Named":
        if self.external_id is None and self.anonymous_id is None:
            raise ValueError("must have an external_id or an anonymous_id")
        return self


class Profile(Wire):
    """What is known of somebody. What is left out stays as it is."""

    email: str | None = None
    phone: str | None = Field(None, description="E.164, such as `+14155550100`.")
    timezone: str | None = Field(None, description="IANA name, such as `America/Chicago`.")
    locale: str | None = Field(None, description="Language tag, such as `en`.")
    data: dict[str, Any] = Field(default_factory=dict, description="Attributes; a value of null removes one.")


class Person(Named, Profile):
    """A user as a client or a server knows them. Other fields are refused."""

    model_config = ConfigDict(extra="forbid")


def facts_of(named: Named, profile: Profile | None = None) -> CustomerFacts:
    """Who is meant, and what is said of them."""
    said = profile or Profile()
    return CustomerFacts(
        external_id=named.external_id,
        anonymous_id=named.anonymous_id,
        email=said.email,
        phone=said.phone,
        timezone=said.timezone,
        locale=said.locale,
        attributes=said.data,
    )


async def save_people(tx: Tx, people: Sequence[CustomerFacts], places: Sequence[str]) -> list[CustomerRef]:
    """Upserts users, all or none of them. Raises the first refusal, which names the ``places`` it is about."""
    saved: list[Identified] = all_of(await identify_many(tx, people), places)
    return [CustomerRef("id", one.customer_id.hex) for one in saved]


def all_of(results: Sequence[Any], places: Sequence[str]) -> list[Any]:
    """The results of items, if none of them was refused. Raises the first refusal, at its item's place."""
    for place, result in zip(places, results, strict=True):
        if isinstance(result, Invalid):
            raise Invalid(*(Issue(f"{place}.{_said(issue.path)}", issue.message) for issue in result.issues))
        if isinstance(result, RapportError):
            raise result
    return list(results)


def _said(path: str) -> str:
    head, dot, rest = path.partition(".")
    return NAMES.get(head, head) + dot + rest
