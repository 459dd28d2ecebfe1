"""Saved views of the inbox: one's own are nobody else's, shared ones are everybody's."""

from dataclasses import replace
from typing import Any

import pytest

from app.actions.conversations import saved_views
from app.actions.conversations.saved_views import (
    create_saved_view,
    delete_saved_view,
    list_saved_views,
    update_saved_view,
)
from app.core.access import Principal, Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RapportError
from app.core.ids import new_id
from models import SavedView
from tests.actions.people import People
from tests.actions.talking import Office

MINE = {"status": ["OPEN"], "mine": True, "orderBy": "WAITING_LONGEST"}


async def seen(people: People) -> list[str]:
    return [view.name for view in await people.read(list_saved_views)]


async def test_views_are_one_s_own_or_everybody_s(office: Office, strangers: People) -> None:
    ann, bob = await office.colleague("Ann"), await office.colleague("Bob")
    reads = replace(bob.principal, scopes=frozenset({Scope.CONVERSATIONS_READ}))
    bob = type(bob)(office.units, reads)
    key = People(office.units, Principal("api_key", office.tenant_id, new_id(), scopes=ann.principal.scopes))
    own = await ann.do(create_saved_view, name=" Mine ", filter=MINE)
    shared = await ann.do(create_saved_view, name="Urgent", filter={"priority": ["URGENT"], "tag": None}, shared=True)
    bobs = await bob.do(create_saved_view, name="Bob's", filter={})
    keys = await key.do(create_saved_view, name="From a key", filter={}, shared=True)
    assert (own.name, own.user_id, own.filter) == ("Mine", ann.principal.id, MINE)
    assert (await seen(ann), await seen(bob)) == (["From a key", "Mine", "Urgent"], ["Bob's", "From a key", "Urgent"])
    assert (await seen(key), await seen(strangers)) == (["From a key", "Urgent"], [])

    changed = await ann.do(update_saved_view, saved_view_id=own.id, filter={"unread": True}, name="Unread")
    assert (changed.name, changed.filter, changed.created_at) == ("Unread", {"unread": True}, own.created_at)
    before = await ann.rows(SavedView)

    async def refused(people: People, kind: type[RapportError], action: Any, **given: Any) -> None:
        with pytest.raises(kind):
            await people.do(action, **given)

    for who in (bob, office.owner, strangers, key):
        await refused(who, NotFound, update_saved_view, saved_view_id=own.id, name="Stolen")
        await refused(who, NotFound, delete_saved_view, saved_view_id=own.id)
    await refused(bob, Forbidden, delete_saved_view, saved_view_id=shared.id)
    await refused(bob, Forbidden, update_saved_view, saved_view_id=bobs.id, shared=True)
    await refused(bob, Forbidden, create_saved_view, name="x", filter={}, shared=True)
    await refused(key, Forbidden, create_saved_view, name="x", filter={})
    await refused(await office.visitor(), Forbidden, create_saved_view, name="x", filter={})
    assert await ann.rows(SavedView) == before

    await ann.do(update_saved_view, saved_view_id=own.id, shared=True)
    await ann.do(update_saved_view, saved_view_id=keys.id, shared=False)
    assert await seen(office.owner) == ["Unread", "Urgent"]
    await ann.do(delete_saved_view, saved_view_id=shared.id)
    await bob.do(delete_saved_view, saved_view_id=bobs.id)
    assert (await seen(ann), await seen(bob)) == (["From a key", "Unread"], ["Unread"])


async def test_filters_have_the_fields_of_the_inbox(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, document, field in (
        ("x", {"colour": "red"}, "filter.colour"),
        ("x", {"status": "OPEN"}, "filter.status"),
        ("x", {"status": [1]}, "filter.status"),
        ("x", {"mine": "yes"}, "filter.mine"),
        ("x", {"teamId": 5}, "filter.teamId"),
        ("x", {"search": "x" * 1001}, "filter.search"),
        ("x", {"status": ["OPEN" * 200] * 10}, "filter"),
        ("x", ["OPEN"], "filter"),
        (" ", {}, "name"),
        ("x" * 101, {}, "name"),
    ):
        with pytest.raises(Invalid) as refused:
            await people.do(create_saved_view, name=name, filter=document)
        assert refused.value.field == field
    assert await people.rows(SavedView) == []
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    await people.do(create_saved_view, name="One", filter={})
    await people.do(create_saved_view, name="One", filter={}, shared=True)
    with pytest.raises(Conflict):
        await people.do(create_saved_view, name="Two", filter={})
