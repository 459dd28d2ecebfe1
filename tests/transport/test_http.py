"""GraphQL over HTTP: which request gets which status, media type and body."""

from typing import Any

import orjson
import pytest

from tests.transport.conftest import Door, Serve

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
UTF8 = "; charset=utf-8"
HELLO = {"query": "{ hello }"}


async def test_a_query_is_answered(door: Door) -> None:
    response = await door.post(HELLO)
    assert response.status_code == 200
    assert response.headers["content-type"] == JSON + UTF8
    assert response.json() == {"data": {"hello": "hello world"}}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", JSON),
        (f"{JSON};q=0.5, {RESPONSE};q=0.9", RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"{RESPONSE};charset=latin1, {JSON}", JSON),
        (f"{RESPONSE};q=0, */*;q=0.1", JSON),
        (f"{RESPONSE}, {JSON}, text/event-stream, multipart/mixed", RESPONSE),
    ],
)
async def test_the_media_type_is_negotiated(door: Door, accept: str, content_type: str) -> None:
    response = await door.post(HELLO, accept=accept)
    assert (response.status_code, response.headers["content-type"]) == (200, content_type + UTF8)
    assert response.json()["data"] == {"hello": "hello world"}


async def test_a_media_type_that_we_do_not_speak_is_not_acceptable(door: Door) -> None:
    response = await door.post(HELLO, accept="application/xml")
    assert response.status_code == 406
    assert response.headers["content-type"] == JSON + UTF8
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 200),
        ("Application/JSON; Charset=UTF-8", 200),
        ("application/json; charset=utf-16", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("application/graphql", 415),
        ("", 415),
    ],
)
async def test_only_json_bodies_are_read(door: Door, content_type: str, status: int) -> None:
    assert (await door.post(HELLO, content_type=content_type)).status_code == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON"),
        (b"{", "The body is not JSON"),
        (b"\xff\xfe", "The body is not JSON"),
        (b"[" * 5000, "The body is not JSON"),
        (b"null", "The request must be a JSON object."),
        (b'"x"', "The request must be a JSON object."),
        ([HELLO, HELLO], "Batches are not supported: send one request per operation."),
        ({}, "`query` is missing."),
        ({"query": None}, "`query` is missing."),
        ({"query": 1}, "`query` must be a string."),
        ({**HELLO, "variables": []}, "`variables` must be an object."),
        ({**HELLO, "variables": "{}"}, "`variables` must be an object."),
        ({**HELLO, "operationName": 0}, "`operationName` must be a string."),
        ({**HELLO, "extensions": "x"}, "`extensions` must be an object."),
        ({**HELLO, "documentId": 5}, "`documentId` must be a string."),
    ],
)
@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_request_that_is_not_well_formed_is_a_bad_request(
    door: Door, body: Any, message: str, accept: str
) -> None:
    response = await door.post(body, accept=accept)
    assert response.status_code == 400
    assert response.headers["content-type"] == accept + UTF8
    (error,) = response.json()["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": ""},
        {"query": "{ unknown }"},
        {"query": "query A { hello }", "operationName": "B"},
        {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": None}},
        {"query": "subscription { count(to: 3) }"},
    ],
)
async def test_a_refused_document_is_200_for_legacy_clients_and_400_for_the_others(
    door: Door, body: dict[str, Any]
) -> None:
    legacy, modern = await door.post(body, accept=JSON), await door.post(body, accept=RESPONSE)
    assert (legacy.status_code, modern.status_code) == (200, 400)
    assert legacy.json() == modern.json()
    assert set(legacy.json()) == {"errors"}


async def test_an_answer_with_errors_beside_its_data_is_a_partial_success(door: Door) -> None:
    legacy = await door.post({"query": "{ hello broken }"}, accept=JSON)
    modern = await door.post({"query": "{ hello broken }"}, accept=RESPONSE)
    assert (legacy.status_code, modern.status_code) == (200, 294)
    assert modern.json()["data"] == {"hello": "hello world", "broken": None}


async def test_null_is_as_good_as_nothing(door: Door) -> None:
    body = {**HELLO, "variables": None, "operationName": None, "extensions": None, "more": 1}
    assert (await door.post(body)).json() == {"data": {"hello": "hello world"}}


async def test_get_answers_queries(door: Door) -> None:
    params = {
        "query": "query Q($n: String!) { hello(name: $n) } query R { hello }",
        "variables": '{"n": "Zoë & co"}',
        "operationName": "Q",
        "extensions": "",
    }
    response = await door.client.get(door.url, params=params, headers=door.headers)
    assert response.status_code == 200
    assert response.json() == {"data": {"hello": "hello Zoë & co"}}
    named = await door.client.get(door.url, params={"query": "query null { hello }", "operationName": "null"})
    assert named.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "`query` is missing."),
        ({"query": "{ hello }", "variables": "{"}, "`variables` is not JSON"),
        ({"query": "{ hello }", "variables": "[1]"}, "`variables` must be an object."),
        ({"query": "{ hello }", "extensions": "1"}, "`extensions` must be an object."),
    ],
)
async def test_a_get_that_is_not_well_formed_is_a_bad_request(door: Door, params: dict[str, str], message: str) -> None:
    response = await door.client.get(door.url, params=params)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize("query", ["%ff", "query=%C3%28", "&".join("a=1" for _ in range(60))])
