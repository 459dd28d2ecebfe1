"""What is written down of messages, once and only while it is true."""

from datetime import timedelta

from app.actions.deliveries import (
    CAMPAIGNS,
    Parcel,
    claim_deliveries,
    mark_sending,
    record_outcomes,
    release_lost,
)
from app.channels import Outcome
from app.core import clock
from app.core.access import system
from app.core.message import Message
from app.core.streams import Stream
from app.core.tx import UnitsOfWork
from app.gates import Decision, Entry
from tests.sending.mailing import Mailing
from tests.tenants import TenantAccount

PASSED = Decision((Entry("audience", "pass", "", {}),))


async def handed_over(units: UnitsOfWork, mailing: Mailing, messages: int, lease: timedelta) -> list[Parcel]:
    """Messages that are being sent by us."""
    await mailing.invite(messages)
    stream = Stream(mailing.tenant_id, "email", 5, clock.now())
    async with units.write(system(mailing.tenant_id)) as tx:
        claims = await claim_deliveries(tx, lane=CAMPAIGNS, stream=stream, limit=messages, lease=lease)
    parcels = [Parcel(claim, PASSED, message=Message("Hello")) for claim in claims]
    async with units.write(system(mailing.tenant_id)) as tx:
        assert await mark_sending(tx, parcels=parcels, lease=lease) == parcels
    return parcels


async def test_outcomes_that_are_written_twice_are_told_and_counted_once(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    """As after a commit whose answer was lost."""
    mailing = await Mailing(units, tenant.id).begin()
    accepted, deferred, refused = await handed_over(units, mailing, 3, timedelta(minutes=1))
    outcomes = [
        (accepted, Outcome.accepted("1")),
        (deferred, Outcome.deferred("451", "later")),
        (refused, Outcome.rejected("550", "no")),
    ]
    for _ in range(2):
        async with units.write(system(tenant.id)) as tx:
            await record_outcomes(tx, outcomes=outcomes)
    assert await mailing.states() == {"sent": 1, "queued": 1, "failed": 1}
    assert await mailing.counts(mailing.campaign_id) == {"attempted": 3, "sent": 1, "deferred": 1, "failed": 1}
    assert await mailing.told() == {"delivery.sent": 1, "delivery.deferred": 1, "delivery.failed": 1}


async def test_a_late_answer_settles_a_doubt_only_where_it_is_final(units: UnitsOfWork, tenant: TenantAccount) -> None:
    mailing = await Mailing(units, tenant.id).begin()
    accepted, deferred = await handed_over(units, mailing, 2, timedelta(0))
    async with units.write(system(tenant.id)) as tx:
        assert (await release_lost(tx)).in_doubt == 2
    async with units.write(system(tenant.id)) as tx:
        await record_outcomes(
            tx, outcomes=[(accepted, Outcome.accepted("1")), (deferred, Outcome.deferred("451", "later"))]
        )
    assert await mailing.states() == {"sent": 1, "in_doubt": 1}
    assert await mailing.told() == {"delivery.in_doubt": 2, "delivery.sent": 1}


async def test_a_message_that_ends_its_workers_is_in_doubt_after_nine_of_them(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    mailing = await Mailing(units, tenant.id).begin()
    await mailing.invite(1)
    stream = Stream(tenant.id, "email", 5, clock.now())
    for attempt in range(1, 10):
        async with units.write(system(tenant.id)) as tx:
            claims = await claim_deliveries(tx, lane=CAMPAIGNS, stream=stream, limit=1, lease=timedelta(0))
        parcels = [Parcel(claim, PASSED, message=Message("Hello")) for claim in claims]
        async with units.write(system(tenant.id)) as tx:
            await mark_sending(tx, parcels=parcels, lease=timedelta(0), is_idempotent=True)
        async with units.write(system(tenant.id)) as tx:
            released = await release_lost(tx)
        assert (released.queued, released.in_doubt) == ((1, 0) if attempt < 9 else (0, 1))
    assert await mailing.states() == {"in_doubt": 1}
