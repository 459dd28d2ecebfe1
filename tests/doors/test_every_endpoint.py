"""What holds for every endpoint of every dialect: credentials, scopes, tenants, and rate limits."""

import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx2
import pytest

from app.actions.segments import create_segment, get_segment
from app.core.access import ALL_SCOPES, Plan
from app.core.ids import public_id
from app.rest.crm import wire as crm_wire
from app.rest.customerio import app_wire, messages, sends, triggers
from app.rest.customerio import wire as customerio_wire
from app.rest.silentchat import wire as silentchat_wire
from app.rest.silocdp import wire as silocdp_wire
from app.runtime import Runtime
from tests.doors import campaign_samples, customerio_samples
from tests.doors.campaign_samples import make_crm, make_parcelvoy, make_silocdp
from tests.doors.conftest import MakeKey, ReadAll, Ready, Send
from tests.doors.customerio_samples import make_customerio
from tests.doors.sample import Sample
from tests.doors.samples import RULE, SAMPLES
from tests.doors.silentchat_samples import make_silentchat
from tests.tenants import TenantAccount

MAKERS = {
    "silocdp": make_silocdp,
    "crm": make_crm,
    "parcelvoy": make_parcelvoy,
    "silentchat": make_silentchat,
}
UNKNOWN = customerio_samples.UNKNOWN | campaign_samples.UNKNOWN
TwoCustomers = Callable[[], Awaitable[dict[str, str]]]
DIALECTS = ("silocdp", "customerio", "crm", "parcelvoy", "silentchat")
"""Each test goes through all samples of one dialect on one database: a fresh database per sample would take minutes."""


