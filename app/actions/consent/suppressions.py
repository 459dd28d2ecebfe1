"""The suppression list: addresses to which nothing is sent any more, and how they came there."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.batches import among, is_postgres
from app.core.contact import check_text, normalise_email, normalise_phone
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import SendingPolicy, SoftBounces, Suppression

LONGEST_STORED = 320
LONGEST_DETAIL = 1000
ADDRESSED = ("email", "sms", "whatsapp")
SOFT_BOUNCE_LIMIT = 5
"""Soft bounces in a row that suppress an address, where the tenant has said nothing else."""


@dataclass(frozen=True, slots=True)
class BadAddress:
    """An address as it stands on a delivery, and what a server said of it. Only of an :data:`ADDRESSED` channel is it
    ever noted: a push goes to devices, a webhook to nobody."""

    channel: str
    address: str
    detail: str = ""
    delivery_id: UUID | None = None


async def suppress_address(tx: Tx, *, channel: str, address: str, detail: str = "") -> Suppression:
    """Sends nothing more to an address. One that is suppressed already stays as it is.

    Raises :class:`Invalid` at ``channel``, ``address`` or ``detail``.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    if channel not in ADDRESSED:
        raise Invalid.at("channel", f"must be one of {', '.join(ADDRESSED)}")
    normal = normal_address(channel, address)
    said = check_text(detail, "detail", longest=LONGEST_DETAIL)
    added = await _suppress(tx, [BadAddress(channel, normal, said)], "manual")
    same = select(Suppression).where(col(Suppression.channel) == channel, col(Suppression.address) == normal)
    row: Suppression = (await tx.session.execute(same)).scalar_one()
    if added:
        tx.audit("suppression.add", public_id("suppression", row.id), {"channel": channel, "address": normal})
    return row


async def unsuppress_address(tx: Tx, *, suppression_id: UUID) -> None:
    """Allows an address again, as if it had never refused a message. Raises :class:`NotFound`."""
    tx.require(Scope.CUSTOMERS_WRITE)
    gone = (
        delete(Suppression)
        .where(col(Suppression.id) == suppression_id)
        .returning(col(Suppression.channel), col(Suppression.address))
    )
    row = (await tx.session.execute(gone, execution_options={"synchronize_session": False})).one_or_none()
    if row is None:
        raise NotFound("suppression", "suppression_id")
    await _forget_soft_bounces(tx, [BadAddress(row.channel, row.address)])
    changes = {"channel": row.channel, "address": row.address}
    tx.audit("suppression.remove", public_id("suppression", suppression_id), changes)


