"""Merge and unmerge: what moves, what is filled, and that taking apart is exact, in any order and nested."""

from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.actions.customers import (
    CustomerFacts,
    Unmerged,
    delete_customer,
    get_customer,
    save_device,
    set_consent,
    suppress,
)
from app.actions.customers import update_customer as update
from app.core.errors import Invalid, NotFound
from models import AuditEntry, Customer, Device, Event, Identity, Merge, MergeMove
from tests.actions.people import People, anon, by_id, ext

VOLATILE = {"customers": {"updated_at"}}
LEFT_BEHIND = {"merges", "merge_moves", "feed_topics", "feed_entries", "audit_entries"}


async def stable(people: People) -> dict[str, list[dict[str, Any]]]:
    """Every row, without what a merge and its undoing leave behind on purpose."""
    return {
        table: [{k: v for k, v in row.items() if k not in VOLATILE.get(table, ())} for row in rows]
        for table, rows in (await people.everything()).items()
        if table not in LEFT_BEHIND
    }


async def make(people: People, name: str, **facts: Any) -> UUID:
    """A customer with every kind of thing that a merge moves."""
    given = {"email": f"{name}@example.com", "attributes": {"name": name, f"only_{name}": 1}} | facts
    result = await people.identify(external_id=name, anonymous_id=f"browser-{name}", **given)
    await people.track(ext(name), f"event-{name}")
    await people.do(save_device, customer=ext(name), token=f"token-{name}", platform="ios")
    return result.customer_id


async def owners(people: People, table: Any, column: str) -> dict[str, UUID]:
    return {row[column]: row["customer_id"] for row in await people.rows(table)}


async def test_names_events_and_devices_move_and_gaps_are_filled(people: People) -> None:
    a = await make(people, "a", timezone="Europe/Rome", consents={"email": "subscribed", "push": "unsubscribed"})
    b = await make(
        people,
        "b",
        phone="+14155550002",
        timezone="Asia/Tokyo",
        locale="ja",
        consents={"email": "unsubscribed", "push": "subscribed", "sms": "subscribed"},
    )
    before = {row["id"]: row for row in await people.rows(Customer)}
    merge_id = await people.merge(ext("a"), ext("b"))
    view = await people.read(get_customer, ext("b"))
    assert view.id == a
    assert (view.external_id, view.email, view.phone) == ("a", "a@example.com", "+14155550002")
    assert view.attributes == {"name": "a", "only_a": 1, "only_b": 1}
    assert (view.timezone, view.locale) == ("Europe/Rome", "ja")
    assert view.consents == {"email": "unsubscribed", "push": "unsubscribed", "sms": "subscribed"}
    assert view.anonymous_ids == ["browser-a", "browser-b"]
    assert {device.token for device in view.devices} == {"token-a", "token-b"}
    assert set((await owners(people, Event, "name")).values()) == {a}
    primary = {(row["kind"], row["value"]) for row in await people.rows(Identity) if row["is_primary"]}
    assert primary == {("external_id", "a"), ("email", "a@example.com"), ("phone", "+14155550002")}
    after = {row["id"]: row for row in await people.rows(Customer)}
    assert after[b] == before[b] | {"status": "merged", "merged_into_id": a, "updated_at": after[b]["updated_at"]}
    assert (await people.changes(a))[-1] == (await people.changes(b))[-1] == "merged"
    loser = await people.read(get_customer, by_id(b))
    assert (loser.status, loser.merged_into_id, loser.external_id) == ("merged", a, None)
    entry = (await people.rows(AuditEntry))[-1]
    assert (entry["action"], entry["subject_id"]) == ("customer.merge", f"mrg_{merge_id.hex}")
    assert entry["changes"] == {"winner": f"cust_{a.hex}", "loser": f"cust_{b.hex}"}


async def test_unmerge_puts_every_row_back(people: People) -> None:
    a = await make(people, "a", consents={"email": "subscribed"})
    b = await make(
        people, "b", phone="+14155550002", locale="ja", consents={"email": "unsubscribed", "sms": "subscribed"}
    )
    await people.do(suppress, customer=ext("b"))
    before = await stable(people)
    merge_id = await people.merge(ext("a"), ext("b"))
    assert await stable(people) != before
    assert await people.unmerge(merge_id) == Unmerged(merge_id, a, b)
    assert await stable(people) == before
    assert await people.rows(MergeMove) == []
    assert (await people.changes(a))[-1] == (await people.changes(b))[-1] == "unmerged"
    assert (await people.rows(AuditEntry))[-1]["action"] == "customer.unmerge"
    assert await people.unmerge(merge_id) == Unmerged(merge_id, a, b)
    assert await people.merge(ext("a"), ext("b")) != merge_id


