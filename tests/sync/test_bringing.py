"""What the registrar's SIS said of a file comes back by hand: outcomes of that file's grades, and nobody else's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from sync import engine
from sync.engine import extras, parse_key
from sync.engine.bringing import Brought
from sync.engine.errors import EngineError
from sync.models import AuditEntry, Decision, GradeChange, LineItemLink, Run, RunDocument, SisConnection
from sync.sis import records as sis
from tests.sync.pages import person, teacher, text_of
from tests.sync.registry import LETTERS, days_ago
from tests.sync.scene import counts
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db

CLASS = "202710/345"


@pytest.fixture
def course() -> Course:
    """Three finals, A, B and F, that went out in one file."""
    made = make_course(students=3, items=1)
    made.lms.schemes["scheme"] = LETTERS
    made.lms.add_item("total", "Course total", 100, kind="course_total", scheme_id="scheme")
    for number, score in ((1, 95), (2, 85), (3, 20)):
        made.lms.change_member(f"u{number}", sis_id=f"0000{number}")
        made.lms.grade(f"u{number}", "total", Decimal(score))
    options = {"columns": "ID=student_id; Grade=grade"}
    SisConnection.objects.filter(pk=made.connection.pk).update(adapter="registrar_file", options=options)
    made.class_link.delete()
    made.connection.refresh_from_db()
    link = engine.link_class(made.context, made.connection, CLASS, engine.Who("Ann"), as_admin=True)
    engine.look(made.context)
    engine.link_line_item(link, "total", f"{CLASS}#final", engine.Who("Ann"))
    LineItemLink.objects.filter(lms_line_item_id="total").update(scale="letter")
    return made


def bring(course: Course, run: Run, text: str) -> Brought:
    document = RunDocument.objects.get(run=run)
    brought = engine.bring_report(document, text.encode(), course.who)
    run.refresh_from_db()
    return brought


def states(run: Run) -> dict[str, str]:
    return dict(run.changes.values_list("student_id", "state"))


REPORT = "Student ID,Status,Message\r\n00001,OK,\r\n00003,Error,GE08 not valid for section\r\n"


def test_each_line_becomes_an_outcome_and_what_it_omits_stays_delivered(course: Course) -> None:
    run = course.send()

    brought = bring(course, run, REPORT)

    assert (brought.accepted, brought.refused, brought.strangers, brought.older) == (1, 1, 0, 0)
    assert states(run) == {"00001": "accepted", "00002": "delivered", "00003": "rejected"}
    refused = GradeChange.objects.get(run=run, student_id="00003")
    assert (refused.code, refused.words) == ("grade_not_in_scale", "GE08 not valid for section")


def test_the_counts_of_the_run_stay_true(course: Course) -> None:
    run = course.send()
    before = counts(run)
    assert (before["created"], before["unverified"]) == (3, 3)

    bring(course, run, REPORT)

    after = counts(run)
    assert (after["created"], after["rejected"], after["unverified"]) == (2, 1, 1)
    assert after["pulled"] == before["pulled"] and after["discrepancies"] == run.discrepancies == 1
    (told,) = run.report["differences"]
    assert (told["student_id"], told["cause"], told["why"]) == (
        "00003",
        "refused",
        "GE08 not valid for section",
    )
    assert run.report["in_sync"] is None


def test_a_refused_grade_is_not_sent_again_by_itself_and_can_be_tried_again(course: Course) -> None:
    run = course.send()
    bring(course, run, REPORT)

    listed = engine.preview(course.context, course.who)
    assert not listed.changes.exists() and counts(listed)["rejected"] == 1

    again = engine.retry(run, course.who)
    row = again.changes.get()
    assert (row.student_id, row.before) == ("00003", None)


def test_a_grade_that_changes_in_the_lms_goes_again_as_a_first_one(course: Course) -> None:
    bring(course, course.send(), REPORT)
    course.lms.grade("u3", "total", Decimal(81))
    run = course.send()
    assert RunDocument.objects.get(run=run).content == b"ID,Grade\r\n00003,B\r\n"


def test_a_corrected_report_corrects_what_the_first_one_said(course: Course) -> None:
    run = course.send()
    bring(course, run, REPORT)
    bring(course, run, "Student ID,Status\n00003,OK\n00001,Error\n")

    assert states(run) == {"00001": "rejected", "00002": "delivered", "00003": "accepted"}
    after = counts(run)
    assert (after["created"], after["rejected"], after["unverified"], after["discrepancies"]) == (2, 1, 1, 1)
    assert [row.student_id for row in Decision.objects.filter(lapsed_at=None)] == ["00001"]


def test_the_same_report_twice_changes_nothing_more(course: Course) -> None:
    run = course.send()
    bring(course, run, REPORT)
    report = run.report
    bring(course, run, REPORT)
    assert run.report == report


def test_a_grade_that_was_sent_again_since_is_left_alone(course: Course) -> None:
    first = course.send()
    course.lms.grade("u3", "total", Decimal(85))
    second = course.send()
    assert second.changes.get().student_id == "00003"

    brought = bring(course, first, REPORT)

    assert brought.older == 1 and states(first)["00003"] == "delivered"
    assert not Decision.objects.exists()


def test_a_changed_grade_that_is_refused_leaves_the_former_one_expected(course: Course) -> None:
    course.send()
    course.lms.grade("u3", "total", Decimal(85))
    run = course.send()
    bring(course, run, "Student ID,Message\n00003,Roll is over\n")
    course.lms.grade("u3", "total", Decimal(95))

    listed = engine.preview(course.context, course.who)

    row = listed.changes.get()
    assert row.before == {"score": None, "text": "F", "status": "fully graded", "flags": []}
    assert counts(run)["rejected"] == 1 and "updated" not in counts(run)


def test_ids_that_lost_their_zeros_in_a_spreadsheet_are_known(course: Course) -> None:
    run = course.send()
    brought = bring(course, run, "ID;Result\n3;Success\n77;Success\n")
    assert (brought.accepted, brought.strangers) == (1, 1)
    assert states(run)["00003"] == "accepted"


def test_a_grade_put_back_by_an_undo_and_refused_is_wanted_again(course: Course) -> None:
    first = course.send()
    undo = engine.undo_run(first, course.who)
    engine.approve(undo, course.who, [row.digest for row in undo.changes.all()])
    undo = engine.push(undo.pk)
    assert Decision.objects.filter(kind="undone", lapsed_at=None).count() == 3

    bring(course, undo, "Student ID,Message\n00003,Grade roll is over\n")

    assert Decision.objects.filter(lapsed_at=None).count() == 2
    assert counts(engine.preview(course.context, course.who))["unchanged"] == 1


def test_a_failing_grade_waits_for_its_date_and_the_file_carries_it(course: Course) -> None:
    options = {"columns": "ID=student_id; Grade=grade; Last=last_attended", "needs_attendance": "F"}
    SisConnection.objects.update(options=options)
    run = course.send()
    (problem,) = run.report["problems"]
    assert (problem["code"], problem["user_id"]) == ("last-attendance-missing", "u3")
    key = parse_key(problem["key"])

    extras.enter(course.context, {key: sis.Extras(last_attended=days_ago(9))}, course.who)
    run = course.send()

    day = days_ago(9).strftime("%m/%d/%Y")
    assert RunDocument.objects.get(run=run).content == f"ID,Grade,Last\r\n00003,F,{day}\r\n".encode()


# --- the page --------------------------------------------------------------------------------------------------


def file(text: str, name: str = "report.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def post(course: Course, run: Run, upload: Any, **more: Any) -> str:
    document = RunDocument.objects.get(run=run)
    return text_of(teacher(course.context).post("bring_report", run.pk, document.pk, report=upload, **more))


def test_the_teacher_uploads_it_on_the_runs_page(course: Course) -> None:
    run = course.send()
    page = teacher(course.context).get("run", run.pk)
    assert 'enctype="multipart/form-data"' in page.content.decode()

    said = post(course, run, file(REPORT + "99999,OK,\r\n"))

    assert "The report is taken over: 1 accepted, 1 refused. The others stay delivered." in said
    assert "Lines about students who are not in this file: 1." in said
    assert "The SIS's scale has no such grade." in said and "GE08 not valid for section" in said
    entry = AuditEntry.objects.get(action="reported")
    assert (entry.who, entry.detail) == ("Ada Teacher", f"run {run.pk}: 1 / 1")


def test_an_older_report_is_told(course: Course) -> None:
    first = course.send()
    course.lms.grade("u3", "total", Decimal(85))
    course.send()
    assert "Lines about grades that were sent again since: 1." in post(course, first, file(REPORT))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "This file is empty."),
        ("Name,Grade\nAda,F\n", "The first row of this file must name a column with the student's id"),
        (
            "ID,Status\n00001,Perhaps\n",
            "The report says “Perhaps” of a grade, and nothing says what that means.",
        ),
        ("ID,Message\n00001,\n", "This report says nothing of any student, so nothing was changed."),
    ],
)
def test_what_is_no_report_changes_nothing_and_says_why(course: Course, text: str, said: str) -> None:
    run = course.send()
    assert said in post(course, run, file(text))
    assert set(states(run).values()) == {"delivered"}


def test_a_file_that_is_too_large_is_not_read(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.forms.ReportForm.MOST", 10)
    assert "This file is too large to be a report." in post(course, course.send(), file(REPORT))


def test_nobody_brings_a_report_without_the_right_to_send(course: Course) -> None:
    run = course.send()
    document = RunDocument.objects.get()
    bo = person(course.context, "assistant", can_look=True)
    assert "Bring back what the SIS said" not in text_of(bo.get("run", run.pk))
    answer = bo.post("bring_report", run.pk, document.pk, follow=False, report=file(REPORT))
    assert answer.status_code == 403 and set(states(run).values()) == {"delivered"}


def test_a_run_that_goes_on_or_kept_no_grade_takes_no_report(course: Course) -> None:
    run = course.send()
    Run.objects.filter(pk=run.pk).update(state="pushing")
    with pytest.raises(EngineError, match="still being sent"):
        bring(course, run, REPORT)
    Run.objects.filter(pk=run.pk).update(state="done")
    run.changes.all().delete()
    with pytest.raises(EngineError, match="no grades of that file"):
        bring(course, run, REPORT)


def test_a_sis_that_makes_no_files_gives_no_reports(course: Course) -> None:
    run = course.send()
    SisConnection.objects.update(adapter="memory")
    with pytest.raises(EngineError, match="not known to give reports"):
        bring(course, run, REPORT)
