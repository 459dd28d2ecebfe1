"""The stories of the demo's inbox: who wrote to the roastery, and what was answered."""

from collections.abc import Sequence
from dataclasses import dataclass

SITE = "https://roastery.example"
COLLEAGUES = (("Mira Lund", "mira@rapport.example"), ("Tomás Rocha", "tomas@rapport.example"))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
BROWSERS = {
    "mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Safari/604.1",
    "windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
}
SETTINGS = {
    "colors": {"accent": "#7c3f1d"},
    "texts": {
        "en": {"title": "Talk to the roastery", "greeting": "Questions about beans, brewing or your parcel?"},
        "de": {"title": "Sprich mit der Rösterei", "greeting": "Fragen zu Bohnen, Zubereitung oder deinem Paket?"},
    },
    "hours": {
        "timezone": "Europe/Lisbon",
        "week": {day: [("08:30", "12:30"), ("13:30", "18:00")] for day in WEEKDAYS} | {"sat": [("09:00", "13:00")]},
        "holidays": [{"date": "2026-12-25", "name": "Christmas Day", "yearly": True}],
    },
}
CANNED = (
    (
        "parcel",
        "Where is my parcel?",
        "Hello {{customer.first_name}}, I have asked our carrier and write the moment I know more.",
    ),
    (
        "ship",
        "Where do you ship?",
        "We ship to all of Europe, Japan and the United States. Parcels leave on **Tuesdays and Fridays**.",
    ),
    (
        "grind",
        "Which grind?",
        "For a V60 start at *medium-fine*, like table salt:\n\n- too sour: grind finer\n- too bitter: grind coarser",
    ),
    ("thanks", "Thank you", "Thank you for writing, {{customer.first_name}}. Enjoy your coffee!"),
)

FINER = """That is a little coarse. Try this:

1. **14 clicks** instead of 18
2. water at 95 °C
3. pour in three steps, 40 seconds apart

If it is still sour, there is a [picture of the right grind](https://roastery.example/brewing/grind)."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What one visitor and the agents said: ``says`` are (minutes ago, who, text).

    Who: ``visitor``, or the first name of an agent, in capitals for a note. ``agent`` is whose it is, ``customer`` the
    external id that the roastery's server vouches for; a ``name`` without one is only claimed.
    """

    says: Sequence[tuple[float, str, str]]
    pages: Sequence[tuple[str, str]]
    customer: str | None = None
    name: str | None = None
    email: str | None = None
    locale: str = "en-GB"
    timezone: str = "Europe/London"
    browser: str = "mac"
    referrer: str | None = None
    agent: str | None = None
    subject: str = ""
    tags: Sequence[str] = ()
    priority: str = "normal"
    status: str = "open"
    rated: tuple[int, str] | None = None
    read: bool = True


