"""What people decide about deliveries."""

from enum import Enum

import strawberry

from app.actions import deliveries as actions
from app.core.access import Scope
from app.core.ids import parse_id
from resolvers.context import Info
from resolvers.deliveries.types import Delivery
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import enum_value


@strawberry.enum(description="What is said of deliveries in doubt.")
class DoubtVerdict(Enum):
    """As the action calls it, in capitals."""

    SENT = enum_value("sent", description="They were sent.")
    FAILED = enum_value("failed", description="They were not sent, and are not to be.")
    RESEND = enum_value("resend", description="They are sent again: whoever did get the message gets it twice.")


@strawberry.input(description="A campaign whose failed deliveries are to be tried again.")
class RetryFailedDeliveriesInput:
    """Which campaign."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")


@strawberry.input(description="What became of deliveries in doubt. Either deliveries or a campaign must be given.")
class SettleDeliveriesInDoubtInput:
    """Which, and what is said of them."""

    verdict: DoubtVerdict = strawberry.field(description="What is said of them.")
    delivery_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of these; those that are not in doubt are passed over. At most 1,000."
    )
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Of all of this campaign.")


@strawberry.input(description="One delivery.")
class DeliveryInput:
    """Which delivery."""

    delivery_id: strawberry.ID = strawberry.field(description="The delivery.")


@strawberry.type(description="How many deliveries were changed.")
class DeliveriesPayload:
    """Their number."""

    count: int = strawberry.field(description="How many; at most 5,000 at once, so ask again while there are any.")


@strawberry.type(description="A delivery after a change.")
class DeliveryPayload:
    """The delivery as it is now."""

    delivery: Delivery = strawberry.field(description="The delivery as it is now.")


@strawberry.type
class DeliveryMutation:
    """Changes to deliveries."""

    @mutation(
        Scope.CAMPAIGNS_SEND,
        "Tries the failed deliveries of a campaign again; what was sent, skipped or bounced stays so.",
    )
    async def retry_failed_deliveries(self, info: Info, input: RetryFailedDeliveriesInput) -> DeliveriesPayload:
        key = parse_id("campaign", input.campaign_id, "campaign_id")
        async with info.context.write() as tx:
            return DeliveriesPayload(count=await actions.retry_failed(tx, campaign_id=key))

    @mutation(Scope.CAMPAIGNS_SEND, "Says what became of deliveries in doubt.")
    async def settle_deliveries_in_doubt(self, info: Info, input: SettleDeliveriesInDoubtInput) -> DeliveriesPayload:
        ids = None
        if input.delivery_ids is not None:
            ids = [parse_id("delivery", id, f"delivery_ids.{place}") for place, id in enumerate(input.delivery_ids)]
        campaign = None if input.campaign_id is None else parse_id("campaign", input.campaign_id, "campaign_id")
        async with info.context.write() as tx:
            count = await actions.settle_doubts(tx, verdict=input.verdict.value, delivery_ids=ids, campaign_id=campaign)
        return DeliveriesPayload(count=count)

    @mutation(Scope.CAMPAIGNS_SEND, "Cancels a delivery that waits.")
    async def cancel_delivery(self, info: Info, input: DeliveryInput) -> DeliveryPayload:
        key = parse_id("delivery", input.delivery_id, "delivery_id")
        async with info.context.write() as tx:
            await actions.cancel_delivery(tx, delivery_id=key)
        return DeliveryPayload(delivery=Ref(Delivery, key))  # type: ignore[arg-type]

    @mutation(Scope.CAMPAIGNS_SEND, "Sends a delivery that is a draft.")
    async def send_draft(self, info: Info, input: DeliveryInput) -> DeliveryPayload:
        key = parse_id("delivery", input.delivery_id, "delivery_id")
        async with info.context.write() as tx:
            await actions.send_draft(tx, delivery_id=key)
        return DeliveryPayload(delivery=Ref(Delivery, key))  # type: ignore[arg-type]
