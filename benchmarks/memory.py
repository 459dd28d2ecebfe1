"""Memory of the idle server, and what each of 1,000 open subscriptions adds."""

import asyncio
import json
import resource
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from benchmarks.world import World, world
from tests.servers import Servers

SOCKETS = 1000
SUBSCRIBE = "subscription($id: ID!) { customerEvents(customerId: $id) { ... on FeedItem { cursor } } }"


def run(_: Servers) -> None:
    """Prints megabytes and kilobytes (resident set size of the web process, on SQLite)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    with world(None, peopled=False) as rapport:
        data = rapport.ask(
            "mutation($i: IdentifyCustomerInput!) { identifyCustomer(input: $i) { customer { id } } }",
            {"i": {"externalId": "u1"}},
        )
        idle = resident(rapport.served.pid)
        subscribed = asyncio.run(_with_sockets(rapport, data["identifyCustomer"]["customer"]["id"]))
    print(f"idle server       {idle / 1024:7.1f} MB")
    print(f"each subscription {(subscribed - idle) / SOCKETS:7.1f} kB   ({SOCKETS} open)", flush=True)


def resident(pid: int) -> int:
    """The resident set size of a process in kilobytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no resident set size")


async def _with_sockets(rapport: World, customer_id: str) -> int:
    gate = asyncio.Semaphore(50)

    async def open_one() -> Any:
        async with gate:
            socket = await connect(
                rapport.url.replace("http", "ws") + "/graphql", subprotocols=["graphql-transport-ws"], compression=None
            )
            await socket.send(
                json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {rapport.key}"}})
            )
            await socket.recv()
            payload = {"query": SUBSCRIBE, "variables": {"id": customer_id}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            return socket

    sockets = await asyncio.gather(*(open_one() for _ in range(SOCKETS)))
    await asyncio.sleep(3)
    occupied = resident(rapport.served.pid)
    await asyncio.gather(*(socket.close() for socket in sockets))
    return occupied
