"""What a template can name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import public_id


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to whom a message goes, as templates see them. Can be pickled."""

    id: UUID
    attributes: Mapping[str, Any] = field(default_factory=dict)
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    timezone: str | None = None
    locale: str | None = None
    created_at: datetime | None = None


def context_of(
    person: Person | None,
    *,
    event: Mapping[str, Any] | None = None,
    trigger: Mapping[str, Any] | None = None,
    delivery_id: UUID | None = None,
    unsubscribe_url: str = "",
    preferences_url: str = "",
) -> dict[str, Any]:
    """What a template can name: ``customer`` (their attributes, and over them what they are known by), ``event``,
    ``trigger`` (``message_data`` is the same), ``delivery``, and the two addresses of the message."""
    called_with = trigger or {}
    return {
        "customer": {} if person is None else customer_of(person),
        "event": event or {},
        "trigger": called_with,
        "message_data": called_with,
        "delivery": {} if delivery_id is None else {"id": public_id("delivery", delivery_id)},
        "unsubscribe_url": unsubscribe_url,
        "manage_subscription_preferences_url": preferences_url,
    }


def customer_of(person: Person) -> dict[str, Any]:
    """``customer`` in Liquid. ``id`` is that under which the tenant knows them, else ours, which is ``rapport_id``."""
    own = public_id("customer", person.id)
    named = {
        "email": person.email,
        "phone": person.phone,
        "timezone": person.timezone,
        "locale": person.locale,
        "created_at": None if person.created_at is None else int(person.created_at.timestamp()),
    }
    known = {name: value for name, value in named.items() if value is not None}
    return {**person.attributes, **known, "id": person.external_id or own, "rapport_id": own}
