"""E-mails as bytes: the standard library reads back exactly what was written, and no value becomes a header."""

from base64 import b64encode
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any

import dkim
import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels import Outgoing
from app.channels.mail.dkim import LARGE, Signer, canonical_body, new_key
from app.channels.mail.headers import Unwritable
from app.channels.mail.mime import recipients, written
from app.core.ids import new_id
from app.core.message import Message
from tests.channels.sending import TENANT

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
PRIVATE, PUBLIC = new_key()
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3000)


def mail(recipient: str = "ada@example.com", unsubscribe_url: str | None = None, **said: Any) -> bytes:
    message = Message(**({"body": "<p>Hi</p>", "subject": "Hi", "from_address": "Shop <news@shop.example>"} | said))
    one = Outgoing(new_id(), TENANT, "email", recipient, message, unsubscribe_url=unsubscribe_url)
    recipients(one)
    return written(one, message_id="1@shop.example", date=NOW)


def read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=POLICY)
    assert isinstance(parsed, EmailMessage) and not parsed.defects
    return parsed


def unified(text: str) -> str:
    """With one kind of line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_whole_mail_is_read_back_as_it_was_meant() -> None:
    fields = {
        "cc": ["Bob <bob@example.com>", "eve@example.com"],
        "bcc": "hidden@example.com",
        "amp": "<html amp4email></html>",
        "attachments": {"Rechnung Größe.pdf": b64encode(b"%PDF" * 100).decode(), "a.csv": b64encode(b"1,2").decode()},
    }
    raw = mail(
        "Ada Größe <ada@bücher.example>",
        "https://us.example/t/u/x",
        subject="Zoë, five offers: " + "long " * 40,
        plain="Hello Zoë",
        body="<p>Zoë " + "x" * 2000 + "</p>",
        from_address='"Shop, Inc." <news@shop.example>',
        reply_to="help@shop.example",
        headers=[("X-Campaign", "7")],
        fields=fields,
    )
    found = read(raw)
    assert found["Subject"] == ("Zoë, five offers: " + "long " * 40).strip()
    assert (found["To"], found["From"]) == ("Ada Größe <ada@xn--bcher-kva.example>", '"Shop, Inc." <news@shop.example>')
    assert (found["Cc"], found["Bcc"]) == ("Bob <bob@example.com>, eve@example.com", None)
    assert (found["Reply-To"], found["X-Campaign"]) == ("help@shop.example", "7")
    assert (found["Message-ID"], found["Date"]) == ("<1@shop.example>", "Sat, 21 Nov 2026 20:00:00 +0000")
    assert found["List-Unsubscribe"] == "<https://us.example/t/u/x>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    kinds = [part.get_content_type() for part in found.walk()]
    alternatives = ["multipart/alternative", "text/plain", "text/x-amp-html", "text/html"]
    assert kinds == ["multipart/mixed", *alternatives, "application/pdf", "text/csv"]
    names = [(part.get_filename(), part.get_payload(decode=True)) for part in found.iter_attachments()]
    assert names == [("Rechnung Größe.pdf", b"%PDF" * 100), ("a.csv", b"1,2")]
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@settings(deadline=None)
@given(subject=WORDS, name=WORDS, plain=TEXTS, body=TEXTS)
def test_any_text_is_read_back_as_it_was(subject: str, name: str, plain: str, body: str) -> None:
    quoted = name.replace("\\", "").replace('"', "")
    raw = mail(subject=subject, from_address=f'"{quoted}" <news@shop.example>', plain="p" + plain, body="b" + body)
    found = read(raw)
    assert str(found["Subject"]).split() == subject.split()
    assert [address.addr_spec for address in found["From"].addresses] == ["news@shop.example"]
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in found.walk() if not part.is_multipart()}
    got = {kind: unified(text.decode()).rstrip("\n") for kind, text in parts.items() if isinstance(text, bytes)}
    assert got == {"text/plain": unified("p" + plain).rstrip("\n"), "text/html": unified("b" + body).rstrip("\n")}
    assert all(line == b"" or 0 < len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


@settings(deadline=None)
@given(st.sampled_from("\r\n\x00\x0b\x7f"), WORDS)
def test_a_control_character_in_any_header_is_refused(control: str, text: str) -> None:
    evil = f"{text}{control}Bcc: eve@example.com"
    for said in (
        {"subject": evil},
        {"from_address": f"{evil} <news@shop.example>"},
        {"reply_to": evil},
        {"headers": [("X-A", evil)]},
        {"headers": [(evil, "x")]},
        {"fields": {"cc": evil}},
        {"fields": {"bcc": [evil]}},
        {"fields": {"attachments": {evil: ""}}},
    ):
        with pytest.raises(Unwritable):
            mail(**said)
    with pytest.raises(Unwritable):
        mail(evil)
    with pytest.raises(Unwritable):
        mail(unsubscribe_url=f"https://us.example/{evil}")


@pytest.mark.parametrize(
    "said",
    [
        {"headers": [("Subject", "x")]},
        {"headers": [("dkim-signature", "x")]},
        {"headers": [("X A", "x")]},
        {"from_address": ""},
        {"from_address": "nobody"},
        {"from_address": "zo\u200bë@shop.example"},
        {"fields": {"cc": 7}},
        {"fields": {"cc": ["a@b.example"] * 51}},
        {"fields": {"attachments": ["a"]}},
        {"fields": {"attachments": {"a": 7}}},
        {"fields": {"attachments": {"a": "A" * 20_000_004}}},
    ],
)
def test_what_cannot_be_an_email_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Unwritable):
        mail(**said)


def test_a_content_that_names_its_own_unsubscribing_keeps_it() -> None:
    raw = mail(unsubscribe_url="https://us.example/x", headers=[("List-Unsubscribe", "<mailto:stop@shop.example>")])
    assert (read(raw)["List-Unsubscribe"], read(raw)["List-Unsubscribe-Post"]) == ("<mailto:stop@shop.example>", None)


@settings(deadline=None, max_examples=40)
@given(subject=WORDS, body=TEXTS)
def test_every_signature_verifies(subject: str, body: str) -> None:
    """With dkimpy, which is another's reading of RFC 6376."""
    signed = Signer("shop.example", "s1", PRIVATE).sign(mail(subject=subject, body="b" + body, plain="p"))
    record = f"v=DKIM1; k=rsa; p={PUBLIC}".encode()
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record)
    forged = signed.replace(b"\r\n\r\n", b"\r\nFrom: eve@example.com\r\n\r\n", 1)
    assert not dkim.verify(forged, dnsfunc=lambda name, timeout=5: record)


BODIES = st.lists(st.sampled_from([b"a", b" ", b"  ", b"\t", b" \t ", b"\r\n", b"\xc3\xbc", b"=", b"."])).map(b"".join)


@given(BODIES)
@settings(max_examples=500)
def test_a_body_is_brought_into_the_form_that_verifiers_hash(body: bytes) -> None:
    arrives = body if body.endswith(b"\r\n") else body + b"\r\n"  # SMTP ends every line
    assert canonical_body(body) == Relaxed.canonicalize_body(arrives)


async def test_a_large_mail_is_signed_as_a_small_one_is() -> None:
    signer = Signer("shop.example", "s1", PRIVATE)
    for size in (10, LARGE + 1):
        signed = await signer.signed(mail(body="x \ty\n" * (size // 5)))
        assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: f"v=DKIM1; k=rsa; p={PUBLIC}".encode())
