"""When campaigns go: scheduled, recurring, by recipients' clocks, throttled, paused, cancelled."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from dateutil.rrule import rrulestr

from app.actions.campaigns import (
    TriggerCall,
    audience,
    cancel_campaign,
    create_campaign,
    data_files,
    get_campaign,
    launch_campaign,
    pause_campaign,
    preparing,
    resume_campaign,
    trigger_campaign,
)
from app.actions.campaigns.data_files import read_people
from app.actions.campaigns.preparing import plan_preparation, prepare_portion
from app.actions.campaigns.schedule import checked_schedule, due_at, occurrence_after, start_of, zone_of
from app.actions.customers import delete_customer
from app.core import clock
from app.core.errors import Conflict, Invalid
from app.core.settings import Settings
from models import CampaignRun, FeedEntry, RunPortion
from tests.actions.campaigning import Marketer
from tests.actions.people import by_id
from tests.receiver import answer, receiver
from tests.tenants import TenantAccount
from workers import campaigns as work


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_recurrence_goes_by_the_clock_on_the_wall() -> None:
    given = {"at": "2026-10-24T07:30:00Z", "timezone": "Europe/Berlin", "rrule": "FREQ=DAILY"}
    schedule = checked_schedule(given)
    assert schedule == given | {"at": "2026-10-24T07:30:00.000000Z"}
    # The clocks go back in the night to the 25th: half past nine is an hour later in UTC.
    assert occurrence_after(schedule, None) == moment("2026-10-24T07:30")
    assert occurrence_after(schedule, moment("2026-10-24T07:30")) == moment("2026-10-25T08:30")
    gap = checked_schedule({"at": "2026-03-28T01:30:00Z", "timezone": "Europe/Berlin", "rrule": "rrule:freq=daily"})
    # Half past two is left out on the 29th.
    assert occurrence_after(gap, moment("2026-03-28T01:30")) == moment("2026-03-29T01:30")
    assert occurrence_after(gap, moment("2026-03-29T01:30")) == moment("2026-03-30T00:30")
    ending = checked_schedule({"at": "2026-10-24T07:30:00Z", "rrule": "FREQ=DAILY;UNTIL=20261025"})
    assert occurrence_after(ending, moment("2026-10-25T07:30")) is None


@pytest.mark.parametrize(
    ("schedule", "path"),
    [
        ({"when": 1}, "schedule.when"),
        ({"at": "tomorrow"}, "schedule.at"),
        ({"at": "2026-10-24T07:30:00"}, "schedule.at"),
        ({"timezone": "Mars/Olympus"}, "schedule.timezone"),
        *(
            ({"rrule": rule}, "schedule.rrule")
            for rule in (
                "", "FREQ=MINUTELY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;EXDATE=1",
                "FREQ=DAILY\nFREQ=DAILY", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYDAY=XX", "FREQ",
                "FREQ=DAILY;BYDAY=MO\nEXDATE:20260105T090000Z", "FREQ=DAILY;COUNT=3;UNTIL=20270101",
                "FREQ=HOURLY;BYMINUTE=0,30", "FREQ=HOURLY;BYMINUTE=1;BYSETPOS=30", "FREQ=DAILY;BYHOUR=1,2;BYSETPOS=300",
            )
        ),
    ],
)  # fmt: skip
def test_a_schedule_must_make_sense(schedule: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_schedule(schedule)
    assert refused.value.field == path


@pytest.mark.parametrize("rule", ["FREQ=HOURLY;INTERVAL=7", "FREQ=HOURLY;INTERVAL=5;BYDAY=MO", "FREQ=DAILY;INTERVAL=3"])
def test_a_recurrence_of_years_has_the_moments_it_always_had(rule: str) -> None:
    schedule = checked_schedule({"at": "2019-03-30T01:30:00Z", "timezone": "Europe/Berlin", "rrule": rule})
    passed = rrulestr(rule, dtstart=moment("2019-03-30T01:30").astimezone(zone_of(schedule)))
    for asked in ("2019-04-02T00:30", "2024-10-27T00:30", "2026-11-21T21:00"):
        later = (one.astimezone(UTC) for one in passed if one.astimezone(UTC) > moment(asked))
        assert occurrence_after(schedule, moment(asked)) == next(later)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("rule", "moments"),
    [
        ("FREQ=DAILY;COUNT=3", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        ("FREQ=DAILY;UNTIL=20260329", ["2026-03-28T01:30", "2026-03-29T01:30"]),
        ("FREQ=WEEKLY;BYDAY=SU;UNTIL=20260405T003000Z", ["2026-03-29T01:30", "2026-04-05T00:30"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=9", ["2028-02-29T01:30", "2032-02-29T01:30", "2036-02-29T01:30"]),
    ],
)
def test_a_recurrence_ends_by_its_count_its_last_day_or_after_ten_years(rule: str, moments: list[str]) -> None:
    schedule = checked_schedule({"at": "2026-03-28T01:30:00Z", "timezone": "Europe/Berlin", "rrule": rule})
    found: list[datetime] = []
    while (following := occurrence_after(schedule, found[-1] if found else None)) is not None:
        found.append(following)
    assert found == [moment(one) for one in moments]


def test_a_data_file_is_read_whole_or_not_at_all() -> None:
    each = [b'{"id":"one"}\n', b'{"id":"two"}\n']
    assert [one.customer.value for one in read_people(b"".join(map(gzip.compress, each)))] == ["one", "two"]
    with pytest.raises(Invalid, match="ends too early"):
        read_people(gzip.compress(b"".join(each))[:-8])


def test_recipients_clocks_show_the_same_time() -> None:
    schedule = checked_schedule(
        {"at": "2026-11-30T08:00:00Z", "timezone": "Europe/Berlin", "in_recipients_timezone": True}
    )
    at = moment("2026-11-30T08:00")
    assert start_of(schedule, at) == moment("2026-11-29T19:00")
    assert due_at(schedule, at, "Pacific/Kiritimati") == moment("2026-11-29T19:00")
    assert due_at(schedule, at, "America/New_York") == moment("2026-11-30T14:00")
    assert due_at(schedule, at, "Europe/Berlin") == at


async def test_everybody_gets_it_when_their_own_clock_shows_the_time(marketer: Marketer) -> None:
    zones = ["Asia/Tokyo", "America/New_York", None]
    people = [
        (await marketer.identify(external_id=f"u{n}", timezone=zone, attributes={"plan": "pro"})).customer_id
        for n, zone in enumerate(zones)
    ]
    at = (clock.now() + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    key = await marketer.launched(schedule={"at": at, "timezone": "UTC", "in_recipients_timezone": True})
    campaign = await marketer.read(get_campaign, campaign_id=key)
    assert (campaign.status, campaign.scheduled_at) == ("scheduled", at - timedelta(hours=14))
    await marketer.wake()
    assert await marketer.rows(CampaignRun) == []
    with time_machine.travel(at - timedelta(hours=14)):
        await marketer.wake()
        await marketer.prepare()
    due = {row["customer_id"]: row["due_at"] for row in await marketer.deliveries()}
    assert due == {people[0]: at - timedelta(hours=9), people[1]: at + timedelta(hours=5), people[2]: at}


async def test_a_recurring_campaign_runs_once_for_each_occurrence(marketer: Marketer) -> None:
    await marketer.pros(1)
    at = (clock.now() + timedelta(days=1)).replace(microsecond=0)
    schedule = {"at": at, "rrule": "FREQ=DAILY;COUNT=4"}
    key = await marketer.launched(kind="recurring", schedule=schedule, throttle_per_s=1)
    assert (await marketer.read(get_campaign, campaign_id=key)).scheduled_at == at
    # The second one is missed, because nobody was there.
    for days, runs, following in ((0, 1, 1), (0, 1, 1), (2, 2, 3), (3, 3, None)):
        with time_machine.travel(at + timedelta(days=days, minutes=1)):
            await marketer.wake()
            await marketer.prepare()
        campaign = await marketer.read(get_campaign, campaign_id=key)
        then = None if following is None else at + timedelta(days=following)
        assert (len(await marketer.rows(CampaignRun)), campaign.scheduled_at) == (runs, then)
    occurrences = [row["occurrence"] for row in await marketer.rows(CampaignRun)]
    assert occurrences == [clock.iso(at + timedelta(days=days)) for days in (0, 1, 3)]
    assert len(await marketer.deliveries()) == 3


async def test_throttled_messages_are_spread_and_the_control_group_gets_nothing(marketer: Marketer) -> None:
    await marketer.pros(60)
    key = await marketer.launched(throttle_per_s=4, control_share=300)
    await marketer.prepare()
    rows, run = await marketer.deliveries(), await marketer.run()
    skipped = [row for row in rows if row["state"] == "skipped"]
    assert 5 < len(skipped) < 40
    assert (run["prepared"], run["control"]) == (60, len(skipped))
    assert {(row["reason"], row["decision"][1]["gate"], row["decision"][1]["verdict"]) for row in skipped} == {
        ("control", "control", "stop")
    }
    spread = [(row["due_at"] - run["due_at"]).total_seconds() for row in rows]
    assert spread == [place / 4 for place in range(60)]
    kinds = [row["kind"] for row in await marketer.rows(FeedEntry) if row["topic"] == "deliveries"]
    assert (kinds.count("delivery.created"), kinds.count("delivery.skipped")) == (60, len(skipped))
    assert (await marketer.read(get_campaign, campaign_id=key)).status == "sending"


async def test_a_paused_campaign_goes_on_where_it_was_and_a_cancelled_one_ends(marketer: Marketer) -> None:
    await marketer.pros(3)
    key = await marketer.launched()
    await marketer.do(pause_campaign, campaign_id=key)
    await marketer.prepare()
    assert await marketer.deliveries() == []
    assert (await marketer.run())["state"] == "paused"
    with pytest.raises(Conflict):
        await marketer.do(pause_campaign, campaign_id=key)
    await marketer.do(resume_campaign, campaign_id=key)
    await marketer.prepare()
    assert (await marketer.run())["state"] == "sending"
    await marketer.do(cancel_campaign, campaign_id=key)
    await work.cancel(marketer.runtime, {"campaign": key.hex}, marketer.principal.tenant_id)
    assert [row["state"] for row in await marketer.deliveries()] == ["cancelled"] * 3
    assert (await marketer.run())["state"] == "cancelled"
    assert (await marketer.read(get_campaign, campaign_id=key)).status == "cancelled"
    with pytest.raises(Conflict):
        await marketer.do(launch_campaign, campaign_id=key)
    later = await marketer.launched(schedule={"at": clock.now() + timedelta(hours=1)})
    await marketer.do(pause_campaign, campaign_id=later)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        await marketer.wake()
        assert len(await marketer.rows(CampaignRun)) == 1
        await marketer.do(resume_campaign, campaign_id=later)
    assert len(await marketer.rows(CampaignRun)) == 2


async def test_a_launch_needs_an_audience_and_a_schedule_that_is_still_to_come(marketer: Marketer) -> None:
    key = await marketer.draft(audience=None)
    with pytest.raises(Invalid) as nobody:
        await marketer.do(launch_campaign, campaign_id=key)
    assert nobody.value.field == "audience"
    past = {"at": clock.now() - timedelta(days=9), "rrule": "FREQ=DAILY;COUNT=3"}
    over = await marketer.draft(kind="recurring", schedule=past)
    with pytest.raises(Invalid) as never:
        await marketer.do(launch_campaign, campaign_id=over)
    assert never.value.field == "schedule.rrule"
    assert await marketer.rows(CampaignRun) == []


async def test_a_large_data_file_is_read_portion_by_portion(
    settings: Settings, tenant: TenantAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in ((data_files, "PORTION", 3), (audience, "PORTION", 3), (preparing, "PLANNED", 6)):
        monkeypatch.setattr(module, name, value)
    local = settings.model_copy(update={"allowed_private_hosts": ["127.0.0.1"]})
    lines = "".join(f'{{"id":"pro{n}","data":{{"n":{n}}}}}\n' for n in range(20)).encode()
    async with Marketer.at_work(local, tenant.principal) as marketer, receiver(answer(200, lines)) as server:
        people = await marketer.pros(20)
        key = await marketer.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
        await marketer.say(key)
        await marketer.do(launch_campaign, campaign_id=key)
        run_id = await marketer.do(trigger_campaign, campaign_id=key, call=TriggerCall(data_file_url=server.url))
        await work.fetch(marketer.runtime, {"run": run_id.hex}, tenant.id)
        await work.fetch(marketer.runtime, {"run": run_id.hex}, tenant.id)
        assert (await marketer.run())["recipients"] == {"portions": 7}
        kept = await marketer.rows(RunPortion)
        assert [UUID(hex=one[0]) for row in kept for one in row["people"]] == people
        gone = people[6:13]  # two whole portions, and what a look finds first
        for one in gone:
            await marketer.do(delete_customer, customer=by_id(one))
        plan = await marketer.read(plan_preparation, run_id=run_id)
        assert ([one.customer_id for one in plan.recipients], plan.is_whole) == (people[:6], False)
        await marketer.do(prepare_portion, plan=plan, after=None, made=0, recipients=plan.recipients)
        assert len(await marketer.rows(RunPortion)) == 5
        after = await marketer.read(plan_preparation, run_id=run_id)
        assert [one.customer_id for one in after.recipients] == people[13:18]
        await marketer.prepare()
        rows, run = await marketer.deliveries(), await marketer.run()
        assert await marketer.rows(RunPortion) == []
    assert [row["customer_id"] for row in rows] == [one for one in people if one not in gone]
    assert {row["data"]["data"]["n"] for row in rows} <= set(range(20))
    assert (run["state"], run["targeted"], run["prepared"]) == ("sending", 13, 13)


async def test_a_data_file_whose_people_are_kept_by_two_at_once_is_taken_whole(marketer: Marketer) -> None:
    people = [[one.hex, None] for one in await marketer.pros(4)]
    key = await marketer.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
    await marketer.say(key)
    await marketer.do(launch_campaign, campaign_id=key)
    run_id = await marketer.do(
        trigger_campaign, campaign_id=key, call=TriggerCall(data_file_url="https://data.example/people.jsonl")
    )
    keep, take = data_files.keep_portion, data_files.take_people
    assert await marketer.do(keep, run_id=run_id, people=people[:2], is_first=True)
    assert await marketer.do(keep, run_id=run_id, people=people[2:], is_first=False)
    assert await marketer.do(keep, run_id=run_id, people=people[:2], is_first=True)  # the other one begins
    await marketer.do(take, run_id=run_id, portions=2, problems=[])
    assert "url" in (await marketer.run())["recipients"]
    assert await marketer.do(keep, run_id=run_id, people=people[2:], is_first=False)
    await marketer.do(take, run_id=run_id, portions=2, problems=[])
    assert not await marketer.do(keep, run_id=run_id, people=people[2:], is_first=False)
    await marketer.do(cancel_campaign, campaign_id=key)
    assert await marketer.rows(RunPortion) == []


async def test_a_data_file_names_the_people_of_a_call(settings: Settings, tenant: TenantAccount) -> None:
    local = settings.model_copy(update={"allowed_private_hosts": ["127.0.0.1"]})
    lines = b'{"id":"pro0","data":{"n":1}}\n{"email":"TWO@example.com"}\n\n{"id":"ghost"}\n'
    packed = answer(200, gzip.compress(lines), {"content-encoding": "gzip"})
    async with Marketer.at_work(local, tenant.principal) as marketer, receiver(packed) as server:
        (one,) = await marketer.pros(1)
        two = (await marketer.identify(external_id="two", email="two@example.com")).customer_id
        key = await marketer.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
        await marketer.say(key)
        await marketer.do(launch_campaign, campaign_id=key)
        for ignored in (frozenset[str](), frozenset({"external_id"})):
            call = TriggerCall(data_file_url=server.url, ignores_missing=ignored)
            run_id = await marketer.do(trigger_campaign, campaign_id=key, call=call)
            await marketer.prepare()
            await work.fetch(marketer.runtime, {"run": run_id.hex}, tenant.id)
        await marketer.prepare()
        failed, run = await marketer.rows(CampaignRun)
        rows = await marketer.deliveries()
    assert (failed["state"], run["state"]) == ("failed", "sending")
    assert failed["problems"] == run["problems"]
    assert failed["problems"] == [{"kind": "external_id", "value": "ghost", "detail": "No such customer."}]
    assert [(row["customer_id"], row["data"]) for row in rows] == [(one, {"data": {"n": 1}}), (two, None)]


async def test_no_data_file_is_fetched_from_a_private_address(marketer: Marketer) -> None:
    key = await marketer.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
    await marketer.say(key)
    await marketer.do(launch_campaign, campaign_id=key)
    async with receiver() as server:
        call = TriggerCall(data_file_url=server.url)
        run_id = await marketer.do(trigger_campaign, campaign_id=key, call=call)
        await work.fetch(marketer.runtime, {"run": run_id.hex}, marketer.principal.tenant_id)
    assert server.requests == []
    run = await marketer.run()
    assert (run["state"], run["problems"][0]["kind"]) == ("failed", "data_file_url")
