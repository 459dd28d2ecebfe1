"""Visitors, as agents see them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.customers.types import Customer, customer_of
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import Connection, DateTime
from resolvers.widgets.types import Widget, widget_of

if TYPE_CHECKING:
    from resolvers.conversations.types import Conversation

SEEN = Order("s", "seen_at")
ACTIVE = Order("an", "active_at")


@table_type(models.VisitorPage, noun="visitor_page", scope=Scope.CONVERSATIONS_READ)
class VisitorPage:
    """A page that a visitor looked at. The latest hundred are kept."""

    url: str = column("Its address.")
    title: str = column("Its title.")
    seen_at: DateTime = column("When they came to it.")


@table_type(models.Visitor, noun="visitor", scope=Scope.CONVERSATIONS_READ)
class Visitor(Node):
    """A browser in which a widget was opened."""

    name: str = column("What they are called, as far as they said.")
    email: str | None = column("Their e-mail address, as far as they said.")
    locale: str | None = column("Their language, as a BCP 47 tag.")
    timezone: str | None = column("Their IANA timezone.")
    user_agent: str = column("What their browser calls itself.")
    referrer: str = column("The page from which they came.")
    page_url: str = column("The page on which they are, or were last.")
    page_title: str = column("Its title.")
    page_count: int = column("How many pages they have looked at.")
    proven_id: str | None = column("The id in the tenant's own systems that its server vouched for.")
    created_at: DateTime = column("When the widget was first opened.")
    seen_at: DateTime = column("When they were last there.")

    @one(
        lambda: Customer,
        "Who that is, once it is known.",
        graphql_type=Customer | None,
        scope=Scope.CUSTOMERS_READ,
    )
    def customer(self: Any) -> Rows:
        return customer_of(self)

    @one(
        lambda: Widget,
        "The widget they opened, unless it was deleted.",
        graphql_type=Widget | None,
        scope=Scope.WIDGETS_READ,
    )
    def widget(self: Any) -> Rows:
        return widget_of(self)

    @many(lambda: VisitorPage, "The pages they looked at, latest first.", graphql_type=list[VisitorPage], size=20)
    def pages(self: Any) -> Rows:
        page = rows(models.VisitorPage)
        return page.where(page.c.visitor_id == self.c.id).ordered(SEEN)

    @connection(
        lambda: None,  # type: ignore[arg-type,return-value]
        "What they wrote, those with the latest activity first.",
        graphql_type=Connection[Annotated["Conversation", strawberry.lazy("resolvers.conversations.types")]],
    )
    def conversations(self: Any) -> Rows:
        conversation = rows(models.Conversation)
        return conversation.where(conversation.c.visitor_id == self.c.id).ordered(ACTIVE)


def visitor_of(row: Rows) -> Rows:
    """The visitor of a row with a ``visitor_id``."""
    visitor = rows(models.Visitor)
    return visitor.where(visitor.c.id == row.c.visitor_id)


@strawberry.input(description="Which visitors. Everything given must hold.")
class VisitorFilter:
    """Conditions on visitors."""

    search: str | None = strawberry.field(default=None, description="Part of the name, the address or the proven id.")
    identified: bool | None = strawberry.field(
        default=None, description="Only those for whom the tenant's server vouched, or only the others."
    )
    seen_since: DateTime | None = strawberry.field(default=None, description="Only those who were there since then.")


@strawberry.type
class VisitorQuery:
    """Root fields about visitors."""

    @one(lambda: Visitor, "One visitor, or null.", graphql_type=Visitor | None, scope=Scope.CONVERSATIONS_READ)
    def visitor(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The visitor's public id.")]
    ) -> Rows:
        visitor = rows(models.Visitor)
        return visitor.where(visitor.c.id == given.key("visitor", id))

    @connection(
        lambda: Visitor,
        "Visitors, those seen last first. Who is there now says presentNow.",
        graphql_type=Connection[Visitor],
        scope=Scope.CONVERSATIONS_READ,
    )
    def visitors(
        self: Any,
        filter: Annotated[VisitorFilter | None, strawberry.argument(description="Which visitors.")] = None,
    ) -> Rows:
        visitor = rows(models.Visitor).ordered(SEEN)
        if filter is None:
            return visitor
        if filter.identified is not None:
            proven = visitor.c.proven_id
            visitor = visitor.where(proven.is_not(None) if filter.identified else proven.is_(None))
        return visitor.where(
            given.contains([visitor.c.name, visitor.c.email, visitor.c.proven_id], filter.search),
            given.since(visitor.c.seen_at, filter.seen_since),
        )
