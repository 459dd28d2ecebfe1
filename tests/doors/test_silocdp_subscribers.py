"""SiloCDP ``/subscribers`` and ``/events``."""

from typing import Any

import pytest

from app.core.access import Scope
from tests.doors.conftest import MakeKey, ReadAll, Send
from tests.tenants import TenantAccount

FULL = {
    "externalId": "u-1",
    "email": "Ann@Example.com",
    "phone": "+14155552671",
    "attributes": {"plan": "pro", "seats": 3, "beta": True, "tags": ["a", "b"]},
    "optIn": {"email": True, "sms": False},
    "timezone": "Europe/Berlin",
    "locale": "de-CH",
    "createdAt": "2024-01-02T03:04:05+01:00",
    "somethingElse": {"is": "tolerated"},
}


async def test_a_subscriber_is_written_once_and_read_whole(silocdp: Send) -> None:
    first = await silocdp("POST", "/subscribers", FULL)
    subscriber_id = first.json()["data"]["id"]
    assert first.json() == {"data": {"id": subscriber_id, "created": True, "changed": True}, "success": True}
    again = await silocdp("POST", "/subscribers", FULL)
    assert (again.status_code, again.json()["data"]) == (
        200,
        {"id": subscriber_id, "created": False, "changed": False},
    )
    data = (await silocdp("GET", f"/subscribers/{subscriber_id}")).json()["data"]
    assert data.pop("updatedAt") > "2026"
    assert data == {
        "id": subscriber_id,
        "externalId": "u-1",
        "email": "ann@example.com",
        "phone": "+14155552671",
        "attributes": {"plan": "pro", "seats": 3, "beta": True, "tags": ["a", "b"]},
        "optIn": {"email": True, "sms": False},
        "devices": [],
        "timezone": "Europe/Berlin",
        "locale": "de-CH",
        "status": "active",
        "mergedInto": None,
        "suppressedAt": None,
        "createdAt": "2024-01-02T02:04:05.000000Z",
        "events": [],
    }


async def test_put_changes_what_it_says_and_null_removes_an_attribute(silocdp: Send) -> None:
    subscriber_id = (await silocdp("POST", "/subscribers", FULL)).json()["data"]["id"]
    body = {"attributes": {"plan": None, "seats": 4}, "optIn": {"sms": True}}
    response = await silocdp("PUT", f"/subscribers/{subscriber_id}", body)
    assert response.json() == {"data": {"id": subscriber_id, "created": False, "changed": True}, "success": True}
    data = (await silocdp("GET", f"/subscribers/{subscriber_id}")).json()["data"]
    assert data["attributes"] == {"seats": 4, "beta": True, "tags": ["a", "b"]}
    assert (data["optIn"], data["email"]) == ({"email": True, "sms": True}, "ann@example.com")


async def test_a_number_is_taken_as_an_external_id(silocdp: Send) -> None:
    number = await silocdp("POST", "/subscribers", {"externalId": 42})
    text = await silocdp("POST", "/subscribers", {"externalId": "42"})
    assert number.json()["data"]["id"] == text.json()["data"]["id"]


