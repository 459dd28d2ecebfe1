"""SiloCDP ``/domains``: the sites that may carry the tenant's widgets, and the names under which mail is sent."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from app.actions import integrations, widgets
from app.core.access import Scope
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import parse_id, public_id
from app.core.settings import Settings
from app.core.tx import Reading, Tx
from app.rest.door import Call, Endpoint
from app.rest.silocdp.wire import Required, Wire, moment
from app.runtime.probing import verify_domain
from models import Domain as DomainRow

TAG = "Domains"
ALL = 1000
FIELDS = {"domain_id": "id", "name": "domain"}


class NewDomain(Wire):
    domain: Required = Field(description="`example.com`; for a website also `*.example.com`, every host below it.")
    website: bool = Field(True, description="Its pages may carry widgets and ask for web push.")
    mail: bool = Field(False, description="Mail is signed for it and tracked links may lead to it.")


class DomainSettings(Wire):
    """What is left out stays as it is."""

    website: bool | None = None
    mail: bool | None = None
    verify: Literal[True] | None = Field(None, description="Looks up its DNS records. To be said alone.")


class Record(Wire):
    """What the DNS of a domain for mail must say."""

    purpose: str
    type: str
    name: str
    value: str


class Domain(Wire):
    id: str
    domain: str
    website: bool
    mail: bool
    verified_at: str | None = Field(description="When its DNS proved that it is yours.")
    dkim_verified_at: str | None = Field(description="Since when its mail is signed.")
    checked_at: str | None
    records: list[Record] = Field(description="Of a domain for mail.")
    created_at: str | None


class Domains(RootModel[list[Domain]]):
    """All of them, by name."""


async def list_domains(call: Call[None, None]) -> Domains:
    async with call.read() as reading:
        every = await _all(reading)
    return Domains([_shown(call.runtime.settings, one) for one in every.values()])


async def add_domain(call: Call[NewDomain, None]) -> Domain:
    body = call.body
    if not body.website and not body.mail:
        raise Invalid.at("website", "must be true, or mail must be")
    async with call.write() as tx:
        host = widgets.normal_host(body.domain)
        if any(known.name == host for known in (await _all(tx)).values()):
            raise Conflict("This domain is there already.", "name")
        made = await widgets.add_domain(tx, name=host) if body.website else None
        if body.mail:
            made = await integrations.add_sending_domain(tx, name=host)
        return _shown(call.runtime.settings, made)  # type: ignore[arg-type]


async def update_domain(call: Call[DomainSettings, None]) -> Domain:
    body, domain_id = call.body, parse_id("domain", call.path["id"])
    if body.verify:
        if body.website is not None or body.mail is not None:
            raise Invalid.at("verify", "must be said alone")
        await verify_domain(call.runtime, call.principal, domain_id=domain_id)
        async with call.read() as reading:
            return _shown(call.runtime.settings, await _get(reading, domain_id))
    async with call.write() as tx:
        domain = await _get(tx, domain_id)
        website = domain.carries_widgets if body.website is None else body.website
        mail = _sends(domain) if body.mail is None else body.mail
        if not website and not mail:
            raise Invalid.at("website", "must be true, or mail must be: otherwise delete the domain")
        await _become(tx, domain, website=website, mail=mail)
        return _shown(call.runtime.settings, await _get(tx, domain_id))


async def remove_domain(call: Call[None, None]) -> None:
    domain_id = parse_id("domain", call.path["id"])
    async with call.write() as tx:
        await _become(tx, await _get(tx, domain_id), website=False, mail=False)


async def _become(tx: Tx, domain: DomainRow, *, website: bool, mail: bool) -> None:
    """Gives and takes its uses; a domain without any is gone."""
    is_site, sends = domain.carries_widgets, _sends(domain)
    if mail and not sends:
        await integrations.add_sending_domain(tx, name=domain.name)
    if website and not is_site:
        await widgets.add_domain(tx, name=domain.name)
    if sends and not mail:
        await integrations.remove_sending_domain(tx, domain_id=domain.id)
    if is_site and not website:
        await widgets.remove_domain(tx, domain_id=domain.id)


async def _all(reading: Reading) -> dict[UUID, DomainRow]:
    sites = await widgets.list_domains(reading, limit=ALL)
    every = {one.id: one for one in (*sites.items, *await integrations.list_sending_domains(reading))}
    return dict(sorted(every.items(), key=lambda pair: pair[1].name))


async def _get(reading: Reading, domain_id: UUID) -> DomainRow:
    found = (await _all(reading)).get(domain_id)
    if found is None:
        raise NotFound("domain", "domain_id")
    return found


def _sends(domain: DomainRow) -> bool:
    return domain.verification_token is not None


def _shown(settings: Settings, domain: DomainRow) -> Domain:
    records: list[Any] = integrations.dns_records(settings, domain) if _sends(domain) else []
    return Domain(
        id=public_id("domain", domain.id),
        domain=domain.name,
        website=domain.carries_widgets,
        mail=_sends(domain),
        verified_at=moment(domain.verified_at),
        dkim_verified_at=moment(domain.dkim_verified_at),
        checked_at=moment(domain.checked_at),
        records=[
            Record(purpose=one.purpose, type=one.kind, name=one.name, value=one.value) for one in records if one.value
        ],
        created_at=moment(domain.created_at),
    )


ONE = "/api/v1/domains/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/domains",
        handler=list_domains,
        tag=TAG,
        summary="List domains",
        scope=Scope.WIDGETS_READ,
        response=Domains,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/domains",
        handler=add_domain,
        tag=TAG,
        summary="Add a domain",
        scope=Scope.WIDGETS_WRITE,
        body=NewDomain,
        response=Domain,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=update_domain,
        tag=TAG,
        summary="Update a domain's settings, or verify it",
        scope=Scope.WIDGETS_WRITE,
        body=DomainSettings,
        response=Domain,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=remove_domain,
        tag=TAG,
        summary="Remove a domain",
        scope=Scope.WIDGETS_WRITE,
        fields=FIELDS,
    ),
)
