"""What the settings of a campaign must look like."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.actions.campaigns.schedule import checked_schedule
from app.actions.campaigns.words import CALLED, CHANNELS, KINDS, RECURRING
from app.actions.segments.store import SegmentStore
from app.core.access import Scope
from app.core.contact import check_text
from app.core.documents import check_name
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from app.segments import to_json
from models import SubscriptionTopic, Tenant

MAX_DESCRIPTION = 2000
MAX_TAGS = 50
MAX_TAG = 100
MAX_PER_S = 10_000
PER_MILLE = 1000
LONGEST_GOAL_S = 90 * 86_400
GOAL_KEYS: Final = frozenset({"event", "within_s", "after", "revenue_property"})
GOAL_AFTER: Final = ("sent", "opened", "clicked")
FLAGS: Final = (
    "ignores_caps",
    "ignores_quiet_hours",
    "sends_to_unsubscribed",
    "is_tracked",
    "is_retained",
    "inlines_css",
)


class CampaignSettings(TypedDict, total=False):
    """What may be said of a campaign besides its name, kind and channels: see :class:`models.Campaign`."""

    description: str
    topic_id: UUID | None
    audience: Mapping[str, Any] | None
    exclusions: Mapping[str, Any] | None
    schedule: Mapping[str, Any]
    goal: Mapping[str, Any] | None
    tags: Sequence[str]
    trigger_name: str | None
    priority: int
    throttle_per_s: int | None
    control_share: int
    ignores_caps: bool
    ignores_quiet_hours: bool
    sends_to_unsubscribed: bool
    is_tracked: bool
    is_retained: bool
    inlines_css: bool


class CampaignChanges(CampaignSettings, total=False):
    """What may be changed about a campaign. What is not named stays as it is."""

    name: str
    channels: Sequence[str]


async def checked_settings(reading: Reading, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are stored. Raises :class:`Invalid` at the setting, or :class:`NotFound` at ``topic_id``."""
    reading.require(Scope.CAMPAIGNS_WRITE)
    if kind not in KINDS:
        raise Invalid.at("kind", f"must be one of {', '.join(KINDS)}")
    clean: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("audience", "exclusions"):
            clean[key] = await _checked_rule(reading, key, value)
        elif key == "topic_id":
            clean[key] = await _checked_topic(reading, value)
        elif key in FLAGS:
            clean[key] = _checked_flag(key, value)
        elif key in CHECKS:
            clean[key] = CHECKS[key](value)
        else:
            raise Invalid.at(key, "is no setting of a campaign")
    _check_kind(kind, clean)
    return clean


def _check_kind(kind: str, clean: Mapping[str, Any]) -> None:
    """Some settings are of some kinds alone."""
    if clean.get("trigger_name") is not None and kind not in CALLED:
        raise Invalid.at("trigger_name", "is of triggered and transactional campaigns alone")
    if kind != RECURRING and "rrule" in clean.get("schedule", {}):
        raise Invalid.at("schedule.rrule", "is of recurring campaigns alone")
    if kind in CALLED and clean.get("schedule"):
        raise Invalid.at("schedule", "is of one-off and recurring campaigns alone")


async def _checked_rule(reading: Reading, key: str, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    # Segments that the rule names are not deleted meanwhile: whoever deletes one holds the tenant's row.
    rules = select(col(Tenant.segments_version)).where(col(Tenant.id) == reading.tenant_id)
    await reading.session.execute(rules.with_for_update(read=True))
    return to_json(await SegmentStore(reading).readable(value, key))


async def _checked_topic(reading: Reading, topic_id: Any) -> UUID | None:
    if topic_id is None:
        return None
    wanted = select(col(SubscriptionTopic.id)).where(
        col(SubscriptionTopic.id) == topic_id, col(SubscriptionTopic.deleted_at).is_(None)
    )
    found: UUID | None = (await reading.session.execute(wanted)).scalar_one_or_none()
    if found is None:
        raise NotFound("subscription topic", "topic_id")
    return found


def checked_channels(value: Any) -> list[str]:
    """One to six different channels. Raises :class:`Invalid`."""
    channels = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if not channels:
        raise Invalid.at("channels", "must be one or more")
    for place, channel in enumerate(channels):
        if channel not in CHANNELS:
            raise Invalid.at(f"channels.{place}", f"must be one of {', '.join(CHANNELS)}")
    if len(set(channels)) < len(channels):
        raise Invalid.at("channels", "must be different")
    return channels


def checked_tags(value: Any) -> list[str]:
    """At most 50 tags, each once. Raises :class:`Invalid`."""
    if len(value) > MAX_TAGS:
        raise Invalid.at("tags", f"must be at most {MAX_TAGS}")
    tags = [check_text(tag, f"tags.{place}", longest=MAX_TAG, shortest=1).strip() for place, tag in enumerate(value)]
    return list(dict.fromkeys(tags))


def checked_goal(value: Any) -> dict[str, Any] | None:
    """A goal, or none. Raises :class:`Invalid` below ``goal``."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Invalid.at("goal", "must be an object")
    goal = {key: one for key, one in value.items() if one is not None}
    unknown = sorted(set(goal) - GOAL_KEYS)
    if unknown:
        raise Invalid.at(f"goal.{unknown[0]}", f"is unknown here (known: {', '.join(sorted(GOAL_KEYS))})")
    clean: dict[str, Any] = {"event": check_name(goal.get("event"), "goal.event")}
    clean["within_s"] = _whole("goal.within_s", goal.get("within_s", 7 * 86_400), 60, LONGEST_GOAL_S)
    clean["after"] = goal.get("after", "sent")
    if clean["after"] not in GOAL_AFTER:
        raise Invalid.at("goal.after", f"must be one of {', '.join(GOAL_AFTER)}")
    if "revenue_property" in goal:
        clean["revenue_property"] = check_name(goal["revenue_property"], "goal.revenue_property")
    return clean


def _checked_trigger_name(value: Any) -> str | None:
    return None if value is None else check_text(value, "trigger_name", longest=150, shortest=1)


def _checked_throttle(value: Any) -> int | None:
    return None if value is None else _whole("throttle_per_s", value, 1, MAX_PER_S)


def _checked_flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid.at(key, "must be true or false")
    return value


def _whole(path: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid.at(path, f"must be a whole number from {least} to {most}")
    return value


CHECKS: Final[Mapping[str, Any]] = {
    "name": lambda value: checked_name(value, required=True),
    "description": lambda value: check_text(value, "description", longest=MAX_DESCRIPTION),
    "channels": checked_channels,
    "schedule": checked_schedule,
    "goal": checked_goal,
    "tags": checked_tags,
    "trigger_name": _checked_trigger_name,
    "priority": lambda value: _whole("priority", value, 0, 9),
    "throttle_per_s": _checked_throttle,
    "control_share": lambda value: _whole("control_share", value, 0, PER_MILLE - 1),
}
