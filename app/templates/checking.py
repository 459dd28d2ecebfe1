"""What is allowed in a template, but most likely not meant."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.templates.pieces import Piece
from app.templates.words import names

SAFE = re.compile(r"\|\s*safe\b")
PERSONAL = re.compile(r"\b(customer|event|trigger|message_data)\b")
ROOT = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*(?=[.|}\[-])")
NAMED = re.compile(
    r"(?:\{%-?\s*(?:liquid\s+)?|^\s*)(?:assign|capture|for|increment|decrement|tablerow)\s+(\w+)", re.MULTILINE
)
KNOWN = names(
    "blank content customer delivery empty event false forloop manage_subscription_preferences_url message_data nil now"
    " null snippets tablerowloop today trigger true unsubscribe_url"
)
CSS_STAYS = (
    "the styles stay where they are: no HTML can be read around the Liquid between its tags, or there are too many"
    " rules or elements"
)


@dataclass(frozen=True, slots=True)
class Warned:
    """``code``: ``safe_value`` (a person's own value is shown as HTML), ``unknown_name`` (nothing has this name) or
    ``css_stays`` (styles could not go onto the elements). ``line`` counts from 1; 0 where there is none."""

    code: str
    part: str
    line: int
    message: str


def look_over(pieces: Iterable[Piece]) -> Iterator[Warned]:
    """What to warn of in ``pieces``."""
    kept = list(pieces)
    named = {name for piece in kept if piece.kind == "tag" for name in NAMED.findall(piece.text)}
    for piece in kept:
        if piece.kind not in {"output", "tag"}:
            continue
        if SAFE.search(piece.text) and PERSONAL.search(piece.text):
            yield Warned("safe_value", piece.part, piece.line, "shows a person's value as HTML, whatever is in it")
        root = ROOT.match(piece.text)
        if root and root[1] not in KNOWN and root[1] not in named:
            message = f"nothing is called {root[1]!r}; did you mean customer.{root[1]}?"
            yield Warned("unknown_name", piece.part, piece.line, message)
