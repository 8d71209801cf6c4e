"""Launches in a real browser that blocks third-party cookies, the tool and the LMS on different sites, in each of three ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Error, Frame, FrameLocator, Page, expect

from tests.e2e.cross_site import Site, serving
from tests.e2e.inspecting import Inspector

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-cookieless")]
expect.set_options(timeout=30_000)


def open_tool(page: Page, site: Site) -> FrameLocator:
    page.goto(site.course)
    page.get_by_role("link", name="Grades to SIS").click()
    return page.frame_locator("iframe[name=tool]")


def inspect(page: Page, name: str) -> None:
    """By axe-core and in a narrow frame, as the pages of a course are."""
    inspector = Inspector()
    inspector.look(page, name, page.frame(name="tool"))
    assert inspector.findings == [], "\n".join(inspector.findings)


def tool_cookies(context: BrowserContext, site: Site) -> list[str]:
    return [
        one["name"] for one in context.cookies() if site.tool.split("//")[1].split(":")[0] in one["domain"]
    ]


def ask_and_stop(tool: FrameLocator | Page) -> None:
    """Two forms, each of which changes something."""
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_role("heading", name="Reading both gradebooks")).to_be_visible()
    tool.get_by_role("button", name="Stop reading").click()
    expect(tool.get_by_text("Reading was stopped. The pages show").first).to_be_visible()


def walk(tool: FrameLocator, page: Page) -> None:
    """Look, write, be told, look back, and take a file along."""
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    ask_and_stop(tool)
    tool.get_by_role("link", name="Overview").click()
    tool.get_by_role("link", name=re.compile("Run of")).click()
    with page.expect_download() as saved:
        tool.get_by_role("button", name="receipt (CSV)").click()
    assert "accepted" in Path(saved.value.path()).read_text(encoding="utf-8-sig")
    expect(tool.get_by_role("heading", name="Reconciliation")).to_be_visible()


@pytest.fixture(scope="module")
def storing(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Over http no cookie can live in a frame of another site; this LMS keeps data for tools."""
    with serving(home, tmp_path_factory.mktemp("storing") / "home", "1") as site:
        yield site


# one way after the other: each test below says which one its browser and its LMS leave


@pytest.mark.parametrize("storage", ["1", "parent"])
def test_without_cookies_the_storage_of_the_lms_proves_the_browser(
    home: Path, tmp_path: Path, visitor: BrowserContext, storage: str
) -> None:
    with serving(home, tmp_path / "home", storage) as site:
        page = visitor.new_page()
        walk(open_tool(page, site), page)
        assert not tool_cookies(visitor, site)
        assert "session" not in str([frame.url for frame in page.frames])


def test_grades_are_sent_and_proven_without_any_cookie(
    home: Path, tmp_path: Path, visitor: BrowserContext
) -> None:
    with serving(home, tmp_path / "home", "1", worker=True) as site:
        wish = {"course": "101", "user": "S20001", "assignment": "Quiz 1: Linear Equations", "score": 3}
        site.ask("grade", wish)
        tool = open_tool(visitor.new_page(), site)
        tool.get_by_role("button", name="Review grades").click()
        expect(tool.get_by_role("heading", name="Review, then send")).to_be_visible()
        expect(tool.locator("input[name=digest]")).to_have_count(1)
        tool.get_by_role("button", name="Send grades to SIS").click()
        expect(tool.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)
        expect(tool.get_by_role("link", name="accepted by the SIS 1")).to_be_visible()
        assert tool_cookies(visitor, site) == []


def test_partitioned_cookie_is_used_where_the_browser_keeps_it(
    home: Path, tmp_path: Path, visitor: BrowserContext
) -> None:
    with serving(home, tmp_path / "home", "1", https=True) as site:
        page = visitor.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        walk(open_tool(page, site), page)
        assert [name for name in tool_cookies(visitor, site) if name.startswith("__Host-gradesync_lti_")]
        # reload: the cookie reads, and gives the page back what it needs to write
        page.reload()
        walk(page.frame_locator("iframe[name=tool]"), page)
        kept = [url for url in asked if url.endswith("/lti/login/kept/")]
        assert len(kept) == 1, "the second login knows that cookies are kept"


