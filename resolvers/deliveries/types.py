"""Deliveries and what was said in them, as the graph shows them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import case, null

import models
from app.actions.deliveries import PARKED_AT
from app.core.access import Scope
from resolvers.content.types import Content
from resolvers.customers.types import Customer, customer_of
from resolvers.integrations.types import Integration, MessageChannel
from resolvers.nodes import Node
from resolvers.planner.declare import Order, Rows, column, connection, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value
from resolvers.tracking.types import Engagement, engagements_of

if TYPE_CHECKING:
    from resolvers.campaigns.types import Campaign

MADE = Order("dm", "created_at")


@strawberry.enum(description="How far a delivery has come.")
class DeliveryState(Enum):
    """As stored, in capitals."""

    DRAFT = enum_value("draft", description="It waits for somebody to send it.")
    QUEUED = enum_value("queued", description="It waits until it is due.")
    CLAIMED = enum_value("claimed", description="It is in hand; nothing is sent yet.")
    SENDING = enum_value("sending", description="It is being handed over.")
    SENT = enum_value("sent", description="The provider has taken it, or it is in the outbox.")
    DELIVERED = enum_value("delivered", description="The provider says that it arrived.")
    BOUNCED = enum_value("bounced", description="It came back.")
    FAILED = enum_value("failed", description="It could not be sent; see error.")
    SKIPPED = enum_value("skipped", description="A gate said no; reason names it.")
    IN_DOUBT = enum_value(
        "in_doubt", description="It may have been sent or not: whoever sent it was lost. See settleDeliveriesInDoubt."
    )
    CANCELLED = enum_value("cancelled", description="Its campaign was cancelled, or it was by hand.")


@table_type(models.ArchivedMessage, noun="archived_message", scope=Scope.DELIVERIES_READ)
class ArchivedMessage:
    """What was handed to the provider, as it was handed over."""

    from_address: str = column("From whom.")
    reply_to: str = column("To whom answers go.")
    subject: str = column("The subject.")
    preheader: str = column("What mailboxes show beside the subject.")
    body: str = column("HTML of an e-mail, the text of every other message.")
    plain: str = column("The text of an e-mail.")
    headers: JSON = column("Headers that its content named: objects with a name and a value.")
    fields: JSON = column("What else the channel has, by name.")
    created_at: DateTime = column("When it was handed over.")


@table_type(models.Delivery, noun="delivery", scope=Scope.DELIVERIES_READ)
class Delivery(Node):
    """One message to one person over one channel, sent or not."""

    channel: MessageChannel = column("Over which channel.")
    state: DeliveryState = column("How far it has come.")
    reason: str | None = column("The gate that stopped or holds it, or in a word why it failed.")
    error: str | None = column("Why, in a sentence.")
    recipient: str = column("To which address; empty before it is sent.")
    subject: str = column("Its subject.")
    test_group: int | None = column("The test group of the person, counted from 0.")
    transactional: bool = column("Whether it goes before all campaigns.", lambda row: row.c.lane == 0)
    is_test: bool = column("Whether it was only sent to see what it looks like; then it counts nowhere.")
    priority: int = column("That of its campaign, 0 to 9; the highest goes first.")
    data: JSON | None = column("What this one message was called with.")
    decision: JSON | None = column(
        "Why it was sent or not: the gates in their order, each with gate, verdict (pass, hold or stop), value and "
        "detail. Null until it was first decided."
    )
    provider_message_id: str | None = column("The provider's name for it.")
    attempts: int = column("How often it was handed over.")
    due_at: DateTime | None = column(
        "When it is due, or was; null while it is parked because its campaign is paused.",
        lambda row: case((row.c.due_at >= PARKED_AT, null()), else_=row.c.due_at),
    )
    created_at: DateTime = column("When it was made.")
    attempted_at: DateTime | None = column("When it was first handed over.")
    sent_at: DateTime | None = column("When it was sent.")
    delivered_at: DateTime | None = column("When it arrived.")
    opened_at: DateTime | None = column("When it was first opened, by a person or a machine.")
    human_opened_at: DateTime | None = column("When a person first opened it.")
    clicked_at: DateTime | None = column("When a link was first followed, by a person or a machine.")
    human_clicked_at: DateTime | None = column("When a person first followed a link.")
    converted_at: DateTime | None = column("When it reached its campaign's goal.")
    bounced_at: DateTime | None = column("When it came back.")
    complained_at: DateTime | None = column("When it was called spam.")
    unsubscribed_at: DateTime | None = column("When it made the person unsubscribe.")
    failed_at: DateTime | None = column("When it failed.")

    @one(lambda: Customer, "To whom.", graphql_type=Customer, scope=Scope.CUSTOMERS_READ)
    def customer(self: Any) -> Rows:
        return customer_of(self)

    @one(
        lambda: None,  # type: ignore[arg-type,return-value]
        "Of which campaign; null for what was sent without one.",
        graphql_type=Annotated["Campaign", strawberry.lazy("resolvers.campaigns.types")] | None,
        scope=Scope.CAMPAIGNS_READ,
    )
    def campaign(self: Any) -> Rows:
        campaign = rows(models.Campaign)
        return campaign.where(campaign.c.id == self.c.campaign_id)

    @one(lambda: Content, "What it was made from.", graphql_type=Content | None, scope=Scope.CAMPAIGNS_READ)
    def content(self: Any) -> Rows:
        content = rows(models.Content)
        return content.where(content.c.id == self.c.content_id)

    @one(
        lambda: Integration,
        "Over which provider; null for the outbox.",
        graphql_type=Integration | None,
        scope=Scope.INTEGRATIONS_READ,
    )
    def integration(self: Any) -> Rows:
        integration = rows(models.Integration)
        return integration.where(integration.c.id == self.c.integration_id)

    @one(
        lambda: ArchivedMessage,
        "What was handed over; null before, and where messages are not kept.",
        graphql_type=ArchivedMessage | None,
    )
    def message(self: Any) -> Rows:
        message = rows(models.ArchivedMessage)
        return message.where(message.c.delivery_id == self.c.id)

    @connection(lambda: Engagement, "What was seen of it, the latest first.", graphql_type=Connection[Engagement])
    def engagements(self: Any) -> Rows:
        return engagements_of(self)
