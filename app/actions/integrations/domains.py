"""Domains of the tenant's own for mail and tracked links: what their DNS must say, and whether it does.

Three records, none of which needs another: a token that proves whose the domain is, the key with which its mail is
signed (DKIM), and for tracked links an alias to this server, or its address where it has no name.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import col

from app.actions.widgets.domains import new_domain, normal_host
from app.channels.mail.dkim import new_key
from app.core.access import Scope
from app.core.dns import Dns
from app.core.errors import Conflict, Invalid, NotFound
from app.core.fetching import is_public
from app.core.ids import public_id
from app.core.sealing import seal
from app.core.settings import Settings
from app.core.tx import Reading, Tx
from models import Domain, SendingPolicy

OWNERSHIP, DKIM, TRACKING, DMARC = "ownership", "dkim", "tracking", "dmarc"
SURE_AFTER = timedelta(minutes=15)
"""After which a record that was gone is looked for again: a name server that is being changed may say so."""
PROVED_EVERY, UNPROVED_EVERY, HOPEFUL = timedelta(hours=6), timedelta(minutes=55), timedelta(days=30)
UNREACHABLE = "Set RAPPORT_PUBLIC_URL first: this server does not know how others reach it."


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record that a domain's owner is to set. ``purpose``: ``ownership``, ``dkim``, ``tracking`` (for links) or
    ``dmarc`` (advised). ``is_found`` None: nobody has looked. An empty ``value`` is not known yet, and ``hint`` says
    what is to be done first."""

    purpose: str
    kind: str
    name: str
    value: str
    is_found: bool | None = None
    hint: str | None = None


async def add_sending_domain(tx: Tx, *, name: str) -> Domain:
    """A domain for mail and tracked links, with a token and a key of its own; one that is there for widgets becomes
    one. Its pages carry widgets only if they did.

    Raises :class:`Invalid` at ``name``, and :class:`Conflict` for one that is there already.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    key = await _made_key(tx)
    host = normal_host(name)
    if host.startswith("*.") or "." not in host:
        raise Invalid.at("name", "must be one host name, such as example.com")
    known = select(Domain).where(col(Domain.name) == host)
    domain = (await tx.session.execute(known)).scalar_one_or_none()
    if domain is not None and domain.verification_token is not None:
        raise Conflict("This domain is there already.", "name")
    if domain is None:
        domain = await new_domain(tx, host, carries_widgets=False)
    domain.verification_token = secrets.token_hex(16)
    _give_key(tx, domain, key)
    await tx.session.flush()
    tx.audit("domain.send", public_id("domain", domain.id), {"name": host})
    return domain


async def rotate_dkim_key(tx: Tx, *, domain_id: UUID) -> Domain:
    """Another key and selector. Mail goes unsigned until its record is set and seen. Raises :class:`NotFound`."""
    tx.require(Scope.INTEGRATIONS_WRITE)
    key = await _made_key(tx)
    domain = await sending_domain_of(tx, domain_id)
    _give_key(tx, domain, key)
    await tx.session.flush()
    tx.forget(domain.id)
    tx.audit("domain.rotate_dkim", public_id("domain", domain_id), {"selector": domain.dkim_selector})
    return domain


async def remove_sending_domain(tx: Tx, *, domain_id: UUID) -> None:
    """Its mail goes unsigned and no link leads to it. One that carries widgets stays for these.

    Raises :class:`NotFound`, and :class:`Conflict` while the sending policy has it for tracked links.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    domain = await sending_domain_of(tx, domain_id)
    used = select(SendingPolicy).where(col(SendingPolicy.tracking_domain_id) == domain_id)
    if (await tx.session.execute(used)).first() is not None:
        raise Conflict("Tracked links lead to this domain: give the sending policy another one first.", "domain_id")
    if domain.carries_widgets:
        domain.verification_token = domain.verified_at = domain.checked_at = domain.dkim_verified_at = None
        domain.dkim_selector = domain.dkim_public_key = domain.dkim_private_key = None
        domain.tracks_links = False
    else:
        await tx.session.delete(domain)
    await tx.session.flush()
    tx.forget(domain_id)
    tx.audit("domain.stop_sending", public_id("domain", domain_id), {"name": domain.name})


async def list_sending_domains(reading: Reading) -> Sequence[Domain]:
    """The domains for mail and tracked links, by name."""
    reading.require(Scope.INTEGRATIONS_READ)
    wanted = select(Domain).where(col(Domain.verification_token).is_not(None)).order_by(col(Domain.name))
    return (await reading.session.execute(wanted)).scalars().all()


async def sending_domain_of(reading: Reading, domain_id: UUID) -> Domain:
    """The domain, if it is one for mail. Raises :class:`NotFound` at ``domain_id``."""
    reading.require(Scope.INTEGRATIONS_READ)
    found = select(Domain).where(col(Domain.id) == domain_id, col(Domain.verification_token).is_not(None))
    domain = (await reading.session.execute(found)).scalar_one_or_none()
    if domain is None:
        raise NotFound("domain", "domain_id")
    return domain


def dns_records(settings: Settings, domain: Domain) -> list[DnsRecord]:
    """What the domain's owner is to set. Long texts are to be cut into pieces of 255 letters where a name server's
    forms do not do that."""
    key = f"{domain.dkim_selector}._domainkey.{domain.name}"
    return [
        DnsRecord(OWNERSHIP, "TXT", f"_rapport.{domain.name}", f"rapport-verification={domain.verification_token}"),
        DnsRecord(DKIM, "TXT", key, f"v=DKIM1; k=rsa; p={domain.dkim_public_key}"),
        _tracking_record(urlsplit(settings.base_url).hostname or "", domain.name),
        DnsRecord(DMARC, "TXT", f"_dmarc.{domain.name}", "v=DMARC1; p=none"),
    ]


