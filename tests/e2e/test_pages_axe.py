"""Every page in every state, seen by axe-core: WCAG 2.2 AA in light, dark and in a frame of 320 px."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gradesync_site import running
from tests.e2e.inspecting import Inspector, axe
from tests.e2e.test_demo_walk import CREATED, be, edit_by_hand, open_tool
from tests.e2e.test_overview_walk import PASSWORD, make_ann

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)


@pytest.fixture
def inspector() -> Inspector:
    axe()
    return Inspector()


def course_page(page: Page, demo: dict[str, Any]) -> str:
    """Launch in the LMS's frame; then the same page in a tab of its own, whose width is ours to choose."""
    tool = open_tool(page, demo)
    expect(tool.locator("h1").first).to_be_visible()
    expect(tool.locator("#main")).to_be_visible()
    page.wait_for_timeout(300)  # the launch's own redirects have ended
    frame = page.frame(name="tool")
    assert frame is not None
    address = re.sub(r"[?#].*", "", frame.url)
    page.goto(address)
    expect(page.get_by_role("navigation").first).to_be_visible()
    return address


def go(page: Page, link: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=link, exact=True).first.click()
    expect(page.locator("#working")).not_to_have_class(re.compile("htmx-request"))


def test_every_state_from_the_first_launch_to_the_history_of_a_grade(
    page: Page, demo: dict[str, Any], inspector: Inspector
) -> None:
    home = course_page(page, demo)
    set_up(page, home, inspector)
    review_and_send(page, home, inspector)
    after_the_run(page, demo, home, inspector)
    assert inspector.findings == [], "\n".join(inspector.findings)


def set_up(page: Page, home: str, inspector: Inspector) -> None:
    inspector.look(page, "course before a class")
    for name in ("setup", "students", "assignments", "history", "schemes"):
        page.goto(f"{home}{name}/")
        inspector.look(page, f"{name} before a class")
    page.goto(f"{home}class/")
    expect(page.get_by_role("button", name=re.compile("Link “Algebra 1"))).to_be_visible()
    inspector.look(page, "class suggestions")
    page.get_by_text("Your class is not listed?").click()
    page.get_by_label("The class: its id in the SIS").fill("my third period")
    page.get_by_role("button", name="Ask for this class").click()
    expect(page.get_by_text("waits for an answer")).to_be_visible()
    inspector.look(page, "class asked for")
    page.get_by_role("button", name=re.compile("Link “Algebra 1")).click()
    expect(page.get_by_text("is linked.")).to_be_visible()
    page.goto(f"{home}students/")
    expect(page.get_by_text("Maya Thompson").first).to_be_visible(timeout=60_000)
    inspector.look(page, "students")
    page.goto(f"{home}class/")
    inspector.look(page, "class linked")
    page.goto(f"{home}setup/")
    inspector.look(page, "setup half done")
    settle(page, home, inspector)
    link_items(page, home, inspector)


def settle(page: Page, home: str, inspector: Inspector) -> None:
    page.goto(f"{home}students/")
    page.get_by_role("button", name=re.compile("Choose|Settle")).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    inspector.look(page, "student to settle")


def link_items(page: Page, home: str, inspector: Inspector) -> None:
    page.goto(f"{home}assignments/")
    inspector.look(page, "assignments")
    page.get_by_role("button", name="Link all with equal titles").click()
    expect(page.get_by_text("1 assignment is linked.")).to_be_visible()
    page.get_by_role("link", name="Create missing ones in the SIS").click()
    expect(page.get_by_role("button", name="Create the ticked ones")).to_be_visible()
    inspector.look(page, "assignments to create")
    for title in CREATED:
        page.get_by_role("group", name=title).get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Create the ticked ones").click()
    expect(page.get_by_text("linked", exact=True)).to_have_count(len(CREATED) + 1)
    inspector.look(page, "assignments linked")
    one = page.locator("main a[href*='assignments/one/']").first
    if one.count():
        one.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        inspector.look(page, "one assignment")
    page.goto(f"{home}schemes/")
    inspector.look(page, "scale")
    page.goto(home)
    inspector.look(page, "course ready to review")


