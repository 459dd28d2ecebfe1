"""Parcelvoy's client API: identify, alias, devices, events, Segment.com's calls, and users in bulk."""

from typing import Any

import pytest

from app.core.access import Scope
from tests.doors.conftest import MakeKey, ReadAll, Send
from tests.tenants import TenantAccount


@pytest.fixture
def users(parcelvoy: Send) -> Any:
    """``await users()`` is everybody by their external id (or anonymous id), as the secret-key API shows them."""

    async def find() -> dict[str, dict[str, Any]]:
        found = (await parcelvoy("/users", limit=-1)).json()["results"]
        return {user["external_id"] or user["anonymous_id"]: user for user in found}

    return find


@pytest.fixture
def done(parcelvoy_client: Send) -> Any:
    """``await done("POST", "/identify", {…})``: the request was done, and there was nothing to say."""

    async def send(method: str, path: str, body: Any = None) -> None:
        answer = await parcelvoy_client(method, path, body)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    return send


@pytest.fixture
def events_of(silocdp: Send) -> Any:
    """``await events_of(user)``: what they did, newest first, through SiloCDP's door."""

    async def find(user: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        shown = (await silocdp("GET", f"/subscribers/{user['id']}")).json()["data"]
        return [(event["event"], event["properties"]) for event in shown["events"]]

    return find


async def test_a_browser_becomes_a_user(done: Any, users: Any, events_of: Any) -> None:
    await done("POST", "/identify", {"anonymous_id": "b", "data": {"seen": True}})
    await done("POST", "/events", [{"anonymous_id": "b", "name": "looked", "data": {"page": 1}}])
    assert (await users())["b"]["data"] == {"seen": True}
    said = {"external_id": "ann", "email": "ann@example.com", "phone": "+14155552671"}
    await done("POST", "/identify", said | {"timezone": "America/Chicago", "locale": "en", "data": {"plan": "pro"}})
    await done("POST", "/alias", {"anonymous_id": "b", "external_id": "ann"})
    (ann,) = (await users()).values()
    assert {name: ann[name] for name in said} == said
    assert (ann["anonymous_id"], ann["timezone"], ann["locale"]) == ("b", "America/Chicago", "en")
    assert ann["data"] == {"seen": True, "plan": "pro"}
    assert await events_of(ann) == [("looked", {"page": 1})]


async def test_devices_are_registered(done: Any, users: Any, track: Send) -> None:
    await done("POST", "/identify", {"external_id": "bob"})
    await track("PUT", "/api/v1/customers/bob/devices", {"device": {"id": "taken", "platform": "web"}})
    about = {"device_id": "d1", "os_version": "17", "model": "iPhone", "app_version": "1.2", "app_build": "3"}
    await done("POST", "/devices", {"external_id": "ann", "token": "t1", "os": "iOS", **about})
    await done("POST", "/devices", {"external_id": "ann", "device_id": "d2", "token": "taken"})
    await done("POST", "/devices", {"anonymous_id": "b", "device_id": "d3"})
    found = await users()
    assert {(one["token"], one["os"]) for one in found["ann"]["devices"]} == {("t1", "ios"), ("taken", "web")}
    assert found["bob"]["devices"] == found["b"]["devices"] == []


async def test_events_come_in_batches_with_what_is_known_of_the_user(done: Any, users: Any, events_of: Any) -> None:
    first = {"external_id": "ann", "name": "bought", "data": {"n": 1}, "created_at": "2026-01-01T00:00:00Z"}
    second = {"external_id": "ann", "name": "bought", "user": {"email": "ann@example.com", "data": {"vip": True}}}
    await done("POST", "/events", [first, second, {"external_id": "bob", "name": "looked", "anonymous_id": "b"}])
    found = await users()
    assert (found["ann"]["email"], found["ann"]["data"]) == ("ann@example.com", {"vip": True})
    assert await events_of(found["ann"]) == [("bought", {}), ("bought", {"n": 1})]
    assert (found["bob"]["anonymous_id"], await events_of(found["bob"])) == ("b", [("looked", {})])


async def test_calls_of_segment_com(done: Any, users: Any, events_of: Any) -> None:
    traits = {"email": "ann@example.com", "phone": "+14155552671", "id": 5, "plan": "pro", "locale": None}
    known = {"type": "identify", "userId": "ann", "anonymousId": "b", "traits": traits, "context": {"locale": "de-CH"}}
    calls = [
        {"type": "page", "anonymousId": "b", "properties": {"url": "/"}, "timestamp": "2026-01-01T00:00:00Z"},
        known,
        {"type": "track", "userId": "ann", "event": "bought", "messageId": "m1", "timestamp": "2026-01-02T00:00:00Z"},
        {"type": "screen", "userId": "ann", "name": "Home", "timestamp": "2026-01-03T00:00:00Z"},
        {"type": "alias", "userId": "ann", "previousId": "b2"},
        {"type": "group", "userId": "nobody", "groupId": "g"},
        {"type": "track", "event": "of nobody"},
    ]
    await done("POST", "/segment", calls)
    await done("POST", "/segment", [calls[2]])
    (ann,) = (await users()).values()
    assert (ann["email"], ann["phone"], ann["locale"], ann["data"]) == (
        "ann@example.com",
        "+14155552671",
        "de-CH",
        {"plan": "pro"},
    )
    assert await events_of(ann) == [("Home", {}), ("bought", {}), ("page viewed", {"url": "/"})]


async def test_users_are_saved_and_deleted_in_bulk(done: Any, users: Any) -> None:
    await done("PATCH", "/users", [{"external_id": n, "data": {"n": n}} for n in ("a", "b", "c")])
    await done("PATCH", "/users", [{"external_id": "a", "timezone": "UTC", "data": {"m": 1}}])
    found = await users()
    assert (found["a"]["data"], found["a"]["timezone"]) == ({"n": "a", "m": 1}, "UTC")
    await done("DELETE", "/users?user_id=a&user_id=nobody&user_id=c&user_id=a")
    assert set(await users()) == {"b"}


REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/identify", {}, 422, "body: must have an external_id or an anonymous_id"),
    ("POST", "/identify", {"external_id": 5}, 422, "The value of `external_id` must be a string."),
    ("POST", "/identify", {"external_id": "x", "name": "Ann"}, 422, "name: is not known here"),
    (
        "POST",
        "/identify",
        {"external_id": "x", "data": {"id": 1}},
        422,
        "data.id: is a name of the customer, not an attribute",
    ),
    ("POST", "/identify", {"external_id": "x", "email": "no"}, 422, "email: is not an e-mail address"),
    ("POST", "/identify", {"external_id": "x", "email": "taken@example.com"}, 409, ""),
    ("POST", "/identify", [], 422, "body: must be a JSON object"),
    ("POST", "/alias", {"external_id": "x"}, 422, "anonymous_id: is required"),
    ("POST", "/devices", {"external_id": "x"}, 422, "device_id: is required"),
    ("POST", "/devices", {"external_id": "x", "device_id": "d", "token": "x" * 1001}, 422, ""),
    ("POST", "/events", [], 422, "body: must not be empty"),
    ("POST", "/events", {"external_id": "x", "name": "e"}, 422, "body: must be a JSON array"),
    ("POST", "/events", [{"external_id": "x"}], 422, "0.name: is required"),
    ("POST", "/events", [{"external_id": "x", "name": "e"}, {"name": "e"}], 422, ""),
    ("POST", "/events", [{"external_id": "x", "name": "e"}, {"external_id": "x", "name": " "}], 422, ""),
    (
        "POST",
        "/events",
        [{"external_id": "x", "name": "e"}, {"external_id": "y", "name": "e", "user": {"phone": "1"}}],
        422,
        "1.phone: is not an international phone number (+ and the country code first)",
    ),
    ("POST", "/events", [{"external_id": "x", "name": "e", "created_at": "1"}], 422, ""),
    ("POST", "/segment", [{"type": "track", "userId": "x", "event": "e"}, {"userId": "x"}], 422, "1.type: is required"),
    ("POST", "/segment", [{"type": "identify", "userId": "x", "traits": {"email": "no"}}], 422, ""),
    ("POST", "/segment", [{"type": "track", "userId": "x"}], 422, ""),
    ("POST", "/segment", [{"type": "group"}] * 1001, 422, "body: has too many items"),
    ("PATCH", "/users", [{"external_id": "x"}, {"anonymous_id": "b"}], 422, "1.external_id: is required"),
    ("PATCH", "/users", [{"external_id": "x"}, {"external_id": "y", "timezone": "Mars"}], 422, ""),
    ("DELETE", "/users", None, 422, "user_id: is required"),
    ("DELETE", "/users?user_id=", None, 422, ""),
]


