"""Settings of messages and campaigns: each a whole story, as people do it."""

import re
from contextlib import closing
from sqlite3 import connect

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Complaints, Demo, visit


def settings(page: Page, part: str) -> None:
    """Goes to a part of the settings."""
    page.get_by_role("navigation", name="Settings").get_by_role("link", name=part).click()
    expect(page.locator(".parts-nav [aria-current]")).to_have_text(part)


def test_what_messages_are_made_of_is_kept_in_the_settings(console: Page, demo: Demo) -> None:
    visit(console, "Settings")
    dialog = console.get_by_role("dialog")
    console.get_by_role("button", name="Add sender").press("Enter")
    expect(dialog.get_by_label("Address")).to_be_focused()
    dialog.get_by_label("Address").fill("nonsense")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_have_text("Is not an e-mail address.")
    dialog.get_by_label("Address").fill("hello@roast.example")
    dialog.get_by_role("button", name="Add").click()
    expect(console.get_by_role("row", name="hello@roast.example")).to_be_visible()

    settings(console, "Snippets")
    console.get_by_role("button", name="Add snippet").click()
    dialog.get_by_label("Name").fill("greeting")
    dialog.get_by_label("Value").fill("Roast & Co, {% if %}")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_be_visible()
    dialog.get_by_label("Value").fill("Roast & Co, {{ customer.first_name }}")
    dialog.get_by_role("button", name="Add").click()
    expect(console.get_by_role("row", name="greeting")).to_be_visible()

    settings(console, "Integrations")
    console.get_by_role("button", name="Add integration").click()
    dialog.get_by_role("button", name="Continue").click()
    dialog.get_by_role("button", name="Add integration").click()
    expect(dialog.locator(".wrong")).to_have_text("Must not be empty.")
    dialog.get_by_label("Host", exact=True).fill("mail.example")
    dialog.get_by_label("Password").fill("secret-of-ours")
    dialog.get_by_label("Its channel goes over it").uncheck()
    dialog.get_by_role("button", name="Add integration").click()
    expect(console.get_by_role("row", name="SMTP relay")).to_contain_text("Has secrets")
    console.get_by_role("button", name="Change SMTP relay").click()
    expect(dialog.get_by_label("Host", exact=True)).to_have_value("mail.example")
    expect(dialog.get_by_label("Password")).to_have_value("")
    dialog.get_by_role("button", name="Cancel").click()

    settings(console, "Webhooks")
    console.get_by_role("button", name="Add webhook").click()
    dialog.get_by_label("Name").fill("Warehouse")
    dialog.get_by_label("Address").fill("https://hooks.example/in")
    dialog.get_by_role("button", name="Add").click()
    expect(console.get_by_role("dialog", name="The secret of “Warehouse”")).to_contain_text("not shown again")
    dialog.get_by_role("button", name="Done").click()
    console.get_by_role("link", name="Warehouse").click()
    expect(console.get_by_text("No calls")).to_be_visible()
    asked = "{ reportingWebhooks { events } integrations { kind isDefault hasCredentials settings } snippets { name } }"
    kept = demo.ask(asked)
    assert kept["reportingWebhooks"][0]["events"][0] == "email_sent"
    assert kept["integrations"][0]["settings"]["host"] == "mail.example"
    assert (kept["integrations"][0]["isDefault"], kept["integrations"][0]["hasCredentials"]) == (False, True)
    assert {"name": "greeting"} in kept["snippets"]


FOUR = "Segment of four"
PEOPLE = (
    ("ada", {"first_name": "Ada"}, "en"),
    ("bea", {"first_name": "Bea"}, "de-AT"),
    ("cy", {"first_name": "Cy"}, "en"),
    ("dan", {"first_name": "<b>Dan</b>"}, "en"),
)
CONTENT = (
    '<script>parent.taken = 1</script><p onclick="parent.taken = 1" style="color: #0d6857">'
    'Hello {{ customer.first_name }}, <a href="https://roast.example/a">see</a></p>'
)


