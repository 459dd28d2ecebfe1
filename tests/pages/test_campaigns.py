"""Campaigns and what they are sent by: each test a whole story, as people do it. They share one sign-in."""

import re
from contextlib import closing
from sqlite3 import connect

import pytest
from playwright.sync_api import Page, expect

from tests.pages.campaigning import CONTENT, UPDATE, drafted, make_readers, open_part, part, settings, text_of, write
from tests.pages.conftest import Complaints, Demo, visit


@pytest.fixture(scope="module")
def readers(demo: Demo) -> str:
    """The segment of those who get what the tests send."""
    return make_readers(demo)


def test_a_campaign_is_written_looked_at_and_sent(desk: Page, demo: Demo, readers: str, complaints: Complaints) -> None:
    complaints.expected.append("Blocked script execution")
    visit(desk, "Campaigns")
    desk.get_by_role("link", name="New campaign").press("Enter")
    expect(desk.get_by_label("Name", exact=True)).to_be_focused()
    desk.keyboard.type("Autumn leaves")
    desk.get_by_role("button", name="Create draft").click()
    preview = desk.get_by_role("region", name="Preview")
    desk.get_by_label("From", exact=True).select_option("Roast & Co <news@roast.example>")
    desk.get_by_label("Subject").fill("Beans for {{ customer.first_name }}")
    body = desk.get_by_role("textbox", name="Body")
    body.fill("<p>{{ customer.first_name | shout }}</p>")
    expect(desk.locator('[data-field="body"] .wrong')).to_have_text("Line 1: unknown filter 'shout'.")
    body.fill(CONTENT)
    preview.get_by_label("As").fill("dan@readers.example")
    letter = desk.frame_locator("iframe")
    expect(letter.locator("body")).to_have_text("Hello <b>Dan</b>, see")
    expect(letter.locator("p")).to_have_css("color", "rgb(13, 104, 87)")
    expect(letter.locator("a[href], script, [onclick]")).to_have_count(0)
    letter.locator("p").click()
    assert desk.evaluate("window.taken") is None
    expect(preview).to_contain_text("Beans for <b>Dan</b>")
    desk.get_by_role("button", name="Write content").click()
    expect(desk.get_by_role("button", name="Save content")).to_be_visible()
    desk.get_by_role("button", name="Add language").click()
    desk.get_by_role("dialog").get_by_label("Language").fill("de")
    desk.get_by_role("dialog").get_by_role("button", name="Add").click()
    desk.get_by_label("Subject").fill("Bohnen")
    desk.get_by_role("button", name="Write content").click()
    expect(desk.get_by_role("button", name="German")).to_have_attribute("aria-pressed", "true")

    part(desk, "Audience")
    desk.get_by_role("region", name="Audience").get_by_label("Segment").select_option(f"{readers} (4)")
    estimate = desk.get_by_role("region", name="Estimate")
    expect(estimate).to_contain_text("4 people are in it")
    expect(estimate.locator(".reached")).to_contain_text("3")
    desk.get_by_role("button", name="Save audience").click()
    expect(desk.get_by_text("The audience is saved.")).to_be_visible()

    part(desk, "Plan")
    desk.get_by_label("Messages a second, at most").fill("0")
    desk.get_by_role("button", name="Save plan").click()
    expect(desk.locator('[data-field="throttlePerSecond"] .wrong')).to_contain_text("1 to 10000")
    desk.get_by_label("Messages a second, at most").fill("")
    desk.get_by_label("Event").fill("purchase")
    desk.get_by_role("button", name="Save plan").click()
    expect(desk.get_by_text("The plan is saved.")).to_be_visible()

    part(desk, "Overview")
    desk.get_by_role("button", name="Launch…").click()
    dialog = desk.get_by_role("dialog", name="Launch Autumn leaves")
    expect(dialog.get_by_role("button", name="Not yet")).to_be_focused()
    expect(dialog).to_contain_text("3 people get it")
    dialog.get_by_role("button", name="Send to 3 people").click()
    expect(desk.get_by_role("banner").or_(desk.locator(".head"))).to_contain_text("Completed")
    expect(desk.locator(".figure").first).to_contain_text("3of 4")
    table = desk.get_by_role("region", name="By content").last
    expect(table.locator("tbody tr").filter(has_text="German").locator("td").first).to_have_text("1")
    found = demo.ask('{ campaigns(filter: {search: "Autumn leaves"}) { nodes { status goal } } }')["campaigns"]["nodes"]
    goal = {"event": "purchase", "within_s": 604_800, "after": "sent"}
    assert found == [{"status": "COMPLETED", "goal": goal}]

    part(desk, "Deliveries")
    desk.get_by_label("State").select_option("Not sent")
    desk.get_by_role("link", name="Why not? cy@readers.example").click()
    why = desk.get_by_role("region", name="Why it was not sent")
    expect(why.locator("[data-verdict=stop]")).to_contain_text("unsubscribed from e-mail")
    expect(why.locator("[data-verdict=pass]")).to_have_count(4)
    desk.get_by_role("link", name="Cy", exact=True).click()
    expect(desk.get_by_role("region", name="Messages")).to_contain_text("Not sent")
    can = desk.get_by_role("region", name="Could they be sent something?")
    can.get_by_label("Over").select_option("SMS")
    can.get_by_role("button", name="Ask the gates").click()
    expect(can.locator(".callout")).to_contain_text("No")
    expect(can.locator("[data-verdict=stop]")).to_contain_text("address")

    visit(desk, "Outbox")
    desk.get_by_label("Recipient").fill("ada@readers.example")
    desk.get_by_role("link", name="Beans for Ada").click()
    expect(desk.frame_locator("iframe").locator("body")).to_contain_text("Hello Ada, see")
    expect(desk.frame_locator("iframe").locator("img")).to_have_count(0)
    opened = "query($id: ID!) { delivery(id: $id) { state openedAt clickedAt } }"
    address = desk.get_by_role("link", name="See what became of it").get_attribute("href")
    assert address is not None
    delivery = demo.ask(opened, id=address.rsplit("/", 1)[1])["delivery"]
    assert delivery == {"state": "SENT", "openedAt": None, "clickedAt": None}

    with closing(connect(demo.database, timeout=10)) as database:
        database.execute("UPDATE deliveries SET state = 'in_doubt' WHERE recipient = 'ada@readers.example'")
        database.commit()
    visit(desk, "Campaigns")
    desk.get_by_role("link", name="Autumn leaves").click()
    part(desk, "Deliveries")
    desk.get_by_role("button", name="Settle 1 in doubt…").click()
    desk.get_by_role("dialog").get_by_label("What became of them").select_option("They were sent")
    desk.get_by_role("dialog").get_by_role("button", name="Settle").click()
    expect(desk.get_by_role("button", name="Settle 1 in doubt…")).to_have_count(0)
    expect(desk.get_by_role("row", name="Ada ada@readers.example")).to_contain_text("Sent")


