"""Random rules that may be saved, as JSON, about the people of :mod:`tests.segments.people`."""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from app.core.ids import public_id
from tests.segments.people import (
    AMOUNTS,
    CHANNELS,
    DATES,
    EVENTS,
    LOCALES,
    NAMES,
    NUMBERS,
    PLATFORMS,
    PROPERTIES,
    TEXTS,
    TIMEZONES,
    CrowdMaker,
)

SOUND_DATES = ("2027-12-20", "2027-12-20T15:30:00.25Z", "2027-12-20T15:30:00.250001Z", "2027-11-20", "2028-02-29")
SPANS = ({"minutes": 1}, {"hours": 1}, {"days": 1}, {"days": 7}, {"weeks": 1}, {"days": 30}, {"days": 90})
PARTS = ("pro", "Pro", "p", "%", "_", "é", "\\", "'", "acme.test", "U%", "20", "]")


class RuleWriter:
    """Writes rules of at most ``depth`` levels."""

    def __init__(self, chance: Random, segments: list[UUID]) -> None:
        self._chance = chance
        self._segments = segments
        self._values = CrowdMaker(chance)

    def rule(self, depth: int = 3) -> dict[str, Any]:
        return self._tree(depth, self._leaf)

    def _tree(self, depth: int, leaf: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        roll = self._chance.random()
        if depth <= 1 or roll < 0.35:
            return leaf()
        if roll < 0.5:
            return {"not": self._tree(depth - 1, leaf)}
        key = self._chance.choice(["and", "or"])
        return {key: [self._tree(depth - 1, leaf) for _ in range(self._chance.randint(1, 3))]}

    def _leaf(self) -> dict[str, Any]:
        makers = (self._attribute, self._attribute, self._attribute, self._event, self._event, self._event, self._small)
        return self._chance.choice(makers)()

    def _attribute(self) -> dict[str, Any]:
        return {"attribute": {**self._way("name", NAMES), "is": self._value_test(relative=True)}}

    def _way(self, key: str, names: tuple[str, ...]) -> dict[str, Any]:
        name = self._chance.choice(names)
        if self._chance.random() < 0.85:
            return {key: name}
        return {"path": [name, *(["city", "deep"][: self._chance.randint(0, 2)])]}

    def _small(self) -> dict[str, Any]:
        pick = self._chance.choice
        return pick(
            [
                lambda: {"timezone": {"is": self._text_test(TIMEZONES[1:])}},
                lambda: {"locale": {"is": self._text_test(LOCALES[1:])}},
                lambda: {pick(["createdAt", "updatedAt"]): {"is": self._moment_test(relative=True)}},
                lambda: {"identity": {"kind": pick(["external_id", "anonymous_id"]), "is": self._text_test(("b-1",))}},
                lambda: {"identity": {"kind": "email", "is": self._text_test(("a@example.com",))}},
                lambda: {"device": self._device()},
                lambda: {"consent": {"channel": pick(CHANNELS), "is": pick(["subscribed", "unsubscribed", "unknown"])}},
                lambda: {"conversation": self._conversation()},
                lambda: {"conversation": self._conversation()},
                lambda: {"rating": {"is": self._number_test((1, 2, 3, 4, 5))}},
                lambda: {"segment": {"id": public_id("segment", pick(self._segments))}},
            ]
        )()

    def _device(self) -> dict[str, Any]:
        device: dict[str, Any] = {}
        if self._chance.random() < 0.5:
            device["platform"] = self._chance.choice([{"equals": "ios"}, {"in": list(PLATFORMS[1:])}])
        if self._chance.random() < 0.6:
            device["lastUsedAt"] = self._moment_test(relative=True)
        return device

    def _conversation(self) -> dict[str, Any]:
        asked: dict[str, Any] = {}
        if self._chance.random() < 0.5:
            asked["status"] = self._chance.choice(
                [{"equals": "open"}, {"equals": "closed"}, {"in": ["open", "pending"]}]
            )
        for key in ("createdAt", "waitingSince", "closedAt"):
            if self._chance.random() < 0.25:
                asked[key] = self._moment_test(relative=True)
        if self._chance.random() < 0.4:
            asked["count"] = self._number_test((0, 1, 2, 3))
        return asked

    def _event(self) -> dict[str, Any]:
        event: dict[str, Any] = {"name": self._chance.choice(EVENTS)}
        if self._chance.random() < 0.4:
            event["where"] = [self._tree(2, self._property) for _ in range(self._chance.randint(1, 2))]
        if self._chance.random() < 0.6:
            event["within"] = self._window()
        if self._chance.random() < 0.8:
            event |= self._measure()
        return {"event": event}

    def _property(self) -> dict[str, Any]:
        if self._chance.random() < 0.5:
            return {"property": {"name": "amount", "is": self._number_test(AMOUNTS)}}
        return {"property": {**self._way("name", PROPERTIES), "is": self._value_test(relative=False)}}

    def _window(self) -> dict[str, Any]:
        if self._chance.random() < 0.6:
            return {"last": self._chance.choice(SPANS)}
        bounds = {"from": self._chance.choice(SOUND_DATES), "to": self._chance.choice(SOUND_DATES)}
        return {key: bounds[key] for key in self._chance.choice([["from"], ["to"], ["from", "to"]])}

    def _measure(self) -> dict[str, Any]:
        roll = self._chance.random()
        if roll < 0.5:
            return {"count": self._number_test((0, 1, 2, 3, 5))}
        if roll < 0.65:
            return {self._chance.choice(["first", "last"]): self._moment_test(relative=True)}
        if roll < 0.75:
            return {"distinct": {**self._way("property", ("sku",)), "is": self._number_test((0, 1, 2, 3))}}
        function = self._chance.choice(["sum", "average", "minimum", "maximum"])
        return {function: {"property": "amount", "is": self._number_test((*AMOUNTS, 0.6, 100.5))}}

    # ---- tests of values ------------------------------------------------------------------------------------------

    def _value_test(self, *, relative: bool) -> dict[str, Any]:
        pick, scalar = self._chance.choice, self._values.scalar
        makers: list[Callable[[], dict[str, Any]]] = [
            lambda: {"equals": scalar()},
            lambda: {"equals": pick(["pro", 1, True, 50])},
            lambda: {"in": list(pick([TEXTS, NUMBERS, (True, False), (True,), DATES]))},
            lambda: {"has": pick([scalar(), "pro", 1, True])},
            lambda: {pick(["contains", "startsWith", "endsWith"]): pick(PARTS)},
            lambda: self._number_test(NUMBERS),
            lambda: {pick(["exists", "empty"]): pick([True, False])},
            lambda: self._moment_test(relative=relative),
            lambda: self._moment_test(relative=relative),
        ]
        return pick(makers)()

    def _text_test(self, values: tuple[Any, ...]) -> dict[str, Any]:
        pick = self._chance.choice
        part = {pick(["contains", "startsWith", "endsWith"]): pick([*PARTS, "E", "en", "b-0"])}
        return pick([{"equals": pick(values)}, {"in": list(values)}, part, {"exists": pick([True, False])}])

    def _number_test(self, numbers: tuple[Any, ...]) -> dict[str, Any]:
        pick = self._chance.choice
        low, high = sorted([pick(numbers), pick(numbers)])
        how = pick(["equals", "lessThan", "atMost", "moreThan", "atLeast"])
        return pick([{how: pick(numbers)}, {how: pick(numbers)}, {"between": [low, high]}])

    def _moment_test(self, *, relative: bool) -> dict[str, Any]:
        pick = self._chance.choice
        absolute = pick(
            [{pick(["before", "after"]): pick(SOUND_DATES)}, {"on": pick(["2027-12-20", "2027-12-19", "2028-02-29"])}]
        )
        if not relative or self._chance.random() < 0.3:
            return absolute
        if self._chance.random() < 0.2:
            return {"anniversaryWithin": {"days": pick([0, 1, 5, 71, 72, 364])}}
        return {pick(["inTheLast", "longerAgoThan", "withinTheNext"]): pick(SPANS)}
