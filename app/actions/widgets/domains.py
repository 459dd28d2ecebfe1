"""The sites on whose pages the tenant's widgets may stand. While there are none, they may stand anywhere."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, DomainNotAllowed, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import Domain

MAX_DOMAINS = 500
LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
HOST = re.compile(rf"(?:\*\.)?{LABEL}(?:\.{LABEL})*")


async def add_domain(tx: Tx, *, name: str) -> Domain:
    """Allows a site: ``example.com`` (that host alone), or ``*.example.com`` (every host below it).

    Raises :class:`Invalid` at ``name``, and :class:`Conflict` for one that is there already.
    """
    tx.require(Scope.WIDGETS_WRITE)
    host = normal_host(name)
    sends = select(Domain).where(col(Domain.name) == host, col(Domain.carries_widgets).is_(False))
    domain = (await tx.session.execute(sends)).scalar_one_or_none()
    if domain is None:
        domain = await new_domain(tx, host, carries_widgets=True)
    domain.carries_widgets = True
    await tx.session.flush()
    tx.forget(tx.tenant_id)
    tx.audit("domain.add", public_id("domain", domain.id), {"name": host})
    return domain


async def remove_domain(tx: Tx, *, domain_id: UUID) -> None:
    """Forbids a site again; visitors who are there lose their sessions. A domain that is also for mail or tracked links
    stays for these. Raises :class:`NotFound`."""
    tx.require(Scope.WIDGETS_WRITE)
    found = select(Domain).where(col(Domain.id) == domain_id, col(Domain.carries_widgets))
    domain = (await tx.session.execute(found)).scalar_one_or_none()
    if domain is None:
        raise NotFound("domain", "domain_id")
    if domain.verification_token is None:
        await tx.session.delete(domain)
    domain.carries_widgets = False
    await tx.session.flush()
    tx.forget(tx.tenant_id)
    tx.audit("domain.remove", public_id("domain", domain_id), {"name": domain.name})


async def new_domain(tx: Tx, host: str, *, carries_widgets: bool) -> Domain:
    """Adds the row of a domain. Raises :class:`Invalid` and :class:`Conflict` at ``name``."""
    tx.require(Scope.WIDGETS_WRITE if carries_widgets else Scope.INTEGRATIONS_WRITE)
    count = (await tx.session.execute(select(func.count()).select_from(Domain))).scalar_one()
    if count >= MAX_DOMAINS:
        raise Invalid.at("name", f"is one too many: there are {MAX_DOMAINS} domains")
    domain = Domain(tenant_id=tx.tenant_id, id=new_id(), name=host, created_at=tx.now, carries_widgets=carries_widgets)
    tx.session.add(domain)
    try:
        await tx.session.flush()
    except IntegrityError as known:
        raise Conflict("This domain is there already.", "name") from known
    return domain


async def list_domains(reading: Reading, *, limit: int = 100, offset: int = 0) -> Page[Domain]:
    """The sites, by name. Raises :class:`Invalid` for an impossible window."""
    reading.require(Scope.WIDGETS_READ)
    check_window(offset, limit)
    sites = select(Domain).where(col(Domain.carries_widgets))
    total = (await reading.session.execute(select(func.count()).select_from(sites.subquery()))).scalar_one()
    wanted = sites.order_by(col(Domain.name)).limit(limit).offset(offset)
    return Page((await reading.session.execute(wanted)).scalars().all(), total)


def normal_host(name: str, field: str = "name") -> str:
    """The host name in lower case and ASCII (IDNA). Raises :class:`Invalid` at ``field``."""
    text = check_text(name, field, longest=253, shortest=1).strip().lower().rstrip(".")
    wildcard, host = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as wrong:
        raise Invalid.at(field, "is not a host name such as example.com or *.example.com") from wrong
    if not HOST.fullmatch(wildcard + host) or len(wildcard + host) > 253:
        raise Invalid.at(field, "is not a host name such as example.com or *.example.com")
    return wildcard + host


def allows(domains: Collection[str], origin: str | None) -> bool:
    """Whether a page of ``origin`` (an ``Origin`` header: scheme, host, port) may carry the tenant's widgets."""
    if not domains:
        return True
    host = _host(origin)
    if host is None:
        return False
    return any(host.endswith(name[1:]) if name.startswith("*.") else host == name for name in domains)


async def check_origin(reading: Reading, origin: str | None) -> None:
    """Raises :class:`DomainNotAllowed` unless the unit's tenant allows its widgets on pages of ``origin``."""
    reading.require(Scope.WIDGETS_READ)
    names = (await reading.session.execute(select(col(Domain.name)).where(col(Domain.carries_widgets)))).scalars().all()
    if not allows(names, origin):
        where = _host(origin) or "pages of no known site"
        raise DomainNotAllowed(f"Widgets of this company are not allowed on {where}.")


def _host(origin: str | None) -> str | None:
    try:
        parts = urlsplit(origin or "")
        return parts.hostname if parts.scheme in {"http", "https"} else None
    except ValueError:
        return None
