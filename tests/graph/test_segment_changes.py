"""Following a segment: who enters and leaves, in order, each once, and honest about what cannot be replayed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.access import Scope, system
from app.core.feed import trim_feed
from app.core.ids import new_id, public_id
from resolvers.protocol import Refused
from tests.graph.callers import Caller
from tests.graph.mutations import PRO
from tests.graph.test_mutations import make_segment, mutate
from tests.graph.test_segments import build, person

CHANGES = """subscription($id: ID!, $after: String) {
    segmentChanges(segmentId: $id, after: $after) {
        __typename
        ... on FeedItem { cursor }
        ... on SegmentChange { change cause changedAt customer { externalId } }
        ... on FeedGap { reason }
    }
}"""


@pytest.fixture
async def segment(owner: Caller) -> str:
    """The id of a segment of those on the pro plan."""
    key = await make_segment(owner, "pros", PRO)
    await build(owner, key)
    return key


async def move(owner: Caller, name: str, plan: str) -> None:
    await person(owner, name, attributes={"plan": plan})


async def cursor_of(owner: Caller, segment: str) -> str:
    found = await owner.data("query($id: ID!) { segment(id: $id) { snapshotCursor } }", id=segment)
    return str(found["segment"]["snapshotCursor"])


def told(payload: Any) -> tuple[str, str, str]:
    return payload["change"], payload["customer"]["externalId"], payload["cause"]


async def test_who_enters_and_leaves_is_told_as_it_happens(owner: Caller, segment: str) -> None:
    await move(owner, "early", "pro")
    async with owner.follow(CHANGES, id=segment) as stream:
        first = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0.2)
        await move(owner, "ada", "pro")
        assert told(await first)[:2] == ("ENTERED", "ada")
        await move(owner, "ada", "free")
        assert told(await stream.next()) == ("LEFT", "ada", "attribute:plan")


async def test_after_a_cursor_nothing_is_missed_or_doubled(owner: Caller, segment: str) -> None:
    await move(owner, "ada", "pro")
    cursor = await cursor_of(owner, segment)
    for name, plan in (("bob", "pro"), ("ada", "free"), ("bob", "free"), ("bob", "pro")):
        await move(owner, name, plan)
    expected = [("ENTERED", "bob"), ("LEFT", "ada"), ("LEFT", "bob"), ("ENTERED", "bob")]
    async with owner.follow(CHANGES, id=segment, after=cursor) as stream:
        payloads = await stream.take(4)
    assert [told(payload)[:2] for payload in payloads] == expected
    async with owner.follow(CHANGES, id=segment, after=payloads[1]["cursor"]) as stream:
        assert [told(payload)[:2] for payload in await stream.take(2)] == expected[2:]


async def test_what_was_trimmed_is_a_gap(owner: Caller, segment: str) -> None:
    cursor = await cursor_of(owner, segment)
    await move(owner, "ada", "pro")
    async with owner.house.write(system()) as tx:
        while await trim_feed(tx.session, clock.now() + timedelta(seconds=1)):
            pass
    await move(owner, "bob", "pro")
    async with owner.follow(CHANGES, id=segment, after=cursor) as stream:
        gap, entered = await stream.take(2)
    assert (gap["__typename"], gap["reason"]) == ("FeedGap", "TRIMMED")
    assert told(entered)[:2] == ("ENTERED", "bob")


async def test_only_who_may_follows_and_only_what_is_theirs(owner: Caller, stranger: Caller, segment: str) -> None:
    async def refusal(caller: Caller, key: str, **more: Any) -> str:
        async with caller.follow(CHANGES, id=key, **more) as stream:
            with pytest.raises(Refused) as refused:
                await stream.next()
        return refused.value.answer.body.decode()

    assert "segments:read" in await refusal(owner.without(Scope.SEGMENTS_READ), segment)
    assert "UNAUTHENTICATED" in await refusal(owner.nobody, segment)
    for caller, key in ((stranger, segment), (owner, public_id("segment", new_id()))):
        assert '"code":"NOT_FOUND","field":"segmentId"' in await refusal(caller, key)
    assert '"code":"INVALID","field":"after"' in await refusal(owner, segment, after="nonsense")
    await mutate(owner, "deleteSegment", {"segmentId": segment}, "segmentId")
    assert '"code":"NOT_FOUND","field":"segmentId"' in await refusal(owner, segment)