def review_and_send(page: Page, home: str, inspector: Inspector) -> None:
    page.goto(home)
    page.get_by_role("button", name="Review grades").first.click()
    expect(page.get_by_role("heading", name="Review, then send")).to_be_visible()
    inspector.look(page, "review of new grades")
    page.locator("input[name=digest]").first.uncheck()
    page.get_by_role("button", name="Send grades to SIS").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    inspector.look(page, "run on its way")
    expect(page.get_by_role("heading", name="Reconciliation")).to_be_visible(timeout=90_000)
    inspector.look(page, "run done with a difference")


def after_the_run(page: Page, demo: dict[str, Any], home: str, inspector: Inspector) -> None:
    page.goto(home)
    inspector.look(page, "course with a difference")
    edit_by_hand(demo)
    page.get_by_role("button", name=re.compile("Review grades|Look again")).first.click()
    expect(page.get_by_role("heading", name="Edited in the SIS")).to_be_visible()
    inspector.look(page, "review with an edited grade")
    go(page, "History")
    inspector.look(page, "history")
    page.locator("main a[href*='/runs/']").last.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name=re.compile("receipt to print")).first.click()
    expect(page.get_by_role("heading", name=re.compile("Receipt"))).to_be_visible()
    inspector.look(page, "receipt")
    page.go_back()
    page.locator("main a[href*='/history/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    inspector.look(page, "story of a grade")


def test_pages_before_and_after_a_session(page: Page, demo: dict[str, Any], inspector: Inspector) -> None:
    be(page, demo, "student")
    open_tool(page, demo)
    expect(page.frame_locator("iframe[name=tool]").locator("h1")).to_be_visible()
    inspector.look(page, "a student is turned away", page.frame(name="tool"))
    be(page, demo, "assistant")
    home = course_page(page, demo)
    inspector.look(page, "course of an assistant")
    page.get_by_role("button", name="Sign out of this course").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    inspector.look(page, "signed out")
    page.goto(home)
    expect(page.get_by_role("heading", name="Please open the tool again")).to_be_visible()
    inspector.look(page, "session over")
    assert inspector.findings == [], "\n".join(inspector.findings)


def test_administrators_pages_and_the_registration(
    page: Page, demo: dict[str, Any], inspector: Inspector
) -> None:
    make_ann(demo)
    command = [sys.executable, "manage.py", "register_platform", "--invite", "--json"]
    env = os.environ | {"GRADESYNC_HOME": demo["home"], "PUBLIC_URL": demo["tool"]}
    said = subprocess.run(command, env=env, cwd=running.ROOT, check=True, stdout=subprocess.PIPE)
    page.goto(json.loads(said.stdout)["invite_url"])
    inspector.look(page, "registration address")
    page.goto(f"{demo['tool']}/admin/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Overview: connections").click()
    pages = page.locator("nav[aria-label='Pages of the overview'] a")
    addresses = [one.get_attribute("href") or "" for one in pages.all()]
    assert len(addresses) > 3
    for address in dict.fromkeys(one for one in addresses if "/overview/" in one):
        page.goto(f"{demo['tool']}{address}")
        inspector.look(page, f"overview {address.strip('/').rpartition('/')[2]}")
    assert inspector.findings == [], "\n".join(inspector.findings)


def test_the_inspector_sees_what_is_wrong(page: Page, inspector: Inspector) -> None:
    """A page without a name or labels, in pale grey, wider than its window: each is found, in each way of seeing it."""
    page.set_content(
        '<html><body><p style="color:#ccc">Pale</p><input><div style="width:2000px">x</div></body></html>'
    )
    inspector.look(page, "a bad page")
    found = "\n".join(inspector.findings)
    for word in ("html-has-lang", "label", "color-contrast", "scrolls sideways", "320 px", "dark"):
        assert word in found
