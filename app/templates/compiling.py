"""A content made ready: everything that is the same for everybody is done here, once."""

import html as entities
import re
from collections.abc import Mapping
from email.utils import getaddresses
from typing import Any

from app.core.errors import Invalid
from app.core.message import Message
from app.templates.checking import CSS_STAYS, Warned, look_over
from app.templates.filters import METER
from app.templates.language import HTML, NOBODY, TEXT, TEXT_OF_HTML, Text
from app.templates.linking import Linked
from app.templates.pages import marked, quoted, tokens, unmarked, with_inlined_css
from app.templates.pieces import MOST_MARKS, Piece, cut, frame, put_in
from app.templates.plain import text_of
from app.templates.words import LONGEST_BODY, Source, TemplateFailed, Tracking, names

BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+\s*")
EMPTY_LINES = re.compile(r"(?<![ \t])[ \t]*+\n(?:[ \t]*+\n)+")
HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
OURS = names(
    "bcc cc content-disposition content-transfer-encoding content-type date dkim-signature from list-unsubscribe"
    " list-unsubscribe-post message-id mime-version received reply-to return-path sender subject to"
)
"""Headers that a content cannot name: we write them, or nobody does."""
HIDDEN = "display:none;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px"
NOT_LIQUID = frozenset({"attachments"})


class Template:
    """A content that is ready to be rendered for anybody, any number of times, by any thread."""

    def __init__(self, source: Source, snippets: Mapping[str, str], layout: str | None, *, inlines_css: bool) -> None:
        self.channel = source.channel
        self.is_html = source.channel == "email"
        self.warnings: list[Warned] = []
        self.links: tuple[str, ...] = ()
        self._snippets = dict(snippets)
        self._made: Text | None = None
        self._marks = 0
        self._subject = self._line(source.subject, "subject")
        self._from = self._line(source.from_address, "from_address")
        self._reply_to = self._line(source.reply_to, "reply_to")
        self._preheader = self._line(source.preheader, "preheader")
        self._headers = [(_header(name), self._line(value, f"headers.{name}")) for name, value in source.headers]
        self._fields = {
            name: value if name in NOT_LIQUID else self._field(value, f"fields.{name}")
            for name, value in source.fields.items()
        }
        if self.is_html:
            self._compile_page(source, layout, inlines_css=inlines_css)
        else:
            self._body = self._line(source.body, "body")
        self._plain = self._made if source.plain is None else self._line(source.plain, "plain")

    def render(self, context: Mapping[str, Any], tracking: Tracking | None = None) -> Message:
        """The message for one person. Raises :class:`TemplateFailed` when it costs more than there is for one, or when
        what it says of the sender is no address."""
        METER.begin()
        try:
            return self._rendered({**context, "snippets": self._snippets}, tracking)
        finally:
            METER.end()

    def _rendered(self, within: Mapping[str, Any], tracking: Tracking | None) -> Message:
        followed = tracking or NOBODY
        addresses: dict[Any, str] = {}
        body = self._body.render(within, followed, addresses)
        plain = "" if self._plain is None else self._plain.render(within, followed, addresses)
        if self._plain is self._made:
            plain = EMPTY_LINES.sub("\n\n", plain).strip()
        return Message(
            body=body,
            subject=one_line(self._subject.render(within)),
            preheader=one_line(self._preheader.render(within)),
            plain=plain,
            from_address=_sender(self._from, within, "from_address"),
            reply_to=_sender(self._reply_to, within, "reply_to"),
            headers=tuple((name, one_line(text.render(within))) for name, text in self._headers),
            fields={name: _rendered(value, within) for name, value in self._fields.items()},
        )

    def missing(self, context: Mapping[str, Any]) -> list[str]:
        """What its texts name and ``context`` has not, as far as they come to it. Raises as rendering does."""
        with METER.noting() as names:
            self.render(context)
        return list(names)

    def _pieces(self, source: str, part: str) -> list[Piece]:
        if len(source) > LONGEST_BODY:
            raise Invalid.at(part, f"is longer than {LONGEST_BODY} characters")
        return put_in(cut(source, part), self._snippets)

    def _line(self, source: str, part: str) -> Text:
        pieces = self._pieces(source, part)
        self.warnings += look_over(pieces)
        return Text(pieces, TEXT, part)

    def _field(self, value: Any, part: str) -> Any:
        if isinstance(value, str):
            if "{" not in value:
                return value
            pieces = self._pieces(value, part)
            self._marks += sum(piece.kind != "text" for piece in pieces)
            if self._marks > MOST_MARKS:
                raise Invalid.at("fields", f"have more than {MOST_MARKS} marks of Liquid")
            return Text(pieces, HTML if part == "fields.amp" else TEXT, part)
        if isinstance(value, Mapping):
            return {name: self._field(inner, f"{part}.{name}") for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._field(inner, f"{part}.{place}") for place, inner in enumerate(value)]
        return value

    def _compile_page(self, source: Source, layout: str | None, *, inlines_css: bool) -> None:
        body = self._pieces(source.body, "body")
        Text(body, HTML, "body")
        pieces = body
        if layout is not None:
            pieces = frame(self._pieces(layout, "layout"), body)
        self.warnings += look_over(pieces)
        if source.preheader:
            pieces = _with_preheader(pieces, self._pieces(source.preheader, "preheader"))
        html = quoted(marked(pieces))
        if inlines_css and "<style" in html.lower():
            inlined = with_inlined_css(html)
            if inlined is None:
                self.warnings.append(Warned("css_stays", "body", 0, CSS_STAYS))
            else:
                html = inlined
        page = Linked(html, pieces)
        page.follow()
        self.links = tuple(page.links)
        self._body = Text(unmarked(page.html, page.pieces), HTML, "body")
        if source.plain is None:
            self._made = Text(text_of(page.html, page.pieces), TEXT_OF_HTML, "body")


