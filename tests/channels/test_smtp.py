"""E-mail over a real SMTP server: many messages over few connections, and every way in which one can fail."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import Any
from uuid import UUID

import dkim
import pytest
import trustme

from app.channels import Outgoing, Result
from app.channels.mail.dkim import Signer, new_key
from app.channels.mail.session import Server
from app.channels.mail.smtp import SmtpLimits, SmtpProvider
from app.core.fetching import HINT, Guard
from app.core.ids import new_id
from app.core.message import Message
from tests.mailbox import Mailbox, mailbox
from tests.receiver import receiver

TENANT = UUID(int=1)
LOCAL = Guard(("127.0.0.1", "localhost"))


def outgoing(recipient: str = "ada@example.com", **said: Any) -> Outgoing:
    message = Message(
        **({"body": "<p>Hello</p>", "subject": "Hello", "from_address": "Shop <news@shop.example>"} | said)
    )
    return Outgoing(new_id(), TENANT, "email", recipient, message)


@asynccontextmanager
async def smtp(box: Mailbox, limits: SmtpLimits | None = None, **server: Any) -> AsyncIterator[SmtpProvider]:
    given = {"host": "127.0.0.1", "port": box.port, "security": "none"} | server
    provider = SmtpProvider(Server(**given), limits or SmtpLimits(), LOCAL)
    try:
        yield provider
    finally:
        await provider.close()


async def test_messages_share_connections_and_each_has_its_own_id() -> None:
    async with mailbox() as box, smtp(box, SmtpLimits(connections=3, messages_per_connection=20)) as provider:
        sent = [outgoing(f"p{number}@example.com", body=f".\r\n..dots {number}\n.") for number in range(50)]
        outcomes = await asyncio.gather(*map(provider.send, sent))
        assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
        assert [outcome.message_id for outcome in outcomes] == [f"{one.delivery_id.hex}@shop.example" for one in sent]
        assert outcomes[0].detail == "2.0.0 taken as 4711"
        assert box.connections == 3
        texts = {mail.recipients[0]: mail.message.get_content() for mail in box.mails}
        assert texts == {f"p{n}@example.com": f".\r\n..dots {n}\r\n.\r\n" for n in range(50)}
        assert {mail.sender for mail in box.mails} == {"news@shop.example"}


async def test_a_refusal_costs_its_message_alone_and_says_whose_fault_it_is() -> None:
    refusals = {
        "gone@example.com": "550 5.1.1 no such mailbox",
        "old@example.com": "550 who is that",
        "full@example.com": "552 5.2.2 mailbox full",
        "banned@example.com": "550 5.7.1 we know you",
        "grey@example.com": "450 4.7.1 come back later",
    }
    async with mailbox(refusals=refusals) as box, smtp(box, SmtpLimits(connections=1)) as provider:
        said = {}
        for recipient in [*refusals, "ada@example.com"]:
            outcome = await provider.send(outgoing(recipient))
            said[recipient.split("@")[0]] = (outcome.result, outcome.code, outcome.address_is_bad)
        assert said == {
            "gone": (Result.REJECTED, "550 5.1.1", True),
            "old": (Result.REJECTED, "550", True),
            "full": (Result.REJECTED, "552 5.2.2", False),
            "banned": (Result.REJECTED, "550 5.7.1", False),
            "grey": (Result.DEFERRED, "450 4.7.1", False),
            "ada": (Result.ACCEPTED, "250", False),
        }
        assert box.connections == 1 and [mail.recipients for mail in box.mails] == [["ada@example.com"]]


@pytest.mark.parametrize(("answer", "result"), [("554 5.7.1 spam", Result.REJECTED), ("451 busy", Result.DEFERRED)])
@pytest.mark.parametrize("stage", ["MAIL", "DATA"])
async def test_what_the_server_says_of_sender_and_text_is_not_the_addresses_fault(
    stage: str, answer: str, result: Result
) -> None:
    async with mailbox(refusals={stage: answer}) as box, smtp(box) as provider:
        outcome = await provider.send(outgoing())
        assert (outcome.result, outcome.address_is_bad, box.mails) == (result, False, [])


async def test_copies_go_along_and_a_refused_copy_does_not_stop_the_message() -> None:
    fields = {"cc": "Bob <bob@example.com>", "bcc": ["eve@example.com", "gone@example.com"]}
    async with mailbox(refusals={"gone@example.com": "550 5.1.1 no"}) as box, smtp(box) as provider:
        assert (await provider.send(outgoing(fields=fields))).result is Result.ACCEPTED
        (mail,) = box.mails
        assert mail.recipients == ["ada@example.com", "bob@example.com", "eve@example.com"]
        assert (mail.message["Cc"], mail.message["Bcc"]) == ("Bob <bob@example.com>", None)


async def test_a_person_who_is_refused_does_not_leave_the_copies_with_the_message() -> None:
    fields = {"cc": "bob@example.com"}
    async with mailbox(refusals={"ada@example.com": "550 5.1.1 no"}) as box, smtp(box) as provider:
        outcome = await provider.send(outgoing(fields=fields))
        assert (outcome.result, outcome.address_is_bad) == (Result.REJECTED, True)
        assert (await provider.send(outgoing("eve@example.com"))).result is Result.ACCEPTED
        assert [mail.recipients for mail in box.mails] == [["eve@example.com"]]


async def test_a_connection_that_dies_after_the_text_leaves_the_message_in_doubt() -> None:
    async with mailbox(drops_after_text=True) as box, smtp(box) as provider:
        outcome = await provider.send(outgoing())
        assert (outcome.result, outcome.code) == (Result.UNKNOWN, "connection")
        assert len(box.mails) == 1


async def test_an_idle_connection_that_the_server_gave_up_is_replaced_unnoticed() -> None:
    async with mailbox(closes_before=1) as box, smtp(box, SmtpLimits(connections=1)) as provider:
        assert [(await provider.send(outgoing())).result for _ in range(3)] == [Result.ACCEPTED] * 3
        assert (len(box.mails), box.connections) == (3, 2)


async def test_a_server_that_is_away_or_no_mail_server_defers_and_takes_nothing() -> None:
    async with mailbox() as box:
        port = box.port
    async with receiver() as web:
        for where in (port, web.port):
            async with smtp(Mailbox(port=where)) as provider:
                outcome = await provider.send(outgoing())
                assert (outcome.result, outcome.code) == (Result.DEFERRED, "connection")
    provider = SmtpProvider(Server("127.0.0.1", 2525, "none"), SmtpLimits(), Guard())
    refused = await provider.send(outgoing())
    assert (refused.result, refused.detail) == (Result.DEFERRED, f"127.0.0.1 is not a public address{HINT}")


async def test_tls_and_sign_in() -> None:
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    login = {"username": "shop", "password": "hunter2"}
    for security in ("tls", "starttls"):
        async with mailbox(login=("shop", "hunter2"), context=served, tls=security == "tls") as box:
            at = {"host": "localhost", "security": security}
            async with smtp(box, **at, **login, context=trusting) as provider:
                outcomes = [await provider.send(outgoing()) for _ in range(3)]
                assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 3
                assert (len(box.mails), box.connections) == (3, 1)
                assert box.mails[0].tls or security == "tls"
            async with smtp(box, **at, username="shop", password="wrong", context=trusting) as provider:
                refused = await provider.send(outgoing())
                assert (refused.result, refused.code, refused.retry_after_s) == (Result.DEFERRED, "login", 300)
            async with smtp(box, **at, **login) as provider:
                untrusted = await provider.send(outgoing())
                assert (untrusted.result, untrusted.code) == (Result.DEFERRED, "connection")
                assert "certificate" in untrusted.detail.lower()
            assert len(box.mails) == 3


async def test_a_transactional_message_does_not_wait_for_a_campaign() -> None:
    async with mailbox() as box, smtp(box, SmtpLimits(connections=1)) as provider:
        async with provider._slots[1]:
            campaign = asyncio.create_task(provider.send(outgoing("slow@example.com")))
            one = outgoing("now@example.com")
            urgent = Outgoing(one.delivery_id, TENANT, "email", one.recipient, one.message, lane=0)
            assert (await provider.send(urgent)).result is Result.ACCEPTED
            assert [mail.recipients for mail in box.mails] == [["now@example.com"]]
        assert (await campaign).result is Result.ACCEPTED


async def test_what_cannot_be_written_is_rejected_before_anything_is_sent() -> None:
    async with mailbox() as box, smtp(box) as provider:
        for wrong in [
            outgoing("ada@example.com\r\nRCPT TO:<eve@example.com>"),
            outgoing("no address"),
            outgoing(subject="Hello\nBcc: eve@example.com"),
            outgoing(from_address=""),
            outgoing(headers=[("Bcc", "eve@example.com")]),
        ]:
            outcome = await provider.send(wrong)
            assert (outcome.result, outcome.code) == (Result.REJECTED, "message")
        assert (box.mails, box.connections) == ([], 0)


async def test_a_domain_in_another_script_goes_to_every_server_in_its_ascii_form() -> None:
    async with mailbox() as box, smtp(box) as provider:
        said = outgoing("Jürgen <j@müller.example>", from_address="Büro <buero@bücher.example>")
        outcome = await provider.send(said)
        assert (outcome.result, len(box.mails)) == (Result.ACCEPTED, 1)
        (mail,) = box.mails
        assert (mail.sender, mail.recipients) == ("buero@xn--bcher-kva.example", ["j@xn--mller-kva.example"])
        assert mail.data.isascii() and not mail.utf8
        assert str(mail.message["To"]) == "Jürgen <j@xn--mller-kva.example>"


UTF8_MAILS = [
    ({"recipient": "jürgen@müller.example"}, "jürgen@xn--mller-kva.example"),
    ({"recipient": "用户@例子.example"}, "用户@xn--fsqu00a.example"),
    ({"from_address": "Büro <büro@shop.example>"}, "ada@example.com"),
    ({"reply_to": "büro@shop.example"}, "ada@example.com"),
    ({"fields": {"cc": "Zoë <zoë@example.com>"}}, "ada@example.com"),
    ({"fields": {"bcc": "zoë@example.com"}}, "ada@example.com"),
]


@pytest.mark.parametrize(("said", "arrives"), UTF8_MAILS)
async def test_letters_before_the_at_need_a_server_that_takes_them(said: dict[str, Any], arrives: str) -> None:
    async with mailbox() as plain, mailbox(utf8=True) as speaking, smtp(plain) as one, smtp(speaking) as other:
        refused = await one.send(outgoing(**said))
        assert (refused.result, refused.code, refused.address_is_bad) == (Result.REJECTED, "553 5.6.7", False)
        assert "SMTPUTF8" in refused.detail
        assert (await one.send(outgoing())).result is Result.ACCEPTED, "the connection goes on"
        assert [mail.recipients for mail in plain.mails] == [["ada@example.com"]] and plain.connections == 1
        assert (await other.send(outgoing(**said))).result is Result.ACCEPTED
        assert (await other.send(outgoing())).result is Result.ACCEPTED
        first, second = speaking.mails
        assert (first.recipients[0], first.utf8, second.utf8) == (arrives, True, False)
        assert second.data.isascii()


async def test_a_mail_with_letters_before_the_at_is_read_as_it_was_written_and_its_signature_holds() -> None:
    private, public = new_key()
    signer = Signer("shop.example", "s1", private)
    async with mailbox(utf8=True) as box:
        provider = SmtpProvider(Server("127.0.0.1", box.port, "none"), SmtpLimits(), LOCAL, {"shop.example": signer})
        sent = await provider.send(outgoing("Jürgen <jürgen@müller.example>", from_address="Büro <büro@shop.example>"))
        await provider.close()
    assert sent.result is Result.ACCEPTED
    (mail,) = box.mails
    read = BytesParser(policy=EmailPolicy(utf8=True)).parsebytes(mail.data)
    assert "To: Jürgen <" not in mail.data.decode() and "<jürgen@xn--mller-kva.example>" in mail.data.decode()
    assert str(read["From"]) == "Büro <büro@shop.example>"
    record = f"v=DKIM1; k=rsa; p={public}".encode()
    assert dkim.verify(mail.data, dnsfunc=lambda name, timeout=5: record)


@pytest.mark.parametrize(
    "address",
    [
        "jür gen@x.example",
        "jür\u200bgen@x.example",
        "jür,gen@x.example",
        "ü" * 33 + "@x.example",
        "jür\u0085@x.example",
    ],
)
async def test_what_is_no_address_in_any_script_is_refused(address: str) -> None:
    async with mailbox(utf8=True) as box, smtp(box) as provider:
        outcome = await provider.send(outgoing(address))
        assert (outcome.result, outcome.code) == (Result.REJECTED, "message")
        assert box.mails == []


@pytest.mark.parametrize("answer", ["530 5.7.0 sign in first", "535 5.7.8 no longer valid"])
async def test_a_relay_that_wants_us_to_sign_in_is_the_settings_fault(answer: str) -> None:
    async with mailbox(refusals={"MAIL": answer}) as box, smtp(box) as provider:
        outcome = await provider.send(outgoing())
        assert (outcome.result, outcome.code, outcome.retry_after_s) == (Result.DEFERRED, "login", 300)
