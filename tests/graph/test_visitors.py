"""What a visitor sees: their own conversations, and nothing else of anybody, whichever way they ask."""

from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import select, update
from sqlmodel import col

from app.actions.conversations.visibility import theirs
from app.core.access import system
from app.core.ids import new_id, public_id
from models import Conversation, Link, Visitor
from resolvers.schema import schema
from tests.graph.callers import Caller, Json, everything_stored
from tests.graph.campaigning import CAMPAIGNS, make_plans, unknown_plans
from tests.graph.consent import CONSENT, make_said, unknown_said
from tests.graph.content import CONTENT, unknown_words
from tests.graph.deliveries import DELIVERIES, unknown_post
from tests.graph.desk import Desk, answers, notes, prove, says
from tests.graph.integrations import INTEGRATIONS, make_sending, unknown_sending
from tests.graph.mutations import MUTATIONS, WITHOUT_INPUT, Things
from tests.graph.reporting import REPORTING, make_hooks, unknown_hooks
from tests.graph.talk import TALK, TALK_WITHOUT_INPUT, VISITORS_OWN, Talk, make_talk
from tests.graph.test_mutations import make_things, mutate, written
from tests.sending.mailing import Mailing

OWN = """{ visitorSession { id name identified snapshotCursor widget { id key name } conversations { totalCount nodes {
  id status subject assigneeName queuePosition visitorUnread visitorReadTo agentsReadTo head lastText lastSenderKind
  lastMessageAt csatScore closedAt createdAt messages { totalCount nodes { id seq kind senderKind senderName mine text
  html data clientId createdAt editedAt deletedAt files { id name size mimeType width height createdAt } } } } } } }"""
SECRET = "SECRET"
OWN_FIELDS = {"visitorSession", "viewer"}
"""The root fields of queries that answer a visitor: with what is theirs."""
OWN_STREAMS = {"visitorConversation", "presence", "typing"}


@pytest.fixture
async def desk(owner: Caller) -> Desk:
    return await Desk.open(owner)


async def own(visitor: Caller) -> list[Json]:
    """The visitor's conversations, those with the latest activity first."""
    page: Json = (await visitor.data(OWN))["visitorSession"]["conversations"]
    assert page["totalCount"] == len(page["nodes"])
    nodes: list[Json] = page["nodes"]
    return nodes


def texts(conversation: Json) -> list[str]:
    """What was said, oldest first."""
    return [message["text"] for message in reversed(conversation["messages"]["nodes"]) if message["kind"] == "TEXT"]


async def test_a_visitor_sees_what_was_said_to_them_and_no_note(desk: Desk) -> None:
    vera, ben = await desk.visitor(), await desk.visitor()
    conversation = await says(vera, "hello")
    await says(ben, "mine")
    note = await notes(desk.owner, conversation, SECRET)
    answer = (await answers(desk.owner, conversation, "hi"))["message"]
    await mutate(desk.owner, "updateConversation", {"conversationId": conversation, "tags": [SECRET]}, "__typename")
    (seen,) = await own(vera)
    assert seen["id"] == conversation and texts(seen) == ["hello", "hi"]
    assert seen["messages"]["totalCount"] == len(seen["messages"]["nodes"])
    assert note["seq"] not in [message["seq"] for message in seen["messages"]["nodes"]]
    last = seen["messages"]["nodes"][0]
    assert (last["id"], last["mine"], last["senderKind"], last["deletedAt"]) == (answer["id"], False, "AGENT", None)
    assert (seen["lastText"], seen["visitorUnread"], seen["assigneeName"]) == ("hi", 1, last["senderName"])
    assert SECRET not in orjson.dumps(seen).decode()
    assert [texts(one) for one in await own(ben)] == [["mine"]]


async def test_a_proven_person_sees_the_same_in_every_browser_and_a_merge_shows_nobody_more(desk: Desk) -> None:
    owner = desk.owner
    here, there, other, liar = [await desk.visitor() for _ in range(4)]
    await says(here, "from my phone")
    await says(other, SECRET)
    for visitor, who in ((here, "vera"), (there, "vera"), (other, "ben")):
        assert await prove(owner, visitor, who) == {"identified": True}
    claim = {"input": {"userId": "vera", "email": "vera@example.com"}}
    claims = "mutation ($input: IdentifyVisitorInput!) { identifyVisitor(input: $input) { session { identified } } }"
    assert (await liar.data(claims, **claim))["identifyVisitor"]["session"] == {"identified": False}
    forged = {"input": {"userId": "vera", "userHash": "0" * 64}}
    assert (await liar.refusal(claims, **forged))["code"] == "FORBIDDEN"
    await owner.data("""mutation { mergeCustomers(input: {winner: {externalId: "vera"}, loser: {externalId: "ben"}}) {
      merge { id } } }""")
    assert [texts(one) for one in await own(here)] == [["from my phone"]]
    assert [texts(one) for one in await own(there)] == [["from my phone"]]
    assert [texts(one) for one in await own(other)] == [[SECRET]]
    assert await own(liar) == []
    found = await owner.data(
        '{ customer(externalId: "vera") { conversations { totalCount } visitors { totalCount } } }'
    )
    assert found["customer"] == {"conversations": {"totalCount": 2}, "visitors": {"totalCount": 3}}


