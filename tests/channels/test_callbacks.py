"""What providers tell: only what they signed is believed, and every form of it is understood alike."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from app.channels.callbacks import Callback, Fate, Feedback, Unreadable, Unverified, read_callback, read_report
from app.channels.webhook import new_secret_of
from app.core import clock

URL = "https://us.example/callbacks/k"
DELIVERY = UUID("0193512e6b7c7a4f8a3b1c2d3e4f5a6b")
SECRET = new_secret_of(b"0123456789abcdef0123456789abcdef")


def twilio(token: str = "token", url: str = URL, **form: str) -> list[Feedback]:
    said = url + "".join(name + form[name] for name in sorted(form))
    signature = b64encode(hmac.digest(token.encode(), said.encode(), "sha1")).decode()
    callback = Callback(URL, {"x-twilio-signature": signature}, urlencode(form).encode())
    return read_callback("twilio", {}, {"auth_token": "token"}, callback)


def test_twilio_says_what_became_of_a_message() -> None:
    to = {"MessageSid": "SM1", "To": "whatsapp:+14155552671"}
    assert twilio(MessageStatus="sent", **to) == []
    assert twilio(MessageStatus="read", **to) == [
        Feedback(Fate.DELIVERED, None, provider_message_id="SM1", recipient="+14155552671")
    ]
    (gone,) = twilio(MessageStatus="undelivered", ErrorCode="30005", **to)
    (filtered,) = twilio(MessageStatus="failed", ErrorCode="30007", **to)
    assert [(one.fate, one.detail) for one in (gone, filtered)] == [
        (Fate.HARD, "undelivered 30005"),
        (Fate.SOFT, "failed 30007"),
    ]
    with pytest.raises(Unreadable):
        twilio(Body="hello")


def test_twilios_own_example_of_a_signature_is_understood() -> None:
    """The one in its documentation and in the tests of its libraries."""
    form = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234"}
    form |= {"From": "+14158675309", "To": "+18005551212"}
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    callback = Callback(url, {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}, urlencode(form).encode())
    with pytest.raises(Unreadable, match="MessageSid"):
        read_callback("twilio", {}, {"auth_token": "12345"}, callback)


def telnyx(payload: Any, key: Ed25519PrivateKey, age_s: int = 0, **changed: Any) -> list[Feedback]:
    public = b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    at = str(int((clock.now() - timedelta(seconds=age_s)).timestamp()))
    body = orjson.dumps({"data": {"event_type": "message.finalized", "payload": payload}})
    signature = b64encode(key.sign(f"{at}|".encode() + body)).decode()
    headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature} | changed.get("headers", {})
    callback = Callback(URL, headers, changed.get("body", body))
    return read_callback("telnyx", {"public_key": changed.get("public_key", public)}, {}, callback)


def test_telnyx_says_what_became_of_a_message_and_only_telnyx_is_believed() -> None:
    key, to = Ed25519PrivateKey.generate(), [{"status": "delivered", "phone_number": "+1"}]
    assert telnyx({"id": "t1", "to": to}, key) == [Feedback(Fate.DELIVERED, None, "t1", "+1")]
    failed = {"id": "t1", "to": [{"status": "delivery_failed"}], "errors": [{"code": "40001", "title": "landline"}]}
    (bounce,) = telnyx(failed, key)
    assert (bounce.fate, bounce.detail) == (Fate.HARD, "40001 landline")
    assert telnyx({**failed, "errors": []}, key)[0].fate is Fate.SOFT
    assert telnyx({**failed, "errors": [{"code": "40002", "title": "spam"}]}, key)[0].fate is Fate.SOFT
    assert telnyx({"id": "t1", "to": [{"status": "queued"}]}, key) == []
    for wrong in [
        {"age_s": 400},
        {"headers": {"telnyx-signature-ed25519": "AAAA"}},
        {"headers": {"telnyx-timestamp": ""}},
        {"headers": {"telnyx-timestamp": "9" * 400}},
        {"body": b"{}"},
        {"public_key": ""},
        {"public_key": b64encode(b"x" * 32).decode()},
    ]:
        with pytest.raises(Unverified):
            telnyx({"id": "t1", "to": to}, key, **wrong)
    with pytest.raises(Unreadable):
        telnyx({"id": "t1"}, key)


def relay(body: bytes, headers: Mapping[str, str] | None = None, secret: str = SECRET) -> list[Feedback]:
    now = clock.now()
    signed = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("m1", now, body.decode()),
    }
    callback = Callback(URL, signed if headers is None else headers, body)
    return read_callback("smtp", {}, {"callback_secret": secret}, callback)


def test_a_relay_says_what_became_of_mails() -> None:
    name = f"{DELIVERY.hex}@shop.example"
    events = [
        {"type": "delivered", "message_id": f"<{name}>", "at": "2026-11-21T20:00:00Z"},
        {"type": "bounced", "message_id": name, "reason": "550 5.1.1 nobody", "recipient": "ada@example.com"},
        {"type": "bounced", "message_id": name, "reason": "552 5.2.2 full"},
        {"type": "bounced", "message_id": "their-own-7", "bounce": "hard"},
        {"type": "complained", "message_id": name},
        {"type": "opened", "message_id": name},
    ]
    assert relay(orjson.dumps({"events": events})) == [
        Feedback(Fate.DELIVERED, DELIVERY, name, at=datetime(2026, 11, 21, 20, tzinfo=UTC)),
        Feedback(Fate.HARD, DELIVERY, name, "ada@example.com", "550 5.1.1 nobody"),
        Feedback(Fate.SOFT, DELIVERY, name, detail="552 5.2.2 full"),
        Feedback(Fate.HARD, None, "their-own-7"),
        Feedback(Fate.COMPLAINED, DELIVERY, name),
    ]
    for wrong in (b"[]", b"{", b'{"events": 1}', b'{"events": [1]}', b'{"events": [{"type": "delivered"}]}'):
        with pytest.raises(Unreadable):
            relay(wrong)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, SECRET),
        ({"authorization": "Bearer "}, ""),
        ({"authorization": f"Bearer {SECRET}x"}, SECRET),
        ({"webhook-id": "m1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}, SECRET),
        ({"webhook-id": "m1", "webhook-timestamp": "x", "webhook-signature": "no comma"}, SECRET),
    ],
)
def test_what_a_relay_did_not_sign_is_not_believed(headers: Mapping[str, str], secret: str) -> None:
    with pytest.raises(Unverified):
        relay(b'{"events": []}', headers, secret)


@pytest.mark.parametrize("kind", ["webhook", "fcm", "outbox", "no such kind"])
def test_who_tells_nothing_is_not_believed(kind: str) -> None:
    with pytest.raises(Unverified):
        read_callback(kind, {}, {}, Callback(URL, {}, b""))


def report(action: str, status: str, *, original: str, to: str = "bounces@shop.example") -> bytes:
    return f"""From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Sorry.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} said
 the server

