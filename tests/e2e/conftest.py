"""A running demo and a browser that is really there: Debian's Chromium, driven through Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.e2e.cross_site import prepare
from tests.e2e.demos import Demo

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # all frames in one process: where a frame goes from site to site fast, Playwright loses it now and then when each
    # site has its own (the browser shows the page, the driver waits for it); who may read what stays as it is
    "--disable-site-isolation-trials",
)


@pytest.fixture(scope="package")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Demo]]:
    """Gives a demo as it is when it has just started: the one that runs, put back, or another one."""
    at_hand: list[Demo] = []

    def fresh() -> Demo:
        if at_hand and at_hand[0].is_at_rest():
            at_hand[0].put_back()
            return at_hand[0]
        while at_hand:
            at_hand.pop().end()
        at_hand.append(Demo.start(tmp_path_factory.mktemp("demo")))
        return at_hand[0]

    yield fresh
    for one in at_hand:
        one.end()


@pytest.fixture(scope="module")
def demo(demos: Callable[[], Demo]) -> dict[str, Any]:
    """What `demo --json` said when it was ready: a course that nobody opened yet, for the tests of this module."""
    return demos().said


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    yield from chromium(playwright)


@pytest.fixture(scope="package")
def blocking(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without third-party cookies; partitioned ones are kept."""
    yield from chromium(playwright, "--test-third-party-cookie-phaseout")


def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed")
    path = Path(__file__).with_name("chromium.sh")
    started = playwright.chromium.launch(executable_path=path, args=[*QUIET, *flags])
    yield started
    started.close()


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a demo whose job is done; `serving` runs copies of it."""
    path = tmp_path_factory.mktemp("sent")
    prepare(path)
    return path


@pytest.fixture
def visitor(blocking: Browser) -> Iterator[BrowserContext]:
    context = blocking.new_context(ignore_https_errors=True, accept_downloads=True)
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor. What her browser complains about (scripts, blocked content, missing files) fails the test.

    An indirect parameter puts her into another time zone.
    """
    zone: str | None = getattr(request, "param", None)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id=zone)
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(told(message)) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # a student is turned away with 403; browsers ask every site for an icon
    complaints = [text for text in complaints if "403 (Forbidden)" not in text and "favicon" not in text]
    assert complaints == []


def told(message: ConsoleMessage) -> str:
    return f"{message.text} at {message.location['url']}"
