"""A teacher without a mouse: from the first launch to grades proven in the SIS by Tab, Enter and Space alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_demo_walk import CREATED
from tests.e2e.test_pages_axe import course_page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)
MOST_STEPS = 160
# is it where the keyboard is, and is that to be seen?
FOCUSED = """one => one === document.activeElement && (one.matches('[type=checkbox], [type=radio]')
  || parseFloat(getComputedStyle(one).outlineWidth) >= 2)"""

# WCAG 2.2, 2.4.11: no bar lies over what has the focus; a large one is looked at in its middle
COVERED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const above = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, innerHeight) / 2);
  return one !== document.body && !(above && (one.contains(above) || above.contains(one))) ? one.outerHTML.slice(0, 160) : "";
}"""


def reach(page: Page, wanted: Locator) -> None:
    """By Tab, as often as it takes; the focus stands in sight on what was wanted."""
    expect(wanted).to_be_visible()
    for _step in range(MOST_STEPS):
        page.keyboard.press("Tab")
        assert page.evaluate(COVERED) == "", "something lies over what has the focus"
        if wanted.evaluate("one => one === document.activeElement"):
            assert wanted.evaluate(FOCUSED), "the focus is not seen"
            return
    raise AssertionError(f"{MOST_STEPS} steps do not lead to {wanted}")


def enter(page: Page, wanted: Locator) -> None:
    reach(page, wanted)
    page.keyboard.press("Enter")


def at_main(page: Page) -> None:
    """After each page that came, the keyboard goes on from its content."""
    expect(page.locator("#main")).to_be_focused()


def test_grades_are_sent_and_proven_by_keyboard_alone(page: Page, demo: dict[str, Any]) -> None:
    course_page(page, demo)
    enter(page, page.get_by_role("link", name="Skip to the content"))
    at_main(page)

    enter(page, page.get_by_role("link", name="Link the SIS class").first)
    enter(page, page.get_by_role("button", name=re.compile("Link “Algebra 1")))
    expect(page.get_by_text("is linked.")).to_be_visible()
    at_main(page)

    enter(page, page.get_by_role("navigation").get_by_role("link", name="Assignments", exact=True))
    expect(page.get_by_role("heading", name="Assignments", level=1)).to_be_visible()
    at_main(page)
    enter(page, page.get_by_role("button", name="Link all with equal titles"))
    expect(page.get_by_text("1 assignment is linked.")).to_be_visible()
    enter(page, page.get_by_role("link", name="Create missing ones in the SIS"))
    reach(page, page.get_by_role("group", name=CREATED[0]).get_by_role("checkbox").first)
    page.keyboard.press("Space")
    enter(page, page.get_by_role("button", name="Create the ticked ones"))
    expect(page.get_by_text("linked", exact=True)).to_have_count(2)

    enter(page, page.get_by_role("navigation").get_by_role("link", name="Overview"))
    enter(page, page.get_by_role("button", name="Review grades").first)
    expect(page.get_by_role("heading", name="Review, then send")).to_be_visible()
    at_main(page)
    total = page.locator("input[name=digest]").count()
    reach(page, page.locator("input[name=digest]").first)
    page.keyboard.press("Space")
    expect(page.locator("input[name=digest]:checked")).to_have_count(total - 1)
    enter(page, page.get_by_role("button", name="Send grades to SIS"))
    expect(page.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("Read back and compared: there are differences")).to_be_visible()
