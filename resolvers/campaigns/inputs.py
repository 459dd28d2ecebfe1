"""What is said of campaigns when they are made or changed."""

from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from app.core.ids import parse_id
from resolvers.campaigns.types import CampaignKind
from resolvers.integrations.types import MessageChannel
from resolvers.scalars import DateTime, enum_value
from resolvers.segments.rules import RuleInput, document_of


@strawberry.enum(description="After what the clock of a goal begins.")
class GoalAfter(Enum):
    """As stored, in capitals."""

    SENT = enum_value("sent", description="After the message was sent.")
    OPENED = enum_value("opened", description="After it was opened.")
    CLICKED = enum_value("clicked", description="After a link in it was clicked.")


@strawberry.input(description="When a campaign goes.")
class CampaignScheduleInput:
    """A moment, perhaps in everybody's own time, perhaps again and again."""

    at: DateTime | None = strawberry.field(default=None, description="The first or only moment.")
    timezone: str | None = strawberry.field(
        default=None, description="The timezone by whose clocks it recurs, and whose time at shows; UTC if left out."
    )
    in_recipients_timezone: bool = strawberry.field(
        default=False, description="Everybody gets it when their own clock shows the time that at shows in timezone."
    )
    rrule: str | None = strawberry.field(
        default=None,
        description="Of a recurring campaign: a rule of iCalendar, such as FREQ=WEEKLY;BYDAY=MO. Hourly is the most "
        "often.",
    )

    def document(self) -> dict[str, Any]:
        """The values of an action."""
        return {
            "at": self.at,
            "timezone": self.timezone,
            "in_recipients_timezone": self.in_recipients_timezone,
            "rrule": self.rrule,
        }


@strawberry.input(description="What a campaign is to achieve.")
class CampaignGoalInput:
    """An event, and how soon."""

    event: str = strawberry.field(description="The name of the event that counts as a conversion.")
    within_seconds: int = strawberry.field(default=604_800, description="How soon, 60 seconds to 90 days.")
    after: GoalAfter = strawberry.field(default=GoalAfter.SENT, description="After what that time begins.")
    revenue_property: str | None = strawberry.field(
        default=None, description="The property of the event that says how much was earned."
    )

    def document(self) -> dict[str, Any]:
        """The values of an action."""
        return {
            "event": self.event,
            "within_s": self.within_seconds,
            "after": self.after.value,
            "revenue_property": self.revenue_property,
        }


def optional(description: str) -> Any:
    """A field that may be left out, and be null."""
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="What may be said of a campaign. What is left out has its default, or stays.")
class CampaignSettingsInput:
    """Everything but its name, kind and channels."""

    description: str | None = optional("What it is for, at most 2,000 characters.")
    topic_id: strawberry.ID | None = optional("The topic of subscription about which it is; null for none.")
    audience: RuleInput | None = optional("For whom it is; null for nobody.")
    exclusions: RuleInput | None = optional("Who gets nothing although they are in the audience; null for nobody.")
    schedule: CampaignScheduleInput | None = optional("When it goes; null: when it is launched.")
    goal: CampaignGoalInput | None = optional("What it is to achieve; null for nothing.")
    tags: list[str] | None = optional("Words to find it by, at most 50.")
    trigger_name: str | None = optional("The name by which a triggered or transactional one is called.")
    priority: int | None = optional("0 to 9; when much is due, the highest goes first.")
    throttle_per_second: int | None = optional("At most so many messages a second; null: as many as can be.")
    control_share: int | None = optional("The share of the audience who get nothing, in per mille.")
    ignores_caps: bool | None = optional("Whether it goes although somebody has had enough messages.")
    ignores_quiet_hours: bool | None = optional("Whether it goes in the night.")
    sends_to_unsubscribed: bool | None = optional("Whether it goes to those who do not want to be told.")
    is_tracked: bool | None = optional("Whether openings and clicks are counted.")
    is_retained: bool | None = optional("Whether the messages are kept.")
    inlines_css: bool | None = optional("Whether styles are written into the elements.")

    def values(self) -> dict[str, Any]:
        """The settings that were given, as an action takes them."""
        found = {name: getattr(self, name) for name in SETTINGS}
        said = {name: value for name, value in found.items() if value is not strawberry.UNSET}
        return {RENAMED.get(name, name): _plain(name, value) for name, value in said.items() if _means(name, value)}


SETTINGS = (
    "description", "topic_id", "audience", "exclusions", "schedule", "goal", "tags", "trigger_name", "priority",
    "throttle_per_second", "control_share", "ignores_caps", "ignores_quiet_hours", "sends_to_unsubscribed",
    "is_tracked", "is_retained", "inlines_css",
)  # fmt: skip
RENAMED = {"throttle_per_second": "throttle_per_s"}
NULLABLE = frozenset({"topic_id", "audience", "exclusions", "schedule", "goal", "trigger_name", "throttle_per_second"})


def _means(name: str, value: Any) -> bool:
    """Of what cannot be null, null says nothing."""
    return value is not None or name in NULLABLE


def _plain(name: str, value: Any) -> Any:
    if name == "topic_id":
        return None if value is None else _topic(value)
    if name in ("audience", "exclusions"):
        return None if value is None else document_of(value)
    if name == "schedule":
        return {} if value is None else value.document()
    if name == "goal":
        return None if value is None else value.document()
    return value


def _topic(id: strawberry.ID) -> UUID:
    return parse_id("subscription_topic", id, "topic_id")


@strawberry.input(description="A new campaign, which begins as a draft.")
class CreateCampaignInput(CampaignSettingsInput):
    """Its name, how and over what it goes, and the rest."""

    name: str = strawberry.field(description="What it is called, 1 to 200 characters.")
    channels: list[MessageChannel] = strawberry.field(description="Over which channels it goes.")
    kind: CampaignKind = strawberry.field(default=CampaignKind.ONE_OFF, description="How it is sent.")


@strawberry.input(description="What changes about a campaign. What is left out stays.")
class UpdateCampaignInput(CampaignSettingsInput):
    """A campaign and what is new."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    channels: list[MessageChannel] | None = strawberry.field(default=None, description="Over which channels it goes.")
    expected_updated_at: DateTime | None = strawberry.field(
        default=None,
        description="Only if the campaign has not changed since this updatedAt. Else it is a CONFLICT, and nothing is "
        "changed.",
    )


@strawberry.input(description="One campaign.")
class CampaignInput:
    """Which campaign."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")

    def key(self) -> UUID:
        """The campaign's key."""
        return parse_id("campaign", self.campaign_id, "campaign_id")


@strawberry.input(description="A campaign that is to go.")
class LaunchCampaignInput(CampaignInput):
    """Which, and when."""

    at: DateTime | None = strawberry.field(
        default=None, description="When; left out, at the moment of its schedule, or now if it has none."
    )


@strawberry.input(description="A campaign that is to be copied.")
class DuplicateCampaignInput(CampaignInput):
    """Which, and what the copy is called."""

    name: str | None = strawberry.field(default=None, description="What the copy is called.")
