"""Conversations: what is said is said once, kept exactly, and told to those alone who may know."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

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
from app.core.access import Role, Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RapportError
from app.core.ids import new_id
from models import Conversation, ConversationTag, FeedEntry, Identity, Job, Message, MessageRevision
from tests.actions.people import People
from tests.actions.talking import Agents, Office, Visiting, heard
from tests.tenants import TenantAccount

CREATED = "conversation.created"
SAID = "message.created"
ASSIGNED = "conversation.assigned"


async def refused(attempt: Awaitable[Any], kind: type[RapportError], field: str | None = None) -> RapportError:
    """The refusal of an attempt."""
    with pytest.raises(kind) as caught:
        await attempt
    assert caught.value.field == field
    return caught.value


async def everything(people: People) -> dict[str, Any]:
    """What conversations leave behind, to compare."""
    tables = (Conversation, ConversationTag, Message, MessageRevision, FeedEntry, Job)
    return {table.__tablename__: await people.rows(table) for table in tables}


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


async def test_an_edit_and_a_deletion_leave_their_trace_with_the_agents(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    asked = (await visitor.says("Wher is it?")).message
    conversation_id = asked.conversation_id
    replied = (await owner.says(conversation_id, "Here")).message
    edited = await visitor.do(edit_message, message_id=asked.id, text="Where is *it*?")
    assert (edited.text, edited.html) == ("Where is *it*?", "<p>Where is <em>it</em>?</p>")
    assert edited.edited_at is not None
    await visitor.do(edit_message, message_id=asked.id, text="Where is *it*?")
    fixed = await owner.do(edit_message, message_id=replied.id, text="Over there")
    assert (await owner.conversation(conversation_id)).last_text == "Over there"
    gone = await owner.do(delete_message, message_id=replied.id)
    assert (gone.text, gone.html, gone.words, gone.seq) == ("", "", "", 2)
    assert gone.deleted_at is not None
    await owner.do(delete_message, message_id=replied.id)
    await refused(owner.do(edit_message, message_id=replied.id, text="x"), Conflict, "message_id")
    assert [
        (row["message_id"], row["action"], row["text"], row["changed_by_kind"], row["changed_by_id"])
        for row in await owner.rows(MessageRevision)
    ] == [
        (asked.id, "edited", "Wher is it?", "visitor", visitor.id),
        (replied.id, "edited", "Here", "member", owner.principal.id),
        (replied.id, "deleted", "Over there", "member", owner.principal.id),
    ]
    now = await owner.conversation(conversation_id)
    assert (now.last_text, now.last_sender_kind, now.last_message_at) == ("Where is it?", "visitor", asked.created_at)
    assert (now.waiting_since, now.first_reply_at, now.visitor_unread) == (asked.created_at, None, 0)
    kinds = [CREATED, SAID, ASSIGNED, SAID, "message.edited", "message.edited", "message.deleted"]
    assert [kind for kind, _ in await visitor.topic()] == kinds
    assert fixed.id == replied.id


async def test_only_who_wrote_it_changes_it(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    asked = (await visitor.says("Hi")).message
    ann, ben = await office.colleague("Ann"), await office.colleague("Ben")
    boss = await office.colleague("Cleo", Role.ADMIN)
    by_ann = (await ann.says(asked.conversation_id, "Hello")).message
    note = (await ann.notes(asked.conversation_id, "Nice")).message
    before = await everything(owner)
    for one, message in ((ben, by_ann), (ben, note), (visitor, by_ann), (owner, asked), (boss, asked)):
        await refused(one.do(edit_message, message_id=message.id, text="x"), Forbidden)
        await refused(one.do(delete_message, message_id=message.id), Forbidden)
    assert await everything(owner) == before
    heard_before = len(await visitor.topic())
    assert (await boss.do(edit_message, message_id=note.id, text="Very nice")).text == "Very nice"
    assert (await owner.do(delete_message, message_id=note.id)).text == ""
    assert len(await visitor.topic()) == heard_before
    assert (await boss.do(delete_message, message_id=by_ann.id)).text == ""
    await refused(ann.do(edit_message, message_id=new_id(), text="x"), NotFound, "message_id")


async def test_marks_go_forward_only_and_count_what_lies_beyond(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    conversation_id = (await visitor.says("1")).conversation.id
    await visitor.says("2")
    await owner.says(conversation_id, "3")
    third = (await visitor.says("4")).message
    await owner.notes(conversation_id, "5")
    told = len(await visitor.topic())

    async def agents(seq: int) -> tuple[int, int]:
        now = await owner.do(mark_read, conversation_id=conversation_id, seq=seq)
        return now.agents_read_to, now.agents_unread

    async def visitors(seq: int, delivered_only: bool = False) -> tuple[int, int, int]:
        values = {"conversation_id": conversation_id, "seq": seq, "delivered_only": delivered_only}
        now = await visitor.do(mark_visitor_read, **values)
        return now.visitor_read_to, now.visitor_delivered_to, now.visitor_unread

    assert await agents(1) == (1, 2)
    assert await agents(0) == (1, 2)
    assert await visitors(3, delivered_only=True) == (0, 3, 1)
    assert await visitors(2, delivered_only=True) == (0, 3, 1)
    assert await visitors(2) == (2, 3, 1)
    assert await visitors(99) == (5, 5, 0)
    await visitor.do(delete_message, message_id=third.id)
    assert (await owner.conversation(conversation_id)).agents_unread == 1
    assert await agents(3) == (3, 0)
    await refused(agents(-1), Invalid, "seq")
    marks = [data for kind, data in (await visitor.topic())[told:] if kind == "conversation.read"]
    assert marks == [
        {"side": "agents", "to": 1, "delivered": 1},
        {"side": "visitor", "to": 0, "delivered": 3},
        {"side": "visitor", "to": 2, "delivered": 3},
        {"side": "visitor", "to": 5, "delivered": 5},
        {"side": "agents", "to": 3, "delivered": 3},
    ]


async def test_closing_rating_and_reopening(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    conversation_id = (await visitor.says("Help")).conversation.id
    rate = {"conversation_id": conversation_id}
    await refused(visitor.do(rate_conversation, **rate, score=5), Conflict, "conversation_id")
    closed = await owner.do(close_conversation, conversation_id=conversation_id)
    assert (closed.status, closed.waiting_since) == ("closed", None)
    assert closed.closed_at is not None
    told = await visitor.topic()
    await owner.do(close_conversation, conversation_id=conversation_id)
    assert await visitor.topic() == told
    line = (await owner.messages(conversation_id))[-1]
    assert (line.kind, line.sender_kind, line.text, line.data) == (
        "system",
        "system",
        "",
        {"event": "closed", "by": "agent", "name": "Acme Owner"},
    )
    assert told[-1] == ("conversation.closed", {"message": line.id.hex, "seq": 2})
    for score in (0, 6, True):
        await refused(visitor.do(rate_conversation, **rate, score=score), Invalid, "score")
    await refused(visitor.do(rate_conversation, **rate, score=5, comment="x" * 2001), Invalid, "comment")
    await visitor.do(rate_conversation, **rate, score=2, comment="Slow")
    rated = await visitor.do(rate_conversation, **rate, score=5, comment=" After all ")
    assert (rated.csat_score, rated.csat_comment) == (5, "After all")

    reopened = await visitor.says("Once more", conversation_id=conversation_id)
    assert (reopened.conversation.status, reopened.conversation.closed_at) == ("open", None)
    assert reopened.conversation.waiting_since == reopened.message.created_at
    assert [(one.seq, one.data and one.data["event"]) for one in await owner.messages(conversation_id)][1:] == [
        (2, "closed"),
        (3, "reopened"),
        (4, None),
    ]
    assert [kind for kind, _ in (await visitor.topic())[len(told) :]] == [
        "conversation.rated",
        "conversation.rated",
        "conversation.reopened",
        SAID,
    ]
    by_visitor = await visitor.do(close_conversation, conversation_id=conversation_id)
    assert (by_visitor.status, (await owner.messages(conversation_id))[-1].data) == (
        "closed",
        {"event": "closed", "by": "visitor", "name": "Vera"},
    )
    assert (await owner.says(conversation_id, "One more thing")).conversation.status == "open"
    await owner.do(close_conversation, conversation_id=conversation_id)
    assert (await owner.notes(conversation_id, "Nothing to add")).conversation.status == "closed"


async def test_a_snooze_ends_by_the_clock_or_by_the_visitor(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False) as traveller:
        conversation_id = (await visitor.says("Hi")).conversation.id
        told = len(await visitor.topic())
        until = clock.now() + timedelta(hours=1)

        async def change(**values: Any) -> Conversation:
            found: Conversation = await owner.do(update_conversation, conversation_id=conversation_id, **values)
            return found

        async def wake() -> str:
            await owner.do(wake_conversation, conversation_id=conversation_id)
            return (await owner.conversation(conversation_id)).status

        await refused(change(status="snoozed"), Invalid, "snoozed_until")
        for wrong in (clock.now(), clock.now() + timedelta(days=400), until.replace(tzinfo=None)):
            await refused(change(status="snoozed", snoozed_until=wrong), Invalid, "snoozed_until")
        await refused(change(status="open", snoozed_until=until), Invalid, "snoozed_until")
        assert await owner.rows(Job) == []
        assert (await change(snoozed_until=until)).status == "snoozed"
        await change(snoozed_until=until)
        (job,) = await owner.rows(Job)
        assert (job["kind"], job["run_at"]) == ("conversations.wake", until)
        await change(snoozed_until=until + timedelta(hours=1))
        traveller.move_to(until)
        assert await wake() == "snoozed"
        traveller.move_to(until + timedelta(hours=1))
        assert await wake() == "open"
        assert await wake() == "open"
        assert (await owner.conversation(conversation_id)).snoozed_until is None
        assert [kind for kind, _ in (await visitor.topic())[told:]] == ["conversation.reopened"]
        assert (await owner.inbox())[-1][1] == {"from": "snoozed", "woken": True}

        for status in ("snoozed", "pending"):
            later = clock.now() + timedelta(days=1)
            await change(status=status, snoozed_until=later if status == "snoozed" else None)
            assert (await owner.says(conversation_id, "By the way")).conversation.status == status
            after = (await visitor.says("Me again")).conversation
            assert (after.status, after.snoozed_until) == ("open", None)
        assert [one.kind for one in await owner.messages(conversation_id)] == ["text"] * 5
    await owner.do(wake_conversation, conversation_id=new_id())


async def test_priority_subject_and_tags(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    conversation_id = (await visitor.says("Hi")).conversation.id
    told = len(await visitor.topic())

    async def change(**values: Any) -> list[str]:
        await owner.do(update_conversation, conversation_id=conversation_id, **values)
        return [row["name"] for row in await owner.rows(ConversationTag)]

    assert await change(tags=[" vip ", "new", "vip"], priority="urgent", subject="Order") == ["new", "vip"]
    assert await change(add_tags=["late"], remove_tags=["new", "never"]) == ["late", "vip"]
    inbox = len(await owner.inbox())
    assert await change(add_tags=["vip"], remove_tags=["new"], priority="urgent", subject="Order") == ["late", "vip"]
    assert len(await owner.inbox()) == inbox
    for values, field in (
        ({"tags": "vip"}, "tags"),
        ({"tags": [" "]}, "tags"),
        ({"add_tags": ["x" * 51]}, "add_tags"),
        ({"add_tags": [str(n) for n in range(19)]}, "tags"),
        ({"remove_tags": [str(n) for n in range(21)]}, "remove_tags"),
        ({"priority": "huge"}, "priority"),
        ({"status": "gone"}, "status"),
        ({"subject": "x" * 301}, "subject"),
    ):
        await refused(change(**values), Invalid, field)
    assert await change(tags=[]) == []
    now = await owner.conversation(conversation_id)
    assert (now.priority, now.subject) == ("urgent", "Order")
    assert [data for _, data in (await owner.inbox())[-3:]] == [
        {"priority": "urgent", "subject": "Order", "tags": ["new", "vip"]},
        {"tags": ["late", "vip"]},
        {"tags": []},
    ]
    assert len(await visitor.topic()) == told


async def test_many_are_changed_together_or_not_at_all(office: Office, other_tenant: TenantAccount) -> None:
    owner = office.owner
    ids = [(await (await office.visitor()).says("Hi")).conversation.id for _ in range(4)]
    values = {"status": "closed", "priority": "low", "add_tags": ["done"]}
    before = await everything(owner)
    for wrong, kind in (([], Invalid), ([new_id()] * 101, Invalid), ([*ids, new_id()], NotFound)):
        await refused(owner.do(update_conversations, conversation_ids=wrong, **values), kind, "conversation_ids")
    assert await everything(owner) == before
    changed = await owner.do(update_conversations, conversation_ids=[ids[2], ids[0], ids[2]], **values)
    assert [one.id for one in changed] == [ids[2], ids[0]]
    rows = {row["id"]: (row["status"], row["priority"]) for row in await owner.rows(Conversation)}
    assert [rows[one] for one in ids] == [("closed", "low"), ("open", "normal")] * 2
    assert {row["conversation_id"] for row in await owner.rows(ConversationTag)} == {ids[0], ids[2]}
