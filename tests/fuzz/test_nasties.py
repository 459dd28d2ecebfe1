"""A fixed corpus of what breaks parsers, drivers and databases, in every field of a good request of every endpoint."""

import http.client
import socket
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from app.main import DIALECTS
from app.rest.door.routing import Routes
from tests.doors.samples import SAMPLES, Sample
from tests.fuzz.conformance import assert_conforms
from tests.fuzz.conftest import Effort, Fuzzed
from tests.fuzz.graph_samples import FIELDS, operation
from tests.fuzz.nasties import BODIES, CONTENT_TYPES, NASTY, QUERIES, SEGMENTS, filled, with_each_leaf
from tests.fuzz.world import TENANT, World, strange_ids

JSON_TYPE = "application/json"
LISTS = (
    ("silocdp", "/api/v1/subscribers?"),
    ("silocdp", "/api/v1/segments?"),
    ("customerio", "/v1/segments/2/membership?"),
    ("customerio", "/v1/customers?"),
    ("crm", "/api/v1/segments?tenantId={tenant}&"),
    ("crm", "/api/v1/customers?tenantId={tenant}&"),
    ("parcelvoy", "/api/client/lists?"),
    ("parcelvoy", "/api/client/users?"),
    ("parcelvoy", "/api/client/campaigns?"),
    ("silocdp", "/api/v1/notifications?"),
    ("silocdp", "/api/v1/analytics/trends?"),
    ("crm", "/api/v1/campaigns?tenantId={tenant}&"),
)
TALK = ("conversation", "visitor", "widget", "domain", "canned_response", "file", "user")
SENDS = ("campaign", "experiment", "integration", "delivery")
FIRSTS = ("newsletter", "content", "sender", "hook")
"""The world's first of each has the number 1."""
FEW = 6
"""Query strings are few: so many times more of them are asked for."""
HASHES = ("register", "login", "logIn", "change", "acceptInvitation")
"""What works for a password's hash is asked less often."""


