"""Experiments of campaigns: making, changing and deciding them."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import campaigns as actions
from app.actions.campaigns import GroupShare
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.campaigns.types import Experiment, ExperimentMetric
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.planner.declare import Ref


@strawberry.input(description="A group of an experiment.")
class TestGroupInput:
    """A name and a share."""

    __test__ = False

    name: str = strawberry.field(description="What it is called.")
    share: int = strawberry.field(description="Its share of the sample, in per mille; those of all groups are 1,000.")


@strawberry.input(description="What may be said of an experiment. What is left out has its default, or stays.")
class ExperimentSettingsInput:
    """How it is decided."""

    name: str | None = strawberry.field(default=None, description="What it is called.")
    sample_share: int | None = strawberry.field(
        default=None,
        description="The share of the audience who take part, in per mille; the others wait and get what won. Only "
        "one-off campaigns can have less than 1,000.",
    )
    metric: ExperimentMetric | None = strawberry.field(default=None, description="Which rate decides.")
    confidence: int | None = strawberry.field(
        default=None, description="How sure one must be that a group is better, 500 to 999 per mille."
    )
    automatic: bool | None = strawberry.field(default=None, description="Whether the statistic decides by itself.")
    decides_after_seconds: int | None = strawberry.field(
        default=None, description="How long after its beginning, 60 seconds to 30 days."
    )

    def values(self) -> dict[str, Any]:
        """The settings that were given, as an action takes them."""
        said = {
            "name": self.name,
            "sample_share": self.sample_share,
            "metric": None if self.metric is None else self.metric.value,
            "confidence": self.confidence,
            "automatic": self.automatic,
            "decides_after_s": self.decides_after_seconds,
        }
        return {name: value for name, value in said.items() if value is not None}


@strawberry.input(description="A new experiment.")
class CreateExperimentInput(ExperimentSettingsInput):
    """Of which campaign, with which groups."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign, which has none yet.")
    groups: list[TestGroupInput] = strawberry.field(description="2 to 10 groups; their positions are from 0.")


@strawberry.input(description="What changes about an experiment.")
class UpdateExperimentInput(ExperimentSettingsInput):
    """An experiment and what is new."""

    experiment_id: strawberry.ID = strawberry.field(description="The experiment.")
    groups: list[TestGroupInput] | None = strawberry.field(default=None, description="All its groups.")


@strawberry.input(description="One experiment.")
class ExperimentInput:
    """Which experiment."""

    experiment_id: strawberry.ID = strawberry.field(description="The experiment.")


@strawberry.input(description="An experiment that is to be decided.")
class DecideExperimentInput(ExperimentInput):
    """Which, and who has won."""

    winner: int | None = strawberry.field(
        default=None,
        description="The position of the group that has won. Left out, the statistic decides; if it finds none better "
        "there is no winner, and the others are split as the sample was.",
    )


@strawberry.type(description="An experiment after a change.")
class ExperimentPayload:
    """The experiment as it is now."""

    experiment: Experiment = strawberry.field(description="The experiment as it is now.")


@strawberry.type(description="Which experiment was deleted.")
class DeleteExperimentPayload:
    """The id that was."""

    experiment_id: strawberry.ID = strawberry.field(description="The experiment that was deleted.")


def _key(id: strawberry.ID) -> UUID:
    return parse_id("experiment", id, "experiment_id")


def _payload(key: UUID) -> ExperimentPayload:
    return ExperimentPayload(experiment=Ref(Experiment, key))  # type: ignore[arg-type]


def _shares(groups: list[TestGroupInput]) -> list[GroupShare]:
    return [GroupShare(group.name, group.share) for group in groups]


@strawberry.type
class ExperimentMutation:
    """Changes to experiments."""

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes an experiment of a campaign that is a draft, or that sends when called.")
    async def create_experiment(self, info: Info, input: CreateExperimentInput) -> ExperimentPayload:
        campaign_id = parse_id("campaign", input.campaign_id, "campaign_id")
        settings: Any = input.values()
        async with info.context.write() as tx:
            key = await actions.create_experiment(tx, campaign_id=campaign_id, groups=_shares(input.groups), **settings)
        return _payload(key)

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes an experiment: its groups only before it runs.")
    async def update_experiment(self, info: Info, input: UpdateExperimentInput) -> ExperimentPayload:
        key = _key(input.experiment_id)
        changes: Any = input.values()
        if input.groups is not None:
            changes["groups"] = _shares(input.groups)
        async with info.context.write() as tx:
            await actions.update_experiment(tx, experiment_id=key, **changes)
        return _payload(key)

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes an experiment: everybody then gets the content of group 0.")
    async def delete_experiment(self, info: Info, input: ExperimentInput) -> DeleteExperimentPayload:
        key = _key(input.experiment_id)
        async with info.context.write() as tx:
            await actions.delete_experiment(tx, experiment_id=key)
        return DeleteExperimentPayload(experiment_id=strawberry.ID(public_id("experiment", key)))

    @mutation(Scope.CAMPAIGNS_SEND, "Ends an experiment. Those who still wait get what has won.")
    async def decide_experiment(self, info: Info, input: DecideExperimentInput) -> ExperimentPayload:
        key = _key(input.experiment_id)
        async with info.context.write() as tx:
            await actions.decide_experiment(tx, experiment_id=key, winner=input.winner)
        return _payload(key)
