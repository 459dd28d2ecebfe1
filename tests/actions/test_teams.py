"""Teams: who is in them, what they are called, and what becomes of their conversations when they go."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from app.actions.conversations import close_conversation, update_conversation
from app.actions.teams import (
    create_team,
    delete_team,
    end_presence,
    get_team,
    list_teams,
    renew_presence,
    set_availability,
    update_team,
)
from app.core import clock
from app.core.access import Principal, Role, Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from models import Agent, AuditEntry, Conversation, TeamMember, Widget
from tests.actions.desks import Desk, everything, refused, user
from tests.actions.talking import Agents, Office
from tests.tenants import TenantAccount


async def members(office: Office) -> dict[Any, Any]:
    return {row["user_id"]: row["last_assigned_at"] for row in await office.owner.rows(TeamMember)}


async def test_a_team_is_made_changed_and_read(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob", Role.MARKETER)
    owner = office.owner
    team = await owner.do(
        create_team, name=" Sales ", routing="least_busy", reassign_after_s=60, member_ids=[ada.principal.id]
    )
    assert (team.name, team.routing, team.reassign_after_s) == ("Sales", "least_busy", 60)
    other = await owner.do(create_team, name="Support")
    assert (other.routing, other.reassign_after_s) == ("manual", None)
    assert [one.id for one in await owner.read(list_teams)] == [team.id, other.id]
    assert list(await members(office)) == [ada.principal.id]

    same = await owner.do(update_team, team_id=team.id)
    assert same.updated_at == team.updated_at
    both = [ada.principal.id, bob.principal.id]
    changed = await owner.do(update_team, team_id=team.id, name="Selling", reassign_after_s=None, member_ids=both)
    assert (changed.name, changed.routing, changed.reassign_after_s) == ("Selling", "least_busy", None)
    assert sorted(await members(office)) == sorted(both)
    await owner.do(update_team, team_id=team.id, member_ids=[bob.principal.id])
    assert list(await members(office)) == [bob.principal.id]
    assert (await owner.read(get_team, team_id=team.id)).name == "Selling"
    audited = [(row["action"], row["changes"]) for row in await owner.rows(AuditEntry)]
    assert audited == [
        ("team.create", {"name": "Sales", "routing": "least_busy", "reassign_after_s": 60}),
        ("team.create", {"name": "Support", "routing": "manual", "reassign_after_s": None}),
        (
            "team.update",
            {
                "name": {"from": "Sales", "to": "Selling"},
                "reassign_after_s": {"from": 60, "to": None},
                "members": {"added": [user(bob)], "removed": []},
            },
        ),
        ("team.update", {"members": {"added": [], "removed": [user(ada)]}}),
    ]


async def test_what_makes_no_team_is_refused_and_leaves_no_trace(office: Office, other_tenant: TenantAccount) -> None:
    ada, viewer = await office.colleague("Ada"), await office.colleague("Vic", Role.VIEWER)
    owner = office.owner
    team = await owner.do(create_team, name="Sales", member_ids=[ada.principal.id])
    second = await owner.do(create_team, name="Support")
    before = await everything(owner)
    for values, kind, field in (
        ({"name": " "}, Invalid, "name"),
        ({"name": "x" * 101}, Invalid, "name"),
        ({"name": "Sales"}, Conflict, "name"),
        ({"routing": "random"}, Invalid, "routing"),
        ({"reassign_after_s": 9}, Invalid, "reassign_after_s"),
        ({"reassign_after_s": 604801}, Invalid, "reassign_after_s"),
        ({"member_ids": [viewer.principal.id]}, NotFound, "member_ids"),
        ({"member_ids": [other_tenant.user_id]}, NotFound, "member_ids"),
        ({"member_ids": [new_id() for _ in range(501)]}, Invalid, "member_ids"),
    ):
        await refused(owner.do(create_team, **{"name": "New"} | values), kind, field)
        await refused(owner.do(update_team, team_id=second.id, **values), kind, field)
    strangers = Agents(office.units, other_tenant.principal)
    await refused(strangers.do(update_team, team_id=team.id, name="Ours"), NotFound, "team_id")
    await refused(strangers.do(delete_team, team_id=team.id), NotFound, "team_id")
    await refused(strangers.read(get_team, team_id=team.id), NotFound, "team_id")
    weak = Principal("member", office.tenant_id, ada.principal.id, scopes=frozenset({Scope.CONVERSATIONS_WRITE}))
    for action, values in (
        (create_team, {"name": "x"}),
        (update_team, {"team_id": team.id}),
        (delete_team, {"team_id": team.id}),
    ):
        await refused(Agents(office.units, weak).do(action, **values), Forbidden)
    key = Principal("api_key", office.tenant_id, new_id(), scopes=frozenset({Scope.CONVERSATIONS_WRITE}))
    await refused(Agents(office.units, key).do(set_availability, capacity=1), Forbidden)
    assert await everything(owner) == before


async def test_a_deleted_team_leaves_its_conversations_and_widgets_to_everybody(office: Office) -> None:
    ada = await office.colleague("Ada")
    desk = await Desk(office).open("least_busy", ada)
    await desk.sit_down(ada, capacity=1)
    (_, hers), (_, waiting), (_, closed) = [await desk.asks() for _ in range(3)]
    await office.owner.do(close_conversation, conversation_id=closed.id)
    await office.owner.do(delete_team, team_id=desk.team_id)
    rows = {row["id"]: row for row in await office.owner.rows(Conversation)}
    assert {row["team_id"] for row in rows.values()} == {None}
    assert rows[hers.id]["assignee_id"] == ada.principal.id
    assert (rows[waiting.id]["queued_at"], await desk.position(waiting)) == (waiting.queued_at, 1)
    assert [row["team_id"] for row in await office.owner.rows(Widget)] == [None]
    assert await office.owner.read(list_teams) == []
    assert await members(office) == {}
    assert await desk.lines(waiting) == [("note", "team", None)]
    _, later = await desk.asks()
    assert (later.team_id, await desk.position(later)) == (None, 2)


async def test_a_change_of_a_team_hands_out_what_waits(office: Office) -> None:
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("manual", ada)
    await desk.sit_down(ada, bob)
    asked = [(await desk.asks())[1] for _ in range(7)]
    await office.owner.do(update_team, team_id=desk.team_id, routing="round_robin")
    assert await desk.loads() == {ada.principal.id: 5}
    assert [await desk.position(one) for one in asked] == [None] * 5 + [1, 2]
    await office.owner.do(update_team, team_id=desk.team_id, member_ids=[bob.principal.id])
    assert await desk.loads() == {ada.principal.id: 5, bob.principal.id: 2}
    await office.owner.do(update_conversation, conversation_id=asked[0].id, status="closed")
    turns = list((await members(office)).values())
    assert len(turns) == 1
    assert turns[0] is not None


@pytest.mark.parametrize("times", [1, 2])
async def test_presence_is_a_lease_of_whoever_may_answer(office: Office, times: int) -> None:
    ada, viewer = await office.colleague("Ada"), await office.colleague("Vic", Role.VIEWER)
    began = clock.now()
    for _ in range(times):
        ids = [ada.principal.id, viewer.principal.id, new_id()]
        await office.owner.do(renew_presence, user_ids=ids)
    rows = await office.owner.rows(Agent)
    assert [(row["user_id"], row["availability"], row["capacity"]) for row in rows] == [(ada.principal.id, "online", 5)]
    assert began <= rows[0]["seen_at"] <= clock.now()
    assert public_id("user", rows[0]["user_id"]) == user(ada)
    await office.owner.do(end_presence, user_ids=ids)
    ended = (await office.owner.rows(Agent))[0]["seen_at"]
    assert timedelta(seconds=34) < clock.now() - ended < timedelta(seconds=40)
    desk = await Desk(office).open("round_robin", ada)
    assert (await desk.asks())[1].assignee_id == ada.principal.id
    with time_machine.travel(clock.now() + timedelta(seconds=10)):
        assert (await desk.asks())[1].assignee_id is None
