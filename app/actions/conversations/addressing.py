"""To whom an agent writes first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.actions.conversations.store import ConversationStore
from app.core.errors import Conflict, Invalid, NotFound
from models import Conversation, Customer, Identity, Visitor, Widget


@dataclass(frozen=True, slots=True)
class Addressee:
    """Columns of a conversation with somebody, and the condition on conversations that they are with them."""

    values: dict[str, Any]
    conversations: ColumnElement[bool]


async def addressee(
    session: AsyncSession, store: ConversationStore, customer_id: UUID | None, visitor_id: UUID | None
) -> Addressee:
    """Who is meant. Raises :class:`Invalid`, :class:`NotFound`, or :class:`Conflict` when it is not clear who reads it:
    an answer must never reach another person whose profile was merged into this one."""
    if visitor_id is not None:
        return await _visitor(session, await store.lock_visitor(visitor_id), customer_id)
    if customer_id is None:
        raise Invalid.at("customer_id", "say to which customer or visitor")
    active = select(col(Customer.id)).where(col(Customer.id) == customer_id, col(Customer.status) == "active")
    if (await session.execute(active.with_for_update(read=True, key_share=True))).scalar_one_or_none() is None:
        raise NotFound("customer", "customer_id")
    return await _customer(session, customer_id)


async def _visitor(session: AsyncSession, visitor: Visitor, customer_id: UUID | None) -> Addressee:
    if customer_id is not None and visitor.customer_id != customer_id:
        raise Conflict("The visitor is not this customer's.", "visitor_id")
    team = select(col(Widget.team_id)).where(col(Widget.id) == visitor.widget_id)
    values = {
        "widget_id": visitor.widget_id,
        "team_id": (await session.execute(team)).scalar_one(),
        "visitor_id": visitor.id,
        "customer_id": visitor.customer_id,
        "proven_id": visitor.proven_id,
        "locale": visitor.locale,
    }
    return Addressee(values, col(Conversation.visitor_id) == visitor.id)


async def _customer(session: AsyncSession, customer_id: UUID) -> Addressee:
    """The customer's latest browser, if all of theirs are of one proven person. Without any, the one external id under
    which they may come one day."""
    seen = (
        select(Visitor)
        .where(col(Visitor.customer_id) == customer_id, col(Visitor.proven_id).is_not(None))
        .order_by(col(Visitor.seen_at).desc(), col(Visitor.id))
    )
    visitors = (await session.execute(seen)).scalars().all()
    if len({visitor.proven_id for visitor in visitors}) > 1:
        raise Conflict("Several people are behind this customer. Say to which visitor.", "visitor_id")
    to = col(Conversation.customer_id) == customer_id
    if visitors:
        return Addressee((await _visitor(session, visitors[0], customer_id)).values, to)
    names = select(col(Identity.value)).where(
        col(Identity.customer_id) == customer_id, col(Identity.kind) == "external_id"
    )
    known = (await session.execute(names.limit(2))).scalars().all()
    proven_id = known[0] if len(known) == 1 and len(known[0]) <= 150 else None
    return Addressee({"customer_id": customer_id, "proven_id": proven_id}, to)
