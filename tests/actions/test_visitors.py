"""Visitors: their sessions, the pages they see, and who they prove to be."""

from datetime import timedelta

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey

from app.actions.authentication import Authenticator
from app.actions.visitors import (
    get_visitor,
    identify_visitor,
    identity_secret,
    list_visitors,
    rotate_identity_secret,
    see_page,
)
from app.actions.widgets import add_domain, delete_widget, remove_domain
from app.core import clock
from app.core.access import Principal, Scope
from app.core.credentials import Credential
from app.core.errors import (
    Conflict,
    DomainNotAllowed,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    WidgetKeyInvalid,
)
from app.core.ids import public_id
from app.core.tx import UnitsOfWork
from models import Conversation, Customer, Visitor, VisitorPage
from tests.actions.people import People
from tests.actions.visiting import SHOP, Site


@pytest.fixture
async def site(people: People) -> Site:
    return await Site.built(people)


async def recognised(units: UnitsOfWork, token: str) -> Principal:
    return await Authenticator(units, units.services).authenticate(Credential.from_text(token), "graph")


# ---- sessions -------------------------------------------------------------------------------------------------------


async def test_a_token_makes_the_visitor_come_back(site: Site) -> None:
    first = await site.open(page_url=f"{SHOP}/a", page_title="A", locale="de_AT", timezone="Europe/Vienna")
    again = await site.open(visitor_token=first.token, page_url=f"{SHOP}/b", locale="!", timezone="Mars/Base")
    assert again.visitor.id == first.visitor.id
    assert (again.visitor.page_count, again.visitor.page_url) == (2, f"{SHOP}/b")
    assert (again.visitor.locale, again.visitor.timezone) == ("de-AT", "Europe/Vienna")
    assert (first.is_open, first.opens_at) == (True, None)
    principal = await recognised(site.units, again.token)
    assert (principal.kind, principal.id, principal.tenant_id) == ("visitor", first.visitor.id, site.widget.tenant_id)
    assert (principal.scopes, principal.plan, principal.origin) == ({Scope.VISITOR}, "visitor", SHOP)
    assert principal.expires_at == again.expires_at
    assert len(await site.people.rows(Visitor)) == 1


async def test_any_other_token_makes_a_new_visitor(site: Site, strangers: People) -> None:
    other = await Site.built(site.people, name="Other")
    foreign = await Site.built(strangers)
    first = await site.open()
    tokens = [
        first.token[:-3] + "abc",
        "vst_nonsense",
        "",
        (await other.open()).token,
        (await foreign.open()).token,
        (await site.open(origin="https://elsewhere.example")).token,
        (await site.open(origin=None)).token,
    ]
    seen = {first.visitor.id}
    for token in tokens:
        opened = await site.open(visitor_token=token)
        assert opened.visitor.id not in seen
        seen.add(opened.visitor.id)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        assert (await site.open(visitor_token=first.token)).visitor.id not in seen


async def test_a_forged_expired_or_revoked_token_is_refused(site: Site) -> None:
    opened = await site.open()
    claims = jwt.decode(opened.token.removeprefix("vst_"), _key(site), algorithms=["HS256"]).claims
    forged = "vst_" + jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32), algorithms=["HS256"])
    nobody = "vst_" + jwt.encode({"alg": "HS256"}, {**claims, "sub": None}, _key(site), algorithms=["HS256"])
    for token in (forged, nobody, opened.token[:-2], "vst_"):
        with pytest.raises(Unauthenticated):
            await recognised(site.units, token)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False), pytest.raises(Unauthenticated):
        await recognised(site.units, opened.token)
    assert (await recognised(site.units, opened.token)).id == opened.visitor.id
    await site.people.do(delete_widget, widget_id=site.widget.id)
    with pytest.raises(Unauthenticated):
        await recognised(site.units, opened.token)
    with pytest.raises(WidgetKeyInvalid):
        await site.open()


def _key(site: Site) -> OctKey:
    return site.units.services.tokens._key("rapport:visitor")


async def test_widgets_open_only_on_allowed_sites(site: Site) -> None:
    opened = await site.open()
    domain = await site.people.do(add_domain, name="shop.example")
    below = await site.people.do(add_domain, name="*.example.org")
    assert (await recognised(site.units, opened.token)).id == opened.visitor.id
    for origin in ("https://evil.example", "https://shop.example.evil.example", "https://example.org", "null", None):
        with pytest.raises(DomainNotAllowed):
            await site.open(origin=origin)
    assert len(await site.people.rows(Visitor)) == 1
    for origin in ("https://shop.example:8443", "http://SHOP.example", "https://a.b.example.org"):
        assert (await site.open(origin=origin)).visitor.id
    await site.people.do(remove_domain, domain_id=domain.id)
    with pytest.raises(Unauthenticated):
        await recognised(site.units, opened.token)
    await site.people.do(remove_domain, domain_id=below.id)
    assert (await recognised(site.units, opened.token)).id == opened.visitor.id


