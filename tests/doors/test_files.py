"""The door for files, over HTTP: what it takes, what it hands out and under which headers, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from app.actions.accounts import create_api_key
from app.actions.files import limits
from app.actions.visitors import open_widget
from app.core.access import ALL_SCOPES, PUBLIC, Scope, system
from app.core.ids import new_id, parse_id
from app.core.settings import Settings
from app.main import build_app
from app.rest.door import multipart
from app.runtime import Runtime
from models import File, Widget
from tests.bucket import BUCKET, serve_bucket
from tests.doors.conftest import MakeKey
from tests.tenants import TenantAccount
from tests.uploads import PNG, REFUSED, TAKEN
from workers import HANDLERS

Client = httpx2.AsyncClient


async def stored_keys(runtime: Runtime) -> list[str]:
    return [found.key async for portion in runtime.services.storage.listed() for found in portion]


async def rows(runtime: Runtime, tenant: TenantAccount) -> int:
    async with runtime.read(system(tenant.id)) as reading:
        return int((await reading.session.execute(select(func.count()).select_from(File))).scalar_one())


async def send(client: Client, key: str | None, content: bytes, name: str = "a.png", **more: str) -> httpx2.Response:
    headers = more | ({"authorization": f"Bearer {key}"} if key else {})
    return await client.post("/files", files={"file": (name, content, "text/html")}, headers=headers)


def path_of(url: str) -> str:
    return url.partition("8000")[2]


async def test_a_file_goes_in_and_comes_out(client: Client, key: str, runtime: Runtime, tenant: TenantAccount) -> None:
    content = PNG + bytes(range(256)) * 10_000
    sent = await send(client, key, content, 'dir/Grüße "1"\u202e.png')
    assert sent.status_code == 201
    document = sent.json()
    file_id = parse_id("file", document["id"])
    assert document | {"id": 0, "createdAt": 0, "url": 0, "expiresAt": 0} == {
        "id": 0,
        "name": "Grüße _1_.png",
        "size": len(content),
        "mimeType": "image/png",
        "width": 3,
        "height": 2,
        "createdAt": 0,
        "url": 0,
        "expiresAt": 0,
    }
    assert await stored_keys(runtime) == [f"{tenant.id.hex}/{file_id.hex}"]
    got = await client.get(path_of(document["url"]))
    assert got.content == content
    assert {name: got.headers[name] for name in got.headers if name not in ("etag", "date")} == {
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=300",
        "content-disposition": "inline; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20_1_.png",
        "content-length": str(len(content)),
        "content-security-policy": "default-src 'none'; sandbox",
        "content-type": "image/png",
        "cross-origin-resource-policy": "cross-origin",
        "referrer-policy": "no-referrer",
        "vary": "Origin",
        "x-content-type-options": "nosniff",
    }
    saved = await client.get(path_of(document["url"]) + "&download")
    assert saved.headers["content-disposition"].startswith("attachment; ")
    unchanged = await client.get(path_of(document["url"]), headers={"if-none-match": got.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_parts_of_a_file(client: Client, key: str) -> None:
    url = path_of((await send(client, key, b"0123456789" * 10_000, "a.txt")).json()["url"])
    whole = await client.head(url)
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, "100000", b"")
    etag = whole.headers["etag"]

    async def part(wanted: str, **headers: str) -> tuple[int, str | None, bytes]:
        got = await client.get(url, headers={"range": wanted} | headers)
        return got.status_code, got.headers.get("content-range"), got.content

    assert await part("bytes=0-3") == (206, "bytes 0-3/100000", b"0123")
    assert await part("bytes=99995-") == (206, "bytes 99995-99999/100000", b"56789")
    assert await part("bytes=-2") == (206, "bytes 99998-99999/100000", b"89")
    assert await part("bytes=99999-200000") == (206, "bytes 99999-99999/100000", b"9")
    assert await part("bytes=100000-") == (416, "bytes */100000", b"")
    assert await part("bytes=-0") == (416, "bytes */100000", b"")
    assert (await part("bytes=5-2"))[:2] == (200, None)
    assert (await part("bytes=0-1,4-5"))[:2] == (200, None)
    assert (await part("lines=1-2"))[:2] == (200, None)
    assert (await part("bytes=0-3", **{"if-range": etag}))[0] == 206
    assert (await part("bytes=0-3", **{"if-range": '"other"'}))[0] == 200


async def test_only_pictures_are_shown_in_their_place(client: Client, key: str) -> None:
    places = {}
    for name, (content, mime_type, _) in TAKEN.items():
        got = await client.get(path_of((await send(client, key, content, name)).json()["url"]))
        assert got.headers["content-type"].partition(";")[0] == mime_type
        assert got.headers["x-content-type-options"] == "nosniff"
        places[name] = got.headers["content-disposition"].partition(";")[0]
    shown = {name for name, place in places.items() if place == "inline"}
    assert shown == {"a.png", "b.jpg", "c.gif", "d.webp", "e.webp", "f.webp", "g.avif", "h.bmp"}


async def test_what_is_refused_leaves_nothing(
    client: Client, key: str, runtime: Runtime, tenant: TenantAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.BY_PLAN, "enterprise", replace(limits.BY_PLAN["enterprise"], largest=3 << 20))
    for name, content in REFUSED.items():
        refused = await send(client, key, content, name)
        assert (refused.status_code, refused.json()["error"]) == (
            400,
            {
                "code": "INVALID",
                "message": "The file is not of a kind that can be sent.",
                "field": "file",
            },
        )
    empty = await send(client, key, b"", "a.png")
    assert empty.json()["error"]["message"] == "The file is empty."
    bomb = await send(client, key, PNG[:16] + b"\x7f\xff\xff\xff" * 2 + PNG[24:])
    assert bomb.json()["error"]["message"] == "The file is a picture of more than 100 megapixels."
    large = await send(client, key, PNG + b"x" * (3 << 20))
    assert (large.status_code, large.json()["error"]) == (
        413,
        {"code": "FILE_TOO_LARGE", "message": "The file is larger than 3 MB.", "field": "file"},
    )
    assert (await stored_keys(runtime), await rows(runtime, tenant)) == ([], 0)
    exact = await send(client, key, PNG + b"x" * ((3 << 20) - len(PNG)))
    assert exact.status_code == 201


async def test_what_is_no_upload_is_refused(
    client: Client, key: str, runtime: Runtime, tenant: TenantAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'

    async def refusal(body: bytes, **headers: str) -> tuple[int, str]:
        refused = await client.post("/files", content=body, headers=form | headers)
        return refused.status_code, refused.json()["error"]["message"]

    not_a_form = (400, "The body must be multipart/form-data with a file in it.")
    assert await refusal(b"{}", **{"content-type": "application/json"}) == not_a_form
    assert await refusal(b"", **{"content-type": "multipart/form-data"}) == not_a_form
    assert await refusal(b"", **{"content-type": f"multipart/form-data; boundary={'b' * 71}"}) == not_a_form
    assert await refusal(b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ntext\r\n--b--') == (
        400,
        "The file is required.",
    )
    assert await refusal(b"") == (400, "The file is required.")
    assert await refusal(b"nothing of the kind") == (400, "The body is not a multipart form.")
    assert await refusal(part + b"half of it") == (400, "The body ends in the middle of the file.")
    field = b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n' + b"x" * 70_000 + b"\r\n"
    assert await refusal(field + part + b"text\r\n--b--") == (400, "The body has too much in it besides the file.")

    monkeypatch.setattr(multipart, "SILENCE_S", 0.05)

    async def silent() -> AsyncIterator[bytes]:
        yield part + PNG
        await asyncio.sleep(0.5)
        yield b"\r\n--b--"

    hung = await client.post("/files", content=silent(), headers=form)
    assert hung.status_code == 400
    assert (await stored_keys(runtime), await rows(runtime, tenant)) == ([], 0)


async def test_who_may_send_files(client: Client, make_key: MakeKey, tenant: TenantAccount, runtime: Runtime) -> None:
    reader = await make_key(tenant, Scope.CONVERSATIONS_READ)
    writer = await make_key(tenant, Scope.CONVERSATIONS_WRITE)
    nobody = await send(client, None, PNG)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Bearer realm="rapport"')
    assert (await send(client, "rpt_wrong", PNG)).json()["error"]["code"] == "UNAUTHENTICATED"
    assert (await send(client, reader, PNG)).status_code == 403
    assert (await stored_keys(runtime), await rows(runtime, tenant)) == ([], 0)
    assert (await send(client, writer, PNG)).status_code == 201


async def test_visitors_send_files_from_the_page_of_their_token(
    client: Client, tenant: TenantAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, widget_id = "https://shop.example", new_id()
    async with runtime.write(system(tenant.id)) as tx:
        row = {"id": widget_id, "key": "w_1", "name": "Site", "settings": {}}
        await tx.insert(Widget, [row | {"created_at": tx.now, "updated_at": tx.now}])
    async with runtime.write(PUBLIC) as tx:
        token = (await open_widget(tx, widget_key="w_1", origin=site)).token
    elsewhere = [await send(client, token, PNG), await send(client, token, PNG, origin="https://evil.example")]
    assert [answer.status_code for answer in elsewhere] == [403, 403]
    assert (await stored_keys(runtime), await rows(runtime, tenant)) == ([], 0)
    sent = await send(client, token, PNG, origin=site)
    assert sent.status_code == 201
    assert (await client.get(path_of(sent.json()["url"]))).content == PNG

    monkeypatch.setattr("app.rest.files.uploads.AT_ONCE", 0)
    busy = await send(client, token, PNG, origin=site)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    monkeypatch.undo()
    statuses = [(await send(client, token, PNG, origin=site)).status_code for _ in range(12)]
    assert statuses[:9] == [201] * 9
    assert statuses[-1] == 429


async def test_links_are_one_file_s_for_five_minutes(
    client: Client, key: str, foreign_key: str, runtime: Runtime
) -> None:
    mine, other = [(await send(client, key, PNG)).json() for _ in range(2)]
    foreign = (await send(client, foreign_key, PNG)).json()
    token = mine["url"].partition("token=")[2]

    async def status(file_id: str, token: str) -> int:
        return (await client.get(f"/files/{file_id}/a.png?token={token}")).status_code

    assert await status(mine["id"], token) == 200
    assert await status(other["id"], token) == 403
    assert await status(foreign["id"], token) == 403
    assert await status(mine["id"], token[:-3] + "AAA") == 403
    assert await status(mine["id"], "") == 403
    assert await status("file_1", token) == 400
    assert (await client.get("/files/a/b/c")).status_code == 404
    await runtime.services.storage.remove(await stored_keys(runtime))
    assert await status(mine["id"], token) == 404


async def test_pages_of_any_origin_may_call_without_cookies(client: Client, key: str) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    preflight = await client.options("/files", headers=asked | {"access-control-request-headers": "authorization"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers
    for sender in (key, None):
        answer = await send(client, sender, PNG, origin="https://shop.example")
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_files_may_be_in_a_bucket(
    settings: Settings, tenant: TenantAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_bucket(tmp_path / "bucket") as bucket:
        runtime = Runtime(settings.model_copy(update=bucket.settings | {"s3_prefix": "files"}), HANDLERS)
        await runtime.start()
        async with runtime.write(tenant.principal) as tx:
            key = (await create_api_key(tx, name="test", scopes=ALL_SCOPES)).key_text
        transport = httpx2.ASGITransport(app=build_app(runtime))
        async with Client(transport=transport, base_url="http://rapport.test") as client:
            content = PNG + bytes(6 << 20)
            document = (await send(client, key, content)).json()
            url = path_of(document["url"])
            assert (await client.get(url)).content == content
            assert (await client.get(url, headers={"range": "bytes=1-3"})).content == b"PNG"
            stored = f"{BUCKET}/files/{tenant.id.hex}/{parse_id('file', document['id']).hex}"
            assert bucket.objects() == [stored]
            monkeypatch.setitem(limits.BY_PLAN, "enterprise", replace(limits.BY_PLAN["enterprise"], largest=11 << 20))
            assert (await send(client, key, PNG + bytes(12 << 20))).json()["error"]["code"] == "FILE_TOO_LARGE"
            assert bucket.objects() == [stored]
            runtime.services.storage.__dict__["_store"] = None
            down = [await client.get(url), await send(client, key, PNG)]
            assert [answer.status_code for answer in down] == [500, 500]
            assert {answer.json()["error"]["code"] for answer in down} == {"INTERNAL"}
        await runtime.stop()


async def test_uploads_are_streamed(key: str, runtime: Runtime) -> None:
    """While a body arrives its beginning is on its way to the storage, and not all of it is in memory."""
    app, sent = build_app(runtime), 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(160):
            sent += 1 << 16
            yield b"x" * (1 << 16)
        yield b"\r\n--b--\r\n"

    largest = 0
    write = runtime.services.storage.write

    async def watched(storage_key: str, chunks: AsyncIterator[bytes]) -> None:
        async def counted() -> AsyncIterator[bytes]:
            nonlocal largest
            passed = 0
            async for chunk in chunks:
                passed += len(chunk)
                largest = max(largest, sent - passed)
                yield chunk

        await write(storage_key, counted())

    runtime.services.storage.write = watched  # type: ignore[method-assign]
    async with Client(transport=httpx2.ASGITransport(app=app), base_url="http://rapport.test") as client:
        headers = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=b"}
        answer = await client.post("/files", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["size"]) == (201, 160 << 16)
    assert largest <= 1 << 18
