"""Signing in, what mailed links open, members and keys."""

import json
import re
from uuid import uuid4

import httpx2
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.pages.conftest import Complaints, Demo, mailed_link, sign_in, visit

PASSWORD = "a long enough password"


def test_signing_in_needs_only_a_keyboard(page: Page, demo: Demo) -> None:
    page.goto(demo.console)
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(demo.email)
    page.keyboard.press("Tab")
    page.keyboard.type(demo.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hello, Demo Owner")).to_be_focused()
    # The skip link comes first and leads past the navigation.
    page.reload()
    expect(page.get_by_role("heading", name="Hello, Demo Owner")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("navigation").get_by_role("link", name="Inbox").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Customers")).to_be_focused()
    expect(page).to_have_title("Customers · Rapport")


def test_a_refusal_is_shown_at_its_field(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.console}#/register")
    page.get_by_label("Company").fill("Acme")
    page.get_by_label("E-mail").fill("nobody")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    field = page.get_by_label("E-mail")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("Is not an e-mail address.")
    expect(page.get_by_role("alert")).to_have_text("Please correct: Is not an e-mail address.")
    field.fill(f"{uuid4().hex}@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Register").click()
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password")).to_have_accessible_description(re.compile("Must have 10 to 200 characters."))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()


def test_a_wrong_password_is_said_and_signs_nobody_in(page: Page, demo: Demo) -> None:
    page.goto(demo.console)
    page.get_by_label("E-mail").fill(demo.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_page_is_gone_to_after_signing_in_and_reloaded_without(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.console}#/customers?search=ingrid")
    page.get_by_label("E-mail").fill(demo.email)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Search")).to_have_value("ingrid")
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("ingrid")
    expect(page.get_by_role("table")).to_be_visible()


def test_a_token_that_ran_out_is_replaced_once_for_all_who_ask(console: Page, context: BrowserContext) -> None:
    refreshes: list[str] = []

    def count(asked: Request) -> None:
        if "refreshSession" in (asked.post_data or ""):
            refreshes.append(asked.url)

    context.on("request", count)
    # The next answers say that the token is unknown, as they do when it has run out early.
    refused = {"errors": [{"message": "The token has expired.", "extensions": {"code": "UNAUTHENTICATED"}}]}
    failing = {"left": 3}

    def answer(route: Route) -> None:
        if "refreshSession" in (route.request.post_data or "") or not failing["left"]:
            route.continue_()
            return
        failing["left"] -= 1
        route.fulfill(status=200, body=json.dumps(refused))

    context.route("**/graphql", answer)
    answers = console.evaluate(
        """async () => {
          const { ask } = await import("./js/graph.js");
          return Promise.all([1, 2, 3].map(() => ask("{ tenant { name } }")));
        }"""
    )
    assert answers == [{"tenant": {"name": "Demo"}}] * 3
    assert len(refreshes) == 1
    visit(console, "Members")


def test_a_duplicated_tab_keeps_its_session(console: Page, context: BrowserContext, demo: Demo) -> None:
    stored = console.evaluate("sessionStorage.getItem('rapport.refresh')")
    twin = context.new_page()
    twin.add_init_script(
        f"sessionStorage.getItem('twin') || sessionStorage.setItem('rapport.refresh', {json.dumps(stored)});"
        "sessionStorage.setItem('twin', 'yes')"
    )
    twin.goto(demo.console)
    expect(twin.get_by_role("heading", name="Hello, Demo Owner")).to_be_visible()
    renew = """async () => {
      const { session } = await import("./js/session.js");
      await session.renew(await session.token());
    }"""
    for page in (console, twin, console):
        page.evaluate(renew)
    tokens = [page.evaluate("sessionStorage.getItem('rapport.refresh')") for page in (console, twin)]
    assert tokens[0] == tokens[1] != stored
    visit(console, "Members")
    visit(twin, "Members")


def test_signing_out_ends_the_session_on_the_server_too(console: Page, demo: Demo) -> None:
    token = console.evaluate("sessionStorage.getItem('rapport.refresh')")
    with console.expect_response("**/graphql"):
        console.get_by_role("button", name="Sign out").click()
    expect(console.get_by_role("heading", name="Sign in")).to_be_visible()
    assert console.evaluate("sessionStorage.length") == 0
    query = "mutation($t: String!) { refreshSession(input: {refreshToken: $t}) { accessToken } }"
    answer = httpx2.post(
        f"{demo.url}/graphql", json={"query": query, "variables": {"t": token}}, trust_env=False
    ).json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_an_ended_session_leads_to_signing_in_and_back(console: Page, demo: Demo, complaints: Complaints) -> None:
    complaints.expected.append("401")
    token = console.evaluate("sessionStorage.getItem('rapport.refresh')")
    demo.ask("mutation($t: String!) { revokeSession(input: {refreshToken: $t}) { done } }", as_="", t=token)
    console.goto(f"{demo.console}#/members")
    console.reload()
    expect(console.get_by_text("Your session has ended.")).to_be_visible()
    console.get_by_label("E-mail").fill(demo.email)
    console.get_by_label("Password").fill(demo.password)
    console.get_by_role("button", name="Sign in").click()
    expect(console.get_by_role("heading", name="Members")).to_be_visible()


def test_the_address_is_confirmed_by_the_mailed_link(page: Page, demo: Demo) -> None:
    address = f"{uuid4().hex}@example.com"
    page.goto(f"{demo.console}#/register")
    page.get_by_label("Company").fill("Acme")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Please confirm your e-mail address")).to_be_visible()
    link = mailed_link(page, address, "Please confirm your e-mail address")
    page.locator(".letter a").click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    expect(page.get_by_text("Please confirm your e-mail address")).to_have_count(0)
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("It was used already")


def test_a_member_is_invited_joins_and_is_removed(
    console: Page, context: BrowserContext, demo: Demo, complaints: Complaints
) -> None:
    address = f"{uuid4().hex}@example.com"
    visit(console, "Members")
    console.get_by_role("button", name="Invite member").click()
    dialog = console.get_by_role("dialog", name="Invite a member")
    expect(dialog.get_by_label("E-mail")).to_be_focused()
    dialog.get_by_label("E-mail").fill("not an address")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(dialog.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("E-mail").fill(address)
    dialog.get_by_label("Role").select_option(label="Viewer: reading customers and events")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(dialog).to_have_count(0)
    row = console.get_by_role("row").filter(has_text=address)
    expect(row).to_contain_text("Invited")
    link = mailed_link(console, address, "You are invited to Demo")

    joining = context.new_page()
    joining.goto(link)
    joining.get_by_label("Your name").fill("Vera Viewer")
    joining.get_by_label("Password").fill(PASSWORD)
    joining.get_by_role("button", name="Accept and sign in").click()
    expect(joining.get_by_role("heading", name="Hello, Vera Viewer")).to_be_visible()
    names = joining.get_by_role("navigation", name="Main").get_by_role("link")
    places = ["Overview", "Inbox", "Customers", "Segments", "Campaigns", "Widgets", "Members", "Settings"]
    expect(names).to_have_text(places)
    visit(joining, "Members")
    expect(joining.get_by_role("button", name="Invite member")).to_have_count(0)

    visit(console, "Members")
    expect(row).to_contain_text("Active")
    console.get_by_role("button", name="Change role of Vera Viewer").click()
    console.get_by_role("dialog").get_by_label("Role").select_option("AGENT")
    console.get_by_role("dialog").get_by_role("button", name="Change role").click()
    expect(row).to_contain_text("Agent")
    console.get_by_role("button", name="Remove Vera Viewer").click()
    expect(console.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    console.keyboard.press("Escape")
    expect(console.get_by_role("button", name="Remove Vera Viewer")).to_be_focused()
    console.keyboard.press("Enter")
    console.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(row).to_have_count(0)

    complaints.expected.append("401")
    joining.get_by_role("link", name="Customers").click()
    expect(joining.get_by_role("heading", name="Sign in")).to_be_visible()
    visit(console, "Audit log")
    expect(console.get_by_role("row").nth(1)).to_contain_text("Member: remove")


def test_a_forgotten_password_is_replaced_through_the_mailed_link(
    console: Page, context: BrowserContext, demo: Demo
) -> None:
    address = f"{uuid4().hex}@example.com"
    demo.ask("mutation($e: String!) { addMember(input: {email: $e, role: VIEWER}) { member { id } } }", e=address)
    joining = context.new_page()
    joining.goto(mailed_link(console, address, "You are invited to Demo"))
    joining.get_by_label("Password").fill(PASSWORD)
    joining.get_by_role("button", name="Accept and sign in").click()
    expect(joining.get_by_role("heading", name="Hello")).to_be_visible()
    joining.get_by_role("button", name="Sign out").click()
    joining.get_by_role("link", name="Forgot your password?").click()
    joining.get_by_label("E-mail").fill(address)
    joining.get_by_role("button", name="Mail me a link").click()
    expect(joining.get_by_text("If there is an account with this address")).to_be_visible()

    joining.goto(mailed_link(console, address, "Choose a new password"))
    joining.get_by_label("New password").fill("short")
    joining.get_by_role("button", name="Set password").click()
    expect(joining.get_by_label("New password")).to_have_attribute("aria-invalid", "true")
    joining.get_by_label("New password").fill("an entirely new password")
    joining.get_by_role("button", name="Set password").click()
    expect(joining.get_by_text("Your new password is set.")).to_be_visible()
    sign_in(joining, demo.console, address, "an entirely new password")


def test_a_key_is_shown_once_works_and_is_revoked(console: Page, demo: Demo) -> None:
    visit(console, "API keys")
    console.get_by_role("button", name="Create key").click()
    dialog = console.get_by_role("dialog", name="Create an API key")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_label("Name")).to_have_accessible_description(re.compile("Must not be empty."))
    dialog.get_by_label("Name").fill("Shop backend")
    dialog.get_by_label("Stops working").select_option(label="In 30 days")
    dialog.get_by_role("button", name="Select none").click()
    dialog.get_by_role("checkbox", name="customers:read").check()
    dialog.get_by_role("button", name="Create key").click()
    made = console.get_by_role("dialog", name="The key “Shop backend” is made")
    key = made.get_by_label("Key", exact=True).input_value()
    expect(made.get_by_role("button", name="Copy")).to_be_focused()
    made.get_by_role("button", name="Done").click()
    row = console.get_by_role("row").filter(has_text="Shop backend")
    expect(row).to_contain_text(f"…{key[-4:]}")
    expect(row).to_contain_text("customers:read")
    expect(row).to_contain_text("Never")
    expect(row).to_contain_text("Expires in 29 days")
    assert key not in console.content()
    assert demo.ask("{ viewer { scopes } }", as_=key) == {"viewer": {"scopes": ["customers:read"]}}
    row.get_by_role("button", name="Revoke Shop backend").click()
    console.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    expect(row).to_have_count(0)
    console.get_by_label("Show").select_option(label="Revoked keys")
    expect(row).to_contain_text("Revoked")
    refused = httpx2.post(
        f"{demo.url}/graphql", json={"query": "{ viewer { kind } }"}, headers={"x-api-key": key}, trust_env=False
    )
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_what_the_rate_limit_refuses_is_asked_again_in_time(
    console: Page, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expected.append("429")
    refused = {"errors": [{"message": "Too many requests.", "extensions": {"code": "RATE_LIMITED"}}]}
    answered: list[int] = []

    def answer(route: Route) -> None:
        answered.append(200 if answered else 429)
        if answered == [429]:
            route.fulfill(status=429, headers={"retry-after": "1"}, body=json.dumps(refused))
        else:
            route.continue_()

    context.route("**/graphql", answer)
    visit(console, "Members")
    assert answered == [429, 200]


def test_a_server_that_is_away_is_said_and_tried_again(
    console: Page, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expected.append("ERR_INTERNET_DISCONNECTED")
    context.set_offline(True)
    console.get_by_role("navigation").get_by_role("link", name="Members").click()
    expect(console.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    context.set_offline(False)
    console.get_by_role("button", name="Try again").click()
    expect(console.get_by_role("heading", name="Members")).to_be_visible()
