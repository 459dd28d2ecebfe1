"""Compiled rules over a few known people: the cases of the documentation, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.access import system
from app.core.ids import new_id, public_id
from app.core.tx import UnitsOfWork
from app.segments import compile_rule, members_of, parameters_of, read_rule, verdicts_of
from tests.segments.conftest import Asking
from tests.segments.people import NOW, Crowd, insert_crowd
from tests.segments.reference import Happened, Person, Talk

DAY = timedelta(days=1)


def somebody(name: str, **given: Any) -> Person:
    known: dict[str, Any] = {"timezone": None, "locale": None, "created_at": NOW, "updated_at": NOW, "status": "active"}
    return Person(id=new_id(), attributes={"name": name} | given.pop("attributes", {}), **(known | given))


def bought(amount: Any, ago: timedelta) -> Happened:
    return Happened("purchase", {"amount": amount, "sku": f"s{amount}"}, NOW - ago)


@pytest.fixture
async def crowd(asking: Asking) -> Crowd:
    """Ann, Bob and Cid, and Dan who is deleted; another tenant has an Ann of its own."""
    segments = [new_id()]
    ann = somebody(
        "ann",
        attributes={"plan": "pro", "age": 30, "tags": ["vip", 1], "born": "1990-12-25"},
        events=[bought(60, 1 * DAY), bought(70, 2 * DAY), bought(80.5, 89 * DAY), bought(90, 91 * DAY)],
        segments=set(segments),
        consents={"email": "subscribed"},
        talks=[
            talked("open", waiting_since=NOW - timedelta(minutes=61)),
            talked("closed", closed_at=NOW - 6 * DAY, rating=1, rated_at=NOW - 3 * DAY),
            talked("closed", closed_at=NOW - 60 * DAY, rating=5, rated_at=NOW - 2 * DAY),
        ],
    )
    bob = somebody("bob", attributes={"plan": "free", "age": "30", "born": 662_083_200}, events=[bought("60", 1 * DAY)])
    bob.talks = [talked("closed", closed_at=NOW - 7 * DAY, rating=2, rated_at=NOW)]
    cid = somebody("cid", attributes={"age": 30.0, "tags": "vip"}, devices=[("ios", None)])
    dan = somebody("dan", attributes={"plan": "pro"}, status="deleted", events=[bought(60, 1 * DAY)] * 3)
    dan.talks = [talked("open", waiting_since=NOW - DAY, rating=1, rated_at=NOW)]
    crowd = Crowd(new_id(), [ann, bob, cid, dan], segments)
    await asking.insert(crowd)
    await asking.insert(Crowd(new_id(), [somebody("ann", attributes={"plan": "pro"})], [new_id()]))
    return crowd


def attribute(name: str, test: dict[str, Any]) -> dict[str, Any]:
    return {"attribute": {"name": name, "is": test}}


def purchase(**keys: Any) -> dict[str, Any]:
    return {"event": {"name": "purchase", **keys}}


def talk(**keys: Any) -> dict[str, Any]:
    return {"conversation": keys}


def rated(test: dict[str, Any]) -> dict[str, Any]:
    return {"rating": {"is": test}}


def talked(status: str, **given: Any) -> Talk:
    known = {"created_at": NOW - 9 * DAY, "waiting_since": None, "closed_at": None, "rating": None, "rated_at": None}
    return Talk(id=new_id(), status=status, **{**known, **given})


OVER_50 = [{"property": {"name": "amount", "is": {"moreThan": 50}}}]
LAST_90 = {"last": {"days": 90}}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (attribute("plan", {"equals": "pro"}), "ann"),
        ({"not": attribute("plan", {"equals": "pro"})}, "bob cid"),
        (attribute("age", {"equals": 30}), "ann cid"),
        (attribute("age", {"equals": "30"}), "bob"),
        (attribute("age", {"atLeast": 30}), "ann cid"),
        (attribute("tags", {"has": "vip"}), "ann"),
        (attribute("tags", {"has": 1.0}), "ann"),
        (attribute("tags", {"exists": False}), "bob"),
        (attribute("born", {"anniversaryWithin": {"days": 5}}), "ann bob"),
        (attribute("born", {"anniversaryWithin": {"days": 4}}), ""),
        (attribute("born", {"on": "1990-12-25"}), "ann bob"),
        ({"consent": {"channel": "email", "is": "unknown"}}, "bob cid"),
        ({"device": {}}, "cid"),
        ({"device": {"lastUsedAt": {"before": "2030-01-01"}}}, ""),
        (purchase(), "ann bob"),
        (purchase(count={"equals": 0}), "cid"),
        (purchase(where=OVER_50), "ann"),
        (purchase(where=OVER_50, within=LAST_90, count={"atLeast": 3}), "ann"),
        (purchase(where=OVER_50, within=LAST_90, count={"atLeast": 4}), ""),
        (purchase(where=OVER_50, count={"lessThan": 4}), "bob cid"),
        (purchase(within={"from": "2027-12-18", "to": "2027-12-18"}), "ann"),
        (purchase(within={"from": "2027-12-18", "to": "2027-12-18T15:30:00.25Z"}), ""),
        (purchase(within={"from": "2027-12-18T15:30:00.25Z", "to": "2027-12-19"}), "ann bob"),
        (purchase(sum={"property": "amount", "is": {"equals": 300.5}}), "ann"),
        (purchase(sum={"property": "amount", "is": {"equals": 0}}), "bob cid"),
        (purchase(average={"property": "amount", "is": {"equals": 75.125}}), "ann"),
        (purchase(maximum={"property": "amount", "is": {"atMost": 1000}}), "ann"),
        (purchase(distinct={"property": "sku", "is": {"atLeast": 4}}), "ann"),
        (purchase(first={"longerAgoThan": {"days": 91}}), "ann"),
        (talk(), "ann bob"),
        (talk(status={"equals": "open"}), "ann"),
        ({"not": talk(status={"equals": "open"})}, "bob cid"),
        (talk(waitingSince={"longerAgoThan": {"hours": 1}}), "ann"),
        (talk(waitingSince={"longerAgoThan": {"hours": 2}}), ""),
        (talk(closedAt={"inTheLast": {"days": 7}}), "ann"),
        (talk(status={"equals": "closed"}, closedAt={"inTheLast": {"days": 30}}), "ann bob"),
        (talk(count={"atLeast": 2}), "ann"),
        (talk(count={"atMost": 1}), "bob cid"),
        (talk(count={"equals": 0}), "cid"),
        (rated({"atMost": 2}), "bob"),
        (rated({"atLeast": 4}), "ann"),
        ({"not": rated({"atMost": 2})}, "ann cid"),
        (purchase(last={"inTheLast": {"days": 1}}), ""),
    ],
    ids=str,
)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "handful"])
async def test_the_members_are_those_of_the_documentation(
    asking: Asking, crowd: Crowd, rule: dict[str, Any], names: str, whole: bool
) -> None:
    ids = await asking.members(crowd, rule, whole=whole)
    assert {person.attributes["name"] for person in crowd.people if person.id in ids} == set(names.split())
    assert ids <= {person.id for person in crowd.people}


async def test_a_segment_is_a_condition(asking: Asking, crowd: Crowd) -> None:
    inside = {"segment": {"id": public_id("segment", crowd.segments[0])}}
    assert await asking.members(crowd, inside) == {crowd.people[0].id}
    assert await asking.members(crowd, {"not": inside}) == {person.id for person in crowd.people[1:3]}
    assert await asking.members(crowd, {"segment": {"id": public_id("segment", new_id())}}) == set()


async def flips(units: UnitsOfWork, backend: str, crowd: Crowd, document: Any, now: datetime = NOW) -> list[Any]:
    compiled = [compile_rule(read_rule(document), "sqlite" if backend == "sqlite" else "postgresql", whole=False)]
    parameters = parameters_of(compiled, crowd.tenant_id, now)
    async with units.read(system(crowd.tenant_id)) as reading:
        rows = {row[0]: row[2] for row in await reading.session.execute(verdicts_of(compiled), parameters)}
    return [rows[person.id] for person in crowd.people]


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        (purchase(within=LAST_90), NOW + 89 * DAY, NOW + 89 * DAY),
        (purchase(within=LAST_90, count={"atLeast": 3}), NOW + 1 * DAY, None),
        (purchase(within=LAST_90, count={"equals": 2}), NOW + 1 * DAY, None),
        (purchase(within=LAST_90, count={"atMost": 0}), NOW + 89 * DAY, NOW + 89 * DAY),
        (purchase(within=LAST_90, sum={"property": "amount", "is": {"moreThan": 0}}), NOW + 1 * DAY, NOW + 89 * DAY),
        (purchase(last={"longerAgoThan": {"days": 30}}), NOW + 29 * DAY, NOW + 29 * DAY),
        (purchase(), None, None),
        (talk(waitingSince={"longerAgoThan": {"hours": 2}}), NOW + timedelta(minutes=59), None),
        (talk(waitingSince={"longerAgoThan": {"hours": 1}}), None, None),
        (talk(closedAt={"inTheLast": {"days": 7}}), NOW + DAY, None),
        (talk(status={"equals": "open"}, closedAt={"inTheLast": {"days": 7}}), None, None),
        (rated({"atMost": 2}), None, None),
        (attribute("born", {"anniversaryWithin": {"days": 5}}), *[datetime(2027, 12, 26, tzinfo=UTC)] * 2),
        (attribute("born", {"anniversaryWithin": {"days": 4}}), *[datetime(2027, 12, 21, tzinfo=UTC)] * 2),
    ],
    ids=str,
)
async def test_flips_of_counts_are_exact(
    units: UnitsOfWork, backend: str, crowd: Crowd, rule: Any, first: Any, second: Any
) -> None:
    assert (await flips(units, backend, crowd, rule))[:2] == [first, second]


async def test_an_event_of_tomorrow_enters_a_window_by_itself(units: UnitsOfWork, backend: str) -> None:
    person = somebody("eva", events=[bought(1, -5 * timedelta(hours=1))])
    crowd = Crowd(new_id(), [person], [new_id()])
    await insert_crowd(units, crowd)
    assert await flips(units, backend, crowd, purchase(within=LAST_90)) == [NOW + 5 * timedelta(hours=1)]


def test_the_text_of_a_rule_does_not_change_with_the_clock() -> None:
    rule = read_rule({"and": [purchase(within=LAST_90), attribute("born", {"anniversaryWithin": {"days": 3}})]})
    compiled = compile_rule(rule, "sqlite", whole=True)
    one, other = (compiled.parameters(new_id(), NOW + days * DAY) for days in (0, 1))
    assert one.keys() == other.keys()
    text = str(members_of(compiled))
    assert str(members_of(compile_rule(rule, "sqlite", whole=True))) == text
    for name in ("rule_tenant", "rule_now", "rule_now_minus_7776000", "rule_today_0", "rule_today_3", "rule_year_1"):
        assert f":{name}" in text
        assert name in one
