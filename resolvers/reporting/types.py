"""Reporting webhooks and the calls that are owed to them, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value

NUMBERED = Order("n", "number", descending=False, counts=True)
PLACED = Order("wc", "position", counts=True)


@strawberry.enum(description="In whose words and with whose signature a webhook is told.")
class WebhookDialect(Enum):
    """As stored, in capitals."""

    CUSTOMERIO = enum_value("customerio", description="Of deliveries and consent, as Customer.io says it.")
    SILENTCHAT = enum_value("silentchat", description="Of conversations and contacts, as SilentChat says it.")


@strawberry.enum(description="How a call to a webhook stands.")
class WebhookCallState(Enum):
    """As stored, in capitals."""

    DUE = enum_value("due", description="It is to be made, at once or again later.")
    DONE = enum_value("done", description="It was taken.")
    DEAD = enum_value("dead", description="It was refused for seven days: a dead letter.")


@table_type(models.WebhookCall, noun="webhook_call", scope=Scope.WEBHOOKS_READ)
class WebhookCall(Node):
    """One event that a webhook is owed. Those of one customer or conversation go out one after the other."""

    event: str = column("What is told, in the words of the webhook's dialect.")
    payload: JSON = column("The body, as it is sent.")
    state: WebhookCallState = column("How it stands.")
    attempts: int = column("How often it has been tried.")
    run_at: DateTime = column("When it is tried next, if it is due.")
    status_code: int | None = column("What was answered last; null if nobody answered, or it was not tried yet.")
    error: str | None = column("Why the last attempt failed.")
    created_at: DateTime = column("Since when it has been owed; seven days later it is given up.")
    ended_at: DateTime | None = column("When it was taken or given up.")

    @one(lambda: ReportingWebhook, "Whom it is owed to.", graphql_type="ReportingWebhook")
    def webhook(self: Any) -> Rows:
        hook = rows(models.ReportingWebhook)
        return hook.where(hook.c.id == self.c.webhook_id)


@table_type(models.ReportingWebhook, noun="reporting_webhook", scope=Scope.WEBHOOKS_READ)
class ReportingWebhook(Node):
    """Somebody else's server that is told what happens. Its secret is shown when it is made, and not again."""

    number: int = column("Its small number, by which Customer.io's API knows it.")
    name: str = column("What it is called.")
    endpoint: str = column("Where it is called.")
    dialect: WebhookDialect = column("In whose words it is told.")
    events: list[str] = column("What it is told of.")
    full_resolution: bool = column("Whether it is told of every opening and click, or of the first of each delivery.")
    with_content: bool = column("Whether it is told what was said in the messages that were sent.")
    is_enabled: bool = column("Whether it is called. While it is not, nothing new is owed to it.")
    failing_since: DateTime | None = column("Since when every call has failed; null while some are taken.")
    last_error: str | None = column("Why the last of them failed.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")

    @connection(
        lambda: WebhookCall,
        "What it is owed, and was told, the newest first.",
        graphql_type=Connection[WebhookCall],
    )
    def calls(
        self: Any,
        state: Annotated[
            list[WebhookCallState] | None, strawberry.argument(description="Only those in one of these states.")
        ] = None,
    ) -> Rows:
        call = rows(models.WebhookCall)
        return call.where(call.c.webhook_id == self.c.id, given.one_of(call.c.state, state)).ordered(PLACED)


@strawberry.type
class ReportingQuery:
    """Root fields about reporting webhooks."""

    @one(
        lambda: ReportingWebhook,
        "One reporting webhook, or null.",
        graphql_type=ReportingWebhook | None,
        scope=Scope.WEBHOOKS_READ,
    )
    def reporting_webhook(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The webhook's public id.")]
    ) -> Rows:
        hook = rows(models.ReportingWebhook)
        return hook.where(hook.c.id == given.key("reporting_webhook", id))

    @many(
        lambda: ReportingWebhook,
        "All reporting webhooks, by number.",
        graphql_type=list[ReportingWebhook],
        scope=Scope.WEBHOOKS_READ,
    )
    def reporting_webhooks(self: Any) -> Rows:
        return rows(models.ReportingWebhook).ordered(NUMBERED)
