"""AGS and NRPS of the pretend LMS: tokens, scopes, pages, and what each list says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import jwt
import pytest
import requests

from gradesync_site.sandbox.control import loads
from gradesync_site.sandbox.lms.vocabulary import SCOPES
from tests.sandbox.lms_tool import ask_token, assertion, course_urls, install, read_all
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@dataclass
class Course:
    """The services of one course, as a tool with a token sees them."""

    server: Server
    line_items_url: str
    members_url: str
    token: str

    def headers(self, accept: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": accept}

    def line_items(self) -> list[Any]:
        return read_all(self.line_items_url, self.headers(LINE_ITEMS))[0]

    def results_url(self, title: str) -> str:
        return next(str(item["id"]) for item in self.line_items() if item["label"] == title) + "/results"

    def get(self, url: str, accept: str) -> requests.Response:
        return requests.get(url, headers=self.headers(accept), timeout=10)


@pytest.fixture
def course(lms_server: Server) -> Course:
    lms = lms_server.base_url
    install(lms)
    claims = course_urls(lms)
    return Course(
        lms_server,
        claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitems"],
        claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"]["context_memberships_url"],
        ask_token(lms).json()["access_token"],
    )


def test_token_carries_the_scopes_that_were_asked_and_granted(course: Course) -> None:
    answer = ask_token(course.server.base_url, f"{SCOPES[0]} https://example.org/unknown")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, SCOPES[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example/token"},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"exp": -60},
        {"iat": 60},
        {"jti": None},
    ],
    ids=str,
)
def test_assertion_that_proves_nothing_gets_no_token(course: Course, changes: dict[str, Any]) -> None:
    lms = course.server.base_url
    now = int(time.time())
    changes = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
    answer = ask_token(lms, signed=assertion(lms, **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_assertion_counts_once(course: Course) -> None:
    lms = course.server.base_url
    signed = assertion(lms)
    assert ask_token(lms, signed=signed).status_code == 200
    assert ask_token(lms, signed=signed).json()["error"] == "invalid_client"


def test_assertion_of_another_key_is_refused(course: Course) -> None:
    lms = course.server.base_url
    head, body, signature = assertion(lms).split(".")
    forged = ".".join(
        [head, body, signature[:-6] + ("AAAAAA" if not signature.endswith("AAAAAA") else "BBBBBB")]
    )
    assert ask_token(lms, signed=forged).json()["error"] == "invalid_client"
    unsigned = jwt.encode({"sub": "gradesync-sandbox"}, None, algorithm="none")
    assert ask_token(lms, signed=unsigned).json()["error"] == "invalid_client"


def test_scope_that_was_not_granted_opens_nothing(course: Course) -> None:
    lms = course.server.base_url
    assert ask_token(lms, "https://example.org/unknown").json()["error"] == "invalid_scope"
    course.token = ask_token(lms, SCOPES[0]).json()["access_token"]
    assert course.get(course.members_url, MEMBERS).status_code == 403
    assert course.get(course.line_items_url, LINE_ITEMS).status_code == 200


def test_service_without_a_good_token_answers_401(course: Course) -> None:
    course.token = "made-up"
    assert course.get(course.line_items_url, LINE_ITEMS).status_code == 401


def test_token_ends_after_its_time(start_lms: Any) -> None:
    server = start_lms(extra={"token_s": "0"})
    install(server.base_url)
    token = ask_token(server.base_url).json()["access_token"]
    url = course_urls(server.base_url)["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitems"]
    headers = {"Authorization": f"Bearer {token}", "Accept": LINE_ITEMS}
    assert requests.get(url, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("accept", ["application/json", "*/*", f"{LINE_ITEMS}, application/json;q=0.5"])
def test_accept_must_be_the_one_media_type(course: Course, accept: str) -> None:
    assert course.get(course.line_items_url, accept).status_code == 406


def test_line_items_are_the_published_ones_that_are_graded(course: Course) -> None:
    items = course.line_items()
    assert [item["label"] for item in items] == [
        "Quiz 1: Linear Equations",
        "Unit 1 Test",
        "Homework 1",
        "Project: Bridges",
        "Homework 2",
    ]
    assert items[0]["scoreMaximum"] == 10
    one = course.get(items[0]["id"], "application/vnd.ims.lis.v2.lineitem+json")
    assert one.json() == items[0]


def test_results_come_in_pages_and_keep_their_decimals(course: Course) -> None:
    url = course.results_url("Quiz 1: Linear Equations")
    rows, answers = read_all(url, course.headers(RESULTS))
    assert len(answers) == 2
    assert answers[0].headers["Content-Type"] == RESULTS
    written = loads(answers[0].content)
    assert Decimal("9.257") in [row.get("resultScore") for row in written]
    assert [row["resultScore"] for row in rows if row.get("resultScore") == 0] == [0]
    assert all(row.keys() >= {"id", "userId", "scoreOf"} for row in rows)
    assert all(("resultScore" in row) == ("resultMaximum" in row) for row in rows)


def test_excused_student_has_no_score_in_ags(course: Course) -> None:
    members = read_all(course.members_url, course.headers(MEMBERS))[0]
    excused = next(one["user_id"] for one in members if one.get("ext_user_username") == "student2")
    rows = read_all(course.results_url("Quiz 1: Linear Equations"), course.headers(RESULTS))[0]
    assert [row for row in rows if row["userId"] == excused and "resultScore" in row] == []


def test_limit_is_kept_over_all_pages(course: Course) -> None:
    url = course.results_url("Unit 1 Test") + "?limit=5"
    rows, answers = read_all(url, course.headers(RESULTS))
    assert [len(answer.json()) for answer in answers[:-1]] == [5] * (len(answers) - 1)
    assert len({row["userId"] for row in rows}) == len(rows)


def test_next_link_is_case_sensitive(course: Course) -> None:
    first = course.get(course.results_url("Unit 1 Test"), RESULTS)
    following = first.links["next"]["url"]
    assert course.get(following, RESULTS).status_code == 200
    assert course.get(following.lower(), RESULTS).status_code == 400


def test_members_carry_what_identifies_them_and_their_roles(course: Course) -> None:
    members, answers = read_all(course.members_url, course.headers(MEMBERS))
    assert len(answers) > 1
    by_name = {one["name"]: one for one in members}
    assert by_name["محمد العلي"]["lis_person_sourcedid"] == "700005"
    assert by_name["Guest Account"].keys() & {"lis_person_sourcedid", "ext_user_username", "email"} == set()
    assert by_name["Ada Okafor"]["roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]
    assert "http://purl.imsglobal.org/vocab/lti/system/person#TestUser" in by_name["Test Student"]["roles"]
    inactive = [one for one in members if one["status"] == "Inactive"]
    assert [one["ext_user_username"] for one in inactive] == ["student901"]


def test_two_members_share_one_email(course: Course) -> None:
    members = read_all(course.members_url, course.headers(MEMBERS))[0]
    shared = [one["name"] for one in members if one.get("email") == "lindqvist.family@mail.example"]
    assert sorted(shared) == ["Max Lindqvist", "Mia Lindqvist"]


def test_unknown_course_and_item_answer_404(course: Course) -> None:
    assert course.get(course.line_items_url + "/1/results", RESULTS).status_code == 404
    elsewhere = course.members_url.rpartition("/courses/")[0] + "/courses/none/members"
    assert course.get(elsewhere, MEMBERS).status_code == 404


def test_fault_repeats_the_first_page(course: Course) -> None:
    course.server.faults.on("results-page-repeats", path="/results")
    rows = read_all(course.results_url("Unit 1 Test"), course.headers(RESULTS))[0]
    ids = [row["id"] for row in rows]
    assert len(set(ids)) < len(ids)


def test_fault_leads_in_a_circle(course: Course) -> None:
    course.server.faults.on("next-link-loops")
    first = course.get(course.members_url, MEMBERS).links["next"]["url"]
    assert course.get(first, MEMBERS).links["next"]["url"] == first


def test_fault_leads_to_another_host(course: Course) -> None:
    course.server.faults.on("next-link-other-host")
    assert course.get(course.members_url, MEMBERS).links["next"]["url"].startswith("http://grades.invalid/")


@pytest.mark.parametrize(
    ("fault", "status", "media_type"),
    [
        ("results-500", 500, "application/json"),
        ("rate-limit", 429, "text/html; charset=utf-8"),
        ("html-instead-of-json", 200, "text/html; charset=utf-8"),
        ("bearer-refused", 401, "application/json"),
        ("wrong-scope", 403, "application/json"),
    ],
)
def test_fault_answers_something_else(course: Course, fault: str, status: int, media_type: str) -> None:
    url = course.results_url("Unit 1 Test")
    course.server.faults.on(fault, count=1)
    answer = course.get(url, RESULTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, media_type)
    assert ("Retry-After" in answer.headers) == (status == 429)
    assert course.get(url, RESULTS).status_code == 200


@pytest.mark.parametrize(("fault", "value"), [("score-not-a-number", "n/a"), ("negative", -3)])
def test_fault_spoils_one_score(course: Course, fault: str, value: object) -> None:
    url = course.results_url("Unit 1 Test")
    course.server.faults.on(fault, count=1)
    scores = [row.get("resultScore") for row in course.get(url, RESULTS).json()]
    assert scores.count(value) == 1


def test_fault_writes_nan(course: Course) -> None:
    url = course.results_url("Unit 1 Test")
    course.server.faults.on("score-nan")
    assert '"resultScore":NaN' in course.get(url, RESULTS).text


def test_fault_cuts_the_members_short_without_a_sign(course: Course) -> None:
    whole = len(read_all(course.members_url, course.headers(MEMBERS))[0])
    course.server.faults.on("members-short")
    assert len(read_all(course.members_url, course.headers(MEMBERS))[0]) == whole // 2
