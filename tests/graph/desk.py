"""What the tests of conversations in the graph share: a tenant with a widget, agents and visitors."""

import hmac
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.access import PUBLIC, ROLE_SCOPES, Role, system
from app.core.credentials import Credential
from app.core.ids import new_id, public_id
from models import Member, User
from tests.graph.callers import Caller, Json

SHOP = "https://shop.example"
OPEN = """mutation ($input: OpenWidgetInput!) { openWidget(input: $input) {
  token expiresAt widget isOpen opensAt agentsPresent session { id name email locale identified } } }"""
SAY = """mutation ($input: SendVisitorMessageInput!) { sendVisitorMessage(input: $input) {
  repeated message { id seq } conversation { id head } } }"""
SEND = """mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
  repeated message { id seq } conversation { id head } } }"""
NOTE = "mutation ($input: AddNoteInput!) { addNote(input: $input) { message { id seq kind } } }"


@dataclass(frozen=True)
class Desk:
    """A tenant's owner and the public key of its widget."""

    owner: Caller
    widget_key: str
    widget_id: str

    @classmethod
    async def open(cls, owner: Caller) -> "Desk":
        """With a new widget."""
        text = 'mutation { createWidget(input: {name: "Help"}) { widget { id key } } }'
        widget = (await owner.data(text))["createWidget"]["widget"]
        return cls(owner, widget["key"], widget["id"])

    async def opened(self, origin: str = SHOP, **values: Any) -> Json:
        """What opening the widget gives."""
        public = replace(self.owner, principal=replace(PUBLIC, origin=origin))
        found: Json = (await public.data(OPEN, input={"widgetKey": self.widget_key, **values}))["openWidget"]
        return found

    async def visitor(self, **values: Any) -> Caller:
        """A visitor, who came with a new token."""
        return await self.recognised((await self.opened(**values))["token"])

    async def recognised(self, token: str) -> Caller:
        """Who sends this token."""
        authenticator = self.owner.house.authenticator
        return replace(self.owner, principal=await authenticator.authenticate(Credential.from_text(token), "graph"))

    async def proven(self, user_id: str) -> Caller:
        """A visitor for whom the tenant's server vouched."""
        visitor = await self.visitor()
        await prove(self.owner, visitor, user_id)
        return visitor

    async def colleague(self, name: str, role: Role = Role.AGENT) -> Caller:
        """A member of this role."""
        user_id, now, tenant_id = new_id(), clock.now(), self.owner.principal.tenant_id
        stamps = {"created_at": now, "updated_at": now}
        async with self.owner.house.write(system(tenant_id)) as tx:
            await tx.insert(User, [{"id": user_id, "email": f"{user_id.hex}@acme.example", "name": name, **stamps}])
            await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": role, "created_at": now}])
        principal = replace(self.owner.principal, id=user_id, label=name, role=role, scopes=ROLE_SCOPES[role])
        return replace(self.owner, principal=principal)


async def prove(owner: Caller, visitor: Caller, user_id: str) -> Json:
    """Says who a visitor is, with the word of the tenant's server."""
    secret = (await owner.data("{ identitySecret }"))["identitySecret"]
    given = {"userId": user_id, "userHash": hmac.digest(secret.encode(), user_id.encode(), "sha256").hex()}
    text = "mutation ($input: IdentifyVisitorInput!) { identifyVisitor(input: $input) { session { identified } } }"
    found: Json = (await visitor.data(text, input=given))["identifyVisitor"]["session"]
    return found


async def says(visitor: Caller, text: str, **values: Any) -> str:
    """A visitor says something; the id of the conversation."""
    said = await visitor.data(SAY, input={"text": text, **values})
    found: str = said["sendVisitorMessage"]["conversation"]["id"]
    return found


async def answers(agent: Caller, conversation_id: str, text: str, **values: Any) -> Json:
    """An agent answers."""
    given = {"conversationId": conversation_id, "text": text, **values}
    found: Json = (await agent.data(SEND, input=given))["sendMessage"]
    return found


async def notes(agent: Caller, conversation_id: str, text: str) -> Json:
    """An agent writes a note."""
    given = {"conversationId": conversation_id, "text": text}
    found: Json = (await agent.data(NOTE, input=given))["addNote"]["message"]
    return found


def user_id(caller: Caller) -> str:
    """The public id of a member's user."""
    assert caller.principal.id is not None
    return public_id("user", caller.principal.id)


def visitor_id(caller: Caller) -> str:
    """The public id of a visitor."""
    assert isinstance(caller.principal.id, UUID)
    return public_id("visitor", caller.principal.id)
