"""Visitors and agents talk while sockets are cut and servers killed: each hears all that is theirs, once and in order,
and the unread counts are right.

``CHAT_MESSAGES=10000 CHAT_CRASHES=10`` is the acceptance; the gate says less.
"""

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.core.access import system
from app.core.database import Database
from app.core.ids import parse_id, public_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Conversation, Message
from tests.resilience.cluster import Cluster
from tests.resilience.following import Subscriber, listening
from tests.resilience.telling import Client

MESSAGES = int(os.environ.get("CHAT_MESSAGES") or 400)
CRASHES = int(os.environ.get("CHAT_CRASHES") or 2)
VISITORS, AGENTS = (50, 5) if MESSAGES >= 5000 else (12, 3)
CUTS = MESSAGES // 20
IMPATIENT = 0.03
ARRIVAL_S = 60
WIDGET = "/widget/graphql"
HEARD = "__typename ... on FeedItem { cursor } ... on FeedGap { reason }"
INBOX = f"""subscription($after: String) {{ inbox(after: $after) {{ {HEARD}
  ... on ConversationChange {{ change conversation {{ id }} message {{ id text kind }} }} }} }}"""
MINE = f"""subscription($after: String) {{ visitorConversation(after: $after) {{ {HEARD}
  ... on VisitorConversationChange {{ change conversation {{ id }} message {{ id text mine }} }} }} }}"""
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { accessToken tenantId } }"
MAKE_KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { key } }"
MAKE_WIDGET = "mutation($i: CreateWidgetInput!) { createWidget(input: $i) { widget { key } } }"
OPEN = "mutation($i: OpenWidgetInput!) { openWidget(input: $i) { token session { snapshotCursor } } }"
ASK = "mutation($i: SendVisitorMessageInput!) { sendVisitorMessage(input: $i) { message { id } conversation { id } } }"
ANSWER = "mutation($i: SendMessageInput!) { sendMessage(input: $i) { message { id } } }"
NOTE = "mutation($i: AddNoteInput!) { addNote(input: $i) { message { id } } }"
READ = "mutation($i: MarkConversationReadInput!) { markConversationRead(input: $i) { conversation { agentsUnread } } }"
SEEN = "mutation($i: MarkVisitorReadInput!) { markVisitorRead(input: $i) { conversation { visitorUnread } } }"
SCOPES = ["conversations:read", "conversations:write"]


@dataclass
class Visitor:
    """A browser with its one conversation."""

    token: str
    ears: Subscriber
    conversation: str = ""
    said: int = 0


@dataclass
class Talk:
    """Everybody who talks, and what was acknowledged: the public id of each message by its text."""

    client: Client
    chance: random.Random
    visitors: list[Visitor]
    agents: list[tuple[str, Subscriber]]
    acknowledged: dict[str, str] = field(default_factory=dict)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def visit(self, visitor: Visitor, number: int) -> None:
        text = f"visitor {self.visitors.index(visitor)} says {number}"
        where = {"conversationId": visitor.conversation} if visitor.conversation else {}
        said = {"text": text, "clientId": f"v{number}", **where}
        answer = await self.client.ask(ASK, {"i": said}, key=visitor.token, path=WIDGET)
        visitor.conversation = answer["conversation"]["id"]
        visitor.said += 1
        await self._acknowledge(text, answer["message"]["id"])

    async def answer(self, visitor: Visitor, number: int) -> None:
        key, _ = self.chance.choice(self.agents)
        document, kind = (NOTE, "note") if self.chance.random() < 0.1 else (ANSWER, "answer")
        text = f"{kind} {number}"
        said = {"conversationId": visitor.conversation, "text": text, "clientId": f"a{number}"}
        answer = await self.client.ask(document, {"i": said}, key=key)
        await self._acknowledge(text, answer["message"]["id"])

    async def read(self, visitor: Visitor) -> None:
        """Somebody reads up to somewhere."""
        mark = {"i": {"conversationId": visitor.conversation, "seq": self.chance.randint(1, visitor.said)}}
        if self.chance.random() < 0.5:
            await self.client.ask(READ, mark, key=self.agents[0][0])
        else:
            await self.client.ask(SEEN, mark, key=visitor.token, path=WIDGET)

    async def _acknowledge(self, text: str, message: str) -> None:
        async with self.moved:
            self.acknowledged[text] = message
            self.moved.notify_all()

    async def reached(self, count: int) -> None:
        async with self.moved:
            await self.moved.wait_for(lambda: len(self.acknowledged) >= count)


@pytest.mark.timeout(900)
async def test_everybody_hears_what_is_theirs_once_and_in_order(settings: Settings, backend: str) -> None:
    chance = random.Random(f"{backend} talk")
    cluster = Cluster(settings, 2 if backend == "postgres" else 1, chance)
    client = Client(cluster, chance)
    try:
        await cluster.start()
        tenant_id, talk = await _gather(cluster, client, chance)
        client.impatient = IMPATIENT
        await _talk(cluster, talk)
    finally:
        await client.close()
        await cluster.stop()
    assert cluster.crashes == CRASHES
    assert len(talk.acknowledged) == MESSAGES
    conversations, messages = await _stored(settings, tenant_id)
    assert {message.text: public_id("message", message.id) for message in messages if message.kind != "system"} == (
        talk.acknowledged
    )
    _check_inboxes(talk, messages)
    _check_visitors(talk, conversations, messages)
    _check_counts(conversations, messages)


