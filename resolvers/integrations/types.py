"""Integrations as the graph shows them. Credentials are not a field of anything."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.actions import integrations as actions
from app.channels.kinds import KINDS, Kind
from app.core.access import Scope
from app.core.ids import parse_id
from resolvers.context import Info
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, many, one, rows, table_type
from resolvers.scalars import JSON, DateTime, enum_value

BY_NUMBER = Order("i", "number", descending=False, counts=True)


@strawberry.enum(description="A channel over which messages go.")
class MessageChannel(Enum):
    """As stored, in capitals."""

    EMAIL = enum_value("email", description="E-mail.")
    SMS = enum_value("sms", description="Text messages to phones.")
    PUSH = enum_value("push", description="Notifications on phones and in browsers.")
    IN_APP = enum_value("in_app", description="Messages in the chat.")
    WHATSAPP = enum_value("whatsapp", description="WhatsApp.")
    WEBHOOK = enum_value("webhook", description="A request to a web server.")


@table_type(models.Integration, noun="integration", scope=Scope.INTEGRATIONS_READ)
class Integration(Node):
    """A provider over which a channel's messages go."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What it is called.")
    kind: str = column("What it is: outbox, chat, smtp, telnyx, twilio, web_push, fcm, apns or webhook.")
    channel: MessageChannel = column("The channel it carries.")
    settings: JSON = column("What may be read of how it is used; passwords and keys are not in it.")
    has_credentials: bool = column(
        "Whether passwords or keys were given. They are encrypted and never shown.",
        lambda row: row.c.credentials.is_not(None),
    )
    is_default: bool = column("Whether its channel goes over it. A push channel has one for each kind.")
    is_enabled: bool = column("Whether messages may go over it now.")
    last_error: str | None = column("What was wrong with it as a whole when that was last seen; null if it works.")
    failed_at: DateTime | None = column("When that was seen.")
    callback_key: str = column("Where its provider calls us back: below /callbacks/ of this server.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@strawberry.enum(description="What became of a message that was handed to a provider.")
class SendResult(Enum):
    """As the channels say it, in capitals."""

    ACCEPTED = enum_value("accepted", description="The provider has taken it.")
    REJECTED = enum_value("rejected", description="The provider will never take it.")
    DEFERRED = enum_value("deferred", description="It was not taken, and may be later.")
    UNKNOWN = enum_value("unknown", description="The connection broke; it may have been taken.")


@strawberry.type(description="A record that a domain's owner is to set.")
class DnsRecord:
    """What DNS is to say."""

    purpose: str = strawberry.field(
        description="ownership, dkim (signed mail), tracking (if links are to lead here) or dmarc (advised)."
    )
    kind: str = strawberry.field(description="TXT, CNAME, A or AAAA.")
    name: str = strawberry.field(description="The name that has it.")
    value: str = strawberry.field(description="What it says; empty where that is not known yet.")
    hint: str | None = strawberry.field(description="What is to be done first, where that is so.")
    is_found: bool | None = strawberry.field(description="Whether it is there; null: nobody has looked.")


def shown_record(record: actions.DnsRecord) -> DnsRecord:
    """The record as the graph shows it."""
    return DnsRecord(
        purpose=record.purpose,
        kind=record.kind,
        name=record.name,
        value=record.value,
        hint=record.hint,
        is_found=record.is_found,
    )


@strawberry.type(description="A kind of integration, and what it must be told.")
class IntegrationKind:
    """What a form needs."""

    kind: str = strawberry.field(description="Its name.")
    title: str = strawberry.field(description="What people call it.")
    channels: list[MessageChannel] = strawberry.field(description="The channels it can carry.")
    settings: JSON = strawberry.field(description="JSON Schema of its settings.")
    credentials: JSON = strawberry.field(description="JSON Schema of its credentials.")


@strawberry.type
class IntegrationQuery:
    """Root fields about integrations."""

    @one(
        lambda: Integration,
        "One integration, or null.",
        graphql_type=Integration | None,
        scope=Scope.INTEGRATIONS_READ,
    )
    def integration(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The integration's public id.")]
    ) -> Rows:
        integration = rows(models.Integration)
        here = integration.c.deleted_at.is_(None)
        return integration.where(integration.c.id == given.key("integration", id), here)

    @many(
        lambda: Integration,
        "The integrations, by number.",
        graphql_type=list[Integration],
        scope=Scope.INTEGRATIONS_READ,
        size=20,
    )
    def integrations(
        self: Any,
        channel: Annotated[
            MessageChannel | None, strawberry.argument(description="Only those of this channel.")
        ] = None,
    ) -> Rows:
        integration = rows(models.Integration)
        wanted = None if channel is None else integration.c.channel == channel.value
        return integration.where(integration.c.deleted_at.is_(None), wanted).ordered(BY_NUMBER)

    @strawberry.field(description="What the DNS of a domain for mail is to say.")
    async def sending_domain_records(
        self, info: Info, domain_id: Annotated[strawberry.ID, strawberry.argument(description="The domain.")]
    ) -> list[DnsRecord]:
        info.context.principal.require(Scope.INTEGRATIONS_READ)
        key = parse_id("domain", domain_id, "domain_id")
        async with info.context.read() as reading:
            domain = await actions.sending_domain_of(reading, key)
            records = actions.dns_records(reading.services.settings, domain)
        return [shown_record(record) for record in records]

    @strawberry.field(description="The kinds of integrations, and what each must be told.")
    async def integration_kinds(self, info: Info) -> list[IntegrationKind]:
        info.context.principal.require(Scope.INTEGRATIONS_READ)
        return [_kind(kind) for kind in KINDS.values()]


def _kind(kind: Kind) -> IntegrationKind:
    settings: Any = kind.settings.model_json_schema()
    credentials: Any = kind.credentials.model_json_schema()
    return IntegrationKind(
        kind=kind.name,
        title=kind.title,
        channels=[MessageChannel(channel) for channel in kind.channels],
        settings=settings,
        credentials=credentials,
    )
