"""The readers against the pretend LMS, over real HTTP: what its faults do to a read."""

from __future__ import annotations

from typing import Any

import pytest

from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.canvas import Canvas
from tests.sandbox_servers import Server


def canvas(server: Server) -> Canvas:
    return Canvas(Settings("sandbox", server.base_url, server.hello["canvas_token"]))


def courses(server: Server) -> list[lms.Course]:
    return [lms.Course("context", custom={"canvas_course_id": row["id"]}) for row in server.hello["courses"]]


def read(server: Server) -> lms.Gradebook:
    return canvas(server).read_gradebook(courses(server)[0])


def test_every_course_is_read_whole_and_accounted_for(lms_server: Server) -> None:
    for course in courses(lms_server):
        book = canvas(lms_server).read_gradebook(course)
        students = sum(1 for one in book.members if is_course_student(one))
        published = sum(1 for one in book.line_items if one.published)
        assert len(book.results) == students * published
        assert all(not one.score_error for one in book.results)


def test_lettered_courses_name_a_scheme_that_was_fetched(lms_server: Server) -> None:
    sources = set()
    for course in courses(lms_server):
        book = canvas(lms_server).read_gradebook(course)
        lettered = [one for one in book.line_items if one.grading_type in ("letter", "gpa")]
        assert all(one.scheme_id in book.schemes for one in lettered)
        sources |= {book.schemes[one.scheme_id].source for one in lettered}
    assert "this course" in sources
    assert any(source.startswith("the account ") for source in sources)


def test_long_lists_come_in_many_pages_and_are_read_to_the_end(start_lms: Any) -> None:
    server = start_lms(students=130)
    book = read(server)
    assert sum(1 for one in book.members if is_course_student(one)) >= 130


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("results-page-repeats", TryLater),
        ("next-link-loops", TryLater),
        ("next-link-other-host", Misconfigured),
        ("results-500", TryLater),
        ("rate-limit", TryLater),
        ("html-instead-of-json", TryLater),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
    ],
)
def test_read_that_goes_wrong_returns_nothing_and_says_why(
    start_lms: Any, fault: str, kind: type[AdapterError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.lms.rest.PATIENCE_S", 0.0)  # a busy LMS is not waited for
    server = start_lms(students=60, faults=(fault,))
    with pytest.raises(kind):
        read(server)


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_spoilt_score_is_one_problem_and_the_rest_is_read(start_lms: Any, fault: str) -> None:
    book = read(start_lms(faults=(fault,)))
    spoilt = [one.score_error for one in book.results if one.score_error]
    # one in each of the two lists that are read side by side
    assert spoilt == ["not-a-number"] * 2


def test_check_of_the_connection_is_clean(lms_server: Server) -> None:
    assert all(finding.ok for finding in canvas(lms_server).check())