@pytest.fixture(scope="module")
def readers(demo: Demo) -> str:
    """A segment of four people with e-mail addresses, one of whom wants no e-mail; and a sender."""
    identified = "mutation($input: IdentifyCustomerInput!) { identifyCustomer(input: $input) { customer { id } } }"
    for name, attributes, locale in PEOPLE:
        values = {"email": f"{name}@readers.example", "locale": locale, "attributes": {**attributes, "reads": True}}
        demo.ask(identified, input=values)
    consent = "mutation($input: SetConsentInput!) { setConsent(input: $input) { customer { id } } }"
    unwilling = {"customer": {"email": "cy@readers.example"}, "channel": "EMAIL", "status": "UNSUBSCRIBED"}
    demo.ask(consent, input=unwilling)
    rule = {"attribute": {"name": "reads", "is": {"equals": True}}}
    made = "mutation($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } } }"
    demo.ask(made, input={"name": FOUR, "rule": rule})
    sender = "mutation($input: CreateSenderInput!) { createSender(input: $input) { sender { id } } }"
    demo.ask(sender, input={"address": "news@roast.example", "name": "Roast & Co"})
    return FOUR


def test_a_campaign_is_written_looked_at_and_sent(
    console: Page, demo: Demo, readers: str, complaints: Complaints
) -> None:
    complaints.expected.append("Blocked script execution")
    visit(console, "Campaigns")
    console.get_by_role("link", name="New campaign").press("Enter")
    expect(console.get_by_label("Name", exact=True)).to_be_focused()
    console.keyboard.type("Autumn leaves")
    console.get_by_role("button", name="Create draft").click()
    preview = console.get_by_role("region", name="Preview")
    console.get_by_label("From", exact=True).select_option("Roast & Co <news@roast.example>")
    console.get_by_label("Subject").fill("Beans for {{ customer.first_name }}")
    body = console.get_by_role("textbox", name="Body")
    body.fill("<p>{{ customer.first_name | shout }}</p>")
    expect(console.locator('[data-field="body"] .wrong')).to_have_text("Line 1: unknown filter 'shout'.")
    body.fill(CONTENT)
    preview.get_by_label("As").fill("dan@readers.example")
    letter = console.frame_locator("iframe")
    expect(letter.locator("body")).to_have_text("Hello <b>Dan</b>, see")
    expect(letter.locator("p")).to_have_css("color", "rgb(13, 104, 87)")
    expect(letter.locator("a[href], script, [onclick]")).to_have_count(0)
    letter.locator("p").click()
    assert console.evaluate("window.taken") is None
    expect(preview).to_contain_text("Beans for <b>Dan</b>")
    console.get_by_role("button", name="Write content").click()
    expect(console.get_by_role("button", name="Save content")).to_be_visible()
    console.get_by_role("button", name="Add language").click()
    console.get_by_role("dialog").get_by_label("Language").fill("de")
    console.get_by_role("dialog").get_by_role("button", name="Add").click()
    console.get_by_label("Subject").fill("Bohnen")
    console.get_by_role("button", name="Write content").click()
    expect(console.get_by_role("button", name="German")).to_have_attribute("aria-pressed", "true")

    part(console, "Audience")
    console.get_by_role("region", name="Audience").get_by_label("Segment").select_option(f"{readers} (4)")
    estimate = console.get_by_role("region", name="Estimate")
    expect(estimate).to_contain_text("4 people are in it")
    expect(estimate.locator(".reached")).to_contain_text("3")
    console.get_by_role("button", name="Save audience").click()
    expect(console.get_by_text("The audience is saved.")).to_be_visible()

    part(console, "Plan")
    console.get_by_label("Messages a second, at most").fill("0")
    console.get_by_role("button", name="Save plan").click()
    expect(console.locator('[data-field="throttlePerSecond"] .wrong')).to_contain_text("1 to 10000")
    console.get_by_label("Messages a second, at most").fill("")
    console.get_by_label("Event").fill("purchase")
    console.get_by_role("button", name="Save plan").click()
    expect(console.get_by_text("The plan is saved.")).to_be_visible()

    part(console, "Overview")
    console.get_by_role("button", name="Launch…").click()
    dialog = console.get_by_role("dialog", name="Launch Autumn leaves")
    expect(dialog.get_by_role("button", name="Not yet")).to_be_focused()
    expect(dialog).to_contain_text("3 people get it")
    dialog.get_by_role("button", name="Send to 3 people").click()
    expect(console.get_by_role("banner").or_(console.locator(".head"))).to_contain_text("Completed")
    expect(console.locator(".figure").first).to_contain_text("3of 4")
    table = console.get_by_role("region", name="By content").last
    expect(table.locator("tbody tr").filter(has_text="German").locator("td").first).to_have_text("1")
    found = demo.ask('{ campaigns(filter: {search: "Autumn leaves"}) { nodes { status goal } } }')["campaigns"]["nodes"]
    goal = {"event": "purchase", "within_s": 604_800, "after": "sent"}
    assert found == [{"status": "COMPLETED", "goal": goal}]

    part(console, "Deliveries")
    console.get_by_label("State").select_option("Not sent")
    console.get_by_role("link", name="Why not? cy@readers.example").click()
    why = console.get_by_role("region", name="Why it was not sent")
    expect(why.locator("[data-verdict=stop]")).to_contain_text("unsubscribed from e-mail")
    expect(why.locator("[data-verdict=pass]")).to_have_count(4)
    console.get_by_role("link", name="Cy", exact=True).click()
    expect(console.get_by_role("region", name="Messages")).to_contain_text("Not sent")
    can = console.get_by_role("region", name="Could they be sent something?")
    can.get_by_label("Over").select_option("SMS")
    can.get_by_role("button", name="Ask the gates").click()
    expect(can.locator(".callout")).to_contain_text("No")
    expect(can.locator("[data-verdict=stop]")).to_contain_text("address")

    visit(console, "Outbox")
    console.get_by_label("Recipient").fill("ada@readers.example")
    console.get_by_role("link", name="Beans for Ada").click()
    expect(console.frame_locator("iframe").locator("body")).to_contain_text("Hello Ada, see")
    expect(console.frame_locator("iframe").locator("img")).to_have_count(0)
    opened = "query($id: ID!) { delivery(id: $id) { state openedAt clickedAt } }"
    address = console.get_by_role("link", name="See what became of it").get_attribute("href")
    assert address is not None
    delivery = demo.ask(opened, id=address.rsplit("/", 1)[1])["delivery"]
    assert delivery == {"state": "SENT", "openedAt": None, "clickedAt": None}

    with closing(connect(demo.database, timeout=10)) as database:
        database.execute("UPDATE deliveries SET state = 'in_doubt' WHERE recipient = 'ada@readers.example'")
        database.commit()
    visit(console, "Campaigns")
    console.get_by_role("link", name="Autumn leaves").click()
    part(console, "Deliveries")
    console.get_by_role("button", name="Settle 1 in doubt…").click()
    console.get_by_role("dialog").get_by_label("What became of them").select_option("They were sent")
    console.get_by_role("dialog").get_by_role("button", name="Settle").click()
    expect(console.get_by_role("button", name="Settle 1 in doubt…")).to_have_count(0)
    expect(console.get_by_role("row", name="Ada ada@readers.example")).to_contain_text("Sent")


