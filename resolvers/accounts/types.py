"""The tenant and those who work for it, as the graph shows them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import case

import models
from app.actions.accounts import get_me
from app.core.access import Scope
from app.core.ids import PREFIXES
from resolvers.canned_responses import CannedResponse
from resolvers.context import Info
from resolvers.conversations.types import Conversation
from resolvers.customers.types import Customer, Device, Identity, Merge
from resolvers.events.types import Event
from resolvers.nodes import Node, lookup
from resolvers.planner import arguments as given
from resolvers.planner.declare import TABLE_TYPES, Order, Ref, Rows, choice, column, connection, one, rows, table_type
from resolvers.planner.sql import KeyOfPublicId
from resolvers.scalars import JSON, Connection, DateTime, enum_value
from resolvers.segments.types import Segment
from resolvers.teams.types import Team
from resolvers.widgets.types import Domain, Widget

if TYPE_CHECKING:
    from resolvers.deliveries.types import Delivery

CREATED = Order("c", "created_at", descending=False)


@strawberry.enum(description="What a tenant pays for; it sets the rate limits.")
class Plan(Enum):
    """As stored, in capitals."""

    FREE = enum_value("free", description="60 requests a minute, 10 at once.")
    STARTER = enum_value("starter", description="300 requests a minute, 50 at once.")
    PROFESSIONAL = enum_value("professional", description="1,000 requests a minute, 100 at once.")
    ENTERPRISE = enum_value("enterprise", description="5,000 requests a minute, 500 at once.")


@strawberry.enum(description="A member's place in a tenant, strongest first.")
class Role(Enum):
    """As stored, in capitals."""

    OWNER = enum_value("owner", description="Everything, and the last word.")
    ADMIN = enum_value("admin", description="Everything.")
    MARKETER = enum_value("marketer", description="Customers, events and what is sent to them.")
    AGENT = enum_value("agent", description="Customers and talking with them.")
    VIEWER = enum_value("viewer", description="Reading customers and events.")


def of_member(member: Rows, name: str) -> Any:
    """A column of the user whose membership this is."""
    user = rows(models.User)
    return lookup(user.where(user.c.id == member.c.user_id), user.c[name])


@table_type(models.Member, noun="member", scope=Scope.MEMBERS_READ)
class Member(Node):
    """Somebody who works for the tenant."""

    role: Role = column("Their place.")
    email: str = column("Their e-mail address.", lambda member: of_member(member, "email"))
    name: str = column("What they are called.", lambda member: of_member(member, "name"))
    email_verified_at: DateTime | None = column(
        "When they showed that the address is theirs.", lambda member: of_member(member, "email_verified_at")
    )
    invited_at: DateTime | None = column("When they were invited; null once they have accepted.")
    created_at: DateTime = column("When they joined or were invited.")


@table_type(models.ApiKey, noun="api_key", scope=Scope.API_KEYS_READ)
class ApiKey(Node):
    """A key for machines. The secret itself was shown once, when the key was made."""

    name: str = column("What it is for.")
    prefix: str = column("The public part of the key, after rpt_.")
    last4: str = column("How the key ends.")
    scopes: list[str] = column("What it may do.")
    created_at: DateTime = column("When it was made.")
    expires_at: DateTime | None = column("When it stops working by itself.")
    last_used_at: DateTime | None = column("When it was last used, within a minute.")
    revoked_at: DateTime | None = column("When it was revoked.")

    @one(lambda: Member, "Who made it, if they are still a member.", graphql_type=Member | None)
    def created_by(self: Any) -> Rows:
        member = rows(models.Member)
        return member.where(member.c.user_id == self.c.created_by_id)


@table_type(models.Tenant, noun="tenant", scope=None)
class Tenant(Node):
    """One company that uses Rapport."""

    name: str = column("What it is called.")
    plan: Plan = column("What it pays for.")
    created_at: DateTime = column("Since when it is here.")
    updated_at: DateTime = column("When it last changed.")


Actor = Annotated[Member | ApiKey, strawberry.union("Actor", description="Who can act for a tenant.")]


def _actors(entry: Rows) -> list[Any]:
    member, key = rows(models.Member), rows(models.ApiKey)
    return [
        (entry.c.actor_kind == "member", Member, member.where(member.c.user_id == entry.c.actor_id)),
        (entry.c.actor_kind == "api_key", ApiKey, key.where(key.c.id == entry.c.actor_id)),
    ]


PEOPLE: tuple[type, ...] = (Customer, Merge, Device, Identity, Event, Segment)
TALK: tuple[type, ...] = (Conversation, CannedResponse, Team, Widget, Domain)
SUBJECTS = (Tenant, Member, ApiKey, *PEOPLE, *TALK)

TABLES = {subject: TABLE_TYPES[subject.__name__] for subject in SUBJECTS}


def _subjects(entry: Rows) -> list[Any]:
    found = []
    for subject in SUBJECTS:
        table = TABLES[subject]
        prefix = PREFIXES[table.noun]
        row = rows(table.model)
        key = KeyOfPublicId(entry.c.subject_id, prefix)
        is_it = entry.c.subject_id.like(f"{prefix}\\_%", escape="\\")
        found.append((is_it, subject, row.where(row.c.id == case((is_it, key)))))
    return found


@table_type(models.AuditEntry, noun="audit_entry", scope=Scope.AUDIT_READ)
class AuditEntry(Node):
    """One change, and who made it."""

    occurred_at: DateTime = column("When it was made.")
    action: str = column("What was done: a noun and a verb.")
    actor: Actor | None = choice("Who did it, if they are still there.", _actors, scope=Scope.AUDIT_READ)
    actor_label: str = column("What they were called then.")
    subject_id: str = column("The public id of what was changed.")
    subject: Node | None = choice("What was changed, if it is still there.", _subjects, scope=Scope.AUDIT_READ)
    changes: JSON = column("What changed, as the change saw it.")
    request_id: str | None = column("The request in which it happened.")


@table_type(models.OutboxMessage, noun="outbox_message", scope=Scope.OUTBOX_READ)
class OutboxMessage(Node):
    """A message that was kept instead of sent."""

    channel: str = column("The channel it would have gone through.")
    purpose: str = column("Why it was written.")
    recipient: str = column("To whom.")
    subject: str = column("Its subject.")
    body: str = column("Its text.")
    created_at: DateTime = column("When it was written.")

    @one(
        lambda: None,  # type: ignore[arg-type,return-value]
        "The delivery whose message it is; that has the body.",
        graphql_type=Annotated["Delivery", strawberry.lazy("resolvers.deliveries.types")] | None,
        scope=Scope.DELIVERIES_READ,
    )
    def delivery(self: Any) -> Rows:
        delivery = rows(models.Delivery)
        return delivery.where(delivery.c.id == self.c.delivery_id)


@strawberry.type(description="The caller.")
class Viewer:
    """Who is asking, and what they may do."""

    kind: str = strawberry.field(description="member, api_key or public.")
    scopes: list[str] = strawberry.field(description="What the caller may do.")
    role: Role | None = strawberry.field(description="A member's place; null for a key.")
    label: str = strawberry.field(description="What the caller is called in the audit log.")
    member: Member | None = strawberry.field(description="The caller as a member; null for a key.")
    api_key: ApiKey | None = strawberry.field(description="The caller as a key; null for a member.")


@strawberry.type
class AccountQuery:
    """Root fields about the tenant."""

    @strawberry.field(description="Who is asking, and what they may do.")
    async def viewer(self, info: Info) -> Viewer:
        caller = info.context.principal
        member: Any = None
        if caller.kind == "member" and caller.id is not None:
            async with info.context.read() as reading:
                member = Ref(Member, (await get_me(reading)).member.id)
        key: Any = Ref(ApiKey, caller.id) if caller.kind == "api_key" and caller.id else None
        role = Role(caller.role.value) if caller.role else None
        scopes = sorted(scope.value for scope in caller.scopes)
        return Viewer(kind=caller.kind, scopes=scopes, role=role, label=caller.label, member=member, api_key=key)

    @one(lambda: Tenant, "The caller's tenant.", graphql_type=Tenant)
    def tenant(self: Any) -> Rows:
        return rows(models.Tenant)

    @connection(lambda: Member, "Who works for the tenant.", graphql_type=Connection[Member], scope=Scope.MEMBERS_READ)
    def members(self: Any) -> Rows:
        return rows(models.Member).ordered(CREATED)

    @connection(lambda: ApiKey, "The tenant's keys.", graphql_type=Connection[ApiKey], scope=Scope.API_KEYS_READ)
    def api_keys(
        self: Any,
        revoked: Annotated[bool | None, strawberry.argument(description="Only those that are, or are not.")] = None,
    ) -> Rows:
        key = rows(models.ApiKey)
        if revoked is not None:
            key = key.where(key.c.revoked_at.is_not(None) if revoked else key.c.revoked_at.is_(None))
        return key.ordered(CREATED)

    @connection(
        lambda: AuditEntry,
        "Who changed what, latest first.",
        graphql_type=Connection[AuditEntry],
        scope=Scope.AUDIT_READ,
    )
    def audit_log(
        self: Any,
        actions: Annotated[list[str] | None, strawberry.argument(description="Only these actions.")] = None,
        subject_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only about this thing.")] = None,
    ) -> Rows:
        entry = rows(models.AuditEntry)
        return entry.where(given.one_of(entry.c.action, actions), given.equals(entry.c.subject_id, subject_id)).ordered(
            Order("a", "occurred_at")
        )

    @connection(
        lambda: OutboxMessage,
        "Messages that were kept instead of sent, latest first.",
        graphql_type=Connection[OutboxMessage],
        scope=Scope.OUTBOX_READ,
    )
    def outbox(
        self: Any,
        recipient: Annotated[str | None, strawberry.argument(description="Only to this recipient.")] = None,
    ) -> Rows:
        message = rows(models.OutboxMessage)
        return message.where(given.equals(message.c.recipient, recipient)).ordered(Order("m", "created_at"))
