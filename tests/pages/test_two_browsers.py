"""A conversation in two browsers at once: a visitor on a page of another origin, and agents in their inboxes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, WebSocket, expect

from tests.pages.conftest import ARGUMENTS, PATIENCE_MS, SCREEN, Complaints, Demo
from tests.pages.shop import Shop
from tests.pages.talking import details, inbox
from tests.pages.visiting import Agent, Visitor, picture, until

INVITE = "mutation($input: AddMemberInput!) { addMember(input: $input) { __typename } }"
OUTBOX = "query($to: String!) { outbox(recipient: $to, first: 1) { nodes { body } } }"
SIDES = """query($id: ID!) { conversation(id: $id) { status csatScore csatComment assignee { name }
  messages(first: 100) { nodes { kind senderKind text } } } }"""
OFFLINE = ["ERR_INTERNET_DISCONNECTED", "WebSocket connection"]
NOTE = "Gave her a discount before; be generous."


@dataclass(frozen=True)
class Guest(Visitor):
    """A visitor in a Chromium of their own. ``told``: every frame that the server has pushed to their page."""

    told: list[str] = field(default_factory=list)

    @property
    def said(self) -> Locator:
        """The texts in the log, without files."""
        return self.lines.locator(".bubble:not(.file)")

    def overhear(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.told.append(str(frame)))


@dataclass(frozen=True)
class Desk:
    """An agent's inbox with one conversation open."""

    page: Page

    @property
    def said(self) -> Locator:
        return self.page.locator(".line .bubble")

    def writes(self, text: str, key: str = "r") -> None:
        """Goes to the field by its key (``n``: a note) and types, as people do."""
        self.page.get_by_role("region", name="What was said").focus()
        self.page.keyboard.press(key)
        expect(self.page.get_by_label("Note" if key == "n" else "Reply", exact=True)).to_be_focused()
        self.page.keyboard.type(text)

    def says(self, text: str, key: str = "r") -> None:
        self.writes(text, key)
        self.page.keyboard.press("Enter")

    def opens(self, talk_id: str) -> None:
        """Takes the conversation from the list, where it has come by itself."""
        row = self.page.locator(f"[data-conversation={talk_id}]")
        row.get_by_role("button").click()
        expect(self.page.get_by_role("region", name="What was said")).to_be_visible()


@pytest.fixture(scope="module")
def shop(demo: Demo) -> Iterator[Shop]:
    with Shop(demo.url) as shop:
        yield shop


@pytest.fixture
def widget(demo: Demo) -> Agent:
    """What the server holds, and the widget of this test."""
    return Agent.of_new_widget(demo)


@pytest.fixture(scope="module")
def other_browser(browser: Browser, chromium: str) -> Iterator[Browser]:
    """A second Chromium, with nothing in common with the first."""
    other = browser.browser_type.launch(executable_path=chromium, args=list(ARGUMENTS))
    yield other
    other.close()


@pytest.fixture
def visitor(other_browser: Browser, shop: Shop, widget: Agent, complaints: Complaints) -> Iterator[Guest]:
    """Somebody on the shop's page, with the widget's window open."""
    context = other_browser.new_context(viewport=SCREEN, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda said: said.type in {"warning", "error"} and complaints.heard.append(said.text))
    context.on("weberror", lambda error: complaints.heard.append(str(error.error)))
    guest = Guest(context.new_page())
    guest.page.on("websocket", lambda socket: guest.overhear(socket))
    guest.page.goto(shop.page(widget.widget_key))
    guest.open()
    yield guest
    context.close()


@pytest.fixture
def owner(desk: Page, demo: Demo) -> Desk:
    """The demo's owner before the list of open conversations."""
    return Desk(inbox(desk, demo))


@pytest.fixture
def colleague(page: Page, demo: Demo) -> Desk:
    """Nora, who was invited as an agent, has joined, and looks at what is hers."""
    address = f"{uuid4().hex}@example.com"
    demo.ask(INVITE, input={"email": address, "role": "AGENT"})
    until(lambda: bool(demo.ask(OUTBOX, to=address)["outbox"]["nodes"]))
    [mail] = demo.ask(OUTBOX, to=address)["outbox"]["nodes"]
    link = re.search(r"http\S+", mail["body"])
    assert link is not None
    page.goto(link[0])
    page.get_by_label("Your name").fill("Nora Berg")
    page.get_by_label("Password").fill(uuid4().hex)
    page.get_by_role("button", name="Accept and sign in").click()
    expect(page.get_by_role("heading", name="Hello, Nora Berg")).to_be_visible()
    return Desk(inbox(page, demo, "view=mine"))


