"""Text messages over Twilio and Telnyx: what is asked of their APIs, and what their answers mean."""

from base64 import b64encode
from urllib.parse import parse_qsl

import orjson
import pytest

from app.channels import Result
from app.channels.sms.telnyx import TelnyxAccount, TelnyxProvider
from app.channels.sms.twilio import TwilioAccount, TwilioProvider
from app.core.fetching import Fetcher
from tests.channels.sending import LOCAL, outgoing
from tests.receiver import answer, receiver


def said(status: int, document: object, **headers: str) -> bytes:
    return answer(status, orjson.dumps(document), headers)


async def test_twilio_is_asked_for_a_text_message_and_says_its_name() -> None:
    async with receiver(said(201, {"sid": "SM1", "status": "queued"})) as api:
        account = TwilioAccount("AC1", "token", "+15005550006", "https://us.example/callbacks/k", api.url)
        provider = TwilioProvider(account, Fetcher(LOCAL))
        outcome = await provider.send(outgoing(fields={"media_urls": ["https://us.example/a.png"]}))
        assert (outcome.result, outcome.message_id, outcome.detail) == (Result.ACCEPTED, "SM1", "queued")
        (request,) = api.requests
        assert (request.method, request.target) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
        assert request.headers["authorization"] == "Basic " + b64encode(b"AC1:token").decode()
        assert parse_qsl(request.body.decode()) == [
            ("To", "+14155552671"),
            ("From", "+15005550006"),
            ("Body", "Hello"),
            ("MediaUrl", "https://us.example/a.png"),
            ("StatusCallback", "https://us.example/callbacks/k"),
        ]


async def test_twilio_carries_whatsapp_with_approved_templates() -> None:
    async with receiver(said(201, {"sid": "SM1"})) as api:
        provider = TwilioProvider(TwilioAccount("AC1", "token", "+15005550006", "", api.url), Fetcher(LOCAL))
        fields = {"template_id": "HX1", "template_variables": {"1": "Ada"}}
        await provider.send(outgoing(channel="whatsapp"))
        await provider.send(outgoing(channel="whatsapp", fields=fields))
        plain, template = (dict(parse_qsl(request.body.decode())) for request in api.requests)
        assert plain == {"To": "whatsapp:+14155552671", "From": "whatsapp:+15005550006", "Body": "Hello"}
        assert (template["ContentSid"], template["ContentVariables"]) == ("HX1", '{"1": "Ada"}')


async def test_telnyx_is_asked_for_a_text_message_and_says_its_name() -> None:
    async with receiver(said(200, {"data": {"id": "t-1"}})) as api:
        account = TelnyxAccount("KEY", "+13125550001", "profile", "https://us.example/callbacks/k", api.url)
        provider = TelnyxProvider(account, Fetcher(LOCAL))
        outcome = await provider.send(outgoing(from_address="+13125550002"))
        assert (outcome.result, outcome.message_id) == (Result.ACCEPTED, "t-1")
        (request,) = api.requests
        assert (request.target, request.headers["authorization"]) == ("/v2/messages", "Bearer KEY")
        assert orjson.loads(request.body) == {
            "from": "+13125550002",
            "to": "+14155552671",
            "text": "Hello",
            "messaging_profile_id": "profile",
            "webhook_url": "https://us.example/callbacks/k",
        }


TWILIO_ANSWERS = [
    (said(400, {"code": 21211, "message": "not a number"}), (Result.REJECTED, "21211", True, None)),
    (said(400, {"code": 21610, "message": "they said STOP"}), (Result.REJECTED, "21610", False, None)),
    (said(401, {"code": 20003, "message": "wrong token"}), (Result.DEFERRED, "login", False, 300)),
    (said(429, {"code": 20429}, **{"retry-after": "7"}), (Result.DEFERRED, "429", False, 7)),
    (said(503, {}), (Result.DEFERRED, "503", False, None)),
    (said(500, {}), (Result.UNKNOWN, "500", False, None)),
    (answer(400, b"<html>"), (Result.REJECTED, "400", False, None)),
    (b"HTTP/1.1 2", (Result.UNKNOWN, "connection", False, None)),
]
TELNYX_ANSWERS = [
    (said(422, {"errors": [{"code": "40310", "detail": "no number"}]}), (Result.REJECTED, "40310", True, None)),
    (said(403, {"errors": [{"code": "40300", "title": "STOP"}]}), (Result.REJECTED, "40300", False, None)),
    (said(401, {"errors": [{"code": "10009"}]}), (Result.DEFERRED, "login", False, 300)),
    (said(429, {}), (Result.DEFERRED, "429", False, None)),
    (said(502, {}), (Result.UNKNOWN, "502", False, None)),
    (said(422, {"errors": "?"}), (Result.REJECTED, "422", False, None)),
]


@pytest.mark.parametrize("provider", ["twilio", "telnyx"])
async def test_every_answer_says_whether_the_message_was_taken(provider: str) -> None:
    answers = TWILIO_ANSWERS if provider == "twilio" else TELNYX_ANSWERS
    got = []
    for raw, _ in answers:
        async with receiver(raw) as api:
            fetcher = Fetcher(LOCAL)
            if provider == "twilio":
                outcome = await TwilioProvider(TwilioAccount("AC1", "t", "+1", "", api.url), fetcher).send(outgoing())
            else:
                outcome = await TelnyxProvider(TelnyxAccount("KEY", "+1", "", "", api.url), fetcher).send(outgoing())
            got.append((outcome.result, outcome.code, outcome.address_is_bad, outcome.retry_after_s))
            await fetcher.close()
    assert got == [expected for _, expected in answers]


async def test_nothing_is_asked_for_a_message_without_text_or_with_too_much() -> None:
    async with receiver() as api:
        provider = TwilioProvider(TwilioAccount("AC1", "token", "+1", "", api.url), Fetcher(LOCAL))
        for body in ("  ", "x" * 1601):
            assert (await provider.send(outgoing(body=body))).code == "message"
        assert api.requests == []


async def test_a_server_that_is_away_was_not_asked() -> None:
    async with receiver() as api:
        url = api.url
    outcome = await TelnyxProvider(TelnyxAccount("KEY", "+1", "", "", url), Fetcher(LOCAL)).send(outgoing())
    assert (outcome.result, outcome.code) == (Result.DEFERRED, "connection")
