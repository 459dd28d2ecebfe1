"""What every table shares: column types, the naming convention, and the marker of a tenant's rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, ForeignKeyConstraint, String, null
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

JSON_DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
JSON_OR_NULL = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def json_column(*, nullable: bool = False) -> Any:
    """A column of one JSON document: ``jsonb`` on Postgres, text on SQLite. If ``nullable``, None is SQL's null."""
    return Column(JSON_OR_NULL if nullable else JSON_DOCUMENT, nullable=nullable)


def text_column(length: int, *, nullable: bool = False) -> Any:
    """A text column that the database itself keeps within ``length`` characters (on Postgres)."""
    return Column(String(length), nullable=nullable)


def belongs_to(table: str, *columns: str, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key led by the tenant, so that a row can never refer to another tenant's row."""
    return ForeignKeyConstraint(["tenant_id", *columns], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)


class TenantScoped:
    """Marks a table whose rows belong to one tenant. Every ORM statement over it is narrowed by :attr:`owner`.

    A plain class with a hybrid on purpose: ``with_loader_criteria`` does not work on an SQLModel mixin.
    """

    @hybrid_property
    def owner(self) -> UUID:
        return self.tenant_id  # type: ignore[attr-defined,no-any-return]

    @owner.inplace.expression
    @classmethod
    def _owner_column(cls) -> Any:
        return getattr(cls, "tenant_id", null())


class TenantRow(TenantScoped, SQLModel):
    """The leading half of the key of every tenant's row."""

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenants.id", ondelete="CASCADE")
