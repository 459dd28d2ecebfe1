"""The doors against the list of the old APIs' endpoints, and each dialect against itself."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from openapi_pydantic.v3.v3_1 import OpenAPI

from app.core.access import Scope
from app.core.errors import FileTooLarge, Forbidden, Invalid, Issue, NotFound, RapportError, RateLimited
from app.main import DIALECTS
from app.rest.door import BodyTooLarge, Dialect, InternalError, MethodNotAllowed, UnknownPath
from app.rest.door.document import openapi_document
from app.rest.door.page import reference_page

CONTRACTS = orjson.loads((Path(__file__).parents[1] / "contracts" / "endpoints.json").read_bytes())
NAMES = {
    "silocdp": {"silocdp"},
    "customerio": {"customerio-track", "customerio"},
    "crm": {"crm"},
    "parcelvoy": {"parcelvoy"},
    "silentchat": {"silentchat"},
}
"""What the list calls each of our dialects."""

LATER = {
    ("silocdp", "Journeys"),
    ("silocdp", "Billing"),
    ("customerio-track", "/api/v1/push/events"),
    ("customerio-track", "/api/v1/metrics"),
    ("customerio-track", "/api/v1/forms/{}/submit"),
    ("customerio-track", "/unsubscribe/{}"),
    ("customerio", "Exports"),
    ("customerio", "Objects"),
    ("customerio", "Imports"),
    ("customerio", "/v1/exports"),
    ("crm", "/api/v1/customers POST"),
    ("crm", "/api/v1/customers/{}"),
    ("crm", "/api/v1/customers/{}/merge"),
    ("crm", "/api/v1/customers/resolve"),
    ("crm", "/api/v1/customers/{}/activities"),
    ("crm", "/api/v1/customers/{}/notes"),
    ("crm", "Journeys"),
    ("crm", "Social"),
    ("crm", "Promotions"),
    ("crm", "Analytics"),
    ("crm", "GraphQL"),
    ("silentchat", "Billing"),
    ("parcelvoy", "/api/client/journeys"),
    ("parcelvoy", "/api/client/journeys/{}/trigger"),
}
"""Groups, paths, and methods of a path that are not served yet. Whoever serves one takes it out here."""

OWN = ("app.rest.door.",)
OTHERWISE: dict[str, dict[type[RapportError], int]] = {
    "parcelvoy": {Invalid: 422},
    "silentchat": {FileTooLarge: 400},
}
"""Statuses that a dialect is known for."""

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def anonymous(path: str) -> str:
    """A path without its query and the names of its parameters, of which every list has its own."""
    return re.sub(r"\{\w+\}|:\w+", "{}", path.partition("?")[0])


def listed(dialect: Dialect) -> Iterator[tuple[str, str, int]]:
    for row in CONTRACTS:
        name, path = row["dialect"], anonymous(row["path"])
        ways_to_say = {(name, row["group"]), (name, path), (name, f"{path} {row['method']}")}
        if name in NAMES[dialect.name] and not ways_to_say & LATER:
            yield row["method"], path, row["status"]


@each_dialect
def test_the_routes_are_exactly_those_of_the_list(dialect: Dialect) -> None:
    served = [(endpoint.method, anonymous(endpoint.path), endpoint.status) for endpoint in dialect.endpoints]
    assert sorted(served) == sorted(set(listed(dialect)))
    assert len(served) == {"silocdp": 49, "customerio": 66, "crm": 19, "parcelvoy": 11, "silentchat": 40}[dialect.name]


def every_error(dialect: Dialect, kind: type[RapportError] = RapportError) -> Iterator[type[RapportError]]:
    """What can be refused by anybody, and by the dialect itself. Of templates, what is wrong is invalid."""
    own = kind.__module__.startswith((*OWN, f"app.rest.{dialect.name}."))
    if own or not kind.__module__.startswith(("app.rest.", "app.templates.")):
        yield kind
    for narrower in kind.__subclasses__():
        yield from every_error(dialect, narrower)


@each_dialect
def test_every_error_has_words_of_its_own(dialect: Dialect) -> None:
    assert set(every_error(dialect)) == set(dialect.words)
    assert all(400 <= words.status <= 599 and words.reason for words in dialect.words.values())


@each_dialect
def test_statuses_mean_the_same_in_every_dialect(dialect: Dialect) -> None:
    meant = {kind: words.status for kind, words in DIALECTS[0].words.items()} | OTHERWISE.get(dialect.name, {})
    assert {kind: words.status for kind, words in dialect.words.items() if kind in meant} == meant


@each_dialect
@pytest.mark.parametrize(
    "error",
    [
        Invalid(Issue("a", "x"), Issue("attributes.b", "y")),
        NotFound("customer"),
        Forbidden("no", Scope.AUDIT_READ),
        RateLimited(3),
        UnknownPath(),
        MethodNotAllowed(["GET"]),
        BodyTooLarge(5),
        InternalError("id"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_refusals_have_the_form_that_the_document_says(dialect: Dialect, error: RapportError) -> None:
    for endpoint in dialect.endpoints:
        model = endpoint.error_model or dialect.error_model
        form = endpoint.error_form or dialect.error_form
        body = form(dialect.refusal(error, endpoint))
        assert model.model_validate(body, strict=True).model_dump(by_alias=True) == body


@each_dialect
def test_the_document_is_openapi_and_complete(dialect: Dialect) -> None:
    document = openapi_document(dialect, "/root")
    OpenAPI.model_validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/root"}]
    operations = {(method, path) for path, item in document["paths"].items() for method in item}
    assert operations == {(endpoint.method.lower(), endpoint.path) for endpoint in dialect.endpoints}
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert references(document) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {value["$ref"]} if "$ref" in value else set().union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@each_dialect
def test_the_page_shows_every_endpoint_without_a_script(dialect: Dialect) -> None:
    tags = Tags(reference_page(openapi_document(dialect, "/root"))).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    anchors = {f"#{attributes['id']}" for tag, attributes in tags if tag == "article"}
    assert len(anchors) == len(dialect.endpoints)
    assert {attributes["href"] for tag, attributes in tags if tag == "a"} == anchors | {"openapi.json"}


@each_dialect
async def test_the_document_and_the_page_are_served(dialect: Dialect, client: httpx2.AsyncClient) -> None:
    document = await client.get(f"/{dialect.name}/openapi.json")
    assert document.headers["content-type"] == "application/json; charset=utf-8"
    assert document.json() == openapi_document(dialect, f"/{dialect.name}")
    page = await client.get(f"/{dialect.name}", follow_redirects=True)
    assert (page.status_code, str(page.url)) == (200, f"http://rapport.test/{dialect.name}/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
