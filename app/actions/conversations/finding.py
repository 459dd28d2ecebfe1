"""Finding conversations, by what they are and by what was said in them."""

from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, false, func, literal, select
from sqlmodel import col

from app.actions.conversations.store import STATUSES
from app.actions.paging import check_window
from app.core.access import Scope
from app.core.batches import is_postgres
from app.core.contact import check_text
from app.core.errors import Invalid
from app.core.fulltext import conversations_with, search_query
from app.core.tx import Reading
from models import Conversation, ConversationTag

MAX_SEARCH = 300


async def list_conversations(
    reading: Reading,
    *,
    status: str | None = None,
    assignee_id: UUID | None = None,
    team_id: UUID | None = None,
    visitor_id: UUID | None = None,
    customer_id: UUID | None = None,
    tag: str | None = None,
    unassigned: bool | None = None,
    search: str | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Conversation], int]:
    """Some conversations that are all that is asked for, those where something was said last first, and how many there
    are. ``search``: each of its words begins a word of one message, or of the subject and the first message.

    Raises :class:`Invalid`.
    """
    reading.require(Scope.CONVERSATIONS_READ)
    check_window(offset, limit)
    if status is not None and status not in STATUSES:
        raise Invalid.at("status", f"must be {', '.join(STATUSES)}")
    exact = {
        Conversation.status: status,
        Conversation.assignee_id: assignee_id,
        Conversation.team_id: team_id,
        Conversation.visitor_id: visitor_id,
        Conversation.customer_id: customer_id,
    }
    wanted = [col(column) == value for column, value in exact.items() if value is not None]
    if unassigned is not None:
        nobody = col(Conversation.assignee_id).is_(None)
        wanted.append(nobody if unassigned else ~nobody)
    if tag is not None:
        wanted.append(_tagged(check_text(tag, "tag", longest=MAX_SEARCH)))
    if search is not None and search.strip():
        wanted.append(messages_matching(reading, search))
    which = and_(*wanted) if wanted else col(Conversation.id).is_not(None)
    counted = select(func.count()).select_from(Conversation).where(which)
    latest = select(Conversation).where(which).order_by(col(Conversation.active_at).desc(), col(Conversation.id).desc())
    rows = (await reading.session.execute(latest.offset(offset).limit(limit))).scalars()
    return list(rows), (await reading.session.execute(counted)).scalar_one()


def messages_matching(reading: Reading, search: str) -> ColumnElement[bool]:
    """The condition on a conversation that something in it matches ``search``. Raises :class:`Invalid` at ``search``.

    For the graph's planner, which binds its values later, there is :func:`app.core.fulltext.conversations_with`.
    """
    on_postgres = is_postgres(reading.session)
    query = search_query(check_text(search, "search", longest=MAX_SEARCH), on_postgres=on_postgres)
    if query is None:
        return false()
    bound = literal(query, String())
    return col(Conversation.id).in_(conversations_with(bound, reading.tenant_id, on_postgres=on_postgres))


def _tagged(name: str) -> ColumnElement[bool]:
    return col(Conversation.id).in_(
        select(col(ConversationTag.conversation_id)).where(col(ConversationTag.name) == name)
    )
