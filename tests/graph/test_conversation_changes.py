"""Conversations, live: the inbox, one conversation, who is there and who types."""

import asyncio
from typing import Any

import pytest

from app.core.access import Scope
from tests.graph.callers import Caller, Stream
from tests.graph.desk import Desk, answers, notes, says, user_id, visitor_id

CHANGE = """fragment Change on ConversationChange {
  change data conversation { id status } message { text kind } }"""
INBOX = (
    """subscription ($filter: ConversationFilter, $after: String) { inbox(filter: $filter, after: $after) {
  __typename ... on FeedItem { cursor } ... on FeedGap { reason } ...Change } }"""
    + CHANGE
)
ONE = (
    """subscription ($id: ID!, $after: String) { conversation(conversationId: $id, after: $after) {
  __typename ... on FeedItem { cursor } ...Change } }"""
    + CHANGE
)
OWN = """subscription ($after: String) { visitorConversation(after: $after) { __typename ... on FeedItem { cursor }
  ... on VisitorConversationChange { change data conversation { id status assigneeName visitorUnread }
    message { text mine } } } }"""
PRESENCE = "subscription { presence { kind id present } }"
TYPING = "subscription ($id: ID!) { typing(conversationId: $id) { conversationId kind name typing } }"
SET_TYPING = "mutation ($input: SetTypingInput!) { setTyping(input: $input) { typing } }"
PRESENT = "query ($kind: PresenceKind) { presentNow(kind: $kind) { kind id } }"


@pytest.fixture
async def desk(owner: Caller) -> Desk:
    return await Desk.open(owner)


def told(items: list[Any]) -> list[Any]:
    """What was told, in short: the kind of change and what was said."""
    return [(item["change"], (item["message"] or {}).get("text")) for item in items]


async def until(stream: Stream, change: str) -> list[Any]:
    """Everything up to a change of this kind."""
    items = [await stream.next()]
    while items[-1]["change"] != change:
        items.append(await stream.next())
    return items


async def test_everybody_is_told_what_they_may_know_and_nothing_twice(desk: Desk) -> None:
    owner, visitor = desk.owner, await desk.visitor()
    cursor = (await owner.data("{ inboxSnapshotCursor }"))["inboxSnapshotCursor"]
    own = (await visitor.data("{ visitorSession { snapshotCursor } }"))["visitorSession"]["snapshotCursor"]
    conversation = await says(visitor, "one", clientId="c")
    await says(visitor, "one", clientId="c")
    await notes(owner, conversation, "hush")
    await answers(owner, conversation, "two")
    close = "mutation ($id: ID!) { closeConversation(input: {conversationId: $id}) { conversation { status } } }"
    assert (await owner.data(close, id=conversation))["closeConversation"]["conversation"] == {"status": "CLOSED"}
    expected = [("CREATED", None), ("MESSAGE_CREATED", "one"), ("MESSAGE_CREATED", "hush"), ("ASSIGNED", None)]
    expected += [("MESSAGE_CREATED", "two"), ("CLOSED", "")]
    async with owner.follow(INBOX, after=cursor) as inbox, visitor.follow(OWN, after=own) as seen:
        items = await until(inbox, "CLOSED")
        assert told(items) == expected
        assert {item["conversation"]["status"] for item in items} == {"CLOSED"}
        async with owner.follow(ONE, id=conversation, after=f"{cursor.partition('-')[0]}-0") as one:
            assert told(await one.take(len(items))) == expected
        items = await until(seen, "CLOSED")
        assert told(items) == [entry for entry in expected if entry[1] != "hush"]
        assert [item["message"]["mine"] for item in items if item["message"]] == [True, False, False]
        await says(visitor, "three", conversationId=conversation)
        assert told(await until(seen, "MESSAGE_CREATED")) == [("REOPENED", ""), ("MESSAGE_CREATED", "three")]
        assert told(await until(inbox, "MESSAGE_CREATED")) == [("REOPENED", ""), ("MESSAGE_CREATED", "three")]


