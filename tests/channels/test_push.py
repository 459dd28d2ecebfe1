"""Notifications over web push, Firebase and Apple: real requests to real servers, read with the other side's keys."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
import http_ece
import orjson
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.channels import Result, Target
from app.channels.push.apns import Apns, ApnsApp
from app.channels.push.fanout import PushProvider
from app.channels.push.fcm import Fcm, FcmAccount
from app.channels.push.notice import platform_of
from app.channels.push.web_push import WebPush, decoded, encoded, new_key, public_key_of
from app.core.fetching import Fetcher
from tests.channels.sending import LOCAL, outgoing
from tests.receiver import answer, receiver

FIELDS = {"title": "Sale", "link": "https://shop.example/", "custom_data": {"order": 7, "kind": "x"}, "badge": "3"}


class Browser:
    """A subscription, and what is needed to read what is sent to it."""

    def __init__(self, endpoint: str) -> None:
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": encoded(public), "auth": encoded(self.auth)}
        self.target = Target(endpoint, "web", {"keys": self.keys})

    def read(self, body: bytes) -> Any:
        return orjson.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


async def test_a_browser_can_read_what_it_is_sent_and_the_push_service_knows_us() -> None:
    async with receiver(answer(201, b"", {"location": "https://push.example/m/1"})) as service:
        browser, private = Browser(f"{service.url}/sub/1"), new_key()
        provider = PushProvider({"web_push": WebPush(private, "mailto:push@shop.example", Fetcher(LOCAL))})
        whole = orjson.dumps({"endpoint": f"{service.url}/sub/2", "keys": browser.keys}).decode()
        one = outgoing("", browser.target, Target(whole, "web"), channel="push", fields=FIELDS)
        outcome = await provider.send(one)
        assert (outcome.result, outcome.message_id) == (Result.ACCEPTED, "https://push.example/m/1")
        request = min(service.requests, key=lambda request: request.target)
        assert sorted(request.target for request in service.requests) == ["/sub/1", "/sub/2"]
        assert browser.read(request.body) == {
            "title": "Sale",
            "body": "Hello",
            "tag": one.delivery_id.hex,
            "url": "https://shop.example/",
            "delivery_id": one.delivery_id.hex,
            "data": {"order": 7, "kind": "x"},
        }
        scheme, token, key = request.headers["authorization"].replace(",", "").split(" ")
        assert (scheme, key.removeprefix("k=")) == ("vapid", public_key_of(private))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(public_key_of(private)))
        claims = jwt.decode(token.removeprefix("t="), ECKey.import_key(public)).claims
        assert (claims["aud"], claims["sub"]) == (service.url, "mailto:push@shop.example")
        assert (request.headers["content-encoding"], request.headers["ttl"]) == ("aes128gcm", "2419200")


async def test_one_device_that_took_it_is_enough_and_the_gone_ones_are_named() -> None:
    async with receiver(answer(410)) as gone, receiver(answer(201)) as there, receiver(answer(503)) as away:
        devices = [Browser(server.url).target for server in (gone, there, away)]
        provider = PushProvider({"web_push": WebPush(new_key(), "mailto:a@b.example", Fetcher(LOCAL))})
        outcome = await provider.send(outgoing("", *devices, channel="push"))
        assert (outcome.result, outcome.gone_devices) == (Result.ACCEPTED, (gone.url,))
        assert outcome.address_is_bad is False
        outcome = await provider.send(outgoing("", devices[0], devices[2], channel="push"))
        assert (outcome.result, outcome.code, outcome.gone_devices) == (Result.DEFERRED, "503", (gone.url,))
        outcome = await provider.send(outgoing("", devices[0], Target("https://x.example", "web"), channel="push"))
        assert (outcome.result, outcome.address_is_bad) == (Result.REJECTED, True)
        assert (await provider.send(outgoing("", channel="push"))).code == "no_device"
        other = await provider.send(outgoing("", Target("abc:def", "android"), channel="push"))
        assert (other.code, other.gone_devices) == ("no_provider", ())


def test_a_token_shows_which_platform_it_is_of() -> None:
    given = [("https://push.example/1", "android"), ("ab" * 32, "ios"), ("ab" * 32, "android"), ("dX:APA91b", "ios")]
    assert [platform_of(Target(*one)) for one in given] == ["web_push", "apns", "fcm", "fcm"]


def service_account(url: str) -> tuple[dict[str, str], rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "project_id": "shop",
        "client_email": "push@shop.example",
        "private_key": text,
        "token_uri": f"{url}/token",
    }
    return account, key


async def test_firebase_is_signed_in_to_once_and_again_when_it_forgets_us() -> None:
    token = answer(200, b'{"access_token": "T", "expires_in": 3600}')
    sent = answer(200, b'{"name": "projects/shop/messages/1"}')
    async with receiver(token, sent, sent, answer(401, b"{}"), token, sent) as google:
        account, key = service_account(google.url)
        fcm = Fcm(FcmAccount(account), Fetcher(LOCAL), google.url)
        one = outgoing("", Target("dX:APA91b", "android"), channel="push", fields=FIELDS)
        outcomes = [await PushProvider({"fcm": fcm}).send(one) for _ in range(3)]
        assert [outcome.message_id for outcome in outcomes] == ["projects/shop/messages/1"] * 3
        targets = [request.target for request in google.requests]
        send = "/v1/projects/shop/messages:send"
        assert targets == ["/token", send, send, send, "/token", send]
        assertion = google.requests[0].body.decode().partition("assertion=")[2]
        claims = jwt.decode(assertion, RSAKey.import_key(key.public_key())).claims
        assert (claims["iss"], claims["aud"]) == ("push@shop.example", f"{google.url}/token")
        assert google.requests[1].headers["authorization"] == "Bearer T"
        message = orjson.loads(google.requests[1].body)["message"]
        assert message["token"] == "dX:APA91b"
        assert message["notification"] == {"title": "Sale", "body": "Hello"}
        assert message["data"] == {
            "order": "7",
            "kind": "x",
            "link": "https://shop.example/",
            "delivery_id": one.delivery_id.hex,
        }
        assert message["apns"]["payload"] == {"aps": {"badge": 3}}


def fcm_error(status: int, code: str) -> bytes:
    return answer(status, orjson.dumps({"error": {"status": "X", "message": "m", "details": [{"errorCode": code}]}}))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (fcm_error(404, "UNREGISTERED"), (Result.REJECTED, "UNREGISTERED", True)),
        (fcm_error(400, "INVALID_ARGUMENT"), (Result.REJECTED, "INVALID_ARGUMENT", False)),
        (fcm_error(403, "SENDER_ID_MISMATCH"), (Result.REJECTED, "SENDER_ID_MISMATCH", False)),
        (fcm_error(403, "THIRD_PARTY_AUTH_ERROR"), (Result.DEFERRED, "login", False)),
        (fcm_error(429, "QUOTA_EXCEEDED"), (Result.DEFERRED, "429", False)),
        (fcm_error(500, "INTERNAL"), (Result.UNKNOWN, "500", False)),
        (answer(404, b"[]"), (Result.REJECTED, "404", False)),
    ],
)
async def test_what_firebase_says(raw: bytes, expected: tuple[Result, str, bool]) -> None:
    async with receiver(answer(200, b'{"access_token": "T"}'), raw) as google:
        fcm = Fcm(FcmAccount(service_account(google.url)[0]), Fetcher(LOCAL), google.url)
        outcome = await PushProvider({"fcm": fcm}).send(outgoing("", Target("t:1", "android"), channel="push"))
        assert (outcome.result, outcome.code, outcome.address_is_bad) == expected


class Apple(asyncio.Protocol):
    """An HTTP/2 server that answers each device's token as it is told."""

    def __init__(self, answers: Mapping[str, tuple[int, str]], heard: list[tuple[dict[str, str], bytes]]) -> None:
        self.answers, self.heard = answers, heard
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.streams: dict[int, tuple[dict[str, str], bytearray]] = {}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.connection.initiate_connection()
        transport.write(self.connection.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            match event:
                case h2.events.RequestReceived():
                    self.streams[event.stream_id] = (dict(event.headers), bytearray())
                case h2.events.DataReceived():
                    self.streams[event.stream_id][1].extend(event.data)
                case h2.events.StreamEnded():
                    self.reply(event.stream_id)
        self.transport.write(self.connection.data_to_send())

    def reply(self, stream: int) -> None:
        headers, body = self.streams.pop(stream)
        self.heard.append((headers, bytes(body)))
        status, reason = self.answers.get(headers[":path"].rpartition("/")[2], (200, ""))
        self.connection.send_headers(stream, [(":status", str(status)), ("apns-id", "A-1")], end_stream=not reason)
        if reason:
            self.connection.send_data(stream, orjson.dumps({"reason": reason}), end_stream=True)


@asynccontextmanager
async def apple(answers: Mapping[str, tuple[int, str]]) -> AsyncIterator[tuple[str, ssl.SSLContext, list[Any]]]:
    authority, heard = trustme.CA(), []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.set_alpn_protocols(["h2"])
    authority.issue_cert("localhost").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Apple(answers, heard), "127.0.0.1", 0, ssl=served)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}", trusting, heard
    finally:
        server.close()


