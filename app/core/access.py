"""Who is asking and what they may do: scopes, roles, plans, and the principal of a unit of work."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.core.errors import Forbidden, Unauthenticated


class Scope(StrEnum):
    """One thing a caller may be allowed to do."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_ERASE = "customers:erase"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    WIDGETS_READ = "widgets:read"
    WIDGETS_WRITE = "widgets:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    CAMPAIGNS_SEND = "campaigns:send"
    DELIVERIES_READ = "deliveries:read"
    METRICS_READ = "metrics:read"
    INTEGRATIONS_READ = "integrations:read"
    INTEGRATIONS_WRITE = "integrations:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    OUTBOX_READ = "outbox:read"
    TENANT_WRITE = "tenant:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    AUDIT_READ = "audit:read"
    VISITOR = "visitor"
    """Held by visitors alone: to see and say what is theirs. No role and no key has it."""


class Role(StrEnum):
    """A member's place in a tenant, strongest first."""

    OWNER = "owner"
    ADMIN = "admin"
    MARKETER = "marketer"
    AGENT = "agent"
    VIEWER = "viewer"


ALL_SCOPES = frozenset(Scope) - {Scope.VISITOR}
_READING_PEOPLE = frozenset(
    {Scope.CUSTOMERS_READ, Scope.EVENTS_READ, Scope.SEGMENTS_READ, Scope.CONVERSATIONS_READ, Scope.WIDGETS_READ}
    | {Scope.CAMPAIGNS_READ, Scope.DELIVERIES_READ, Scope.METRICS_READ}
)
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: ALL_SCOPES,
    Role.ADMIN: ALL_SCOPES,
    Role.MARKETER: _READING_PEOPLE
    | {Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE, Scope.SEGMENTS_WRITE, Scope.MEMBERS_READ, Scope.OUTBOX_READ}
    | {Scope.CONVERSATIONS_WRITE, Scope.WIDGETS_WRITE}
    | {Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_SEND, Scope.INTEGRATIONS_READ, Scope.WEBHOOKS_READ},
    Role.AGENT: _READING_PEOPLE
    | {Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE, Scope.MEMBERS_READ, Scope.CONVERSATIONS_WRITE},
    Role.VIEWER: _READING_PEOPLE | {Scope.MEMBERS_READ},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Requests a minute, and how many may come at once (``silocdp.md``, rate limits)."""

    name: str
    per_minute: float
    burst: int


PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", 60, 10),
        Plan("starter", 300, 50),
        Plan("professional", 1000, 100),
        Plan("enterprise", 5000, 500),
        Plan("visitor", 120, 40),
    )
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one unit of work.

    ``kind``: ``member`` (``id`` is the user's), ``api_key`` (``id`` is the key's), ``visitor`` (a browser with a
    widget; ``id`` is the visitor's), ``public`` (nobody yet: may only register, log in, open a widget and the like) or
    ``system`` (our own work: no tenant or the tenant worked for, every scope).
    ``source`` names the door for the rows it writes: graph, silocdp, customerio, console, system.
    """

    kind: str
    tenant_id: UUID | None
    id: UUID | None = None
    label: str = ""
    scopes: frozenset[Scope] = frozenset()
    role: Role | None = None
    plan: str = "free"
    source: str = "graph"
    session_id: UUID | None = None
    expires_at: datetime | None = None
    origin: str | None = field(default=None, compare=False)
    """The page from which a browser called, as its ``Origin`` header has it."""
    request_id: str | None = field(default=None, compare=False)

    @property
    def caller(self) -> str:
        """The key under which limits and sockets are counted."""
        return f"{self.kind}:{self.id}" if self.id else self.kind

    def require(self, scope: Scope) -> None:
        """Raises :class:`Forbidden` unless the caller holds ``scope``, :class:`Unauthenticated` for nobody."""
        if self.kind == "public":
            raise Unauthenticated("Sign in or send an API key.")
        if scope not in self.scopes:
            raise Forbidden(f"This needs the scope {scope.value}.", scope.value)

    def require_member(self) -> UUID:
        """The id of the user who is signed in. :class:`Forbidden` for keys, :class:`Unauthenticated` for nobody."""
        if self.kind == "public":
            raise Unauthenticated("Sign in first.")
        if self.kind != "member" or self.id is None:
            raise Forbidden("Only a signed-in member can do this.")
        return self.id

    def through(self, source: str, request_id: str | None = None) -> "Principal":
        """The same caller, coming through another door."""
        return replace(self, source=source, request_id=request_id)


PUBLIC = Principal("public", None, label="public")


def system(tenant_id: UUID | None = None) -> Principal:
    """Our own work, for one tenant or across all of them."""
    return Principal("system", tenant_id, label="system", scopes=ALL_SCOPES, source="system")
