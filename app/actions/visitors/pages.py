"""The trail of pages that a visitor looked at."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlmodel import col

from app.core.access import Scope
from app.core.contact import is_storable
from app.core.errors import Unauthenticated
from app.core.ids import new_id
from app.core.tx import Tx
from models import Visitor, VisitorPage

TRAIL = 100
"""Pages that are kept of each visitor."""
MAX_URL = 2000
MAX_TITLE = 300


async def see_page(tx: Tx, *, url: str, title: str = "") -> Visitor:
    """Notes that the calling visitor looks at a page. The same page again is no step in the trail.

    What is no web address is no page; what is too long is cut.
    """
    tx.require(Scope.VISITOR)
    visitor = await calling_visitor(tx)
    await note_page(tx, visitor, web_address(url), short_text(title, MAX_TITLE))
    await tx.session.flush()
    return visitor


async def calling_visitor(tx: Tx) -> Visitor:
    """The row of the visitor who calls, locked. Raises :class:`Unauthenticated` for one who is gone."""
    tx.require(Scope.VISITOR)
    found = select(Visitor).where(col(Visitor.id) == tx.principal.id).with_for_update(key_share=True)
    visitor = (await tx.session.execute(found)).scalar_one_or_none()
    if visitor is None:
        raise Unauthenticated("This visitor is gone; open the widget anew.")
    return visitor


async def note_page(tx: Tx, visitor: Visitor, url: str, title: str) -> None:
    """Puts a page at the end of the visitor's trail and lets the oldest go."""
    tx.require(Scope.VISITOR)
    visitor.seen_at = tx.now
    if not url or (url == visitor.page_url and (not title or title == visitor.page_title)):
        return
    is_step = url != visitor.page_url
    visitor.page_url, visitor.page_title = url, title
    if not is_step:
        return
    visitor.page_count += 1
    page = {"id": new_id(), "visitor_id": visitor.id, "url": url, "title": title, "seen_at": tx.now}
    await tx.insert(VisitorPage, [page])
    if visitor.page_count > TRAIL:
        kept = select(col(VisitorPage.id)).where(col(VisitorPage.visitor_id) == visitor.id)
        kept = kept.order_by(col(VisitorPage.seen_at).desc(), col(VisitorPage.id).desc()).limit(TRAIL)
        gone = delete(VisitorPage).where(col(VisitorPage.visitor_id) == visitor.id, col(VisitorPage.id).not_in(kept))
        await tx.session.execute(gone, execution_options={"synchronize_session": False})


def web_address(text: Any, longest: int = MAX_URL) -> str:
    """``text`` if it is the address of a web page (http or https), cut to ``longest``; else nothing. An agent is
    offered it as a link, so that no other scheme may pass."""
    address = short_text(text, longest)
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.hostname else ""


def short_text(text: Any, longest: int) -> str:
    """``text`` cut to ``longest`` characters; nothing for what cannot be stored. Browsers say these things by
    themselves, so that they are never worth a refusal."""
    return text.strip()[:longest] if isinstance(text, str) and is_storable(text) else ""
