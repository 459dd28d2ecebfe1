"""What must be in place before a campaign is launched."""

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns.words import ONE_OFF, PLANNED, RECURRING
from app.actions.content import check_contents
from app.core.access import Scope
from app.core.errors import Issue
from app.core.tx import Reading
from models import Campaign, SubscriptionTopic


async def review_campaign(reading: Reading, campaign: Campaign) -> list[Issue]:
    """Everything that stands against sending: a missing audience or schedule, a topic that was deleted since, a channel
    or test group with no content in the language of everybody, a template that does not compile or render."""
    reading.require(Scope.CAMPAIGNS_SEND)
    issues = _of_schedule(campaign)
    if campaign.kind in PLANNED and campaign.audience is None:
        issues.append(Issue("audience", "is needed: for whom is it?"))
    if campaign.topic_id is not None:
        topic = select(col(SubscriptionTopic.deleted_at)).where(col(SubscriptionTopic.id) == campaign.topic_id)
        if (await reading.session.execute(topic)).scalar_one_or_none() is not None:
            issues.append(Issue("topic_id", "was deleted: what is it about?"))
    return issues + await check_contents(reading, campaign.id)


def _of_schedule(campaign: Campaign) -> list[Issue]:
    schedule = campaign.schedule
    if campaign.kind == RECURRING and "rrule" not in schedule:
        return [Issue("schedule.rrule", "is needed for a recurring campaign")]
    timed = campaign.kind == RECURRING or (campaign.kind == ONE_OFF and schedule.get("in_recipients_timezone"))
    return [Issue("schedule.at", "is needed: when?")] if timed and "at" not in schedule else []