async def test_what_is_refused_leaves_no_trace(
    parcelvoy_client: Send, done: Any, tenant: TenantAccount, contents: ReadAll
) -> None:
    await done("POST", "/identify", {"external_id": "taken", "email": "taken@example.com"})
    await done("POST", "/identify", {"external_id": "x"})
    before = await contents(tenant)
    for method, path, body, status, error in REFUSED:
        answer = await parcelvoy_client(method, path, body)
        assert answer.status_code == status, (path, body, answer.text)
        told = answer.json()
        assert (set(told), told["status"]) == ({"status", "error"}, "error"), told
        assert told["error"] == error or not error, (path, body, told)
        assert await contents(tenant) == before, (path, body)


async def test_a_key_of_an_app_may_tell_but_not_read_or_send(
    parcelvoy_client: Send, make_key: MakeKey, tenant: TenantAccount, foreign_key: str, parcelvoy: Send
) -> None:
    public = await make_key(tenant, Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE)
    for path, body in (("/identify", {"external_id": "x"}), ("/events", [{"external_id": "x", "name": "e"}])):
        assert (await parcelvoy_client("POST", path, body, key=public)).status_code == 204
    denied = {"status": "error", "error": "Access denied.", "code": 1007}
    for method, path, body in (("GET", "/users", None), ("POST", "/campaigns/1/trigger", {"user": {}})):
        answer = await parcelvoy_client(method, path, body, key=public)
        assert (answer.status_code, answer.json()) == (403, denied)
    stranger = await parcelvoy_client("POST", "/identify", {"external_id": "x"}, key="sk_0")
    assert stranger.status_code == 401
    assert stranger.json() == {"status": "error", "error": "Authorization error.", "code": 1000}
    assert (await parcelvoy("/users", key=foreign_key)).json()["results"] == []
