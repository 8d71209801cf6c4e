"""The main job at the vendors' own APIs: a teacher proves her class, makes the assignment, sends, and the SIS is read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from sync import engine
from sync.models import ClassLink, LineItemLink
from tests.sandbox_servers import Server
from tests.sync.scene import counts
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
# with the teacher's own number there
VENDORS = {"powerschool": "T1001", "aeries": "994601"}
ROOMS = {"powerschool": "powerschool", "aeries": "aeries_api"}
GRADES = ("9.257", "0", "20")


@pytest.fixture(params=VENDORS)
def start(
    request: pytest.FixtureRequest, local_requests: None
) -> Iterator[Callable[..., tuple[Course, Server]]]:
    running = serve_in_thread(make_app(Options(dialect=ROOMS[request.param], extra={"plain": "yes"})))

    def begin(**options: str) -> tuple[Course, Server]:
        server = Server(running)
        return wired(request.param, server, options), server

    yield begin
    running.stop()


def wired(vendor: str, server: Server, options: dict[str, str]) -> Course:
    """A course of three students in the LMS, whose SIS is the pretend one; nothing is linked."""
    course = make_course(students=0, items=0)
    ClassLink.objects.all().delete()
    connection = course.connection
    connection.adapter, connection.base_url = vendor, server.base_url
    connection.client_id, connection.client_secret = server.hello["client_id"], server.hello["client_secret"]
    connection.options = {"category": "Test", "decimals": "4", **options}
    connection.save()
    course.teacher.sis_id = VENDORS[vendor]
    course.teacher.save()
    adapter = engine.make_sis(connection)
    students = adapter.students(server.hello["sections"]["ALG1-P3"])
    adapter.close()
    course.lms.add_item("a1", title="Unit 3: Systems of equations", maximum=20)
    for number, (one, grade) in enumerate(zip(students, GRADES, strict=False)):
        course.lms.add_member(f"u{number}", sis_id=one.sourced_id, name=one.name)
        course.lms.grade(f"u{number}", "a1", Decimal(grade))
    return course


def linked(course: Course, server: Server) -> LineItemLink:
    class_id = server.hello["sections"]["ALG1-P3"]
    assert class_id in [one.class_id for one in engine.suggest_classes(course.context, course.who)]
    link = engine.link_class(course.context, course.connection, class_id, course.who)
    assert link.proof == "teacher"
    engine.look(course.context)
    (item,) = engine.create_line_items(course.context, [engine.NewItemWish(link.pk, "a1")], course.who)
    return item


def test_a_class_gets_its_grades_and_is_in_sync(start: Callable[..., tuple[Course, Server]]) -> None:
    course, server = start()
    item = linked(course, server)
    assert item.state == "linked"

    run = course.send()

    assert run.state == "done" and run.report["in_sync"] is True, run.report
    assert counts(run)["created"] == 3
    again = course.send()
    assert again.report["in_sync"] is True and counts(again)["unchanged"] == 3


def test_a_score_that_the_sis_rounds_is_told_and_not_sent_for_ever(
    start: Callable[..., tuple[Course, Server]],
) -> None:
    course, server = start()
    linked(course, server)
    server.faults.on("round-2")

    run = course.send()
    sent = len(server.writes())
    again = course.send()

    assert run.report["in_sync"] is True and counts(run)["rounded"] == 1
    assert [one["cause"] for one in again.report["differences"]] == ["rounded by the SIS"]
    assert len(server.writes()) == sent


def test_an_assignment_whose_answer_is_lost_is_found_and_not_made_twice(
    start: Callable[..., tuple[Course, Server]],
) -> None:
    course, server = start()
    server.faults.on("lose-answer", count=1)
    item = linked(course, server)
    assert item.state == "creating"

    engine.settle_creating(course.context, course.who)

    item.refresh_from_db()
    assert item.state == "linked"
    assert course.send().report["in_sync"] is True
    posts = [one for one in server.journal if one["method"] == "POST" and "ssignment" in one["path"]]
    assert len([one for one in posts if not one["path"].endswith("/Scores")]) == 1


@pytest.mark.parametrize("start", ["powerschool"], indirect=True)
def test_without_read_back_the_run_says_that_nothing_was_verified(
    start: Callable[..., tuple[Course, Server]],
) -> None:
    course, server = start(read_back="no")
    linked(course, server)

    run = course.send()

    assert run.state == "done" and run.report["in_sync"] is None
    assert len(server.state["scores"]) == 3
    again = course.send()
    assert counts(again)["unchanged"] == 3 or counts(again)["waiting"] == 3, counts(again)
