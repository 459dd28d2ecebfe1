"""Deliveries, live."""

from collections.abc import AsyncGenerator
from enum import Enum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.actions.feed import start_following_deliveries
from app.core.access import Scope
from app.core.ids import parse_id
from models import FeedEntry
from resolvers.context import Info
from resolvers.customers.subscriptions import After
from resolvers.customers.types import Customer
from resolvers.deliveries.types import Delivery
from resolvers.feed import FeedGap, FeedItem, Follower, shown, version
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime, enum_value


@strawberry.enum(description="What became of a delivery or of what somebody lets themselves be told.")
class DeliveryEventKind(Enum):
    """The kinds of the feed's entries."""

    CREATED = enum_value("delivery.created", description="It was made.")
    DRAFTED = enum_value("delivery.drafted", description="It was made, and waits for somebody to send it.")
    SENT = enum_value("delivery.sent", description="The provider has taken it, or it is in the outbox.")
    DELIVERED = enum_value("delivery.delivered", description="It arrived.")
    DEFERRED = enum_value("delivery.deferred", description="It was put off, and is tried again.")
    OPENED = enum_value("delivery.opened", description="It was opened, perhaps by a machine.")
    HUMAN_OPENED = enum_value("delivery.human_opened", description="A person opened it.")
    CLICKED = enum_value("delivery.clicked", description="A link was followed, perhaps by a machine.")
    HUMAN_CLICKED = enum_value("delivery.human_clicked", description="A person followed a link.")
    CONVERTED = enum_value("delivery.converted", description="It reached its campaign's goal.")
    BOUNCED = enum_value("delivery.bounced", description="It came back.")
    COMPLAINED = enum_value("delivery.complained", description="It was called spam.")
    UNSUBSCRIBED = enum_value("delivery.unsubscribed", description="It made the person unsubscribe.")
    SUPPRESSED = enum_value("delivery.suppressed", description="It was not sent: the address is suppressed.")
    SKIPPED = enum_value("delivery.skipped", description="It was not sent: another gate said no.")
    FAILED = enum_value("delivery.failed", description="It could not be sent.")
    IN_DOUBT = enum_value("delivery.in_doubt", description="It may have been sent or not.")
    CANCELLED = enum_value("delivery.cancelled", description="It was cancelled.")
    CUSTOMER_SUBSCRIBED = enum_value("customer.subscribed", description="Somebody wants messages.")
    CUSTOMER_UNSUBSCRIBED = enum_value("customer.unsubscribed", description="Somebody wants no more messages.")
    PREFERENCES_CHANGED = enum_value("customer.preferences_changed", description="Somebody chose among the topics.")


KINDS = {kind.value: kind for kind in DeliveryEventKind}


@strawberry.type(description="Something became of a delivery, or of what somebody lets themselves be told.")
class DeliveryEvent(FeedItem):
    """What, and of which delivery or whom."""

    event: DeliveryEventKind = strawberry.field(description="What became of it.")
    occurred_at: DateTime = strawberry.field(description="When it was noted.")
    data: JSON = strawberry.field(description="What else there is to say, as reason, error or link.")
    delivery: Delivery | None = strawberry.field(
        description="The delivery as it is now; null if it is about a customer, or erased."
    )
    customer: Customer | None = strawberry.field(description="The recipient as they are now; null if erased.")


DeliveryEventsItem = Annotated[
    DeliveryEvent | FeedGap,
    strawberry.union("DeliveryEventsItem", description="An event, or a gap in what is told."),
]
IDS = frozenset({"customer", "campaign", "content", "run", "delivery"})


@strawberry.type
class DeliverySubscription:
    """Following deliveries."""

    @strawberry.subscription(
        description="Everything that becomes of deliveries, of a campaign or to a customer if these are given, in "
        "order, each once."
    )
    async def delivery_events(
        self,
        info: Info,
        campaign_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only of this campaign.")] = None,
        customer_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only to this customer.")] = None,
        after: After = None,
    ) -> AsyncGenerator[DeliveryEventsItem, None]:
        info.context.principal.require(Scope.DELIVERIES_READ)
        campaign = None if campaign_id is None else parse_id("campaign", campaign_id, "campaign_id")
        customer = None if customer_id is None else parse_id("customer", customer_id, "customer_id")
        begin = partial(start_following_deliveries, campaign_id=campaign, customer_id=customer)
        follower = Follower(info.context, begin, Scope.DELIVERIES_READ, shared=True)
        async for item in follower.follow(after, partial(_event, campaign, customer)):
            yield item


def _event(campaign: UUID | None, customer: UUID | None, entry: FeedEntry, cursor: str) -> DeliveryEvent | None:
    about_customer = entry.kind.startswith("customer.")
    whose = entry.subject_id.hex if about_customer else entry.data.get("customer")
    if entry.kind not in KINDS or (customer is not None and whose != customer.hex):
        return None
    if campaign is not None and entry.data.get("campaign") != campaign.hex:
        return None
    delivery: Any = None if about_customer else Ref(Delivery, entry.subject_id, version(entry))
    recipient: Any = None if whose is None else Ref(Customer, UUID(hex=whose), version(entry))
    return DeliveryEvent(
        cursor=cursor,
        event=KINDS[entry.kind],
        occurred_at=DateTime(entry.created_at),
        data=shown({name: value for name, value in entry.data.items() if name not in IDS}),
        delivery=delivery,
        customer=recipient,
    )
