"""Customer.io's API-triggered broadcasts: the six forms of an audience, both paths, and what of one went wrong."""

from typing import Any

import pytest
from sqlalchemy import select

from app.actions.campaigns import EVERYBODY
from app.actions.segments import create_segment
from app.core.access import Plan, system
from app.rest.customerio import app_wire, triggers
from app.runtime import Runtime
from models import CampaignRun
from tests.doors.campaigns import make_campaign
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

PATH = "/campaigns/4/triggers"
ALL = {"audience": dict(EVERYBODY)}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 6000, 100))
    monkeypatch.setattr(triggers, "TRIGGERS", Plan("trigger", 6000, 100))


async def recipients(runtime: Runtime, tenant: TenantAccount) -> list[Any]:
    """What each run keeps of whom it is for, by number."""
    async with runtime.read(system(tenant.id)) as reading:
        runs = (await reading.session.execute(select(CampaignRun).order_by(CampaignRun.number))).scalars().all()  # type: ignore[arg-type]
        return [run.recipients for run in runs]


async def test_the_six_forms_of_an_audience(
    app_api: Send, track: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 4, "triggered", **ALL)
    ids = []
    for name in ("a", "b"):
        await track("PUT", f"/api/v1/customers/{name}", {"email": f"{name}@example.com"})
        shown = await app_api("GET", f"/customers/{name}/attributes")
        ids.append(shown.json()["customer"]["identifiers"]["cio_id"])
    async with runtime.write(tenant.principal) as tx:
        await create_segment(tx, name="Some")
    named = {"ids": ["a", "b"]}, {"emails": ["b@example.com", "a@example.com"]}
    each = {"per_user_data": [{"id": "a", "data": {"n": 1}}, {"email": "b@example.com"}]}
    bodies = ({"data": {"x": 1}}, {"recipients": {"segment": {"id": 1}}}, *named, each)
    for number, body in enumerate(bodies, 1):
        path = "/api/campaigns/4/triggers" if number % 2 else PATH
        response = await app_api("POST", path, body)
        assert (response.status_code, response.json()) == (200, {"id": number})
    response = await app_api("POST", PATH, {"data_file_url": "https://data.example/people.jsonl"})
    assert response.json() == {"id": 6}
    kept = await recipients(runtime, tenant)
    assert kept[0] is None
    assert set(kept[1]["rule"]) == {"segment"}
    assert kept[2] == {"people": [[ids[0], None], [ids[1], None]]}
    assert kept[3] == {"people": [[ids[1], None], [ids[0], None]]}
    assert kept[4] == {"people": [[ids[0], {"n": 1}], [ids[1], None]]}
    assert kept[5]["url"] == "https://data.example/people.jsonl"
    status = (await app_api("GET", f"{PATH}/1")).json()
    assert (status["id"], status["broadcast_id"], status["data_file_processed"]) == (1, 4, True)
    assert isinstance(status["created_at"], int) and status["state"] in ("preparing", "sending", "completed")


async def test_who_is_missing_fails_the_trigger_and_is_listed(
    app_api: Send, track: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 4, "triggered", **ALL)
    await track("PUT", "/api/v1/customers/a", {})
    refused = await app_api("POST", PATH, {"ids": ["a", "nobody", "none"]})
    detail = "trigger 1 failed: nobody has the external_id nobody and 1 more"
    assert (refused.status_code, refused.json()) == (
        422,
        {
            "errors": [{"detail": detail, "source": {"pointer": "/data/attributes/per_user_data"}, "status": "422"}],
            "meta": {"error": detail},
        },
    )
    errors = await app_api("GET", f"{PATH}/1/errors?limit=1")
    assert errors.json() == {"errors": ["external_id nobody: No such customer."], "next": "1"}
    rest = await app_api("GET", f"{PATH}/1/errors?start=1")
    assert rest.json() == {"errors": ["external_id none: No such customer."], "next": ""}
    status = (await app_api("GET", f"{PATH}/1")).json()
    assert (status["state"], status["recipients_count"]) == ("failed", 0)
    ignoring = await app_api("POST", PATH, {"ids": ["a", "nobody"], "id_ignore_missing": True})
    assert (ignoring.status_code, ignoring.json()) == (200, {"id": 2})
    both = await app_api("POST", PATH, {"emails": ["x@example.com"], "id_ignore_missing": True})
    assert both.status_code == 422


