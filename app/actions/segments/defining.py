"""Defining segments: creating, changing, deleting, and building them anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.actions.segments.store import DYNAMIC, STATIC, RuleChange, SegmentStore
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from app.segments import Rule, to_json
from models import Segment

MAX_NAME = 200
MAX_DESCRIPTION = 2000


@dataclass(frozen=True, slots=True)
class UsedBy:
    """What would break without a segment: the segments whose rules ask for its members, and the campaigns whose
    audiences or exclusions do (all but the deleted)."""

    segments: list[UUID]
    campaigns: list[UUID] = field(default_factory=list)


async def create_segment(tx: Tx, *, name: str, description: str = "", rule: Mapping[str, Any] | None = None) -> UUID:
    """Creates a segment: dynamic with a rule, whose members are then found in the background, else static.

    Raises :class:`Invalid` with the path of what is wrong in the rule.
    """
    tx.require(Scope.SEGMENTS_WRITE)
    texts = {"name": _checked_name(name), "description": _checked_description(description)}
    change = RuleChange(tx)
    await change.begin()
    parsed = None if rule is None else await change.readable(rule)
    segment_id = new_id()
    row = {
        "id": segment_id,
        "number": await change.next_number(),
        **texts,
        "kind": STATIC if parsed is None else DYNAMIC,
        "rule": None if parsed is None else to_json(parsed),
        "state": "ready" if parsed is None else "building",
        "created_by_id": tx.principal.id if tx.principal.kind == "member" else None,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    await tx.insert(Segment, [row])
    await change.depend(segment_id, parsed)
    if parsed is not None:
        _build(tx, segment_id)
    tx.audit("segment.create", public_id("segment", segment_id), {"name": texts["name"], "kind": row["kind"]})
    return segment_id


async def update_segment(
    tx: Tx,
    *,
    segment_id: UUID,
    name: str | None = None,
    description: str | None = None,
    rule: Mapping[str, Any] | None = None,
) -> None:
    """Changes what is given; None leaves it. With another rule the members are found anew in the background, and live
    changes go by the new rule at once. An equal rule changes nothing.

    Raises :class:`NotFound`, :class:`Invalid` (also for the rule of a static segment), or :class:`Conflict` when the
    segment would depend on itself.
    """
    tx.require(Scope.SEGMENTS_WRITE)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _checked_name(name)
    if description is not None:
        values["description"] = _checked_description(description)
    change = RuleChange(tx)
    if rule is not None:
        await change.begin()
    segment = await change.get(segment_id)
    values = {key: value for key, value in values.items() if getattr(segment, key) != value}
    if rule is not None:
        values |= await _with_rule(tx, change, segment, rule)
    if values:
        await change.set(segment_id, **values, updated_at=tx.now)
        tx.audit("segment.update", public_id("segment", segment_id), {"changed": sorted(values)})


async def _with_rule(tx: Tx, change: RuleChange, segment: Segment, document: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that another rule changes."""
    if segment.kind != DYNAMIC:
        raise Invalid.at("rule", "a static segment has no rule")
    rule: Rule = await change.readable(document)
    await change.refuse_circle(segment.id, rule, document)
    written = to_json(rule)
    if written == segment.rule:
        return {}
    await change.depend(segment.id, rule)
    _build(tx, segment.id)
    return {"rule": written, "version": segment.version + 1, "state": "building", "progress": 0}


async def delete_segment(tx: Tx, *, segment_id: UUID) -> None:
    """Deletes a segment. Its members leave it, in the background. Raises :class:`NotFound`, or :class:`Conflict` while
    another segment's rule asks for its members, or a campaign that has not ended."""
    tx.require(Scope.SEGMENTS_WRITE)
    change = RuleChange(tx)
    await change.begin()
    segment = await change.get(segment_id)
    users = [public_id("segment", user) for user in await change.users_of(segment_id)]
    users += [public_id("campaign", user) for user in await change.campaigns_of(segment_id, ended=False)]
    if users:
        named = ", ".join(users[:10])
        raise Conflict(f"The segment is used by {named}.", "segment_id")
    await change.depend(segment_id, None)
    await change.set(segment_id, deleted_at=tx.now, updated_at=tx.now)
    _build(tx, segment_id)
    tx.audit("segment.delete", public_id("segment", segment_id), {"name": segment.name})


async def refresh_segment(tx: Tx, *, segment_id: UUID) -> None:
    """Finds all members anew in the background. Raises :class:`NotFound`, and :class:`Invalid` for a static segment."""
    tx.require(Scope.SEGMENTS_WRITE)
    change = RuleChange(tx)
    segment = await change.get(segment_id)
    if segment.kind != DYNAMIC:
        raise Invalid.at("segment_id", "is a static segment, which has nothing to find anew")
    await change.set(segment_id, state="building", progress=0)
    _build(tx, segment_id)
    tx.audit("segment.refresh", public_id("segment", segment_id))


async def used_by(reading: Reading, *, segment_id: UUID) -> UsedBy:
    """What uses the segment. Raises :class:`NotFound`."""
    reading.require(Scope.SEGMENTS_READ)
    store = SegmentStore(reading)
    await store.get(segment_id)
    return UsedBy(await store.users_of(segment_id), await store.campaigns_of(segment_id))


def _build(tx: Tx, segment_id: UUID) -> None:
    tx.enqueue("segments.build", {"segment": segment_id.hex})


def _checked_name(name: str) -> str:
    checked = check_text(name, "name", longest=MAX_NAME, shortest=1)
    if not checked.strip():
        raise Invalid.at("name", "must not be blank")
    return checked


def _checked_description(description: str) -> str:
    return check_text(description, "description", longest=MAX_DESCRIPTION)
