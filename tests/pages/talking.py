"""A visitor, as the inbox's tests need one: a widget opened on a page of nobody's, speaking to the graph."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect
from websockets.sync.client import connect

from tests.pages.conftest import Demo

WIDGETS = "{ widgets { id key } }"
OPEN = """mutation($input: OpenWidgetInput!) {
  openWidget(input: $input) { token session { id } }
}"""
SAY = """mutation($input: SendVisitorMessageInput!) {
  sendVisitorMessage(input: $input) { conversation { id } message { id seq } }
}"""
SESSION = """{ visitorSession { conversations(first: 20) { nodes {
  id status agentsReadTo csatScore assigneeName
  messages(first: 50) { nodes { seq kind senderKind text html files { id name } } }
} } } }"""
READ = "mutation($input: MarkVisitorReadInput!) { markVisitorRead(input: $input) { __typename } }"
RATE = "mutation($input: RateConversationInput!) { rateConversation(input: $input) { __typename } }"
TYPING = "mutation($input: SetTypingInput!) { setTyping(input: $input) { __typename } }"
IDENTIFY = "mutation($input: IdentifyVisitorInput!) { identifyVisitor(input: $input) { __typename } }"
FOLLOW = "subscription { visitorConversation { __typename } }"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""The smallest picture."""
TALK = """query($id: ID!) { conversation(id: $id) {
  status priority subject snoozedUntil csatScore agentsUnread agentsReadTo
  tags { name } assignee { name } team { name }
  messages(first: 100) { nodes { seq kind senderKind text clientId editedAt deletedAt files { name mimeType } } }
} }"""


@dataclass(slots=True)
class Visitor:
    """A browser with the demo's widget open. ``id`` is theirs, ``talk`` the conversation they began."""

    demo: Demo
    token: str
    id: str
    name: str
    talk: str = ""

    @classmethod
    def comes(cls, demo: Demo, name: str | None = None, **facts: Any) -> "Visitor":
        """Somebody new, who says that they are called ``name``."""
        key = demo.ask(WIDGETS)["widgets"][0]["key"]
        page = {"pageUrl": "https://shop.example/coffees", "pageTitle": "All coffees", "locale": "en-GB"}
        opened = demo.ask(OPEN, as_="", input={"widgetKey": key, **page, **facts})["openWidget"]
        called = name or f"Vera {uuid4().hex[:8]}"
        visitor = cls(demo, opened["token"], opened["session"]["id"], called)
        visitor.ask(IDENTIFY, input={"userId": called, "name": called})
        return visitor

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return self.demo.ask(query, as_=self.token, **variables)

    def says(self, text: str) -> int:
        """Says something, first in a conversation of its own, and gives its number in it."""
        given = {"conversationId": self.talk} if self.talk else {}
        said = self.ask(SAY, input={"text": text, **given})["sendVisitorMessage"]
        self.talk = said["conversation"]["id"]
        return int(said["message"]["seq"])

    def conversation(self) -> dict[str, Any]:
        """The conversation as the visitor sees it."""
        nodes = self.ask(SESSION)["visitorSession"]["conversations"]["nodes"]
        return next(node for node in nodes if node["id"] == self.talk)

    def hears(self) -> list[str]:
        """What agents have said to the visitor, in order."""
        lines = self.conversation()["messages"]["nodes"][::-1]
        return [line["text"] for line in lines if line["senderKind"] == "AGENT" and line["kind"] == "TEXT"]

    def reads_to(self, seq: int) -> None:
        self.ask(READ, input={"conversationId": self.talk, "seq": seq})

    def rates(self, score: int, comment: str) -> None:
        self.ask(RATE, input={"conversationId": self.talk, "score": score, "comment": comment})

    def types(self, typing: bool) -> None:
        self.ask(TYPING, input={"conversationId": self.talk, "typing": typing})

    @contextmanager
    def there(self) -> Iterator[None]:
        """Is present: follows what becomes of the conversations."""
        address = self.demo.url.replace("http", "ws", 1) + "/graphql"
        with connect(address, subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
            hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}}
            socket.send(json.dumps(hello))
            assert json.loads(socket.recv(10))["type"] == "connection_ack"
            socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}}))
            yield


def inbox(page: Page, demo: Demo, query: str = "view=all") -> Page:
    page.evaluate("document.querySelector('.inbox')?.classList.add('left')")
    page.goto(f"{demo.console}#/inbox?{query}")
    expect(page.locator(".inbox:not(.left) .queue .live")).to_have_text("Live")
    return page


def row(page: Page, visitor: Visitor) -> Locator:
    return page.locator(f"[data-conversation={visitor.talk}]")


def open_talk(page: Page, demo: Demo, visitor: Visitor) -> Locator:
    """The open conversation."""
    inbox(page, demo, f"view=all&c={visitor.talk}")
    talk = page.get_by_role("region", name="Conversation", exact=True)
    expect(talk.get_by_role("heading", name=visitor.name)).to_be_visible()
    return talk


def details(page: Page) -> Locator:
    """Who one is talking with."""
    return page.get_by_role("complementary", name="Details")


def stored(demo: Demo, visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = demo.ask(TALK, id=visitor.talk)["conversation"]
    return found


def said(demo: Demo, visitor: Visitor, kind: str = "TEXT") -> list[str]:
    """What was said, oldest first."""
    return [line["text"] for line in stored(demo, visitor)["messages"]["nodes"][::-1] if line["kind"] == kind]


def shown(page: Page) -> list[str]:
    """The bubbles of the open conversation, from the top."""
    return [bubble.inner_text().strip() for bubble in page.locator(".line .bubble").all()]
