"""Campaigns: to whom something is said, when, and how often; launching them, calling them, and what they try out."""

from app.actions.campaigns.assigning import assign_group
from app.actions.campaigns.audience import EVERYBODY
from app.actions.campaigns.calling import CallOfDelivery
from app.actions.campaigns.checks import CampaignChanges, CampaignSettings
from app.actions.campaigns.drafting import (
    archive_campaign,
    create_campaign,
    delete_campaign,
    duplicate_campaign,
    update_campaign,
)
from app.actions.campaigns.estimating import AudienceEstimate, ChannelEstimate, estimate_audience
from app.actions.campaigns.experiments import (
    ExperimentSettings,
    GroupShare,
    create_experiment,
    decide_experiment,
    delete_experiment,
    experiment_of,
    experiment_result,
    get_experiment,
    groups_of,
    list_experiments,
    update_experiment,
)
from app.actions.campaigns.finishing import finish_run
from app.actions.campaigns.launching import launch_campaign
from app.actions.campaigns.moving import cancel_campaign, pause_campaign, resume_campaign
from app.actions.campaigns.reading import (
    campaign_with_number,
    campaigns_using,
    campaigns_with_ids,
    get_campaign,
    get_run,
    list_campaigns,
    list_runs,
    run_with_id,
    targets_of,
)
from app.actions.campaigns.transactional import TransactionalSend, queued_at, send_transactional
from app.actions.campaigns.triggering import CalledPerson, TriggerCall, trigger_campaign

__all__ = [
    "EVERYBODY",
    "AudienceEstimate",
    "CallOfDelivery",
    "CalledPerson",
    "CampaignChanges",
    "CampaignSettings",
    "ChannelEstimate",
    "ExperimentSettings",
    "GroupShare",
    "TransactionalSend",
    "TriggerCall",
    "archive_campaign",
    "assign_group",
    "campaign_with_number",
    "campaigns_using",
    "campaigns_with_ids",
    "cancel_campaign",
    "create_campaign",
    "create_experiment",
    "decide_experiment",
    "delete_campaign",
    "delete_experiment",
    "duplicate_campaign",
    "estimate_audience",
    "experiment_of",
    "experiment_result",
    "finish_run",
    "get_campaign",
    "get_experiment",
    "get_run",
    "groups_of",
    "launch_campaign",
    "list_campaigns",
    "list_experiments",
    "list_runs",
    "pause_campaign",
    "queued_at",
    "resume_campaign",
    "run_with_id",
    "send_transactional",
    "targets_of",
    "trigger_campaign",
    "update_campaign",
    "update_experiment",
]
