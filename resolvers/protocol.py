"""What the transport asks of the engine that answers GraphQL."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from app.core.access import Principal
from resolvers.live import Seat

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """One operation that a client wants answered."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response, ready to be sent.

    ``body`` is a complete JSON object. ``executed`` is False when the request was refused before execution began
    (syntax, validation, unknown operation, variables, cost). ``code`` is the :class:`app.core.errors.RapportError` code
    of a refusal of the request as a whole: ``UNAUTHENTICATED``, ``OVERLOADED``, ``RATE_LIMITED`` with ``retry_after``
    seconds. ``partial`` says that it was executed and ``body`` has errors too.
    """

    body: bytes
    executed: bool
    code: str | None = None
    retry_after: int | None = None
    partial: bool = False


class Refused(Exception):
    """A subscription that was refused before it began. ``answer.body`` has the errors."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code or "refused")
        self.answer = answer


class Engine(Protocol):
    """Answers GraphQL operations for one caller at a time. Never raises for what a client can get wrong."""

    def kind(self, request: GraphRequest) -> OperationKind | None:
        """What the request's operation is; None when it cannot be told (syntax error, unknown operation)."""

    async def execute(self, request: GraphRequest, principal: Principal) -> Answer:
        """Runs a query or a mutation; a subscription is refused (it needs a stream)."""

    def subscribe(
        self, request: GraphRequest, principal: Principal, seat: Seat | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yields one complete execution result (a JSON object) per event.

        Raises :class:`Refused` at its first step when there is nothing to subscribe to. The caller closes the
        generator. With a ``seat`` it may end where ``seat.stream`` is set: then everything further is told to the seat
        by a stream that it shares, until the caller leaves it.
        """