async def test_what_happened_after_the_merge_stays_with_the_winner(people: People) -> None:
    a = await make(people, "a")
    b = await make(people, "b", timezone="Asia/Tokyo", locale="ja")
    merge_id = await people.merge(ext("a"), ext("b"))
    await people.track(ext("b"), "later")
    await people.identify(external_id="a", email="newer@example.com", attributes={"only_b": 2}, locale="it")
    await people.identify(external_id="b", phone="+14155550009")
    await people.unmerge(merge_id)
    assert await owners(people, Event, "name") == {"event-a": a, "event-b": b, "later": a}
    rows = {row["id"]: row for row in await people.rows(Customer)}
    assert rows[a]["attributes"] == {"name": "a", "only_a": 1, "only_b": 2}
    assert (rows[a]["timezone"], rows[a]["locale"]) == (None, "it")
    assert (rows[b]["timezone"], rows[b]["locale"]) == ("Asia/Tokyo", "ja")
    assert await people.names() == {
        ("external_id", "a"): a,
        ("email", "newer@example.com"): a,
        ("phone", "+14155550009"): a,
        ("anonymous_id", "browser-a"): a,
        ("external_id", "b"): b,
        ("email", "b@example.com"): b,
        ("anonymous_id", "browser-b"): b,
    }


async def test_what_was_deleted_since_does_not_come_back(people: People) -> None:
    a = await people.identify(external_id="a")
    b = await make(people, "b")
    merge_id = await people.merge(ext("a"), ext("b"))
    await people.identify(external_id="a", email="new@example.com")
    assert ("email", "b@example.com") not in await people.names()
    other = await people.identify(email="b@example.com")
    await people.do(save_device, customer=by_id(other.customer_id), token="token-b", platform="ios")
    await people.unmerge(merge_id)
    assert await people.names() == {
        ("external_id", "a"): a.customer_id,
        ("email", "new@example.com"): a.customer_id,
        ("external_id", "b"): b,
        ("anonymous_id", "browser-b"): b,
        ("email", "b@example.com"): other.customer_id,
    }
    assert await owners(people, Device, "token") == {"token-b": other.customer_id}


async def test_a_merged_name_that_became_primary_leaves_another_in_its_place(people: People) -> None:
    a, b = await make(people, "a"), await make(people, "b")
    merge_id = await people.merge(ext("a"), ext("b"))
    await people.identify(external_id="a", email="b@example.com")
    assert (await people.read(get_customer, ext("a"))).email == "b@example.com"
    await people.unmerge(merge_id)
    assert (await people.read(get_customer, by_id(a))).email == "a@example.com"
    assert (await people.read(get_customer, by_id(b))).email == "b@example.com"


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_nested_merges_come_apart_in_any_order(people: People, order: tuple[int, ...]) -> None:
    """d into c, c into b, b into a. After each unmerge the rest is as if that merge had never been."""
    everybody = {
        "a": await make(people, "a", consents={"sms": "subscribed"}),
        "b": await make(people, "b", locale="de", consents={"email": "subscribed"}),
        "c": await make(people, "c", phone="+14155550003", consents={"email": "unsubscribed"}),
        "d": await make(people, "d", timezone="Asia/Tokyo", locale="ja", consents={"sms": "unsubscribed"}),
    }
    before = await stable(people)
    pairs = [("c", "d"), ("b", "c"), ("a", "b")]
    merges = [await people.merge(by_id(everybody[winner]), by_id(everybody[loser])) for winner, loser in pairs]
    top = await people.read(get_customer, ext("d"))
    assert top.id == everybody["a"]
    assert (top.phone, top.timezone, top.locale) == ("+14155550003", "Asia/Tokyo", "de")
    assert top.consents == {"sms": "unsubscribed", "email": "unsubscribed"}
    standing = dict(enumerate(pairs))
    for index in order:
        await people.unmerge(merges[index])
        del standing[index]
        parents = {loser: winner for winner, loser in standing.values()}
        for name in everybody:
            root = name
            while root in parents:
                root = parents[root]
            assert (await people.names())["external_id", name] == everybody[root]
            assert (await owners(people, Event, "name"))[f"event-{name}"] == everybody[root]
            assert (await owners(people, Device, "token"))[f"token-{name}"] == everybody[root]
    assert await stable(people) == before


