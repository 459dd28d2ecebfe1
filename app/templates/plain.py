"""The text of an e-mail, made from its HTML before anybody is known to whom it goes."""

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.templates.pages import MARK, Token, attributes, harmless, tokens, value
from app.templates.pieces import Piece
from app.templates.words import names

BLOCKS = names(
    "address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li"
    " main nav ol p pre section table tr ul"
)
SPACED = names("blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul")
SPACE = re.compile(r"[ \t\r\n\f]+")
LONGEST_SAID = 10_000
"""What is looked at of the words of a link, to see whether they are its address."""
NOWHERE = Piece("text", "")


@dataclass
class Writer:
    """Text as it grows: white space of HTML becomes one space, blocks become lines."""

    pieces: Sequence[Piece]
    made: list[Piece] = field(default_factory=list)
    breaks: int = 2
    spaced: bool = False

    def text(self, html: str) -> None:
        """What stands between tags, with marks of Liquid in it."""
        at = 0
        for mark in MARK.finditer(html):
            self._words(html[at : mark.start()])
            piece = self.pieces[int(mark[1])]
            if piece.kind == "output":
                self._space()
                self.breaks = 0
            if piece.kind != "page":
                self.made.append(piece)
            at = mark.end()
        self._words(html[at:])

    def tags_of(self, html: str) -> None:
        """Of what nobody reads, such as the head, the marks that do something."""
        self.made += [piece for mark in MARK.finditer(html) if (piece := self.pieces[int(mark[1])]).kind == "tag"]

    def line(self, breaks: int) -> None:
        """At least so many line ends."""
        if self.breaks < breaks:
            self.put("\n" * (breaks - self.breaks))
            self.breaks = breaks
        self.spaced = False

    def address(self, html: str) -> None:
        """Where a link leads to, behind its words. One that is followed writes its brackets when it is not empty."""
        first = MARK.match(html)
        followed = first is not None and self.pieces[int(first[1])].text.startswith("{% rapport_link")
        if not followed:
            self.put(" (" if self.made and not self.breaks else "(")
        at = 0
        for mark in MARK.finditer(html):
            self.put(entities.unescape(html[at : mark.start()]))
            self.made.append(self.pieces[int(mark[1])])
            at = mark.end()
        self.put(entities.unescape(html[at:]) + ("" if followed else ")"))
        self.spaced, self.breaks = False, 0

    def _words(self, html: str) -> None:
        words = SPACE.sub(" ", entities.unescape(html)).replace("\xa0", " ")
        if not words:
            return
        self.spaced = self.spaced or words[0] == " "
        if words.strip(" "):
            self._space()
            self.put(words.strip(" "))
            self.breaks = 0
            self.spaced = words[-1] == " "

    def _space(self) -> None:
        if self.spaced and not self.breaks:
            self.put(" ")
        self.spaced = False

    def put(self, text: str) -> None:
        """This text as it is."""
        self.made.append(harmless(text, NOWHERE))


def text_of(html: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a text that says what ``html`` says, in which the marks of ``pieces`` are numbers.

    An address stands behind the words that lead to it. What the marks in attributes do is left out.
    """
    writer = Writer(pieces)
    hidden: list[str] = []  # the open elements that nobody sees, each with those of its name inside
    links: list[tuple[str, int]] = []
    for token in tokens(html):
        text = html[token.start : token.end]
        if token.kind == "open" and token.name == "body" and hidden == ["head"]:
            hidden.pop()  # the end of a head need not be written
        if token.kind == "open" and (token.name == hidden[-1] if hidden else _is_hidden(html, token)):
            hidden.append(token.name)
        elif token.kind == "close" and hidden and token.name == hidden[-1]:
            hidden.pop()
        elif hidden or token.kind in {"raw", "comment"}:
            writer.tags_of(text)
        elif token.kind == "text":
            writer.text(text)
        elif token.kind == "open":
            _open(writer, html, token, links)
        else:
            _close(writer, html, token, links)
    return writer.made


def _open(writer: Writer, html: str, token: Token, links: list[tuple[str, int]]) -> None:
    if token.name == "br":
        writer.spaced = False
        writer.put("\n")
        writer.breaks = min(writer.breaks + 1, 2)
    elif token.name in BLOCKS:
        writer.line(2 if token.name in SPACED else 1)
        if token.name == "li":
            writer.put("- ")
        elif token.name == "hr":
            writer.put("---")
            writer.breaks = 0
            writer.line(1)
    elif token.name in {"td", "th"}:
        writer.spaced = True
    elif token.name == "img":
        writer.text(_value_of(html, token, "alt"))
    elif token.name == "a":
        links.append((_value_of(html, token, "href").strip(), token.end))


def _close(writer: Writer, html: str, token: Token, links: list[tuple[str, int]]) -> None:
    if token.name in BLOCKS:
        writer.line(2 if token.name in SPACED else 1)
    elif token.name == "a" and links:
        address, start = links.pop()
        said = html[start : min(token.start, start + LONGEST_SAID)].strip()
        if address and not address.startswith("#") and _bare(said) != _bare(MARK.sub("", address)):
            writer.address(address.removeprefix("mailto:").removeprefix("tel:"))


def _bare(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://").removesuffix("/")


def _is_hidden(html: str, token: Token) -> bool:
    if token.name in {"head", "template"}:
        return True
    style = _value_of(html, token, "style").lower().replace(" ", "")
    return "display:none" in style and token.name not in {"img", "br", "hr", "input"}


def _value_of(html: str, token: Token, name: str) -> str:
    return next((value(html, start, end) for found, start, end in attributes(html, token) if found == name), "")
