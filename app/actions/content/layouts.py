"""Frames around e-mails."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.content.finding import Shelf
from app.actions.content.using import Using
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict
from app.core.ids import new_id, public_id
from app.core.numbers import next_number
from app.core.tx import Reading, Tx
from app.templates import LONGEST_BODY, check_layout
from models import Content, Layout

LONGEST_NAME = 200


async def create_layout(tx: Tx, *, name: str, body: str) -> Layout:
    """A new layout, whose ``body`` is HTML with ``{{ content }}`` in it once.

    Raises :class:`Invalid` with the line of what is wrong, and :class:`Conflict` at ``name`` for one that is taken.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    values = {"name": _name(name), "body": _body(body)}
    number = await next_number(tx, Layout)
    await _refuse_taken(tx, values["name"])
    layout = Layout(tenant_id=tx.tenant_id, id=new_id(), number=number, **values, created_at=tx.now, updated_at=tx.now)
    tx.session.add(layout)
    tx.audit("layout.create", public_id("layout", layout.id), {"name": layout.name})
    return layout


async def update_layout(tx: Tx, *, layout_id: UUID, name: str | None = None, body: str | None = None) -> Layout:
    """Changes what is given; messages sent from now on have it. Raises :class:`NotFound` and as creating does."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    layout = await Shelf(tx).find(Layout, "layout_id", id=layout_id)
    given: dict[str, Any] = {}
    if name is not None:
        given["name"] = _name(name)
    if body is not None:
        given["body"] = _body(body)
    changed = {key: value for key, value in given.items() if getattr(layout, key) != value}
    if "name" in changed:
        await next_number(tx, Layout)
        await _refuse_taken(tx, changed["name"])
    if changed:
        for key, value in changed.items():
            setattr(layout, key, value)
        layout.updated_at = tx.now
        tx.audit("layout.update", public_id("layout", layout_id), {"changed": sorted(changed)})
    return layout


async def delete_layout(tx: Tx, *, layout_id: UUID) -> None:
    """Deletes a layout. Raises :class:`NotFound`, and :class:`Conflict` while a campaign has it."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    layout = await Shelf(tx).find(Layout, "layout_id", id=layout_id)
    await Using(tx).refuse("layout", layout_id, Content.layout_id)
    await tx.session.delete(layout)
    tx.audit("layout.delete", public_id("layout", layout_id), {"name": layout.name})


async def get_layout(reading: Reading, *, layout_id: UUID) -> Layout:
    """One layout. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Layout, "layout_id", id=layout_id)


async def list_layouts(reading: Reading, *, limit: int = 100, offset: int = 0) -> tuple[list[Layout], int]:
    """Some layouts by number, and how many there are."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).some(Layout, [], col(Layout.number), limit, offset)


def _name(name: str) -> str:
    return check_text(name.strip() if isinstance(name, str) else name, "name", longest=LONGEST_NAME, shortest=1)


def _body(body: str) -> str:
    checked = check_text(body, "body", longest=LONGEST_BODY, shortest=1)
    check_layout(checked, "body")
    return checked


async def _refuse_taken(tx: Tx, name: str) -> None:
    same = select(col(Layout.id)).where(col(Layout.name) == name)
    if (await tx.session.execute(same)).first() is not None:
        raise Conflict(f"There is a layout {name!r} already.", "name")
