"""The product's own readers against the pretend LMS over real HTTP: what the LMS holds is what arrives."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.canvas import Canvas
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]


def read(server: Server, course: str = "101") -> lms.Gradebook:
    reader = Canvas(Settings("sandbox", server.base_url, server.hello["canvas_token"]))
    return reader.read_gradebook(lms.Course("context", custom={"canvas_course_id": course}))


def results(gradebook: lms.Gradebook) -> dict[tuple[str, str], lms.Result]:
    return {(one.user_id, one.line_item_id): one for one in gradebook.results}


def test_canvas_reader_sees_every_telling_grade(lms_server: Server) -> None:
    found = results(read(lms_server))
    assert found["5001", "2001"].score == 0
    assert found["5002", "2001"].status is lms.Status.EXCUSED
    assert found["5003", "2001"].status is lms.Status.MISSING
    assert found["5004", "2001"].late
    assert (found["5005", "2002"].score, found["5005", "2002"].maximum) == (104, 100)
    assert found["5006", "2001"].score == Decimal("9.257")
    assert found["5008", "2001"].status is lms.Status.NOT_GRADED


def test_canvas_reader_leaves_the_test_student_and_the_inactive_one_out(lms_server: Server) -> None:
    gradebook = read(lms_server)
    left_out = {one.user_id for one in gradebook.members if one.test or (one.is_student and not one.active)}
    assert len(left_out) == 2
    assert left_out.isdisjoint(user for user, _ in results(gradebook))
    assert gradebook.warnings == ()


def test_canvas_reader_finds_the_scheme_of_the_course_and_of_the_account(lms_server: Server) -> None:
    assert {one.source for one in read(lms_server, "103").schemes.values()} == {"this course"}
    assert {one.source for one in read(lms_server, "104").schemes.values()} == {
        "the account Sandbox University"
    }


def test_canvas_reader_sees_both_sections_of_a_cross_listed_course(lms_server: Server) -> None:
    assert {one.sis_id for one in read(lms_server, "102").sections} == {"BIO-P1", "BIO-P2"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-500", TryLater),
        ("rate-limit", TryLater),
        ("html-instead-of-json", TryLater),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
    ],
)
def test_canvas_reader_raises_rather_than_return_part(
    lms_server: Server, fault: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.lms.rest.PATIENCE_S", 0.0)  # a busy LMS is not waited for
    lms_server.faults.on(fault, path="submissions" if fault == "results-500" else "")
    with pytest.raises(error):
        read(lms_server)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-page-repeats", TryLater),
        ("next-link-loops", TryLater),
        ("next-link-other-host", Misconfigured),
    ],
)
def test_canvas_reader_notices_pages_that_go_astray(
    start_lms: object, fault: str, error: type[Exception]
) -> None:
    assert callable(start_lms)
    server = start_lms(students=40, faults=(fault,))
    with pytest.raises(error):
        read(server)


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_canvas_reader_turns_what_is_no_number_into_a_problem_of_one_result(
    lms_server: Server, fault: str
) -> None:
    lms_server.faults.on(fault)
    errors = [one.score_error for one in read(lms_server).results if one.score_error]
    # one in each of the two lists that are read side by side
    assert errors == ["not-a-number"] * 2
