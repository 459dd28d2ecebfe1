"""Experiments of campaigns: who gets what, and which group wins."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from scipy import stats

from app.actions.campaigns import (
    GroupShare,
    create_experiment,
    decide_experiment,
    get_experiment,
    launch_campaign,
    pause_campaign,
    resume_campaign,
    update_experiment,
)
from app.actions.campaigns.assigning import Split, assign_group, is_control
from app.actions.campaigns.preparing import finish_preparation, plan_preparation, prepare_portion
from app.actions.campaigns.statistics import Tally, compare_groups
from app.core import clock
from app.core.counters import Count, add_counts
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id
from models import CampaignRun
from tests.actions.campaigning import Marketer

HALVES = [GroupShare("A", 500), GroupShare("B", 500)]


def test_assignment_is_the_same_for_one_person_and_close_to_the_shares_for_many() -> None:
    people = [new_id() for _ in range(20_000)]
    split = Split(new_id(), 200, (700, 300))
    groups = Counter(assign_group(split, one) for one in people)
    assert groups == Counter(assign_group(split, one) for one in people)
    assert abs(groups[None] - 16_000) < 300
    assert abs(groups[0] - 2800) < 200 and abs(groups[1] - 1200) < 200
    control = {one for one in people if is_control(split.experiment_id, 100, one)}
    assert abs(len(control) - 2000) < 200
    # Who is kept out says nothing about the group that somebody would be in.
    assert abs(sum(1 for one in control if assign_group(split, one) is not None) - 400) < 100
    decided = Split(split.experiment_id, 200, (700, 300), is_decided=True, winner=1)
    assert {assign_group(decided, one) for one in people} == {1}
    even = Split(split.experiment_id, 200, (700, 300), is_decided=True)
    assert set(Counter(assign_group(even, one) for one in people)) == {0, 1}


def test_the_statistic_is_the_z_test_and_fishers_for_small_numbers() -> None:
    large = compare_groups([Tally(0, 1000, 100), Tally(1, 1000, 150)], 0.95)
    pooled = 250 / 2000
    z = 0.05 / (pooled * (1 - pooled) * 2 / 1000) ** 0.5
    assert large.winner == 1
    assert large.groups[0].p_value == pytest.approx(2 * stats.norm.sf(z))
    assert large.confidence == pytest.approx(1 - 2 * stats.norm.sf(z))
    assert compare_groups([Tally(0, 1000, 100), Tally(1, 1000, 150)], 0.9995).winner is None
    small = compare_groups([Tally(0, 8, 0), Tally(1, 8, 5)], 0.95)
    assert small.groups[0].p_value == pytest.approx(stats.fisher_exact([[5, 3], [0, 8]]).pvalue)
    assert small.winner == 1
    assert compare_groups([Tally(0, 0, 0), Tally(1, 100, 50)], 0.95).winner is None
    assert compare_groups([Tally(0, 10, 10), Tally(1, 10, 10)], 0.95).winner is None


def test_with_three_groups_every_comparison_must_hold_by_itself() -> None:
    two = compare_groups([Tally(0, 1000, 100), Tally(1, 1000, 130)], 0.95)
    three = compare_groups([Tally(0, 1000, 100), Tally(1, 1000, 130), Tally(2, 1000, 60)], 0.95)
    assert (two.winner, three.winner) == (1, None)
    assert three.groups[0].p_value == pytest.approx(3 * (two.groups[0].p_value or 0))
    low, high = two.groups[1].low, two.groups[1].high
    assert (round(low, 4), round(high, 4)) == (0.1106, 0.1523)


async def counted(marketer: Marketer, content_id: UUID, **metrics: int) -> None:
    async def count(tx: Any) -> None:
        await add_counts(tx, [Count(content_id, metric, tx.now, n) for metric, n in metrics.items()])

    await marketer.do(count)


async def test_the_sample_is_sent_first_and_the_others_get_what_won(marketer: Marketer) -> None:
    people = await marketer.pros(40)
    key = await marketer.draft()
    experiment = await marketer.do(
        create_experiment, campaign_id=key, groups=HALVES, sample_share=500, automatic=True, decides_after_s=3600
    )
    with pytest.raises(Invalid, match=r"contents\.email\.1"):
        await marketer.do(launch_campaign, campaign_id=key)
    better = await marketer.say(key, group=1)
    await marketer.do(launch_campaign, campaign_id=key)
    await marketer.prepare()
    split = Split(experiment, 500, (500, 500))
    sample = {one: group for one in people if (group := assign_group(split, one)) is not None}
    first = await marketer.deliveries()
    assert {row["customer_id"]: row["test_group"] for row in first} == sample
    run = await marketer.run()
    assert (run["state"], run["awaits_winner"], run["prepared_at"]) == ("preparing", True, None)
    await marketer.prepare()
    assert await marketer.deliveries() == first
    worse = next(row["content_id"] for row in first if row["test_group"] == 0)
    await counted(marketer, worse, sent=1000, human_clicked=10, clicked=900)
    await counted(marketer, better, sent=1000, human_clicked=50)
    await marketer.wake()
    assert (await marketer.read(get_experiment, experiment_id=experiment)).state == "running"
    with time_machine.travel(clock.now() + timedelta(seconds=3601)):
        await marketer.wake()
        decided = await marketer.read(get_experiment, experiment_id=experiment)
        await marketer.prepare()
    assert (decided.state, decided.winner, decided.result["winner"]) == ("decided", 1, 1)
    assert [(group["sent"], group["hits"]) for group in decided.result["groups"]] == [(1000, 10), (1000, 50)]
    rows = await marketer.deliveries()
    assert [row["customer_id"] for row in rows] == people
    rest = [row for row in rows if row["customer_id"] not in sample]
    assert {(row["test_group"], row["content_id"]) for row in rest} == {(1, better)}
    run = await marketer.run()
    assert (run["state"], run["targeted"], run["prepared"]) == ("sending", 40, 40)
    with pytest.raises(Conflict):
        await marketer.do(decide_experiment, experiment_id=experiment)


async def test_without_a_winner_the_others_are_split_as_the_sample_was(marketer: Marketer) -> None:
    people = await marketer.pros(30)
    key = await marketer.draft()
    experiment = await marketer.do(create_experiment, campaign_id=key, groups=HALVES, sample_share=300)
    await marketer.say(key, group=1)
    await marketer.do(launch_campaign, campaign_id=key)
    await marketer.prepare()
    with pytest.raises(Invalid, match="winner"):
        await marketer.do(decide_experiment, experiment_id=experiment, winner=2)
    with pytest.raises(Conflict):
        await marketer.do(update_experiment, experiment_id=experiment, sample_share=400)
    decided = await marketer.do(decide_experiment, experiment_id=experiment)
    assert (decided.winner, decided.result["confidence"]) == (None, 0)
    await marketer.prepare()
    even = Split(experiment, 300, (500, 500), is_decided=True)
    rows = await marketer.deliveries()
    assert {row["customer_id"]: row["test_group"] for row in rows} == {one: assign_group(even, one) for one in people}
    assert len(await marketer.rows(CampaignRun)) == 1


async def test_when_it_is_decided_may_be_changed_while_it_runs(marketer: Marketer) -> None:
    key = await marketer.draft()
    experiment = await marketer.do(
        create_experiment, campaign_id=key, groups=HALVES, automatic=True, decides_after_s=7200
    )
    await marketer.say(key, group=1)
    await marketer.do(launch_campaign, campaign_id=key)
    before = await marketer.read(get_experiment, experiment_id=experiment)
    await marketer.do(update_experiment, experiment_id=experiment, decides_after_s=600)
    after = await marketer.read(get_experiment, experiment_id=experiment)
    assert after.decides_at == before.decides_at - timedelta(seconds=6600)
    with time_machine.travel(clock.now() + timedelta(seconds=601)):
        await marketer.wake()
    assert (await marketer.read(get_experiment, experiment_id=experiment)).state == "decided"


async def test_nothing_is_decided_while_the_campaign_is_paused_and_later_by_as_long(marketer: Marketer) -> None:
    await marketer.pros(4)
    key = await marketer.draft()
    experiment = await marketer.do(
        create_experiment, campaign_id=key, groups=HALVES, sample_share=500, automatic=True, decides_after_s=3600
    )
    await marketer.say(key, group=1)
    await marketer.do(launch_campaign, campaign_id=key)
    began = clock.now()
    before = (await marketer.read(get_experiment, experiment_id=experiment)).decides_at
    for minutes, state in ((10, "running"), (120, "running"), (160, "running"), (171, "decided")):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=False):
            if minutes == 10:
                await marketer.do(pause_campaign, campaign_id=key)
            if minutes == 120:
                await marketer.wake()
                await marketer.do(resume_campaign, campaign_id=key)
            await marketer.wake()
        now = await marketer.read(get_experiment, experiment_id=experiment)
        assert (minutes, now.state) == (minutes, state)
    assert now.decides_at == before + timedelta(minutes=110)


async def test_an_experiment_must_make_sense(marketer: Marketer) -> None:
    key = await marketer.draft()
    for wrong, path in (
        ({"groups": [GroupShare("A", 1000)]}, "groups"),
        ({"groups": [GroupShare("A", 400), GroupShare("B", 500)]}, "groups"),
        ({"groups": HALVES, "metric": "sent"}, "metric"),
        ({"groups": HALVES, "confidence": 1000}, "confidence"),
    ):
        with pytest.raises(Invalid) as refused:
            await marketer.do(create_experiment, campaign_id=key, **wrong)
        assert refused.value.field == path
    await marketer.do(create_experiment, campaign_id=key, groups=HALVES)
    with pytest.raises(Conflict):
        await marketer.do(create_experiment, campaign_id=key, groups=HALVES)
    called = await marketer.draft(kind="triggered")
    with pytest.raises(Invalid, match="sample_share"):
        await marketer.do(create_experiment, campaign_id=called, groups=HALVES, sample_share=100)


async def test_what_is_decided_while_the_sample_is_made_holds_for_everybody_left_out(marketer: Marketer) -> None:
    people = await marketer.pros(20)
    key = await marketer.draft()
    experiment = await marketer.do(create_experiment, campaign_id=key, groups=HALVES, sample_share=500)
    await marketer.say(key, group=1)
    await marketer.do(launch_campaign, campaign_id=key)
    run_id = (await marketer.run())["id"]
    plan = await marketer.read(plan_preparation, run_id=run_id)
    some, others = plan.recipients[:12], plan.recipients[12:]
    made = await marketer.do(prepare_portion, plan=plan, after=None, made=0, recipients=some)
    await marketer.do(decide_experiment, experiment_id=experiment, winner=1)
    late = {"plan": plan, "after": some[-1].customer_id, "made": made, "recipients": others}
    with pytest.raises(Conflict):
        await marketer.do(prepare_portion, **late)
    await marketer.do(finish_preparation, run_id=run_id, after=some[-1].customer_id)
    assert (await marketer.run())["state"] == "preparing"
    await asyncio.gather(marketer.prepare(), marketer.prepare())
    await marketer.prepare()
    rows = await marketer.deliveries()
    assert [row["customer_id"] for row in rows] == people
    run = await marketer.run()
    assert (run["state"], run["targeted"], run["prepared"]) == ("sending", 20, 20)
    split = Split(experiment, 500, (500, 500))
    expected = {one: group if (group := assign_group(split, one)) is not None else 1 for one in people[:12]}
    assert {row["customer_id"]: row["test_group"] for row in rows} == expected | dict.fromkeys(people[12:], 1)