TALKS = (
    Talk(
        says=[
            (9_204, "visitor", "Can I have the Yirgacheffe in a 1 kg bag?"),
            (9_188, "mira", "You can from Monday on. I have put one aside for you."),
            (9_181, "visitor", "Wonderful, thanks!"),
        ],
        pages=[("/coffees/yirgacheffe", "Yirgacheffe")],
        customer="roast-0007",
        agent="mira",
        subject="A bigger bag",
        tags=["order"],
        status="closed",
        rated=(5, "So quick, and so kind."),
    ),
    Talk(
        says=[
            (3_010, "visitor", "The espresso arrived with a torn bag. Half of it was in the box."),
            (2_890, "tomás", "I am sorry! A new one leaves today. Please keep the torn one for your plants."),
        ],
        pages=[("/account/orders", "Your orders")],
        customer="roast-0012",
        locale="it-IT",
        timezone="Europe/Rome",
        browser="phone",
        agent="tomás",
        subject="Torn bag",
        tags=["delivery", "refund"],
        status="closed",
        rated=(2, "It took two hours until somebody answered."),
    ),
    Talk(
        says=[
            (1_561, "visitor", "We run three cafés in Leipzig and look for a house espresso: about 40 kg a month."),
            (1_560, "visitor", "Do you roast for others?"),
            (1_530, "demo", "We do, with pleasure. I shall ask our roaster for a price and come back to you tomorrow."),
            (1_529, "DEMO", "Ask Rui for the price of 40 kg of *House espresso*, ground and whole."),
        ],
        pages=[("/wholesale", "For cafés"), ("/about", "Who we are")],
        name="Jonas Weber",
        email="jonas@cafe-weber.example",
        locale="de-DE",
        timezone="Europe/Berlin",
        browser="windows",
        referrer="https://search.example/?q=coffee+roaster",
        agent="demo",
        subject="Wholesale for three cafés",
        tags=["wholesale"],
        priority="high",
        status="snoozed",
    ),
    Talk(
        says=[
            (210, "visitor", "I would like to pause my subscription while I am travelling, from 1 to 20 December."),
            (195, "mira", "Done! Your next bags would leave on **22 December**. Is that soon enough for you?"),
        ],
        pages=[("/account/subscription", "Your subscription")],
        customer="roast-0018",
        locale="fr-FR",
        timezone="Europe/Paris",
        agent="mira",
        subject="Pause the subscription",
        tags=["subscription"],
        status="pending",
    ),
    Talk(
        says=[
            (47, "visitor", "Hi! My Huila tastes sour since I have the new grinder. What am I doing wrong?"),
            (44, "demo", "Hello! Let us find out. Which grinder is it, and how do you brew?"),
            (41, "visitor", "A hand grinder, 18 clicks, and a V60 with 92 °C water."),
            (38, "DEMO", "The grinder is from us: *order 4021*, in spring. If it is out of line, we replace it."),
            (36, "demo", FINER),
            (3, "visitor", "14 clicks is so much better already! It takes 3:10 now. Should I go finer still?"),
            (2, "visitor", "And is `95 °C` right for the Yirgacheffe, too?"),
        ],
        pages=[("/", "The roastery"), ("/coffees/huila", "Huila"), ("/brewing/v60", "V60, step by step")],
        customer="roast-0007",
        referrer="https://search.example/?q=sour+v60",
        agent="demo",
        subject="Sour cup with a new grinder",
        tags=["brewing", "grinder"],
        read=False,
    ),
    Talk(
        says=[
            (16, "visitor", "Guten Morgen! Habt ihr den Decaf Cauca auch gemahlen für die Mokka?"),
            (11, "tomás", "Guten Morgen! Ja, bei der Bestellung einfach **Mokka** als Mahlgrad wählen."),
            (8, "visitor", "Perfekt. Und wie lange hält er sich gemahlen?"),
        ],
        pages=[("/coffees/decaf-cauca", "Decaf Cauca")],
        name="Greta",
        locale="de-DE",
        timezone="Europe/Berlin",
        browser="phone",
        agent="tomás",
        tags=["brewing"],
    ),
    Talk(
        says=[(12, "visitor", "Do you ship to Norway, and what does it cost?")],
        pages=[("/shipping", "Shipping"), ("/coffees", "All coffees")],
        locale="nb-NO",
        timezone="Europe/Oslo",
        browser="phone",
        referrer="https://social.example/@roastery",
        read=False,
    ),
    Talk(
        says=[
            (6, "visitor", "My parcel has said *in transit* for six days. It is a present for Sunday!"),
            (5, "visitor", "The number is **RR-4182-PT**. Can you see where it is?"),
        ],
        pages=[("/account/orders", "Your orders"), ("/contact", "Contact")],
        customer="roast-0003",
        locale="pt-PT",
        timezone="Europe/Lisbon",
        browser="windows",
        subject="Parcel RR-4182-PT",
        tags=["delivery"],
        priority="urgent",
        read=False,
    ),
)  # fmt: skip
