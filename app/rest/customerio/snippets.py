"""Customer.io ``/v1/snippets``."""

from typing import Any

from app.actions import content
from app.core.access import Scope
from app.core.errors import Conflict, Invalid
from app.rest.customerio.app_wire import app_endpoint
from app.rest.customerio.wire import Sentence, Wire
from app.rest.door import Call, Endpoint, Reply
from models import Snippet as SnippetRow

TAG = "Snippets (App API)"
PORTION = 1000


class SnippetSaid(Wire):
    name: str
    value: str


class Snippet(Wire):
    name: str
    value: str
    updated_at: int


class SnippetShown(Wire):
    snippet: Snippet


class SnippetsShown(Wire):
    snippets: list[Snippet]


class Unprocessable(Wire):
    detail: str
    status: str


class Unprocessables(Wire):
    """There is such a snippet already."""

    errors: list[Unprocessable]
    meta: Sentence


async def list_snippets(call: Call[None, None]) -> SnippetsShown:
    found: list[SnippetRow] = []
    async with call.read() as reading:
        while True:
            portion, total = await content.list_snippets(reading, limit=PORTION, offset=len(found))
            found += portion
            if not portion or len(found) >= total:
                return SnippetsShown(snippets=[_shown(row) for row in found])


async def create_snippet(call: Call[SnippetSaid, None]) -> SnippetShown | Reply:
    try:
        async with call.write() as tx:
            row = await content.create_snippet(tx, name=call.body.name, value=call.body.value)
    except Conflict as known:
        detail = f"name: {known.message}"
        said = Unprocessables(errors=[Unprocessable(detail=detail, status="422")], meta=Sentence(error=detail))
        return Reply(422, said)
    return SnippetShown(snippet=_shown(row))


async def set_snippet(call: Call[SnippetSaid, None]) -> SnippetShown:
    async with call.write() as tx:
        row = await content.set_snippet(tx, name=call.body.name, value=call.body.value)
    return SnippetShown(snippet=_shown(row))


async def delete_snippet(call: Call[None, None]) -> None:
    try:
        async with call.write() as tx:
            row = await content.snippet_named(tx, name=call.path["snippet_name"])
            await content.delete_snippet(tx, snippet_id=row.id)
    except Conflict as used:
        # A snippet that is in use is a 400 in this dialect.
        raise Invalid.at("name", used.message) from None


def _shown(row: SnippetRow) -> Snippet:
    return Snippet(name=row.name, value=row.value, updated_at=int(row.updated_at.timestamp()))


def _app(method: str, path: str, handler: Any, summary: str, scope: Scope, **more: Any) -> Endpoint[Any, Any]:
    return app_endpoint(method, f"/snippets{path}", handler, summary, TAG, scope, **more)


READ, WRITE = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE
ENDPOINTS = (
    _app("GET", "", list_snippets, "List snippets", READ, response=SnippetsShown),
    _app(
        "POST",
        "",
        create_snippet,
        "Create a snippet",
        WRITE,
        body=SnippetSaid,
        response=SnippetShown,
        further={422: Unprocessables},
    ),
    _app("PUT", "", set_snippet, "Create or update a snippet", WRITE, body=SnippetSaid, response=SnippetShown),
    _app(
        "DELETE",
        "/{snippet_name}",
        delete_snippet,
        "Delete a snippet that nothing uses",
        WRITE,
        status=204,
        fields={"name": "snippet_name"},
    ),
)
