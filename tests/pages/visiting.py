"""A visitor's and an agent's hands, for the tests of the widget."""

import hashlib
import hmac
import re
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.pages.conftest import PATIENCE_MS, Demo

CREATE = "mutation($input: CreateWidgetInput!) { createWidget(input: $input) { widget { id key } } }"
SAY = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id seq } } }"
START = "mutation($input: StartConversationInput!) { startConversation(input: $input) { conversation { id } } }"
EDIT = "mutation($input: EditMessageInput!) { editMessage(input: $input) { __typename } }"
DELETE = "mutation($input: DeleteMessageInput!) { deleteMessage(input: $input) { __typename } }"
CLOSE = "mutation($input: CloseConversationInput!) { closeConversation(input: $input) { conversation { id } } }"
TYPE = "mutation($input: SetTypingInput!) { setTyping(input: $input) { __typename } }"
READ = "mutation($input: MarkConversationReadInput!) { markConversationRead(input: $input) { __typename } }"
LOG_IN = "mutation($input: LogInInput!) { logIn(input: $input) { accessToken } }"
TALKS = """{ conversations(first: 50) { nodes {
  id status head visitorUnread visitorReadTo visitorDeliveredTo csatScore csatComment widget { id } visitor { id }
  messages(first: 50) { nodes { id seq text senderKind clientId files { name mimeType } } }
} } }"""


