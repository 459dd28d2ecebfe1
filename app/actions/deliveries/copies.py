"""Copies of e-mails, open and blind: an address to which nothing is sent any more gets none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from email.utils import getaddresses
from typing import Any

from sqlalchemy import literal, select, union_all
from sqlmodel import col

from app.actions.consent.suppressions import addresses_in
from app.actions.deliveries.parcels import Parcel
from app.core.access import Scope
from app.core.batches import among
from app.core.message import Message
from app.core.tx import Reading
from app.gates import Decision, Entry
from models import Customer, Identity, Suppression

COPIES = ("cc", "bcc")
LEFT_ALONE = "suppressed_person"
"""The reason where not the address is on the list, but the person whose it is gets nothing at all."""


async def leave_off_copies(reading: Reading, *, parcels: Sequence[Parcel]) -> None:
    """Takes suppressed addresses out of the ``cc`` and ``bcc`` of rendered e-mails and says so in their decisions; the
    messages go to everybody else. To be called before they are marked; it asks the database only if there are copies.
    """
    reading.require(Scope.CAMPAIGNS_SEND)
    copied: list[tuple[Parcel, Message]] = [
        (parcel, parcel.message)
        for parcel in parcels
        if parcel.message is not None and parcel.claim.channel == "email" and _texts(parcel.message)
    ]
    wanted = {normal for _, message in copied for text in _texts(message) for normal in addresses_in("email", text)}
    if not wanted:
        return
    found = await _suppressed(reading, wanted)
    for parcel, message in copied if found else ():
        left_off: dict[str, str] = {}
        fields = {key: value for key, value in message.fields.items() if key not in COPIES}
        fields |= {key: kept for key in COPIES if (kept := _kept(message.fields.get(key), found, left_off))}
        if left_off:
            parcel.message = replace(message, fields=fields)
            parcel.decision = _saying(parcel.decision, left_off)


async def _suppressed(reading: Reading, addresses: set[str]) -> dict[str, str]:
    """Which of the addresses are suppressed, and why."""
    listed = select(col(Suppression.address), col(Suppression.reason)).where(
        col(Suppression.tenant_id) == reading.tenant_id,
        col(Suppression.channel) == "email",
        among(reading.session, Suppression.address, addresses),
    )
    left_alone = (
        select(col(Identity.value), literal(LEFT_ALONE))
        .join(
            Customer,
            (col(Customer.tenant_id) == col(Identity.tenant_id)) & (col(Customer.id) == col(Identity.customer_id)),
        )
        .where(
            col(Identity.tenant_id) == reading.tenant_id,
            col(Identity.kind) == "email",
            among(reading.session, Identity.value, addresses),
            col(Customer.suppressed_at).is_not(None),
        )
    )
    return dict((await reading.session.execute(union_all(left_alone, listed))).tuples().all())


def _texts(message: Message) -> list[str]:
    """The texts of addresses that get copies."""
    return [text for key in COPIES for text in _listed(message.fields.get(key))]


def _listed(value: Any) -> Iterable[str]:
    texts = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [text for text in texts if isinstance(text, str) and text.strip()]


def _kept(value: Any, found: Mapping[str, str], left_off: dict[str, str]) -> Any:
    """A field without the addresses that were found, which are noted; None if nobody is left."""
    gone = {text: [one for one in addresses_in("email", text) if one in found] for text in _listed(value)}
    if not any(gone.values()):
        return value
    left_off |= {address: found[address] for some in gone.values() for address in some}
    texts = [_without(text, set(some)) if some else text for text, some in gone.items()]
    stay = [text for text in texts if text]
    return (", ".join(stay) if isinstance(value, str) else stay) or None


def _without(text: str, gone: set[str]) -> str:
    stay = [(name, address) for name, address in getaddresses([text]) if not gone & set(addresses_in("email", address))]
    return ", ".join(_named(name, address) if name else address for name, address in stay if address)


def _named(name: str, address: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _saying(decision: Decision, left_off: Mapping[str, str]) -> Decision:
    detail = f"No copy goes to {', '.join(left_off)}: suppressed."
    value = {"left_off": [{"address": address, "reason": reason} for address, reason in left_off.items()]}
    entries = [
        Entry(one.gate, one.verdict, one.detail or detail, {**one.value, **value}, one.until)
        if one.gate == "suppression"
        else one
        for one in decision.entries
    ]
    return Decision(entries)
