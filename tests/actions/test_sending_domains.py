"""Domains for mail: what their DNS must say, whether it does, and that only then their mail is signed."""

from datetime import timedelta

import dkim
import pytest

from app.actions.integrations import (
    add_sending_domain,
    create_integration,
    dns_records,
    list_sending_domains,
    remove_sending_domain,
    rotate_dkim_key,
    unchecked_domains,
)
from app.actions.integrations.domains import UNREACHABLE
from app.actions.widgets import add_domain, list_domains, remove_domain
from app.channels import Outgoing, Result
from app.core.access import system
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.message import Message
from app.core.settings import Settings
from app.runtime import Runtime
from app.runtime.probing import verify_domain
from models import AuditEntry, Domain, Job
from tests.actions.people import People
from tests.mailbox import mailbox
from tests.nameserver import nameserver
from tests.tenants import TenantAccount
from workers import HANDLERS


async def test_a_domain_is_proved_by_its_dns_and_then_its_mail_is_signed(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    runtime.settings.public_url = "https://rapport.example"
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
        assert (tracking.kind, tracking.value) == ("CNAME", "rapport.example")

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


@pytest.mark.parametrize(
    ("public_url", "told"),
    [
        ("https://rapport.example/", ("CNAME", "rapport.example", None)),
        ("https://93.184.215.14:8443", ("A", "93.184.215.14", None)),
        ("https://[2606:4700::1111]", ("AAAA", "2606:4700::1111", None)),
        ("", ("CNAME", "", UNREACHABLE)),
        ("http://localhost:8000", ("CNAME", "", UNREACHABLE)),
        ("http://10.0.0.7", ("CNAME", "", UNREACHABLE)),
    ],
)
def test_links_are_led_to_where_this_server_can_be_reached(public_url: str, told: tuple[str, str, str | None]) -> None:
    domain = Domain(name="links.shop.example", verification_token="t", dkim_selector="s", dkim_public_key="k")
    tracking = dns_records(Settings(public_url=public_url), domain)[2]
    assert (tracking.purpose, tracking.name) == ("tracking", "links.shop.example")
    assert (tracking.kind, tracking.value, tracking.hint) == told


async def test_an_address_is_found_where_the_server_has_no_name(runtime: Runtime, tenant: TenantAccount) -> None:
    runtime.settings.public_url = "https://93.184.215.14"
    domain = await People(runtime.units, tenant.principal).do(add_sending_domain, name="shop.example")
    async with nameserver() as server:
        runtime.settings.dns_servers = [server.address]
        server.records["shop.example", "A"] = ["203.0.113.9"]
        records = await verify_domain(runtime, tenant.principal, domain_id=domain.id)
        assert [record.purpose for record in records if record.is_found] == []
        server.records["shop.example", "A"] = ["203.0.113.9", "93.184.215.14"]
        records = await verify_domain(runtime, tenant.principal, domain_id=domain.id)
        assert [record.purpose for record in records if record.is_found] == ["tracking"]


class Checked:
    """A domain whose DNS is looked at unasked. ``round`` is one, ``hours`` after it was last looked at."""

    def __init__(self, runtime: Runtime, people: People) -> None:
        self.runtime, self.people = runtime, people

    async def round(self, hours: float) -> tuple[bool, bool]:
        async with self.runtime.write(self.people.principal) as tx:
            for domain in await list_sending_domains(tx):
                domain.checked_at = tx.now - timedelta(hours=hours)
                tx.session.add(domain)
        await HANDLERS["domains.check"].run(self.runtime, {}, None)
        return await self.proved()

    async def proved(self) -> tuple[bool, bool]:
        (row,) = await self.people.rows(Domain)
        return row["verified_at"] is not None, row["dkim_verified_at"] is not None

    async def confirm(self) -> int:
        """Runs the second looks that were asked for. Returns how many there were."""
        asked = [row for row in await self.people.rows(Job) if row["kind"] == "domains.confirm"]
        for job in asked:
            assert job["run_at"] - job["created_at"] == timedelta(minutes=15)
            await HANDLERS["domains.confirm"].run(self.runtime, job["payload"], job["tenant_id"])
        return len(asked)


async def test_a_domain_is_looked_at_unasked_and_is_no_longer_proved_once_its_records_are_gone_twice(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    people = People(runtime.units, tenant.principal)
    domain = await people.do(add_sending_domain, name="shop.example")
    checked = Checked(runtime, people)
    async with nameserver() as server:
        runtime.settings.dns_servers = [server.address]
        ownership, key, *_ = dns_records(runtime.settings, domain)
        server.records[ownership.name, "TXT"] = [ownership.value]
        server.records[key.name, "TXT"] = [key.value]
        assert await checked.round(0.5) == (False, False), "it was looked at half an hour ago"
        assert await checked.round(1) == (True, True)
        del server.records[key.name, "TXT"]
        assert await checked.round(5) == (True, True), "what is proved is looked at every six hours"
        server.is_silent = True
        assert await checked.round(7) == (True, True), "nobody answered"
        assert await checked.confirm() == 0
        server.is_silent = False
        assert await checked.round(7) == (True, True), "not believed at once"
        server.is_silent = True
        assert await checked.confirm() == 1
        assert await checked.proved() == (True, True)
        server.is_silent = False
        assert await checked.confirm() == 1
        assert await checked.proved() == (True, False)
        del server.records[ownership.name, "TXT"]
        await checked.round(7)
        await checked.confirm()
        assert await checked.proved() == (False, False)
    said = [(row["action"], row["actor_kind"], row["changes"]) for row in await people.rows(AuditEntry)][1:]
    assert said == [
        ("domain.verify", "system", {"name": "shop.example", "verified": True, "dkim": True}),
        ("domain.unverify", "system", {"name": "shop.example", "verified": True, "dkim": False}),
        ("domain.unverify", "system", {"name": "shop.example", "verified": False, "dkim": False}),
    ]


async def test_a_domain_that_nobody_has_proved_in_a_month_is_left_alone(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    people = People(runtime.units, tenant.principal)
    domain = await people.do(add_sending_domain, name="shop.example")
    async with runtime.read(system()) as reading:
        assert await unchecked_domains(reading, limit=10) == [(tenant.id, domain.id)]
    async with runtime.write(tenant.principal) as tx:
        (row,) = await list_sending_domains(tx)
        row.created_at = tx.now - timedelta(days=31)
        tx.session.add(row)
    async with runtime.read(system()) as reading:
        assert await unchecked_domains(reading, limit=10) == []