async def test_apples_devices_are_reached_over_one_http2_connection_signed_in_with_our_key() -> None:
    tokens = {name: (name * 64)[:64] for name in "abcdef"}
    answers = {
        tokens["b"]: (410, "Unregistered"),
        tokens["c"]: (403, "InvalidProviderToken"),
        tokens["d"]: (400, "PayloadEmpty"),
        tokens["e"]: (400, "BadDeviceToken"),
        tokens["f"]: (400, "DeviceTokenNotForTopic"),
    }
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with apple(answers) as (url, trusting, heard):
        fetcher = Fetcher(LOCAL, http2=True, context=trusting)
        apns = Apns(ApnsApp("TEAM", "KEY", text, "com.shop.app", url), fetcher)
        provider = PushProvider({"apns": apns})
        got = {}
        for name, token in tokens.items():
            one = outgoing("", Target(token, "ios"), channel="push", fields=FIELDS)
            outcome = await provider.send(one)
            got[name] = (outcome.result, outcome.code, outcome.message_id, outcome.gone_devices)
        assert got == {
            "a": (Result.ACCEPTED, "200", "A-1", ()),
            "b": (Result.REJECTED, "Unregistered", None, (tokens["b"],)),
            "c": (Result.DEFERRED, "login", None, ()),
            "d": (Result.REJECTED, "PayloadEmpty", None, ()),
            "e": (Result.REJECTED, "BadDeviceToken", None, ()),
            "f": (Result.REJECTED, "DeviceTokenNotForTopic", None, ()),
        }
        headers, body = heard[0]
        assert (headers[":path"], headers["apns-topic"]) == (f"/3/device/{tokens['a']}", "com.shop.app")
        bearer = jwt.decode(headers["authorization"].removeprefix("bearer "), ECKey.import_key(key.public_key()))
        assert (bearer.header["kid"], bearer.claims["iss"]) == ("KEY", "TEAM")
        said = orjson.loads(body)
        assert said["aps"] == {"alert": {"title": "Sale", "body": "Hello"}, "badge": 3}
        assert (said["order"], said["link"]) == (7, "https://shop.example/")
        await fetcher.close()


async def test_a_token_that_ran_out_is_made_anew_once_however_many_were_under_way() -> None:
    """Apple refuses who makes tokens too often."""
    tokens = [f"{number:064x}" for number in range(8)]
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with apple(dict.fromkeys(tokens[:4], (403, "ExpiredProviderToken"))) as (url, trusting, heard):
        fetcher = Fetcher(LOCAL, http2=True, context=trusting)
        provider = PushProvider({"apns": Apns(ApnsApp("TEAM", "KEY", text, "com.shop.app", url), fetcher)})
        many = [outgoing("", Target(token, "ios"), channel="push") for token in tokens]
        outcomes = await asyncio.gather(*map(provider.send, many[:4]))
        assert {outcome.code for outcome in outcomes} == {"ExpiredProviderToken"}
        assert {outcome.result for outcome in outcomes} == {Result.DEFERRED}
        for one in many[4:]:
            assert (await provider.send(one)).result is Result.ACCEPTED
        used = [headers["authorization"] for headers, _ in heard]
        assert (len(set(used[:4])), len(set(used[4:])), len(set(used))) == (1, 1, 2)
        await fetcher.close()
