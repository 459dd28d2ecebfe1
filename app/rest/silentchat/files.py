"""SilentChat ``/files``: uploads, and what was uploaded. The two behaviours of ``GET /files/:id`` are told apart by
``Accept``: JSON is about the file, anything else is the file."""

from pydantic import Field

from app.actions import files
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint, Reply
from app.rest.door.multipart import first_file
from app.rest.silentchat.wire import Wire, moment
from models import File as FileRow

TAG = "Files"
FIELDS = {"file_id": "id"}
JSON = "application/json"


class File(Wire):
    id: str
    name: str
    size: int = Field(description="Bytes.")
    mime_type: str = Field(description="What its bytes are, whatever it was called.")
    url: str = Field(description="Good for five minutes.")
    created_at: str | None


async def upload_file(call: Call[None, None]) -> File:
    sent = await first_file(call.headers, call.receive)
    row = await files.upload(call.runtime.units, call.principal, name=sent.name, chunks=sent.chunks)
    return _file(call, row)


async def get_file(call: Call[None, None]) -> File | Reply:
    async with call.read() as reading:
        row = await files.get_file(reading, file_id=parse_id("file", call.path["id"]))
    shown = _file(call, row)
    if JSON in call.headers.get("accept", "") or "*/*" in call.headers.get("accept", "*/*"):
        return shown
    return Reply(302, headers=[(b"location", shown.url.encode()), (b"cache-control", b"no-store")])


def _file(call: Call[None, None], row: FileRow) -> File:
    return File(
        id=public_id("file", row.id),
        name=row.name,
        size=row.size,
        mime_type=row.mime_type,
        url=files.link_to(call.runtime.services, row).url,
        created_at=moment(row.created_at),
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/files",
        handler=upload_file,
        tag=TAG,
        summary="Upload a file as multipart/form-data, in the field `file`",
        scope=Scope.CONVERSATIONS_WRITE,
        streams=True,
        response=File,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/v1/files/{id}",
        handler=get_file,
        tag=TAG,
        summary="What a file is (Accept: application/json), or a redirect to the file",
        scope=Scope.CONVERSATIONS_READ,
        response=File,
        fields=FIELDS,
    ),
)
