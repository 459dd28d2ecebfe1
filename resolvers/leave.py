"""Mutations for those who may: leave is asked before anything of the input is looked at.

The action asks again, whoever calls it. But ids and rules are read before there is an action, and who lacks the scope
is told that, not what is wrong with an input of no use to them.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import strawberry

from app.core.access import Scope
from resolvers.context import Info

Resolve = Callable[..., Awaitable[Any]]


def mutation(scope: Scope, description: str) -> Callable[[Resolve], Any]:
    """A mutation of whoever holds ``scope``; for the others it raises as :meth:`Principal.require` does."""

    def declare(resolve: Resolve) -> Any:
        @wraps(resolve)
        async def asking_leave(self: Any, info: Info, *given: Any, **named: Any) -> Any:
            info.context.principal.require(scope)
            return await resolve(self, info, *given, **named)

        return strawberry.mutation(asking_leave, description=description)

    return declare
