"""Conversations: what is said is said once, kept exactly, and told to those alone who may know."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.actions.conversations import (
    add_note,
    close_conversation,
    delete_message,
    edit_message,
    get_conversation,
    list_messages,
    mark_read,
    mark_visitor_read,
    rate_conversation,
    send_message,
    start_conversation,
    update_conversation,
    update_conversations,
    visitor_says,
    wake_conversation,
)
from app.core import clock
from app.core.access import Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from app.core.ids import new_id
from models import (
    Identity,
)
from tests.actions.talking import Agents, Office, Visiting, everything, heard, refused
from tests.tenants import TenantAccount

CREATED = "conversation.created"
SAID = "message.created"
ASSIGNED = "conversation.assigned"


async def test_a_visitor_asks_and_an_agent_answers(office: Office) -> None:
    customer_id = await office.customer()
    visitor = await office.visitor(customer_id=customer_id, locale="de")
    asked = await visitor.says("**Hello**, is anybody\nthere?", page_url="https://shop.example/cart")
    conversation = asked.conversation
    assert (conversation.widget_id, conversation.visitor_id) == (office.widget_id, visitor.id)
    assert (conversation.customer_id, conversation.locale) == (customer_id, "de")
    message = asked.message
    assert (message.seq, message.kind, message.sender_kind, message.sender_name) == (1, "text", "visitor", "Vera")
    assert message.html == "<p><strong>Hello</strong>, is anybody<br>\nthere?</p>"
    assert message.data == {"page_url": "https://shop.example/cart"}
    assert conversation.waiting_since == message.created_at
    assert (await visitor.says("Hm?")).conversation.waiting_since == message.created_at

    answered = (await office.owner.says(conversation.id, "Yes!")).message
    noted = (await office.owner.notes(conversation.id, "A new one")).message
    assert (answered.seq, answered.sender_id) == (3, office.owner.principal.id)
    assert (answered.sender_name, noted.seq, noted.kind) == ("Acme Owner", 4, "note")
    now = await office.owner.conversation(conversation.id)
    assert (now.head, now.last_text, now.last_sender_kind) == (4, "Yes!", "agent")
    assert (now.last_message_at, now.active_at) == (answered.created_at, noted.created_at)
    assert (now.agents_unread, now.visitor_unread) == (2, 1)
    assert (now.waiting_since, now.first_reply_at) == (None, answered.created_at)

    public = [(CREATED, None), (SAID, 1), (SAID, 2), (ASSIGNED, None), (SAID, 3)]
    assert [(kind, data.get("seq")) for kind, data in await visitor.topic()] == public
    everywhere = [*public, (SAID, 4)]
    for topic in ("inbox", f"conversation:{conversation.id.hex}"):
        assert [(kind, data.get("seq")) for kind, data in await heard(office.owner, topic)] == everywhere
    assert (await visitor.topic())[1][1] == {"message": message.id.hex, "seq": 1}


async def test_what_is_sent_again_is_said_once(office: Office) -> None:
    visitor = await office.visitor()
    first = await visitor.says("Hi", client_id="c1")
    conversation_id = first.conversation.id
    reply = await office.owner.says(conversation_id, "Hello", client_id="c1")
    note = await office.owner.notes(conversation_id, "Hello", client_id="c2")
    assert (first.repeated, reply.repeated, note.repeated) == (False, False, False)
    said = await everything(office.owner)

    again = await visitor.says("Hi", client_id="c1")
    assert (again.repeated, again.message.id, again.conversation.id) == (True, first.message.id, conversation_id)
    assert (await visitor.says("Hi", client_id="c1", conversation_id=conversation_id)).repeated
    assert (await office.owner.says(conversation_id, "Hello", client_id="c1")).message.id == reply.message.id
    assert (await office.owner.notes(conversation_id, "Hello", client_id="c2")).message.id == note.message.id
    await refused(visitor.says("Ho", client_id="c1"), Conflict, "client_id")
    await refused(office.owner.says(conversation_id, "Hello", client_id="c2"), Conflict, "client_id")
    await refused(office.owner.notes(conversation_id, "Hello", client_id="c1"), Conflict, "client_id")
    assert await everything(office.owner) == said

    await visitor.do(edit_message, message_id=first.message.id, text="Hi!")
    await office.owner.do(delete_message, message_id=reply.message.id)
    await office.owner.do(close_conversation, conversation_id=conversation_id)
    assert (await visitor.says("Hi", client_id="c1")).message.id == first.message.id
    assert (await office.owner.says(conversation_id, "Hello", client_id="c1")).message.id == reply.message.id
    await refused(visitor.says("Hi!", client_id="c1"), Conflict, "client_id")
    assert (await office.owner.conversation(conversation_id)).status == "closed"


async def test_a_new_conversation_begins_when_all_others_are_closed(office: Office) -> None:
    visitor = await office.visitor()
    first = (await visitor.says("One")).conversation.id
    assert (await visitor.says("Two")).conversation.id == first
    await office.owner.do(update_conversation, conversation_id=first, status="pending")
    assert (await visitor.says("Three")).conversation.id == first
    await office.owner.do(close_conversation, conversation_id=first)
    second = (await visitor.says("Four")).conversation.id
    assert second != first
    assert (await visitor.says("Five", conversation_id=first)).conversation.status == "open"
    assert (await visitor.says("Six")).conversation.id == first


async def test_an_agent_writes_first(office: Office, other_tenant: TenantAccount) -> None:
    owner = office.owner
    customer_id = await office.customer()
    seen = clock.now()
    visitor = await office.visitor(customer_id=customer_id, proven_id="u1", seen_at=seen)
    await office.visitor(customer_id=customer_id, proven_id="u1", seen_at=seen - timedelta(days=1))
    values = {"customer_id": customer_id, "text": "Welcome", "subject": " Your  order ", "client_id": "s1"}
    started = await owner.do(start_conversation, **values)
    conversation = started.conversation
    assert (conversation.visitor_id, conversation.proven_id) == (visitor.id, "u1")
    assert (conversation.subject, conversation.visitor_unread, conversation.head) == ("Your order", 1, 1)
    assert (conversation.waiting_since, conversation.first_reply_at) == (None, None)
    assert [kind for kind, _ in await visitor.topic()] == [CREATED, SAID, ASSIGNED]
    assert (await owner.do(start_conversation, **values)).message.id == started.message.id
    await refused(owner.do(start_conversation, **values | {"text": "Else"}), Conflict, "client_id")
    assert (await visitor.says("Thanks")).conversation.id == conversation.id
    replied = await owner.says(conversation.id, "Gladly")
    assert replied.conversation.first_reply_at == replied.message.created_at

    alone = await office.customer()
    to_nobody = (await owner.do(start_conversation, customer_id=alone, text="Hi")).conversation
    assert (to_nobody.visitor_id, to_nobody.proven_id, to_nobody.customer_id) == (None, None, alone)
    known = await office.customer()
    await office.insert(Identity, _external(known, "u7"))
    assert (await owner.do(start_conversation, customer_id=known, text="Hi")).conversation.proven_id == "u7"
    await office.insert(Identity, _external(known, "u8"))
    assert (await owner.do(start_conversation, customer_id=known, text="Hi")).conversation.proven_id is None

    await refused(owner.do(start_conversation, text="Hi"), Invalid, "customer_id")
    await refused(owner.do(start_conversation, customer_id=new_id(), text="Hi"), NotFound, "customer_id")
    await refused(owner.do(start_conversation, visitor_id=new_id(), text="Hi"), NotFound, "visitor_id")
    mixed = {"visitor_id": visitor.id, "customer_id": alone, "text": "Hi"}
    await refused(owner.do(start_conversation, **mixed), Conflict, "visitor_id")
    strangers = Agents(office.units, other_tenant.principal)
    await refused(strangers.do(start_conversation, visitor_id=visitor.id, text="Hi"), NotFound, "visitor_id")


async def test_nobody_is_written_to_whom_a_merge_may_have_mixed_up(office: Office) -> None:
    customer_id = await office.customer()
    one = await office.visitor(customer_id=customer_id, proven_id="u1")
    other = await office.visitor(customer_id=customer_id, proven_id="u2")
    before = await everything(office.owner)
    await refused(office.owner.do(start_conversation, customer_id=customer_id, text="Hi"), Conflict, "visitor_id")
    assert await everything(office.owner) == before
    await office.owner.do(start_conversation, customer_id=customer_id, visitor_id=one.id, text="Hi")
    assert [kind for kind, _ in await one.topic()] == [CREATED, SAID, ASSIGNED]
    assert await other.topic() == []


def _external(customer_id: Any, value: str) -> dict[str, Any]:
    row = {"id": new_id(), "customer_id": customer_id, "kind": "external_id", "value": value}
    return row | {"is_primary": False, "source": "test", "created_at": clock.now()}


async def test_what_cannot_be_said_leaves_no_trace(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    conversation_id = (await visitor.says("Hi")).conversation.id
    before = await everything(owner)
    for text in ("", "  \n", "a" * 10_001, "nul\x00", "\ud800"):
        await refused(visitor.says(text), Invalid, "text")
        await refused(owner.says(conversation_id, text), Invalid, "text")
        await refused(owner.notes(conversation_id, text), Invalid, "text")
    for client_id in ("", "a" * 65, "a b", "é"):
        await refused(visitor.says("x", client_id=client_id), Invalid, "client_id")
    await refused(visitor.says("x", file_ids=[new_id()]), NotFound, "file_ids")
    await refused(owner.says(new_id(), "x"), NotFound, "conversation_id")
    assert await everything(owner) == before
    assert (await visitor.says("a" * 10_000)).message.text == "a" * 10_000


async def test_a_visitor_reaches_nothing_of_others(office: Office, other_tenant: TenantAccount) -> None:
    customer_id = await office.customer()
    visitor = await office.visitor(customer_id=customer_id)
    said = await visitor.says("Mine")
    conversation_id, owner = said.conversation.id, office.owner
    note = (await owner.notes(conversation_id, "Secret")).message
    await owner.do(close_conversation, conversation_id=conversation_id)
    line = (await owner.messages(conversation_id))[-1]
    merged_into = await office.visitor(customer_id=customer_id, proven_id="u2")
    before = await everything(owner)
    for one in (await office.visitor(), merged_into, await office.visitor(proven_id="u1")):
        await _reaches_nothing(one, conversation_id, said.message.id)
    for message in (note, line):
        field = "message_id" if message is note else None
        kind = NotFound if message is note else Forbidden
        await refused(visitor.do(edit_message, message_id=message.id, text="x"), kind, field)
        await refused(visitor.do(delete_message, message_id=message.id), kind, field)
    strangers = Agents(office.units, other_tenant.principal)
    for attempt in (
        strangers.says(conversation_id, "x"),
        strangers.notes(conversation_id, "x"),
        strangers.conversation(conversation_id),
        strangers.read(list_messages, conversation_id=conversation_id, limit=1),
        strangers.do(mark_read, conversation_id=conversation_id, seq=1),
        strangers.do(update_conversation, conversation_id=conversation_id, priority="high"),
        strangers.do(close_conversation, conversation_id=conversation_id),
    ):
        await refused(attempt, NotFound, "conversation_id")
    await refused(strangers.do(delete_message, message_id=said.message.id), NotFound, "message_id")
    wanted = {"conversation_ids": [conversation_id], "priority": "high"}
    await refused(strangers.do(update_conversations, **wanted), NotFound, "conversation_ids")
    assert await everything(owner) == before


async def _reaches_nothing(one: Visiting, conversation_id: Any, message_id: Any) -> None:
    for attempt in (
        one.says("x", conversation_id=conversation_id),
        one.do(mark_visitor_read, conversation_id=conversation_id, seq=1),
        one.do(rate_conversation, conversation_id=conversation_id, score=1),
        one.do(close_conversation, conversation_id=conversation_id),
    ):
        await refused(attempt, NotFound, "conversation_id")
    await refused(one.do(edit_message, message_id=message_id, text="x"), NotFound, "message_id")
    await refused(one.do(delete_message, message_id=message_id), NotFound, "message_id")
    assert await one.topic() == []


async def test_each_side_has_its_own_verbs(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    conversation_id = (await visitor.says("Hi")).conversation.id
    before = await everything(owner)
    for action, values in (
        (send_message, {"conversation_id": conversation_id, "text": "x"}),
        (add_note, {"conversation_id": conversation_id, "text": "x"}),
        (start_conversation, {"visitor_id": visitor.id, "text": "x"}),
        (mark_read, {"conversation_id": conversation_id, "seq": 1}),
        (update_conversation, {"conversation_id": conversation_id, "priority": "low"}),
        (update_conversations, {"conversation_ids": [conversation_id], "priority": "low"}),
        (wake_conversation, {"conversation_id": conversation_id}),
    ):
        await refused(visitor.do(action, **values), Forbidden)
    await refused(visitor.read(get_conversation, conversation_id=conversation_id), Forbidden)
    for action, values in (
        (visitor_says, {"text": "x"}),
        (mark_visitor_read, {"conversation_id": conversation_id, "seq": 1}),
        (rate_conversation, {"conversation_id": conversation_id, "score": 5}),
    ):
        refusal = await refused(owner.do(action, **values), Forbidden)
        assert isinstance(refusal, Forbidden)
        assert refusal.scope == Scope.VISITOR
    assert await everything(owner) == before


async def test_one_proven_person_has_one_history_in_all_browsers(office: Office) -> None:
    phone = await office.visitor("Vera", proven_id="u1")
    laptop = await office.visitor("Vera L", proven_id="u1")
    other = await office.visitor(proven_id="u2")
    asked = await phone.says("From my phone")
    more = await laptop.says("From my laptop")
    assert more.conversation.id == asked.conversation.id
    await office.owner.says(asked.conversation.id, "Read it where you like")
    assert await phone.topic() == await laptop.topic()
    assert [kind for kind, _ in await phone.topic()] == [CREATED, SAID, SAID, ASSIGNED, SAID]
    assert await other.topic() == []
    await laptop.do(delete_message, message_id=asked.message.id)


async def test_a_visitor_keeps_a_pace(office: Office) -> None:
    visitor, other = await office.visitor(), await office.visitor()
    first = (await visitor.says("0")).message
    for number in range(1, 10):
        await visitor.says(f"{number}")
    before = await everything(office.owner)
    for attempt in (visitor.says("10"), visitor.do(edit_message, message_id=first.id, text="x")):
        refusal = await refused(attempt, RateLimited)
        assert isinstance(refusal, RateLimited)
        assert refusal.retry_after in (1, 2)
    assert await everything(office.owner) == before
    await other.says("I may")


async def test_an_api_key_speaks_under_its_name(office: Office) -> None:
    visitor = await office.visitor()
    conversation_id = (await visitor.says("Hi")).conversation.id
    key = replace(office.owner.principal, kind="api_key", id=new_id(), role=None, label="Helper bot (rp_abc123)")
    other_key = Agents(office.units, replace(key, id=new_id(), label="Other (rp_def)"))
    said = (await Agents(office.units, key).says(conversation_id, "I am a bot")).message
    assert (said.sender_kind, said.sender_id, said.sender_name) == ("agent", None, "Helper bot")
    now = await office.owner.conversation(conversation_id)
    assert (now.assignee_id, now.waiting_since) == (None, None)
    await other_key.do(edit_message, message_id=said.id, text="I am the bot")
    by_owner = (await office.owner.says(conversation_id, "And I am not")).message
    await refused(other_key.do(delete_message, message_id=by_owner.id), Forbidden)
