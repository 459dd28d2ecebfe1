"""Automatic persisted queries and trusted documents."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from resolvers.transport import documents
from resolvers.transport.documents import Documents
from tests.transport.conftest import Door, Serve, open_socket

QUERY = "query Q($n: String) { hello(name: $n) }"
HASH = sha256(QUERY.encode()).hexdigest()
VARIABLES = {"n": "you"}
ANSWER = {"data": {"hello": "hello you"}}


def persisted(**more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}, "variables": VARIABLES, **more}


async def test_a_document_is_registered_once_and_then_named(door: Door) -> None:
    unknown = await door.post(persisted())
    assert unknown.status_code == 200
    assert unknown.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    assert (await door.post(persisted(), accept="application/graphql-response+json")).status_code == 400
    assert (await door.post(persisted(query=QUERY))).json() == ANSWER
    assert (await door.post(persisted())).json() == ANSWER
    assert (await door.post({"documentId": f"sha256:{HASH}", "variables": VARIABLES})).json() == ANSWER
    assert (await door.post({"documentId": HASH, "variables": VARIABLES})).json() == ANSWER


async def test_by_get(door: Door) -> None:
    params = {name: orjson.dumps(value).decode() for name, value in persisted().items()}
    unknown = await door.client.get(door.url, params=params)
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    registered = await door.client.get(door.url, params={**params, "query": QUERY})
    assert registered.json() == (await door.client.get(door.url, params=params)).json() == ANSWER


async def test_over_a_websocket(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.send({"id": "1", "type": "subscribe", "payload": persisted()})
        refused = await peer.receive()
        assert (refused["type"], refused["payload"][0]["message"]) == ("error", "PersistedQueryNotFound")
        await peer.send({"id": "2", "type": "subscribe", "payload": persisted(query=QUERY)})
        assert (await peer.receive())["payload"] == ANSWER


async def test_a_mutation_that_is_named_by_get_is_not_allowed(door: Door) -> None:
    mutation = 'mutation { shout(word: "a") }'
    digest = sha256(mutation.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    assert (await door.post({"query": mutation, "extensions": extensions})).json() == {"data": {"shout": "A"}}
    response = await door.client.get(door.url, params={"extensions": orjson.dumps(extensions).decode()})
    assert response.status_code == 405


async def test_a_hash_of_another_document_is_refused_and_not_remembered(door: Door) -> None:
    response = await door.post(persisted(query="{ hello }"))
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_HASH_MISMATCH"
    assert (await door.post(persisted())).json()["errors"][0]["message"] == "PersistedQueryNotFound"


@pytest.mark.parametrize(
    "persisted_query",
    [
        "x",
        {"version": 2, "sha256Hash": HASH},
        {"sha256Hash": HASH},
        {"version": 1},
        {"version": 1, "sha256Hash": HASH.upper()},
        {"version": 1, "sha256Hash": 7},
        {"version": 1, "sha256Hash": HASH[:-1]},
    ],
)
async def test_a_malformed_name_is_a_bad_request(door: Door, persisted_query: Any) -> None:
    response = await door.post({"query": QUERY, "extensions": {"persistedQuery": persisted_query}})
    assert response.status_code == 400


async def test_what_is_remembered_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_REMEMBERED", len(QUERY) - 1)
    assert (await door.post(persisted(query=QUERY))).json() == ANSWER
    assert (await door.post(persisted())).json()["errors"][0]["message"] == "PersistedQueryNotFound"


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    path = tmp_path / "documents.json"
    path.write_bytes(orjson.dumps({HASH: QUERY}))
    return path


async def test_with_trusted_documents_no_other_is_answered(serve: Serve, trusted: Path) -> None:
    door = await serve(trusted_documents=trusted)
    for body in (persisted(), persisted(query=QUERY), {"query": QUERY, "variables": VARIABLES}):
        assert (await door.post(body)).json() == ANSWER
    assert (await door.post({"documentId": f"sha256:{HASH}", "variables": VARIABLES})).json() == ANSWER

    other = {"query": "{ hello }"}
    refused = await door.post(other, accept="application/graphql-response+json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"
    digest = sha256(b"{ hello }").hexdigest()
    registering = {**other, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    for body in (registering, {"documentId": digest}, persisted(query="{ hello }"), {}):
        assert "errors" in (await door.post(body)).json()
    async with open_socket(door) as peer:
        await peer.subscribe("1", "{ hello }")
        assert (await peer.receive())["payload"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"


@pytest.mark.parametrize("content", [b"[]", b'{"a": 1}', b'{"a": "{ hello }"}', b"nonsense"])
def test_a_broken_list_of_trusted_documents_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "documents.json"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        Documents.load(path)