def compile_content(
    source: Source, *, snippets: Mapping[str, str], layout: str | None = None, inlines_css: bool = True
) -> Template:
    """``source`` ready to be rendered. Raises :class:`Invalid` at the part and line that is wrong (``body``: ``line 3:
    unknown filter 'foo'``)."""
    return Template(source, snippets, layout, inlines_css=inlines_css)


def check_layout(body: str, part: str = "body") -> None:
    """Raises :class:`Invalid` at the line of ``part`` that is no Liquid, and where a layout has no place for a content.
    Whether the snippets that it shows exist is not asked."""
    pieces = cut(body, part)
    Text(pieces, HTML, part)
    frame(pieces, [], part)


def check_snippet(value: str, part: str = "value") -> None:
    """Raises :class:`Invalid` at the line of ``part`` that is no Liquid."""
    Text(cut(value, part), HTML, part)


def one_line(text: str) -> str:
    """``text`` as a header can carry it: no line break, and nothing else that nobody can see."""
    return (text if text.isprintable() else BREAKS.sub(" ", text)).strip()


def _rendered(value: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(value, Text):
        return value.render(context)
    if isinstance(value, dict):
        return {name: _rendered(inner, context) for name, inner in value.items()}
    return [_rendered(inner, context) for inner in value] if isinstance(value, list) else value


def _sender(text: Text, context: Mapping[str, Any], part: str) -> str:
    made = one_line(text.render(context))
    if not made or text.is_static:
        return made
    found = [address for _, address in getaddresses([made]) if "@" in address]
    # Where the template says the host, nobody's name can put another address in its place: ``Ada <a@x.example> (``.
    if len(found) != 1 or ("@" in text.literal and found[0].rpartition("@")[2] not in text.literal):
        raise TemplateFailed(part, 0, "is not one address")
    return made


def _header(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise Invalid.at(f"headers.{name}", "is not the name of a header")
    if name.lower() in OURS:
        raise Invalid.at(f"headers.{name}", "is a header that Rapport writes")
    return name


def _with_preheader(pieces: list[Piece], preheader: list[Piece]) -> list[Piece]:
    """The preheader hidden at the top of the body: what mailboxes show beside the subject."""
    shown = [
        Piece("text", f'<div style="{HIDDEN}">', "preheader", 1),
        *(
            Piece(one.kind, entities.escape(one.text, quote=False), one.part, one.line) if one.kind == "text" else one
            for one in preheader
        ),
        Piece("text", "</div>", "preheader", 1),
    ]
    for place, piece in enumerate(pieces):
        if piece.kind != "text" or "<body" not in piece.text.lower():
            continue
        opened = next((one for one in tokens(piece.text) if one.kind == "open" and one.name == "body"), None)
        if opened is not None:
            before = Piece("text", piece.text[: opened.end], piece.part, piece.line)
            line = piece.line + before.text.count("\n")
            after = Piece("text", piece.text[opened.end :], piece.part, line)
            return [*pieces[:place], before, *shown, after, *pieces[place + 1 :]]
    return [*shown, *pieces]
