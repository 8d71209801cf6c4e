"""In a browser: a run is taken back and stays out, a schedule is set, and every page of it is seen by axe-core."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.inspecting import Inspector
from tests.e2e.test_demo_walk import link_class, link_items, open_tool, review, send_and_wait
from tests.e2e.test_pages_axe import go

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_a_teacher_takes_a_run_back_and_sets_a_schedule(page: Page, demo: dict[str, Any]) -> None:
    inspector = Inspector()
    tool = open_tool(page, demo)
    link_class(tool)
    link_items(tool)
    review(tool)
    sent = tool.locator("input[name=digest]").count()
    send_and_wait(tool)
    frame = page.frame(name="tool")
    assert frame is not None
    page.goto(re.sub(r"[?#].*", "", frame.url))

    undo(page, sent, inspector)
    history_tells_of_it(page, inspector)
    schedule(page, inspector)
    assert inspector.findings == [], "\n".join(inspector.findings)


def undo(page: Page, sent: int, inspector: Inspector) -> None:
    page.get_by_role("button", name="Undo this run…").click()
    expect(page.get_by_role("heading", name="Review, then undo")).to_be_visible()
    expect(page.get_by_role("button", name="Put back in the SIS")).to_contain_text(
        "0"
    )  # removals are hers to tick
    page.get_by_role("checkbox", name=re.compile("^Grades that were new with the run")).check()
    expect(page.get_by_role("button", name="Put back in the SIS")).to_contain_text(str(sent))
    inspector.look(page, "review of an undo")
    page.get_by_role("button", name="Put back in the SIS").click()
    expect(page.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("what went back stands in the SIS")).to_be_visible()
    inspector.look(page, "run that undid another")

    page.get_by_role("button", name="Review grades").click()
    expect(page.get_by_role("heading", name="Left alone by your decision")).to_be_visible()
    expect(page.get_by_text("There is nothing new to send.")).to_be_visible()
    inspector.look(page, "review with what was undone")
    page.get_by_role("checkbox", name=re.compile("^Take back")).first.check()
    page.get_by_role("button", name="Save my decisions and look again").click()
    expect(page.locator("input[name=digest]")).to_have_count(1)


def history_tells_of_it(page: Page, inspector: Inspector) -> None:
    go(page, "History")
    expect(page.get_by_role("link", name=re.compile("undone on"))).to_be_visible()
    inspector.look(page, "history with an undo")
    page.get_by_role("link", name=re.compile("^Undone")).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").first.click()
    page.locator("main a[href*='/history/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    inspector.look(page, "story of an undone grade")


def schedule(page: Page, inspector: Inspector) -> None:
    go(page, "Schedule")
    here = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.get_by_label("Time zone")).to_have_value(here)
    inspector.look(page, "schedule to be set")
    page.get_by_label("Every hour, within a part of the day").check()
    page.get_by_label("Every hour: from").select_option("8")
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.get_by_text("The schedule is set.")).to_be_visible()
    expect(page.get_by_text("Next time")).to_be_visible()
    inspector.look(page, "schedule that runs")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused it.")).to_be_visible()
    inspector.look(page, "schedule that is paused")
    page.get_by_role("button", name="Let it go on").click()
    expect(page.get_by_text("The schedule goes on.")).to_be_visible()
    go(page, "Overview")
    expect(page.get_by_text("Next automatic run")).to_be_visible()
