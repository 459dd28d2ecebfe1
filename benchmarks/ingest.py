"""Single events, each acknowledged after its commit, against an empty route of the same server."""

from benchmarks.load import Shot, side_by_side
from benchmarks.world import World, world
from tests.servers import Servers

CONNECTIONS = 64
SPREAD = """
local n = 0
request = function()
  n = n + 1
  local path = "/customerio/api/v1/customers/u" .. (n % 1000) .. "/events"
  return wrk.format("POST", path, wrk.headers, '{"name":"viewed","data":{"page":"/pricing","n":' .. n .. "}}")
end
"""


def run(servers: Servers) -> None:
    """Prints both on SQLite and on Postgres (with fsync)."""
    for title, of in (("sqlite", None), ("postgres", servers)):
        with world(of) as rapport:
            _measure(title, rapport)


def _measure(title: str, rapport: World) -> None:
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {rapport.key}"))
    shots = {
        "empty route": Shot(f"{rapport.url}/healthz"),
        "event": Shot(f"{rapport.url}/", headers=headers, lua=SPREAD),
    }
    seen = side_by_side(shots, connections=CONNECTIONS)
    empty, event = seen["empty route"], seen["event"]
    print(f"{title:9} empty route {empty.per_second:8.0f} req/s   p99 {empty.p99}")
    refused = f"   {event.refused} REFUSED" if event.refused else ""
    ratio = event.per_second / empty.per_second
    print(f"{title:9} event       {event.per_second:8.0f} req/s   p99 {event.p99}   {ratio:.2f} x{refused}", flush=True)
