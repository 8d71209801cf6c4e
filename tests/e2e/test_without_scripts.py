"""A browser that keeps cookies and runs no scripts: every form carries what it needs in a field of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.test_demo_walk import CREATED, open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)


@pytest.fixture
def plain(browser: Browser, demo: dict[str, Any], page: Page) -> Iterator[Page]:
    """The LMS's own page posts the launch by script; what comes after is opened without any."""
    tool = open_tool(page, demo)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    frame = page.frame(name="tool")
    assert frame is not None
    context = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    opened.goto(frame.url)
    yield opened
    context.close()


def until(page: Page, wanted: Locator) -> None:
    """Looks again by hand, as nothing goes on by itself."""
    for _time in range(60):
        if wanted.first.is_visible():
            return
        page.wait_for_timeout(500)
        page.goto(page.url)
    expect(wanted.first).to_be_visible()


def test_grades_are_sent_and_proven_without_scripts(plain: Page) -> None:
    plain.get_by_role("link", name="Link the SIS class").click()
    link = plain.get_by_role("button", name=re.compile("Link “Algebra 1"))
    until(plain, link)
    link.click()
    expect(plain.get_by_text("is linked.")).to_be_visible()

    plain.get_by_role("link", name="Assignments", exact=True).click()
    exact = plain.get_by_role("button", name="Link all with equal titles")
    until(plain, exact)
    exact.click()
    plain.get_by_role("link", name="Create missing ones in the SIS").click()
    plain.get_by_role("group", name=CREATED[0]).get_by_role("checkbox").first.check()
    plain.get_by_role("button", name="Create the ticked ones").click()
    expect(plain.get_by_text("linked", exact=True)).to_have_count(2)

    plain.get_by_role("link", name="Overview").click()
    plain.get_by_role("button", name="Review grades").first.click()
    until(plain, plain.get_by_role("heading", name="Review, then send"))
    boxes = plain.locator("input[name=digest]")
    total = boxes.count()
    boxes.first.uncheck()
    plain.get_by_role("button", name="Send grades to SIS").click()
    until(plain, plain.get_by_role("heading", name="Reconciliation"))
    expect(plain.get_by_role("link", name=re.compile(f"accepted by the SIS {total - 1}"))).to_be_visible()

    with plain.expect_download() as saved:
        plain.get_by_role("button", name="receipt (CSV)").click()
    assert "accepted" in Path(saved.value.path()).read_text(encoding="utf-8-sig")

    plain.get_by_role("button", name="Sign out of this course").click()
    expect(plain.get_by_role("heading", name="You are signed out of this course")).to_be_visible()
    plain.goto(plain.url)
    expect(plain.get_by_role("heading", name="Please open the tool again")).to_be_visible()
