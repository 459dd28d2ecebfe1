"""Campaigns: to whom something is said, when, and how often; their runs and experiments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

AIMED = text("goal IS NOT NULL")
NAMED = text("trigger_name IS NOT NULL")
UNFINISHED = text("state IN ('preparing', 'sending', 'paused')")


class Campaign(TenantRow, table=True):
    """Something that is said to many, or again and again.

    ``kind``: ``one_off``, ``recurring``, ``triggered`` or ``transactional``. ``status``: ``draft``, ``scheduled``,
    ``sending`` (of a triggered or transactional one: it sends when it is called), ``paused``, ``completed``,
    ``cancelled``, ``failed`` or ``archived``. ``audience`` and ``exclusions`` are rules as segments have them.
    ``schedule``: ``at``, ``timezone``, ``in_recipients_timezone``, ``rrule``. ``goal``: ``event``, ``within_s``,
    ``after`` (sent, opened, clicked), ``revenue_property``. ``priority``: 0 to 9, the highest goes first.
    ``control_share``: per mille of the audience who get nothing. ``version`` goes up with every launch.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        belongs_to("subscription_topics", "topic_id", ondelete="NO ACTION"),
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_campaigns_trigger_name",
            "tenant_id",
            "trigger_name",
            unique=True,
            sqlite_where=NAMED,
            postgresql_where=NAMED,
        ),
        Index("ix_campaigns_goal", "tenant_id", sqlite_where=AIMED, postgresql_where=AIMED),
        Index("ix_campaigns_status", "tenant_id", "status", "kind"),
    )

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=2000)
    kind: str = Field(max_length=20)
    status: str = Field(default="draft", max_length=10)
    channels: list[str] = Field(sa_column=json_column())
    topic_id: UUID | None = None
    audience: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    exclusions: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    schedule: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    goal: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    tags: list[str] = Field(default_factory=list, sa_column=json_column())
    trigger_name: str | None = Field(default=None, max_length=150)
    priority: int = 5
    throttle_per_s: int | None = None
    control_share: int = 0
    ignores_caps: bool = False
    ignores_quiet_hours: bool = False
    sends_to_unsubscribed: bool = False
    is_tracked: bool = True
    is_retained: bool = True
    inlines_css: bool = True
    version: int = 0
    failure: str | None = Field(default=None, max_length=2000)
    source: str = Field(default="graph", max_length=20)
    created_by_id: UUID | None = None
    scheduled_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class CampaignRun(TenantRow, table=True):
    """One sending of a campaign: its launch, one occurrence of a recurring one, or one call of a triggered one.

    ``number`` counts within the campaign. ``occurrence`` makes it once: ``launch``, the moment of the recurrence, or
    the key of the call. ``state``: ``preparing`` (deliveries are being made), ``sending``, ``paused``, ``completed``,
    ``cancelled`` or ``failed``. ``recipients`` is the audience of a call, where it names one (``rule``,
    ``people``, ``url`` of a data file, or ``portions`` once it is fetched: how many); ``data`` is what a call brought
    along (``trigger`` in Liquid). ``cursor`` is the last customer for whom a delivery was made, in the order of
    their ids; ``prepared_at`` is when the last delivery was made. ``awaits_winner``: the sample of the experiment has
    its deliveries, the others get theirs when it is decided. ``slots_until``: of a throttled campaign, up to when the
    moments are given out at which late messages may go. ``problems`` says who could not be found. Nothing is sent of a
    run that is neither ``preparing`` nor ``sending``.
    """

    __tablename__ = "campaign_runs"
    __table_args__ = (
        belongs_to("campaigns", "campaign_id"),
        UniqueConstraint("tenant_id", "campaign_id", "number"),
        UniqueConstraint("tenant_id", "campaign_id", "version", "occurrence"),
        Index("ix_campaign_runs_unfinished", "state", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
    )

    id: UUID = Field(primary_key=True)
    campaign_id: UUID
    number: int
    version: int
    occurrence: str = Field(max_length=200)
    state: str = Field(default="preparing", max_length=10)
    recipients: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    data: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    cursor: UUID | None = None
    targeted: int = 0
    prepared: int = 0
    control: int = 0
    awaits_winner: bool = False
    problems: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    due_at: datetime
    prepared_at: datetime | None = None
    slots_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    created_at: datetime


class RunPortion(TenantRow, table=True):
    """Some of the people of a data file, until they have their deliveries.

    ``people`` has for each the hex of the customer's id and what the file says for them alone (or null), in the order
    of their ids. ``last_id`` is the last of them; the next portion has those after.
    """

    __tablename__ = "run_portions"
    __table_args__ = (belongs_to("campaign_runs", "run_id"),)

    run_id: UUID = Field(primary_key=True)
    last_id: UUID = Field(primary_key=True)
    people: list[Any] = Field(sa_column=json_column())


class Experiment(TenantRow, table=True):
    """An A/B test of a campaign. ``state``: ``draft``, ``running`` or ``decided``.

    ``sample_share``: per mille of the audience who take part; the others wait and get the winner. ``metric``: which
    rate decides (``opened``, ``clicked``, ``converted``). ``confidence``: per mille. ``decides_after_s`` after the
    launch; ``automatic``: by itself. ``result`` is what the statistic said of each group.
    """

    __tablename__ = "experiments"
    __table_args__ = (
        belongs_to("campaigns", "campaign_id"),
        UniqueConstraint("tenant_id", "campaign_id"),
        UniqueConstraint("tenant_id", "number"),
    )

    id: UUID = Field(primary_key=True)
    number: int
    campaign_id: UUID
    name: str = Field(default="", max_length=200)
    state: str = Field(default="draft", max_length=10)
    sample_share: int = 1000
    metric: str = Field(default="clicked", max_length=20)
    confidence: int = 950
    automatic: bool = False
    decides_after_s: int = 14_400
    decides_at: datetime | None = None
    winner: int | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    decided_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class TestGroup(TenantRow, table=True):
    """One of the groups of an experiment. ``position`` counts from 0; ``share`` is per mille of the sample."""

    __test__ = False
    __tablename__ = "test_groups"
    __table_args__ = (belongs_to("experiments", "experiment_id"),)

    experiment_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    name: str = Field(max_length=200)
    share: int
