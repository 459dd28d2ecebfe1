"""One request to a provider's API, and what its failure means for the message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.channels.carrying import Outcome
from app.core import clock
from app.core.fetching import Answer, Fetcher, FetchFailed
from app.core.retrying import retry_after

TIMEOUT_S = 20.0
ANSWER_BYTES = 64 * 1024
"""What is read of an answer. The status has said by then whether the message was taken."""
LOGIN_RETRY_S = 300.0
NOT_NOW = frozenset({425, 429, 503})
"""Statuses with which a server says that it has not taken the request."""
NOT_US = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Api:
    """How a provider's API is called. ``is_idempotent``: a request that is repeated with the same key is done once."""

    fetcher: Fetcher
    is_idempotent: bool = False
    timeout_s: float = TIMEOUT_S

    async def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, method: str = "POST"
    ) -> Answer | Outcome:
        """The answer, if there is one that says something of the message (below 400, or a client error); else what has
        become of the message."""
        try:
            answer = await self.fetcher.fetch(
                method,
                url,
                headers=headers,
                content=content,
                timeout_s=self.timeout_s,
                max_bytes=ANSWER_BYTES,
                wants_status=True,
            )
        except FetchFailed as failure:
            return self._lost("connection", str(failure), was_sent=failure.was_sent)
        status = answer.status
        if status in NOT_NOW:
            return Outcome.deferred(str(status), text_of(answer), retry_after(answer.headers, clock.now()))
        if status == 408 or status >= 500:
            return self._lost(str(status), text_of(answer), was_sent=True)
        return answer

    def _lost(self, code: str, detail: str, *, was_sent: bool) -> Outcome:
        """The request may have been carried out. Where repeating it does no harm, it is simply tried again."""
        if was_sent and not self.is_idempotent:
            return Outcome.unknown(code, detail)
        return Outcome.deferred(code, detail)


def refused_login(answer: Answer) -> Outcome:
    """Our credentials are refused: the integration's fault, not the message's, which waits until it is mended."""
    return Outcome.deferred("login", f"{answer.status}: {text_of(answer)}", LOGIN_RETRY_S)


def json_of(answer: Answer) -> Any:
    """The answer as JSON; an empty object when it is none."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}


def text_of(answer: Answer) -> str:
    """The beginning of the answer, for people."""
    return answer.body[:500].decode("utf-8", "replace")