class Wire:
    """One connection to the house, opened again where the house has closed it."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        key: str | None,
        content_type: str = JSON_TYPE,
        tenant: str | None = None,
    ) -> tuple[int, str, bytes]:
        """The status, the content type and the body of the answer."""
        headers = {"content-type": content_type} if content_type else {}
        headers |= {"x-tenant-id": tenant} if tenant else {}
        headers |= {"authorization": f"Bearer {key}"} if key else {}
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine):  # refused before the whole body was read
            self._connection.close()
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        return response.status, response.headers.get("content-type", ""), response.read()


def ids_of(world: World) -> dict[str, str]:
    people = world.ids["customer"]
    first, other = people[8], people[9]
    token = f"{world.mark}-device-8"
    ids = {"customer": first, "cio": first.split("_")[1], "other": other.split("_")[1], "token": token}
    number = "999999" if world.mark == TENANT else "2"  # every tenant has numbers of its own
    firsts = {noun: world.ids[noun][0] for noun in ("segment", "tenant", *TALK, *SENDS)}
    firsts |= dict(zip(("running", "paused"), world.ids["campaign"][1:3], strict=True))
    firsts |= {"site": firsts["domain"], "welcome": number}
    firsts |= dict.fromkeys(FIRSTS, "1") | {"broadcast": "4", "snippet": world.mark}
    if world.mark == TENANT:
        firsts |= dict.fromkeys((*FIRSTS, "broadcast", "snippet"), number)
    return ids | firsts | {"number": number, "contact": first.replace("cust_", "con_")}


def sample(name: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.id == name)


def every(requests: Iterable[Any], name: str, effort: Effort) -> list[Any]:
    """The share of the corpus that is asked for: another one for each name, always the same."""
    stride = effort.stride * (7 if any(word in name for word in HASHES) else 1)
    return list(requests)[sum(name.encode()) % stride :: stride]


@pytest.fixture
def wire(fuzzed: Fuzzed) -> Wire:
    return Wire(fuzzed.url)


def _judge(fuzzed: Fuzzed, wire: Wire, door: str, method: str, path: str, body: bytes, **more: Any) -> int:
    key = more.pop("key", fuzzed.own.key)
    tenant = fuzzed.own.ids["tenant"][0] if door == "silentchat" else None
    status, media_type, answer = wire.send(method, f"/{door}{path}", body, key, tenant=tenant, **more)
    fuzzed.verdict.of_door(door, _documented(door, method, path), status, media_type, answer)
    return status


def _documented(door: str, method: str, path: str) -> str:
    """The operation that the document has for this path; empty where it has none."""
    (dialect,) = (dialect for dialect in DIALECTS if dialect.name == door)
    try:
        endpoint, _ = Routes(dialect.endpoints).find(method, path.split("?", 1)[0].encode())
    except Exception:
        return ""
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("name", [sample.id for sample in SAMPLES])
def test_nasty_fields_of_every_endpoint(name: str, fuzzed: Fuzzed, wire: Wire, effort: Effort) -> None:
    good = sample(name)
    path, body = good.filled(**ids_of(fuzzed.own))
    if body is not None:
        pairs = [(opened, nasty) for opened in with_each_leaf(body) for nasty in NASTY]
        for opened, nasty in every(pairs, name, effort):
            _judge(fuzzed, wire, good.dialect.name, good.method, path, filled(opened, nasty))
    for whole in every(BODIES, name, effort):
        _judge(fuzzed, wire, good.dialect.name, good.method, path, whole)
    for content_type in every(CONTENT_TYPES, name, effort):
        text = orjson.dumps(body if body is not None else {})
        wire.send(good.method, f"/{good.dialect.name}{path}", text, fuzzed.own.key, content_type)
        _judge(fuzzed, wire, good.dialect.name, good.method, path, text, content_type=content_type)


@pytest.mark.parametrize("name", [sample.id for sample in SAMPLES if "{" in sample.template])
def test_nasty_paths_of_every_endpoint(name: str, fuzzed: Fuzzed, wire: Wire, effort: Effort) -> None:
    good = sample(name)
    body = orjson.dumps(good.filled(**ids_of(fuzzed.own))[1])
    segments = [*SEGMENTS, *strange_ids(), *fuzzed.own.public_ids[::9], *fuzzed.foreign.public_ids[::9]]
    parts = good.template.split("/")
    open_places = [place for place, part in enumerate(parts) if part.startswith("{")]
    paths = ["/".join([*parts[:p], segment, *parts[p + 1 :]]) for p in open_places for segment in segments]
    for path in every(paths, name, effort):
        for name in ("{identifier}", "{segment_id}"):
            path = path.replace(name, "5")
        _judge(fuzzed, wire, good.dialect.name, good.method, path, body)


@pytest.mark.parametrize("name", [sample.id for sample in SAMPLES if sample.addresses])
def test_ids_of_another_tenant_do_nothing(name: str, fuzzed: Fuzzed, wire: Wire) -> None:
    good = sample(name)
    path, body = good.filled(**ids_of(fuzzed.foreign))
    status = _judge(fuzzed, wire, good.dialect.name, good.method, path, orjson.dumps(body))
    assert status == 404


@pytest.mark.parametrize(("door", "path"), LISTS)
def test_nasty_query_strings(door: str, path: str, fuzzed: Fuzzed, wire: Wire, effort: Effort) -> None:
    some = replace(effort, stride=max(1, effort.stride // FEW))
    for query in every(QUERIES, path, some):
        _judge(fuzzed, wire, door, "GET", path.format(tenant=fuzzed.own.ids["tenant"][0]) + query, b"")


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_nasty_variables_of_the_graph(kind: str, name: str, fuzzed: Fuzzed, wire: Wire, effort: Effort) -> None:
    document, variables = operation(kind, name, fuzzed.own)
    request = {"query": document, "variables": variables}
    status, _, answer = wire.send("POST", "/graphql", orjson.dumps(request), fuzzed.own.token)
    assert status == 200, answer
    assert b"BAD_REQUEST" not in answer, answer
    opened = [text for text in with_each_leaf(request) if b'"query":%b' not in text and text != b"%b"]
    for text, nasty in every([(text, nasty) for text in opened for nasty in NASTY], name, effort):
        key = fuzzed.own.key if kind == "query" or "Customer" in name or "track" in name else fuzzed.own.token
        status, media_type, body = wire.send("POST", "/graphql", filled(text, nasty), key)
        told = fuzzed.verdict.of_graph(f"{kind} {name}", status, media_type, body)
        if told.get("data") and not told.get("errors"):
            assert_conforms(document, orjson.loads(filled(text, nasty))["variables"] or {}, told["data"])


def test_nasty_bodies_of_the_graph(fuzzed: Fuzzed, wire: Wire) -> None:
    for body in [*BODIES, *NASTY]:
        for content_type in (JSON_TYPE, "text/plain"):
            answer = wire.send("POST", "/graphql", body, fuzzed.own.key, content_type)
            fuzzed.verdict.of_graph("bodies", *answer)


RAW = (
    b"GET /silocdp/../graphql HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //silocdp//api/v1/subscribers HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /silocdp/api/v1/subscribers\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /customerio/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://evil/silocdp/api/v1/subscribers HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE /silocdp/api/v1/subscribers HTTP/1.1\r\nHost: x\r\n\r\n",
    b"FOO /customerio/api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /graphql?query=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /graphql?query={__typename}&variables=[ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /graphql?query=%7B__typename%7D&variables=%22 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /silocdp/api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n b\r\n\r\n",
    b"GET /silocdp/api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /customerio/api/v1/accounts/region HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xe9=\r\n\r\n",
    b"GET /customerio/api/v1/accounts/region HTTP/1.1\r\nHost: \xff\r\nAuthorization: Basic Og==\r\n\r\n",
    b"GET /silocdp/api/v1/auth/me HTTP/1.1\r\nHost: x\r\nX-Api-Key: rpt_\x01\r\nX-Request-Id: a\rb\r\n\r\n",
    b"POST /silocdp/api/v1/events/track HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /silocdp/api/v1/events/track HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999999\r\n\r\n{}",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00",
)


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_nasty_bytes(raw: bytes, fuzzed: Fuzzed) -> None:
    """Whatever is no request is refused by whoever sees it first, and the house goes on."""
    host, port = urlsplit(fuzzed.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert not answer or (answer.startswith(b"HTTP/1.1 ") and answer[9:10] in b"234"), answer
    assert fuzzed.own.graph("{ __typename }") == {"__typename": "Query"}
