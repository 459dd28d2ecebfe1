"""What the clock does to conversations."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.actions.conversations import wake_conversation
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles


@handles("conversations.wake")
async def wake(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Opens a conversation whose snooze has run out."""
    async with runtime.write(system(tenant_id)) as tx:
        await wake_conversation(tx, conversation_id=UUID(hex=payload["conversation"]))
