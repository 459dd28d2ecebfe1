"""Sending batches to the graph until the server has answered for every item of them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx2
import orjson

from app.core import clock

TRACK = """
mutation LoadEvents($items: [TrackEventInput!]!) {
  trackMany(input: {events: $items}) { results { duplicate error { code message field } } }
}
"""
IDENTIFY = """
mutation LoadPeople($items: [IdentifyCustomerInput!]!) {
  identifyMany(input: {customers: $items}) { results { changed error { code message field } } }
}
"""
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
RETRIED_CODES = frozenset({"RATE_LIMITED", "OVERLOADED", "INTERNAL"})
TIMEOUT_S = 60
LONGEST_PAUSE_S = 30.0


class Stopped(Exception):
    """The load cannot go on: the server refuses all of it, or has not answered for too long."""


class _TryAgain(Exception):
    """The server did not answer for this batch. ``after`` is how many seconds it asks for, if it says so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of one item. ``repeated``: it was there already, so nothing was changed."""

    repeated: bool
    code: str | None = None
    message: str = ""
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends items through one mutation. ``patience`` is how many seconds a batch may wait for a server that is away."""

    client: httpx2.AsyncClient
    document: str
    patience: float
    on_wait: Callable[[str, float], None]

    async def send(self, items: Sequence[dict[str, Any]]) -> list[Answer]:
        """One answer per item, in order. Sends again for as long as that can help, else raises :class:`Stopped`.

        Sending again is safe: events carry idempotency keys, and identifying somebody twice changes nothing.
        """
        attempt = 0
        with anyio.move_on_after(self.patience):
            while True:
                try:
                    return await self._attempt(items)
                except _TryAgain as refused:
                    attempt += 1
                    reason = str(refused)
                    pause = refused.after if refused.after is not None else backoff(attempt)
                    self.on_wait(reason, pause)
                    await anyio.sleep(pause)
        raise Stopped(f"the server did not take a batch within {self.patience:.0f} s")

    async def _attempt(self, items: Sequence[dict[str, Any]]) -> list[Answer]:
        body = orjson.dumps({"query": self.document, "variables": {"items": items}})
        try:
            response = await self.client.post("/graphql", content=body)
        except httpx2.TransportError as lost:
            raise _TryAgain(str(lost) or type(lost).__name__) from lost
        if response.status_code in RETRIED_STATUSES:
            raise _TryAgain(f"HTTP {response.status_code}", retry_after(response))
        try:
            answer = response.json()
            errors = answer.get("errors") or []
            results = next(iter((answer.get("data") or {}).values()), None)
        except (ValueError, AttributeError) as other:
            message = f"{self.client.base_url} answers HTTP {response.status_code}, which is not Rapport's graph"
            raise Stopped(message) from other
        if errors or results is None:
            raise _refusal(errors, response)
        return _answers(results["results"])


def backoff(attempt: int) -> float:
    """Seconds to wait before trying again: about 0.25, 0.5, 1, 2 … up to 30, spread so that senders do not march."""
    longest = min(LONGEST_PAUSE_S, 0.25 * 2 ** min(attempt - 1, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing


def retry_after(response: httpx2.Response) -> float | None:
    """The seconds in the header Retry-After (RFC 9110, 10.2.3: a number or a date), None when it says nothing."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - clock.now()).total_seconds())


def _refusal(errors: Sequence[dict[str, Any]], response: httpx2.Response) -> Exception:
    """A refusal of the whole request: for a while, or for good."""
    first: dict[str, Any] = errors[0] if errors else {"message": f"HTTP {response.status_code} without data"}
    code = first.get("extensions", {}).get("code", "")
    if code in RETRIED_CODES:
        return _TryAgain(code, retry_after(response))
    return Stopped(f"{first.get('message', 'refused')}{f' ({code})' if code else ''}")


def _answers(results: Sequence[dict[str, Any]]) -> list[Answer]:
    """The answers of one batch. An item that the server could not take just now sends the whole batch again."""
    answers = []
    for result in results:
        error = result.get("error")
        if error and error["code"] in RETRIED_CODES:
            raise _TryAgain(error["code"])
        if error:
            answers.append(Answer(False, error["code"], error["message"], error.get("field")))
        else:
            answers.append(Answer(bool(result.get("duplicate")) or result.get("changed") is False))
    return answers
