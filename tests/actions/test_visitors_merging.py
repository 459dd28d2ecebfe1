"""What becomes of visitors and conversations when customers are merged, parted, deleted or erased.

A merge, right or wrong, changes whose conversation it is for agents. It never shows a visitor anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations import send_message, start_conversation
from app.actions.customers import delete_customer, erase_customer
from app.actions.visitors import identify_visitor, see_page
from app.core.errors import Conflict, Overloaded, Unauthenticated
from app.core.feed import conversation_topic, customer_topic, visitor_topic
from app.core.ids import new_id
from models import (
    Conversation,
    ConversationTag,
    Customer,
    FeedEntry,
    FeedTopic,
    File,
    Job,
    Merge,
    Message,
    MessageFile,
    MessageRevision,
    Visitor,
    VisitorPage,
)
from tests.actions.people import People, by_id, ext
from tests.actions.visiting import SHOP, Browser, Site


@pytest.fixture
async def site(people: People) -> Site:
    return await Site.built(people)


async def owners(site: Site) -> dict[object, object]:
    """The customer of each conversation."""
    return {row["id"]: row["customer_id"] for row in await site.people.rows(Conversation)}


async def heard(site: Site, browser: Browser) -> list[tuple[str, object]]:
    """What the visitor's own topic says: kinds and conversations."""
    topic = visitor_topic(browser.id)
    return [(row["kind"], row["subject_id"]) for row in await site.people.rows(FeedEntry) if row["topic"] == topic]


async def test_a_wrong_merge_reveals_nothing_to_any_visitor(site: Site) -> None:
    ann, bob = await site.proven("ann"), await site.proven("bob")
    of_ann, of_bob = await ann.says("the code of my alarm is 1234"), await bob.says("hello")
    stranger = await site.browser()
    of_stranger = await stranger.says("who am I?")
    first = {"ann": await heard(site, ann), "bob": await heard(site, bob)}
    await site.people.merge(ext("bob"), ext("ann"))
    assert (await ann.sees(), await bob.sees()) == ({of_ann}, {of_bob})
    assert {"ann": await heard(site, ann), "bob": await heard(site, bob)} == first
    await site.people.do(send_message, conversation_id=of_ann, text="1234 it is")
    again = await ann.says("thank you", of_ann)
    assert again == of_ann
    assert await heard(site, bob) == first["bob"]
    ann_too, bob_too = await site.proven("ann"), await site.proven("bob")
    assert (await ann_too.sees(), await bob_too.sees()) == ({of_ann}, {of_bob})
    assert await stranger.sees() == {of_stranger}
    with pytest.raises(Conflict):
        await site.people.do(start_conversation, customer_id=(await owners(site))[of_bob], text="Whom do I mean?")


async def test_an_unmerge_puts_conversations_back_and_what_was_said_since(site: Site) -> None:
    ann, bob = await site.proven("ann"), await site.proven("bob")
    before = {await ann.says("a"): "ann", await bob.says("b"): "bob"}
    names = await site.people.names()
    merge_id = await site.people.merge(ext("bob"), ext("ann"))
    customers = {"ann": names["external_id", "ann"], "bob": names["external_id", "bob"]}
    assert set((await owners(site)).values()) == {customers["bob"]}
    ann_later, bob_later = await site.proven("ann"), await site.proven("bob")
    since = {
        await _new_talk(site, ann): "ann",
        await _new_talk(site, bob): "bob",
        await _new_talk(site, ann_later): "ann",
        await _new_talk(site, bob_later): "bob",
    }
    await site.people.unmerge(merge_id)
    assert await owners(site) == {talk: customers[who] for talk, who in (before | since).items()}
    belongs = {row["id"]: row["customer_id"] for row in await site.people.rows(Visitor)}
    assert belongs == {
        ann.id: customers["ann"],
        ann_later.id: customers["ann"],
        bob.id: customers["bob"],
        bob_later.id: customers["bob"],
    }
    assert await ann.sees() == {talk for talk, who in (before | since).items() if who == "ann"}


async def _new_talk(site: Site, browser: Browser) -> object:
    """A conversation that an agent begins with the visitor."""
    said = await site.people.do(start_conversation, visitor_id=browser.id, text="hello again")
    return said.conversation.id


async def test_parting_at_the_bottom_of_a_chain_brings_everything_back(site: Site) -> None:
    browsers = {name: await site.proven(name) for name in ("ann", "bob", "eve")}
    talks = {await browser.says(name): name for name, browser in browsers.items()}
    names = await site.people.names()
    customers = {name: names["external_id", name] for name in browsers}
    first = await site.people.merge(ext("bob"), ext("ann"))
    late = await site.proven("ann")
    talks[await _new_talk(site, late)] = "ann"
    second = await site.people.merge(ext("eve"), ext("bob"))
    latest = await site.proven("ann")
    talks[await _new_talk(site, latest)] = "ann"
    assert set((await owners(site)).values()) == {customers["eve"]}
    await site.people.unmerge(first)
    apart = {talk: customers["ann"] if name == "ann" else customers["eve"] for talk, name in talks.items()}
    assert await owners(site) == apart
    await site.people.unmerge(second)
    assert await owners(site) == {talk: customers[name] for talk, name in talks.items()}


