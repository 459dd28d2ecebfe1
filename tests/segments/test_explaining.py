"""The tree of verdicts, with what made each so and when it may change by itself."""

from datetime import timedelta
from typing import Any

from app.core.ids import new_id, public_id
from app.segments import Verdict
from tests.segments.conftest import Asking
from tests.segments.people import NOW, Crowd
from tests.segments.reference import Happened, Person, Talk

DAY = timedelta(days=1)


def somebody(**given: Any) -> Person:
    known: dict[str, Any] = {"attributes": {}, "timezone": None, "locale": None, "created_at": NOW, "updated_at": NOW}
    return Person(id=new_id(), status="active", **(known | given))


async def test_every_condition_says_why(asking: Asking) -> None:
    events = [Happened("purchase", {"amount": n}, NOW - n * DAY) for n in (1, 2, 80)]
    person = somebody(
        attributes={"plan": "pro", "address": {"city": "Rome"}},
        locale="it",
        identities=[("email", "ann@example.com"), ("email", "ann@acme.test")],
        devices=[("ios", NOW - 3 * DAY), ("web", None)],
        consents={"email": "subscribed"},
        events=[*events, Happened("visit", {}, NOW)],
    )
    other = somebody()
    crowd = Crowd(new_id(), [person, other], [new_id()])
    await asking.insert(crowd)
    rule = {
        "and": [
            {"attribute": {"path": ["address", "city"], "is": {"equals": "Rome"}}},
            {"or": [{"locale": {"is": {"equals": "de"}}}, {"consent": {"channel": "email", "is": "subscribed"}}]},
            {"identity": {"kind": "email", "is": {"endsWith": "acme.test"}}},
            {"device": {"lastUsedAt": {"inTheLast": {"days": 7}}}},
            {"event": {"name": "purchase", "within": {"last": {"days": 90}}, "count": {"atLeast": 3}}},
            {"not": {"event": {"name": "purchase", "last": {"longerAgoThan": {"days": 30}}}}},
            {"event": {"name": "purchase", "sum": {"property": "amount", "is": {"atLeast": 83}}}},
            {"segment": {"id": public_id("segment", crowd.segments[0])}},
        ]
    }
    found = await asking.explain(crowd, person, rule)
    assert found is not None
    purchases = [NOW - DAY, NOW - 2 * DAY, NOW - 80 * DAY]
    city, either, email, device, often, lately, spent, inside = found.below
    assert city == Verdict("attribute", "rule.and.0.attribute", True, None, {"value": "Rome"})
    locale, consent = either.below
    assert locale == Verdict("locale", "rule.and.1.or.0.locale", False, None, {"value": "it"})
    assert consent == Verdict("consent", "rule.and.1.or.1.consent", True, None, {"value": "subscribed"})
    assert (either.kind, either.holds, either.flips_at) == ("or", True, None)
    assert email.because == {"values": ["ann@example.com", "ann@acme.test"]}
    assert device.flips_at == NOW + 4 * DAY
    assert sorted(device.because["devices"], key=lambda d: d["platform"]) == [
        {"platform": "ios", "lastUsedAt": NOW - 3 * DAY},
        {"platform": "web", "lastUsedAt": None},
    ]
    assert (often.holds, often.flips_at, often.because["measured"]) == (True, NOW + 10 * DAY, 3)
    assert [event["occurredAt"] for event in often.because["events"]] == purchases
    assert lately.holds and lately.flips_at == NOW + 29 * DAY
    assert lately.below[0].because["measured"] == NOW - DAY
    assert (spent.holds, spent.flips_at, spent.because["measured"]) == (True, None, 83)
    assert inside == Verdict("segment", "rule.and.7.segment", False, None, {})
    assert (found.kind, found.holds, found.flips_at) == ("and", False, NOW + 4 * DAY)

    nothing = await asking.explain(crowd, other, rule)
    assert nothing is not None
    assert [inner.holds for inner in nothing.below] == [False, False, False, False, False, True, False, False]
    assert nothing.below[0].because == {}
    assert nothing.below[4].because == {"measured": 0, "events": []}
    assert nothing.below[5].below[0].because == {"measured": None, "events": []}


async def test_conversations_and_ratings_say_why(asking: Asking) -> None:
    waiting = Talk(new_id(), "open", NOW - DAY, NOW - timedelta(hours=1), None, None, None)
    closed = Talk(new_id(), "closed", NOW - 3 * DAY, None, NOW - 2 * DAY, 2, NOW - DAY)
    person, other = somebody(talks=[waiting, closed]), somebody()
    crowd = Crowd(new_id(), [person, other], [new_id()])
    await asking.insert(crowd)
    rule = {
        "and": [
            {"conversation": {"waitingSince": {"longerAgoThan": {"hours": 2}}}},
            {"conversation": {"count": {"atLeast": 2}}},
            {"rating": {"is": {"atMost": 2}}},
        ]
    }
    found = await asking.explain(crowd, person, rule)
    assert found is not None
    long, several, unhappy = found.below
    assert (long.holds, long.flips_at) == (False, NOW + timedelta(hours=1))
    assert long.because == {"measured": 0, "conversations": []}
    assert (several.kind, several.path, several.holds) == ("conversation", "rule.and.1.conversation", True)
    assert several.because == {
        "measured": 2,
        "conversations": [
            {
                "id": public_id("conversation", talk.id),
                "status": talk.status,
                "waitingSince": talk.waiting_since,
                "closedAt": talk.closed_at,
            }
            for talk in (waiting, closed)
        ],
    }
    assert unhappy == Verdict("rating", "rule.and.2.rating", True, None, {"value": 2})
    nothing = await asking.explain(crowd, other, rule)
    assert nothing is not None
    assert [(inner.holds, inner.because) for inner in nothing.below] == [
        (False, {"measured": 0, "conversations": []}),
        (False, {"measured": 0, "conversations": []}),
        (False, {}),
    ]


async def test_nobody_elses_customer_is_explained(asking: Asking) -> None:
    mine, theirs = (Crowd(new_id(), [somebody()], []) for _ in range(2))
    await asking.insert(mine)
    await asking.insert(theirs)
    assert await asking.explain(mine, theirs.people[0], {"createdAt": {"is": {"on": "2027-12-20"}}}) is None
