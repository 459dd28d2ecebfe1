"""The CRM: segments by criteria, their members, and finding customers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.ids import public_id
from tests.doors.conftest import ReadAll, Ready, Send
from tests.tenants import TenantAccount

GOLD = {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}
ENGAGED = {"field": "engagementScore", "operator": "gte", "value": 70}
CRITERIA = {"combinator": "AND", "rules": [ENGAGED, GOLD]}
Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def own(tenant: TenantAccount) -> str:
    """The public id of the first tenant."""
    return public_id("tenant", tenant.id)


@pytest.fixture
def make(crm: Send, own: str) -> Make:
    """``await make(criteria={…})`` is the segment as it was shown when it was created."""

    async def create(**said: Any) -> dict[str, Any]:
        kind = "DYNAMIC" if "criteria" in said else "STATIC"
        answer = await crm("POST", "/segments", {"tenantId": own, "name": "Best", "type": kind, **said})
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["data"])

    return create


async def save(silocdp: Send, name: str, **attributes: Any) -> str:
    said = {"externalId": name, "email": f"{name}@example.com", "attributes": attributes}
    return str((await silocdp("POST", "/subscribers", said)).json()["data"]["id"])


async def test_a_segment_and_its_members(crm: Send, silocdp: Send, make: Make, ready: Ready, own: str) -> None:
    ann = await save(silocdp, "ann", firstName="Ann", lastName="Lee", engagementScore=75, membershipTier="Gold")
    await save(silocdp, "bob", engagementScore=60, membershipTier="Gold")
    await save(silocdp, "cy", engagementScore=99, membershipTier="Silver")
    made = await make(description="d", criteria=CRITERIA)
    assert made["lastRefreshedAt"] is None
    await ready()
    shown = (await crm("GET", f"/segments/{made['id']}")).json()["data"]
    refreshed, synced = shown.pop("lastRefreshedAt"), shown.pop("lastSyncedAt")
    assert refreshed == synced > shown.pop("createdAt")
    assert shown.pop("updatedAt") > "2026"
    row = {
        "id": made["id"],
        "name": "Best",
        "type": "DYNAMIC",
        "isActive": True,
        "memberCount": 1,
        "messagingSegmentId": made["id"],
    }
    assert shown == row | {"tenantId": own, "description": "d", "criteria": CRITERIA, "createdBy": None}
    listed = (await crm("GET", f"/segments?tenantId={own}")).json()
    assert listed["meta"] == {"total": 1, "skip": 0, "take": 25, "hasMore": False}
    assert {name: listed["data"][0][name] for name in row} == row
    assert set(listed["data"][0]) == {*row, "lastRefreshedAt", "lastSyncedAt", "createdAt"}
    members = (await crm("GET", f"/segments/{made['id']}/members")).json()
    assert members["data"][0].pop("joinedSegmentAt") > "2026"
    names = {"id": ann, "email": "ann@example.com", "firstName": "Ann", "lastName": "Lee", "engagementScore": 75.0}
    assert members == {"data": [names], "meta": {"total": 1, "skip": 0, "take": 25, "hasMore": False}}


async def test_a_segment_is_changed_refreshed_synced_and_deleted(crm: Send, make: Make, ready: Ready) -> None:
    segment = (await make(criteria=CRITERIA))["id"]
    await ready()
    only = {"combinator": "OR", "rules": [GOLD]}
    changed = await crm("PATCH", f"/segments/{segment}", {"name": "Gold", "criteria": only})
    assert changed.status_code == 200
    assert {name: changed.json()["data"][name] for name in ("name", "description", "criteria")} == {
        "name": "Gold",
        "description": "",
        "criteria": only,
    }
    await ready()
    refreshed = await crm("POST", f"/segments/{segment}/refresh")
    assert (refreshed.status_code, refreshed.json()["data"]["lastRefreshedAt"]) == (200, None)
    await ready()
    synced = (await crm("POST", f"/segments/{segment}/sync-to-messaging")).json()["data"]
    assert (synced["messagingSegmentId"], synced["lastSyncedAt"] > "2026") == (segment, True)
    deleted = await crm("DELETE", f"/segments/{segment}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = await crm("GET", f"/segments/{segment}")
    error = {"code": "RESOURCE_NOT_FOUND", "message": "id: No such segment.", "requestId": "test"}
    assert (gone.status_code, gone.json()) == (404, {"error": error})


async def test_segments_are_listed_by_type_and_in_parts(crm: Send, make: Make, own: str) -> None:
    made = [(await make(**({"criteria": CRITERIA} if n else {})))["id"] for n in range(3)]

    async def listed(query: str) -> tuple[list[str], dict[str, Any]]:
        answer = (await crm("GET", f"/segments?tenantId={own}{query}")).json()
        return [row["id"] for row in answer["data"]], answer["meta"]

    assert await listed("&type=DYNAMIC&take=1") == (made[1:2], {"total": 2, "skip": 0, "take": 1, "hasMore": True})
    assert await listed("&skip=2") == (made[2:], {"total": 3, "skip": 2, "take": 25, "hasMore": False})
    assert (await listed("&type=STATIC&isActive=true"))[0] == made[:1]
    assert (await listed("&type=SMART"))[0] == (await listed("&isActive=false"))[0] == []


async def test_customers_are_found_by_what_is_asked(
    crm: Send, silocdp: Send, make: Make, own: str, ready: Ready
) -> None:
    ann = await save(silocdp, "ann", firstName="Ann", engagementScore=75, churnRiskScore=15.5, lifecycleStage="LEAD")
    bob = await save(silocdp, "bob", firstName="Bob", engagementScore=10, churnRiskScore=80)
    await silocdp("PUT", f"/subscribers/{bob}", {"optIn": {"email": True}, "phone": "+14155552671"})
    segment = (await make(criteria={"combinator": "AND", "rules": [{"field": "email", "operator": "exists",
                                                                   "value": True}]}))["id"]  # fmt: skip
    await ready()

    async def found(query: str) -> list[str]:
        answer = (await crm("GET", f"/customers?tenantId={own}{query}")).json()
        assert answer["meta"]["total"] == len(answer["data"]), answer
        return [row["id"] for row in answer["data"]]

    everybody = [ann, bob]
    assert await found("") == await found("&status=ACTIVE") == await found(f"&segmentId={segment}") == everybody
    assert await found("&search=ANN@") == await found("&search=Ann") == [ann]
    assert await found("&search=415555") == await found("&emailOptIn=true") == [bob]
    assert await found(f"&segmentId={segment}&emailOptIn=false&engagementMin=75") == [ann]
    assert await found("&churnRiskMin=80") == [bob]
    assert await found("&lifecycleStage=LEAD") == [ann]
    assert await found("&status=INACTIVE") == await found("&status=DELETED") == await found("&status=MERGED") == []
    page = (await crm("GET", f"/customers?tenantId={own}&take=1")).json()
    assert page["meta"] == {"total": 2, "skip": 0, "take": 1, "hasMore": True}
    assert page["data"] == [
        {
            "id": ann,
            "email": "ann@example.com",
            "firstName": "Ann",
            "lastName": None,
            "status": "ACTIVE",
            "engagementScore": 75.0,
            "churnRiskScore": 15.5,
            "lastActivityAt": None,
        }
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tenantId": None}, "tenantId: must be text"),
        ({"name": ""}, "name: must not be empty"),
        ({"type": "SMART"}, "type: must be 'STATIC' or 'DYNAMIC'"),
        ({"criteria": None}, "criteria: is required"),
        ({"type": "STATIC"}, "criteria: must be left out of a STATIC one"),
        ({"criteria": {"combinator": "AND", "rules": []}}, "criteria.rules: must not be empty"),
        (
            {"criteria": {"combinator": "OR", "rules": [GOLD, {**ENGAGED, "value": "70"}]}},
            "criteria.rules.1.value: must be a number",
        ),
        (
            {"criteria": {"combinator": "OR", "rules": [{"rule": {"event": {"name": "e", "last": {"on": "x"}}}}]}},
            "criteria.rules.0.rule.event.last.on: must be a date such as 2026-03-01",
        ),
    ],
)
async def test_bad_segments_are_refused_and_leave_no_trace(
    crm: Send, own: str, tenant: TenantAccount, contents: ReadAll, changes: dict[str, Any], message: str
) -> None:
    before = await contents(tenant)
    body = {"tenantId": own, "name": "Best", "type": "DYNAMIC", "criteria": CRITERIA} | changes
    answer = await crm("POST", "/segments", body)
    error = {"code": "VALIDATION_ERROR", "message": message, "requestId": "test"}
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert await contents(tenant) == before


async def test_what_cannot_be_asked(crm: Send, make: Make, own: str) -> None:
    for path in ("/segments", "/customers"):
        missing = await crm("GET", path)
        assert (missing.status_code, missing.json()["error"]["message"]) == (400, "tenantId: is required")
    foreign = await crm("GET", f"/segments?tenantId={'tn_' + '0' * 32}")
    assert (foreign.status_code, foreign.json()["error"]["message"]) == (404, "tenantId: No such tenant.")
    for query, message in (
        ("take=101", "take: must be less than or equal to 100"),
        ("engagementMin=nan", "query: must be a finite number of at most 64 bits"),
        ("segmentId=5", "segmentId: is not the id of a segment (seg_…)"),
    ):
        answer = await crm("GET", f"/customers?tenantId={own}&{query}")
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)
    unknown = await crm("GET", f"/customers?tenantId={own}&segmentId=seg_{'0' * 32}")
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "segmentId: No such segment.")
    static = (await make())["id"]
    for method, path, body in (("PATCH", "", {"criteria": CRITERIA}), ("POST", "/refresh", None)):
        assert (await crm(method, f"/segments/{static}{path}", body)).status_code == 400
    off = await crm("PATCH", f"/segments/{static}", {"isActive": False})
    assert (off.status_code, off.json()["error"]["message"]) == (400, "isActive: must be True")


async def test_reads_and_writes_are_counted_apart(crm: Send, own: str, make: Make) -> None:
    await make()
    read = await crm("GET", f"/segments?tenantId={own}")
    written = await crm("PATCH", f"/segments/seg_{'0' * 32}", {})
    assert (read.headers["x-ratelimit-limit"], read.headers["x-ratelimit-remaining"]) == ("1000", "999")
    assert (written.headers["x-ratelimit-limit"], written.headers["x-ratelimit-remaining"]) == ("100", "98")
