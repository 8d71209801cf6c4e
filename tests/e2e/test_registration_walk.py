"""An administrator connects each LMS in a browser: the invite pasted, the tool registered, switched on, opened by a teacher."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from gradesync_site import running
from gradesync_site.demo.home import Home
from tests.e2e.inspecting import Inspector
from tests.sandbox_servers import Server

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

StartLms = Callable[..., Server]


@dataclass
class Tool:
    """A running tool on localhost; the LMSs are on 127.0.0.1, which is another site to a browser."""

    env: dict[str, str]

    def command(self, *parts: str) -> str:
        command = [sys.executable, "manage.py", *parts]
        said = subprocess.run(command, env=self.env, cwd=running.ROOT, check=True, stdout=subprocess.PIPE)
        return said.stdout.decode()

    def invite(self, *approved: str) -> str:
        made = json.loads(self.command("register_platform", "--invite", "--json", *approved))
        return str(made["invite_url"])

    def registrations(self) -> list[dict[str, Any]]:
        return list(json.loads(self.command("register_platform", "--list", "--json"))["registrations"])


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    home = Home.open(tmp_path_factory.mktemp("tool"))
    origin = f"http://localhost:{home.tool_port}"
    made = Tool(home.env() | {"PUBLIC_URL": origin, "SSL_REDIRECT": "0"})
    made.command("migrate", "--verbosity", "0")
    made.command("createcachetable")
    web = [sys.executable, "-m", "gunicorn", "gradesync_site.wsgi", "--threads", "8", "--log-level", "error"]
    process = subprocess.Popen(
        [*web, "--bind", f"127.0.0.1:{home.tool_port}"], env=made.env, cwd=running.ROOT
    )
    try:
        _wait(f"{origin}/healthz")
        yield made
    finally:
        process.terminate()
        process.wait(timeout=30)
        home.close()


def _wait(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def register(page: Page, lms: Server, invite: str, opens: str) -> None:
    """Pastes the invite into the LMS and confirms on the tool's page, which then says itself that it has ended."""
    page.goto(f"{lms.base_url}/admin/tools")
    page.get_by_label("Registration address of the tool").fill(invite)
    if opens == "window":
        page.get_by_label("Open it in").select_option("window")
    page.get_by_role("button", name="Register").click()
    shown: Any = page.frame_locator("#registration")
    if opens == "window":
        with page.expect_popup() as opened:
            page.get_by_role("button", name="Open the tool's page").click()
        shown = opened.value
    shown.get_by_role("button", name="Register").click()
    page.wait_for_url("**/admin/tools?closed=1")


def open_in_course(page: Page, lms: Server, dialect: str) -> Any:
    """By the menu, or by a link that the teacher adds first; the tool's frame."""
    frame = page.frame_locator("iframe[name=tool]")
    if dialect == "canvas":
        page.goto(f"{lms.base_url}/courses/101/tool")
        return frame
    page.goto(f"{lms.base_url}/courses/101")
    page.get_by_role("link", name="Add a link").click()
    frame.get_by_role("link", name="Open it").click()
    return frame


@pytest.mark.parametrize(
    ("dialect", "opens", "options"),
    [
        ("canvas", "frame", {}),
        ("moodle", "frame", {}),
        ("brightspace", "window", {}),
        # this machine does not speak for blackboard.com, so it speaks for itself
        ("blackboard", "frame", {"issuer": "site"}),
        ("sakai", "window", {}),
    ],
)
def test_pasted_invite_ends_with_the_tool_open_in_the_course(
    page: Page, start_lms: StartLms, tool: Tool, dialect: str, opens: str, options: dict[str, str]
) -> None:
    lms = start_lms(dialect=dialect, extra={"storage": "1", **options})
    register(page, lms, tool.invite("--active"), opens)
    if dialect != "sakai":
        expect(page.get_by_text("installed, not switched on yet")).to_be_visible()
        page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("in use")).to_be_visible()
    frame = open_in_course(page, lms, dialect)
    expect(frame.get_by_text("Algebra 1, Period 3").first).to_be_visible()


def test_teacher_reads_in_the_frame_that_her_lms_waits_for_approval(
    page: Page, start_lms: StartLms, tool: Tool
) -> None:
    lms = start_lms(dialect="canvas", extra={"storage": "1"})
    register(page, lms, tool.invite(), "frame")
    page.get_by_role("button", name="Switch on").click()
    frame = open_in_course(page, lms, "canvas")
    expect(frame.get_by_role("heading", name="Waiting for approval")).to_be_visible()
    [waiting] = [row["id"] for row in tool.registrations() if not row["active"]]
    tool.command("register_platform", "--approve", waiting)
    frame = open_in_course(page, lms, "canvas")
    expect(frame.get_by_text("This installation of the tool in your LMS is new here")).to_be_visible()
    inspector = Inspector()
    inspector.look(page, "launch that waits for approval", page.frame(name="tool"))
    assert inspector.findings == [], "\n".join(inspector.findings)
