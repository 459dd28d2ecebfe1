"""What a door does before and after any handler: paths, methods, bodies, ids of requests, failures."""

import asyncio
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from app.core.errors import Overloaded
from app.main import build_app
from app.rest.door.declaration import BODY_LIMIT
from app.rest.door.routing import Routes
from app.rest.silocdp import DIALECT as SILOCDP
from app.runtime import Runtime
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

SUBSCRIBERS, PEOPLE = "/silocdp/api/v1/subscribers", "/customerio/api/v1/customers"


async def test_an_unknown_path_is_refused_in_the_dialects_envelope(client: httpx2.AsyncClient) -> None:
    for path in (
        "/api/v1/nothing",
        "/api/v1/subscribers/",
        "/api/v1//subscribers",
        "/api/v1/subscribers/a/b",
        "//",
        "/x",
    ):
        response = await client.get(f"/silocdp{path}")
        assert response.status_code == 404, path
        assert response.json() == {"errors": ["There is nothing at this path."], "success": False}
    response = await client.put("/customerio/api/v1/customers/", json={})
    assert response.status_code == 404
    assert response.json() == {"meta": {"errors": ["There is nothing at this path."]}}


async def test_a_wrong_method_is_told_the_right_ones(client: httpx2.AsyncClient) -> None:
    response = await client.patch(SUBSCRIBERS)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert response.json() == {"errors": ["This path answers GET, HEAD, OPTIONS, POST."], "success": False}
    response = await client.get(f"{PEOPLE}/5")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, OPTIONS, PUT")
    assert response.json() == {"meta": {"errors": ["This path answers DELETE, OPTIONS, PUT."]}}


