"""Whoever prepares and sends a campaign is killed again and again: nobody is lost, and nobody is sent it twice.

``CAMPAIGN_RECIPIENTS=20000 CAMPAIGN_KILLS=50`` is the acceptance. On SQLite the server is killed, which does
everything; on Postgres with Redis one of two workers, or the server.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns import EVERYBODY, create_campaign, launch_campaign
from app.actions.deliveries import settle_doubts
from app.core import clock
from app.core.access import system
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Content, Delivery, Integration
from tests.sending.mailing import CONTENT, Mailing
from tests.sending.sink import Sink, sink
from tests.serving import ROOT, Served, environment
from tests.tenants import TenantAccount

RECIPIENTS = int(os.environ.get("CAMPAIGN_RECIPIENTS") or 300)
KILLS = int(os.environ.get("CAMPAIGN_KILLS") or 2)
UP_S = 1.2
"""How long somebody works before they are killed, on average."""
CONNECTIONS = 8
WAIT_S = 90 + RECIPIENTS / 100
OWN = {
    "RAPPORT_RATE_LIMITS": "false",
    "RAPPORT_LOG_LEVEL": "warning",
    "RAPPORT_SEND_LEASE_S": "6",
    "RAPPORT_ALLOWED_PRIVATE_HOSTS": '["127.0.0.1"]',
}


class Worker:
    """A ``rapport worker``."""

    def __init__(self, settings: Settings) -> None:
        self._environment = environment(settings, **OWN)
        self._log = settings.data_dir / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            command = [sys.executable, "-m", "app.cli", "worker"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(10)


class House:
    """Everybody who sends, and units of work beside them."""

    def __init__(self, settings: Settings, units: UnitsOfWork) -> None:
        own = OWN if settings.embedded else {**OWN, "RAPPORT_IN_PROCESS_JOBS": "false"}
        self._server = Served(settings, **own)
        self._workers = [] if settings.embedded else [Worker(settings), Worker(settings)]
        self.units = units

    async def start(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(one.start) for one in self._everybody))

    async def crash(self, chance: Random) -> None:
        """One of them is killed, and begins again."""
        one = chance.choice(self._everybody)
        await asyncio.to_thread(one.kill)
        await asyncio.to_thread(one.start)

    def end(self) -> None:
        for one in self._everybody:
            one.kill()

    @property
    def _everybody(self) -> list[Any]:
        return [self._server, *self._workers]


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    database = Database(settings)
    units = UnitsOfWork(database)
    house = House(settings, units)
    yield house
    house.end()
    units.services.close()
    await database.close()


@asynccontextmanager
async def launched(units: UnitsOfWork, tenant: TenantAccount, mailing: Mailing) -> AsyncIterator[Sink]:
    """A launched campaign to everybody over a server that takes its time, so that nobody is done before the last is
    killed."""
    delay_s = CONNECTIONS * KILLS * UP_S / RECIPIENTS
    async with sink(delay_s) as counting:
        now = clock.now()
        stamps = {"created_at": now, "updated_at": now}
        relay = {"host": "127.0.0.1", "port": counting.port, "security": "none", "connections": CONNECTIONS}
        row = {"id": new_id(), "number": 1, "name": "relay", "kind": "smtp", "channel": "email", "settings": relay}
        await mailing.people_with_addresses(RECIPIENTS)
        async with units.write(tenant.principal) as tx:
            await tx.insert(Integration, [{**row, "callback_key": new_id().hex, "is_default": True, **stamps}])
            mailing.campaign_id = await create_campaign(
                tx, name="News", channels=["email"], audience=EVERYBODY, goal=None
            )
            content = {**CONTENT, "id": mailing.content_id, "number": 1, "campaign_id": mailing.campaign_id, **stamps}
            await tx.insert(Content, [content])
        async with units.write(tenant.principal) as tx:
            await launch_campaign(tx, campaign_id=mailing.campaign_id)
        yield counting


async def over(mailing: Mailing) -> Counter[str]:
    """The states, once everybody is sent to or in doubt."""
    return await mailing.until(lambda states: states["sent"] + states["in_doubt"] == RECIPIENTS, WAIT_S)


async def addresses(mailing: Mailing, state: str) -> dict[UUID, str]:
    """Who is in a state, by delivery."""
    statement = select(Delivery).where(col(Delivery.campaign_id) == mailing.campaign_id, col(Delivery.state) == state)
    return {row.id: row.recipient for row in await mailing.rows(statement)}


@pytest.mark.timeout(240 + 30 * KILLS + RECIPIENTS / 20)
async def test_nobody_is_lost_and_nobody_is_sent_it_twice(house: House, tenant: TenantAccount) -> None:
    chance = Random(KILLS)
    mailing = Mailing(house.units, tenant.id)
    async with launched(house.units, tenant, mailing) as counting:
        await house.start()
        async with asyncio.timeout(WAIT_S):
            await counting.arrived.wait()
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.1, 2 * UP_S - 0.1))
            await house.crash(chance)
        states = await over(mailing)
        assert set(states) <= {"sent", "in_doubt"}
        assert len({row.customer_id for row in await mailing.deliveries()}) == RECIPIENTS
        assert max(counting.taken.values()) == 1
        sent, doubtful = await addresses(mailing, "sent"), await addresses(mailing, "in_doubt")
        assert set(counting.taken) >= set(sent.values()), "sent, but never arrived"
        assert set(counting.taken) <= set(sent.values()) | set(doubtful.values()), "arrived, but is not known as sent"
        await mailing.ended(WAIT_S)
        counts = await mailing.counts(mailing.campaign_id)
        expected = Counter(attempted=RECIPIENTS, created=RECIPIENTS, sent=len(sent), in_doubt=len(doubtful))
        assert Counter(counts) == +expected
        told = await mailing.told()
        assert (told["delivery.sent"], told["delivery.in_doubt"]) == (len(sent), len(doubtful))
        await settle(mailing, counting, doubtful)
        await over(mailing)
        await mailing.until(lambda states: states["sent"] == RECIPIENTS, WAIT_S)
        assert Counter(counting.taken.values()) == {1: RECIPIENTS}
        print(f"{RECIPIENTS} recipients, {KILLS} kills, {len(doubtful)} in doubt, nobody lost, nobody twice")  # noqa: T201


async def settle(mailing: Mailing, counting: Sink, doubtful: dict[UUID, str]) -> None:
    """What the receiving server knows of has arrived; the rest is sent again."""
    arrived = [id for id, address in doubtful.items() if address in counting.taken]
    lost = [id for id in doubtful if id not in arrived]
    async with mailing.units.write(system(mailing.tenant_id)) as tx:
        assert await settle_doubts(tx, verdict="sent", delivery_ids=arrived) == len(arrived)
        assert await settle_doubts(tx, verdict="resend", delivery_ids=lost) == len(lost)
