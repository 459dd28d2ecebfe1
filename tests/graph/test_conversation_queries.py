"""The other root fields about conversations: what they find, for whom, and that statements are kept to the tenant."""

from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from app.core.access import Role, Scope
from app.core.ids import public_id
from app.runtime import Runtime
from resolvers.schema import schema
from tests.graph.callers import Caller
from tests.graph.desk import Desk, answers, notes, prove, user_id, visitor_id
from tests.graph.statements import Recorder
from tests.graph.talk import Talk, make_talk

LISTS = ("conversations", "visitors", "widgets", "domains", "teams", "agents", "cannedResponses", "savedViews")


@pytest.fixture
async def desk(owner: Caller) -> Desk:
    return await Desk.open(owner)


def everything(type_: Any, depth: int) -> str:
    """Every field of a type that asks for no argument, so deep."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if not isinstance(named, GraphQLObjectType):
        return "{ __typename }"
    plain = {name: f for name, f in named.fields.items() if not any(map(is_required_argument, f.args.values()))}
    parts = [
        f"{name} {everything(f.type, depth - 1)}"
        for name, f in plain.items()
        if is_leaf_type(get_named_type(f.type)) or (depth and name != "edges")
    ]
    return "{ " + " ".join(["__typename", *parts]) + " }"


def root(name: str, arguments: str = "", depth: int = 2) -> str:
    """A query of everything below a root field."""
    query = schema._schema.query_type
    assert query is not None
    return f"{{ {name}{arguments} {everything(query.fields[name].type, depth)} }}"


def roots(talk: Talk) -> list[str]:
    """Every planned root field about conversations, asked for everything."""
    found = [root(name) for name in LISTS]
    nobody = public_id("customer", UUID(int=0))
    filters = f'assigneeId: "{talk.user}", teamId: "{talk.team}", customerId: "{nobody}", visitorId: "{talk.visitor}"'
    found.append(
        root("conversations", f'(filter: {{{filters}, mine: true, tag: "x", search: "hello", unread: true}})', 2)
    )
    found += [root("conversations", f"(orderBy: {order}, first: 1)", 1) for order in ("PRIORITY", "WAITING_LONGEST")]
    found.append(root("visitors", '(filter: {search: "x", identified: true, seenSince: "2026-01-01T00:00:00Z"})', 1))
    found.append(root("cannedResponses", '(search: "x")', 1))
    ones = {"conversation": talk.conversation, "visitor": talk.visitor, "widget": talk.widget, "team": talk.team}
    return [*found, *(root(name, f'(id: "{key}")') for name, key in ones.items())]


async def test_every_statement_is_kept_to_the_tenant_and_there_is_one_each(
    desk: Desk, stranger: Caller, house: Runtime
) -> None:
    visitor = await desk.visitor(pageUrl="https://shop.example/a")
    talk = await make_talk(desk, visitor)
    await prove(desk.owner, visitor, "vera")
    await notes(desk.owner, talk.conversation, "psst")
    await answers(desk.owner, talk.conversation, "look", fileIds=[talk.file])
    statements = house.database.statements
    original = statements.cell
    recorder = Recorder(house.database)
    try:
        for caller in (desk.owner, stranger):
            assert caller.principal.tenant_id is not None
            for text in roots(talk):
                found = await caller.data(text)
                assert len(recorder.ran) == 1
                recorder.check(caller.principal.tenant_id)
                if caller is stranger and not text.startswith("{ agents"):
                    (answer,) = found.values()
                    assert answer in (None, []) or answer["totalCount"] == 0
        assert visitor.principal.tenant_id is not None
        found = await visitor.data(root("visitorSession", depth=4))
        recorder.check(visitor.principal.tenant_id)
        assert len(found["visitorSession"]["conversations"]["nodes"]) == 1
    finally:
        statements.cell = original  # type: ignore[method-assign]


async def test_agents_teams_and_views_are_as_they_were_made(desk: Desk) -> None:
    owner, visitor = desk.owner, await desk.visitor()
    talk = await make_talk(desk, visitor)
    alice = {"user": {"id": talk.user, "name": "Alice"}, "availability": "ONLINE", "capacity": 5, "load": 0}
    found = await owner.data("{ agents { user { id name } availability capacity load } }")
    assert alice in found["agents"] and len(found["agents"]) == 2
    assert sum(one["load"] for one in found["agents"]) == 1
    viewer = await desk.colleague("Vic", role=Role.VIEWER)
    assert len((await owner.data("{ agents { load } }"))["agents"]) == 2
    found = await viewer.data("{ teams { id name members { user { name } } } savedViews { id } }")
    assert found["teams"] == [{"id": talk.team, "name": "Helpers", "members": [{"user": {"name": "Alice"}}]}]
    assert found["savedViews"] == []
    mine = await owner.data("{ savedViews { id name shared filter } }")
    assert mine["savedViews"] == [{"id": talk.view, "name": "Mine", "shared": False, "filter": {"mine": True}}]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await owner.data(node, id=talk.view))["node"] == {"id": talk.view}
    assert (await viewer.data(node, id=talk.view))["node"] is None
    assert (await viewer.data(node, id=user_id(owner)))["node"] == {"id": user_id(owner)}
    assert (await owner.key(Scope.EVENTS_READ).refusal(node, id=user_id(owner)))["code"] == "FORBIDDEN"


async def test_a_ready_answer_is_filled_in_for_a_conversation(desk: Desk) -> None:
    talk = await make_talk(desk, await desk.visitor())
    render = """query ($answer: ID!, $conversation: ID!) {
      renderCannedResponse(cannedResponseId: $answer, conversationId: $conversation) }"""
    found = await desk.owner.data(render, answer=talk.answer, conversation=talk.conversation)
    assert found["renderCannedResponse"].startswith("Hi")
    unknown = talk.conversation[:-4] + "ffff"
    assert (await desk.owner.refusal(render, answer=talk.answer, conversation=unknown))["code"] == "NOT_FOUND"


async def test_visitors_are_found_by_what_they_say_of_themselves(desk: Desk) -> None:
    vera, ben = await desk.visitor(), await desk.visitor()
    claims = "mutation ($input: IdentifyVisitorInput!) { identifyVisitor(input: $input) { session { name } } }"
    await vera.data(claims, input={"userId": "v", "name": "Vera Grün", "email": "vera@example.com"})
    await prove(desk.owner, ben, "ben-7")
    text = "query ($filter: VisitorFilter) { visitors(filter: $filter) { nodes { id provenId } } }"

    async def found(**filter: Any) -> list[str]:
        return [node["id"] for node in (await desk.owner.data(text, filter=filter))["visitors"]["nodes"]]

    assert await found(search="GRÜN".lower()) == [visitor_id(vera)]
    assert await found(search="Example.com") == [visitor_id(vera)]
    assert await found(identified=True) == [visitor_id(ben)] == await found(search="ben-7")
    assert await found(identified=False) == [visitor_id(vera)]
    assert await found(seenSince="2999-01-01T00:00:00Z") == []
