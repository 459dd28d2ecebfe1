"""Finding segments, and asking what a rule would find and why somebody is found.

What goes by a rule is no row of a table, so previewSegment, explainMembership and memberCountSeries are answered by
actions and not by the planner; therefore they are root fields.
"""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.actions import segments as actions
from app.core.access import Scope
from app.core.ids import parse_id
from resolvers.context import Info
from resolvers.customers.types import Customer
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Ref, Rows, connection, one, rows
from resolvers.scalars import Connection, DateTime, enum_value
from resolvers.segments.explaining import MembershipExplanation
from resolvers.segments.rules import RuleInput, document_of
from resolvers.segments.types import Segment, SegmentKind, SegmentState


@strawberry.enum(description="How segments are ordered.")
class SegmentOrder(Enum):
    """By a moment; then by id."""

    CREATED_NEWEST = enum_value("created_newest", description="Those made last come first.")
    CREATED_OLDEST = enum_value("created_oldest", description="Those made first come first.")
    UPDATED_NEWEST = enum_value("updated_newest", description="Those changed last come first.")
    UPDATED_OLDEST = enum_value("updated_oldest", description="Those changed longest ago come first.")


ORDERS = {
    SegmentOrder.CREATED_NEWEST: Order("cn", "created_at"),
    SegmentOrder.CREATED_OLDEST: Order("co", "created_at", descending=False),
    SegmentOrder.UPDATED_NEWEST: Order("un", "updated_at"),
    SegmentOrder.UPDATED_OLDEST: Order("uo", "updated_at", descending=False),
}


@strawberry.input(description="Which segments. Everything given must hold.")
class SegmentFilter:
    """Conditions on segments."""

    search: str | None = strawberry.field(default=None, description="Part of the name or the description.")
    kind: SegmentKind | None = strawberry.field(default=None, description="Only of this kind.")
    state: SegmentState | None = strawberry.field(default=None, description="Only in this state.")


@strawberry.enum(description="How far apart the points of a series are.")
class SeriesStep(Enum):
    """As the actions call it."""

    HOUR = enum_value("hour", description="An hour.")
    DAY = enum_value("day", description="24 hours.")
    WEEK = enum_value("week", description="Seven days.")
    MONTH = enum_value("month", description="A month of the calendar.")


@strawberry.type(description="How many members a segment had at a moment.")
class MemberCount:
    """A point of a series."""

    at: DateTime = strawberry.field(description="The moment.")
    count: int = strawberry.field(description="How many members there were.")


@strawberry.type(description="Whom a rule finds now.")
class SegmentPreview:
    """How many, and some of them."""

    count: int = strawberry.field(description="How many customers the rule finds.")
    sample: list[Customer] = strawberry.field(description="Some of them, those known last first.")


SegmentId = Annotated[strawberry.ID, strawberry.argument(description="The segment.")]


@strawberry.type
class SegmentQuery:
    """Root fields about segments."""

    @one(lambda: Segment, "One segment, or null.", graphql_type=Segment | None, scope=Scope.SEGMENTS_READ)
    def segment(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The segment's public id.")]
    ) -> Rows:
        segment = rows(models.Segment)
        return segment.where(segment.c.id == given.key("segment", id))

    @connection(lambda: Segment, "Segments, page by page.", graphql_type=Connection[Segment], scope=Scope.SEGMENTS_READ)
    def segments(
        self: Any,
        filter: Annotated[SegmentFilter | None, strawberry.argument(description="Which segments.")] = None,
        order_by: Annotated[
            SegmentOrder, strawberry.argument(description="Which come first.")
        ] = SegmentOrder.CREATED_NEWEST,
    ) -> Rows:
        segment = rows(models.Segment).ordered(ORDERS[order_by])
        if filter is None:
            return segment
        if filter.kind is not None:
            segment = segment.where(segment.c.kind == filter.kind.value)
        if filter.state is not None:
            segment = segment.where(segment.c.state == filter.state.value)
        return segment.where(given.contains([segment.c.name, segment.c.description], filter.search))

    @strawberry.field(description="Whom a segment with this rule would have now. Refuses what createSegment refuses.")
    async def preview_segment(
        self,
        info: Info,
        rule: Annotated[RuleInput, strawberry.argument(description="The rule.")],
        sample: Annotated[int, strawberry.argument(description="How many to show, 0 to 100.")] = 10,
    ) -> SegmentPreview:
        info.context.principal.require(Scope.CUSTOMERS_READ)
        info.context.ask_much()
        async with info.context.read() as reading:
            found = await actions.preview_segment(reading, rule=document_of(rule), sample=sample)
        shown: Any = [Ref(Customer, key) for key in found.sample]
        return SegmentPreview(count=found.count, sample=shown)

    @strawberry.field(
        description="Why a customer is a member of a segment or is not: each condition of the rule, what came of it, "
        "what made it so, and when the clock may change it."
    )
    async def explain_membership(
        self,
        info: Info,
        segment_id: SegmentId,
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer, who must be active.")],
    ) -> MembershipExplanation:
        info.context.principal.require(Scope.CUSTOMERS_READ)
        info.context.ask_much()
        segment = parse_id("segment", segment_id, "segment_id")
        customer = parse_id("customer", customer_id, "customer_id")
        async with info.context.read() as reading:
            found = await actions.explain_membership(reading, segment_id=segment, customer_id=customer)
        return MembershipExplanation.of(found, scopes=info.context.principal.scopes)

    @strawberry.field(description="How the number of a segment's members went: at most 1,000 points.")
    async def member_count_series(
        self,
        info: Info,
        segment_id: SegmentId,
        start: Annotated[DateTime, strawberry.argument(description="The first moment.")],
        end: Annotated[DateTime, strawberry.argument(description="No later than this.")],
        step: Annotated[SeriesStep, strawberry.argument(description="How far apart.")] = SeriesStep.DAY,
    ) -> list[MemberCount]:
        info.context.principal.require(Scope.SEGMENTS_READ)
        info.context.ask_much()
        key = parse_id("segment", segment_id, "segment_id")
        async with info.context.read() as reading:
            series = await actions.member_count_series(reading, segment_id=key, start=start, end=end, step=step.value)
        return [MemberCount(at=DateTime(at), count=count) for at, count in series]
