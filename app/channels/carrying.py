"""What every channel is given, what it answers, and what a provider is.

A provider is asked to carry one message and says what became of it. It never raises for what the other side does: a
refusal, a time-out and a broken connection are outcomes. The difference that matters is whether the message may have
been taken (``unknown``: the delivery is in doubt) or certainly was not (``deferred``: to be tried again).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from app.core.contact import is_storable, storable
from app.core.message import Message

MAX_DETAIL = 1000
MAX_CODE = 100
MAX_NAME = 300
"""Of :attr:`models.Delivery.provider_message_id`. A longer name is none by which we could be told of the message."""


class Result(StrEnum):
    """What became of a message: ``accepted`` by the provider; ``rejected`` for good; ``deferred``, certainly not
    taken, to be tried again; or ``unknown``, because the connection broke after it was handed over."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """A device of the recipient: its push token, its platform (``ios``, ``android``, ``web`` …), and what is known of
    it (a web push subscription's ``keys``)."""

    token: str
    platform: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one recipient.

    ``recipient`` is an address as the channel has it: an e-mail address, a phone number, the URL of a webhook.
    ``devices`` are a push's. ``idempotency_key`` is the same however often this message is sent. ``unsubscribe_url``
    takes RFC 8058's POST. ``lane`` 0 must not wait behind others.
    """

    delivery_id: UUID
    tenant_id: UUID
    channel: str
    recipient: str
    message: Message
    devices: tuple[Target, ...] = ()
    idempotency_key: str = ""
    unsubscribe_url: str | None = None
    lane: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider said of one message.

    ``message_id`` is its name for it. ``code`` is short and the provider's own (``550 5.1.1``), ``detail`` its words.
    ``address_is_bad``: nothing sent there will ever arrive. ``retry_after_s`` is what a deferring provider asks for.
    ``gone_devices`` are tokens that nobody has any more. ``parts`` are what each platform said of a push, by its kind
    of integration.
    """

    result: Result
    message_id: str | None = None
    code: str = ""
    detail: str = ""
    address_is_bad: bool = False
    retry_after_s: float | None = None
    gone_devices: tuple[str, ...] = ()
    parts: "tuple[tuple[str, Outcome], ...]" = field(default=(), compare=False, repr=False)

    @classmethod
    def accepted(cls, message_id: str | None = None, code: str = "", detail: str = "") -> "Outcome":
        """The provider has taken it."""
        name = message_id if message_id and len(message_id) <= MAX_NAME and is_storable(message_id) else None
        return cls(Result.ACCEPTED, name, *_told(code, detail))

    @classmethod
    def rejected(cls, code: str, detail: str, *, address_is_bad: bool = False) -> "Outcome":
        """The provider will never take it."""
        return cls(Result.REJECTED, None, *_told(code, detail), address_is_bad)

    @classmethod
    def deferred(cls, code: str, detail: str, retry_after_s: float | None = None) -> "Outcome":
        """It was certainly not taken, and may be later."""
        return cls(Result.DEFERRED, None, *_told(code, detail), retry_after_s=retry_after_s)

    @classmethod
    def unknown(cls, code: str, detail: str) -> "Outcome":
        """It may have been taken."""
        return cls(Result.UNKNOWN, None, *_told(code, detail))


def _told(code: str, detail: str) -> tuple[str, str]:
    """What the other side says, as it can be kept: it may say anything."""
    return storable(code[:MAX_CODE]), storable(detail[:MAX_DETAIL])


class Provider(Protocol):
    """Carries messages of one kind of channel. Safe to be used by many tasks at once."""

    kind: ClassVar[str]
    """The kind of integration, as :class:`models.Integration` has it."""
    is_idempotent: ClassVar[bool]
    """Whether a message in doubt may be sent again under the same key without arriving twice."""
    concurrency: int
    """How many messages it is worth sending at once."""

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message over. Raises nothing for what the other side does."""

    async def close(self) -> None:
        """Lets go of connections, once those in use are done."""
