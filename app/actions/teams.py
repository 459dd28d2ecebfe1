"""Teams, who is in them, and what an agent takes on."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.actions.conversations.agents import CAPACITY, LEASE, Agents
from app.actions.conversations.queueing import Queue
from app.actions.conversations.routing import AVAILABILITIES, MANUAL, METHODS, ONLINE
from app.actions.conversations.store import CLOSED, ConversationStore
from app.actions.conversations.telling import tell
from app.core.access import Scope
from app.core.batches import among, is_postgres
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.keep import KEEP, Keep
from app.core.tx import Reading, Tx
from models import Agent, Conversation, Team, TeamMember, Widget

MOST_MEMBERS = 500
MOST_CAPACITY = 1000
SHORTEST_WAIT_S, LONGEST_WAIT_S = 10, 7 * 24 * 3600
RETURN = timedelta(seconds=10)
"""How long somebody who closed their inbox still counts as there: a page that is loaded again takes nothing away."""
MOST_MOVED = 500
"""Conversations that deleting a team may move at once."""


async def create_team(
    tx: Tx,
    *,
    name: str,
    routing: str = MANUAL,
    reassign_after_s: int | None = None,
    member_ids: Collection[UUID] = (),
) -> Team:
    """Makes a team of up to 500 users. ``reassign_after_s`` is 10 seconds to a week, or None: for ever.

    Raises :class:`Invalid`, :class:`Conflict` for a name that another team has, and :class:`NotFound` at ``member_ids``
    for who is no member or may not answer.
    """
    tx.require(Scope.WIDGETS_WRITE)
    team = Team(
        tenant_id=tx.tenant_id,
        id=new_id(),
        name=checked_name(name, longest=100, required=True),
        routing=_checked_routing(routing),
        reassign_after_s=_checked_wait(reassign_after_s),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(team)
    await _save_name(tx)
    await _set_members(tx, team.id, member_ids)
    tx.audit("team.create", public_id("team", team.id), _described(team))
    return team


async def update_team(
    tx: Tx,
    *,
    team_id: UUID,
    name: str | None = None,
    routing: str | None = None,
    reassign_after_s: int | Keep | None = KEEP,
    member_ids: Collection[UUID] | None = None,
) -> Team:
    """Changes what is given; ``member_ids`` replaces who is in it. What waits is handed out as the team then has it.

    Raises as :func:`create_team` does, and :class:`NotFound`.
    """
    tx.require(Scope.WIDGETS_WRITE)
    queue = Queue(tx)
    await queue.handing.begin()
    team = await _locked_team(tx, team_id)
    before = _described(team)
    if name is not None:
        team.name = checked_name(name, longest=100, required=True)
    if routing is not None:
        team.routing = _checked_routing(routing)
    if not isinstance(reassign_after_s, Keep):
        team.reassign_after_s = _checked_wait(reassign_after_s)
    members = None if member_ids is None else await _set_members(tx, team_id, member_ids)
    changes = {
        key: {"from": before[key], "to": value} for key, value in _described(team).items() if value != before[key]
    }
    if members:
        changes["members"] = members
    if changes:
        team.updated_at = tx.now
        await _save_name(tx)
        await queue.fill([team_id])
        tx.audit("team.update", public_id("team", team_id), changes)
    return team


async def delete_team(tx: Tx, *, team_id: UUID) -> None:
    """Deletes a team. Its conversations and widgets are then nobody's; what waited waits in the queue of no team.

    Raises :class:`NotFound`, and :class:`Conflict` while it has more than 500 conversations that are not closed.
    """
    tx.require(Scope.WIDGETS_WRITE)
    team = await _locked_team(tx, team_id, alone=True)
    store = ConversationStore(tx)
    standing = select(col(Conversation.id)).where(
        col(Conversation.team_id) == team_id, col(Conversation.status) != CLOSED
    )
    ids = (await tx.session.execute(standing.limit(MOST_MOVED + 1))).scalars().all()
    if len(ids) > MOST_MOVED:
        raise Conflict(f"This team has more than {MOST_MOVED} conversations that are not closed.", "team_id")
    for conversation in await store.lock_many(sorted(ids)):
        conversation.team_id = None
        conversation.updated_at = tx.now
        line = await store.add_line(conversation, "team", public=False, name=None)
        await tell(tx, conversation, "conversation.changed", message=line, public=False, data={"team": None})
    await store.save()
    for table in (Conversation, Widget):
        await _execute(tx, update(table).where(col(table.team_id) == team_id).values(team_id=None))
    await _execute(tx, delete(Team).where(col(Team.id) == team_id))
    tx.audit("team.delete", public_id("team", team_id), {"name": team.name})


async def get_team(reading: Reading, *, team_id: UUID) -> Team:
    """One team. Raises :class:`NotFound`."""
    reading.require(Scope.CONVERSATIONS_READ)
    found = (await reading.session.execute(select(Team).where(col(Team.id) == team_id))).scalar_one_or_none()
    if found is None:
        raise NotFound("team", "team_id")
    return found


async def list_teams(reading: Reading) -> Sequence[Team]:
    """All teams, by age."""
    reading.require(Scope.CONVERSATIONS_READ)
    return (await reading.session.execute(select(Team).order_by(col(Team.created_at), col(Team.id)))).scalars().all()


async def set_availability(tx: Tx, *, availability: str | None = None, capacity: int | None = None) -> Agent:
    """Says whether the calling member wants conversations (``online``, ``away``, ``offline``) and how many at once.

    What waits is handed to them as there is room; what they have stays. Raises :class:`Invalid`, also for a capacity
    that is not 0 to 1,000.
    """
    tx.require(Scope.CONVERSATIONS_WRITE)
    user_id = tx.require_member()
    if availability is not None and availability not in AVAILABILITIES:
        raise Invalid.at("availability", f"must be {', '.join(AVAILABILITIES)}")
    if capacity is not None and not 0 <= capacity <= MOST_CAPACITY:
        raise Invalid.at("capacity", f"must be 0 to {MOST_CAPACITY}")
    agent = (await _locked_agents(tx, [user_id]))[0]
    wanted = {"availability": availability or agent.availability}
    wanted["capacity"] = agent.capacity if capacity is None else capacity  # type: ignore[assignment]
    if any(getattr(agent, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(agent, name, value)
        agent.updated_at = tx.now
        queue = Queue(tx)
        await queue.fill(await queue.teams_of(user_id))
    return agent


async def renew_presence(tx: Tx, *, user_ids: Collection[UUID]) -> None:
    """These users have an inbox open. Whoever comes back is handed what waits, as there is room. Who may not answer, or
    is no member any more, is passed over."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    answering = await Agents(tx).answering(user_ids)
    come: list[UUID] = []
    for agent in await _locked_agents(tx, sorted(answering)):
        was_there = agent.seen_at is not None and agent.seen_at >= tx.now - LEASE
        if not was_there and agent.availability == ONLINE:
            come.append(agent.user_id)
        agent.seen_at = _later(agent.seen_at, tx.now)
    if come:
        queue = Queue(tx)
        teams = {team: None for user_id in come for team in await queue.teams_of(user_id)}
        await queue.fill(list(teams))


