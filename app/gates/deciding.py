"""The gates, in their order. The first one that does not let a message pass ends the decision.

An entry is what :attr:`models.Delivery.decision` keeps: the gate, ``pass``, ``hold`` (later) or ``stop`` (never), the
values it went by, and a sentence for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from app.core.clock import iso
from app.gates.facts import Facts
from app.gates.quiet import quiet_until

PASS, HOLD, STOP = "pass", "hold", "stop"
UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
NAMES = {"sms": "text messages", "push": "push messages", "in_app": "messages in the app", "email": "e-mail"}


class Entry(NamedTuple):
    """What one gate said. ``until``: of a hold, when to ask again."""

    gate: str
    verdict: str
    detail: str
    value: Mapping[str, Any]
    until: datetime | None = None

    def document(self) -> Mapping[str, Any]:
        """As it is stored and shown. Most entries are always the same, and so are their documents."""
        known = DOCUMENTS.get(id(self))
        return known or {"gate": self.gate, "verdict": self.verdict, "value": self.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Decision:
    """The entries of all gates that were asked. The last one decides."""

    entries: Sequence[Entry]

    @property
    def verdict(self) -> str:
        """``pass``, ``hold`` or ``stop``."""
        return self.entries[-1].verdict

    @property
    def reason(self) -> str | None:
        """The gate that holds or stops the message."""
        return None if self.verdict == PASS else self.entries[-1].gate

    @property
    def until(self) -> datetime | None:
        """When to ask again, of a message that is held."""
        return self.entries[-1].until

    @property
    def detail(self) -> str:
        """Why, in a sentence."""
        return self.entries[-1].detail

    def document(self) -> list[Mapping[str, Any]]:
        """As it is stored and shown."""
        return [entry.document() for entry in self.entries]

    def followed_by(self, entry: Entry) -> "Decision":
        """The decision with one more gate asked."""
        return Decision((*self.entries, entry))


def decide(facts: Facts, at: datetime) -> Decision:
    """Asks the gates from the audience to the throttle; what comes after needs the message itself
    (:func:`through`, :func:`no_content`, :func:`no_provider`)."""
    entries: list[Entry] = []
    for ask in GATES:
        entry = ask(facts, at)
        entries.append(entry)
        if entry.verdict != PASS:
            break
    return Decision(entries)


def through(decision: Decision, provider: str) -> Decision:
    """The decision of a message that was rendered and has a provider."""
    return Decision((*decision.entries, RENDERED, _provided(provider)))


def no_content(decision: Decision, detail: str, **value: Any) -> Decision:
    """The decision of a message that could not be made."""
    return decision.followed_by(Entry("content", STOP, detail, value))


def no_provider(decision: Decision, detail: str, until: datetime | None, **value: Any) -> Decision:
    """The decision of a message for which no provider works: until ``until``, or never if that is None."""
    verdict = STOP if until is None else HOLD
    return Decision((*decision.entries, RENDERED, Entry("provider", verdict, detail, value, until)))


def _audience(facts: Facts, at: datetime) -> Entry:
    person = facts.person
    if person.suppressed_at is not None:
        detail = "The person is suppressed: nothing is sent to them."
        return Entry("audience", STOP, detail, {"status": person.status, "suppressed_at": iso(person.suppressed_at)})
    if person.status != "active":
        return Entry("audience", STOP, f"The person is {person.status}.", {"status": person.status})
    if not facts.is_in_audience:
        return Entry("audience", STOP, "The person has left the audience.", {"status": person.status})
    return ACTIVE


def _control(facts: Facts, at: datetime) -> Entry:
    if facts.in_control:
        return Entry("control", STOP, "The person is in the control group.", {"share": facts.control_share})
    return NO_CONTROL if not facts.control_share else Entry("control", PASS, "", {"share": facts.control_share})


def _address(facts: Facts, at: datetime) -> Entry:
    if not facts.needs_address:
        return NO_ADDRESS_NEEDED
    if not facts.addresses:
        what = {"push": "device", "email": "e-mail address"}.get(facts.channel, "phone number")
        return Entry("address", STOP, f"The person has no {what}.", {"addresses": 0})
    if facts.channel == "push":
        return Entry("address", PASS, "", {"devices": len(facts.addresses)})
    return Entry("address", PASS, "", {"address": facts.addresses[0]})


def _suppression(facts: Facts, at: datetime) -> Entry:
    listed = facts.suppressed
    if listed is None:
        return NOT_SUPPRESSED
    value = {"address": listed.address, "reason": listed.reason, "since": iso(listed.since)}
    return Entry("suppression", STOP, f"The address is suppressed ({listed.reason.replace('_', ' ')}).", value)


def _consent(facts: Facts, at: datetime) -> Entry:
    topic = facts.topic
    value: dict[str, Any] = {"channel": facts.consent}
    if topic is not None:
        value |= {"topic": topic.name, "topic_status": topic.status, "by_default": topic.subscribed_by_default}
    if not facts.asks_consent:
        return Entry("consent", PASS, "The message is also sent to those who unsubscribed.", value)
    if facts.consent == "unsubscribed":
        name = NAMES.get(facts.channel, facts.channel)
        return Entry("consent", STOP, f"The person has unsubscribed from {name}.", value)
    if topic is not None and not topic.is_subscribed:
        said = "has not subscribed to" if topic.status is None else "has unsubscribed from"
        return Entry("consent", STOP, f"The person {said} {topic.name}.", value)
    return SAID_NOTHING if topic is None and facts.consent is None else Entry("consent", PASS, "", value)


def _cap(facts: Facts, at: datetime) -> Entry:
    if not facts.caps:
        return NO_CAP
    for cap in facts.caps:
        if cap.sent >= cap.messages:
            detail = f"The person has had {cap.sent} of at most {cap.messages} messages in {_length(cap.window_s)}."
            value = {"cap": cap.name, "channel": cap.channel, "messages": cap.messages, "window_s": cap.window_s}
            return Entry("cap", STOP, detail, {**value, "sent": cap.sent})
    nearest = min(facts.caps, key=lambda cap: cap.messages - cap.sent)
    return Entry("cap", PASS, "", {"cap": nearest.name, "messages": nearest.messages, "sent": nearest.sent})


def _length(seconds: int) -> str:
    """A length of time in its largest whole unit: 7 days."""
    size, unit = next((one for one in UNITS if seconds % one[0] == 0), (1, "second"))
    return f"{seconds // size} {unit}{'' if seconds == size else 's'}"


def _quiet_hours(facts: Facts, at: datetime) -> Entry:
    quiet = facts.quiet_hours
    if quiet is None or (quiet.channels is not None and facts.channel not in quiet.channels):
        return NO_QUIET_HOURS
    timezone = facts.person.timezone
    value = {"from": f"{quiet.start:%H:%M}", "to": f"{quiet.end:%H:%M}", "timezone": str(timezone)}
    until = quiet_until(quiet, at, timezone)
    if until is None:
        return Entry("quiet_hours", PASS, "", value)
    return Entry("quiet_hours", HOLD, "It is night where the person is.", {**value, "until": iso(until)}, until)


def _throttle(facts: Facts, at: datetime) -> Entry:
    if facts.per_second is None:
        return NO_THROTTLE
    value = {"per_second": facts.per_second}
    if facts.slot is None or facts.slot <= at:
        return Entry("throttle", PASS, "", value)
    return Entry("throttle", HOLD, "It is not its turn yet.", {**value, "until": iso(facts.slot)}, facts.slot)


@cache
def _provided(provider: str) -> Entry:
    return Entry("provider", PASS, "", {"provider": provider})


GATES: tuple[Callable[[Facts, datetime], Entry], ...] = (
    _audience,
    _control,
    _address,
    _suppression,
    _consent,
    _cap,
    _quiet_hours,
    _throttle,
)
ACTIVE = Entry("audience", PASS, "", {"status": "active"})
NO_CONTROL = Entry("control", PASS, "", {"share": 0})
NO_ADDRESS_NEEDED = Entry("address", PASS, "The channel needs none.", {})
NOT_SUPPRESSED = Entry("suppression", PASS, "", {})
SAID_NOTHING = Entry("consent", PASS, "", {"channel": None})
NO_CAP = Entry("cap", PASS, "", {"caps": 0})
NO_QUIET_HOURS = Entry("quiet_hours", PASS, "", {})
NO_THROTTLE = Entry("throttle", PASS, "", {})
RENDERED = Entry("content", PASS, "", {})
USUAL = (
    ACTIVE,
    NO_CONTROL,
    NO_ADDRESS_NEEDED,
    NOT_SUPPRESSED,
    SAID_NOTHING,
    NO_CAP,
    NO_QUIET_HOURS,
    NO_THROTTLE,
    RENDERED,
)
DOCUMENTS: dict[int, Mapping[str, Any]] = {}
DOCUMENTS.update({id(entry): entry.document() for entry in USUAL})
