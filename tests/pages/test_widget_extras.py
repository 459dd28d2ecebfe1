"""What else visitors do with the widget: files, who they are, and what hostile people try."""

import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.conftest import Complaints, Demo
from tests.pages.shop import Shop
from tests.pages.visiting import Agent, Visitor

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


def test_files_are_chosen_dropped_pasted_and_sent(
    visitor: Visitor, agent: Agent, page: Page, complaints: Complaints
) -> None:
    complaints.expected += ["Failed to load resource"]
    visitor.open()
    page.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    page.evaluate(DROP, ["<img src=x onerror=alert(1)>.txt", "text/plain", "dropped"])
    page.evaluate(PASTE, ["shot.png", "image/png", list(picture(40, 30))])
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
    page.wait_for_function("heard.some(([name]) => name === 'identified')")
    elsewhere = browser.new_context(locale="en-GB")
    other = Visitor(elsewhere.new_page())
    other.page.goto(shop.page(agent.widget_key, ["identify", {**wanda, "userHash": "0" * 64}], ["open"]))
    other.page.wait_for_function("heard.some(([name]) => name === 'error')")
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
    page.wait_for_function("heard.some(([name]) => name === 'ready')")
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
        for one in page.evaluate(BUILT, html):
            name, *attributes = one.split(" ", 1)
            assert name in MAY_STAND, one
            assert name == "a" or not attributes, one
            assert "script:" not in one and "data:" not in one, one
    assert page.evaluate(BUILT, '<p>a &lt;b&gt; <a href="https://x.example/?a=1&amp;b=2">l</a></p>') == [
        "p",
        "a href=https://x.example/?a=1&b=2 target=_blank rel=noopener nofollow noreferrer",
    ]
    assert page.title() == title


def proof(secret: str, user_id: str) -> str:
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def picture(width: int, height: int) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc0\x80\x40" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
