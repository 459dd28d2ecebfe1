"""What the clock does to conversations, and the net under routing: what no commit and no job has seen is found here."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.conversations import (
    overdue_conversations,
    reassign_conversation,
    team_has_room,
    waiting_queues,
    wake_conversation,
    work_off_queue,
)
from app.core import logging
from app.core.access import system
from app.core.errors import RapportError
from app.runtime import Runtime
from workers.registry import handles

log = logging.logger(__name__)

OVERDUE = 1000
"""Conversations that one sweep looks at; the longest waiting come first."""


@handles("conversations.wake")
async def wake(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Opens a conversation whose snooze has run out."""
    async with runtime.write(system(tenant_id)) as tx:
        await wake_conversation(tx, conversation_id=UUID(hex=payload["conversation"]))


@handles("conversations.reassign")
async def reassign(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Asks somebody else, if the visitor still waits for the same agent."""
    async with runtime.write(system(tenant_id)) as tx:
        await reassign_conversation(tx, conversation_id=UUID(hex=payload["conversation"]))


@handles("conversations.queue")
async def queue(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Hands out what waits in a team's queue."""
    async with runtime.write(system(tenant_id)) as tx:
        await work_off_queue(tx, team_id=UUID(hex=payload["team"]))


@handles("conversations.sweep", every=timedelta(seconds=15))
async def sweep(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Finds visitors who wait for an agent who is gone or idle, and queues for which somebody has room."""
    await _reassign_overdue(runtime)
    async with runtime.read(system()) as reading:
        queues = await waiting_queues(reading)
    for of_tenant, team_id in queues:
        async with runtime.read(system(of_tenant)) as reading:
            has_room = await team_has_room(reading, team_id=team_id)
        if has_room:
            try:
                async with runtime.write(system(of_tenant)) as tx:
                    await work_off_queue(tx, team_id=team_id)
            except RapportError as refusal:
                log.warning("a queue could not be worked off", tenant=of_tenant.hex, error=repr(refusal))


async def _reassign_overdue(runtime: Runtime) -> None:
    async with runtime.read(system()) as reading:
        overdue = await overdue_conversations(reading, limit=OVERDUE)
    kept = set()
    for one in overdue:
        whose = (one.tenant_id, one.team_id, one.assignee_id)
        if whose in kept:
            continue
        try:
            async with runtime.write(system(one.tenant_id)) as tx:
                taken = await reassign_conversation(tx, conversation_id=one.conversation_id)
        except RapportError as refusal:
            log.warning("a conversation could not be reassigned", tenant=one.tenant_id.hex, error=repr(refusal))
            continue
        if not taken:
            # Nobody else is free, so that the agent's other conversations need not be tried in this sweep.
            kept.add(whose)
