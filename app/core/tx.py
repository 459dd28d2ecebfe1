"""The unit of work: one session, one caller, and what must be told to the world only if it commits.

An action receives a :class:`Tx`; the edge (a door or a worker) opens it with :class:`UnitsOfWork` and only the edge
commits. What an action emits becomes rows of the feed inside the transaction; the hints to subscribers and workers are
released after the commit and thrown away on rollback.

A refusal rolls back, with one exception: an action that finds an attack revokes something *and* refuses, so it raises
``tx.commit_despite(error)``; the unit then commits and the caller gets the error all the same.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from app.core import clock
from app.core.access import Principal, Scope
from app.core.counters import Count, write_counts
from app.core.database import Database
from app.core.errors import Overloaded, RapportError
from app.core.feed import FeedItem, Position, append_to_feed, customer_topic, is_shared_topic
from app.core.ids import new_id
from app.core.jobs.rows import NewJob, insert_jobs
from app.core.locks import is_deadlock
from app.core.metrics import UNIT_SECONDS
from app.core.rows import Only, insert_rows, update_rows
from app.core.services import Services
from app.core.tenancy import TenantSession, enter_tenant, insert_values
from models import AuditEntry, TenantScoped

LAZILY = text("SET LOCAL synchronous_commit TO off")
_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)
Refusal = TypeVar("Refusal", bound=RapportError)
Change = tuple[str, str]
"""What changed of a customer: a kind and a name, such as ``("attribute", "plan")`` or ``("event", "purchase")``."""


@dataclass
class Reading:
    """A session that only reads, for one caller. ``now`` is the one moment of this unit of work."""

    session: AsyncSession
    principal: Principal
    services: Services
    now: datetime = field(default_factory=clock.now)

    def require(self, scope: Scope) -> None:
        """Raises :class:`app.core.errors.Forbidden` unless the caller holds ``scope``."""
        self.principal.require(scope)

    def require_member(self) -> UUID:
        """The id of the user who is signed in. Raises as :meth:`Principal.require_member` does."""
        return self.principal.require_member()

    @property
    def tenant_id(self) -> UUID:
        """The caller's tenant. A programming error where nobody's tenant is known yet."""
        if self.principal.tenant_id is None:
            raise RuntimeError("this unit of work has no tenant")
        return self.principal.tenant_id


@dataclass
class Tx(Reading):
    """A unit of work that may write."""

    _feed: list[FeedItem] = field(default_factory=list)
    _touched: dict[UUID, dict[Change, None]] = field(default_factory=dict)
    _jobs: list[NewJob] = field(default_factory=list)
    _audit: list[dict[str, Any]] = field(default_factory=list)
    _revoked: list[UUID] = field(default_factory=list)
    _kept: RapportError | None = None
    member_counts: Counter[UUID] = field(default_factory=Counter)
    """By how many the members of segments become more or fewer."""
    counts: list[Count] = field(default_factory=list)
    """What :func:`app.core.counters.add_counts` has counted in this unit."""
    wake_at: datetime | None = None
    """The earliest moment at which the clock alone may change something that this unit has written."""
    _sends: bool = False

    def emit(self, topic: str, kind: str, subject_id: UUID, data: Mapping[str, Any] | None = None) -> None:
        """Adds an entry to ``topic`` of the feed, visible to subscribers when this unit commits."""
        self._feed.append(FeedItem(topic, kind, subject_id, dict(data or {})))

    def touch(self, customer_id: UUID, *changes: Change) -> None:
        """Notes what changed of a customer, for whoever must go by it before this unit commits."""
        self._touched.setdefault(customer_id, {}).update(dict.fromkeys(changes))

    def enqueue(
        self, kind: str, payload: Mapping[str, Any], *, run_at: datetime | None = None, key: str | None = None
    ) -> None:
        """Adds due work. With ``key``, work of this kind and key that is still there is not added again."""
        self._jobs.append(NewJob(kind, dict(payload), run_at or self.now, key, self.principal.tenant_id))

    def dispatch(self) -> None:
        """Says that there are deliveries to be sent: whoever sends looks for them as soon as this unit commits."""
        self._sends = True

    def audit(self, action: str, subject_id: str, changes: Mapping[str, Any] | None = None) -> None:
        """Notes who did what (``customer.merge``) to which public id, in the caller's tenant."""
        caller = self.principal
        self._audit.append(
            {
                "tenant_id": self.tenant_id,
                "id": new_id(),
                "occurred_at": self.now,
                "actor_kind": caller.kind,
                "actor_id": caller.id,
                "actor_label": caller.label[:320],
                "action": action,
                "subject_id": subject_id,
                "changes": dict(changes or {}),
                "request_id": caller.request_id,
            }
        )

    def forget(self, *ids: UUID) -> None:
        """Makes every principal of these users, keys, sessions or tenants be looked up anew after the commit."""
        self._revoked.extend(ids)

    def commit_despite(self, refusal: Refusal) -> Refusal:
        """``raise tx.commit_despite(error)`` refuses, yet commits what this unit has written so far."""
        self._kept = refusal
        return refusal

    def keeps(self, refusal: RapportError) -> bool:
        """Whether the unit is to be committed although it ends with ``refusal``."""
        return refusal is self._kept

    async def commit_lazily(self) -> None:
        """The commit need not wait until it is on disk: a crash of the database may undo this unit, and nobody minds.
        On SQLite it waits all the same."""
        if self._on_postgres:
            await self.session.execute(LAZILY)

    async def enter(self, principal: Principal) -> None:
        """Goes on as ``principal``: a public unit that has just learned whose it is, or which tenant it works for.

        From here on rows, audit entries and jobs are that tenant's, and statements are narrowed to it.
        """
        self.principal = replace(principal, source=self.principal.source, request_id=self.principal.request_id)
        await enter_tenant(self.session, principal.tenant_id, on_postgres=self._on_postgres)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Gives the connection back for the length of the block, for slow work that needs none (a password hash).

        On SQLite everybody else's writes wait for it otherwise. Nothing may have been written yet, and what was read
        before may be different afterwards.
        """
        if self.session.new or self.session.dirty:
            raise RuntimeError("this unit of work has written already")
        await self.session.close()
        yield
        await enter_tenant(self.session, self.principal.tenant_id, on_postgres=self._on_postgres)

    @asynccontextmanager
    async def trial(self, *, keep: bool) -> AsyncIterator[None]:
        """Takes back what the block wrote, unless ``keep``: work that must cost the same either way."""
        savepoint = await self.session.begin_nested()
        yield
        await (savepoint.commit() if keep else savepoint.rollback())

    @property
    def _on_postgres(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    async def insert(self, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
        """Inserts many rows in few statements. Rows of a tenant's table are stamped with the caller's tenant."""
        stamped = [dict(row) for row in rows]
        if issubclass(table, TenantScoped):
            stamped = insert_values(self.tenant_id, stamped)
        await insert_rows(await self.session.connection(), table, stamped)

    async def update(
        self,
        table: type[SQLModel],
        rows: Sequence[Mapping[str, Any]],
        match: Sequence[str] = ("id",),
        only: Only | None = None,
    ) -> set[UUID]:
        """Gives many rows of the tenant new values in one statement, each its own; see
        :func:`app.core.rows.update_rows`. Returns the ids of those that were found."""
        return await update_rows(await self.session.connection(), table, self.tenant_id, rows, match, only)

    async def settle(self, follow: "Follow | None" = None) -> "Released":
        """Writes what was held back (feed, counters, jobs, audit). The edge calls this before commit.

        ``follow`` hears what changed of whom while the customers' topics are locked: who writes of the same customer
        at the same time comes before or after, and sees what this unit did or is seen by it. Shared topics are locked
        last, for the shortest time.
        """
        await self.session.flush()
        if self._audit:
            await self.insert(AuditEntry, self._audit)
        positions: list[Position] = []
        if follow is not None and (self._touched or self.member_counts):
            positions += await self._append(early=True)
            await follow(self, self._touched)
        positions += await self._append(early=False)
        if self.counts:
            await write_counts(self.session, self.tenant_id, self.counts)
        if self._jobs:
            await insert_jobs(self.session, self._jobs, self.now)
        kinds = sorted({job.kind for job in self._jobs})
        return Released(self.principal.tenant_id, positions, kinds, tuple(self._revoked), self.wake_at, self._sends)

    async def _append(self, *, early: bool) -> list[Position]:
        """Appends what was emitted; ``early`` leaves shared topics, and locks those of whoever was touched."""
        now = [item for item in self._feed if not (early and is_shared_topic(item.topic))]
        self._feed = [item for item in self._feed if early and is_shared_topic(item.topic)]
        also = map(customer_topic, self._touched) if early else ()
        if not now and not (early and self._touched):
            return []
        return await append_to_feed(self.session, self.tenant_id, now, self.now, also)


@dataclass(frozen=True, slots=True)
class Released:
    """What a commit lets out: which topics have grown to where, which kinds of work are due, and whose principals
    (users, keys, sessions, tenants) are no longer what they were; by when somebody must look at the clock; and whether
    there are deliveries to be sent."""

    tenant_id: UUID | None
    positions: Sequence[Position] = ()
    job_kinds: Sequence[str] = ()
    revoked: Sequence[UUID] = ()
    wake_at: datetime | None = None
    sends: bool = False


Follow = Callable[[Tx, Mapping[UUID, Mapping[Change, None]]], Awaitable[None]]
"""Goes by what changed of whom, inside the unit that changed it: segments, later journeys."""


class UnitsOfWork:
    """Opens units of work on a database. ``on_commit`` hears what each commit released; it must not block.
    ``follow`` goes by what changed of customers, before each commit."""

    def __init__(
        self,
        database: Database,
        on_commit: Callable[[Released], None] = lambda _: None,
        services: Services | None = None,
        follow: Follow | None = None,
    ) -> None:
        self._database = database
        self._follow = follow
        self.on_commit = on_commit
        self.services = services or Services.of(database.settings)

    @asynccontextmanager
    async def write(self, principal: Principal) -> AsyncIterator[Tx]:
        """A unit of work that commits when the block ends and rolls back when it raises (but see
        :meth:`Tx.commit_despite`). Raises :class:`Overloaded` when it and another one waited for each other."""
        if _open.get():
            raise RuntimeError("a unit of work is already open in this task: two would wait for each other")
        token = _open.set(True)
        kept: RapportError | None = None
        try:
            async with self._session(principal, self._database.writer, "write") as session:
                tx = Tx(session, principal, self.services)
                try:
                    yield tx
                except RapportError as refusal:
                    if not tx.keeps(refusal):
                        raise
                    kept = refusal
                released = await tx.settle(self._follow)
                await session.commit()
        except DBAPIError as failure:
            if is_deadlock(failure):
                raise Overloaded("Others were changing the same. Nothing was done; please try again.") from failure
            raise
        finally:
            _open.reset(token)
        self._tell(released)
        if kept is not None:
            raise kept

    @asynccontextmanager
    async def read(self, principal: Principal) -> AsyncIterator[Reading]:
        """A consistent view that cannot write."""
        async with self._session(principal, self._database.reader, "read") as session:
            yield Reading(session, principal, self.services)

    def _tell(self, released: Released) -> None:
        if released.revoked:
            self.services.recognised.forget(released.revoked)
        if released.positions or released.job_kinds or released.revoked or released.wake_at or released.sends:
            self.on_commit(released)

    @asynccontextmanager
    async def _session(self, principal: Principal, engine: Any, mode: str) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(engine, sync_session_class=TenantSession, expire_on_commit=False, autoflush=False)
        with UNIT_SECONDS.labels(mode).time():
            async with session:
                await enter_tenant(session, principal.tenant_id, on_postgres=not self._database.is_sqlite)
                yield session
