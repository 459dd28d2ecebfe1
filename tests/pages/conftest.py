"""The console as people use it: Chromium on a served demo. Whatever the browser complains of fails the test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from app.core.settings import Settings
from tests.serving import Served

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 15_000
SCREEN: ViewportSize = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Demo:
    """A served demo and how to sign in to it."""

    served: Served
    email: str
    password: str
    api_key: str
    database: Path = Path()

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def console(self) -> str:
        return f"{self.url}/console/"

    def ask(self, query: str, *, as_: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data that the graph answers to the demo's key, or to the credential ``as_`` (empty: to nobody)."""
        credential = self.api_key if as_ is None else as_
        headers = {"authorization": f"Bearer {credential}"} if credential else {}
        body = {"query": query, "variables": variables}
        answer = httpx2.post(f"{self.url}/graphql", json=body, headers=headers, trust_env=False, timeout=30).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@pytest.fixture(scope="module")
def demo(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A new embedded database with the demo, on one server for a module. Many sign in at one address: no limits."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("console"), database_url="", redis_url="", demo=True)
    served = Served(settings, RAPPORT_RATE_LIMITS="false").start()
    printed = dict(line.split(": ", 1) for line in served.lines if ": " in line)
    yield Demo(served, printed["email"], printed["password"], printed["api key"], settings.data_dir / "rapport.db")
    served.stop()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass(slots=True)
class Complaints:
    """What the consoles of the pages said. ``expected``: parts of complaints that the test provokes."""

    heard: list[str]
    expected: list[str]

    def unexpected(self) -> list[str]:
        return [text for text in self.heard if not any(part in text for part in self.expected)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Checked at the end: a page writes no warning, no error and no breach of its policy."""
    complaints = Complaints([], [])
    yield complaints
    assert complaints.unexpected() == []


@pytest.fixture
def context(browser: Browser, demo: Demo, complaints: Complaints) -> Iterator[BrowserContext]:
    """A browser of somebody who has never been here."""
    context = browser.new_context(viewport=SCREEN, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda message: _note(complaints, message.type, message.text))
    context.on("weberror", lambda error: complaints.heard.append(str(error.error)))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page that has not been anywhere."""
    return context.new_page()


@pytest.fixture
def console(page: Page, demo: Demo) -> Page:
    """The console, with the demo's owner signed in."""
    sign_in(page, demo.console, demo.email, demo.password)
    return page


@pytest.fixture(scope="module")
def agent(browser: Browser, demo: Demo) -> Iterator[tuple[Page, list[str]]]:
    """The demo's owner, signed in once, and what the browser complained of."""
    context = browser.new_context(viewport=SCREEN, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    heard: list[str] = []
    context.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    context.on("weberror", lambda error: heard.append(f"error: {error.error}"))
    page = context.new_page()
    sign_in(page, demo.console, demo.email, demo.password)
    yield page, heard
    context.close()


@pytest.fixture
def desk(agent: tuple[Page, list[str]], complaints: Complaints) -> Iterator[Page]:
    """The console as the last test left it, on a screen of the usual size."""
    page, heard = agent
    heard.clear()
    page.set_viewport_size(SCREEN)
    yield page
    page.unroute_all()
    page.context.set_offline(False)
    complaints.heard += [text for text in heard if text.startswith(("error", "warning"))]


def sign_in(page: Page, console: str, email: str, password: str) -> None:
    """Signs in as people do, and waits for the overview."""
    page.goto(console)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")


def visit(page: Page, name: str) -> None:
    """Follows a link of the navigation."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_focused()


def mailed_link(page: Page, recipient: str, subject: str) -> str:
    """The link in the newest message to somebody, read in the outbox."""
    visit(page, "Outbox")
    page.get_by_label("Recipient").fill(recipient)
    expect(page.get_by_role("status").filter(has_text="message")).to_be_visible()
    expect(page.locator("tbody tr").filter(has_not_text=recipient)).to_have_count(0)
    page.get_by_role("link", name=subject).first.click()
    expect(page.get_by_role("heading", name=subject)).to_be_focused()
    link = page.locator(".letter a")
    expect(link).to_have_count(1)
    address = link.get_attribute("href")
    assert address is not None
    return address


def _note(complaints: Complaints, kind: str, text: str) -> None:
    if kind in {"warning", "error"}:
        complaints.heard.append(f"{kind}: {text}")
