"""Which conversations a visitor may see, and who is told of one."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from app.actions.visibility import conversations_of_visitor
from models import Conversation


def theirs(tenant_id: UUID, visitor_id: UUID) -> ColumnElement[bool]:
    """The condition on a conversation that the visitor may see it (:func:`conversations_of_visitor`)."""
    return col(Conversation.id).in_(conversations_of_visitor(tenant_id, visitor_id))
