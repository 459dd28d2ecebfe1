"""Conversations change: messages are edited and deleted, read, closed, snoozed, tagged and rated, each told once."""

from datetime import timedelta
from typing import Any

import anyio
import time_machine

from app.actions.conversations import (
    close_conversation,
    delete_message,
    edit_message,
    mark_read,
    mark_visitor_read,
    rate_conversation,
    update_conversation,
    update_conversations,
    wake_conversation,
)
from app.core import clock
from app.core.access import Role
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.runtime import Runtime
from models import (
    Conversation,
    ConversationTag,
    File,
    Job,
    MessageFile,
    MessageRevision,
)
from tests.actions.talking import Office, everything, refused
from tests.tenants import TenantAccount

CREATED = "conversation.created"
SAID = "message.created"
ASSIGNED = "conversation.assigned"


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


async def test_the_clock_wakes_by_itself(runtime: Runtime, tenant: TenantAccount) -> None:
    office = await Office(runtime.units, tenant.principal).open()
    conversation_id = (await (await office.visitor()).says("Hi")).conversation.id
    values = {"conversation_id": conversation_id, "snoozed_until": clock.now() + timedelta(milliseconds=300)}
    await office.owner.do(update_conversation, **values)
    with anyio.fail_after(20):
        while (await office.owner.conversation(conversation_id)).status != "open":
            await anyio.sleep(0.1)


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


async def test_files_say_something_without_words_and_go_with_their_message(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    await visitor.says("Look")
    picture, invoice = await office.file(visitor, "cat.png"), await office.file(visitor, "invoice.pdf")
    sent = await visitor.says("", file_ids=[picture, invoice], client_id="f1")
    assert sent.conversation.last_text == "cat.png"
    assert (await visitor.says("", file_ids=[picture, invoice], client_id="f1")).repeated
    before = await everything(owner)
    await refused(visitor.says("Again", file_ids=[picture]), Conflict, "file_ids")
    await refused((await office.visitor()).says("Not mine", file_ids=[picture]), NotFound, "file_ids")
    assert await everything(owner) == before

    await visitor.do(edit_message, message_id=sent.message.id, text="My cat")
    await visitor.do(edit_message, message_id=sent.message.id, text="")
    assert (await owner.conversation(sent.conversation.id)).last_text == "cat.png"
    await visitor.do(delete_message, message_id=sent.message.id)
    assert (await owner.conversation(sent.conversation.id)).last_text == "Look"
    assert await owner.rows(MessageFile) == []
    assert {row["attached_at"] for row in await owner.rows(File)} == {None}
    first = (await owner.messages(sent.conversation.id))[0]
    await refused(visitor.do(edit_message, message_id=first.id, text=""), Invalid, "text")
