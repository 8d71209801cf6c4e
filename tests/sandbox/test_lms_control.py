"""What a person does in the pretend LMS: grade, enrol, make a course; and that a restart forgets nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.sandbox.lms_tool import ORIGIN, install
from tests.sandbox.test_lms_canvas import get, read, submissions
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

SIS_STUDENTS = [
    {"sis_id": "7001", "given_name": "Ana", "family_name": "Alvarez", "email": "ana@x.example"},
    {"sis_id": "7002", "name": "小雨 李", "email": "li@x.example", "login": "li"},
]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"score": "9.257"}, {"score": Decimal("9.257"), "workflow_state": "graded"}),
        ({"score": 0}, {"score": 0, "grade": "0"}),
        ({"excused": True}, {"score": None, "excused": True}),
        ({"missing": True}, {"score": None, "missing": True}),
        ({"score": 4, "missing": True}, {"score": 4, "missing": True, "workflow_state": "graded"}),
        ({"none": True}, {"score": None, "grade": None, "workflow_state": "graded"}),
        ({"text": "95%"}, {"score": Decimal("9.5")}),
        ({"score": 11, "late": True}, {"score": 11, "late": True}),
        ({"score": 8, "posted": False}, {"score": 8, "posted_at": None}),
    ],
    ids=str,
)
def test_grade_is_set_as_a_teacher_would(
    lms_server: Server, wish: dict[str, Any], expected: dict[str, Any]
) -> None:
    lms_server.control("grade", course="101", user="5007", assignment="2001", **wish)
    row = submissions(lms_server)["5007", "2001"]
    assert {name: row[name] for name in expected} == expected


def test_letter_typed_by_the_teacher_becomes_a_score_of_that_letter(lms_server: Server) -> None:
    lms_server.control("grade", course="103", user="5201", assignment="2301", text="B+")
    row = submissions(lms_server, "103")["5201", "2301"]
    assert (row["grade"], row["score"]) == ("B+", 89)


def test_nonsense_is_refused_and_changes_nothing(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/_sandbox/grade"
    before = submissions(lms_server)["5007", "2001"]
    for wrong in ({"score": "lots"}, {"text": "Z"}, {"assignment": "1"}, {"user": "nobody"}):
        wish = {"course": "101", "user": "5007", "assignment": "2001"} | wrong
        assert requests.post(url, json=wish, timeout=10).status_code in (400, 404)
    assert submissions(lms_server)["5007", "2001"] == before


def test_student_leaves_and_another_comes(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/_sandbox/student"
    assert requests.delete(url, json={"course": "101", "user": "5001"}, timeout=10).status_code == 200
    lms_server.control("student", course="101", name="New Student", sis_id="S9", login="new")
    users = {row["login_id"] for row in read(lms_server, "/courses/101/users", per_page=100)}
    assert "student1" not in users
    assert "new" in users


def test_teacher_comes_too_and_stands_in_no_gradebook(lms_server: Server) -> None:
    before = submissions(lms_server).keys()
    lms_server.control("student", course="101", name="Ruth Coleman", login="rcoleman", role="teacher")
    page = requests.get(f"{lms_server.base_url}/courses/101", timeout=10).text
    assert "teacher: Ruth Coleman" in page
    assert submissions(lms_server).keys() == before
    wish = {"course": "101", "name": "Nobody", "role": "dean"}
    refused = requests.post(f"{lms_server.base_url}/_sandbox/student", json=wish, timeout=10)
    assert refused.status_code == 400


def test_assignment_is_added_changed_and_removed(lms_server: Server) -> None:
    made = lms_server.control("line_item", course="101", title="Bonus", maximum=5)
    lms_server.control("line_item", course="101", assignment=made["id"], maximum=6)
    shown = {row["name"]: row for row in read(lms_server, "/courses/101/assignments")}
    assert shown["Bonus"]["points_possible"] == 6
    url = f"{lms_server.base_url}/_sandbox/line_item"
    assert requests.delete(url, json={"course": "101", "assignment": "Bonus"}, timeout=10).status_code == 200
    assert "Bonus" not in {row["name"] for row in read(lms_server, "/courses/101/assignments")}


def test_course_for_students_of_another_sis_gets_telling_grades(lms_server: Server) -> None:
    made = lms_server.control("course", name="Foreign", sis_id="CLASS-9", students=SIS_STUDENTS)
    rows = submissions(lms_server, made["course_id"])
    scores = [row["score"] for row in rows.values()]
    assert len(rows) == 2 * 3
    assert Decimal("9.257") in scores
    assert 0 in scores
    assert any(row["excused"] for row in rows.values())
    enrolled = read(
        lms_server, f"/courses/{made['course_id']}/enrollments", **{"type[]": "StudentEnrollment"}
    )
    assert [row["sis_user_id"] for row in enrolled] == ["7001", "7002"]
    assert enrolled[1]["user"]["name"] == "小雨 李"
    [section] = read(lms_server, f"/courses/{made['course_id']}/sections")
    assert section["sis_section_id"] == "CLASS-9"
    assert len(made["teachers"]) == 1


def test_one_student_is_enough_for_all_telling_grades(lms_server: Server) -> None:
    made = lms_server.control("course", name="Small", students=SIS_STUDENTS[:1])
    rows = list(submissions(lms_server, made["course_id"]).values())
    assert [(row["score"], row["excused"]) for row in rows] == [
        (0, False),
        (Decimal("9.257"), False),
        (None, True),
    ]


def test_course_sent_again_is_completed_and_keeps_its_grades(lms_server: Server) -> None:
    wish = {"name": "Foreign", "sis_id": "CLASS-9", "students": SIS_STUDENTS}
    made = lms_server.control("course", **wish)
    item = made["line_items"][0]["id"]
    lms_server.control("grade", course=made["course_id"], user="7001", assignment=item, score=3)
    before = submissions(lms_server, made["course_id"])
    again = lms_server.control("course", **wish, line_items=[{"title": "Quiz 1"}, {"title": "Extra"}])
    assert (made["new"], again["new"]) == (True, False)
    assert again["course_id"] == made["course_id"]
    assert again["teachers"] == made["teachers"]
    assert [one["title"] for one in again["line_items"]] == ["Quiz 1", "Essay", "Lab report", "Extra"]
    after = submissions(lms_server, made["course_id"])
    assert {key: after[key] for key in before} == before
    assert len(again["students"]) == 2


def test_grades_sent_later_fill_untouched_cells_and_add_no_teacher(lms_server: Server) -> None:
    own_teacher = [{"id": "11", "name": "Ada Okafor"}]
    made = lms_server.control(
        "course",
        sis_id="C",
        teachers=own_teacher,
        students=SIS_STUDENTS,
        line_items=[{"title": "Quiz"}],
        grades=[],
    )
    cell = {"student": made["students"][0], "line_item": "Quiz"}
    for score in ("9.257", "1"):
        again = lms_server.control("course", sis_id="C", grades=[cell | {"score": score}])
    assert [one["id"] for one in again["teachers"]] == ["11"]
    scores = [row["score"] for row in submissions(lms_server, made["course_id"]).values()]
    assert scores == [Decimal("9.257"), None]


def test_course_with_its_own_items_grades_and_scheme(lms_server: Server) -> None:
    made = lms_server.control(
        "course",
        name="Given",
        sections=[{"name": "North", "sis_id": "N"}, {"name": "South", "sis_id": "S"}],
        students=[SIS_STUDENTS[0] | {"section": "S"}, SIS_STUDENTS[1] | {"sections": ["N", "S"]}],
        line_items=[{"title": "Paper", "maximum": 50, "grading_type": "letter_grade"}],
        grading_standard=[{"name": "Pass", "value": 0.5}, {"name": "Fail", "value": 0}],
        grades=[{"user": "7001", "assignment": "Paper", "score": 25}],
    )
    rows = submissions(lms_server, made["course_id"])
    assert sorted((row["score"], row["grade"]) for row in rows.values() if row["score"]) == [(25, "Pass")]
    enrolled = read(
        lms_server, f"/courses/{made['course_id']}/enrollments", **{"type[]": "StudentEnrollment"}
    )
    assert [row["sis_section_id"] for row in enrolled] == ["S", "N", "S"]


def test_number_of_somebody_else_is_not_taken_over(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/_sandbox/course"
    wish = {"name": "Clash", "students": [{"id": "11", "sis_id": "X-1", "name": "Not Ada"}]}
    answer = requests.post(url, json=wish, timeout=10)
    assert answer.status_code == 400
    assert "somebody else" in answer.json()["error"]


def test_scheme_of_a_course_is_replaced(lms_server: Server) -> None:
    entries = [{"name": "High", "value": 0.5}, {"name": "Low", "value": 0}]
    lms_server.control("scheme", course="103", grading_standard=entries)
    [standard] = read(lms_server, "/courses/103/grading_standards")
    assert get(lms_server, "/courses/103").json()["grading_standard_id"] == standard["id"]
    assert {row["grade"] for row in submissions(lms_server, "103").values()} <= {"High", "Low"}


def test_size_is_scaled_by_options(start_lms: Any) -> None:
    server = start_lms(students=40, line_items=7, extra={"plain": "1"})
    assert len(submissions(server)) == 40 * 7


def test_restart_keeps_everything_but_tokens(start_lms: Any, tmp_path: Any) -> None:
    server = start_lms(state=tmp_path / "lms.json")
    install(server.base_url)
    server.control("grade", course="101", user="5007", assignment="2001", score="8.125")
    before = submissions(server)
    server.restart()
    assert submissions(server) == before
    assert before["5007", "2001"]["score"] == Decimal("8.125")
    assert server.state["tools"]["gradesync-sandbox"]["launch_url"] == f"{ORIGIN}/lti/launch/"


def test_state_put_back_is_all_as_it_was(start_lms: Any, tmp_path: Any) -> None:
    server = start_lms(state=tmp_path / "lms.json")
    url = f"{server.base_url}/_sandbox/state"
    before, grades = requests.get(url, timeout=10).content, submissions(server)
    server.control("grade", course="101", user="5007", assignment="2001", score="8.125")
    server.control("faults", name="html-instead-of-json")
    server.control("latency", ms=700)
    assert requests.put(url, data=before, timeout=10).status_code == 200
    assert (server.journal, server.faults.active(), server.sandbox.latency_ms) == ([], [], 0)
    assert requests.get(url, timeout=10).content == before
    assert submissions(server) == grades
    server.restart()
    assert submissions(server) == grades


def test_seed_is_the_same_every_time(start_lms: Any) -> None:
    first, second = start_lms(), start_lms()
    assert submissions(first) == submissions(second)
    assert first.state["people"] == second.state["people"]


def test_writes_stand_in_the_journal_and_reads_store_nothing(lms_server: Server) -> None:
    get(lms_server, "/courses/101")
    requests.post(f"{lms_server.base_url}/login", {"user": "11"}, timeout=10)
    assert [entry["path"] for entry in lms_server.journal if entry["path"].startswith("/api")] == [
        "/api/v1/courses/101"
    ]
    assert lms_server.writes() == []


def test_tool_needs_its_addresses(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/_sandbox/tool"
    assert requests.post(url, json={"client_id": "x"}, timeout=10).status_code == 400
    assert requests.post(url, data="[]", timeout=10).status_code == 400


def test_process_says_where_everything_is(lms_server: Server) -> None:
    hello, base = lms_server.hello, lms_server.base_url
    assert hello["issuer"] == base
    assert {hello[name] for name in ("auth_login_url", "auth_token_url", "key_set_url")} == {
        *(f"{base}/lti/auth", f"{base}/lti/token", f"{base}/lti/jwks")
    }
    assert hello["courses"][0]["teachers"] == ["11"]
    assert hello["courses"][1]["class_ids"] == ["BIO-P1", "BIO-P2"]
    headers = {"Authorization": f"Bearer {hello['canvas_token']}"}
    assert requests.get(f"{base}/api/v1/users/self", headers=headers, timeout=10).status_code == 200
