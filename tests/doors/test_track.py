"""The Track API, version 1: people, events, devices; exact answers and exact refusals."""

from typing import Any

import httpx2
import pytest

from app.rest.customerio.wire import by_identifier
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

PEOPLE = "/api/v1/customers"


@pytest.fixture
def person(silocdp: Send) -> Any:
    """``await person("u-1")`` is the profile of the one active customer with that external id, or None."""

    async def read(external_id: str) -> dict[str, Any] | None:
        found = (await silocdp("GET", "/subscribers", params={"externalId": external_id})).json()["data"]["items"]
        if not found:
            return None
        return dict((await silocdp("GET", f"/subscribers/{found[0]['id']}")).json()["data"])

    return read


async def ok(response: Any) -> None:
    answer = await response
    assert (answer.status_code, answer.text) == (200, "{}\n"), answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_identify_takes_reserved_fields_and_keeps_the_rest_as_attributes(track: Send, person: Any) -> None:
    body = {
        "email": "Five@Example.com",
        "phone": "+14155552671",
        "created_at": 1600000000,
        "timezone": "Europe/Berlin",
        "language": "de",
        "unsubscribed": True,
        "first_name": "Five",
        "visits": 3,
        "vip": False,
        "cio_subscription_preferences": {"topics": {"topic_1": True}},
    }
    await ok(track("PUT", f"{PEOPLE}/5", body))
    profile = await person("5")
    names = ("email", "phone", "createdAt", "timezone", "locale", "optIn", "attributes")
    assert {name: profile[name] for name in names} == {
        "email": "five@example.com",
        "phone": "+14155552671",
        "createdAt": "2020-09-13T12:26:40.000000Z",
        "timezone": "Europe/Berlin",
        "locale": "de",
        "optIn": {"email": False},
        "attributes": {
            "first_name": "Five",
            "visits": 3,
            "vip": False,
            "cio_subscription_preferences": {"topics": {"topic_1": True}},
        },
    }
    await ok(track("PUT", f"{PEOPLE}/5", {"visits": None, "unsubscribed": False, "email": ""}))
    profile = await person("5")
    assert "visits" not in profile["attributes"]
    assert (profile["optIn"], profile["email"]) == ({"email": True}, "five@example.com")


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("5", "external_id"),
        ("a b/c@d", "external_id"),
        ("five@example.com", "email"),
        ("cio_" + "0" * 32, "id"),
        ("straße/ü", "external_id"),
        ("%2F", "external_id"),
    ],
)
def test_an_identifier_says_of_which_kind_it_is(identifier: str, kind: str) -> None:
    assert by_identifier(identifier).kind == kind


async def test_identifiers_arrive_percent_encoded(track: Send, person: Any) -> None:
    for identifier, encoded in (
        ("a b/c@d", "a%20b%2Fc%40d"),
        ("straße/ü", "stra%C3%9Fe%2F%C3%BC"),
        ("%2F", "%252F"),
        ("../..", "..%2F.."),
    ):
        await ok(track("PUT", f"{PEOPLE}/{encoded}", {"name": identifier}))
        await ok(track("POST", f"{PEOPLE}/{encoded}/events", {"name": "seen"}))
        profile = await person(identifier)
        assert (profile["attributes"], len(profile["events"])) == ({"name": identifier}, 1)


async def test_a_person_is_found_by_id_email_and_cio_id(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {"email": "five@example.com"}))
    cio_id = (await person("5"))["id"].replace("cust_", "cio_")
    await ok(track("PUT", f"{PEOPLE}/five%40example.com", {"by_email": 1}))
    await ok(track("PUT", f"{PEOPLE}/{cio_id}", {"by_cio_id": 1}))
    assert (await person("5"))["attributes"] == {"by_email": 1, "by_cio_id": 1}


async def test_a_new_address_or_id_replaces_the_one_in_the_path(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {"email": "old@example.com"}))
    before = await person("5")
    await ok(track("PUT", f"{PEOPLE}/old@example.com", {"email": "new@example.com", "id": "six"}))
    after = await person("six")
    assert (after["id"], after["email"]) == (before["id"], "new@example.com")
    await ok(track("PUT", f"{PEOPLE}/six", {"id": "seven"}))
    assert (await person("seven"))["id"] == before["id"]
    assert await person("six") is None


