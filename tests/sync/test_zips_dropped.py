"""A SIS that takes OneRoster zips: from the course to the folder where it fetches them, and to the run's own page."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sync import engine
from sync.models import LineItemLink, RunDocument, SisConnection
from tests.sis.oneroster_csv.conftest import CLASS, files_of, folder
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import Course, make_course

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.django_db


@pytest.fixture
def course(folder: Path) -> Course:
    course = make_course(students=2, items=1)
    for number in (1, 2):
        course.lms.change_member(f"u{number}", sis_id=f"s0{number}")
        course.lms.grade(f"u{number}", "a1", Decimal(8))
    SisConnection.objects.filter(pk=course.connection.pk).update(
        adapter="oneroster_csv",
        options={"folder": str(folder), "roster": "rosters.zip"},
        pairs=[["sis_id", "sourcedId"]],
    )
    course.class_link.delete()
    course.connection.refresh_from_db()
    return course


def test_a_column_is_made_and_its_grades_lie_in_the_folder_and_beside_the_run(
    course: Course, folder: Path
) -> None:
    class_link = engine.link_class(course.context, course.connection, CLASS, engine.Who("Ann"), as_admin=True)
    engine.look(course.context)
    engine.create_line_items(course.context, [engine.NewItemWish(class_link.pk, "a1")], course.who)
    assert [link.state for link in LineItemLink.objects.all()] == ["linked"]

    run = course.send()
    assert [row.state for row in run.changes.all()] == ["delivered", "delivered"]
    assert run.report["in_sync"] is None, "nobody can see what the SIS made of it"
    (path,) = folder.glob("gradesync-*.zip")
    rows = files_of(path.read_bytes())["results"]
    assert {(row["studentSourcedId"], row["score"]) for row in rows} == {("s01", "8"), ("s02", "8")}
    (kept,) = RunDocument.objects.all()
    assert bytes(kept.content) == path.read_bytes()
    assert kept.name in text_of(teacher(course.context).get("run", run.pk))

    again = engine.preview(course.context, course.who)
    assert again.changes.count() == 0, "what was delivered is not sent again"
