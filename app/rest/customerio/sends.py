"""What all of ``/v1/send/*`` share: the fields of every channel, the answer, and how they refuse (``meta.error``)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pydantic import Field

from app.actions.campaigns import TransactionalSend, queued_at, send_transactional
from app.core.access import Plan, Principal, Scope
from app.core.errors import Invalid, Issue
from app.core.ids import public_id
from app.rest.customerio.app_wire import app_endpoint
from app.rest.customerio.wire import Identifiers, MetaError, Text, UnixSeconds, Unsaid, Wire, meta_error
from app.rest.door import Call, Endpoint

TAG = "Send (App API)"
SENDS = Plan("send", 6000, 100)
"""100 messages a second for each key (``customerio.md``, limits)."""
FIELDS = {
    "customer": "identifiers",
    "campaign_id": "transactional_message_id",
    "trigger_name": "transactional_message_id",
    "data": "message_data",
    "number": "transactional_message_id",
    "channel": "transactional_message_id",
}
CONTENT = {"from_address": "from", "plain": "body_plain", "amp": "body_amp"}
"""What the actions call a part of a content, and what the sends call it."""


class Sending(Unsaid):
    """One message to one person. What is not said, or null, is as the transactional message has it."""

    transactional_message_id: int | str | None = Field(
        None, description="The number or the trigger name of a transactional campaign."
    )
    identifiers: Identifiers | None = None
    message_data: dict[str, Any] = Field(default_factory=dict, description="`{{trigger.…}}` in the message.")
    language: str | None = None
    send_at: UnixSeconds | None = Field(None, description="When it is due; at most 90 days ahead.")
    queue_draft: bool = Field(False, description="Keep it as a draft.")
    disable_message_retention: bool | None = Field(None, description="Do not keep what was said.")
    send_to_unsubscribed: bool = True
    tracked: bool | None = None


class NamedSending(Sending):
    """A message whose content is that of a transactional message alone."""

    transactional_message_id: int | str = Field(
        description="The number or the trigger name of a transactional campaign."
    )


class AddressedSending(NamedSending):
    """The same, to an address that may be another than the person's own."""

    to: Text | None = None


class Queued(Wire):
    delivery_id: str
    queued_at: int


class QueuedForLater(Queued):
    """Of a message that is due later."""

    send_at: int


def send_plan(_: Principal) -> Plan:
    """Everybody's."""
    return SENDS


async def queue(
    call: Call[Any, None],
    channel: str,
    *,
    to: str = "",
    content: Mapping[str, Any] | None = None,
    options: Mapping[str, bool | None] | None = None,
    device: Mapping[str, Any] | None = None,
) -> Queued:
    """Queues the message that ``call`` asks for. ``content`` and ``options`` as actions have them, None for what was
    not said; ``device`` is one of a push that is not stored."""
    said: Sending = call.body
    wanted = {
        "sends_to_unsubscribed": said.send_to_unsubscribed,
        "is_retained": None if said.disable_message_retention is None else not said.disable_message_retention,
        "is_tracked": said.tracked,
        **(options or {}),
    }
    key = call.headers.get("idempotency-key") or None
    async with _telling(said), call.write() as tx:
        customer = said.identifiers.ref() if said.identifiers else None
        campaign: dict[str, Any] = _named(said.transactional_message_id)
        delivery_id = await send_transactional(
            tx,
            send=TransactionalSend(
                channel,
                customer=customer,
                to=to,
                device=device,
                **campaign,
                data=said.message_data,
                content={name: value for name, value in (content or {}).items() if value not in (None, {}, [])},
                language=said.language or None,
                options={name: value for name, value in wanted.items() if value is not None},
                send_at=said.send_at,
                idempotency_key=key,
                is_draft=said.queue_draft,
            ),
        )
        at = tx.now if key is None else await queued_at(tx, delivery_id=delivery_id)
        return _queued(public_id("delivery", delivery_id), at, said.send_at)


@asynccontextmanager
async def _telling(said: Sending) -> AsyncIterator[None]:
    """Issues about the content name the field in which it was said."""
    try:
        yield
    except Invalid as invalid:
        own = {name: field.alias or name for name, field in type(said).model_fields.items()}
        raise Invalid(*(Issue(_said_at(issue.path, own), issue.message) for issue in invalid.issues)) from None


def _said_at(path: str, own: Mapping[str, str]) -> str:
    within = path.removeprefix("content.").removeprefix("fields.")
    if within == path:
        return path
    head, dot, rest = within.partition(".")
    name = "message" if head == "body" and "message" in own else CONTENT.get(head, head)
    return own.get(name, name) + dot + rest


def _named(named: int | str | None) -> dict[str, int | str]:
    """The campaign by its number or its trigger name. A number is also understood as text."""
    if named is None or named == "":
        return {}
    if isinstance(named, str) and not (named.isascii() and named.isdigit() and len(named) < 10):
        return {"trigger_name": named}
    return {"campaign_number": int(named)}


def _queued(delivery_id: str, now: datetime, send_at: datetime | None) -> Queued:
    queued_at = int(now.timestamp())
    if send_at is None or send_at <= now:
        return Queued(delivery_id=delivery_id, queued_at=queued_at)
    return QueuedForLater(delivery_id=delivery_id, queued_at=queued_at, send_at=int(send_at.timestamp()))


def send_endpoint(path: str, handler: Any, summary: str, **more: Any) -> Endpoint[Any, Any]:
    """An endpoint below ``/v1/send``."""
    fields = FIELDS | more.pop("fields", {})
    usual: dict[str, Any] = {"response": Queued, "plan": send_plan, "error_form": meta_error, "error_model": MetaError}
    return app_endpoint(
        "POST", f"/send/{path}", handler, summary, TAG, Scope.CAMPAIGNS_SEND, fields=fields, **usual, **more
    )
