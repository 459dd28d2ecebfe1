"""Segments and who is in them, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import String, Text, cast, func, or_

import models
from app.core.access import Scope
from resolvers.campaigns.types import Campaign
from resolvers.customers.types import Customer, stood_at
from resolvers.nodes import Node, feed_cursor, values_of
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value

LATEST = Order("e", "entered_at")


@strawberry.enum(description="How a segment gets its members.")
class SegmentKind(Enum):
    """As stored, in capitals."""

    DYNAMIC = enum_value("dynamic", description="Its rule finds them.")
    STATIC = enum_value("static", description="They are put into it by hand.")


@strawberry.enum(description="Whether a segment's members are those whom its rule finds.")
class SegmentState(Enum):
    """As stored, in capitals."""

    BUILDING = enum_value("building", description="They are being found; progress says how far that is.")
    READY = enum_value("ready", description="They are all found, and every change is followed at once.")
    FAILED = enum_value("failed", description="Finding them broke off; refreshSegment begins again.")


@table_type(models.SegmentMembership, noun="segment_membership", scope=Scope.SEGMENTS_READ)
class SegmentMembership:
    """A stay of a customer in a segment. Past stays are kept: they are its history."""

    entered_at: DateTime = column("When they entered.")
    left_at: DateTime | None = column("When they left; null while they are in it.")
    enter_cause: str = column("What made them enter.")
    leave_cause: str | None = column("What made them leave.")

    @one(lambda: Customer, "Who stays, or stayed.", graphql_type=Customer, scope=Scope.CUSTOMERS_READ)
    def customer(self: Any) -> Rows:
        customer = rows(models.Customer)
        return customer.where(customer.c.id == self.c.customer_id)

    @one(
        lambda: Segment,
        "In which segment; null if it was deleted.",
        graphql_type=Annotated["Segment", strawberry.lazy(__name__)] | None,
    )
    def segment(self: Any) -> Rows:
        segment = rows(models.Segment)
        return segment.where(segment.c.id == self.c.segment_id)


@table_type(models.Segment, noun="segment", scope=Scope.SEGMENTS_READ)
class Segment(Node):
    """Customers who belong together, by a rule or by hand."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What it is called.")
    description: str = column("What it is for.")
    kind: SegmentKind = column("How it gets its members.")
    rule: JSON | None = column(
        "Its rule as JSON, which can be sent again as a RuleInput; null if it is static.",
    )
    version: int = column("How often its rule was set.")
    state: SegmentState = column("Whether its members are those whom its rule finds.")
    progress: int = column("How much of the finding is done, in per mille.")
    member_count: int = column("How many members it has. It is kept, so it costs nothing to ask.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When its name, description or rule last changed.")
    snapshot_cursor: str = column(
        "Where this segment's feed stands in the very moment of this answer: subscribe with it as after and nothing is "
        "missed or doubled.",
        lambda segment: feed_cursor("segment", segment),
    )

    @connection(
        lambda: Customer,
        "Who is in it. Of a past moment, those who were in it then, but for the deleted.",
        graphql_type=Connection[Customer],
        scope=Scope.CUSTOMERS_READ,
    )
    def members(
        self: Any,
        as_of: Annotated[DateTime | None, strawberry.argument(description="Who was in it at this moment.")] = None,
    ) -> Rows:
        customer, stay = rows(models.Customer), rows(models.SegmentMembership)
        here = stay.where(stay.c.segment_id == self.c.id, stood_at(stay, as_of))
        inside = customer.c.id.in_(values_of(here, stay.c.customer_id))
        return customer.where(inside, None if as_of is None else customer.c.status != "deleted")

    @connection(
        lambda: SegmentMembership,
        "Who entered it, when, and why, latest first.",
        graphql_type=Connection[SegmentMembership],
        scope=Scope.CUSTOMERS_READ,
    )
    def memberships(
        self: Any,
        ended: Annotated[
            bool | None, strawberry.argument(description="Only stays that have ended, or only those that last.")
        ] = None,
    ) -> Rows:
        stay = rows(models.SegmentMembership)
        stay = stay.where(stay.c.segment_id == self.c.id)
        if ended is not None:
            stay = stay.where(stay.c.left_at.is_not(None) if ended else stay.c.left_at.is_(None))
        return stay.ordered(LATEST)

    @many(
        lambda: Segment,
        "The segments whose rules ask for its members. While there are any, it cannot be deleted.",
        graphql_type=list[Annotated["Segment", strawberry.lazy(__name__)]],
        size=3,
    )
    def used_by(self: Any) -> Rows:
        segment, depends = rows(models.Segment), rows(models.SegmentDependency)
        name = func.replace(self.c.id.cast(String()), "-", "")
        asking = depends.where(depends.c.kind == "segment", depends.c.name == name)
        return segment.where(segment.c.id.in_(values_of(asking, depends.c.segment_id)))

    @many(
        lambda: Campaign,
        "The campaigns whose audience or exclusions ask for its members. While one of them has not ended, it cannot be "
        "deleted.",
        graphql_type=list[Campaign],
        scope=Scope.CAMPAIGNS_READ,
        size=3,
    )
    def used_by_campaigns(self: Any) -> Rows:
        campaign = rows(models.Campaign)
        name = func.concat("seg_", func.replace(self.c.id.cast(String()), "-", ""))
        asking = [cast(rule, Text()).contains(name) for rule in (campaign.c.audience, campaign.c.exclusions)]
        return campaign.where(or_(*asking))
