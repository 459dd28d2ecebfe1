"""Segments: built by hand and by keyboard, counted before they are saved, followed, explained, filled from a CSV."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.conftest import Demo, visit
from tests.pages.test_customers import identify

CREATE = "mutation($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } } }"
RULE = "query($id: ID!) { segment(id: $id) { rule kind } }"
UPDATE = "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }"


@pytest.fixture
def word() -> str:
    """A word that no other test uses."""
    return f"w{uuid4().hex[:12]}"


@pytest.fixture
def crowd(demo: Demo, word: str) -> list[str]:
    """Three customers of one team."""
    return [
        identify(demo, externalId=f"{name}-{word}", attributes={"name": f"{name} {word}", "team": word, "age": age})
        for name, age in (("Ada", 36), ("Bob", 50), ("Cy", 19))
    ]


def create(demo: Demo, name: str, rule: object = None) -> str:
    return str(demo.ask(CREATE, input={"name": name, "rule": rule})["createSegment"]["segment"]["id"])


def team(word: str) -> dict[str, object]:
    return {"attribute": {"name": "team", "is": {"equals": word}}}


def conditions(page: Page) -> Locator:
    return page.get_by_role("group", name="Condition", exact=True)


def test_a_rule_is_built_by_keyboard_and_counted_before_it_is_saved(
    console: Page, demo: Demo, crowd: list[str], word: str
) -> None:
    visit(console, "Segments")
    console.get_by_role("link", name="New segment").press("Enter")
    expect(console.get_by_label("Name", exact=True)).to_be_focused()
    console.keyboard.type(f"Grown {word}")
    first = conditions(console).first
    first.get_by_label("Attribute").focus()
    console.keyboard.type("team")
    for _ in range(2):
        console.keyboard.press("Tab")
    console.keyboard.type(word)
    preview = console.get_by_label("Preview")
    expect(preview).to_contain_text("3 customers")
    expect(preview).to_contain_text(f"Ada {word}")
    console.get_by_role("button", name="Add condition").press("Enter")
    second = conditions(console).nth(1)
    expect(second.get_by_label("Kind of condition")).to_be_focused()
    second.get_by_label("Attribute").fill("age")
    second.get_by_label("Operator").select_option("atLeast")
    second.get_by_label("Number").fill("21")
    expect(preview).to_contain_text("2 customers")
    console.get_by_role("button", name="Create segment").press("Enter")
    expect(console.get_by_role("heading", level=1)).to_have_text(f"Grown {word}")
    expect(console.get_by_text("Ready")).to_be_visible()
    expect(console.locator("tbody tr")).to_have_count(2)
    expect(console.get_by_label("Rule")).to_contain_text(f"team is “{word}”")
    key = console.url.rsplit("/", 1)[1]
    assert demo.ask(RULE, id=key)["segment"]["rule"] == {
        "and": [team(word), {"attribute": {"name": "age", "is": {"atLeast": 21}}}]
    }


def test_what_is_wrong_with_a_rule_is_shown_at_its_condition(console: Page, word: str) -> None:
    console.goto(f"{console.url.split('#')[0]}#/segments/new")
    console.get_by_label("Name", exact=True).fill(word)
    first = conditions(console).first
    first.get_by_label("Attribute").fill("age")
    first.get_by_label("Operator").select_option("between")
    console.get_by_role("button", name="Add condition").click()
    second = conditions(console).nth(1)
    second.get_by_label("Kind of condition").select_option("event")
    console.get_by_role("button", name="Create segment").click()
    expect(first.locator(".wrong").first).to_have_text("Must be a number.")
    expect(first.get_by_label("From", exact=True)).to_be_focused()
    first.get_by_label("From", exact=True).fill("9")
    first.get_by_label("To", exact=True).fill("1")
    second.get_by_label("Event name").fill("purchase")
    console.get_by_role("button", name="Create segment").click()
    expect(first.locator(".wrong")).to_have_count(1)
    expect(second.locator(".wrong")).to_have_count(0)
    expect(first.locator("[aria-invalid]").first).to_be_focused()
    expect(console).to_have_url(re.compile("/segments/new$"))


EVERYTHING = {
    "or": [
        {"and": [
            {"attribute": {"path": ["address", "city"], "is": {"in": ["Rome", "Oslo"]}}},
            {"not": {"attribute": {"name": "vip", "is": {"equals": True}}}},
        ]},
        {"not": {"or": [{"locale": {"is": {"startsWith": "de"}}}, {"timezone": {"is": {"exists": False}}}]}},
        {"not": {"and": [{"identity": {"kind": "email", "is": {"endsWith": "@example.com"}}}]}},
        {"device": {"platform": {"equals": "ios"}, "lastUsedAt": {"inTheLast": {"weeks": 2}}}},
        {"device": {}},
        {"conversation": {"status": {"equals": "open"}, "waitingSince": {"longerAgoThan": {"minutes": 10}}}},
        {"conversation": {"count": {"atLeast": 2}}},
        {"rating": {"is": {"atMost": 2}}},
        {"consent": {"channel": "sms", "is": "unknown"}},
        {"createdAt": {"is": {"after": "2026-03-01"}}},
        {"updatedAt": {"is": {"longerAgoThan": {"hours": 5}}}},
        {"attribute": {"name": "birthday", "is": {"anniversaryWithin": {"days": 7}}}},
        {"event": {
            "name": "purchase",
            "where": [
                {"property": {"name": "amount", "is": {"between": [1.5, 20]}}},
                {"or": [{"property": {"name": "sku", "is": {"has": 3}}},
                        {"not": {"property": {"path": ["a", "b"], "is": {"empty": True}}}}]},
            ],
            "within": {"from": "2026-01-01", "to": "2026-02-01T10:00:00Z"},
            "sum": {"property": "amount", "is": {"moreThan": 50}},
        }},
        {"event": {"name": "visit", "within": {"last": {"days": 30}}, "count": {"equals": 0}}},
        {"event": {"name": "visit", "first": {"before": "2026-01-01"}}},
    ]
}  # fmt: skip


def test_every_kind_of_condition_can_be_changed_and_stays_what_it_was(console: Page, demo: Demo, word: str) -> None:
    other = create(demo, f"Other {word}")
    rule = {"or": [*EVERYTHING["or"], {"segment": {"id": other}}]}
    key = create(demo, f"All {word}", rule)
    stored = demo.ask(RULE, id=key)["segment"]["rule"]
    console.goto(f"{demo.console}#/segments/{key}/edit")
    expect(console.get_by_label("Preview")).to_contain_text("customer")
    console.get_by_label("Description").fill("Everything that can be asked")
    console.get_by_role("button", name="Save changes").click()
    expect(console.get_by_role("heading", level=1)).to_have_text(f"All {word}")
    assert demo.ask(RULE, id=key)["segment"]["rule"] == stored
    expect(console.get_by_label("Rule")).to_contain_text(f"Member of Other {word}")
    expect(console.get_by_label("Rule")).to_contain_text("Did visit, how often is 0, in the last 30 days")
    waiting = "Has conversations: status is “open” and waiting since is longer ago than 10 minutes"
    expect(console.get_by_label("Rule")).to_contain_text(waiting)


def test_membership_is_explained_and_followed(console: Page, demo: Demo, crowd: list[str], word: str) -> None:
    key = create(demo, f"Team {word}", {"and": [team(word), {"not": {"locale": {"is": {"equals": "de"}}}}]})
    console.goto(f"{demo.console}#/segments/{key}")
    rows = console.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(console.get_by_role("img", name="3 now")).to_be_visible()
    console.get_by_role("button", name=f"Why Ada {word}").press("Enter")
    why = console.get_by_role("region", name="Why", exact=True)
    expect(why).to_contain_text(f"Ada {word} is a member")
    expect(why.locator("[data-holds=true]")).to_have_count(3)
    expect(why).to_contain_text(f"Found: {word}")
    demo.ask(UPDATE, input={"id": crowd[0], "locale": "de"})
    expect(rows).to_have_count(2)
    expect(console.locator(".figure").first).to_contain_text("2")
    why.get_by_label("Customer").fill(f"Ada-{word}")
    why.get_by_role("button", name="Explain").press("Enter")
    expect(why).to_contain_text(f"Ada {word} is not a member")
    why.get_by_label("Customer").fill("nobody at all")
    why.get_by_role("button", name="Explain").press("Enter")
    expect(why.locator(".wrong")).to_have_text("Nobody is known by this name.")


def test_a_segment_is_filled_by_hand(console: Page, crowd: list[str], word: str) -> None:
    visit(console, "Segments")
    console.get_by_role("link", name="New list by hand").click()
    console.get_by_label("Name", exact=True).fill(f"Friends {word}")
    console.get_by_role("button", name="Create segment").click()
    rows = console.locator("tbody tr")
    console.get_by_role("button", name="Add customer").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Known by").select_option(label="External id")
    dialog.get_by_label("Name").fill("nobody at all")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_have_text("Names no active customer.")
    dialog.get_by_label("Name").fill(f"Ada-{word}")
    dialog.get_by_role("button", name="Add").click()
    expect(rows).to_have_count(1)
    console.get_by_role("button", name="Import CSV").click()
    dialog.get_by_label("File").set_input_files(
        {"name": "x.csv", "mimeType": "text/csv", "buffer": f"external_id\nBob-{word}\nnobody\nAda-{word}\n".encode()}
    )
    dialog.get_by_role("button", name="Import").click()
    expect(console.get_by_role("dialog", name="1 line was not taken")).to_contain_text("names no customer")
    console.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(rows).to_have_count(2)
    console.get_by_role("button", name=f"Remove Ada {word}").click()
    expect(rows).to_have_count(1)
    console.get_by_role("button", name="Delete").click()
    console.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(console.get_by_role("heading", name="Segments", level=1)).to_be_focused()
    console.get_by_label("Search").fill(word)
    expect(console.get_by_text("No segment was found")).to_be_visible()
