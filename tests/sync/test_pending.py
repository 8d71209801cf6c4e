"""A grade that waits for a review in the LMS: never sent, never taken for a zero or for withdrawn, and said so."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from sync import conversions, engine, reports
from sync.engine import reporting
from sync.lms import records as lms
from sync.models import ContextState, Run
from sync.sis.records import Profile
from sync.views.scale import rules
from tests.sync.pages import Browser, teacher, text_of
from tests.sync.scene import counts, number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=2, items=1, profile=Profile(flags=frozenset({"missing", "late"})))
    made.lms.grade("u1", "a1", 80)
    made.lms.pend("u2", "a1", Decimal("35.125"))
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def resubmitted(course: Course) -> None:
    """What was graded and sent waits for a review again."""
    course.send()
    course.lms.pend("u1", "a1", 60)


def test_a_grade_that_waits_for_a_review_is_never_sent(course: Course) -> None:
    run = course.send()
    assert course.stored(2, 1) is None
    assert counts(run) == {
        **{"students": 2, "line_items": 1, "pulled": 2},
        **{"created": 1, "not_graded": 1, "pending": 1},
    }
    assert run.in_sync


def test_a_grade_that_waits_and_is_marked_missing_is_not_sent_as_missing(course: Course) -> None:
    course.lms.put(replace(course.lms.results["u2", "a1"], missing=True, late=True))
    course.send()
    assert course.stored(2, 1) is None


def test_a_sent_grade_that_waits_for_a_review_again_stays_in_the_sis(course: Course) -> None:
    resubmitted(course)
    run = engine.preview(course.context, course.who)
    assert not run.changes.exists(), "neither a removal nor the score so far is offered"
    done = course.send(withdraw=True)
    assert course.stored(1, 1) == number("80")
    assert done.in_sync


def test_when_the_review_is_done_the_grade_goes(course: Course) -> None:
    resubmitted(course)
    course.send()
    course.lms.grade("u1", "a1", 91)
    course.lms.grade("u2", "a1", 0)
    course.send()
    assert (course.stored(1, 1), course.stored(2, 1)) == (number("91"), number("0"))


def test_a_declined_removal_stays_declined_while_a_review_goes_on(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "withdrawal_declined", course.who)
    course.lms.pend("u1", "a1", 60)
    course.send()
    course.lms.grade("u1", "a1", None)
    run = engine.preview(course.context, course.who)
    assert not run.changes.exists()


def test_an_unattended_run_sends_nothing_of_what_waits(course: Course) -> None:
    resubmitted(course)
    run = engine.preview(course.context, course.who, unattended=True)
    assert not run.changes.exists()


# --- what is said of it ---


def test_the_map_shows_what_waits_apart_from_what_is_not_graded(course: Course) -> None:
    course.lms.add_member("u3", name="Student 3", sis_id="s3")
    resubmitted(course)
    engine.look(course.context)
    snapshot = ContextState.objects.get(context=course.context).snapshot
    assert snapshot["map"]["rows"] == ["v", "v", "-"]
    assert snapshot["graded"] == {}, "a score so far is no grade that a wrong link would move"


def test_the_review_page_says_what_waits_where_it_is_settled_and_that_it_is_held(
    course: Course, ada: Browser
) -> None:
    resubmitted(course)
    page = text_of(ada.get("review", engine.preview(course.context, course.who).pk))
    assert "2 waiting for a review in the LMS" in page
    assert "Results that wait for a review in the LMS; their score is not the grade yet: 2" in page
    assert "nothing is sent for them. Gradebook → Needs review" in page


def test_report_and_files_say_why_the_sent_grade_stays(course: Course) -> None:
    resubmitted(course)
    run: Run = engine.preview(course.context, course.who)
    (line,) = [one for one in reports.lines(reporting.whole(run)) if one.key == course.key(1, 1).text()]
    assert (line.kind, line.text) == ("difference", "the grade waits for a review in the LMS")
    assert not line.counts
    rows = list(csv.DictReader(io.StringIO(reports.reconciliation_csv(reporting.whole(run)))))
    assert [one["text"] for one in rows if one["cause"] == "held"] == [
        "the grade waits for a review in the LMS"
    ]


def test_the_scale_page_counts_what_waits_and_shows_no_score_so_far(course: Course, ada: Browser) -> None:
    page = text_of(ada.post("look", back="schemes"))
    assert "1 waiting for a review in the LMS" in page
    assert "35.125" not in page
    profile = {
        **{"flags": [], "decimals": 1, "over_max": True},
        **{"texts": True, "read_back": True, "withdraw": True},
    }
    assert "the score so far is no grade" in dict(rules(profile))["Waiting for a review in the LMS"]


def test_its_words_name_no_score() -> None:
    waiting = lms.Result("u", "a", lms.Status.PENDING, Decimal(35), text="B")
    assert conversions.lms_words(waiting) == "waits for a review in the LMS"
