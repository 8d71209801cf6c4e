"""What only Canvas has, in the pretend LMS: groups, periods, late policy, overrides, filters, and its throttle."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.lms.canvas_bucket import Bucket
from tests.sandbox.test_lms_canvas import get, read, submissions
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

PERIODS = [
    {
        "id": 41,
        "title": "Quarter 1",
        "start_date": "2025-01-01T00:00:00Z",
        "end_date": "2025-09-20T00:00:00Z",
    },
    {
        "id": 42,
        "title": "Quarter 2",
        "start_date": "2025-09-20T00:00:00Z",
        "end_date": "2026-01-01T00:00:00Z",
    },
]
ALL = {"student_ids[]": "all", "per_page": 100}


def totals(server: Server, **query: Any) -> dict[str, Any]:
    rows = read(
        server, "/courses/101/enrollments", **{"type[]": "StudentEnrollment", "per_page": 100}, **query
    )
    return {row["user_id"]: row["grades"] for row in rows}


def test_new_course_has_no_weights_periods_or_policy(lms_server: Server) -> None:
    assert get(lms_server, "/courses/101").json()["apply_assignment_group_weights"] is False
    assert get(lms_server, "/courses/101/grading_periods").json()["grading_periods"] == []
    assert get(lms_server, "/courses/101/late_policy").status_code == 404
    assert {row["group_weight"] for row in read(lms_server, "/courses/101/assignment_groups")} == {0}
    assert "override_score" not in totals(lms_server)["5001"]


def test_weights_and_rules_show_in_the_groups_and_in_the_totals(lms_server: Server) -> None:
    [first, *_] = names = [row["name"] for row in read(lms_server, "/courses/101/assignment_groups")]
    before = totals(lms_server)["5007"]["final_score"]
    weights = {name: 100 if name == first else 0 for name in names}
    lms_server.control("canvas/course", course="101", weights=weights, rules={first: {"drop_lowest": 1}})
    groups = {row["name"]: row for row in read(lms_server, "/courses/101/assignment_groups")}
    assert (groups[first]["group_weight"], groups[first]["rules"]) == (100, {"drop_lowest": 1})
    assert get(lms_server, "/courses/101").json()["apply_assignment_group_weights"] is True
    assert totals(lms_server)["5007"]["final_score"] != before


def test_late_policy_has_all_fields_of_canvas(lms_server: Server) -> None:
    lms_server.control("canvas/course", course="101", late_policy={"late_submission_deduction_enabled": True})
    policy = get(lms_server, "/courses/101/late_policy").json()["late_policy"]
    assert policy["late_submission_deduction_enabled"] is True
    assert policy["missing_submission_deduction_enabled"] is False


def test_periods_have_submissions_and_totals(lms_server: Server) -> None:
    lms_server.control("canvas/course", course="101", grading_periods=PERIODS)
    shown = get(lms_server, "/courses/101/grading_periods").json()["grading_periods"]
    assert [one["id"] for one in shown] == ["41", "42"]
    assert {row["grading_period_id"] for row in submissions(lms_server).values()} == {"41", "42"}
    whole, first = totals(lms_server), totals(lms_server, grading_period_id="41")
    assert whole["5007"] != first["5007"]
    assert get(lms_server, "/courses/101/enrollments", grading_period_id="99").status_code == 400


def test_override_shows_where_the_course_has_it(lms_server: Server) -> None:
    lms_server.control(
        "canvas/course", course="101", overrides={"5001": {"score": Decimal("91.5"), "grade": "A-"}}
    )
    found = totals(lms_server)
    assert (found["5001"]["override_score"], found["5001"]["override_grade"]) == (Decimal("91.5"), "A-")
    assert found["5002"]["override_score"] is None


def test_omitted_assignment_leaves_the_total(lms_server: Server) -> None:
    before = totals(lms_server)["5007"]["current_score"]
    lms_server.control("canvas/assignment", course="101", assignment="2001", omit_from_final_grade=True)
    row = next(one for one in read(lms_server, "/courses/101/assignments") if one["id"] == "2001")
    assert row["omit_from_final_grade"] is True
    assert totals(lms_server)["5007"]["current_score"] != before


def test_submission_may_wait_for_a_review_and_carry_a_status(lms_server: Server) -> None:
    lms_server.control(
        "canvas/submission",
        course="101",
        assignment="2001",
        user="5007",
        pending=True,
        attempt=2,
        custom_grade_status_id=9,
    )
    row = submissions(lms_server)["5007", "2001"]
    assert (row["workflow_state"], row["attempt"], row["custom_grade_status_id"]) == (
        "pending_review",
        2,
        "9",
    )


def test_concluded_is_said_when_asked_for(lms_server: Server) -> None:
    lms_server.control("canvas/course", course="101", concluded=True, workflow_state="completed")
    assert "concluded" not in get(lms_server, "/courses/101").json()
    course = get(lms_server, "/courses/101", **{"include[]": "concluded"}).json()
    assert (course["concluded"], course["workflow_state"]) == (True, "completed")


@pytest.mark.parametrize("what", ["course", "assignment", "submission", "bucket"])
def test_what_canvas_does_not_have_cannot_be_set(lms_server: Server, what: str) -> None:
    wish = {"course": "101", "assignment": "2001", "user": "5001", "colour": "red"}
    if what == "bucket":
        wish = {"colour": 1}
    if what == "course":
        del wish["assignment"], wish["user"]
    answer = requests.post(f"{lms_server.base_url}/_sandbox/canvas/{what}", json=wish, timeout=10)
    assert answer.status_code == 400
    assert "colour" in answer.json()["error"] or "user" in answer.json()["error"]


# --- filters ---


def test_submissions_rise_by_id(lms_server: Server) -> None:
    ids = [int(row["id"]) for row in read(lms_server, "/courses/101/students/submissions", **ALL)]
    assert ids == sorted(ids) and len(ids) == len(set(ids))


def test_only_the_assignments_asked_for_and_unknown_ones_are_refused(lms_server: Server) -> None:
    rows = read(
        lms_server, "/courses/101/students/submissions", **ALL, **{"assignment_ids[]": ["2002", "2001"]}
    )
    assert {row["assignment_id"] for row in rows} == {"2001", "2002"}
    answer = get(
        lms_server, "/courses/101/students/submissions", **ALL, **{"assignment_ids[]": ["2001", "7"]}
    )
    assert (answer.status_code, answer.json()) == (403, {"error": "invalid assignment ids requested"})


def test_graded_since_names_new_grades_and_no_grade_that_was_taken_away(lms_server: Server) -> None:
    """Why the reader does not read on by it."""
    since = "2026-11-01T00:00:00Z"

    def changed() -> set[tuple[str, str]]:
        rows = read(lms_server, "/courses/101/students/submissions", **ALL, graded_since=since)
        return {(row["user_id"], row["assignment_id"]) for row in rows}

    assert changed() == set()
    lms_server.control(
        "grade", course="101", user="5007", assignment="2001", score=3, graded_at="2026-11-02T00:00:00Z"
    )
    assert changed() == {("5007", "2001")}
    lms_server.control("grade", course="101", user="5006", assignment="2001", none=True)
    lms_server.control("canvas/submission", course="101", user="5005", assignment="2001", posted=False)
    assert changed() == {("5007", "2001")}
    assert submissions(lms_server)["5006", "2001"]["score"] is None


# --- the bucket ---


def test_answers_say_what_they_cost_and_how_much_is_left(lms_server: Server) -> None:
    headers = get(lms_server, "/courses/101").headers
    assert headers["X-Request-Cost"] == "0.05"
    assert 590 < float(headers["X-Rate-Limit-Remaining"]) <= 600


def test_full_bucket_refuses_until_it_has_leaked(lms_server: Server) -> None:
    lms_server.control("canvas/bucket", count=800, leak=0)
    refused = get(lms_server, "/courses/101")
    assert (refused.status_code, refused.headers["X-Rate-Limit-Remaining"]) == (403, "0.0")
    assert "Rate Limit Exceeded" in refused.text
    lms_server.control("canvas/bucket", count=0)
    assert get(lms_server, "/courses/101").status_code == 200


def test_requests_under_way_hold_a_part_of_the_bucket() -> None:
    bucket = Bucket()
    bucket.set(full=120, leak=0, cost=1)
    assert bucket.enter() and bucket.enter()
    assert not bucket.enter()
    bucket.leave()
    assert bucket.enter()
    assert bucket.remaining == 120 - 2 * 50 - 1


def test_bucket_leaks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("gradesync_site.sandbox.lms.canvas_bucket.time.monotonic", lambda: now[0])
    bucket = Bucket()
    bucket.set(count=500)
    now[0] = 20.0
    assert bucket.enter()
    assert bucket.remaining == 600 - (500 - 200) - 50
