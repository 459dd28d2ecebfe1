"""Deliveries: one message to one person each, from its preparation to what came back."""

from app.actions.deliveries.asking import can_contact
from app.actions.deliveries.claiming import (
    CAMPAIGNS,
    TRANSACTIONAL,
    Claim,
    claim_deliveries,
    due_streams,
    give_back,
    lost_tenants,
    release_lost,
)
from app.actions.deliveries.copies import leave_off_copies
from app.actions.deliveries.deciding import Deciding, devices_of, option, overdue
from app.actions.deliveries.finishing import ended_runs, reopen_runs, take_slots
from app.actions.deliveries.gathering import gather
from app.actions.deliveries.known import ADDRESS_KINDS, CampaignFacts, ContentFacts, Gathered, Recipient
from app.actions.deliveries.parcels import Parcel
from app.actions.deliveries.pausing import (
    PARKED_AT,
    halted_campaigns,
    may_send,
    parked_campaigns,
    put_aside,
    release_deliveries,
    release_portion,
)
from app.actions.deliveries.reading import (
    STATES,
    DeliveryFilter,
    archived_message,
    count_states,
    find_sent,
    get_delivery,
    list_deliveries,
)
from app.actions.deliveries.recording import (
    mark_sending,
    record_kept,
    record_outcomes,
    record_unsent,
    record_written,
)
from app.actions.deliveries.settling import cancel_delivery, retry_failed, send_draft, settle_doubts
from app.actions.deliveries.sources import load_recipes, load_snippets, number_links, with_given
from app.actions.deliveries.telling import DeliveryEvent, tell_campaign, tell_deliveries

__all__ = [
    "ADDRESS_KINDS",
    "CAMPAIGNS",
    "PARKED_AT",
    "STATES",
    "TRANSACTIONAL",
    "CampaignFacts",
    "Claim",
    "ContentFacts",
    "Deciding",
    "DeliveryEvent",
    "DeliveryFilter",
    "Gathered",
    "Parcel",
    "Recipient",
    "archived_message",
    "can_contact",
    "cancel_delivery",
    "claim_deliveries",
    "count_states",
    "devices_of",
    "due_streams",
    "ended_runs",
    "find_sent",
    "gather",
    "get_delivery",
    "give_back",
    "halted_campaigns",
    "leave_off_copies",
    "list_deliveries",
    "load_recipes",
    "load_snippets",
    "lost_tenants",
    "mark_sending",
    "may_send",
    "number_links",
    "option",
    "overdue",
    "parked_campaigns",
    "put_aside",
    "record_kept",
    "record_outcomes",
    "record_unsent",
    "record_written",
    "release_deliveries",
    "release_lost",
    "release_portion",
    "reopen_runs",
    "retry_failed",
    "send_draft",
    "settle_doubts",
    "take_slots",
    "tell_campaign",
    "tell_deliveries",
    "with_given",
]
