"""GraphiQL: who gets the page, what it may load, and where the demo key is shown."""

import base64
import re
from hashlib import sha256
from typing import Any

import pytest

from tests.transport.conftest import Door, Serve

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def test_a_browser_gets_the_page(door: Door) -> None:
    response = await door.client.get(door.url, headers={"accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "graphiql" in response.text
    executed = await door.client.get(f"{door.url}?query={{hello}}", headers={"accept": BROWSER})
    assert executed.headers["content-type"].startswith("text/html"), "navigating to a link runs nothing"


async def test_its_policy_lets_in_exactly_what_it_names(door: Door) -> None:
    response = await door.client.get(door.url, headers={"accept": BROWSER})
    policy = response.headers["content-security-policy"]
    for script in re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL):
        assert f"'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    for source in re.findall(r'(?:src|href)="(https?:[^"]+)"', response.text):
        assert source.startswith("https://unpkg.com/")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    script_sources = policy.split("script-src")[1].split(";")[0]
    assert "unsafe-inline" not in script_sources


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("[::1]:8000", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8000", False),
        ("", False),
    ],
)
async def test_the_demo_key_is_shown_to_loopback_only(serve: Serve, host: str, shown: bool) -> None:
    door = await serve(demo=True, demo_key="rpt_demo</script>")
    response = await door.client.get(door.url, headers={"accept": BROWSER, "host": host})
    assert ("rpt_demo" in response.text) == shown
    assert "rpt_demo</script>" not in response.text


@pytest.mark.parametrize("changed", [{"demo": False}, {"demo": True, "host": "0.0.0.0"}])
async def test_only_a_demo_on_loopback_shows_its_key(serve: Serve, changed: dict[str, Any]) -> None:
    door = await serve(demo_key="rpt_demo", **changed)
    response = await door.client.get(door.url, headers={"accept": BROWSER})
    assert "graphiql" in response.text
    assert "rpt_demo" not in response.text


async def test_it_can_be_switched_off(serve: Serve) -> None:
    door = await serve(graphiql=False)
    response = await door.client.get(f"{door.url}?query={{hello}}", headers={"accept": BROWSER})
    assert response.json() == {"data": {"hello": "hello world"}}
    assert (await door.client.get(door.url, headers={"accept": "text/html"})).status_code == 406
