"""Widgets themselves: made, changed, deleted, and read."""

import secrets
import string
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.actions.paging import Page, check_window
from app.actions.widgets.settings import changed_settings, checked_settings
from app.core.access import Scope
from app.core.errors import NotFound, PlanLimitExceeded
from app.core.ids import new_id, public_id
from app.core.keep import KEEP, Keep
from app.core.tx import Reading, Tx
from models import Team, Tenant, Widget

WIDGETS_OF_PLAN = {"free": 3, "starter": 10, "professional": 50, "enterprise": 1000}
LETTERS = string.ascii_letters + string.digits


async def create_widget(
    tx: Tx, *, name: str, settings: Mapping[str, Any] | None = None, team_id: UUID | None = None
) -> Widget:
    """A new widget with a public key of its own. ``settings`` as in :mod:`app.actions.widgets.settings`; what is not
    said has its default. Conversations begun in it wait for ``team_id``.

    Raises :class:`Invalid` at ``name`` or below ``settings``, :class:`NotFound` at ``team_id``, and
    :class:`PlanLimitExceeded` (widgets by plan: 3, 10, 50, 1000).
    """
    tx.require(Scope.WIDGETS_WRITE)
    accepted, document = checked_name(name, required=True), checked_settings({} if settings is None else settings)
    await _check_team(tx, team_id)
    await _check_room(tx)
    widget = Widget(
        tenant_id=tx.tenant_id,
        id=new_id(),
        key="wk_" + "".join(secrets.choice(LETTERS) for _ in range(24)),
        name=accepted,
        team_id=team_id,
        settings=document,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(widget)
    await tx.session.flush()
    tx.audit("widget.create", public_id("widget", widget.id), {"name": accepted})
    return widget


async def update_widget(
    tx: Tx,
    *,
    widget_id: UUID,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    team_id: UUID | Keep | None = KEEP,
) -> Widget:
    """Changes what is given. Each section of ``settings`` replaces the one there was; a section of null has its
    defaults again, and sections that are not named stay. ``team_id`` None: nobody's team.

    Raises :class:`NotFound` and :class:`Invalid` as :func:`create_widget` does.
    """
    tx.require(Scope.WIDGETS_WRITE)
    widget = await widget_of(tx, widget_id)
    wanted: dict[str, Any] = {"name": widget.name, "settings": widget.settings, "team_id": widget.team_id}
    if name is not None:
        wanted["name"] = checked_name(name, required=True)
    if settings is not None:
        wanted["settings"] = changed_settings(widget.settings, settings)
    if not isinstance(team_id, Keep):
        await _check_team(tx, team_id)
        wanted["team_id"] = team_id
    changed = sorted(field for field, value in wanted.items() if getattr(widget, field) != value)
    if changed:
        for field in changed:
            setattr(widget, field, wanted[field])
        widget.updated_at = tx.now
        await tx.session.flush()
        tx.audit("widget.update", public_id("widget", widget_id), {"changed": changed})
    return widget


async def delete_widget(tx: Tx, *, widget_id: UUID) -> None:
    """Takes a widget away: its key opens nothing any more and its visitors' sessions end. What was said in it stays.
    Raises :class:`NotFound`."""
    tx.require(Scope.WIDGETS_WRITE)
    widget = await widget_of(tx, widget_id)
    widget.deleted_at = widget.updated_at = tx.now
    await tx.session.flush()
    tx.forget(tx.tenant_id)
    tx.audit("widget.delete", public_id("widget", widget_id), {"name": widget.name})


async def get_widget(reading: Reading, *, widget_id: UUID) -> Widget:
    """The widget. Raises :class:`NotFound`."""
    reading.require(Scope.WIDGETS_READ)
    return await widget_of(reading, widget_id)


async def list_widgets(reading: Reading, *, limit: int = 100, offset: int = 0) -> Page[Widget]:
    """The widgets, oldest first. Raises :class:`Invalid` for an impossible window."""
    reading.require(Scope.WIDGETS_READ)
    check_window(offset, limit)
    wanted = select(Widget).where(col(Widget.deleted_at).is_(None))
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    page = wanted.order_by(col(Widget.created_at), col(Widget.id)).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


async def widget_of(reading: Reading, widget_id: UUID) -> Widget:
    """The widget, if it is there and not deleted. Raises :class:`NotFound` at ``widget_id``."""
    reading.require(Scope.WIDGETS_READ)
    found = select(Widget).where(col(Widget.id) == widget_id, col(Widget.deleted_at).is_(None))
    widget = (await reading.session.execute(found)).scalar_one_or_none()
    if widget is None:
        raise NotFound("widget", "widget_id")
    return widget


async def _check_team(tx: Tx, team_id: UUID | None) -> None:
    if team_id is None:
        return
    found = select(col(Team.id)).where(col(Team.id) == team_id)
    if (await tx.session.execute(found)).scalar_one_or_none() is None:
        raise NotFound("team", "team_id")


async def _check_room(tx: Tx) -> None:
    """One after another, so that two cannot take the last place."""
    found = select(col(Tenant.plan)).where(col(Tenant.id) == tx.tenant_id).with_for_update()
    plan = (await tx.session.execute(found)).scalar_one()
    count = select(func.count()).select_from(Widget).where(col(Widget.deleted_at).is_(None))
    limit = WIDGETS_OF_PLAN.get(plan, 0)
    if (await tx.session.execute(count)).scalar_one() >= limit:
        raise PlanLimitExceeded(f"The plan {plan} has room for {limit} widgets.")