async def test_the_graph_and_the_actions_agree_on_what_is_a_visitors(desk: Desk) -> None:
    """Two words for one rule: the planner's, and that of :func:`theirs`."""
    visitors = [await desk.visitor() for _ in range(4)]
    for visitor in visitors:
        await says(visitor, "hello")
    for visitor, who in zip(visitors, ("a", "a", "b"), strict=False):
        await prove(desk.owner, visitor, who)
    tenant_id = desk.owner.principal.tenant_id
    unproven = update(Visitor).where(col(Visitor.id) == visitors[2].principal.id).values(proven_id=None)
    async with desk.owner.house.write(system(tenant_id)) as tx:  # whose conversation is still a proven person's
        await tx.session.execute(unproven)
    for visitor in visitors:
        assert visitor.principal.id is not None
        async with desk.owner.house.read(system(tenant_id)) as reading:
            rows = await reading.session.execute(
                select(col(Conversation.id)).where(theirs(reading.tenant_id, visitor.principal.id))
            )
            expected = {public_id("conversation", key) for key in rows.scalars()}
        assert {one["id"] for one in await own(visitor)} == expected


async def test_what_is_somebody_elses_is_not_there(desk: Desk) -> None:
    vera, ben = await desk.visitor(), await desk.visitor()
    talk = await make_talk(desk, vera)
    before = await everything_stored(desk.owner.house)
    for name in ("sendVisitorMessage", "markVisitorRead", "closeVisitorConversation", "rateConversation"):
        mutation = VISITORS_OWN[name]
        text = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ __typename }} }}"
        assert (await ben.refusal(text, input=mutation.input(talk)))["code"] == "NOT_FOUND"
    links = "query ($ids: [ID!]!) { fileLinks(ids: $ids) { url } }"
    assert (await ben.refusal(links, ids=[talk.file]))["code"] == "NOT_FOUND"
    assert (await vera.refusal(links, ids=[talk.file]))["code"] == "NOT_FOUND"
    for key in vars(talk).values():
        assert (await vera.refusal("query ($id: ID!) { node(id: $id) { id } }", id=key))["code"] == "FORBIDDEN"
    assert await everything_stored(desk.owner.house) == before
    await answers(desk.owner, talk.conversation, "here", fileIds=[talk.file])
    shown = links.replace("url", "fileId url expiresAt")
    (link,) = (await vera.data(shown, ids=[talk.file]))["fileLinks"]
    assert link["fileId"] == talk.file and "/files/" in link["url"]
    assert (await ben.refusal(links, ids=[talk.file]))["code"] == "NOT_FOUND"
    (seen,) = await own(vera)
    assert [file["name"] for file in seen["messages"]["nodes"][0]["files"]] == ["a.png"]


RULE = '{attribute: {name: "plan", is: {equals: "pro"}}}'


# ---- a walk over the whole schema -------------------------------------------------------------------------------


class Walk:
    """Writes a minimal document for any root field, with ids of things that exist."""

    def __init__(self, things: Things, talk: Talk, sending: Json) -> None:
        self.things, self.talk = things, talk
        self.ids = {"customerId": things.customer, "segmentId": things.segment, "visitorId": talk.visitor}
        self.ids |= {"conversationId": talk.conversation, "cannedResponseId": talk.answer, "teamId": talk.team}
        self.ids |= {"widgetId": talk.widget, "id": talk.file} | sending

    def document(self, operation: str, name: str, definition: Any) -> str:
        about = {"id": f"{name}Id" if name != "visitorConversation" else "conversationId"}
        arguments = [
            f"{argument_name}: {self.literal(about.get(argument_name, argument_name), argument.type)}"
            for argument_name, argument in definition.args.items()
            if is_required_argument(argument) or argument_name in {"id", "externalId"}
        ]
        if {"id", "externalId"} <= set(definition.args):
            arguments = [argument for argument in arguments if not argument.startswith("externalId")]
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"{operation} {{ {name}{given} {self.selection(definition.type)} }}"

    def selection(self, type_: Any) -> str:
        named = get_named_type(type_)
        if is_leaf_type(named):
            return ""
        if not isinstance(named, GraphQLObjectType):
            return "{ __typename }"
        leaves = [name for name, f in named.fields.items() if is_leaf_type(get_named_type(f.type)) and not f.args]
        links = [
            f"{name} {self.selection(f.type)}"
            for name, f in named.fields.items()
            if name in {"nodes", "session"} and not f.args
        ]
        return "{ " + " ".join(["__typename", *leaves, *links]) + " }"

    def literal(self, name: str, type_: Any) -> str:
        plain = get_nullable_type(type_)
        if isinstance(plain, GraphQLList):
            return f"[{self.literal(name, plain.of_type)}]"
        if isinstance(plain, GraphQLInputObjectType):
            return f'{{id: "{self.things.customer}"}}' if plain.name == "CustomerRefInput" else RULE
        if isinstance(plain, GraphQLEnumType):
            return str(next(iter(plain.values)))
        match plain.name:
            case "ID":
                return f'"{self.ids.get(name.removesuffix("s"), self.ids["id"])}"'
            case "Int" | "Float":
                return "1"
            case "Boolean":
                return "true"
            case "DateTime":
                return '"2026-11-21T10:00:00Z"'
            case "JSON":
                return "{}"
            case _:
                return '"x"'


