"""Nodes of the parse tree that do what python-liquid's do, in a fraction of the time, and know when it is enough.

Whatever is not here python-liquid renders itself: both kinds may stand inside each other. That they mean the same is a
property test.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from liquid import Node, RenderContext, Token, Undefined, escape
from liquid.ast import BlockNode, ConditionalBlockNode
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.expressions import FilteredExpression, LoopExpression
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.for_tag import ForLoop, ForNode, ForTag
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.exceptions import BreakLoop, ContextDepthError, ContinueLoop
from liquid.expression import Expression
from liquid.stringify import to_liquid_string

from app.templates.filters import METER, weigh
from app.templates.getting import Step, getter
from app.templates.scope import NOWHERE, OURS, SHORT

NEEDS_ESCAPING = re.compile("[&<>'\"]").search


OPENS_CELL = re.compile(r'<td class="col\d+">|<tr class="row1">\n')
ENDS_ROW = re.compile(r'</tr>\n(?:<tr class="row\d+">)?')
NO_LOOP = Undefined("parentloop")
"""What is around the outermost loop."""


def renders(block: BlockNode) -> list[Step]:
    """What is done for a block, one after the other. Of one that is blank nothing is seen."""
    if not block.blank:
        return [node.render for node in block.nodes]
    return [partial(_unseen, node.render) for node in block.nodes if not isinstance(node, ContentNode)]


def _unseen(step: Step, context: Any, _: Any) -> None:
    step(context, NOWHERE)


def shown(value: Any, autoescape: bool) -> str:
    """What stands for ``value`` in a text."""
    if not isinstance(value, str | int | float):
        weigh(value)
    return to_liquid_string(value, autoescape)


def weight(nodes: Sequence[Node]) -> int:
    """What it costs at most to render ``nodes`` once, apart from long values and from loops in them."""
    cost = 0
    for node in nodes:
        if isinstance(node, ContentNode):
            cost += len(node.text)
        elif not isinstance(node, ForNode | TablerowNode):
            cost += SHORT // 2 + weight(list(node.children(None)))  # type: ignore[arg-type]
    return cost + 1


class BoundedRange(RangeLiteral):
    """``(1..3)``, which nobody can make too long to look at."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        weigh(made)
        return made


class FastBlock(BlockNode):
    """What stands between two tags."""

    __slots__ = ()

    def render(self, context: Any, buffer: Any) -> int:
        """Renders one after the other."""
        seen: Any = NOWHERE if self.blank else buffer
        for node in self.nodes:
            node.render(context, seen)
        return 0


def tame(nodes: Iterable[Node]) -> Iterator[Filter]:
    """Makes what the parser has made below ``nodes`` our own: all ranges bounded, all blocks fast. Gives the filters
    that are there."""
    for node in nodes:
        if type(node) is BlockNode:
            node.__class__ = FastBlock
        for expression in node.expressions():
            yield from _tame(expression)
        yield from tame(node.children(None))  # type: ignore[arg-type]


def _tame(expression: Expression) -> Iterator[Filter]:
    if isinstance(expression, RangeLiteral):
        expression.__class__ = BoundedRange
    if isinstance(expression, FilteredExpression):
        yield from expression.filters or ()
    for inner in expression.children():
        yield from _tame(inner)


class FastContent(ContentNode):
    """Text that is the same for everybody."""

    __slots__ = ()

    def render(self, context: RenderContext, buffer: Any) -> int:
        """Writes it."""
        buffer.append(self.text)
        return 0