def test_a_slow_campaign_is_followed_stopped_and_broken_off(desk: Page, demo: Demo) -> None:
    created = "mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } } }"
    everybody = {"createdAt": {"is": {"after": "1969-12-31"}}}
    values = {"name": "Drops", "channels": ["EMAIL"], "audience": everybody, "throttlePerSecond": 1}
    key = demo.ask(created, input=values)["createCampaign"]["campaign"]["id"]
    desk.goto(f"{demo.console}#/campaigns/{key}/experiment")
    desk.get_by_role("button", name="Try two ways").click()
    shares = desk.get_by_label("Share, in per cent")
    shares.first.fill("30")
    desk.get_by_role("button", name="Save experiment").click()
    expect(desk.get_by_role("alert")).to_be_attached()
    expect(desk.locator('[data-field="groups"] .wrong')).to_contain_text("1000 in all")
    shares.last.fill("70")
    desk.get_by_role("button", name="Save experiment").click()
    expect(desk.get_by_text("The experiment is saved.")).to_be_visible()
    desk.get_by_role("button", name="Launch…").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("2 things stand against sending it.")
    expect(dialog).to_contain_text("B · Everybody")
    dialog.get_by_role("button", name="Close").click()
    content = "mutation($input: SetContentInput!) { setContent(input: $input) { content { id } } }"
    for group in (0, 1):
        said = {"subject": "Drop", "body": "<p>Drop</p>", "fromAddress": "news@roast.example", "testGroup": group}
        demo.ask(content, input={"campaignId": key, "channel": "EMAIL", **said})
    desk.get_by_role("button", name="Launch…").click()
    dialog.get_by_role("button", name=re.compile(r"Send to \d+ people")).click()
    part(desk, "Overview")
    progress = desk.get_by_role("region", name="Progress")
    expect(progress).to_contain_text(re.compile(r"\d of \d+"))
    demo.ask("mutation($id: ID!) { pauseCampaign(input: {campaignId: $id}) { campaign { id } } }", id=key)
    expect(progress).to_contain_text("Paused")
    expect(desk.get_by_role("button", name="Resume")).to_be_visible()
    desk.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("button", name="Cancel the campaign").click()
    expect(desk.locator(".head")).to_contain_text("Cancelled")
    expect(desk.get_by_role("region", name="By test group").first).to_contain_text("A")


