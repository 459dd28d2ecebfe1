"""The HTML around the Liquid of an e-mail: its tags are found without touching what stands between them.

While HTML is looked at, each mark of Liquid is one character sequence that no template has: a number between
:data:`OPEN` and :data:`CLOSE`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import css_inline

from app.templates.pieces import Piece
from app.templates.words import names

IMPLIED = frozenset({"html", "head", "body", "style"})
OPTIONAL = names("p li td th tr dt dd option colgroup thead tbody tfoot")
VOID = names("area base br col embed hr img input link meta param source track wbr")
TBODY = re.compile(r"</?tbody>", re.IGNORECASE)
OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}")
TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)((?:[^\"'>]|\"[^\"]*\"|'[^']*')*+)>")
ATTRIBUTE = re.compile(r"([^\s\"'>/=]+)(?:(\s*+=\s*+)(\"[^\"]*\"|'[^']*'|[^\s\"'>]++))?")
RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "noframes"})
STAND_IN = re.compile(r"<!--rpLq(\d+)qLpr-->|rpLq(\d+)qLpr")
STYLE_STAND_IN = re.compile(r"<!--rpStyle(\d+)-->")
BRACE = re.compile(r"\{(?=[{%]|\Z)")
"""A brace that would begin a mark, or make another one of what follows."""
MOST_MATCHING = 4_000_000
"""Rules of styles times tags: what is looked at to put styles onto elements, a second at most."""
MOST_DEPTH = 400
MOST_COPYING = 100_000_000
"""Characters of styles times tags: what would be written if every rule were for every element."""


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of HTML: ``text``, ``raw`` (inside a script, style or title), ``comment``, ``open`` or ``close``."""

    kind: str
    start: int
    end: int
    name: str = ""
    attributes: tuple[int, int] = (0, 0)


def marked(pieces: Sequence[Piece]) -> str:
    """The pieces as one text with a number for each mark of Liquid: its place in ``pieces``."""
    return "".join(
        piece.text.replace(OPEN, "").replace(CLOSE, "") if piece.kind == "text" else f"{OPEN}{place}{CLOSE}"
        for place, piece in enumerate(pieces)
    )


