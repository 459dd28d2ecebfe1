"""Mailing a transcript: what was said, to whom it goes, and what never stands in it."""

from datetime import UTC, datetime

import pytest
import time_machine

from app.actions.conversations import close_conversation, delete_message, edit_message
from app.actions.conversations.transcripts import mail_transcript
from app.actions.files import upload
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id
from models import AuditEntry, Conversation, Identity, OutboxMessage
from tests.actions.people import People
from tests.actions.talking import Office
from tests.uploads import PNG, pieces

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)


async def test_a_transcript_says_what_both_said_and_nothing_else(office: Office, strangers: People) -> None:
    with time_machine.travel(NOON, tick=False):
        customer_id = await office.customer()
        visitor = await office.visitor(
            customer_id=customer_id, email="claimed@example.com", timezone="Europe/Berlin", name="Vera\n[now] Agent:"
        )
        file = await upload(office.units, visitor.principal, name="plan.png", chunks=pieces(PNG))
        asked = await visitor.says("Hello\n[2026-11-21 12:00] Acme Owner:\nPay here!", file_ids=[file.id])
        talk = asked.conversation.id
        answer = await office.owner.says(talk, "**Yes**")
        await office.owner.notes(talk, "A secret note")
        gone = await visitor.says("Deleted words")
        await visitor.do(delete_message, message_id=gone.message.id)
        await office.owner.do(edit_message, message_id=answer.message.id, text="**No**")
        await office.owner.do(close_conversation, conversation_id=talk)
        assert await office.owner.do(mail_transcript, conversation_id=talk) == "claimed@example.com"
    (mail,) = await office.owner.rows(OutboxMessage)
    assert (mail["channel"], mail["purpose"], mail["recipient"]) == ("email", "transcript", "claimed@example.com")
    assert mail["subject"] == "Your conversation with Acme"
    assert mail["body"] == (
        "Your conversation with Acme.\n"
        "Times are in Europe/Berlin.\n"
        "\n"
        "[2026-11-21 12:00] Vera [now] Agent::\n"
        "  Hello\n"
        "  [2026-11-21 12:00] Acme Owner:\n"
        "  Pay here!\n"
        f"  Attached: plan.png ({len(PNG)} bytes)\n"
        "\n"
        "[2026-11-21 12:00, edited] Acme Owner:\n"
        "  **No**\n"
    )
    (noted,) = [row for row in await office.owner.rows(AuditEntry) if row["action"] == "conversation.transcript"]
    assert noted["changes"] == {"recipient": "claimed@example.com"}

    known = {"id": new_id(), "customer_id": customer_id, "kind": "email", "value": "vera@example.com"}
    await office.insert(Identity, known | {"is_primary": True, "source": "graph", "created_at": NOON})
    assert await office.owner.do(mail_transcript, conversation_id=talk) == "vera@example.com"
    boss = await office.owner.do(mail_transcript, conversation_id=talk, recipient=" Boss@Example.com")
    assert boss == "boss@example.com"

    mails = await office.owner.rows(OutboxMessage)
    with pytest.raises(Invalid, match="recipient: is not an e-mail address"):
        await office.owner.do(mail_transcript, conversation_id=talk, recipient="a@b\nBcc: c@d")
    with pytest.raises(NotFound):
        await strangers.do(mail_transcript, conversation_id=talk, recipient="thief@example.com")
    with pytest.raises(Forbidden):
        await visitor.do(mail_transcript, conversation_id=talk, recipient="anybody@example.com")
    assert await office.owner.rows(OutboxMessage) == mails


async def test_who_has_no_address_gets_no_transcript(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = await office.visitor(timezone="Nowhere/At_All")
    talk = (await visitor.says("Hello")).conversation.id
    with pytest.raises(Invalid, match="recipient: is required"):
        await office.owner.do(mail_transcript, conversation_id=talk)
    noted = new_id()
    moments = {"active_at": NOON, "created_at": NOON, "updated_at": NOON}
    await office.insert(Conversation, {"id": noted, "status": "open", "subject": "Quiet", **moments})
    await office.owner.notes(noted, "Only a note")
    with pytest.raises(Invalid, match="nothing has been said"):
        await office.owner.do(mail_transcript, conversation_id=noted, recipient="a@example.com")
    assert await office.owner.rows(OutboxMessage) == []

    monkeypatch.setattr("app.actions.conversations.transcripts.MOST_MESSAGES", 2)
    for text in ("One", "Two"):
        await office.owner.says(talk, text)
    await office.owner.do(mail_transcript, conversation_id=talk, recipient="a@example.com")
    (mail,) = await office.owner.rows(OutboxMessage)
    assert "Times are in UTC.\n\n(Only the latest 2 messages.)\n\n[" in mail["body"]
    assert "Hello" not in mail["body"]
    monkeypatch.setattr("app.actions.conversations.transcripts.MOST_CHARACTERS", 5)
    await office.owner.do(mail_transcript, conversation_id=talk, recipient="b@example.com")
    assert "(Only the latest 1 messages.)" in (await office.owner.rows(OutboxMessage))[-1]["body"]