def test_a_triggered_campaign_is_called_for_people_by_name(desk: Page, demo: Demo) -> None:
    key = open_part(desk, demo, "Back on the shelf", "calls")
    calls = desk.get_by_role("region", name="Calls").last
    expect(calls.locator("tbody tr")).to_have_count(2)
    expect(calls.locator("tbody tr").first).to_contain_text("somebody.else@example.com (email): No such customer.")
    dialog = desk.get_by_role("dialog", name="Call Back on the shelf")
    desk.get_by_role("button", name="Call it…").click()
    expect(dialog).to_contain_text(re.compile(r"\d+ people get it\."))
    dialog.get_by_role("button", name="Not yet").click()
    desk.get_by_label("Who", exact=True).select_option("People by name")
    desk.get_by_label("Names").fill('customer01@example.com {"coffee": "Huila"}\nroast-0002\nnobody@example.com')
    desk.get_by_label("Data").fill("[1]")
    desk.get_by_role("button", name="Call it…").click()
    expect(desk.locator('[data-field="data"] .wrong')).to_have_text("This is no JSON object.")
    desk.get_by_label("Data").fill('{"coffee": "Decaf Cauca"}')
    desk.get_by_role("button", name="Call it…").click()
    expect(dialog).to_contain_text("It is for 3 people.")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nobody has the email nobody@example.com")
    dialog.get_by_role("button", name="Not yet").click()
    expect(calls.locator("tbody tr").first).to_contain_text("Failed")
    desk.get_by_label("Go on without those who cannot be found").check()
    desk.get_by_role("button", name="Call it…").click()
    dialog.get_by_role("button", name="Send").click()
    expect(desk.get_by_text("Call no. 4 has begun.")).to_be_visible()
    expect(calls.locator("tbody tr").first).to_contain_text("Completed")
    asked = "query($id: ID!) { campaign(id: $id) { runs(first: 2) { nodes { number state data targeted problems } } } }"
    last, failed = demo.ask(asked, id=key)["campaign"]["runs"]["nodes"]
    missing = [{"kind": "email", "value": "nobody@example.com", "detail": "No such customer."}]
    assert last == {
        "number": 4, "state": "COMPLETED", "data": {"coffee": "Decaf Cauca"}, "targeted": 2, "problems": missing,
    }  # fmt: skip
    assert (failed["state"], failed["targeted"], failed["problems"]) == ("FAILED", 0, missing)
    sent = "query($id: ID!) { deliveries(filter: {campaignId: $id}, first: 2) { nodes { subject } } }"
    subjects = {one["subject"] for one in demo.ask(sent, id=key)["deliveries"]["nodes"]}
    assert subjects == {"Huila is back", "Decaf Cauca is back"}


