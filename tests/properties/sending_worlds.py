"""Random rows about campaigns and what is sent, for the worlds of the planner's property test."""

from datetime import timedelta
from typing import Any

from app.actions.deliveries import PARKED_AT
from tests.properties.rows import EPOCH, Row, RowMaker, World

SENT_OVER = "email sms push in_app whatsapp webhook"
CAMPAIGN_FLAGS = (
    "ignores_caps",
    "ignores_quiet_hours",
    "sends_to_unsubscribed",
    "is_tracked",
    "is_retained",
    "inlines_css",
)
COUNTED = (
    "created drafted attempted sent delivered deferred opened human_opened clicked human_clicked converted bounced "
    "complained unsubscribed topic_unsubscribed suppressed skipped failed in_doubt cancelled clicked_once "
    "human_clicked_once machine_clicked"
)
HAPPENED = "attempted sent delivered opened human_opened clicked human_clicked converted bounced complained "
HAPPENED += "unsubscribed failed"
STATES = "draft queued claimed sending sent delivered bounced failed skipped in_doubt cancelled"


class SendingMaker(RowMaker):
    """Makes campaigns with what they say, what they sent and what came of it, and whom that is told to."""

    def _sending(self, world: World, size: int) -> None:
        for _ in range(self._chance.randint(1, 2)):
            self._words(world)
            self._provider(world)
            self._topic_of_sending(world)
            self._webhook(world)
        for _ in range(self._chance.randint(1, max(1, size // 2))):
            self._campaign(world)
        for _ in range(self._chance.randint(0, size * 2) if world.of("customers") else 0):
            self._delivery(world)

    def _flag(self) -> bool:
        return self._chance.random() < 0.5

    def _some(self, world: World, table: str) -> Any:
        return self._chance.choice([None, *(row["id"] for row in world.of(table))])

    def _words(self, world: World) -> None:
        sender = {"kind": self._pick("email phone"), "address": f"a{self._next()}@example.com", "name": self._text()}
        self._add(world, "senders", number=self._next(), **sender, updated_at=self._moment())
        layout = {"name": f"{self._text()}{self._next()}", "body": self._text(), "updated_at": self._moment()}
        self._add(world, "layouts", number=self._next(), **layout)
        self._add(world, "snippets", name=f"s{self._next()}", value=self._text(), updated_at=self._moment())
        cap = {"name": self._text(), "channel": self._maybe("sms"), "messages": 3, "window_s": self._next()}
        self._add(world, "frequency_caps", **cap)
        address = f"{self._text()}{self._next()}"
        reason = self._pick("hard_bounce soft_bounces complaint manual")
        row = {"channel": self._pick("email sms"), "address": address, "reason": reason, "detail": self._text()}
        self._add(world, "suppressions", **row)

    def _provider(self, world: World) -> None:
        self._add(
            world,
            "integrations",
            number=self._next(),
            name=self._text(),
            kind=self._pick("smtp twilio webhook"),
            channel=self._pick(SENT_OVER),
            settings=self._document(1),
            credentials=self._maybe("sealed"),
            callback_key=f"k{self._next()}",
            is_default=self._flag(),
            is_enabled=self._flag(),
            last_error=self._maybe(self._text()),
            failed_at=self._maybe(self._moment()),
            updated_at=self._moment(),
            deleted_at=self._maybe(self._moment()),
        )

    def _topic_of_sending(self, world: World) -> None:
        texts = {"name": self._text(), "description": self._text(), "subscribed_by_default": self._flag()}
        self._add(
            world,
            "subscription_topics",
            number=self._next(),
            position=self._chance.randint(0, 2),
            updated_at=self._moment(),
            deleted_at=self._maybe(self._moment()),
            **texts,
        )

    def _webhook(self, world: World) -> None:
        self._add(
            world,
            "reporting_webhooks",
            number=self._next(),
            name=self._text(),
            endpoint="https://hook.example/",
            dialect=self._pick("customerio silentchat"),
            events=["email_sent", self._text()],
            full_resolution=self._flag(),
            with_content=self._flag(),
            secret="sealed",
            is_enabled=self._flag(),
            cursors={},
            failing_since=self._maybe(self._moment()),
            last_error=self._maybe(self._text()),
            updated_at=self._moment(),
        )
        key = world.of("reporting_webhooks")[-1]["id"]
        for position in range(self._chance.randint(0, 3)):
            row = {"webhook_id": key, "ordering_id": self._id(), "event_key": f"e{self._next()}", "event": "email_sent"}
            row |= {"state": self._pick("due done dead"), "attempts": position, "run_at": self._moment()}
            row |= {"status_code": self._maybe(500), "error": self._maybe(self._text()), "payload": self._document(1)}
            self._add(world, "webhook_calls", **row, position=position // 2, ended_at=self._maybe(self._moment()))

    def _campaign(self, world: World) -> None:
        segments = [{"segment": {"id": f"seg_{row['id'].hex}"}} for row in world.of("segments")]
        rule = self._chance.choice([None, {"everybody": True}, *segments])
        row: Row = {flag: self._flag() for flag in CAMPAIGN_FLAGS}
        row |= {f"{name}_at": self._maybe(self._moment()) for name in ("scheduled", "started", "completed", "deleted")}
        row |= {"name": self._text(), "description": self._text(), "failure": self._maybe(self._text())}
        row |= {"kind": self._pick("one_off recurring triggered transactional"), "source": "graph"}
        row |= {"status": self._pick("draft scheduled sending paused completed cancelled failed archived")}
        row |= {"channels": self._chance.sample(SENT_OVER.split(), self._chance.randint(1, 3))}
        row |= {
            "audience": rule,
            "exclusions": self._maybe(rule),
            "schedule": self._document(1),
            "tags": [self._text()],
        }
        row |= {"goal": self._maybe({"event": "purchase"}), "trigger_name": self._maybe(f"t{self._next()}")}
        row |= {"topic_id": self._some(world, "subscription_topics"), "version": 1, "control_share": 100, "priority": 5}
        row |= {"created_by_id": self._chance.choice([None, *world.users]), "throttle_per_s": self._maybe(20)}
        self._add(world, "campaigns", number=self._next(), updated_at=self._moment(), **row)
        key = world.of("campaigns")[-1]["id"]
        self._topic(world, f"campaign:{key.hex}")
        self._counts(world, key)
        for group in range(self._chance.randint(0, 2)):
            self._content(world, key, group)
        for number in range(self._chance.randint(1, 2)):
            self._run(world, key, number)
        for _ in range(self._chance.randint(0, 2)):
            link = {"campaign_id": key, "url": self._text(), "digest": f"d{self._next()}"}
            self._add(world, "links", number=self._next(), **link)
            self._counts(world, world.of("links")[-1]["id"])
        if self._flag():
            self._experiment(world, key)

    def _content(self, world: World, campaign: Any, group: int) -> None:
        names = ("name", "from_address", "reply_to", "subject", "preheader", "body")
        self._add(
            world,
            "contents",
            number=self._next(),
            campaign_id=campaign,
            channel=self._pick(SENT_OVER),
            test_group=group,
            language=self._pick("en de"),
            sender_id=self._some(world, "senders"),
            layout_id=self._some(world, "layouts"),
            plain=self._maybe(self._text()),
            headers=[{"name": "X-A", "value": "a"}],
            fields=self._document(1),
            version=2,
            updated_at=self._moment(),
            **{name: self._text() for name in names},
        )
        self._counts(world, world.of("contents")[-1]["id"])

    def _run(self, world: World, campaign: Any, number: int) -> None:
        row: Row = {f"{name}_at": self._maybe(self._moment()) for name in ("prepared", "started", "finished")}
        row |= {"state": self._pick("preparing sending paused completed cancelled failed"), "data": self._document(1)}
        row |= {"targeted": 3, "prepared": 2, "control": 1, "awaits_winner": self._flag(), "due_at": self._moment()}
        row |= {"occurrence": f"o{self._next()}", "version": 1, "problems": [{"kind": "customer", "value": "x"}]}
        self._add(world, "campaign_runs", campaign_id=campaign, number=number, **row)

    def _experiment(self, world: World, campaign: Any) -> None:
        row: Row = {"name": self._text(), "state": self._pick("draft running decided"), "sample_share": 500}
        row |= {"metric": self._pick("opened clicked converted"), "confidence": 950, "automatic": self._flag()}
        row |= {"decides_after_s": 3600, "decides_at": self._maybe(self._moment()), "winner": self._maybe(1)}
        row |= {"result": self._maybe([{"rate": 0.5}]), "decided_at": self._maybe(self._moment())}
        self._add(world, "experiments", number=self._next(), campaign_id=campaign, updated_at=self._moment(), **row)
        key = world.of("experiments")[-1]["id"]
        for position in range(self._chance.randint(1, 3)):
            group = {"experiment_id": key, "position": position, "name": self._text(), "share": 300}
            world.rows.setdefault("test_groups", []).append(group)

    def _counts(self, world: World, subject: Any) -> None:
        for metric in self._chance.sample(COUNTED.split(), 6):
            for hour in range(self._chance.randint(1, 2)):
                row = {"subject_id": subject, "metric": metric, "hour": EPOCH + timedelta(hours=hour)}
                row |= {"count": self._chance.randint(0, 9), "amount": self._chance.choice([0, 1, 2.25])}
                world.rows.setdefault("hourly_counts", []).append(row)

    def _delivery(self, world: World) -> None:
        row: Row = {f"{name}_at": self._maybe(self._moment()) for name in HAPPENED.split()}
        row |= {f"{table}_id": self._some(world, f"{table}s") for table in ("campaign", "content", "integration")}
        row |= {"run_id": self._some(world, "campaign_runs"), "occurrence_id": self._id()}
        row |= {"customer_id": self._chance.choice(world.of("customers"))["id"], "channel": self._pick(SENT_OVER)}
        row |= {"test_group": self._maybe(1), "lane": self._chance.randint(0, 1), "is_test": self._flag()}
        row |= {"state": self._pick(STATES), "reason": self._maybe("consent"), "error": self._maybe(self._text())}
        row |= {"recipient": self._text(), "subject": self._text(), "data": self._maybe(self._document(1))}
        row |= {"decision": self._maybe([{"gate": "consent"}]), "provider_message_id": self._maybe(self._text())}
        row |= {"due_at": self._chance.choice([PARKED_AT, self._moment()]), "attempts": 1, "priority": 5}
        self._add(world, "deliveries", **row)
        key = world.of("deliveries")[-1]["id"]
        if self._flag():
            names = ("from_address", "reply_to", "subject", "preheader", "body", "plain")
            kept: Row = {name: self._text() for name in names} | {"delivery_id": key, "created_at": self._moment()}
            world.rows.setdefault("archived_messages", []).append(kept | {"headers": [], "fields": self._document(1)})
        for _ in range(self._chance.randint(0, 2)):
            seen = {"delivery_id": key, "kind": self._pick("open click"), "link_id": self._some(world, "links")}
            seen |= {"url": self._maybe(self._text()), "verdict": self._pick("human scanner proxy unknown")}
            seen |= {"reasons": ["browser"], "user_agent": self._text(), "address": "127.0.0.1"}
            self._add(world, "engagements", **seen, occurred_at=self._moment())
