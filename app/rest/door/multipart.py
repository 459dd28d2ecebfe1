"""The first file of a multipart body (RFC 7578), handed on piece by piece while it arrives."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from app.core.errors import Invalid

BESIDES_BYTES = 64 << 10
"""How much of a body may be something else than the file."""
SILENCE_S = 30.0
"""A sender who sends nothing for so long is let go."""
LONGEST_BOUNDARY = 70


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file under way: what its sender calls it, and its bytes. They must be read before the request is answered."""

    name: str
    chunks: AsyncIterator[bytes]


async def first_file(headers: Mapping[str, str], receive: Receive) -> SentFile:
    """The first part with a file name in the request with these ``headers`` (by lower-case names).

    Raises :class:`Invalid` at ``body`` when it is no multipart form or at ``file`` when there is no file in it, and
    ClientDisconnect; while the chunks are read it raises the same, so that half a file is never taken for a whole one.
    """
    kind, options = parse_options_header(headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise Invalid.at("body", "must be multipart/form-data with a file in it")
    form = _Form(boundary, receive)
    while form.name is None:
        if not await form.advance():
            raise Invalid.at("file", "is required")
    return SentFile(form.name, form.chunks())


class _Form:
    """A parser that is fed as far as somebody waits for what it finds."""

    def __init__(self, boundary: bytes, receive: Receive) -> None:
        self.name: str | None = None
        self._receive = receive
        self._found: deque[bytes] = deque()
        self._besides = 0
        self._inside = self._whole = self._at_end = False
        self._field = self._value = b""
        self._disposition = ""
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
            },
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes, to its end."""
        while True:
            while self._found:
                yield self._found.popleft()
            if self._whole:
                return
            if not await self.advance():
                raise Invalid.at("body", "ends in the middle of the file")

    async def advance(self) -> bool:
        """Parses what comes next. False: the body has ended."""
        if self._at_end:
            return False
        try:
            async with asyncio.timeout(SILENCE_S):
                message = await self._receive()
        except TimeoutError:
            raise ClientDisconnect from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body = message.get("body", b"")
        before = sum(map(len, self._found))
        try:
            self._parser.write(body)
        except FormParserError as broken:
            raise Invalid.at("body", "is not a multipart form") from broken
        self._besides += len(body) - (sum(map(len, self._found)) - before)
        if self._besides > BESIDES_BYTES:
            raise Invalid.at("body", "has too much in it besides the file")
        self._at_end = not message.get("more_body", False)
        return True

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value.decode("latin-1")
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = ""
        if b"filename" in options and self.name is None:
            # Browsers write a name in UTF-8 with the quotes in it as %22.
            self.name = options[b"filename"].decode("utf-8", "replace").replace("%22", '"')
            self._inside = True

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside and end > start:
            self._found.append(data[start:end])

    def _on_part_end(self) -> None:
        if self._inside:
            self._inside, self._whole = False, True
