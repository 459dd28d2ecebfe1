"""Expressions as functions that do what python-liquid's expressions do, and sooner."""

from collections.abc import Callable, Sequence
from typing import Any

from liquid.builtin.expressions import BooleanExpression, FilteredExpression
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.logical import is_truthy
from liquid.builtin.expressions.path import Path
from liquid.exceptions import LiquidError, LiquidTypeError
from liquid.expression import Expression

from app.templates.scope import OURS, Rendering
from app.templates.words import names

SPECIAL = names("size first last")
PLAIN = (str, int, float, dict, list)

Get = Callable[[Rendering], Any]
Step = Callable[[Any, Any], Any]


def getter(expression: Expression) -> Get:
    """A function that does what ``expression.evaluate`` does."""
    if isinstance(expression, BooleanExpression):
        return _truth(getter(expression.expression))
    if isinstance(expression, FilteredExpression) and not expression.filters:
        return getter(expression.left)
    if isinstance(expression, FilteredExpression):
        return _filtered(getter(expression.left), expression.filters or [])
    if isinstance(expression, Path) and all(isinstance(one, str) and one not in SPECIAL for one in expression.path):
        return _path(expression, *[str(one) for one in expression.path])
    return expression.evaluate


def _path(expression: Path, root: str, *inner: str) -> Get:
    slow = expression.evaluate
    if not inner:
        return slow
    key, further = inner[0], inner[1:]

    def look(context: Rendering) -> Any:
        try:
            found: Any = context.scope[root][key]  # type: ignore[index]
            for one in further:
                found = found[one]
        except (KeyError, TypeError, IndexError):
            return slow(context)
        return found

    def look_first(context: Rendering) -> Any:
        if context.shadowed:
            return look(context)
        try:
            found: Any = context.globals[root][key]  # type: ignore[index]
            for one in further:
                found = found[one]
        except (KeyError, TypeError, IndexError):
            return slow(context)
        return found

    return look_first if root in OURS else look


def _filtered(left: Get, filters: Sequence[Filter]) -> Get:
    steps = [_applied(one) for one in filters]

    def evaluate(context: Rendering) -> Any:
        found = left(context)
        for step in steps:
            found = step(found, context)
        return found

    return evaluate


def _applied(one: Filter) -> Step:
    """A function that does what ``one.evaluate`` does."""
    if any(isinstance(argument, KeywordArgument) for argument in one.args):
        return one.evaluate
    arguments = [getter(argument.value) for argument in one.args]
    known: list[Callable[..., Any]] = []

    def apply(value: Any, context: Rendering) -> Any:
        if not known:
            known.append(context.filter(one.name, token=one.token))
        try:
            return known[0](value, *[argument(context) for argument in arguments])
        except TypeError as refused:
            raise LiquidTypeError(f"{one.name}: {refused}", token=one.token) from refused
        except LiquidError as refused:
            refused.token = refused.token or one.token
            raise

    return apply


def _truth(get: Get) -> Get:
    def evaluate(context: Rendering) -> bool:
        found = get(context)
        kind = type(found)
        if kind is bool:
            return bool(found)
        return kind in PLAIN or is_truthy(found)

    return evaluate
