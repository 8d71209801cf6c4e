"""A running demo and a browser that is really there: Debian's Chromium, driven through Playwright."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from gradesync_site import running

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # all frames in one process: where a frame goes from site to site fast, Playwright loses it now and then when each
    # site has its own (the browser shows the page, the driver waits for it); who may read what stays as it is
    "--disable-site-isolation-trials",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `demo --json` said when it was ready. It ends when it is asked to, and leaves no process behind."""
    home = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--json"],
        env=os.environ | {"GRADESYNC_HOME": str(home)},
        cwd=running.ROOT,
        stdout=subprocess.PIPE,
        stderr=(home / "log").open("wb"),
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (home / "log").read_text()
    yield json.loads(line)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert processes_of(home) == []


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that still live in this home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"GRADESYNC_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        chromium.close()


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
