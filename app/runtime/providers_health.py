"""Whether integrations work, as those see it who send over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.channels import Outcome, Result

LOGIN = "login"
"""The code of an outcome with which a provider refuses our credentials."""


@dataclass(slots=True)
class Health:
    """What is noted of an integration. ``version`` is the ``updated_at`` with which it was opened: what was heard over
    its former settings says nothing of those that people have mended meanwhile."""

    integration_id: UUID
    version: datetime
    error: str | None = None


def heard(outcomes: Iterable[Outcome], kind: str) -> dict[str, str | None]:
    """By kind of integration what the outcomes say of it: the words with which it refuses our credentials, or None
    where it took a message. One that did both, and one that did neither, says nothing new.

    ``kind`` is that of outcomes that have no parts.
    """
    refused: dict[str, str] = {}
    worked: set[str] = set()
    for outcome in outcomes:
        for name, part in outcome.parts or ((kind, outcome),):
            if part.result is Result.ACCEPTED:
                worked.add(name)
            elif part.code == LOGIN:
                refused.setdefault(name, part.detail or "The credentials are refused.")
    return {
        name: None if name in worked else refused[name]
        for name in worked | refused.keys()
        if not (name in worked and name in refused)
    }
