"""How each dialect's AGS and NRPS answer: which columns, which pages, which headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from gradesync_site.sandbox.lms.services import LINE_ITEMS, MEMBERS, READ_ONLY, RESULTS
from lti_tool.paging import next_link, results_url
from tests.sandbox.dialect_site import AGS, NRPS, Site
from tests.sandbox.lms_tool import install

pytest_plugins = ["tests.sandbox_servers"]

PRODUCTS = ("canvas", "moodle", "brightspace", "blackboard", "sakai", "openedx")
ALL = [
    "Quiz 1: Linear Equations",
    "Unit 1 Test",
    "Homework 1",
    "Project: Bridges",
    "Homework 2",
]


@dataclass
class Lists:
    site: Site
    line_items: str
    members: str

    def items(self) -> list[Any]:
        answer = self.site.get(self.line_items, LINE_ITEMS)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()
        return found

    def walk(self, url: str, accept: str) -> tuple[list[Any], int]:
        """Every page, and how many there were."""
        rows, pages = [], 0
        while url:
            answer = self.site.get(url, accept)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows += body["members"] if isinstance(body, dict) else body
            url, pages = next_link(answer.headers.get("Link", ""), url), pages + 1
        return rows, pages


def lists_of(start_lms: Any, dialect: str, **options: Any) -> Lists:
    site = Site(start_lms(dialect=dialect, **options))
    install(site.base)
    claims = site.claims()
    return Lists(site, claims[AGS]["lineitems"], claims[NRPS]["context_memberships_url"])


@pytest.mark.parametrize("dialect", PRODUCTS)
def test_results_of_each_item_are_found_by_its_own_address(start_lms: Any, dialect: str) -> None:
    lists = lists_of(start_lms, dialect)
    for item in lists.items():
        rows, _ = lists.walk(results_url(item["id"]), RESULTS)
        assert {row["scoreOf"] for row in rows} == {item["id"]}
        assert any("resultScore" in row for row in rows)


@pytest.mark.parametrize("dialect", ["canvas", "moodle", "brightspace", "blackboard", "openedx"])
def test_tool_sees_only_its_own_columns(start_lms: Any, dialect: str) -> None:
    lists = lists_of(start_lms, dialect)
    assert [item["label"] for item in lists.items()] == ALL[:2]
    lists.site.server.control("line_item", course="101", title="Ours", owner=lists.site.client_id)
    lists.site.server.control("line_item", course="101", title="Another's", owner="somebody-else")
    assert [item["label"] for item in lists.items()] == [*ALL[:2], "Ours"]


def test_column_of_another_is_not_there_for_the_tool(start_lms: Any) -> None:
    lists = lists_of(start_lms, "canvas")
    foreign = next(str(item["id"]) for item in _assignments(lists) if item["title"] == "Homework 1")
    url = f"{lists.line_items}/{foreign}"
    assert lists.site.get(url, "application/vnd.ims.lis.v2.lineitem+json").status_code == 404
    assert lists.site.get(f"{url}/results", RESULTS).status_code == 404


def test_option_counts_more_columns_as_the_tools_own(start_lms: Any) -> None:
    for own, seen in (("all", ALL), ("3", ALL[:3]), ("0", [])):
        lists = lists_of(start_lms, "moodle", extra={"own": own})
        assert [item["label"] for item in lists.items()] == seen


def test_sakai_lists_the_whole_gradebook_and_marks_what_is_not_the_tools(start_lms: Any) -> None:
    items = lists_of(start_lms, "sakai").items()
    assert [item["label"] for item in items] == ALL
    assert [READ_ONLY in item for item in items] == [False, False, True, True, True]


def test_sakai_with_a_closed_gradebook_never_sends_the_mark(start_lms: Any) -> None:
    items = lists_of(start_lms, "sakai", extra={"own": "2"}).items()
    assert [READ_ONLY in item for item in items] == [False, False]


def test_moodle_addresses_carry_a_query_already(start_lms: Any) -> None:
    lists = lists_of(start_lms, "moodle")
    assert urlsplit(lists.line_items).query == "type_id=1"
    assert all(urlsplit(item["id"]).query == "type_id=1" for item in lists.items())


def test_moodle_leaves_out_who_has_no_grade(start_lms: Any) -> None:
    lists = lists_of(start_lms, "moodle")
    rows, pages = lists.walk(results_url(lists.items()[0]["id"]), RESULTS)
    assert pages == 1
    assert all("resultScore" in row for row in rows)
    assert all(row["userId"].isdigit() for row in rows)


def test_moodle_pages_with_typographic_quotes_when_a_limit_is_given(start_lms: Any) -> None:
    lists = lists_of(start_lms, "moodle")
    url = f"{lists.line_items}&limit=1"
    link = lists.site.get(url, LINE_ITEMS).headers["Link"]
    assert "rel=“next”" in link.encode("latin-1").decode()
    assert "from=1" in next_link(link, url)
    rows, pages = lists.walk(url, LINE_ITEMS)
    assert ([row["label"] for row in rows], pages) == (ALL[:2], 2)


def test_moodle_may_page_by_itself(start_lms: Any) -> None:
    lists = lists_of(start_lms, "moodle", extra={"page_size": "4"})
    rows, pages = lists.walk(results_url(lists.items()[1]["id"]), RESULTS)
    assert pages > 1
    assert len({row["userId"] for row in rows}) == len(rows)


def test_moodle_fails_on_a_limit_of_results(start_lms: Any) -> None:
    lists = lists_of(start_lms, "moodle")
    url = results_url(lists.items()[0]["id"])
    assert lists.site.get(f"{url}&limit=5", RESULTS).status_code == 500


@pytest.mark.parametrize(("dialect", "status"), [("moodle", 400), ("canvas", 406), ("sakai", 406)])
def test_wrong_accept_is_refused_in_the_products_own_way(start_lms: Any, dialect: str, status: int) -> None:
    lists = lists_of(start_lms, dialect)
    for accept in ("application/json", "*/*", f"{LINE_ITEMS}, */*"):
        assert lists.site.get(lists.line_items, accept).status_code == status


def test_moodle_calls_its_token_html(start_lms: Any) -> None:
    answer = lists_of(start_lms, "moodle").site.ask_token()
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.json()["token_type"] == "Bearer"


def test_canvas_bookmarks_are_case_sensitive(start_lms: Any) -> None:
    lists = lists_of(start_lms, "canvas")
    url = f"{lists.members}?limit=5"
    following = next_link(lists.site.get(url, MEMBERS).headers["Link"], url)
    assert lists.site.get(following, MEMBERS).status_code == 200
    assert lists.site.get(following.lower(), MEMBERS).status_code == 400


@pytest.mark.parametrize("dialect", ["canvas", "moodle"])
def test_who_left_the_course_is_not_among_the_members(start_lms: Any, dialect: str) -> None:
    lists = lists_of(start_lms, dialect)
    members, _ = lists.walk(lists.members, MEMBERS)
    assert {one["status"] for one in members} == {"Active"}
    assert all("ext_user_username" not in one for one in members)


def test_brightspace_sends_pages_of_200(start_lms: Any) -> None:
    lists = lists_of(start_lms, "brightspace", line_items=230, extra={"own": "all"})
    assert len(lists.items()) == 200
    rows, pages = lists.walk(lists.line_items, LINE_ITEMS)
    assert pages == 2
    assert len({row["id"] for row in rows}) == len(rows) > 200


def test_open_edx_sends_one_page_without_a_link_and_the_newest_first(start_lms: Any) -> None:
    lists = lists_of(start_lms, "openedx", students=30)
    url = results_url(lists.items()[0]["id"])
    whole = lists.site.get(url, RESULTS)
    assert "Link" not in whole.headers
    limited = lists.site.get(f"{url}?limit=3", RESULTS)
    assert "Link" not in limited.headers
    assert limited.json() == whole.json()[:3]
    assert len(whole.json()) > 10


@pytest.mark.parametrize("dialect", ["openedx", "sakai"])
def test_results_of_one_person_are_found_by_the_path(start_lms: Any, dialect: str) -> None:
    lists = lists_of(start_lms, dialect)
    url = results_url(lists.items()[0]["id"])
    rows, _ = lists.walk(url, RESULTS)
    user = rows[0]["userId"].rpartition("/")[2]
    assert lists.site.get(f"{url}/{user}", RESULTS).json() == rows[:1]
    assert lists.site.get(f"{url}?user_id={user}", RESULTS).json() == rows[:1]


def _assignments(lists: Lists) -> list[Any]:
    state = requests.get(f"{lists.site.base}/_sandbox/state", timeout=10).json()
    found: list[Any] = state["courses"]["101"]["assignments"]
    return found
