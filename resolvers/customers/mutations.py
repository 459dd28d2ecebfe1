"""Changing customers."""

from typing import Any

import strawberry

from app.actions import customers as actions
from app.actions.customers import Identified
from app.core.access import Scope
from app.core.errors import NotFound, RapportError
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.customers.inputs import (
    CustomerRefInput,
    IdentifyCustomerInput,
    ItemError,
    UpdateCustomerInput,
    check_items,
)
from resolvers.customers.types import Channel, ConsentStatus, Customer, Device, Merge
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime


@strawberry.type(description="A customer after a change.")
class CustomerPayload:
    """The customer as they are now."""

    customer: Customer = strawberry.field(description="The customer as they are now.")


@strawberry.type(description="Whom an identify was about.")
class IdentifyCustomerPayload:
    """The customer, and what the call did."""

    customer: Customer = strawberry.field(description="The customer as they are now.")
    created: bool = strawberry.field(description="Whether they are new.")
    changed: bool = strawberry.field(description="Whether anything is different now.")


@strawberry.type(description="What became of one identify of several.")
class IdentifyResult:
    """Either an id or an error."""

    customer_id: strawberry.ID | None = strawberry.field(description="The customer; null if refused.")
    created: bool = strawberry.field(description="Whether they are new.")
    changed: bool = strawberry.field(description="Whether anything is different now.")
    error: ItemError | None = strawberry.field(description="Why it was refused.")

    @classmethod
    def of(cls, result: Identified | RapportError) -> "IdentifyResult":
        """In the graph's words."""
        if isinstance(result, RapportError):
            return cls(customer_id=None, created=False, changed=False, error=ItemError.of(result))
        key = strawberry.ID(public_id("customer", result.customer_id))
        return cls(customer_id=key, created=result.created, changed=result.changed, error=None)


@strawberry.type(description="What became of each identify, in the order of the input.")
class IdentifyManyPayload:
    """One result for each item."""

    results: list[IdentifyResult] = strawberry.field(description="In the order of the input.")


@strawberry.input(description="Several customers; a bad one does not stop the others.")
class IdentifyManyInput:
    """1 to 500 items."""

    customers: list[IdentifyCustomerInput] = strawberry.field(description="1 to 500 customers.")


@strawberry.input(description="An anonymous browser or app, and whose it is.")
class AliasCustomerInput:
    """An edge from an anonymous id to a customer."""

    anonymous_id: str = strawberry.field(description="The id that the browser or app gave itself.")
    customer: CustomerRefInput = strawberry.field(description="Whose it is.")


@strawberry.input(description="Two customers who are one person.")
class MergeCustomersInput:
    """Who remains, and who becomes part of them."""

    winner: CustomerRefInput = strawberry.field(description="Who remains.")
    loser: CustomerRefInput = strawberry.field(description="Who becomes part of them.")


@strawberry.type(description="Two customers who became one, or were parted.")
class MergePayload:
    """The merge."""

    merge: Merge = strawberry.field(description="The merge; its id undoes it.")


@strawberry.input(description="A merge to undo.")
class UnmergeCustomersInput:
    """The merge's id."""

    merge_id: strawberry.ID = strawberry.field(description="The merge to undo.")


@strawberry.input(description="One customer.")
class CustomerInput:
    """Which customer."""

    customer: CustomerRefInput = strawberry.field(description="Which customer.")


@strawberry.type(description="Who was deleted.")
class DeleteCustomerPayload:
    """The id that was."""

    customer_id: strawberry.ID = strawberry.field(description="The customer who was deleted.")