def unmarked(html: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a text with numbers in it. What looks like Liquid between them is text and stays so."""
    made: list[Piece] = []
    at = 0
    latest = pieces[0] if pieces else Piece("text", "")
    for mark in MARK.finditer(html):
        if mark.start() > at:
            made.append(harmless(html[at : mark.start()], latest))
        latest = pieces[int(mark[1])]
        made.append(latest)
        at = mark.end()
    if at < len(html):
        made.append(harmless(html[at:], latest))
    return made


def harmless(text: str, beside: Piece) -> Piece:
    """``text`` as a piece whose braces begin nothing; its place is that of ``beside``."""
    said = BRACE.sub("{{ '{' }}", text)
    return Piece("text" if said == text else "output", said, beside.part, beside.line)


def tokens(html: str) -> Iterator[Token]:
    """The tags of ``html`` and what is between them, which together are all of it.

    Each character is looked at once: a tag that is never closed ends the reading, as it does in a browser.
    """
    at = 0
    while at < len(html):
        begun = html.find("<", at)
        if begun < 0:
            break
        if html.startswith("<!--", begun):
            yield from _text(at, begun)
            closed = html.find("-->", begun + 4)
            end = len(html) if closed < 0 else closed + 3
            yield Token("comment", begun, end)
            at = end
            continue
        if not html[begun + 1 : begun + 2].isalpha() and not html.startswith("</", begun):
            closed = html.find(">", begun) if html.startswith("<!", begun) else begun
            yield from _text(at, begun)
            end = len(html) if closed < 0 else closed + 1
            yield Token("text" if end == begun + 1 else "comment", begun, end)
            at = end
            continue
        found = TAG.match(html, begun)
        if found is None:
            break
        yield from _text(at, begun)
        name = MARK.sub("", found[2]).lower()
        yield Token("close" if found[1] else "open", begun, found.end(), name, found.span(3))
        at = found.end()
        if name in RAW and not found[1]:
            closing = re.compile(f"</{name}", re.IGNORECASE).search(html, at)
            end = closing.start() if closing else len(html)
            if end > at:
                yield Token("raw", at, end, name)
            at = end
    yield from _text(at, len(html))


def _text(start: int, end: int) -> Iterator[Token]:
    if end > start:
        yield Token("text", start, end)


def attributes(html: str, token: Token) -> Iterator[tuple[str, int, int]]:
    """The names of a tag's attributes, small, and where their values are, with their quotes."""
    for found in ATTRIBUTE.finditer(html, *token.attributes):
        start, end = found.span(3) if found[3] is not None else (found.end(), found.end())
        yield found[1].lower(), start, end


def value(html: str, start: int, end: int) -> str:
    """The value between ``start`` and ``end``, without its quotes."""
    text = html[start:end]
    return text[1:-1] if text[:1] in {'"', "'"} else text


def quoted(html: str) -> str:
    """``html`` with quotes around values that have Liquid in them: a person's value may have spaces in it."""
    made: list[str] = []
    at = 0
    for token in tokens(html):
        if token.kind != "open" or OPEN not in html[token.start : token.end]:
            continue
        for _, start, end in attributes(html, token):
            if OPEN in html[start:end] and html[start] not in {'"', "'"}:
                made += (html[at:start], '"', html[start:end], '"')
                at = end
    return "".join(made) + html[at:]


def with_inlined_css(html: str) -> str | None:
    """``html`` with the rules of its styles on its elements; rules for some screens only stay where they are.

    A style that has Liquid in it stays as it is. None where Liquid stands so that no HTML can be read around it
    (between the attributes of a tag, or instead of a whole style attribute), and where it would take too long.
    """
    kept: list[str] = []
    made: list[str] = []
    read = list(tokens(html))
    if _is_too_much(html, read):
        return None
    skipped = 0
    for place, token in enumerate(read):
        if token.end <= skipped:
            continue
        text = html[token.start : token.end]
        if token.kind == "open" and _has_marks_between(html, token):
            return None
        if token.kind == "text":
            made.append(MARK.sub(r"<!--rpLq\1qLpr-->", text))
        elif token.name == "style" and (end := _end_of_liquid_style(html, read[place : place + 3])):
            made.append(f"<!--rpStyle{len(kept)}-->")
            kept.append(html[token.start : end])
            skipped = end
        else:
            made.append(MARK.sub(r"rpLq\1qLpr", text))
    try:
        inlined = _inliner().inline("".join(made))
    except css_inline.InlineError:
        return None
    places = {str(place): style for place, style in enumerate(kept)}
    inlined = STYLE_STAND_IN.sub(lambda found: places.get(found[1], found[0]), inlined)
    inlined = STAND_IN.sub(lambda found: f"{OPEN}{found[1] or found[2]}{CLOSE}", inlined)
    if "<tbody" not in html.lower():
        inlined = TBODY.sub("", inlined)
    return inlined if _is_same_page(html, inlined) else None


def _is_too_much(html: str, read: Sequence[Token]) -> bool:
    """Every rule is looked at for every element, and may be written onto each of them; elements inside each other are
    gone through by recursion, which ends the process where there are too many."""
    if _depth(read) > MOST_DEPTH:
        return True
    styles = [(token.start, token.end) for token in read if token.kind == "raw" and token.name == "style"]
    tags = sum(token.kind == "open" for token in read)
    rules = sum(html.count("{", *style) + html.count(",", *style) for style in styles)
    return rules * tags > MOST_MATCHING or sum(end - start for start, end in styles) * tags > MOST_COPYING


def _depth(read: Sequence[Token]) -> int:
    """How many elements are inside each other, or more: a tag that does not close the innermost one closes none."""
    opened: list[str] = []
    deepest = 0
    for token in read:
        if token.kind not in {"open", "close"} or token.name in VOID:
            continue
        outer = len(opened)  # how many are left when those are closed whose ends need not be written
        while outer and opened[outer - 1] in OPTIONAL and opened[outer - 1] != token.name:
            outer -= 1
        if outer and opened[outer - 1] == token.name and (token.kind == "close" or token.name in OPTIONAL):
            del opened[outer - 1 :]
        if token.kind == "open":
            opened.append(token.name)
            deepest = max(deepest, len(opened))
    return deepest


def _is_same_page(html: str, inlined: str) -> bool:
    """Whether the parser neither moved Liquid nor understood the page otherwise than it is written: it knows nothing of
    loops and conditions. It may close what need not be closed."""
    if MARK.findall(html) != MARK.findall(inlined):
        return False
    before, after = _counted(html), _counted(inlined)
    return all(before[tag] == after[tag] for tag in before.keys() | after.keys())


def _counted(html: str) -> Counter[tuple[str, str]]:
    named = ((token.kind, token.name) for token in tokens(html) if token.kind in {"open", "close"})
    return Counter(tag for tag in named if tag[1] not in IMPLIED and not (tag[0] == "close" and tag[1] in OPTIONAL))


def _has_marks_between(html: str, token: Token) -> bool:
    """Whether Liquid stands in a tag, but not in a value."""
    inside = sum(html.count(OPEN, start, end) for _, start, end in attributes(html, token))
    return html.count(OPEN, token.start, token.end) > inside


def _end_of_liquid_style(html: str, following: Sequence[Token]) -> int:
    """Where a style ends that has Liquid in it; 0 for others."""
    if [token.kind for token in following] != ["open", "raw", "close"]:
        return 0
    return following[2].end if OPEN in html[following[1].start : following[1].end] else 0


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
