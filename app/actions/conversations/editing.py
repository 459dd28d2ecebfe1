"""Editing and deleting what was said. What it said before is kept in its revisions, for agents."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from app.actions.conversations.figures import Figures
from app.actions.conversations.rules import checked_message, keep_pace
from app.actions.conversations.store import AGENT, NOTE, TEXT, VISITOR, ConversationStore, calling_visitor, speaking
from app.actions.conversations.telling import tell
from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden
from app.core.fulltext import searchable
from app.core.ids import new_id
from app.core.markup import to_html
from app.core.tx import Tx
from models import Conversation, File, Message, MessageFile, MessageRevision

STRONG = (Role.OWNER, Role.ADMIN)
EDITED, DELETED = "edited", "deleted"


async def edit_message(tx: Tx, *, message_id: UUID, text: str) -> Message:
    """Makes a message say something else: an agent theirs (owners and admins any agent's), a visitor theirs. The same
    text changes nothing.

    Raises :class:`NotFound`, :class:`Invalid`, :class:`Forbidden` for somebody else's, :class:`Conflict` for a
    deleted one, and :class:`RateLimited` for visitors.
    """
    tx.require(speaking(tx.principal))
    if tx.principal.kind == VISITOR:
        await keep_pace(tx.services.limiter, tx.tenant_id, calling_visitor(tx.principal))
    store = ConversationStore(tx)
    conversation, message = await store.lock_message(message_id)
    _check_theirs(tx.principal, message)
    if message.deleted_at is not None:
        raise Conflict("The message was deleted.", "message_id")
    checked = checked_message(text, with_files=not text and await _has_files(tx, message))
    if checked == message.text:
        return message
    await _keep(tx, message, EDITED)
    message.text, message.html = checked, to_html(checked)
    message.words = searchable(checked, *_subject(conversation, message))
    message.edited_at = conversation.updated_at = tx.now
    await store.save()
    if message.kind == TEXT:
        await Figures(tx.session, conversation).find_last()
    await tell(tx, conversation, "message.edited", message=message, public=message.kind == TEXT)
    return message


async def delete_message(tx: Tx, *, message_id: UUID) -> Message:
    """Takes back a message, and its files for good. Its place in the conversation stays. Once more changes nothing.

    Raises :class:`NotFound`, or :class:`Forbidden` for somebody else's.
    """
    tx.require(speaking(tx.principal))
    store = ConversationStore(tx)
    conversation, message = await store.lock_message(message_id)
    _check_theirs(tx.principal, message)
    if message.deleted_at is not None:
        return message
    await _keep(tx, message, DELETED)
    message.text = message.html = ""
    message.words = searchable(*_subject(conversation, message))
    message.deleted_at = conversation.updated_at = tx.now
    await _drop_files(tx, message)
    await store.save()
    if message.kind == TEXT:
        await Figures(tx.session, conversation).count_out(message)
    await tell(tx, conversation, "message.deleted", message=message, public=message.kind == TEXT)
    return message


def _check_theirs(principal: Principal, message: Message) -> None:
    """A visitor's conversation has no visitor in it but themselves, whichever browser they said it in."""
    if principal.kind == VISITOR:
        may = message.sender_kind == VISITOR
    else:
        author = principal.id if principal.kind == "member" else None
        may = message.sender_kind == AGENT and (principal.role in STRONG or message.sender_id == author)
    if not may or message.kind not in (TEXT, NOTE):
        raise Forbidden("Only who wrote a message can change it.")


def _subject(conversation: Conversation, message: Message) -> tuple[str, ...]:
    """The first message is found by the subject as well."""
    return (conversation.subject,) if message.seq == 1 else ()


async def _keep(tx: Tx, message: Message, action: str) -> None:
    row = {
        "id": new_id(),
        "message_id": message.id,
        "action": action,
        "text": message.text,
        "changed_by_kind": tx.principal.kind,
        "changed_by_id": tx.principal.id,
        "changed_at": tx.now,
    }
    await tx.insert(MessageRevision, [row])


async def _has_files(tx: Tx, message: Message) -> bool:
    carried = select(col(MessageFile.file_id)).where(col(MessageFile.message_id) == message.id).limit(1)
    return (await tx.session.execute(carried)).scalar_one_or_none() is not None


async def _drop_files(tx: Tx, message: Message) -> None:
    """Takes the files from the message. Nothing carries them then, so the sweep removes their bytes."""
    of_message = col(MessageFile.message_id) == message.id
    options = {"synchronize_session": False}
    carried = col(File.id).in_(select(col(MessageFile.file_id)).where(of_message))
    await tx.session.execute(update(File).where(carried).values(attached_at=None), execution_options=options)
    await tx.session.execute(delete(MessageFile).where(of_message), execution_options=options)
