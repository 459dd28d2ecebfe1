"""Properties of identity: whatever is said in whatever order, one value names one person and merges come apart."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.actions.customers import CustomerFacts, CustomerRef, Identified, alias, identify_many, merge, unmerge
from app.actions.events import NewEvent, track
from app.core import clock
from app.core.access import system
from app.core.errors import RapportError
from app.core.feed import DELIVERIES_TOPIC
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import Consent, Customer, Event, FeedEntry, FeedTopic, Identity, Merge, MergeMove, Tenant
from tests.actions.people import People, anon, by_id

# Nothing may be drawn inside these tests: Hypothesis then interrupts by a BaseException, which ends anyio's runner.
SLOW = settings(
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

POOL = {
    "external_id": ["u1", "u2", "u3"],
    "email": ["a@example.com", "b@example.com"],
    "phone": ["+14155550001", "+14155550002"],
    "anonymous_id": ["b1", "b2", "b3"],
}
names = st.fixed_dictionaries({}, optional={kind: st.sampled_from(values) for kind, values in POOL.items()})
values = st.sampled_from([None, 0, 1, True, "x", [1], [True], {"deep": 1.0}])
facts = st.builds(
    lambda given, attributes, consents, locale: CustomerFacts(
        **given, attributes=attributes, consents=consents, locale=locale
    ),
    names,
    st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2),
    st.dictionaries(st.sampled_from(["email", "sms"]), st.sampled_from(["subscribed", "unsubscribed"]), max_size=1),
    st.sampled_from([None, None, "en", "de"]),
)
refs = st.one_of(
    *(
        st.builds(CustomerRef, st.just(kind), st.sampled_from(values))
        for kind, values in POOL.items()
        if kind != "phone"
    )
)
indexes = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("identify"), facts),
    st.tuples(st.just("track"), refs),
    st.tuples(st.just("alias"), st.sampled_from(POOL["anonymous_id"]), refs),
    st.tuples(st.just("merge"), indexes, indexes),
    st.tuples(st.just("unmerge"), indexes),
)


async def new_people(units: UnitsOfWork) -> People:
    """A tenant of its own for one example."""
    tenant_id, now = new_id(), clock.now()
    async with units.write(system(tenant_id)) as tx:
        row = {"id": tenant_id, "name": "T", "plan": "free", "feed_epoch": "e", "created_at": now, "updated_at": now}
        await tx.insert(Tenant, [row])
    return People(units, system(tenant_id))


async def take(people: People, step: tuple[Any, ...]) -> None:
    """Does one step; a refusal is an answer like any other."""
    verb, *arguments = step
    customers = [row["id"] for row in await people.rows(Customer)]
    merges = [row["id"] for row in await people.rows(Merge)]
    try:
        if verb == "identify":
            await people.do(identify_many, [arguments[0]])
        elif verb == "track":
            await people.do(track, NewEvent(arguments[0], "visit"))
        elif verb == "alias":
            await people.do(alias, anonymous_id=arguments[0], customer=arguments[1])
        elif verb == "merge" and customers:
            winner, loser = (by_id(customers[index % len(customers)]) for index in arguments)
            await people.do(merge, winner=winner, loser=loser)
        elif verb == "unmerge" and merges:
            await people.do(unmerge, merge_id=merges[arguments[0] % len(merges)])
    except RapportError:
        return


async def check(people: People) -> None:
    """What must be true of a tenant's rows at every moment."""
    customers = {row["id"]: row for row in await people.rows(Customer)}
    edges = await people.rows(Identity)
    holders = {(edge["kind"], edge["value"]): edge["customer_id"] for edge in edges}
    assert len(holders) == len(edges)
    for customer_id in {edge["customer_id"] for edge in edges}:
        assert customers[customer_id]["status"] == "active"
        for kind in ("external_id", "email", "phone"):
            primary = [
                edge["is_primary"] for edge in edges if (edge["customer_id"], edge["kind"]) == (customer_id, kind)
            ]
            assert sum(primary) == bool(primary)
    assert not any(edge["is_primary"] for edge in edges if edge["kind"] == "anonymous_id")
    for event in await people.rows(Event):
        if event["customer_id"] is None:
            assert ("anonymous_id", event["anonymous_id"]) not in holders
        else:
            assert customers[event["customer_id"]]["status"] == "active"
    standing = {row["loser_id"]: row for row in await people.rows(Merge) if row["unmerged_at"] is None}
    merged = {row["id"]: row["merged_into_id"] for row in customers.values() if row["status"] == "merged"}
    assert merged == {loser: row["winner_id"] for loser, row in standing.items()}
    moving = {row["id"] for row in standing.values()}
    assert {row["merge_id"] for row in await people.rows(MergeMove)} <= moving
    heads = {row["topic"]: row["head"] for row in await people.rows(FeedTopic)}
    for topic, head in heads.items():
        positions = [row["position"] for row in await people.rows(FeedEntry) if row["topic"] == topic]
        assert positions == list(range(1, head + 1))


