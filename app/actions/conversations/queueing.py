"""The queue: conversations that wait for an agent of their team, the longest waiting first."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, update
from sqlmodel import col

from app.actions.conversations.agents import Agents
from app.actions.conversations.handing import Handing
from app.actions.conversations.routing import MANUAL, Candidate, choose, explain
from app.actions.conversations.store import OPEN, ConversationStore, speaking
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import parse_id
from app.core.tx import Reading, Tx
from models import Conversation, Team, TeamMember

PORTION = 20
"""Conversations handed out in one unit of work; more of them go on in a job."""


async def place_conversation(tx: Tx, conversation: Conversation) -> None:
    """Finds an agent for a locked conversation that has none, or puts it into its team's queue.

    One that is not open waits for nobody. One whose agent is there and has room stays with them; else it is routed
    anew. Teams with manual routing, and conversations without a team, only queue.
    """
    tx.require(speaking(tx.principal))
    await Queue(tx).place(conversation)


async def free_capacity(tx: Tx, *, user_id: UUID | None = None, team_id: UUID | None = None) -> int:
    """Hands out what waits, as there is room: in a team, or in every team of an agent. Returns how many."""
    tx.require(speaking(tx.principal))
    queue = Queue(tx)
    return await queue.fill([team_id] if team_id else await queue.teams_of(user_id))


async def work_off_queue(tx: Tx, *, team_id: UUID) -> int:
    """The same as a job of its own, which waits for whoever writes in the first conversations of the queue."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    queue = Queue(tx)
    await queue.wait_for_heads(team_id)
    return await queue.fill([team_id])


async def waiting_queues(reading: Reading) -> list[tuple[UUID, UUID]]:
    """The tenants and teams in whose queues conversations wait to be routed; of all tenants for our own work."""
    reading.require(Scope.CONVERSATIONS_READ)
    statement = (
        select(col(Conversation.tenant_id), col(Team.id))
        .join(Team, and_(col(Team.tenant_id) == col(Conversation.tenant_id), col(Team.id) == col(Conversation.team_id)))
        .where(col(Conversation.queued_at).is_not(None), col(Conversation.status) == OPEN, col(Team.routing) != MANUAL)
        .distinct()
    )
    return [(tenant_id, team_id) for tenant_id, team_id in await reading.session.execute(statement)]


async def team_has_room(reading: Reading, *, team_id: UUID) -> bool:
    """Whether somebody in a team is there and takes another conversation."""
    reading.require(Scope.CONVERSATIONS_READ)
    return any(one.room for one in await Agents(reading).of_team(team_id))


async def queue_position(reading: Reading, *, conversation: Conversation) -> int | None:
    """The place of a conversation in its queue, from 1; None if it does not wait."""
    reading.require(speaking(reading.principal))
    if conversation.queued_at is None:
        return None
    team = col(Conversation.team_id)
    before = or_(
        col(Conversation.queued_at) < conversation.queued_at,
        and_(col(Conversation.queued_at) == conversation.queued_at, col(Conversation.id) < conversation.id),
    )
    same = team.is_(None) if conversation.team_id is None else team == conversation.team_id
    ahead = select(func.count()).select_from(Conversation).where(same, before)
    count: int = (await reading.session.execute(ahead)).scalar_one()
    return count + 1