def test_a_whole_conversation_is_seen_by_both_sides_as_it_happens(
    visitor: Guest, owner: Desk, colleague: Desk, widget: Agent, demo: Demo
) -> None:
    page, console = visitor.page, owner.page
    visitor.says("Is the Huila back?")
    talk = widget.talk_id
    owner.opens(talk)
    expect(owner.said).to_have_text(["Is the Huila back?"])
    expect(page.locator(".own .meta")).to_contain_text("Read")

    visitor.field.press_sequentially("I wou")
    expect(console.locator(".typing")).to_contain_text("is typing…")
    visitor.field.fill("")
    expect(console.locator(".typing")).to_be_empty()
    owner.writes("Hm")
    expect(page.locator(".typing")).to_contain_text("Demo Owner is writing")
    console.get_by_label("Reply", exact=True).fill("")
    expect(page.locator(".typing")).to_be_hidden()
    owner.says("It is, since *this* morning.")
    expect(visitor.said).to_have_text(["Is the Huila back?", "It is, since this morning."])
    expect(page.locator(".theirs em")).to_have_text("this")
    expect(console.locator(".line.ours:not(.pending) .ticks")).to_have_text("Read")

    order: FilePayload = {"name": "order.txt", "mimeType": "text/plain", "buffer": b"Two bags of Huila."}
    page.locator("input[type=file]").set_input_files(order)
    expect(page.get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "false")
    visitor.say("My order")
    with console.expect_download() as fetched:
        console.get_by_role("button", name="Open order.txt").click()
    assert fetched.value.path().read_bytes() == b"Two bags of Huila."

    bill: FilePayload = {"name": "bill.txt", "mimeType": "text/plain", "buffer": b"25.00 EUR"}
    bags: FilePayload = {"name": "bags.png", "mimeType": "image/png", "buffer": picture(40, 30)}
    console.get_by_label("Files", exact=True).set_input_files([bags, bill])
    expect(console.locator(".chips .done")).to_have_count(2)
    owner.says("And your bill")
    expect(page.locator(".theirs .picture.loaded img")).to_have_attribute("alt", "bags.png")
    assert page.locator(".picture img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [40, 30]
    with page.context.expect_event("download") as saved:
        page.locator(".theirs .file", has_text="bill.txt").click()
    assert saved.value.path().read_bytes() == b"25.00 EUR"

    owner.says(NOTE, "n")
    expect(console.locator(".line.note:not(.pending) .bubble")).to_have_text(NOTE)
    console.get_by_role("region", name="What was said").focus()
    console.keyboard.press("a")
    console.keyboard.type("nora")
    console.keyboard.press("Enter")
    expect(console.get_by_role("button", name="Assigned to: Nora Berg")).to_be_visible()
    expect(page.locator(".bar h2")).to_have_text("Nora Berg")

    colleague.opens(talk)
    colleague.says("Nora here: it leaves today.")
    public = [
        "Is the Huila back?",
        "It is, since this morning.",
        "My order",
        "And your bill",
        "Nora here: it leaves today.",
    ]
    expect(visitor.said).to_have_text(public)
    for desk in (owner, colleague):
        expect(desk.said).to_have_text([*public[:4], NOTE, public[4]])
    colleague.page.get_by_role("region", name="What was said").focus()
    colleague.page.keyboard.press("e")
    expect(page.get_by_text("The conversation was closed")).to_be_visible()
    page.get_by_role("radio", name="Very good").check()
    page.get_by_placeholder("Tell us more").fill("So quick")
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_text("Thank you for your rating")).to_be_visible()
    for desk in (owner, colleague):
        expect(details(desk.page).locator(".stars")).to_contain_text("5 of 5")
        expect(details(desk.page).locator("q")).to_have_text("So quick")
    expect(visitor.said).to_have_text(public)
    assert any("it leaves today" in frame for frame in visitor.told)
    assert not [frame for frame in visitor.told if "discount" in frame or '"NOTE"' in frame]
    stored = demo.ask(SIDES, id=talk)["conversation"]
    assert (stored["status"], stored["csatScore"], stored["csatComment"]) == ("CLOSED", 5, "So quick")
    assert stored["assignee"] == {"name": "Nora Berg"}


def test_what_both_write_while_both_are_offline_is_said_once_and_in_order(
    visitor: Guest, owner: Desk, widget: Agent, demo: Demo, complaints: Complaints
) -> None:
    complaints.expected += OFFLINE
    visitor.says("one")
    talk = widget.talk_id
    owner.opens(talk)
    owner.says("two")
    expect(visitor.said).to_have_text(["one", "two"])
    contexts = [visitor.page.context, owner.page.context]
    for context in contexts:
        context.set_offline(True)
    expect(owner.page.locator(".banner")).to_contain_text("There is no connection")
    expect(visitor.page.locator(".notice")).to_contain_text("No connection")
    for number in range(3):
        visitor.say(f"visitor {number}")
        owner.says(f"agent {number}")
    expect(visitor.said).to_have_text(["one", "two", "visitor 0", "visitor 1", "visitor 2"])
    expect(owner.said).to_have_text(["one", "two", "agent 0", "agent 1", "agent 2"])
    expect(visitor.page.locator(".own .meta").last).to_contain_text("Waiting for a connection")
    expect(owner.page.locator(".line.pending").last).to_contain_text("Waits for the connection")
    assert widget.texts == ["one", "two"]
    for context in contexts:
        context.set_offline(False)
    for number in range(3):
        expect(owner.said.filter(has_text=f"visitor {number}")).to_have_count(1)
        expect(visitor.said.filter(has_text=f"agent {number}")).to_have_count(1)
    expect(owner.page.locator(".line.pending")).to_have_count(0)
    expect(visitor.page.locator(".waiting, .sending")).to_have_count(0)
    expect(owner.page.locator(".banner")).to_be_hidden()
    expect(visitor.page.locator(".notice")).to_be_empty()
    said = widget.texts
    assert [text for text in said if text.startswith("visitor")] == [f"visitor {number}" for number in range(3)]
    assert [text for text in said if text.startswith("agent")] == [f"agent {number}" for number in range(3)]
    assert (said[:2], len(said)) == (["one", "two"], 8)
    visitor.says("and live again")
    for _ in range(2):
        for screen in (visitor, owner):
            expect(screen.said).to_have_text([*said, "and live again"])
            screen.page.reload()