async def send(client: httpx2.AsyncClient, sample: Sample, key: str | None, ids: dict[str, str]) -> httpx2.Response:
    path, body = sample.filled(**ids)
    headers = {"x-request-id": "test"} | ({"authorization": f"Bearer {key}"} if key else {})
    if sample.dialect.name == "silentchat":
        headers["x-tenant-id"] = ids["caller"]
    return await client.request(sample.method, f"/{sample.dialect.name}{path}", json=body, headers=headers)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests a second are fewer than these tests send to the App API."""
    monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 6000, 100))
    monkeypatch.setattr(triggers, "TRIGGERS", Plan("trigger", 6000, 100))
    monkeypatch.setattr("app.rest.door.serving.STRANGERS", Plan("stranger", 60_000, 1000))
    monkeypatch.setattr(crm_wire, "EXECUTIONS", Plan("crm campaign execution", 60_000, 1000))
    monkeypatch.setattr(silentchat_wire, "CALLS", Plan("silentchat", 60_000, 1000))
    monkeypatch.setattr(silentchat_wire, "ACCOUNTS", Plan("silentchat auth", 60_000, 1000))


@pytest.fixture
def two_customers(
    track: Send,
    silocdp: Send,
    runtime: Runtime,
    tenant: TenantAccount,
    ready: Ready,
    request: pytest.FixtureRequest,
) -> TwoCustomers:
    """``await two_customers()`` makes two of the first tenant, and two segments, for SilentChat a conversation and all
    that belongs to one, and for Customer.io what is sent; the ids with which samples are filled."""
    dialect = request.getfixturevalue("dialect")
    numbers = count(1)

    async def make() -> dict[str, str]:
        number = next(numbers)
        first = await silocdp("POST", "/subscribers", {"externalId": f"first {number}"})
        second = await silocdp("POST", "/subscribers", {"externalId": f"second {number}"})
        customer, other = first.json()["data"]["id"], second.json()["data"]["id"]
        cio, token = customer.removeprefix("cust_"), f"token-{number}"
        device = {"device": {"id": token, "platform": "ios"}}
        await track("PUT", f"/api/v1/customers/cio_{cio}/devices", device)
        async with runtime.write(tenant.principal) as tx:
            dynamic = await create_segment(tx, name="Pros", rule=RULE)
            by_hand = await get_segment(tx, segment_id=await create_segment(tx, name="By hand"))
        await ready()
        ids = {"customer": customer, "cio": cio, "other": other.removeprefix("cust_"), "token": token}
        segments = {"segment": public_id("segment", dynamic), "number": str(by_hand.number)}
        own = public_id("tenant", tenant.id)
        made = MAKERS.get(dialect)
        things = await (made(runtime, tenant, number) if made else make_customerio(runtime, tenant, number, cio))
        return ids | segments | things | {"tenant": own, "caller": own, "contact": f"con_{cio}"}

    return make


def samples_of(dialect: str) -> list[Sample]:
    return [sample for sample in SAMPLES if sample.dialect.name == dialect]


def words(sample: Sample, message: str, reason: str, status: int) -> Any:
    """The body of a refusal with one sentence, as this endpoint words it."""
    if sample.dialect.name == "silocdp":
        return {"errors": [message], "success": False}
    if sample.dialect.name == "silentchat":
        code = {401: "AUTH_MISSING_TOKEN", 403: "FORBIDDEN", 429: "RATE_LIMITED"}[status]
        return {"error": {"code": code, "message": message, "status": status}}
    if sample.dialect.name == "crm":
        code = {"rate_limited": "RATE_LIMIT_EXCEEDED"}.get(reason, reason.upper())
        return {"error": {"code": code, "message": message, "requestId": "test"}}
    if sample.dialect.name == "parcelvoy":
        known = {401: ("Authorization error.", 1000), 403: ("Access denied.", 1007)}
        text, code = known.get(status, (message, None))
        return {"status": "error", "error": text} | ({"code": code} if code else {})
    if sample.template.startswith("/v1/send/"):
        return {"meta": {"error": message}}
    if sample.template.startswith("/v1/"):
        return {"errors": [{"detail": message, "status": str(status)}], "meta": {"error": message}}
    if sample.template.startswith("/api/v2"):
        return {"errors": [{"reason": reason, "field": None, "message": message}]}
    return {"meta": {"error": message} if "merge" in sample.template else {"errors": [message]}}


def test_there_is_a_sample_of_every_endpoint() -> None:
    for dialect in {sample.dialect.name: sample.dialect for sample in SAMPLES}.values():
        declared = {(endpoint.method, endpoint.path) for endpoint in dialect.endpoints}
        assert declared == {(s.method, s.template) for s in SAMPLES if s.dialect is dialect}


def test_samples_agree_with_the_declarations() -> None:
    for sample in SAMPLES:
        assert sample.public == sample.endpoint.public
        declared = sample.endpoint.scope
        assert declared is None or declared in sample.scopes


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_is_done_without_a_credential(
    dialect: str, client: httpx2.AsyncClient, tenant: TenantAccount, two_customers: TwoCustomers, contents: ReadAll
) -> None:
    ids = await two_customers()
    before = await contents(tenant)
    for sample in samples_of(dialect):
        if sample.public:
            continue
        response = await send(client, sample, None, ids)
        assert response.status_code == 401, sample.id
        if dialect == "customerio":
            assert response.text == "Unauthorized"
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            assert response.headers["www-authenticate"] == 'Basic realm="Track API"'
        else:
            assert response.json() == words(sample, "This needs a credential.", "unauthorized", 401)
            assert response.headers["www-authenticate"] == "Bearer"
    assert await contents(tenant) == before


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_missing_scope_is_forbidden_and_leaves_no_trace(
    dialect: str,
    client: httpx2.AsyncClient,
    make_key: MakeKey,
    tenant: TenantAccount,
    two_customers: TwoCustomers,
    contents: ReadAll,
) -> None:
    ids = await two_customers()
    before = await contents(tenant)
    weaker = {scope: await make_key(tenant, *(ALL_SCOPES - {scope})) for scope in ALL_SCOPES}
    for sample in samples_of(dialect):
        for scope in sample.scopes:
            response = await send(client, sample, weaker[scope], ids)
            assert response.status_code == 403, sample.id
            assert response.json() == words(sample, f"This needs the scope {scope.value}.", "forbidden", 403), sample.id
    assert await contents(tenant) == before


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_another_tenants_ids_are_not_found_and_nothing_is_touched(
    dialect: str,
    client: httpx2.AsyncClient,
    tenant: TenantAccount,
    other_tenant: TenantAccount,
    foreign_key: str,
    two_customers: TwoCustomers,
    contents: ReadAll,
) -> None:
    ids = await two_customers()
    plain = {name: text for name, text in ids.items() if "_" not in text}
    unknown = {name: f"{text.partition('_')[0]}_{'0' * 32}" for name, text in ids.items()}
    unknown |= dict.fromkeys(plain, "0" * 32) | {"number": "999999"} | UNKNOWN
    own = {"caller": public_id("tenant", other_tenant.id)}
    before = await contents(tenant), await contents(other_tenant)
    for sample in samples_of(dialect):
        if sample.addresses:
            foreign = await send(client, sample, foreign_key, ids | own)
            assert foreign.status_code == 404, sample.id
            assert ("Not Found" if dialect == "parcelvoy" else f"No such {sample.noun}.") in foreign.text, sample.id
            never_existed = await send(client, sample, foreign_key, unknown | own)
            assert (never_existed.status_code, never_existed.text) == (404, foreign.text), sample.id
    assert (await contents(tenant), await contents(other_tenant)) == before


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_ones_own_ids_are_found(
    dialect: str, client: httpx2.AsyncClient, key: str, two_customers: TwoCustomers
) -> None:
    for sample in samples_of(dialect):
        if sample.addresses:
            response = await send(client, sample, key, await two_customers())
            assert response.status_code == sample.endpoint.status, (sample.id, response.text)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_too_many_requests_are_refused_in_the_dialects_words(
    dialect: str, client: httpx2.AsyncClient, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Plan("one", 1, 1)
    monkeypatch.setitem(silocdp_wire.PLANS, "enterprise", one)
    monkeypatch.setattr(customerio_wire, "FAIR_USE", one)
    monkeypatch.setattr(app_wire, "APP_API", one)
    monkeypatch.setattr(sends, "SENDS", one)
    monkeypatch.setattr(messages, "ARCHIVED", one)
    monkeypatch.setattr(triggers, "TRIGGERS", one)
    monkeypatch.setattr(crm_wire, "READS", one)
    monkeypatch.setattr(crm_wire, "WRITES", one)
    monkeypatch.setattr(crm_wire, "EXECUTIONS", one)
    monkeypatch.setattr(silentchat_wire, "CALLS", one)
    monkeypatch.setattr(silentchat_wire, "ACCOUNTS", one)
    monkeypatch.setattr("app.rest.door.serving.STRANGERS", one)
    ids = dict.fromkeys(UNKNOWN, "1")
    ids |= dict.fromkeys(("customer", "cio", "other", "token", "segment", "number", "tenant", "caller"), "1")
    for public in (True, False):
        samples = [sample for sample in samples_of(dialect) if sample.public is public]
        for number, sample in enumerate(samples):
            response = await send(client, sample, key, ids)
            if number > 0:
                assert response.status_code == 429, sample.id
                assert ("retry-after" in response.headers) == sample.endpoint.says_when, sample.id
                seconds = int(response.headers.get("retry-after") or re.findall(r"\d+", response.text)[-1])
                assert 50 <= seconds <= 60
                message = f"Too many requests. Please retry after {seconds} seconds."
                assert response.json() == words(sample, message, "rate_limited", 429), sample.id
                told = dialect in ("silocdp", "crm", "silentchat")
                assert limit_headers(response) == ({"limit": "1", "remaining": "0"} if told else {})


def limit_headers(response: httpx2.Response) -> dict[str, str]:
    """The rate-limit headers but for the moment of the reset."""
    found = {name.removeprefix("x-ratelimit-"): v for name, v in response.headers.items() if "ratelimit" in name}
    found.pop("reset", None)
    return found