async def test_an_unknown_key_opens_nothing(site: Site) -> None:
    for key in ("", "wk_nothing", site.widget.key + "x", site.widget.key.swapcase(), "\x00", "x" * 1000):
        with pytest.raises(WidgetKeyInvalid):
            await site.open(widget_key=key)
    assert await site.people.rows(Visitor) == []


# ---- pages ----------------------------------------------------------------------------------------------------------


async def test_the_latest_hundred_pages_are_kept(site: Site) -> None:
    browser = await site.browser(page_url=f"{SHOP}/0", referrer="https://search.example/?q=1")
    async with site.units.write(browser.principal) as tx:
        for number in range(1, 104):
            await see_page(tx, url=f"{SHOP}/{number}", title=f"Page {number}")
    await browser.do(see_page, url=f"{SHOP}/103", title="Page 103")
    await browser.do(see_page, url="javascript:alert(1)", title="evil")
    pages = await site.people.rows(VisitorPage)
    assert [page["url"] for page in pages] == [f"{SHOP}/{number}" for number in range(4, 104)]
    row = await site.visitor(browser)
    assert (row["page_count"], row["page_url"], row["page_title"]) == (104, f"{SHOP}/103", "Page 103")
    assert row["referrer"] == "https://search.example/?q=1"


async def test_what_a_browser_says_of_itself_is_cut_or_dropped(site: Site) -> None:
    await site.open(
        page_url="https://shop.example/" + "x" * 3000,
        page_title="t" * 400,
        referrer="data:text/html,x",
        user_agent="u" * 600,
        locale="\x00",
    )
    (row,) = await site.people.rows(Visitor)
    assert len(row["page_url"]) == 2000
    assert (row["page_title"], row["referrer"], row["user_agent"]) == ("t" * 300, "", "u" * 500)


# ---- who they are ---------------------------------------------------------------------------------------------------


async def test_a_claim_without_proof_shows_and_links_nothing(site: Site) -> None:
    owner = await site.proven("ann")
    secret = await owner.says("my card ends in 4242")
    liar = await site.browser()
    await liar.do(identify_visitor, user_id="ann", name=" Ann ", email="ANN@Example.com", attributes={"plan": "x"})
    row = await site.visitor(liar)
    assert (row["name"], row["email"], row["proven_id"], row["customer_id"]) == ("Ann", "ann@example.com", None, None)
    assert (await liar.sees(), await owner.sees()) == (set(), {secret})
    assert ("email", "ann@example.com") not in await site.people.names()
    assert [person["attributes"] for person in await site.people.rows(Customer)] == [{}]


async def test_a_wrong_hash_is_refused_and_leaves_no_trace(site: Site, strangers: People) -> None:
    browser = await site.browser()
    before = await site.visitor(browser)
    foreign = await (await Site.built(strangers)).proof("ann")
    for wrong in ("", "0" * 64, await site.proof("bob"), foreign, "é\x00"):
        with pytest.raises(Forbidden):
            await browser.do(identify_visitor, user_id="ann", user_hash=wrong, name="Ann")
    with pytest.raises(Invalid):
        await browser.do(identify_visitor, user_id=" ", user_hash=await site.proof(" "))
    assert await site.visitor(browser) == before
    assert await site.people.rows(Customer) == []


async def test_proof_joins_the_visitor_and_what_they_said_to_the_customer(site: Site) -> None:
    known = (await site.people.identify(external_id="ann", email="ann@example.com")).customer_id
    browser = await site.browser()
    talk = await browser.says("hello")
    await site.proven("ann", browser, name="Ann", email="other@example.com", attributes={"plan": "gold"})
    row = await site.visitor(browser)
    assert (row["customer_id"], row["proven_id"], row["email"]) == (known, "ann", "other@example.com")
    (conversation,) = await site.people.rows(Conversation)
    assert (conversation["id"], conversation["customer_id"], conversation["proven_id"]) == (talk, known, "ann")
    (person,) = await site.people.rows(Customer)
    assert person["attributes"] == {"name": "Ann", "plan": "gold"}
    assert await site.people.names() == {
        ("external_id", "ann"): known,
        ("email", "ann@example.com"): known,
        ("anonymous_id", public_id("visitor", browser.id)): known,
    }
    elsewhere = await site.proven("ann")
    assert await elsewhere.sees() == {talk}
    assert await (await site.browser()).sees() == set()


