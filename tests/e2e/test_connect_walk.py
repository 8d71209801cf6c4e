"""Connecting to the LMS from inside its frame, in a real browser: without cookies, without a tie to the frame, without scripts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, expect

from gradesync_site import running
from gradesync_site.sandbox.lms.keyring import CLIENT_ID, SECRET
from tests.e2e.cross_site import Site, prepare, serving
from tests.e2e.inspecting import Inspector

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-connect")]
expect.set_options(timeout=30_000)

TEACHERS_READ = f"""
from sync.models import Grant, LmsConnection
Grant.objects.all().delete()
LmsConnection.objects.update(access="teacher", token="", client_id="{CLIENT_ID}", client_secret="{SECRET}")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Over http no cookie of the tool can live in the LMS's frame. Teachers read with their own access."""
    home = tmp_path_factory.mktemp("sent")
    prepare(home)
    with serving(home, tmp_path_factory.mktemp("connect") / "home", "1", worker=True) as site:
        yield site


@pytest.fixture
def visitor(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    site.django(TEACHERS_READ)
    site.ask("oauth", {"revoke": True})
    context = browser.new_context()
    context.set_default_timeout(30_000)
    yield context
    context.close()


def open_tool(page: Page, site: Site) -> FrameLocator:
    page.goto(site.course)
    page.get_by_role("link", name="Grades to SIS").click()
    return page.frame_locator("iframe[name=tool]")


def press(page: Page, tool: FrameLocator | Page) -> Page:
    """The button opens the window at the LMS."""
    with page.context.expect_page() as opened:
        tool.get_by_role("button", name="Connect to Canvas").click()
    window = opened.value
    expect(window.get_by_role("heading", name="Allow access?")).to_be_visible()
    return window


def has_gone_on(tool: FrameLocator) -> None:
    """From the window's code to what was read with it, by itself."""
    expect(tool.get_by_text("You are connected to Canvas.")).to_be_visible()
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible(timeout=60_000)
    expect(tool.get_by_role("link", name="Connect to Canvas")).to_have_count(0)


def inspect(page: Page, name: str, *, framed: bool) -> None:
    inspector = Inspector()
    inspector.look(page, name, page.frame(name="tool") if framed else None)
    assert inspector.findings == [], "\n".join(inspector.findings)


def test_the_frame_goes_on_by_itself_and_a_lost_access_is_a_clear_page(
    site: Site, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    tool = open_tool(page, site)
    tool.get_by_role("link", name="Connect to Canvas").click()
    expect(tool.get_by_role("heading", name="Connect to Canvas")).to_be_visible()
    window = press(page, tool)
    window.get_by_role("button", name="Allow").click()
    has_gone_on(tool)
    if not window.is_closed():
        expect(window.get_by_role("heading", name="You are connected to Canvas")).to_be_visible()
        assert "code=" not in window.url and "state=" not in window.url

    # the LMS ends it while nobody looks; the next read says so, and what to do
    site.ask("oauth", {"revoke": True})
    site.django("from sync.models import Grant; from django.utils import timezone; "
                "Grant.objects.update(expires_at=timezone.now())")  # fmt: skip
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_text("Canvas has ended your access, so nothing is read for you.")).to_be_visible()
    tool.get_by_role("link", name="Connect to Canvas").click()
    expect(tool.get_by_text("No grade is lost: connect again")).to_be_visible()
    inspect(page, "connect again", framed=True)

    # a page of the LMS that cuts the tie to the frame (COOP): the code is typed
    window = press(page, tool)
    window.evaluate("window.opener = null")
    window.get_by_role("button", name="Allow").click()
    expect(window.get_by_role("heading", name="Almost connected")).to_be_visible()
    inspect(window, "almost connected", framed=False)
    tool.get_by_label("If the window shows a code").fill(window.locator(".code").inner_text())
    tool.get_by_role("button", name="Go on").click()
    has_gone_on(tool)
    tool.get_by_role("link", name="Access").click()
    expect(tool.get_by_text("You are connected to Canvas since")).to_be_visible()
    inspect(page, "connected", framed=True)
    tool.get_by_role("button", name="Take my access back").click()
    expect(tool.get_by_text("Your access is taken back, at Canvas too.")).to_be_visible()


def until(page: Page, wanted: Locator) -> None:
    """Looks again by hand, as nothing goes on by itself."""
    for _time in range(60):
        if wanted.first.is_visible():
            return
        page.wait_for_timeout(500)
        page.goto(page.url)
    expect(wanted.first).to_be_visible()


# a launch of the main course's teacher in a tab of its own, where the cookie is first-party: its name, value and page
LAUNCHED = """
import django, json
django.setup()
from django.test import RequestFactory
from lti_tool import sessions
from lti_tool.models import Membership
one = Membership.objects.filter(can_send=True).order_by("pk").first()
opened = sessions.open_session(one, RequestFactory().get("/"), origins=[], return_url="")
page = sessions.course_page(one.context)
print(json.dumps([sessions.cookie_name(one.context.public_id), opened.reading, page]))
"""


def launched(site: Site, context: BrowserContext) -> Page:
    command = [sys.executable, "-c", LAUNCHED]
    said = subprocess.run(command, env=site.env, cwd=running.ROOT, check=True, stdout=subprocess.PIPE)
    name, value, address = json.loads(said.stdout)
    context.add_cookies([{"name": name, "value": value, "url": site.tool}])
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(site.tool + address)
    return page


def test_without_scripts_the_code_is_typed(site: Site, visitor: BrowserContext, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False)
    try:
        tool = launched(site, plain)
        tool.get_by_role("link", name="Connect to Canvas").click()
        window = press(tool, tool)
        window.get_by_role("button", name="Allow").click()
        code = window.locator(".code").inner_text()
        assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", code)
        tool.get_by_label("If the window shows a code").fill(code.lower())
        tool.get_by_role("button", name="Go on").click()
        until(tool, tool.get_by_role("heading", name="Grades to SIS"))
        expect(tool.get_by_role("link", name="Connect to Canvas")).to_have_count(0)
    finally:
        plain.close()


def test_a_window_that_says_no_leaves_the_frame_as_it_is(site: Site, visitor: BrowserContext) -> None:
    page = visitor.new_page()
    tool = open_tool(page, site)
    tool.get_by_role("link", name="Connect to Canvas").click()
    window = press(page, tool)
    window.get_by_role("button", name="Cancel").click()
    expect(window.get_by_text("Canvas was told not to allow it.")).to_be_visible()
    inspect(window, "not connected", framed=False)
    expect(tool.get_by_role("button", name="Connect to Canvas")).to_be_enabled()