async def look_up_records(dns: Dns, records: Sequence[DnsRecord]) -> list[DnsRecord]:
    """The records, and whether each is there. To be called outside of any unit of work. Raises
    :class:`app.core.dns.DnsUnavailable`."""
    answers = await asyncio.gather(*(_is_there(dns, record) for record in records))
    return [replace(record, is_found=answer) for record, answer in zip(records, answers, strict=True)]


async def note_records(tx: Tx, *, domain_id: UUID, token: str, selector: str, found: Sequence[DnsRecord]) -> Domain:
    """Keeps what was found of the domain as it was asked about (with this token and selector). A record that is gone
    makes what it proved unproved.

    Raises :class:`NotFound`, and :class:`Conflict` when the domain was given another key meanwhile.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    domain = await sending_domain_of(tx, domain_id)
    if (domain.verification_token, domain.dkim_selector) != (token, selector):
        raise Conflict("The domain was changed while its records were looked up. Please try again.", "domain_id")
    there = {record.purpose for record in found if record.is_found}
    before = (domain.verified_at, domain.dkim_verified_at)
    domain.checked_at = tx.now
    domain.verified_at = (domain.verified_at or tx.now) if OWNERSHIP in there else None
    is_signed = OWNERSHIP in there and DKIM in there
    domain.dkim_verified_at = (domain.dkim_verified_at or tx.now) if is_signed else None
    await tx.session.flush()
    after = (domain.verified_at, domain.dkim_verified_at)
    if after != before:
        tx.forget(domain_id)
        is_lost = any(was is not None and now is None for was, now in zip(before, after, strict=True))
        said: dict[str, Any] = {"name": domain.name, "verified": after[0] is not None, "dkim": after[1] is not None}
        tx.audit("domain.unverify" if is_lost else "domain.verify", public_id("domain", domain_id), said)
    return domain


async def note_looked(tx: Tx, *, domain_id: UUID, is_doubtful: bool) -> None:
    """Keeps that somebody has looked at the domain's records, and that nothing is to be believed of it yet.
    ``is_doubtful``: they were not there, which is believed if they are still not there in a quarter of an hour."""
    tx.require(Scope.INTEGRATIONS_WRITE)
    if is_doubtful:
        tx.enqueue("domains.confirm", {"domain": domain_id.hex}, run_at=tx.now + SURE_AFTER)
    looked = update(Domain).where(col(Domain.id) == domain_id).values(checked_at=tx.now)
    await tx.session.execute(looked, execution_options={"synchronize_session": False})


def unproves(domain: Domain, found: Sequence[DnsRecord]) -> bool:
    """Whether what was found takes away what the domain has been proved to be."""
    there = {record.purpose for record in found if record.is_found}
    return (domain.verified_at is not None and OWNERSHIP not in there) or (
        domain.dkim_verified_at is not None and not {OWNERSHIP, DKIM} <= there
    )


async def unchecked_domains(reading: Reading, *, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Domains for mail whose DNS is to be looked at again, with their tenants, longest unseen first: what is proved
    every six hours; what is not, every hour of its first month."""
    reading.require(Scope.INTEGRATIONS_READ)
    seen, now = col(Domain.checked_at), reading.now
    is_proved = or_(col(Domain.verified_at).is_not(None), col(Domain.dkim_verified_at).is_not(None))
    is_due = or_(
        is_proved & (seen <= now - PROVED_EVERY),
        ~is_proved & (col(Domain.created_at) > now - HOPEFUL) & or_(seen.is_(None), seen <= now - UNPROVED_EVERY),
    )
    wanted = select(col(Domain.tenant_id), col(Domain.id)).where(col(Domain.verification_token).is_not(None), is_due)
    page = wanted.order_by(seen.is_not(None), seen, col(Domain.id)).limit(limit)
    return [(tenant_id, id) for tenant_id, id in await reading.session.execute(page)]


async def _made_key(tx: Tx) -> tuple[str, str]:
    """A new pair of keys. It takes a tenth of a second, for which nobody's writing waits."""
    async with tx.aside():
        return await asyncio.to_thread(new_key)


def _give_key(tx: Tx, domain: Domain, key: tuple[str, str]) -> None:
    private, public = key
    domain.dkim_selector = f"r{tx.now:%Y%m%d}{secrets.token_hex(2)}"
    domain.dkim_public_key = public
    domain.dkim_private_key = seal(tx.services.settings, private, about=f"domain:{domain.id.hex}")
    domain.dkim_verified_at = None


async def _is_there(dns: Dns, record: DnsRecord) -> bool:
    if record.kind == "CNAME":
        return bool(record.value) and await dns.alias(record.name) == record.value
    if record.kind in ("A", "AAAA"):
        return record.value in await dns.addresses(record.name, record.kind)
    wanted = _squeezed(record.value)
    texts = [_squeezed(text) for text in await dns.texts(record.name)]
    if record.purpose == DMARC:
        return any(text.startswith("v=DMARC1") for text in texts)
    return wanted in texts


def _tracking_record(host: str, name: str) -> DnsRecord:
    """An alias to this server; where it is reached by a number, that. An address that nobody else can reach is none."""
    try:
        address = ip_address(host)
    except ValueError:
        if "." in host and not host.endswith((".localhost", ".local", ".internal")):
            return DnsRecord(TRACKING, "CNAME", name, host)
    else:
        if is_public(host):
            return DnsRecord(TRACKING, "A" if address.version == 4 else "AAAA", name, str(address))
    return DnsRecord(TRACKING, "CNAME", name, "", hint=UNREACHABLE)


def _squeezed(text: str) -> str:
    """Blanks mean nothing in these records."""
    return "".join(text.split()).rstrip(";")
