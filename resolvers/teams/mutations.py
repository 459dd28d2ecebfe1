"""Changing teams, and what an agent takes on."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from app.actions import teams as actions
from app.actions.accounts import get_me
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.keep import KEEP
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.teams.types import Agent, AgentAvailability, Team, TeamRouting

MEMBERS = "The users who are in it: at most 500, whose role may answer."
WAIT = "How long a visitor waits for an agent who is idle or gone, 10 seconds to a week; null: for ever."


@strawberry.input(description="A new team.")
class CreateTeamInput:
    """Its name, its members, and how it routes."""

    name: str = strawberry.field(description="What it is called.")
    routing: TeamRouting = strawberry.field(
        default=TeamRouting.MANUAL, description="How it finds an agent for a conversation."
    )
    reassign_after_seconds: int | None = strawberry.field(default=None, description=WAIT)
    member_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=MEMBERS)


@strawberry.input(description="What changes about a team. What is left out stays.")
class UpdateTeamInput:
    """A team and what is new."""

    team_id: strawberry.ID = strawberry.field(description="The team.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    routing: TeamRouting | None = strawberry.field(default=None, description="How it finds an agent.")
    reassign_after_seconds: int | None = strawberry.field(default=strawberry.UNSET, description=WAIT)
    member_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=f"All its members. {MEMBERS}")


@strawberry.input(description="A team that is to be deleted. Its conversations are then no team's.")
class DeleteTeamInput:
    """Which team."""

    team_id: strawberry.ID = strawberry.field(description="The team.")


@strawberry.input(description="What the calling member takes on.")
class SetAvailabilityInput:
    """What is left out stays."""

    availability: AgentAvailability | None = strawberry.field(
        default=None, description="Whether they want conversations."
    )
    capacity: int | None = strawberry.field(
        default=None, description="How many conversations they take on at once, 0 to 1,000."
    )


@strawberry.type(description="A team after a change.")
class TeamPayload:
    """The team as it is now."""

    team: Team = strawberry.field(description="The team as it is now.")


@strawberry.type(description="Which team was deleted.")
class DeleteTeamPayload:
    """The id that was."""

    team_id: strawberry.ID = strawberry.field(description="The team that was deleted.")


@strawberry.type(description="An agent after a change.")
class AgentPayload:
    """The agent as they are now."""

    agent: Agent = strawberry.field(description="The agent as they are now.")


def _users(ids: Sequence[strawberry.ID] | None) -> list[UUID]:
    return [parse_id("user", id, f"member_ids.{place}") for place, id in enumerate(ids or ())]


def _team(key: UUID) -> TeamPayload:
    return TeamPayload(team=Ref(Team, key))  # type: ignore[arg-type]


@strawberry.type
class TeamMutation:
    """Changes to teams and agents."""

    @mutation(Scope.WIDGETS_WRITE, "Makes a team.")
    async def create_team(self, info: Info, input: CreateTeamInput) -> TeamPayload:
        members = _users(input.member_ids)
        async with info.context.write() as tx:
            team = await actions.create_team(
                tx,
                name=input.name,
                routing=input.routing.value,
                reassign_after_s=input.reassign_after_seconds,
                member_ids=members,
            )
        return _team(team.id)

    @mutation(Scope.WIDGETS_WRITE, "Changes a team. What waits is handed out as the team then has it.")
    async def update_team(self, info: Info, input: UpdateTeamInput) -> TeamPayload:
        key = parse_id("team", input.team_id, "team_id")
        wait: Any = input.reassign_after_seconds
        values: dict[str, Any] = {
            "name": input.name,
            "routing": None if input.routing is None else input.routing.value,
            "reassign_after_s": KEEP if wait is strawberry.UNSET else wait,
            "member_ids": None if input.member_ids is None else _users(input.member_ids),
        }
        async with info.context.write() as tx:
            await actions.update_team(tx, team_id=key, **values)
        return _team(key)

    @mutation(Scope.WIDGETS_WRITE, "Deletes a team. What waited in its queue waits in that of no team.")
    async def delete_team(self, info: Info, input: DeleteTeamInput) -> DeleteTeamPayload:
        key = parse_id("team", input.team_id, "team_id")
        async with info.context.write() as tx:
            await actions.delete_team(tx, team_id=key)
        return DeleteTeamPayload(team_id=strawberry.ID(public_id("team", key)))

    @mutation(
        Scope.CONVERSATIONS_WRITE,
        "Says whether the calling member wants conversations, and how many. What waits is handed to them.",
    )
    async def set_availability(self, info: Info, input: SetAvailabilityInput) -> AgentPayload:
        wanted = None if input.availability is None else input.availability.value
        async with info.context.write() as tx:
            await actions.set_availability(tx, availability=wanted, capacity=input.capacity)
            me = (await get_me(tx)).member.id
        return AgentPayload(agent=Ref(Agent, me))  # type: ignore[arg-type]
