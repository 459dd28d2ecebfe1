"""Static segments: who is put into them and taken out of them by hand."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.customers import CustomerRef
from app.actions.customers.facts import NAME_KINDS, normalise_ref
from app.actions.customers.stays import Stay, Stays
from app.actions.customers.store import CustomerStore
from app.actions.segments.store import STATIC, SegmentStore
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Invalid, RapportError
from app.core.ids import public_id
from app.core.tx import Tx
from models import Segment, SegmentMembership

MAX_CUSTOMERS = 10_000
"""Customers of one call."""
MAX_CSV = 2_000_000
"""Characters of one CSV."""
CSV_COLUMNS = ("id", *NAME_KINDS)
PORTION = 500


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """How many memberships are different now, and the places of the references that name no active customer."""

    changed: int
    unknown: list[int]


@dataclass(frozen=True, slots=True)
class CsvChanges:
    """What came of a CSV: how many were added, how many were members already, and the lines that name no active
    customer, each with the reason. The header is line 1."""

    added: int
    already: int
    refused: list[tuple[int, str]] = field(default_factory=list)


async def add_members(tx: Tx, *, segment_id: UUID, customers: Sequence[CustomerRef]) -> MemberChanges:
    """Puts customers into a static segment; at most 10,000. Raises :class:`NotFound`, and :class:`Invalid` for a
    dynamic segment."""
    tx.require(Scope.SEGMENTS_WRITE)
    enrolment = await Enrolment.of(tx, segment_id)
    found = await enrolment.resolve(customers)
    added = await enrolment.add([one for one in found if one is not None], "added")
    return MemberChanges(added, [place for place, one in enumerate(found) if one is None])


async def remove_members(tx: Tx, *, segment_id: UUID, customers: Sequence[CustomerRef]) -> MemberChanges:
    """Takes customers out of a static segment; at most 10,000. Raises :class:`NotFound`, and :class:`Invalid` for a
    dynamic segment."""
    tx.require(Scope.SEGMENTS_WRITE)
    enrolment = await Enrolment.of(tx, segment_id)
    found = await enrolment.resolve(customers)
    removed = await enrolment.remove([one for one in found if one is not None], "removed")
    return MemberChanges(removed, [place for place, one in enumerate(found) if one is None])


async def add_members_from_csv(tx: Tx, *, segment_id: UUID, text: str, column: str | None = None) -> CsvChanges:
    """Puts the customers named in a CSV into a static segment.

    Its first line names the columns; ``column`` says which of them to use, and is id, external_id, email, phone or
    anonymous_id, else the first of these that there is. At most 10,000 lines. Raises :class:`NotFound` and
    :class:`Invalid`.
    """
    tx.require(Scope.SEGMENTS_WRITE)
    enrolment = await Enrolment.of(tx, segment_id)
    kind, cells = _read_csv(text, column)
    found = await enrolment.resolve([CustomerRef(kind, _bare(kind, value)) for _, value in cells])
    known = [one for one in found if one is not None]
    added = await enrolment.add(known, "imported")
    refused = [
        (line, "is empty" if not value else "names no customer")
        for (line, value), one in zip(cells, found, strict=True)
        if one is None
    ]
    return CsvChanges(added, len(set(known)) - added, refused)


async def copy_members(tx: Tx, *, segment_id: UUID, from_segment_id: UUID) -> int:
    """Puts everybody who is in another segment now into a static one. Returns how many were added; raises as
    :func:`add_members` does."""
    tx.require(Scope.SEGMENTS_WRITE)
    enrolment = await Enrolment.of(tx, segment_id)
    await SegmentStore(tx).get(from_segment_id, "from_segment_id")
    standing = select(col(SegmentMembership.customer_id)).where(
        col(SegmentMembership.segment_id) == from_segment_id, col(SegmentMembership.left_at).is_(None)
    )
    members = list((await tx.session.execute(standing)).scalars())
    return await enrolment.add(members, f"copied from {public_id('segment', from_segment_id)}")


class Enrolment:
    """One static segment whose members are changed by hand."""

    def __init__(self, tx: Tx, segment: Segment) -> None:
        self._tx = tx
        self._segment = segment

    @classmethod
    async def of(cls, tx: Tx, segment_id: UUID) -> "Enrolment":
        """Raises :class:`NotFound`, and :class:`Invalid` unless the segment is static."""
        segment = await SegmentStore(tx).get(segment_id)
        if segment.kind != STATIC:
            raise Invalid.at("segment_id", "is a dynamic segment, whose members are those whom its rule finds")
        return cls(tx, segment)

    async def resolve(self, customers: Sequence[CustomerRef]) -> list[UUID | None]:
        """Whom each reference names, in their order. Raises :class:`Invalid` for too many."""
        if len(customers) > MAX_CUSTOMERS:
            raise Invalid.at("customers", f"must be at most {MAX_CUSTOMERS}")
        refs = [_normalised(ref) for ref in customers]
        ids = {UUID(ref.value) for ref in refs if ref is not None and ref.kind == "id"}
        names = {(ref.kind, ref.value) for ref in refs if ref is not None and ref.kind != "id"}
        holders: dict[tuple[str, str], UUID] = await CustomerStore(self._tx).holders(names)
        if ids:
            holders |= {("id", known.hex): known for known in await CustomerStore(self._tx).standing(ids)}
        return [None if ref is None else holders.get((ref.kind, ref.value)) for ref in refs]

    async def add(self, customers: Sequence[UUID], cause: str) -> int:
        """Puts them in, as far as they are active and not in it. Returns how many that were."""
        added = 0
        wanted = sorted(set(customers))
        for portion in (wanted[at : at + PORTION] for at in range(0, len(wanted), PORTION)):
            held = await CustomerStore(self._tx).held(portion)
            stays = [Stay(self._segment.id, one, cause) for one in portion if one in held]
            added += len(await Stays(self._tx).enter(stays))
        return added

    async def remove(self, customers: Sequence[UUID], cause: str) -> int:
        """Takes them out, as far as they are in it. Returns how many that were."""
        removed = 0
        wanted = sorted(set(customers))
        for portion in (wanted[at : at + PORTION] for at in range(0, len(wanted), PORTION)):
            held = await CustomerStore(self._tx).held(portion)
            stays = [Stay(self._segment.id, one, cause) for one in portion if one in held]
            removed += len(await Stays(self._tx).leave(stays))
        return removed


def _normalised(ref: CustomerRef) -> CustomerRef | None:
    """The reference as it is looked up, or None for one that can name nobody."""
    try:
        return normalise_ref(ref)
    except RapportError:
        return None


def _bare(kind: str, value: str) -> str:
    """A public id without its prefix, as references have it."""
    return value.removeprefix("cust_") if kind == "id" else value


def _read_csv(text: str, column: str | None) -> tuple[str, list[tuple[int, str]]]:
    """The kind of reference in a CSV, and its values by line. Raises :class:`Invalid`."""
    check_text(text, "text", longest=MAX_CSV)
    if column is not None and column not in CSV_COLUMNS:
        raise Invalid.at("column", f"must be one of {', '.join(CSV_COLUMNS)}")
    rows = csv.reader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"), newline=""))
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        wanted = next((name for name in ([column] if column else CSV_COLUMNS) if name in header), None)
        if wanted is None:
            raise Invalid.at("text", f"its first line must name a column {column or ', '.join(CSV_COLUMNS)}")
        place = header.index(wanted)
        cells = [(rows.line_num, row[place].strip() if place < len(row) else "") for row in rows if any(row)]
    except csv.Error as broken:
        raise Invalid.at("text", f"is no CSV: {broken}") from broken
    if len(cells) > MAX_CUSTOMERS:
        raise Invalid.at("text", f"must have at most {MAX_CUSTOMERS} lines")
    return wanted, cells