async def test_what_happens_at_once_leaves_every_conversation_with_its_visitor(site: Site) -> None:
    """Somebody proves who they are, says something, is merged and is parted, all at the same time."""
    browsers = {name: [await site.browser() for _ in range(2)] for name in ("ann", "bob")}
    for name in browsers:
        await site.people.identify(external_id=name)

    async def again(action: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        while True:
            try:
                return await action(*given)
            except Overloaded:
                continue

    async def merged_and_parted() -> None:
        for _ in range(2):
            merge_id = await again(site.people.merge, ext("bob"), ext("ann"))
            await again(site.people.unmerge, merge_id)
        await again(site.people.merge, ext("bob"), ext("ann"))

    def at_once(name: str, browser: Browser) -> list[Awaitable[Any]]:
        words = [again(browser.says, "hello") for _ in range(3)]
        return [again(site.proven, name, browser), *words]

    doings = [one for name, mine in browsers.items() for browser in mine for one in at_once(name, browser)]
    await asyncio.gather(merged_and_parted(), *doings)
    names = await site.people.names()
    visitors = {row["id"]: row for row in await site.people.rows(Visitor)}
    assert {row["customer_id"] for row in visitors.values()} == {names["external_id", "bob"]}
    for talk in await site.people.rows(Conversation):
        visitor = visitors[talk["visitor_id"]]
        assert (talk["customer_id"], talk["proven_id"]) == (visitor["customer_id"], visitor["proven_id"])
    (standing,) = [row for row in await site.people.rows(Merge) if row["unmerged_at"] is None]
    await site.people.unmerge(standing["id"])
    names = await site.people.names()
    for row in [*await site.people.rows(Visitor), *await site.people.rows(Conversation)]:
        assert row["customer_id"] == names["external_id", row["proven_id"]]
    assert names["external_id", "ann"] != names["external_id", "bob"]


async def test_agents_are_told_whose_a_conversation_is(site: Site) -> None:
    ann = await site.proven("ann")
    talk = await ann.says("a")
    bob = (await site.people.identify(external_id="bob")).customer_id
    await site.people.merge(by_id(bob), ext("ann"))
    told = [row for row in await site.people.rows(FeedEntry) if row["topic"] == conversation_topic(talk)]
    assert (told[-1]["kind"], told[-1]["data"]) == ("conversation.changed", {"customer": bob.hex})


async def test_erasing_takes_visitors_and_conversations_along(site: Site) -> None:
    ann, bob = await site.proven("ann"), await site.proven("bob")
    talk, kept = await ann.says("secret"), await bob.says("mine")
    await site.people.do(send_message, conversation_id=talk, text="noted")
    await ann.do(see_page, url=f"{SHOP}/a")
    keys = [await a_file(site, ann, talk), await a_file(site, ann), await a_file(site, bob, kept)]
    erased = (await site.visitor(ann))["customer_id"]
    receipt = await site.people.do(erase_customer, customer=ext("ann"))
    counts = {name: receipt.counts[name] for name in ("conversation", "message", "visitor", "visitor_page", "file")}
    assert counts == {"conversation": 1, "message": 2, "visitor": 1, "visitor_page": 1, "file": 2}
    assert [row["id"] for row in await site.people.rows(Visitor)] == [bob.id]
    assert list(await owners(site)) == [kept]
    assert [row["text"] for row in await site.people.rows(Message)] == ["mine"]
    assert [row["storage_key"] for row in await site.people.rows(File)] == keys[2:]
    jobs = [row for row in await site.people.rows(Job) if row["kind"] == "files.erase"]
    assert [sorted(job["payload"]["keys"]) for job in jobs] == [sorted(keys[:2])]
    for table in (VisitorPage, MessageRevision, ConversationTag):
        assert await site.people.rows(table) == []
    gone = {conversation_topic(talk), visitor_topic(ann.id), customer_topic(erased)}
    assert gone.isdisjoint({row["topic"] for table in (FeedEntry, FeedTopic) for row in await site.people.rows(table)})
    with pytest.raises(Unauthenticated):
        await ann.do(identify_visitor, user_id="ann")
    assert (await site.open(visitor_token=ann.opened.token)).visitor.id != ann.id


async def a_file(site: Site, browser: Browser, talk: object = None) -> str:
    """The storage key of a file that the visitor has uploaded, and sent in a conversation, if one is given."""
    key = new_id()
    file = {"id": key, "name": "a.png", "size": 1, "mime_type": "image/png", "sha256": "0" * 64, "storage_key": key.hex}
    async with site.units.write(site.people.principal) as tx:
        uploader = {"uploader_kind": "visitor", "visitor_id": browser.id, "created_at": tx.now}
        await tx.insert(File, [{**file, **uploader}])
        if talk is not None:
            first = select(col(Message.id)).where(col(Message.conversation_id) == talk, col(Message.seq) == 1)
            message_id = (await tx.session.execute(first)).scalar_one()
            await tx.insert(MessageFile, [{"message_id": message_id, "file_id": key, "place": 0}])
    return key.hex


async def test_who_was_deleted_and_comes_back_has_what_they_said(site: Site) -> None:
    ann = await site.proven("ann")
    talk = await ann.says("a")
    old = (await site.visitor(ann))["customer_id"]
    await site.people.do(delete_customer, customer=ext("ann"))
    assert await owners(site) == {talk: old}
    again = await site.proven("ann")
    new = (await site.visitor(again))["customer_id"]
    assert new != old
    assert await owners(site) == {talk: new}
    assert (await site.visitor(ann))["customer_id"] == new
    assert {row["id"]: row["status"] for row in await site.people.rows(Customer)} == {old: "deleted", new: "active"}


async def test_a_deleted_customer_is_erased_with_everything(site: Site) -> None:
    ann = await site.proven("ann")
    await ann.says("a")
    old = (await site.visitor(ann))["customer_id"]
    await site.people.do(delete_customer, customer=ext("ann"))
    await site.people.do(erase_customer, customer=by_id(old))
    for table in (Visitor, Conversation, Message):
        assert await site.people.rows(table) == []