async def test_proof_of_somebody_new_makes_a_customer(site: Site) -> None:
    hash_in_capitals = (await site.proof("eve@example.com")).upper()
    browser = await site.browser()
    await browser.do(identify_visitor, user_id="eve@example.com", user_hash=hash_in_capitals)
    (person,) = await site.people.rows(Customer)
    browser_name = ("anonymous_id", public_id("visitor", browser.id))
    names = {("external_id", "eve@example.com"), ("email", "eve@example.com"), browser_name}
    assert await site.people.names() == dict.fromkeys(names, person["id"])


async def test_an_email_that_somebody_else_has_is_not_taken(site: Site) -> None:
    other = (await site.people.identify(external_id="7", email="eve@example.com")).customer_id
    browser = await site.proven("eve@example.com")
    names = await site.people.names()
    assert names["email", "eve@example.com"] == other
    assert names["external_id", "eve@example.com"] == (await site.visitor(browser))["customer_id"] != other


async def test_another_person_in_the_same_browser_is_a_new_visitor(site: Site) -> None:
    browser = await site.proven("ann")
    talk = await browser.says("mine")
    for proof in (await site.proof("bob"), None):
        with pytest.raises(Conflict):
            await browser.do(identify_visitor, user_id="bob", user_hash=proof)
    itself = public_id("visitor", browser.id)
    with pytest.raises(Conflict):
        await browser.do(identify_visitor, user_id=itself, user_hash=await site.proof(itself))
    await browser.do(identify_visitor, user_id=itself, email="ann@example.com")
    row = await site.visitor(browser)
    assert (row["proven_id"], row["email"]) == ("ann", "ann@example.com")
    assert await browser.sees() == {talk}
    assert await (await site.proven("bob")).sees() == set()


async def test_a_new_secret_ends_what_the_old_one_proved(site: Site) -> None:
    proven, plain = await site.proven("ann"), await site.browser()
    old = await site.proof("ann")
    secret = await site.people.do(rotate_identity_secret)
    assert secret == await site.people.read(identity_secret)
    with pytest.raises(Unauthenticated):
        await recognised(site.units, proven.opened.token)
    assert (await recognised(site.units, plain.opened.token)).id == plain.id
    with pytest.raises(Forbidden):
        await plain.do(identify_visitor, user_id="ann", user_hash=old)
    await site.proven("ann", plain)


async def test_only_who_may_configure_widgets_sees_the_secret(site: Site) -> None:
    agent = People(site.units, Principal("member", site.widget.tenant_id, scopes=frozenset({Scope.WIDGETS_READ})))
    with pytest.raises(Forbidden):
        await agent.read(identity_secret)
    with pytest.raises(Forbidden):
        await agent.do(rotate_identity_secret)
    browser = await site.browser()
    for query in (identity_secret, list_visitors):
        with pytest.raises(Forbidden):
            await browser.do(query)


# ---- reading --------------------------------------------------------------------------------------------------------


async def test_agents_find_visitors(site: Site, strangers: People) -> None:
    ann, bob = await site.proven("ann"), await site.browser()
    await bob.do(identify_visitor, user_id="x", name="Bob 100%", email="bob@example.com")
    await see_later(site, ann)

    async def found(**values: object) -> list[object]:
        page = await site.people.read(list_visitors, **values)
        assert page.total >= len(page.items)
        return [visitor.id for visitor in page.items]

    assert await found() == [ann.id, bob.id]
    assert await found(limit=1, offset=1) == [bob.id]
    assert await found(identified=True) == [ann.id]
    assert await found(identified=False) == [bob.id]
    assert await found(search="BOB@") == [bob.id]
    assert await found(search="0%") == [bob.id]
    assert await found(search="_") == []
    assert (await site.people.read(get_visitor, visitor_id=bob.id)).name == "Bob 100%"
    with pytest.raises(NotFound):
        await strangers.read(get_visitor, visitor_id=bob.id)
    assert (await strangers.read(list_visitors)).total == 0


async def see_later(site: Site, browser: object) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
        await browser.do(see_page, url=f"{SHOP}/later")  # type: ignore[attr-defined]