async def test_what_two_losers_could_fill_stays_filled_by_the_other(people: People) -> None:
    a = await people.identify(external_id="a", consents={"email": "subscribed"})
    for name, plan in (("b", "gold"), ("c", "silver")):
        await people.identify(external_id=name, attributes={"plan": plan}, consents={"email": "unsubscribed"})
    first, second = await people.merge(ext("a"), ext("b")), await people.merge(ext("a"), ext("c"))
    assert (await people.read(get_customer, ext("a"))).attributes == {"plan": "gold"}
    await people.unmerge(first)
    view = await people.read(get_customer, by_id(a.customer_id))
    assert (view.attributes, view.consents) == ({"plan": "silver"}, {"email": "unsubscribed"})
    await people.unmerge(second)
    view = await people.read(get_customer, by_id(a.customer_id))
    assert (view.attributes, view.consents) == ({}, {"email": "subscribed"})


async def test_the_same_pair_again_is_the_same_merge(people: People) -> None:
    a, b = await make(people, "a"), await make(people, "b")
    merge_id = await people.merge(ext("a"), ext("b"))
    before = await people.everything()
    for winner in (ext("a"), by_id(a), anon("browser-a"), anon("browser-b")):
        for loser in (ext("b"), by_id(b), anon("browser-b")):
            assert await people.merge(winner, loser) == merge_id
    assert await people.everything() == before


async def test_merging_somebody_with_themselves_is_refused(people: People) -> None:
    await make(people, "a")
    before = await people.everything()
    with pytest.raises(Invalid) as refusal:
        await people.merge(ext("a"), anon("browser-a"))
    assert refusal.value.field == "loser"
    assert await people.everything() == before


async def test_who_is_merged_deleted_or_anothers_cannot_be_merged(people: People, strangers: People) -> None:
    a, b = await make(people, "a"), await make(people, "b")
    merge_id = await people.merge(ext("a"), ext("b"))
    await make(people, "c")
    theirs = await make(strangers, "theirs")
    gone = await people.do(delete_customer, customer=by_id(await make(people, "gone")))
    before = await people.everything()
    for winner, loser, field in [
        (by_id(b), ext("c"), "winner"),
        (ext("c"), by_id(b), "loser"),
        (ext("c"), by_id(gone), "loser"),
        (ext("c"), ext("nobody"), "loser"),
        (ext("nobody"), ext("c"), "winner"),
        (ext("c"), by_id(theirs), "loser"),
    ]:
        with pytest.raises(NotFound) as refusal:
            await people.merge(winner, loser)
        assert refusal.value.field == field
    with pytest.raises(NotFound):
        await people.do(update, customer_id=b, facts=CustomerFacts(attributes={"n": 1}))
    with pytest.raises(NotFound):
        await people.unmerge(uuid4())
    with pytest.raises(NotFound):
        await strangers.unmerge(merge_id)
    assert await people.everything() == before
    assert a != b


async def test_a_merge_into_somebody_deleted_since_cannot_be_undone(people: People) -> None:
    await make(people, "a")
    await make(people, "b")
    merge_id = await people.merge(ext("a"), ext("b"))
    await people.do(delete_customer, customer=ext("a"))
    before = await people.everything()
    with pytest.raises(NotFound):
        await people.unmerge(merge_id)
    assert await people.everything() == before
    assert {row["status"] for row in await people.rows(Customer)} == {"deleted"}


async def test_consent_given_since_the_merge_is_kept(people: People) -> None:
    await people.identify(external_id="a", consents={"email": "subscribed"})
    await people.identify(external_id="b", consents={"email": "unsubscribed", "sms": "unsubscribed"})
    merge_id = await people.merge(ext("a"), ext("b"))
    await people.do(set_consent, customer=ext("a"), channel="email", status="subscribed")
    await people.unmerge(merge_id)
    assert (await people.read(get_customer, ext("a"))).consents == {"email": "subscribed"}
    assert (await people.rows(Merge))[0]["unmerged_at"] is not None
