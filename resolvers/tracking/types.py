"""Links, and what people and machines did with messages, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.metrics.types import LinkTotals, same_row
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, one, rows, table_type
from resolvers.scalars import DateTime, enum_value

BY_NUMBER = Order("ln", "number", descending=False, counts=True)
SEEN = Order("en", "occurred_at")


@strawberry.enum(description="What somebody did with a message.")
class EngagementKind(Enum):
    """As stored, in capitals."""

    OPEN = enum_value("open", description="It was opened.")
    CLICK = enum_value("click", description="A link of it was followed.")


@strawberry.enum(description="Who did something with a message.")
class Verdict(Enum):
    """As stored, in capitals."""

    HUMAN = enum_value("human", description="A person.")
    SCANNER = enum_value("scanner", description="A machine that looks at mail on its way.")
    PROXY = enum_value("proxy", description="A machine that fetches pictures for somebody who may never look.")
    UNKNOWN = enum_value("unknown", description="It cannot be told. Does not count as a person.")


@table_type(models.Link, noun="link", scope=Scope.CAMPAIGNS_READ)
class Link(Node):
    """An address to which a campaign's messages lead."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    url: str = column("The address as the template has it; it may hold Liquid.")
    created_at: DateTime = column("When it was first seen.")

    @one(lambda: LinkTotals, "How often it was followed.", graphql_type=LinkTotals, scope=Scope.METRICS_READ)
    def metrics(self: Any) -> Rows:
        return same_row(models.Link, self)


@table_type(models.Engagement, noun="engagement", scope=Scope.DELIVERIES_READ)
class Engagement(Node):
    """One opening or click that was seen, who did it, and what says so."""

    kind: EngagementKind = column("What was done.")
    url: str | None = column("Where the link led; null for an opening.")
    verdict: Verdict = column("Who did it.")
    reasons: list[str] = column("What says so: words such as browser, program, many_links_at_once.")
    user_agent: str = column("What the request said of its program.")
    address: str = column("From which address of the internet it came.")
    occurred_at: DateTime = column("When.")

    @one(lambda: Link, "The link that was followed.", graphql_type=Link | None, scope=Scope.CAMPAIGNS_READ)
    def link(self: Any) -> Rows:
        link = rows(models.Link)
        return link.where(link.c.id == self.c.link_id)


def links_of(campaign: Rows) -> Rows:
    """The links in a campaign's messages."""
    link = rows(models.Link)
    return link.where(link.c.campaign_id == campaign.c.id).ordered(BY_NUMBER)


def engagements_of(delivery: Rows) -> Rows:
    """What was seen of a delivery, the latest first."""
    found = rows(models.Engagement)
    return found.where(found.c.delivery_id == delivery.c.id).ordered(SEEN)


@strawberry.type
class TrackingQuery:
    """Root fields about links."""

    @one(lambda: Link, "One link, or null.", graphql_type=Link | None, scope=Scope.CAMPAIGNS_READ)
    def link(self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The link's public id.")]) -> Rows:
        link = rows(models.Link)
        return link.where(link.c.id == given.key("link", id))