def test_browser_of_these_tests_keeps_no_other_cookie_in_a_frame(
    home: Path, tmp_path: Path, visitor: BrowserContext
) -> None:
    """What the tests here rest on: a cookie of another site is kept only when it is partitioned."""
    with serving(home, tmp_path / "home", https=True) as site:
        page = visitor.new_page()
        page.goto(site.course)
        page.get_by_role("link", name="Grades to SIS").click()
        expect(
            page.frame_locator("iframe[name=tool]").get_by_role("heading", name="Grades to SIS")
        ).to_be_visible()
        frame = page.frame(name="tool")
        assert frame is not None
        frame.evaluate("document.cookie = 'plain=1; Secure; SameSite=None; Path=/'")
        frame.evaluate("document.cookie = 'own=1; Secure; SameSite=None; Path=/; Partitioned'")
        assert frame.evaluate("document.cookie") == "own=1"


def test_without_any_store_the_tool_opens_in_a_new_tab(
    home: Path, tmp_path: Path, visitor: BrowserContext
) -> None:
    with serving(home, tmp_path / "home", https=True, app="tests.e2e.keeps_nothing") as site:
        page = visitor.new_page()
        tool = open_tool(page, site)
        expect(tool.get_by_text("keeps nothing for this tool")).to_be_visible()
        inspect(page, "launch in a new tab")
        with visitor.expect_page() as opened:
            tool.get_by_role("button", name="Open in a new tab").click()
        tab = opened.value
        expect(tab.get_by_role("heading", name="Grades to SIS")).to_be_visible()
        tab.get_by_role("link", name="Students", exact=True).click()
        ask_and_stop(tab)
        tab.get_by_role("link", name="Students", exact=True).click()
        expect(tab.get_by_role("heading", name="Students")).to_be_visible()
        tab.reload()
        expect(tab.get_by_role("heading", name="Students")).to_be_visible()


@pytest.mark.parametrize("fault", ["storage-silent", "storage-error"])
def test_storage_that_fails_ends_at_the_new_tab(storing: Site, visitor: BrowserContext, fault: str) -> None:
    storing.ask("faults", {"name": fault})
    try:
        tool = open_tool(visitor.new_page(), storing)
        expect(tool.get_by_role("button", name="Open in a new tab")).to_be_visible()
    finally:
        storing.forget("faults")


def test_storage_that_answers_something_else_opens_nothing(storing: Site, visitor: BrowserContext) -> None:
    storing.ask("faults", {"name": "storage-wrong-value"})
    try:
        tool = open_tool(visitor.new_page(), storing)
        expect(tool.get_by_role("heading", name="Grades to SIS")).to_have_count(0)
        expect(tool.get_by_role("button", name="Open in a new tab")).to_be_visible()
    finally:
        storing.forget("faults")


# reload, back, two tabs, without any cookie


def reload_frame(page: Page) -> FrameLocator:
    frame = page.frame(name="tool")
    assert frame is not None
    frame.evaluate("window.before = true")
    # on a busy machine the browser drops a reload now and then that comes in the moment a page was shown
    for _once_more in range(5):
        frame.evaluate("window.location.reload()")
        if any(is_new(page, frame) for _moment in range(50)):
            break
    return page.frame_locator("iframe[name=tool]")


def is_new(page: Page, frame: Frame) -> bool:
    page.wait_for_timeout(100)
    try:
        return not frame.evaluate("window.before")
    except Error:  # between two pages
        return False


def test_reload_without_a_cookie_comes_back_to_the_same_page(storing: Site, visitor: BrowserContext) -> None:
    page = visitor.new_page()
    tool = open_tool(page, storing)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    for _time in range(2):
        tool = reload_frame(page)
        expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    ask_and_stop(tool)