class FastOutput(OutputNode):
    """A value of one person's."""

    __slots__ = ("get",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        self.get = getter(expression)

    def render(self, context: Any, buffer: Any) -> int:
        """Writes it."""
        value = self.get(context)
        kind = type(value)
        if kind is str:
            text = escape(value) if context.autoescape and NEEDS_ESCAPING(value) else value
        else:
            text = str(value) if kind is int else shown(value, context.autoescape)
        if len(text) > SHORT:
            METER.spend(len(text))
        buffer.append(text)
        return 0


class FastIf(IfNode):
    """Either this or that."""

    __slots__ = ("branches", "otherwise")
    wanted = True

    def __init__(
        self,
        token: Token,
        condition: Expression,
        consequence: BlockNode,
        alternatives: list[ConditionalBlockNode],
        default: BlockNode | None,
    ) -> None:
        super().__init__(token, condition, consequence, alternatives, default)
        first = (getter(condition), self.wanted, renders(consequence))
        others = [(getter(one.expression), True, renders(one.block)) for one in alternatives]
        self.branches = [first, *others]
        self.otherwise = renders(default) if default else []

    def render(self, context: Any, buffer: Any) -> int:
        """Renders the first of which the condition holds."""
        for condition, wanted, steps in self.branches:
            if bool(condition(context)) is wanted:
                for step in steps:
                    step(context, buffer)
                return 0
        for step in self.otherwise:
            step(context, buffer)
        return 0


class FastUnless(FastIf):
    """Either that or this."""

    __slots__ = ()
    wanted = False


class FastFor(ForNode):
    """The same for each of many."""

    __slots__ = ("cost", "get", "key", "name", "otherwise", "steps")

    def __init__(
        self, token: Token, expression: LoopExpression, block: BlockNode, default: BlockNode | None = None
    ) -> None:
        super().__init__(token, expression, block, default)
        self.steps = renders(block)
        self.otherwise = renders(default) if default else []
        self.cost = weight(block.nodes)
        self.name = str(expression.identifier)
        self.key = f"{expression.identifier}-{expression.iterable}"
        is_whole = expression.limit is None and expression.offset is None and not expression.reversed
        self.get = getter(expression.iterable) if is_whole else None

    def render(self, context: Any, buffer: Any) -> int:
        """Renders the block for each item."""
        items, length = self._items(context)
        if not length:
            for step in self.otherwise:
                step(context, buffer)
            return 0
        loops = context.loops
        parent = loops[-1] if loops and type(loops[-1]) is ForLoop else NO_LOOP
        loop = ForLoop(self.key, items, length, parent)
        if context.scope.size() > context.env.context_depth_limit:
            raise ContextDepthError("maximum context depth reached", token=self.token)
        context.raise_for_loop_limit(length)
        if self.name in OURS:
            context.shadowed = True
        named: dict[str, Any] = {"forloop": loop, self.name: None}
        loops.append(loop)
        context.scope.push(named)
        try:
            self._each(context, buffer, items, loop, named)
        finally:
            context.scope.pop()
            loops.pop()
        return 0

    def _items(self, context: Any) -> tuple[Iterator[Any], int]:
        if self.get is None:
            return self.expression.evaluate(context)
        items, length = self.expression._to_iter(self.get(context), context)
        context.stopindex(self.key, length)
        return items, length

    def _each(self, context: Any, buffer: Any, items: Iterator[Any], loop: ForLoop, named: dict[str, Any]) -> None:
        name, steps, cost, spend = self.name, self.steps, self.cost, METER.spend
        for item in items:
            spend(cost)
            loop._index += 1
            named[name] = item
            try:
                for step in steps:
                    step(context, buffer)
            except ContinueLoop:
                continue
            except BreakLoop:
                break


class MeteredTablerow(TablerowNode):
    """A table of many."""

    __slots__ = ()

    def render(self, context: Any, buffer: Any) -> int:
        """As python-liquid does it."""
        if self.expression.identifier in OURS:
            context.shadowed = True
        _, length = self.expression.evaluate(context)
        METER.spend(length * weight(self.block.nodes))
        shown: Any = buffer if context.env.has_tables else Cells(buffer)
        self.render_to_output(context, shown)
        return 0


class Cells:
    """What a table becomes in the text that is made from HTML: words side by side, and lines."""

    def __init__(self, buffer: Any) -> None:
        self.append = buffer.append

    def write(self, text: str) -> int:
        """Writes it, and for a tag of the table what it means."""
        if OPENS_CELL.fullmatch(text):
            return 0
        self.append("\n" if ENDS_ROW.fullmatch(text) else " " if text == "</td>" else text)
        return 0


class FastLiteral(Literal):
    """The pseudo-tag of text."""

    node_class = FastContent


class FastOutputTag(Output):
    """The pseudo-tag of ``{{ … }}``."""

    node_class = FastOutput


class FastEchoTag(EchoTag):
    """``{% echo … %}``."""

    node_class = FastOutput  # type: ignore[assignment]


class FastIfTag(IfTag):
    """``{% if … %}``."""

    node_class = FastIf


class FastUnlessTag(UnlessTag):
    """``{% unless … %}``."""

    node_class = FastUnless  # type: ignore[assignment]


class FastForTag(ForTag):
    """``{% for … %}``."""

    node_class = FastFor


class MeteredTablerowTag(TablerowTag):
    """``{% tablerow … %}``."""

    node_class = MeteredTablerow


TAGS = (FastLiteral, FastOutputTag, FastEchoTag, FastIfTag, FastUnlessTag, FastForTag, MeteredTablerowTag)
