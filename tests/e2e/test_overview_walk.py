"""An administrator finds a course in her overview, holds its sending, and acts for its teacher under her own name."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gradesync_site import running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
PASSWORD = "correct-horse-7"


def make_ann(demo: dict[str, Any]) -> None:
    command = [
        sys.executable,
        "manage.py",
        "createsuperuser",
        "--no-input",
        "--username",
        "ann",
        "--email",
        "a@b.example",
    ]
    env = os.environ | {"GRADESYNC_HOME": demo["home"], "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, env=env, cwd=running.ROOT, check=True, stdout=subprocess.DEVNULL)


def fits(page: Page) -> bool:
    """The page itself does not scroll sideways in the narrowest window."""
    page.set_viewport_size({"width": 320, "height": 800})
    over = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return not over


def test_administrator_holds_sending_and_acts_for_a_teacher(demo: dict[str, Any], page: Page) -> None:
    page.goto(demo["start_here"])
    page.get_by_role("link", name="Grades to SIS").click()
    expect(page.frame_locator("iframe[name=tool]").locator("h1")).to_be_visible()
    make_ann(demo)

    page.goto(f"{demo['tool']}/admin/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Overview: connections").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="demo-sis"))
    card.get_by_label("Reason, as teachers read it").fill("Upgrade until noon.")
    card.get_by_role("button", name="Pause: demo-sis").click()
    expect(card).to_contain_text("Paused by ann. Upgrade until noon.")
    assert fits(page)

    page.get_by_role("link", name="Never sent or compared").click()
    page.get_by_role("region", name="Courses").get_by_role("link").first.click()
    page.get_by_role("button", name="Act for Ada Okafor").click()
    expect(page.get_by_role("note")).to_contain_text("You act for Ada Okafor.")
    page.get_by_role("link", name="Students").click()
    expect(page.get_by_role("heading", name="Students", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out of this course").click()
    page.get_by_role("link", name="Back to the course").click()

    expect(page.get_by_role("button", name="Act for Ada Okafor")).to_be_visible()
    expect(
        page.get_by_text("ann (for Ada Okafor): looked at a page for a teacher (students)")
    ).to_be_visible()
    assert fits(page)
