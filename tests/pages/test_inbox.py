"""The inbox as agents use it, with a visitor on the other side: live, by keyboard, offline and back."""

import re
import sqlite3
from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.pages.conftest import Complaints, Demo
from tests.pages.talking import DOT, Visitor, details, inbox, open_talk, row, said, shown, stored

CANNED = "mutation($input: CreateCannedResponseInput!) { createCannedResponse(input: $input) { __typename } }"
CLOSE = "mutation($input: CloseConversationInput!) { closeConversation(input: $input) { __typename } }"
UPDATE = "mutation($input: UpdateConversationInput!) { updateConversation(input: $input) { __typename } }"
SCRIPT = "<img src=x onerror=\"document.title='broken'\"> <script>document.title='broken'</script> **bold**"


@pytest.fixture
def console(desk: Page) -> Page:
    """One console for all tests of this module."""
    return desk


@pytest.fixture
def visitor(demo: Demo) -> Visitor:
    """Somebody who has just asked something."""
    visitor = Visitor.comes(demo)
    visitor.says("Do you have time for a question?")
    return visitor


def test_a_conversation_is_held_by_keyboard_and_both_sides_see_it_at_once(console: Page, demo: Demo) -> None:
    inbox(console, demo)
    visitor = Visitor.comes(demo)
    visitor.says("Is the *Huila* back?")
    item = row(console, visitor)
    expect(item).to_contain_text(visitor.name)
    expect(item.locator(".count")).to_contain_text("1")
    console.keyboard.press("j")
    expect(item.get_by_role("button")).to_be_focused()
    console.keyboard.press("Enter")
    expect(console.locator(".line.theirs em")).to_have_text("Huila")
    expect(item.locator(".count")).to_have_count(0)
    assert visitor.conversation()["agentsReadTo"] == 1
    console.keyboard.press("r")
    expect(console.get_by_label("Reply")).to_be_focused()
    console.keyboard.type("It is, since this morning.")
    console.keyboard.press("Enter")
    mine = console.locator(".line.ours:not(.pending)")
    expect(mine).to_contain_text("It is, since this morning.")
    assert visitor.hears() == ["It is, since this morning."]
    expect(mine.locator(".ticks")).to_have_text("Sent")
    visitor.reads_to(stored(demo, visitor)["messages"]["nodes"][0]["seq"])
    expect(mine.locator(".ticks")).to_have_text("Read")
    visitor.types(True)
    expect(console.locator(".typing")).to_contain_text(f"{visitor.name} is typing")
    visitor.says("Wonderful!")
    visitor.types(False)
    expect(console.locator(".line.theirs").last).to_contain_text("Wonderful!")
    expect(console.locator(".typing")).to_be_empty()
    assert said(demo, visitor) == ["Is the *Huila* back?", "It is, since this morning.", "Wonderful!"]


def test_a_note_is_for_colleagues_and_looks_like_one(console: Page, demo: Demo, visitor: Visitor) -> None:
    open_talk(console, demo, visitor)
    console.keyboard.press("n")
    expect(console.get_by_label("Note", exact=True)).to_be_focused()
    console.keyboard.type("She asked before.")
    console.keyboard.press("Enter")
    note = console.locator(".line.note:not(.pending)")
    expect(note).to_contain_text("Note by Demo Owner")
    expect(note).to_contain_text("She asked before.")
    assert said(demo, visitor, "NOTE") == ["She asked before."]
    assert [line["kind"] for line in visitor.conversation()["messages"]["nodes"]].count("NOTE") == 0
    assert stored(demo, visitor)["status"] == "OPEN"


def test_what_people_write_stays_text_and_markup_is_built_of_what_is_allowed(
    console: Page, demo: Demo, visitor: Visitor, complaints: Complaints
) -> None:
    open_talk(console, demo, visitor)
    visitor.says(SCRIPT)
    expect(console.locator(".line.theirs strong").last).to_have_text("bold")
    assert console.locator(".thread img, .thread script").count() == 0
    complaints.expected.append("Content Security Policy")
    built = console.evaluate(
        """async (html) => {
          const { builtFrom } = await import("./js/inbox/markup.js");
          const holder = document.createElement("div");
          holder.append(...builtFrom(html));
          return holder.innerHTML;
        }""",
        "<p onclick='x()' style='color:red' class='a'>a<b>b</b><script>c</script><img src=x onerror=y>"
        "<a href='javascript:alert(1)'>d</a><a href='https://e.example/' onclick='f()'>f</a>"
        "<svg><a href='https://g.example/'>g</a></svg><form action='/x'><button>h</button></form></p><h1>i</h1>",
    )
    assert built == (
        '<p>a<b>b</b><a>d</a><a href="https://e.example/" target="_blank" rel="noopener noreferrer nofollow">f</a>'
        '</p>h<p></p><p class="strong">i</p>'
    )
    assert console.title() != "broken"