async def test_a_query_string_that_cannot_be_decoded_is_a_bad_request(door: Door, query: str) -> None:
    response = await door.client.get(f"{door.url}?{query}")
    assert response.status_code == 400


@pytest.mark.parametrize("accept", [JSON, RESPONSE, "text/event-stream"])
async def test_a_mutation_by_get_is_not_allowed(door: Door, accept: str) -> None:
    params = {"query": 'mutation { shout(word: "a") }'}
    response = await door.client.get(door.url, params=params, headers={**door.headers, "accept": accept})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["errors"][0]["message"] == "Mutations must be sent by POST."


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(door: Door, method: str) -> None:
    response = await door.client.request(method, door.url)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_a_body_is_capped_whether_its_length_is_told_or_not(door: Door) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 32768

    headers = {**door.headers, "content-type": JSON}
    told = await door.client.post(door.url, content=b" " * (1024 * 1024 + 1), headers=headers)
    untold = await door.client.post(door.url, content=chunks(), headers=headers)
    assert (told.status_code, untold.status_code) == (413, 413)
    padded = orjson.dumps(HELLO) + b" " * (1024 * 1024 - 100)
    assert (await door.post(padded)).status_code == 200


async def test_nobody_is_the_public(door: Door) -> None:
    response = await door.client.post(door.url, json={"query": "{ caller }"})
    assert response.json() == {"data": {"caller": "public"}}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic !!"},
        {"authorization": "Digest x"},
        {"authorization": "Bearer"},
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
    ],
)
@pytest.mark.parametrize("accept", [JSON, RESPONSE, "text/event-stream"])
async def test_a_wrong_credential_is_unauthenticated(door: Door, headers: dict[str, str], accept: str) -> None:
    response = await door.client.post(door.url, json=HELLO, headers={**headers, "accept": accept})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="rapport"'
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_request_ids_go_in_and_out(door: Door) -> None:
    body = {"query": "{ requestId }"}
    given = await door.post(body, x_request_id="abc-1.2:3")
    assert given.headers["x-request-id"] == "abc-1.2:3"
    assert given.json()["data"]["requestId"] == "abc-1.2:3"
    for insane in ("a b", "x" * 65, "<script>", ""):
        made = await door.post(body, x_request_id=insane)
        assert made.headers["x-request-id"] == made.json()["data"]["requestId"] != insane
        assert len(made.headers["x-request-id"]) == 32


async def test_the_plan_limits_the_caller_and_says_how_much_is_left(serve: Serve) -> None:
    door = await serve(rate_limits=True)
    responses = [await door.post(HELLO) for _ in range(12)]
    assert [response.status_code for response in responses] == [200] * 10 + [429] * 2
    assert [response.headers["x-ratelimit-remaining"] for response in responses[:3]] == ["9", "8", "7"]
    assert {response.headers["x-ratelimit-limit"] for response in responses} == {"60"}
    refused = responses[-1]
    assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "1"
    assert int(refused.headers["x-ratelimit-reset"]) > 0
    assert (await door.client.post(door.url, json=HELLO)).status_code == 200, "others are not charged"


async def test_guessing_credentials_is_charged_to_the_address(serve: Serve) -> None:
    door = await serve(rate_limits=True)
    statuses = [(await door.post(HELLO, authorization="Bearer wrong")).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert (await door.post(HELLO)).status_code == 200


@pytest.mark.parametrize(("word", "status", "code"), [("crash", 500, "INTERNAL"), ("overloaded", 503, "OVERLOADED")])
async def test_a_failing_engine_is_told_without_details(door: Door, word: str, status: int, code: str) -> None:
    response = await door.post({"query": f"{{ {word} }}"})
    assert response.status_code == status
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == code
    assert "bug" not in error["message"]


async def test_a_rate_limit_of_the_engine_says_when_to_come_back(door: Door) -> None:
    response = await door.post({"query": "{ limited }"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_allowed_origins_may_call_from_browsers(serve: Serve) -> None:
    door = await serve(allowed_origins=["https://shop.example"])
    preflight = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    response = await door.client.options(door.url, headers=preflight)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    response = await door.post(HELLO, origin="https://shop.example")
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in response.headers
    foreign = await door.post(HELLO, origin="https://evil.example")
    assert "access-control-allow-origin" not in foreign.headers
