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
    """A host name on whose pages the tenant's widgets may stand: ``example.com``, or ``*.example.com`` below it."""

    __tablename__ = "domains"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=253)
    created_at: datetime
