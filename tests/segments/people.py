"""Random people with random histories, in the database and in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.core.access import system
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import Consent, Conversation, Customer, Device, Event, Identity, Segment, SegmentMembership, Tenant
from tests.segments.reference import Happened, Person, Talk

NOW = datetime(2027, 12, 20, 15, 30, 0, 250_000, tzinfo=UTC)
"""Shortly before a leap year."""
EVENTS = ("visit", "purchase", 'O\'Brien "é"')
NAMES = ("plan", "age", "tags", "birthday", "renewal", 'odd "\\ key', "ключ")
PROPERTIES = ("amount", "sku", "gift", "when")
TEXTS = ("pro", "free", "", "Pro", "50%_off", "日本é", "a'b\"c\\", "1", "true", "null", "[]")
NUMBERS = (0, 1, 1.0, 2, -3, 0.1, 0.2, 0.3, 50, 50.5, 49.999999, 100, 2**53 + 1, 1e-7)
AMOUNTS = (0, 1, 0.1, 0.2, 0.3, 50, 50.25, -7.5, 19.99, 0.000001)
DATES = (
    "2027-12-20",
    "2027-12-20T15:30:00.25Z",
    "2027-12-20T15:30:00.250001Z",
    "2027-12-20 15:30:00",
    "2027-12-21T00:29:59+09:00",
    "2027-12-19T23:59:59.999999999-11:30",
    "2028-02-29",
    "1988-02-29T23:30:00-02:00",
    "1990-12-25",
    "2000-03-01T00:00:00Z",
    "2027-12-27T15:30:00.25Z",
    "2027-11-20T15:30:00.25Z",
    "2027-02-29",
    "2027-13-01",
    "2027-12-20T24:00:00Z",
    "2027-12-20T15:30:60Z",
    "2027-12-20T15:30:00.Z",
    "2027-12-20T15:30:00+15:00",
    "2027-12-20T15:30",
    "2027-12-20Z",
    "2100-02-29",
    "2400-02-29",
    "0999-01-01",
    "9000-01-01",
    "8999-12-31T23:59:59.5-14:59",
    "1000-01-01T00:00:00+14:00",
    " 2027-12-20",
    "2027-12-20\n",
)
SECONDS = (
    1_829_316_600,
    1_829_316_600.75,
    1_829_000_000,
    -1_000_000.5,
    -30_610_224_001,
    221_845_392_000,
    1.8e12,
)
TIMEZONES = (None, "Europe/Berlin", "Asia/Tokyo", "UTC")
LOCALES = (None, "en", "en-US", "de")
PLATFORMS = ("ios", "android", "web")
CHANNELS = ("email", "sms", "push")
STEPS = (0, 1, 60, 3600, 86_400, 7 * 86_400, 30 * 86_400)


@dataclass
class Crowd:
    """A tenant's people, and the segments they may be in."""

    tenant_id: UUID
    people: list[Person]
    segments: list[UUID]


