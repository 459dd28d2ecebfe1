"""The Track API, version 2: one operation, and many in one request."""

from typing import Any

from app.core.access import ALL_SCOPES, Scope
from tests.doors.conftest import MakeKey, ReadAll, Send
from tests.tenants import TenantAccount

ENTITY, BATCH = "/api/v2/entity", "/api/v2/batch"


def operation(action: str, identifiers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "person", "action": action, "identifiers": identifiers or {"id": "5"}, **more}


async def test_each_operation_on_a_person(track: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    device = {"token": "t", "platform": "android", "last_used": 1600000000, "attributes": {"a": 1}}
    for document in (
        operation("identify", attributes={"email": "five@example.com", "plan": "pro"}),
        operation("identify", {"email": "five@example.com"}, attributes={"unsubscribed": True}),
        operation("identify", {"id": "six"}),
        operation("event", name="bought", attributes={"price": 5}, timestamp=1600000000, id="01"),
        operation("page", name="https://example.com"),
        operation("screen", {"anonymous_id": "browser"}, name="Home"),
        operation("add_device", device=device),
        operation("suppress"),
        {"type": "person", "action": "merge", "primary": {"id": 5}, "secondary": {"id": "six"}},
    ):
        response = await track("POST", ENTITY, document)
        assert (response.status_code, response.text) == (200, "{}\n"), (document, response.text)
    rows = await contents(tenant)
    assert [(row["status"], row["attributes"], row["suppressed_at"] is None) for row in rows["customers"]] == [
        ("active", {"plan": "pro"}, False),
        ("merged", {}, True),
    ]
    assert {(row["name"], row["anonymous_id"], str(row["properties"])) for row in rows["events"]} == {
        ("bought", None, "{'price': 5}"),
        ("https://example.com", None, "{'$type': 'page'}"),
        ("Home", "browser", "{'$type': 'screen'}"),
    }
    assert [(row["channel"], row["status"]) for row in rows["consents"]] == [("email", "unsubscribed")]
    assert [(row["token"], row["platform"], row["attributes"]) for row in rows["devices"]] == [
        ("t", "android", {"a": 1})
    ]
    for document in (operation("unsuppress"), operation("delete_device", device={"token": "t"}), operation("delete")):
        assert (await track("POST", ENTITY, document)).status_code == 200
    rows = await contents(tenant)
    assert (rows["devices"], {row["status"] for row in rows["customers"]}) == ([], {"deleted"})


ACTIONS = "identify, delete, event, page, screen, add_device, delete_device, suppress, unsuppress, merge"
BAD: list[tuple[Any, str, str]] = [
    ({"action": "identify"}, "type", "is required"),
    ({"type": "person"}, "action", "is required"),
    ({"type": "thing", "action": "identify"}, "type", "must be 'person', 'object' or 'delivery'"),
    ({"type": "object", "action": "identify"}, "type", "object is not served yet, only person"),
    ({"type": "person", "action": "dance"}, "action", f"must be one of {ACTIONS}"),
    (operation("add_relationships"), "action", "relationships are not served yet: objects come later"),
    (operation("delete_relationships"), "action", "relationships are not served yet: objects come later"),
    (operation("identify", cio_relationships=[]), "cio_relationships", "are not served yet: objects come later"),
    ({"type": "person", "action": "identify"}, "identifiers", "is required"),
    (
        operation("identify", {"id": 1, "email": "a@b.co"}),
        "identifiers",
        "must have exactly one of id, email, cio_id, anonymous_id",
    ),
    (operation("identify", {"phone": 1}), "identifiers.phone", "is not known here"),
    (operation("identify", attributes={"email": "x"}), "identifiers.email", "is not an e-mail address"),
    (operation("identify", attributes={"plan": "x" * 1001}), "attributes.plan", "must be at most 1000 characters long"),
    (operation("event"), "name", "is required"),
    (
        operation("event", name="e", attributes={"a": "x" * 1001}),
        "attributes.a",
        "must be at most 1000 characters long",
    ),
    (operation("event", name="e", timestamp="x"), "timestamp", "must be unix seconds"),
    (operation("add_device"), "device", "is required"),
    (operation("add_device", device={"token": "t"}), "device.platform", "is required"),
]


async def test_bad_operations_are_told_by_field_and_leave_no_trace(
    track: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    before = await contents(tenant)
    for document, field, message in BAD:
        response = await track("POST", ENTITY, document)
        expected = {"errors": [{"reason": "invalid", "field": field, "message": message}]}
        assert (response.status_code, response.json()) == (400, expected), document
    unknown = await track("POST", ENTITY, operation("delete", {"id": "nobody"}))
    assert unknown.status_code == 404
    assert unknown.json() == {
        "errors": [{"reason": "not_found", "field": "identifiers", "message": "No such customer."}]
    }
    assert await contents(tenant) == before


async def test_a_batch_is_done_in_order(track: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    batch = [
        operation("identify", attributes={"n": 1}),
        operation("event", name="first"),
        operation("event", name="second"),
        operation("identify", attributes={"n": 2}),
        operation("identify", {"id": "six"}),
        operation("suppress", {"id": "six"}),
        operation("delete", {"id": "six"}),
        operation("identify", {"id": "nobody"}, attributes={"_update": True}),
    ]
    response = await track("POST", BATCH, {"batch": batch})
    assert (response.status_code, response.text) == (200, "{}\n")
    rows = await contents(tenant)
    assert sorted((row["status"], str(row["attributes"])) for row in rows["customers"]) == [
        ("active", "{'n': 2}"),
        ("deleted", "{}"),
    ]
    assert sorted(row["name"] for row in rows["events"]) == ["first", "second"]


async def test_what_is_wrong_in_a_batch_does_not_stop_the_rest(
    track: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    batch = [
        operation("event", name="kept"),
        operation("event"),
        5,
        operation("identify", attributes={"email": "x"}),
        operation("delete", {"id": "nobody"}),
        operation("event", {"cio_id": "0" * 32}, name="e"),
        operation("event", name="kept too"),
    ]
    response = await track("POST", BATCH, {"batch": batch})
    assert response.status_code == 207
    assert response.json() == {
        "errors": [
            {"batch_index": 1, "reason": "invalid", "field": "name", "message": "is required"},
            {"batch_index": 2, "reason": "invalid", "field": "body", "message": "must be an object"},
            {
                "batch_index": 3,
                "reason": "invalid",
                "field": "identifiers.email",
                "message": "is not an e-mail address",
            },
            {"batch_index": 4, "reason": "not_found", "field": "identifiers", "message": "No such customer."},
            {"batch_index": 5, "reason": "not_found", "field": "identifiers", "message": "No such customer."},
        ]
    }
    assert sorted(row["name"] for row in (await contents(tenant))["events"]) == ["kept", "kept too"]


async def test_an_operation_without_its_scope_is_refused_alone(
    track: Send, make_key: MakeKey, tenant: TenantAccount, contents: ReadAll
) -> None:
    weaker = await make_key(tenant, *(ALL_SCOPES - {Scope.CUSTOMERS_WRITE}))
    batch = [operation("event", name="e"), operation("identify"), operation("suppress")]
    response = await track("POST", BATCH, {"batch": batch}, key=weaker)
    message = "This needs the scope customers:write."
    assert response.status_code == 207
    assert response.json() == {
        "errors": [{"batch_index": index, "reason": "forbidden", "field": None, "message": message} for index in (1, 2)]
    }
    assert len((await contents(tenant))["events"]) == 1


async def test_a_batch_must_be_a_list_with_something_in_it(track: Send) -> None:
    for body, message in (
        ({}, "is required"),
        ({"batch": {}}, "must be a list"),
        ({"batch": []}, "must not be empty"),
        ({"batch": [0] * 10_001}, "has too many items"),
    ):
        response = await track("POST", BATCH, body)
        expected = {"errors": [{"reason": "invalid", "field": "batch", "message": message}]}
        assert (response.status_code, response.json()) == (400, expected)
