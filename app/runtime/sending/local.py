"""The providers of a house without integrations: every message goes into the outbox."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox, as batches know providers."""

    integration_id: UUID | None = None
    kind: str = "outbox"
    is_local: bool = True
    provider: Any = None
    problem: str = ""


class OutboxOnly:
    """Finds the outbox for every channel."""

    async def of(self, tenant_id: UUID, channel: str) -> Any:
        """The outbox."""
        return Outbox()
