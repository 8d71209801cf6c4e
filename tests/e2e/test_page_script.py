"""The pages' script in a real browser, without any cookie: what fails on the way is told, and nothing goes twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page, Request, Route, expect

from tests.e2e.conftest import told
from tests.e2e.cross_site import Site, serving
from tests.e2e.test_cookieless import open_tool, reload_frame

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-cookieless")]
expect.set_options(timeout=30_000)

NO_ANSWER = "The server did not answer."


@pytest.fixture(scope="module")
def site(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(home, tmp_path_factory.mktemp("script") / "home", "1") as site:
        yield site


@pytest.fixture
def page(visitor: BrowserContext, site: Site) -> Page:
    return visitor.new_page()


@pytest.fixture
def tool(page: Page, site: Site) -> FrameLocator:
    tool = open_tool(page, site)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    return tool


def frame_of(page: Page) -> Frame:
    frame = page.frame(name="tool")
    assert frame is not None
    return frame


def failing(page: Page, address: str, times: int = 1, status: int = 0) -> list[Request]:
    """The first requests to this address fail: without any answer, or with this status. Lists all that were tried."""
    tried: list[Request] = []

    def answer(route: Route) -> None:
        tried.append(route.request)
        if len(tried) > times:
            route.continue_()
        elif status:
            route.fulfill(status=status, content_type="text/html", body="<h1>Gateway</h1>")
        else:
            route.abort("connectionreset")

    page.route(re.compile(address), answer)
    return tried


def test_form_that_got_no_answer_says_so_in_sight_and_can_be_sent_again(
    page: Page, tool: FrameLocator
) -> None:
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    tried = failing(page, r"/look/$")
    button = tool.get_by_role("button", name="Read again")
    button.focus()
    page.keyboard.press("Enter")
    expect(tool.get_by_text(NO_ANSWER)).to_be_in_viewport()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(tool.get_by_role("heading", name="Reading both gradebooks")).to_be_visible()
    expect(tool.get_by_text(NO_ANSWER)).to_be_hidden()
    tool.get_by_role("button", name="Stop reading").click()
    expect(tool.get_by_text("Reading was stopped. The pages show").first).to_be_visible()
    assert len(tried) == 2


def test_button_outside_its_form_sends_once_however_often_it_is_pressed(
    page: Page, tool: FrameLocator
) -> None:
    frame_of(page).evaluate(
        """() => {
            const form = document.createElement('form');
            Object.assign(form, { id: 'outside', method: 'post', action: 'runs/1/decide/' });
            document.getElementById('main').append(form);
            const button = document.createElement('button');
            button.setAttribute('form', 'outside');
            button.textContent = 'Outside';
            document.getElementById('main').append(button);
            htmx.process(document.body);
        }"""
    )
    tried: list[Request] = []

    def slow(route: Route) -> None:
        tried.append(route.request)
        page.wait_for_timeout(500)
        route.abort("connectionreset")

    page.route(re.compile(r"/decide/$"), slow)
    frame_of(page).evaluate(
        "() => { for (const _ of [1, 2, 3]) document.querySelector('button[form=outside]').click(); }"
    )
    expect(tool.get_by_text(NO_ANSWER)).to_be_visible()
    page.wait_for_timeout(1000)
    assert len(tried) == 1


@pytest.mark.parametrize("status", [0, 502])
def test_first_page_that_does_not_come_is_told(page: Page, site: Site, status: int) -> None:
    failing(page, r"/courses/[-0-9a-f]+/$", times=9, status=status)
    tool = open_tool(page, site)
    expect(tool.get_by_text(NO_ANSWER)).to_be_visible()
    expect(tool.get_by_text("Opening…")).to_be_hidden()


@pytest.mark.parametrize("status", [0, 502])
def test_launch_that_got_no_answer_is_told(page: Page, site: Site, status: int) -> None:
    def answer(route: Route) -> None:
        if "x-gradesync-script" not in route.request.headers:
            route.continue_()
        elif status:
            route.fulfill(status=status, content_type="text/html", body="<h1>Gateway</h1>")
        else:
            route.abort("connectionreset")

    page.route(re.compile(r"/lti/launch/$"), answer)
    tool = open_tool(page, site)
    expect(tool.get_by_text(NO_ANSWER)).to_be_visible()
    expect(tool.get_by_text("Opening…")).to_be_hidden()


@pytest.mark.parametrize("status", [0, 502])
def test_reload_that_got_no_answer_says_what_to_do(page: Page, tool: FrameLocator, status: int) -> None:
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    failing(page, r"/lti/resume/$", status=status)
    reload_frame(page)
    expect(tool.get_by_role("heading", name="Please open the tool again")).to_be_visible()
    expect(tool.get_by_text(NO_ANSWER)).to_be_visible()
    # the next launch leads back; one alone, since the first to arrive takes that note with it
    page.reload()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()


def test_each_page_is_told_by_title_and_focus(page: Page, tool: FrameLocator) -> None:
    for link, title in (("Students", "Students"), ("Assignments", "Assignments"), ("History", "History")):
        tool.get_by_role("link", name=link, exact=True).focus()
        page.keyboard.press("Enter")
        expect(tool.get_by_role("heading", name=title, exact=True).first).to_be_visible()
        expect(tool.locator("#main")).to_be_focused()
        assert title in frame_of(page).title()


def test_form_sent_after_the_session_ended_loses_nothing_silently(
    page: Page, site: Site, tool: FrameLocator
) -> None:
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    site.django("LtiSession.objects.update(expires_at='2000-01-01T00:00Z')")
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_text("Nothing was changed and nothing was sent")).to_be_visible()
    expect(tool.locator("#main")).to_be_focused()
    reload_frame(page)
    expect(tool.get_by_role("heading", name="Please open the tool again")).to_be_visible()
    page.reload()
    page.get_by_role("link", name="Grades to SIS").click()
    expect(tool.get_by_role("heading", name=re.compile("Students|Grades to SIS")).first).to_be_visible()


def slow_answer(page: Page, address: str, milliseconds: int) -> None:
    def answer(route: Route) -> None:
        page.wait_for_timeout(milliseconds)
        route.continue_()

    page.route(re.compile(address), answer)


def test_second_click_wins_over_a_late_answer_to_the_first(page: Page, tool: FrameLocator) -> None:
    slow_answer(page, r"/students/$", 1500)
    tool.get_by_role("link", name="Students", exact=True).click()
    tool.get_by_role("link", name="History", exact=True).click()
    expect(tool.get_by_role("heading", name="History", exact=True)).to_be_visible()
    page.wait_for_timeout(2000)
    expect(tool.get_by_role("heading", name="History", exact=True)).to_be_visible()
    assert frame_of(page).url.endswith("/history/")


def test_poll_that_answers_late_does_not_take_her_from_the_page_she_went_to(
    page: Page, tool: FrameLocator
) -> None:
    """The answer to the last poll calls her back to the page that asked for a read: not when she left meanwhile."""
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    back = {"path": frame_of(page).url, "target": "body", "swap": "innerHTML"}
    called: list[Request] = []

    def call_back(route: Route) -> None:
        page.wait_for_timeout(1500)
        called.append(route.request)
        route.fulfill(status=200, headers={"HX-Location": json.dumps(back)})

    poll = re.compile(r"/reading/.*phase=")
    page.route(poll, call_back)
    with page.expect_request(poll):
        tool.get_by_role("button", name="Read again").click()
    tool.get_by_role("link", name="History", exact=True).click()
    expect(tool.get_by_role("heading", name="History", exact=True)).to_be_visible()
    page.wait_for_timeout(2500)
    assert called
    expect(tool.get_by_role("heading", name="History", exact=True)).to_be_visible()


def test_what_was_typed_when_the_session_ended_can_be_copied(
    page: Page, site: Site, tool: FrameLocator
) -> None:
    tool.get_by_role("link", name="Students", exact=True).click()
    tool.get_by_label("Name or id").fill("Maya <b>T</b>")
    site.django("LtiSession.objects.update(expires_at='2000-01-01T00:00Z')")
    tool.get_by_role("button", name="Search", exact=True).click()
    expect(tool.get_by_role("heading", name="What you had typed")).to_be_visible()
    expect(tool.get_by_text("Maya <b>T</b>", exact=True)).to_be_visible()


def test_page_that_is_gone_is_shown_with_words(page: Page, tool: FrameLocator) -> None:
    frame_of(page).evaluate(
        """() => {
            const link = document.createElement('a');
            link.href = 'runs/99999/';
            document.getElementById('main').append(link);
            htmx.process(link);
            link.click();
        }"""
    )
    expect(tool.get_by_role("heading", name="There is no such page")).to_be_visible()
    tool.get_by_role("link", name="Go to the overview of the course").click()
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()


def test_back_and_forward_over_a_form_send_nothing_again(page: Page, tool: FrameLocator) -> None:
    posts: list[str] = []
    page.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_role("heading", name="Reading both gradebooks")).to_be_visible()
    tool.get_by_role("button", name="Stop reading").click()
    expect(tool.get_by_text("Reading was stopped. The pages show").first).to_be_visible()
    sent = len(posts)
    for steps, heading in ((-1, "Reading"), (-1, "Students"), (1, "Reading"), (-2, "Grades to SIS")):
        frame_of(page).evaluate(f"history.go({steps})")
        expect(tool.get_by_role("heading", name=heading).first).to_be_visible()
    assert len(posts) == sent == 2


def test_part_that_swaps_nothing_is_refused_aloud_too(page: Page, tool: FrameLocator) -> None:
    """Ticks go to the server behind the page; one that did not arrive must not look kept."""
    frame_of(page).evaluate(
        """() => {
            const part = document.createElement('div');
            part.innerHTML = '<button id="quiet" hx-post="runs/99999/pick/" hx-swap="none">Quiet</button>';
            document.getElementById('main').append(part);
            htmx.process(part);
        }"""
    )
    tool.locator("#quiet").click()
    expect(tool.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_session_is_in_no_address_and_no_store(page: Page, tool: FrameLocator) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("x-gradesync-session", "")))
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_role("heading", name="Students")).to_be_visible()
    (token,) = {one for one in sent if one}
    kept = frame_of(page).evaluate(
        "JSON.stringify([history.state, document.referrer, window.name, document.cookie])"
    )
    assert token not in " ".join(asked) and token not in kept
    assert token not in str(page.evaluate("JSON.stringify({...localStorage})"))


SMUGGLED = """
<img src="/none" onerror="window.hacked = 1">
<base href="{evil}/">
<p style="position: fixed" id="styled">x</p>
<form id="away" method="post" action="{evil}/form"><button>away</button></form>
<form id="redirected" method="post" action="javascript:window.hacked = 1"></form>
<iframe src="{evil}/frame"></iframe>
<object data="{evil}/object"></object>
<img src="{evil}/image">
<link rel="stylesheet" href="{evil}/style">
<button id="on" hx-on:click="window.hacked = 1">on</button>
<button id="vals" hx-get="/healthz" hx-vals="js:{{a: (window.hacked = 1)}}">vals</button>
<button id="event" hx-get="/healthz" hx-trigger="click[window.hacked = 1]">event</button>
<button id="elsewhere" hx-get="{evil}/htmx">elsewhere</button>
"""


def test_markup_smuggled_into_a_page_runs_nothing_and_sends_nothing_away(
    page: Page, site: Site, tool: FrameLocator
) -> None:
    """Names and titles come from the LMS; should one ever slip through unescaped, the policy and htmx's settings hold."""
    evil = site.lms.replace("127.0.0.1", "hostile.localhost")
    answered: list[str] = []
    page.on("response", lambda one: answered.append(one.url))
    frame = frame_of(page)
    frame.evaluate(
        """(markup) => {
            const part = document.createElement('div');
            document.getElementById('main').append(part);
            part.innerHTML = markup;
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            part.append(script);
            htmx.process(part);
            document.getElementById('redirected').submit();
            document.getElementById('away').submit();
        }""",
        SMUGGLED.format(evil=evil),
    )
    # by the mouse: what a debugger calls may evaluate text whatever the policy says
    for name in ("on", "vals", "event", "elsewhere"):
        tool.locator(f"#{name}").click()
    page.wait_for_timeout(1500)
    assert frame.evaluate("window.hacked") is None
    assert frame.evaluate("getComputedStyle(document.getElementById('styled')).position") == "static"
    assert frame.evaluate("document.baseURI").startswith(site.tool)
    assert [url for url in answered if "hostile" in url] == []


def test_pages_of_a_launch_without_cookies_break_no_rule_of_their_own(page: Page, site: Site) -> None:
    complaints: list[str] = []
    page.on("console", lambda one: complaints.append(told(one)) if one.type == "error" else None)
    page.on("pageerror", lambda one: complaints.append(str(one)))
    tool = open_tool(page, site)
    for link in ("SIS class", "Students", "Assignments", "Scale", "History", "Overview"):
        tool.get_by_role("link", name=link, exact=True).click()
        expect(tool.get_by_role("link", name=link, exact=True)).to_have_attribute("aria-current", "page")
    # the pretend LMS has no icon
    assert [text for text in complaints if "favicon" not in text] == []
