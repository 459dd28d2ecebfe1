"""Asks the other side, with no unit of work open: does an integration work, does DNS say what a domain needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from app.actions.integrations import (
    DnsRecord,
    dns_records,
    integration_of,
    look_up_records,
    note_failure,
    note_looked,
    note_records,
    sending_domain_of,
    unproves,
)
from app.channels import Outcome, Outgoing, Target
from app.core import logging
from app.core.access import Plan, Principal, Scope, system
from app.core.dns import Dns, DnsUnavailable
from app.core.errors import Conflict, Invalid, NotFound, RateLimited
from app.core.ids import new_id, public_id
from app.core.message import Message
from models import Domain

if TYPE_CHECKING:
    from app.runtime import Runtime

log = logging.logger(__name__)

PROBES = Plan("probes", 12, 6)
"""How often a tenant may make this server reach out to others, all its members and keys together."""
TEXT = "This is a test of your integration. If you can read it, it works."


async def try_integration(
    runtime: "Runtime", principal: Principal, *, integration_id: UUID, to: str, sender: str = ""
) -> Outcome:
    """Sends one test message over an integration, whether it is in use or not, and notes what is wrong with it.

    ``to`` is an address as its channel has it (of push a token); ``sender`` is from whom an e-mail comes. Raises
    :class:`NotFound`, :class:`Invalid` for one that sends nothing, and :class:`RateLimited`.
    """
    async with runtime.read(principal) as reading:
        reading.require(Scope.INTEGRATIONS_WRITE)
        row = await integration_of(reading, integration_id)
        tenant_id = reading.tenant_id
    await _charge(runtime, tenant_id)
    opened = await runtime.providers.open_one(tenant_id, row)
    if opened.provider is None:
        problem = opened.problem or "keeps its messages on this server: there is nothing to try"
        raise Invalid.at("integration_id", problem)
    fields = {"url": to} if row.channel == "webhook" else {}
    message = Message(body=TEXT, subject=f"Test of {row.name}", plain=TEXT, from_address=sender, fields=fields)
    devices = (Target(to, "test"),) if row.channel == "push" else ()
    outgoing = Outgoing(new_id(), tenant_id, row.channel, to, message, devices, lane=0)
    try:
        outcome = await opened.provider.send(outgoing)
    finally:
        await opened.provider.close()
    async with runtime.write(principal) as tx:
        error = outcome.detail if outcome.code in {"login", "connect", "connection"} else None
        await note_failure(tx, integration_id=integration_id, error=error)
        said = {"result": outcome.result.value, "code": outcome.code}
        tx.audit("integration.try", public_id("integration", integration_id), said)
    return outcome


async def recheck_domain(runtime: "Runtime", *, tenant_id: UUID, domain_id: UUID, is_sure: bool) -> None:
    """Looks up the records of a domain unasked, and keeps what they prove. When no name server answers nothing has
    changed. That a record is gone is believed only if ``is_sure``; otherwise somebody looks again soon.

    A domain that is gone, or was given another key meanwhile, is passed over.
    """
    try:
        async with runtime.read(system(tenant_id)) as reading:
            domain = await sending_domain_of(reading, domain_id)
        found = await _found(runtime, domain)
        is_lost = found is not None and unproves(domain, found)
        async with runtime.write(system(tenant_id)) as tx:
            if found is None or (is_lost and not is_sure):
                await note_looked(tx, domain_id=domain_id, is_doubtful=is_lost)
            else:
                token, selector = domain.verification_token or "", domain.dkim_selector or ""
                await note_records(tx, domain_id=domain_id, token=token, selector=selector, found=found)
    except (Conflict, NotFound):
        return
    if is_lost and is_sure:
        log.warning("records of a domain are gone", tenant=tenant_id.hex, domain=domain.name)


async def _found(runtime: "Runtime", domain: Domain) -> Sequence[DnsRecord] | None:
    try:
        return await look_up_records(Dns(runtime.settings), dns_records(runtime.settings, domain))
    except DnsUnavailable:
        return None


async def verify_domain(runtime: "Runtime", principal: Principal, *, domain_id: UUID) -> Sequence[DnsRecord]:
    """Looks up the records of a domain for mail, and keeps what that proves.

    Raises :class:`NotFound`, :class:`RateLimited`, and :class:`Conflict` when no name server answers (then nothing has
    changed).
    """
    async with runtime.read(principal) as reading:
        reading.require(Scope.INTEGRATIONS_WRITE)
        domain = await sending_domain_of(reading, domain_id)
        tenant_id = reading.tenant_id
    await _charge(runtime, tenant_id)
    try:
        found = await look_up_records(Dns(runtime.settings), dns_records(runtime.settings, domain))
    except DnsUnavailable as silent:
        raise Conflict(f"Nothing was changed: {silent}. Please try again.") from silent
    async with runtime.write(principal) as tx:
        token, selector = domain.verification_token or "", domain.dkim_selector or ""
        await note_records(tx, domain_id=domain_id, token=token, selector=selector, found=found)
    return found


async def _charge(runtime: "Runtime", tenant_id: UUID) -> None:
    allowance = await runtime.limiter.take(f"tenant:{tenant_id}", PROBES)
    if allowance.refused:
        raise RateLimited(allowance.retry_after)