def test_a_transactional_campaign_is_sent_to_one_person(desk: Page, demo: Demo) -> None:
    open_part(desk, demo, "Order received", "calls")
    desk.get_by_role("button", name="Send it").click()
    expect(desk.locator('[data-field="customer"] .wrong')).to_have_text("Say to whom.")
    desk.get_by_label("To whom").fill("customer03@example.com")
    desk.get_by_label("Data").fill('{"order": "R-7", "items": 2}')
    desk.get_by_role("button", name="Send it").click()
    expect(desk.locator("h1")).to_have_text(re.compile("We have your order R-7|Message to "))
    expect(desk.get_by_role("link", name="Order received").first).to_be_visible()


def test_a_message_says_why_it_was_sent_and_what_it_said(desk: Page, demo: Demo) -> None:
    open_part(desk, demo, "What we roast this week", "deliveries?state=DELIVERED")
    desk.locator("tbody tr").first.get_by_role("link", name="See").click()
    why = desk.get_by_role("region", name="Why it was sent")
    expect(why.locator("[data-verdict]")).to_have_count(10)
    expect(why.locator("[data-verdict=pass]")).to_have_count(10)
    expect(desk.frame_locator("iframe").locator("a")).to_have_count(3)
    open_part(desk, demo, "What we roast this week", "deliveries?state=SKIPPED")
    expect(desk.get_by_role("link", name=re.compile("^Why not"))).not_to_have_count(0)
    desk.get_by_label("Person").fill("roast-0041")
    desk.get_by_role("button", name="Explain").click()
    expect(desk.get_by_role("region", name="Why", exact=True)).to_contain_text("They are not in its audience")
    desk.get_by_role("link", name=re.compile("^Why not")).first.click()
    expect(desk.get_by_role("region", name="Why it was not sent").locator("[data-verdict=stop]")).to_have_count(1)


def test_an_e_mail_has_copies_headers_and_files_and_is_seen_as_somebody_gets_it(
    desk: Page, demo: Demo, readers: str
) -> None:
    key = drafted(demo, "Parcels", subject="Hello", body="<p>Hello {{ customer.first_name }}</p>")
    write(demo, key, language="de", subject="Hallo", body="<p>Hallo {{ customer.first_name }}</p>")
    open_part(desk, demo, "Parcels", "contents")
    preview = desk.get_by_role("region", name="Preview")
    desk.get_by_text("Copies, attachments, headers").click()
    desk.get_by_label("Answers go to").fill("help@roast.example")
    desk.get_by_label("Copies to (Cc)", exact=True).fill("shop@roast.example")
    desk.get_by_role("button", name="Add header").click()
    desk.get_by_label("Name", exact=True).fill("From")
    desk.get_by_label("Value", exact=True).fill("autumn")
    expect(desk.locator('[data-field="headers"] .wrong')).to_be_visible()
    desk.get_by_label("Name", exact=True).fill("X-Season")
    price = {"name": "prices.csv", "mimeType": "text/csv", "buffer": b"Huila,12\n"}
    desk.get_by_label("Attachments", exact=True).set_input_files(price)  # type: ignore[arg-type]
    expect(desk.get_by_role("button", name="Remove prices.csv")).to_be_visible()
    preview.get_by_label("As", exact=True).fill("bea@readers.example")
    expect(preview).to_contain_text("so they get “German”, not this")
    expect(preview).to_contain_text("X-Season: autumn")
    expect(desk.frame_locator("iframe").locator("body")).to_have_text("Hello Bea")
    preview.get_by_label("Language").select_option("The language they get")
    expect(desk.frame_locator("iframe").locator("body")).to_have_text("Hallo Bea")
    desk.get_by_role("button", name="Save content").click()
    expect(desk.get_by_text("The content is saved.")).to_be_visible()
    asked = "query($id: ID!) { campaign(id: $id) { contents { language replyTo headers fields } } }"
    contents = demo.ask(asked, id=key)["campaign"]["contents"]
    assert next(one for one in contents if not one["language"]) == {
        "language": "",
        "replyTo": "help@roast.example",
        "headers": [{"name": "X-Season", "value": "autumn"}],
        "fields": {"cc": "shop@roast.example", "attachments": {"prices.csv": "SHVpbGEsMTIK"}},
    }


