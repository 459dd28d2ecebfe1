"""Integrations: made, changed and deleted; their credentials are never read back; what sends follows every change."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.actions.integrations import (
    add_sending_domain,
    create_integration,
    delete_integration,
    get_integration,
    list_integrations,
    note_failure,
    open_credentials,
    update_integration,
)
from app.channels import Outcome, Outgoing, Result
from app.channels.memory import MemoryProvider
from app.channels.push.fanout import PushProvider
from app.channels.push.web_push import public_key_of
from app.core.access import Principal
from app.core.errors import Forbidden, Invalid, NotFound, RateLimited
from app.core.ids import new_id
from app.core.message import Message
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime import Runtime
from app.runtime.probing import PROBES, try_integration, verify_domain
from models import AuditEntry, Integration
from tests.actions.people import People
from tests.mailbox import mailbox
from tests.tenants import TenantAccount

SMTP = {
    "kind": "smtp",
    "settings": {"host": "relay.example", "username": "shop"},
    "credentials": {"password": "hunter2"},
}
TWILIO = {
    "kind": "twilio",
    "settings": {"account_sid": "AC1", "sender": "+15005550006"},
    "credentials": {"auth_token": "t"},
}


async def test_an_integration_is_made_changed_and_deleted(people: People, strangers: People) -> None:
    made = await people.do(create_integration, name=" Relay ", **SMTP)
    assert (made.number, made.name, made.channel, made.is_default, made.is_enabled) == (1, "Relay", "email", True, True)
    assert made.settings["port"] == 587 and made.settings["security"] == "starttls"
    second = await people.do(create_integration, name="Second", **SMTP)
    assert (second.number, second.is_default) == (2, False)
    await people.do(update_integration, integration_id=second.id, is_default=True, settings={"connections": 2})
    rows = {row["name"]: row for row in await people.rows(Integration)}
    assert [(rows[name]["is_default"], rows[name]["settings"]["connections"]) for name in ("Relay", "Second")] == [
        (False, 8),
        (True, 2),
    ]
    for action in (get_integration, update_integration, delete_integration):
        with pytest.raises(NotFound):
            await (strangers.read if action is get_integration else strangers.do)(action, integration_id=made.id)
    await people.do(delete_integration, integration_id=second.id)
    with pytest.raises(NotFound):
        await people.read(get_integration, integration_id=second.id)
    assert (await people.read(list_integrations)).total == 1
    gone = next(row for row in await people.rows(Integration) if row["name"] == "Second")
    assert (gone["credentials"], gone["is_default"]) == (None, False)
    said = [(row["action"], row["changes"]) for row in await people.rows(AuditEntry)]
    assert said[0] == ("integration.create", {"name": "Relay", "kind": "smtp", "channel": "email"})
    assert said[2] == ("integration.update", {"changed": ["is_default", "settings.connections"]})
    assert "hunter2" not in repr(said)


async def test_credentials_are_unreadable_in_the_database_and_kept_where_nothing_is_said_of_them(
    people: People, settings: Settings
) -> None:
    made = await people.do(create_integration, name="Relay", **SMTP)
    (row,) = await people.rows(Integration)
    assert "hunter2" not in repr(row) and row["credentials"].startswith("v1.")
    assert open_credentials(settings, made) == {"password": "hunter2"}
    changed = await people.do(update_integration, integration_id=made.id, settings={"username": "other"})
    assert open_credentials(settings, changed) == {"password": "hunter2"}
    changed = await people.do(update_integration, integration_id=made.id, credentials={"password": None})
    assert (open_credentials(settings, changed), changed.credentials) == ({}, None)


async def test_who_changes_where_credentials_go_must_know_them(people: People, settings: Settings) -> None:
    made = await people.do(create_integration, name="Relay", **SMTP)
    before = await people.rows(Integration)
    with pytest.raises(Invalid, match="credentials: must be given again, because host changed"):
        await people.do(update_integration, integration_id=made.id, settings={"host": "evil.example"})
    assert await people.rows(Integration) == before
    moved = {"settings": {"host": "new.example"}, "credentials": {"password": "new"}}
    changed = await people.do(update_integration, integration_id=made.id, **moved)
    assert (changed.settings["host"], open_credentials(settings, changed)) == ("new.example", {"password": "new"})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": " ", **SMTP}, "name"),
    ({"name": "x", "kind": "fax"}, "kind"),
    ({"name": "x", **TWILIO}, "channel"),
    ({"name": "x", **TWILIO, "channel": "email"}, "channel"),
    ({"name": "x", "kind": "smtp"}, "settings.host"),
    ({"name": "x", **SMTP, "settings": {"host": "a b"}}, "settings.host"),
    ({"name": "x", **SMTP, "settings": {"host": "a", "port": 70_000}}, "settings.port"),
    ({"name": "x", **SMTP, "settings": {"host": "a", "password": "hunter2"}}, "settings.password"),
    ({"name": "x", **SMTP, "settings": {"host": "a", "return_path": "no"}}, "settings.return_path"),
    ({"name": "x", **SMTP, "credentials": {"password": 7}}, "credentials.password"),
    ({"name": "x", **TWILIO, "channel": "sms", "credentials": {}}, "credentials.auth_token"),
    ({"name": "x", "kind": "fcm", "credentials": {"service_account": "{}"}}, "credentials.service_account"),
    ({"name": "x", "kind": "webhook", "settings": {"url": "ftp://x"}}, "settings.url"),
    ({"name": "x", "kind": "webhook", "settings": {"headers": {"Host": "x"}}}, "settings.headers"),
    ({"name": "x", "kind": "webhook", "credentials": {"signing_secret": "short"}}, "credentials.signing_secret"),
]


async def test_what_is_wrong_is_said_by_its_place_and_secrets_are_not_repeated(people: People) -> None:
    for given, place in WRONG:
        with pytest.raises(Invalid) as refused:
            await people.do(create_integration, **given)
        assert refused.value.issues[0].path == place
        assert "hunter2" not in str(refused.value)
    assert await people.rows(Integration) == []


async def test_only_who_may_changes_integrations(people: People, units: UnitsOfWork, tenant: TenantAccount) -> None:
    nobody = People(units, Principal("api_key", tenant.id, new_id()))
    with pytest.raises(Forbidden):
        await nobody.do(create_integration, name="Relay", **SMTP)
    with pytest.raises(Forbidden):
        await nobody.read(list_integrations)


def mail(tenant: TenantAccount, recipient: str = "ada@example.com") -> Outgoing:
    message = Message(body="Hello", subject="Hello", from_address="news@shop.example")
    return Outgoing(new_id(), tenant.id, "email", recipient, message)


async def do(runtime: Runtime, tenant: TenantAccount, action: Any, **given: Any) -> Integration:
    async with runtime.write(tenant.principal) as tx:
        made: Integration = await action(tx, **given)
        return made


async def test_what_sends_follows_the_settings(
    runtime: Runtime, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    providers = runtime.providers
    kinds = [(await providers.of(tenant.id, channel)).kind for channel in ("email", "in_app", "webhook", "push")]
    assert kinds == ["outbox", "chat", "outbox", "outbox"]
    async with mailbox() as first, mailbox() as second:
        local = {"host": "127.0.0.1", "security": "none"}
        given = {"name": "Relay", "kind": "smtp", "settings": {**local, "port": first.port}}
        relay = await do(runtime, tenant, create_integration, **given)
        opened = await providers.of(tenant.id, "email")
        assert (opened.integration_id, opened.kind, opened.is_local) == (relay.id, "smtp", False)
        assert opened.provider is not None and (await providers.of(tenant.id, "email")).provider is opened.provider
        assert (await opened.provider.send(mail(tenant))).result is Result.ACCEPTED
        assert (await providers.of(other_tenant.id, "email")).kind == "outbox"
        await do(runtime, tenant, update_integration, integration_id=relay.id, settings={"port": second.port})
        moved = (await providers.of(tenant.id, "email")).provider
        assert moved is not None and (await moved.send(mail(tenant))).result is Result.ACCEPTED
        assert (len(first.mails), len(second.mails)) == (1, 1)
        await do(runtime, tenant, update_integration, integration_id=relay.id, is_enabled=False)
        off = await providers.of(tenant.id, "email")
        assert (off.provider, off.is_local, off.problem) == (None, False, "The integration Relay is switched off.")
        await do(runtime, tenant, delete_integration, integration_id=relay.id)
        assert (await providers.of(tenant.id, "email")).kind == "outbox"


async def test_a_push_channel_has_a_platform_for_each_kind(runtime: Runtime, tenant: TenantAccount) -> None:
    push = {"kind": "web_push", "settings": {"subject": "mailto:push@shop.example"}}
    browsers = await do(runtime, tenant, create_integration, name="Browsers", **push)
    assert browsers.is_default
    key = open_credentials(runtime.settings, browsers)["private_key"]
    assert browsers.settings["public_key"] == public_key_of(key)
    opened = await runtime.providers.of(tenant.id, "push")
    assert (opened.kind, opened.integration_id) == ("web_push", browsers.id)
    assert isinstance(opened.provider, PushProvider)


async def test_credentials_that_cannot_be_opened_any_more_stop_their_channel_and_say_so(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    await do(runtime, tenant, create_integration, name="Relay", **SMTP)
    runtime.settings.__dict__.pop("signing_secret")
    runtime.settings.secret = "another secret, which is long enough to be one"
    opened = await runtime.providers.of(tenant.id, "email")
    assert (opened.provider, opened.is_local) == (None, False)
    assert "RAPPORT_FORMER_SECRETS" in opened.problem


async def test_a_twin_stands_in_for_any_provider(runtime: Runtime, tenant: TenantAccount) -> None:
    twin = MemoryProvider()
    runtime.providers.use(tenant.id, "email", twin)
    opened = await runtime.providers.of(tenant.id, "email")
    assert opened.provider is twin
    outcomes = await asyncio.gather(*(twin.send(mail(tenant, f"{name}@example.com")) for name in "ab"))
    assert [outcome.message_id for outcome in outcomes] == ["memory-1", "memory-2"]
    assert [one.recipient for one in twin.sent] == ["a@example.com", "b@example.com"]


async def test_a_test_message_says_what_is_wrong_and_that_is_kept_until_it_works(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    async with mailbox(login=("shop", "hunter2")) as box:
        settings = {"host": "127.0.0.1", "port": box.port, "security": "none", "username": "shop"}
        given = {"name": "Relay", "kind": "smtp", "settings": settings, "credentials": {"password": "wrong"}}
        relay = await do(runtime, tenant, create_integration, **given)
        ask = {"integration_id": relay.id, "to": "ada@example.com", "sender": "news@shop.example"}
        outcome = await try_integration(runtime, tenant.principal, **ask)
        assert (outcome.result, outcome.code) == (Result.DEFERRED, "login")
        async with runtime.read(tenant.principal) as reading:
            noted = await get_integration(reading, integration_id=relay.id)
        assert noted.last_error is not None and "535" in noted.last_error and noted.failed_at is not None
        await do(runtime, tenant, update_integration, integration_id=relay.id, credentials={"password": "hunter2"})
        assert (await try_integration(runtime, tenant.principal, **ask)).result is Result.ACCEPTED
        assert [one.message["Subject"] for one in box.mails] == ["Test of Relay"]
        async with runtime.read(tenant.principal) as reading:
            assert (await get_integration(reading, integration_id=relay.id)).last_error is None


async def test_what_is_sent_shows_whether_an_integration_works(runtime: Runtime, tenant: TenantAccount) -> None:
    """One write when it begins to refuse us and one when it works again, however many messages there are."""

    async def noted() -> tuple[str | None, bool]:
        async with runtime.read(tenant.principal) as reading:
            row = await get_integration(reading, integration_id=relay.id)
        return row.last_error, row.failed_at is not None

    relay = await do(runtime, tenant, create_integration, name="Relay", **SMTP)
    opened = await runtime.providers.of(tenant.id, "email")
    refused, taken = Outcome.deferred("login", "535 5.7.8 no"), Outcome.accepted("1")
    unsaid = [Outcome.deferred("451", "later"), Outcome.unknown("connection", "lost"), Outcome.rejected("550", "no")]
    await runtime.providers.note(tenant.id, opened, unsaid)
    assert await noted() == (None, False)
    await runtime.providers.note(tenant.id, opened, [refused, taken])
    assert await noted() == (None, False)
    await runtime.providers.note(tenant.id, opened, [*unsaid, refused, refused])
    assert await noted() == ("535 5.7.8 no", True)
    runtime.providers.forget(tenant.id)
    assert (await runtime.providers.of(tenant.id, "email")).provider is opened.provider
    async with runtime.write(tenant.principal) as tx:
        await note_failure(tx, integration_id=relay.id, error="as somebody else saw it")
    await runtime.providers.note(tenant.id, opened, [refused] * 3)
    await runtime.providers.note(tenant.id, opened, unsaid)
    assert await noted() == ("as somebody else saw it", True)
    await runtime.providers.note(tenant.id, opened, [*unsaid, taken])
    assert await noted() == (None, False)


async def test_what_was_heard_over_former_settings_says_nothing_of_mended_ones(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    relay = await do(runtime, tenant, create_integration, name="Relay", **SMTP)
    before = await runtime.providers.of(tenant.id, "email")
    await do(runtime, tenant, update_integration, integration_id=relay.id, credentials={"password": "mended"})
    await runtime.providers.note(tenant.id, before, [Outcome.deferred("login", "535 no")])
    async with runtime.read(tenant.principal) as reading:
        assert (await get_integration(reading, integration_id=relay.id)).last_error is None


async def test_of_push_the_platform_that_refuses_us_is_named(runtime: Runtime, tenant: TenantAccount) -> None:
    push = {"kind": "web_push", "settings": {"subject": "mailto:push@shop.example"}}
    browsers = await do(runtime, tenant, create_integration, name="Browsers", **push)
    opened = await runtime.providers.of(tenant.id, "push")
    taken, refused = Outcome.accepted(), Outcome.deferred("login", "403: no")
    both = replace(taken, parts=(("fcm", taken), ("web_push", refused)))
    await runtime.providers.note(tenant.id, opened, [both])
    async with runtime.read(tenant.principal) as reading:
        assert (await get_integration(reading, integration_id=browsers.id)).last_error == "403: no"


async def test_a_channel_rests_while_nothing_carries_it_and_no_longer(
    runtime: Runtime, tenant: TenantAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers = runtime.providers
    assert not await providers.rests(tenant.id, "email")
    relay = await do(runtime, tenant, create_integration, name="Relay", **SMTP)
    assert not await providers.rests(tenant.id, "email")
    await do(runtime, tenant, update_integration, integration_id=relay.id, is_enabled=False)
    assert not await providers.rests(tenant.id, "email"), "those that wait are told why, for a minute"
    monkeypatch.setattr("app.runtime.providers.TELLING_S", 0.0)
    assert await providers.rests(tenant.id, "email")
    assert not await providers.rests(tenant.id, "sms")
    await do(runtime, tenant, update_integration, integration_id=relay.id, is_enabled=True)
    assert not await providers.rests(tenant.id, "email")


async def test_a_tenant_reaches_out_to_others_only_so_often(
    runtime: Runtime, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    async with mailbox() as box:
        settings = {"host": "127.0.0.1", "port": box.port, "security": "none"}

        async def make(whose: TenantAccount) -> dict[str, Any]:
            relay = await do(runtime, whose, create_integration, name="Relay", kind="smtp", settings=settings)
            return {"integration_id": relay.id, "to": "ada@example.com", "sender": "news@shop.example"}

        ours, theirs = await make(tenant), await make(other_tenant)
        domain = await do(runtime, tenant, add_sending_domain, name="shop.example")
        for _ in range(PROBES.burst):
            assert (await try_integration(runtime, tenant.principal, **ours)).result is Result.ACCEPTED
        colleague = replace(tenant.principal, kind="api_key", id=new_id())
        with pytest.raises(RateLimited) as refused:
            await try_integration(runtime, colleague, **ours)
        assert 0 < refused.value.retry_after <= 60 / PROBES.per_minute * 2
        with pytest.raises(RateLimited):
            await verify_domain(runtime, tenant.principal, domain_id=domain.id)
        with pytest.raises(NotFound):
            await try_integration(runtime, tenant.principal, **ours | {"integration_id": new_id()})
        assert len(box.mails) == PROBES.burst
        assert (await try_integration(runtime, other_tenant.principal, **theirs)).result is Result.ACCEPTED
