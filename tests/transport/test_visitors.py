"""The graph for widgets on other people's pages: every origin may call, and each token counts from its own alone."""

from datetime import timedelta

import pytest

from app.actions.visitors import open_widget
from app.actions.widgets import create_widget
from app.core.access import PUBLIC
from resolvers.transport import VisitorsEndpoint
from tests.transport.conftest import Door, Serve, bearer, open_socket

SHOP = "https://shop.example"
ELSEWHERE = "https://elsewhere.example"


@pytest.fixture
async def visitors(serve: Serve) -> Door:
    door: Door = await serve(kind=VisitorsEndpoint)
    return door


async def token_for(door: Door, origin: str | None = SHOP) -> str:
    """The token of a new visitor of a new widget."""
    runtime = door.account.runtime
    async with runtime.write(door.account.owner) as tx:
        widget = await create_widget(tx, name="Shop")
        key = widget.key
    async with runtime.write(PUBLIC) as tx:
        opened = await open_widget(tx, widget_key=key, origin=origin)
    return opened.token


async def test_every_origin_may_call_and_none_with_credentials_of_the_browser(visitors: Door) -> None:
    asked = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
    allowed = await visitors.client.options(
        visitors.url, headers={**asked, "access-control-request-headers": "authorization,content-type"}
    )
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in allowed.headers
    assert int(allowed.headers["access-control-max-age"]) >= 600
    answer = await visitors.post({"query": "{ hello }"}, authorization="", origin=ELSEWHERE)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        "{ hello }",
        "{ openWidget: hello }",
        "{ openWidget hello }",
        "query { ...F } fragment F on Query { hello }",
        "query { ... on Query { hello } }",
        "query A { openWidget } query B { hello }",
        "subscription { forever }",
    ],
)
async def test_nobody_may_do_more_than_open_a_widget(visitors: Door, query: str) -> None:
    answer = await visitors.client.post(visitors.url, json={"query": query, "operationName": "B"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    stream = await visitors.client.post(visitors.url, json={"query": query}, headers={"accept": "text/event-stream"})
    assert "hello world" not in stream.text
    assert "UNAUTHENTICATED" in stream.text


async def test_opening_reaches_the_engine(visitors: Door) -> None:
    for query in ("mutation { openWidget __typename }", "{"):
        answer = await visitors.client.post(visitors.url, json={"query": query})
        assert answer.status_code != 401
        assert "Open a widget first" not in answer.text


async def test_a_token_counts_from_its_own_origin_alone(visitors: Door) -> None:
    token = await token_for(visitors)
    for origin, status in ((SHOP, 200), (ELSEWHERE, 403), ("null", 403), (None, 403)):
        headers = {**bearer(token), **({"origin": origin} if origin else {})}
        answer = await visitors.client.post(visitors.url, json={"query": "{ caller }"}, headers=headers)
        assert answer.status_code == status, origin
        assert ("visitor:" in answer.text) is (status == 200)
    bare = await token_for(visitors, origin=None)
    answer = await visitors.client.post(visitors.url, json={"query": "{ caller }"}, headers=bearer(bare))
    assert "visitor:" in answer.text, "a program that is no browser"


async def test_members_and_keys_have_no_business_here(visitors: Door) -> None:
    member = await visitors.account.new_token(timedelta(minutes=5))
    for credential in (visitors.key.key_text, member):
        answer = await visitors.client.post(visitors.url, json={"query": "{ hello }"}, headers=bearer(credential))
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    forged = await visitors.client.post(visitors.url, json={"query": "{ hello }"}, headers=bearer("vst_forged"))
    assert forged.status_code == 401


async def test_a_socket_of_a_foreign_page_is_judged_by_its_token(visitors: Door) -> None:
    token, other = await token_for(visitors), await token_for(visitors, ELSEWHERE)
    async with open_socket(visitors, acknowledged=False, origin=SHOP) as peer:
        await peer.send({"type": "connection_init", "payload": bearer(token)})
        assert await peer.receive() == {"type": "connection_ack"}
        await peer.send({"type": "ping", "payload": bearer(token)})
        assert await peer.receive() == {"type": "pong"}
        await peer.send({"type": "ping", "payload": bearer(other)})
        assert (await peer.closed())[0] == 4403
    for origin, credential in ((ELSEWHERE, token), (SHOP, visitors.key.key_text), (SHOP, "vst_forged"), (None, token)):
        async with open_socket(visitors, acknowledged=False, origin=origin) as peer:
            await peer.send({"type": "connection_init", "payload": bearer(credential)})
            assert (await peer.closed())[0] == 4403
    async with open_socket(visitors, acknowledged=False, origin=SHOP) as peer:
        await peer.send({"type": "connection_init"})
        assert (await peer.closed())[0] == 4403
