"""Messages as requests to web servers: signed, the same id however often they are sent, and no header smuggled in."""

import pytest
from standardwebhooks import Webhook

from app.channels import Result
from app.channels.webhook import WebhookProvider, WebhookSettings, new_secret_of
from app.core.fetching import Fetcher
from tests.channels.sending import LOCAL, outgoing
from tests.receiver import answer, receiver

SECRET = new_secret_of(b"0123456789abcdef0123456789abcdef")


async def test_a_request_is_made_as_the_content_says_and_its_signature_verifies() -> None:
    async with receiver(answer(202, b"thanks")) as server:
        provider = WebhookProvider(WebhookSettings(SECRET, headers={"X-Shop": "1"}), Fetcher(LOCAL))
        fields = {"url": f"{server.url}/hook", "method": "put", "headers": {"X-Own": "2", "Content-Type": "text/plain"}}
        for _ in range(2):
            outcome = await provider.send(outgoing("", channel="webhook", body="Zoë", fields=fields))
            assert (outcome.result, outcome.message_id, outcome.detail) == (Result.ACCEPTED, "key-1", "thanks")
        first, second = server.requests
        assert (first.method, first.target, first.body) == ("PUT", "/hook", "Zoë".encode())
        names = ("x-shop", "x-own", "content-type", "webhook-id")
        assert [first.headers[name] for name in names] == ["1", "2", "text/plain", "key-1"]
        assert second.headers["webhook-id"] == "key-1"
        Webhook(SECRET).verify(first.body, dict(first.headers), json_parse=False)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (answer(200, b"x" * 2_000_000), (Result.ACCEPTED, "200", False)),
        (answer(200, b"\x1f\x8b", {"content-encoding": "gzip"}), (Result.ACCEPTED, "200", False)),
        (answer(404), (Result.REJECTED, "404", False)),
        (answer(410), (Result.REJECTED, "410", True)),
        (answer(302, b"", {"location": "http://127.0.0.1/"}), (Result.REJECTED, "302", False)),
        (answer(500), (Result.DEFERRED, "500", False)),
        (answer(429), (Result.DEFERRED, "429", False)),
        (b"", (Result.DEFERRED, "connection", False)),
    ],
)
async def test_what_a_server_says(raw: bytes, expected: tuple[Result, str, bool]) -> None:
    async with receiver(raw) as server:
        provider = WebhookProvider(WebhookSettings(url=server.url), Fetcher(LOCAL))
        outcome = await provider.send(outgoing("", channel="webhook"))
        assert (outcome.result, outcome.code, outcome.address_is_bad) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"X-A": "1\r\nX-B: 2"}},
        {"headers": {"X A": "1"}},
        {"headers": {"Host": "elsewhere.example"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": ["X-A"]},
        {"method": "CONNECT"},
        {"url": "file:///etc/passwd"},
        {"url": "gopher://127.0.0.1/"},
    ],
)
async def test_what_is_no_request_is_rejected_and_nothing_is_sent(fields: dict[str, object]) -> None:
    async with receiver() as server:
        provider = WebhookProvider(WebhookSettings(url=server.url), Fetcher(LOCAL))
        outcome = await provider.send(outgoing("", channel="webhook", fields=fields))
        assert (outcome.result, outcome.code, server.requests) == (Result.REJECTED, "message", [])


async def test_no_webhook_reaches_a_private_address() -> None:
    async with receiver() as server:
        provider = WebhookProvider(
            WebhookSettings(url=server.url), Fetcher(LOCAL.model_copy(update={"allowed_private_hosts": []}))
        )
        outcome = await provider.send(outgoing("", channel="webhook"))
        assert (outcome.result, server.requests) == (Result.DEFERRED, [])
