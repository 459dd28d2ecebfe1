"""Which rows a caller may see. The graph's planner gets every table it names from here, and from nowhere else."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import CompoundSelect, Uuid, and_, bindparam, exists, inspect, or_, select, union_all
from sqlalchemy.sql import ColumnElement, FromClause
from sqlmodel import SQLModel

from models import (
    Campaign,
    Conversation,
    File,
    Member,
    Message,
    MessageFile,
    SavedView,
    Segment,
    SubscriptionTopic,
    Tenant,
    TenantScoped,
    User,
    Visitor,
    Widget,
)

TENANT = bindparam("tenant", type_=Uuid(), required=True)
"""The caller's tenant, bound when the statement runs."""

CALLER = bindparam("caller", type_=Uuid(), required=True)
"""The caller: a user, a key or a visitor. For what is theirs alone."""


def visible_rows(model: type[SQLModel]) -> tuple[FromClause, ColumnElement[bool]]:
    """A fresh alias of ``model``'s table, and the condition that keeps it to what the caller's tenant owns.
    A deleted segment, widget, topic or campaign is not seen, nor somebody else's saved view.

    Raises TypeError for a table that no tenant owns.
    """
    table = _alias(model)
    if model in (Segment, Widget, SubscriptionTopic, Campaign):
        return table, and_(table.c.tenant_id == TENANT, table.c.deleted_at.is_(None))
    if model is SavedView:
        return table, and_(table.c.tenant_id == TENANT, or_(table.c.user_id.is_(None), table.c.user_id == CALLER))
    if issubclass(model, TenantScoped):
        return table, table.c.tenant_id == TENANT
    if model is Tenant:
        return table, table.c.id == TENANT
    if model is User:
        members = _alias(Member)
        colleagues = select(members.c.user_id).where(members.c.tenant_id == TENANT)
        return table, table.c.id.in_(colleagues)
    raise TypeError(f"{model.__name__} belongs to no tenant")


def visible_to_visitor(model: type[SQLModel]) -> tuple[FromClause, ColumnElement[bool]]:
    """As :func:`visible_rows`, for the calling visitor: their conversations, and what is said and sent in these.

    A conversation is theirs if they began it, or if it is of the person who they are proven to be. Whose customer it is
    says nothing: customers can be merged by mistake. Notes are nobody's but the agents'.

    Raises TypeError for a table of which visitors see nothing.
    """
    table = _alias(model)
    return table, and_(table.c.tenant_id == TENANT, VISITORS_OWN[model](table.c))


def conversations_of_visitor(tenant: Any, visitor: Any) -> CompoundSelect[Any]:
    """The ids of the conversations that a visitor may see: those begun in their browser, and those of the person whom
    the tenant's own server vouched that they are. Values or bound parameters.

    Never by customer: a merge of customers shows nobody's history to another. Two selects and not one OR, for which
    SQLite without statistics reads all conversations of the tenant.
    """
    begun, shared, browser = _alias(Conversation), _alias(Conversation), _alias(Visitor)
    proven = select(browser.c.proven_id).where(
        browser.c.tenant_id == tenant, browser.c.id == visitor, browser.c.proven_id.is_not(None)
    )
    return union_all(
        select(begun.c.id).where(begun.c.tenant_id == tenant, begun.c.visitor_id == visitor),
        select(shared.c.id).where(shared.c.tenant_id == tenant, shared.c.proven_id == proven.scalar_subquery()),
    )


def _alias(model: type[SQLModel]) -> FromClause:
    table: FromClause = inspect(model).local_table.alias()
    return table


def _of_caller(row: Any) -> ColumnElement[bool]:
    return row.id.in_(conversations_of_visitor(TENANT, CALLER))  # type: ignore[no-any-return]


def _said_to_caller(row: Any) -> ColumnElement[bool]:
    conversation = _alias(Conversation)
    theirs = exists().where(
        conversation.c.tenant_id == TENANT, conversation.c.id == row.conversation_id, _of_caller(conversation.c)
    )
    return and_(row.kind != "note", theirs)


def _sent_to_caller(row: Any) -> ColumnElement[bool]:
    sent, message = _alias(MessageFile), _alias(Message)
    return exists().where(
        sent.c.tenant_id == TENANT,
        sent.c.file_id == row.id,
        message.c.tenant_id == TENANT,
        message.c.id == sent.c.message_id,
        message.c.deleted_at.is_(None),
        _said_to_caller(message.c),
    )


def _opened_by_caller(row: Any) -> ColumnElement[bool]:
    visitor = _alias(Visitor)
    return exists().where(visitor.c.tenant_id == TENANT, visitor.c.id == CALLER, visitor.c.widget_id == row.id)


VISITORS_OWN: dict[type[SQLModel], Callable[[Any], ColumnElement[bool]]] = {
    Visitor: lambda row: row.id == CALLER,
    Widget: _opened_by_caller,
    Conversation: _of_caller,
    Message: _said_to_caller,
    File: _sent_to_caller,
}
"""Which rows of each table a visitor may see, as a condition on its columns."""