async def test_options_and_head_are_answered(client: httpx2.AsyncClient, key: str) -> None:
    options = await client.options(SUBSCRIBERS)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert (await client.options("/silocdp/nothing")).status_code == 404
    headers = {"x-api-key": key}
    get = await client.get(SUBSCRIBERS, headers=headers)
    head = await client.head(SUBSCRIBERS, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_literal_comes_before_a_parameter() -> None:
    one, other, deep = (
        SILOCDP.endpoints[0].__class__(
            method="GET", path=path, handler=SILOCDP.endpoints[0].handler, tag="", summary=""
        )
        for path in ("/a/{id}", "/a/fixed", "/a/{id}/fixed")
    )
    routes = Routes([one, other, deep])
    assert routes.find("GET", b"/a/fixed") == (other, {})
    assert routes.find("GET", b"/a/fix%65d") == (other, {})
    assert routes.find("GET", b"/a/x%2Ffixed") == (one, {"id": "x/fixed"})
    assert routes.find("GET", b"/a/fixed/fixed") == (deep, {"id": "fixed"})


BROKEN = [
    (b"{", "body: is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
    (b"\xff{}", None),
    (b'{"email": "\xff"}', None),
    (b'{"email": "\\ud800"}', None),
    (b'{"a": NaN}', None),
    (b'{"a": 1e999}', None),
    (b"[" * 2000, None),
    (b"{}{}", None),
    (b"5", "body: must be a JSON object"),
    (b"null", "body: must be a JSON object"),
    (b'{"attributes": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}", "attributes: is nested deeper than 100 levels"),
    (b'{"a\\u0000": 1}', "body: has a NUL character in a name"),
    (b'{"email": ["\\u0000"]}', "email.0: holds a NUL character"),
]


async def test_a_body_that_is_no_json_object_is_refused(
    client: httpx2.AsyncClient, key: str, tenant: TenantAccount, contents: ReadAll
) -> None:
    before = await contents(tenant)
    for path, method in ((SUBSCRIBERS, "POST"), (f"{PEOPLE}/5", "PUT"), ("/customerio/api/v2/batch", "POST")):
        for body, sentence in BROKEN:
            response = await client.request(method, path, content=body, headers={"x-api-key": key})
            assert response.status_code == 400, body[:40]
            if path == SUBSCRIBERS:
                (error,) = response.json()["errors"]
                assert error == sentence or (sentence is None and error.startswith("body: is not JSON: "))
    assert await contents(tenant) == before


async def test_an_escaped_backslash_before_u0000_is_no_nul(silocdp: Send) -> None:
    response = await silocdp("POST", "/subscribers", {"externalId": "u", "attributes": {"a": "\\u0000"}})
    assert response.status_code == 200


async def test_an_empty_body_is_an_empty_object(client: httpx2.AsyncClient, key: str) -> None:
    response = await client.put(f"{PEOPLE}/5", headers={"x-api-key": key, "content-type": "application/json"})
    assert (response.status_code, response.text) == (200, "{}\n")


async def test_a_body_is_at_most_a_mebibyte(client: httpx2.AsyncClient, key: str) -> None:
    headers = {"x-api-key": key}
    filling = b'{"externalId": "u"}'
    fits = await client.post(SUBSCRIBERS, content=filling.ljust(BODY_LIMIT), headers=headers)
    assert fits.status_code == 200
    declared = await client.post(SUBSCRIBERS, content=filling.ljust(BODY_LIMIT + 1), headers=headers)

    async def pieces() -> Any:
        for _ in range(BODY_LIMIT // 65536 + 1):
            yield b" " * 65536

    streamed = await client.post(SUBSCRIBERS, content=pieces(), headers=headers)
    for response in (declared, streamed):
        assert response.status_code == 413
        assert response.json() == {"errors": [f"body: is longer than {BODY_LIMIT} bytes"], "success": False}
    track = await client.post(f"{PEOPLE}/5/events", content=b" " * (BODY_LIMIT + 1), headers=headers)
    assert (track.status_code, track.json()) == (
        413,
        {"meta": {"errors": [f"body: is longer than {BODY_LIMIT} bytes"]}},
    )


async def test_a_request_id_is_taken_over_or_made(client: httpx2.AsyncClient) -> None:
    given = await client.get(SUBSCRIBERS, headers={"x-request-id": "abc-1.2:3_4"})
    assert given.headers["x-request-id"] == "abc-1.2:3_4"
    for bad in ("", "a b", "x" * 65, "é"):
        made = await client.get(SUBSCRIBERS, headers={"x-request-id": bad.encode()})
        assert len(made.headers["x-request-id"]) == 16
        assert made.headers["x-request-id"].isalnum()


async def test_a_defect_is_logged_and_not_shown(
    client: httpx2.AsyncClient, silocdp: Send, track: Send, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defect(*_: Any) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr(runtime.ingest, "identify", defect)
    text = "Something went wrong on our side. Please quote the request id r-1."
    with capture_logs() as lines:
        first = await silocdp("POST", "/subscribers", {"externalId": "u"}, headers={"x-request-id": "r-1"})
        second = await track("PUT", "/api/v1/customers/5", {}, headers={"x-request-id": "r-1"})
    assert (first.status_code, first.json()) == (500, {"errors": [text], "success": False})
    assert (second.status_code, second.json()) == (500, {"meta": {"errors": [text]}})
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert [(line["event"], line["log_level"]) for line in lines] == [("a request failed", "error")] * 2
    assert [line["exc_info"] for line in lines] == [True, True]


async def test_a_full_server_says_when_to_come_back(
    silocdp: Send, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise Overloaded("Too much is waiting.")

    monkeypatch.setattr(runtime.ingest, "identify", full)
    response = await silocdp("POST", "/subscribers", {"externalId": "u"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"errors": ["Too much is waiting."], "success": False}


async def test_a_client_that_leaves_is_not_answered(runtime: Runtime, key: str) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": SUBSCRIBERS,
        "raw_path": SUBSCRIBERS.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"x-api-key", key.encode())],
        "client": None,
    }
    await build_app(runtime)(scope, receive, send)
    assert sent == []


async def test_every_response_of_silocdp_has_the_three_headers(client: httpx2.AsyncClient, key: str) -> None:
    for method, path, headers in (
        ("GET", "/subscribers", {"x-api-key": key}),
        ("GET", "/subscribers", {}),
        ("GET", "/subscribers", {"x-api-key": "wrong"}),
        ("GET", "/nothing", {"x-api-key": key}),
        ("PATCH", "/subscribers", {"x-api-key": key}),
        ("OPTIONS", "/subscribers", {}),
        ("HEAD", "/subscribers", {"x-api-key": key}),
        ("POST", "/subscribers", {"x-api-key": key}),
        ("POST", "/auth/login", {}),
    ):
        response = await client.request(method, f"/silocdp/api/v1{path}", headers=headers)
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(response.headers), path


async def test_a_callers_requests_are_counted_through_all_paths(client: httpx2.AsyncClient, key: str) -> None:
    headers = {"x-api-key": key}
    burst = await asyncio.gather(*(client.get(SUBSCRIBERS, headers=headers) for _ in range(5)))
    left = sorted(int(response.headers["x-ratelimit-remaining"]) for response in burst)
    assert left[0] < left[-1] <= 499
    assert {response.headers["x-ratelimit-limit"] for response in burst} == {"5000"}
