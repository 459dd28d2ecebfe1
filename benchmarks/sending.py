"""A campaign of 20,000 personal e-mails to the outbox and over SMTP, with transactional ones in between.

``SENDING_LARGE=1`` adds one of 200,000, to see that memory does not grow with it. SMTP needs Debian's ``smtp-sink``
(postfix), here or where ``SMTP_SINK`` says.
"""

import asyncio
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from sqlalchemy import event, func, select
from sqlmodel import col

from app.core import clock
from app.core.access import system
from app.core.database import Database
from app.core.garbage import rest_collector
from app.core.ids import new_id
from app.core.migrations import upgrade
from app.core.settings import Settings
from app.runtime import Runtime
from benchmarks.world import SECRET, new_database
from models import Delivery, Integration
from tests.sending.mailing import Mailing
from tests.servers import Servers, free_port
from tests.tenants import insert_tenant

RECIPIENTS, LARGE = 20_000, 200_000
PORTION = 5_000
EVERY_S = 0.1
WAITING = ("queued", "claimed", "sending")
SINKS = ("smtp-sink", "/usr/sbin/smtp-sink", "/usr/lib/postfix/sbin/smtp-sink")


@dataclass
class Costs:
    """What one campaign took."""

    seconds: float
    own_s: float
    renderer_s: float
    statements: int
    waits_s: list[float]

    def line(self, recipients: int) -> str:
        per = 1000 / recipients
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        urgent = f"  transactional p99 {1000 * quantiles(self.waits_s, n=100)[98]:.0f} ms" if self.waits_s else ""
        return (
            f"{recipients / self.seconds:6.0f} messages/s  {self.statements / recipients:.3f} statements, "
            f"{self.own_s * per:.2f} + {self.renderer_s * per:.2f} ms of CPU a message  {peak} MB{urgent}"
        )


def run(servers: Servers) -> None:
    """Prints both ways on SQLite and on Postgres."""
    for title, of in (("sqlite", None), ("postgres", servers)):
        print(f"{title:9} outbox {measured(of, RECIPIENTS)}", flush=True)
        with smtp_sink() as port:
            if port is None:
                print(f"{title:9} SMTP   not measured: there is no smtp-sink", flush=True)
            else:
                print(f"{title:9} SMTP   {measured(of, RECIPIENTS, port)}", flush=True)
                print(f"{title:9} both   {measured(of, RECIPIENTS, port, urgent=True)}", flush=True)
    if os.environ.get("SENDING_LARGE"):
        print(f"sqlite    outbox {measured(None, LARGE)}  ({LARGE:,})", flush=True)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}", flush=True)


def measured(servers: Servers | None, recipients: int, port: int | None = None, *, urgent: bool = False) -> str:
    """One campaign on a new database."""
    with TemporaryDirectory(prefix="rapport-bench-") as directory:
        database = asyncio.run(new_database(servers.postgres_url)) if servers else ""
        settings = Settings(
            data_dir=Path(directory),
            database_url=database,
            secret=SECRET,
            demo=False,
            allowed_private_hosts=["127.0.0.1"],
        )
        costs = uvloop.run(_campaign(settings, recipients, port, urgent=urgent))
    return costs.line(recipients)


@contextmanager
def smtp_sink() -> Iterator[int | None]:
    """The port of a running smtp-sink; None where there is none."""
    program = os.environ.get("SMTP_SINK") or next(filter(None, map(shutil.which, SINKS)), None)
    if program is None:
        yield None
        return
    port = free_port()
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([program, *as_user, f"127.0.0.1:{port}", "200"])
    try:
        time.sleep(0.5)
        yield port
    finally:
        sink.kill()
        sink.wait()


async def _campaign(settings: Settings, recipients: int, port: int | None, *, urgent: bool) -> Costs:
    database = Database(settings)
    await upgrade(database)
    await database.close()
    runtime = Runtime(settings, runs_jobs=False)
    await runtime.start()
    try:
        tenant = await insert_tenant(runtime.units, "Acme")
        mailing = await Mailing(runtime.units, tenant.id).begin()
        if port is not None:
            await _relay(runtime, mailing, port)
        for done in range(0, recipients, PORTION):
            await mailing.invite(min(PORTION, recipients - done))
        rest_collector()  # as the server does
        return await _sent(runtime, mailing, urgent=urgent)
    finally:
        await runtime.stop()


async def _relay(runtime: Runtime, mailing: Mailing, port: int) -> None:
    now = clock.now()
    where = {"host": "127.0.0.1", "port": port, "security": "none"}
    row = {"id": new_id(), "number": 1, "name": "sink", "kind": "smtp", "channel": "email", "settings": where}
    stamps = {"created_at": now, "updated_at": now}
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        await tx.insert(Integration, [{**row, "callback_key": new_id().hex, "is_default": True, **stamps}])


async def _sent(runtime: Runtime, mailing: Mailing, *, urgent: bool) -> Costs:
    statements = 0

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        nonlocal statements
        statements += not statement.startswith("BEGIN")

    for engine in {runtime.database.writer, runtime.database.reader}:
        event.listen(engine.sync_engine, "before_cursor_execute", count)
    before, began = os.times(), time.perf_counter()
    await runtime.sending.start()
    urgents = asyncio.create_task(_urgents(mailing)) if urgent else None
    await _until_sent(runtime, mailing)
    seconds = time.perf_counter() - began
    if urgents is not None:
        urgents.cancel()
        await asyncio.sleep(1)
    await runtime.sending.stop()
    after = os.times()
    return Costs(
        seconds,
        after.user + after.system - before.user - before.system,
        after.children_user + after.children_system - before.children_user - before.children_system,
        statements,
        await _waits(runtime, mailing),
    )


async def _urgents(mailing: Mailing) -> None:
    """Somebody is sent a transactional message, again and again."""
    people = mailing.people[:1]
    while True:
        await mailing.queue(people, lane=0, run_id=None, occurrence_id=new_id())
        await asyncio.sleep(EVERY_S)


async def _until_sent(runtime: Runtime, mailing: Mailing) -> None:
    left = select(func.count()).where(
        col(Delivery.lane) == 1, col(Delivery.state).in_(WAITING), col(Delivery.tenant_id) == mailing.tenant_id
    )
    while True:
        await asyncio.sleep(0.5)
        async with runtime.read(system(mailing.tenant_id)) as reading:
            if not (await reading.session.execute(left)).scalar_one():
                return


async def _waits(runtime: Runtime, mailing: Mailing) -> list[float]:
    """From the call to when the server's answer was written down: later than when it has reached SMTP."""
    sent = select(Delivery).where(col(Delivery.lane) == 0, col(Delivery.sent_at).is_not(None))
    rows = await mailing.rows(sent)
    return [(row.sent_at - row.created_at).total_seconds() for row in rows]