class Queue:
    """The queues of one unit of work."""

    def __init__(self, tx: Tx, store: ConversationStore | None = None) -> None:
        self._tx = tx
        self._store = store or ConversationStore(tx)
        self._agents = Agents(tx)
        self._candidates: dict[UUID, list[Candidate]] = {}
        self._teams: dict[UUID, Team] = {}
        self._because: dict[UUID, str] = {}
        self.handing = Handing(tx, self._store)

    async def place(
        self, conversation: Conversation, *, not_to: Collection[UUID] = (), because: str = "", anew: bool = False
    ) -> None:
        """As :func:`place_conversation`; never to ``not_to``. ``anew``: even if its agent is there."""
        if conversation.status != OPEN:
            conversation.queued_at = None
            return
        await self.handing.begin()
        if conversation.assignee_id is not None and not anew and await self._stays(conversation):
            return
        before = conversation.assignee_id
        conversation.queued_at = self.handing.place_of(conversation)
        conversation.assignee_id = conversation.assigned_at = None
        await self.forget_loads()
        team = await self._open(conversation.team_id)
        conversation.routing = self._explain(team, not_to, because)
        self._because[conversation.id] = because
        if team is not None:
            await self.fill([team.id])
        if conversation.assignee_id is None and before is not None:
            await self.handing.take_away(conversation, conversation.routing)
        await self._store.save()

    async def attend(self, conversation: Conversation) -> None:
        """The visitor has said something: finds an agent if there is none, else sees to it that one answers in time."""
        if conversation.assignee_id is not None:
            if conversation.waiting_since == self._tx.now:
                await self.handing.expect_answer(conversation)
        elif conversation.queued_at is None:
            await self.place(conversation)

    async def make_room(self, conversation: Conversation) -> None:
        """A locked conversation counts no more in its agent's load: what waits is handed out."""
        if conversation.assignee_id is not None:
            await self.fill(await self.teams_of(conversation.assignee_id))

    async def forget_loads(self) -> None:
        """An agent has fewer conversations than were read."""
        await self._store.save()
        self._candidates.clear()

    async def fill(self, team_ids: Collection[UUID]) -> int:
        """Hands out what waits in the queues of these teams as far as there is room, in order of waiting.

        Nobody is passed over because somebody writes in a conversation just now: a job goes on then.
        """
        if not team_ids:
            return 0
        await self.handing.begin()
        if not await self._heads(list(team_ids), (), 1):
            return 0
        for team_id in team_ids:
            await self._open(team_id)
        given, passed = 0, set[UUID]()
        while (places := self._places(team_ids)) and given < PORTION:
            heads = await self._heads(self._with_room(team_ids), passed, min(places, PORTION))
            if not heads:
                return given
            free = await self._lock_free(heads)
            for head in heads:
                if head not in free:
                    self._go_on_later(team_ids)
                    return given
                if await self._hand_out(free[head]):
                    given += 1
                else:
                    passed.add(head)
        if places:
            self._go_on_later(team_ids)
        return given

    async def wait_for_heads(self, team_id: UUID) -> None:
        """Locks the conversations that :meth:`fill` would hand out. Only in a unit that has locked nothing yet."""
        await self._open(team_id)
        places = self._places([team_id])
        if places:
            heads = await self._heads([team_id], (), min(places, PORTION))
            waiting = select(Conversation).where(among(self._tx.session, Conversation.id, heads))
            await self._lock(waiting.order_by(col(Conversation.id)))
        self._candidates.clear()

    async def teams_of(self, user_id: UUID | None) -> list[UUID]:
        """The teams of a user."""
        statement = select(col(TeamMember.team_id)).where(col(TeamMember.user_id) == user_id)
        return list((await self._tx.session.execute(statement.order_by(col(TeamMember.team_id)))).scalars())

    async def candidates(self, team_id: UUID) -> list[Candidate]:
        """The agents of a team as they are now, the conversations counted that this unit has handed out."""
        await self._open(team_id)
        return self._candidates[team_id]

    async def team(self, team_id: UUID | None) -> Team | None:
        """A team."""
        if team_id is None:
            return None
        if team_id not in self._teams:
            statement = select(Team).where(col(Team.id) == team_id)
            found = (await self._tx.session.execute(statement)).scalar_one_or_none()
            if found is None:
                return None
            self._teams[team_id] = found
        return self._teams[team_id]

    async def hand_to(
        self,
        conversation: Conversation,
        team: Team,
        chosen: Candidate,
        *,
        not_to: Collection[UUID] = (),
        because: str = "",
    ) -> None:
        """Gives a locked conversation to the one who was chosen from a team, whose turn it has been then."""
        candidates = self._candidates[team.id]
        routing = explain(team.routing, chosen, candidates, self._tx.now, not_to=not_to, because=because)
        await self.handing.give(conversation, chosen.user_id, chosen.name, routing)
        turns = [one.last_assigned_at for one in candidates if one.last_assigned_at is not None]
        # Two in one unit, or a clock that is behind another's: turns keep their order all the same.
        turn = max([self._tx.now, *(turn + timedelta(microseconds=1) for turn in turns)])
        await self._tx.session.execute(
            update(TeamMember)
            .where(col(TeamMember.team_id) == team.id, col(TeamMember.user_id) == chosen.user_id)
            .values(last_assigned_at=turn)
            .execution_options(synchronize_session=False)
        )
        await self._store.save()
        self._count(team.id, chosen.user_id, turn)

    async def _stays(self, conversation: Conversation) -> bool:
        """Whether the agent is there, and has room where routing minds that."""
        agent = await self._agents.one(conversation.assignee_id, without=conversation.id)  # type: ignore[arg-type]
        if agent is None or not agent.is_there:
            return False
        team = await self.team(conversation.team_id)
        return team is None or team.routing == MANUAL or agent.room > 0

    async def _open(self, team_id: UUID | None) -> Team | None:
        """A team, its candidates read."""
        team = await self.team(team_id)
        if team is not None and team.id not in self._candidates:
            self._candidates[team.id] = [] if team.routing == MANUAL else await self._agents.of_team(team.id)
        return team

    def _places(self, team_ids: Collection[UUID]) -> int:
        room = {one.user_id: one.room for team in team_ids for one in self._candidates.get(team, ())}
        return sum(room.values())

    def _with_room(self, team_ids: Collection[UUID]) -> list[UUID]:
        return [team for team in team_ids if self._places([team])]

    async def _heads(self, team_ids: Sequence[UUID], passed: Collection[UUID], limit: int) -> list[UUID]:
        waiting = self._waiting(team_ids).where(col(Conversation.id).not_in(passed))
        ids = waiting.order_by(col(Conversation.queued_at), col(Conversation.id)).limit(limit)
        return list((await self._tx.session.execute(ids)).scalars())

    def _waiting(self, team_ids: Sequence[UUID]) -> Select[Any]:
        return select(col(Conversation.id)).where(
            col(Conversation.team_id).in_(team_ids),
            col(Conversation.queued_at).is_not(None),
            col(Conversation.assignee_id).is_(None),
            col(Conversation.status) == OPEN,
        )

    async def _lock_free(self, heads: Sequence[UUID]) -> dict[UUID, Conversation]:
        """Those that nobody else has locked and that still wait."""
        await self._store.save()
        statement = select(Conversation).where(
            among(self._tx.session, Conversation.id, heads),
            col(Conversation.queued_at).is_not(None),
            col(Conversation.status) == OPEN,
        )
        return {one.id: one for one in await self._lock(statement, skip_locked=True)}

    async def _lock(self, statement: Select[Any], *, skip_locked: bool = False) -> Sequence[Conversation]:
        locking = statement.with_for_update(key_share=True, skip_locked=skip_locked, of=Conversation)
        found = await self._tx.session.execute(locking.execution_options(populate_existing=True))
        conversations: Sequence[Conversation] = found.scalars().all()
        return conversations

    async def _hand_out(self, conversation: Conversation) -> bool:
        """Gives the first of a queue to whoever is chosen. False if nobody is."""
        team = await self._open(conversation.team_id)
        if team is None:
            return False
        not_to = declined(conversation)
        chosen = choose(team.routing, self._candidates[team.id], not_to)
        if chosen is None:
            return False
        because = self._because.get(conversation.id, "Was next in the queue.")
        await self.hand_to(conversation, team, chosen, not_to=not_to, because=because)
        return True

    def _explain(self, team: Team | None, not_to: Collection[UUID], because: str) -> dict[str, Any]:
        """Why it waits, as long as it does."""
        candidates = self._candidates.get(team.id, []) if team else []
        method = team.routing if team else MANUAL
        return explain(method, None, candidates, self._tx.now, not_to=not_to, because=because)

    def _count(self, team_id: UUID, user_id: UUID, turn: datetime) -> None:
        """Who was given one has one more, in every team of theirs."""
        for of, candidates in self._candidates.items():
            self._candidates[of] = [
                one
                if one.user_id != user_id
                else replace(one, load=one.load + 1, last_assigned_at=turn if of == team_id else one.last_assigned_at)
                for one in candidates
            ]

    def _go_on_later(self, team_ids: Collection[UUID]) -> None:
        for team_id in team_ids:
            self._tx.enqueue("conversations.queue", {"team": team_id.hex})


def declined(conversation: Conversation) -> list[UUID]:
    """Whom a waiting conversation must not go to by itself: who gave it back."""
    return [parse_id("user", user) for user in (conversation.routing or {}).get("declined", ())]
