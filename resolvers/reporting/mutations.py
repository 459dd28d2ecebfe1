"""Changing reporting webhooks, and calling them again."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import reporting as actions
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.keep import KEEP
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.reporting.types import ReportingWebhook, WebhookDialect


@strawberry.input(description="A new reporting webhook.")
class CreateReportingWebhookInput:
    """Where it is, and what it is told."""

    name: str = strawberry.field(description="What it is called.")
    endpoint: str = strawberry.field(description="An http or https address on the open internet.")
    events: list[str] = strawberry.field(description="What it is told of, as `email_sent` or `message.created`.")
    dialect: WebhookDialect = strawberry.field(
        default=WebhookDialect.CUSTOMERIO, description="In whose words it is told."
    )
    full_resolution: bool = strawberry.field(
        default=False, description="Whether it is told of every opening and click, not only of the first."
    )
    with_content: bool = strawberry.field(default=False, description="Whether it is told what was said.")
    is_enabled: bool = strawberry.field(default=True, description="Whether it is called.")


@strawberry.input(description="What changes about a reporting webhook. What is left out stays.")
class UpdateReportingWebhookInput:
    """A webhook and what is new."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    endpoint: str | None = strawberry.field(default=None, description="Where it is called.")
    events: list[str] | None = strawberry.field(default=None, description="What it is told of: all of it.")
    full_resolution: bool | None = strawberry.field(default=None, description="Whether of every opening and click.")
    with_content: bool | None = strawberry.field(default=None, description="Whether it is told what was said.")
    is_enabled: bool | None = strawberry.field(
        default=None, description="Whether it is called. Once it is again, it is owed what happens from then on."
    )


@strawberry.input(description="One reporting webhook.")
class ReportingWebhookInput:
    """Which one."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.input(description="Calls that are to be made now.")
class RetryWebhookCallsInput:
    """Of which webhook, and which of them."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    call_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Which calls, at most 1,000; left out, every dead letter and every call that waits."
    )


@strawberry.input(description="From where on a webhook is to be told again.")
class ReplayReportingWebhookInput:
    """Of which webhook, and from where."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    after: str = strawberry.field(
        description="A cursor: of deliveryEvents for Customer.io's words, of the inbox for SilentChat's."
    )


@strawberry.type(description="A reporting webhook after a change.")
class ReportingWebhookPayload:
    """The webhook as it is now."""

    webhook: ReportingWebhook = strawberry.field(description="The webhook as it is now.")


@strawberry.type(description="A reporting webhook with a new secret.")
class ReportingWebhookSecretPayload:
    """The webhook, and what is shown this once."""

    webhook: ReportingWebhook = strawberry.field(description="The webhook.")
    secret: str = strawberry.field(description="By which its calls are signed. It is not shown again.")


@strawberry.type(description="Which reporting webhook was deleted.")
class DeleteReportingWebhookPayload:
    """The id that was."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook that was deleted.")


@strawberry.type(description="A reporting webhook whose calls are made now.")
class RetryWebhookCallsPayload:
    """The webhook, and how many calls."""

    webhook: ReportingWebhook = strawberry.field(description="The webhook.")
    count: int = strawberry.field(description="How many calls are made now.")


def _webhook(key: UUID) -> Any:
    return Ref(ReportingWebhook, key)


def _key(input: Any) -> UUID:
    return parse_id("reporting_webhook", input.webhook_id, "webhook_id")


def _kept(value: Any) -> Any:
    return KEEP if value is None else value


@strawberry.type
class ReportingMutation:
    """Changes to reporting webhooks."""

    @mutation(Scope.WEBHOOKS_WRITE, "Makes a reporting webhook. It is told of what happens from now on.")
    async def create_reporting_webhook(
        self, info: Info, input: CreateReportingWebhookInput
    ) -> ReportingWebhookSecretPayload:
        async with info.context.write() as tx:
            made = await actions.create_webhook(
                tx,
                name=input.name,
                endpoint=input.endpoint,
                events=input.events,
                dialect=input.dialect.value,
                full_resolution=input.full_resolution,
                with_content=input.with_content,
                is_enabled=input.is_enabled,
            )
        return ReportingWebhookSecretPayload(webhook=_webhook(made.webhook.id), secret=made.secret)

    @mutation(Scope.WEBHOOKS_WRITE, "Changes a reporting webhook.")
    async def update_reporting_webhook(self, info: Info, input: UpdateReportingWebhookInput) -> ReportingWebhookPayload:
        key = _key(input)
        async with info.context.write() as tx:
            await actions.update_webhook(
                tx,
                webhook_id=key,
                name=_kept(input.name),
                endpoint=_kept(input.endpoint),
                events=_kept(input.events),
                full_resolution=_kept(input.full_resolution),
                with_content=_kept(input.with_content),
                is_enabled=_kept(input.is_enabled),
            )
        return ReportingWebhookPayload(webhook=_webhook(key))

    @mutation(Scope.WEBHOOKS_WRITE, "Deletes a reporting webhook, with everything that it is owed.")
    async def delete_reporting_webhook(self, info: Info, input: ReportingWebhookInput) -> DeleteReportingWebhookPayload:
        key = _key(input)
        async with info.context.write() as tx:
            await actions.delete_webhook(tx, webhook_id=key)
        return DeleteReportingWebhookPayload(webhook_id=strawberry.ID(public_id("reporting_webhook", key)))

    @mutation(Scope.WEBHOOKS_WRITE, "Gives a reporting webhook a new secret; calls are signed by it from now on.")
    async def rotate_reporting_webhook_secret(
        self, info: Info, input: ReportingWebhookInput
    ) -> ReportingWebhookSecretPayload:
        key = _key(input)
        async with info.context.write() as tx:
            made = await actions.rotate_webhook_secret(tx, webhook_id=key)
        return ReportingWebhookSecretPayload(webhook=_webhook(key), secret=made.secret)

    @mutation(Scope.WEBHOOKS_WRITE, "Makes dead letters, and calls that wait to be tried again, now.")
    async def retry_webhook_calls(self, info: Info, input: RetryWebhookCallsInput) -> RetryWebhookCallsPayload:
        key, ids = _key(input), input.call_ids
        calls = (
            None if ids is None else [parse_id("webhook_call", id, f"call_ids.{place}") for place, id in enumerate(ids)]
        )
        async with info.context.write() as tx:
            count = await actions.retry_calls(tx, webhook_id=key, call_ids=calls)
        return RetryWebhookCallsPayload(webhook=_webhook(key), count=count)

    @mutation(Scope.WEBHOOKS_WRITE, "Tells a webhook again everything that happened after a cursor of the feed.")
    async def replay_reporting_webhook(self, info: Info, input: ReplayReportingWebhookInput) -> ReportingWebhookPayload:
        key = _key(input)
        async with info.context.write() as tx:
            await actions.replay_calls(tx, webhook_id=key, after=input.after)
        return ReportingWebhookPayload(webhook=_webhook(key))
