"""A visitor, as the inbox's tests need one: a widget opened on a page of nobody's, speaking to the graph."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

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
