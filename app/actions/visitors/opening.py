"""Opening a widget: where every visitor begins and comes back."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from app.actions.visitors.pages import MAX_TITLE, note_page, short_text, web_address
from app.actions.visitors.sessions import LIFE, find_session, visitor_principal
from app.actions.widgets.domains import check_origin
from app.actions.widgets.hours import open_now
from app.core.access import system
from app.core.contact import normalise_locale, normalise_timezone
from app.core.errors import Invalid, Unauthenticated, WidgetKeyInvalid
from app.core.feed import REPORTED_TOPIC
from app.core.ids import new_id
from app.core.tokens import VisitorClaims
from app.core.tx import Tx
from models import Visitor, Widget

MAX_KEY = 40
MAX_USER_AGENT = 500
MAX_ORIGIN = 300


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that begins or goes on. ``token`` is good until ``expires_at``, on pages of the same origin alone.

    ``opens_at`` is when somebody answers again, if nobody does now; None: not within a year.
    """

    visitor: Visitor
    token: str = field(repr=False)
    expires_at: datetime
    widget: Widget
    is_open: bool
    opens_at: datetime | None


async def open_widget(
    tx: Tx,
    *,
    widget_key: str,
    origin: str | None,
    visitor_token: str | None = None,
    page_url: str | None = None,
    page_title: str | None = None,
    referrer: str | None = None,
    locale: str | None = None,
    timezone: str | None = None,
    user_agent: str | None = None,
) -> Opened:
    """Opens the widget with a public key on a page of ``origin`` (the request's header; None: no browser). Public; the
    unit goes on as the visitor.

    A good ``visitor_token`` of this widget and origin is that visitor, who gets a fresh token; with any other token it
    is a new visitor, who sees nothing of anybody. Raises :class:`WidgetKeyInvalid`, and :class:`DomainNotAllowed` where
    the tenant names sites and this is none of them.
    """
    widget = await _find_widget(tx, widget_key)
    await tx.enter(system(widget.tenant_id))
    await check_origin(tx, origin)
    place = short_text(origin, MAX_ORIGIN) or None
    known = await _known(tx, widget, visitor_token, place)
    visitor = known or _new_visitor(tx, widget, referrer)
    _describe(visitor, locale, timezone, user_agent)
    if widget.installed_at is None:
        widget.installed_at = tx.now
        tx.emit(REPORTED_TOPIC, "widget.installed", widget.id, {"origin": place})
    await tx.session.flush()
    expires_at = (tx.now + LIFE).replace(microsecond=0)
    claims = VisitorClaims(visitor.id, widget.tenant_id, widget.id, place, visitor.session_version, expires_at)
    await tx.enter(visitor_principal(visitor, claims))
    await note_page(tx, visitor, web_address(page_url), short_text(page_title, MAX_TITLE))
    await tx.session.flush()
    opening = open_now(widget.settings, tx.now)
    token = tx.services.tokens.sign_visitor(claims, tx.now)
    return Opened(visitor, token, expires_at, widget, opening.is_open, opening.opens_at)


async def _find_widget(tx: Tx, key: str) -> Widget:
    found = select(Widget).where(col(Widget.key) == short_text(key, MAX_KEY), col(Widget.deleted_at).is_(None))
    widget = (await tx.session.execute(found)).scalar_one_or_none()
    if widget is None:
        raise WidgetKeyInvalid("No widget has this key.")
    return widget


async def _known(tx: Tx, widget: Widget, token: str | None, origin: str | None) -> Visitor | None:
    if not token:
        return None
    try:
        visitor, claims = await find_session(tx, token)
    except Unauthenticated:
        return None
    return visitor if visitor.widget_id == widget.id and claims.origin == origin else None


def _new_visitor(tx: Tx, widget: Widget, referrer: str | None) -> Visitor:
    visitor = Visitor(
        tenant_id=widget.tenant_id,
        id=new_id(),
        widget_id=widget.id,
        referrer=web_address(referrer),
        created_at=tx.now,
        seen_at=tx.now,
    )
    tx.session.add(visitor)
    return visitor


def _describe(visitor: Visitor, locale: str | None, timezone: str | None, user_agent: str | None) -> None:
    """Takes over what the browser says of itself, as far as it makes sense."""
    with suppress(Invalid):
        visitor.locale = normalise_locale(locale) if locale else visitor.locale
    with suppress(Invalid):
        visitor.timezone = normalise_timezone(timezone) if timezone else visitor.timezone
    visitor.user_agent = short_text(user_agent, MAX_USER_AGENT) or visitor.user_agent
