"""What SiloCDP's notifications and campaigns have in common: for whom they are, and when."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from app.actions.campaigns import EVERYBODY
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.rest.door.moments import Moment
from app.rest.door.places import Places
from app.rest.silocdp.rules import read_rules, write_rules
from app.rest.silocdp.wire import Required, Wire, moment
from models import Campaign

Rules = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "object"}, {"type": "null"}]})]
SCHEDULE = {
    "scheduled_at": "at",
    "timezone": "timezone",
    "in_subscribers_timezone": "in_recipients_timezone",
    "recurrence": "rrule",
}
"""What the actions call the parts of a schedule."""
STATUSES = ("draft", "scheduled", "sending", "paused", "completed", "cancelled", "failed", "archived")
FIELDS = {"campaign_id": "id", "contents": "content", "status": "status", "audience": "segmentId"}


class Draft(Wire):
    """What is left out stays as it is. At most one of `segmentId`, `rules` and `toAll` says for whom."""

    name: Required | None = None
    description: str | None = None
    segment_id: str | None = Field(None, description="For the members of this segment (`seg_…`).")
    rules: Rules = Field(None, description="For those of whom these are true; as a segment's.")
    to_all: bool = Field(False, description="For every subscriber.")
    exclude_segment_id: str | None = Field(None, description="But not for the members of this one.")
    scheduled_at: Moment | None = Field(None, description="When it is sent once it is launched. Default: at once.")
    timezone: str | None = Field(None, description="IANA name: that of `scheduledAt`. Default: UTC.")
    in_subscribers_timezone: bool | None = Field(
        None, description="Each gets it when their own clock shows what that of `timezone` shows at `scheduledAt`."
    )
    topic_id: str | None = Field(None, description="The subscription topic (`top_…`) that it is about.")
    tags: list[str] | None = None
    priority: int | None = Field(None, description="0 to 9; the highest goes first.")


class Drafted(Wire):
    """What lists show of a notification or campaign."""

    id: str
    name: str
    description: str
    status: str = Field(description=f"One of {', '.join(f'`{status}`' for status in STATUSES)}.")
    scheduled_at: str | None = Field(description="When it begins next; of a draft, when it is meant to.")
    started_at: str | None
    completed_at: str | None
    created_at: str | None
    updated_at: str | None


class DraftedFor(Drafted):
    """What one of them is in full."""

    segment_id: str | None
    rules: list[dict[str, Any]]
    to_all: bool
    exclude_segment_id: str | None
    timezone: str | None
    in_subscribers_timezone: bool
    topic_id: str | None
    tags: list[str]
    priority: int
    failure: str | None = Field(description="Why it has failed.")
    version: int = Field(description="Goes up with every launch.")


class DraftSaved(Wire):
    id: str


def settings_of(body: Draft, schedule: Mapping[str, Any]) -> tuple[dict[str, Any], Places]:
    """What ``body`` says of a campaign that has ``schedule``, and where it said it. Raises :class:`Invalid`."""
    places = Places()
    settings: dict[str, Any] = {
        name: value
        for name in ("name", "description", "tags", "priority")
        if (value := getattr(body, name, None)) is not None
    }
    settings |= _audience(body, places) | _exclusions(body, places)
    if "topic_id" in body.model_fields_set:
        topic = body.topic_id
        settings["topic_id"] = None if topic is None else parse_id("subscription_topic", topic, "topicId")
    timed = {SCHEDULE[name]: getattr(body, name) for name in SCHEDULE if name in body.model_fields_set}
    if timed:
        settings["schedule"] = {**schedule, **timed}
        for name, key in SCHEDULE.items():
            places.note(f"schedule.{key}", _camel(name))
        places.note("schedule", "scheduledAt")
    return settings, places


def shown_draft(campaign: Campaign) -> dict[str, Any]:
    """The fields of :class:`Drafted`."""
    at = moment(campaign.scheduled_at) or campaign.schedule.get("at")
    return {
        "id": public_id("campaign", campaign.id),
        "name": campaign.name,
        "description": campaign.description,
        "status": campaign.status,
        "scheduled_at": at,
        "started_at": moment(campaign.started_at),
        "completed_at": moment(campaign.completed_at),
        "created_at": moment(campaign.created_at),
        "updated_at": moment(campaign.updated_at),
    }


def shown_in_full(campaign: Campaign) -> dict[str, Any]:
    """The fields of :class:`DraftedFor`."""
    audience = campaign.audience
    segment_id, to_all = _segment(audience), audience == dict(EVERYBODY)
    return {
        **shown_draft(campaign),
        "segment_id": segment_id,
        "rules": [] if segment_id or to_all else write_rules(audience),
        "to_all": to_all,
        "exclude_segment_id": _segment(campaign.exclusions),
        "timezone": campaign.schedule.get("timezone"),
        "in_subscribers_timezone": bool(campaign.schedule.get("in_recipients_timezone")),
        "topic_id": public_id("subscription_topic", campaign.topic_id) if campaign.topic_id else None,
        "tags": campaign.tags,
        "priority": campaign.priority,
        "failure": campaign.failure,
        "version": campaign.version,
    }


def _audience(body: Draft, places: Places) -> dict[str, Any]:
    if sum((body.segment_id is not None, body.rules is not None, body.to_all)) > 1:
        raise Invalid.at("segmentId", "must be the only one of segmentId, rules and toAll")
    if body.to_all:
        return {"audience": dict(EVERYBODY)}
    if body.rules is not None:
        rule, said = read_rules(body.rules, "audience")
        if rule is None:
            raise Invalid.at("rules", "must not be empty")
        places.note_all(said)
        return {"audience": rule}
    return _members("audience", "segmentId", body.segment_id, places) if "segment_id" in body.model_fields_set else {}


def _exclusions(body: Draft, places: Places) -> dict[str, Any]:
    if "exclude_segment_id" not in body.model_fields_set:
        return {}
    return _members("exclusions", "excludeSegmentId", body.exclude_segment_id, places)


def _members(name: str, said: str, segment_id: str | None, places: Places) -> dict[str, Any]:
    """The rule that finds a segment's members; none for no segment."""
    places.note(name, said)
    if segment_id is None:
        return {name: None}
    parse_id("segment", segment_id, said)
    return {name: {"segment": {"id": segment_id}}}


def _segment(rule: Mapping[str, Any] | None) -> str | None:
    """The segment whose members a rule finds, and nobody else."""
    if rule is None or set(rule) != {"segment"} or set(rule["segment"]) != {"id"}:
        return None
    return str(rule["segment"]["id"])


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
