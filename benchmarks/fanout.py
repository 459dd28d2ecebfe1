"""One message to 1,000 sockets that follow the same: Rapport, Node (graphql-ws on ws) and stock Strawberry.

Rapport commits each message to SQLite before it tells anybody; the peers publish in memory. The driver is the same for
all, in a process of its own: see :mod:`benchmarks.listeners`.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.listeners import Course, Heard
from benchmarks.memory import resident
from benchmarks.peers.running import Peer, missing_npm, node_peer, python_peer
from benchmarks.world import world
from tests.servers import Servers

ROUNDS = 3
FOLLOW = """subscription($id: ID!) { conversation(conversationId: $id) {
  ... on ConversationChange { cursor change message { id seq senderName text } } } }"""
TELL = "mutation($i: SendMessageInput!) { sendMessage(input: $i) { message { id } } }"
PERSON = "mutation($i: IdentifyCustomerInput!) { identifyCustomer(input: $i) { customer { id } } }"
BEGIN = "mutation($i: StartConversationInput!) { startConversation(input: $i) { conversation { id } } }"


@dataclass(frozen=True)
class Seen:
    """What one round saw of one server."""

    heard: Heard
    kilobytes: float


def run(_: Servers) -> None:
    """Prints latencies from sending to each socket, messages a second and memory; the median of three rounds."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    seen: dict[str, list[Seen]] = {}
    for _ in range(ROUNDS):
        with _rapport() as (course, peer):
            seen.setdefault("rapport", []).append(_measure(course, peer))
        for name, peer in _peers():
            seen.setdefault(name, []).append(_measure(_course(peer.url, "", "1"), peer))
    for name, rounds in seen.items():
        _report(name, rounds, seen["rapport"])


def _peers() -> Iterator[tuple[str, Peer]]:
    if missing_npm():
        print("NOT RUN: the Node peer needs npm")
    else:
        with node_peer("fanout.mjs") as peer:
            yield "node", peer
    with python_peer("benchmarks.peers.stock_fanout:app") as peer:
        yield "stock", peer


@contextmanager
def _rapport() -> Iterator[tuple[Course, Peer]]:
    with world(None, peopled=False) as served:
        person = served.ask(PERSON, {"i": {"externalId": "u1"}})["identifyCustomer"]["customer"]["id"]
        begun = served.ask(BEGIN, {"i": {"customerId": person, "text": "Hello"}})["startConversation"]
        yield _course(served.url, served.key, begun["conversation"]["id"]), Peer(served.url, served.served.pid)


def _course(url: str, credential: str, conversation: str) -> Course:
    said = {"conversationId": conversation, "text": "Your parcel has left the house. (sent:0)"}
    return Course(url, credential, FOLLOW, {"id": conversation}, TELL, {"i": said})


def _measure(course: Course, peer: Peer) -> Seen:
    before = resident(peer.pid)
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.listeners"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None and driver.stdout is not None
        print(json.dumps(asdict(course)), file=driver.stdin, flush=True)
        if driver.stdout.readline() != "open\n":
            raise RuntimeError("the listeners did not come to listen")
        kilobytes = (resident(peer.pid) - before) / course.sockets
        print("go", file=driver.stdin, flush=True)
        return Seen(Heard(**json.loads(driver.stdout.readline())), kilobytes)


def _report(name: str, rounds: list[Seen], own: list[Seen]) -> None:
    def middle(field: str, of: list[Seen]) -> float:
        return median(getattr(one.heard, field) for one in of)

    ratio = middle("sustained", own) / middle("sustained", rounds)
    print(
        f"{name:8} p50 {middle('p50', rounds):6.1f} ms   p99 {middle('p99', rounds):6.1f} ms   "
        f"one by one {middle('one_by_one', rounds):7.0f}/s   sustained {middle('sustained', rounds):7.0f}/s "
        f"(p99 {middle('p99_sustained', rounds):6.1f} ms)   {median(one.kilobytes for one in rounds):5.1f} kB a socket"
        + ("" if name == "rapport" else f"   rapport is {ratio:.2f} x"),
        flush=True,
    )
