"""SiloCDP ``/segments``."""

from typing import Any

import pytest

from app.core.ids import new_id, public_id
from tests.doors.conftest import ReadAll, Ready, Send
from tests.tenants import TenantAccount

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
BUYER = {"event": {"name": "purchase", "count": {"atLeast": 2}}}


async def make(silocdp: Send, **said: Any) -> str:
    answer = await silocdp("POST", "/segments", said)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"data": {"id": answer.json()["data"]["id"]}, "success": True}
    return str(answer.json()["data"]["id"])


async def test_a_segment_is_created_counted_changed_and_deleted(silocdp: Send, ready: Ready) -> None:
    for number, plan in enumerate(["pro", "pro", "free"]):
        await silocdp("POST", "/subscribers", {"externalId": f"{number}", "attributes": {"plan": plan}})
    for _ in range(2):
        await silocdp("POST", "/events/track", {"externalId": "1", "event": "purchase"})
    segment = await make(silocdp, name="Pros", description="They pay", rules=[PRO])
    await ready()
    shown = (await silocdp("GET", f"/segments/{segment}")).json()["data"]
    assert shown.pop("createdAt") == shown.pop("updatedAt")
    assert shown == {
        "id": segment,
        "name": "Pros",
        "description": "They pay",
        "type": "dynamic",
        "rules": [PRO],
        "status": "ready",
        "progress": 1.0,
        "subscriberCount": 2,
    }
    changed = await silocdp("PUT", f"/segments/{segment}", {"name": "Buyers", "rules": [PRO, BUYER]})
    assert changed.json() == {"data": {"id": segment}, "success": True}
    await ready()
    shown = (await silocdp("GET", f"/segments/{segment}")).json()["data"]
    assert (shown["name"], shown["description"], shown["rules"]) == ("Buyers", "They pay", [PRO, BUYER])
    assert shown["subscriberCount"] == 1
    await silocdp("POST", "/subscribers", {"externalId": "1", "attributes": {"plan": "free"}})
    assert (await silocdp("GET", f"/segments/{segment}")).json()["data"]["subscriberCount"] == 0
    deleted = await silocdp("DELETE", f"/segments/{segment}")
    assert (deleted.status_code, deleted.json()) == (200, {"data": None, "success": True})
    for method in ("GET", "PUT", "DELETE"):
        gone = await silocdp(method, f"/segments/{segment}", {})
        assert (gone.status_code, gone.json()) == (404, {"errors": ["id: No such segment."], "success": False}), method


async def test_segments_are_listed_by_pages_and_by_type(silocdp: Send) -> None:
    made = [await make(silocdp, name=f"S{n}", rules=[PRO] if n % 2 else []) for n in range(3)]
    page = (await silocdp("GET", "/segments?pageSize=2")).json()["data"]
    assert [item["id"] for item in page.pop("items")] == made[:2]
    assert page == {"totalCount": 3, "page": 1, "pageSize": 2, "hasNextPage": True}
    page = (await silocdp("GET", "/segments?type=static&page=1")).json()["data"]
    assert [(item["id"], item["type"], item["rules"]) for item in page["items"]] == [
        (made[0], "static", []),
        (made[2], "static", []),
    ]
    assert (page["totalCount"], page["hasNextPage"]) == (2, False)


async def test_a_rule_may_stand_alone(silocdp: Send) -> None:
    alone = await make(silocdp, name="Alone", rules={"or": [PRO, BUYER]})
    assert (await silocdp("GET", f"/segments/{alone}")).json()["data"]["rules"] == [{"or": [PRO, BUYER]}]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["name: is required"]),
        ({"name": " ", "rules": [PRO]}, ["name: must not be empty"]),
        ({"name": "S", "rules": 5}, ["rules: must be a list of rules"]),
        (
            {"name": "S", "rules": [PRO, {"attribute": {"name": "plan", "is": {"equals": "free"}}}]},
            ["rules.1.attribute.is.equals: can never be true together with a condition beside it"],
        ),
        (
            {"name": "S", "rules": [{"event": {"name": "e", "count": {"atLeast": "3"}}}]},
            ["rules.0.event.count.atLeast: must be a number"],
        ),
        (
            {"name": "S", "rules": {"and": [PRO, {"device": {"colour": {}}}]}},
            ["rules.and.1.device.colour: is unknown here (known: platform, lastUsedAt)"],
        ),
        (
            {"name": "S", "rules": [{"or": [PRO] * 201}]},
            ["rules.0: must have at most 200 conditions (MAX_CONDITIONS)"],
        ),
    ],
)
async def test_bad_segments_are_refused_and_leave_no_trace(
    silocdp: Send, tenant: TenantAccount, contents: ReadAll, body: dict[str, Any], errors: list[str]
) -> None:
    before = await contents(tenant)
    answer = await silocdp("POST", "/segments", body)
    assert (answer.status_code, answer.json()) == (400, {"errors": errors, "success": False})
    assert await contents(tenant) == before


async def test_rules_keep_to_the_tenants_own_segments(
    silocdp: Send, foreign_key: str, tenant: TenantAccount, other_tenant: TenantAccount, contents: ReadAll, ready: Ready
) -> None:
    segment = await make(silocdp, name="Pros", rules=[PRO])
    await ready()
    before = await contents(tenant), await contents(other_tenant)
    unknown = public_id("segment", new_id())
    for named, key in ((segment, {"key": foreign_key}), (unknown, {})):
        body = {"name": "Theirs", "rules": [{"not": {"segment": {"id": named}}}]}
        answer = await silocdp("POST", "/segments", body, **key)
        assert (answer.status_code, answer.json()["errors"]) == (
            400,
            ["rules.0.not.segment.id: is not one of your segments"],
        )
    assert (await contents(tenant), await contents(other_tenant)) == before


async def test_circles_and_deleting_what_is_used_are_refused(silocdp: Send) -> None:
    used = await make(silocdp, name="Used", rules=[PRO])
    user = await make(silocdp, name="User", rules=[{"segment": {"id": used}}])
    refused = await silocdp("DELETE", f"/segments/{used}")
    assert (refused.status_code, refused.json()["errors"]) == (409, [f"id: The segment is used by {user}."])
    circle = await silocdp("PUT", f"/segments/{used}", {"rules": [PRO, {"segment": {"id": user}}]})
    assert circle.status_code == 409, circle.text
    assert circle.json()["errors"][0].startswith("rules.1.segment.id: ")
    static = await make(silocdp, name="By hand")
    ruled = await silocdp("PUT", f"/segments/{static}", {"rules": [PRO]})
    assert (ruled.status_code, ruled.json()["errors"]) == (400, ["rules.0: a static segment has no rule"])
    emptied = await silocdp("PUT", f"/segments/{used}", {"rules": []})
    assert (emptied.status_code, emptied.json()["errors"]) == (400, ["rules: must not be empty"])
