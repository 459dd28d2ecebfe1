"""Which conversations a visitor may see, and who is told of one."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from models import Conversation, Visitor


def theirs(visitor_id: UUID | ColumnElement[Any], conversations: Any = Conversation) -> ColumnElement[bool]:
    """The condition on a conversation that the visitor may see it: it is theirs, or both belong to the person whom the
    tenant's own server vouched for. Never by customer: a merge of customers shows nobody's history to another.

    ``conversations`` may be an alias of the table; ``visitor_id`` may be a bound parameter.
    """
    of = getattr(conversations, "c", conversations)
    proven = select(col(Visitor.proven_id)).where(
        col(Visitor.tenant_id) == of.tenant_id, col(Visitor.id) == visitor_id, col(Visitor.proven_id).is_not(None)
    )
    return or_(of.visitor_id == visitor_id, of.proven_id == proven.scalar_subquery())
