"""Racing units of work in conversations: what is sent twice at once is said once, and the figures stay exact."""

import asyncio
from typing import Any

from app.actions.conversations import (
    close_conversation,
    delete_message,
    mark_read,
    start_conversation,
    update_conversations,
)
from app.core.errors import Conflict
from models import Conversation, Message
from tests.actions.talking import Office

RACERS = 8


async def race(*attempts: Any) -> list[Any]:
    """Runs all attempts at once, each in a task and a unit of work of its own."""
    return await asyncio.gather(*(asyncio.create_task(one) for one in attempts), return_exceptions=True)


async def test_the_same_client_id_at_once_is_one_message(office: Office) -> None:
    visitor = await office.visitor()
    begun = await race(*(visitor.says("Hi", client_id="c1") for _ in range(RACERS)))
    assert len({said.message.id for said in begun}) == 1
    assert sum(not said.repeated for said in begun) == 1
    conversation_id = begun[0].conversation.id
    told = len(await visitor.topic())
    assert told == 2

    for say in (
        lambda: visitor.says("Yes", client_id="c2", conversation_id=conversation_id),
        lambda: office.owner.says(conversation_id, "Yes", client_id="c2"),
        lambda: office.owner.notes(conversation_id, "Yes", client_id="c3"),
    ):
        two = await race(say(), say())
        assert {said.message.id for said in two} == {two[0].message.id}
        assert sorted(said.repeated for said in two) == [False, True]
    messages = await office.owner.messages(conversation_id)
    assert [(one.seq, one.sender_kind, one.client_id) for one in messages] == [
        (1, "visitor", "c1"),
        (2, "visitor", "c2"),
        (3, "agent", "c2"),
        (4, "agent", "c3"),
    ]
    assert len(await visitor.topic()) == told + 3  # one of them is that the agent has taken it
    now = await office.owner.conversation(conversation_id)
    assert (now.agents_unread, now.visitor_unread) == (2, 1)


async def test_one_client_id_for_two_texts_at_once_is_the_first_and_a_conflict(office: Office) -> None:
    visitor = await office.visitor()
    said = await race(*(visitor.says(text, client_id="c1") for text in ("Yes", "No")))
    assert sorted(type(one).__name__ for one in said) == ["Conflict", "Said"]
    (row,) = await office.owner.rows(Message)
    assert row["text"] == next(one.message.text for one in said if not isinstance(one, Conflict))


async def test_one_conversation_is_started_by_two_attempts_at_once(office: Office) -> None:
    customer_id = await office.customer()
    values = {"customer_id": customer_id, "text": "Hi", "client_id": "s1"}
    started = await race(*(office.owner.do(start_conversation, **values) for _ in range(RACERS)))
    assert len({said.message.id for said in started}) == 1
    assert len(await office.owner.rows(Conversation)) == 1


async def test_first_messages_in_many_tabs_and_browsers_at_once_begin_one_conversation(office: Office) -> None:
    visitor = await office.visitor()
    said = await race(*(visitor.says(f"{n}") for n in range(RACERS)))
    assert len({one.conversation.id for one in said}) == 1
    assert sorted(one.message.seq for one in said) == list(range(1, RACERS + 1))
    told = [data["seq"] for kind, data in await office.owner.inbox() if kind == "message.created"]
    assert told == list(range(1, RACERS + 1))
    messages = await office.owner.messages(said[0].conversation.id)
    assert [one.created_at for one in messages] == sorted(one.created_at for one in messages)

    browsers = [await office.visitor(proven_id="u1") for _ in range(RACERS)]
    said = await race(*(browser.says("From here") for browser in browsers))
    assert len({one.conversation.id for one in said}) == 1


async def test_everything_at_once_leaves_exact_figures(office: Office) -> None:
    visitor, owner = await office.visitor(), office.owner
    asked = [await visitor.says(f"{n}") for n in range(4)]
    conversation_id = asked[0].conversation.id
    results = await race(
        *(owner.says(conversation_id, f"a{n}") for n in range(4)),
        visitor.do(delete_message, message_id=asked[1].message.id),
        owner.do(mark_read, conversation_id=conversation_id, seq=1),
        visitor.do(delete_message, message_id=asked[3].message.id),
        owner.do(close_conversation, conversation_id=conversation_id),
        *(visitor.says(f"b{n}", conversation_id=conversation_id) for n in range(3)),
        owner.do(mark_read, conversation_id=conversation_id, seq=3),
    )
    assert [one for one in results if isinstance(one, BaseException)] == []
    now, messages = await owner.conversation(conversation_id), await owner.messages(conversation_id)
    assert [one.seq for one in messages] == list(range(1, now.head + 1))
    standing = [one for one in messages if one.kind == "text" and one.deleted_at is None]
    unread = [one for one in standing if one.sender_kind == "visitor" and one.seq > 3]
    assert (now.agents_read_to, now.agents_unread) == (3, len(unread))
    assert now.visitor_unread == sum(one.sender_kind == "agent" for one in standing) == 4
    assert now.last_text == standing[-1].text


async def test_crossing_bulk_changes_do_not_wait_for_each_other(office: Office) -> None:
    ids = [(await (await office.visitor()).says("Hi")).conversation.id for _ in range(6)]
    results = await race(
        *(
            office.owner.do(
                update_conversations, conversation_ids=ids if n % 2 else ids[::-1], add_tags=[f"t{n}"], subject=f"{n}"
            )
            for n in range(RACERS)
        )
    )
    assert [one for one in results if isinstance(one, BaseException)] == []
    assert len({row["subject"] for row in await office.owner.rows(Conversation)}) == 1
