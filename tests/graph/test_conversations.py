"""Conversations in the graph: what agents see of them, find and follow."""

from typing import Any

import pytest

from app.core.access import Scope
from tests.graph.callers import Caller
from tests.graph.desk import Desk, answers, notes, says, user_id, visitor_id

WHOLE = """query ($id: ID!) { conversation(id: $id) {
  id status snoozedUntil priority subject locale tags { name } routing queuedAt queuePosition assignedAt head
  agentsReadTo agentsUnread visitorReadTo visitorDeliveredTo visitorUnread lastText lastSenderKind lastMessageAt
  waitingSince firstReplyAt closedAt csatScore csatComment csatAt activeAt createdAt updatedAt snapshotCursor
  visitor { id name pages { url title } conversations { totalCount } customer { id } widget { id } }
  customer { id conversations { totalCount } visitors { totalCount } }
  assignee { id name email } team { name waitingCount members { user { name } agent { load capacity } } }
  widget { id key team { id } }
  messages(first: 10) { totalCount nodes {
    id seq kind senderKind senderName sender { id name } text html data clientId createdAt editedAt deletedAt
    files { id name } revisions { action text changedByKind changedBy { id } } conversation { id }
  } pageInfo { hasNextPage } }
} }"""


@pytest.fixture
async def desk(owner: Caller) -> Desk:
    return await Desk.open(owner)


async def test_an_agent_sees_everything_of_a_conversation(desk: Desk) -> None:
    owner = desk.owner
    visitor = await desk.visitor(pageUrl="https://shop.example/cart", pageTitle="Cart", locale="de-AT")
    conversation = await says(visitor, "Hello **you**", clientId="a1")
    assert await says(visitor, "Hello **you**", clientId="a1") == conversation
    await notes(owner, conversation, "a secret")
    await answers(owner, conversation, "Hi")
    found = (await owner.data(WHOLE, id=conversation))["conversation"]
    messages = found["messages"]["nodes"]
    assert [(m["seq"], m["kind"], m["senderKind"], m["text"]) for m in reversed(messages) if m["kind"] != "SYSTEM"] == [
        (1, "TEXT", "VISITOR", "Hello **you**"),
        (2, "NOTE", "AGENT", "a secret"),
        (3, "TEXT", "AGENT", "Hi"),
    ]
    assert messages[-1]["html"].strip() == "<p>Hello <strong>you</strong></p>"
    assert messages[0]["sender"] == {"id": user_id(owner), "name": messages[0]["senderName"]}
    assert messages[0]["conversation"] == {"id": conversation}
    assert found["visitor"]["id"] == visitor_id(visitor)
    assert found["visitor"]["pages"] == [{"url": "https://shop.example/cart", "title": "Cart"}]
    assert found["visitor"]["conversations"] == {"totalCount": 1}
    assert (found["status"], found["priority"], found["locale"], found["lastText"], found["lastSenderKind"]) == (
        "OPEN",
        "NORMAL",
        "de-AT",
        "Hi",
        "AGENT",
    )
    assert found["assignee"] == {
        "id": user_id(owner),
        "name": messages[0]["senderName"],
        "email": owner.principal.label,
    }
    assert found["queuePosition"] is None
    assert found["widget"]["key"] == desk.widget_key
    assert found["routing"]["chosen"] == user_id(owner)
    assert found["snapshotCursor"].startswith("test-")
    node = await owner.data(
        "query ($id: ID!) { node(id: $id) { __typename ... on Message { text } } }", id=messages[1]["id"]
    )
    assert node["node"] == {"__typename": "Message", "text": "a secret"}


LISTED = """query ($filter: ConversationFilter, $order: ConversationOrder, $first: Int, $after: String) {
  conversations(filter: $filter, orderBy: $order, first: $first, after: $after) {
    nodes { id } pageInfo { endCursor hasNextPage } totalCount } }"""


async def listed(caller: Caller, order: str | None = None, **filter: Any) -> list[str]:
    """The conversations that a filter finds, in order; each page of two is asked for by itself."""
    found: list[str] = []
    after = None
    while True:
        page = (await caller.data(LISTED, filter=filter, order=order or "ACTIVE_NEWEST", first=2, after=after))[
            "conversations"
        ]
        found += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        after = page["pageInfo"]["endCursor"]


UPDATE = "mutation ($input: UpdateConversationInput!) { updateConversation(input: $input) { conversation { id } } }"
ASSIGN = """mutation ($input: AssignConversationInput!) { assignConversation(input: $input) { conversation {
  assignee { id } team { id } queuePosition } } }"""


async def test_conversations_are_found_and_ordered(desk: Desk) -> None:
    owner, alice = desk.owner, await desk.colleague("Alice")
    vera, ben = await desk.visitor(), await desk.visitor()
    first, second = await says(vera, "The Ärger with my parcel"), await says(ben, "a question")
    third = (
        await owner.data(
            "mutation ($input: StartConversationInput!) { startConversation(input: $input) { conversation { id } } }",
            input={"visitorId": visitor_id(ben), "text": "News about parcels", "subject": "Delivery"},
        )
    )["startConversation"]["conversation"]["id"]
    await answers(alice, second, "an answer")
    await owner.data(UPDATE, input={"conversationId": third, "priority": "URGENT", "tags": ["vip"]})
    await owner.data(UPDATE, input={"conversationId": second, "priority": "HIGH", "status": "PENDING"})
    assert await listed(owner) == [second, third, first]
    assert await listed(owner, "ACTIVE_OLDEST") == [first, third, second]
    assert await listed(owner, "WAITING_LONGEST") == [first, second, third]
    assert await listed(owner, "PRIORITY") == [third, second, first]
    assert await listed(owner, status=["PENDING", "CLOSED"]) == [second]
    assert await listed(owner, priority=["URGENT", "LOW"]) == [third]
    assert await listed(owner, tag="vip") == [third]
    assert await listed(owner, mine=True) == [third]
    assert await listed(owner, mine=False) == [second, first]
    assert await listed(alice, mine=True) == [second]
    assert await listed(owner.key(Scope.CONVERSATIONS_READ), mine=True) == []
    assert await listed(owner, assigneeId=user_id(alice)) == [second]
    assert await listed(owner, unassigned=True) == [first]
    assert await listed(owner, visitorId=visitor_id(ben)) == [second, third]
    assert await listed(owner, waiting=True) == [first]
    assert await listed(owner, unread=True) == [second, first]
    assert await listed(owner, search="parc") == [third, first]
    assert await listed(owner, search="ARGER") == [first]
    assert await listed(owner, search="deliv news") == [third]
    assert await listed(owner, search=" ") == [second, third, first]
    assert await listed(owner, search="%\"'*") == []
    assert (await owner.refusal(LISTED, filter={"teamId": "team_1"}))["code"] == "INVALID"
    assert (await owner.refusal(LISTED, after="an~nonsense"))["code"] == "INVALID"
