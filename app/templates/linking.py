"""The links of an e-mail, found once when it is compiled, and its pixel."""

import html as entities
import re
from dataclasses import dataclass, field

from app.core.errors import Invalid
from app.templates.pages import CLOSE, MARK, OPEN, Token, attributes, tokens, value
from app.templates.pieces import Piece, astray
from app.templates.words import at_line

OWN_ADDRESS = re.compile(r"\{[{%]-?\s*(unsubscribe_url|manage_subscription_preferences_url)\b")
UNTRACKED = re.compile(r"(?:^|\s)untracked(?:\s|$)")
LONGEST_LINK = 4000


@dataclass
class Linked:
    """HTML in whose links stand the marks that make them followed; ``pieces`` has these marks at its end."""

    html: str
    pieces: list[Piece]
    links: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def _add(self, mark: str, kind: str = "tag") -> str:
        self.pieces.append(Piece(kind, mark))
        return f"{OPEN}{len(self.pieces) - 1}{CLOSE}"

    def follow(self) -> None:
        """Marks all links, and the place of the pixel."""
        made: list[str] = []
        at = 0
        end_of_body = len(self.html)
        for token in tokens(self.html):
            if token.kind == "close" and token.name == "body":
                end_of_body = token.start
            if token.kind != "open" or token.name not in {"a", "area"}:
                continue
            for name, start, end in attributes(self.html, token):
                if name == "href" and (number := self._number(token, value(self.html, start, end))) is not None:
                    inner = value(self.html, start, end)
                    self._refuse_astray(inner)
                    made += (self.html[at:start], '"', self._add(f"{{% rapport_link {number} %}}"))
                    made += (inner.replace('"', "&quot;"), self._add("{% endrapport_link %}"), '"')
                    at = end
        pixel = self._add("{% rapport_pixel %}", "page")
        if end_of_body < at:
            end_of_body = len(self.html)
        made += (self.html[at:end_of_body], pixel, self.html[end_of_body:])
        self.html = "".join(made)

    def _refuse_astray(self, href: str) -> None:
        wrong = astray(self.pieces[int(mark[1])] for mark in MARK.finditer(href))
        if wrong is not None:
            raise Invalid.at(wrong.part, at_line(wrong.line, f"{wrong.text[:60]} stands half in an address"))

    def _number(self, token: Token, href: str) -> int | None:
        """The place of a link that is followed; -1 where its address is only looked at; None: it stays as it is."""
        href = href.strip()
        first = MARK.match(href)
        if first is None and not re.match(r"https?://\S", href, re.IGNORECASE):
            return -1 if OPEN in href.split(":")[0] else None
        if first and OWN_ADDRESS.match(self.pieces[int(first[1])].text):
            return None
        address = entities.unescape(MARK.sub(lambda mark: self.pieces[int(mark[1])].text, href))
        if self._is_untracked(token) or len(address) > LONGEST_LINK:
            return -1 if first else None
        number = self._numbers.setdefault(address, len(self.links))
        if number == len(self.links):
            self.links.append(address)
        return number

    def _is_untracked(self, token: Token) -> bool:
        return any(
            name == "data-untracked" or (name == "class" and UNTRACKED.search(value(self.html, start, end)))
            for name, start, end in attributes(self.html, token)
        )