def test_a_slow_campaign_is_followed_stopped_and_broken_off(console: Page, demo: Demo) -> None:
    created = "mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } } }"
    everybody = {"createdAt": {"is": {"after": "1969-12-31"}}}
    values = {"name": "Drops", "channels": ["EMAIL"], "audience": everybody, "throttlePerSecond": 1}
    key = demo.ask(created, input=values)["createCampaign"]["campaign"]["id"]
    console.goto(f"{demo.console}#/campaigns/{key}/experiment")
    console.get_by_role("button", name="Try two ways").click()
    shares = console.get_by_label("Share, in per cent")
    shares.first.fill("30")
    console.get_by_role("button", name="Save experiment").click()
    expect(console.get_by_role("alert")).to_be_attached()
    expect(console.locator('[data-field="groups"] .wrong')).to_contain_text("1000 in all")
    shares.last.fill("70")
    console.get_by_role("button", name="Save experiment").click()
    expect(console.get_by_text("The experiment is saved.")).to_be_visible()
    console.get_by_role("button", name="Launch…").click()
    dialog = console.get_by_role("dialog")
    expect(dialog).to_contain_text("2 things stand against sending it.")
    expect(dialog).to_contain_text("B · Everybody")
    dialog.get_by_role("button", name="Close").click()
    content = "mutation($input: SetContentInput!) { setContent(input: $input) { content { id } } }"
    for group in (0, 1):
        said = {"subject": "Drop", "body": "<p>Drop</p>", "fromAddress": "news@roast.example", "testGroup": group}
        demo.ask(content, input={"campaignId": key, "channel": "EMAIL", **said})
    console.get_by_role("button", name="Launch…").click()
    dialog.get_by_role("button", name=re.compile(r"Send to \d+ people")).click()
    part(console, "Overview")
    progress = console.get_by_role("region", name="Progress")
    expect(progress).to_contain_text(re.compile(r"\d of \d+"))
    demo.ask("mutation($id: ID!) { pauseCampaign(input: {campaignId: $id}) { campaign { id } } }", id=key)
    expect(progress).to_contain_text("Paused")
    expect(console.get_by_role("button", name="Resume")).to_be_visible()
    console.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("button", name="Cancel the campaign").click()
    expect(console.locator(".head")).to_contain_text("Cancelled")
    expect(console.get_by_role("region", name="By test group").first).to_contain_text("A")


