"""Telling webhooks of contacts: who became known, and of whom something changed."""

from collections.abc import Mapping
from uuid import UUID

from app.core.feed import REPORTED_TOPIC
from app.core.tx import Change, Tx

CREATED: Change = ("customer", "created")
OF_CONTACTS = frozenset({"customer", "attribute", "identity", "consent", "timezone", "locale"})
"""Kinds of changes that are of the contact; what a customer did, and where they belong, is not."""


def report_contacts(tx: Tx, touched: Mapping[UUID, Mapping[Change, None]]) -> None:
    """Emits what webhooks are told of the customers that this unit has changed. For tenants who have such webhooks."""
    for customer_id, changes in touched.items():
        if CREATED in changes:
            tx.emit(REPORTED_TOPIC, "contact.created", customer_id)
        elif any(kind in OF_CONTACTS for kind, _ in changes):
            tx.emit(REPORTED_TOPIC, "contact.updated", customer_id)
