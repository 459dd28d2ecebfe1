"""Whether a message may go, and why not: each gate by itself, their order, and nights on which clocks are changed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gates import (
    Cap,
    Facts,
    Person,
    QuietHours,
    Suppressed,
    Topic,
    decide,
    no_content,
    no_provider,
    read_quiet_hours,
    through,
)
from app.gates.quiet import quiet_until

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA = Person("active", None, ZoneInfo("Europe/Berlin"))
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MAIL = Facts("email", ANNA, ("anna@example.com",))
NEWS = Topic(UUID(int=7), "News", subscribed_by_default=True, status=None)
NIGHT = QuietHours(time(21), time(8))
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")]


def asked(facts: Facts, at: datetime = NOW) -> tuple[str, str, dict[str, Any]]:
    """The last gate that was asked, what it said, and by which values."""
    last = decide(facts, at).document()[-1]
    return last["gate"], last["verdict"], last["value"]


def test_a_message_that_nothing_holds_passes_every_gate_in_order() -> None:
    decision = through(decide(MAIL, NOW), "smtp")
    gates = [entry["gate"] for entry in decision.document()]
    assert gates == [
        "audience",
        "control",
        "address",
        "suppression",
        "consent",
        "cap",
        "quiet_hours",
        "throttle",
        "content",
        "provider",
    ]
    assert (decision.verdict, decision.reason, decision.until) == ("pass", None, None)
    assert decision.document()[2]["value"] == {"address": "anna@example.com"}


@pytest.mark.parametrize(
    ("facts", "gate", "value"),
    [
        (replace(MAIL, person=replace(ANNA, status="deleted")), "audience", {"status": "deleted"}),
        (
            replace(MAIL, person=replace(ANNA, suppressed_at=NOW)),
            "audience",
            {"status": "active", "suppressed_at": "2026-11-21T12:00:00.000000Z"},
        ),
        (replace(MAIL, is_in_audience=False), "audience", {"status": "active"}),
        (replace(MAIL, control_share=100, in_control=True), "control", {"share": 100}),
        (replace(MAIL, addresses=()), "address", {"addresses": 0}),
        (
            replace(MAIL, suppressed=Suppressed("anna@example.com", "hard_bounce", NOW)),
            "suppression",
            {"address": "anna@example.com", "reason": "hard_bounce", "since": "2026-11-21T12:00:00.000000Z"},
        ),
        (replace(MAIL, consent="unsubscribed"), "consent", {"channel": "unsubscribed"}),
        (
            replace(MAIL, consent="subscribed", topic=replace(NEWS, status="unsubscribed")),
            "consent",
            {"channel": "subscribed", "topic": "News", "topic_status": "unsubscribed", "by_default": True},
        ),
        (
            replace(MAIL, topic=replace(NEWS, subscribed_by_default=False)),
            "consent",
            {"channel": None, "topic": "News", "topic_status": None, "by_default": False},
        ),
        (
            replace(MAIL, caps=[Cap("a day", None, 3, 86_400, 2), Cap("a week", "email", 5, 604_800, 5)]),
            "cap",
            {"cap": "a week", "channel": "email", "messages": 5, "window_s": 604_800, "sent": 5},
        ),
    ],
)
def test_what_stops_a_message(facts: Facts, gate: str, value: dict[str, Any]) -> None:
    assert asked(facts) == (gate, "stop", value)


@pytest.mark.parametrize(
    "facts",
    [
        replace(MAIL, consent="unsubscribed", asks_consent=False),
        replace(MAIL, topic=replace(NEWS, subscribed_by_default=False, status="subscribed")),
        replace(MAIL, caps=[Cap("a day", None, 3, 86_400, 2)]),
        replace(MAIL, control_share=100),
        Facts("webhook", ANNA, needs_address=False),
        replace(MAIL, quiet_hours=NIGHT),
        replace(MAIL, quiet_hours=replace(NIGHT, start=time(1), channels=frozenset({"sms"}))),
        replace(MAIL, per_second=10, slot=NOW),
    ],
)
def test_what_does_not(facts: Facts) -> None:
    assert decide(facts, NOW).verdict == "pass"


def test_at_night_and_out_of_turn_it_waits() -> None:
    evening = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    held = decide(replace(MAIL, quiet_hours=NIGHT), evening)
    assert (held.verdict, held.reason, held.until) == ("hold", "quiet_hours", datetime(2026, 11, 22, 7, tzinfo=UTC))
    slot = NOW + timedelta(seconds=3)
    held = decide(replace(MAIL, per_second=10, slot=slot), NOW)
    assert (held.verdict, held.reason, held.until) == ("hold", "throttle", slot)


def test_the_first_gate_that_says_no_decides() -> None:
    facts = replace(MAIL, addresses=(), consent="unsubscribed", quiet_hours=QuietHours(time(0), time(23)))
    assert [entry["gate"] for entry in decide(facts, NOW).document()] == ["audience", "control", "address"]


def test_what_could_not_be_made_or_has_no_provider() -> None:
    broken = no_content(decide(MAIL, NOW), "line 3: unknown filter", line=3)
    assert (broken.verdict, broken.reason, broken.document()[-1]["value"]) == ("stop", "content", {"line": 3})
    waiting = no_provider(decide(MAIL, NOW), "It does not answer.", NOW + timedelta(minutes=1))
    assert (waiting.verdict, waiting.reason) == ("hold", "provider")
    assert no_provider(decide(MAIL, NOW), "There is none.", None).verdict == "stop"


def test_quiet_hours_as_a_policy_has_them() -> None:
    assert read_quiet_hours(None) is None
    assert read_quiet_hours({"from": "08:00", "to": "08:00"}) is None
    read = read_quiet_hours({"from": "21:00", "to": "08:00", "channels": ["sms"]})
    assert read == QuietHours(time(21), time(8), frozenset({"sms"}))


@settings(deadline=None)
@given(
    st.integers(0, 2 * 365 * 86_400).map(lambda seconds: YEAR + timedelta(seconds=seconds)),
    st.sampled_from(ZONES),
    st.times().map(lambda one: one.replace(microsecond=0, second=0)),
    st.times().map(lambda one: one.replace(microsecond=0, second=0)),
)
def test_quiet_hours_end_soon_and_when_they_have_ended_it_is_not_quiet(
    at: datetime, zone: ZoneInfo, start: time, end: time
) -> None:
    quiet = QuietHours(start, end)
    until = None if start == end else quiet_until(quiet, at, zone)
    if until is not None:
        assert at < until <= at + timedelta(hours=25)
        assert quiet_until(quiet, until, zone) is None or until.astimezone(zone).fold == 1