def test_rules_of_sending_and_consent_are_kept_in_the_settings(console: Page, demo: Demo) -> None:
    visit(console, "Settings")
    dialog = console.get_by_role("dialog")
    settings(console, "Topics")
    console.get_by_role("button", name="Add topic").click()
    dialog.get_by_label("Name").fill("Harvests")
    dialog.get_by_label("Whoever has said nothing is told about it").uncheck()
    dialog.get_by_role("button", name="Add").click()
    expect(console.get_by_role("row", name="Harvests")).to_contain_text("Is not told")

    settings(console, "Suppressed addresses")
    console.get_by_role("button", name="Suppress address").click()
    dialog.get_by_label("Address").fill("never@readers.example")
    dialog.get_by_role("button", name="Suppress").click()
    console.get_by_role("searchbox").fill("never@")
    expect(console.get_by_role("row", name="never@readers.example")).to_contain_text("By hand")
    console.get_by_role("button", name="Allow never@readers.example").click()
    dialog.get_by_role("button", name="Allow").click()
    expect(console.get_by_text("No suppressed address")).to_be_visible()

    settings(console, "Sending")
    console.get_by_label("Nobody is disturbed at night").check()
    console.get_by_label("From").fill("22:30")
    console.get_by_label("Clock of people without a timezone").fill("Nowhere/Land")
    console.get_by_role("button", name="Save rules").click()
    expect(console.locator('[data-field="timezone"] .wrong')).to_be_visible()
    console.get_by_label("Clock of people without a timezone").fill("Europe/Berlin")
    console.get_by_role("button", name="Save rules").click()
    expect(console.get_by_text("The rules are saved.")).to_be_visible()
    console.get_by_role("button", name="Add cap").click()
    dialog.get_by_label("Messages").fill("99")
    dialog.get_by_role("button", name="Add").click()
    expect(console.get_by_role("row", name="At most 99 in 7 days")).to_be_visible()

    settings(console, "Domains")
    console.get_by_role("button", name="Add domain").click()
    dialog.get_by_label("Domain").fill("mail.readers.example")
    dialog.get_by_role("button", name="Add").click()
    records = console.get_by_role("dialog", name="DNS records of mail.readers.example")
    signed = records.get_by_role("region", name="Your mail is signed")
    expect(signed.get_by_label("Value")).to_have_value(re.compile("^v=DKIM1"))
    records.get_by_role("button", name="Close").click()
    expect(console.get_by_role("row", name="mail.readers.example")).to_contain_text("Not proved yet")
    asked = "{ sendingPolicy { timezone quietHours { from to channels } } frequencyCaps { messages windowS } }"
    kept = demo.ask(asked)
    assert kept["sendingPolicy"]["timezone"] == "Europe/Berlin"
    channels = ["EMAIL", "SMS", "PUSH", "IN_APP", "WHATSAPP"]
    assert kept["sendingPolicy"]["quietHours"] == {"from": "22:30", "to": "08:00", "channels": channels}
    assert {"messages": 99, "windowS": 604_800} in kept["frequencyCaps"]


def part(page: Page, name: str) -> None:
    """Goes to a part of the campaign."""
    page.get_by_role("navigation", name="Parts of the campaign").get_by_role("link", name=name).click()
    expect(page.locator(".parts-nav [aria-current]")).to_have_text(name)
    expect(page.locator("main[aria-busy]")).to_have_count(0)
