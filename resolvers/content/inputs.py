"""What a client says about contents, and how it becomes the values of an action."""

from typing import Any

import strawberry

from app.core.errors import Invalid
from resolvers.conversations.inputs import maybe_key
from resolvers.scalars import JSON

UNSET = strawberry.UNSET


def maybe_object(data: Any, path: str) -> dict[str, Any] | None:
    """A JSON object that may be left out. Raises :class:`Invalid` for any other JSON."""
    if data is not None and not isinstance(data, dict):
        raise Invalid.at(path, "must be an object")
    return data


@strawberry.input(description="The texts of a content. What is left out stays.")
class ContentTextsInput:
    """All of it, each in Liquid."""

    name: str | None = strawberry.field(default=None, description="What it is called.")
    sender_id: strawberry.ID | None = strawberry.field(default=UNSET, description="From whom; null for no sender.")
    from_address: str | None = strawberry.field(default=None, description="From whom, instead of the sender.")
    reply_to: str | None = strawberry.field(default=None, description="To whom answers go.")
    layout_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The frame; null for none.")
    subject: str | None = strawberry.field(default=None, description="The subject of an e-mail.")
    preheader: str | None = strawberry.field(default=None, description="What mailboxes show beside the subject.")
    body: str | None = strawberry.field(
        default=None, description="HTML of an e-mail, the text of every other message; at most 500,000 characters."
    )
    plain: str | None = strawberry.field(
        default=UNSET, description="The text of an e-mail; null: it is made from the HTML."
    )
    headers: JSON | None = strawberry.field(
        default=None, description="Headers of an e-mail: a list of objects with a name and a value."
    )
    fields: JSON | None = strawberry.field(
        default=None, description="What else the channel has, by name: of a push its title, link and image_url."
    )

    def values(self) -> dict[str, Any]:
        """The columns that are given. Raises :class:`Invalid` for what is no id."""
        names = ("name", "from_address", "reply_to", "subject", "preheader", "body", "headers", "fields")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.plain is not UNSET:
            given["plain"] = self.plain
        for noun, field in (("sender", "sender_id"), ("layout", "layout_id")):
            if (id := getattr(self, field)) is not UNSET:
                given[field] = maybe_key(noun, id, field)
        return given
