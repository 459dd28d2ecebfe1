"""Segments of a world: with rules and without, deleted ones, ones that use others, and who was in them when."""

from uuid import UUID

from tests.properties.rows import EVENT_NAMES, Row, RowMaker, World

Condition = tuple[Row, tuple[str, str]]
"""A condition of a rule, and the kind and name of what it depends on."""


class SegmentMaker(RowMaker):
    """Adds segments to worlds.

    The keys of a rule stand in the order in which Postgres keeps them, so that one text is expected of both databases.
    """

    def _segments(self, world: World, size: int) -> None:
        for _ in range(self._chance.randint((size + 1) // 2, size)):
            conditions = [self._condition(world) for _ in range(self._chance.choice([0, 0, 1, 1, 2, 3]))]
            self._segment(world, self._id(), conditions)

    def _strange_segments(self, world: World, strangers: list[UUID]) -> None:
        """What saving never leaves: a rule over another tenant's segment, and a segment with the key of another's.

        And a rule over an attribute that is called what a segment is, which does not use that segment.
        """
        called = [_has_attribute(row["id"].hex, "a") for row in world.of("segments") if row["deleted_at"] is None][:1]
        self._segment(world, self._id(), [_member_of(strangers[0]), *called])
        world.of("segments")[-1]["deleted_at"] = None
        if strangers[-1] not in {row["id"] for row in world.of("segments")}:
            self._segment(world, strangers[-1], [self._condition(world)])

    def _condition(self, world: World) -> Condition:
        """Over an earlier segment, an event or an attribute."""
        known = [row["id"] for row in world.of("segments")]
        if known and self._chance.random() < 0.5:
            return _member_of(self._chance.choice(known))
        if self._chance.random() < 0.4:
            name = self._chance.choice(EVENT_NAMES)
            return {"event": {"name": name, "count": {"atLeast": 2}}}, ("event", name)
        return _has_attribute(self._text(), self._text())

    def _segment(self, world: World, key: UUID, conditions: list[Condition]) -> None:
        """A segment of all or of some of these conditions; without any it is static."""
        rules = [self._maybe({"not": rule}) or rule for rule, _ in conditions]
        rule = rules[0] if len(rules) == 1 else {self._pick("and or"): rules} if rules else None
        stays = self._stays(world, key)
        self._add(
            world,
            "segments",
            id=key,
            number=len(world.of("segments")) + 1,
            name=self._text(),
            description=self._text(),
            kind="static" if rule is None else "dynamic",
            rule=rule,
            version=self._chance.randint(1, 3),
            state=self._pick("ready ready building failed"),
            progress=self._chance.randint(0, 1000),
            member_count=stays,
            updated_at=self._moment(),
            deleted_at=self._moment() if self._chance.random() < 0.2 else None,
        )
        for depended, name in sorted({named for _, named in conditions}):
            dependency = {"kind": depended, "name": name, "segment_id": key}
            world.rows.setdefault("segment_dependencies", []).append(dependency)
        self._topic(world, f"segment:{key.hex}")

    def _stays(self, world: World, segment_id: UUID) -> int:
        """Who was in it, and who is: past stays may overlap, one at most lasts. Returns how many last."""
        standing = 0
        for customer in world.of("customers"):
            lasts = self._chance.random() < 0.4
            standing += lasts
            for place in range(self._chance.choice([0, 0, 1, 2]) + lasts):
                entered = self._moment()
                left = None if lasts and place == 0 else max(entered, self._moment())
                self._add(
                    world,
                    "segment_memberships",
                    segment_id=segment_id,
                    customer_id=customer["id"],
                    entered_at=entered,
                    left_at=left,
                    enter_cause=self._text(),
                    leave_cause=None if left is None else self._text(),
                )
        return standing


def _has_attribute(name: str, value: str) -> Condition:
    return {"attribute": {"is": {"equals": value}, "name": name}}, ("attribute", name)


def _member_of(segment_id: UUID) -> Condition:
    return {"segment": {"id": f"seg_{segment_id.hex}"}}, ("segment", segment_id.hex)
