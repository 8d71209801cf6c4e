"""A teacher settles a student on evidence, links assignments, sees the scale on her own students, and moves a link."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.test_demo_walk import control, link_class, open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)


def go(tool: FrameLocator, name: str) -> None:
    tool.get_by_role("link", name=name, exact=True).first.click()
    expect(tool.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def read_again(tool: FrameLocator, name: str) -> None:
    """The page waits for a read, and comes back by itself; what is typed before that is hers to lose."""
    tool.get_by_role("button", name="Read again").click()
    expect(tool.get_by_role("heading", name="Reading both gradebooks")).to_be_visible()
    expect(tool.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def search(tool: FrameLocator, name: str) -> None:
    tool.get_by_label("Name or id").fill(name)
    tool.get_by_role("button", name="Search", exact=True).click()
    expect(tool.get_by_text("2 students fit your search.")).to_be_visible()


def test_a_teacher_settles_links_checks_and_moves_on_evidence(page: Page, demo: dict[str, Any]) -> None:
    tool = open_tool(page, demo)
    link_class(tool)
    go(tool, "Students")
    read_again(tool, "Students")

    student = tool.get_by_role("region", name="Max Lindqvist", exact=True)
    expect(
        student.get_by_role("row", name="SIS id S29103 S29103 (id), 799103 (school number) same")
    ).to_be_visible()
    expect(
        student.get_by_role("row", name="SIS id S29103 S29102 (id), 799102 (school number) different")
    ).to_be_visible()
    student.get_by_role("button", name="Yes, this is Max Lindqvist").click()
    expect(tool.get_by_text("Confirmed. Your word holds")).to_be_visible()
    read_again(tool, "Students")
    expect(tool.get_by_role("row", name=re.compile("^Max Lindqvist .* confirmed by you"))).to_be_visible()
    search(tool, "lindqvist")

    go(tool, "Assignments")
    expect(tool.get_by_text("equal title, due the same day, maximum 50 there")).to_be_visible()
    tool.get_by_role("button", name="Link to “Homework 1”").click()
    expect(tool.get_by_text("“Homework 1” is linked.")).to_be_visible()

    go(tool, "Scale")
    read_again(tool, "Scale")
    examples = tool.get_by_role("region", name="Examples: Homework 1")
    expect(examples.get_by_role("row", name=re.compile("17.5 of 20 → 43.75 of 50"))).to_be_visible()
    expect(tool.get_by_text("A zero that was entered is a grade, and is sent.")).to_be_visible()

    go(tool, "Assignments")
    before = control(demo["sis_control"], "state")["results"]
    tool.get_by_role("link", name=re.compile("Change or take back ?: Homework 1")).click()
    tool.get_by_label("Assignment in the SIS").select_option(index=1)
    tool.get_by_role("button", name="Show what it would move").click()
    expect(tool.get_by_text("No grade was sent to “Homework 1” yet: nothing stays behind.")).to_be_visible()
    tool.get_by_role("button", name="Change the link").click()
    expect(tool.get_by_text("The link is changed.")).to_be_visible()
    assert control(demo["sis_control"], "state")["results"] == before, "linking sends and removes nothing"
