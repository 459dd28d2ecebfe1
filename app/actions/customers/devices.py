"""Devices: installed apps and browsers that can be pushed to."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from app.actions.customers.facts import CustomerRef, Name, check_moment
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.batches import among
from app.core.contact import check_text
from app.core.documents import check_document, same_value
from app.core.errors import Invalid, NotFound
from app.core.feed import customer_topic
from app.core.ids import new_id
from app.core.tx import Tx
from models import Device

MAX_TOKEN = 1000
MAX_DEVICE_BYTES = 10_000
PLATFORM = re.compile(r"[a-z][a-z0-9_]{0,19}\Z")
UNKNOWN = "unknown"
"""The platform of a device of which nobody has said it."""


async def save_device(
    tx: Tx,
    *,
    customer: CustomerRef,
    token: str,
    platform: str | None,
    attributes: Mapping[str, Any] | None = None,
    last_used_at: datetime | None = None,
) -> UUID:
    """Adds a device or updates what is known of it; None says nothing. Returns the device's id.

    A push token is one device: when it was somebody else's, it is the given customer's from now on. Raises
    :class:`Invalid` or :class:`NotFound`.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    said = _check_device(token, platform, attributes, last_used_at, tx.now)
    store = CustomerStore(tx)
    await store.lock([_token_name(token)])
    _, person = await store.load_one(customer)
    known = (await tx.session.execute(select(Device).where(col(Device.token) == token))).scalar_one_or_none()
    if known is not None and known.customer_id == person.id:
        if all(same_value(getattr(known, name), value) for name, value in said.items()):
            return known.id
        await _execute(tx, update(Device).where(col(Device.id) == known.id).values(updated_at=tx.now, **said))
        device_id = known.id
    else:
        if known is not None:
            await store.held([known.customer_id])
            await _execute(tx, delete(Device).where(col(Device.id) == known.id))
            _tell(tx, known.customer_id)
        device_id = new_id()
        row = {"platform": known.platform if known else UNKNOWN, "attributes": {}, "last_used_at": None, **said}
        row |= {"created_at": tx.now, "updated_at": tx.now}
        await tx.insert(Device, [{"id": device_id, "customer_id": person.id, "token": token, **row}])
    _tell(tx, person.id)
    return device_id


async def remove_device(tx: Tx, *, customer: CustomerRef, token: str) -> UUID:
    """Takes a device away. Returns the customer's id; raises :class:`NotFound` when they have no such device."""
    tx.require(Scope.CUSTOMERS_WRITE)
    store = CustomerStore(tx)
    _, person = await store.load_one(customer)
    mine = (col(Device.customer_id) == person.id, col(Device.token) == check_text(token, "token", longest=MAX_TOKEN))
    if (await _execute(tx, delete(Device).where(*mine))).rowcount == 0:
        raise NotFound("device", "token")
    _tell(tx, person.id)
    return person.id


async def forget_devices(tx: Tx, *, tokens: Collection[str]) -> None:
    """Takes away devices that their platform says nobody has any more, whosever they are."""
    tx.require(Scope.CUSTOMERS_WRITE)
    if not tokens:
        return
    store = CustomerStore(tx)
    await store.lock(map(_token_name, sorted(tokens)))
    theirs = select(col(Device.customer_id)).where(among(tx.session, Device.token, tokens))
    people = set((await tx.session.execute(theirs)).scalars())
    await store.held(people)
    await _execute(tx, delete(Device).where(among(tx.session, Device.token, tokens)))
    for customer_id in sorted(people):
        _tell(tx, customer_id)


def _check_device(
    token: str, platform: str | None, attributes: Mapping[str, Any] | None, last_used_at: datetime | None, now: datetime
) -> dict[str, Any]:
    check_text(token, "token", longest=MAX_TOKEN, shortest=1)
    said: dict[str, Any] = {}
    if platform is not None:
        if not isinstance(platform, str) or not PLATFORM.match(platform):
            raise Invalid.at("platform", "is not a platform such as ios, android or web")
        said["platform"] = platform
    if attributes is not None:
        said["attributes"] = check_document(attributes, "attributes", max_bytes=MAX_DEVICE_BYTES)
    if last_used_at is not None:
        said["last_used_at"] = check_moment(last_used_at, "last_used_at", now)
    return said


def _token_name(token: str) -> Name:
    return "device", token


def _tell(tx: Tx, customer_id: UUID) -> None:
    tx.emit(customer_topic(customer_id), "customer", customer_id, {"change": "device"})
    tx.touch(customer_id, ("device", ""))


async def _execute(tx: Tx, statement: Any) -> Any:
    return await tx.session.execute(statement, execution_options={"synchronize_session": False})