async def find_suppression(reading: Reading, *, channel: str, address: str) -> Suppression:
    """The suppression of an address. Raises :class:`Invalid` at ``address``, and :class:`NotFound`."""
    reading.require(Scope.CUSTOMERS_READ)
    statement = select(Suppression).where(
        col(Suppression.channel) == channel, col(Suppression.address) == normal_address(channel, address)
    )
    found: Suppression | None = (await reading.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound("suppression", "address")
    return found


async def list_suppressions(
    reading: Reading, *, channel: str | None = None, reason: str | None = None, limit: int = 100, offset: int = 0
) -> Page[Suppression]:
    """Suppressed addresses, the latest first. Raises :class:`Invalid` for an impossible window."""
    reading.require(Scope.CUSTOMERS_READ)
    check_window(offset, limit)
    which = []
    if channel is not None:
        which.append(col(Suppression.channel) == channel)
    if reason is not None:
        which.append(col(Suppression.reason) == reason)
    counted = select(func.count()).select_from(Suppression).where(*which)
    total = (await reading.session.execute(counted)).scalar_one()
    listed = select(Suppression).where(*which).order_by(col(Suppression.id).desc()).limit(limit).offset(offset)
    return Page((await reading.session.execute(listed)).scalars().all(), total)


def suppress_all(tx: Tx, bad: Sequence[BadAddress], reason: str) -> Awaitable[int]:
    """To be awaited: suppresses many addresses for ``hard_bounce``, ``complaint`` or ``manual``. Returns how many are
    new. It asks no leave, for its caller has."""
    return _suppress(tx, bad, reason)


def note_soft_bounces(tx: Tx, bad: Sequence[BadAddress]) -> Awaitable[int]:
    """To be awaited: counts one more refusal of each address, and suppresses those that reach the tenant's limit.
    Returns how many those are."""
    return _note_soft_bounces(tx, bad)


def note_accepted(tx: Tx, good: Sequence[BadAddress]) -> Awaitable[None]:
    """To be awaited: the addresses have taken a message, so that their soft bounces are forgotten."""
    return _forget_soft_bounces(tx, good)


def normal_address(channel: str, address: str) -> str:
    """The form in which an address is compared. Raises :class:`Invalid` at ``address`` or ``channel``."""
    if channel == "email":
        return normalise_email(address, "address")
    if channel in ADDRESSED:
        return normalise_phone(address, "address")
    raise Invalid.at("channel", f"must be one of {', '.join(ADDRESSED)}")


@lru_cache(maxsize=4096)
def addresses_in(channel: str, text: str) -> tuple[str, ...]:
    """The addresses in what a message was addressed with (``Ada <Ada@example.com>, bob@example.com``), in the form in
    which they are compared; what is none, in lower case."""
    each = [address for _, address in getaddresses([text])] if channel == "email" else []
    return tuple(dict.fromkeys(_normal_or_as_it_is(channel, one) for one in filter(None, each or [text])))


def _normal_or_as_it_is(channel: str, address: str) -> str:
    try:
        return normal_address(channel, address)
    except Invalid:
        return address.strip().lower()[:LONGEST_STORED]


def _by_address(bad: Sequence[BadAddress]) -> dict[tuple[str, str], list[BadAddress]]:
    """What is said of each address, in the order in which its row is locked. Of a message to several nobody says which
    it was."""
    found: dict[tuple[str, str], list[BadAddress]] = {}
    for one in bad:
        named = addresses_in(one.channel, one.address) if one.channel in ADDRESSED else ()
        if len(named) == 1 and named[0]:
            found.setdefault((one.channel, named[0]), []).append(one)
    return dict(sorted(found.items()))


async def _suppress(tx: Tx, bad: Sequence[BadAddress], reason: str) -> int:
    rows = [
        {
            "tenant_id": tx.tenant_id,
            "id": new_id(),
            "channel": channel,
            "address": address,
            "reason": reason,
            "detail": said[-1].detail[:LONGEST_DETAIL],
            "delivery_id": said[-1].delivery_id,
            "created_at": tx.now,
        }
        for (channel, address), said in _by_address(bad).items()
    ]
    if not rows:
        return 0
    insert: Any = (postgresql if is_postgres(tx.session) else sqlite).insert(Suppression)
    statement = (
        insert.values(rows)
        .on_conflict_do_nothing(index_elements=["tenant_id", "channel", "address"])
        .returning(col(Suppression.id))
    )
    return len((await (await tx.session.connection()).execute(statement)).all())


async def _note_soft_bounces(tx: Tx, bad: Sequence[BadAddress]) -> int:
    by_address = _by_address(bad)
    if not by_address:
        return 0
    insert: Any = (postgresql if is_postgres(tx.session) else sqlite).insert(SoftBounces)
    rows = [
        {"tenant_id": tx.tenant_id, "channel": channel, "address": address, "count": len(said), "first_at": tx.now}
        | {"last_at": tx.now}
        for (channel, address), said in by_address.items()
    ]
    given = insert.values(rows)
    statement = given.on_conflict_do_update(
        index_elements=["tenant_id", "channel", "address"],
        set_={"count": SoftBounces.count + given.excluded.count, "last_at": given.excluded.last_at},
    ).returning(col(SoftBounces.channel), col(SoftBounces.address), col(SoftBounces.count))
    counted = (await (await tx.session.connection()).execute(statement)).all()
    limit = (await tx.session.execute(select(col(SendingPolicy.soft_bounce_limit)))).scalar_one_or_none()
    most = limit or SOFT_BOUNCE_LIMIT
    reached = [one for channel, address, n in counted if n >= most for one in by_address[channel, address]]
    return await _suppress(tx, reached, "soft_bounces")


async def _forget_soft_bounces(tx: Tx, good: Sequence[BadAddress]) -> None:
    by_channel: dict[str, list[str]] = {}
    for channel, address in _by_address(good):
        by_channel.setdefault(channel, []).append(address)
    for channel, addresses in by_channel.items():
        which = (col(SoftBounces.channel) == channel, among(tx.session, col(SoftBounces.address), addresses))
        await tx.session.execute(delete(SoftBounces).where(*which), execution_options={"synchronize_session": False})
