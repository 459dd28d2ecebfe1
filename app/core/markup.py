"""Markdown as people write it in a chat, made into HTML that is safe to show, and into one plain line.

Markdown-it makes the HTML (raw HTML is text to it), and an allow-list goes over it once more. Pictures, headings and
tables are not part of it: a picture from elsewhere would tell its owner who reads the message.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "ol": {"start"}, "*": set()}
SCHEMES = {"http", "https", "mailto"}
ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+[^\s<>\"'`\\.,;:!?*_~)\]}]", re.IGNORECASE)
ABSOLUTE = re.compile(r"(https?://|mailto:)[^\s]", re.IGNORECASE)
PREVIEW = 300
RULES = (
    "paragraph",
    "blockquote",
    "fence",
    "list",
    "text",
    "newline",
    "escape",
    "backticks",
    "strikethrough",
    "emphasis",
    "link",
    "autolink",
    "entity",
    "balance_pairs",
    "fragments_join",
)


def to_html(text: str) -> str:
    """``text`` as HTML of the few tags in :data:`TAGS`. Links lead to the web or to a mailbox, and pass nothing on."""
    reader = _markdown()
    made = reader.renderer.render(_parsed(text), reader.options, {})
    return nh3.clean(
        made,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).rstrip("\n")


def to_preview(text: str, longest: int = PREVIEW) -> str:
    """What ``text`` says in one line of at most ``longest`` characters, without its marks."""
    line = " ".join("".join(_said(_parsed(text))).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _said(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.children:
            yield from _said(token.children)
        elif token.type in {"text", "code_inline", "fence", "softbreak", "hardbreak"}:
            yield token.content or " "
        elif token.nesting < 0 and token.block:
            yield " "


@lru_cache(maxsize=16)
def _parsed(text: str) -> list[Token]:
    """A text is shown and previewed at the same time; to read it is most of the work."""
    return _markdown().parse(text)


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("zero", {"html": False, "breaks": True, "maxNesting": 12}).enable(list(RULES), True)
    reader.validateLink = _leads_somewhere  # type: ignore[assignment]
    reader.core.ruler.push("bare_addresses", _link_bare_addresses)
    return reader


def _leads_somewhere(address: str) -> bool:
    return ABSOLUTE.match(address) is not None


def _link_bare_addresses(state: StateCore) -> None:
    """Makes addresses that stand in the text into links."""
    for token in state.tokens:
        if token.type == "inline" and token.children and "://" in token.content:
            token.children = list(_linked(token.children))


def _linked(tokens: Sequence[Token]) -> Iterator[Token]:
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not inside:
            yield from _split(token)
        else:
            yield token


def _split(token: Token) -> Iterator[Token]:
    done = 0
    for found in ADDRESS.finditer(token.content):
        if found.start() > done:
            yield Token("text", "", 0, content=token.content[done : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": found[0]})
        yield Token("text", "", 0, content=found[0])
        yield Token("link_close", "a", -1)
        done = found.end()
    if done < len(token.content):
        yield Token("text", "", 0, content=token.content[done:])
