"""Web processes on one database that crash, restart and are used meanwhile, as a load balancer would use them."""

import asyncio
import random

from app.core.settings import Settings
from tests.serving import Served


class Cluster:
    """Some ``rapport serve`` on the same data. Nobody who uses it is told which of them are up."""

    def __init__(self, settings: Settings, processes: int, chance: random.Random) -> None:
        own = {
            "RAPPORT_PUBLIC_URL": "http://rapport.test",  # who issued a token must not depend on the port
            "RAPPORT_RATE_LIMITS": "false",
            "RAPPORT_LOG_LEVEL": "warning",
        }
        self._servers = [Served(settings, **own) for _ in range(processes)]
        self._chance = chance
        self._restart: asyncio.Task[Served] | None = None
        self.crashes = 0

    async def start(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(served.start) for served in self._servers))

    async def stop(self) -> None:
        if self._restart is not None:
            await asyncio.wait({self._restart})
        await asyncio.gather(*(asyncio.to_thread(served.stop) for served in self._servers))

    @property
    def url(self) -> str:
        """One of the servers, whether it is up or not."""
        return self._chance.choice(self._servers).url

    async def crash(self) -> None:
        """Kills one server with SIGKILL. It starts again while everybody goes on as they can."""
        served = await self._some_server()
        await asyncio.to_thread(served.kill)
        self.crashes += 1
        self._restart = asyncio.create_task(asyncio.to_thread(served.start))

    async def roll(self) -> None:
        """Stops one server as an operator does, who expects a clean exit. It starts again."""
        served = await self._some_server()
        code = await asyncio.to_thread(served.stop)
        assert code == 0, f"a stopped server exits with 0, not {code}"
        self._restart = asyncio.create_task(asyncio.to_thread(served.start))

    async def _some_server(self) -> Served:
        """One of the servers, when all are up."""
        if self._restart is not None:
            await self._restart
        return self._chance.choice(self._servers)
