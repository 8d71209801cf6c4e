"""A teacher sets up a course whose class she cannot prove: she asks, an administrator answers, and she goes on from there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from gradesync_site import running
from tests.e2e.test_demo_walk import open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
PASSWORD = "only for this demo"


def administrator(demo: dict[str, Any], browser: Browser) -> Page:
    """Ann, signed in to the administrators' pages in a browser of her own."""
    account = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "GRADESYNC_HOME": demo["home"]}
    command = [
        sys.executable,
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--username",
        "ann",
        "--email",
        "",
    ]
    subprocess.run(command, env=os.environ | account, cwd=running.ROOT, check=True, stdout=subprocess.PIPE)
    page = browser.new_context().new_page()
    page.goto(f"{demo['tool']}/admin/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


def now_at(tool: FrameLocator, step: str, done: int) -> None:
    expect(tool.get_by_text(f"{done} of 5 steps are done.")).to_be_visible()
    expect(tool.locator("li[aria-current=step]").get_by_role("heading", name=step)).to_be_visible()


def test_a_class_that_nothing_proves_is_linked_by_an_administrator_and_the_guide_goes_on(
    page: Page, demo: dict[str, Any], browser: Browser
) -> None:
    tool = open_tool(page, demo)
    now_at(tool, "SIS class", 0)
    tool.get_by_role("link", name="Link the SIS class").click()
    tool.get_by_text("Your class is not listed?").click()
    tool.get_by_label("The class: its id in the SIS").fill("my third period")
    tool.get_by_role("button", name="Ask for this class").click()
    expect(tool.get_by_text("waits for an answer")).to_be_visible()

    ann = administrator(demo, browser)
    asked = ann.get_by_role("group", name="my third period")
    expect(asked).to_contain_text("Ada Okafor")
    asked.get_by_label("Id of the class in the SIS").fill("ALG1-P3")
    asked.get_by_role("button", name="Link this class").click()
    expect(ann.get_by_text("is linked to the course")).to_be_visible()
    expect(ann.get_by_role("button", name="Link this class")).to_have_count(0)
    ann.context.close()

    tool = open_tool(page, demo)  # she comes back another time
    now_at(tool, "Students", 1)
    tool.get_by_role("button", name="Read both gradebooks").click()
    expect(tool.get_by_role("button", name="Go on without these students")).to_be_visible()
    tool.get_by_role("button", name="Go on without these students").click()
    now_at(tool, "Assignments", 2)
    tool.get_by_role("link", name="Link assignments").click()
    tool.get_by_role("button", name="Link all with equal titles").click()
    expect(tool.get_by_text("1 assignment is linked.")).to_be_visible()
    tool.get_by_role("link", name="Overview").click()
    tool.get_by_role("button", name="Go on without these assignments").click()
    now_at(tool, "Scale", 3)
    tool.get_by_role("button", name="This is how it should be").click()
    now_at(tool, "First review", 4)

    tool.get_by_role("link", name="Overview").click()
    tool.get_by_role("button", name="Review grades").click()
    expect(tool.get_by_role("heading", name="Review, then send")).to_be_visible()
    tool.get_by_role("link", name="Overview").click()
    expect(tool.get_by_role("img", name="Homework 1: ")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 800})
    body = tool.locator("html")
    assert body.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
