"""What is running: one :class:`Runtime` per process holds the database, the services, the hub and the jobs.

Doors and workers are given it; actions never see it. ``start`` and ``stop`` know the order of things.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.actions.authentication import Authenticator
from app.actions.following import Following
from app.core import logging, migrations
from app.core.access import Principal
from app.core.database import Database
from app.core.feed import DELIVERIES_TOPIC, INBOX_TOPIC, REPORTED_TOPIC
from app.core.jobs.carrier import Carrier
from app.core.jobs.runner import JobRunner, Work
from app.core.realtime.hub import Hub
from app.core.services import Services
from app.core.settings import Settings
from app.core.tx import Reading, Released, Tx, UnitsOfWork
from app.runtime.alarm import Alarm
from app.runtime.engagements import Engagements
from app.runtime.ingest import Ingest
from app.runtime.presence import PresenceKeeper
from app.runtime.providers import Providers
from app.runtime.reporting import Reporter
from app.runtime.sending import Sending

log = logging.logger(__name__)

SOUND_SQLITE = (3, 51, 3)
REPORTED = frozenset({DELIVERIES_TOPIC, INBOX_TOPIC, REPORTED_TOPIC})
STEP_S = 15.0
"""How long one part of a shutdown may take before the next begins."""


class SchemaBehind(RuntimeError):
    """The Postgres database has not got the newest schema, and is not migrated unasked."""

    def __init__(self) -> None:
        super().__init__("The database's schema is not the one of this version. Run `rapport migrate` first.")


@dataclass(frozen=True, slots=True)
class Handler:
    """What works off one kind of job. It opens its own units of work; with ``every``, the kind is periodic.

    ``run(runtime, payload, tenant_id)`` may be called twice for one job, so what it does must be idempotent.
    """

    run: Callable[["Runtime", Mapping[str, Any], UUID | None], Awaitable[None]]
    every: timedelta | None = None


class Runtime:
    """The inside of one process.

    ``handlers`` say how to work off each kind of job. ``runs_jobs`` None: as the settings have it for a web process;
    a worker process passes True.
    """

    def __init__(
        self,
        settings: Settings,
        handlers: Mapping[str, Handler] = MappingProxyType({}),
        *,
        runs_jobs: bool | None = None,
    ) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.services = Services.of(settings)
        self.units = UnitsOfWork(self.database, self._tell, self.services, Following())
        self.authenticator = Authenticator(self.units, self.services)
        self.limiter = self.services.limiter
        self.ingest = Ingest(self.units)
        self.engagements = Engagements(self.units)
        self.providers = Providers(self.units, settings)
        self.hub = Hub(settings.redis_url)
        self.presences = PresenceKeeper(self.hub, self.units)
        self.presence = self.presences.presence
        works = {kind: Work(partial(handler.run, self), handler.every) for kind, handler in handlers.items()}
        self.jobs = JobRunner(self.units, works)
        if runs_jobs is None:
            runs_jobs = settings.in_process_jobs or not settings.redis_url
        self.runs_jobs = runs_jobs and bool(works)
        self.alarm = Alarm(self.units)
        self.sending = Sending(self.units, settings, self.providers)
        self.reporter = Reporter(self.units, settings)
        self.carrier: Carrier | None = None
        if settings.redis_url:
            self.carrier = Carrier(settings.redis_url, self._look if self.runs_jobs else None)

    def write(self, principal: Principal) -> AbstractAsyncContextManager[Tx]:
        """A unit of work that commits when the block ends (:meth:`UnitsOfWork.write`)."""
        return self.units.write(principal)

    def read(self, principal: Principal) -> AbstractAsyncContextManager[Reading]:
        """A consistent view that cannot write (:meth:`UnitsOfWork.read`)."""
        return self.units.read(principal)

    async def start(self) -> None:
        """Opens the database (the embedded one is brought up to date first) and sets everything going.

        Redis may be away. Raises :class:`SchemaBehind`, and RuntimeError when another process has the embedded
        database; then nothing is left running.
        """
        try:
            self.database.lock_file()
            await self._check_schema()
            await self.database.open()
            await self.hub.start()
            await self.presences.start()
            if self.carrier is not None:
                await self.carrier.start()
            if self.runs_jobs:
                await self.jobs.start(alone=self.database.is_sqlite)
                await self.alarm.start()
                await self.sending.start(alone=self.database.is_sqlite)
                await self.reporter.start()
        except BaseException:
            await self.stop()
            raise

    def drain(self) -> None:
        """Begins a shutdown: every subscription ends, while requests go on being answered until :meth:`stop`."""
        self.hub.drain()

    async def stop(self) -> None:
        """Drains, lets work finish for a bounded time, and closes everything. May be called twice, and unstarted."""
        self.drain()
        ending: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("sending", self.sending.stop),
            ("alarm", self.alarm.stop),
            ("reporter", self.reporter.stop),
            ("jobs", self.jobs.stop),
            ("ingest", self.ingest.drain),
            ("engagements", self.engagements.drain),
            ("authenticator", self.authenticator.close),
        ]
        if self.carrier is not None:
            ending.append(("carrier", self.carrier.stop))
        ending += [
            ("providers", self.providers.close),
            ("presence", self.presences.stop),
            ("hub", self.hub.stop),
            ("limiter", self.limiter.close),
            ("database", self.database.close),
        ]
        for part, end in ending:
            try:
                async with asyncio.timeout(STEP_S):
                    await end()
            except Exception as failure:
                log.warning("a part did not stop cleanly", part=part, error=repr(failure))
        self.services.close()

    async def _check_schema(self) -> None:
        if self.database.is_sqlite:
            if sqlite3.sqlite_version_info < SOUND_SQLITE:
                log.warning(
                    "this SQLite can corrupt a write-ahead log: install pysqlite3", sqlite=sqlite3.sqlite_version
                )
            await migrations.upgrade(self.database)
        elif not await migrations.is_current(self.database):
            raise SchemaBehind

    def _tell(self, released: Released) -> None:
        self.hub.ring(released)
        if released.revoked and released.tenant_id is not None:
            self.providers.forget(released.tenant_id)
            self.reporter.forget()
        if released.job_kinds:
            self.jobs.nudge()
        if released.wake_at is not None:
            self.alarm.ring(released.wake_at)
        if any(position.topic in REPORTED for position in released.positions):
            self.reporter.nudge(released.tenant_id)
        if released.sends:
            self.sending.nudge()
        elsewhere = not self.runs_jobs and (released.wake_at or released.sends)
        if self.carrier is not None and (released.job_kinds or elsewhere):
            self.carrier.ring()

    def _look(self) -> None:
        """Another process has written work, or a moment to wake at, or something to send."""
        self.jobs.nudge()
        self.alarm.ring()
        self.sending.nudge()
