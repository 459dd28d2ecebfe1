"""This server's own mails: kept in the outbox always, and sent where the tenant's relay has somebody to send them."""

import asyncio

import pytest

from app.actions.integrations import create_integration, update_integration
from app.channels.outbox import Mail, post
from app.runtime import Runtime
from models import OutboxMessage
from tests.actions.people import People
from tests.mailbox import mailbox
from tests.tenants import TenantAccount
from workers.mails import NotNow, send

MAIL = Mail("invite", "ada@example.com", "Zoë invites you", "Follow this link.")


async def test_own_mails_go_over_a_relay_that_sends_them(runtime: Runtime, tenant: TenantAccount) -> None:
    runtime.settings.allowed_private_hosts.append("127.0.0.1")
    people = People(runtime.units, tenant.principal)
    async with mailbox() as box, mailbox(refusals={"MAIL": "451 busy"}) as busy:
        settings = {"host": "127.0.0.1", "port": box.port, "security": "none"}
        relay = await people.do(create_integration, name="Relay", kind="smtp", settings=settings)
        await people.do(post, MAIL)
        said = {"system_sender": "Shop <hello@shop.example>"}
        await people.do(update_integration, integration_id=relay.id, settings=said)
        await people.do(post, MAIL)
        async with asyncio.timeout(20):
            while not box.mails:
                await asyncio.sleep(0.02)
        (mail,) = box.mails
        assert (mail.sender, mail.recipients) == ("hello@shop.example", ["ada@example.com"])
        found = (mail.message["Subject"], mail.message["From"], mail.message.get_content().strip())
        assert found == ("Zoë invites you", "Shop <hello@shop.example>", "Follow this link.")
        first, second = await people.rows(OutboxMessage)
        await people.do(update_integration, integration_id=relay.id, settings={"port": busy.port})
        with pytest.raises(NotNow, match="451"):
            await send(runtime, {"message": second["id"].hex}, tenant.id)
        await send(runtime, {"message": relay.id.hex}, tenant.id)
        await people.do(update_integration, integration_id=relay.id, settings={"system_sender": None})
        await send(runtime, {"message": second["id"].hex}, tenant.id)
        assert (len(box.mails), busy.mails) == (1, [])
    assert first["subject"] == second["subject"] == "Zoë invites you"