--B
{original}
--B--
""".replace("\n", "\r\n").encode()


HEADERS = f"Content-Type: text/rfc822-headers\n\nMessage-ID: <{DELIVERY.hex}@shop.example>\nSubject: Hi\n"
WHOLE = f"Content-Type: message/rfc822\n\nMessage-ID:\n <{DELIVERY.hex}@shop.example>\n\nHello\n"
NOTHING = "Content-Type: text/plain\n\nnothing\n"


@pytest.mark.parametrize("original", [HEADERS, WHOLE])
@pytest.mark.parametrize(
    ("action", "status", "fate"),
    [
        ("failed", "5.1.1", "hard"),
        ("failed", "5.2.2", "soft"),
        ("failed", "4.4.7", "soft"),
        ("relayed", "2.0.0", "delivered"),
    ],
)
def test_a_delivery_report_says_which_mail_it_is_about(action: str, status: str, fate: str, original: str) -> None:
    name = f"{DELIVERY.hex}@shop.example"
    detail = f"{status} 550 {status} said the server"
    expected = [Feedback(Fate(fate), DELIVERY, name, "ada@example.com", detail)]
    assert read_report(report(action, status, original=original)) == expected


def test_a_report_without_the_mail_is_known_by_where_it_came_back_to() -> None:
    to = f"bounces+{DELIVERY.hex}@shop.example"
    (bounce,) = read_report(report("failed", "5.1.1", original=NOTHING, to=to))
    assert (bounce.delivery_id, bounce.provider_message_id) == (DELIVERY, None)
    assert read_report(report("delayed", "4.0.0", original=HEADERS)) == []
    assert (
        relay(
            report("failed", "5.1.1", original=HEADERS),
            {"authorization": f"Bearer {SECRET}", "content-type": "message/rfc822; charset=x"},
        )[0].fate
        is Fate.HARD
    )


def test_a_complaint_is_read() -> None:
    raw = f"""Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

Spam!
--B
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Rcpt-To: <ada@example.com>

--B
{WHOLE}
--B--
""".encode()
    (complaint,) = read_report(raw)
    assert (complaint.fate, complaint.delivery_id, complaint.recipient) == (
        Fate.COMPLAINED,
        DELIVERY,
        "ada@example.com",
    )
    assert read_report(raw.replace(b"abuse", b"not-spam")) == []


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=2000),
        st.binary(max_size=300).map(lambda cut: report("failed", "5.1.1", original=HEADERS)[: -len(cut) or None] + cut),
    )
)
def test_any_bytes_are_a_report_or_clearly_none(raw: bytes) -> None:
    with suppress(Unreadable):
        assert all(isinstance(news, Feedback) for news in read_report(raw))
