"""Settings of messages and campaigns: each a whole story, as people do it."""

from playwright.sync_api import Page, expect

from tests.pages.conftest import Demo, visit


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
    expect(console.locator("tbody tr")).to_contain_text("hello@roast.example")

    settings(console, "Snippets")
    console.get_by_role("button", name="Add snippet").click()
    dialog.get_by_label("Name").fill("footer")
    dialog.get_by_label("Value").fill("Roast & Co, {% if %}")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_be_visible()
    dialog.get_by_label("Value").fill("Roast & Co, {{ customer.first_name }}")
    dialog.get_by_role("button", name="Add").click()
    expect(console.locator("tbody tr")).to_contain_text("footer")

    settings(console, "Integrations")
    console.get_by_role("button", name="Add integration").click()
    dialog.get_by_role("button", name="Continue").click()
    dialog.get_by_role("button", name="Add integration").click()
    expect(dialog.locator(".wrong")).to_have_text("Must not be empty.")
    dialog.get_by_label("Host", exact=True).fill("mail.example")
    dialog.get_by_label("Password").fill("secret-of-ours")
    dialog.get_by_label("Its channel goes over it").uncheck()
    dialog.get_by_role("button", name="Add integration").click()
    expect(console.locator("tbody tr")).to_contain_text("Has secrets")
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
    assert kept["snippets"] == [{"name": "footer"}]
