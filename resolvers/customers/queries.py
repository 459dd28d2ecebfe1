"""Finding customers."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import String, cast, exists, select

import models
from app.core.access import Scope
from app.core.contact import normalise_email
from app.core.errors import Invalid
from resolvers.customers.types import Customer, CustomerStatus
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, connection, one, rows
from resolvers.scalars import Connection, DateTime, enum_value


@strawberry.enum(description="How customers are ordered.")
class CustomerOrder(Enum):
    """By a moment; then by id."""

    CREATED_NEWEST = enum_value("created_newest", description="Those known last come first.")
    CREATED_OLDEST = enum_value("created_oldest", description="Those known first come first.")
    UPDATED_NEWEST = enum_value("updated_newest", description="Those changed last come first.")
    UPDATED_OLDEST = enum_value("updated_oldest", description="Those changed longest ago come first.")


ORDERS = {
    CustomerOrder.CREATED_NEWEST: Order("cn", "created_at"),
    CustomerOrder.CREATED_OLDEST: Order("co", "created_at", descending=False),
    CustomerOrder.UPDATED_NEWEST: Order("un", "updated_at"),
    CustomerOrder.UPDATED_OLDEST: Order("uo", "updated_at", descending=False),
}


@strawberry.input(description="Which customers. Everything given must hold.")
class CustomerFilter:
    """Conditions on customers."""

    search: str | None = strawberry.field(
        default=None, description="Part of a name they are known by (external id, e-mail, phone) or of an attribute."
    )
    status: CustomerStatus | None = strawberry.field(default=None, description="Of this status; ACTIVE if not given.")
    suppressed: bool | None = strawberry.field(default=None, description="Only those who are, or are not, suppressed.")
    created_since: DateTime | None = strawberry.field(default=None, description="Known since then.")
    created_until: DateTime | None = strawberry.field(default=None, description="Known before then.")
    updated_since: DateTime | None = strawberry.field(default=None, description="Changed since then.")
    updated_until: DateTime | None = strawberry.field(default=None, description="Last changed before then.")


def named(kind: str, value: Any) -> Rows:
    """The customer whom a name of a kind names."""
    customer, identity = rows(models.Customer), rows(models.Identity)
    holder = select(identity.c.customer_id).where(
        *identity.where(identity.c.kind == kind, identity.c.value == value).conditions
    )
    return customer.where(customer.c.id.in_(holder))


def _as_stored(address: str) -> str:
    """An address in the form in which it is stored; what is no address names nobody."""
    try:
        return normalise_email(address, "email")
    except Invalid:
        return address.lower()


def filtered(customer: Rows, filter: Any) -> Rows:
    """Customers narrowed by a filter. Without one, those who are active."""
    status = (filter and filter.status) or CustomerStatus.ACTIVE
    customer = customer.where(customer.c.status == status.value)
    if filter is None:
        return customer
    if filter.search is not None:
        identity = rows(models.Identity)
        called = identity.where(
            identity.c.customer_id == customer.c.id, given.contains([identity.c.value], filter.search)
        )
        attributes = given.contains([cast(customer.c.attributes, String())], filter.search)
        customer = customer.where(exists(select(identity.c.id).where(*called.conditions)) | attributes)
    if filter.suppressed is not None:
        customer = customer.where(customer.c.suppressed_at.is_not(None) == filter.suppressed)
    return customer.where(
        given.since(customer.c.created_at, filter.created_since),
        given.until(customer.c.created_at, filter.created_until),
        given.since(customer.c.updated_at, filter.updated_since),
        given.until(customer.c.updated_at, filter.updated_until),
    )


@strawberry.type
class CustomerQuery:
    """Root fields about customers."""

    @one(
        lambda: Customer,
        "One customer by exactly one of the names given, or null.",
        graphql_type=Customer | None,
        scope=Scope.CUSTOMERS_READ,
    )
    def customer(
        self: Any,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Their public id.")] = None,
        external_id: Annotated[str | None, strawberry.argument(description="Their id in the tenant's systems.")] = None,
        email: Annotated[str | None, strawberry.argument(description="One of their e-mail addresses.")] = None,
    ) -> Rows:
        if sum(name is not None for name in (id, external_id, email)) != 1:
            raise Invalid.at("id", "give exactly one of id, externalId and email")
        if id is not None:
            customer = rows(models.Customer)
            return customer.where(customer.c.id == given.key("customer", id))
        if external_id is not None:
            return named("external_id", given.text(external_id))
        return named("email", given.text(email, _as_stored))

    @connection(
        lambda: Customer,
        "Customers, page by page.",
        graphql_type=Connection[Customer],
        scope=Scope.CUSTOMERS_READ,
    )
    def customers(
        self: Any,
        filter: Annotated[CustomerFilter | None, strawberry.argument(description="Which customers.")] = None,
        order_by: Annotated[
            CustomerOrder, strawberry.argument(description="Which come first.")
        ] = CustomerOrder.CREATED_NEWEST,
    ) -> Rows:
        return filtered(rows(models.Customer), filter).ordered(ORDERS[order_by])