async def walk_of(desk: Desk, visitor: Caller) -> Walk:
    """A tenant in which every kind of thing has something secret."""
    owner = desk.owner
    things, talk = await make_things(owner), await make_talk(desk, await desk.visitor(pageTitle=SECRET))
    await mutate(owner, "updateTenant", {"name": SECRET}, "__typename")
    await mutate(owner, "updateCustomer", {"id": things.customer, "attributes": {"a": SECRET}}, "__typename")
    await mutate(owner, "updateConversation", {"conversationId": talk.conversation, "subject": SECRET}, "__typename")
    await answers(owner, talk.conversation, SECRET)
    return Walk(things, talk, await sending_of(owner))


async def sending_of(owner: Caller) -> Json:
    """The ids of what is sent and of what it is sent with, by the names of arguments."""
    assert owner.principal.tenant_id
    said, plans = await make_said(owner), await make_plans(owner)
    integrations, hooks = await make_sending(owner), await make_hooks(owner)
    mailing = await Mailing(owner.house.units, owner.principal.tenant_id).begin({"subject": SECRET, "number": 1000})
    (delivery,) = await mailing.invite(1, subject=SECRET)
    link = new_id()
    async with owner.house.write(owner.principal) as tx:
        row = {"id": link, "number": 1, "campaign_id": mailing.campaign_id, "url": SECRET, "digest": "d"}
        await tx.insert(Link, [row | {"created_at": tx.now}])
    ids = {"campaign": mailing.campaign_id, "content": mailing.content_id, "delivery": delivery, "link": link}
    return {f"{noun}Id": public_id(noun, key) for noun, key in ids.items()} | {
        "experimentId": plans.experiment,
        "topicId": said.topic,
        "subscriptionTopicId": said.topic,
        "integrationId": integrations.integration,
        "domainId": integrations.domain,
        "reportingWebhookId": hooks.webhook,
    }


async def test_no_other_root_field_tells_a_visitor_anything(desk: Desk) -> None:
    visitor = await desk.visitor()
    await says(visitor, "hello")
    walk = await walk_of(desk, visitor)
    before = await everything_stored(desk.owner.house)
    roots = schema._schema
    assert roots.query_type and roots.mutation_type and roots.subscription_type
    for name, definition in roots.query_type.fields.items():
        found = await visitor.ask(walk.document("query", name, definition))
        if name in OWN_FIELDS:
            assert "errors" not in found and SECRET not in str(found), name
            continue
        if name == "visitorConversation":
            assert found == {"data": {name: None}}
            continue
        codes = [error["extensions"]["code"] for error in found["errors"]]
        assert codes == (["NOT_FOUND"] if name == "fileLinks" else ["FORBIDDEN"]), (name, found)
        assert not found["data"] or found["data"] == {name: None}
    members_own: list[tuple[Any, Any]] = [(MUTATIONS, walk.things), (TALK, walk.talk)]
    members_own += [(CAMPAIGNS, unknown_plans()), (CONTENT, unknown_words()), (DELIVERIES, unknown_post())]
    members_own += [(CONSENT, unknown_said()), (INTEGRATIONS, unknown_sending()), (REPORTING, unknown_hooks())]
    texts = [(written(name, m.payload), m.input(made)) for table, made in members_own for name, m in table.items()]
    texts += [(f"mutation {{ {name} {{ __typename }} }}", None) for name in WITHOUT_INPUT | TALK_WITHOUT_INPUT]
    for text, input in texts:
        found = await visitor.refusal(text, **({"input": input} if input else {}))
        assert found["code"] == ("NOT_FOUND" if "setTyping" in text else "FORBIDDEN"), text
    for name, definition in roots.subscription_type.fields.items():
        if name not in OWN_STREAMS - {"typing"}:
            refused = await visitor.follow_refusal(walk.document("subscription", name, definition))
            assert refused["code"] == ("NOT_FOUND" if name == "typing" else "FORBIDDEN"), name
    assert await everything_stored(desk.owner.house) == before


async def test_members_do_not_pass_for_visitors(desk: Desk) -> None:
    page = 'mutation { seePage(input: {url: "https://a.example"}) { __typename } }'
    for text in ("{ visitorSession { id } }", page):
        assert (await desk.owner.refusal(text))["code"] == "FORBIDDEN"
    refused = await desk.owner.follow_refusal("subscription { visitorConversation { __typename } }")
    assert refused["code"] == "FORBIDDEN"
