"""Frequency caps: how many messages one person gets at most in a window of time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.actions.customers.facts import CHANNELS
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import FrequencyCap

MAX_CAPS = 20
LONGEST_WINDOW_S = 90 * 86_400


async def create_frequency_cap(
    tx: Tx, *, messages: int, window_s: int, channel: str | None = None, name: str = ""
) -> FrequencyCap:
    """At most ``messages`` (1 to 1,000) to one person in any ``window_s`` seconds (a minute to 90 days), over one
    channel or all of them. Raises :class:`Invalid`."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    if not 1 <= messages <= 1000:
        raise Invalid.at("messages", "must be 1 to 1,000")
    if not 60 <= window_s <= LONGEST_WINDOW_S:
        raise Invalid.at("window_s", "must be a minute to 90 days")
    if channel is not None and channel not in CHANNELS:
        raise Invalid.at("channel", f"must be one of {', '.join(CHANNELS)}")
    count = (await tx.session.execute(select(func.count()).select_from(FrequencyCap))).scalar_one()
    if count >= MAX_CAPS:
        raise Invalid.at("messages", f"is one too many: there are {MAX_CAPS} caps")
    cap = FrequencyCap(
        tenant_id=tx.tenant_id,
        id=new_id(),
        name=check_text(name, "name", longest=200).strip(),
        channel=channel,
        messages=messages,
        window_s=window_s,
        created_at=tx.now,
    )
    tx.session.add(cap)
    await tx.session.flush()
    changes = {"messages": messages, "window_s": window_s, "channel": channel}
    tx.audit("frequency_cap.create", public_id("frequency_cap", cap.id), changes)
    return cap


async def delete_frequency_cap(tx: Tx, *, frequency_cap_id: UUID) -> None:
    """Takes a cap away. Raises :class:`NotFound`."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    gone = delete(FrequencyCap).where(col(FrequencyCap.id) == frequency_cap_id).returning(col(FrequencyCap.id))
    if (await tx.session.execute(gone, execution_options={"synchronize_session": False})).first() is None:
        raise NotFound("frequency cap", "frequency_cap_id")
    tx.audit("frequency_cap.delete", public_id("frequency_cap", frequency_cap_id))


async def list_frequency_caps(reading: Reading) -> Sequence[FrequencyCap]:
    """All caps, by age."""
    reading.require(Scope.CAMPAIGNS_READ)
    return (await reading.session.execute(select(FrequencyCap).order_by(col(FrequencyCap.id)))).scalars().all()
