"""What providers say later of messages that they took: delivered, bounced for good or for now, complained about."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import col

from app.actions.consent.suppressions import (
    BadAddress,
    addresses_in,
    note_accepted,
    note_soft_bounces,
    suppress_all,
)
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Tx
from models import ArchivedMessage, Content, Delivery

DELIVERED, HARD, SOFT, COMPLAINED = "delivered", "hard", "soft", "complained"
METRICS = {DELIVERED: "delivered", HARD: "bounced", SOFT: "bounced", COMPLAINED: "complained"}
HANDED_OVER = ("sent", "in_doubt")
"""States that a word of the provider ends. Of a message that is being handed over, who does that writes the state."""
COPIES = ("cc", "bcc")
LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """One word of a provider about one message, which ``delivery_id`` or else ``provider_message_id`` names.

    ``kind``: ``delivered``, ``hard`` (the address is no good), ``soft`` (it was no good this time) or ``complained``.
    ``recipient`` is whom it is about, where the provider says so: of an e-mail perhaps somebody who got a copy.
    """

    kind: str
    delivery_id: UUID | None = None
    provider_message_id: str | None = None
    detail: str = ""
    recipient: str | None = None


async def record_feedback(tx: Tx, told: Sequence[Told]) -> int:
    """Takes over what a provider tells, each word once however often it is told. Returns how many were new.

    A hard bounce and a complaint suppress the address, soft bounces do when there are as many in a row as the tenant's
    policy says. Unknown messages are passed over. What is said of somebody who got a copy suppresses their address if
    it is for good, and is none of the message's own.
    """
    tx.require(Scope.DELIVERIES_READ)
    feedback = _Feedback(tx)
    await feedback.take(told)
    return sum(event.metric != "sent" for event in feedback.events)


class _Feedback:
    """A provider's words on their way into the database."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.events: list[DeliveryEvent] = []
        self._changes: dict[UUID, dict[str, Any]] = {}
        self._addresses: dict[str, list[BadAddress]] = defaultdict(list)

    async def take(self, told: Sequence[Told]) -> None:
        deliveries = await self._find(told)
        by_id = {one.id: one for one in deliveries}
        by_name = {one.provider_message_id: one for one in deliveries if one.provider_message_id}
        heard = []
        for one in told:
            delivery = by_id.get(one.delivery_id) if one.delivery_id else by_name.get(one.provider_message_id or "")
            if delivery is not None and one.kind in METRICS:
                heard.append((delivery, one))
        copied = await self._copied(heard)
        for delivery, one in heard:
            if delivery.id in copied and _is_of_another(delivery, one, copied[delivery.id]):
                self._hear_of_copy(delivery, one)
            else:
                self._hear(delivery, one)
        await self._write()
        await self._note_addresses()
        await tell_deliveries(self._tx, self.events)

    async def _find(self, told: Sequence[Told]) -> Sequence[Delivery]:
        """The messages, held in one order."""
        session = self._tx.session
        ids = {one.delivery_id for one in told if one.delivery_id}
        names = {one.provider_message_id for one in told if one.provider_message_id}
        which = [among(session, Delivery.id, ids), among(session, Delivery.provider_message_id, names)]
        statement = select(Delivery).where(or_(*which)).order_by(col(Delivery.id)).with_for_update(key_share=True)
        return (await session.execute(statement)).scalars().all()

    async def _copied(self, heard: Sequence[tuple[Delivery, Told]]) -> dict[UUID, frozenset[str] | None]:
        """Of the messages about which something is said of another address: who got copies. None: somebody did, but
        nobody knows any more who. Messages without copies are left out: there the other address is where the
        recipient's mail was forwarded to."""
        asked = {delivery.id: delivery for delivery, one in heard if _is_of_another(delivery, one, None)}
        if not asked:
            return {}
        statement = (
            select(col(Delivery.id), col(Delivery.data), col(Content.fields), col(ArchivedMessage.fields))
            .outerjoin(Content, (col(Content.tenant_id) == Delivery.tenant_id) & (Content.id == Delivery.content_id))
            .outerjoin(
                ArchivedMessage,
                (col(ArchivedMessage.tenant_id) == Delivery.tenant_id) & (ArchivedMessage.delivery_id == Delivery.id),
            )
            .where(among(self._tx.session, Delivery.id, asked))
        )
        copied: dict[UUID, frozenset[str] | None] = {}
        for id, called, fields, archived in await self._tx.session.execute(statement):
            said = archived if archived is not None else {**(fields or {}), **_fields_of(called)}
            if any(said.get(name) for name in COPIES):
                copied[id] = _addresses(said) if archived is not None else None
        return copied

    def _hear_of_copy(self, delivery: Delivery, told: Told) -> None:
        """Nothing remembers what was said of a copy, so that soft bounces, which are counted, are passed over."""
        if told.kind in (HARD, COMPLAINED):
            bad = BadAddress(delivery.channel, told.recipient or "", told.detail, delivery.id)
            self._addresses[told.kind].append(bad)
        changed = self._changes.setdefault(delivery.id, {})
        if changed.get("state", delivery.state) == "in_doubt":
            changed |= {"state": "sent", "sent_at": self._tx.now}
            self.events.append(_event(delivery, "sent", self._tx.now, {}))

    def _hear(self, delivery: Delivery, told: Told) -> None:
        metric = METRICS[told.kind]
        changed = self._changes.setdefault(delivery.id, {})
        moment = f"{metric}_at"
        if getattr(delivery, moment) is not None or moment in changed:
            self._hear_more(delivery, told, changed)
            return
        changed[moment] = self._tx.now
        state = changed.get("state", delivery.state)
        if state == "in_doubt":
            changed["sent_at"] = self._tx.now
            self.events.append(_event(delivery, "sent", self._tx.now, {}))
        if told.kind == DELIVERED and state in HANDED_OVER:
            changed["state"] = "delivered"
        elif told.kind in (HARD, SOFT) and state in (*HANDED_OVER, "delivered"):
            changed |= {"state": "bounced", "error": told.detail[:LONGEST_ERROR]}
        elif state == "in_doubt":
            changed["state"] = "sent"
        self._addresses[told.kind].append(_address(delivery, told))
        extra = {"failure": told.detail, "bounce": told.kind} if metric == "bounced" else {}
        self.events.append(_event(delivery, metric, self._tx.now, extra))

    def _hear_more(self, delivery: Delivery, told: Told, changed: dict[str, Any]) -> None:
        """A message that did not arrive for now and then for good bounced once, but its address is no good."""
        error = told.detail[:LONGEST_ERROR]
        if told.kind == HARD and error != changed.get("error", delivery.error):
            changed["error"] = error
            self._addresses[HARD].append(_address(delivery, told))

    async def _write(self) -> None:
        """Sets the columns of each message; those that change alike share a statement."""
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for delivery_id, changed in self._changes.items():
            if changed:
                row = {f"new_{name}": value for name, value in changed.items()}
                alike[tuple(changed)].append({"delivery": delivery_id, **row})
        connection = await self._tx.session.connection()
        for names, rows in alike.items():
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
            which = (col(Delivery.tenant_id) == self._tx.tenant_id, col(Delivery.id) == bindparam("delivery"))
            await connection.execute(update(Delivery).where(*which).values(values), rows)

    async def _note_addresses(self) -> None:
        await suppress_all(self._tx, self._addresses[HARD], "hard_bounce")
        await suppress_all(self._tx, self._addresses[COMPLAINED], "complaint")
        await note_soft_bounces(self._tx, self._addresses[SOFT])
        await note_accepted(self._tx, self._addresses[DELIVERED])