async def test_the_same_key_is_the_same_trigger_also_when_it_failed_or_the_broadcast_stands_still(
    app_api: Send, client: Any, key: str, track: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    broadcast = await make_campaign(runtime, tenant, 4, "triggered", **ALL)
    await track("PUT", "/api/v1/customers/a", {})

    async def trigger(once: str, body: dict[str, Any]) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": once}
        answer = await client.post(f"/customerio/v1{PATH}", json=body, headers=headers)
        return answer.status_code, answer.json()

    failed = await trigger("one", {"ids": ["a", "nobody"]})
    assert failed[0] == 422 and failed[1]["meta"] == {"error": "trigger 1 failed: nobody has the external_id nobody"}
    assert await trigger("one", {"ids": ["a", "nobody"]}) == failed
    assert await trigger("two", {"ids": ["a"], "data": None, "email_ignore_missing": None}) == (200, {"id": 2})
    async with runtime.write(tenant.principal) as tx:
        (await tx.session.merge(broadcast)).status = "paused"
    assert await trigger("two", {"ids": ["a", "nobody"]}) == (200, {"id": 2})
    assert (await trigger("three", {"ids": ["a"]}))[0] == 409
    assert len(await recipients(runtime, tenant)) == 2


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"ids": ["a"], "emails": ["b"]}, 400, "ids: cannot be given beside emails"),
    ({"ids": []}, 400, "ids: must be 1 to 10000"),
    ({"ids": ["a"] * 10_001}, 400, "ids: has too many items"),
    ({"per_user_data": [{"data": {}}]}, 400, "per_user_data.0: must have exactly one of id, email"),
    ({"per_user_data": [{"id": "a", "data": 5}]}, 400, "per_user_data.0.data: must be an object"),
    ({"recipients": {"segment": {"id": 9}}}, 400, "recipients.segment.id: is not the id of a segment"),
    ({"recipients": {"maybe": {}}}, 400, "recipients"),
    ({"data_file_url": "file:///etc/passwd"}, 400, "data_file_url: must be an http or https URL"),
    ({"data": [1]}, 400, "data: must be an object"),
    ({"email_ignore_missing": "perhaps"}, 400, "email_ignore_missing: must be true or false"),
)


async def test_what_is_no_trigger_is_refused_and_leaves_no_trace(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    await make_campaign(runtime, tenant, 4, "triggered", **ALL)
    before = await contents(tenant)
    for body, status, detail in REFUSED:
        refused = await app_api("POST", PATH, body)
        assert refused.status_code == status, refused.text
        assert refused.json()["errors"][0]["detail"].startswith(detail), refused.text
        assert refused.json()["errors"][0]["status"] == str(status)
    assert await contents(tenant) == before


async def test_a_broadcast_that_is_none_or_stands_still_is_not_triggered(
    app_api: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 4, "one_off", **ALL)
    await make_campaign(runtime, tenant, 5, "triggered", status="paused", **ALL)
    await make_campaign(runtime, tenant, 6, "triggered")
    for number in ("4", "77", "x", "9" * 20):
        missing = await app_api("POST", f"/campaigns/{number}/triggers", {})
        assert (missing.status_code, missing.json()["meta"]) == (404, {"error": "broadcast_id: No such campaign."})
    paused = await app_api("POST", "/campaigns/5/triggers", {})
    assert (paused.status_code, paused.json()["meta"]["error"]) == (
        409,
        "broadcast_id: The campaign is paused: it cannot be triggered.",
    )
    nobody = await app_api("POST", "/campaigns/6/triggers", {})
    assert (nobody.status_code, nobody.json()["meta"]["error"]) == (
        400,
        "recipients: is needed: the campaign has no audience of its own",
    )
    unknown = await app_api("GET", "/campaigns/6/triggers/9")
    assert (unknown.status_code, unknown.json()["meta"]["error"]) == (404, "trigger_id: No such campaign run.")
