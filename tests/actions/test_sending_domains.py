"""Domains for mail: what their DNS must say, whether it does, and that only then their mail is signed."""

import dkim
import pytest

from app.actions.integrations import (
    add_sending_domain,
    create_integration,
    dns_records,
    list_sending_domains,
    remove_sending_domain,
    rotate_dkim_key,
)
from app.actions.widgets import add_domain, list_domains, remove_domain
from app.channels import Outgoing, Result
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.message import Message
from app.runtime import Runtime
from app.runtime.probing import verify_domain
from models import AuditEntry, Domain
from tests.actions.people import People
from tests.mailbox import mailbox
from tests.nameserver import nameserver
from tests.tenants import TenantAccount


async def test_a_domain_is_proved_by_its_dns_and_then_its_mail_is_signed(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    people = People(runtime.units, tenant.principal)
    async with nameserver() as server, mailbox() as box:
        runtime.settings.dns_servers = [server.address]
        settings = {"host": "127.0.0.1", "port": box.port, "security": "none"}
        await people.do(create_integration, name="Relay", kind="smtp", settings=settings)
        domain = await people.do(add_sending_domain, name="Shop.Example")
        ownership, key, tracking, dmarc = dns_records(runtime.settings, domain)
        assert (ownership.name, key.name) == (
            "_rapport.shop.example",
            f"{domain.dkim_selector}._domainkey.shop.example",
        )
        assert (tracking.kind, tracking.value) == ("CNAME", "127.0.0.1")

        async def look() -> tuple[list[str], bool, bool]:
            records = await verify_domain(runtime, tenant.principal, domain_id=domain.id)
            (row,) = await people.rows(Domain)
            found = [record.purpose for record in records if record.is_found]
            return found, row["verified_at"] is not None, row["dkim_verified_at"] is not None

        async def send() -> bytes:
            provider = (await runtime.providers.of(tenant.id, "email")).provider
            message = Message(body="<p>Hi</p>", plain="Hi  \n\n", subject="Zoë", from_address="news@shop.example")
            assert provider is not None
            outcome = await provider.send(Outgoing(new_id(), tenant.id, "email", "ada@example.com", message))
            assert outcome.result is Result.ACCEPTED
            return box.mails[-1].data

        def looked_up(name: bytes, timeout: int = 5) -> bytes:
            return server.records[name.decode().rstrip("."), "TXT"][0].encode()

        assert await look() == ([], False, False)
        server.records[ownership.name, "TXT"] = ["something else", ownership.value]
        assert await look() == (["ownership"], True, False)
        assert b"DKIM-Signature" not in await send()
        server.records[key.name, "TXT"] = [key.value]
        server.records[dmarc.name, "TXT"] = ["v=DMARC1; p=reject"]
        server.records[tracking.name, "CNAME"] = [tracking.value]
        assert await look() == (["ownership", "dkim", "tracking", "dmarc"], True, True)
        signed = await send()
        assert dkim.verify(signed, dnsfunc=looked_up)
        assert not dkim.verify(signed.replace(b"Hi", b"Ho"), dnsfunc=looked_up)
        server.is_silent = True
        with pytest.raises(Conflict, match="Nothing was changed"):
            await look()
        server.is_silent = False
        del server.records[key.name, "TXT"]
        assert await look() == (["ownership", "tracking", "dmarc"], True, False)
        assert b"DKIM-Signature" not in await send()


async def test_a_new_key_signs_only_once_it_is_published(people: People) -> None:
    domain = await people.do(add_sending_domain, name="shop.example")
    rotated = await people.do(rotate_dkim_key, domain_id=domain.id)
    assert rotated.dkim_selector != domain.dkim_selector or rotated.dkim_public_key != domain.dkim_public_key
    (row,) = await people.rows(Domain)
    assert row["dkim_private_key"].startswith("v1.") and row["dkim_verified_at"] is None
    assert [entry["action"] for entry in await people.rows(AuditEntry)] == ["domain.send", "domain.rotate_dkim"]


async def test_a_domain_for_mail_says_nothing_of_widgets_and_the_other_way_round(
    people: People, strangers: People
) -> None:
    domain = await people.do(add_sending_domain, name="shop.example")
    assert (await people.read(list_domains)).total == 0
    assert (await people.do(add_domain, name="shop.example")).id == domain.id
    assert (await people.read(list_domains)).total == 1
    with pytest.raises(Conflict):
        await people.do(add_sending_domain, name="shop.example")
    with pytest.raises(NotFound):
        await strangers.do(remove_sending_domain, domain_id=domain.id)
    await people.do(remove_sending_domain, domain_id=domain.id)
    (row,) = await people.rows(Domain)
    assert (row["carries_widgets"], row["verification_token"], row["dkim_private_key"]) == (True, None, None)
    again = await people.do(add_sending_domain, name="shop.example")
    assert again.id == domain.id
    await people.do(remove_domain, domain_id=domain.id)
    assert [one.name for one in await people.read(list_sending_domains)] == ["shop.example"]
    await people.do(remove_sending_domain, domain_id=domain.id)
    assert await people.rows(Domain) == []


@pytest.mark.parametrize("name", ["*.shop.example", "localhost", "shop..example", "", "a b.example"])
async def test_what_is_not_one_host_name_is_refused(people: People, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await people.do(add_sending_domain, name=name)
    assert refused.value.field == "name"
    assert await people.rows(Domain) == []
