"""The sending policy: one row of a tenant, or the defaults."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.customers.facts import CHANNELS
from app.core.access import Scope
from app.core.contact import normalise_timezone
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import public_id
from app.core.keep import KEEP, Keep
from app.core.tx import Reading, Tx
from models import Domain, SendingPolicy

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")
IN_DOUBT = ("keep", "resend")
SENT_OVER = (*CHANNELS, "webhook")


async def get_sending_policy(reading: Reading) -> SendingPolicy:
    """The tenant's rules; the defaults where nothing was ever set (then the row is not a stored one)."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await _policy(reading)


async def update_sending_policy(
    tx: Tx,
    *,
    quiet_hours: Mapping[str, Any] | Keep | None = KEEP,
    timezone: str | None = None,
    in_doubt: Mapping[str, str] | None = None,
    soft_bounce_limit: int | None = None,
    tracks_opens: bool | None = None,
    tracks_clicks: bool | None = None,
    tracking_domain_id: UUID | Keep | None = KEEP,
) -> SendingPolicy:
    """Changes what is given. ``quiet_hours`` (``from``, ``to``, ``channels``) of None ends them.

    Raises :class:`Invalid`, :class:`NotFound` for the domain, and :class:`Conflict` while its owner is not proved.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    values: dict[str, Any] = {}
    if quiet_hours is not KEEP:
        values["quiet_hours"] = None if quiet_hours is None else _quiet_hours(quiet_hours)
    if timezone is not None:
        values["timezone"] = normalise_timezone(timezone)
    if in_doubt is not None:
        values["in_doubt"] = _in_doubt(in_doubt)
    if soft_bounce_limit is not None:
        if not 1 <= soft_bounce_limit <= 100:
            raise Invalid.at("soft_bounce_limit", "must be 1 to 100")
        values["soft_bounce_limit"] = soft_bounce_limit
    if tracks_opens is not None:
        values["tracks_opens"] = tracks_opens
    if tracks_clicks is not None:
        values["tracks_clicks"] = tracks_clicks
    if tracking_domain_id is not KEEP:
        values["tracking_domain_id"] = await _tracking_domain(tx, tracking_domain_id)
    policy = await _policy(tx)
    changed = {name: value for name, value in values.items() if getattr(policy, name) != value}
    for name, value in changed.items():
        setattr(policy, name, value)
    if changed:
        policy.updated_at = tx.now
        tx.session.add(policy)
        await tx.session.flush()
        tx.audit("sending_policy.update", public_id("tenant", tx.tenant_id), {"changed": sorted(changed)})
    return policy


async def _policy(reading: Reading) -> SendingPolicy:
    found: SendingPolicy | None = (await reading.session.execute(select(SendingPolicy))).scalar_one_or_none()
    return found or SendingPolicy(tenant_id=reading.tenant_id, updated_at=reading.now)


def _quiet_hours(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked: two different times of day, and channels (all of them if none are named)."""
    unknown = sorted(given.keys() - {"from", "to", "channels"})
    if unknown:
        raise Invalid.at(f"quiet_hours.{unknown[0]}", "is not known")
    for name in ("from", "to"):
        if not isinstance(given.get(name), str) or not CLOCK.match(given[name]):
            raise Invalid.at(f"quiet_hours.{name}", "must be a time of day such as 21:00")
    if given["from"] == given["to"]:
        raise Invalid.at("quiet_hours.to", "must not be the same as from")
    channels = given.get("channels") or list(CHANNELS)
    if not isinstance(channels, list) or not set(channels) <= set(CHANNELS):
        raise Invalid.at("quiet_hours.channels", f"must be among {', '.join(CHANNELS)}")
    return {"from": given["from"], "to": given["to"], "channels": channels}


def _in_doubt(given: Mapping[str, str]) -> dict[str, str]:
    for channel, rule in given.items():
        if channel not in SENT_OVER:
            raise Invalid.at(f"in_doubt.{channel}", f"is not a channel ({', '.join(SENT_OVER)})")
        if rule not in IN_DOUBT:
            raise Invalid.at(f"in_doubt.{channel}", f"must be {' or '.join(IN_DOUBT)}")
    return dict(given)


async def _tracking_domain(tx: Tx, domain_id: UUID | None) -> UUID | None:
    if domain_id is None:
        return None
    found = (await tx.session.execute(select(Domain).where(col(Domain.id) == domain_id))).scalar_one_or_none()
    if found is None:
        raise NotFound("domain", "tracking_domain_id")
    if found.verified_at is None or found.name.startswith("*"):
        raise Conflict("This domain is not proved to be yours yet.", "tracking_domain_id")
    found.tracks_links = True
    tx.session.add(found)
    return domain_id
