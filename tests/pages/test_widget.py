"""The widget as visitors use it: Chromium on a page of another origin, with an agent at the other end."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, WebSocket, expect

from tests.pages.conftest import Complaints, Demo
from tests.pages.shop import Shop
from tests.pages.visiting import HOSTILE, MAY_STAND, Agent, Visitor, picture, proof, until

TOKEN = "key => localStorage.getItem(`rapport:${key}:token`)"
OFFLINE = ["ERR_INTERNET_DISCONNECTED", "WebSocket connection", "ERR_CONNECTION_REFUSED", "ERR_FAILED"]


@pytest.fixture(scope="module")
def shop(demo: Demo) -> Iterator[Shop]:
    with Shop(demo.url) as shop:
        yield shop


@pytest.fixture
def agent(demo: Demo) -> Agent:
    return Agent.of_new_widget(demo)


@pytest.fixture
def visitor(page: Page, shop: Shop, agent: Agent) -> Visitor:
    """On the page, with the widget closed."""
    page.goto(shop.page(agent.widget_key))
    return Visitor(page)


def test_a_conversation_from_hello_to_the_rating(visitor: Visitor, agent: Agent, page: Page) -> None:
    visitor.open().says("Where is my order?")
    expect(page.locator(".own .meta")).to_contain_text("Sent")
    expect(page.locator(".bar .there")).to_have_text(re.compile("You are next|Number [0-9]+ in the queue"))
    assert agent.texts == ["Where is my order?"]
    agent.type()
    expect(page.locator(".typing")).to_contain_text("is writing")
    agent.say("It left **today**.")
    visitor.sees("Where is my order?", "It left today.")
    expect(page.locator(".theirs strong")).to_have_text("today")
    expect(page.locator(".typing")).to_be_hidden()
    expect(page.locator(".bar h2")).to_have_text("Demo Owner")
    agent.read()
    expect(page.locator(".own .meta")).to_contain_text("Read")
    until(lambda: agent.is_read)
    agent.close()
    page.get_by_role("radio", name="Good", exact=True).check()
    page.get_by_placeholder("Tell us more").fill("Quick and kind")
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_text("Thank you for your rating")).to_be_visible()
    assert [(talk["csatScore"], talk["csatComment"]) for talk in agent.talks] == [(4, "Quick and kind")]
    page.get_by_role("button", name="New conversation").click()
    visitor.says("Another matter")
    visitor.sees("Another matter")
    assert [talk["status"] for talk in agent.talks] == ["OPEN", "CLOSED"]


def test_what_comes_while_it_is_closed_is_counted_shown_and_found(visitor: Visitor, agent: Agent, page: Page) -> None:
    visitor.open().says("Hello")
    page.keyboard.press("Escape")
    agent.say("A *first* answer")
    expect(page.locator(".badge")).to_have_text("1")
    expect(page.locator(".teaser")).to_contain_text("A first answer")
    expect(visitor.launcher).to_have_accessible_name("Open chat. Unread messages: 1")
    assert agent.talks[0]["visitorReadTo"] < agent.talks[0]["head"]
    page.locator(".teaser .word").click()
    visitor.sees("Hello", "A first answer")
    expect(page.locator(".badge")).to_be_hidden()
    page.reload()
    visitor.sees("Hello", "A first answer")
    assert [name for name, _ in page.evaluate("heard")] == ["ready"]
    until(lambda: agent.is_read)


def test_agents_write_first_correct_and_take_back(visitor: Visitor, agent: Agent, page: Page, demo: Demo) -> None:
    visitor.hears("ready")
    [newest] = demo.ask("{ visitors(first: 1) { nodes { id } } }")["visitors"]["nodes"]
    agent.write_to(newest["id"], "May I help?")
    page.locator(".teaser .word").click()
    visitor.sees("May I help?")
    wrong, regretted = agent.say("Wron"), agent.say("Regretted")
    visitor.sees("May I help?", "Wron", "Regretted")
    agent.edit(wrong, "Right")
    agent.delete(regretted)
    visitor.sees("May I help?", "Right edited", "This message was deleted")


def test_messages_written_offline_survive_the_page_and_are_said_once(
    visitor: Visitor, agent: Agent, page: Page, context: BrowserContext, shop: Shop, complaints: Complaints
) -> None:
    complaints.expected += OFFLINE
    visitor.open().says("one")
    context.set_offline(True)
    for text in ("two", "three", "four"):
        visitor.say(text)
    visitor.sees("one", "two", "three", "four")
    expect(page.locator(".own .meta").last).to_contain_text("Waiting for a connection")
    expect(page.locator(".notice")).to_contain_text("No connection")
    agent.say("between", agent.talk_id)
    page.close()
    context.set_offline(False)
    again = Visitor(context.new_page())
    again.page.goto(shop.page(agent.widget_key))
    again.open()
    again.sees("one", "between", "two", "three", "four")
    expect(again.page.locator(".own .meta").last).to_contain_text("Sent")
    assert agent.texts == ["one", "between", "two", "three", "four"]


def test_a_lost_answer_says_nothing_twice(visitor: Visitor, agent: Agent, page: Page, complaints: Complaints) -> None:
    complaints.expected += OFFLINE
    lost = visitor.open().loses_answers(2)
    visitor.say("only once")
    visitor.say("after it")
    visitor.sees("only once", "after it")
    expect(page.locator(".own .meta").last).to_contain_text("Sent")
    assert len(lost) == 2
    assert agent.texts == ["only once", "after it"]


def test_a_restarted_server_is_followed_on(
    visitor: Visitor, agent: Agent, demo: Demo, page: Page, complaints: Complaints
) -> None:
    complaints.expected += OFFLINE
    visitor.open().says("before")
    talk = agent.talk_id
    demo.served.kill()
    visitor.say("while it was down")
    expect(page.locator(".waiting, .sending")).to_have_count(1)
    demo.served.start()
    agent.say("after", talk)
    expect(page.locator(".theirs .bubble", has_text="after")).to_be_visible()
    expect(page.locator(".waiting, .sending")).to_have_count(0)
    agent.say("and on", talk)
    expect(visitor.lines.last).to_contain_text("and on")
    assert sorted(visitor.texts) == ["after", "and on", "before", "while it was down"]
    assert visitor.texts == agent.texts


def test_tabs_of_one_browser_double_nothing(
    context: BrowserContext, shop: Shop, agent: Agent, complaints: Complaints
) -> None:
    complaints.expected += OFFLINE
    first, second = (Visitor(context.new_page()) for _ in range(2))
    for visitor in (first, second):
        visitor.page.goto(shop.page(agent.widget_key), wait_until="commit")
    for visitor in (first, second):
        visitor.page.bring_to_front()
        visitor.open()
    first.says("from the first")
    expect(second.page.locator(".own .meta")).to_contain_text("Sent")
    context.set_offline(True)
    first.say("a")
    second.sees("from the first", "a")
    second.say("b")
    context.set_offline(False)
    for visitor in (first, second):
        visitor.sees("from the first", "a", "b")
    expect(first.page.locator(".waiting, .sending")).to_have_count(0)
    agent.say("to both")
    for visitor in (first, second):
        visitor.sees("from the first", "a", "b", "to both")
    assert agent.texts == ["from the first", "a", "b", "to both"]
    assert len({talk["visitor"]["id"] for talk in agent.talks}) == 1
    assert len(agent.talks) == 1


def test_a_token_renewed_in_another_tab_does_not_interrupt_this_one(
    visitor: Visitor, agent: Agent, page: Page, context: BrowserContext, shop: Shop
) -> None:
    visitor.open().says("Hello")
    agent.say("Are you there?")
    visitor.sees("Hello", "Are you there?")
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    before = page.evaluate(TOKEN, agent.widget_key)
    page.wait_for_timeout(1100)  # Tokens of one second are the same.
    other = Visitor(context.new_page())
    other.page.goto(shop.page(agent.widget_key))
    other.hears("ready")
    assert page.evaluate(TOKEN, agent.widget_key) != before
    page.bring_to_front()
    agent.say("Still there?")
    visitor.sees("Hello", "Are you there?", "Still there?")
    assert sockets == []


def test_a_gap_loads_everything_anew(visitor: Visitor, agent: Agent, page: Page) -> None:
    """As after a restored database: the cursor is of another epoch."""
    visitor.open().says("known")

    def answer(route: Route) -> None:
        if "openWidget" not in (route.request.post_data or ""):
            route.continue_()
            return
        response = route.fetch()
        body = response.json()
        opened = body["data"]["openWidget"]
        opened["session"]["snapshotCursor"] = "0ther-1"
        opened["session"]["conversations"]["nodes"] = []
        route.fulfill(response=response, json=body)

    page.route("**/widget/graphql", answer)
    page.reload()
    visitor.sees("known")
    agent.say("and live")
    visitor.sees("known", "and live")


def test_everything_works_by_keyboard(agent: Agent, page: Page, shop: Shop) -> None:
    page.goto(shop.page_with_one_tag(agent.widget_key))
    visitor = Visitor(page)
    expect(visitor.launcher).to_be_visible()
    visitor.launcher.press("Enter")
    window = page.get_by_role("dialog", name="Hi there")
    expect(window).to_be_visible()
    expect(page.get_by_role("button", name="Send us a message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(visitor.field).to_be_focused()
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    visitor.sees("two\nlines")
    expect(page.locator(".own .meta")).to_contain_text("Sent")
    assert agent.texts == ["two\nlines"]
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Attach a file")).to_be_focused()
    page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    expect(visitor.launcher).to_be_focused()
    expect(visitor.launcher).to_have_attribute("aria-expanded", "false")
    assert [name for name, _ in page.evaluate("heard") if name != "unread"] == ["ready", "open", "sent", "close"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_and_fits_a_telephone(browser: Browser, demo: Demo, shop: Shop, theme: str) -> None:
    agent = Agent.of_new_widget(demo, theme=theme, colors={"accent": "#f59e0b"})
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale="en-GB")
    visitor = Visitor(context.new_page())
    visitor.page.goto(shop.page(agent.widget_key))
    visitor.open().says("a " + "very-long-word-" * 30)
    agent.say("[a link](https://example.com/) and `code`")
    expect(visitor.lines).to_have_count(2)
    visitor.page.wait_for_timeout(400)
    box = visitor.page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert visitor.faults() == []
    for _ in range(12):
        visitor.page.keyboard.press("Tab")
        assert visitor.page.evaluate("document.activeElement.localName") == "rapport-widget"
    context.close()


def test_languages_directions_hours_and_sides(page: Page, shop: Shop, demo: Demo) -> None:
    agent = Agent.of_new_widget(
        demo, hours={"timezone": "UTC", "week": {}}, texts={"de": {"title": "Grüß Gott"}}, position="left"
    )
    page.goto(shop.page(agent.widget_key, ["open"], locale="ar"))
    expect(page.locator(".rapport")).to_have_attribute("dir", "rtl")
    expect(page.locator(".rapport")).to_have_attribute("data-side", "left")
    expect(page.locator(".greeting")).to_have_text("كيف يمكننا مساعدتك؟")
    expect(page.locator(".hero .there")).to_have_text("لسنا متاحين الآن")
    page.evaluate("sc('setLocale', 'de-AT')")
    expect(page.locator(".hero h2")).to_have_text("Grüß Gott")
    expect(page.locator(".greeting")).to_have_text("Wie können wir helfen?")
    expect(page.locator(".rapport")).to_have_attribute("dir", "ltr")
    page.evaluate("sc('close')")
    expect(page.locator(".window")).to_be_hidden()


def test_unknown_keys_and_foreign_sites_get_no_widget(page: Page, shop: Shop, complaints: Complaints) -> None:
    complaints.expected += ["No widget has this key", "401", "Failed to load resource"]
    page.goto(shop.page("nobody", ["open"]))
    Visitor(page).hears("error")
    assert [name for name, _ in page.evaluate("heard")] == ["error"]
    expect(page.locator("rapport-widget")).to_have_count(0)


def test_files_are_chosen_dropped_pasted_and_sent(
    visitor: Visitor, agent: Agent, page: Page, complaints: Complaints
) -> None:
    complaints.expected += ["Failed to load resource"]
    visitor.open()
    page.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    visitor.drops("<img src=x onerror=alert(1)>.txt", "dropped")
    visitor.pastes("shot.png", picture(40, 30))
    page.locator("input[type=file]").set_input_files(
        {"name": "page.html", "mimeType": "text/html", "buffer": b"<!doctype html><script>1</script>"}
    )
    refused = page.locator(".chip.wrong")
    expect(refused).to_contain_text("page.html")
    expect(page.get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "true")
    refused.get_by_role("button", name="Remove: page.html").click()
    expect(page.get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "false")
    visitor.field.press("Enter")
    expect(page.locator(".own .meta")).to_contain_text("Sent")
    expect(page.locator(".picture.loaded img")).to_have_attribute("alt", "shot.png")
    assert page.locator(".picture img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [40, 30]
    [said] = agent.talks[0]["messages"]["nodes"]
    assert [file["mimeType"] for file in said["files"]] == ["text/plain", "text/plain", "image/png"]
    with page.expect_popup() as opened:
        page.locator(".file").first.click()
    opened.value.close()


def test_an_identified_visitor_finds_the_conversation_in_another_browser(
    visitor: Visitor, agent: Agent, demo: Demo, browser: Browser, shop: Shop, page: Page, complaints: Complaints
) -> None:
    complaints.expected += ["does not prove", "Failed to load resource"]
    secret = demo.ask("{ identitySecret }")["identitySecret"]
    wanda = {"userId": "u-1", "userHash": proof(secret, "u-1"), "name": "Wanda", "email": "wanda@example.com"}
    visitor.open().says("It is me")
    page.evaluate("who => sc('identify', who)", wanda)
    visitor.hears("identified")
    elsewhere = browser.new_context(locale="en-GB")
    other = Visitor(elsewhere.new_page())
    other.page.goto(shop.page(agent.widget_key, ["identify", {**wanda, "userHash": "0" * 64}], ["open"]))
    other.hears("error")
    expect(other.page.locator(".talks li")).to_have_count(0)
    other.page.evaluate("who => sc('identify', who)", wanda)
    expect(other.page.locator(".talks li")).to_contain_text("It is me")
    other.page.locator(".talks button").click()
    other.sees("It is me")
    agent.say("To both browsers")
    other.sees("It is me", "To both browsers")
    visitor.sees("It is me", "To both browsers")
    paul = {"userId": "u-2", "userHash": proof(secret, "u-2"), "name": "Paul"}
    other.page.evaluate("who => sc('identify', who)", paul)
    expect(other.page.locator(".home")).to_be_visible()
    expect(other.page.locator(".talks li")).to_have_count(0)
    elsewhere.close()


def test_an_address_is_asked_for_where_the_site_wants_it(page: Page, shop: Shop, demo: Demo) -> None:
    agent = Agent.of_new_widget(demo, ask_email="required", csat=False, files=False)
    page.goto(shop.page(agent.widget_key))
    visitor = Visitor(page)
    visitor.launcher.click()
    page.locator(".start").click()
    expect(visitor.field).to_be_disabled()
    page.get_by_placeholder("Your e-mail address").fill("wanda@example.com")
    page.get_by_role("button", name="Save").click()
    expect(visitor.field).to_be_enabled()
    expect(page.get_by_role("button", name="Attach a file")).to_have_count(0)
    visitor.says("Hello")
    agent.close()
    expect(page.get_by_text("The conversation was closed")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)
    visitor.says("One more thing")
    assert [talk["status"] for talk in agent.talks] == ["OPEN"]


def test_a_token_of_another_site_or_of_nobody_begins_anew(
    visitor: Visitor, agent: Agent, page: Page, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expected += ["Failed to load resource"]
    visitor.open().says("mine")
    page.evaluate("key => localStorage.setItem(`rapport:${key}:token`, '\"vst_forged\"')", agent.widget_key)
    page.reload()
    expect(visitor.launcher).to_be_visible()
    visitor.hears("ready")
    expect(visitor.lines).to_have_count(0)
    visitor.say("somebody new")
    expect(page.locator(".own .meta")).to_contain_text("Sent")
    assert len({talk["visitor"]["id"] for talk in agent.talks}) == 2


def test_what_people_write_is_never_markup(visitor: Visitor, agent: Agent, page: Page) -> None:
    title = page.title()
    visitor.open().says(HOSTILE[1])
    for text in HOSTILE[:6]:
        agent.say(text)
    expect(page.locator(".theirs.line .bubble", has_text="mtext").last).to_be_visible()
    allowed = {"a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "strong", "ul", "small"}
    built = page.locator(".lines .bubble *").evaluate_all("all => all.map((one) => one.localName)")
    assert set(built) <= allowed
    assert page.title() == title


def test_markup_is_built_of_what_is_allowed_and_nothing_else(visitor: Visitor, page: Page) -> None:
    """Whatever the server should ever say."""
    title = page.title()
    for html in HOSTILE:
        for one in visitor.built_of(html):
            name, *attributes = one.split(" ", 1)
            assert name in MAY_STAND, one
            assert name == "a" or not attributes, one
            assert "script:" not in one and "data:" not in one, one
    assert visitor.built_of('<p>a &lt;b&gt; <a href="https://x.example/?a=1&amp;b=2">l</a></p>') == [
        "p",
        "a href=https://x.example/?a=1&b=2 target=_blank rel=noopener nofollow noreferrer",
    ]
    assert page.title() == title