def test_what_is_written_offline_is_kept_and_sent_once(
    console: Page, demo: Demo, visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection"]
    open_talk(console, demo, visitor)
    console.context.set_offline(True)
    expect(console.locator(".banner")).to_contain_text("There is no connection")
    console.get_by_label("Reply").fill("First")
    console.keyboard.press("Enter")
    console.keyboard.type("Second")
    console.keyboard.press("Enter")
    console.keyboard.type("not sent yet")
    expect(console.locator(".line.pending")).to_have_count(2)
    expect(console.locator(".line.pending").last).to_contain_text("Waits for the connection")
    visitor.says("Are you there?")
    assert visitor.hears() == []
    console.context.set_offline(False)
    expect(console.locator(".line.pending")).to_have_count(0)
    expect(console.locator(".banner")).to_be_hidden()
    expect(console.locator(".line.theirs")).to_have_count(2)
    assert visitor.hears() == ["First", "Second"]
    assert shown(console) == said(demo, visitor)
    console.reload()
    expect(console.get_by_label("Reply")).to_have_value("not sent yet")


def test_an_answer_whose_receipt_was_lost_is_not_said_twice(
    console: Page, demo: Demo, visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expected.append("ERR_FAILED")
    lost: list[int] = []

    def lose(route: Route) -> None:
        if "sendMessage" in (route.request.post_data or "") and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    open_talk(console, demo, visitor)
    console.route("**/graphql", lose)
    console.get_by_label("Reply").fill("Only once")
    console.keyboard.press("Enter")
    expect(console.locator(".line.ours:not(.pending)")).to_have_text(re.compile("Only once"))
    expect(console.locator(".line.pending")).to_have_count(0)
    assert console.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('rapport.outgoing'))") == []
    assert lost == [200]
    assert visitor.hears() == ["Only once"]


def test_a_restored_database_makes_the_inbox_load_again(
    console: Page, demo: Demo, visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expected += ["WebSocket connection", "ERR_CONNECTION_REFUSED"]
    open_talk(console, demo, visitor)
    demo.served.kill()
    expect(console.locator(".queue .live")).to_have_text("Reconnecting…")
    with sqlite3.connect(demo.database) as database:
        database.execute("UPDATE tenants SET feed_epoch = 'restored'")
    demo.served.start()
    visitor.says("After the restore")
    expect(console.locator(".line.theirs").last).to_contain_text("After the restore")
    expect(console.locator(".queue .live")).to_have_text("Live")
    visitor.says("And live again")
    expect(console.locator(".line.theirs").last).to_contain_text("And live again")
    assert shown(console) == said(demo, visitor)


def test_everything_is_done_with_a_conversation_by_keyboard(console: Page, demo: Demo, visitor: Visitor) -> None:
    talk = open_talk(console, demo, visitor)
    console.keyboard.press("a")
    console.keyboard.type("mira")
    expect(console.get_by_role("option")).to_have_count(1)
    console.keyboard.press("Enter")
    expect(talk.get_by_role("button", name="Assigned to: Mira Lund")).to_be_focused()
    expect(talk.locator(".line.system").last).to_contain_text("Mira Lund")
    console.keyboard.press("p")
    expect(console.get_by_role("listbox", name="Priority")).to_be_focused()
    console.keyboard.press("Enter")
    expect(talk.locator(".bar .flag")).to_have_text("Urgent")
    console.keyboard.press("t")
    console.keyboard.type("vip")
    console.keyboard.press("Enter")
    expect(row(console, visitor).locator(".tag")).to_have_text("vip")
    console.keyboard.press("s")
    console.keyboard.press("ArrowDown")
    console.keyboard.press("Enter")
    expect(talk.locator(".bar [data-status=SNOOZED]")).to_be_visible()
    expect(row(console, visitor)).to_have_count(0)
    found = stored(demo, visitor)
    assert (found["priority"], found["tags"], found["assignee"]) == ("URGENT", [{"name": "vip"}], {"name": "Mira Lund"})
    assert found["snoozedUntil"] is not None
    console.keyboard.press("e")
    expect(talk.get_by_role("button", name="Reopen")).to_be_visible()
    assert stored(demo, visitor)["status"] == "CLOSED"
    visitor.rates(4, "Quick")
    expect(details(console).locator(".stars")).to_contain_text("4 of 5")
    expect(details(console)).to_contain_text("Quick")
    visitor.says("One more thing")
    expect(talk.get_by_role("button", name="Close")).to_be_visible()
    expect(row(console, visitor)).to_contain_text("One more thing")


def test_ready_answers_are_found_by_slash_and_filled(console: Page, demo: Demo, visitor: Visitor) -> None:
    word = f"w{uuid4().hex[:8]}"
    demo.ask(CANNED, input={"shortcut": word, "title": "Greeting", "texts": {"en": "Hello {{customer.name}}!"}})
    open_talk(console, demo, visitor)
    console.get_by_label("Reply").fill("")
    console.keyboard.type(f"So: /{word[:6]}")
    expect(console.get_by_role("option")).to_contain_text("Greeting")
    console.keyboard.press("Enter")
    expect(console.get_by_label("Reply")).to_have_value(f"So: Hello {visitor.name}!")
    expect(console.get_by_role("listbox", name="Ready answers")).to_be_hidden()
    console.keyboard.press("Enter")
    expect(console.locator(".line.ours:not(.pending)")).to_contain_text(f"Hello {visitor.name}!")
    assert visitor.hears() == [f"So: Hello {visitor.name}!"]


def test_files_are_sent_seen_and_fetched_by_short_lived_links(console: Page, demo: Demo, visitor: Visitor) -> None:
    open_talk(console, demo, visitor)
    picker = console.get_by_label("Files", exact=True)
    picture: FilePayload = {"name": "dot.png", "mimeType": "image/png", "buffer": DOT}
    plan: FilePayload = {"name": "plan <b>.txt", "mimeType": "text/plain", "buffer": b"Tuesday: roast."}
    picker.set_input_files([picture, plan])
    expect(console.locator(".chips .done")).to_have_count(2)
    console.get_by_label("Reply").fill("See here")
    console.keyboard.press("Enter")
    sent = console.locator(".line.ours:not(.pending)")
    expect(sent.get_by_role("button", name="Open dot.png")).to_be_visible()
    expect(sent.locator("img")).to_have_js_property("naturalWidth", 1)
    files = visitor.conversation()["messages"]["nodes"][0]["files"]
    assert [one["name"] for one in files] == ["dot.png", "plan _b_.txt"]
    with console.expect_download() as fetched:
        sent.locator(".attachment").click()
    assert fetched.value.path().read_bytes() == b"Tuesday: roast."


def test_the_person_beside_the_conversation_comes_with_it_in_one_question(console: Page, demo: Demo) -> None:
    inbox(console, demo, "view=all")
    asked: list[str] = []
    console.on("request", lambda request: asked.append(request.post_data or "") if "/graphql" in request.url else None)
    console.locator("[data-conversation]").filter(has_text="Sour cup with a new grinder").get_by_role("button").click()
    for words in (
        "Verified",
        "roast-0007",
        "Latest events",
        "V60, step by step",
        "Earlier conversations",
        "A bigger bag",
    ):
        expect(details(console)).to_contain_text(words)
    reading = [text for text in asked if '"query Open' in text or "query Open" in text]
    assert len(reading) == 1
    assert not [text for text in asked if "query Person" in text]
    details(console).get_by_role("button", name="Why?").click()
    expect(console.get_by_role("dialog")).to_contain_text("Assigned by hand")
    console.keyboard.press("Escape")
    details(console).get_by_role("button", name=re.compile("A bigger bag")).click()
    expect(details(console)).to_contain_text("So quick, and so kind.")


def test_several_are_picked_and_changed_together(console: Page, demo: Demo) -> None:
    word = f"w{uuid4().hex[:8]}"
    visitors = [Visitor.comes(demo, f"{name} {word}") for name in ("Ada", "Bob")]
    for visitor in visitors:
        visitor.says(f"About {word}")
    inbox(console, demo)
    console.keyboard.press("/")
    console.keyboard.type(word)
    expect(console.locator("[data-conversation]")).to_have_count(2)
    console.keyboard.press("Escape")
    console.keyboard.press("j")
    console.keyboard.press("x")
    console.keyboard.press("j")
    console.keyboard.press("x")
    bar = console.get_by_role("toolbar", name="Picked conversations")
    expect(bar).to_contain_text("2 picked")
    bar.get_by_role("button", name="Tag the picked").click()
    console.keyboard.type(word)
    console.keyboard.press("Enter")
    expect(console.locator("[data-conversation] .tag").filter(has_text=word)).to_have_count(2)
    console.get_by_role("button", name="Save this view").click()
    console.get_by_role("dialog").get_by_label("Name").fill(f"View {word}")
    console.get_by_role("dialog").get_by_role("button", name="Save").click()
    place = console.get_by_role("navigation", name="Views").get_by_role("button", name=f"View {word}", exact=True)
    expect(place).to_have_attribute("aria-current", "page")
    expect(console.locator("[data-conversation]")).to_have_count(2)
    for visitor in visitors:
        row(console, visitor).hover()
        row(console, visitor).get_by_role("checkbox").check()
    bar.get_by_role("button", name="Close the picked").click()
    expect(console.locator("[data-conversation] [data-status=CLOSED]")).to_have_count(2)
    assert {stored(demo, visitor)["status"] for visitor in visitors} == {"CLOSED"}


def test_the_numbers_and_the_list_follow_what_others_do(console: Page, demo: Demo, visitor: Visitor) -> None:
    inbox(console, demo, "view=unassigned")
    views = console.get_by_role("navigation", name="Views")
    unassigned = views.locator("[data-view=unassigned] .number")
    expect(unassigned).to_have_text(re.compile(r"\d"))
    before = int(unassigned.inner_text())
    expect(row(console, visitor)).to_be_visible()
    demo.ask(CLOSE, input={"conversationId": visitor.talk})
    expect(row(console, visitor)).to_have_count(0)
    expect(unassigned).to_have_text(str(before - 1))
    views.get_by_role("button", name=re.compile("^Closed")).click()
    expect(row(console, visitor)).to_be_visible()


def test_a_visitor_is_there_or_gone(console: Page, demo: Demo, visitor: Visitor) -> None:
    open_talk(console, demo, visitor)
    with visitor.there():
        expect(details(console)).to_contain_text("Online now")
        expect(row(console, visitor).locator(".face.there")).to_be_visible()
    expect(details(console)).not_to_contain_text("Online now")


def test_an_answer_is_edited_and_deleted_before_the_eyes_of_both(console: Page, demo: Demo, visitor: Visitor) -> None:
    open_talk(console, demo, visitor)
    console.get_by_label("Reply").fill("Tusday")
    console.keyboard.press("Enter")
    mine = console.locator(".line.ours:not(.pending)")
    mine.hover()
    mine.get_by_role("button", name="Edit message").click()
    console.get_by_role("dialog").get_by_label("Text").fill("Tuesday")
    console.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(mine).to_contain_text("Tuesday")
    expect(mine).to_contain_text("edited")
    assert visitor.hears() == ["Tuesday"]
    mine.hover()
    mine.get_by_role("button", name="Delete message").click()
    console.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(mine).to_contain_text("This message was deleted.")
    mine.get_by_role("button", name="deleted").click()
    expect(console.get_by_role("dialog").get_by_role("listitem")).to_have_text(
        [re.compile("Tusday"), re.compile("Tuesday")]
    )
    console.keyboard.press("Escape")
    assert visitor.hears() == [""]


def test_a_telephone_shows_one_pane_after_the_other(console: Page, demo: Demo, visitor: Visitor) -> None:
    console.set_viewport_size({"width": 390, "height": 800})
    inbox(console, demo)
    row(console, visitor).get_by_role("button").click()
    expect(console.get_by_label("Reply")).to_be_visible()
    expect(row(console, visitor)).to_be_hidden()
    console.get_by_role("button", name="Details").click()
    expect(details(console).get_by_text("On your site")).to_be_visible()
    console.get_by_role("button", name="Back to the list").click()
    expect(row(console, visitor).get_by_role("button")).to_be_focused()
    console.get_by_role("button", name="Views").click()
    console.get_by_role("button", name=re.compile("^Snoozed")).click()
    expect(console.get_by_role("heading", name="Snoozed")).to_be_visible()
    assert console.evaluate("document.documentElement.scrollWidth") <= 390
