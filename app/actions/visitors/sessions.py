"""The sessions of visitors: what a token of theirs is worth, and who they then are."""

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from app.actions.widgets.domains import allows
from app.core.access import Principal, Scope
from app.core.errors import Unauthenticated
from app.core.tokens import VisitorClaims
from app.core.tx import Reading
from models import Domain, Visitor, Widget

LIFE = timedelta(days=30)
"""How long a token is good; opening the widget gives a new one."""
WRONG_TOKEN = "The visitor's token is not valid or has expired."  # noqa: S105


async def find_session(reading: Reading, token: str) -> tuple[Visitor, VisitorClaims]:
    """The visitor whose token this is. Public. Raises :class:`Unauthenticated` for one that is forged, expired,
    revoked, of a widget that is gone, or of a site on which widgets are no longer allowed."""
    claims = reading.services.tokens.read_visitor(token)
    found = (
        select(Visitor)
        .join(Widget, (col(Widget.tenant_id) == col(Visitor.tenant_id)) & (col(Widget.id) == col(Visitor.widget_id)))
        .where(
            col(Visitor.tenant_id) == claims.tenant_id,
            col(Visitor.id) == claims.visitor_id,
            col(Visitor.widget_id) == claims.widget_id,
            col(Visitor.session_version) == claims.version,
            col(Widget.deleted_at).is_(None),
        )
    )
    visitor = (await reading.session.execute(found)).scalar_one_or_none()
    if visitor is None:
        raise Unauthenticated(WRONG_TOKEN)
    names = select(col(Domain.name)).where(col(Domain.tenant_id) == claims.tenant_id, col(Domain.carries_widgets))
    if not allows((await reading.session.execute(names)).scalars().all(), claims.origin):
        raise Unauthenticated("Widgets of this company are no longer allowed on this site.")
    return visitor, claims


def visitor_principal(visitor: Visitor, claims: VisitorClaims) -> Principal:
    """The caller that a visitor is. ``origin`` is that of the pages for which the token was made: whoever takes the
    token from a browser refuses it where the request's own ``Origin`` is another."""
    return Principal(
        "visitor",
        visitor.tenant_id,
        visitor.id,
        label=visitor.name,
        scopes=frozenset({Scope.VISITOR}),
        plan="visitor",
        source="widget",
        expires_at=claims.expires_at,
        origin=claims.origin,
    )