async def test_an_update_of_nobody_is_ignored(track: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    before = await contents(tenant)
    await ok(track("PUT", f"{PEOPLE}/nobody", {"_update": True, "plan": "pro"}))
    assert await contents(tenant) == before


async def test_an_update_of_somebody_is_made(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {}))
    await ok(track("PUT", f"{PEOPLE}/5", {"_update": True, "plan": "pro"}))
    assert (await person("5"))["attributes"] == {"plan": "pro"}


async def test_names_of_two_people_are_a_conflict(track: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {"email": "five@example.com"}))
    await ok(track("PUT", f"{PEOPLE}/6", {}))
    before = await contents(tenant)
    response = await track("PUT", f"{PEOPLE}/6", {"email": "five@example.com"})
    assert response.status_code == 409
    assert response.json() == {"meta": {"errors": ["email: belongs to another customer than the other names"]}}
    assert await contents(tenant) == before


async def test_events_have_data_time_and_an_id_that_makes_them_one(
    track: Send, person: Any, tenant: TenantAccount, contents: ReadAll
) -> None:
    event = {"name": "bought", "data": {"price": 9.5}, "timestamp": 1600000000, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
    for _ in range(2):
        await ok(track("POST", f"{PEOPLE}/5/events", event))
    (stored,) = (await contents(tenant))["events"]
    assert stored["idempotency_key"] == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    (shown,) = (await person("5"))["events"]
    assert (shown["event"], shown["properties"], shown["timestamp"], shown["source"]) == (
        "bought",
        {"price": 9.5},
        "2020-09-13T12:26:40.000000Z",
        "customerio",
    )


async def test_views_of_pages_and_screens_keep_their_type(track: Send, person: Any) -> None:
    address = "https://example.com/" + "x" * 200
    await ok(track("POST", f"{PEOPLE}/5/events", {"type": "page", "name": address, "data": {"ref": "a"}}))
    await ok(track("POST", f"{PEOPLE}/5/events", {"type": "screen", "name": "Home"}))
    screen, page = (await person("5"))["events"]
    assert (screen["event"], screen["properties"]) == ("Home", {"$type": "screen"})
    assert (page["event"], page["properties"]) == (address[:150], {"ref": "a", "$type": "page", "$name": address})


async def test_anonymous_events_join_who_is_identified_later(
    track: Send, person: Any, tenant: TenantAccount, contents: ReadAll
) -> None:
    await ok(track("POST", "/api/v1/events", {"name": "looked", "anonymous_id": "browser"}))
    await ok(track("POST", "/api/v1/events", {"name": "nobody's"}))
    await ok(track("PUT", f"{PEOPLE}/5", {"anonymous_id": "browser"}))
    assert [event["event"] for event in (await person("5"))["events"]] == ["looked"]
    assert len((await contents(tenant))["events"]) == 2


async def test_devices_come_and_go(track: Send, person: Any) -> None:
    device = {"id": "tok/1", "platform": "ios", "last_used": 1600000000, "flat": 1, "attributes": {"nested": 2}}
    await ok(track("PUT", f"{PEOPLE}/5", {}))
    await ok(track("PUT", f"{PEOPLE}/5/devices", {"device": device}))
    assert (await person("5"))["devices"] == [
        {
            "token": "tok/1",
            "platform": "ios",
            "attributes": {"flat": 1, "nested": 2},
            "lastUsedAt": "2020-09-13T12:26:40.000000Z",
        }
    ]
    await ok(track("DELETE", f"{PEOPLE}/5/devices/tok%2F1", {}))
    assert (await person("5"))["devices"] == []
    again = await track("DELETE", f"{PEOPLE}/5/devices/tok%2F1", {})
    assert (again.status_code, again.json()) == (404, {"meta": {"errors": ["device_id: No such device."]}})


async def test_suppression_begins_and_ends(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {}))
    await ok(track("POST", f"{PEOPLE}/5/suppress", {}))
    assert (await person("5"))["suppressedAt"] is not None
    await ok(track("POST", f"{PEOPLE}/5/unsuppress", {}))
    assert (await person("5"))["suppressedAt"] is None


