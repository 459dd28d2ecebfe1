"""Small worlds of random rows: tenants with everything that the graph can show, in the database and in memory."""

from collections.abc import Iterable
from random import Random
from typing import Any
from uuid import UUID

from app.core.access import system
from app.core.tx import UnitsOfWork
from models import (
    Agent,
    ApiKey,
    ArchivedMessage,
    AuditEntry,
    Campaign,
    CampaignRun,
    CannedResponse,
    Consent,
    Content,
    Conversation,
    ConversationTag,
    Customer,
    Delivery,
    Device,
    Domain,
    Engagement,
    Event,
    Experiment,
    FeedTopic,
    File,
    FrequencyCap,
    HourlyCount,
    Identity,
    Integration,
    Layout,
    Link,
    Member,
    Merge,
    Message,
    MessageFile,
    MessageRevision,
    OutboxMessage,
    ReportingWebhook,
    SavedView,
    Segment,
    SegmentDependency,
    SegmentMembership,
    Sender,
    Snippet,
    SubscriptionTopic,
    Suppression,
    Team,
    TeamMember,
    Tenant,
    TestGroup,
    User,
    Visitor,
    VisitorPage,
    WebhookCall,
    Widget,
)
from tests.properties.rows import EPOCH, EVENT_NAMES, Row, World
from tests.properties.segment_worlds import SegmentMaker
from tests.properties.sending_worlds import SendingMaker
from tests.properties.talk_worlds import TalkMaker

UNKNOWN = ("cust", "evt", "mem", "tn", "job", "usr", "seg", "conv", "vis", "wid", "team")
UNKNOWN += ("cnt", "cmp", "exp", "dlv", "lnk", "int", "hook", "top")
CHANNELS = ("email", "sms", "push", "in_app", "whatsapp")
KINDS = ("external_id", "email", "phone", "anonymous_id")


