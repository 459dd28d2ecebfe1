"""Changing segments."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import segments as actions
from app.actions.customers import CustomerRef
from app.core.access import Scope
from app.core.errors import Invalid, Issue
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.customers.inputs import CustomerRefInput, check_items
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.segments.rules import RuleInput, document_of
from resolvers.segments.types import Segment


@strawberry.type(description="A segment after a change.")
class SegmentPayload:
    """The segment as it is now."""

    segment: Segment = strawberry.field(description="The segment as it is now.")


@strawberry.input(description="A new segment.")
class CreateSegmentInput:
    """With a rule it is dynamic, without one static."""

    name: str = strawberry.field(description="What it is called, 1 to 200 characters.")
    description: str = strawberry.field(default="", description="What it is for, at most 2,000 characters.")
    rule: RuleInput | None = strawberry.field(
        default=None,
        description="Who belongs to it; left out for a static segment, into which members are put by hand.",
    )


@strawberry.input(description="What changes about a segment. What is left out stays.")
class UpdateSegmentInput:
    """A segment and what is new."""

    segment_id: strawberry.ID = strawberry.field(description="The segment.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    rule: RuleInput | None = strawberry.field(
        default=None, description="Who belongs to it; its members are found anew. Refused for a static segment."
    )


@strawberry.input(description="One segment.")
class SegmentInput:
    """Which segment."""

    segment_id: strawberry.ID = strawberry.field(description="The segment.")

    def key(self) -> UUID:
        """The segment's key."""
        return parse_id("segment", self.segment_id, "segment_id")


@strawberry.type(description="Which segment was deleted.")
class DeleteSegmentPayload:
    """The id that was."""

    segment_id: strawberry.ID = strawberry.field(description="The segment that was deleted.")


@strawberry.input(description="Customers to put into a static segment, or to take out of it.")
class SegmentMembersInput(SegmentInput):
    """A segment and whom."""

    customers: list[CustomerRefInput] = strawberry.field(description="Whom: 1 to 500 customers.")

    def refs(self) -> list[CustomerRef]:
        """The values of an action. Raises :class:`Invalid`."""
        check_items(self.customers, "customers")
        return [one.ref(f"customers.{place}") for place, one in enumerate(self.customers)]


@strawberry.type(description="What came of putting customers into a segment, or of taking them out.")
class SegmentMembersPayload:
    """How many, and who is unknown."""

    segment: Segment = strawberry.field(description="The segment as it is now.")
    changed: int = strawberry.field(description="How many members are more or fewer by it.")
    unknown: list[int] = strawberry.field(description="The places, from 0, of those who are no active customer.")


@strawberry.input(description="A CSV of customers to put into a static segment.")
class ImportSegmentMembersInput(SegmentInput):
    """The file's text."""

    csv: str = strawberry.field(
        description="The text of the CSV, at most 10,000 lines. Its first line names the columns."
    )
    column: str | None = strawberry.field(
        default=None,
        description="The column that says who: id, external_id, email, phone or anonymous_id. If left out, the first "
        "of these that there is.",
    )


@strawberry.type(description="A line of a CSV that was not taken.")
class RefusedLine:
    """Which, and why."""

    line: int = strawberry.field(description="The number of the line; the first line of the CSV is 1.")
    reason: str = strawberry.field(description="Why it was not taken.")


@strawberry.type(description="What came of a CSV.")
class ImportSegmentMembersPayload:
    """How many, and what was refused."""

    segment: Segment = strawberry.field(description="The segment as it is now.")
    added: int = strawberry.field(description="How many are members by it.")
    already: int = strawberry.field(description="How many were members before.")
    refused: list[RefusedLine] = strawberry.field(description="The lines that name no active customer.")


@strawberry.input(description="A static segment, and another one whose members it gets.")
class CopySegmentMembersInput(SegmentInput):
    """To and from."""

    from_segment_id: strawberry.ID = strawberry.field(description="Whose members, as they are now.")


@strawberry.type(description="What came of copying members.")
class CopySegmentMembersPayload:
    """How many."""

    segment: Segment = strawberry.field(description="The segment as it is now.")
    added: int = strawberry.field(description="How many are members by it.")