class CrowdMaker:
    """Makes people whose values lie where tests change their minds."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def make(self, size: int) -> Crowd:
        segments = [new_id(), new_id()]
        return Crowd(new_id(), [self._person(segments) for _ in range(size)], segments)

    def scalar(self) -> Any:
        kinds = (TEXTS, TEXTS, NUMBERS, NUMBERS, (True, False), DATES, DATES, SECONDS)
        return self._chance.choice(self._chance.choice(kinds))

    def value(self) -> Any:
        roll = self._chance.random()
        if roll < 0.8:
            return self.scalar()
        if roll < 0.9:
            return [self.scalar() for _ in range(self._chance.randint(0, 3))]
        return self._chance.choice([{}, {"city": self.scalar()}, {"city": {"deep": self.scalar()}}, [["pro"]], [None]])

    def near(self) -> datetime:
        """A moment near now, often exactly so many seconds from it."""
        seconds = self._chance.choice(STEPS) * self._chance.choice([-1, -1, -1, 1])
        micro = self._chance.choice([0, 0, 0, 1, -1, self._chance.randint(-(10**9), 10**9)])
        return NOW + timedelta(seconds=seconds, microseconds=micro)

    def past(self) -> datetime:
        return min(self.near(), NOW + timedelta(hours=24)) - timedelta(days=self._chance.choice([0, 0, 0, 1, 90]))

    def _person(self, segments: list[UUID]) -> Person:
        chance = self._chance
        devices = [(chance.choice(PLATFORMS), chance.choice([None, self.past()])) for _ in range(chance.randint(0, 2))]
        names = [name for name in NAMES if chance.random() < 0.6]
        person = Person(
            id=new_id(),
            status=chance.choice(["active"] * 9 + ["deleted"]),
            attributes={name: self.value() for name in names},
            timezone=chance.choice(TIMEZONES),
            locale=chance.choice(LOCALES),
            created_at=self.past(),
            updated_at=self.past(),
            devices=devices,
            consents={c: chance.choice(["subscribed", "unsubscribed"]) for c in CHANNELS if chance.random() < 0.5},
            segments={segment for segment in segments if chance.random() < 0.5},
        )
        person.identities = self._identities(person.id)
        person.events = [self._event() for _ in range(chance.choice([0, 1, 2, 3, 5, 9]))]
        person.talks = [self._talk() for _ in range(chance.choice([0, 0, 1, 1, 2, 3]))]
        return person

    def _identities(self, person: UUID) -> list[tuple[str, str]]:
        made = {
            "email": f"{person.hex}@{self._chance.choice(['example.com', 'acme.test'])}",
            "phone": f"+1415555{self._chance.randint(0, 9999):04}{person.int % 1000:03}",
            "external_id": f"{self._chance.choice(['u', 'U%', 'é'])}-{person.hex}",
            "anonymous_id": f"b-{person.hex}",
        }
        return [(kind, value) for kind, value in made.items() if self._chance.random() < 0.6]

    def _talk(self) -> Talk:
        chance = self._chance
        rated_at = self.past() if chance.random() < 0.5 else None
        return Talk(
            id=new_id(),
            status=chance.choice(["open", "pending", "snoozed", "closed"]),
            created_at=self.past(),
            waiting_since=self.past() if chance.random() < 0.5 else None,
            closed_at=self.past() if chance.random() < 0.5 else None,
            rating=rated_at and chance.randint(1, 5),
            rated_at=rated_at,
        )

    def _event(self) -> Happened:
        chance = self._chance
        properties: dict[str, Any] = {}
        if chance.random() < 0.8:
            properties["amount"] = chance.choice([*AMOUNTS, "50", True, None])
        if chance.random() < 0.6:
            properties["sku"] = chance.choice(["a", "b", "1", 1, 1.0, True, False, 2, None, ["a"]])
        if chance.random() < 0.4:
            properties["gift"] = self.value()
        if chance.random() < 0.4:
            properties["when"] = chance.choice(DATES)
        return Happened(chance.choice(EVENTS), properties, self.past())


async def insert_crowd(units: UnitsOfWork, crowd: Crowd) -> None:
    """Puts the people into the database as they are in memory."""
    stamps = {"created_at": NOW, "updated_at": NOW}
    async with units.write(system(crowd.tenant_id)) as tx:
        await tx.insert(Tenant, [{"id": crowd.tenant_id, "name": "T", "plan": "free", "feed_epoch": "e", **stamps}])
        common = {"kind": "static", "state": "ready", "name": "S", **stamps}
        await tx.insert(Segment, [{"id": key, "number": n, **common} for n, key in enumerate(crowd.segments)])
        for table, rows in _rows(crowd.people).items():
            await tx.insert(table, rows)


def _rows(people: list[Person]) -> dict[Any, list[dict[str, Any]]]:
    rows: dict[Any, list[dict[str, Any]]] = {
        Customer: [],
        Identity: [],
        Device: [],
        Consent: [],
        Event: [],
        SegmentMembership: [],
        Conversation: [],
    }
    columns = ("id", "status", "attributes", "timezone", "locale", "created_at", "updated_at")
    for person in people:
        of = {"customer_id": person.id}
        rows[Customer].append({column: getattr(person, column) for column in columns})
        for kind, value in person.identities:
            about = {"kind": kind, "value": value, "is_primary": False, "source": "graph", "created_at": NOW}
            rows[Identity].append({"id": new_id(), **of, **about})
        for platform, used in person.devices:
            about = {"token": new_id().hex, "platform": platform, "attributes": {}, "last_used_at": used}
            rows[Device].append({"id": new_id(), **of, **about, "created_at": NOW, "updated_at": NOW})
        for channel, status in person.consents.items():
            rows[Consent].append({**of, "channel": channel, "status": status, "source": "graph", "changed_at": NOW})
        for event in person.events:
            about = {"name": event.name, "properties": event.properties, "occurred_at": event.occurred_at}
            rows[Event].append({"id": new_id(), **of, **about, "received_at": NOW, "source": "graph"})
        for talk in person.talks:
            moments = {"created_at": talk.created_at, "waiting_since": talk.waiting_since, "closed_at": talk.closed_at}
            rated = {"csat_score": talk.rating, "csat_at": talk.rated_at}
            stamps = {"active_at": talk.created_at, "updated_at": NOW}
            rows[Conversation].append({"id": talk.id, **of, "status": talk.status, **moments, **rated, **stamps})
        for segment in person.segments:
            stay = {"segment_id": segment, "entered_at": NOW, "left_at": None, "enter_cause": "test"}
            rows[SegmentMembership].append({"id": new_id(), **of, **stay})
    return rows
