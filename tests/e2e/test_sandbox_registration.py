"""The administrator's page of the pretend LMS in a browser: it closes at the tool's own word, and at no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.sandbox_servers import Server

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

StartLms = Callable[..., Server]
SAY = "(data) => (window.opener || window.parent).postMessage(data, '*')"
CLOSE = {"subject": "org.imsglobal.lti.close"}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def tool(start_lms: StartLms) -> Server:
    """Some server of another site, whose pages play the tool."""
    return start_lms()


def paste(page: Page, lms: Server, tool: Server, opens: str = "") -> None:
    page.goto(f"{lms.base_url.replace('127.0.0.1', 'localhost')}/admin/tools")
    page.get_by_label("Registration address of the tool").fill(f"{tool.base_url}/static/style.css")
    if opens:
        page.get_by_label("Open it in").select_option(opens)
    page.get_by_role("button", name="Register").click()
    page.wait_for_load_state("networkidle")


def framed(page: Page, tool: Server) -> Frame:
    return next(frame for frame in page.frames if frame.url.startswith(tool.base_url))


def test_frame_closes_at_the_tools_word_only(page: Page, start_lms: StartLms, tool: Server) -> None:
    paste(page, start_lms(dialect="canvas"), tool)
    frame = framed(page, tool)
    assert "registration_token=" in frame.url
    for other in (
        {"subject": "org.imsglobal.lti.close "},
        {"subject": "lti.close"},
        "org.imsglobal.lti.close",
    ):
        frame.evaluate(SAY, other)
    page.evaluate("(data) => window.postMessage(data, '*')", CLOSE)
    assert page.evaluate("() => new Promise((done) => setTimeout(() => done(location.pathname), 100))") == (
        "/admin/register"
    )
    frame.evaluate(SAY, CLOSE)
    page.wait_for_url("**/admin/tools?closed=1")
    expect(page.get_by_role("status")).to_have_text("The tool has ended its registration.")


def test_window_closes_at_the_tools_word(page: Page, start_lms: StartLms, tool: Server) -> None:
    paste(page, start_lms(dialect="brightspace"), tool, "window")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open the tool's page").click()
    window = opened.value
    window.wait_for_load_state()
    assert "registration_token" not in window.url
    with window.expect_event("close"):
        window.evaluate(SAY, CLOSE)
    page.wait_for_url("**/admin/tools?closed=1")
