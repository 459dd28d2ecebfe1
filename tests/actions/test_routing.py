"""Routing: the right agent, never one too many, a queue in order, and nobody left with an agent who has gone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import delete
from sqlmodel import col

from app.actions.conversations import (
    assign_conversation,
    close_conversation,
    overdue_conversations,
    reassign_conversation,
    start_conversation,
    update_conversation,
    update_conversations,
    visitor_says,
)
from app.actions.conversations.routing import Candidate, choose, explain
from app.actions.teams import set_availability
from app.core import clock
from app.core.access import Role, system
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id
from models import Job, Member
from tests.actions.desks import Desk, everything, refused, user, verdicts
from tests.actions.talking import Agents, Office
from tests.tenants import TenantAccount

NOW = clock.now()


def candidate(number: int, load: int = 0, last: int | None = None, **values: Any) -> Candidate:
    last_assigned_at = None if last is None else NOW + timedelta(seconds=last)
    given = {"capacity": 3, "availability": "online", "is_present": True, **values}
    return Candidate(UUID(int=number), f"Agent {number}", load, last_assigned_at=last_assigned_at, **given)


@pytest.mark.parametrize(
    ("method", "candidates", "not_to", "chosen"),
    [
        ("round_robin", [candidate(1, 0, last=5), candidate(2, 2, last=3)], [], 2),
        ("round_robin", [candidate(1, last=5), candidate(2, last=3), candidate(3)], [], 3),
        ("round_robin", [candidate(1, last=5), candidate(2, 3, last=3)], [], 1),
        ("least_busy", [candidate(1, 1, last=1), candidate(2, 0, last=5)], [], 2),
        ("least_busy", [candidate(1, 1, last=5), candidate(2, 1, last=1)], [], 2),
        ("least_busy", [candidate(1), candidate(2)], [2], 1),
        ("least_busy", [candidate(1), candidate(2)], [1, 2], None),
        ("least_busy", [candidate(1, 3), candidate(2, is_present=False), candidate(3, availability="away")], [], None),
        ("manual", [candidate(1)], [], None),
    ],
)
def test_who_is_chosen(method: str, candidates: list[Candidate], not_to: list[int], chosen: int | None) -> None:
    found = choose(method, candidates, [UUID(int=one) for one in not_to])
    assert (found and found.user_id.int) == chosen


agents = some.builds(
    Candidate,
    user_id=some.uuids(),
    name=some.just("A"),
    load=some.integers(0, 6),
    capacity=some.integers(0, 4),
    availability=some.sampled_from(["online", "away", "offline"]),
    is_present=some.booleans(),
    last_assigned_at=some.none() | some.datetimes(timezones=some.just(NOW.tzinfo)),  # type: ignore[arg-type]
)


@given(some.lists(agents, max_size=6), some.sampled_from(["round_robin", "least_busy"]))
def test_whoever_is_chosen_is_there_has_room_and_nobody_better_is_free(people: list[Candidate], method: str) -> None:
    chosen = choose(method, people)
    free = [one for one in people if one.is_present and one.availability == "online" and one.load < one.capacity]
    assert (chosen is None) == (free == [])
    routing = explain(method, chosen, people, NOW)
    assert [one["verdict"] for one in routing["considered"]].count("free") <= max(0, len(free) - (chosen is not None))
    if chosen is None:
        return
    assert chosen in free
    assert routing["considered"][0]["verdict"] == "chosen"
    if method == "least_busy":
        assert chosen.load == min(one.load for one in free)
    elif any(one.last_assigned_at is None for one in free):
        assert chosen.last_assigned_at is None
    else:
        assert chosen.last_assigned_at == min(one.last_assigned_at for one in free if one.last_assigned_at)


async def test_turns_go_round_and_capacity_is_kept_and_the_rest_waits_in_order(office: Office) -> None:
    ada, bob, cat = [await office.colleague(name) for name in ("Ada", "Bob", "Cat")]
    desk = await Desk(office).open("round_robin", ada, bob, cat)
    await desk.sit_down(ada, bob, capacity=2)
    asked = [await desk.asks(f"V{number}") for number in range(7)]
    given = [await desk.agent_of(conversation) for _, conversation in asked]
    assert given[:4] in (
        [ada.principal.id, bob.principal.id] * 2,
        [bob.principal.id, ada.principal.id] * 2,
    )
    assert given[4:] == [None] * 3
    assert [await desk.position(conversation) for _, conversation in asked[3:]] == [None, 1, 2, 3]
    waiting = await office.owner.conversation(asked[4][1].id)
    assert waiting.routing is not None
    assert (waiting.routing["method"], waiting.routing["chosen"]) == ("round_robin", None)
    assert waiting.routing["reason"] == (
        "Waits in the queue: everybody who is there has as many conversations as they take."
    )
    assert verdicts(waiting) == {user(ada): "full", user(bob): "full", user(cat): "absent"}

    first = asked[0][1]
    whose = ada if given[0] == ada.principal.id else bob
    await whose.do(close_conversation, conversation_id=first.id)
    assert await desk.agent_of(asked[4][1]) == whose.principal.id
    assert [await desk.position(conversation) for _, conversation in asked[4:]] == [None, 1, 2]
    given_now = await office.owner.conversation(asked[4][1].id)
    assert given_now.routing is not None
    assert given_now.routing["chosen"] == user(whose)
    assert given_now.routing["reason"].startswith("Was next in the queue. ")
    assert given_now.routing["considered"][0] == {
        "user": user(whose),
        "load": 1,
        "capacity": 2,
        "present": True,
        "verdict": "chosen",
    }

    await desk.sit_down(cat, capacity=1)
    assert await desk.agent_of(asked[5][1]) == cat.principal.id
    await cat.do(set_availability, capacity=2)
    assert await desk.agent_of(asked[6][1]) == cat.principal.id
    assert await desk.loads() == {ada.principal.id: 2, bob.principal.id: 2, cat.principal.id: 2}


async def test_the_least_busy_gets_it_and_nobody_who_is_away(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("least_busy", ada, bob)
    await desk.sit_down(ada, bob)
    await ada.do(set_availability, availability="away")
    visitor, first = await desk.asks()
    assert first.assignee_id == bob.principal.id
    assert verdicts(first) == {user(bob): "chosen", user(ada): "away"}
    assert first.routing is not None
    assert first.routing["reason"] == "Bob is the only one of the team who is free."
    await ada.do(set_availability, availability="online")
    second, third = (await desk.asks())[1], (await desk.asks())[1]
    assert second.assignee_id == ada.principal.id
    assert second.routing is not None
    assert second.routing["reason"] == "Ada is the least busy of the team (0 of 5)."
    # A conversation whose visitor has been asked something still counts.
    for conversation, status in ((second, "pending"), (third, "open")):
        await ada.do(update_conversation, conversation_id=conversation.id, status=status)
    busy = (await desk.loads()).most_common()
    assert sorted(load for _, load in busy) == [1, 2]
    least = busy[-1][0]
    assert (await desk.asks())[1].assignee_id == least
    assert await desk.lines(first) == [("system", "assigned", "Bob")]
    kinds = [(kind, data.get("name")) for kind, data in await visitor.topic()]
    assert kinds == [("conversation.created", None), ("message.created", None), ("conversation.assigned", "Bob")]


async def test_when_nobody_is_there_it_waits_until_somebody_comes_and_answering_takes_it(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("least_busy", ada)
    (_, first), (_, second) = await desk.asks(), await desk.asks()
    assert first.routing is not None
    assert first.routing["reason"] == "Waits in the queue: nobody of the team is there."
    assert (first.queued_at, await desk.position(first), await desk.position(second)) == (first.created_at, 1, 2)
    taken = (await bob.says(first.id, "I am not of this team, but here")).conversation
    assert (taken.assignee_id, taken.queued_at) == (bob.principal.id, None)
    assert taken.routing is not None
    assert (taken.routing["method"], taken.routing["reason"]) == ("manual", "Bob answered it.")
    assert await desk.position(second) == 1
    await desk.sit_down(ada)
    assert await desk.agent_of(second) == ada.principal.id
    # What an agent begins is theirs, whoever else is there.
    visitor = await office.visitor()
    begun = await bob.do(start_conversation, visitor_id=visitor.id, text="May I help?")
    assert (begun.conversation.assignee_id, begun.conversation.queued_at) == (bob.principal.id, None)


async def test_without_a_team_and_with_manual_routing_conversations_only_queue(office: Office) -> None:
    ada = await office.colleague("Ada")
    visitor = await office.visitor()
    conversation = (await visitor.says("Hi")).conversation
    assert (conversation.team_id, conversation.assignee_id) == (None, None)
    assert conversation.queued_at == conversation.created_at
    desk = await Desk(office).open("manual", ada)
    await desk.sit_down(ada)
    _, queued = await desk.asks()
    assert queued.assignee_id is None
    assert queued.routing == {
        "method": "manual",
        "chosen": None,
        "reason": "Waits in the queue until somebody takes it.",
        "at": clock.iso(queued.created_at),
        "considered": [],
    }
    assert (await desk.position(conversation), await desk.position(queued)) == (1, 1)


async def test_a_person_may_give_and_give_back_and_whoever_gave_back_is_not_asked_again(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("round_robin", ada, bob)
    await desk.sit_down(ada, capacity=1)
    visitor, conversation = await desk.asks()
    _, waiting = await desk.asks()
    given = await office.owner.do(assign_conversation, conversation_id=waiting.id, assignee_id=ada.principal.id)
    assert (given.assignee_id, given.queued_at) == (ada.principal.id, None)
    assert given.routing is not None
    assert given.routing["reason"] == "Given to Ada by Acme Owner."
    assert await desk.loads() == {ada.principal.id: 2}
    again = await office.owner.do(assign_conversation, conversation_id=waiting.id, assignee_id=ada.principal.id)
    assert again.assigned_at == given.assigned_at
    await ada.do(update_conversation, conversation_id=waiting.id, status="closed")

    back = await ada.do(assign_conversation, conversation_id=conversation.id, assignee_id=None)
    assert (back.assignee_id, back.queued_at) == (None, conversation.waiting_since)
    assert back.routing is not None
    assert back.routing["reason"] == "Given back by Ada. Waits in the queue: nobody of the team is there."
    assert back.routing["declined"] == [user(ada)]
    assert verdicts(back) == {user(ada): "declined", user(bob): "absent"}
    assert await desk.loads() == {}
    assert await desk.lines(back) == [("system", "assigned", "Ada"), ("note", "unassigned", None)]
    told = [(kind, data.get("name", "-"), data.get("seq")) for kind, data in await visitor.topic()]
    assert told[2:] == [("conversation.assigned", "Ada", 2), ("conversation.assigned", None, None)]
    # Ada has room, but has given it back: the next in the queue does not wait behind it.
    _, later = await desk.asks()
    assert later.assignee_id == ada.principal.id
    assert await desk.position(back) == 1
    await desk.sit_down(bob)
    assert await desk.agent_of(back) == bob.principal.id


async def test_what_cannot_be_given_is_refused_and_leaves_no_trace(office: Office, other_tenant: TenantAccount) -> None:
    ada = await office.colleague("Ada")
    viewer = await office.colleague("Vic", Role.VIEWER)
    desk = await Desk(office).open("round_robin", ada)
    visitor, conversation = await desk.asks()
    before = await everything(office.owner)
    for values, field in (
        ({"assignee_id": viewer.principal.id}, "assignee_id"),
        ({"assignee_id": other_tenant.user_id}, "assignee_id"),
        ({"assignee_id": new_id()}, "assignee_id"),
        ({"team_id": new_id()}, "team_id"),
        ({"conversation_id": new_id()}, "conversation_id"),
    ):
        attempt = office.owner.do(assign_conversation, **{"conversation_id": conversation.id} | values)
        await refused(attempt, NotFound, field)
    await refused(visitor.do(assign_conversation, conversation_id=conversation.id), Forbidden)
    strangers = Agents(office.units, other_tenant.principal)
    wanted = {"conversation_id": conversation.id, "assignee_id": other_tenant.user_id}
    await refused(strangers.do(assign_conversation, **wanted), NotFound, "conversation_id")
    mixed = {"conversation_ids": [conversation.id], "priority": "high", "assignee_id": new_id()}
    await refused(office.owner.do(update_conversations, **mixed), NotFound, "assignee_id")
    assert await everything(office.owner) == before


async def test_another_team_routes_anew_and_bulk_does_the_same_to_all(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    first = await Desk(office).open("round_robin", ada)
    await first.sit_down(ada, bob)
    _, conversation = await first.asks()
    second = await Desk(office).open("least_busy", bob)
    moved = await ada.do(assign_conversation, conversation_id=conversation.id, team_id=second.team_id)
    assert (moved.team_id, moved.assignee_id) == (second.team_id, bob.principal.id)
    back = await bob.do(assign_conversation, conversation_id=conversation.id, team_id=None)
    assert (back.team_id, back.assignee_id) == (None, bob.principal.id)
    others = [(await second.asks())[1].id for _ in range(3)]
    changed = await office.owner.do(update_conversations, conversation_ids=others, assignee_id=ada.principal.id)
    assert {one.assignee_id for one in changed} == {ada.principal.id}
    routed = await office.owner.do(update_conversations, conversation_ids=others, team_id=first.team_id)
    assert {one.assignee_id for one in routed} == {ada.principal.id}
    closed = await office.owner.do(update_conversations, conversation_ids=others, status="closed", assignee_id=None)
    assert {(one.status, one.assignee_id, one.queued_at) for one in closed} == {("closed", None, None)}


async def test_what_is_opened_again_stays_with_an_agent_who_is_there_and_else_finds_another(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("least_busy", ada, bob)
    await desk.sit_down(ada)
    visitor, conversation = await desk.asks()
    for status in ("pending", "closed"):
        await ada.do(update_conversation, conversation_id=conversation.id, status=status)
        again = (await visitor.says(status, conversation_id=conversation.id)).conversation
        assert (again.status, again.assignee_id, again.queued_at) == ("open", ada.principal.id, None)
    await ada.do(close_conversation, conversation_id=conversation.id)
    await desk.get_up(ada)
    alone = (await visitor.says("Still there?", conversation_id=conversation.id)).conversation
    assert alone.assignee_id is None
    assert await desk.position(alone) == 1
    await desk.sit_down(bob)
    assert await desk.agent_of(alone) == bob.principal.id
    tomorrow = clock.now() + timedelta(days=1)
    await bob.do(update_conversation, conversation_id=conversation.id, status="snoozed", snoozed_until=tomorrow)
    assert await desk.loads() == {}
    await bob.do(assign_conversation, conversation_id=conversation.id, assignee_id=None)
    assert await desk.position(alone) is None
    woken = (await visitor.says("Hello?", conversation_id=conversation.id)).conversation
    assert woken.assignee_id == bob.principal.id


async def test_an_agent_who_does_not_answer_or_has_gone_loses_it_to_somebody_who_is_there(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("round_robin", ada, bob, reassign_after_s=60)
    with time_machine.travel(clock.now(), tick=False) as time:
        await desk.sit_down(ada)
        visitor, conversation = await desk.asks()
        assert conversation.assignee_id == ada.principal.id
        jobs = [row for row in await office.owner.rows(Job) if row["kind"] == "conversations.reassign"]
        assert [row["run_at"] for row in jobs] == [conversation.created_at + timedelta(seconds=60)]

        async def look() -> bool:
            async with office.units.read(system()) as reading:
                due = [one.conversation_id for one in await overdue_conversations(reading, limit=10)]
            taken: bool = await office.owner.do(reassign_conversation, conversation_id=conversation.id)
            assert not taken or due == [conversation.id]
            return taken

        time.shift(59)
        assert not await look()
        time.shift(1)
        await desk.sit_down(ada)
        # Ada is there, and nobody else: better with her than with nobody.
        assert not await look()
        await desk.sit_down(bob)
        assert await look()
        now = await office.owner.conversation(conversation.id)
        assert now.assignee_id == bob.principal.id
        assert now.routing is not None
        assert now.routing["reason"] == "Ada did not answer in time. Bob is the only one of the team who is free."
        assert not await look()
        assert await desk.lines(conversation) == [("system", "assigned", "Ada"), ("system", "assigned", "Bob")]

        await bob.says(conversation.id, "Here I am")
        time.shift(3600)
        assert not await look(), "the visitor does not wait"
        await visitor.says("And this?")
        time.shift(59)
        assert not await look()
        time.shift(1)
        assert await look()
        gone = await office.owner.conversation(conversation.id)
        assert (gone.assignee_id, gone.queued_at) == (None, gone.waiting_since)
        assert gone.routing is not None
        assert gone.routing["reason"] == "Bob has gone. Waits in the queue: nobody of the team is there."
        assert not await look()
        await desk.sit_down(bob)
        assert await desk.agent_of(conversation) == bob.principal.id


async def test_who_is_no_member_any_more_leaves_no_visitor_waiting(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("least_busy", ada, bob)
    await desk.sit_down(ada)
    visitor, conversation = await desk.asks()
    await ada.says(conversation.id, "Yes?")
    async with office.units.write(system(office.tenant_id)) as tx:
        await tx.session.execute(delete(Member).where(col(Member.user_id) == ada.principal.id))
    await desk.sit_down(bob)

    async def overdue() -> list[UUID]:
        async with office.units.read(system()) as reading:
            return [one.conversation_id for one in await overdue_conversations(reading, limit=10)]

    assert await overdue() == []
    await visitor.do(visitor_says, text="Hello?")
    assert await overdue() == [conversation.id]
    assert await office.owner.do(reassign_conversation, conversation_id=conversation.id)
    assert await desk.agent_of(conversation) == bob.principal.id
    assert await overdue() == []


async def test_an_agent_says_what_they_take_on(office: Office) -> None:
    ada = await office.colleague("Ada")
    agent = await ada.do(set_availability, availability="away", capacity=0)
    assert (agent.availability, agent.capacity, agent.seen_at) == ("away", 0, None)
    for values, field in (
        ({"availability": "busy"}, "availability"),
        ({"capacity": -1}, "capacity"),
        ({"capacity": 1001}, "capacity"),
    ):
        await refused(ada.do(set_availability, **values), Invalid, field)
    assert (await ada.do(set_availability)).capacity == 0
