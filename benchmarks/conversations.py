"""200 conversations at once: from the acknowledgement of each message to the visitor's and to the agent's screen.

Every visitor has a socket of their own; ten agents share the conversations, and each follows theirs and the inbox over
one socket. Twenty messages a second are sent, by visitors and agents in turn, whatever becomes of those before.
"""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.world import World, world
from tests.servers import Servers

CONVERSATIONS, AGENTS, PER_SECOND, SECONDS = 200, 10, 20, 30
PATIENCE_S = 20
ORIGIN = "https://shop.example"
WIDGET = "mutation($i: CreateWidgetInput!) { createWidget(input: $i) { widget { key } } }"
OPEN = "mutation($i: OpenWidgetInput!) { openWidget(input: $i) { token session { snapshotCursor } } }"
SAY = "mutation($i: SendVisitorMessageInput!) { sendVisitorMessage(input: $i) { conversation { id } } }"
CURSOR = "query($i: ID!) { conversation(id: $i) { snapshotCursor } }"
SEND = "mutation($i: SendMessageInput!) { sendMessage(input: $i) { conversation { id } } }"
VISITORS = """subscription($after: String) { visitorConversation(after: $after) { ... on VisitorConversationChange {
  cursor change message { id seq text } } } }"""
AGENTS_ONE = """subscription($id: ID!, $after: String) { conversation(conversationId: $id, after: $after) {
  ... on ConversationChange { cursor change message { id seq text } conversation { id agentsUnread } } } }"""
AGENTS_ALL = """subscription { inbox { ... on ConversationChange {
  cursor change conversation { id status lastText agentsUnread } } } }"""


@dataclass(frozen=True)
class Talk:
    """A conversation, and where each side begins to follow it."""

    token: str
    conversation: str
    visitors_cursor: str
    agents_cursor: str