@strawberry.type(description="How many things of one kind were erased.")
class ErasedCount:
    """A kind and a number."""

    kind: str = strawberry.field(description="What kind of thing.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="Proof of what was erased. Keep it: nothing else remains.")
class EraseCustomerPayload:
    """The receipt of an erasure."""

    customer_id: strawberry.ID = strawberry.field(description="The customer who was erased.")
    erased_at: DateTime = strawberry.field(description="When.")
    counts: list[ErasedCount] = strawberry.field(description="What was erased, by kind.")


@strawberry.input(description="What a customer says about a channel.")
class SetConsentInput:
    """Who, where and what."""

    customer: CustomerRefInput = strawberry.field(description="Who says it.")
    channel: Channel = strawberry.field(description="About which channel.")
    status: ConsentStatus = strawberry.field(description="What they say.")


@strawberry.input(description="A device, and whose it is.")
class SaveDeviceInput:
    """A push token and what is known about it."""

    customer: CustomerRefInput = strawberry.field(description="Whose it is.")
    token: str = strawberry.field(description="The platform's push token; it names the device.")
    platform: str = strawberry.field(description="ios, android, web or what the app says.")
    attributes: JSON | None = strawberry.field(default=None, description="An object of what the app says about itself.")
    last_used_at: DateTime | None = strawberry.field(default=None, description="When it was last used.")


@strawberry.type(description="A device after a change.")
class DevicePayload:
    """The device as it is now."""

    device: Device = strawberry.field(description="The device as it is now.")


@strawberry.input(description="A device to forget.")
class RemoveDeviceInput:
    """Whose it is and its token."""

    customer: CustomerRefInput = strawberry.field(description="Whose it is.")
    token: str = strawberry.field(description="The platform's push token.")


def customer_payload(key: Any) -> CustomerPayload:
    """The customer of this key, as they are when the answer is read."""
    return CustomerPayload(customer=Ref(Customer, key))  # type: ignore[arg-type]


@strawberry.type
class CustomerMutation:
    """Changes to customers."""

    @mutation(
        Scope.CUSTOMERS_WRITE, "Says who somebody is and what is known about them; makes them known if they are new."
    )
    async def identify_customer(self, info: Info, input: IdentifyCustomerInput) -> IdentifyCustomerPayload:
        context = info.context
        done = await context.runtime.ingest.identify(context.principal, input.facts(created_at=input.created_at))
        return IdentifyCustomerPayload(
            customer=Ref(Customer, done.customer_id),  # type: ignore[arg-type]
            created=done.created,
            changed=done.changed,
        )

    @mutation(Scope.CUSTOMERS_WRITE, "Identifies several customers in one go; a bad one does not stop the others.")
    async def identify_many(self, info: Info, input: IdentifyManyInput) -> IdentifyManyPayload:
        check_items(input.customers, "customers")
        facts = [item.facts(created_at=item.created_at) for item in input.customers]
        async with info.context.write() as tx:
            results = await actions.identify_many(tx, facts)
        return IdentifyManyPayload(results=[IdentifyResult.of(result) for result in results])

    @mutation(Scope.CUSTOMERS_WRITE, "Changes what is known about one customer.")
    async def update_customer(self, info: Info, input: UpdateCustomerInput) -> CustomerPayload:
        key = parse_id("customer", input.id)
        try:
            async with info.context.write() as tx:
                await actions.update_customer(tx, customer_id=key, facts=input.facts())
        except NotFound as absent:
            raise NotFound("customer", "id") from absent
        return customer_payload(key)

    @mutation(Scope.CUSTOMERS_WRITE, "Says whose an anonymous browser or app is; what it did becomes theirs.")
    async def alias_customer(self, info: Info, input: AliasCustomerInput) -> CustomerPayload:
        async with info.context.write() as tx:
            key = await actions.alias(tx, anonymous_id=input.anonymous_id, customer=input.customer.ref())
        return customer_payload(key)

    @mutation(Scope.CUSTOMERS_WRITE, "Makes two customers one. Merging the same two again gives the same merge.")
    async def merge_customers(self, info: Info, input: MergeCustomersInput) -> MergePayload:
        async with info.context.write() as tx:
            key = await actions.merge(tx, winner=input.winner.ref("winner"), loser=input.loser.ref("loser"))
        return MergePayload(merge=Ref(Merge, key))  # type: ignore[arg-type]

    @mutation(Scope.CUSTOMERS_WRITE, "Parts two merged customers: everything goes back to whose it was.")
    async def unmerge_customers(self, info: Info, input: UnmergeCustomersInput) -> MergePayload:
        key = parse_id("merge", input.merge_id, "merge_id")
        async with info.context.write() as tx:
            await actions.unmerge(tx, merge_id=key)
        return MergePayload(merge=Ref(Merge, key))  # type: ignore[arg-type]

    @mutation(Scope.CUSTOMERS_WRITE, "Forbids every message to a customer.")
    async def suppress_customer(self, info: Info, input: CustomerInput) -> CustomerPayload:
        async with info.context.write() as tx:
            return customer_payload(await actions.suppress(tx, customer=input.customer.ref()))

    @mutation(Scope.CUSTOMERS_WRITE, "Allows messages to a customer again.")
    async def unsuppress_customer(self, info: Info, input: CustomerInput) -> CustomerPayload:
        async with info.context.write() as tx:
            return customer_payload(await actions.unsuppress(tx, customer=input.customer.ref()))

    @mutation(Scope.CUSTOMERS_WRITE, "Deletes a customer: their names and devices go, and the names are free again.")
    async def delete_customer(self, info: Info, input: CustomerInput) -> DeleteCustomerPayload:
        async with info.context.write() as tx:
            key = await actions.delete_customer(tx, customer=input.customer.ref())
        return DeleteCustomerPayload(customer_id=strawberry.ID(public_id("customer", key)))

    @mutation(Scope.CUSTOMERS_ERASE, "Erases a customer and everything about them for good, and gives a receipt.")
    async def erase_customer(self, info: Info, input: CustomerInput) -> EraseCustomerPayload:
        async with info.context.write() as tx:
            receipt = await actions.erase_customer(tx, customer=input.customer.ref())
        return EraseCustomerPayload(
            customer_id=strawberry.ID(public_id("customer", receipt.customer_id)),
            erased_at=DateTime(receipt.erased_at),
            counts=[ErasedCount(kind=kind, count=count) for kind, count in sorted(receipt.counts.items())],
        )

    @mutation(Scope.CUSTOMERS_WRITE, "Notes what a customer says about a channel.")
    async def set_consent(self, info: Info, input: SetConsentInput) -> CustomerPayload:
        async with info.context.write() as tx:
            key = await actions.set_consent(
                tx, customer=input.customer.ref(), channel=input.channel.value, status=input.status.value
            )
        return customer_payload(key)

    @mutation(Scope.CUSTOMERS_WRITE, "Adds a device or changes what is known about it.")
    async def save_device(self, info: Info, input: SaveDeviceInput) -> DevicePayload:
        async with info.context.write() as tx:
            key = await actions.save_device(
                tx,
                customer=input.customer.ref(),
                token=input.token,
                platform=input.platform,
                attributes=input.attributes,  # type: ignore[arg-type]
                last_used_at=input.last_used_at,
            )
        return DevicePayload(device=Ref(Device, key))  # type: ignore[arg-type]

    @mutation(Scope.CUSTOMERS_WRITE, "Forgets a device.")
    async def remove_device(self, info: Info, input: RemoveDeviceInput) -> CustomerPayload:
        async with info.context.write() as tx:
            return customer_payload(await actions.remove_device(tx, customer=input.customer.ref(), token=input.token))
