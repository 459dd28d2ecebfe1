"""Segments and who is in them, answered the slow and plain way: what a segment uses is read from its rule."""

from typing import Any

from tests.properties.resolving import Found, field, first_of, page, read_moment, things, where
from tests.properties.rows import Row, World


@field("Query", "segment")
def segment(world: World, _: Any, id: str) -> Any:
    return first_of([found for found in things(world, "Segment") if f"seg_{found.row['id'].hex}" == id])


@field("Query", "segments")
def segments(
    world: World, _: Any, filter: dict[str, Any] | None = None, order_by: str = "CREATED_NEWEST", **paging: Any
) -> Any:
    column, _separator, end = order_by.lower().partition("_")
    found = [thing for thing in things(world, "Segment") if _matches(thing.row, filter or {})]
    return page(found, column[0] + end[0], f"{column}_at", newest=end == "newest", **paging)


def _matches(row: Row, wanted: dict[str, Any]) -> bool:
    search, kind, state = (wanted.get(name) for name in ("search", "kind", "state"))
    return (
        (search is None or any(search.lower() in row[name].lower() for name in ("name", "description")))
        and (kind is None or row["kind"] == kind.lower())
        and (state is None or row["state"] == state.lower())
    )


def _stood(stay: Row, moment: str | None) -> bool:
    """Whether a stay lasted at a moment; None: whether it lasts."""
    if moment is None:
        return stay["left_at"] is None
    at = read_moment(moment)
    return bool(stay["entered_at"] <= at and (stay["left_at"] is None or at < stay["left_at"]))


@field("Segment", "members")
def members(world: World, row: Row, as_of: str | None = None, **paging: Any) -> Any:
    stays = [stay for stay in world.of("segment_memberships") if stay["segment_id"] == row["id"]]
    inside = {stay["customer_id"] for stay in stays if _stood(stay, as_of)}
    found = [
        customer
        for customer in things(world, "Customer")
        if customer.row["id"] in inside and (as_of is None or customer.row["status"] != "deleted")
    ]
    return page(found, "k", None, newest=False, **paging)


@field("Segment", "memberships")
def memberships(world: World, row: Row, ended: bool | None = None, **paging: Any) -> Any:
    found = [
        stay
        for stay in where(world, "SegmentMembership", segment_id=row["id"])
        if ended is None or (stay.row["left_at"] is not None) == ended
    ]
    return page(found, "e", "entered_at", newest=True, **paging)


@field("Segment", "usedBy")
def used_by(world: World, row: Row) -> Any:
    asking = [other for other in things(world, "Segment") if _asks(other.row["rule"], f"seg_{row['id'].hex}")]
    return sorted(asking, key=lambda other: other.row["id"].int)


def _asks(rule: Any, public_id: str) -> bool:
    """Whether a rule, or a part of one, asks for the members of a segment."""
    if isinstance(rule, list):
        return any(_asks(inner, public_id) for inner in rule)
    if not isinstance(rule, dict):
        return False
    return rule.get("segment") == {"id": public_id} or any(_asks(inner, public_id) for inner in rule.values())


@field("Segment", "snapshotCursor")
def snapshot_cursor(world: World, row: Row) -> Any:
    heads = [topic["head"] for topic in world.of("feed_topics") if topic["topic"] == f"segment:{row['id'].hex}"]
    return f"{world.tenant['feed_epoch']}-{heads[0] if heads else 0}"


@field("SegmentMembership", "customer")
def customer(world: World, row: Row) -> Found | None:
    return first_of(where(world, "Customer", id=row["customer_id"]))


@field("SegmentMembership", "segment")
def segment_of(world: World, row: Row) -> Found | None:
    return first_of(where(world, "Segment", id=row["segment_id"]))


@field("Customer", "segments")
def segments_of(world: World, row: Row, as_of: str | None = None, **paging: Any) -> Any:
    stays = [stay for stay in world.of("segment_memberships") if stay["customer_id"] == row["id"]]
    inside = {stay["segment_id"] for stay in stays if _stood(stay, as_of)}
    found = [thing for thing in things(world, "Segment") if thing.row["id"] in inside]
    return page(found, "k", None, newest=False, **paging)