def _address(delivery: Delivery, told: Told) -> BadAddress:
    address = told.recipient if told.recipient and _is_one_of_several(delivery, told) else delivery.recipient
    return BadAddress(delivery.channel, address, told.detail, delivery.id)


def _is_of_another(delivery: Delivery, told: Told, copies: frozenset[str] | None) -> bool:
    """Whether something is said of an address that is not the message's own; where ``copies`` are known, of theirs."""
    if delivery.channel != "email" or not told.recipient:
        return False
    named = addresses_in("email", told.recipient)
    if len(named) != 1 or named[0] in addresses_in("email", delivery.recipient):
        return False
    return copies is None or named[0] in copies


def _is_one_of_several(delivery: Delivery, told: Told) -> bool:
    to = addresses_in(delivery.channel, delivery.recipient)
    return len(to) > 1 and not _is_of_another(delivery, told, None)


def _fields_of(called: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What the call that made a message gave of its own."""
    content = (called or {}).get("content") or {}
    return content.get("fields") or {}


def _addresses(fields: Mapping[str, Any]) -> frozenset[str]:
    texts = [text for name in COPIES for text in _texts(fields.get(name))]
    return frozenset(address for text in texts for address in addresses_in("email", text))


def _texts(value: Any) -> list[str]:
    each = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [text for text in each if isinstance(text, str) and text.strip()]


def _event(delivery: Delivery, metric: str, at: datetime, extra: Mapping[str, Any]) -> DeliveryEvent:
    return DeliveryEvent(
        delivery.id,
        delivery.customer_id,
        delivery.campaign_id,
        delivery.content_id,
        delivery.run_id,
        delivery.channel,
        metric,
        at,
        extra,
        counts=not delivery.is_test,
    )
