"""What can be measured of good looks: contrast, names of controls, one heading, and nothing wider than a telephone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import Demo, sign_in

ENTRANCES = ("/sign-in", "/register", "/forgot", "/reset?token=x", "/invitation?token=x", "/verify")
PLACES = (
    "/",
    "/customers",
    "/segments",
    "/segments/new",
    "/inbox?view=all",
    "/inbox?view=closed",
    "/widgets",
    "/widgets/new",
    "/members",
    "/api-keys",
    "/outbox",
    "/campaigns",
    "/campaigns/new",
    "/settings/senders",
    "/settings/sending",
    "/settings/suppressed",
    "/settings/integrations",
    "/settings/webhooks",
    "/audit",
    "/customers?search=nobody at all",
)

SEGMENT = 'mutation($rule: RuleInput!) { createSegment(input: {name: "Buyers", rule: $rule}) { segment { id } } }'
BUYERS = {
    "and": [
        {"event": {
            "name": "purchase",
            "where": [{"property": {"name": "amount", "is": {"moreThan": 1}}}],
            "count": {"atLeast": 1},
        }},
        {"not": {"or": [{"locale": {"is": {"in": ["xx"]}}}]}},
    ]
}  # fmt: skip

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
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest(".unseen, .skip, [aria-disabled=true], noscript, option")) continue;
    const behind = [];
    for (let one = element; one; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
    const [fore, back] = [[...behind, getComputedStyle(element).color], behind].map(blend).map(light);
    const contrast = (Math.max(fore, back) + .05) / (Math.min(fore, back) + .05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.className} ${element.textContent}`);
  }
  return found;
}"""

NAMELESS = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea")]
  .filter((one) => one.checkVisibility() && !one.textContent.trim() && !one.labels?.length && !one.ariaLabel)
  .map((one) => one.outerHTML)"""

REPEATED = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


@pytest.fixture(scope="module", params=["light", "dark"])
def screen(request: pytest.FixtureRequest, browser: Browser, demo: Demo) -> Iterator[Page]:
    """The console in one colour scheme, with the demo's owner signed in."""
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    sign_in(page, demo.console, demo.email, demo.password)
    yield page
    context.close()


OTHERS = ("calls", "delivery", "somebody", "segment", "rule", "dialog", "talk")
CAMPAIGN_PARTS = ("overview", "contents", "audience", "plan", "experiment", "deliveries")


@pytest.mark.parametrize("place", [*PLACES, *CAMPAIGN_PARTS, *OTHERS])
def test_every_page_is_legible_named_and_narrow_enough(screen: Page, demo: Demo, place: str) -> None:
    go_to(screen, demo, place)
    assert screen.evaluate(FAINT) == []
    assert screen.evaluate(NAMELESS) == []
    assert screen.evaluate(REPEATED) == []
    expect(screen.get_by_role("heading", level=1, include_hidden=True)).to_have_count(1)
    screen.set_viewport_size({"width": 360, "height": 740})
    assert screen.evaluate("document.documentElement.scrollWidth") <= 360
    screen.set_viewport_size({"width": 1280, "height": 800})


def test_the_entrance_is_legible_too(screen: Page, demo: Demo) -> None:
    for place in ENTRANCES:
        screen.goto(f"{demo.console}#{place}")
        expect(screen.locator(".entrance h1")).to_be_visible()
        assert screen.evaluate(FAINT) == [], place
        assert screen.evaluate(NAMELESS) == [], place


def test_the_menu_of_a_small_screen_opens_by_keyboard_and_closes_behind_one(console: Page) -> None:
    console.set_viewport_size({"width": 390, "height": 800})
    menu = console.get_by_role("button", name="Menu")
    links = console.get_by_role("navigation", name="Main")
    expect(links).to_be_hidden()
    menu.focus()
    console.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    links.get_by_role("link", name="Members").press("Enter")
    expect(console.get_by_role("heading", name="Members")).to_be_focused()
    expect(links).to_be_hidden()


def go_to(page: Page, demo: Demo, place: str) -> None:
    somebody = demo.ask('{ customers(first: 1, filter: {search: "roast-0007"}) { nodes { id } } }')
    address = f"/customers/{somebody['customers']['nodes'][0]['id']}" if place == "somebody" else place
    if place in {"segment", "rule"}:
        made = demo.ask(SEGMENT, rule=BUYERS)["createSegment"]["segment"]["id"]
        address = f"/segments/{made}/edit" if place == "rule" else f"/segments/{made}"
    if place == "talk":
        talks = demo.ask('{ conversations(filter: {tag: "grinder"}) { nodes { id } } }')["conversations"]["nodes"]
        address = f"/inbox?c={talks[0]['id']}"
    if place in CAMPAIGN_PARTS:
        sent = demo.ask("{ campaigns(filter: {status: COMPLETED}) { nodes { id } } }")["campaigns"]["nodes"][0]["id"]
        address = f"/campaigns/{sent}/{place}"
    if place == "calls":
        called = demo.ask('{ campaigns(filter: {search: "Back on the shelf"}) { nodes { id } } }')["campaigns"]["nodes"]
        address = f"/campaigns/{called[0]['id']}/calls"
    if place == "delivery":
        delivered = demo.ask("{ deliveries(first: 1, filter: {states: [DELIVERED]}) { nodes { id } } }")["deliveries"]
        address = f"/deliveries/{delivered['nodes'][0]['id']}"
    page.goto(f"{demo.console}#{'/api-keys' if place == 'dialog' else address}")
    expect(page.locator("main[aria-busy]")).to_have_count(0)
    if place == "somebody":
        expect(page.locator(".live")).to_have_text("Live")
    if place in {*CAMPAIGN_PARTS, "calls"}:
        expect(page.locator(".live")).to_have_text("Live")
    if place == "delivery":
        expect(page.locator("iframe")).to_be_visible()
    if place == "segment":
        expect(page.get_by_text("Ready")).to_be_visible()
        expect(page.locator("tbody tr").first).to_be_visible()
    if place.startswith("/inbox") or place == "talk":
        expect(page.locator(".queue .live")).to_have_text("Live")
    if place == "talk":
        expect(page.locator(".line.note")).to_be_visible()
    if place == "rule":
        expect(page.locator(".found")).to_be_visible()
    if place == "dialog":
        page.get_by_role("button", name="Create key").click()
        page.get_by_role("dialog").get_by_role("button", name="Create key").click()
        expect(page.get_by_role("dialog").get_by_text("Must not be empty.", exact=True)).to_be_visible()
