"""The Liquid that tenants write in: python-liquid with our filters, without files, and within limits."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from liquid import Environment, Node
from liquid.exceptions import LiquidError, LiquidInterrupt

from app.core.errors import Invalid
from app.templates.filters import LONGEST_MESSAGE, METER, OWN, Missing, bounded, unchanged
from app.templates.nodes import TAGS, tame
from app.templates.pieces import Joined, Piece, alone
from app.templates.scope import Buffer, Rendering
from app.templates.tags import LinkTag, PixelTag, PreferencesTag, UnsubscribeTag
from app.templates.words import LONGEST_OUTPUT, TemplateFailed, Tracking, at_line, suggested

HTML = "html"
TEXT = "text"
TEXT_OF_HTML = "text of html"
NOBODY = Tracking()
DEFECTS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError)
"""What may come of values that no filter and no tag expects."""


class Language(Environment):
    """One of the three: of HTML, of text, and of the text that is made from HTML."""

    loop_iteration_limit = 20_000
    has_tables = True
    """Whether a table in it is one of HTML."""


@cache
def language(kind: str) -> Language:
    """The environment in which texts of ``kind`` are parsed."""
    made = Language(autoescape=kind == HTML, undefined=Missing)
    for name in ("include", "render"):
        del made.tags[name]
    for tag in (*TAGS, UnsubscribeTag, PreferencesTag, LinkTag, PixelTag):
        made.add_tag(tag)
    made.filters.update(OWN)
    made.has_tables = kind != TEXT_OF_HTML
    if kind == TEXT_OF_HTML:
        made.filters.update(dict.fromkeys(("escape", "escape_once", "newline_to_br", "safe"), unchanged))
    for name, filter_ in made.filters.items():
        made.filters[name] = bounded(name, filter_)
    return made


class Text:
    """One text of a content, which is rendered by itself. Raises :class:`Invalid` for what is no Liquid."""

    def __init__(self, pieces: Sequence[Piece], kind: str, part: str) -> None:
        self._joined = Joined.of(pieces)
        self._part = part
        self.is_static = all(piece.kind == "text" for piece in pieces)
        if self.is_static:
            return
        try:
            self._template = language(kind).from_string(self._joined.text)
            self._check_filters()
        except LiquidError as refused:
            where, line = self._place(refused) if _is_placed(refused) else self._place_of(kind)
            raise Invalid.at(where, at_line(line, said(refused))) from refused
        except RecursionError as refused:
            raise Invalid.at(part, "has too much inside each other") from refused

    def render(
        self, context: Mapping[str, Any], tracking: Tracking = NOBODY, addresses: dict[Any, str] | None = None
    ) -> str:
        """The text for one person. ``addresses`` is shared by the texts of one message. Raises
        :class:`TemplateFailed`."""
        if self.is_static:
            return self._joined.text
        METER.start()
        rendering = Rendering(self._template, context, tracking)
        if addresses is not None:
            rendering.addresses = addresses
        buffer = Buffer()
        node = None
        try:
            for node in self._template.nodes:
                node.render(rendering, buffer)  # type: ignore[arg-type]
        except LiquidInterrupt as refused:
            raise TemplateFailed(*self._at(node), f"unexpected {refused}") from refused
        except LiquidError as refused:
            place = self._place(refused) if refused.token else self._at(node)
            raise TemplateFailed(*place, said(refused)) from refused
        except DEFECTS as refused:
            raise TemplateFailed(*self._at(node), f"cannot be rendered ({type(refused).__name__})") from refused
        made: str = buffer.getvalue()
        if len(made) > LONGEST_OUTPUT:
            raise TemplateFailed(self._part, 0, f"is longer than {LONGEST_OUTPUT} characters")
        if not METER.wrote(len(made)):
            raise TemplateFailed(self._part, 0, f"makes the message longer than {LONGEST_MESSAGE} characters")
        return made.replace("\0", "") if "\0" in made else made  # no database keeps it, and nobody can see it

    @property
    def literal(self) -> str:
        """What is the same for everybody in it."""
        return "".join(piece.text for piece in self._joined.pieces if piece.kind == "text")

    def _check_filters(self) -> None:
        for used in tame(self._template.nodes):
            if used.name not in self._template.env.filters:
                where, line = self._joined.place(used.token.start_index)
                near = suggested(used.name, self._template.env.filters)
                raise Invalid.at(where, at_line(line, f"unknown filter {used.name!r}{near}"))

    def _place_of(self, kind: str) -> tuple[str, int]:
        """Where the first mark is that is no Liquid by itself: what ends too soon is not said to be anywhere."""
        for piece in self._joined.pieces:
            if piece.kind in {"output", "tag"}:
                try:
                    language(kind).from_string(alone(piece))
                except LiquidError as refused:
                    if not _is_placed(refused):
                        return piece.part, piece.line
        return self._part, 0

    def _at(self, node: Node | None) -> tuple[str, int]:
        return (self._part, 0) if node is None else self._joined.place(node.token.start_index)

    def _place(self, refused: LiquidError) -> tuple[str, int]:
        placed = refused.token if _is_placed(refused) else None
        return self._joined.place(placed.start_index) if placed else (self._part, 0)


def _is_placed(refused: LiquidError) -> bool:
    return refused.token is not None and refused.token.start_index >= 0


def said(refused: LiquidError) -> str:
    """What python-liquid says of an error, in one line."""
    message = refused.args[0] if refused.args else type(refused).__name__
    return " ".join(str(message).split())[:300]
