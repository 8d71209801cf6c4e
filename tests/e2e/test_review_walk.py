"""Review in a browser: the count follows each tick, ticks outlive a search, Enter sends nothing, and a receipt stays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.test_demo_walk import link_class, link_items, open_tool, review

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def count(tool: FrameLocator) -> int:
    said = tool.get_by_role("button", name="Send grades to SIS").inner_text()
    return int(said.rsplit(":", 1)[1])


def kept(page: Page) -> Any:
    """The ticks of the page are on the server."""
    return page.expect_response(lambda answer: answer.url.endswith("/pick/") and answer.status == 204)


@pytest.mark.parametrize("page", ["Asia/Tokyo"], indirect=True)
def test_only_what_is_ticked_goes_however_she_looked_at_it(page: Page, demo: dict[str, Any]) -> None:
    tool = open_tool(page, demo)
    link_class(tool)
    link_items(tool)
    review(tool)
    boxes = tool.locator("input[name=digest]")
    total = boxes.count()
    assert count(tool) == total

    with kept(page):
        boxes.nth(0).uncheck()
    with kept(page):
        boxes.nth(1).uncheck()
    assert count(tool) == total - 2

    boxes.nth(0).focus()
    page.keyboard.press("Enter")
    expect(tool.get_by_role("heading", name="Review, then send")).to_be_visible()

    tool.get_by_role("searchbox", name="Student").fill("okonkwo")
    tool.get_by_role("button", name="Show", exact=True).click()
    expect(tool.get_by_text("on other pages")).to_be_visible()
    assert 0 < boxes.count() < total
    assert count(tool) == total - 2
    frame = page.frame(name="tool")
    assert frame is not None and "okonkwo" not in frame.url.lower()

    tool.get_by_role("button", name="Send grades to SIS").click()
    expect(tool.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)
    expect(tool.get_by_role("link", name=re.compile(f"accepted by the SIS {total - 2}"))).to_be_visible()
    tool.get_by_role("link", name="not picked 2").click()
    expect(tool.get_by_text("Outcome per student 2")).to_be_visible()

    tool.get_by_role("link", name="receipt to print").click()
    expect(tool.get_by_role("heading", name="Receipt of run")).to_be_visible()
    expect(tool.get_by_role("button", name="Print")).to_be_visible()
    expect(tool.get_by_text(f"Every grade {total - 2}")).to_be_visible()
    expect(tool.locator("dt:text-is('Ended') + dd")).to_contain_text("JST: done")
