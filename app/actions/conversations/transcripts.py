"""Transcripts: what was said in a conversation, as a mail for those who said it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlmodel import col

from app.actions.conversations.store import TEXT, ConversationReader
from app.channels.outbox import Mail, post
from app.core.access import Scope
from app.core.contact import normalise_email
from app.core.errors import Invalid
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from models import Conversation, Customer, File, Identity, Message, MessageFile, Tenant, Visitor

MOST_MESSAGES = 1000
MOST_CHARACTERS = 500_000
"""The latest messages are mailed, within these bounds; the mail says so when its beginning is left out."""
UNITS = ("bytes", "KB", "MB")


async def mail_transcript(tx: Tx, *, conversation_id: UUID, recipient: str | None = None) -> str:
    """Mails what visitor and agents said to each other, and returns the address that it goes to.

    Without ``recipient`` it goes to the customer's address, else to the one that the visitor gave. Notes, lines of the
    system and deleted messages are not in it, and of files only the names. Raises :class:`NotFound`, and
    :class:`Invalid` at ``recipient`` for a wrong address, or where none is known.
    """
    tx.require(Scope.CONVERSATIONS_WRITE)
    conversation = await ConversationReader(tx).get(conversation_id)
    visitor = await _visitor(tx, conversation)
    given = recipient if recipient is not None else await _known_address(tx, conversation, visitor)
    if not given:
        raise Invalid.at("recipient", "is required: no e-mail address is known")
    address = normalise_email(given, "recipient")
    company = (await tx.session.execute(select(col(Tenant.name)).where(col(Tenant.id) == tx.tenant_id))).scalar_one()
    said = await _messages(tx, conversation_id)
    messages = _latest(said)
    if not messages:
        raise Invalid.at("conversation_id", "nothing has been said in it")
    written = _Transcript(_zone(visitor), await _files(tx, [message.id for message in messages]))
    mail = Mail(
        "transcript",
        address,
        _one_line(f"Your conversation with {company}" + (f": {conversation.subject}" if conversation.subject else "")),
        written.body(_one_line(company), messages, cut=len(messages) < len(said)),
    )
    await post(tx, mail)
    tx.audit("conversation.transcript", public_id("conversation", conversation.id), {"recipient": address})
    return address


async def _visitor(reading: Reading, conversation: Conversation) -> Visitor | None:
    found = select(Visitor).where(col(Visitor.id) == conversation.visitor_id)
    return (await reading.session.execute(found)).scalar_one_or_none()


async def _known_address(reading: Reading, conversation: Conversation, visitor: Visitor | None) -> str | None:
    same = and_(col(Customer.tenant_id) == col(Identity.tenant_id), col(Customer.id) == col(Identity.customer_id))
    primary = (
        select(col(Identity.value))
        .join(Customer, same)
        .where(
            col(Customer.id) == conversation.customer_id,
            col(Customer.status) == "active",
            col(Identity.kind) == "email",
            col(Identity.is_primary),
        )
    )
    of_customer: str | None = (await reading.session.execute(primary)).scalar_one_or_none()
    return of_customer or (visitor.email if visitor else None)


async def _messages(reading: Reading, conversation_id: UUID) -> list[Message]:
    """What was said, oldest first: the latest thousand, and one more where there is more."""
    latest = (
        select(Message)
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.kind) == TEXT,
            col(Message.deleted_at).is_(None),
        )
        .order_by(col(Message.seq).desc())
        .limit(MOST_MESSAGES + 1)
    )
    return list(reversed((await reading.session.execute(latest)).scalars().all()))


def _latest(said: Sequence[Message]) -> Sequence[Message]:
    """As much of the end as a mail should have."""
    room = MOST_CHARACTERS
    for kept, message in enumerate(reversed(said)):
        room -= len(message.text)
        if room < 0 or kept == MOST_MESSAGES:
            return said[len(said) - kept :]
    return said


async def _files(reading: Reading, message_ids: Sequence[UUID]) -> dict[UUID, list[File]]:
    same = and_(col(File.tenant_id) == col(MessageFile.tenant_id), col(File.id) == col(MessageFile.file_id))
    carried = (
        select(col(MessageFile.message_id), File)
        .join(File, same)
        .where(col(MessageFile.message_id).in_(message_ids))
        .order_by(col(MessageFile.place))
    )
    files: dict[UUID, list[File]] = defaultdict(list)
    for message_id, file in await reading.session.execute(carried):
        files[message_id].append(file)
    return files


def _zone(visitor: Visitor | None) -> ZoneInfo:
    try:
        return ZoneInfo(visitor.timezone if visitor and visitor.timezone else "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


class _Transcript:
    """The text of the mail. What people wrote is indented, so that none of it can pass for a line of another sender."""

    def __init__(self, zone: tzinfo, files: Mapping[UUID, Sequence[File]]) -> None:
        self._zone = zone
        self._files = files

    def body(self, company: str, messages: Sequence[Message], *, cut: bool) -> str:
        lines = [f"Your conversation with {company}.", f"Times are in {self._zone}.", ""]
        if cut:
            lines += [f"(Only the latest {len(messages)} messages.)", ""]
        for message in messages:
            lines += [*self._said(message, company), ""]
        return "\n".join(lines)

    def _said(self, message: Message, company: str) -> list[str]:
        unnamed = "Visitor" if message.sender_kind == "visitor" else company
        name = _one_line(message.sender_name) or unnamed
        edited = ", edited" if message.edited_at else ""
        said = [f"[{self._moment(message.created_at)}{edited}] {name}:"]
        said += [f"  {line}" for line in message.text.splitlines()]
        return said + [f"  Attached: {file.name} ({_size(file.size)})" for file in self._files.get(message.id, ())]

    def _moment(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _size(size: float) -> str:
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} {UNITS[-1]}"