async def test_merging_makes_one_of_two(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {"a": 1}))
    await ok(track("PUT", f"{PEOPLE}/six@example.com", {"b": 2}))
    await ok(track("POST", f"{PEOPLE}/six@example.com/events", {"name": "looked"}))
    merge = {"primary": {"id": 5}, "secondary": {"email": "six@example.com"}}
    await ok(track("POST", "/api/v1/merge_customers", merge))
    profile = await person("5")
    assert (profile["attributes"], profile["email"]) == ({"a": 1, "b": 2}, "six@example.com")
    assert [event["event"] for event in profile["events"]] == ["looked"]


async def test_a_deleted_person_is_gone(track: Send, person: Any) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {}))
    await ok(track("DELETE", f"{PEOPLE}/5", {}))
    assert await person("5") is None


async def test_the_region_is_this_server(track: Send) -> None:
    answer = (await track("GET", "/api/v1/accounts/region")).json()
    assert isinstance(answer.pop("environment_id"), int)
    assert answer == {"url": "http://127.0.0.1:8000/customerio", "region": "us"}


async def test_a_key_works_as_bearer_and_with_any_site_id(client: httpx2.AsyncClient, key: str) -> None:
    path = "/customerio/api/v1/accounts/region"
    for site in ("site", "", "ü"):
        assert (await client.get(path, auth=httpx2.BasicAuth(site, key))).status_code == 200
    for headers in ({"authorization": f"Bearer {key}"}, {"authorization": f"bearer  {key}"}, {"x-api-key": key}):
        assert (await client.get(path, headers=headers)).status_code == 200
    for authorization in ("Basic !!!", "Basic ", f"Digest {key}", "Bearer", "Bearer é"):
        refused = await client.get(path, headers={"authorization": authorization.encode()})
        assert (refused.status_code, refused.text) == (401, "Unauthorized")


NOBODY = {"meta": {"errors": ["identifier: No such customer."]}}


async def test_whoever_is_unknown_is_not_found(track: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {}))
    before = await contents(tenant)
    for method, path, body in (
        ("DELETE", f"{PEOPLE}/nobody", {}),
        ("PUT", f"{PEOPLE}/nobody/devices", {"device": {"id": "t", "platform": "ios"}}),
        ("DELETE", f"{PEOPLE}/nobody/devices/t", {}),
        ("POST", f"{PEOPLE}/nobody/suppress", {}),
        ("POST", f"{PEOPLE}/nobody@example.com/unsuppress", {}),
        ("PUT", f"{PEOPLE}/cio_1", {"plan": "pro"}),
        ("POST", f"{PEOPLE}/cio_{'0' * 32}/events", {"name": "e"}),
    ):
        response = await track(method, path, body)
        assert (response.status_code, response.json()) == (404, NOBODY), path
    merge = await track("POST", "/api/v1/merge_customers", {"primary": {"id": 5}, "secondary": {"id": "nobody"}})
    assert (merge.status_code, merge.json()) == (404, {"meta": {"error": "secondary: No such customer."}})
    assert await contents(tenant) == before


