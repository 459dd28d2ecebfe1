"""SilentChat ``/canned-responses``: ready answers. SilentChat knows one text of each, Rapport one in every language."""

from collections.abc import Mapping

from pydantic import Field

from app.actions.conversations import canned_responses
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.tx import Tx
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Required, Window, Wire, moment
from models import CannedResponse as CannedResponseRow

TAG = "Canned responses"
LANGUAGE = "en"
"""Of a text whose language is not said, and of the one that is shown, where there is one."""
FIELDS = {"canned_response_id": "id", "texts": "text"}


class CannedQuery(Window):
    search: str | None = Field(None, description="Part of a shortcut or a title.")


class NewCannedResponse(Wire):
    shortcut: str | None = Field(None, description="What an agent types after `/`. Default: made from the text.")
    text: Required
    title: str = ""
    language: str = LANGUAGE


class CannedResponseChanges(Wire):
    """What is left out stays as it is; `text` is that of `language`, and the other languages stay."""

    shortcut: Required | None = None
    text: Required | None = None
    title: str | None = None
    language: str | None = Field(None, description="Default: the language of `text` as it is shown.")


class CannedResponse(Wire):
    id: str
    shortcut: str
    text: str = Field(description="The English one, or else that of the first of its languages by name.")
    title: str
    texts: dict[str, str] = Field(description="By language.")
    created_at: str | None
    updated_at: str | None


async def list_canned_responses(call: Call[None, CannedQuery]) -> Listed[CannedResponse]:
    query = call.query
    async with call.read() as reading:
        rows, total = await canned_responses.list_canned_responses(
            reading, search=query.search, limit=query.limit, offset=query.offset
        )
    return query.listed([_shown(row) for row in rows], total)


async def create_canned_response(call: Call[NewCannedResponse, None]) -> CannedResponse:
    body = call.body
    async with call.write() as tx:
        return _shown(
            await canned_responses.create_canned_response(
                tx, texts={body.language: body.text}, shortcut=body.shortcut, title=body.title
            )
        )


async def update_canned_response(call: Call[CannedResponseChanges, None]) -> CannedResponse:
    body, key = call.body, parse_id("canned_response", call.path["id"])
    async with call.write() as tx:
        texts = await _texts(tx, call) if body.text is not None else None
        return _shown(
            await canned_responses.update_canned_response(
                tx, canned_response_id=key, shortcut=body.shortcut, title=body.title, texts=texts
            )
        )


async def delete_canned_response(call: Call[None, None]) -> None:
    async with call.write() as tx:
        key = parse_id("canned_response", call.path["id"])
        await canned_responses.delete_canned_response(tx, canned_response_id=key)


async def _texts(tx: Tx, call: Call[CannedResponseChanges, None]) -> dict[str, str]:
    key = parse_id("canned_response", call.path["id"])
    have = (await canned_responses.get_canned_response(tx, canned_response_id=key)).texts
    return {**have, call.body.language or _shown_language(have): call.body.text or ""}


def _shown_language(texts: Mapping[str, str]) -> str:
    """Which text stands for all of them: the English one, else that of the first language by name."""
    return LANGUAGE if LANGUAGE in texts else min(texts)


def _shown(row: CannedResponseRow) -> CannedResponse:
    return CannedResponse(
        id=public_id("canned_response", row.id),
        shortcut=row.shortcut,
        text=row.texts[_shown_language(row.texts)],
        title=row.title,
        texts=row.texts,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


READ, WRITE = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/canned-responses",
        handler=list_canned_responses,
        tag=TAG,
        summary="List canned responses",
        scope=READ,
        query=CannedQuery,
        response=Listed[CannedResponse],
    ),
    Endpoint(
        method="POST",
        path="/v1/canned-responses",
        handler=create_canned_response,
        tag=TAG,
        summary="Create a canned response",
        scope=WRITE,
        body=NewCannedResponse,
        response=CannedResponse,
        status=201,
        fields=FIELDS,
    ),
    Endpoint(
        method="PATCH",
        path="/v1/canned-responses/{id}",
        handler=update_canned_response,
        tag=TAG,
        summary="Update a canned response",
        scope=WRITE,
        body=CannedResponseChanges,
        response=CannedResponse,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/canned-responses/{id}",
        handler=delete_canned_response,
        tag=TAG,
        summary="Delete a canned response",
        scope=WRITE,
        status=204,
        fields=FIELDS,
    ),
)
