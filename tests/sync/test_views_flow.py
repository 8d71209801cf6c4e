"""The teacher's way through the pages: link, settle, review, send, see what became of it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from sync import engine, tasks
from sync.models import ClassLink, ContextState, Decision, GradeChange, LineItemLink, Run, StudentLink
from sync.sis import memory
from sync.sis.records import Key, Value
from tests.sync.pages import Browser, person, teacher, text_of, word
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=3, items=2)
    for student in (1, 2, 3):
        made.lms.grade(f"u{student}", "a1", Decimal(70 + student))
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def newest(course: Course) -> Run:
    return Run.objects.filter(context=course.context).latest("id")


def digests(run: Run, **only: Any) -> list[str]:
    return list(run.changes.filter(**only).values_list("digest", flat=True))


# --- review and send ------------------------------------------------------------------------------------------


def test_review_shows_old_value_new_value_and_why(course: Course, ada: Browser) -> None:
    course.sis.edit("i1", "s1", Value(status="not submitted"))
    page = text_of(ada.post("preview"))
    assert "Student 1" in page or "s1 Test" in page
    assert "Homework 1 no grade 71" in page
    for row in newest(course).changes.all():
        assert row.why in page


def test_preview_sends_nothing(course: Course, ada: Browser) -> None:
    ada.post("preview")
    assert course.sis.attempts == []


def test_only_ticked_rows_are_sent(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    ada.post("send", run.pk, digest=digests(run, student_id__in=["s1", "s3"]))
    engine.push(run.pk)
    assert (course.stored(1, 1), course.stored(2, 1)) == (Value(Decimal(71)), None)
    assert course.stored(3, 1) == Value(Decimal(73))
    page = text_of(ada.get("run", run.pk))
    assert "accepted by the SIS" in page
    assert "not picked" in page


def test_sending_rings_for_a_worker(course: Course, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks.push_run, "delay", rung.append)
    ada.post("preview")
    run = newest(course)
    ada.post("send", run.pk, digest=digests(run))
    assert rung == [run.pk]


def test_second_click_on_send_ends_on_the_same_run(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    ticked = digests(run)
    first = ada.post("send", run.pk, follow=False, digest=ticked)
    second = ada.post("send", run.pk, follow=False, digest=ticked)
    assert first["Location"] == second["Location"] == ada.url("run", run.pk)
    engine.push(run.pk)
    assert len(course.sis.journal) == 3


def test_nothing_ticked_sends_nothing_and_says_so(course: Course, ada: Browser) -> None:
    ada.post("preview")
    page = text_of(ada.post("send", newest(course).pk))
    assert "No row was picked" in page
    assert newest(course).state == "review"


def test_list_that_was_replaced_is_not_sent(course: Course, ada: Browser) -> None:
    ada.post("preview")
    old = newest(course)
    ada.post("preview")
    page = text_of(ada.post("send", old.pk, digest=digests(old)))
    assert "replaced by a newer one" in page
    assert not Run.objects.filter(state__in=Run.OPEN).exists()


def test_withdrawal_is_not_ticked_beforehand(course: Course, ada: Browser) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    page = ada.post("preview").content.decode()
    (row,) = newest(course).changes.filter(withdraws=True)
    box = page[page.index(row.digest) - 120 : page.index(row.digest) + 120]
    assert "checked" not in box
    assert "remove" in page


def test_safety_stop_shows_its_figures_and_needs_an_extra_tick() -> None:
    course = make_course(students=12, items=1)
    for student in range(1, 13):
        course.lms.grade(f"u{student}", "a1", Decimal(50))
    course.send()
    for student in range(1, 7):
        course.lms.grade(f"u{student}", "a1", Decimal(60))
    ada = teacher(course.context)
    assert "6 of 12 grades" in text_of(ada.post("preview"))
    run = newest(course)
    assert "second look" in text_of(ada.post("send", run.pk, digest=digests(run)))
    ada.post("send", run.pk, digest=digests(run), override_stops="yes")
    run.refresh_from_db()
    assert run.state == "approved"


# --- decisions ------------------------------------------------------------------------------------------------


@pytest.fixture
def edited(course: Course) -> Course:
    course.send()
    course.sis.edit("i1", "s1", Value(Decimal(99)))
    return course


def test_grade_edited_in_the_sis_is_asked_about(edited: Course, ada: Browser) -> None:
    page = text_of(ada.post("preview"))
    assert "Edited in the SIS" in page
    assert "71 99 71" in page  # LMS, SIS, last sent
    assert newest(edited).changes.count() == 0


def test_sis_grade_kept_is_left_alone_and_can_be_taken_back(edited: Course, ada: Browser) -> None:
    ada.post("preview")
    key = edited.key(1, 1).text()
    page = text_of(ada.post("decide", newest(edited).pk, **word(edited.context, key, "sis_kept")))
    assert "Left alone by your decision" in page
    page = text_of(ada.post("decide", newest(edited).pk, lift=key))
    assert "Edited in the SIS" in page


def test_lms_grade_preferred_becomes_a_row_to_send(edited: Course, ada: Browser) -> None:
    ada.post("preview")
    key = edited.key(1, 1).text()
    ada.post("decide", newest(edited).pk, **word(edited.context, key, "lms_preferred"))
    run = newest(edited)
    ada.post("send", run.pk, digest=digests(run))
    engine.push(run.pk)
    assert edited.stored(1, 1) == Value(Decimal(71))


def test_decision_on_an_older_list_is_not_taken_for_the_newer_values(edited: Course, ada: Browser) -> None:
    ada.post("preview")
    old = newest(edited)
    edited.sis.edit("i1", "s1", Value(Decimal(12)))
    ada.post("preview")
    page = text_of(
        ada.post("decide", old.pk, **word(edited.context, edited.key(1, 1).text(), "lms_preferred"))
    )
    assert "newer list" in page
    assert not Decision.objects.exists()


def test_withdrawal_can_be_declined_for_good(course: Course, ada: Browser) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    ada.post("preview")
    key = course.key(1, 1).text()
    page = text_of(ada.post("decide", newest(course).pk, **word(course.context, key, "withdrawal_declined")))
    assert "withdrawal declined" in page
    assert newest(course).changes.count() == 0


# --- the run's page -------------------------------------------------------------------------------------------


def test_refused_grade_stands_first_with_reason_and_who_can_fix_it(course: Course, ada: Browser) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen", "Term is closed."), course.sis, skip=1)
    run = course.send()
    page = text_of(ada.get("run", run.pk))
    assert page.index("refused by the SIS Grades of this student") < page.rindex("accepted by the SIS")
    assert "Term is closed." in page
    assert "The SIS administrator can settle this" in page


def test_try_again_shows_refused_grades_for_review(course: Course, ada: Browser) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen"), course.sis)
    run = course.send()
    ada.post("retry", run.pk)
    assert newest(course).pk > run.pk
    assert newest(course).changes.count() == 1


def test_refusal_of_a_former_run_can_be_lifted_on_the_review_page(course: Course, ada: Browser) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen", "Term is closed."), course.sis)
    course.send()
    page = text_of(ada.post("preview"))
    assert "not sent again by itself" in page
    ada.post("decide", newest(course).pk, lift=course.key(1, 1).text())
    assert newest(course).changes.count() == 1


def test_progress_is_a_live_part_while_the_run_is_open(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    page = ada.post("send", run.pk, digest=digests(run)).content.decode()
    assert 'aria-live="polite"' in page
    part = ada.get("progress", run.pk, headers={"HX-Request": "true"})
    assert "0 of 3 answered" in text_of(part)
    assert "<html" not in part.content.decode()
    engine.push(run.pk)
    assert ada.get("progress", run.pk, headers={"HX-Request": "true"})["HX-Location"] == json.dumps(
        {"path": ada.url("run", run.pk), "target": "body", "swap": "innerHTML"}
    )


def test_progress_without_a_script_is_the_run_page_itself(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    ada.post("send", run.pk, digest=digests(run))
    assert ada.get("progress", run.pk)["Location"] == ada.url("run", run.pk)
    assert "0 of 3 answered" in text_of(ada.get("run", run.pk))


def test_stop_ends_a_run_that_nobody_works_on(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    ada.post("send", run.pk, digest=digests(run))
    page = text_of(ada.post("cancel", run.pk))
    assert "stopped by a person" in page
    assert course.sis.attempts == []


def test_course_that_agrees_says_so(course: Course, ada: Browser) -> None:
    page = text_of(ada.get("run", course.send().pk))
    assert "what the LMS shows stands in the SIS" in page
    assert "No differences." in page


def test_compare_only_sends_nothing_and_shows_the_difference(course: Course, ada: Browser) -> None:
    course.send()
    written = len(course.sis.attempts)
    course.sis.edit("i1", "s2", Value(Decimal(5)))
    page = text_of(ada.post("reconcile"))
    assert "there are differences" in page
    assert "Edited in the SIS" in page
    assert len(course.sis.attempts) == written


def test_downloads_hold_the_differences(course: Course, ada: Browser) -> None:
    course.send()
    course.sis.edit("i1", "s2", Value(Decimal(5)))
    ada.post("reconcile")
    answer = ada.get("reconciliation_csv", newest(course).pk)
    assert answer["Content-Disposition"] == f'attachment; filename="reconciliation-{newest(course).pk}.csv"'
    assert "edited in the SIS" in answer.content.decode("utf-8-sig")
    data = json.loads(ada.get("report_json", newest(course).pk).content)
    assert [line["cause"] for line in data["lines"]] == ["edited in the SIS"]


def test_receipt_holds_what_was_sent(course: Course, ada: Browser) -> None:
    text = ada.get("receipt_csv", course.send().pk).content.decode("utf-8-sig")
    assert text.count("accepted") == 3
    assert '"no grade","71"' in text


def test_history_tells_one_grades_whole_story(edited: Course, ada: Browser) -> None:
    ada.post("preview")
    ada.post("decide", newest(edited).pk, **word(edited.context, edited.key(1, 1).text(), "sis_kept"))
    row = GradeChange.objects.filter(student_id="s1").earliest("id")
    page = text_of(ada.get("grade", row.pk))
    assert "accepted by the SIS" in page
    assert "the SIS's grade was kept" in page
    assert "Ada Teacher" in text_of(ada.get("history"))


# --- the course page ------------------------------------------------------------------------------------------


def test_course_without_a_class_asks_for_the_link(ada: Browser, course: Course) -> None:
    course.class_link.delete()
    assert "Link the SIS class" in text_of(ada.get("course"))


def test_main_button_follows_the_state_of_the_course(course: Course, ada: Browser) -> None:
    assert "Read both gradebooks" in text_of(ada.get("course"))
    assert "Review grades" in text_of(ada.post("look"))
    ada.post("preview")
    run = newest(course)
    ada.post("send", run.pk, digest=digests(run))
    assert "see how far" in text_of(ada.get("course"))


def test_course_page_counts_students_and_assignments(course: Course, ada: Browser) -> None:
    course.lms.add_member("u9", name="Nobody Knows")
    page = text_of(ada.post("look"))
    assert "3 matched, 1 to settle, 0 left out" in page
    assert "2 linked, 0 not linked" in page


def test_lms_that_is_away_becomes_a_notice(course: Course, ada: Browser) -> None:
    def away(_course: Any) -> None:
        raise engine.EngineError("The LMS is at lunch.")

    course.lms.on_read = away
    assert "The LMS is at lunch." in text_of(ada.post("preview"))


def test_busy_lms_becomes_a_notice(course: Course, ada: Browser) -> None:
    from sync.lms.memory import misconfigured, try_later

    course.lms.on_read = try_later()
    assert "The LMS is busy." in text_of(ada.post("preview"))
    course.lms.on_read = misconfigured("token-expired")
    assert "(token-expired)" in text_of(ada.post("look"))


# --- class, students, assignments -----------------------------------------------------------------------------


def test_class_she_teaches_is_suggested_with_its_proof_and_linked(course: Course, ada: Browser) -> None:
    course.class_link.delete()
    page = ada.get("classes").content.decode()
    assert "lists you as a teacher" in page
    ada.post("link_class", connection=course.connection.pk, class_id="c1")
    link = ClassLink.objects.get(context=course.context)
    assert (link.proof, link.proof_source) == ("teacher", "t1")


def test_class_without_proof_is_not_linked_and_no_roster_is_shown(course: Course, ada: Browser) -> None:
    course.sis.add_class("c2", students=["secret-student"], teachers=["t2"])
    page = text_of(ada.post("link_class", connection=course.connection.pk, class_id="c2"))
    assert "Ask your administrator" in page
    assert ClassLink.objects.filter(class_id="c2").count() == 0
    assert "secret-student" not in page + text_of(ada.get("students"))


def test_roster_of_an_unlinked_or_lapsed_class_is_not_shown_any_more(course: Course, ada: Browser) -> None:
    course.lms.add_member("u9", name="Nobody Knows")
    ada.post("look")
    assert "s1 Test" in text_of(ada.get("settle_student", query={"student": "u9"}))
    ClassLink.objects.update(lapsed="proof gone")
    assert "s1 Test" not in text_of(ada.get("settle_student", query={"student": "u9"}))
    assert "s1 Test" not in text_of(ada.get("students"))


def test_page_says_in_plain_words_by_what_a_student_is_matched(course: Course, ada: Browser) -> None:
    page = text_of(ada.post("look", back="students"))
    assert "s1 Test s1 SIS id Change" in page
    assert "sourcedId" not in page


def test_unmatched_student_is_settled_by_the_teachers_choice(course: Course, ada: Browser) -> None:
    course.sis.add_class("c1", students=["s1", "s2", "s3", "s9"], teachers=["t1"])
    course.lms.add_member("u9", name="Nobody Knows")
    ada.post("look")
    page = text_of(ada.post("link_student", user_id="u9", student=f"{course.class_link.pk}:s9"))
    assert "Confirmed" in page
    assert StudentLink.objects.get(lms_user_id="u9").student_id == "s9"
    assert "To settle 0" in page


def test_student_is_left_out_with_a_reason_and_taken_back(course: Course, ada: Browser) -> None:
    page = text_of(ada.post("exclude_student", user_id="u1", reason="audits the course"))
    assert "audits the course" in page
    ada.post("preview")
    assert not newest(course).changes.filter(student_id="s1").exists()
    ada.post("forget_student", user_id="u1")
    ada.post("preview")
    assert newest(course).changes.filter(student_id="s1").exists()


def test_leaving_out_needs_a_reason(course: Course, ada: Browser) -> None:
    assert "Say why" in text_of(ada.post("exclude_student", user_id="u1", reason=" "))
    assert StudentLink.objects.count() == 0


def test_assignment_is_linked_to_an_existing_one_and_unlinked(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Essay")
    course.sis.add_item("c1", "i9", title="Essay paper", maximum=20)
    ada.post("look")
    page = text_of(
        ada.post("link_line_item", class_link=course.class_link.pk, line_item_id="a9", sis_id="i9")
    )
    assert "linked Essay paper 0–20" in page
    ada.post("unlink_line_item", LineItemLink.objects.get(lms_line_item_id="a9").pk)
    assert not LineItemLink.objects.filter(lms_line_item_id="a9").exists()


def test_equal_titles_are_linked_at_once(course: Course, ada: Browser) -> None:
    LineItemLink.objects.all().delete()
    ada.post("look")
    assert "2 assignments are linked." in text_of(ada.post("link_exact"))
    assert LineItemLink.objects.filter(state="linked").count() == 2


def test_assignment_is_left_out_with_a_reason(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    page = text_of(
        ada.post("exclude_line_item", class_link=course.class_link.pk, line_item_id="a9", reason="practice")
    )
    assert "left out practice" in page


def test_scale_is_chosen_per_assignment(course: Course, ada: Browser) -> None:
    link = course.links["i1"]
    ada.post("set_scale", link.pk, scale="percent")
    link.refresh_from_db()
    assert link.scale == "percent"


def test_only_one_course_total_goes_to_a_class(course: Course, ada: Browser) -> None:
    for kind in ("current", "final"):
        course.lms.add_item(f"course_total:{kind}", title=f"Total ({kind})", kind="course_total")
        course.sis.add_item("c1", f"t-{kind}", title=f"Total {kind}")
    ada.post("look")
    link = {"class_link": course.class_link.pk}
    ada.post("link_line_item", **link, line_item_id="course_total:current", sis_id="t-current")
    page = text_of(ada.post("link_line_item", **link, line_item_id="course_total:final", sis_id="t-final"))
    assert "The other course total is linked" in page
    assert LineItemLink.objects.filter(kind="course_total").count() == 1


def test_scheme_is_shown_with_its_source(course: Course, ada: Browser) -> None:
    from sync.lms.records import GradeScheme, SchemeEntry

    entries = (SchemeEntry("A", Decimal("0.9")), SchemeEntry("F", Decimal(0)))
    course.lms.schemes["course:1"] = GradeScheme("course:1", "House letters", entries, "set in this course")
    ada.post("look")
    page = text_of(ada.get("schemes"))
    assert "House letters set in this course" in page
    assert "A 90 %" in page


# --- 5: nothing disappears ------------------------------------------------------------------------------------


def every_kind_of_entry() -> tuple[dict[str, Any], list[str]]:
    """A report with all that a report can hold, and one mark per entry that a page must show."""
    causes = (
        "not sent", "refused", "edited in the SIS", "rounded by the SIS", "accepted, not shown", "held",
        "gone from the LMS", "not confirmed yet", "a cause nobody knows",
    )  # fmt: skip
    report: dict[str, Any] = {"counts": {"pulled": 99}, "in_sync": False, "differences": [], "problems": []}
    for number, cause in enumerate(causes):
        report["differences"].append(
            {"key": f"1/c/i/d{number}", "student": f"diff-{number}", "item": "i", "cause": cause, "next": "."}
        )
    for number, who in enumerate(["teacher", "lms_admin", "sis_admin", "admin", "nobody we know"]):
        report["problems"].append({"code": "x", "text": f"problem-{number}", "who": who, "results": 2})
    report["held"] = [{"key": "1/c/i/h", "why": "held-why", "student": "held-1", "item": "i"}]
    report["held"].append({"key": "1/c/i/w", "why": "withdrawal declined", "student": "held-2", "item": "i"})
    report["kept"] = [{"key": "1/c/i/k", "why": "SIS grade kept", "student": "kept-1", "item": "i"}]
    report["stops"] = [{"code": "s", "text": "stop-text"}]
    report["warnings"] = ["warning-text"]
    marks = [f"diff-{number}" for number in range(len(causes))] + [f"problem-{number}" for number in range(5)]
    return report, [*marks, "held-1", "held-2", "kept-1", "stop-text", "warning-text"]


@pytest.mark.parametrize("state", ["review", "done", "failed", "cancelled", "replaced"])
def test_row_never_disappears_from_a_page(course: Course, ada: Browser, state: str) -> None:
    report, marks = every_kind_of_entry()
    run = Run.objects.create(context=course.context, state=state, report=report)
    for number, (name, _text) in enumerate(GradeChange.STATES):
        GradeChange.objects.create(
            run=run, digest=f"{number}", student_name=f"row-{number}", after={"score": "1"}, state=name,
            withdraws=name == "planned", **GradeChange.key_fields(Key(str(course.connection.pk), "c", "i", str(number))),
        )  # fmt: skip
        marks.append(f"row-{number}")
    page = text_of(ada.get("review" if state == "review" else "run", run.pk))
    assert [mark for mark in marks if mark not in page] == []


def test_every_problem_of_a_real_course_is_on_the_page_and_in_both_files(
    course: Course, ada: Browser
) -> None:
    course.lms.add_member("u8", name="Una Matched")
    course.lms.grade("u8", "a1", 50)
    course.lms.grade("u1", "a2", Decimal(-3))
    ada.post("preview")
    run = newest(course)
    page = text_of(ada.get("review", run.pk))
    table = ada.get("reconciliation_csv", run.pk).content.decode()
    assert run.report["problems"]
    for problem in run.report["problems"]:
        assert problem["text"] in page
        assert problem["text"].replace('"', '""') in table
    counts = run.report["counts"]
    assert f"{counts['pulled']} results" in page


def test_number_of_queries_does_not_grow_with_the_course(
    django_assert_max_num_queries: Any, course: Course
) -> None:
    big = make_course(students=30, items=4)
    for student in range(1, 31):
        for item in range(1, 5):
            big.lms.grade(f"u{student}", f"a{item}", 5)
    ada = teacher(big.context)
    ada.post("preview")
    run = Run.objects.get(context=big.context)
    for name, args in (("course", ()), ("students", ()), ("line_items", ()), ("review", (run.pk,))):
        with django_assert_max_num_queries(17):
            assert ada.get(name, *args).status_code == 200
    done = big.send()
    for name, args in (("run", (done.pk,)), ("history", ()), ("receipt_csv", (done.pk,))):
        with django_assert_max_num_queries(16):
            assert ada.get(name, *args).status_code == 200


def test_snapshot_of_nothing_shows_every_page(course: Course, ada: Browser) -> None:
    ContextState.objects.all().delete()
    for name in ("course", "classes", "students", "line_items", "create_line_items", "schemes", "history"):
        assert ada.get(name).status_code == 200


def test_assistant_sees_every_page_without_a_single_form(course: Course) -> None:
    run = course.send()
    engine.preview(course.context, course.who)
    assistant = person(course.context, "assistant", can_look=True)
    pages = [
        ("course",),
        ("classes",),
        ("students",),
        ("line_items",),
        ("schemes",),
        ("history",),
        ("run", run.pk),
    ]
    pages.append(("review", Run.objects.get(state="review").pk))
    for name, *args in pages:
        answer = assistant.get(name, *args)
        assert answer.status_code == 200
        changing = [
            address
            for address in re.findall(r'method="post" action="([^"]+)"', answer.content.decode())
            if not re.search(r"^/lti/leave/|\.(csv|json)$|/find/$", address)
        ]
        assert changing == [], name
