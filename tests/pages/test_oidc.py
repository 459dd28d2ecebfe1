"""Sign-in to the console with OpenID Connect: a browser's way to a real provider and back, on both databases."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from app.actions.accounts import verify_email
from app.core.access import PUBLIC
from app.pages import build_pages
from app.pages.oidc import SEALED
from app.runtime import Runtime
from tests.actions.accounts import ada, audited, caller, counts, do, mailed_tokens, refreshed
from tests.oidc_provider import CLIENT, CLIENT_SECRET, Provider, sent_back, served

ADA = "ada@lovelace.example"
ORIGIN = "http://127.0.0.1:8000"
BEGIN, BACK = "/console/oidc/begin", "/console/oidc/back"
UNKNOWN = "No member signs in with this address."
UNANSWERED = "The identity provider refused or did not answer."


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with served(Provider()) as provider:
        yield provider


@pytest.fixture
def connected(runtime: Runtime, provider: Provider) -> Runtime:
    """A running server whose people sign in at the provider."""
    runtime.settings.oidc_issuer = provider.issuer
    runtime.settings.oidc_client_id = CLIENT
    runtime.settings.oidc_client_secret = CLIENT_SECRET
    return runtime


def browser_of(runtime: Runtime) -> httpx2.AsyncClient:
    """A browser at the console, which keeps cookies and follows no redirect by itself."""
    house = Starlette(routes=[Mount("/console", build_pages(runtime))])
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(house), base_url=ORIGIN)


@pytest.fixture
async def browser(connected: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(connected) as browser:
        yield browser


async def register_ada(runtime: Runtime) -> None:
    """A member whose address is verified."""
    await ada(runtime.units, ADA)
    [token] = await mailed_tokens(runtime.units, ADA, "verify")
    await do(runtime.units, PUBLIC, verify_email, token=token)


async def begun(browser: httpx2.AsyncClient) -> str:
    """Where the browser comes back to, once it has been to the provider."""
    return await sent_back((await browser.get(BEGIN)).headers["location"])


def cookie_of(answer: httpx2.Response) -> dict[str, str]:
    """The value and the attributes of the one cookie that an answer sets; flags that are not set are left out."""
    jar = SimpleCookie(answer.headers["set-cookie"])
    assert list(jar) == [SEALED]
    return {"value": jar[SEALED].value} | {name: value for name, value in jar[SEALED].items() if value}


def arrival(answer: httpx2.Response) -> tuple[str, dict[str, list[str]]]:
    """The page of the console that an answer leads to, with its query. The cookie is gone whichever it is."""
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    deleted = cookie_of(answer)
    assert (deleted["value"], deleted["max-age"], deleted["path"]) == ("", "0", "/console/oidc")
    console, _, fragment = answer.headers["location"].partition("#")
    assert console == f"{ORIGIN}/console/"
    page, _, query = fragment.partition("?")
    return page, parse_qs(query)


async def test_it_is_offered_where_there_is_an_issuer(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/console/oidc/offer")
    assert (answer.status_code, answer.json()) == (200, {"offered": True})


async def test_without_an_issuer_there_is_nothing_to_begin(runtime: Runtime) -> None:
    async with browser_of(runtime) as browser:
        answer = await browser.get("/console/oidc/offer")
        assert (answer.status_code, answer.json()) == (200, {"offered": False})
        assert [(await browser.get(path)).status_code for path in (BEGIN, BACK)] == [404, 404]


async def test_beginning_leads_to_the_issuer_with_a_cookie_only_for_the_way_back(
    browser: httpx2.AsyncClient, provider: Provider
) -> None:
    answer = await browser.get(BEGIN)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert location._replace(query="").geturl() == f"{provider.issuer}/authorize"
    asked = parse_qs(location.query)
    assert (asked["client_id"], asked["redirect_uri"]) == ([CLIENT], [f"{ORIGIN}{BACK}"])
    cookie = cookie_of(answer)
    assert asked["state"][0] not in cookie.pop("value")
    assert cookie == {"httponly": True, "samesite": "lax", "path": "/console/oidc", "max-age": "600"}


async def test_the_cookie_keeps_to_tls_where_the_console_does(connected: Runtime) -> None:
    connected.settings.public_url = "https://rapport.example"
    async with browser_of(connected) as browser:
        assert cookie_of(await browser.get(BEGIN))["secure"]


async def test_a_verified_member_comes_back_signed_in(connected: Runtime, browser: httpx2.AsyncClient) -> None:
    await register_ada(connected)
    units, before = connected.units, await counts(connected.units)
    page, query = arrival(await browser.get(await begun(browser)))
    assert (page, list(query)) == ("/welcome", ["token"])
    assert len(browser.cookies) == 0
    made = {"sessions": 1, "refresh_tokens": 1, "audit_entries": 1}
    assert await counts(units) == {table: rows + made.get(table, 0) for table, rows in before.items()}

    signed_in = await refreshed(units, query["token"][0])
    principal = await caller(units, signed_in)
    assert (principal.label, principal.tenant_id) == (ADA, signed_in.tenant_id)
    assert (await audited(units, signed_in.tenant_id))[-1][1::2] == ("session.open", {"with": "oidc"})


@pytest.mark.parametrize("registered", [True, False])
async def test_somebody_who_is_no_verified_member_is_refused(
    connected: Runtime, browser: httpx2.AsyncClient, *, registered: bool
) -> None:
    if registered:
        await ada(connected.units, ADA)
    before = await counts(connected.units)
    assert arrival(await browser.get(await begun(browser))) == ("/sign-in", {"refused": [UNKNOWN]})
    assert await counts(connected.units) == before


async def test_what_comes_back_must_have_been_begun_in_this_browser(
    connected: Runtime, browser: httpx2.AsyncClient
) -> None:
    await register_ada(connected)
    before = await counts(connected.units)
    back = await begun(browser)
    async with browser_of(connected) as other:
        page, query = arrival(await other.get(back))
        assert (page, list(query)) == ("/sign-in", ["refused"])
        await other.get(BEGIN)
        elsewhere = "This sign-in was begun in another browser."
        assert arrival(await other.get(back)) == ("/sign-in", {"refused": [elsewhere]})
    assert await counts(connected.units) == before
    assert arrival(await browser.get(back))[0] == "/welcome"


async def test_a_way_back_is_gone_once(connected: Runtime, browser: httpx2.AsyncClient) -> None:
    await register_ada(connected)
    back = await begun(browser)
    sealed = {"cookie": f"{SEALED}={browser.cookies[SEALED]}"}
    assert arrival(await browser.get(back))[0] == "/welcome"
    before = await counts(connected.units)
    assert arrival(await browser.get(back, headers=sealed)) == ("/sign-in", {"refused": [UNANSWERED]})
    assert await counts(connected.units) == before


@pytest.mark.parametrize("error", ["access_denied", "login_required"])
async def test_a_provider_that_refuses_sends_back_to_the_sign_in(
    connected: Runtime, browser: httpx2.AsyncClient, error: str
) -> None:
    await register_ada(connected)
    before = await counts(connected.units)
    asked = parse_qs(urlsplit((await browser.get(BEGIN)).headers["location"]).query)
    answer = await browser.get(BACK, params={"error": error, "state": asked["state"][0]})
    assert arrival(answer) == ("/sign-in", {"refused": [UNANSWERED]})
    assert await counts(connected.units) == before


async def test_a_provider_that_cannot_be_understood_sends_back_to_the_sign_in(
    browser: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.metadata = {"token_endpoint": None}
    assert arrival(await browser.get(BEGIN)) == ("/sign-in", {"refused": [UNANSWERED]})