def test_two_people_write_one_draft_and_neither_loses_anything(desk: Page, demo: Demo) -> None:
    key = drafted(demo, "Together", subject="One", body="<p>One</p>")
    open_part(desk, demo, "Together", "contents")
    subject, save = desk.get_by_label("Subject"), desk.get_by_role("button", name="Save content")
    subject.fill("Mine")
    write(demo, key, body="<p>Theirs</p>")
    save.click()
    expect(desk.get_by_role("textbox", name="Body")).to_have_value("<p>Theirs</p>")
    assert text_of(demo, key) == {"subject": "Mine", "body": "<p>Theirs</p>"}

    subject.fill("Mine again")
    write(demo, key, subject="Theirs")
    save.click()
    dialog = desk.get_by_role("dialog", name="Somebody else has changed this too")
    expect(dialog.get_by_role("group", name="Subject")).to_contain_text("Theirs")
    dialog.get_by_role("button", name="Not now").click()
    expect(desk.locator("form .callout.bad")).to_contain_text("What you wrote is still here.")
    expect(subject).to_have_value("Mine again")
    assert text_of(demo, key) == {"subject": "Theirs", "body": "<p>Theirs</p>"}
    save.click()
    dialog.get_by_role("button", name="Save this").click()
    expect(dialog).to_have_count(0)
    expect(desk.get_by_text("The content is saved.").last).to_be_visible()
    assert text_of(demo, key) == {"subject": "Mine again", "body": "<p>Theirs</p>"}

    subject.fill("Not saved yet")
    part(desk, "Plan")
    desk.get_by_label("Description").fill("Written by two")
    demo.ask(UPDATE, input={"campaignId": key, "priority": 7, "tags": ["theirs"]})
    desk.get_by_role("button", name="Save plan").click()
    expect(desk.get_by_label("Tags")).to_have_value("theirs")
    found = demo.ask("query($id: ID!) { campaign(id: $id) { description priority tags } }", id=key)["campaign"]
    assert found == {"description": "Written by two", "priority": 7, "tags": ["theirs"]}
    part(desk, "Contents")
    expect(subject).to_have_value("Not saved yet")
    desk.get_by_role("button", name="Discard").click()
    expect(subject).to_have_value("Mine again")


def test_what_messages_are_made_of_is_kept_in_the_settings(desk: Page, demo: Demo) -> None:
    visit(desk, "Settings")
    dialog = desk.get_by_role("dialog")
    desk.get_by_role("button", name="Add sender").press("Enter")
    expect(dialog.get_by_label("Address")).to_be_focused()
    dialog.get_by_label("Address").fill("nonsense")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_have_text("Is not an e-mail address.")
    dialog.get_by_label("Address").fill("hello@roast.example")
    dialog.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("row", name="hello@roast.example")).to_be_visible()

    settings(desk, "Snippets")
    desk.get_by_role("button", name="Add snippet").click()
    dialog.get_by_label("Name").fill("greeting")
    dialog.get_by_label("Value").fill("Roast & Co, {% if %}")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_be_visible()
    dialog.get_by_label("Value").fill("Roast & Co, {{ customer.first_name }}")
    dialog.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("row", name="greeting")).to_be_visible()

    settings(desk, "Integrations")
    desk.get_by_role("button", name="Add integration").click()
    dialog.get_by_role("button", name="Continue").click()
    dialog.get_by_role("button", name="Add integration").click()
    expect(dialog.locator(".wrong")).to_have_text("Must not be empty.")
    dialog.get_by_label("Host", exact=True).fill("mail.example")
    dialog.get_by_label("Password").fill("secret-of-ours")
    dialog.get_by_label("Its channel goes over it").uncheck()
    dialog.get_by_role("button", name="Add integration").click()
    expect(desk.get_by_role("row", name="SMTP relay")).to_contain_text("Has secrets")
    desk.get_by_role("button", name="Change SMTP relay").click()
    expect(dialog.get_by_label("Host", exact=True)).to_have_value("mail.example")
    expect(dialog.get_by_label("Password")).to_have_value("")
    dialog.get_by_role("button", name="Cancel").click()

    settings(desk, "Webhooks")
    desk.get_by_role("button", name="Add webhook").click()
    dialog.get_by_label("Name").fill("Warehouse")
    dialog.get_by_label("Address").fill("https://hooks.example/in")
    dialog.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("dialog", name="The secret of “Warehouse”")).to_contain_text("not shown again")
    dialog.get_by_role("button", name="Done").click()
    desk.get_by_role("link", name="Warehouse").click()
    expect(desk.get_by_text("No calls")).to_be_visible()
    asked = "{ reportingWebhooks { events } integrations { kind isDefault hasCredentials settings } snippets { name } }"
    kept = demo.ask(asked)
    assert kept["reportingWebhooks"][0]["events"][0] == "email_sent"
    assert kept["integrations"][0]["settings"]["host"] == "mail.example"
    assert (kept["integrations"][0]["isDefault"], kept["integrations"][0]["hasCredentials"]) == (False, True)
    assert {"name": "greeting"} in kept["snippets"]