def go(page: Page, steps: int) -> None:
    frame = page.frame(name="tool")
    assert frame is not None
    frame.evaluate(f"history.go({steps})")


def test_back_shows_the_page_before(storing: Site, visitor: BrowserContext) -> None:
    page = visitor.new_page()
    tool = open_tool(page, storing)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    tool.get_by_role("link", name="History").click()
    expect(tool.get_by_role("heading", name="History")).to_be_visible()
    go(page, -1)
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    go(page, -1)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    go(page, 1)
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()


def test_reload_after_the_handle_is_lost_asks_to_launch_again_onto_the_same_page(
    storing: Site, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    tool = open_tool(page, storing)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    page.evaluate("localStorage.clear()")  # the LMS forgets what it kept
    expect(reload_frame(page).get_by_role("heading", name="Please open the tool again")).to_be_visible()
    inspect(page, "launch again")
    expect(open_tool(page, storing).get_by_role("heading", name="Students")).to_be_visible()


def test_signing_out_is_for_this_course_and_for_good(storing: Site, visitor: BrowserContext) -> None:
    page = visitor.new_page()
    tool = open_tool(page, storing)
    tool.get_by_role("button", name="Sign out of this course").click()
    expect(tool.get_by_role("heading", name="You are signed out of this course")).to_be_visible()


def test_two_courses_in_two_tabs_stay_apart_without_cookies(storing: Site, visitor: BrowserContext) -> None:
    first, second = visitor.new_page(), visitor.new_page()
    one = open_tool(first, storing)
    expect(one.get_by_text("Algebra 1, Period 3").first).to_be_visible()
    other = next(url for url in storing.courses if url != storing.course)
    second.goto(other)
    second.get_by_role("link", name="Grades to SIS").click()
    two = second.frame_locator("iframe[name=tool]")
    expect(two.get_by_text("Biology").first).to_be_visible()
    one.get_by_role("link", name="Students", exact=True).click()
    expect(one.get_by_text("Algebra 1, Period 3").first).to_be_visible()
    expect(reload_frame(second).get_by_text("Biology").first).to_be_visible()


# a hostile page around the frame


def hostile(page: Page, site: Site, framed: str) -> Page:
    """A page of a third site with a frame that plays the LMS's storage, and the tool between."""
    evil = site.lms.replace("127.0.0.1", "hostile.localhost")
    page.goto(f"{evil}/_sandbox/hostile?frame={quote(framed)}&name=post_message_forwarding&value=planted")
    return page


@pytest.mark.parametrize("allowed", [False, True])
def test_hostile_page_around_the_launch_gets_nothing(
    storing: Site, visitor: BrowserContext, allowed: bool
) -> None:
    """Even where an administrator let its site frame the tool: it is not the origin where the LMS signs in."""
    evil = storing.lms.replace("127.0.0.1", "hostile.localhost")
    storing.set_frame_origins(*[evil] if allowed else [])
    page = visitor.new_page()
    page.goto(storing.course)  # she is signed in to her LMS
    hostile(page, storing, f"{storing.course}/launch")
    if allowed:
        framed = page.frame_locator("iframe[name=tool]")
        expect(framed.get_by_role("button", name="Open in a new tab")).to_be_visible()
    else:
        page.wait_for_timeout(3000)
    received = str(page.evaluate("window.received"))
    assert "gradesync_" not in received and "lti.put_data" not in received
    tool = page.frame(name="tool")
    assert tool is not None and "Algebra" not in tool.content()
    assert page.evaluate("window.stolen") == []
    storing.set_frame_origins()


def test_course_page_is_not_shown_in_a_frame_of_another_site(storing: Site, visitor: BrowserContext) -> None:
    page = visitor.new_page()
    tool = open_tool(page, storing)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    frame = page.frame(name="tool")
    assert frame is not None
    hostile(page, storing, frame.url)
    page.wait_for_timeout(1000)
    shown = page.frame(name="tool")
    assert shown is None or "Please open the tool again" not in shown.content()
