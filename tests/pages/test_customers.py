"""Customers: found, opened, decided about, and followed live."""

import re
import time
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, Route, WebSocket, expect

from tests.pages.conftest import Complaints, Demo, visit

TRACK = """mutation($id: ID!, $name: String!, $properties: JSON) {
  track(input: {customer: {id: $id}, name: $name, properties: $properties}) { event { id } }
}"""
UPDATE = """mutation($id: ID!, $attributes: JSON!) {
  updateCustomer(input: {id: $id, attributes: $attributes}) { customer { id } }
}"""
IDENTIFY = "mutation($input: IdentifyCustomerInput!) { identifyCustomer(input: $input) { customer { id } } }"
SCRIPT = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


@pytest.fixture
def person(demo: Demo) -> str:
    """The id of a new customer."""
    return identify(demo, externalId=f"person-{uuid4().hex}", attributes={"name": "Wanda Walker"})


def identify(demo: Demo, **facts: object) -> str:
    return str(demo.ask(IDENTIFY, input=facts)["identifyCustomer"]["customer"]["id"])


def track(demo: Demo, person: str, name: str, **properties: object) -> str:
    return str(demo.ask(TRACK, id=person, name=name, properties=properties)["track"]["event"]["id"])


def open_live(page: Page, demo: Demo, person: str) -> None:
    page.goto(f"{demo.console}#/customers/{person}")
    expect(page.locator(".live")).to_have_text("Live")


def shown_events(page: Page) -> list[str | None]:
    """The ids of the events in the timeline, from the top."""
    return [item.get_attribute("data-event") for item in page.locator("[data-event]").all()]


def test_customers_are_listed_searched_and_paged(console: Page, demo: Demo) -> None:
    visit(console, "Customers")
    rows = console.locator("tbody tr")
    expect(rows).to_have_count(25)
    name = rows.first.get_by_role("link")
    first = name.inner_text()
    console.get_by_role("button", name="Next").click()
    expect(name).not_to_have_text(first)
    expect(console.get_by_role("button", name="Next")).to_be_focused()
    console.go_back()
    expect(name).to_have_text(first)
    console.get_by_label("Search").press_sequentially("roast-0007")
    expect(rows).to_have_count(1)
    expect(console.get_by_text("1 customer", exact=True)).to_be_visible()
    assert "search=roast-0007" in console.url
    expect(console.get_by_label("Search")).to_be_focused()
    console.keyboard.press("Control+A")
    console.keyboard.type("nobody at all")
    expect(console.get_by_text("Nobody was found")).to_be_visible()
    console.get_by_label("Search").fill("")
    console.get_by_label("Status").select_option(label="Suppressed")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Suppressed")
    rows.get_by_role("link").click()
    expect(console.get_by_text("Nothing may be sent to this customer")).to_be_visible()


def test_an_event_appears_while_one_is_looking(console: Page, demo: Demo, person: str) -> None:
    before = track(demo, person, "product_viewed", product="Huila")
    open_live(console, demo, person)
    assert shown_events(console) == [before]
    console.evaluate("window.kept = true")
    tracked = track(demo, person, "purchase", items=2, amount=25.0)
    item = console.locator(f"[data-event='{tracked}']")
    expect(item).to_contain_text("purchase")
    expect(item).to_contain_text("items")
    expect(console.get_by_text("2 events")).to_be_visible()
    expect(console.locator("[data-spoken]")).to_have_text("New event: purchase")
    assert shown_events(console) == [tracked, before]
    assert console.evaluate("window.kept") is True


def test_what_was_missed_offline_comes_once_and_in_order(
    console: Page, context: BrowserContext, demo: Demo, person: str, complaints: Complaints
) -> None:
    complaints.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection"]
    open_live(console, demo, person)
    seen = [track(demo, person, "step", n=n) for n in range(3)]
    expect(console.locator("[data-event]")).to_have_count(3)
    context.set_offline(True)
    expect(console.locator(".live")).to_have_text("Reconnecting…")
    seen += [track(demo, person, "step", n=n) for n in range(3, 20)]
    demo.ask(UPDATE, id=person, attributes={"mood": "patient"})
    time.sleep(1)
    assert console.locator("[data-event]").count() == 3
    context.set_offline(False)
    expect(console.locator(".live")).to_have_text("Live")
    expect(console.locator("[data-event]")).to_have_count(20)
    seen.append(track(demo, person, "step", n=20))
    expect(console.locator("[data-event]")).to_have_count(21)
    assert shown_events(console) == seen[::-1]
    expect(console.get_by_text("21 events")).to_be_visible()
    expect(console.get_by_label("Attributes")).to_contain_text("patient")


def test_a_restarted_server_is_followed_on(console: Page, demo: Demo, person: str, complaints: Complaints) -> None:
    complaints.expected += ["WebSocket connection", "ERR_CONNECTION_REFUSED"]
    open_live(console, demo, person)
    seen = [track(demo, person, "before")]
    expect(console.locator("[data-event]")).to_have_count(1)
    demo.served.kill()
    expect(console.locator(".live")).to_have_text("Reconnecting…")
    demo.served.start()
    seen.append(track(demo, person, "after"))
    expect(console.locator(".live")).to_have_text("Live")
    expect(console.locator("[data-event]")).to_have_count(2)
    assert shown_events(console) == seen[::-1]