def test_rules_of_sending_and_consent_are_kept_in_the_settings(desk: Page, demo: Demo) -> None:
    visit(desk, "Settings")
    dialog = desk.get_by_role("dialog")
    settings(desk, "Topics")
    desk.get_by_role("button", name="Add topic").click()
    dialog.get_by_label("Name").fill("Harvests")
    dialog.get_by_label("Whoever has said nothing is told about it").uncheck()
    dialog.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("row", name="Harvests")).to_contain_text("Is not told")

    settings(desk, "Suppressed addresses")
    desk.get_by_role("button", name="Suppress address").click()
    dialog.get_by_label("Address").fill("never@readers.example")
    dialog.get_by_role("button", name="Suppress").click()
    desk.get_by_role("searchbox").fill("never@")
    expect(desk.get_by_role("row", name="never@readers.example")).to_contain_text("By hand")
    desk.get_by_role("button", name="Allow never@readers.example").click()
    dialog.get_by_role("button", name="Allow").click()
    expect(desk.get_by_text("No suppressed address")).to_be_visible()

    settings(desk, "Sending")
    desk.get_by_label("Nobody is disturbed at night").check()
    desk.get_by_label("From").fill("22:30")
    desk.get_by_label("Clock of people without a timezone").fill("Nowhere/Land")
    desk.get_by_role("button", name="Save rules").click()
    expect(desk.locator('[data-field="timezone"] .wrong')).to_be_visible()
    desk.get_by_label("Clock of people without a timezone").fill("Europe/Berlin")
    desk.get_by_role("button", name="Save rules").click()
    expect(desk.get_by_text("The rules are saved.")).to_be_visible()
    desk.get_by_role("button", name="Add cap").click()
    dialog.get_by_label("Messages").fill("99")
    dialog.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("row", name="At most 99 in 7 days")).to_be_visible()

    settings(desk, "Domains")
    desk.get_by_role("button", name="Add domain").click()
    dialog.get_by_label("Domain").fill("mail.readers.example")
    dialog.get_by_role("button", name="Add").click()
    records = desk.get_by_role("dialog", name="DNS records of mail.readers.example")
    signed = records.get_by_role("region", name="Your mail is signed")
    expect(signed.get_by_label("Value")).to_have_value(re.compile("^v=DKIM1"))
    records.get_by_role("button", name="Close").click()
    expect(desk.get_by_role("row", name="mail.readers.example")).to_contain_text("Not proved yet")
    asked = "{ sendingPolicy { timezone quietHours { from to channels } } frequencyCaps { messages windowSeconds } }"
    kept = demo.ask(asked)
    assert kept["sendingPolicy"]["timezone"] == "Europe/Berlin"
    channels = ["EMAIL", "SMS", "PUSH", "IN_APP", "WHATSAPP"]
    assert kept["sendingPolicy"]["quietHours"] == {"from": "22:30", "to": "08:00", "channels": channels}
    assert {"messages": 99, "windowSeconds": 604_800} in kept["frequencyCaps"]
