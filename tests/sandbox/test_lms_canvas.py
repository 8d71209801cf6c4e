"""Canvas's REST of the pretend LMS: paging, ids, statuses, schemes, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import loads
from tests.sandbox.lms_tool import host_of
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

AUTHORITY = {"Authorization": "Bearer sandbox-canvas-token"}
STRING_IDS = AUTHORITY | {"Accept": "application/json+canvas-string-ids"}


def get(server: Server, path: str, headers: dict[str, str] = STRING_IDS, **query: Any) -> requests.Response:
    return requests.get(f"{server.base_url}/api/v1{path}", headers=headers, params=query, timeout=10)


def read(server: Server, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every page, with numbers as they are written."""
    rows: list[dict[str, Any]] = []
    answer = get(server, path, **query)
    while True:
        assert answer.status_code == 200, answer.text
        rows += loads(answer.content)
        following = answer.links.get("next", {}).get("url")
        if not following:
            return rows
        answer = requests.get(following, headers=STRING_IDS, timeout=10)


def submissions(server: Server, course: str = "101") -> dict[tuple[str, str], dict[str, Any]]:
    rows = read(
        server, f"/courses/{course}/students/submissions", **{"student_ids[]": "all", "per_page": 100}
    )
    return {(row["user_id"], row["assignment_id"]): row for row in rows}


def test_without_token_there_is_no_answer(lms_server: Server) -> None:
    answer = get(lms_server, "/courses/101", headers={})
    assert (answer.status_code, answer.json()) == (401, {"errors": [{"message": "Invalid access token."}]})


def test_ids_are_numbers_unless_text_is_asked_for(lms_server: Server) -> None:
    assert get(lms_server, "/courses/101", headers=AUTHORITY).json()["account_id"] == 2
    assert get(lms_server, "/courses/101").json()["account_id"] == "2"


def test_submission_ids_pass_what_a_binary_float_can_hold(lms_server: Server) -> None:
    ids = [int(row["id"]) for row in submissions(lms_server).values()]
    assert min(ids) > 2**53
    assert len(set(ids)) == len(ids)


def test_pages_are_ten_rows_unless_asked_and_a_hundred_at_most(start_lms: Any) -> None:
    server = start_lms(students=120)
    path = "/courses/101/students/submissions"
    assert len(get(server, path, **{"student_ids[]": "all"}).json()) == 10
    assert len(get(server, path, **{"student_ids[]": "all", "per_page": 1000}).json()) == 100


def test_bookmarks_are_opaque_and_case_sensitive(lms_server: Server) -> None:
    following = get(lms_server, "/courses/101/enrollments").links["next"]["url"]
    assert host_of(following) == host_of(lms_server.base_url)
    assert requests.get(following, headers=STRING_IDS, timeout=10).status_code == 200
    assert requests.get(following.lower(), headers=STRING_IDS, timeout=10).status_code == 400


def test_query_is_kept_from_page_to_page(lms_server: Server) -> None:
    rows = read(lms_server, "/courses/101/enrollments", **{"type[]": "TeacherEnrollment", "per_page": 1})
    assert [row["type"] for row in rows] == ["TeacherEnrollment"]


def test_every_active_student_has_a_row_for_every_published_assignment(lms_server: Server) -> None:
    rows = submissions(lms_server)
    students = {
        row["user_id"]
        for row in read(lms_server, "/courses/101/enrollments", per_page=100)
        if row["type"] in ("StudentEnrollment", "StudentViewEnrollment")
    }
    assignments = read(lms_server, "/courses/101/assignments")
    published = {row["id"] for row in assignments if row["published"]}
    assert rows.keys() == {(user, item) for user in students for item in published}
    assert len(published) < len(assignments)


@pytest.mark.parametrize(
    ("student", "item", "expected"),
    [
        ("5001", "2001", {"score": Decimal(0), "grade": "0", "workflow_state": "graded"}),
        ("5002", "2001", {"score": None, "excused": True, "grade": "EX"}),
        (
            "5003",
            "2001",
            {"score": None, "missing": True, "workflow_state": "unsubmitted", "posted_at": None},
        ),
        ("5004", "2001", {"score": Decimal("7.5"), "late": True}),
        ("5005", "2002", {"score": Decimal(104)}),
        ("5006", "2001", {"score": Decimal("9.257"), "grade": "9.257", "entered_score": Decimal("9.257")}),
        ("5007", "2002", {"score": Decimal("86.5")}),
        ("5008", "2001", {"score": None, "grade": None, "graded_at": None, "missing": False}),
    ],
)
def test_telling_grades_are_worded_as_canvas_words_them(
    lms_server: Server, student: str, item: str, expected: dict[str, Any]
) -> None:
    row = submissions(lms_server)[student, item]
    assert {name: row[name] for name in expected} == expected


def test_percent_assignment_shows_its_grade_in_percent(lms_server: Server) -> None:
    row = next(one for (_, item), one in submissions(lms_server).items() if item == "2004" and one["score"])
    assert row["grade"] == f"{Decimal(row['score'] * 2).normalize():f}%"