def segment_ref(key: UUID) -> Any:
    """The segment of this key, as it is when the answer is read."""
    return Ref(Segment, key)


@strawberry.type
class SegmentMutation:
    """Changes to segments."""

    @mutation(Scope.SEGMENTS_WRITE, "Makes a segment. The members of a dynamic one are found in the background.")
    async def create_segment(self, info: Info, input: CreateSegmentInput) -> SegmentPayload:
        rule = None if input.rule is None else document_of(input.rule)
        async with info.context.write() as tx:
            key = await actions.create_segment(tx, name=input.name, description=input.description, rule=rule)
        return SegmentPayload(segment=segment_ref(key))

    @mutation(Scope.SEGMENTS_WRITE, "Changes a segment. After another rule its members are found in the background.")
    async def update_segment(self, info: Info, input: UpdateSegmentInput) -> SegmentPayload:
        key = parse_id("segment", input.segment_id, "segment_id")
        rule = None if input.rule is None else document_of(input.rule)
        async with info.context.write() as tx:
            await actions.update_segment(tx, segment_id=key, name=input.name, description=input.description, rule=rule)
        return SegmentPayload(segment=segment_ref(key))

    @mutation(Scope.SEGMENTS_WRITE, "Deletes a segment, unless the rule of another one asks for its members.")
    async def delete_segment(self, info: Info, input: SegmentInput) -> DeleteSegmentPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.delete_segment(tx, segment_id=key)
        return DeleteSegmentPayload(segment_id=strawberry.ID(public_id("segment", key)))

    @mutation(Scope.SEGMENTS_WRITE, "Finds all members of a dynamic segment anew, in the background.")
    async def refresh_segment(self, info: Info, input: SegmentInput) -> SegmentPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.refresh_segment(tx, segment_id=key)
        return SegmentPayload(segment=segment_ref(key))

    @mutation(Scope.SEGMENTS_WRITE, "Puts customers into a static segment. Who is in it already stays.")
    async def add_segment_members(self, info: Info, input: SegmentMembersInput) -> SegmentMembersPayload:
        key, customers = input.key(), input.refs()
        async with info.context.write() as tx:
            done = await actions.add_members(tx, segment_id=key, customers=customers)
        return SegmentMembersPayload(segment=segment_ref(key), changed=done.changed, unknown=done.unknown)

    @mutation(Scope.SEGMENTS_WRITE, "Takes customers out of a static segment.")
    async def remove_segment_members(self, info: Info, input: SegmentMembersInput) -> SegmentMembersPayload:
        key, customers = input.key(), input.refs()
        async with info.context.write() as tx:
            done = await actions.remove_members(tx, segment_id=key, customers=customers)
        return SegmentMembersPayload(segment=segment_ref(key), changed=done.changed, unknown=done.unknown)

    @mutation(Scope.SEGMENTS_WRITE, "Puts the customers of a CSV into a static segment; a bad line stops no other.")
    async def import_segment_members(self, info: Info, input: ImportSegmentMembersInput) -> ImportSegmentMembersPayload:
        key = input.key()
        try:
            async with info.context.write() as tx:
                done = await actions.add_members_from_csv(tx, segment_id=key, text=input.csv, column=input.column)
        except Invalid as refused:
            raise Invalid(*(_at_csv(issue) for issue in refused.issues)) from refused
        return ImportSegmentMembersPayload(
            segment=segment_ref(key),
            added=done.added,
            already=done.already,
            refused=[RefusedLine(line=line, reason=reason) for line, reason in done.refused],
        )

    @mutation(Scope.SEGMENTS_WRITE, "Puts everybody who is in another segment now into a static one.")
    async def copy_segment_members(self, info: Info, input: CopySegmentMembersInput) -> CopySegmentMembersPayload:
        key = input.key()
        source = parse_id("segment", input.from_segment_id, "from_segment_id")
        async with info.context.write() as tx:
            added = await actions.copy_members(tx, segment_id=key, from_segment_id=source)
        return CopySegmentMembersPayload(segment=segment_ref(key), added=added)


def _at_csv(issue: Issue) -> Issue:
    """The action calls the CSV ``text``."""
    return Issue("csv", issue.message) if issue.path == "text" else issue
