"""What is known of an audience before a launch, and what hangs on a segment."""

import pytest

from app.actions.campaigns import (
    AudienceEstimate,
    ChannelEstimate,
    TriggerCall,
    cancel_campaign,
    create_campaign,
    estimate_audience,
    launch_campaign,
    trigger_campaign,
    update_campaign,
)
from app.actions.campaigns.assigning import is_control
from app.actions.customers import save_device, set_consent, suppress
from app.actions.segments import UsedBy, create_segment, delete_segment, used_by
from app.core import clock
from app.core.errors import Conflict
from app.core.ids import new_id, public_id
from models import Delivery, FrequencyCap, Job, Suppression
from tests.actions.campaigning import PRO, Marketer
from tests.actions.people import ext
from workers.segments import build_segment


async def test_the_estimate_says_whom_each_gate_stops(marketer: Marketer) -> None:
    ids = []
    for n in range(8):
        facts = {"external_id": f"u{n}", "attributes": {"plan": "pro", "out": n == 7}}
        ids.append((await marketer.identify(**facts, email=None if n == 0 else f"u{n}@example.com")).customer_id)
    await marketer.do(suppress, customer=ext("u1"))
    await marketer.do(set_consent, customer=ext("u3"), channel="email", status="unsubscribed")
    await marketer.do(save_device, customer=ext("u4"), token="t", platform="ios")

    async def write(tx: object) -> None:
        moments = {"created_at": clock.now()}
        gone = {"channel": "email", "address": "u2@example.com", "reason": "hard_bounce"}
        await tx.insert(Suppression, [{"id": new_id(), **gone, **moments}])  # type: ignore[attr-defined]
        cap = {"id": new_id(), "messages": 1, "window_s": 3600, **moments}
        await tx.insert(FrequencyCap, [cap])  # type: ignore[attr-defined]
        sent = {"occurrence_id": new_id(), "channel": "sms", "state": "sent", "due_at": clock.now(), **moments}
        # What caps do not count when it is sent is not counted here: transactional messages, and tests.
        had = ((ids[4], 1, False), (ids[5], 0, False), (ids[6], 1, True))
        rows = [
            {"id": new_id(), "customer_id": one, "lane": lane, "is_test": is_test, **sent, "sent_at": clock.now()}
            for one, lane, is_test in had
        ]
        await tx.insert(Delivery, rows)  # type: ignore[attr-defined]

    await marketer.do(write)
    out = {"attribute": {"name": "out", "is": {"equals": True}}}
    key = await marketer.do(create_campaign, name="N", channels=["email", "push"], audience=PRO, exclusions=out)
    push = ChannelEstimate("push", no_address=5, suppressed=1, not_consenting=0, capped=1, reachable=0)
    mail = ChannelEstimate("email", no_address=1, suppressed=2, not_consenting=1, capped=1, reachable=2)
    assert await marketer.read(estimate_audience, campaign_id=key) == AudienceEstimate(7, 1, 0, (mail, push))
    free = {"attribute": {"name": "plan", "is": {"equals": "free"}}}
    nobody = await marketer.read(estimate_audience, campaign_id=key, recipients=free)
    assert (nobody.targeted, nobody.excluded, nobody.channels[0].reachable) == (0, 0, 0)
    await marketer.do(update_campaign, campaign_id=key, control_share=999, ignores_caps=True)
    kept = sum(is_control(key, 999, one) for one in ids[:7])
    held = await marketer.read(estimate_audience, campaign_id=key)
    assert (held.targeted, held.control) == (7, kept)
    assert sum(getattr(held.channels[0], name) for name in ChannelEstimate.__slots__[1:]) == 7 - kept


async def test_a_segment_that_a_campaign_needs_is_not_deleted(marketer: Marketer) -> None:
    segment = await marketer.do(create_segment, name="Pros", rule=PRO)
    inside = {"segment": {"id": public_id("segment", segment)}}
    key = await marketer.draft(audience=PRO, exclusions={"and": [inside, PRO]})
    assert await marketer.read(used_by, segment_id=segment) == UsedBy([], [key])
    with pytest.raises(Conflict, match=public_id("campaign", key)):
        await marketer.do(delete_segment, segment_id=segment)
    await marketer.do(launch_campaign, campaign_id=key)
    await marketer.do(cancel_campaign, campaign_id=key)
    await marketer.do(delete_segment, segment_id=segment)


async def test_a_segment_that_a_call_names_is_not_deleted_before_its_people_are_found(marketer: Marketer) -> None:
    await marketer.pros(2)
    await marketer.identify(external_id="free", attributes={"plan": "free"})
    segment = await marketer.do(create_segment, name="Pros", rule=PRO)
    outside = {"not": {"segment": {"id": public_id("segment", segment)}}}
    key = await marketer.launched(kind="triggered", audience=None)
    await marketer.do(trigger_campaign, campaign_id=key, call=TriggerCall(recipients=outside))
    with pytest.raises(Conflict, match=public_id("campaign", key)):
        await marketer.do(delete_segment, segment_id=segment)
    await marketer.prepare()  # not before the segment's members are found, or everybody would be outside
    assert ((await marketer.run())["prepared_at"], await marketer.deliveries()) == (None, [])
    assert [row["kind"] for row in await marketer.rows(Job)].count("campaigns.prepare") == 2
    await build_segment(marketer.runtime, {"segment": segment.hex}, marketer.principal.tenant_id)
    await marketer.prepare()
    assert ((await marketer.run())["prepared_at"] is not None, len(await marketer.deliveries())) == (True, 1)
    await marketer.do(delete_segment, segment_id=segment)
