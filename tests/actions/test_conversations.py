"""Conversations: what is said is said once, kept exactly, and told to those alone who may know."""

from tests.actions.talking import Office


async def test_a_visitor_asks_and_an_agent_answers(office: Office) -> None:
    visitor = await office.visitor()
    asked = await visitor.says("**Hello**, is anybody there?")
    conversation = asked.conversation
    assert (asked.message.seq, asked.message.kind, asked.message.sender_kind) == (1, "text", "visitor")
    assert asked.message.html == "<p><strong>Hello</strong>, is anybody there?</p>"
    answered = await office.owner.says(conversation.id, "Yes!")
    noted = await office.owner.notes(conversation.id, "A new one")
    assert [answered.message.seq, noted.message.seq] == [2, 3]
    now = await office.owner.conversation(conversation.id)
    assert (now.head, now.last_text, now.last_sender_kind) == (3, "Yes!", "agent")
    assert (now.agents_unread, now.visitor_unread, now.waiting_since) == (1, 1, None)
    assert now.first_reply_at == answered.message.created_at
    kinds = ["conversation.created", "message.created", "message.created"]
    assert [kind for kind, _ in await visitor.topic()] == kinds
    assert [kind for kind, _ in await office.owner.inbox()] == [*kinds, "message.created"]