@dataclass
class Screens:
    """When each message was acknowledged, and when it came to each kind of screen (seconds of the monotonic clock)."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    seen: dict[str, dict[str, float]] = field(default_factory=lambda: {"visitor": {}, "agent": {}})
    frames: int = 0

    async def watch(self, kind: str, socket: ClientConnection) -> None:
        """Notes what comes over a socket until it is closed."""
        async for frame in socket:
            self.frames += 1
            now = time.monotonic()
            (item,) = json.loads(frame)["payload"]["data"].values()
            message = item.get("message")
            if message is not None and message["text"].startswith("message "):
                assert message["text"] not in self.seen[kind], "a message came twice"
                self.seen[kind][message["text"]] = now

    def delays(self, kind: str) -> list[float]:
        """Milliseconds from acknowledgement to screen, sorted; what came before its acknowledgement counts as 0."""
        seen = self.seen[kind]
        return sorted(max(0.0, seen[text] - at) * 1000 for text, at in self.acknowledged.items())


def run(_: Servers) -> None:
    """Prints the 50th and 99th percentile for both kinds of screen, on SQLite."""
    with world(None, peopled=False) as rapport:
        screens = asyncio.run(_converse(rapport))
    for kind in screens.seen:
        delays = screens.delays(kind)
        p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
        print(f"{kind:8} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   worst {delays[-1]:6.1f} ms", flush=True)
    print(
        f"{CONVERSATIONS} conversations, {len(screens.acknowledged)} messages at {PER_SECOND}/s, "
        f"{screens.frames} frames, each message on both screens once",
        flush=True,
    )


async def _converse(rapport: World) -> Screens:
    widget = rapport.ask(WIDGET, {"i": {"name": "bench"}})["createWidget"]["widget"]["key"]
    screens = Screens()
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:
        gate = asyncio.Semaphore(10)
        talks = await asyncio.gather(*(_begin(client, rapport, widget, gate) for _ in range(CONVERSATIONS)))
        watching = [_visitor(rapport, talk, screens) for talk in talks]
        watching += [_agent(rapport, talks[number::AGENTS], screens) for number in range(AGENTS)]
        tasks = [asyncio.create_task(one) for one in watching]
        await asyncio.sleep(5)
        await _send_all(client, rapport, talks, screens)
        async with asyncio.timeout(PATIENCE_S):
            while any(len(seen) < len(screens.acknowledged) for seen in screens.seen.values()):
                await asyncio.sleep(0.1)
                for ended in [task for task in tasks if task.done()]:
                    ended.result()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return screens


async def _begin(client: httpx2.AsyncClient, rapport: World, widget: str, gate: asyncio.Semaphore) -> Talk:
    async with gate:
        opened = (await _post(client, f"{rapport.url}/widget/graphql", OPEN, {"widgetKey": widget}, None))["openWidget"]
        said = await _post(client, f"{rapport.url}/widget/graphql", SAY, {"text": "Hello"}, opened["token"])
        conversation = said["sendVisitorMessage"]["conversation"]["id"]
        found = await _post(client, f"{rapport.url}/graphql", CURSOR, conversation, rapport.key)
    cursors = opened["session"]["snapshotCursor"], found["conversation"]["snapshotCursor"]
    return Talk(opened["token"], conversation, *cursors)


async def _send_all(client: httpx2.AsyncClient, rapport: World, talks: list[tuple[str, str]], screens: Screens) -> None:
    """Sends at an even pace, whether or not earlier messages are acknowledged."""
    started = time.monotonic()
    under_way = set()
    for number, talk in zip(range(PER_SECOND * SECONDS), itertools.cycle(talks), strict=False):
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        by_visitor = (number // CONVERSATIONS) % 2 == 0
        sending = _send(
            client, rapport, talk.token if by_visitor else None, talk.conversation, f"message {number}", screens
        )
        under_way.add(asyncio.create_task(sending))
    await asyncio.gather(*under_way)


async def _send(
    client: httpx2.AsyncClient, rapport: World, token: str | None, conversation: str, text: str, screens: Screens
) -> None:
    said = {"conversationId": conversation, "text": text, "clientId": text.replace(" ", "-")}
    if token is not None:
        await _post(client, f"{rapport.url}/widget/graphql", SAY, said, token)
    else:
        await _post(client, f"{rapport.url}/graphql", SEND, said, rapport.key)
    screens.acknowledged[text] = time.monotonic()


async def _post(client: httpx2.AsyncClient, url: str, query: str, given: Any, credential: str | None) -> Any:
    headers = {"Origin": ORIGIN} if "/widget/" in url else {}
    if credential is not None:
        headers["Authorization"] = f"Bearer {credential}"
    answer = await client.post(url, json={"query": query, "variables": {"i": given}}, headers=headers)
    found = answer.json()
    if found.get("errors"):
        raise RuntimeError(found["errors"])
    return found["data"]


async def _visitor(rapport: World, talk: Talk, screens: Screens) -> None:
    async with _socket(f"{rapport.url}/widget/graphql", origin=ORIGIN) as socket:
        await _introduce(socket, talk.token)
        await _subscribe(socket, "1", VISITORS, {"after": talk.visitors_cursor})
        await screens.watch("visitor", socket)


async def _agent(rapport: World, share: list[Talk], screens: Screens) -> None:
    async with _socket(f"{rapport.url}/graphql") as socket:
        await _introduce(socket, rapport.key)
        await _subscribe(socket, "inbox", AGENTS_ALL, {})
        for talk in share:
            variables = {"id": talk.conversation, "after": talk.agents_cursor}
            await _subscribe(socket, talk.conversation, AGENTS_ONE, variables)
        await screens.watch("agent", socket)


def _socket(url: str, **options: Any) -> connect:
    protocols: Any = ["graphql-transport-ws"]
    url = url.replace("http", "ws", 1)
    return connect(url, subprotocols=protocols, compression=None, open_timeout=PATIENCE_S, proxy=None, **options)


async def _introduce(socket: ClientConnection, credential: str) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {credential}"}}))
    answer = json.loads(await socket.recv())
    if answer["type"] != "connection_ack":
        raise RuntimeError(answer)


async def _subscribe(socket: ClientConnection, name: str, query: str, variables: dict[str, Any]) -> None:
    payload = {"query": query, "variables": variables}
    await socket.send(json.dumps({"id": name, "type": "subscribe", "payload": payload}))
