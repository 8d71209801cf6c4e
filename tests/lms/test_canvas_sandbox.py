"""The Canvas reader against the pretend LMS over real HTTP: whatever was changed there, each read says what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.lms import records as lms
from sync.lms.access import Unpaced
from sync.lms.base import Settings
from sync.lms.canvas import Canvas, reading
from tests.sandbox_servers import Server

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
STUDENTS, ITEMS = [str(5001 + at) for at in range(8)], ["2001", "2002", "2003", "2004"]


class One(Unpaced):
    def streams(self, wanted: int) -> Any:
        return super().streams(1)


def reader(server: Server, *, alone: bool = False) -> Canvas:
    place = Settings("sandbox", server.base_url, server.hello["canvas_token"])
    return Canvas(place, pace=One() if alone else None)


def course(course_id: str = "101") -> lms.Course:
    return lms.Course("context", custom={"canvas_course_id": course_id})


cells = st.tuples(st.sampled_from(STUDENTS), st.sampled_from(ITEMS))
grades = st.one_of(
    st.decimals(0, 120, places=3).map(lambda score: {"score": score}),
    st.sampled_from(
        [{"none": True}, {"excused": True}, {"missing": True}, {"score": 0, "posted": False}, {"score": 0}]
    ),
)
edits = st.one_of(
    st.tuples(cells, grades).map(
        lambda one: ("grade", {"user": one[0][0], "assignment": one[0][1], **one[1]})
    ),
    st.tuples(cells, st.booleans(), st.booleans()).map(
        lambda one: (
            "canvas/submission",
            {"user": one[0][0], "assignment": one[0][1], "pending": one[1], "posted": one[2], "attempt": 2},
        )
    ),
    st.tuples(
        st.sampled_from(ITEMS), st.sampled_from([10, 50, None]), st.sampled_from(["points", "letter_grade"])
    ).map(lambda one: ("line_item", {"assignment": one[0], "maximum": one[1], "grading_type": one[2]})),
    st.sampled_from(ITEMS).map(
        lambda one: ("canvas/assignment", {"assignment": one, "omit_from_final_grade": True})
    ),
    st.sampled_from(
        [
            ("canvas/course", {"grading_periods": PERIODS}),
            ("canvas/course", {"late_policy": {"missing_submission_deduction_enabled": True}}),
            ("canvas/course", {"overrides": {"5001": {"score": Decimal("91.5"), "grade": "A-"}}}),
            ("canvas/course", {"workflow_state": "completed"}),
            ("line_item", {"title": "New item", "maximum": 5}),
            ("student", {"given_name": "New", "family_name": "Student", "sis_id": "SIS-NEW"}),
        ]
    ),
)


@pytest.fixture(scope="module")
def server() -> Any:
    from gradesync_site.sandbox.control import Options
    from gradesync_site.sandbox.lms import make_app
    from gradesync_site.sandbox.serving import serve_in_thread

    with serve_in_thread(make_app(Options())) as running:
        yield Server(running)


@pytest.fixture(autouse=True)
def _parts(local_requests: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORTH_PARTS", 1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(edits, min_size=1, max_size=6))
def test_reading_on_after_any_changes_says_what_a_whole_read_says(
    server: Server, changes: list[tuple[str, dict[str, Any]]]
) -> None:
    former = reader(server).read_gradebook(course())
    for what, wish in changes:
        server.control(what, course="101", **wish)
    later = reader(server).read_since(course(), former)
    assert replace(later, mark="") == reader(server, alone=True).read_gradebook(course())
    assert_as_in_the_world(server, later)


def assert_as_in_the_world(server: Server, book: lms.Gradebook) -> None:
    """Score for score what the LMS holds."""
    held = server.state["courses"]["101"]["submissions"]
    for one in book.results:
        if one.line_item_id.startswith("course_total") or one.status is lms.Status.PENDING:
            continue
        row = held.get(one.line_item_id, {}).get(one.user_id, {})
        score = row.get("score")
        assert one.score == (None if score is None or row.get("excused") else Decimal(score))
        assert (one.status is lms.Status.EXCUSED) == bool(row.get("excused"))


def test_course_with_everything_is_read(start_lms: Callable[..., Server]) -> None:
    server = start_lms()
    server.control(
        "canvas/course",
        course="101",
        grading_periods=PERIODS,
        late_policy={"late_submission_deduction_enabled": True},
        overrides={"5001": {"score": Decimal("91.5"), "grade": "A-"}},
        weights={"Homework": 100},
    )
    book = reader(server).read_gradebook(course())
    assert {one.period_id for one in book.line_items} >= {"41", "42"}
    totals = [one.line_item_id for one in book.line_items if one.kind == "course_total"]
    assert lms.course_total("override") in totals and lms.course_total("final", "42") in totals
    assert (book.state.weighted, book.state.late_policy, book.state.published) == (True, True, True)
    assert book.warnings == ()


def test_full_bucket_is_waited_for_and_the_read_is_whole(
    start_lms: Callable[..., Server], slept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_lms()
    whole = reader(server).read_gradebook(course())
    server.control("canvas/bucket", count=800, leak=0)

    def leak(seconds: int) -> None:
        slept.append(seconds)
        server.control("canvas/bucket", count=0)

    monkeypatch.setattr("sync.lms.rest.time.sleep", leak)
    assert reader(server).read_gradebook(course()) == whole
    assert slept


def test_check_tells_what_the_account_may_see(lms_server: Server) -> None:
    found = reader(lms_server).check()
    assert [one.ok for one in found] == [True, True, True]
    assert "Sandbox University" in found[1].title
