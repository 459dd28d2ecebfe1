"""Rendering many messages from templates that were compiled before: in this process, or in one of its own.

:func:`main` is that process: it reads requests from its standard input and ends when whoever started it does. A frame
is four bytes of length and a pickle, which only its parent writes.
"""

import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import orjson
from cachetools import LRUCache

from app.core.errors import Invalid
from app.core.link_tokens import LinkAddresses, LinkTokens
from app.core.message import Message
from app.templates.compiling import Template, compile_content
from app.templates.context import Person, context_of
from app.templates.words import Recipe, Tracking

KEPT = 256
"""Compiled templates that are kept; those longest unused go first."""
LENGTH = 4
LARGEST = 512 * 1024 * 1024
PARTS = tuple(field.name for field in fields(Message))


class Order(NamedTuple):
    """One message to be rendered from the template ``key``. A tuple, as what goes between processes should be: to
    pickle a frozen dataclass takes ten times as long.

    ``attributes`` is the person's JSON text; ``person`` has the rest of :class:`Person`, in order. ``base_url`` is
    where tracked links lead. ``numbers`` are those of the template's links; None: clicks are not followed.
    """

    key: str
    tenant_id: UUID
    delivery_id: UUID
    person_id: UUID
    attributes: str
    person: tuple[Any, ...]
    event: Mapping[str, Any] | None
    trigger: Mapping[str, Any] | None
    base_url: str
    numbers: tuple[int, ...] | None
    tracks_opens: bool


class Rendered(NamedTuple):
    """The message (what :class:`Message` is made of), or why there is none. ``is_missing``: the template has to be
    given (again) first."""

    message: tuple[Any, ...] | None
    unsubscribe_url: str = ""
    problem: str = ""
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """The links of a template, or what is wrong with it."""

    links: tuple[str, ...] = ()
    problem: str = ""


class Kitchen:
    """Compiles templates, keeps them, and renders messages. One thread at a time."""

    def __init__(self, secret: str) -> None:
        self._tokens = LinkTokens(secret)
        self._templates: LRUCache[str, Template] = LRUCache(KEPT)

    def compile(self, key: str, recipe: Recipe) -> Compiled:
        """Makes a template ready under ``key``."""
        try:
            template = compile_content(
                recipe.source, snippets=recipe.snippets, layout=recipe.layout, inlines_css=recipe.inlines_css
            )
        except Invalid as refused:
            return Compiled(problem=refused.message)
        except Exception as defect:  # nobody's template takes the messages of others with it
            return Compiled(problem=_said(defect))
        self._templates[key] = template
        return Compiled(template.links)

    def render(self, orders: Sequence[Order]) -> list[Rendered]:
        """The messages, in the same order."""
        return [self._render(order) for order in orders]

    def _render(self, order: Order) -> Rendered:
        template = self._templates.get(order.key)
        if template is None:
            return Rendered(None, is_missing=True)
        addresses = LinkAddresses(order.base_url, self._tokens)
        unsubscribe_url = addresses.unsubscribe(order.tenant_id, order.delivery_id)
        try:
            context = context_of(
                Person(order.person_id, orjson.loads(order.attributes), *order.person),
                event=order.event,
                trigger=order.trigger,
                delivery_id=order.delivery_id,
                unsubscribe_url=unsubscribe_url,
                preferences_url=addresses.preferences(order.tenant_id, order.delivery_id),
            )
            message = template.render(context, _tracking(order, template.links, addresses))
        except Invalid as failed:
            return Rendered(None, problem=failed.message)
        except Exception as defect:
            return Rendered(None, problem=_said(defect))
        return Rendered(tuple(getattr(message, name) for name in PARTS), unsubscribe_url)


def _said(defect: Exception) -> str:
    return f"The template cannot be rendered ({type(defect).__name__})."


def _tracking(order: Order, links: Sequence[str], addresses: LinkAddresses) -> Tracking | None:
    numbers = order.numbers
    if numbers is None and not order.tracks_opens:
        return None

    def click(place: int, url: str) -> str:
        own = None if url == links[place] else url
        return addresses.click(order.tenant_id, order.delivery_id, numbers[place], own) if numbers else url

    pixel = addresses.pixel(order.tenant_id, order.delivery_id) if order.tracks_opens else None
    return Tracking(click if numbers else None, pixel)


def frame(value: object) -> bytes:
    """``value`` as the other process reads it."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH) + body


def unframe(body: bytes) -> Any:
    """What the other process, which is our own, wrote."""
    return pickle.loads(body)  # noqa: S301


def main() -> None:
    """Serves the parent process until it closes our input."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what somebody prints must not stand between the answers
    kitchen = Kitchen(_read(source))
    while (request := _read(source)) is not None:
        verb, *arguments = request
        answer = kitchen.compile(*arguments) if verb == "compile" else kitchen.render(*arguments)
        sink.write(frame(answer))
        sink.flush()


def _read(source: BinaryIO) -> Any:
    head = source.read(LENGTH)
    if len(head) < LENGTH:
        return None
    return unframe(source.read(int.from_bytes(head)))
