"""The demo tenant of a new embedded database: a small coffee roastery with customers who come, buy and answer."""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts.api_keys import create_api_key
from app.actions.accounts.registration import register
from app.actions.accounts.tenants import update_tenant
from app.actions.customers import CustomerFacts, CustomerRef, identify_many, save_device, suppress
from app.actions.events import NewEvent, track_many
from app.core.access import ALL_SCOPES, PUBLIC, system
from app.core.errors import RapportError
from app.core.tx import Tx
from app.demo.campaigns import populate_campaigns
from app.demo.talks import populate_inbox
from app.runtime import Runtime
from models import Tenant

EMAIL = "demo@rapport.example"
SEED = 20_260_101
DAYS = 60
GIVEN = """
    Amara Amélie Bjørn Camille Chinedu Dimitra Elif Emeka Fatima Freya Giulia Hiroshi Ingrid Jamal Jonas Katarzyna Leila
    Linh Luca Maja Mateo Mei Nadia Niamh Noor Oskar Paloma Priya Rafael Rosa Sanna Sofia Tariq Thandiwe Tomás Yuki
"""
FAMILY = """
    Andersen Bianchi Costa Dubois Eriksen Fischer García Haddad Ito Jansen Kowalska Lindqvist Moreau Nguyen Okafor
    Papadaki Quinn Rossi Silva Tanaka Ueda Varga Weber Yılmaz
"""
PLACES = (
    ("Europe/Lisbon", "pt-PT", "Porto"),
    ("Europe/Berlin", "de-DE", "Leipzig"),
    ("Europe/Paris", "fr-FR", "Lyon"),
    ("Europe/Rome", "it-IT", "Torino"),
    ("Europe/London", "en-GB", "Leeds"),
    ("America/New_York", "en-US", "Providence"),
    ("Asia/Tokyo", "ja-JP", "Kobe"),
)
COFFEES = (("Huila", "12.50"), ("Yirgacheffe", "14.00"), ("House espresso", "10.90"), ("Decaf Cauca", "13.20"))
PLANS = ("none", "monthly", "fortnightly")
CUSTOMERS = 40
VISITORS = 6


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """How to sign in to the demo, known only when it was just made."""

    email: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)


async def prepare_demo(runtime: Runtime) -> DemoSignIn | None:
    """Makes the demo tenant in an empty embedded database; None when there is nothing to make.

    It is one unit of work: a server that is stopped meanwhile leaves an empty database behind.
    """
    if not (runtime.settings.demo and runtime.settings.embedded):
        return None
    async with runtime.read(system()) as reading:
        if (await reading.session.execute(select(col(Tenant.id)).limit(1))).first() is not None:
            return None
    password = secrets.token_urlsafe(12)
    async with runtime.write(PUBLIC) as tx:
        await register(tx, email=EMAIL, password=password, tenant_name="Demo", name="Demo Owner")
        await update_tenant(tx, plan="enterprise")
        key = await create_api_key(tx, name="Demo", scopes=sorted(ALL_SCOPES))
        await _populate(tx)
        await populate_inbox(tx)
        await populate_campaigns(tx, runtime.settings)
    return DemoSignIn(EMAIL, password, key.key_text)


async def _populate(tx: Tx) -> None:
    """The same people and the same habits every time, in the days before now."""
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    people = [_person(chance, number, tx.now) for number in range(1, CUSTOMERS + 1)]
    _expect_all(await identify_many(tx, people))
    for facts in people:
        if chance.random() < 0.4:
            token, platform = f"demo-{chance.getrandbits(64):016x}", chance.choice(["ios", "android", "web"])
            last_used = tx.now - timedelta(hours=chance.randint(1, 300))
            await save_device(tx, customer=_named(facts), token=token, platform=platform, last_used_at=last_used)
    events = [event for facts in people for event in _habits(chance, facts, tx.now)]
    events += [event for number in range(VISITORS) for event in _visits(chance, f"browser-{number}", tx.now)]
    events.sort(key=lambda event: event.occurred_at or tx.now)
    _expect_all(await track_many(tx, events))
    # One visitor signs up after all: what they did before becomes theirs.
    late = CustomerFacts(external_id="roast-0041", email="late.bloomer@example.com", anonymous_id="browser-0")
    _expect_all(await identify_many(tx, [late]))
    now = tx.now
    tx.now = now - timedelta(days=20)
    await suppress(tx, customer=_named(people[-1]))
    tx.now = now


def _person(chance: random.Random, number: int, now: datetime) -> CustomerFacts:
    given, family = chance.choice(GIVEN.split()), chance.choice(FAMILY.split())
    timezone, locale, city = chance.choice(PLACES)
    plan = chance.choice(PLANS)
    consents = {"email": "subscribed" if chance.random() < 0.85 else "unsubscribed"}
    if chance.random() < 0.3:
        consents["sms"] = "subscribed"
    return CustomerFacts(
        external_id=f"roast-{number:04}",
        email=f"customer{number:02}@example.com",
        phone=f"+1401555{number:04}" if locale == "en-US" else None,
        attributes={
            "first_name": given,
            "last_name": family,
            "city": city,
            "subscription": plan,
            "grinder": chance.random() < 0.6,
            "favourite": chance.choice(COFFEES)[0],
        },
        timezone=timezone,
        locale=locale,
        consents=consents,
        created_at=now - timedelta(days=chance.randint(DAYS, 500), seconds=chance.randrange(86_400)),
    )


def _habits(chance: random.Random, facts: CustomerFacts, now: datetime) -> Iterator[NewEvent]:
    """What one customer did: they look around, and some of them buy."""
    for _ in range(chance.choice([1, 2, 2, 3, 4])):
        moment = _moment(chance, now)
        coffee, price = chance.choice(COFFEES)
        yield _event(facts, "product_viewed", moment, product=coffee)
        if chance.random() < 0.7:
            bags = chance.randint(1, 4)
            yield _event(facts, "cart_updated", moment + timedelta(minutes=2), product=coffee, items=bags)
            if chance.random() < 0.75:
                paid = round(bags * float(price), 2)
                yield _event(facts, "purchase", moment + timedelta(minutes=6), items=bags, amount=paid, currency="EUR")
    if facts.attributes["subscription"] != "none":
        for _ in range(chance.randint(2, 4)):
            yield _event(facts, "subscription_renewed", _moment(chance, now), plan=facts.attributes["subscription"])
    for _ in range(chance.randint(1, 3)):
        yield _event(facts, "email_opened", _moment(chance, now), subject="What we roast this week")


def _visits(chance: random.Random, anonymous_id: str, now: datetime) -> Iterator[NewEvent]:
    """What somebody did whom nobody knows yet."""
    for _ in range(chance.randint(2, 5)):
        properties = {"url": chance.choice(["/", "/coffees", "/brewing", "/about"])}
        yield NewEvent(CustomerRef("anonymous_id", anonymous_id), "page_viewed", properties, _moment(chance, now))


def _event(facts: CustomerFacts, name: str, moment: datetime, **properties: Any) -> NewEvent:
    return NewEvent(_named(facts), name, properties, moment)


def _moment(chance: random.Random, now: datetime) -> datetime:
    return now - timedelta(seconds=chance.randint(3_600, DAYS * 86_400))


def _named(facts: CustomerFacts) -> CustomerRef:
    return CustomerRef("external_id", facts.external_id or "")


def _expect_all(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, RapportError):
            raise result
