"""GraphiQL in a real browser. Its scripts come from the npm registry, where unpkg.com has them from as well."""

import re
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Page, Route, async_playwright

from resolvers.transport.graphiql import GraphiQL
from tests.transport.conftest import Door, Serve

FILE = re.compile(r"https://unpkg\.com/((?:@[\w-]+/)?[\w-]+@[\d.]+)/([\w./-]+)")


@pytest.fixture(scope="session")
def unpkg(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the page loads, by address; skips where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node: no npm found")
    page, _ = GraphiQL().page({})
    found = FILE.findall(page.decode())
    files = {}
    for package in sorted({name for name, _ in found}):
        directory = tmp_path_factory.mktemp("package")
        packed = subprocess.run(
            [npm, "pack", "--silent", package], cwd=directory, capture_output=True, text=True, timeout=60
        )
        if packed.returncode != 0:
            pytest.skip(f"Node: npm could not fetch {package} ({packed.stderr.strip()[-200:]})")
        with tarfile.open(directory / packed.stdout.strip()) as archive:
            archive.extractall(directory, filter="data")
        for name, path in found:
            if name == package:
                files[f"https://unpkg.com/{name}/{path}"] = directory / "package" / path
    return files


@pytest.fixture
async def page(chromium: str, unpkg: dict[str, Path]) -> AsyncIterator[Page]:
    async def answer(route: Route) -> None:
        await route.fulfill(path=unpkg[route.request.url], headers={"access-control-allow-origin": "*"})

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.route("https://unpkg.com/**", answer)
        yield page
        await browser.close()


@pytest.fixture
async def demo(serve: Serve) -> Door:
    """An endpoint that shows its key, as a demo on loopback does."""
    door: Door = await serve(demo=True)
    door.endpoint.show_demo_key(door.key.key_text)
    return door


@pytest.mark.parametrize(
    ("document", "expected"),
    [("{ caller }", "api_key:"), ("subscription { count(to: 3) }", '"count": 3')],
)
async def test_the_page_asks_and_subscribes_with_the_demo_key(
    page: Page, demo: Door, document: str, expected: str
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{demo.url}?q={quote(document)}")
    await page.locator(".graphiql-execute-button").click()
    await page.locator(".result-window", has_text=expected).wait_for(timeout=15_000)
    assert [complaint for complaint in complaints if "Content Security Policy" in complaint] == []
    await page.close()
    await demo.settled()