BAD: list[tuple[str, str, Any, list[str]]] = [
    ("PUT", f"{PEOPLE}/5", [], ["body: must be a JSON object"]),
    ("PUT", f"{PEOPLE}/5", {"email": "x"}, ["email: is not an e-mail address"]),
    ("PUT", f"{PEOPLE}/5", {"email": {}, "created_at": "soon"}, ["email: must be text", "created_at: must be unix seconds"]),
    ("PUT", f"{PEOPLE}/5", {"created_at": 10**20}, ["created_at: must be unix seconds"]),
    ("PUT", f"{PEOPLE}/5", {"phone": "123"}, ["phone: is not an international phone number (+ and the country code first)"]),
    ("PUT", f"{PEOPLE}/5", {"timezone": "Mars", "language": "?"}, ["timezone: is not an IANA time zone such as Europe/Berlin", "language: is not a locale such as en or en-US"]),
    ("PUT", f"{PEOPLE}/5", {"plan": "x" * 1001}, ["plan: must be at most 1000 characters long"]),
    ("PUT", f"{PEOPLE}/5", {"plan": "\0"}, ["plan: holds a NUL character"]),
    ("PUT", f"{PEOPLE}/5", {"unsubscribed": "perhaps"}, ["unsubscribed: must be true or false"]),
    ("PUT", f"{PEOPLE}/5", {"cio_relationships": []}, ["cio_relationships: are not served yet: objects come later"]),
    ("PUT", f"{PEOPLE}/%ff", {}, ["path: is not UTF-8"]),
    ("PUT", f"{PEOPLE}/%00", {}, ["path: holds a NUL character"]),
    ("PUT", f"{PEOPLE}/{'x' * 321}", {}, ["id: must be at most 320 characters long"]),
    ("POST", f"{PEOPLE}/5/events", {}, ["name: is required"]),
    ("POST", f"{PEOPLE}/5/events", {"name": ""}, ["name: must not be empty"]),
    ("POST", f"{PEOPLE}/5/events", {"name": "e", "type": "x"}, ["type: must be 'event', 'page' or 'screen'"]),
    ("POST", f"{PEOPLE}/5/events", {"name": "e", "data": []}, ["data: must be an object"]),
    ("POST", f"{PEOPLE}/5/events", {"name": "e", "data": {"a": "x" * 1001}}, ["data.a: must be at most 1000 characters long"]),
    ("POST", f"{PEOPLE}/5/events", {"name": "e", "timestamp": 1e11}, ["timestamp: must not be more than 24 hours in the future"]),
    ("POST", "/api/v1/events", {"anonymous_id": "a"}, ["name: is required"]),
    ("PUT", f"{PEOPLE}/5/devices", {}, ["device: is required"]),
    ("PUT", f"{PEOPLE}/5/devices", {"device": {"id": ""}}, ["device.id: must not be empty", "device.platform: is required"]),
]  # fmt: skip
# ruff: noqa: E501


async def test_bad_input_is_told_by_field_and_leaves_no_trace(
    track: Send, tenant: TenantAccount, contents: ReadAll
) -> None:
    before = await contents(tenant)
    for method, path, body, errors in BAD:
        response = await track(method, path, body)
        assert (response.status_code, response.json()) == (400, {"meta": {"errors": errors}}), (path, body)
    for body, error in (
        ({}, "primary: is required; secondary: is required"),
        ({"primary": {"id": 5}, "secondary": {}}, "secondary: must have exactly one of id, email, cio_id"),
        (
            {"primary": {"id": 5, "email": "a@b.co"}, "secondary": {"id": 6}},
            "primary: must have exactly one of id, email, cio_id",
        ),
        ({"primary": {"phone": "5"}, "secondary": {"id": 6}}, "primary.phone: is not known here"),
    ):
        response = await track("POST", "/api/v1/merge_customers", body)
        assert (response.status_code, response.json()) == (400, {"meta": {"error": error}})
    assert await contents(tenant) == before


async def test_equal_ids_of_two_tenants_are_two_people(
    track: Send, foreign_key: str, tenant: TenantAccount, contents: ReadAll
) -> None:
    await ok(track("PUT", f"{PEOPLE}/5", {"email": "five@example.com"}))
    await ok(track("PUT", f"{PEOPLE}/5/devices", {"device": {"id": "t", "platform": "ios"}}))
    before = await contents(tenant)
    for method, path, body in (
        ("DELETE", f"{PEOPLE}/5", {}),
        ("DELETE", f"{PEOPLE}/five@example.com", {}),
        ("POST", f"{PEOPLE}/5/suppress", {}),
        ("DELETE", f"{PEOPLE}/5/devices/t", {}),
    ):
        assert (await track(method, path, body, key=foreign_key)).status_code == 404
    await ok(track("PUT", f"{PEOPLE}/5", {"email": "five@example.com"}, key=foreign_key))
    await ok(track("POST", f"{PEOPLE}/5/events", {"name": "e"}, key=foreign_key))
    await ok(track("DELETE", f"{PEOPLE}/5", {}, key=foreign_key))
    assert await contents(tenant) == before
