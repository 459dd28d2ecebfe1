"""Liquid cut into text and marks, each with the part and line it came from; snippets and layouts are put in here."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from app.core.errors import Invalid
from app.templates.words import LONGEST_BODY, at_line, names, suggested

DEEPEST_SNIPPET = 10
LONGEST_MARK = 20_000
MOST_MARKS = 5_000
"""Marks in one text with its snippets, which count too; a line of ``{% liquid %}`` counts as one."""
MOST_LOOKED = 20_000_000
"""Brackets in marks times the length of these: after each the parser looks for the end of a range or of a name."""
DEEPEST_BLOCK = 25
TAGS = names(
    "# assign break capture case comment continue cycle decrement doc echo else elsif endcapture endcase endfor endif"
    " endifchanged endtablerow endunless for if ifchanged increment liquid manage_subscription_preferences_url raw"
    " tablerow unless unsubscribe_url when"
)
BLOCKS = frozenset({"capture", "case", "for", "if", "ifchanged", "tablerow", "unless"})
MIDDLES = {"else": {"if", "unless", "case", "for"}, "elsif": {"if", "unless"}, "when": {"case"}}
NAME = re.compile(r"\{%-?\s*(#|\w*)")
VERBATIM = frozenset({"raw", "comment", "doc"})
SNIPPET = re.compile(r"\{\{-?\s*snippets(?:\.([\w-]+)|\.?\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\])\s*-?\}\}")
MENTION = re.compile(r"\bsnippets(?:\.([\w-]+)|\.?\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\])")
CONTENT = re.compile(r"\{\{-?\s*content\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """``kind``: ``text``, ``output`` (``{{ … }}``), ``tag`` (``{% … %}``) or ``verbatim`` (raw and comments, whole)."""

    kind: str
    text: str
    part: str = ""
    line: int = 0


def cut(source: str, part: str) -> list[Piece]:
    """The pieces of ``source``, which are all of it. Raises :class:`Invalid` at ``part`` for marks that are not closed,
    unknown, or not in their place."""
    pieces: list[Piece] = []
    at, line, looked = 0, 1, 0
    opened: list[tuple[str, int]] = []
    for start, end, kind in _marks(source, part):
        if start > at:
            pieces.append(Piece("text", source[at:start], part, line))
            line += source.count("\n", at, start)
        mark = source[start:end]
        if kind != "verbatim" and len(mark) > LONGEST_MARK:
            raise Invalid.at(part, at_line(line, f"a mark is longer than {LONGEST_MARK} characters"))
        looked += 0 if kind == "verbatim" else len(mark) * (mark.count("(") + mark.count("["))
        if looked > MOST_LOOKED:
            raise Invalid.at(part, at_line(line, "has too many brackets in its marks"))
        if kind == "tag":
            _follow(_tag_name(mark), opened, part, line)
        pieces.append(Piece(kind, mark, part, line))
        line += mark.count("\n")
        at = end
    if opened:
        raise Invalid.at(part, at_line(opened[-1][1], f"{{% {opened[-1][0]} %}} is never closed"))
    if at < len(source):
        pieces.append(Piece("text", source[at:], part, line))
    return pieces


@dataclass(slots=True)
class _Room:
    """What one text has taken of what there is for a text with its snippets."""

    size: int = 0
    marks: int = 0

    def take(self, piece: Piece) -> None:
        """Raises :class:`Invalid` when there is no room for ``piece``."""
        self.size += len(piece.text)
        if piece.kind != "text":
            self.marks += 1 + (piece.text.count("\n") if piece.kind == "tag" else 0)
        if self.size > LONGEST_BODY:
            raise Invalid.at(piece.part, f"is longer than {LONGEST_BODY} characters with its snippets")
        if self.marks > MOST_MARKS:
            raise Invalid.at(piece.part, f"has more than {MOST_MARKS} marks of Liquid with its snippets")


def put_in(pieces: Iterable[Piece], snippets: Mapping[str, str]) -> list[Piece]:
    """``pieces`` with the snippets that they show in their place. Raises :class:`Invalid`."""
    return list(_expanded(pieces, snippets, (), _Room()))


def _expanded(
    pieces: Iterable[Piece], snippets: Mapping[str, str], inside: tuple[str, ...], room: _Room
) -> Iterator[Piece]:
    for piece in pieces:
        room.take(piece)
        asked = SNIPPET.fullmatch(piece.text) if piece.kind == "output" else None
        if asked is None:
            yield piece
            continue
        name = next(group for group in asked.groups() if group is not None)
        if name not in snippets:
            raise Invalid.at(piece.part, at_line(piece.line, f"there is no snippet {name!r}"))
        if name in inside or len(inside) >= DEEPEST_SNIPPET:
            raise Invalid.at(piece.part, at_line(piece.line, f"the snippet {name!r} has itself in it"))
        yield from _expanded(cut(snippets[name], f"snippets.{name}"), snippets, (*inside, name), room)


def frame(layout: Sequence[Piece], body: Sequence[Piece], part: str = "layout") -> list[Piece]:
    """``body`` where the layout has ``{{ content }}``. Raises :class:`Invalid` at ``part`` without exactly one."""
    places = [place for place, piece in enumerate(layout) if piece.kind == "output" and CONTENT.fullmatch(piece.text)]
    if len(places) != 1:
        raise Invalid.at(part, "must have {{ content }} in it once")
    return [*layout[: places[0]], *body, *layout[places[0] + 1 :]]


@dataclass(frozen=True, slots=True)
class Joined:
    """Pieces as one text, which still knows where each of its characters came from."""

    text: str
    starts: Sequence[int]
    pieces: Sequence[Piece]

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "Joined":
        """The pieces in their order."""
        kept = [piece for piece in pieces if piece.text]
        starts = list(accumulate((len(piece.text) for piece in kept), initial=0))[:-1]
        return cls("".join(piece.text for piece in kept), starts, kept)

    def place(self, index: int) -> tuple[str, int]:
        """The part and line of the character at ``index``."""
        if not self.pieces or index < 0:
            return (self.pieces[0].part if self.pieces else "", 0)
        found = max(bisect_right(self.starts, index) - 1, 0)
        piece = self.pieces[found]
        return piece.part, piece.line + piece.text.count("\n", 0, max(index - self.starts[found], 0))


def astray(pieces: Iterable[Piece]) -> Piece | None:
    """The first tag of ``pieces`` whose block begins or ends elsewhere, if there is one."""
    opened: list[Piece] = []
    for piece in pieces:
        name = _tag_name(piece.text) if piece.kind == "tag" else ""
        if name in BLOCKS:
            opened.append(piece)
        elif name.startswith("end") or name in MIDDLES:
            if not opened:
                return piece
            if name not in MIDDLES:
                opened.pop()
    return opened[0] if opened else None


def alone(piece: Piece) -> str:
    """A mark as it can be parsed without the others."""
    name = _tag_name(piece.text)
    if piece.kind == "tag" and name in MIDDLES:
        block = min(MIDDLES[name])
        return f"{{% {block} 1 %}}{piece.text}{{% end{block} %}}"
    return f"{piece.text}{{% end{name} %}}" if piece.kind == "tag" and name in BLOCKS else piece.text


def _marks(source: str, part: str) -> Iterable[tuple[int, int, str]]:
    """Where the marks are. Looks at every character once: a million of ``{{`` take no longer than a million of a."""
    at = source.find("{")
    while at >= 0:
        opening = source[at : at + 2]
        if opening not in {"{{", "{%"}:
            at = source.find("{", at + 1)
            continue
        closing = "}}" if opening == "{{" else "%}"
        end = source.find(closing, at + 2)
        if end < 0:
            raise Invalid.at(part, at_line(source.count("\n", 0, at) + 1, f"{opening} is never closed by {closing}"))
        end += 2
        kind = "output" if opening == "{{" else "tag"
        name = "" if kind == "output" else _tag_name(source[at:end])
        if name in VERBATIM:
            closed = re.compile(r"\{%-?\s*end" + name + r"\s*-?%\}").search(source, end)
            if closed is None:
                raise Invalid.at(
                    part, at_line(source.count("\n", 0, at) + 1, f"{{% {name} %}} is never closed by {{% end{name} %}}")
                )
            end, kind = closed.end(), "verbatim"
        yield at, end, kind
        at = source.find("{", end)


def _tag_name(mark: str) -> str:
    named = NAME.match(mark)
    return named[1] if named else ""


def _follow(name: str, opened: list[tuple[str, int]], part: str, line: int) -> None:
    if name not in TAGS:
        raise Invalid.at(part, at_line(line, f"unknown tag {name!r}{suggested(name, TAGS)}"))
    if name in BLOCKS:
        opened.append((name, line))
        if len(opened) > DEEPEST_BLOCK:
            raise Invalid.at(part, at_line(line, f"more than {DEEPEST_BLOCK} blocks are inside each other"))
    elif name.startswith("end"):
        if not opened or opened[-1][0] != name[3:]:
            raise Invalid.at(part, at_line(line, f"{{% {name} %}} closes nothing"))
        opened.pop()
    elif name in MIDDLES and (not opened or opened[-1][0] not in MIDDLES[name]):
        raise Invalid.at(part, at_line(line, f"{{% {name} %}} is not inside {' or '.join(sorted(MIDDLES[name]))}"))


def snippets_in(source: str) -> list[str]:
    """The names of the snippets that ``source`` shows or asks for, each once."""
    if "snippets" not in source:
        return []
    found = (next(group for group in asked.groups() if group is not None) for asked in MENTION.finditer(source))
    return list(dict.fromkeys(found))
