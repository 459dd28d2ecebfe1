"""The vocabulary of the versions. Only ever add to it: an old version must go on making what it made."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


def uuid(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of a UUID."""
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of at most ``length`` characters (held to on Postgres)."""
    return sa.Column(name, sa.String(length), nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of a moment, kept in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def whole(name: str, *, big: bool = False) -> sa.Column[Any]:
    """A column of a whole number."""
    return sa.Column(name, sa.BigInteger() if big else sa.Integer(), nullable=False)


def counter(name: str) -> sa.Column[Any]:
    """A column of a whole number that begins at 0, also in rows that are there already."""
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def flag(name: str) -> sa.Column[Any]:
    """A column of a yes or no."""
    return sa.Column(name, sa.Boolean(), nullable=False)


def json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of one JSON document: ``jsonb`` on Postgres, text on SQLite."""
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=nullable)


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """The primary key."""
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    """No two rows are alike in these columns."""
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    """The row goes when its tenant goes."""
    return refers(table, "tenant_id", to="tenants")


def refers(table: str, column: str, *, to: str) -> sa.ForeignKeyConstraint:
    """The row goes when the row it refers to goes."""
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def belongs(table: str, column: str, *, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A reference led by the tenant, which cannot name another tenant's row."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{to}.tenant_id", f"{to}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete=ondelete,
    )


def partial(name: str, table: str, columns: list[str], where: str, *, unique: bool) -> None:
    """An index over the rows that meet ``where``."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def narrow_to_tenant(table: str) -> None:
    """Forces row-level security: a transaction sees and writes the rows of ``app.tenant``, or all if ``app.system``.

    What is read is held against sub-selects, which Postgres works out once a statement and not once a row; what is
    written against the settings themselves, since a few rows would not pay for a sub-select.
    """
    tenant = "nullif(current_setting('app.tenant', true), '')::uuid"
    is_system = "current_setting('app.system', true) = 'on'"
    seen = f"(tenant_id = (SELECT {tenant}) OR (SELECT {is_system}))"
    written = f"(tenant_id = {tenant} OR {is_system})"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING {seen} WITH CHECK {written}")
