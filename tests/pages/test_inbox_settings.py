"""What surrounds the inbox: who may do what, ready answers, widgets, sites and teams."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.pages.conftest import Demo, sign_in
from tests.pages.talking import Visitor, inbox, open_talk, stored

MAIL = "query($r: String) { outbox(recipient: $r) { nodes { body } } }"
INVITE = "mutation($input: AddMemberInput!) { addMember(input: $input) { __typename } }"
ACCEPT = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { __typename } }"


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


def test_who_may_only_read_sees_no_way_to_write(context: BrowserContext, demo: Demo, visitor: Visitor) -> None:
    page = context.new_page()
    email, password = viewer(demo)
    sign_in(page, demo.console, email, password)
    open_talk(page, demo, visitor)
    expect(page.get_by_text("You may read this conversation, but not answer it.")).to_be_visible()
    for name in ("Snooze", "Close"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_label("Reply")).to_have_count(0)
    page.keyboard.press("e")
    page.goto(f"{demo.console}#/widgets")
    expect(page.get_by_role("heading", name="Widgets", level=1)).to_be_visible()
    for name in ("New widget", "Show the secret", "Add site", "New team"):
        expect(page.get_by_text(name)).to_have_count(0)
    assert stored(demo, visitor)["status"] == "OPEN"


def viewer(demo: Demo) -> tuple[str, str]:
    """The sign-in of a new member who may only read."""
    email = f"{uuid4().hex}@example.com"
    demo.ask(INVITE, input={"email": email, "role": "VIEWER"})
    mail = demo.ask(MAIL, r=email)["outbox"]["nodes"][0]["body"]
    token = re.search(r"token=([\w.~-]+)", mail)
    assert token is not None
    password = f"walks {uuid4().hex}"
    demo.ask(ACCEPT, as_="", input={"token": token[1], "password": password, "name": "Vera Viewer"})
    return email, password


def test_ready_answers_are_made_changed_and_deleted(console: Page, demo: Demo) -> None:
    word = f"w{uuid4().hex[:8]}"
    console.goto(f"{demo.console}#/ready-answers")
    console.get_by_role("button", name="New ready answer").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Shortcut").fill("no spaces please")
    dialog.get_by_label("Text").fill("Bye")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_label("Shortcut")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Shortcut").fill(word)
    dialog.get_by_role("button", name="Create").click()
    console.get_by_role("button", name=f"Change {word}").click()
    dialog.get_by_role("button", name="Add language").click()
    dialog.get_by_label("Language").last.fill("de")
    dialog.get_by_label("Text").last.fill("Tschüss")
    dialog.get_by_role("button", name="Save").click()
    line = console.get_by_role("row").filter(has_text=word)
    expect(line.locator(".badge")).to_have_text(["en", "de"])
    line.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(line).to_have_count(0)


def test_a_widget_is_made_with_its_look_words_and_hours(console: Page, demo: Demo) -> None:
    word = f"Shop {uuid4().hex[:8]}"
    console.goto(f"{demo.console}#/widgets/new")
    console.get_by_label("Name", exact=True).fill(word)
    console.get_by_label("Colour", exact=True).fill("#ffcc00")
    console.get_by_label("Corner").select_option("left")
    console.get_by_label("Title").fill("Ahoy")
    expect(console.locator(".mini-head")).to_contain_text("Ahoy")
    console.get_by_label("Another language").fill("de")
    console.keyboard.press("Enter")
    console.get_by_label("Title").fill("Moin")
    expect(console.locator(".mini-head")).to_contain_text("Moin")
    console.get_by_label("When somebody answers").select_option("hours")
    console.get_by_label("Timezone").fill("Europe/Berlin")
    console.get_by_label("Timezone").press("Tab")
    console.get_by_role("button", name="Remove this span of Friday").click()
    console.get_by_role("button", name="Add a span to Monday").click()
    console.get_by_role("button", name="Create widget").click()
    expect(console.get_by_role("heading", name=word, level=1)).to_be_visible()
    made = next(one for one in demo.ask("{ widgets { name key settings } }")["widgets"] if one["name"] == word)
    expect(console.get_by_label("Source")).to_have_value(
        re.compile(f'{demo.url}/widget.js" data-widget-key="{made["key"]}"')
    )
    settings = made["settings"]
    assert settings["colors"] == {"accent": "#ffcc00", "on_accent": "#000000"}
    assert (settings["position"], settings["texts"]) == ("left", {"en": {"title": "Ahoy"}, "de": {"title": "Moin"}})
    assert settings["hours"]["timezone"] == "Europe/Berlin"
    assert settings["hours"]["week"]["mon"] == [["09:00", "17:00"], ["17:00", "24:00"]]
    assert settings["hours"]["week"].get("fri", []) == []


def test_sites_teams_and_the_secret_are_looked_after(console: Page, demo: Demo) -> None:
    word = uuid4().hex[:8]
    console.goto(f"{demo.console}#/widgets")
    dialog = console.get_by_role("dialog")
    console.get_by_role("button", name="New team").click()
    dialog.get_by_label("Name").fill(f"Team {word}")
    dialog.get_by_label("Minutes until somebody else is asked").fill("2")
    dialog.get_by_label("Mira Lund").check()
    dialog.get_by_role("button", name="Create team").click()
    expect(console.get_by_label("Teams")).to_contain_text(f"Team {word}")
    teams = demo.ask("{ teams { name routing reassignAfterSeconds members { user { name } } } }")["teams"]
    assert {
        "name": f"Team {word}",
        "routing": "ROUND_ROBIN",
        "reassignAfterSeconds": 120,
        "members": [{"user": {"name": "Mira Lund"}}],
    } in teams
    console.get_by_role("button", name=f"Delete Team {word}").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(console.get_by_label("Teams")).not_to_contain_text(f"Team {word}")
    console.get_by_role("button", name="Add site").click()
    dialog.get_by_label("Host name").fill("not a host")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_label("Host name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("button", name="Cancel").click()
    console.get_by_role("button", name="Show the secret").click()
    expect(console.get_by_label("The identity secret")).to_have_value(demo.ask("{ identitySecret }")["identitySecret"])


def test_i_say_whether_i_take_conversations_and_how_many(console: Page, demo: Demo) -> None:
    inbox(console, demo)
    me = console.get_by_role("button", name=re.compile("^My availability"))
    me.click()
    console.get_by_role("option", name=re.compile("^Away")).click()
    expect(me).to_contain_text("Away")
    me.click()
    console.get_by_role("option", name=re.compile("at once")).click()
    console.get_by_role("dialog").get_by_label("Conversations").fill("7")
    console.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(me).to_contain_text("of 7 taken")
    mine = demo.ask("{ agents { user { name } availability capacity } }")["agents"]
    assert {"user": {"name": "Demo Owner"}, "availability": "AWAY", "capacity": 7} in mine


def test_the_transcript_is_mailed(console: Page, demo: Demo, visitor: Visitor) -> None:
    talk = open_talk(console, demo, visitor)
    talk.get_by_role("button", name="More", exact=True).click()
    console.get_by_role("option", name=re.compile("transcript")).click()
    address = f"{uuid4().hex}@example.com"
    console.get_by_role("dialog").get_by_label("E-mail").fill(address)
    console.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(console.get_by_text(f"on its way to {address}")).to_be_visible()
    found = demo.ask(MAIL, r=address)["outbox"]["nodes"]
    assert "Do you have time for a question?" in found[0]["body"]
