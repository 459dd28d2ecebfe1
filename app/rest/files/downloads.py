"""``GET /files/{id}/{name}?token=``: a file, to whoever has a link that has not run out."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.actions.files import follow_link, may_show
from app.core.errors import NotFound
from app.core.ids import parse_id
from app.core.logging import logger
from app.runtime import Runtime
from models import File

log = logger(__name__)

RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\Z")
KEPT_S = 300
POLICY = "default-src 'none'; sandbox"


class Downloads:
    """Hands files out, whole or in part. Only pictures are ever shown in the browser; the rest is saved."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def give(self, request: Request) -> Response:
        """The file to which the request's link leads."""
        file_id = parse_id("file", request.path_params["file_id"])
        token = request.query_params.get("token", "")
        file = await follow_link(self._runtime.units, file_id=file_id, token=token)
        headers = _headers(file, download="download" in request.query_params)
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        wanted = _range(request, file, headers["etag"])
        if wanted is None:
            return Response(status_code=416, headers=headers | {"content-range": f"bytes */{file.size}"})
        start, end = wanted
        part = (start, end) != (0, file.size)
        if part:
            headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
        headers["content-length"] = str(end - start)
        status = 206 if part else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=_media_type(file))
        pieces = await self._begun(file, start, end)
        return StreamingResponse(pieces, status, headers, _media_type(file))

    async def _begun(self, file: File, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes, of which the first are there: whether there are any must be known before the status is sent."""
        pieces = self._runtime.services.storage.read(file.storage_key, start, end)
        try:
            first = await anext(pieces)
        except (FileNotFoundError, StopAsyncIteration):
            log.error("a file has no bytes in the storage", storage_key=file.storage_key)
            raise NotFound("file") from None
        return _chained(first, pieces)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _headers(file: File, *, download: bool) -> dict[str, str]:
    """Every response says what a browser may do with it."""
    place = "inline" if may_show(file) and not download else "attachment"
    return {
        "content-disposition": f"{place}; filename*=UTF-8''{quote(file.name, safe='')}",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": f"private, max-age={KEPT_S}",
        "accept-ranges": "bytes",
        "etag": f'"{file.sha256}"',
    }


def _media_type(file: File) -> str:
    return f"{file.mime_type}; charset=utf-8" if file.mime_type.startswith("text/") else file.mime_type


def _range(request: Request, file: File, etag: str) -> tuple[int, int] | None:
    """The wanted bytes, from the first to before the last; all of them unless one range is asked for (RFC 9110, 14).
    None: a range that the file does not have."""
    whole = (0, file.size)
    asked = RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return whole
    first, last, suffix = asked.groups()
    if suffix is not None:
        return (max(0, file.size - int(suffix)), file.size) if int(suffix) else None
    start = int(first)
    end = min(int(last) + 1, file.size) if last else file.size
    if last and int(last) < start:
        return whole
    return (start, end) if start < file.size else None
