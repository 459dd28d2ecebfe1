"""Integrations: made, changed, deleted and read. Their credentials go in and never come out."""

import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.actions.paging import Page, check_window
from app.channels.kinds import Kind, check_object, checked, kind_of
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.numbers import next_number
from app.core.sealing import Unsealable, seal, unseal
from app.core.settings import Settings
from app.core.tx import Reading, Tx
from models import Integration

MAX_INTEGRATIONS = 100


async def create_integration(
    tx: Tx,
    *,
    name: str,
    kind: str,
    channel: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    is_default: bool | None = None,
    is_enabled: bool = True,
) -> Integration:
    """A new integration. ``channel`` may be left out where the kind has one. ``is_default`` None: if it is the
    channel's first. A push channel has one default of each kind, because each device has its own.

    ``settings`` and ``credentials`` are those of :mod:`app.channels.kinds`. Raises :class:`Invalid` at ``name``,
    ``kind``, ``channel``, or below ``settings`` or ``credentials``.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    chosen = kind_of(kind)
    where = _channel_of(chosen, channel)
    told, known = chosen.prepare(
        checked(chosen.settings, settings or {}, "settings"),
        checked(chosen.credentials, credentials or {}, "credentials"),
    )
    number = await next_number(tx, Integration)
    await _check_room(tx)
    integration = Integration(
        tenant_id=tx.tenant_id,
        id=new_id(),
        number=number,
        name=checked_name(name, required=True),
        kind=chosen.name,
        channel=where,
        settings=told,
        callback_key=secrets.token_urlsafe(24),
        is_enabled=is_enabled,
        created_at=tx.now,
        updated_at=tx.now,
    )
    integration.credentials = sealed_credentials(tx.services.settings, integration.id, known)
    integration.is_default = await _has_no_default(tx, integration) if is_default is None else is_default
    if integration.is_default:
        await _release_default(tx, integration)
    tx.session.add(integration)
    await tx.session.flush()
    tx.forget(integration.id)
    about = {"name": integration.name, "kind": chosen.name, "channel": where}
    tx.audit("integration.create", public_id("integration", integration.id), about)
    return integration


async def update_integration(
    tx: Tx,
    *,
    integration_id: UUID,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    is_default: bool | None = None,
    is_enabled: bool | None = None,
) -> Integration:
    """Changes what is given. Each name in ``settings`` and ``credentials`` replaces the one there was; null gives its
    default back. Who changes where the credentials go (a host, an API's address) must give them again.

    Raises :class:`NotFound`, and :class:`Invalid` as :func:`create_integration` does.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    integration = await integration_of(tx, integration_id)
    kind = kind_of(integration.kind)
    changed: list[str] = []
    if name is not None and (accepted := checked_name(name, required=True)) != integration.name:
        integration.name = accepted
        changed.append("name")
    if settings is not None or credentials is not None:
        changed += _retell(tx.services.settings, integration, kind, settings, credentials)
    if is_enabled is not None and is_enabled != integration.is_enabled:
        integration.is_enabled = is_enabled
        changed.append("is_enabled")
    if is_default is not None and is_default != integration.is_default:
        if is_default:
            await _release_default(tx, integration)
        integration.is_default = is_default
        changed.append("is_default")
    if changed:
        integration.updated_at = tx.now
        integration.last_error = integration.failed_at = None
        await tx.session.flush()
        tx.forget(integration.id)
        tx.audit("integration.update", public_id("integration", integration_id), {"changed": sorted(changed)})
    return integration


async def delete_integration(tx: Tx, *, integration_id: UUID) -> None:
    """Takes an integration away and forgets its credentials. The row stays, because deliveries went over it; its
    channel has no default until another is made one. Raises :class:`NotFound`."""
    tx.require(Scope.INTEGRATIONS_WRITE)
    integration = await integration_of(tx, integration_id)
    integration.deleted_at = integration.updated_at = tx.now
    integration.credentials = None
    integration.is_default = integration.is_enabled = False
    await tx.session.flush()
    tx.forget(integration.id)
    tx.audit("integration.delete", public_id("integration", integration_id), {"name": integration.name})


async def get_integration(reading: Reading, *, integration_id: UUID) -> Integration:
    """The integration. Raises :class:`NotFound`."""
    reading.require(Scope.INTEGRATIONS_READ)
    return await integration_of(reading, integration_id)


async def list_integrations(
    reading: Reading, *, channel: str | None = None, limit: int = 100, offset: int = 0
) -> Page[Integration]:
    """The integrations, oldest first. Raises :class:`Invalid` for an impossible window."""
    reading.require(Scope.INTEGRATIONS_READ)
    check_window(offset, limit)
    wanted = select(Integration).where(col(Integration.deleted_at).is_(None))
    if channel is not None:
        wanted = wanted.where(col(Integration.channel) == channel)
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    page = wanted.order_by(col(Integration.number)).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


async def integration_of(reading: Reading, integration_id: UUID) -> Integration:
    """The integration, if it is there and not deleted. Raises :class:`NotFound` at ``integration_id``."""
    reading.require(Scope.INTEGRATIONS_READ)
    found = select(Integration).where(col(Integration.id) == integration_id, col(Integration.deleted_at).is_(None))
    integration = (await reading.session.execute(found)).scalar_one_or_none()
    if integration is None:
        raise NotFound("integration", "integration_id")
    return integration


def sealed_credentials(settings: Settings, integration_id: UUID, credentials: Mapping[str, Any]) -> str | None:
    """The credentials as the row keeps them; None where there are none."""
    known = {name: value for name, value in credentials.items() if value}
    return seal(settings, json.dumps(known), about=f"integration:{integration_id.hex}") if known else None


def open_credentials(settings: Settings, integration: Integration) -> dict[str, Any]:
    """The credentials, for a provider's use only. Raises :class:`Unsealable`."""
    if integration.credentials is None:
        return {}
    text = unseal(settings, integration.credentials, about=f"integration:{integration.id.hex}")
    return dict(json.loads(text))


def _retell(
    server: Settings,
    integration: Integration,
    kind: Kind,
    settings: Mapping[str, Any] | None,
    credentials: Mapping[str, Any] | None,
) -> list[str]:
    check_object(settings or {}, "settings")
    check_object(credentials or {}, "credentials")
    said = {**integration.settings, **(settings or {})}
    told = checked(kind.settings, {name: value for name, value in said.items() if value is not None}, "settings")
    before = _known_credentials(server, integration)
    moved = [name for name in kind.destinations if getattr(told, name) != integration.settings.get(name)]
    if moved and before and not credentials:
        raise Invalid.at("credentials", f"must be given again, because {' and '.join(moved)} changed")
    meant = {**({} if moved else before or {}), **(credentials or {})}
    known = checked(
        kind.credentials, {name: value for name, value in meant.items() if value is not None}, "credentials"
    )
    new_settings, new_credentials = kind.prepare(told, known)
    changed = [f"settings.{name}" for name, value in new_settings.items() if integration.settings.get(name) != value]
    integration.settings = new_settings
    if new_credentials != before:
        changed.append("credentials")
        integration.credentials = sealed_credentials(server, integration.id, new_credentials)
    return changed


def _known_credentials(server: Settings, integration: Integration) -> dict[str, Any] | None:
    """None: they cannot be opened any more, and must be given anew."""
    try:
        return open_credentials(server, integration)
    except Unsealable:
        return None


def _channel_of(kind: Kind, channel: str | None) -> str:
    if channel is None and len(kind.channels) == 1:
        return kind.channels[0]
    if channel not in kind.channels:
        raise Invalid.at("channel", f"must be one of {', '.join(kind.channels)} for the kind {kind.name}")
    return channel


async def _check_room(tx: Tx) -> None:
    """Asked while the numbers are locked, so that two cannot take the last place."""
    there = select(func.count()).select_from(Integration).where(col(Integration.deleted_at).is_(None))
    if (await tx.session.execute(there)).scalar_one() >= MAX_INTEGRATIONS:
        raise Invalid.at("name", f"is one too many: there are {MAX_INTEGRATIONS} integrations")


def _same_place(integration: Integration) -> list[Any]:
    same = [col(Integration.channel) == integration.channel, col(Integration.is_default)]
    return [*same, col(Integration.kind) == integration.kind] if integration.channel == "push" else same


async def _has_no_default(tx: Tx, integration: Integration) -> bool:
    found = select(col(Integration.id)).where(*_same_place(integration)).limit(1)
    return (await tx.session.execute(found)).scalar_one_or_none() is None


async def _release_default(tx: Tx, integration: Integration) -> None:
    others = update(Integration).where(*_same_place(integration), col(Integration.id) != integration.id)
    await tx.session.execute(
        others.values(is_default=False, updated_at=tx.now), execution_options={"synchronize_session": False}
    )
