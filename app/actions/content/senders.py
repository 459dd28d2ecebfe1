"""From whom messages come."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.content.finding import Shelf
from app.actions.content.using import Using
from app.core.access import Scope
from app.core.contact import check_text, normalise_email, normalise_phone
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id, public_id
from app.core.numbers import next_number
from app.core.tx import Reading, Tx
from app.templates import one_line
from models import Content, Sender

KINDS = ("email", "phone")
LONGEST_NAME = 200
SPECIAL, ESCAPED = re.compile(r'[][\\()<>@,:;".]'), re.compile(r'[\\"]')
"""What has to stand between quotes in a name (RFC 5322, 3.2.3), and what has to be marked there."""
LONGEST_LETTERS = 11
"""What an SMS may come from instead of a number: so many letters and digits (GSM 03.38)."""


async def create_sender(tx: Tx, *, kind: str = "email", address: str, name: str = "") -> Sender:
    """A new sender. ``kind``: ``email``, or ``phone``, whose address is a number or up to 11 letters and digits.

    Raises :class:`Invalid`, and :class:`Conflict` at ``address`` when there is the same already.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    if kind not in KINDS:
        raise Invalid.at("kind", f"must be {' or '.join(KINDS)}")
    values = {"kind": kind, "address": _address(kind, address), "name": _name(name)}
    number = await next_number(tx, Sender)
    await _refuse_same(tx, None, values)
    sender = Sender(tenant_id=tx.tenant_id, id=new_id(), number=number, **values, created_at=tx.now, updated_at=tx.now)
    tx.session.add(sender)
    tx.audit("sender.create", public_id("sender", sender.id), {"address": sender.address})
    return sender


async def update_sender(tx: Tx, *, sender_id: UUID, address: str | None = None, name: str | None = None) -> Sender:
    """Changes what is given; messages sent from now on have it. Raises :class:`NotFound` and as creating does."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    sender = await Shelf(tx).find(Sender, "sender_id", id=sender_id)
    values: dict[str, Any] = {"kind": sender.kind, "address": sender.address, "name": sender.name}
    if address is not None:
        values["address"] = _address(sender.kind, address)
    if name is not None:
        values["name"] = _name(name)
    changed = sorted(key for key, value in values.items() if getattr(sender, key) != value)
    if changed:
        await next_number(tx, Sender)
        await _refuse_same(tx, sender_id, values)
        for key in changed:
            setattr(sender, key, values[key])
        sender.updated_at = tx.now
        tx.audit("sender.update", public_id("sender", sender_id), {"changed": changed})
    return sender


async def delete_sender(tx: Tx, *, sender_id: UUID) -> None:
    """Deletes a sender. Raises :class:`NotFound`, and :class:`Conflict` while a campaign sends as it."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    sender = await Shelf(tx).find(Sender, "sender_id", id=sender_id)
    await Using(tx).refuse("sender", sender_id, Content.sender_id)
    await tx.session.delete(sender)
    tx.audit("sender.delete", public_id("sender", sender_id), {"address": sender.address})


async def get_sender(reading: Reading, *, sender_id: UUID) -> Sender:
    """One sender. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Sender, "sender_id", id=sender_id)


async def sender_with_number(reading: Reading, *, number: int) -> Sender:
    """The sender with this number of the tenant. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Sender, "number", number=number if 0 < number < 2**31 else 0)


async def list_senders(
    reading: Reading, *, kind: str | None = None, newest_first: bool = False, limit: int = 100, offset: int = 0
) -> tuple[list[Sender], int]:
    """Some senders by number, and how many there are."""
    reading.require(Scope.CAMPAIGNS_READ)
    which = [] if kind is None else [col(Sender.kind) == kind]
    order = col(Sender.number).desc() if newest_first else col(Sender.number)
    return await Shelf(reading).some(Sender, which, order, limit, offset)


def sender_line(sender: Sender) -> str:
    """The sender as messages have it: ``Ada <ada@example.com>``, or the number. Nothing is encoded in it yet."""
    if sender.kind != "email" or not sender.name:
        return sender.address
    if not SPECIAL.search(sender.name):
        return f"{sender.name} <{sender.address}>"
    escaped = ESCAPED.sub(r"\\\g<0>", sender.name)
    return f'"{escaped}" <{sender.address}>'


def _address(kind: str, address: str) -> str:
    if kind == "email":
        return normalise_email(address, "address")
    text = check_text(address, "address", longest=100, shortest=1).strip()
    letters = text.replace(" ", "")
    if len(text) <= LONGEST_LETTERS and letters.isascii() and letters.isalnum() and not letters.isdigit():
        return text
    return normalise_phone(text, "address")


def _name(name: str) -> str:
    return one_line(check_text(name, "name", longest=LONGEST_NAME))


async def _refuse_same(tx: Tx, sender_id: UUID | None, values: dict[str, Any]) -> None:
    same = select(col(Sender.id)).where(*(getattr(Sender, name) == value for name, value in values.items()))
    if (await tx.session.execute(same)).scalar_one_or_none() not in {None, sender_id}:
        raise Conflict("There is such a sender already.", "address")
