"""What the tests of visitors share: a widget on a page, and somebody who opens it."""

from typing import Any
from uuid import UUID

from app.actions.conversations import visitor_says
from app.actions.conversations.store import ConversationReader
from app.actions.visitors import Opened, identify_visitor, identity_secret, open_widget
from app.actions.visitors.proof import proof_of
from app.actions.widgets import create_widget
from app.core.access import PUBLIC, Principal, Scope
from app.core.tx import UnitsOfWork
from models import Visitor, Widget
from tests.actions.people import People

SHOP = "https://shop.example"


class Browser:
    """One visitor in one browser, who does each thing in a unit of work of its own."""

    def __init__(self, units: UnitsOfWork, opened: Opened) -> None:
        self.units = units
        self.opened = opened
        scopes = frozenset({Scope.VISITOR})
        self.principal = Principal("visitor", opened.visitor.tenant_id, self.id, scopes=scopes, plan="visitor")

    @property
    def id(self) -> UUID:
        return self.opened.visitor.id

    async def do(self, action: Any, **named: Any) -> Any:
        async with self.units.write(self.principal) as tx:
            return await action(tx, **named)

    async def says(self, text: str, conversation_id: UUID | None = None) -> UUID:
        """The conversation in which it was said."""
        said = await self.do(visitor_says, text=text, conversation_id=conversation_id)
        found: UUID = said.conversation.id
        return found

    async def sees(self) -> set[UUID]:
        """The conversations that this visitor may see."""
        async with self.units.read(self.principal) as reading:
            found = await reading.session.execute(ConversationReader(reading).mine())
            return {conversation.id for conversation in found.scalars()}


class Site:
    """A tenant with a widget on its page, and with a server that vouches for its users."""

    def __init__(self, people: People, widget: Widget) -> None:
        self.people = people
        self.units = people.units
        self.widget = widget

    @classmethod
    async def built(cls, people: People, **widget: Any) -> "Site":
        return cls(people, await people.do(create_widget, **{"name": "Help", **widget}))

    async def open(self, **values: Any) -> Opened:
        async with self.units.write(PUBLIC) as tx:
            return await open_widget(tx, **{"widget_key": self.widget.key, "origin": SHOP, **values})

    async def browser(self, **values: Any) -> Browser:
        """A new visitor."""
        return Browser(self.units, await self.open(**values))

    async def proof(self, user_id: str) -> str:
        return proof_of(await self.people.read(identity_secret), user_id)

    async def proven(self, user_id: str, browser: Browser | None = None, **said: Any) -> Browser:
        """A browser, a new one if none is given, whose user the tenant's server has vouched for."""
        browser = browser or await self.browser()
        await browser.do(identify_visitor, user_id=user_id, user_hash=await self.proof(user_id), **said)
        return browser

    async def visitor(self, browser: Browser) -> dict[str, Any]:
        return next(row for row in await self.people.rows(Visitor) if row["id"] == browser.id)
