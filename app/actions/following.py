"""What goes by every change of customers, in the unit that changed them: memberships of segments, conversions, and
what is reported of contacts."""

from collections.abc import Mapping
from functools import cache
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, select
from sqlmodel import col

from app.actions.reporting.contacts import report_contacts
from app.actions.reporting.events import SILENTCHAT
from app.actions.segments.live import LiveMembership
from app.actions.tracking.converting import Conversions
from app.core.tx import Change, Tx
from models import Campaign, ReportingWebhook, Tenant


class Following:
    """Follows the units of work of one process (:data:`app.core.tx.Follow`).

    One statement says whether a tenant has segments, goals and webhooks at all; who has none pays for nothing else.
    """

    def __init__(self) -> None:
        self._membership = LiveMembership()

    async def __call__(self, tx: Tx, touched: Mapping[UUID, Mapping[Change, None]]) -> None:
        """Brings memberships and conversions up to what the touched customers are now."""
        connection = await tx.session.connection()
        row = (await connection.execute(_standing(), {"tenant": tx.tenant_id})).one_or_none()
        if row is None:
            return
        if row.segments_version:
            await self._membership.follow(tx, row.segments_version, touched)
        if row.has_goals:
            await Conversions(tx).follow(touched)
        if row.has_reports:
            report_contacts(tx, touched)


@cache
def _standing() -> Select[int, bool, bool]:
    """Waits for a change of rules that is not committed yet, and keeps further ones waiting."""
    goals = exists().where(col(Campaign.tenant_id) == bindparam("tenant"), col(Campaign.goal).is_not(None))
    reports = exists().where(
        col(ReportingWebhook.tenant_id) == bindparam("tenant"),
        col(ReportingWebhook.dialect) == SILENTCHAT,
        col(ReportingWebhook.is_enabled),
    )
    return (
        select(col(Tenant.segments_version), goals.label("has_goals"), reports.label("has_reports"))
        .where(col(Tenant.id) == bindparam("tenant"))
        .with_for_update(read=True, of=Tenant)
    )
