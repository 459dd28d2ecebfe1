"""Saved views: filters of the inbox with a name, of one agent or of everybody."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import col

from app.core.access import Scope
from app.core.contact import check_text
from app.core.documents import check_document
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.tx import Reading, Tx
from models import SavedView

LONGEST_NAME = 100
FILTER_BYTES = 4096
MOST_VIEWS = 100
"""Views that one agent keeps, and as many that all share."""

TEXT, FLAG, TEXTS = "text", "true or false", "a list of texts"
FILTER = {
    "status": TEXTS,
    "assigneeId": TEXT,
    "unassigned": FLAG,
    "mine": FLAG,
    "teamId": TEXT,
    "priority": TEXTS,
    "tag": TEXT,
    "customerId": TEXT,
    "visitorId": TEXT,
    "waiting": FLAG,
    "unread": FLAG,
    "search": TEXT,
    "orderBy": TEXT,
}
"""The fields of the graph's ``ConversationFilter``, as it spells them, and the order of the list."""


async def create_saved_view(tx: Tx, *, name: str, filter: Mapping[str, Any], shared: bool = False) -> SavedView:
    """Keeps ``filter`` (fields of the graph's ConversationFilter, and ``orderBy``) as a view of the caller, or as one
    of everybody, for which CONVERSATIONS_WRITE is needed. Raises :class:`Invalid`."""
    tx.require(Scope.CONVERSATIONS_READ)
    view = SavedView(
        tenant_id=tx.tenant_id,
        id=new_id(),
        user_id=_owner(tx, shared),
        name=_checked_name(name),
        filter=_checked_filter(filter),
        created_at=tx.now,
        updated_at=tx.now,
    )
    same = select(col(SavedView.id)).where(col(SavedView.user_id).is_not_distinct_from(view.user_id))
    if len((await tx.session.execute(same)).all()) >= MOST_VIEWS:
        raise Conflict(f"There are {MOST_VIEWS} views already.")
    tx.session.add(view)
    return view


async def update_saved_view(
    tx: Tx,
    *,
    saved_view_id: UUID,
    name: str | None = None,
    filter: Mapping[str, Any] | None = None,
    shared: bool | None = None,
) -> SavedView:
    """Changes what is given. Raises :class:`NotFound` (also for somebody else's own view) and as creating does."""
    tx.require(Scope.CONVERSATIONS_READ)
    view = await _changeable(tx, saved_view_id)
    if name is not None:
        view.name = _checked_name(name)
    if filter is not None:
        view.filter = _checked_filter(filter)
    if shared is not None:
        view.user_id = _owner(tx, shared)
    view.updated_at = tx.now
    return view


async def delete_saved_view(tx: Tx, *, saved_view_id: UUID) -> None:
    """Deletes a view of the caller's own, or with CONVERSATIONS_WRITE a shared one. Raises :class:`NotFound`."""
    tx.require(Scope.CONVERSATIONS_READ)
    await tx.session.delete(await _changeable(tx, saved_view_id))


async def list_saved_views(reading: Reading) -> list[SavedView]:
    """The caller's own views and the shared ones, by name."""
    reading.require(Scope.CONVERSATIONS_READ)
    listed = select(SavedView).where(_seen_by(reading)).order_by(col(SavedView.name), col(SavedView.id))
    return list((await reading.session.execute(listed)).scalars())


def _seen_by(reading: Reading) -> Any:
    shared = col(SavedView.user_id).is_(None)
    if reading.principal.kind != "member":
        return shared
    return or_(shared, col(SavedView.user_id) == reading.principal.id)


async def _changeable(tx: Tx, saved_view_id: UUID) -> SavedView:
    found = select(SavedView).where(col(SavedView.id) == saved_view_id, _seen_by(tx))
    view = (await tx.session.execute(found)).scalar_one_or_none()
    if view is None:
        raise NotFound("saved view", "saved_view_id")
    if view.user_id is None:
        tx.require(Scope.CONVERSATIONS_WRITE)
    return view


def _owner(tx: Tx, shared: bool) -> UUID | None:
    """Whose a view becomes: nobody's where it is shared."""
    if shared:
        tx.require(Scope.CONVERSATIONS_WRITE)
        return None
    return tx.require_member()


def _checked_name(name: str) -> str:
    return check_text(name, "name", longest=LONGEST_NAME, shortest=1).strip()


def _checked_filter(document: Mapping[str, Any]) -> dict[str, Any]:
    checked = check_document(document, "filter", max_bytes=FILTER_BYTES)
    for field, value in checked.items():
        if field not in FILTER:
            raise Invalid.at(f"filter.{field}", "is not a field of the filter")
        if value is not None and not _fits(value, FILTER[field]):
            raise Invalid.at(f"filter.{field}", f"must be {FILTER[field]}")
    return checked


def _fits(value: Any, kind: str) -> bool:
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, bool) if kind == FLAG else isinstance(value, str)
