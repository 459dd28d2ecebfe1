"""The segments of one unit of work: finding them, and changing the rules under the lock that orders such changes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, delete, func, or_, select, update
from sqlmodel import col

from app.core.batches import is_postgres
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from app.segments import Rule, dependencies, find_circle, read_rule, segments_of
from models import Campaign, CampaignRun, Segment, SegmentDependency, Tenant

DYNAMIC, STATIC = "dynamic", "static"


def dialect_of(reading: Reading) -> str:
    """The name by which :mod:`app.segments` knows the database."""
    return "postgresql" if is_postgres(reading.session) else "sqlite"


class SegmentStore:
    """The tenant's segments. A deleted one is not found."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._session = reading.session

    async def get(self, segment_id: UUID, path: str = "segment_id") -> Segment:
        """One segment. Raises :class:`NotFound` at ``path``."""
        statement = select(Segment).where(col(Segment.id) == segment_id, col(Segment.deleted_at).is_(None))
        found: Segment | None = (await self._session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("segment", path)
        return found

    async def users_of(self, segment_id: UUID) -> list[UUID]:
        """The segments whose rules ask for the members of this one, by id."""
        statement = (
            select(col(SegmentDependency.segment_id))
            .where(col(SegmentDependency.kind) == "segment", col(SegmentDependency.name) == segment_id.hex)
            .order_by(col(SegmentDependency.segment_id))
        )
        return list((await self._session.execute(statement)).scalars())

    async def campaigns_of(self, segment_id: UUID, *, ended: bool = True) -> list[UUID]:
        """The campaigns whose audience or exclusions ask for the members of this segment, or a call of which does
        whose people are not all found yet, by number; with ``ended`` also those that will not send again."""
        named = public_id("segment", segment_id)
        asks = [cast(col(rule), Text()).contains(named) for rule in (Campaign.audience, Campaign.exclusions)]
        called = select(col(CampaignRun.campaign_id)).where(
            col(CampaignRun.tenant_id) == self._reading.tenant_id,
            col(CampaignRun.state).in_(["preparing", "paused"]),
            col(CampaignRun.prepared_at).is_(None),
            cast(col(CampaignRun.recipients), Text()).contains(named),
        )
        asks.append(col(Campaign.id).in_(called))
        statement = select(col(Campaign.id)).where(or_(*asks), col(Campaign.deleted_at).is_(None))
        if not ended:
            statement = statement.where(col(Campaign.status).not_in(["completed", "cancelled", "archived"]))
        return list((await self._session.execute(statement.order_by(col(Campaign.number)))).scalars())

    async def uses(self) -> dict[UUID, frozenset[UUID]]:
        """Which segments each segment's rule asks for."""
        statement = select(col(SegmentDependency.segment_id), col(SegmentDependency.name)).where(
            col(SegmentDependency.kind) == "segment"
        )
        found: dict[UUID, set[UUID]] = {}
        for segment_id, name in await self._session.execute(statement):
            found.setdefault(segment_id, set()).add(UUID(hex=name))
        return {segment_id: frozenset(used) for segment_id, used in found.items()}

    async def readable(self, document: object, path: str = "rule") -> Rule:
        """The rule in ``document``; its segments all exist. Raises :class:`Invalid` with the path of what is wrong,
        which begins with ``path``."""
        rule = read_rule(document, path)
        wanted = segments_of(rule)
        if wanted:
            known = select(col(Segment.id)).where(col(Segment.deleted_at).is_(None), col(Segment.id).in_(wanted))
            missing = wanted - set((await self._session.execute(known)).scalars())
            if missing:
                raise Invalid.at(_place_of(document, missing, path), "is not one of your segments")
        return rule


class RuleChange(SegmentStore):
    """Changes of rules. One at a time in a tenant, and each waits for the changes of customers that go by the old ones:
    until :meth:`begin` returns, whoever holds the tenant's row has read the rules as they were."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx)
        self._tx = tx

    async def begin(self) -> None:
        """Takes the lock, and makes every process read the rules again. Comes before anything else is written."""
        raised = update(Tenant).where(col(Tenant.id) == self._tx.tenant_id)
        await self.execute(raised.values(segments_version=col(Tenant.segments_version) + 1))

    async def next_number(self) -> int:
        """The next of the tenant's small numbers, which are never given twice."""
        highest = (await self._session.execute(select(func.max(col(Segment.number))))).scalar_one()
        return (highest or 0) + 1

    async def refuse_circle(self, segment_id: UUID, rule: Rule, document: object) -> None:
        """Raises :class:`Conflict` if the segment would depend on itself with this rule."""
        wanted = segments_of(rule)
        circle = find_circle(segment_id, {**await self.uses(), segment_id: wanted}) if wanted else []
        if circle:
            way = " → ".join(public_id("segment", step) for step in circle)
            raise Conflict(f"The segment would depend on itself: {way}.", _place_of(document, {circle[1]}))

    async def depend(self, segment_id: UUID, rule: Rule | None) -> None:
        """Writes down what the segment's rule looks at; with None, nothing."""
        await self.execute(delete(SegmentDependency).where(col(SegmentDependency.segment_id) == segment_id))
        rows = [] if rule is None else sorted(dependencies(rule))
        await self._tx.insert(
            SegmentDependency, [{"kind": kind, "name": name, "segment_id": segment_id} for kind, name in rows]
        )

    async def set(self, segment_id: UUID, **values: Any) -> None:
        """Sets columns of the segment."""
        await self.execute(update(Segment).where(col(Segment.id) == segment_id).values(values))

    async def execute(self, statement: Any) -> Any:
        return await self._session.execute(statement, execution_options={"synchronize_session": False})


def _place_of(document: object, segments: set[UUID] | frozenset[UUID], path: str = "rule") -> str:
    """The path of the first condition that names one of ``segments``."""
    found = _find(document, {public_id("segment", segment) for segment in segments}, path)
    return found or path


def _find(node: object, wanted: set[str], path: str) -> str | None:
    if isinstance(node, Mapping):
        if node.get("id") in wanted and path.endswith(".segment"):
            return f"{path}.id"
        below = [(f"{path}.{key}", value) for key, value in node.items()]
    elif isinstance(node, list | tuple):
        below = [(f"{path}.{place}", value) for place, value in enumerate(node)]
    else:
        return None
    return next((found for place, value in below if (found := _find(value, wanted, place))), None)
