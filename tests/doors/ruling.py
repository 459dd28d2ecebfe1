"""Rules of ours for the tests of dialects, whom they are about, and how a dialect refuses its own."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.ids import new_id, public_id
from app.rest.door.places import Places
from app.segments import parse_rule, read_rule, to_json
from tests.segments.people import NOW, CrowdMaker
from tests.segments.reference import Person
from tests.segments.writing_rules import RuleWriter

SEGMENTS = [new_id() for _ in range(3)]
NUMBERS = {number: public_id("segment", segment) for number, segment in enumerate(SEGMENTS, 1)}
OURS = {text: number for number, text in NUMBERS.items()}
PROFILE = settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """A rule as it is stored."""
    chance = Random(draw(st.integers(0, 2**32)))
    return to_json(parse_rule(RuleWriter(chance, SEGMENTS).rule(draw(st.integers(1, 4)))))


def people(seed: int) -> list[Person]:
    return CrowdMaker(Random(seed)).make(25).people


def having(value: Any) -> Person:
    return Person(new_id(), "active", {"a": value}, None, None, NOW, NOW)


def refused(read: Callable[[], tuple[dict[str, Any] | None, Places]]) -> list[str]:
    """The paths that are told of what is wrong, by the dialect's own reading or by ours."""
    with pytest.raises(Invalid) as refusal:
        rule, places = read()
        with places.telling():
            read_rule(rule)
    return [issue.path for issue in refusal.value.issues]
