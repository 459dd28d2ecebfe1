"""The tags of conversations, read for many at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.core.access import Scope
from app.core.tx import Reading
from models import ConversationTag


async def tags_of(reading: Reading, *, conversation_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The tags of each conversation, in alphabetical order; one without tags has an empty list."""
    reading.require(Scope.CONVERSATIONS_READ)
    found: dict[UUID, list[str]] = {key: [] for key in conversation_ids}
    statement = (
        select(col(ConversationTag.conversation_id), col(ConversationTag.name))
        .where(col(ConversationTag.conversation_id).in_(conversation_ids))
        .order_by(col(ConversationTag.name))
    )
    for key, name in await reading.session.execute(statement):
        found[key].append(name)
    return found
