"""Routing by a long random day at the office: after every act the rules hold, whatever came before."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.actions.conversations import assign_conversation, close_conversation, update_conversation
from app.actions.teams import set_availability
from app.core.ids import parse_id
from models import Agent, Conversation
from tests.actions.desks import Desk
from tests.actions.talking import Agents, Office, Visiting

ACTS = 30
Row = dict[str, Any]


class Day:
    """Agents of one team, visitors who come, and what somebody does next."""

    def __init__(self, desk: Desk, agents: list[Agents], dice: random.Random) -> None:
        self.desk = desk
        self.owner = desk.owner
        self.agents = {agent.principal.id: agent for agent in agents}
        self.present = {agent.principal.id for agent in agents[:2]}
        self.visitors: dict[Any, Visiting] = {}
        self.dice = dice
        self.by_hand: set[Any] = set()
        """Agents to whom a person gave something, or who take less than before: they may have too much."""

    async def act(self) -> str:
        """One thing, by chance."""
        acts: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.come, 8),
            (self.write, 5),
            (self.close, 5),
            (self.ask, 2),
            (self.give_back, 2),
            (self.give, 1),
            (self.sit_or_stand, 3),
            (self.say_capacity, 2),
        ]
        (act,) = self.dice.choices([one for one, _ in acts], [weight for _, weight in acts])
        await act()
        return act.__name__

    async def rows(self, *statuses: str) -> list[Row]:
        return [row for row in await self.owner.rows(Conversation) if row["status"] in (statuses or ("open",))]

    async def come(self) -> None:
        visitor, conversation = await self.desk.asks()
        self.visitors[conversation.id] = visitor

    async def write(self) -> None:
        for row in await self.some("open", "closed", "pending"):
            await self.visitors[row["id"]].says("And?", conversation_id=row["id"])

    async def close(self) -> None:
        for row in await self.some("open", "pending"):
            await self.owner.do(close_conversation, conversation_id=row["id"])

    async def ask(self) -> None:
        for row in await self.some("open"):
            await self.owner.do(update_conversation, conversation_id=row["id"], status="pending")

    async def give_back(self) -> None:
        for row in await self.some("open"):
            await self.owner.do(assign_conversation, conversation_id=row["id"], assignee_id=None)

    async def give(self) -> None:
        user_id = self.dice.choice(sorted(self.agents))
        self.by_hand.add(user_id)
        for row in await self.some("open"):
            await self.owner.do(assign_conversation, conversation_id=row["id"], assignee_id=user_id)

    async def sit_or_stand(self) -> None:
        user_id = self.dice.choice(sorted(self.agents))
        if user_id in self.present:
            self.present.discard(user_id)
            await self.desk.get_up(self.agents[user_id])
        else:
            self.present.add(user_id)
            await self.desk.sit_down(self.agents[user_id])

    async def say_capacity(self) -> None:
        user_id = self.dice.choice(sorted(self.agents))
        self.by_hand.add(user_id)
        values = {"capacity": self.dice.randint(0, 4), "availability": self.dice.choice(["online", "online", "away"])}
        await self.agents[user_id].do(set_availability, **values)

    async def some(self, *statuses: str) -> list[Row]:
        rows = await self.rows(*statuses)
        return [self.dice.choice(rows)] if rows else []

    async def check(self) -> None:
        """The rules."""
        loads = await self.desk.loads()
        takes = {row["user_id"]: row for row in await self.owner.rows(Agent)}
        room = {
            user_id: takes[user_id]["capacity"] - loads[user_id]
            for user_id in self.present
            if takes[user_id]["availability"] == "online"
        }
        for user_id, row in takes.items():
            assert loads[user_id] <= row["capacity"] or user_id in self.by_hand
        for row in await self.rows("open", "pending", "closed"):
            waits = row["status"] == "open" and row["assignee_id"] is None
            assert (row["queued_at"] is not None) == waits
            if waits:
                declined = {parse_id("user", one) for one in row["routing"].get("declined", ())}
                assert [one for one, left in room.items() if left > 0 and one not in declined] == []
            if row["assignee_id"] is not None and row["routing"]["method"] != "manual":
                assert parse_id("user", row["routing"]["chosen"]) == row["assignee_id"]


@pytest.mark.parametrize(("seed", "routing"), [(1, "round_robin"), (2, "least_busy")])
async def test_the_rules_hold_after_every_act_of_a_day(office: Office, seed: int, routing: str) -> None:
    agents = [await office.colleague(name) for name in ("Ada", "Bob", "Cat")]
    desk = await Desk(office).open(routing, *agents)
    await desk.sit_down(*agents, capacity=2)
    await desk.get_up(agents[2])
    day = Day(desk, agents, random.Random(seed))
    for number in range(ACTS):
        before = [row for row in await day.rows() if row["queued_at"] is not None]
        act = await day.act()
        try:
            await day.check()
            if act in ("close", "sit_or_stand", "say_capacity"):
                await _served_in_order(day, before)
        except AssertionError as broken:
            raise AssertionError(f"after act {number}: {act}") from broken


async def _served_in_order(day: Day, before: list[Row]) -> None:
    """Nobody was served before somebody who had waited longer and had been given back by nobody."""
    waiting = sorted((row for row in before if not row["routing"].get("declined")), key=_place)
    now = {row["id"]: row for row in await day.rows("open", "pending", "closed")}
    still = [now[row["id"]]["queued_at"] is not None for row in waiting if now[row["id"]]["status"] == "open"]
    assert still == sorted(still)


def _place(row: Row) -> Any:
    return row["queued_at"], row["id"]
