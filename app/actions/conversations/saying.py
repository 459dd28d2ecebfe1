"""Saying something: beginning a conversation, answering, noting, and what a visitor says.

Who sends a message again under the same ``client_id`` gets the first one back: it is said once, and told once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlmodel import col

from app.actions.conversations.addressing import addressee
from app.actions.conversations.assigning import Assignments
from app.actions.conversations.figures import Figures
from app.actions.conversations.queueing import Queue
from app.actions.conversations.rules import checked_client_id, checked_message, checked_page, checked_subject, keep_pace
from app.actions.conversations.statuses import Statuses
from app.actions.conversations.store import (
    AGENT,
    CLOSED,
    NOTE,
    TEXT,
    VISITOR,
    ConversationStore,
    Sender,
    calling_visitor,
)
from app.actions.conversations.telling import tell
from app.actions.conversations.visibility import theirs
from app.actions.files import attach
from app.core.access import Scope
from app.core.errors import Conflict
from app.core.locks import lock_names
from app.core.tx import Tx
from models import Conversation, Message, MessageRevision, Visitor, Widget


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its conversation. ``repeated``: it had been said before, and nobody was told again."""

    message: Message
    conversation: Conversation
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Saying:
    """What somebody wants to say, checked."""

    kind: str
    text: str
    file_ids: tuple[UUID, ...]
    client_id: str | None
    page_url: str | None = None


async def start_conversation(
    tx: Tx,
    *,
    customer_id: UUID | None = None,
    visitor_id: UUID | None = None,
    text: str,
    subject: str = "",
    client_id: str | None = None,
    file_ids: Sequence[UUID] = (),
) -> Said:
    """An agent writes first: to a visitor, or to a customer, whose visitors see it if one proven person is behind them.

    Raises :class:`NotFound`, :class:`Invalid`, and :class:`Conflict` when the visitor is not this customer's, or when
    several proven persons are behind the customer and no visitor is given.
    """
    tx.require(Scope.CONVERSATIONS_WRITE)
    saying = _saying(TEXT, text, file_ids, client_id)
    about = checked_subject(subject)
    store = ConversationStore(tx)
    sender = await store.sender()
    if client_id is not None:
        await lock_names(tx.session, tx.tenant_id, [client_id], kind="conversation")
    to = await addressee(tx.session, store, customer_id, visitor_id)
    begun = await _begun_with(tx, saying, to.conversations)
    if begun is not None:
        return begun
    conversation = await store.begin(subject=about, **to.values)
    await tell(tx, conversation, "conversation.created")
    message = await _write(tx, store, conversation, sender, saying)
    await Assignments(tx, store).take(conversation, sender.id)
    return Said(message, conversation)


async def send_message(
    tx: Tx, *, conversation_id: UUID, text: str, file_ids: Sequence[UUID] = (), client_id: str | None = None
) -> Said:
    """An agent answers; a closed conversation is open again. ``text`` is Markdown of 1 to 10,000 characters, or empty
    with files. Raises :class:`NotFound`, :class:`Invalid`, or :class:`Conflict` for a ``client_id`` of another text."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    return await _say_as_agent(tx, conversation_id, _saying(TEXT, text, file_ids, client_id))


async def add_note(
    tx: Tx, *, conversation_id: UUID, text: str, file_ids: Sequence[UUID] = (), client_id: str | None = None
) -> Said:
    """An agent writes something that only agents see. Raises as :func:`send_message` does."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    return await _say_as_agent(tx, conversation_id, _saying(NOTE, text, file_ids, client_id))


async def visitor_says(
    tx: Tx,
    *,
    conversation_id: UUID | None = None,
    text: str,
    file_ids: Sequence[UUID] = (),
    client_id: str | None = None,
    page_url: str | None = None,
) -> Said:
    """The calling visitor says something: in a conversation of theirs, else in their latest that is not closed, else in
    a new one, which is routed. What was closed, pending or snoozed is open again.

    Raises :class:`RateLimited`, :class:`NotFound`, :class:`Invalid`, or :class:`Conflict` for a ``client_id`` of
    another text.
    """
    tx.require(Scope.VISITOR)
    visitor_id = calling_visitor(tx.principal)
    saying = _saying(TEXT, text, file_ids, client_id, page_url)
    await keep_pace(tx.services.limiter, tx.tenant_id, visitor_id)
    store = ConversationStore(tx)
    visitor = await store.lock_visitor(visitor_id)
    if conversation_id is None and visitor.proven_id is not None:
        # Two browsers of one person begin one conversation.
        await lock_names(tx.session, tx.tenant_id, [visitor.proven_id], kind="proven")
    sender = Sender(VISITOR, visitor.id, visitor.name)
    if conversation_id is not None:
        conversation: Conversation | None = await store.lock(conversation_id)
    else:
        begun = await _begun_with(tx, saying, theirs(tx.tenant_id, visitor_id), VISITOR)
        if begun is not None:
            return begun
        conversation = await _latest(store)
    is_new = conversation is None
    if conversation is None:
        conversation = await _begin_for(tx, store, visitor)
    is_alone = conversation_id is None and conversation.proven_id is None
    repeated = None if is_new or is_alone else await _said_before(tx, conversation, sender, saying)
    if repeated is not None:
        return Said(repeated, conversation, repeated=True)
    await Statuses(tx, store).reopen(conversation)
    message = await _write(tx, store, conversation, sender, saying)
    await Queue(tx, store).attend(conversation)
    return Said(message, conversation)


