"""What holds messages or stops them on their way: pauses, paces, caps, nights, consent, merges and broken templates."""

from datetime import timedelta
from itertools import pairwise

from sqlalchemy import Select, select
from sqlmodel import col

from app.actions.campaigns import pause_campaign, resume_campaign
from app.actions.deliveries import PARKED_AT
from app.core import clock
from app.core.access import system
from app.core.ids import new_id
from app.runtime import Runtime
from models import Campaign, Customer, Delivery, FrequencyCap, Identity, SendingPolicy, Suppression
from tests.sending.mailing import Mailing


async def test_a_paused_campaign_parks_its_messages_until_it_goes_on(mailing: Mailing, runtime: Runtime) -> None:
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        await pause_campaign(tx, campaign_id=mailing.campaign_id)
    later = clock.now() + timedelta(hours=1)
    await mailing.invite(20)
    [tomorrow] = await mailing.invite(1, due_at=later)
    parked = col(Delivery.due_at) == PARKED_AT
    states = await mailing.until(lambda states: states["queued"] == 21)
    while len(await mailing.rows(_deliveries(mailing).where(parked))) < 20:
        states = await mailing.states()
    assert states["sent"] == 0
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        await resume_campaign(tx, campaign_id=mailing.campaign_id)
    await mailing.until(lambda states: states["sent"] == 20)
    [waiting] = await mailing.rows(_deliveries(mailing).where(col(Delivery.id) == tomorrow))
    assert (waiting.state, waiting.due_at) == ("queued", later)
    await mailing.change(Campaign, col(Campaign.id) == mailing.campaign_id, status="cancelled")
    await mailing.change(Delivery, col(Delivery.id) == tomorrow, due_at=clock.now())
    assert (await mailing.settled())["cancelled"] == 1


async def test_late_messages_of_a_throttled_campaign_keep_its_pace(mailing: Mailing) -> None:
    await mailing.change(Campaign, col(Campaign.id) == mailing.campaign_id, throttle_per_s=20)
    began = clock.now()
    await mailing.invite(50, due_at=began - timedelta(hours=1))
    await mailing.settled()
    rows = await mailing.deliveries()
    held = sorted(row.due_at for row in rows if row.due_at > began)
    assert len(held) >= 25
    assert min(after - before for before, after in pairwise(held)) >= timedelta(seconds=1 / 20 - 0.001)
    assert all(row.sent_at >= row.due_at for row in rows)


async def test_why_messages_are_not_sent(mailing: Mailing, runtime: Runtime) -> None:
    """Each person has another reason; a merged one gets it as whom they have become."""
    people = await mailing.people_with_addresses(6)
    capped, suppressed, lost, merged, winner, nameless = people
    now = clock.now()
    end = mailing.campaign_id.hex[-6:]
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        cap = {"id": new_id(), "name": "one a day", "messages": 1, "window_s": 86_400, "created_at": now}
        await tx.insert(FrequencyCap, [cap])
        listed = {"channel": "email", "address": f"p1-{end}@example.com", "reason": "hard_bounce", "created_at": now}
        await tx.insert(Suppression, [{"id": new_id(), **listed}])
    await mailing.change(Customer, col(Customer.id) == lost, suppressed_at=now)
    await mailing.change(Identity, col(Identity.customer_id) == merged, is_primary=False, customer_id=winner)
    await mailing.change(Customer, col(Customer.id) == merged, status="merged", merged_into_id=winner)
    await mailing.change(Identity, col(Identity.customer_id) == nameless, kind="phone")
    before = await Mailing(runtime.units, mailing.tenant_id).begin()
    await before.queue([capped])
    await before.settled()
    await mailing.queue([capped, suppressed, lost, merged, nameless])
    await mailing.settled()
    rows = {row.customer_id: row for row in await mailing.deliveries()}
    reasons = {id: (rows[id].state, rows[id].reason) for id in (capped, suppressed, lost, nameless)}
    assert reasons == {
        capped: ("skipped", "cap"),
        suppressed: ("skipped", "suppression"),
        lost: ("skipped", "audience"),
        nameless: ("skipped", "address"),
    }
    assert (rows[merged].state, rows[merged].recipient) == ("sent", f"p4-{end}@example.com")
    assert await mailing.counts(mailing.campaign_id) == {"attempted": 1, "sent": 1, "suppressed": 1, "skipped": 3}


async def test_at_night_it_waits_and_a_broken_template_stops_its_own_messages(
    mailing: Mailing, runtime: Runtime
) -> None:
    broken = await Mailing(runtime.units, mailing.tenant_id).begin({"body": "{% for x in y %}"})
    hostile = await Mailing(runtime.units, mailing.tenant_id).begin(
        {"body": "{% for x in (1..1000) %}{% for y in (1..1000) %}{{ x | times: y }}{% endfor %}{% endfor %}"}
    )
    await broken.invite(12)
    await hostile.invite(12)
    await mailing.invite(1)
    assert await broken.settled() == {"skipped": 12}
    assert await hostile.settled(60) == {"skipped": 12}
    assert await mailing.settled() == {"sent": 1}
    [row, *_] = await broken.deliveries()
    assert (row.reason, "never closed" in (row.error or "")) == ("content", True)
    quiet = {"from": "00:00", "to": "23:59", "channels": ["email"]}
    if clock.now().strftime("%H:%M") == "23:59":
        return
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        await tx.insert(SendingPolicy, [{"quiet_hours": quiet, "in_doubt": {}, "updated_at": tx.now}])
    [held] = await mailing.invite(1)
    [urgent] = await mailing.invite(1, lane=0)
    await mailing.until(lambda states: states["sent"] == 2)
    rows = {row.id: row for row in await mailing.deliveries()}
    while rows[held].decision is None:
        rows = {row.id: row for row in await mailing.deliveries()}
    assert (rows[held].state, rows[held].reason, rows[urgent].state) == ("queued", "quiet_hours", "sent")
    assert rows[held].due_at.strftime("%H:%M") == "23:59"


def _deliveries(mailing: Mailing) -> Select[tuple[Delivery]]:
    return select(Delivery).where(col(Delivery.campaign_id) == mailing.campaign_id)
