"""From a credential to the principal whose it is. Every door asks here, and nowhere else."""

import asyncio
from contextvars import Context
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog
from cachetools import LRUCache
from sqlalchemy import or_, select, update
from sqlmodel import col

from app.actions.accounts.memberships import Membership
from app.actions.visitors.sessions import find_session, visitor_principal
from app.core import clock
from app.core.access import PUBLIC, Principal, Scope, system
from app.core.credentials import REMEMBERED, Credential
from app.core.errors import NotFound, Unauthenticated
from app.core.services import Services
from app.core.tokens import ApiKeyText
from app.core.tx import UnitsOfWork
from models import ApiKey, Member, Session, Tenant

log = structlog.get_logger()

NOTE_USE_EVERY = timedelta(minutes=1)
WRONG_KEY = "The API key is not valid."
WRONG_TOKEN = "The access token is not valid or has expired."  # noqa: S105


class Authenticator:
    """Recognises callers. Answers are kept for at most five seconds, and dropped at once when this process revokes."""

    def __init__(self, units: UnitsOfWork, services: Services) -> None:
        self._units = units
        self._services = services
        self._noted: LRUCache[UUID, float] = LRUCache(REMEMBERED)
        self._writing: set[asyncio.Task[None]] = set()

    async def authenticate(self, credential: Credential, source: str, request_id: str | None = None) -> Principal:
        """The caller who sent ``credential`` through the door ``source``. Raises :class:`Unauthenticated`.

        To be called with no unit of work open. A visitor's token is good only on pages of ``principal.origin``, which
        a door compares with the request's own ``Origin``.
        """
        recognised = self._services.recognised
        principal = recognised.find(credential)
        if principal is None:
            moment = recognised.moment
            principal = await self._recognise(credential)
            recognised.remember(credential, principal, moment)
        if principal.kind == "api_key" and principal.id is not None:
            self._note_use(principal.id, principal.tenant_id)
        return principal.through(source, request_id)

    async def in_tenant(self, principal: Principal, tenant_id: UUID) -> Principal:
        """The same caller in a tenant that a request names: a member may belong to several, a key belongs to one.

        Raises :class:`NotFound` for a tenant that is not theirs, whether or not there is one.
        """
        if tenant_id == principal.tenant_id:
            return principal
        membership = None
        if principal.kind == "member" and principal.id is not None:
            async with self._units.read(PUBLIC) as reading:
                membership = await Membership.find(reading, principal.id, tenant_id)
        if membership is None:
            raise NotFound("tenant")
        there = replace(membership.principal(principal.session_id), expires_at=principal.expires_at)
        return there.through(principal.source, principal.request_id)

    def forget(self, *ids: UUID) -> None:
        """Drops what is remembered of these users, keys, sessions or tenants: another process revoked them."""
        self._services.recognised.forget(ids)

    async def close(self) -> None:
        """Waits for the last uses of keys to be written."""
        if self._writing:
            await asyncio.wait(self._writing)

    async def _recognise(self, credential: Credential) -> Principal:
        match credential.kind:
            case "api_key":
                return await self._key(credential.text)
            case "access_token":
                return await self._member(credential.text)
            case "visitor_token":
                async with self._units.read(PUBLIC) as reading:
                    return visitor_principal(*await find_session(reading, credential.text))
            case _:
                raise Unauthenticated("The credential cannot be read.")

    async def _member(self, text: str) -> Principal:
        claims = self._services.tokens.read_access(text)
        alive = (
            Membership.joined()
            .join(
                Session,
                (col(Session.user_id) == col(Member.user_id)) & (col(Session.tenant_id) == col(Member.tenant_id)),
            )
            .where(
                col(Session.id) == claims.session_id,
                col(Session.revoked_at).is_(None),
                col(Session.user_id) == claims.user_id,
                col(Session.tenant_id) == claims.tenant_id,
            )
        )
        async with self._units.read(PUBLIC) as reading:
            row = (await reading.session.execute(alive)).one_or_none()
        if row is None:
            raise Unauthenticated(WRONG_TOKEN)
        return replace(Membership.from_row(row).principal(claims.session_id), expires_at=claims.expires_at)

    async def _key(self, text: str) -> Principal:
        presented = ApiKeyText.parse(text)
        if presented is None:
            raise Unauthenticated(WRONG_KEY)
        found = (
            select(ApiKey, col(Tenant.plan))
            .join(Tenant, col(Tenant.id) == col(ApiKey.tenant_id))
            .where(col(ApiKey.prefix) == presented.prefix)
        )
        async with self._units.read(PUBLIC) as reading:
            row = (await reading.session.execute(found)).one_or_none()
        if row is None or not presented.matches(row[0].secret_hash):
            raise Unauthenticated(WRONG_KEY)
        key, plan = row
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= clock.now()):
            raise Unauthenticated(WRONG_KEY)
        return Principal(
            "api_key",
            key.tenant_id,
            key.id,
            label=f"{key.name} ({key.prefix})",
            scopes=frozenset(Scope(scope) for scope in key.scopes if scope in set(Scope)),
            plan=plan,
            expires_at=key.expires_at,
        )

    def _note_use(self, key_id: UUID, tenant_id: UUID | None) -> None:
        """Writes the last use beside the request, which does not wait for it."""
        now = clock.now().timestamp()
        if now - self._noted.get(key_id, 0.0) < NOTE_USE_EVERY.total_seconds():
            return
        self._noted[key_id] = now
        # A context of its own: the task must not inherit that a unit of work is open.
        task = asyncio.create_task(self._write_use(key_id, tenant_id), context=Context())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, key_id: UUID, tenant_id: UUID | None) -> None:
        try:
            async with self._units.write(system(tenant_id)) as tx:
                earlier = or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < tx.now)
                used = update(ApiKey).where(col(ApiKey.id) == key_id, earlier).values(last_used_at=tx.now)
                await tx.session.execute(used.execution_options(synchronize_session=False))
        except Exception:
            self._noted.pop(key_id, None)
            log.warning("the last use of an API key was not written", api_key=str(key_id), exc_info=True)
