"""Reporting webhooks: what others' servers are told of what happens, in the words and signatures of two dialects."""

from app.actions.reporting.calling import (
    CallResult,
    ClaimedCall,
    Target,
    claim_calls,
    lanes_due,
    purge_calls,
    record_calls,
    retry_calls,
)
from app.actions.reporting.defining import (
    NewWebhook,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    rotate_webhook_secret,
    update_webhook,
    webhook_with_number,
)
from app.actions.reporting.events import CUSTOMERIO, EVENTS, SILENTCHAT
from app.actions.reporting.owing import CallPlan, Lane, lanes_behind, owe_calls, plan_calls, replay_calls
from app.actions.reporting.signing import signed_request

__all__ = [
    "CUSTOMERIO",
    "EVENTS",
    "SILENTCHAT",
    "CallPlan",
    "CallResult",
    "ClaimedCall",
    "Lane",
    "NewWebhook",
    "Target",
    "claim_calls",
    "create_webhook",
    "delete_webhook",
    "get_webhook",
    "lanes_behind",
    "lanes_due",
    "list_webhooks",
    "owe_calls",
    "plan_calls",
    "purge_calls",
    "record_calls",
    "replay_calls",
    "retry_calls",
    "rotate_webhook_secret",
    "signed_request",
    "update_webhook",
    "webhook_with_number",
]
