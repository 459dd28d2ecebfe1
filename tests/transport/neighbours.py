"""A server with its limits in force, people at addresses of their own, and a visitor and an agent who talk there."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import connect

from tests.serving import Served
from tests.transport.conftest import Peer, bearer

SHOP = "https://shop.example"
PROMPT_S = 3.0
"""Within which the neighbours hear each other, on a busy machine and under attack."""
OPEN = "mutation($input: OpenWidgetInput!) { openWidget(input: $input) { token session { id snapshotCursor } } }"
SAY = """mutation($input: SendVisitorMessageInput!) {
  sendVisitorMessage(input: $input) { conversation { id } message { id seq } } }"""
SESSION = "{ visitorSession { conversations(first: 50) { nodes { messages(first: 100) { nodes { text } } } } } }"
FOLLOW = """subscription($after: String) { visitorConversation(after: $after) { __typename
  ... on VisitorConversationChange { change message { text senderKind } } } }"""
FOLLOW_AS_AGENT = """subscription($id: ID!, $after: String) { conversation(conversationId: $id, after: $after) {
  ... on ConversationChange { change message { text senderKind } } } }"""
ANSWER = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"
TALK = """query($id: ID!) { conversation(id: $id) { status csatScore snapshotCursor
  messages(first: 100) { nodes { id kind text html files { id name mimeType } } } } }"""


@dataclass(frozen=True)
class House:
    """The server under attack, with its limits in force, and its operator's eyes."""

    served: Served
    key: str
    database: Path

    def rows(self, *tables: str) -> list[int]:
        """How many rows these tables have, whoever's they are."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

    @property
    def memory_kb(self) -> int:
        status = Path(f"/proc/{self.served.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    async def sockets(self) -> int:
        async with httpx2.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{self.served.url}/metrics")).text
        return int(float(metrics.partition('\nrapport_open_sockets{transport="websocket"} ')[2].split()[0]))


@dataclass
class Somebody:
    """A program at an address of its own that speaks as a page of ``origin`` does, with ``credential``."""

    house: House
    client: httpx2.AsyncClient
    address: str
    path: str = "/widget/graphql"
    origin: str | None = SHOP
    credential: str = ""
    id: str = ""
    cursor: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return (bearer(self.credential) if self.credential else {}) | ({"origin": self.origin} if self.origin else {})

    async def post(self, query: str, **variables: Any) -> httpx2.Response:
        body = {"query": query, "variables": variables}
        return await self.client.post(self.house.served.url + self.path, json=body, headers=self.headers)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = (await self.post(query, **variables)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, query: str, **variables: Any) -> tuple[int, str, str]:
        """With which status, code and words something is refused."""
        answer = await self.post(query, **variables)
        [error] = answer.json()["errors"]
        return answer.status_code, error["extensions"]["code"], error["message"]

    async def fails(self, name: str, **given: Any) -> str:
        """The code with which a mutation is refused."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename }} }}"
        return (await self.refusal(document, input=given))[1]

    async def opens(self, key: str, **more: str) -> None:
        """Becomes a visitor."""
        opened = (await self.ask(OPEN, input={"widgetKey": key, **more}))["openWidget"]
        self.credential, self.id = opened["token"], opened["session"]["id"]
        self.cursor = opened["session"]["snapshotCursor"]

    async def says(self, text: str, **more: Any) -> dict[str, Any]:
        said: dict[str, Any] = (await self.ask(SAY, input={"text": text, **more}))["sendVisitorMessage"]
        return said

    async def uploads(self, name: str, content: bytes) -> httpx2.Response:
        files = {"file": (name, content, "text/html")}
        return await self.client.post(f"{self.house.served.url}/files", files=files, headers=self.headers)

    async def holds(self) -> list[str]:
        """What stands in the visitor's conversations, latest first."""
        nodes = (await self.ask(SESSION))["visitorSession"]["conversations"]["nodes"]
        return [message["text"] for node in nodes for message in node["messages"]["nodes"]]

    @asynccontextmanager
    async def socket(self, *, welcome: bool = True) -> AsyncIterator[Peer]:
        """A socket that has introduced itself, and been welcomed unless ``welcome`` is False."""
        async with connect(
            self.house.served.url.replace("http", "ws", 1) + self.path,
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            origin=self.origin,  # type: ignore[arg-type]
            local_addr=(self.address, 0),
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        ) as connection:
            peer = Peer(connection)
            await peer.send({"type": "connection_init", "payload": bearer(self.credential)})
            if welcome:
                assert await peer.receive() == {"type": "connection_ack"}
            yield peer

    async def turned_away(self) -> tuple[int, str]:
        """With which close code and words a socket is not welcomed."""
        async with self.socket(welcome=False) as peer:
            return await peer.closed()


@asynccontextmanager
async def somebody(house: House, address: str, **known: Any) -> AsyncIterator[Somebody]:
    transport = httpx2.AsyncHTTPTransport(local_address=address)
    async with httpx2.AsyncClient(transport=transport, trust_env=False, timeout=30) as client:
        yield Somebody(house, client, address, **known)


@dataclass
class Neighbours:
    """A visitor and an agent who talk without a pause: the agent often, the visitor as fast as visitors may."""

    visitor: Somebody
    agent: Somebody
    talk: str
    cursor: str
    over: asyncio.Event = field(default_factory=asyncio.Event)
    said: list[str] = field(default_factory=list)
    said_at: dict[str, float] = field(default_factory=dict)
    heard: dict[str, list[str]] = field(default_factory=lambda: {"visitor": [], "agent": []})
    delays: list[float] = field(default_factory=list)

    async def talking(self) -> None:
        for number in itertools.count():
            if self.over.is_set():
                return
            text = f"neighbour {number}"
            self.said.append(text)
            self.said_at[text] = time.monotonic()
            if number % 4 == 1:
                await self.visitor.says(text, conversationId=self.talk)
            else:
                await self.agent.ask(ANSWER, input={"conversationId": self.talk, "text": text})
            await asyncio.sleep(0.25)

    async def listening(self, who: str) -> None:
        side, document = (self.visitor, FOLLOW) if who == "visitor" else (self.agent, FOLLOW_AS_AGENT)
        variables = {"after": self.visitor.cursor} if who == "visitor" else {"id": self.talk, "after": self.cursor}
        async with side.socket() as peer:
            await peer.subscribe("1", document, variables=variables)
            while True:
                message = await peer.receive(60)
                assert message["type"] == "next", message
                [item] = message["payload"]["data"].values()
                if item.get("change") == "MESSAGE_CREATED" and item["message"]["text"] in self.said_at:
                    self.heard[who].append(item["message"]["text"])
                    self.delays.append(time.monotonic() - self.said_at[item["message"]["text"]])

    async def unharmed(self) -> None:
        """What was said until now was heard on both sides, promptly, in order, once; and nothing else is stored."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PROMPT_S):
                while min(map(len, self.heard.values())) < len(self.said):
                    await asyncio.sleep(0.02)
        assert self.heard == {"visitor": self.said, "agent": self.said}
        assert max(self.delays) < PROMPT_S
        stored = (await self.agent.ask(TALK, id=self.talk))["conversation"]
        texts = [line["text"] for line in stored["messages"]["nodes"] if line["kind"] == "TEXT"]
        assert texts == [*self.said[::-1], "Good morning"]
        assert (stored["status"], stored["csatScore"]) == ("OPEN", None)
