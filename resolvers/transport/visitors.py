"""The graph for visitors: what widgets on other people's pages speak to.

Any page may call, without cookies, so that a foreign page has nothing to borrow. The public may do one thing here, open
a widget; everything else needs a visitor's token, which counts only from the origin for which it was given.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

import orjson
from graphql import FieldNode, GraphQLSyntaxError, OperationDefinitionNode, parse

from app.core.access import Principal
from app.core.credentials import Credential
from resolvers.live import Seat
from resolvers.planner.limits import MAX_TOKENS
from resolvers.protocol import Answer, Engine, GraphRequest, OperationKind, Refused
from resolvers.transport.callers import Caller, Callers
from resolvers.transport.documents import Documents
from resolvers.transport.endpoint import GraphQLEndpoint
from resolvers.transport.refusals import Refusal

if TYPE_CHECKING:
    from app.runtime import Runtime

OPENING = frozenset({"openWidget", "__typename"})
"""The fields that somebody without a token may ask for."""


class VisitorCallers(Callers):
    """Knows visitors and those who are about to become one, and nobody else."""

    def welcomes(self, headers: Mapping[bytes, bytes]) -> bool:
        """Every page: the token that comes next says from which one it counts."""
        return True

    async def identify(
        self, credential: Credential | None, address: str, request_id: str, origin: str | None = None
    ) -> Caller:
        """A visitor, or the public. Raises :class:`Refusal` (401, 403, 429)."""
        caller = await super().identify(credential, address, request_id, origin)
        if caller.principal.kind not in ("public", "visitor"):
            raise Refusal(403, "Only visitors are answered here.", "FORBIDDEN")
        return caller


class VisitorEngine:
    """The engine as the public and visitors may use it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def kind(self, request: GraphRequest) -> OperationKind | None:
        """See :meth:`resolvers.protocol.Engine.kind`."""
        return self._engine.kind(request)

    async def execute(self, request: GraphRequest, principal: Principal) -> Answer:
        """See :meth:`resolvers.protocol.Engine.execute`."""
        if _too_early(request, principal):
            return _REFUSED
        return await self._engine.execute(request, principal)

    def subscribe(
        self, request: GraphRequest, principal: Principal, seat: Seat | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See :meth:`resolvers.protocol.Engine.subscribe`."""
        return _nothing() if _too_early(request, principal) else self._engine.subscribe(request, principal, seat)


class VisitorsEndpoint(GraphQLEndpoint):
    """Serves the graph to widgets on every origin. The documents come with the widget: an operator who trusts only
    documents of their own need not know them."""

    def __init__(self, engine: Engine, runtime: "Runtime") -> None:
        super().__init__(VisitorEngine(engine), runtime, VisitorCallers(runtime), Documents(), ["*"])


_WORDS = [{"message": "Open a widget first.", "extensions": {"code": "UNAUTHENTICATED"}}]
_REFUSED = Answer(orjson.dumps({"errors": _WORDS}), executed=False, code="UNAUTHENTICATED")


def _too_early(request: GraphRequest, principal: Principal) -> bool:
    """Whether somebody without a token asks for more than a widget."""
    return principal.kind == "public" and not _only_opens(request.query)


def _only_opens(query: str) -> bool:
    try:
        document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError:
        return True  # The engine says what is wrong with it.
    roots = [
        selection
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        for selection in definition.selection_set.selections
    ]
    return all(isinstance(root, FieldNode) and root.name.value in OPENING for root in roots)


async def _nothing() -> AsyncGenerator[bytes, None]:
    raise Refused(_REFUSED)
    yield b""
