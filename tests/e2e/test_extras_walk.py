"""Forms of their own kind in a real browser, in a narrow frame and without any cookie: dates, and a file that goes up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, FrameLocator, expect

from tests.e2e.cross_site import Site, serving
from tests.e2e.test_cookieless import open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-cookieless")]
expect.set_options(timeout=30_000)

# a grade beside which something was entered, and a file of the run that was sent
SEED = """
from sync.models import *
row = GradeChange.objects.exclude(sent_at=None).select_related("run").first()
fields = GradeExtra.key_fields(row.key)
GradeExtra.objects.create(**fields, context=row.run.context, never_attended=True, entered_by="Ada")
RunDocument.objects.create(
    run=row.run, name="file.csv", media_type="text/csv", content=b"x",
    class_id=row.class_id, line_item_id=row.line_item_id,
)
"""


@pytest.fixture(scope="module")
def site(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(home, tmp_path_factory.mktemp("extras") / "home", "1") as site:
        site.django(SEED)
        yield site


@pytest.fixture
def tool(visitor: BrowserContext, site: Site) -> FrameLocator:
    page = visitor.new_page()
    # the frame within is narrower still
    page.set_viewport_size({"width": 320, "height": 900})
    tool = open_tool(page, site)
    expect(tool.get_by_role("heading", name="Grades to SIS")).to_be_visible()
    return tool


def go(tool: FrameLocator, path: str) -> None:
    """To a page of this course, as a link of its pages leads there: with the session in a header."""
    tool.locator("#main").evaluate(
        """(_, path) => {
            const course = location.pathname.split("/").slice(0, 3).join("/");
            return htmx.ajax("GET", `${course}/${path}`, { target: "body", swap: "innerHTML" });
        }""",
        path,
    )


def fits(tool: FrameLocator) -> bool:
    main = tool.locator("#main")
    return bool(main.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"))


def test_dates_are_entered_in_a_narrow_frame(tool: FrameLocator) -> None:
    go(tool, "extras/")
    expect(tool.get_by_role("heading", name="What the SIS wants beside a grade")).to_be_visible()
    assert fits(tool)
    tool.get_by_label("Never attended").uncheck()
    tool.get_by_label("Last date of attendance").fill("2999-01-01")
    tool.get_by_role("button", name="Save and look again").click()
    expect(tool.get_by_text("This day is still to come.")).to_be_visible()
    tool.get_by_label("Last date of attendance").fill("2020-01-01")
    tool.get_by_role("button", name="Save and look again").click()
    expect(tool.get_by_text("Saved for 1 grade.")).to_be_visible()


def test_a_report_goes_up_as_a_file(tool: FrameLocator) -> None:
    tool.get_by_role("link", name="History").click()
    tool.get_by_role("row").filter(has_text="Grades sent").get_by_role("link").first.click()
    tool.get_by_text("Bring back what the SIS said of it").click()
    report = FilePayload(name="report.csv", mimeType="text/csv", buffer=b"Student ID,Status\n1,OK\n")
    tool.get_by_label("The SIS's report (CSV or XLSX)").set_input_files(report)
    assert fits(tool)
    tool.get_by_role("button", name="Take the report over").click()
    expect(tool.get_by_text("This SIS is not known to give reports about files.")).to_be_visible()