async def _gather(cluster: Cluster, client: Client, chance: random.Random) -> tuple[UUID, Talk]:
    owner = {"email": "owner@example.com", "password": "a password of the test", "tenantName": "Acme"}
    session = await client.ask(REGISTER, {"i": owner})
    token = session["accessToken"]
    widget = await client.ask(MAKE_WIDGET, {"i": {"name": "Shop"}}, key=token)
    key_of_widget = widget["widget"]["key"]
    agents = []
    for number in range(AGENTS):
        made = await client.ask(MAKE_KEY, {"i": {"name": f"agent {number}", "scopes": SCOPES}}, key=token)
        start = await client.ask("{ inboxSnapshotCursor }", {}, key=made["key"])
        agents.append((made["key"], Subscriber(cluster, chance, made["key"], INBOX, "", start)))
    visitors = []
    for number in range(VISITORS):
        opened = await client.ask(OPEN, {"i": {"widgetKey": key_of_widget, "pageTitle": f"{number}"}}, path=WIDGET)
        start = opened["session"]["snapshotCursor"]
        ears = Subscriber(cluster, chance, opened["token"], MINE, "", start, WIDGET)
        visitors.append(Visitor(opened["token"], ears))
    return parse_id("tenant", session["tenantId"]), Talk(client, chance, visitors, agents)


async def _talk(cluster: Cluster, talk: Talk) -> None:
    """Everybody says what they have to say while everything goes wrong; then what was said arrives."""
    numbers = iter(range(MESSAGES))

    async def speak(mine: list[Visitor]) -> None:
        for number in numbers:
            visitor = talk.chance.choice(mine)
            if not visitor.conversation or talk.chance.random() < 0.5:
                await talk.visit(visitor, number)
            else:
                await talk.answer(visitor, number)
            if talk.chance.random() < 0.1:
                await talk.read(visitor)

    async def break_things() -> None:
        everybody = [*(ears for _, ears in talk.agents), *(visitor.ears for visitor in talk.visitors)]
        deeds: list[tuple[int, Callable[[], Awaitable[None]]]] = []
        for _ in range(CUTS):
            deeds.append((talk.chance.randrange(MESSAGES - 20), talk.chance.choice(everybody).cut))
        deeds += [(talk.chance.randrange(MESSAGES - 20), cluster.crash) for _ in range(CRASHES)]
        for at, deed in sorted(deeds, key=lambda one: one[0]):
            await talk.reached(at)
            await deed()

    groups: defaultdict[int, list[Visitor]] = defaultdict(list)
    for place, visitor in enumerate(talk.visitors):
        groups[place % 10].append(visitor)
    async with listening(*(ears for _, ears in talk.agents), *(visitor.ears for visitor in talk.visitors)):
        async with asyncio.TaskGroup() as group:
            group.create_task(break_things())
            for mine in groups.values():
                group.create_task(speak(mine))
        async with asyncio.timeout(ARRIVAL_S):
            while not all(_messages(ears.items).keys() >= set(talk.acknowledged.values()) for _, ears in talk.agents):
                await asyncio.sleep(0.1)
            while sum(len(_messages(visitor.ears.items)) for visitor in talk.visitors) < _public(talk):
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # what comes twice may come late


def _public(talk: Talk) -> int:
    return sum(not text.startswith("note") for text in talk.acknowledged)


def _messages(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was heard of new messages, by their ids. Fails for one that was heard twice, and for a gap."""
    heard: dict[str, dict[str, Any]] = {}
    for item in items:
        assert item["__typename"] != "FeedGap", item
        if item["change"] == "MESSAGE_CREATED" and item["message"]:
            assert item["message"]["id"] not in heard, item
            heard[item["message"]["id"]] = item
    return heard


async def _stored(settings: Settings, tenant_id: UUID) -> tuple[dict[str, Conversation], list[Message]]:
    database = Database(settings)
    await database.open()
    units = UnitsOfWork(database)
    try:
        async with units.read(system(tenant_id)) as reading:
            rows = (await reading.session.execute(select(Conversation))).scalars().all()
            said = select(Message).order_by(col(Message.conversation_id), col(Message.seq))
            messages = list((await reading.session.execute(said)).scalars())
    finally:
        units.services.close()
        await database.close()
    return {public_id("conversation", row.id): row for row in rows}, messages


def _check_inboxes(talk: Talk, messages: list[Message]) -> None:
    """Every agent heard every message, and those of each conversation in their order."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for message in messages:
        wanted[public_id("conversation", message.conversation_id)].append(public_id("message", message.id))
    for _, ears in talk.agents:
        heard: defaultdict[str, list[str]] = defaultdict(list)
        for key, item in _messages(ears.items).items():
            heard[item["conversation"]["id"]].append(key)
        assert heard == wanted


def _check_visitors(talk: Talk, conversations: dict[str, Conversation], messages: list[Message]) -> None:
    """Every visitor heard all of their own conversation but the notes, and nothing else."""
    assert {visitor.conversation for visitor in talk.visitors if visitor.said} == conversations.keys()
    for visitor in talk.visitors:
        mine = [m for m in messages if public_id("conversation", m.conversation_id) == visitor.conversation]
        wanted = [public_id("message", m.id) for m in mine if m.kind != "note"]
        assert list(_messages(visitor.ears.items)) == wanted
        assert {item["conversation"]["id"] for item in visitor.ears.items} <= {visitor.conversation}


def _check_counts(conversations: dict[str, Conversation], messages: list[Message]) -> None:
    for row in conversations.values():
        mine = [m for m in messages if m.conversation_id == row.id and m.kind == "text"]
        assert [m.seq for m in messages if m.conversation_id == row.id] == list(range(1, row.head + 1))
        by_visitor = [m for m in mine if m.sender_kind == "visitor" and m.seq > row.agents_read_to]
        by_agents = [m for m in mine if m.sender_kind == "agent" and m.seq > row.visitor_read_to]
        assert (row.agents_unread, row.visitor_unread) == (len(by_visitor), len(by_agents))
