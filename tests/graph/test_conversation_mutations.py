"""Every mutation about conversations: what it does, whom it refuses, and that what was refused left no trace."""

from typing import Any

import pytest

from app.core.access import Scope
from tests.graph.callers import Caller, everything_stored
from tests.graph.desk import Desk
from tests.graph.talk import TALK, VISITORS_OWN, make_talk, unknown_talk
from tests.graph.test_mutations import mutate, written


@pytest.fixture
async def desk(owner: Caller) -> Desk:
    return await Desk.open(owner)


async def test_whoever_may_not_is_refused_and_leaves_no_trace(desk: Desk, stranger: Caller) -> None:
    visitor, owner = await desk.visitor(), desk.owner
    other = await desk.visitor()
    talk, nothing = await make_talk(desk, visitor), unknown_talk()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.CONVERSATIONS_READ, Scope.WIDGETS_READ)
    for table, caller in ((TALK, owner), (VISITORS_OWN, visitor)):
        for name, mutation in table.items():
            text, input = written(name, mutation.payload), mutation.input(talk)
            assert (await caller.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
            if mutation.scope is not Scope.CONVERSATIONS_READ:
                assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
            unentitled = owner if table is VISITORS_OWN else visitor
            for payload in (mutation.payload, "__typename"):
                if name != "setTyping":
                    found = await unentitled.refusal(written(name, payload), input=input)
                    assert found["code"] == "FORBIDDEN", (name, found)
            if mutation.refused_at is None:
                continue
            strangers = [(caller, mutation.input(nothing)), (stranger if table is TALK else other, input)]
            for somebody, given in strangers:
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), (
                    name,
                    found,
                )
    assert (await visitor.refusal("mutation { rotateIdentitySecret { secret } }"))["code"] == "FORBIDDEN"
    assert await everything_stored(owner.house) == before


async def test_members_do_what_they_may(desk: Desk) -> None:
    visitor = await desk.visitor()
    talk = await make_talk(desk, visitor)
    done: dict[str, Any] = {}
    for name, mutation in TALK.items():
        done[name] = await mutate(desk.owner, name, mutation.input(talk), mutation.payload)
    assert done["editMessage"] == {"message": {"text": "Hey"}}
    assert done["deleteMessage"]["message"]["deletedAt"] is not None
    assert done["updateConversations"] == {"conversations": [{"priority": "HIGH"}]}
    assert done["assignConversation"] == {"conversation": {"queuePosition": 1}}
    assert done["closeConversation"] == {"conversation": {"status": "CLOSED"}}
    assert done["mailTranscript"] == {"recipient": "vera@example.com"}
    assert done["createCannedResponse"] == {"cannedResponse": {"shortcut": "bye"}}
    assert (done["createSavedView"], done["updateSavedView"]) == (
        {"savedView": {"shared": False}},
        {"savedView": {"shared": True}},
    )
    assert done["createWidget"] == {"widget": {"team": {"id": talk.team}}}
    members = [{"agent": {"capacity": 5, "availability": "ONLINE"}}]
    assert done["updateTeam"] == {"team": {"routing": "ROUND_ROBIN", "reassignAfterSeconds": 60, "members": members}}
    assert (done["setAvailability"]["agent"]["availability"], done["setAvailability"]["agent"]["capacity"]) == (
        "AWAY",
        2,
    )
    first = (await desk.owner.data("{ identitySecret }"))["identitySecret"]
    second = (await desk.owner.data("mutation { rotateIdentitySecret { secret } }"))["rotateIdentitySecret"]["secret"]
    assert first != second == (await desk.owner.data("{ identitySecret }"))["identitySecret"]


async def test_visitors_do_what_they_may(desk: Desk) -> None:
    visitor = await desk.visitor()
    talk = await make_talk(desk, visitor)
    done: dict[str, Any] = {}
    for name, mutation in VISITORS_OWN.items():
        done[name] = await mutate(visitor, name, mutation.input(talk), mutation.payload)
    assert done["editVisitorMessage"] == {"message": {"text": "Hoho"}}
    assert done["deleteVisitorMessage"]["message"]["deletedAt"] is not None
    assert done["closeVisitorConversation"] == {"conversation": {"status": "CLOSED"}}
    assert done["rateConversation"] == {"conversation": {"csatScore": 4}}
    assert done["identifyVisitor"] == {"session": {"name": "Vera"}}


async def test_a_variable_may_stand_below_a_payload(desk: Desk) -> None:
    conversation = (await make_talk(desk, await desk.visitor())).conversation
    text = """mutation ($input: SendMessageInput!, $first: Int!) { sendMessage(input: $input) {
      conversation { messages(first: $first) { nodes { text } } } } }"""
    given = {"conversationId": conversation, "text": "last"}
    said = await desk.owner.data(text, input=given, first=1)
    assert said["sendMessage"]["conversation"]["messages"]["nodes"] == [{"text": "last"}]
