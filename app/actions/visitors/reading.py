"""Reading visitors, as agents see them."""

from uuid import UUID

from sqlalchemy import func, or_, select
from sqlmodel import col

from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import NotFound
from app.core.tx import Reading
from models import Visitor

MAX_SEARCH = 200


async def get_visitor(reading: Reading, *, visitor_id: UUID) -> Visitor:
    """The visitor. Raises :class:`NotFound`."""
    reading.require(Scope.CONVERSATIONS_READ)
    found = select(Visitor).where(col(Visitor.id) == visitor_id)
    visitor = (await reading.session.execute(found)).scalar_one_or_none()
    if visitor is None:
        raise NotFound("visitor", "visitor_id")
    return visitor


async def list_visitors(
    reading: Reading,
    *,
    search: str | None = None,
    identified: bool | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Page[Visitor]:
    """The visitors, last seen first. ``search`` is part of a name, an e-mail address or a proven id; ``identified``:
    whether it is known which customer they are. Raises :class:`Invalid` for an impossible window."""
    reading.require(Scope.CONVERSATIONS_READ)
    check_window(offset, limit)
    wanted = select(Visitor)
    if search:
        text = check_text(search, "search", longest=MAX_SEARCH)
        fields = (Visitor.name, Visitor.email, Visitor.proven_id)
        wanted = wanted.where(or_(*(col(field).icontains(text, autoescape=True) for field in fields)))
    if identified is not None:
        known = col(Visitor.customer_id).is_not(None)
        wanted = wanted.where(known if identified else ~known)
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    page = wanted.order_by(col(Visitor.seen_at).desc(), col(Visitor.id).desc()).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)
