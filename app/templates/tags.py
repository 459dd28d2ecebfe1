"""The tags that python-liquid has not: addresses of the message itself, followed links, and the pixel."""

import html as entities
import re
from collections.abc import Iterable
from typing import Any, TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream, escape
from liquid.ast import BlockNode
from liquid.builtin.content import ContentNode
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from app.core.link_tokens import LONGEST_ADDRESS
from app.templates.filters import METER
from app.templates.nodes import NEEDS_ESCAPING
from app.templates.scope import SHORT, Buffer, Rendering

SAFE_ADDRESS = re.compile(r"\s*+(?:https?:|mailto:|tel:|sms:|[^:]*+$|[/?#])", re.IGNORECASE)


def address(context: Rendering, number: int, url: str) -> str:
    """What a message has where its template leads to ``url``."""
    if not SAFE_ADDRESS.match(url):
        return "#"
    click = context.tracking.click
    if number < 0 or click is None or not url[:8].lower().startswith(("http://", "https://")):
        return url
    if len(url) > LONGEST_ADDRESS // 4 and len(url.encode()) > LONGEST_ADDRESS:
        return url
    made = context.addresses[number, url] = click(number, url)
    return made


class AddressNode(Node):
    """Writes one of the addresses that every message has of its own."""

    __slots__ = ("name",)

    def __init__(self, token: Token, name: str) -> None:
        super().__init__(token)
        self.name = name
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Writes it."""
        own = str(context.resolve(self.name, default=""))
        return buffer.write(escape(own) if context.autoescape else own)


class UnsubscribeTag(Tag):
    """``{% unsubscribe_url %}``: where one click unsubscribes."""

    name = "unsubscribe_url"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Has nothing in it but its name."""
        stream.expect(TOKEN_TAG, value=self.name)
        token = stream.current
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
        return AddressNode(token, self.name)


class PreferencesTag(UnsubscribeTag):
    """``{% manage_subscription_preferences_url %}``: where people choose what they get."""

    name = "manage_subscription_preferences_url"


class LinkNode(Node):
    """Writes the address that stands for that inside of it: in HTML as it is, in text behind words and in brackets."""

    __slots__ = ("block", "is_html", "number", "static", "steps")

    def __init__(self, token: Token, number: int, block: BlockNode, *, is_html: bool) -> None:
        super().__init__(token)
        self.number = number
        self.block = block
        self.blank = False
        self.is_html = is_html
        self.steps = [node.render for node in block.nodes]
        texts = [node.text for node in block.nodes if isinstance(node, ContentNode)]
        self.static = self._url("".join(texts)) if len(texts) == len(block.nodes) else None

    def render(self, context: Any, buffer: Any) -> int:
        """Writes it."""
        url = self.static
        if url is None:
            inner: Any = Buffer()
            for step in self.steps:
                step(context, inner)
            url = self._url(inner.getvalue())
        made = context.addresses.get((self.number, url)) or address(context, self.number, url)
        if len(made) > SHORT:
            METER.spend(len(made))
        if self.is_html:
            buffer.append(escape(made) if NEEDS_ESCAPING(made) else made)
        elif made:
            buffer.append(f" ({made})")
        return 0

    def _url(self, text: str) -> str:
        return (entities.unescape(text) if self.is_html and "&" in text else text).strip()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """As rendering."""
        return self.render(context, buffer)

    def children(self, _: Any, *, include_partials: bool = True) -> Iterable[Node]:
        """The address."""
        return [self.block]


class LinkTag(Tag):
    """Only we write it: around the address of a link."""

    name = "rapport_link"
    end = "endrapport_link"

    def parse(self, stream: TokenStream) -> Node:
        """Has the number of the link, and an address inside."""
        token = stream.eat(TOKEN_TAG)
        number = int(stream.eat(TOKEN_EXPRESSION).value)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return LinkNode(token, number, block, is_html=self.env.autoescape)


class PixelNode(Node):
    """Writes the picture that tells of openings."""

    __slots__ = ()

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Writes it, where openings are followed."""
        assert isinstance(context, Rendering)
        pixel = context.tracking.pixel
        if pixel is None:
            return 0
        return buffer.write(f'<img src="{escape(pixel)}" width="1" height="1" alt="" style="display:block">')


class PixelTag(Tag):
    """Only we write it: where the pixel stands."""

    name = "rapport_pixel"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Has nothing in it but its name."""
        stream.expect(TOKEN_TAG, value=self.name)
        return PixelNode(stream.current)
