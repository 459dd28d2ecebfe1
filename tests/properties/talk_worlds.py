"""Random rows about conversations, for the worlds of the planner's property test."""

from typing import Any

from tests.properties.rows import Row, RowMaker, World

STATES = "open pending snoozed closed"
COUNTS = ("head", "agents_read_to", "agents_unread", "visitor_read_to", "visitor_delivered_to", "visitor_unread")
MOMENTS = ("assigned_at", "first_reply_at", "last_message_at", "waiting_since", "closed_at", "csat_at", "snoozed_until")


class TalkMaker(RowMaker):
    """Makes teams, widgets, visitors, conversations, and what is said in them."""

    def _talk(self, world: World, size: int) -> None:
        for _ in range(self._chance.randint(0, 2)):
            self._team(world)
        for _ in range(self._chance.randint(1, 2)):
            self._widget(world)
            domain: Row = {
                name: self._maybe(self._moment()) for name in ("verified_at", "checked_at", "dkim_verified_at")
            }
            domain |= {"verification_token": self._maybe("t"), "dkim_selector": self._maybe("rapport")}
            domain |= {name: self._chance.random() < 0.5 for name in ("tracks_links", "carries_widgets")}
            self._add(world, "domains", name=f"d{self._next()}.example", **domain)
            shortcut, texts = f"{self._pick('hi bye')}{self._next()}", {"en": self._text()}
            row = {"shortcut": shortcut, "title": self._text(), "texts": texts, "updated_at": self._moment()}
            self._add(world, "canned_responses", **row, created_by_id=None)
            owner = self._chance.choice([None, *world.users])
            view = {"user_id": owner, "name": f"v{self._next()}", "filter": self._document(1)}
            self._add(world, "saved_views", **view, updated_at=self._moment())
        for _ in range(self._chance.randint(0, size)):
            self._visitor(world)
        for _ in range(self._chance.randint(0, size)):
            self._conversation(world)

    def _key(self, world: World, table: str) -> Any:
        return self._chance.choice([None, *(row["id"] for row in world.of(table))])

    def _team(self, world: World) -> None:
        routing, wait = self._pick("manual round_robin least_busy"), self._maybe(60)
        name = f"{self._text()}{self._next()}"
        self._add(world, "teams", name=name, routing=routing, reassign_after_s=wait, updated_at=self._moment())
        for user_id in self._chance.sample(list(world.users), self._chance.randint(0, len(world.users))):
            row = {"team_id": world.of("teams")[-1]["id"], "user_id": user_id, "created_at": self._moment()}
            world.rows.setdefault("team_members", []).append(row | {"last_assigned_at": self._maybe(self._moment())})

    def _widget(self, world: World) -> None:
        self._add(
            world,
            "widgets",
            key=f"wk_{self._next()}",
            name=self._text(),
            team_id=self._key(world, "teams"),
            settings=self._document(),
            installed_at=self._maybe(self._moment()),
            updated_at=self._moment(),
            deleted_at=self._maybe(self._moment()),
        )

    def _visitor(self, world: World) -> None:
        texts = {name: self._text() for name in ("name", "user_agent", "referrer", "page_url", "page_title")}
        self._add(
            world,
            "visitors",
            widget_id=self._chance.choice(world.of("widgets"))["id"],
            customer_id=self._key(world, "customers"),
            proven_id=self._maybe(self._text()),
            email=self._maybe(f"v{self._next()}@example.com"),
            locale=self._maybe("de"),
            timezone=self._maybe("UTC"),
            page_count=self._chance.randint(0, 9),
            session_version=0,
            seen_at=self._moment(),
            **texts,
        )
        for _ in range(self._chance.randint(0, 2)):
            page = {"visitor_id": world.of("visitors")[-1]["id"], "url": self._text(), "title": self._text()}
            self._add(world, "visitor_pages", **page, seen_at=self._moment())

    def _conversation(self, world: World) -> None:
        counts = (
            "head",
            "agents_read_to",
            "agents_unread",
            "visitor_read_to",
            "visitor_delivered_to",
            "visitor_unread",
        )
        row: Row = {name: self._chance.randint(0, 9) for name in counts}
        row |= {name: self._maybe(self._moment()) for name in MOMENTS}
        row |= {"active_at": self._moment(), "updated_at": self._moment(), "queued_at": self._maybe(self._moment())}
        row |= {f"{table}_id": self._key(world, f"{table}s") for table in ("widget", "visitor", "customer", "team")}
        row |= {"assignee_id": self._chance.choice([None, *world.users]), "proven_id": self._maybe(self._text())}
        row |= {"routing": self._maybe(self._document(1)), "locale": self._maybe("de"), "csat_score": self._maybe(4)}
        row |= {"subject": self._text(), "last_text": self._text(), "csat_comment": self._text()}
        row |= {"status": self._pick(STATES), "priority": self._pick("low normal high urgent")}
        self._add(world, "conversations", **row, last_sender_kind=self._maybe(self._pick("visitor agent system")))
        key = world.of("conversations")[-1]["id"]
        for name in self._chance.sample(("vip", "x", "O'Brien"), self._chance.randint(0, 2)):
            world.rows.setdefault("conversation_tags", []).append({"conversation_id": key, "name": name})
        self._topic(world, f"conversation:{key.hex}")
        for seq in range(1, self._chance.randint(1, 4)):
            self._message(world, key, seq)

    def _message(self, world: World, conversation: Any, seq: int) -> None:
        self._add(
            world,
            "messages",
            conversation_id=conversation,
            seq=seq,
            kind=self._pick("text note system"),
            sender_kind=self._pick("visitor agent system"),
            sender_id=self._chance.choice([None, self._id(), *world.users]),
            sender_name=self._text(),
            text=self._text(),
            html=self._text(),
            words="",
            data=self._maybe(self._document(1)),
            client_id=self._maybe(f"c{self._next()}"),
            edited_at=self._maybe(self._moment()),
            deleted_at=self._maybe(self._moment()),
        )
        key = world.of("messages")[-1]["id"]
        for place in range(self._chance.randint(0, 2)):
            file = {"name": self._text(), "size": 7, "mime_type": "image/png", "sha256": "0" * 64}
            file |= {"storage_key": f"s{self._next()}", "uploader_kind": "member", "uploader_id": None}
            self._add(world, "files", **file, visitor_id=None, width=self._maybe(3), height=None, attached_at=None)
            sent = {"message_id": key, "file_id": world.of("files")[-1]["id"], "place": 9 - place}
            world.rows.setdefault("message_files", []).append(sent)
        for _ in range(self._chance.randint(0, 2)):
            kind, user = self._pick("member api_key visitor system"), self._chance.choice([None, *world.users])
            row = {"message_id": key, "action": "edited", "text": self._text(), "changed_by_kind": kind}
            self._add(world, "message_revisions", **row, changed_by_id=user, changed_at=self._moment())
