"""Senders, layouts, snippets and contents, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.integrations.types import MessageChannel
from resolvers.metrics.types import MetricTotals, same_row
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, many, one, rows, table_type
from resolvers.scalars import JSON, DateTime, enum_value

SENDERS = Order("sn", "number", descending=False, counts=True)
LAYOUTS = Order("ly", "number", descending=False, counts=True)
SNIPPETS = Order("sp", "name", descending=False)
CONTENTS = Order("ct", "number", descending=False, counts=True)


@strawberry.enum(description="What the address of a sender is.")
class SenderAddress(Enum):
    """As stored, in capitals."""

    EMAIL = enum_value("email", description="An e-mail address.")
    PHONE = enum_value("phone", description="A phone number, or the letters that stand for one.")


@table_type(models.Sender, noun="sender", scope=Scope.CAMPAIGNS_READ)
class Sender(Node):
    """From whom messages come."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    kind: SenderAddress = column("What its address is.")
    name: str = column("The name that people see.")
    address: str = column("The address.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@table_type(models.Layout, noun="layout", scope=Scope.CAMPAIGNS_READ)
class Layout(Node):
    """A frame around e-mails."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What it is called.")
    body: str = column("HTML in Liquid, with {{ content }} where the body of an e-mail goes.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@table_type(models.Snippet, noun="snippet", scope=Scope.CAMPAIGNS_READ)
class Snippet(Node):
    """A piece of Liquid that contents show by its name: {{ snippets.footer }}."""

    name: str = column("Its name.")
    value: str = column("What stands where it is named, in Liquid.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@table_type(models.Content, noun="content", scope=Scope.CAMPAIGNS_READ)
class Content(Node):
    """What one test group of a campaign is sent in one language over one channel. All texts are Liquid."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    channel: MessageChannel = column("Over which channel.")
    test_group: int = column("To which test group, counted from 0.")
    language: str = column("In which language; empty for everybody who has no better one.")
    name: str = column("What it is called.")
    from_address: str = column("From whom, if that is not the sender.")
    reply_to: str = column("To whom answers go.")
    subject: str = column("The subject of an e-mail.")
    preheader: str = column("What mailboxes show beside the subject.")
    body: str = column("HTML of an e-mail, the text of every other message.")
    plain: str | None = column("The text of an e-mail; null: it is made from the HTML.")
    headers: JSON = column("Headers of an e-mail: objects with a name and a value.")
    fields: JSON = column("What else the channel has, by name: of a push its title, link and image_url.")
    version: int = column("Goes up with every change.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")

    @one(lambda: Sender, "From whom; null where from_address says so.", graphql_type=Sender | None)
    def sender(self: Any) -> Rows:
        sender = rows(models.Sender)
        return sender.where(sender.c.id == self.c.sender_id)

    @one(lambda: Layout, "The frame around it.", graphql_type=Layout | None)
    def layout(self: Any) -> Rows:
        layout = rows(models.Layout)
        return layout.where(layout.c.id == self.c.layout_id)

    @one(lambda: MetricTotals, "What came of it.", graphql_type=MetricTotals, scope=Scope.METRICS_READ)
    def metrics(self: Any) -> Rows:
        return same_row(models.Content, self)


def contents_of(campaign: Rows) -> Rows:
    """The contents of a campaign's row, by number."""
    content = rows(models.Content)
    return content.where(content.c.campaign_id == campaign.c.id).ordered(CONTENTS)


@strawberry.type
class ContentQuery:
    """Root fields about what is said."""

    @many(lambda: Sender, "Senders, by number.", graphql_type=list[Sender], scope=Scope.CAMPAIGNS_READ, size=50)
    def senders(
        self: Any,
        kind: Annotated[SenderAddress | None, strawberry.argument(description="Only such addresses.")] = None,
    ) -> Rows:
        sender = rows(models.Sender)
        return sender.where(None if kind is None else sender.c.kind == kind.value).ordered(SENDERS)

    @many(lambda: Layout, "Layouts, by number.", graphql_type=list[Layout], scope=Scope.CAMPAIGNS_READ, size=20)
    def layouts(self: Any) -> Rows:
        return rows(models.Layout).ordered(LAYOUTS)

    @many(lambda: Snippet, "Snippets, by name.", graphql_type=list[Snippet], scope=Scope.CAMPAIGNS_READ, size=50)
    def snippets(
        self: Any,
        search: Annotated[str | None, strawberry.argument(description="Part of the name or the value.")] = None,
    ) -> Rows:
        snippet = rows(models.Snippet)
        found = given.contains([snippet.c.name, snippet.c.value], search)
        return snippet.where(found).ordered(SNIPPETS)

    @one(lambda: Content, "One content, or null.", graphql_type=Content | None, scope=Scope.CAMPAIGNS_READ)
    def content(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The content's public id.")]
    ) -> Rows:
        content = rows(models.Content)
        return content.where(content.c.id == given.key("content", id))
