"""The tags that python-liquid has not: addresses of the message itself, followed links, and the pixel."""

import html as entities
import re
from typing import TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream, escape
from liquid.ast import BlockNode
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from app.templates.words import Tracking

SAFE_ADDRESS = re.compile(r"\s*+(?:https?:|mailto:|tel:|sms:|[^:]*+$|[/?#])", re.IGNORECASE)


class Rendering(RenderContext):
    """The rendering of one text for one person."""

    __slots__ = ("addresses", "tracking")

    tracking: Tracking
    addresses: dict[tuple[int, str], str]
    """What stands for the links of this message, made once though the HTML and the text both have them."""

    def address(self, number: int, url: str) -> str:
        """What a message has where its template leads to ``url``."""
        if not SAFE_ADDRESS.match(url):
            return "#"
        if number < 0 or self.tracking.click is None or not url.lower().startswith(("http://", "https://")):
            return url
        known = self.addresses.get((number, url))
        if known is None:
            known = self.addresses[number, url] = self.tracking.click(number, url)
        return known


class AddressNode(Node):
    """Writes one of the addresses that every message has of its own."""

    __slots__ = ("name",)

    def __init__(self, token: Token, name: str) -> None:
        super().__init__(token)
        self.name = name
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Writes it."""
        address = str(context.resolve(self.name, default=""))
        return buffer.write(escape(address) if context.autoescape else address)


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

    __slots__ = ("block", "number")

    def __init__(self, token: Token, number: int, block: BlockNode) -> None:
        super().__init__(token)
        self.number = number
        self.block = block
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Writes it."""
        inner = context.get_buffer(buffer)
        self.block.render(context, inner)
        url = inner.getvalue()
        assert isinstance(context, Rendering)
        if not context.autoescape:
            address = context.address(self.number, url.strip())
            return buffer.write(f" ({address})" if address else "")
        return buffer.write(escape(context.address(self.number, entities.unescape(url).strip())))


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
        return LinkNode(token, number, block)


class PixelNode(Node):
    """Writes the picture that tells of openings."""

    __slots__ = ()

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Writes it, where openings are followed."""
        assert isinstance(context, Rendering)
        address = context.tracking.pixel
        if address is None:
            return 0
        return buffer.write(f'<img src="{escape(address)}" width="1" height="1" alt="" style="display:block">')


class PixelTag(Tag):
    """Only we write it: where the pixel stands."""

    name = "rapport_pixel"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Has nothing in it but its name."""
        stream.expect(TOKEN_TAG, value=self.name)
        return PixelNode(stream.current)
