"""What a world of random rows is, and the values of which its rows are made."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.core.access import ALL_SCOPES, Principal, Role

Row = dict[str, Any]
EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = (
    "a",
    "plain words",
    "O'Brien",
    'say "hi"',
    "back\\slash \\u0041",
    "line\nbreak\ttab\r",
    "\u2028\u2029",
    "\u0001\u001f\u007f",
    "😀 é 日本",
    "</script>&amp;",
    "100%_",
    "null",
    '{"a":[1]}',
    "$1 ? :p0 %(x)s",
    "';--",
    " ",
    "ﬁ\u0301\u200d",
)
NUMBERS: tuple[float, ...] = (0, -1, 7, 2**53 + 1, 2**63 - 1, 1.0, -0.5, 0.1, 1e21, 1e-7)
EVENT_NAMES = ("page_viewed", "purchase", "O'Brien", 'say "hi"', "😀")
SUBJECT_PREFIXES = {
    "customers": "cust",
    "segments": "seg",
    "members": "mem",
    "api_keys": "key",
    "merges": "mrg",
    "devices": "dev",
    "identities": "idn",
    "events": "evt",
    "audit_entries": "aud",
    "outbox_messages": "out",
    "users": "usr",
    "widgets": "wid",
    "domains": "dom",
    "visitors": "vis",
    "teams": "team",
    "conversations": "conv",
    "messages": "msg",
    "files": "file",
    "canned_responses": "can",
    "saved_views": "view",
    "senders": "snd",
    "layouts": "lay",
    "snippets": "snip",
    "contents": "cnt",
    "campaigns": "cmp",
    "campaign_runs": "run",
    "experiments": "exp",
    "deliveries": "dlv",
    "links": "lnk",
    "engagements": "eng",
    "subscription_topics": "top",
    "suppressions": "sup",
    "integrations": "int",
    "frequency_caps": "cap",
    "reporting_webhooks": "hook",
    "webhook_calls": "call",
}


WITHOUT_CREATION = {"events", "merges", "audit_entries", "segment_memberships", "visitor_pages", "message_revisions"}
WITHOUT_CREATION |= {"engagements"}
"""Tables that do not say when a row was made."""


@dataclass
class World:
    """One tenant's rows as they were inserted, by table. ``strangers`` are public ids that are not this tenant's."""

    tenant: Row
    users: dict[UUID, Row] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)

    def of(self, table: str) -> list[Row]:
        return self.rows.get(table, [])

    @property
    def principal(self) -> Principal:
        """The first member, with every scope."""
        user = self.users[self.of("members")[0]["user_id"]]
        return Principal("member", self.tenant["id"], user["id"], user["email"], ALL_SCOPES, Role.OWNER, "enterprise")

    def public_ids(self) -> list[str]:
        """The public ids of everything here."""
        found = [f"tn_{self.tenant['id'].hex}"]
        for table, prefix in SUBJECT_PREFIXES.items():
            found += [f"{prefix}_{row['id'].hex}" for row in self.of(table)]
        return found


class RowMaker:
    """Draws ids, texts, moments and documents, and adds rows of them to worlds."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._count = 0

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _pick(self, words: str) -> str:
        return self._chance.choice(words.split())

    def _text(self) -> str:
        return self._chance.choice(TEXTS)

    def _maybe(self, value: Any) -> Any:
        return value if self._chance.random() < 0.5 else None

    def _moment(self) -> datetime:
        return EPOCH + timedelta(days=self._chance.randint(0, 2), microseconds=self._chance.choice([0, 0, 1, 999_999]))

    def _stamps(self) -> Row:
        return {"created_at": self._moment(), "updated_at": self._moment()}

    def _document(self, depth: int = 3) -> Row:
        return {self._text(): self._value(depth) for _ in range(self._chance.randint(0, 3))}

    def _value(self, depth: int) -> Any:
        roll = self._chance.random()
        if depth and roll < 0.2:
            return self._document(depth - 1)
        if depth and roll < 0.4:
            return [self._value(depth - 1) for _ in range(self._chance.randint(0, 3))]
        return self._chance.choice([*TEXTS, *NUMBERS, True, False, None])

    def _add(self, world: World, table: str, **columns: Any) -> None:
        row = {"id": self._id(), **columns}
        if table not in WITHOUT_CREATION:
            row["created_at"] = self._moment()
        world.rows.setdefault(table, []).append(row)

    def _topic(self, world: World, name: str) -> None:
        """Half of the time, a feed on which something was told already."""
        if self._chance.random() < 0.5:
            topic = {"topic": name, "head": self._chance.randint(1, 10**12), "floor": 0}
            world.rows.setdefault("feed_topics", []).append(topic)
