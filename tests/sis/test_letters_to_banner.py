"""A course's letters through the engine to Banner, over HTTP: by Ethos, and by ILP in the sending teacher's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from gradesync_site.sandbox.sis.ethos.seeds import FINAL, LETTER, guid
from sync import engine
from sync.engine import extras
from sync.lms import records as lms
from sync.models import SisConnection
from sync.sis import records as sis
from tests.sandbox_servers import Server
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db
TOTAL = "course_total:final"
BOUNDS = (("A-", "0.9"), ("C", "0.7"), ("F", "0"))
LETTERS = lms.GradeScheme(
    "letters", "Letters", tuple(lms.SchemeEntry(n, Decimal(b)) for n, b in BOUNDS), "the course"
)


@pytest.fixture
def course_to(local_requests: None) -> Iterator[Callable[[str], tuple[Course, Server]]]:
    """A course of two students with letters, and the pretend SIS of this kind."""
    started: list[Server] = []

    def make(adapter: str) -> tuple[Course, Server]:
        server = Server(serve_in_thread(make_app(Options(dialect=adapter, extra={"plain": "yes"}))))
        started.append(server)
        course = make_course(students=2, items=1)
        hello = server.hello
        SisConnection.objects.filter(pk=course.connection.pk).update(
            adapter=adapter,
            base_url=server.base_url,
            client_id=hello.get("client_id", ""),
            client_secret=hello["client_secret"],
        )
        course.connection.refresh_from_db()
        course.class_link.delete()
        course.teacher.sis_id = "T1001"
        course.teacher.save()
        course.lms.schemes["letters"] = LETTERS
        course.lms.add_item(TOTAL, "Course total", 100, kind="course_total", scheme_id="letters")
        for number, score in ((1, 91), (2, 75)):
            course.lms.change_member(f"u{number}", sis_id=f"S{20000 + number}")
            course.lms.grade(f"u{number}", TOTAL, score)
        return course, server

    yield make
    for server in started:
        server.running.stop()


def link(course: Course, class_id: str, item: str, *, as_admin: bool = False) -> None:
    who = ADMIN if as_admin else course.who
    made = engine.link_class(course.context, course.connection, class_id, who, as_admin=as_admin)
    engine.look(course.context)
    engine.link_line_item(made, TOTAL, item, course.who, scale="letter")


def test_finals_go_through_ethos_and_are_proven_to_be_there(
    course_to: Callable[[str], tuple[Course, Server]],
) -> None:
    course, server = course_to("ethos")
    class_id = guid("section", "ALG1-P3")
    link(course, class_id, f"{class_id}#{FINAL}")
    run = course.send()
    assert [row.state for row in run.changes.all()] == ["accepted", "accepted"]
    assert run.report["in_sync"] is True
    letters = {row["id"]: row["grade"]["value"] for row in server.state["grade-definitions"].values()}
    stored = {
        row["student"]["id"]: letters[row["details"]["grades"][0]["grade"]["id"]]
        for row in server.state["student-unverified-grades"].values()
    }
    assert stored == {guid("person", "S20001"): "A-", guid("person", "S20002"): "C"}
    assert guid("grade", LETTER, "A-") in letters


def test_what_ethos_s_lists_want_is_asked_of_the_teacher_and_then_sent(
    course_to: Callable[[str], tuple[Course, Server]],
) -> None:
    course, server = course_to("ethos")
    class_id = guid("section", "ALG1-P3")
    verified = guid("registration", class_id, guid("person", "S20001"))
    server.control("verify", registration=verified)
    course.lms.grade("u2", TOTAL, 10)
    link(course, class_id, f"{class_id}#{FINAL}")
    run = engine.preview(course.context, course.who)
    assert sorted(one["code"] for one in run.report["problems"]) == ["frozen", "last-attendance-missing"]

    (wanted,) = extras.wanted(course.context)
    attended = sis.Extras(last_attended=date(2026, 10, 14))
    extras.enter(course.context, {wanted.key: attended}, course.who)
    run = course.send()
    assert [row.state for row in run.changes.all()] == ["accepted"]
    (record,) = server.state["student-unverified-grades"].values()
    assert record["details"]["lastAttendance"] == {"date": "2026-10-14"}
    assert [one["code"] for one in run.report["problems"]] == ["frozen"]


def test_what_ilp_refuses_for_want_of_a_date_goes_when_the_teacher_enters_it(
    course_to: Callable[[str], tuple[Course, Server]],
) -> None:
    course, server = course_to("banner_ilp")
    course.lms.grade("u2", TOTAL, 10)
    link(course, "ALG1-P3.202710", "ALG1-P3.202710#final", as_admin=True)
    first = course.send()
    assert [row.state for row in first.changes.order_by("student_id")] == ["accepted", "rejected"]

    (wanted,) = extras.wanted(course.context)
    attended = sis.Extras(last_attended=date(2026, 10, 14))
    extras.enter(course.context, {wanted.key: attended}, course.who)
    again = course.send()
    assert [(row.student_id, row.state) for row in again.changes.all()] == [("S20002", "accepted")]
    held = server.state["sections"]["ALG1-P3.202710"]["students"]["S20002"]
    assert held == {"FinalGrade": "F", "LastAttendanceDate": "2026-10-14T00:00:00+00:00"}


def test_finals_go_through_ilp_in_the_name_of_the_teacher_who_sends(
    course_to: Callable[[str], tuple[Course, Server]],
) -> None:
    course, server = course_to("banner_ilp")
    link(course, "ALG1-P3.202710", "ALG1-P3.202710#final", as_admin=True)
    run = course.send()
    assert [row.state for row in run.changes.all()] == ["accepted", "accepted"]
    (sent,) = server.writes()
    assert sent["body"]["ModifiedBy"] == "T1001"
    assert [one["FinalGrade"] for one in sent["body"]["StudentGrades"]] == ["A-", "C"]
    assert run.report["in_sync"] is None


def test_a_student_of_whom_ilp_says_nothing_waits_and_goes_again(
    course_to: Callable[[str], tuple[Course, Server]],
) -> None:
    course, server = course_to("banner_ilp")
    link(course, "ALG1-P3.202710", "ALG1-P3.202710#final", as_admin=True)
    server.faults.on("omit", student="S20002")
    first = course.send()
    assert [row.state for row in first.changes.order_by("student_id")] == ["accepted", "unknown"]
    server.faults.off()
    again = course.send()
    assert [(row.student_id, row.state) for row in again.changes.all()] == [("S20002", "unchanged")]
    students = server.state["sections"]["ALG1-P3.202710"]["students"]
    assert (students["S20001"]["FinalGrade"], students["S20002"]["FinalGrade"]) == ("A-", "C")
    assert len(server.writes()) == 1
