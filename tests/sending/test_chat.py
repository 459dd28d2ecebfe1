"""Messages into the chat: in the visitor's conversation once, in the commit that notes the delivery as sent."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations.store import ConversationReader
from app.actions.deliveries import release_lost
from app.core import clock
from app.core.access import system
from app.core.ids import new_id
from app.runtime import Runtime
from models import Content, Delivery, Message
from tests.actions.talking import Office, Visiting
from tests.sending.mailing import Mailing, at
from tests.tenants import TenantAccount

CONTENT = {"channel": "in_app", "subject": "A question", "body": "Hello {{ customer.name }}, how was it?"}
TEXT = "Hello anna0, how was it?"


class Chat:
    """A campaign into the chat of one customer, who sits before a widget."""

    def __init__(self, mailing: Mailing, visitor: Visiting, customer_id: UUID) -> None:
        self.mailing, self.visitor, self.customer_id = mailing, visitor, customer_id

    async def send(self, **delivery: Any) -> UUID:
        [id] = await self.mailing.queue([self.customer_id], channel="in_app", **delivery)
        return id

    async def delivery(self, id: UUID) -> Delivery:
        return next(row for row in await self.mailing.deliveries() if row.id == id)

    async def sees(self) -> list[tuple[str, str, str]]:
        """Of the visitor's conversations the subject, and of each message who says what."""
        async with self.visitor.units.read(self.visitor.principal) as reading:
            mine = (await reading.session.execute(ConversationReader(reading).mine())).scalars().all()
        said = []
        for conversation in sorted(mine, key=lambda one: one.id):
            wanted = select(Message).where(col(Message.conversation_id) == conversation.id).order_by(col(Message.id))
            for message in await self.mailing.rows(wanted):
                said.append((conversation.subject, message.sender_kind, message.text))
        return said

    async def heard(self) -> list[str]:
        return [kind for kind, _ in await self.visitor.topic()]


@pytest.fixture
async def chat(runtime: Runtime, tenant: TenantAccount) -> Chat:
    mailing = await Mailing(runtime.units, tenant.id).begin(content=CONTENT, channels=["in_app"])
    [customer_id] = await mailing.people_with_addresses(1)
    office = await Office(runtime.units, tenant.principal).open()
    visitor = await office.visitor("Anna", customer_id=customer_id, proven_id="anna")
    return Chat(mailing, visitor, customer_id)


async def test_a_message_arrives_in_the_visitors_conversation_once(chat: Chat) -> None:
    id = await chat.send()
    assert await chat.mailing.settled() == {"sent": 1}
    assert await chat.mailing.completed() == ("completed", "completed")
    assert await chat.sees() == [("A question", "agent", TEXT)]
    assert "message.created" in await chat.heard()
    delivery = await chat.delivery(id)
    assert at(delivery.sent_at)
    assert (delivery.recipient, delivery.provider_message_id, delivery.error) == ("", None, None)
    assert await chat.mailing.counts(chat.mailing.campaign_id) == {"attempted": 1, "sent": 1}
    assert await chat.mailing.told() == {"delivery.sent": 1}


@pytest.mark.parametrize("state", ["claimed", "sending"])
async def test_after_a_worker_was_lost_it_is_said_once_all_the_same(chat: Chat, state: str, runtime: Runtime) -> None:
    """The worker died before it wrote anything, or after: what is said and what is noted are one commit."""
    id = await chat.send(due_at=clock.now().replace(year=9000))
    lost = {"state": state, "lease_token": new_id(), "lease_until": clock.now()}
    reason = {"reason": "idempotent"} if state == "sending" else {}
    for _ in range(2):
        await chat.mailing.change(Delivery, col(Delivery.id) == id, **lost, **reason)
        async with runtime.units.write(system(chat.mailing.tenant_id)) as tx:
            assert (await release_lost(tx)).queued == 1
        assert await chat.mailing.settled() == {"sent": 1}
    assert await chat.sees() == [("A question", "agent", TEXT)]
    assert (await chat.heard()).count("message.created") == 1


async def test_what_the_chat_refuses_has_failed_and_nothing_was_said(chat: Chat) -> None:
    await chat.mailing.change(Content, col(Content.id) == chat.mailing.content_id, body="x" * 20_000)
    id = await chat.send()
    assert await chat.mailing.settled() == {"failed": 1}
    delivery = await chat.delivery(id)
    assert (delivery.reason, delivery.sent_at) == ("rejected", None)
    assert "text" in (delivery.error or "")
    assert await chat.sees() == []
    assert await chat.mailing.told() == {"delivery.failed": 1}
