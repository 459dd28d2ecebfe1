"""The streaming reader of multipart bodies: the same file however a body is cut, and at worst a refusal."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.core.errors import Invalid
from app.rest.door.multipart import first_file

HEADERS = {"content-type": 'multipart/form-data; boundary="b-1"'}
FIELD = b'--b-1\r\nContent-Disposition: form-data; name="title"\r\n\r\nNot the file\r\n'
FILE = b'--b-1\r\nContent-Disposition: form-data; name="any"; filename="%s"\r\nContent-Type: image/png\r\n\r\n'
END = b"\r\n--b-1--\r\n"


async def read(pieces: Sequence[bytes], *, cut_off: bool = False) -> tuple[str, bytes]:
    """The name and the bytes of the file in a body that comes in ``pieces``."""
    waiting: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    ended: Message = {"type": "http.request", "body": b"", "more_body": False}
    waiting.append({"type": "http.disconnect"} if cut_off else ended)

    async def receive() -> Message:
        return waiting.pop(0)

    sent = await first_file(HEADERS, receive)
    return sent.name, b"".join([chunk async for chunk in sent.chunks])


def body(content: bytes, name: bytes = b"a.png") -> bytes:
    return FIELD + FILE % name + content + END


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[start:end] for start, end in pairwise(bounds)]


@given(st.binary(max_size=300).filter(lambda content: b"--b-1" not in content), st.lists(st.integers(0), max_size=8))
def test_a_file_is_the_same_however_it_is_cut(content: bytes, places: list[int]) -> None:
    assert asyncio.run(read(cut(body(content), places))) == ("a.png", content)


@given(st.binary(max_size=100), st.integers(0, 500), st.lists(st.integers(0), max_size=3))
def test_whatever_comes_is_read_or_refused(noise: bytes, place: int, places: list[int]) -> None:
    whole = body(b"content" * 20)
    at = place % len(whole)
    for broken in (whole[:at] + noise + whole[at + len(noise) :], whole[:at] + noise + whole[at:], whole[:at]):
        try:
            name, content = asyncio.run(read(cut(broken, places)))
        except Invalid:
            continue
        assert isinstance(name, str)
        assert len(content) <= len(broken)


@given(st.integers(0, 1000))
def test_half_a_file_is_no_file(place: int) -> None:
    whole = body(b"content" * 20)
    half = whole[: place % (len(whole) - len(b"--\r\n"))]
    with pytest.raises(Invalid):
        asyncio.run(read([half]))
    with pytest.raises(ClientDisconnect):
        asyncio.run(read([half], cut_off=True))


async def test_names_are_read_as_browsers_write_them() -> None:
    for written, name in (
        ("Grüße.png".encode(), "Grüße.png"),
        (b"a%22b.png", 'a"b.png'),
        (b"\xff\xfe.png", "\ufffd\ufffd.png"),
        (b"", ""),
        (b"x" * 4000, "x" * 4000),
    ):
        assert await read([body(b"content", written)]) == (name, b"content")
    with pytest.raises(Invalid):
        await read([body(b"content", b"x" * 5000)])


async def test_the_first_file_is_taken() -> None:
    two = FILE % b"one.png" + b"first\r\n" + FILE % b"two.png" + b"second" + END
    assert await read([two]) == ("one.png", b"first")
