"""Widgets, and the sites on which they may stand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, json_column


class Widget(TenantRow, table=True):
    """A chat window for web pages. ``key`` is public and finds the row.

    ``settings`` is the document of :mod:`app.actions.widgets.settings`: colours, texts by language, position, business
    hours. Conversations that begin in it go to ``team_id``, or to nobody's queue without one. A deleted widget
    keeps its row, because conversations were begun in it; nobody sees it, and its key opens nothing.
    """

    __tablename__ = "widgets"
    __table_args__ = (
        UniqueConstraint("key"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
    )

    id: UUID = Field(primary_key=True)
    key: str = Field(max_length=40)
    name: str = Field(max_length=200)
    team_id: UUID | None = None
    settings: dict[str, Any] = Field(sa_column=json_column())
    installed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class Domain(TenantRow, table=True):
    """A host name of the tenant: ``example.com``, or ``*.example.com`` below it.

    If it ``carries_widgets``, its pages may carry the tenant's widgets. A name without a star may also be what mail is
    signed for (DKIM) and what tracked links lead to: ``verified_at`` is when its owner had put ``verification_token``
    into its DNS, ``dkim_verified_at`` when the public key was there too. ``dkim_private_key`` is sealed.
    """

    __tablename__ = "domains"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=253)
    verification_token: str | None = Field(default=None, max_length=60)
    verified_at: datetime | None = None
    checked_at: datetime | None = None
    dkim_selector: str | None = Field(default=None, max_length=63)
    dkim_public_key: str | None = Field(default=None, max_length=1000)
    dkim_private_key: str | None = None
    dkim_verified_at: datetime | None = None
    tracks_links: bool = False
    carries_widgets: bool = True
    created_at: datetime
