"""Customer.io's App API: segments and finding people; and Track's way of filling manual segments."""

from typing import Any

import pytest

from app.core.access import Plan, Scope
from app.rest.customerio import app_wire
from tests.doors.conftest import MakeKey, ReadAll, Ready, Send
from tests.tenants import TenantAccount

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
PRO_FILTER = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests a second are fewer than these tests send."""
    if "limit" not in request.node.name:
        monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 6000, 100))


async def person(silocdp: Send, **said: Any) -> str:
    return str((await silocdp("POST", "/subscribers", said)).json()["data"]["id"]).removeprefix("cust_")


def refusal(status: int, *sentences: str) -> tuple[int, Any]:
    errors = [{"detail": sentence, "status": str(status)} for sentence in sentences]
    return status, {"errors": errors, "meta": {"error": "; ".join(sentences)}}


async def test_a_manual_segment_from_birth_to_end(app_api: Send, track: Send, silocdp: Send) -> None:
    made = await app_api("POST", "/segments", {"segment": {"name": "By hand", "description": "Some"}})
    shown = made.json()["segment"]
    assert (made.status_code, shown["deduplicate_id"]) == (200, f"1:{shown['updated_at']}")
    assert shown == {
        "id": 1,
        "deduplicate_id": shown["deduplicate_id"],
        "name": "By hand",
        "description": "Some",
        "state": "finished",
        "progress": None,
        "type": "manual",
        "tags": None,
        "created_at": shown["updated_at"],
        "updated_at": shown["updated_at"],
        "filter": None,
    }
    five = await person(silocdp, externalId="5", email="five@example.com")
    six = await person(silocdp, email="six@example.com")
    seven = await person(silocdp, externalId="7")
    add = "/api/v1/segments/1/add_customers"
    assert (await track("POST", add, {"ids": [5, "nobody", "5"]})).json() == {}
    assert (await track("POST", f"{add}?id_type=email", {"ids": ["SIX@example.com", "?"]})).json() == {}
    assert (await track("POST", f"{add}?id_type=cio_id", {"ids": [f"cio_{seven}", "x"]})).status_code == 200
    assert (await app_api("GET", "/segments/1/customer_count")).json() == {"segment_id": 1, "count": 3}
    whole = (await app_api("GET", "/segments/1/membership")).json()
    assert whole == {
        "segment_id": 1,
        "identifiers": [
            {"email": "five@example.com", "id": "5", "cio_id": five},
            {"email": "six@example.com", "id": None, "cio_id": six},
            {"email": None, "id": "7", "cio_id": seven},
        ],
        "ids": ["5", "", "7"],
        "next": "",
    }
    first = (await app_api("GET", "/segments/1/membership?limit=2")).json()
    rest = (await app_api("GET", f"/segments/1/membership?limit=1&start={first['next']}")).json()
    assert (first["ids"], rest["ids"], rest["next"]) == (["5", ""], ["7"], "")
    assert (await track("POST", "/api/v1/segments/1/remove_customers", {"ids": ["5", "x"]})).json() == {}
    assert (await app_api("GET", "/segments/1/membership")).json()["ids"] == ["", "7"]
    deleted = await app_api("DELETE", "/segments/1")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = await app_api("GET", "/segments/1")
    assert (gone.status_code, gone.json()) == refusal(404, "segment_id: No such segment.")


async def test_dynamic_segments_are_shown_with_their_filter(app_api: Send, silocdp: Send, ready: Ready) -> None:
    await person(silocdp, externalId="5", attributes={"plan": "pro"})
    used = (await silocdp("POST", "/segments", {"name": "Pros", "rules": [PRO]})).json()["data"]["id"]
    rules = [PRO, {"not": {"segment": {"id": used}}}]
    await silocdp("POST", "/segments", {"name": "None", "rules": rules})
    await silocdp("POST", "/segments", {"name": "Buyers", "rules": [{"event": {"name": "purchase"}}]})
    await ready()
    shown = (await app_api("GET", "/segments")).json()["segments"]
    assert [(s["id"], s["name"], s["type"], s["state"], s["filter"]) for s in shown] == [
        (1, "Pros", "dynamic", "finished", PRO_FILTER),
        (2, "None", "dynamic", "finished", {"and": [PRO_FILTER, {"not": {"segment": {"id": 1}}}]}),
        (3, "Buyers", "dynamic", "finished", None),
    ]
    assert (await app_api("GET", "/segments/2")).json() == {"segment": shown[1]}
    assert (await app_api("GET", "/segments/1/membership")).json()["ids"] == ["5"]
    uses = {"campaigns": [], "sent_newsletters": [], "draft_newsletters": [], "segments": [2]}
    assert (await app_api("GET", "/segments/1/used_by")).json() == {"segment_id": 1, "used_by": uses}


async def test_what_is_refused_of_segments(
    app_api: Send, track: Send, silocdp: Send, ready: Ready, tenant: TenantAccount, contents: ReadAll
) -> None:
    await silocdp("POST", "/segments", {"name": "Pros", "rules": [PRO]})
    await ready()
    before = await contents(tenant)
    for method, path, body, said in (
        ("POST", "/segments", {}, refusal(400, "segment: is required")),
        ("POST", "/segments", {"segment": {"name": ""}}, refusal(400, "segment.name: must not be empty")),
        ("POST", "/segments", {"segment": {"name": "x" * 201}},
         refusal(400, "segment.name: must be at most 200 characters long")),
        ("DELETE", "/segments/1", None,
         refusal(400, "segment_id: is a dynamic segment; only manual ones can be deleted here")),
        ("GET", "/segments/x", None, refusal(404, "segment_id: No such segment.")),
        ("GET", "/segments/99999999999", None, refusal(404, "segment_id: No such segment.")),
        ("GET", "/segments/1/membership?limit=30001", None,
         refusal(400, "limit: must be less than or equal to 30000")),
        ("GET", "/segments/1/membership?start=x", None, refusal(400, "start: is not the next of a page")),
    ):  # fmt: skip
        answer = await app_api(method, path, body)
        assert (answer.status_code, answer.json()) == said
    for path in ("add_customers", "remove_customers"):
        answer = await track("POST", f"/api/v1/segments/1/{path}", {"ids": ["5"]})
        message = "segment_id: is a dynamic segment, whose members are those whom its rule finds"
        assert (answer.status_code, answer.json()) == (400, {"meta": {"errors": [message]}})
        answer = await track("POST", f"/api/v1/segments/2/{path}", {"ids": ["5"]})
        assert (answer.status_code, answer.json()) == (404, {"meta": {"errors": ["segment_id: No such segment."]}})
    assert await contents(tenant) == before


async def test_people_are_found_by_address(app_api: Send, silocdp: Send) -> None:
    five = await person(silocdp, externalId="5", email="five@example.com")
    found = (await app_api("GET", "/customers?email=FIVE@example.com")).json()
    assert found == {"results": [{"email": "five@example.com", "id": "5", "cio_id": five}]}
    for nobody in ("six@example.com", "nonsense"):
        answer = await app_api("GET", f"/customers?email={nobody}")
        assert (answer.status_code, answer.json()) == (200, {"results": []})
    assert (await app_api("GET", "/customers")).json() == refusal(400, "email: is required")[1]


async def test_people_are_searched_by_filter(app_api: Send, silocdp: Send, ready: Ready) -> None:
    await person(silocdp, externalId="5", email="five@example.com", attributes={"plan": "pro", "vip": True, "n": 5})
    six = await person(silocdp, email="six@example.com", attributes={"plan": "pro", "n": "5"})
    await person(silocdp, externalId="7", attributes={"plan": "free"}, optIn={"email": False})
    await silocdp("POST", "/segments", {"name": "Pros", "rules": [PRO]})
    await ready()

    async def found(filter: dict[str, Any], query: str = "") -> list[str]:
        answer = await app_api("POST", f"/customers{query}", {"filter": filter})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["ids"])

    def attribute(field: str, value: Any) -> dict[str, Any]:
        return {"attribute": {"field": field, "operator": "eq", "value": value}}

    assert await found(PRO_FILTER) == await found({"segment": {"id": 1}}) == ["5", ""]
    assert await found(attribute("n", 5)) == await found(attribute("n", "5")) == ["5", ""]
    assert await found(attribute("vip", True)) == await found(attribute("vip", "true")) == ["5"]
    assert await found({"not": PRO_FILTER}) == await found(attribute("unsubscribed", True)) == ["7"]
    assert await found(attribute("email", "FIVE@example.com")) == await found(attribute("id", 5)) == ["5"]
    assert await found({"attribute": {"field": "email", "operator": "exists"}}) == ["5", ""]
    assert await found({"or": [attribute("id", "7"), {"and": [PRO_FILTER, attribute("vip", True)]}]}) == ["5", "7"]
    assert await found({"and": [attribute("plan", "pro"), attribute("plan", "free")]}) == []
    first = (await app_api("POST", "/customers?limit=1", {"filter": PRO_FILTER})).json()
    rest = (await app_api("POST", f"/customers?limit=1&start={first['next']}", {"filter": PRO_FILTER})).json()
    assert (first["ids"], rest) == (
        ["5"],
        {"identifiers": [{"email": "six@example.com", "id": None, "cio_id": six}], "ids": [""], "next": ""},
    )


@pytest.mark.parametrize(
    ("filter", "sentence"),
    [
        ({}, "filter: must have exactly one condition (and, or, not, segment, attribute)"),
        ({"and": [{"segment": {"id": 1}}]}, "filter.and.0.segment.id: is not the id of a segment"),
        (
            {"not": {"attribute": {"field": "plan", "operator": "like", "value": "p"}}},
            "filter.not.attribute.operator: must be one of eq, exists",
        ),
        ({"or": [PRO_FILTER] * 201}, "filter: must have at most 200 conditions (MAX_CONDITIONS)"),
        (
            {"attribute": {"field": "email", "operator": "eq", "value": "nobody"}},
            "filter.attribute.value: is not an e-mail address",
        ),
    ],
)
async def test_bad_filters_are_refused(app_api: Send, filter: dict[str, Any], sentence: str) -> None:
    answer = await app_api("POST", "/customers", {"filter": filter})
    assert (answer.status_code, answer.json()) == refusal(400, sentence)


async def test_attributes_are_texts(app_api: Send, silocdp: Send, track: Send) -> None:
    said = {"plan": "pro", "vip": True, "n": 5, "half": 0.5, "tags": ["a"]}
    five = await person(silocdp, externalId="5", email="five@example.com", attributes=said, optIn={"email": False})
    await track("PUT", "/api/v1/customers/5/devices", {"device": {"id": "t", "platform": "ios", "last_used": 9}})
    answer = (await app_api("GET", "/customers/5/attributes")).json()
    shown = answer["customer"]
    assert sorted(shown.pop("timestamps")) == ["created_at", "updated_at"]
    names = {"cio_id": five, "id": "5", "email": "five@example.com"}
    assert shown == {
        "id": "5",
        "identifiers": names,
        "attributes": names | {"plan": "pro", "vip": "true", "n": "5", "half": "0.5", "tags": '["a"]'},
        "unsubscribed": True,
        "devices": [{"id": "t", "platform": "ios", "last_used": 9, "attributes": {}}],
    }
    for path in (
        f"/customers/cio_{five}/attributes?id_type=cio_id",
        "/customers/FIVE@example.com/attributes?id_type=email",
    ):
        assert (await app_api("GET", path)).json()["customer"]["id"] == "5"
    many = (await app_api("POST", "/customers/attributes", {"ids": ["x", 5]})).json()
    assert [one["customer"]["id"] for one in many["customers"]] == ["5"]
    gone = await app_api("GET", "/customers/6/attributes")
    assert (gone.status_code, gone.json()) == refusal(404, "customer_id: No such customer.")


async def test_the_limit_is_ten_requests_a_second(app_api: Send) -> None:
    answers = [await app_api("GET", "/segments/1") for _ in range(40)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [404] * 10
    assert 429 in statuses
    refused = answers[statuses.index(429)]
    assert refused.headers["retry-after"] == "1"
    assert refused.json() == refusal(429, "Too many requests. Please retry after 1 seconds.")[1]
    assert not [name for name in refused.headers if "ratelimit" in name]


async def test_segments_in_filters_need_their_scope(
    app_api: Send, silocdp: Send, make_key: MakeKey, tenant: TenantAccount
) -> None:
    await silocdp("POST", "/segments", {"name": "Pros", "rules": [PRO]})
    key = await make_key(tenant, Scope.CUSTOMERS_READ)
    assert (await app_api("POST", "/customers", {"filter": PRO_FILTER}, key=key)).status_code == 200
    answer = await app_api("POST", "/customers", {"filter": {"segment": {"id": 1}}}, key=key)
    assert (answer.status_code, answer.json()) == refusal(403, "This needs the scope segments:read.")