async def _say_as_agent(tx: Tx, conversation_id: UUID, saying: _Saying) -> Said:
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    sender = await store.sender()
    repeated = await _said_before(tx, conversation, sender, saying)
    if repeated is not None:
        return Said(repeated, conversation, repeated=True)
    if saying.kind == TEXT:
        await Assignments(tx, store).take(conversation, sender.id)
    if saying.kind == TEXT and conversation.status == CLOSED:
        await Statuses(tx, store).reopen(conversation)
    return Said(await _write(tx, store, conversation, sender, saying), conversation)


async def _latest(store: ConversationStore) -> Conversation | None:
    """The visitor's conversation in which they said or heard something last, unless all are closed."""
    latest = store.mine().where(col(Conversation.status) != CLOSED).order_by(col(Conversation.active_at).desc())
    return await store.lock_first(latest.limit(1))


async def _begin_for(tx: Tx, store: ConversationStore, visitor: Visitor) -> Conversation:
    widget = (await tx.session.execute(select(Widget).where(col(Widget.id) == visitor.widget_id))).scalar_one()
    conversation = await store.begin(
        widget_id=widget.id,
        visitor_id=visitor.id,
        customer_id=visitor.customer_id,
        proven_id=visitor.proven_id,
        team_id=widget.team_id,
        locale=visitor.locale,
    )
    await tell(tx, conversation, "conversation.created")
    return conversation


async def _write(
    tx: Tx, store: ConversationStore, conversation: Conversation, sender: Sender, saying: _Saying
) -> Message:
    """Writes the message into a locked conversation, keeps its figures, and tells."""
    data = None if saying.page_url is None else {"page_url": saying.page_url}
    message = await store.append(conversation, saying.kind, sender, saying.text, data=data, client_id=saying.client_id)
    files = await attach(tx, message_id=message.id, file_ids=saying.file_ids)
    conversation.active_at = conversation.updated_at = message.created_at
    if saying.kind == TEXT:
        await Figures(tx.session, conversation).count_in(message, files[0].name if files else "")
    await store.save()
    await tell(tx, conversation, "message.created", message=message, public=saying.kind == TEXT)
    return message


async def _begun_with(tx: Tx, saying: _Saying, where: ColumnElement[bool], sender_kind: str = AGENT) -> Said | None:
    """What was said under this ``client_id`` before, in whichever of the conversations that ``where`` selects."""
    if saying.client_id is None:
        return None
    same = and_(
        col(Conversation.tenant_id) == col(Message.tenant_id), col(Conversation.id) == col(Message.conversation_id)
    )
    of_client = select(Message, Conversation).join(Conversation, same)
    mine = (col(Message.client_id) == saying.client_id) & (col(Message.sender_kind) == sender_kind)
    found = (await tx.session.execute(of_client.where(where, mine).order_by(col(Message.id)).limit(1))).one_or_none()
    if found is None:
        return None
    message, conversation = found
    await _check_same(tx, message, saying)
    return Said(message, conversation, repeated=True)


async def _said_before(tx: Tx, conversation: Conversation, sender: Sender, saying: _Saying) -> Message | None:
    """The message of this side with the same ``client_id``. Raises :class:`Conflict` if it said something else."""
    if saying.client_id is None:
        return None
    statement = select(Message).where(
        col(Message.conversation_id) == conversation.id,
        col(Message.sender_kind) == sender.kind,
        col(Message.client_id) == saying.client_id,
    )
    found: Message | None = (await tx.session.execute(statement)).scalar_one_or_none()
    if found is not None:
        await _check_same(tx, found, saying)
    return found


async def _check_same(tx: Tx, message: Message, saying: _Saying) -> None:
    """It counts what the message said at first, whatever became of it since."""
    first = (
        select(col(MessageRevision.text))
        .where(col(MessageRevision.message_id) == message.id)
        .order_by(col(MessageRevision.changed_at), col(MessageRevision.id))
        .limit(1)
    )
    original = (await tx.session.execute(first)).scalar_one_or_none()
    said = message.text if original is None else original
    if (message.kind, said) != (saying.kind, saying.text):
        raise Conflict("Something else was said under this client id.", "client_id")


def _saying(
    kind: str, text: str, file_ids: Sequence[UUID], client_id: str | None, page_url: str | None = None
) -> _Saying:
    checked = checked_message(text, with_files=bool(file_ids))
    return _Saying(kind, checked, tuple(file_ids), checked_client_id(client_id), checked_page(page_url))
