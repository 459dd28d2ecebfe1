"""Deliveries: one message to one person each, from its preparation to what came back."""

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
from app.actions.deliveries.deciding import Deciding, devices_of, option, overdue
from app.actions.deliveries.finishing import ended_runs, reopen_runs, take_slots
from app.actions.deliveries.gathering import gather
from app.actions.deliveries.known import ADDRESS_KINDS, CampaignFacts, ContentFacts, Gathered, Recipient
from app.actions.deliveries.parcels import Parcel
from app.actions.deliveries.pausing import (
    PARKED_AT,
    may_send,
    parked_campaigns,
    put_aside,
    release_deliveries,
    release_portion,
)
from app.actions.deliveries.recording import (
    mark_sending,
    record_kept,
    record_outcomes,
    record_unsent,
    record_written,
)
from app.actions.deliveries.sources import load_recipes, load_snippets, number_links, with_given
from app.actions.deliveries.telling import DeliveryEvent, tell_campaign, tell_deliveries

__all__ = [
    "ADDRESS_KINDS",
    "CAMPAIGNS",
    "PARKED_AT",
    "TRANSACTIONAL",
    "CampaignFacts",
    "Claim",
    "ContentFacts",
    "Deciding",
    "DeliveryEvent",
    "Gathered",
    "Parcel",
    "Recipient",
    "claim_deliveries",
    "devices_of",
    "due_streams",
    "ended_runs",
    "gather",
    "give_back",
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
    "take_slots",
    "tell_campaign",
    "tell_deliveries",
    "with_given",
]