class WorldMaker(SegmentMaker, TalkMaker, SendingMaker):
    """Makes worlds that share a database, and some users."""

    def __init__(self, chance: Random) -> None:
        super().__init__(chance)
        self._users: list[Row] = []

    def make(self, size: int) -> World:
        """A world with up to ``size`` customers and segments, and three times as many events."""
        world = World({"id": self._id(), "name": self._text(), "plan": self._pick("free starter"), **self._stamps()})
        world.tenant["feed_epoch"] = f"e{len(self._users)}"
        self._people(world)
        self._customers(world, size)
        self._belongings(world)
        self._merges(world)
        self._events(world, size * 3)
        self._segments(world, size)
        self._talk(world, size)
        self._sending(world, size)
        self._records(world, size)
        return world

    def _people(self, world: World) -> None:
        for _ in range(self._chance.randint(1, 3)):
            if self._users and self._chance.random() < 0.4:
                user = self._chance.choice(self._users)
                if user["id"] in world.users:
                    continue
            else:
                email = f"user{self._next()}@example.com"
                verified = self._maybe(self._moment())
                user = {"id": self._id(), "email": email, "name": self._text(), "email_verified_at": verified}
                user |= self._stamps()
                self._users.append(user)
            world.users[user["id"]] = user
            role = self._pick("owner admin marketer agent viewer")
            self._add(world, "members", user_id=user["id"], role=role, invited_at=self._maybe(self._moment()))
        for _ in range(self._chance.randint(0, 2)):
            self._add(
                world,
                "api_keys",
                name=self._text(),
                prefix=f"rk_{self._next()}",
                secret_hash="x" * 64,
                last4="abcd",
                scopes=self._chance.sample(["customers:read", "events:read", "audit:read"], self._chance.randint(1, 3)),
                created_by_id=self._maybe(self._chance.choice(self._users)["id"]),
                expires_at=self._maybe(self._moment()),
                last_used_at=self._maybe(self._moment()),
                revoked_at=self._maybe(self._moment()),
            )

    def _customers(self, world: World, size: int) -> None:
        for place in range(self._chance.randint((size + 1) // 2, size)):
            self._add(
                world,
                "customers",
                status="deleted" if place % 3 == 1 else "active",
                merged_into_id=None,
                attributes=self._document(),
                timezone=self._maybe("Europe/Berlin"),
                locale=self._maybe("de-DE"),
                suppressed_at=self._maybe(self._moment()),
                updated_at=self._moment(),
            )

    def _belongings(self, world: World) -> None:
        for customer in world.of("customers"):
            for kind in KINDS:
                for place in range(self._chance.randint(0, 2)):
                    number = self._next()
                    value = {"email": f"c{number}@example.com", "phone": f"+1415555{number:04}"}.get(
                        kind, f"{self._text()}{number}"
                    )
                    primary = place == 0 and kind != "anonymous_id"
                    self._add(
                        world, "identities", customer_id=customer["id"], kind=kind, value=value, is_primary=primary
                    )
                    world.of("identities")[-1]["source"] = self._pick("graph customerio")
            for _ in range(self._chance.randint(0, 2)):
                self._add(
                    world,
                    "devices",
                    customer_id=customer["id"],
                    token=f"{self._text()}{self._next()}",
                    platform=self._pick("ios web"),
                    attributes=self._document(2),
                    last_used_at=self._maybe(self._moment()),
                    updated_at=self._moment(),
                )
            for channel in self._chance.sample(CHANNELS, self._chance.randint(0, 3)):
                status = self._pick("subscribed unsubscribed")
                consent = {"customer_id": customer["id"], "channel": channel, "status": status, "source": "graph"}
                world.rows.setdefault("consents", []).append({**consent, "changed_at": self._moment()})
            self._topic(world, f"customer:{customer['id'].hex}")

    def _merges(self, world: World) -> None:
        customers = world.of("customers")
        for place in range(1, len(customers)):
            if self._chance.random() < 0.35:
                winner, loser = customers[self._chance.randrange(place)], customers[place]
                unmerged = self._maybe(self._moment())
                if unmerged is None:
                    loser |= {"status": "merged", "merged_into_id": winner["id"]}
                self._add(world, "merges", winner_id=winner["id"], loser_id=loser["id"], restore={}, merged_at=EPOCH)
                world.of("merges")[-1]["unmerged_at"] = unmerged

    def _events(self, world: World, size: int) -> None:
        owners = [None, *(customer["id"] for customer in world.of("customers"))]
        for _ in range(self._chance.randint(size // 3, size)):
            self._add(
                world,
                "events",
                customer_id=self._chance.choice(owners),
                anonymous_id=self._maybe(self._text()),
                name=self._chance.choice(EVENT_NAMES),
                properties=self._document(),
                occurred_at=self._moment(),
                received_at=self._moment(),
                source="graph",
                idempotency_key=self._maybe(f"{self._text()}{self._next()}"),
            )

    def _records(self, world: World, size: int) -> None:
        for _ in range(self._chance.randint(0, 3)):
            texts = {name: self._text() for name in ("channel", "purpose", "recipient", "subject", "body")}
            delivery = self._chance.choice([None, *(row["id"] for row in world.of("deliveries"))])
            self._add(world, "outbox_messages", **texts, delivery_id=delivery)
        for _ in range(self._chance.randint(0, size * 2)):
            self._audit_entry(world, self._chance.choice(world.public_ids()))

    def _audit_entry(self, world: World, subject: str) -> None:
        actors = [("member", user) for user in world.users]
        actors += [("api_key", key["id"]) for key in world.of("api_keys")]
        kind, actor = self._chance.choice([*actors, ("system", None), ("member", self._id()), ("api_key", self._id())])
        self._add(
            world,
            "audit_entries",
            occurred_at=self._moment(),
            actor_kind=kind,
            actor_id=actor,
            actor_label=self._text(),
            action=self._pick("customer.merge tenant.update"),
            subject_id=subject,
            changes=self._document(2),
            request_id=self._maybe(self._text()),
        )

    def introduce(self, worlds: list[World]) -> None:
        """Makes the worlds know ids of each other, and audit entries and segments name them."""
        for world in worlds:
            others = [other for other in worlds if other is not world]
            keys = [key for other in others for key in other.public_ids()]
            segments = [row["id"] for other in others for row in other.of("segments")]
            shown = self._chance.sample(segments, min(3, len(segments)))
            unknown = [f"{prefix}_{self._id().hex}" for prefix in UNKNOWN]
            world.strangers = [*self._chance.sample(keys, min(20, len(keys))), *unknown]
            world.strangers += [f"seg_{key.hex}" for key in shown]
            for stranger in shown:
                self._audit_entry(world, f"seg_{stranger.hex}")
            if shown:
                self._strange_segments(world, shown)
            for _ in range(3):
                self._audit_entry(world, self._chance.choice(world.strangers))


TABLES: dict[str, type[Any]] = {
    "members": Member,
    "api_keys": ApiKey,
    "identities": Identity,
    "devices": Device,
    "consents": Consent,
    "merges": Merge,
    "events": Event,
    "audit_entries": AuditEntry,
    "segments": Segment,
    "segment_memberships": SegmentMembership,
    "segment_dependencies": SegmentDependency,
    "feed_topics": FeedTopic,
    "agents": Agent,
    "teams": Team,
    "team_members": TeamMember,
    "widgets": Widget,
    "domains": Domain,
    "visitors": Visitor,
    "visitor_pages": VisitorPage,
    "conversations": Conversation,
    "conversation_tags": ConversationTag,
    "messages": Message,
    "message_revisions": MessageRevision,
    "files": File,
    "message_files": MessageFile,
    "canned_responses": CannedResponse,
    "saved_views": SavedView,
    "subscription_topics": SubscriptionTopic,
    "suppressions": Suppression,
    "frequency_caps": FrequencyCap,
    "integrations": Integration,
    "reporting_webhooks": ReportingWebhook,
    "webhook_calls": WebhookCall,
    "senders": Sender,
    "layouts": Layout,
    "snippets": Snippet,
    "campaigns": Campaign,
    "contents": Content,
    "campaign_runs": CampaignRun,
    "experiments": Experiment,
    "test_groups": TestGroup,
    "links": Link,
    "deliveries": Delivery,
    "archived_messages": ArchivedMessage,
    "engagements": Engagement,
    "hourly_counts": HourlyCount,
    "outbox_messages": OutboxMessage,
}


async def insert_worlds(units: UnitsOfWork, worlds: Iterable[World]) -> None:
    """Stores the worlds' rows."""
    known: set[UUID] = set()
    for world in worlds:
        async with units.write(system(world.tenant["id"])) as tx:
            await tx.insert(Tenant, [world.tenant])
            fresh = [user for user in world.users.values() if user["id"] not in known]
            known |= world.users.keys()
            await tx.insert(User, fresh)
            customers = world.of("customers")
            await tx.insert(Customer, [row for row in customers if row["merged_into_id"] is None])
            for row in customers:  # a winner stands before its loser
                if row["merged_into_id"] is not None:
                    await tx.insert(Customer, [row])
            for table, model in TABLES.items():
                if world.of(table):
                    await tx.insert(model, world.of(table))
