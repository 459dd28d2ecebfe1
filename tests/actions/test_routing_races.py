"""Units that route at once: nobody gets more than they take, nothing is given twice, nothing is forgotten."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

from app.actions.conversations import assign_conversation, close_conversation, reassign_conversation, work_off_queue
from app.actions.teams import set_availability, update_team
from app.core.access import system
from models import Conversation, Job, Message
from tests.actions.desks import Desk, renew
from tests.actions.talking import Office


async def at_once(*attempts: Awaitable[Any]) -> list[Any]:
    """Each in a task and a unit of work of its own."""

    async def run(attempt: Awaitable[Any]) -> Any:
        return await attempt

    return await asyncio.gather(*(asyncio.create_task(run(one)) for one in attempts))


async def work_off(office: Office, desk: Desk) -> None:
    """What the worker does with the jobs that units have left behind."""
    if any(row["kind"] == "conversations.queue" for row in await office.owner.rows(Job)):
        async with office.units.write(system(office.tenant_id)) as tx:
            await work_off_queue(tx, team_id=desk.team_id)


async def test_visitors_who_come_at_once_fill_the_team_and_not_more(office: Office) -> None:
    agents = [await office.colleague(name) for name in ("Ada", "Bob", "Cat")]
    desk = await Desk(office).open("least_busy", *agents)
    await desk.sit_down(*agents, capacity=3)
    visitors = [await office.visitor(f"V{number}") for number in range(14)]
    await at_once(*(visitor.says("Hi") for visitor in visitors))
    await work_off(office, desk)
    assert await desk.loads() == dict.fromkeys((agent.principal.id for agent in agents), 3)
    rows = await office.owner.rows(Conversation)
    queued = [row for row in rows if row["queued_at"] is not None]
    assert (len(rows), len(queued)) == (14, 5)
    assert all((row["assignee_id"] is None) == (row["queued_at"] is not None) for row in rows)
    lines = [row for row in await office.owner.rows(Message) if row["sender_kind"] == "system"]
    assert len({row["conversation_id"] for row in lines}) == len(lines) == 9

    # Room appears in four ways at once, while visitors go on writing in what waits.
    mine = [next(row["id"] for row in rows if row["assignee_id"] == agent.principal.id) for agent in agents]
    waiting = {row["visitor_id"] for row in queued}
    await at_once(
        agents[0].do(close_conversation, conversation_id=mine[0]),
        agents[1].do(close_conversation, conversation_id=mine[1]),
        agents[2].do(set_availability, capacity=4),
        renew(office.units, office.tenant_id, *agents),
        *(visitor.says("Still there?") for visitor in visitors if visitor.id in waiting),
    )
    await work_off(office, desk)
    assert sorted((await desk.loads()).values()) == [3, 3, 4]
    rows = await office.owner.rows(Conversation)
    left = sorted(row["queued_at"] for row in rows if row["queued_at"] is not None)
    assert left == sorted(row["queued_at"] for row in queued)[3:]


async def test_workers_who_reassign_at_once_ask_one_other_agent(office: Office) -> None:
    agents = [await office.colleague(name) for name in ("Ada", "Bob", "Cat")]
    desk = await Desk(office).open("round_robin", *agents, reassign_after_s=60)
    await desk.sit_down(agents[0])
    asked = [(await desk.asks())[1] for _ in range(3)]
    await desk.backdate()
    await desk.sit_down(*agents[1:])
    done = await at_once(
        *(office.owner.do(reassign_conversation, conversation_id=one.id) for one in asked for _ in range(3))
    )
    assert sorted(done) == [False] * 6 + [True] * 3
    assert sorted((await desk.loads()).values()) == [1, 2]
    lines = [row["data"]["name"] for row in await office.owner.rows(Message) if row["sender_kind"] == "system"]
    assert sorted(lines) in (["Ada"] * 3 + ["Bob", "Bob", "Cat"], ["Ada"] * 3 + ["Bob", "Cat", "Cat"])


async def test_everything_at_once_ends_with_every_place_taken_and_the_longest_waiting_served(office: Office) -> None:
    dice = random.Random(7)
    agents = [await office.colleague(name) for name in ("Ada", "Bob", "Cat")]
    desk = await Desk(office).open("round_robin", *agents, reassign_after_s=60)
    await desk.sit_down(*agents, capacity=2)
    for _ in range(4):
        visitors = [await office.visitor() for _ in range(5)]
        open_now = [row for row in await office.owner.rows(Conversation) if row["status"] == "open"]
        dice.shuffle(open_now)
        acts: list[Awaitable[Any]] = [visitor.says("Hi") for visitor in visitors]
        for row in open_now[:3]:
            acts.append(office.owner.do(close_conversation, conversation_id=row["id"]))
        for row in open_now[2:4]:
            acts.append(office.owner.do(assign_conversation, conversation_id=row["id"], assignee_id=None))
        acts.append(office.owner.do(update_team, team_id=desk.team_id, routing=dice.choice(["least_busy", "manual"])))
        acts.append(renew(office.units, office.tenant_id, *agents))
        dice.shuffle(acts)
        await at_once(*acts)
        assert max((await desk.loads()).values(), default=0) <= 2
    await office.owner.do(update_team, team_id=desk.team_id, routing="round_robin", reassign_after_s=120)
    async with office.units.write(system(office.tenant_id)) as tx:
        await work_off_queue(tx, team_id=desk.team_id)
    rows = [row for row in await office.owner.rows(Conversation) if row["status"] == "open"]
    loads = await desk.loads()
    queued = [row for row in rows if row["queued_at"] is not None]
    free = sum(2 - loads[agent.principal.id] for agent in agents)
    never_declined = [row for row in queued if not row["routing"].get("declined")]
    assert free == 0 or never_declined == []
    assert all((row["assignee_id"] is None) == (row["queued_at"] is not None) for row in rows)