async def state(people: People) -> dict[str, Any]:
    """Everything a merge touches, without the moments at which it was touched."""
    found = {table.__tablename__: await people.rows(table) for table in (Customer, Identity, Consent, Event)}
    for row in found["customers"]:
        del row["updated_at"]
    return found


@SLOW
@given(story=st.lists(steps, min_size=3, max_size=14))
async def test_one_value_names_one_person_whatever_is_said(units: UnitsOfWork, story: list[tuple[Any, ...]]) -> None:
    people = await new_people(units)
    for step in story:
        await take(people, step)
    await check(people)


@SLOW
@given(
    story=st.lists(steps, max_size=8),
    people_said=st.lists(facts, min_size=3, max_size=6),
    pairs=st.lists(st.tuples(indexes, indexes), min_size=1, max_size=4),
    order=st.permutations(range(4)),
)
async def test_merges_undone_in_any_order_leave_no_trace(
    units: UnitsOfWork,
    story: list[tuple[Any, ...]],
    people_said: list[CustomerFacts],
    pairs: list[tuple[int, int]],
    order: list[int],
) -> None:
    people = await new_people(units)
    for step in [*story, *(("identify", said) for said in people_said)]:
        await take(people, step)
    before, known = await state(people), {row["id"] for row in await people.rows(Merge)}
    for pair in pairs:
        await take(people, ("merge", *pair))
    await check(people)
    new = [row["id"] for row in await people.rows(Merge) if row["id"] not in known]
    for index in (index for index in order if index < len(new)):
        await people.do(unmerge, merge_id=new[index])
        await check(people)
    assert await state(people) == before


@SLOW
@given(
    browsers=st.lists(st.sampled_from(POOL["anonymous_id"]), max_size=3), said=st.lists(facts, min_size=2, max_size=10)
)
async def test_a_batch_is_the_same_as_one_after_the_other(
    units: UnitsOfWork, browsers: list[str], said: list[CustomerFacts]
) -> None:
    together, apart = await new_people(units), await new_people(units)
    for people in (together, apart):
        for number, browser in enumerate(browsers):
            await people.do(track, NewEvent(anon(browser), f"e{number}"))
    batch = await together.do(identify_many, said)
    singles = [(await apart.do(identify_many, [one]))[0] for one in said]
    numbers = [_numbers(batch), _numbers(singles)]
    assert [_told(result, numbers[0]) for result in batch] == [_told(result, numbers[1]) for result in singles]
    assert await _described(together, numbers[0]) == await _described(apart, numbers[1])
    await check(together)


def _numbers(results: list[Identified | RapportError]) -> dict[UUID | None, int]:
    """Customers by the order in which they were made."""
    made = [result.customer_id for result in results if isinstance(result, Identified) and result.created]
    return {None: -1} | {customer_id: number for number, customer_id in enumerate(made)}


def _told(result: Identified | RapportError, numbers: Mapping[UUID | None, int]) -> object:
    if isinstance(result, RapportError):
        return type(result), result.issues
    return numbers[result.customer_id], result.created, result.changed


async def _described(people: People, numbers: Mapping[UUID | None, int]) -> dict[str, Any]:
    """What is stored, with customers as numbers, so that two tenants can be compared."""
    topics = {f"customer:{key.hex}": number for key, number in numbers.items() if key is not None}
    topics[DELIVERIES_TOPIC] = -1
    columns = ("status", "attributes", "timezone", "locale")
    moves = await people.rows(MergeMove)
    merges = {row["id"]: numbers[row["loser_id"]] for row in await people.rows(Merge)}
    return {
        "customers": sorted(
            (numbers[row["id"]], numbers[row["merged_into_id"]], *(repr(row[name]) for name in columns))
            for row in await people.rows(Customer)
        ),
        "identities": sorted(
            (row["kind"], row["value"], numbers[row["customer_id"]], row["is_primary"])
            for row in await people.rows(Identity)
        ),
        "consents": sorted(
            (numbers[row["customer_id"]], row["channel"], row["status"]) for row in await people.rows(Consent)
        ),
        "events": sorted((row["name"], numbers[row["customer_id"]]) for row in await people.rows(Event)),
        "merges": sorted(
            (numbers[row["winner_id"]], numbers[row["loser_id"]], sorted(row["restore"]["fills"]))
            for row in await people.rows(Merge)
        ),
        "moves": sorted((merges[row["merge_id"]], row["kind"]) for row in moves),
        "feed": sorted(
            (topics[row["topic"]], row["position"], row["kind"], repr(_said(row["data"], numbers)))
            for row in await people.rows(FeedEntry)
        ),
    }


def _said(data: dict[str, Any], numbers: Mapping[UUID | None, int]) -> dict[str, Any]:
    """What a feed says, with its customer as a number. A batch has one moment where single calls have one each."""
    named = {"customer": numbers[UUID(data["customer"])]} if "customer" in data else {}
    return {key: value for key, value in data.items() if key != "at"} | named