def test_letters_follow_the_standard_of_the_course(lms_server: Server) -> None:
    [standard] = read(lms_server, "/courses/103/grading_standards")
    assert get(lms_server, "/courses/103").json()["grading_standard_id"] == standard["id"] == "31"
    bounds = {entry["name"]: entry["value"] for entry in standard["grading_scheme"]}
    for row in submissions(lms_server, "103").values():
        assert row["score"] >= bounds[row["grade"]] * 100
    assert standard["grading_scheme"][0]["calculated_value"] == 94


def test_standard_of_the_account_is_found_by_walking_up(lms_server: Server) -> None:
    course = get(lms_server, "/courses/104").json()
    assert read(lms_server, "/courses/104/grading_standards") == []
    account = get(lms_server, f"/accounts/{course['account_id']}").json()
    assert read(lms_server, f"/accounts/{account['id']}/grading_standards") == []
    [standard] = read(lms_server, f"/accounts/{account['parent_account_id']}/grading_standards")
    assert standard["id"] == course["grading_standard_id"]
    one = get(lms_server, f"/accounts/{account['parent_account_id']}/grading_standards/{standard['id']}")
    assert loads(one.content) == standard
    assert get(lms_server, "/accounts/1").json()["parent_account_id"] is None


def test_pass_fail_is_complete_or_incomplete(lms_server: Server) -> None:
    words = {row["grade"] for (_, item), row in submissions(lms_server, "104").items() if item == "2402"}
    assert words == {"complete", "incomplete"}


def test_cross_listed_course_names_both_sections(lms_server: Server) -> None:
    assert [row["sis_section_id"] for row in read(lms_server, "/courses/102/sections")] == [
        "BIO-P1",
        "BIO-P2",
    ]
    rows = read(lms_server, "/courses/102/enrollments", **{"type[]": "StudentEnrollment", "per_page": 100})
    assert {row["sis_section_id"] for row in rows} == {"BIO-P1", "BIO-P2"}


def test_totals_current_leaves_out_what_final_counts_as_zero(lms_server: Server) -> None:
    rows = read(lms_server, "/courses/101/enrollments", **{"type[]": "StudentEnrollment", "per_page": 100})
    missing = next(row["grades"] for row in rows if row["user_id"] == "5003")
    assert missing["final_score"] < missing["current_score"]
    excused = next(row["grades"] for row in rows if row["user_id"] == "5002")
    assert excused["final_score"] == excused["current_score"]
    assert excused["current_grade"] is None


def test_totals_carry_letters_where_the_course_has_a_standard(lms_server: Server) -> None:
    rows = read(lms_server, "/courses/103/enrollments", **{"type[]": "StudentEnrollment"})
    assert {row["grades"]["final_grade"] for row in rows} <= {
        "A",
        "A-",
        "B+",
        "B",
        "B-",
        "C+",
        "C",
        "C-",
        "D",
        "F",
    }


def test_inactive_student_is_listed_only_when_asked_for(lms_server: Server) -> None:
    def logins(**query: Any) -> set[str]:
        rows = read(lms_server, "/courses/101/enrollments", per_page=100, **query)
        return {row["user"]["login_id"] for row in rows}

    assert "student901" not in logins()
    assert "student901" in logins(**{"state[]": ["active", "inactive"]})


def test_email_is_told_by_users_when_asked(lms_server: Server) -> None:
    rows = read(lms_server, "/courses/101/users", **{"include[]": "email", "per_page": 100})
    assert "ada.okafor@north.example" in {row["email"] for row in rows}
    assert all("email" not in row for row in read(lms_server, "/courses/101/users"))


def test_course_is_found_by_its_sis_id_too(lms_server: Server) -> None:
    assert get(lms_server, "/courses/sis_course_id:ALG1-P3").json()["id"] == "101"
    assert get(lms_server, "/courses/999").status_code == 404


def test_throttling_is_told_apart_from_missing_rights_by_its_words(lms_server: Server) -> None:
    lms_server.faults.on("rate-limit", count=1)
    throttled = get(lms_server, "/courses/101")
    assert throttled.status_code == 403
    assert "Rate Limit Exceeded" in throttled.text
    lms_server.faults.on("wrong-scope", count=1)
    refused = get(lms_server, "/courses/101")
    assert refused.status_code == 403
    assert refused.json()["status"] == "unauthorized"


def test_throttling_may_be_429(lms_server: Server) -> None:
    lms_server.faults.on("rate-limit", status=429)
    answer = get(lms_server, "/courses/101")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ("scheme-gap", ["A", "B", "C"]),
        ("scheme-unsorted", ["F", "D", "C", "B", "A"]),
        ("scheme-doubled", ["A", "B", "C", "D", "F"]),
    ],
)
def test_fault_breaks_the_scheme(lms_server: Server, fault: str, names: list[str]) -> None:
    lms_server.faults.on(fault)
    [standard] = read(lms_server, "/accounts/1/grading_standards")
    assert [entry["name"] for entry in standard["grading_scheme"]] == names
    bounds = [entry["value"] for entry in standard["grading_scheme"]]
    assert (len(set(bounds)) < len(bounds)) == (fault == "scheme-doubled")


def test_fault_repeats_a_page_of_submissions(lms_server: Server) -> None:
    lms_server.faults.on("results-page-repeats", count=1)
    ids = [
        row["id"] for row in read(lms_server, "/courses/101/students/submissions", **{"student_ids[]": "all"})
    ]
    assert len(set(ids)) < len(ids)
