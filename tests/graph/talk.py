"""Every mutation about conversations in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.core import clock
from app.core.access import Scope, system
from app.core.ids import new_id, public_id
from models import File
from tests.graph.callers import Caller
from tests.graph.desk import Desk, answers, says, user_id, visitor_id
from tests.graph.mutations import Mutation as _Mutation

WRITE, WIDGETS, VISITOR = Scope.CONVERSATIONS_WRITE, Scope.WIDGETS_WRITE, Scope.VISITOR


@dataclass(frozen=True)
class Talk:
    """Public ids of what a desk has."""

    conversation: str
    message: str
    own_message: str
    visitor: str
    user: str
    team: str
    widget: str
    domain: str
    answer: str
    view: str
    file: str


class Mutation(_Mutation):
    """As the others; the input is made of a :class:`Talk`."""


def unknown_talk() -> Talk:
    """Ids of nothing."""
    nouns = ("conversation", "message", "message", "visitor", "user", "team", "widget", "domain")
    return Talk(*(public_id(noun, new_id()) for noun in (*nouns, "canned_response", "saved_view", "file")))


async def make_talk(desk: Desk, visitor: Caller) -> Talk:
    """One of everything in the desk's tenant; the visitor's conversation is answered by the owner."""
    owner = desk.owner
    conversation = await says(visitor, "hello")
    own = (await visitor.data(OWN_LATEST))["visitorSession"]["conversations"]["nodes"][0]["messages"]["nodes"][0]["id"]
    message = (await answers(owner, conversation, "hi"))["message"]["id"]
    alice = await desk.colleague("Alice")
    done = await owner.data(SETUP, member=user_id(alice))
    team, domain, answer, view = (one["id"] for payload in done.values() for one in payload.values())
    file = await make_file(owner)
    people = visitor_id(visitor), user_id(alice)
    return Talk(conversation, message, own, *people, team, desk.widget_id, domain, answer, view, file)


OWN_LATEST = "{ visitorSession { conversations { nodes { messages(first: 1) { nodes { id } } } } } }"
SETUP = """mutation ($member: ID!) {
  createTeam(input: {name: "Helpers", memberIds: [$member]}) { team { id } }
  addDomain(input: {name: "shop.example"}) { domain { id } }
  createCannedResponse(input: {texts: {en: "Hi {{visitor.name}}"}, shortcut: "hi"}) { cannedResponse { id } }
  createSavedView(input: {name: "Mine", filter: {mine: true}}) { savedView { id } }
}"""


async def make_file(owner: Caller) -> str:
    """A file that the owner has uploaded and not sent."""
    key, tenant_id = new_id(), owner.principal.tenant_id
    row = {"id": key, "name": "a.png", "size": 3, "mime_type": "image/png", "sha256": "0" * 64, "storage_key": key.hex}
    row |= {"uploader_kind": "member", "uploader_id": owner.principal.id, "width": 2, "height": 1}
    async with owner.house.write(system(tenant_id)) as tx:
        await tx.insert(File, [row | {"created_at": clock.now()}])
    return public_id("file", key)


CONVERSATION, SAID = "conversation { id }", "message { id } conversation { id } repeated"
AT = "conversationId"
TALK = {
    "startConversation": Mutation(
        lambda t: {"visitorId": t.visitor, "text": "News", "fileIds": [t.file]}, SAID, WRITE, "visitorId"
    ),
    "sendMessage": Mutation(lambda t: {AT: t.conversation, "text": "Hi"}, SAID, WRITE, AT),
    "addNote": Mutation(lambda t: {AT: t.conversation, "text": "Psst"}, SAID, WRITE, AT),
    "editMessage": Mutation(lambda t: {"messageId": t.message, "text": "Hey"}, "message { text }", WRITE, "messageId"),
    "deleteMessage": Mutation(lambda t: {"messageId": t.message}, "message { deletedAt }", WRITE, "messageId"),
    "markConversationRead": Mutation(lambda t: {AT: t.conversation, "seq": 1}, CONVERSATION, WRITE, AT),
    "updateConversation": Mutation(lambda t: {AT: t.conversation, "addTags": ["vip"]}, CONVERSATION, WRITE, AT),
    "updateConversations": Mutation(
        lambda t: {"conversationIds": [t.conversation], "priority": "HIGH", "teamId": t.team, "assigneeId": t.user},
        "conversations { priority }",
        WRITE,
        "conversationIds",
    ),
    "assignConversation": Mutation(
        lambda t: {AT: t.conversation, "assigneeId": None, "teamId": None}, "conversation { queuePosition }", WRITE, AT
    ),
    "setTyping": Mutation(lambda t: {AT: t.conversation}, "typing", WRITE, AT),
    "closeConversation": Mutation(lambda t: {AT: t.conversation}, "conversation { status }", WRITE, AT),
    "mailTranscript": Mutation(lambda t: {AT: t.conversation, "recipient": "vera@example.com"}, "recipient", WRITE, AT),
    "createCannedResponse": Mutation(lambda t: {"texts": {"en": "Bye"}}, "cannedResponse { shortcut }", WRITE),
    "updateCannedResponse": Mutation(
        lambda t: {"cannedResponseId": t.answer, "title": "T"}, "cannedResponse { title }", WRITE, "cannedResponseId"
    ),
    "deleteCannedResponse": Mutation(
        lambda t: {"cannedResponseId": t.answer}, "cannedResponseId", WRITE, "cannedResponseId"
    ),
    "createSavedView": Mutation(
        lambda t: {"name": "v", "filter": {"unread": True}}, "savedView { shared }", Scope.CONVERSATIONS_READ
    ),
    "updateSavedView": Mutation(
        lambda t: {"savedViewId": t.view, "shared": True},
        "savedView { shared }",
        Scope.CONVERSATIONS_READ,
        "savedViewId",
    ),
    "deleteSavedView": Mutation(
        lambda t: {"savedViewId": t.view}, "savedViewId", Scope.CONVERSATIONS_READ, "savedViewId"
    ),
    "createWidget": Mutation(lambda t: {"name": "New", "teamId": t.team}, "widget { team { id } }", WIDGETS, "teamId"),
    "updateWidget": Mutation(
        lambda t: {"widgetId": t.widget, "name": "W", "teamId": None}, "widget { name }", WIDGETS, "widgetId"
    ),
    "deleteWidget": Mutation(lambda t: {"widgetId": t.widget}, "widgetId", WIDGETS, "widgetId"),
    "addDomain": Mutation(lambda t: {"name": "*.shop.example"}, "domain { name }", WIDGETS),
    "removeDomain": Mutation(lambda t: {"domainId": t.domain}, "domainId", WIDGETS, "domainId"),
    "createTeam": Mutation(lambda t: {"name": "n", "memberIds": [t.user]}, "team { name }", WIDGETS, "memberIds"),
    "updateTeam": Mutation(
        lambda t: {"teamId": t.team, "routing": "ROUND_ROBIN", "reassignAfterSeconds": 60},
        "team { routing reassignAfterSeconds members { agent { capacity availability } } }",
        WIDGETS,
        "teamId",
    ),
    "deleteTeam": Mutation(lambda t: {"teamId": t.team}, "teamId", WIDGETS, "teamId"),
    "setAvailability": Mutation(
        lambda t: {"availability": "AWAY", "capacity": 2}, "agent { availability capacity user { id } }", WRITE
    ),
}
"""What members do, in an order in which each can be done."""

VISITORS_OWN = {
    "sendVisitorMessage": Mutation(lambda t: {AT: t.conversation, "text": "Ho"}, SAID, VISITOR, AT),
    "editVisitorMessage": Mutation(
        lambda t: {"messageId": t.own_message, "text": "Hoho"}, "message { text }", VISITOR, "messageId"
    ),
    "deleteVisitorMessage": Mutation(
        lambda t: {"messageId": t.own_message}, "message { deletedAt }", VISITOR, "messageId"
    ),
    "markVisitorRead": Mutation(lambda t: {AT: t.conversation, "seq": 2}, CONVERSATION, VISITOR, AT),
    "closeVisitorConversation": Mutation(lambda t: {AT: t.conversation}, "conversation { status }", VISITOR, AT),
    "rateConversation": Mutation(
        lambda t: {AT: t.conversation, "score": 4, "comment": "ok"}, "conversation { csatScore }", VISITOR, AT
    ),
    "identifyVisitor": Mutation(lambda t: {"userId": "u", "name": "Vera"}, "session { name }", VISITOR),
    "seePage": Mutation(lambda t: {"url": "https://shop.example/x"}, "session { id }", VISITOR),
}
"""What visitors do."""
TALK_WITHOUT_INPUT = {"rotateIdentitySecret"}
TALK_PUBLIC = {"openWidget"}
