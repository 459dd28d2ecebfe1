"""A message as a request to somebody's web server, signed as Standard Webhooks has it.

The id of the request is the same however often it is sent, so a receiver that goes by it does nothing twice; a request
that broke off is therefore simply sent again.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from standardwebhooks import Webhook

from app.channels.calling import Api
from app.channels.carrying import Outcome, Outgoing
from app.channels.mail.headers import CONTROL, HEADER_NAME
from app.core import clock
from app.core.fetching import Answer, Fetcher

METHODS = frozenset({"POST", "PUT", "PATCH", "GET", "DELETE"})
NOT_GIVEN = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
MAX_BODY = 1_000_000
MAX_ANSWER_SHOWN = 200


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """``secret`` signs (``whsec_…``); without one requests are not signed. ``url`` is where messages go that name no
    address of their own; ``headers`` go with all of them."""

    secret: str = field(default="", repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 15.0


class Unsendable(Exception):
    """The message is not a request that can be made."""


class WebhookProvider:
    """Makes the requests. A 2xx accepts; 429, 503 and 5xx defer; everything else refuses."""

    kind: ClassVar[str] = "webhook"
    is_idempotent: ClassVar[bool] = True

    def __init__(self, settings: WebhookSettings, fetcher: Fetcher, concurrency: int = 16) -> None:
        self.concurrency = concurrency
        self._settings = settings
        self._signs = Webhook(settings.secret) if settings.secret else None
        self._api = Api(fetcher, is_idempotent=True, timeout_s=settings.timeout_s)

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Makes the request that the message's ``fields`` describe: ``url``, ``method`` and ``headers``."""
        body = outgoing.message.body.encode()
        try:
            method, url, headers = self._request(outgoing, body)
        except Unsendable as wrong:
            return Outcome.rejected("message", str(wrong))
        said = await self._api.post(url, headers=headers, content=body, method=method)
        return said if isinstance(said, Outcome) else _outcome(said, headers["webhook-id"])

    def _request(self, outgoing: Outgoing, body: bytes) -> tuple[str, str, dict[str, str]]:
        fields = outgoing.message.fields
        method = str(fields.get("method") or "POST").upper()
        url = str(fields.get("url") or "").strip() or outgoing.recipient or self._settings.url
        if method not in METHODS:
            raise Unsendable(f"the method must be one of {', '.join(sorted(METHODS))}")
        if not url.startswith(("http://", "https://")):
            raise Unsendable("the address must begin with https:// or http://")
        if len(body) > MAX_BODY:
            raise Unsendable(f"the body has more than {MAX_BODY} bytes")
        own = {"content-type": "application/json"}
        own |= _headers([*self._settings.headers.items(), *_pairs(fields.get("headers")), *outgoing.message.headers])
        return method, url, own | self._signature(outgoing, body)

    def _signature(self, outgoing: Outgoing, body: bytes) -> dict[str, str]:
        name, now = outgoing.idempotency_key or outgoing.delivery_id.hex, clock.now()
        said = {"webhook-id": name, "webhook-timestamp": str(int(now.timestamp()))}
        if self._signs is not None:
            said["webhook-signature"] = self._signs.sign(name, now, body.decode())
        return said

    async def close(self) -> None:
        """The HTTP client is the process's."""


def new_secret_of(random: bytes) -> str:
    """The text of a signing secret with these bytes."""
    return f"whsec_{b64encode(random).decode()}"


def _pairs(headers: object) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        raise Unsendable("headers must be an object from name to value")
    return [(str(name), str(value)) for name, value in headers.items()]


def _headers(pairs: list[tuple[str, str]]) -> dict[str, str]:
    for name, value in pairs:
        if not HEADER_NAME.fullmatch(name) or name.lower() in NOT_GIVEN:
            raise Unsendable(f"{name[:80]!r} is not a header that can be given")
        if CONTROL.search(value) or not value.isascii():
            raise Unsendable(f"the header {name} has a line break or a letter that is not ASCII in it")
    return {name.lower(): value for name, value in pairs}


def _outcome(answer: Answer, name: str) -> Outcome:
    shown = answer.body[:MAX_ANSWER_SHOWN].decode("utf-8", "replace")
    if 200 <= answer.status < 300:
        return Outcome.accepted(name, str(answer.status), shown)
    return Outcome.rejected(str(answer.status), shown, address_is_bad=answer.status == 410)
