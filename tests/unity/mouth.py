"""What a mouth is: a dialect that says facts in its own words, and tells of a customer what it can show.

A new dialect is a subclass of :class:`Mouth`: ``say_<kind>`` for each fact it has words for, ``tell`` if it can read.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

import httpx2

from tests.unity import facts
from tests.unity.facts import Fact

Told = dict[str, Any]
"""What one view shows of a customer. Views may show different things; what two of them show must be the same."""
Views = dict[str, Told | None]
"""By the name of the view; None: nobody is there."""
DONE = "done"


@dataclass(frozen=True)
class Caller:
    """A tenant of its own in a running house, with one key, and the ids of its people."""

    http: httpx2.AsyncClient
    key: str
    customer_id: str = ""
    other_id: str = ""

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = "application/json"
        return await self.http.request(method, path, content=content, headers=headers)


class Mouth:
    """One way of saying facts. Every ``say_…`` returns :data:`DONE`, or the kind of the refusal."""

    name: ClassVar[str]

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    @classmethod
    def kinds(cls) -> set[type]:
        """The facts that this mouth has words for."""
        return {kind for kind in facts.FACTS if getattr(cls, f"say_{words(kind)}", None)}

    async def say(self, fact: Fact) -> str:
        """Says one fact. Returns :data:`DONE`, ``invalid``, ``not_found`` or ``conflict``."""
        say: Callable[[Any], Awaitable[str]] = getattr(self, f"say_{words(type(fact))}")
        return await say(fact)

    async def tell(self) -> Views:
        """Everything this dialect shows of the customer and of the other one, however they are looked up."""
        return {}


def words(kind: type) -> str:
    """The name of a kind of fact in snake_case."""
    return re.sub("(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def iso(moment: datetime, hours: float = 0) -> str:
    """A moment as text, in a zone of so many hours."""
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat()


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


def given(**said: Any) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in said.items() if value is not None}


def kind_of(code: str) -> str:
    """The kind of a refusal, from a dialect's word for it."""
    word = code.lower()
    return {"identity_conflict": "conflict", "bad_request": "invalid"}.get(word, word)


def kind_of_status(answer: httpx2.Response) -> str:
    kinds = {400: "invalid", 404: "not_found", 409: "conflict"}
    assert answer.status_code in kinds, (answer.status_code, answer.text)
    return kinds[answer.status_code]


def consent_status(subscribed: bool) -> str:
    return "SUBSCRIBED" if subscribed else "UNSUBSCRIBED"
