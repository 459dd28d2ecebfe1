"""Tenants, the people who work for them, their sessions and their API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import TenantRow, json_column


class Tenant(SQLModel, table=True):
    """One company. ``feed_epoch`` is part of every cursor; it changes when a database is restored from a backup.

    ``segments_version`` goes up with every change of a segment's rule, so that each process knows when to read the
    rules again; it is 0 while there has never been a segment. ``identity_version`` goes up when the secret with which
    the tenant vouches for its visitors is replaced.
    """

    __tablename__ = "tenants"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=200)
    plan: str = Field(default="free", max_length=20)
    feed_epoch: str = Field(max_length=16)
    segments_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    identity_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime
    updated_at: datetime


class User(SQLModel, table=True):
    """A person who signs in. Belongs to tenants through :class:`Member`; the e-mail address is normalised."""

    __tablename__ = "users"

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=320, unique=True)
    name: str = Field(default="", max_length=200)
    password_hash: str | None = Field(default=None, max_length=255)
    email_verified_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Member(TenantRow, table=True):
    """A user's place in a tenant, with one role (owner, admin, marketer, agent, viewer).

    ``invited_at`` is set until the invitation is accepted; nobody signs in through such a row.
    """

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("tenant_id", "user_id"), Index("ix_members_user", "user_id"))

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    role: str = Field(max_length=20)
    invited_at: datetime | None = None
    created_at: datetime


class Session(SQLModel, table=True):
    """A family of refresh tokens: one sign-in of one user into one tenant."""

    __tablename__ = "sessions"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    tenant_id: UUID = Field(foreign_key="tenants.id", ondelete="CASCADE")
    created_at: datetime
    revoked_at: datetime | None = None


class RefreshToken(SQLModel, table=True):
    """One single-use refresh token, stored as SHA-256. A second use revokes its session (RFC 9700, 4.14.2)."""

    __tablename__ = "refresh_tokens"

    token_hash: str = Field(primary_key=True, max_length=64)
    session_id: UUID = Field(foreign_key="sessions.id", ondelete="CASCADE", index=True)
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class EmailToken(SQLModel, table=True):
    """A single-use token that was mailed to a user: ``verify``, ``reset`` or ``invite``. Stored as SHA-256."""

    __tablename__ = "email_tokens"

    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    purpose: str = Field(max_length=10)
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class ApiKey(TenantRow, table=True):
    """A key for machines. ``prefix`` is public and finds the row; of the secret only the SHA-256 is stored.

    ``created_by_id`` is the user who made it, kept after they leave the tenant.
    """

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("prefix"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=20)
    secret_hash: str = Field(max_length=64)
    last4: str = Field(max_length=4)
    scopes: list[str] = Field(sa_column=json_column())
    created_by_id: UUID | None = None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
