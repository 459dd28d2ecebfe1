"""Finding and listing customers for those who read whole profiles."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlmodel import col

from app.actions.customers.facts import (
    ANONYMOUS_ID,
    EMAIL,
    EXTERNAL_ID,
    CustomerRef,
    normalise_ref,
)
from app.actions.customers.store import CustomerStore
from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.batches import among
from app.core.contact import check_text, normalise_email
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from models import Consent, Customer, Device, Identity

ACTIVE = "active"
LISTED_STATUSES = (ACTIVE, "merged")
MAX_SEARCH = 320


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device of a customer."""

    id: UUID
    token: str
    platform: str
    attributes: dict[str, Any]
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class CustomerView:
    """A whole profile. Of each kind of name the primary one; ``consents`` maps a channel to its status."""

    id: UUID
    status: str
    merged_into_id: UUID | None
    attributes: dict[str, Any]
    timezone: str | None
    locale: str | None
    suppressed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    anonymous_ids: list[str] = field(default_factory=list)
    consents: dict[str, str] = field(default_factory=dict)
    devices: list[DeviceView] = field(default_factory=list)


async def find_customer(reading: Reading, customer: CustomerRef) -> UUID:
    """The id of the active customer whom a reference names. Raises :class:`NotFound`."""
    reading.require(Scope.CUSTOMERS_READ)
    return await CustomerStore(reading).resolve(normalise_ref(customer))


async def get_customer(reading: Reading, customer: CustomerRef) -> CustomerView:
    """One profile. By id also that of a merged customer, which says into whom. Raises :class:`NotFound`."""
    reading.require(Scope.CUSTOMERS_READ)
    ref = normalise_ref(customer)
    customer_id = UUID(ref.value) if ref.kind == "id" else await CustomerStore(reading).resolve(ref)
    views = await _views(
        reading, _customers().where(col(Customer.id) == customer_id, col(Customer.status) != "deleted")
    )
    if not views:
        raise NotFound("customer", "customer")
    return views[0]


async def get_customers(reading: Reading, *, customer_ids: Sequence[UUID]) -> list[CustomerView]:
    """The profiles of the active ones among these customers, in this order."""
    reading.require(Scope.CUSTOMERS_READ)
    mine = among(reading.session, Customer.id, customer_ids)
    found = {view.id: view for view in await _views(reading, _customers().where(mine, col(Customer.status) == ACTIVE))}
    return [found[one] for one in customer_ids if one in found]


async def list_customers(
    reading: Reading,
    *,
    offset: int,
    limit: int,
    search: str | None = None,
    email: str | None = None,
    external_id: str | None = None,
    status: str = "active",
) -> Page[CustomerView]:
    """Profiles, newest first. ``search`` is looked for in every name; ``email`` and ``external_id`` are exact.

    Raises :class:`Invalid` for a wrong window or status.
    """
    reading.require(Scope.CUSTOMERS_READ)
    check_window(offset, limit)
    if status not in LISTED_STATUSES:
        raise Invalid.at("status", f"must be {' or '.join(LISTED_STATUSES)}")
    wanted = [col(Customer.status) == status]
    if email is not None:
        wanted.append(_has_name(col(Identity.kind) == EMAIL, col(Identity.value) == normalise_email(email)))
    if external_id is not None:
        check_text(external_id, EXTERNAL_ID, longest=MAX_SEARCH)
        wanted.append(_has_name(col(Identity.kind) == EXTERNAL_ID, col(Identity.value) == external_id))
    if search:
        check_text(search, "search", longest=MAX_SEARCH)
        wanted.append(_has_name(col(Identity.value).icontains(search, autoescape=True)))
    total = (await reading.session.execute(select(func.count()).select_from(Customer).where(*wanted))).scalar_one()
    newest = _customers().where(*wanted).order_by(col(Customer.created_at).desc(), col(Customer.id).desc())
    return Page(await _views(reading, newest.offset(offset).limit(limit)), total)


def _has_name(*conditions: Any) -> Any:
    return col(Customer.id).in_(select(col(Identity.customer_id)).where(*conditions))


def _customers() -> Select[Any]:
    return select(
        col(Customer.id),
        col(Customer.status),
        col(Customer.merged_into_id),
        col(Customer.attributes),
        col(Customer.timezone),
        col(Customer.locale),
        col(Customer.suppressed_at),
        col(Customer.created_at),
        col(Customer.updated_at),
    )


async def _views(reading: Reading, statement: Select[Any]) -> Sequence[CustomerView]:
    """The profiles of the selected customers, in their order, in four statements for any number of them."""
    views = {row[0]: CustomerView(*row) for row in (await reading.session.execute(statement)).all()}
    if not views:
        return []
    session, ids = reading.session, list(views)
    edges = (
        select(col(Identity.customer_id), col(Identity.kind), col(Identity.value), col(Identity.is_primary))
        .where(among(session, Identity.customer_id, ids))
        .order_by(col(Identity.created_at), col(Identity.id))
    )
    for customer_id, kind, value, is_primary in (await session.execute(edges)).all():
        if kind == ANONYMOUS_ID:
            views[customer_id].anonymous_ids.append(value)
        elif is_primary:
            setattr(views[customer_id], kind, value)
    said = select(col(Consent.customer_id), col(Consent.channel), col(Consent.status)).where(
        among(session, Consent.customer_id, ids)
    )
    for customer_id, channel, status in (await session.execute(said.order_by(col(Consent.channel)))).all():
        views[customer_id].consents[channel] = status
    for customer_id, devices in (await _devices(reading, ids)).items():
        views[customer_id].devices = devices
    return list(views.values())


async def _devices(reading: Reading, ids: Sequence[UUID]) -> dict[UUID, list[DeviceView]]:
    statement = (
        select(
            col(Device.customer_id),
            col(Device.id),
            col(Device.token),
            col(Device.platform),
            col(Device.attributes),
            col(Device.last_used_at),
            col(Device.created_at),
            col(Device.updated_at),
        )
        .where(among(reading.session, Device.customer_id, ids))
        .order_by(col(Device.created_at), col(Device.id))
    )
    found = defaultdict(list)
    for customer_id, *values in (await reading.session.execute(statement)).all():
        found[customer_id].append(DeviceView(*values))
    return found
