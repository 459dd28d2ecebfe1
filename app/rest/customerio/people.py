"""Track API: people. What the paths of version 1 and the operations of version 2 say about one person."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.actions import customers
from app.actions.customers import CustomerFacts, CustomerRef
from app.core.access import Principal, Scope
from app.core.errors import Invalid, NotFound
from app.rest.customerio.wire import (
    Identifiers,
    MaybeText,
    MetaError,
    UnixSeconds,
    Wire,
    by_identifier,
    meta_error,
)
from app.rest.door import Call, Endpoint
from app.runtime import Runtime

TAG = "People"


class PersonAttributes(Wire):
    """Reserved attributes; every other field is an attribute of the caller's own, and null removes it."""

    model_config = ConfigDict(extra="allow")

    id: MaybeText = Field(None, description="The caller's id, where the path names the person otherwise.")
    email: MaybeText = None
    phone: MaybeText = Field(None, description="E.164.")
    created_at: UnixSeconds | None = None
    anonymous_id: MaybeText = Field(None, description="Whose earlier anonymous events become this person's.")
    timezone: MaybeText = Field(None, description="IANA name.")
    language: MaybeText = Field(None, description="Language tag.")
    locale: MaybeText = Field(None, description="The same as `language`.")
    unsubscribed: bool | None = Field(None, description="True: no e-mail.")
    update_only: bool = Field(False, alias="_update", description="True: never create; an unknown person is ignored.")
    cio_id: Any = Field(None, description="Cannot be set; ignored.")
    cio_relationships: Any = Field(None, description="Not served yet; refused.")

    def facts(self, ref: CustomerRef) -> CustomerFacts:
        """What is said about the person ``ref``. Raises Invalid for relationships."""
        if self.cio_relationships is not None:
            raise Invalid.at("cio_relationships", "are not served yet: objects come later")
        names = {"external_id": self.id, "email": self.email, "anonymous_id": self.anonymous_id}
        if ref.kind != "id":
            names[ref.kind] = names[ref.kind] or ref.value
        return CustomerFacts(
            customer_id=UUID(ref.value) if ref.kind == "id" else None,
            **names,
            phone=self.phone,
            attributes=self.model_extra or {},
            timezone=self.timezone,
            locale=self.language or self.locale,
            consents=self._consents(),
            created_at=self.created_at,
        )

    def _consents(self) -> dict[str, str]:
        if self.unsubscribed is None:
            return {}
        return {"email": "unsubscribed" if self.unsubscribed else "subscribed"}

    def renames(self, ref: CustomerRef) -> bool:
        """Whether the name that finds the person is to be replaced by another of its kind."""
        if ref.kind == "email":
            return self.email is not None and self.email.strip().lower() != ref.value.lower()
        return ref.kind == "external_id" and self.id is not None and self.id != ref.value


class MergeBody(Wire):
    primary: Identifiers = Field(description="Who stays.")
    secondary: Identifiers = Field(description="Who becomes the primary.")


def is_plain(ref: CustomerRef, attributes: PersonAttributes) -> bool:
    """Whether the facts alone say whom they mean, so that nobody must be looked up before."""
    return not attributes.update_only and not attributes.renames(ref)


async def identify_person(
    runtime: Runtime, principal: Principal, ref: CustomerRef, attributes: PersonAttributes
) -> None:
    """Creates or updates the person. With ``_update`` an unknown one is silently left alone."""
    facts = attributes.facts(ref)
    if not is_plain(ref, attributes):
        try:
            async with runtime.read(principal) as reading:
                customer_id = await customers.find_customer(reading, ref)
        except NotFound:
            if attributes.update_only:
                return
        else:
            facts = replace(facts, customer_id=customer_id)
    await runtime.ingest.identify(principal, facts)


async def identify(call: Call[PersonAttributes, None]) -> None:
    await identify_person(call.runtime, call.principal, addressed(call.path), call.body)


async def delete(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.delete_customer(tx, customer=addressed(call.path))


async def suppress(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.suppress(tx, customer=addressed(call.path))


async def unsuppress(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.unsuppress(tx, customer=addressed(call.path))


async def merge(call: Call[MergeBody, None]) -> None:
    winner, loser = call.body.primary.ref("primary"), call.body.secondary.ref("secondary")
    async with call.write() as tx:
        await customers.merge(tx, winner=winner, loser=loser)


def addressed(path: Mapping[str, str]) -> CustomerRef:
    """The person whom a path names."""
    return by_identifier(path["identifier"])


ENDPOINTS = (
    Endpoint(
        method="PUT",
        path="/api/v1/customers/{identifier}",
        handler=identify,
        tag=TAG,
        summary="Add or update a person",
        scope=Scope.CUSTOMERS_WRITE,
        body=PersonAttributes,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/customers/{identifier}",
        handler=delete,
        tag=TAG,
        summary="Delete a person",
        scope=Scope.CUSTOMERS_WRITE,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/customers/{identifier}/suppress",
        handler=suppress,
        tag=TAG,
        summary="Suppress a person: nothing is sent to them",
        scope=Scope.CUSTOMERS_WRITE,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/customers/{identifier}/unsuppress",
        handler=unsuppress,
        tag=TAG,
        summary="End a person's suppression",
        scope=Scope.CUSTOMERS_WRITE,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/merge_customers",
        handler=merge,
        tag=TAG,
        summary="Merge two people",
        scope=Scope.CUSTOMERS_WRITE,
        body=MergeBody,
        error_form=meta_error,
        error_model=MetaError,
    ),
)
