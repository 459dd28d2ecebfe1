"""Files, as the graph shows them. Their bytes come from signed links."""

from typing import Annotated, Any

import strawberry

import models
from app.actions.files import file_links
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.nodes import Node, lookup, values_of
from resolvers.planner.declare import Order, Rows, column, rows, table_type
from resolvers.scalars import DateTime


@table_type(models.File, noun="file", scope=Scope.CONVERSATIONS_READ)
class File(Node):
    """A file that was uploaded. Its address is given by fileLinks, for a short time."""

    name: str = column("What it is called; cleaned, so that it is safe to show.")
    size: int = column("How many bytes it has.")
    mime_type: str = column("What its bytes are, whatever the sender called it.")
    width: int | None = column("How wide an image is, in pixels.")
    height: int | None = column("How high an image is, in pixels.")
    created_at: DateTime = column("When it was uploaded.")


@strawberry.type(description="Where the bytes of a file are for the next minutes.")
class FileLink:
    """An address that needs no credential and expires soon."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    url: str = strawberry.field(description="The address, which anybody can open until it expires.")
    expires_at: DateTime = strawberry.field(description="When it stops working.")


def sent_with(message: Rows, file: Rows) -> Rows:
    """Those of the files ``file`` that were sent with a message, in their order. A deleted message has none."""
    sent = rows(models.MessageFile)
    here = sent.where(sent.c.message_id == message.c.id)

    def place(columns: Any) -> Any:
        return lookup(here.where(sent.c.file_id == columns.id), sent.c.place)

    in_order = Order("f", place, descending=False, counts=True)
    return file.where(message.c.deleted_at.is_(None), file.c.id.in_(values_of(here, sent.c.file_id))).ordered(in_order)


@strawberry.type
class FileQuery:
    """Root fields about files."""

    @strawberry.field(description="Where the bytes of files are for the next five minutes, in the order of the ids.")
    async def file_links(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(description="Files, 1 to 100: for a visitor, those that are theirs to see."),
        ],
    ) -> list[FileLink]:
        keys = [parse_id("file", id, f"ids.{place}") for place, id in enumerate(ids)]
        async with info.context.read() as reading:
            links = await file_links(reading, file_ids=keys)
        return [
            FileLink(
                file_id=strawberry.ID(public_id("file", link.file_id)),
                url=link.url,
                expires_at=DateTime(link.expires_at),
            )
            for link in links
        ]
