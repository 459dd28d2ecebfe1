"""Suppress, consent, devices, delete and erase."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.actions.customers import (
    delete_customer,
    erase_customer,
    forget_devices,
    get_customer,
    list_customers,
    remove_device,
    save_device,
    set_consent,
    suppress,
    unsuppress,
)
from app.actions.events import list_events
from app.core.access import ALL_SCOPES, Scope
from app.core.errors import Forbidden, Invalid, NotFound
from models import AuditEntry, Consent, Customer, Device, Event, FeedTopic, Identity, Merge, MergeMove
from tests.actions.people import People, anon, by_id, ext
from tests.actions.posting import Posting


async def test_suppressing_twice_is_suppressing_once(people: People) -> None:
    one = await people.identify(external_id="u1")
    assert await people.do(suppress, customer=ext("u1")) == one.customer_id
    since = (await people.read(get_customer, ext("u1"))).suppressed_at
    await people.do(suppress, customer=ext("u1"))
    assert (await people.read(get_customer, ext("u1"))).suppressed_at == since
    assert await people.do(unsuppress, customer=ext("u1")) == one.customer_id
    await people.do(unsuppress, customer=ext("u1"))
    assert (await people.read(get_customer, ext("u1"))).suppressed_at is None
    assert await people.changes(one.customer_id) == ["identified", "suppressed", "unsuppressed"]
    assert [row["action"] for row in await people.rows(AuditEntry)] == ["customer.suppress", "customer.unsuppress"]


async def test_consent_is_set_per_channel(people: People) -> None:
    one = await people.identify(external_id="u1")
    for channel, status in (("email", "subscribed"), ("email", "unsubscribed"), ("email", "unsubscribed")):
        assert await people.do(set_consent, customer=ext("u1"), channel=channel, status=status) == one.customer_id
    assert [(row["channel"], row["status"]) for row in await people.rows(Consent)] == [("email", "unsubscribed")]
    assert await people.changes(one.customer_id) == ["identified", "consent", "consent"]
    for channel, status in (("email", "perhaps"), ("E-mail", "subscribed"), ("x" * 21, "subscribed")):
        with pytest.raises(Invalid):
            await people.do(set_consent, customer=ext("u1"), channel=channel, status=status)


async def test_a_device_is_added_updated_and_removed(people: People) -> None:
    one = await people.identify(external_id="u1")
    used = datetime(2025, 5, 1, tzinfo=UTC)
    device_id = await people.do(save_device, customer=ext("u1"), token="t", platform="ios", attributes={"os": "17"})
    before = await people.everything()
    assert await people.do(save_device, customer=ext("u1"), token="t", platform="ios") == device_id
    assert await people.everything() == before
    assert await people.do(save_device, customer=ext("u1"), token="t", platform="ios", last_used_at=used) == device_id
    (row,) = await people.rows(Device)
    assert (row["attributes"], row["last_used_at"], row["customer_id"]) == ({"os": "17"}, used, one.customer_id)
    assert await people.do(remove_device, customer=ext("u1"), token="t") == one.customer_id
    assert await people.rows(Device) == []
    with pytest.raises(NotFound) as refusal:
        await people.do(remove_device, customer=ext("u1"), token="t")
    assert refusal.value.field == "token"
    assert await people.changes(one.customer_id) == ["identified", "device", "device", "device"]


async def test_a_push_token_is_one_device(people: People) -> None:
    one, two = await people.identify(external_id="u1"), await people.identify(external_id="u2")
    await people.do(save_device, customer=ext("u1"), token="t", platform="ios", attributes={"of": "one"})
    await people.do(save_device, customer=ext("u2"), token="t", platform="ios")
    (row,) = await people.rows(Device)
    assert (row["customer_id"], row["attributes"]) == (two.customer_id, {})
    assert await people.changes(one.customer_id) == ["identified", "device", "device"]


@pytest.mark.parametrize(
    ("device", "field"),
    [
        ({"token": "", "platform": "ios"}, "token"),
        ({"token": "x" * 1001, "platform": "ios"}, "token"),
        ({"token": "a\x00", "platform": "ios"}, "token"),
        ({"token": "t", "platform": "iOS!"}, "platform"),
        ({"token": "t", "platform": "ios", "attributes": {"a": 2**64}}, "attributes.a"),
        ({"token": "t", "platform": "ios", "last_used_at": datetime(2025, 1, 1)}, "last_used_at"),  # noqa: DTZ001
    ],
)
async def test_malformed_devices_are_refused(people: People, device: dict[str, object], field: str) -> None:
    await people.identify(external_id="u1")
    with pytest.raises(Invalid) as refusal:
        await people.do(save_device, customer=ext("u1"), **device)
    assert refusal.value.field == field
    assert await people.rows(Device) == []


async def test_a_deleted_customer_is_out_of_sight_and_their_names_are_free(people: People) -> None:
    one = await people.identify(external_id="u1", email="a@example.com", anonymous_id="b1")
    await people.track(ext("u1"))
    await people.do(save_device, customer=ext("u1"), token="t", platform="ios")
    assert await people.do(delete_customer, customer=ext("u1")) == one.customer_id
    assert await people.rows(Identity) == []
    assert await people.rows(Device) == []
    assert [row["customer_id"] for row in await people.rows(Event)] == [one.customer_id]
    for ref in (ext("u1"), by_id(one.customer_id), anon("b1")):
        with pytest.raises(NotFound):
            await people.read(get_customer, ref)
        with pytest.raises(NotFound):
            await people.do(delete_customer, customer=ref)
    assert (await people.read(list_customers, offset=0, limit=10)).total == 0
    assert (await people.changes(one.customer_id))[-1] == "deleted"
    again = await people.identify(external_id="u1", email="a@example.com")
    assert again.created
    assert again.customer_id != one.customer_id
    assert await people.read(list_events, customer_id=again.customer_id, limit=10) == []


async def test_erasing_leaves_nothing_but_the_audit_log(people: People) -> None:
    await people.identify(external_id="other", attributes={"n": 1})
    await people.track(ext("other"))
    others = await people.everything()
    one = await people.identify(external_id="u1", email="a@example.com", consents={"email": "subscribed"})
    two = await people.identify(external_id="u2", anonymous_id="b2", consents={"email": "subscribed"})
    three = await people.identify(external_id="u3")
    for name in ("u1", "u2", "u3"):
        await people.track(ext(name))
    await people.do(save_device, customer=ext("u2"), token="t", platform="ios")
    await Posting(people).delivery(two.customer_id)
    await people.merge(ext("u2"), ext("u3"))
    await people.merge(ext("u1"), ext("u2"))
    receipt = await people.do(erase_customer, customer=ext("u3"))
    assert receipt.customer_id == one.customer_id
    assert receipt.counts == {
        "customer": 3,
        "identity": 5,
        "event": 3,
        "device": 1,
        "consent": 2,
        "topic_consent": 0,
        "delivery": 1,
        "merge": 2,
        "feed_entry": 11,
        "feed_topic": 3,
        "file": 0,
        "message": 0,
        "conversation": 0,
        "visitor_page": 0,
        "visitor": 0,
    }
    left = await people.everything()
    audit = left.pop("audit_entries")
    others.pop("audit_entries")
    assert left == others
    assert audit[-1]["action"] == "customer.erase"
    assert audit[-1]["subject_id"] == f"cust_{one.customer_id.hex}"
    assert audit[-1]["changes"] == receipt.counts
    assert "example.com" not in str(audit)
    for gone in (one, two, three):
        with pytest.raises(NotFound):
            await people.do(erase_customer, customer=by_id(gone.customer_id))


async def test_a_deleted_customer_can_still_be_erased_by_id(people: People) -> None:
    one = await people.identify(external_id="u1")
    await people.track(ext("u1"))
    await people.do(delete_customer, customer=ext("u1"))
    receipt = await people.do(erase_customer, customer=by_id(one.customer_id))
    assert (receipt.counts["customer"], receipt.counts["event"]) == (1, 1)
    for table in (Customer, Identity, Event, Merge, MergeMove, FeedTopic):
        assert await people.rows(table) == []


async def test_another_tenants_customer_is_not_found(people: People, strangers: People) -> None:
    one = await people.identify(external_id="u1", consents={"email": "subscribed"})
    before = await people.everything()
    for action, named in [
        (suppress, {}),
        (unsuppress, {}),
        (delete_customer, {}),
        (erase_customer, {}),
        (set_consent, {"channel": "email", "status": "unsubscribed"}),
        (save_device, {"token": "t", "platform": "ios"}),
        (remove_device, {"token": "t"}),
    ]:
        for ref in (by_id(one.customer_id), ext("u1"), by_id(uuid4())):
            with pytest.raises(NotFound):
                await strangers.do(action, customer=ref, **named)
    assert await people.everything() == before
    assert not any((await strangers.everything()).values())


async def test_each_action_asks_for_its_scope(people: People) -> None:
    await people.identify(external_id="u1")
    for action, named, scope in [
        (suppress, {}, Scope.CUSTOMERS_WRITE),
        (unsuppress, {}, Scope.CUSTOMERS_WRITE),
        (delete_customer, {}, Scope.CUSTOMERS_WRITE),
        (set_consent, {"channel": "email", "status": "subscribed"}, Scope.CUSTOMERS_WRITE),
        (save_device, {"token": "t", "platform": "ios"}, Scope.CUSTOMERS_WRITE),
        (remove_device, {"token": "t"}, Scope.CUSTOMERS_WRITE),
        (erase_customer, {}, Scope.CUSTOMERS_ERASE),
    ]:
        weak = People(people.units, replace(people.principal, scopes=ALL_SCOPES - {scope}))
        with pytest.raises(Forbidden) as refusal:
            await weak.do(action, customer=ext("u1"), **named)
        assert refusal.value.scope == scope


async def test_devices_that_nobody_has_any_more_are_taken_away_whosever_they_are(
    people: People, strangers: People
) -> None:
    for name, token in (("u1", "a"), ("u1", "b"), ("u2", "c")):
        await people.identify(external_id=name)
        await people.do(save_device, customer=ext(name), token=token, platform="ios")
    await strangers.identify(external_id="u1")
    await strangers.do(save_device, customer=ext("u1"), token="a", platform="ios")
    await people.do(forget_devices, tokens={"a", "c", "unknown"})
    await people.do(forget_devices, tokens=[])
    assert [row["token"] for row in await people.rows(Device)] == ["b"]
    assert [row["token"] for row in await strangers.rows(Device)] == ["a"]
