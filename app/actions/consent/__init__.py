"""What people let themselves be told about, what they said by the links of messages, and suppressed addresses."""

from app.actions.consent.preferences import TopicPreference, set_topic_consent, subscription_preferences
from app.actions.consent.recipients import Recipient, find_recipient, save_preferences, unsubscribe
from app.actions.consent.suppressions import (
    SOFT_BOUNCE_LIMIT,
    BadAddress,
    find_suppression,
    list_suppressions,
    note_accepted,
    note_soft_bounces,
    suppress_address,
    suppress_all,
    unsuppress_address,
)
from app.actions.consent.topics import create_topic, delete_topic, get_topic, list_topics, update_topic

__all__ = [
    "SOFT_BOUNCE_LIMIT",
    "BadAddress",
    "Recipient",
    "TopicPreference",
    "create_topic",
    "delete_topic",
    "find_recipient",
    "find_suppression",
    "get_topic",
    "list_suppressions",
    "list_topics",
    "note_accepted",
    "note_soft_bounces",
    "save_preferences",
    "set_topic_consent",
    "subscription_preferences",
    "suppress_address",
    "suppress_all",
    "unsubscribe",
    "unsuppress_address",
    "update_topic",
]
