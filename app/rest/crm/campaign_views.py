"""How the CRM shows campaigns: its words for their types and statuses, and what is to be known of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import Field

from app.actions import campaigns, metrics, segments
from app.actions.metrics import Total
from app.core.ids import parse_id, public_id
from app.core.tx import Reading
from app.rest.crm.wire import Wire, moment
from models import Campaign as CampaignRow
from models import Segment

KINDS = {"ONE_TIME": ("one_off",), "RECURRING": ("recurring",), "TRIGGERED": ("triggered", "transactional")}
TYPES = {kind: name for name, kinds in KINDS.items() for kind in kinds}
STATUSES = {
    "DRAFT": ("draft",),
    "SCHEDULED": ("scheduled",),
    "ACTIVE": ("sending",),
    "PAUSED": ("paused",),
    "COMPLETED": ("completed", "archived"),
    "CANCELLED": ("cancelled", "failed"),
}
SAID_STATUSES = {status: name for name, statuses in STATUSES.items() for status in statuses}


class CampaignShown(Wire):
    id: str
    name: str
    type: str
    status: str
    channels: list[str]
    segment_id: str | None
    scheduled_at: str | None = Field(description="When it begins next.")
    target_count: int = Field(description="For how many it was; before its first message, how many are in the segment.")
    sent_count: int
    open_rate: float | None = Field(description="Opened by people, of sent; null before the first is sent.")
    created_at: str | None


class Campaign(CampaignShown):
    tenant_id: str
    club_id: None = None
    description: str
    segment_name: str | None
    email_template_id: str | None
    sms_template_id: str | None
    timezone: str | None
    recurrence_rule: str | None
    delivered_count: int
    opened_count: int = Field(description="By people, not by machines.")
    clicked_count: int
    created_by: str | None
    updated_at: str | None


class Stats(Wire):
    """Each message counts once in each of them. Openings and clicks are those of people, not of machines."""

    targeted: int
    sent: int
    delivered: int
    opened: int
    clicked: int
    converted: int
    bounced: int
    complained: int
    unsubscribed: int
    failed: int
    skipped: int = Field(description="Not sent, because a rule said no.")
    open_rate: float = Field(description="Opened of sent, 0 to 1.")
    click_rate: float


class Known:
    """What is to be known of some campaigns to show them: their counts, and the segments for which they are."""

    def __init__(
        self, counts: Mapping[UUID, Mapping[str, Total]], targeted: Mapping[UUID, int], found: Mapping[UUID, Segment]
    ) -> None:
        self.counts = counts
        self._targeted = targeted
        self._segments = found

    @classmethod
    async def of(cls, reading: Reading, rows: Sequence[CampaignRow]) -> "Known":
        """Three statements, however many campaigns."""
        counts = await metrics.metric_totals(reading, subject_ids=[one.id for one in rows])
        targeted = await campaigns.targets_of(reading, campaign_ids=[one.id for one in rows])
        wanted = {segment_id for one in rows if (segment_id := _segment_id(one)) is not None}
        found = await segments.get_segments(reading, segment_ids=wanted)
        return cls(counts, targeted, {one.id: one for one in found})

    def segment(self, campaign: CampaignRow) -> Segment | None:
        """The segment for whose members it is, unless it is gone."""
        segment_id = _segment_id(campaign)
        return None if segment_id is None else self._segments.get(segment_id)

    def targets(self, campaign: CampaignRow) -> int:
        """For how many it was; before its first run, how many are in its segment."""
        segment = self.segment(campaign)
        return self._targeted.get(campaign.id, segment.member_count if segment else 0)

    def row(self, campaign: CampaignRow) -> dict[str, Any]:
        """The fields of :class:`CampaignShown`."""
        counts, segment_id = self.counts[campaign.id], _segment_id(campaign)
        sent = count(counts, "sent")
        return {
            "id": public_id("campaign", campaign.id),
            "name": campaign.name,
            "type": TYPES[campaign.kind],
            "status": SAID_STATUSES[campaign.status],
            "channels": [channel.upper() for channel in campaign.channels],
            "segment_id": public_id("segment", segment_id) if segment_id else None,
            "scheduled_at": moment(campaign.scheduled_at) or campaign.schedule.get("at"),
            "target_count": self.targets(campaign),
            "sent_count": sent,
            "open_rate": count(counts, "human_opened") / sent if sent else None,
            "created_at": moment(campaign.created_at),
        }


def count(counts: Mapping[str, Total], metric: str) -> int:
    """How often something happened."""
    return counts[metric].count if metric in counts else 0


def _segment_id(campaign: CampaignRow) -> UUID | None:
    """The segment for whose members a campaign is, and for nobody else."""
    audience = campaign.audience
    if audience is None or set(audience) != {"segment"}:
        return None
    return parse_id("segment", audience["segment"]["id"])