async def end_presence(tx: Tx, *, user_ids: Collection[UUID]) -> None:
    """These users have closed their last inbox: they are there for a few seconds more, in case they come back."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    until = tx.now - LEASE + RETURN
    for agent in await _locked_agents(tx, sorted(await Agents(tx).answering(user_ids))):
        if agent.seen_at is not None:
            agent.seen_at = min(agent.seen_at, until)


async def _locked_agents(tx: Tx, user_ids: Sequence[UUID]) -> list[Agent]:
    """What these users said of themselves, made where they never did, locked in the order of their ids."""
    if not user_ids:
        return []
    upsert = postgresql.insert if is_postgres(tx.session) else sqlite.insert
    row = {"tenant_id": tx.tenant_id, "availability": ONLINE, "capacity": CAPACITY}
    row |= {"created_at": tx.now, "updated_at": tx.now}
    statement = (
        select(Agent)
        .where(among(tx.session, Agent.user_id, user_ids))
        .order_by(col(Agent.user_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list((await tx.session.execute(statement)).scalars())
    new = set(user_ids) - {agent.user_id for agent in found}
    if new:
        rows = [{**row, "user_id": user_id} for user_id in sorted(new)]
        await tx.session.execute(upsert(Agent).values(rows).on_conflict_do_nothing())
        found = list((await tx.session.execute(statement)).scalars())
    return found


async def _locked_team(tx: Tx, team_id: UUID, *, alone: bool = False) -> Team:
    """A team that nobody else changes; ``alone``: and to which nothing is added."""
    wanted = select(Team).where(col(Team.id) == team_id).with_for_update(key_share=not alone)
    found = await tx.session.execute(wanted.execution_options(populate_existing=True))
    team = found.scalar_one_or_none()
    if team is None:
        raise NotFound("team", "team_id")
    return team


async def _set_members(tx: Tx, team_id: UUID, user_ids: Collection[UUID]) -> dict[str, Any]:
    """Makes these users the team's; whoever stays keeps their turn. Returns who came and went, by public id."""
    wanted = set(user_ids)
    if len(wanted) > MOST_MEMBERS:
        raise Invalid.at("member_ids", f"must be at most {MOST_MEMBERS}")
    if wanted - await Agents(tx).answering(wanted):
        raise NotFound("member who may answer", "member_ids")
    of_team = col(TeamMember.team_id) == team_id
    have = set((await tx.session.execute(select(col(TeamMember.user_id)).where(of_team))).scalars())
    new, gone = sorted(wanted - have), sorted(have - wanted)
    if gone:
        await _execute(tx, delete(TeamMember).where(of_team, col(TeamMember.user_id).in_(gone)))
    await tx.insert(TeamMember, [{"team_id": team_id, "user_id": one, "created_at": tx.now} for one in new])
    if not new and not gone:
        return {}
    return {"added": [public_id("user", one) for one in new], "removed": [public_id("user", one) for one in gone]}


async def _save_name(tx: Tx) -> None:
    try:
        await tx.session.flush()
    except IntegrityError as taken:
        raise Conflict("Another team has this name.", "name") from taken


async def _execute(tx: Tx, statement: Any) -> None:
    await tx.session.execute(statement, execution_options={"synchronize_session": False})


def _described(team: Team) -> dict[str, Any]:
    return {"name": team.name, "routing": team.routing, "reassign_after_s": team.reassign_after_s}


def _checked_routing(routing: str) -> str:
    if routing not in METHODS:
        raise Invalid.at("routing", f"must be {', '.join(METHODS)}")
    return routing


def _checked_wait(seconds: int | None) -> int | None:
    if seconds is not None and not SHORTEST_WAIT_S <= seconds <= LONGEST_WAIT_S:
        raise Invalid.at("reassign_after_s", f"must be {SHORTEST_WAIT_S} to {LONGEST_WAIT_S}")
    return seconds


def _later(moment: datetime | None, now: datetime) -> datetime:
    return now if moment is None else max(moment, now)
