"""Rules of sending: the policy with its defaults, and frequency caps."""

from typing import Any

import pytest

from app.actions.sending import (
    create_frequency_cap,
    delete_frequency_cap,
    get_sending_policy,
    list_frequency_caps,
    update_sending_policy,
)
from app.actions.tracking import tracking_addresses
from app.actions.widgets import add_domain
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from models import AuditEntry, Domain, FrequencyCap, SendingPolicy
from tests.actions.people import People


async def test_a_policy_has_defaults_and_keeps_what_is_not_changed(people: People, strangers: People) -> None:
    policy = await people.read(get_sending_policy)
    assert (policy.timezone, policy.soft_bounce_limit, policy.tracks_opens, policy.quiet_hours) == (
        "UTC",
        5,
        True,
        None,
    )
    await people.do(update_sending_policy, quiet_hours={"from": "21:00", "to": "08:00", "channels": ["sms"]})
    await people.do(update_sending_policy, timezone="Europe/Berlin", in_doubt={"sms": "resend"}, tracks_opens=False)
    policy = await people.read(get_sending_policy)
    assert policy.quiet_hours == {"from": "21:00", "to": "08:00", "channels": ["sms"]}
    assert (policy.timezone, policy.in_doubt, policy.tracks_opens) == ("Europe/Berlin", {"sms": "resend"}, False)
    await people.do(update_sending_policy, quiet_hours=None, timezone="Europe/Berlin")
    assert (await people.read(get_sending_policy)).quiet_hours is None
    assert (await strangers.read(get_sending_policy)).timezone == "UTC"
    assert [row["action"] for row in await people.rows(AuditEntry)] == ["sending_policy.update"] * 3


async def test_what_is_no_policy_is_refused_and_leaves_no_trace(people: People) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("quiet_hours.from", {"quiet_hours": {"from": "9", "to": "10:00"}}),
        ("quiet_hours.to", {"quiet_hours": {"from": "09:00", "to": "09:00"}}),
        ("quiet_hours.days", {"quiet_hours": {"from": "09:00", "to": "10:00", "days": []}}),
        ("quiet_hours.channels", {"quiet_hours": {"from": "09:00", "to": "10:00", "channels": ["fax"]}}),
        ("timezone", {"timezone": "Mars/Base"}),
        ("in_doubt.fax", {"in_doubt": {"fax": "keep"}}),
        ("in_doubt.sms", {"in_doubt": {"sms": "guess"}}),
        ("soft_bounce_limit", {"soft_bounce_limit": 0}),
    ]
    for path, values in wrong:
        with pytest.raises(Invalid) as refused:
            await people.do(update_sending_policy, **values)
        assert refused.value.field == path
    with pytest.raises(NotFound):
        await people.do(update_sending_policy, tracking_domain_id=new_id())
    assert await people.rows(SendingPolicy) == []


async def test_links_stand_on_the_tenants_own_host_once_it_is_proved(people: People) -> None:
    domain = await people.do(add_domain, name="go.example.com")
    with pytest.raises(Conflict):
        await people.do(update_sending_policy, tracking_domain_id=domain.id)
    assert (await people.read(tracking_addresses)).base_url == "http://127.0.0.1:8000"
    async with people.units.write(people.principal) as tx:
        row = await tx.session.get(Domain, (domain.tenant_id, domain.id))
        assert row is not None
        row.verified_at = tx.now
    await people.do(update_sending_policy, tracking_domain_id=domain.id)
    assert (await people.read(tracking_addresses)).base_url == "https://go.example.com"
    await people.do(update_sending_policy, tracking_domain_id=None)
    assert (await people.read(tracking_addresses)).base_url == "http://127.0.0.1:8000"


async def test_caps_come_and_go(people: People, strangers: People) -> None:
    cap = await people.do(create_frequency_cap, messages=3, window_s=86_400, channel="email", name="Daily")
    await people.do(create_frequency_cap, messages=10, window_s=604_800)
    assert [(one.name, one.channel, one.messages) for one in await people.read(list_frequency_caps)] == [
        ("Daily", "email", 3),
        ("", None, 10),
    ]
    for values in ({"messages": 0}, {"window_s": 5}, {"channel": "fax"}):
        with pytest.raises(Invalid):
            await people.do(create_frequency_cap, **{"messages": 1, "window_s": 60, **values})
    with pytest.raises(NotFound):
        await strangers.do(delete_frequency_cap, frequency_cap_id=cap.id)
    await people.do(delete_frequency_cap, frequency_cap_id=cap.id)
    assert [row["messages"] for row in await people.rows(FrequencyCap)] == [10]
