"""Parcelvoy: lists and users."""

import json
from typing import Any

import pytest

from tests.doors.conftest import Ready, Send

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
IS_PRO = {"uuid": "u", "type": "string", "group": "user", "path": "$.plan", "operator": "=", "value": "pro"}


async def named(silocdp: Send, *names: str, **said: Any) -> list[str]:
    bodies = [{"externalId": name, "email": f"{name}@example.com", **said} for name in names]
    return [(await silocdp("POST", "/subscribers", body)).json()["data"]["id"] for body in bodies]


async def test_lists_are_segments_by_number(parcelvoy: Send, silocdp: Send, ready: Ready) -> None:
    await named(silocdp, "ann", attributes={"plan": "pro"})
    for name, rules in (
        ("Pros", [PRO]),
        ("By hand", []),
        ("Buyers", [{"event": {"name": "b", "count": {"equals": 2}}}]),
    ):
        await silocdp("POST", "/segments", {"name": name, "rules": rules})
    await ready()
    page = (await parcelvoy("/lists")).json()
    first = page["results"][0]
    assert first.pop("created_at") == first.pop("updated_at") > "2026"
    rule = first.pop("rule")
    assert first == {
        "id": 1,
        "name": "Pros",
        "type": "dynamic",
        "state": "ready",
        "version": 1,
        "users_count": 1,
        "tags": [],
        "progress": None,
    }
    (child,) = rule.pop("children")
    assert (rule["type"], rule["group"], rule["operator"]) == ("wrapper", "user", "and")
    assert child == {**IS_PRO, "uuid": child["uuid"]}
    shown = [(one["id"], one["type"], one["rule"]) for one in page["results"][1:]]
    assert shown == [(2, "static", None), (3, "dynamic", None)]
    assert (page["nextCursor"], page["prevCursor"], page["limit"]) == ("", "", 25)


async def test_lists_are_ordered_searched_and_paged(parcelvoy: Send, silocdp: Send) -> None:
    for name in ("beta", "Alpha", "gamma"):
        await silocdp("POST", "/segments", {"name": name})

    async def found(**query: Any) -> list[int]:
        return [one["id"] for one in (await parcelvoy("/lists", **query)).json()["results"]]

    assert await found() == await found(limit=-1) == [1, 2, 3]
    assert await found(direction="desc") == [3, 2, 1]
    assert await found(sort="name") == [2, 1, 3]
    assert await found(sort="created_at", direction="desc") == await found(sort="updated_at", direction="desc")
    assert await found(q="ALPH") == await found(id=2) == [2]
    assert await found(tag="x") == []
    first = (await parcelvoy("/lists", limit=2)).json()
    second = (await parcelvoy("/lists", limit=2, cursor=first["nextCursor"])).json()
    assert ([one["id"] for one in second["results"]], second["nextCursor"]) == ([3], "")
    back = (await parcelvoy("/lists", limit=2, cursor=second["prevCursor"], page="prev")).json()
    assert back == first


async def test_users_are_shown_whole(parcelvoy: Send, silocdp: Send, track: Send) -> None:
    said = {
        "attributes": {"plan": "pro"},
        "phone": "+14155552671",
        "anonymousId": "b",
        "timezone": "UTC",
        "locale": "de",
    }
    (ann,) = await named(silocdp, "ann", **said)
    await track("PUT", "/api/v1/customers/ann/devices", {"device": {"id": "t", "platform": "ios"}})
    (user,) = (await parcelvoy("/users")).json()["results"]
    assert user.pop("created_at") > "2026" < user.pop("updated_at")
    assert user == {
        "id": ann,
        "external_id": "ann",
        "anonymous_id": "b",
        "email": "ann@example.com",
        "phone": "+14155552671",
        "timezone": "UTC",
        "locale": "de",
        "data": {"plan": "pro"},
        "devices": [{"device_id": "t", "token": "t", "os": "ios"}],
    }


async def test_users_are_found_and_paged_both_ways(parcelvoy: Send, silocdp: Send) -> None:
    ids = await named(silocdp, "ann", "bob", "cy")
    await silocdp("PUT", f"/subscribers/{ids[2]}", {"attributes": {"plan": "pro"}})

    async def found(**query: Any) -> list[str]:
        return [one["external_id"] for one in (await parcelvoy("/users", **query)).json()["results"]]

    assert await found() == await found(limit=-1) == await found(q="EXAMPLE.com") == ["ann", "bob", "cy"]
    assert await found(direction="desc", limit=2) == ["cy", "bob"]
    assert await found(q="bob@") == await found(id=ids[1]) == ["bob"]
    assert await found(tag="x") == await found(q="nobody") == []
    assert await found(filter=json.dumps(IS_PRO)) == ["cy"]
    assert await found(filter=json.dumps({**IS_PRO, "operator": "!="}), q="bo") == ["bob"]
    for direction in ("asc", "desc"):
        seen, cursor = [], ""
        while True:
            page = (await parcelvoy("/users", limit=1, direction=direction, cursor=cursor)).json()
            seen += [one["external_id"] for one in page["results"]]
            cursor = page["nextCursor"]
            if not cursor:
                break
        assert seen == (["ann", "bob", "cy"] if direction == "asc" else ["cy", "bob", "ann"])
        back = (await parcelvoy("/users", limit=1, direction=direction, cursor=page["prevCursor"])).json()
        assert [one["external_id"] for one in back["results"]] == ["bob"]


async def test_a_tenant_sees_its_own(parcelvoy: Send, silocdp: Send, foreign_key: str) -> None:
    (ann,) = await named(silocdp, "ann")
    await silocdp("POST", "/segments", {"name": "Mine"})
    for path, query in (("/lists", {}), ("/users", {}), ("/users", {"id": ann})):
        assert (await parcelvoy(path, key=foreign_key, **query)).json()["results"] == []


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("/lists", {"limit": 0}, "limit: must not be 0"),
        ("/lists", {"cursor": "x"}, "cursor: is not the cursor of a page"),
        ("/lists", {"sort": "size"}, "sort: must be 'id', 'name', 'created_at' or 'updated_at'"),
        ("/users", {"id": "5"}, "id: is not the id of a customer (cust_…)"),
        ("/users", {"filter": "{"}, "filter: is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
        (
            "/users",
            {"filter": json.dumps({**IS_PRO, "type": "number"})},
            "filter.value: must be a number",
        ),
        ("/users", {"q": "x" * 1001}, "q: must be at most 1000 characters long"),
    ],
)
async def test_bad_questions_are_refused(parcelvoy: Send, path: str, query: dict[str, Any], error: str) -> None:
    answer = await parcelvoy(path, **query)
    assert (answer.status_code, answer.json()) == (422, {"status": "error", "error": error})


async def test_what_is_not_there_is_plain_text(parcelvoy: Send) -> None:
    answer = await parcelvoy("/nothing")
    assert (answer.status_code, answer.text) == (404, "Not Found")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