FAINT = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  const blend = (colours) => {
    paint.clearRect(0, 0, 1, 1);
    for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const found = [];
  const texts = document.createTreeWalker(document.querySelector("rapport-widget").shadowRoot, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".unseen, style")) continue;
    const behind = [];
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const ends = style.backgroundImage.match(/rgb[^)]*\\)/g);
      behind.unshift(ends ? ends[1] : style.backgroundColor);
    }
    const [fore, back] = [[...behind, getComputedStyle(element).color], behind].map(blend).map(light);
    const contrast = (Math.max(fore, back) + .05) / (Math.min(fore, back) + .05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.className} ${element.textContent}`);
  }
  return found;
}"""

NAMELESS = """() => [
  ...document.querySelector("rapport-widget").shadowRoot.querySelectorAll("a, button, input, textarea")]
  .filter((one) => one.checkVisibility() && !one.textContent.trim() && !one.getAttribute("aria-label"))
  .map((one) => one.outerHTML)"""
"""What is written within the widget with too little contrast: FAINT; controls without a name: NAMELESS."""


DROP = """([name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  const talk = document.querySelector("rapport-widget").shadowRoot.querySelector(".talk");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    talk.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
PASTE = """([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const field = document.querySelector("rapport-widget").shadowRoot.querySelector(".composer textarea");
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
HOSTILE = (
    "<script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    '<p onclick="document.title=\'broken\'" style="color:red" id="x">text</p>',
    '<a href="javascript:document.title=1">link</a><a href="data:text/html,x">link</a><a href="//evil.example">ok</a>',
    '<a href="&#106;avascript:alert(1)" target="_top">link</a><a href="  javascript:alert(1)">link</a>',
    '<svg><a xlink:href="javascript:alert(1)"><rect/></a></svg><math><mtext></mtext></math>',
    "<iframe src='javascript:alert(1)'></iframe><object data=x></object><style>*{display:none}</style>",
    "<p><strong>not <em>closed</p></div></span>&lt;script&gt;&amp;#x3c;&#60;b&#x3E;&unknown;",
    "<p " + "a=" * 5000 + ">" + "<blockquote>" * 500 + "deep" + "<" * 500,
)
BUILT = """async (html) => {
  const { markup } = await import("/js/markup.js");
  const element = document.createElement("div");
  element.append(markup(html));
  document.body.append(element);
  return [...element.querySelectorAll("*")].map((one) => [one.localName, ...one.getAttributeNames()
    .map((name) => `${name}=${one.getAttribute(name)}`)].join(" "));
}"""
MAY_STAND = {"p", "strong", "em", "blockquote", "a", "b"}


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody signed in who answers visitors of one widget."""

    demo: Demo
    token: str
    widget_id: str
    widget_key: str

    @classmethod
    def of_new_widget(cls, demo: Demo, **settings: Any) -> "Agent":
        made = demo.ask(CREATE, input={"name": "Shop", "settings": settings})["createWidget"]["widget"]
        who = {"email": demo.email, "password": demo.password}
        token = demo.ask(LOG_IN, as_="", input=who)["logIn"]["accessToken"]
        return cls(demo, token, made["id"], made["key"])

    @property
    def talks(self) -> list[dict[str, Any]]:
        """The widget's conversations, the latest first."""
        nodes = self.demo.ask(TALKS, as_=self.token)["conversations"]["nodes"]
        return [node for node in nodes if node["widget"] and node["widget"]["id"] == self.widget_id]

    @property
    def texts(self) -> list[str]:
        """What was said in all of them, conversation by conversation, the first message first."""
        return [
            message["text"]
            for talk in self.talks
            for message in reversed(talk["messages"]["nodes"])
            if message["senderKind"] != "SYSTEM"
        ]

    @property
    def is_read(self) -> bool:
        """Whether the visitor has read everything in the latest."""
        talk = self.talks[0]
        return (talk["visitorReadTo"], talk["visitorDeliveredTo"], talk["visitorUnread"]) == (*[talk["head"]] * 2, 0)

    @property
    def talk_id(self) -> str:
        return str(self.talks[0]["id"])

    def say(self, text: str, talk_id: str | None = None) -> str:
        said = self._do(SAY, conversationId=talk_id or self.talk_id, text=text)
        return str(said["sendMessage"]["message"]["id"])

    def write_to(self, visitor_id: str, text: str) -> None:
        """Begins a conversation with somebody who has said nothing."""
        self._do(START, visitorId=visitor_id, text=text)

    def edit(self, message_id: str, text: str) -> None:
        self._do(EDIT, messageId=message_id, text=text)

    def delete(self, message_id: str) -> None:
        self._do(DELETE, messageId=message_id)

    def type(self) -> None:
        self._do(TYPE, conversationId=self.talk_id, typing=True)

    def read(self) -> None:
        talk = self.talks[0]
        self._do(READ, conversationId=talk["id"], seq=talk["head"])

    def close(self) -> None:
        self._do(CLOSE, conversationId=self.talk_id)

    def _do(self, document: str, **values: Any) -> dict[str, Any]:
        return self.demo.ask(document, as_=self.token, input=values)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody on a page with the widget."""

    page: Page

    @property
    def launcher(self) -> Locator:
        return self.page.locator(".launcher")

    @property
    def field(self) -> Locator:
        return self.page.locator(".composer textarea")

    @property
    def lines(self) -> Locator:
        """What stands in the log, except the greeting."""
        return self.page.locator(".lines .line")

    @property
    def texts(self) -> list[str]:
        return self.lines.locator(".bubble").all_inner_texts()

    def open(self) -> "Visitor":
        """Opens the window where one writes."""
        self.launcher.click()
        start = self.page.locator(".start")
        expect(self.page.locator(".start:visible, .composer:visible").first).to_be_visible()
        if start.is_visible():
            start.click()
        expect(self.field).to_be_focused()
        return self

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def says(self, text: str) -> None:
        """Says it, and waits until the server has it."""
        self.say(text)
        expect(self.lines.last.locator(".bubble")).to_have_text(text)
        expect(self.page.locator(".sending, .waiting")).to_have_count(0)

    def hears(self, event: str) -> None:
        """Waits until the page was told of an event."""
        expect(self.page.locator("html")).to_have_attribute("data-heard", re.compile(rf"\b{event}\b"))

    def drops(self, name: str, text: str) -> None:
        """Drops a text file on the conversation."""
        self.page.evaluate(DROP, [name, "text/plain", text])

    def pastes(self, name: str, png: bytes) -> None:
        """Pastes a picture into the field."""
        self.page.evaluate(PASTE, [name, "image/png", list(png)])

    def built_of(self, html: str) -> list[str]:
        """The elements, with their attributes, that the widget makes of a text of the server."""
        found: list[str] = self.page.evaluate(BUILT, html)
        return found

    def faults(self) -> list[str]:
        """What is written with too little contrast, and which controls have no name."""
        found: list[str] = self.page.evaluate(FAINT) + self.page.evaluate(NAMELESS)
        return found

    def loses_answers(self, times: int) -> list[str]:
        """The server does what is asked, but its next answers to a message are lost. They are put in the list."""
        lost: list[str] = []

        def lose(route: Route) -> None:
            if "sendVisitorMessage" in (route.request.post_data or "") and len(lost) < times:
                lost.append(route.fetch().text())
                route.abort()
            else:
                route.continue_()

        self.page.route("**/widget/graphql", lose)
        return lost

    def sees(self, *texts: str) -> None:
        """Waits until exactly these stand in the log, in this order."""
        expect(self.lines.locator(".bubble")).to_have_text(list(texts))


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def proof(secret: str, user_id: str) -> str:
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def picture(width: int, height: int) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc0\x80\x40" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