async def test_a_name_of_somebody_else_is_a_conflict_and_changes_nothing(
    silocdp: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    await silocdp("POST", "/subscribers", {"externalId": "one", "email": "one@example.com"})
    await silocdp("POST", "/subscribers", {"externalId": "two"})
    before = await contents(tenant)
    response = await silocdp("POST", "/subscribers", {"externalId": "two", "email": "one@example.com"})
    assert response.status_code == 409
    assert response.json() == {
        "errors": ["email: belongs to another customer than the other names"],
        "success": False,
    }
    assert await contents(tenant) == before


async def test_a_deleted_subscriber_is_gone(silocdp: Send) -> None:
    subscriber_id = (await silocdp("POST", "/subscribers", FULL)).json()["data"]["id"]
    assert (await silocdp("DELETE", f"/subscribers/{subscriber_id}")).json() == {"data": None, "success": True}
    for method in ("GET", "DELETE"):
        gone = await silocdp(method, f"/subscribers/{subscriber_id}")
        assert gone.status_code == 404
        assert gone.json() == {"errors": ["id: No such customer."], "success": False}


async def test_the_list_has_pages_filters_and_no_foreign_rows(
    silocdp: Send, foreign_key: str, other_tenant: TenantAccount
) -> None:
    for number in range(5):
        await silocdp("POST", "/subscribers", {"externalId": f"u-{number}", "email": f"u{number}@example.com"})
    await silocdp("POST", "/subscribers", {"externalId": "theirs"}, key=foreign_key)
    page = (await silocdp("GET", "/subscribers?page=2&pageSize=2")).json()["data"]
    assert [item["externalId"] for item in page.pop("items")] == ["u-2", "u-1"]
    assert page == {"totalCount": 5, "page": 2, "pageSize": 2, "hasNextPage": True}
    last = (await silocdp("GET", "/subscribers?page=3&pageSize=2")).json()["data"]
    assert ([item["externalId"] for item in last["items"]], last["hasNextPage"]) == (["u-0"], False)
    beyond = (await silocdp("GET", "/subscribers?page=4&pageSize=2")).json()["data"]
    assert (beyond["items"], beyond["totalCount"], beyond["hasNextPage"]) == ([], 5, False)
    for query in ("email=U3@example.com", "externalId=u-3", "search=u3@"):
        found = (await silocdp("GET", f"/subscribers?{query}")).json()["data"]
        assert [item["externalId"] for item in found["items"]] == ["u-3"]
    assert (await silocdp("GET", "/subscribers?externalId=theirs")).json()["data"]["totalCount"] == 0


async def test_a_merged_subscriber_says_into_whom(silocdp: Send, track: Send) -> None:
    stays = (await silocdp("POST", "/subscribers", {"externalId": "stays"})).json()["data"]["id"]
    goes = (await silocdp("POST", "/subscribers", {"externalId": "goes"})).json()["data"]["id"]
    await track("POST", "/api/v1/merge_customers", {"primary": {"id": "stays"}, "secondary": {"id": "goes"}})
    data = (await silocdp("GET", f"/subscribers/{goes}")).json()["data"]
    assert (data["status"], data["mergedInto"]) == ("merged", stays)
    listed = (await silocdp("GET", "/subscribers?status=merged")).json()["data"]
    assert [item["id"] for item in listed["items"]] == [goes]


@pytest.mark.parametrize("name", ["subscriberId", "externalId", "email", "anonymousId"])
async def test_an_event_finds_its_subscriber_by_each_kind_of_id(silocdp: Send, name: str) -> None:
    facts = {"externalId": "u-1", "email": "u@example.com", "anonymousId": "browser"}
    subscriber_id = (await silocdp("POST", "/events/identify", facts)).json()["data"]["id"]
    body = {
        name: {**facts, "subscriberId": subscriber_id}[name],
        "event": "bought",
        "properties": {"amount": 9.5, "items": ["x"]},
        "timestamp": "2026-01-02T03:04:05.5Z",
    }
    response = await silocdp("POST", "/events/track", body)
    assert (response.status_code, response.json()) == (200, {"data": None, "success": True})
    (event,) = (await silocdp("GET", f"/subscribers/{subscriber_id}")).json()["data"]["events"]
    assert event.pop("id").startswith("evt_") and event.pop("receivedAt") > "2026-01-03"
    assert event == {
        "event": "bought",
        "properties": {"amount": 9.5, "items": ["x"]},
        "timestamp": "2026-01-02T03:04:05.500000Z",
        "source": "silocdp",
    }


async def test_the_same_idempotency_key_is_the_same_event(
    silocdp: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    keyed = {"externalId": "u", "event": "bought", "idempotencyKey": "k-1"}
    for _ in range(3):
        assert (await silocdp("POST", "/events/track", keyed)).status_code == 200
    assert len((await contents(tenant))["events"]) == 1
    other = await silocdp("POST", "/events/track", {**keyed, "event": "sold"})
    assert other.status_code == 409
    assert other.json() == {
        "errors": ["idempotencyKey: This idempotency key was used for another event."],
        "success": False,
    }
    for _ in range(2):
        await silocdp("POST", "/events/track", {"externalId": "u", "event": "bought"})
    assert len((await contents(tenant))["events"]) == 3


async def test_the_latest_twenty_events_are_shown_newest_first(silocdp: Send) -> None:
    subscriber_id = (await silocdp("POST", "/subscribers", {"externalId": "u"})).json()["data"]["id"]
    for minute in range(25):
        body = {"externalId": "u", "event": f"e{minute}", "timestamp": f"2026-01-01T00:{minute:02}:00Z"}
        await silocdp("POST", "/events/track", body)
    events = (await silocdp("GET", f"/subscribers/{subscriber_id}")).json()["data"]["events"]
    assert [event["event"] for event in events] == [f"e{minute}" for minute in range(24, 4, -1)]


async def test_a_key_that_may_only_write_can_upsert_and_track(
    silocdp: Send, make_key: MakeKey, tenant: TenantAccount
) -> None:
    writer = await make_key(tenant, Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE)
    assert (await silocdp("POST", "/subscribers", {"externalId": "u"}, key=writer)).status_code == 200
    assert (await silocdp("POST", "/events/track", {"externalId": "u", "event": "e"}, key=writer)).status_code == 200
    assert (await silocdp("GET", "/subscribers", key=writer)).status_code == 403


# ruff: noqa: E501
NO_ID = "is not the id of a customer (cust_…)"
BAD: list[tuple[str, str, Any, list[str]]] = [
    ("POST", "/subscribers", {}, ["externalId: an external id, an e-mail address, a phone number or an anonymous id is needed"]),
    ("POST", "/subscribers", [], ["body: must be a JSON object"]),
    ("POST", "/subscribers", {"email": "x", "locale": "??"}, ["email: is not an e-mail address", "locale: is not a locale such as en or en-US"]),
    ("POST", "/subscribers", {"attributes": [], "optIn": {"email": "perhaps"}}, ["attributes: must be an object", "optIn.email: must be true or false"]),
    ("POST", "/subscribers", {"externalId": "u", "optIn": {"E Mail": True}}, ["optIn.E Mail: is not a channel (email, sms, push, in_app, whatsapp)"]),
    ("POST", "/subscribers", {"externalId": "u", "attributes": {"email": 1}}, ["attributes.email: is a name of the customer, not an attribute"]),
    ("POST", "/subscribers", {"externalId": "u", "attributes": {"a": "\0"}}, ["attributes.a: holds a NUL character"]),
    ("POST", "/subscribers", {"externalId": "u", "createdAt": "2024-01-01T00:00:00"}, ["createdAt: must have a time zone"]),
    ("POST", "/subscribers", {"externalId": "u", "createdAt": 1700000000}, ["createdAt: must be an ISO 8601 moment with a time zone"]),
    ("PUT", "/subscribers/5", {"locale": "de"}, [f"id: {NO_ID}"]),
    ("GET", "/subscribers/usr_0123", None, [f"id: {NO_ID}"]),
    ("GET", "/subscribers?page=0&pageSize=101", None, ["page: must be greater than or equal to 1", "pageSize: must be less than or equal to 100"]),
    ("GET", "/subscribers?page=x", None, ["page: must be a whole number"]),
    ("GET", "/subscribers?search=%00", None, ["search: holds a NUL character"]),
    ("GET", "/subscribers?search=%ff", None, ["query: is not a UTF-8 query string"]),
    ("GET", "/subscribers?status=sleeping", None, ["status: must be 'active' or 'merged'"]),
    ("POST", "/events/track", {}, ["event: is required"]),
    ("POST", "/events/track", {"event": "e"}, ["subscriberId: is required (or externalId, email or anonymousId)"]),
    ("POST", "/events/track", {"event": "e", "subscriberId": "5"}, [f"subscriberId: {NO_ID}"]),
    ("POST", "/events/track", {"event": "e" * 151, "externalId": "u"}, ["event: must be at most 150 characters long"]),
    ("POST", "/events/track", {"event": "e", "externalId": "u", "properties": 1}, ["properties: must be an object"]),
    ("POST", "/events/track", {"event": "e", "externalId": "u", "timestamp": "2099-01-01T00:00:00Z"}, ["timestamp: must not be more than 24 hours in the future"]),
    ("POST", "/events/identify", {"subscriberId": "x"}, [f"subscriberId: {NO_ID}"]),
]  # fmt: skip


async def test_bad_input_is_told_by_field_and_leaves_no_trace(
    silocdp: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    before = await contents(tenant)
    for method, path, body, errors in BAD:
        response = await silocdp(method, path, body)
        assert (response.status_code, response.json()) == (400, {"errors": errors, "success": False}), (path, body)
    assert await contents(tenant) == before


async def test_what_the_second_tenant_writes_under_equal_names_is_its_own(
    silocdp: Send, foreign_key: str, tenant: TenantAccount, contents: ReadAll
) -> None:
    ours = (await silocdp("POST", "/subscribers", FULL)).json()["data"]["id"]
    before = await contents(tenant)
    theirs = (await silocdp("POST", "/subscribers", FULL, key=foreign_key)).json()["data"]
    assert theirs["created"] is True and theirs["id"] != ours
    assert await contents(tenant) == before