async def test_an_inbox_with_a_filter_tells_of_what_matches_as_it_is(desk: Desk) -> None:
    owner, vera, ben = desk.owner, await desk.visitor(), await desk.visitor()
    async with owner.follow(INBOX, filter={"visitorId": visitor_id(ben), "search": "hel"}) as inbox:
        waiting = asyncio.create_task(inbox.next())
        await asyncio.sleep(0.05)
        await says(vera, "hello")
        conversation = await says(ben, "hello")
        assert (await waiting)["conversation"]["id"] == conversation
        assert told(await until(inbox, "MESSAGE_CREATED"))[-1] == ("MESSAGE_CREATED", "hello")
    refused = await owner.follow_refusal(INBOX, filter={"teamId": "team_1"})
    assert refused["code"] == "INVALID"


async def test_who_is_there_is_known_while_they_follow(desk: Desk) -> None:
    owner, visitor, alice = desk.owner, await desk.visitor(), await desk.colleague("Alice")
    other = await desk.visitor()
    conversation = await says(visitor, "hello")
    assign = """mutation ($input: AssignConversationInput!) { assignConversation(input: $input) {
      conversation { assignee { name } routing } } }"""
    given = await owner.data(assign, input={"conversationId": conversation, "assigneeId": user_id(alice)})
    assert given["assignConversation"]["conversation"]["assignee"] == {"name": "Alice"}
    agent = {"kind": "AGENT", "id": user_id(alice)}
    async with visitor.follow(PRESENCE) as seen, other.follow(PRESENCE) as unseen:
        first = asyncio.create_task(seen.next())
        nothing = asyncio.create_task(unseen.next())
        async with alice.follow(INBOX) as inbox, visitor.follow(OWN) as open_widget:
            tasks = [asyncio.create_task(inbox.next()), asyncio.create_task(open_widget.next())]
            assert await first == agent | {"present": True}
            await asyncio.sleep(0.05)
            found = (await owner.data(PRESENT))["presentNow"]
            assert agent in found and {"kind": "VISITOR", "id": visitor_id(visitor)} in found
            assert (await owner.data(PRESENT, kind="AGENT"))["presentNow"] == [agent]
            assert (await desk.opened())["agentsPresent"] is True
            await says(visitor, "more")
            await asyncio.gather(*tasks)
        assert not nothing.done()
        nothing.cancel()
        await asyncio.wait([nothing])
    assert (await owner.key(Scope.WIDGETS_READ).refusal(PRESENT))["code"] == "FORBIDDEN"


async def test_the_others_see_who_types(desk: Desk) -> None:
    owner, visitor, other = desk.owner, await desk.visitor(), await desk.visitor()
    conversation = await says(visitor, "hello")
    async with visitor.follow(TYPING, id=conversation) as seen, owner.follow(TYPING, id=conversation) as agents:
        tasks = [asyncio.create_task(seen.next()), asyncio.create_task(agents.next())]
        await asyncio.sleep(0.05)
        await owner.data(SET_TYPING, input={"conversationId": conversation, "note": True})
        await visitor.data(SET_TYPING, input={"conversationId": conversation})
        await asyncio.sleep(0.05)
        assert not tasks[0].done()
        await owner.data(SET_TYPING, input={"conversationId": conversation})
        said = await tasks[0]
        assert (said["kind"], said["typing"], "@" in said["name"]) == ("AGENT", True, False)
        assert (await tasks[1])["kind"] == "VISITOR"
        await owner.data(SET_TYPING, input={"conversationId": conversation, "typing": False})
        assert (await seen.next())["typing"] is False
    for stranger in (other,):
        given = {"conversationId": conversation}
        assert (await stranger.refusal(SET_TYPING, input=given))["code"] == "NOT_FOUND"
        assert (await stranger.follow_refusal(TYPING, id=conversation))["code"] == "NOT_FOUND"
