"""A teacher waits for slow gradebooks in a browser: she sees how far it is, may reload, leave and stop, and it goes on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.test_demo_walk import control, link_class, open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def slow_down(demo: dict[str, Any], ms: int) -> None:
    for side in ("lms_control", "sis_control"):
        control(demo[side], "latency", {"ms": ms})


def waits(tool: FrameLocator) -> None:
    expect(tool.get_by_role("heading", name="Reading both gradebooks…")).to_be_visible()


def linked(page: Page, demo: dict[str, Any]) -> FrameLocator:
    """The class is linked, by this test or by another one before it."""
    tool = open_tool(page, demo)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    if tool.get_by_role("link", name="Link the SIS class").count():
        link_class(tool)
    return tool


def test_slow_gradebooks_are_waited_for_and_the_page_goes_on_by_itself(
    page: Page, demo: dict[str, Any]
) -> None:
    tool = linked(page, demo)
    tool.get_by_role(
        "link", name="Assignments", exact=True
    ).click()  # it appears there by itself once it is read
    tool.get_by_role("button", name="Link all with equal titles").click()
    expect(tool.get_by_text("1 assignment is linked.")).to_be_visible()
    slow_down(demo, 1200)

    tool.get_by_role("link", name="Overview").click()
    tool.get_by_role("button", name="Review grades").click()
    waits(tool)
    expect(tool.get_by_text(re.compile(r"LMS: \d+ students"))).to_be_visible()
    tool.get_by_role("link", name="See how far it is now").click()
    waits(tool)
    tool.get_by_role("button", name="Stop reading").click()
    expect(tool.get_by_role("heading", name="Reading was stopped")).to_be_visible()

    tool.get_by_role("button", name="Read again").click()
    waits(tool)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_text("being read for Ada Okafor")).to_be_visible()
    tool.get_by_role("link", name="See how far it is").click()
    slow_down(demo, 0)
    expect(tool.get_by_role("heading", name="Review, then send")).to_be_visible()
    assert page.frames[-1].evaluate("document.activeElement.id") == "main"


def test_gradebook_that_cannot_be_read_is_told_and_the_pages_stay(page: Page, demo: dict[str, Any]) -> None:
    tool = linked(page, demo)
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_text("Maya Thompson").first).to_be_visible()
    control(demo["lms_control"], "faults", {"name": "html-instead-of-json"})
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_role("heading", name="The gradebooks could not be read")).to_be_visible()
    tool.get_by_role("link", name="Students", exact=True).click()
    expect(tool.get_by_text("show what was read before")).to_be_visible()
    expect(tool.get_by_text("Maya Thompson").first).to_be_visible()
    control(demo["lms_control"], "faults", {"name": "html-instead-of-json", "on": False})