def test_a_gap_makes_the_page_load_again(console: Page, context: BrowserContext, demo: Demo, person: str) -> None:
    """As after a restored database: the cursor is of another epoch."""
    track(demo, person, "early")
    loads: list[str] = []

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.text()
        if '"snapshotCursor"' in body:
            loads.append(body)
            if len(loads) == 1:
                body = re.sub(r'"snapshotCursor":"[^"]+"', '"snapshotCursor":"0ther-1"', body)
                track(demo, person, "unreplayable")
        route.fulfill(response=response, body=body)

    context.route("**/graphql", answer)
    console.goto(f"{demo.console}#/customers/{person}")
    expect(console.get_by_text("Something was missed; the page is loaded again.")).to_be_visible()
    expect(console.locator("[data-event]")).to_have_count(2)
    expect(console.locator(".live")).to_have_text("Live")
    assert len(loads) == 2
    track(demo, person, "late")
    expect(console.locator("[data-event]")).to_have_count(3)


def test_a_renewed_token_does_not_interrupt_the_timeline(console: Page, demo: Demo, person: str) -> None:
    sockets: list[WebSocket] = []
    console.on("websocket", lambda socket: sockets.append(socket))
    open_live(console, demo, person)
    console.evaluate(
        """async () => {
          const { session } = await import("./js/session.js");
          await session.renew(await session.token());
        }"""
    )
    track(demo, person, "afterwards")
    expect(console.locator("[data-event]")).to_have_count(1)
    assert len(sockets) == 1


def test_older_events_are_shown_on_demand(console: Page, demo: Demo, person: str) -> None:
    events = [{"customer": {"id": person}, "name": "step", "properties": {"n": n}} for n in range(45)]
    query = "mutation($input: TrackManyInput!) { trackMany(input: $input) { results { eventId } } }"
    results = demo.ask(query, input={"events": events})["trackMany"]["results"]
    open_live(console, demo, person)
    expect(console.locator("[data-event]")).to_have_count(30)
    console.get_by_role("button", name="Show older events").click()
    expect(console.locator("[data-event]")).to_have_count(45)
    expect(console.get_by_role("button", name="Show older events")).to_be_hidden()
    assert sorted(filter(None, shown_events(console))) == sorted(result["eventId"] for result in results)


def test_two_customers_are_merged_and_parted(console: Page, demo: Demo, person: str) -> None:
    other = identify(demo, externalId=f"other-{uuid4().hex}", attributes={"name": "Other Walker"})
    other_name = demo.ask("query($id: ID!) { customer(id: $id) { externalId } }", id=other)["customer"]["externalId"]
    track(demo, other, "of_the_other")
    open_live(console, demo, person)
    expect(console.locator("[data-event]")).to_have_count(0)
    console.get_by_role("button", name="Merge…").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Which is").fill("nobody")
    dialog.get_by_role("button", name="Merge").click()
    expect(dialog.get_by_label("Which is")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Which is").fill(other_name)
    dialog.get_by_role("button", name="Merge").click()
    expect(console.locator("[data-event]")).to_have_count(1)
    console.get_by_role("button", name="Unmerge Other Walker").click()
    console.get_by_role("dialog").get_by_role("button", name="Unmerge").click()
    expect(console.get_by_text("Nobody was merged into this customer.")).to_be_visible()
    expect(console.locator("[data-event]")).to_have_count(0)
    assert demo.ask("query($id: ID!) { customer(id: $id) { status } }", id=other)["customer"]["status"] == "ACTIVE"


def test_a_customer_is_suppressed_allowed_and_deleted(console: Page, demo: Demo, person: str) -> None:
    open_live(console, demo, person)
    console.get_by_role("button", name="Suppress").click()
    expect(console.get_by_text("Nothing may be sent to this customer")).to_be_visible()
    console.get_by_role("button", name="Allow messages").click()
    expect(console.get_by_text("Nothing may be sent to this customer")).to_have_count(0)
    expect(console.locator(".change")).to_have_text([re.compile("Messages allowed again"), re.compile("Suppressed")])
    console.get_by_role("button", name="Delete…").click()
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog")).to_have_count(0)
    console.get_by_role("button", name="Delete…").click()
    console.get_by_role("dialog").get_by_role("button", name="Delete customer").click()
    expect(console.get_by_role("heading", name="Customers", level=1)).to_be_visible()
    assert demo.ask("query($id: ID!) { customer(id: $id) { status } }", id=person)["customer"]["status"] == "DELETED"
    console.goto(f"{demo.console}#/audit?subject={person}")
    expect(console.get_by_role("row").nth(1)).to_contain_text("Customer: delete")


def test_script_in_names_is_text(console: Page, demo: Demo) -> None:
    person = identify(
        demo, externalId=f"<b>{uuid4().hex}</b>", attributes={"first_name": SCRIPT, SCRIPT: {"nested": SCRIPT}}
    )
    track(demo, person, SCRIPT[:100], text=SCRIPT, nested={"deep": [SCRIPT]})
    open_live(console, demo, person)
    expect(console.get_by_role("heading", level=1)).to_have_text(SCRIPT)
    expect(console.locator("[data-event]")).to_contain_text(SCRIPT[:100])
    track(demo, person, "live", html=SCRIPT[:50])
    expect(console.locator("[data-event]").first).to_contain_text(SCRIPT[:50])
    for name in ("Overview", "Customers"):
        console.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(console.get_by_text(SCRIPT).first).to_be_visible()
    assert console.locator("main img[src=x], main script, main b").count() == 0
    expect(console).to_have_title("Customers · Rapport")


def test_nobody_is_shown_for_an_unknown_id(console: Page, demo: Demo) -> None:
    console.goto(f"{demo.console}#/customers/cust_{uuid4().hex}")
    expect(console.get_by_role("heading", name="There is no such customer")).to_be_visible()
    console.goto(f"{demo.console}#/nowhere/at/all")
    expect(console.get_by_role("heading", name="There is no such page")).to_be_visible()
