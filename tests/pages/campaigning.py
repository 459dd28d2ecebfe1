"""What the tests of campaigns share: readers, drafts, and going from page to page."""

from playwright.sync_api import Page, expect

from tests.pages.conftest import Demo

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
UPDATE = "mutation($input: UpdateCampaignInput!) { updateCampaign(input: $input) { campaign { id } } }"
WRITE = "mutation($input: SetContentInput!) { setContent(input: $input) { content { id } } }"


def make_readers(demo: Demo) -> str:
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


def named(demo: Demo, name: str) -> str:
    """The id of the demo's campaign of this name."""
    asked = "query($name: String) { campaigns(filter: {search: $name}) { nodes { id } } }"
    [found] = demo.ask(asked, name=name)["campaigns"]["nodes"]
    key: str = found["id"]
    return key


def drafted(demo: Demo, name: str, **texts: str) -> str:
    """A new campaign by e-mail that says this to everybody."""
    created = "mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } } }"
    key: str = demo.ask(created, input={"name": name, "channels": ["EMAIL"]})["createCampaign"]["campaign"]["id"]
    write(demo, key, **texts)
    return key


def write(demo: Demo, key: str, **texts: str) -> None:
    """Says something in a campaign, as a colleague would."""
    demo.ask(WRITE, input={"campaignId": key, "channel": "EMAIL", **texts})


def text_of(demo: Demo, key: str) -> dict[str, str]:
    """What a campaign says to everybody."""
    asked = "query($id: ID!) { campaign(id: $id) { contents { subject body } } }"
    [found] = demo.ask(asked, id=key)["campaign"]["contents"]
    return dict(found)


def open_part(page: Page, demo: Demo, name: str, part: str) -> str:
    """Opens a part of the campaign of this name by its address. Returns the campaign's id."""
    key = named(demo, name)
    page.goto(f"{demo.console}#/campaigns/{key}/{part}")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("main[aria-busy]")).to_have_count(0)
    return key


def part(page: Page, name: str) -> None:
    """Goes to a part of the campaign."""
    page.get_by_role("navigation", name="Parts of the campaign").get_by_role("link", name=name).click()
    expect(page.locator(".parts-nav [aria-current]")).to_have_text(name)
    expect(page.locator("main[aria-busy]")).to_have_count(0)


def settings(page: Page, name: str) -> None:
    """Goes to a part of the settings."""
    page.get_by_role("navigation", name="Settings").get_by_role("link", name=name).click()
    expect(page.locator(".parts-nav [aria-current]")).to_have_text(name)
