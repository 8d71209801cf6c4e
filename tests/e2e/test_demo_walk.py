"""A teacher's whole way through the demo, in a browser: from the LMS's course page to grades proven in the SIS."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import FrameLocator, Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)
CREATED = ("Quiz 1: Linear Equations", "Unit 1 Test", "Project: Bridges", "Homework 2")


def control(url: str, what: str, wish: dict[str, Any] | None = None) -> Any:
    data = None if wish is None else json.dumps(wish).encode()
    with urlopen(Request(f"{url}/{what}", data=data), timeout=30) as answer:
        return json.loads(answer.read())


def open_tool(page: Page, demo: dict[str, Any]) -> FrameLocator:
    """From the LMS's course page, by its menu; the tool opens in a frame of that page."""
    page.goto(demo["start_here"])
    page.get_by_role("link", name="Grades to SIS").click()
    return page.frame_locator("iframe[name=tool]")


def be(page: Page, demo: dict[str, Any], role: str) -> None:
    page.goto(demo["start_here"])
    options = page.locator("select[name=user] option").all_inner_texts()
    page.locator("select[name=user]").select_option(
        label=next(one for one in options if one.startswith(role))
    )
    with page.expect_navigation():
        page.get_by_role("button", name="Switch").click()


def link_class(tool: FrameLocator) -> None:
    tool.get_by_role("link", name="Link the SIS class").click()
    tool.get_by_role("button", name=re.compile("Link “Algebra 1")).click()
    expect(tool.get_by_text("is linked.")).to_be_visible()


def link_items(tool: FrameLocator) -> None:
    tool.get_by_role("link", name="Assignments", exact=True).click()
    tool.get_by_role("button", name="Link all with equal titles").click()
    expect(tool.get_by_text("1 assignment is linked.")).to_be_visible()
    tool.get_by_role("link", name="Create missing ones in the SIS").click()
    for title in CREATED:
        tool.get_by_role("group", name=title).get_by_role("checkbox").first.check()
    tool.get_by_role("button", name="Create the ticked ones").click()
    expect(tool.get_by_text("linked", exact=True)).to_have_count(len(CREATED) + 1)


def review(tool: FrameLocator) -> None:
    tool.get_by_role("link", name="Overview").click()
    # a run's page has this button too, and would be left in the midst of its answer
    expect(tool.get_by_role("heading", name="Grades to SIS", exact=True)).to_be_visible()
    tool.get_by_role("button", name="Review grades").click()
    expect(tool.get_by_role("heading", name="Review, then send")).to_be_visible()


def send_and_wait(tool: FrameLocator) -> None:
    tool.get_by_role("button", name="Send grades to SIS").click()
    expect(tool.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)


def test_a_teacher_sends_grades_and_sees_them_proven(page: Page, demo: dict[str, Any]) -> None:
    tool = open_tool(page, demo)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    link_class(tool)
    expect(tool.get_by_role("link", name="Link assignments")).to_be_visible()
    link_items(tool)

    review(tool)
    rows = tool.locator("input[name=digest]")
    total = rows.count()
    assert total > 50
    rows.first.uncheck()
    send_and_wait(tool)
    expect(tool.get_by_text("Read back and compared: there are differences")).to_be_visible()

    review(tool)
    expect(tool.locator("input[name=digest]")).to_have_count(1)
    send_and_wait(tool)
    expect(tool.get_by_text("Read back and compared: what the LMS shows stands in the SIS.")).to_be_visible()

    edited = edit_by_hand(demo)
    tool.get_by_role("button", name="Compare again").click()
    expect(tool.get_by_role("heading", name="Comparison of LMS and SIS")).to_be_visible()
    expect(tool.get_by_text("Read back and compared: there are differences")).to_be_visible()
    review(tool)
    expect(tool.get_by_role("heading", name="Edited in the SIS")).to_be_visible()
    tool.get_by_label("keep the SIS's").check()
    tool.get_by_role("button", name="Save my decisions and look again").click()
    expect(tool.get_by_text("There is nothing new to send.")).to_be_visible()
    assert result_of(demo, edited)["score"] == 1, "what a person entered in the SIS is still there"


def edit_by_hand(demo: dict[str, Any]) -> dict[str, Any]:
    """Someone in the SIS changes one grade that was sent."""
    items = control(demo["sis_control"], "state")["lineItems"]
    quiz = next(one["sourcedId"] for one in items.values() if one["title"] == CREATED[0])
    results = control(demo["sis_control"], "state")["results"].values()
    found: dict[str, Any] = next(one for one in results if one["lineItem"] == quiz and one.get("score"))
    control(demo["sis_control"], "result", {"sourcedId": found["sourcedId"], "score": 1})
    return found


def result_of(demo: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = control(demo["sis_control"], "state")["results"][one["sourcedId"]]
    return found


def test_an_assistant_may_look_and_not_send(page: Page, demo: dict[str, Any]) -> None:
    be(page, demo, "assistant")
    tool = open_tool(page, demo)
    expect(tool.get_by_text("You can look.")).to_be_visible()
    expect(tool.get_by_role("button", name="Review grades")).to_have_count(0)


def test_a_student_is_turned_away(page: Page, demo: dict[str, Any]) -> None:
    be(page, demo, "student")
    tool = open_tool(page, demo)
    expect(tool.locator("body")).to_contain_text("instructor", ignore_case=True)
    expect(tool.get_by_role("link", name="Students")).to_have_count(0)


def test_two_courses_in_two_tabs_stay_apart(page: Page, demo: dict[str, Any]) -> None:
    first = open_tool(page, demo)
    expect(first.get_by_text("Algebra 1, Period 3").first).to_be_visible()
    other = page.context.new_page()
    other.goto(demo["courses"][1])
    other.get_by_role("link", name="Grades to SIS").click()
    second = other.frame_locator("iframe[name=tool]")
    expect(second.get_by_text("Biology").first).to_be_visible()
    first.get_by_role("link", name="Students", exact=True).click()
    expect(first.get_by_text("Algebra 1, Period 3").first).to_be_visible()
    expect(first.get_by_role("heading", name="Students")).to_be_visible()


@pytest.mark.parametrize("width", [320, 768])
def test_pages_fit_a_narrow_frame(page: Page, demo: dict[str, Any], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    tool = open_tool(page, demo)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    body = tool.locator("html")
    assert body.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
