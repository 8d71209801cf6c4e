"""A whole Schoology section, read over the wire: people, grade items, every exception, final grades, scales."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import responses

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import SUPPORT, Settings, is_course_student
from sync.lms.contract import LmsContract, Story
from sync.lms.schoology import Schoology
from tests.lms.schoology_wire import (
    ANA,
    ANA_ENROLLED,
    DRAFT,
    ESSAY,
    GUS,
    KEY,
    LONG,
    SECRET,
    SECTION,
    SHORT,
    TEACHER,
    ZOE,
    ZOE_ENROLLED,
    SchoologyWire,
    course,
    fixture,
    schoology,
)

EXCEPTIONS = fixture("exceptions")
FINAL = "course_total:final"


@pytest.fixture
def wire(mock: responses.RequestsMock) -> SchoologyWire:
    wire = SchoologyWire()
    wire.serve(mock)
    return wire


class TestSchoology(LmsContract):
    story = Story(ANA, ZOE, GUS, TEACHER, SHORT, LONG)
    private = (*LmsContract.private, SECRET, ANA, "Alvarez")

    @pytest.fixture(autouse=True)
    def _course(self, wire: SchoologyWire) -> None:
        self.wire = wire

    def make(self) -> Schoology:
        return schoology()

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.wire.answers[f"{SECTION}/grades"] = (503, {}, "Ana Alvarez 9.257")

    def refuse_reads(self) -> None:
        self.wire.answers[SECTION] = (401, {}, "")


def read(**options: str) -> lms.Gradebook:
    return schoology(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, item_id))


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


def item(book: lms.Gradebook, item_id: str) -> lms.LineItem:
    return next(one for one in book.line_items if one.line_item_id == item_id)


# --- people ---


def test_member_has_what_schoology_says_of_her(wire: SchoologyWire) -> None:
    ana = member(read(), ANA)
    assert (ana.name, ana.given_name, ana.family_name) == ("Ana Alvarez", "Ana", "Alvarez")
    assert (ana.sis_id, ana.login, ana.email) == ("SIS-1001", "aalvarez", "ana@school.example")
    assert ana.section_ids == ("4318461",)


def test_admin_of_the_section_teaches_and_archived_enrolment_is_not_active(wire: SchoologyWire) -> None:
    book = read()
    assert member(book, TEACHER).is_teacher and not member(book, TEACHER).is_student
    assert not member(book, GUS).active
    assert {one.user_id for one in book.members if is_course_student(one)} == {ANA, ZOE}


@pytest.mark.parametrize(
    ("status", "section_active", "counts", "concluded"),
    [
        ("1", 1, True, False),
        (1, 1, True, False),
        ("2", 1, False, False),
        ("2", 0, True, True),
        ("5", 0, False, False),
        (None, 1, False, False),
    ],
)
def test_expired_enrolment_counts_once_the_section_is_over(
    wire: SchoologyWire, status: object, section_active: int, counts: bool, concluded: bool
) -> None:
    wire.section["active"] = section_active
    wire.enrolled(ZOE, status=status)
    body = {"enrollment": wire.rows["enrollments"], "links": {}}
    wire.answers[f"{SECTION}/enrollments"] = (200, {}, http.dumps(body))
    book = read()
    assert (member(book, ZOE).active, member(book, ZOE).concluded) == (counts, concluded)
    assert book.state.concluded is (section_active == 0)


def test_two_enrolments_of_one_person_make_one_member_with_all_her_grades(wire: SchoologyWire) -> None:
    again = wire.enrolled(ANA) | {"id": "44783199", "school_uid": ""}
    wire.rows["enrollments"].insert(0, again)
    wire.grade(44783199, ESSAY, grade=88)
    book = read()
    assert [one.user_id for one in book.members].count(ANA) == 1
    assert member(book, ANA).sis_id == "SIS-1001"
    assert result(book, ANA, ESSAY).score == 88
    assert result(book, ANA, LONG).score == Decimal("9.257")


def test_enrolment_that_names_nobody_is_left_out_and_counted(wire: SchoologyWire) -> None:
    wire.rows["enrollments"].append(wire.enrolled(ANA) | {"id": "9", "uid": None})
    assert [text for text in read().warnings if "name nobody: 1." in text]


def test_logins_and_addresses_come_fifty_at_a_time(wire: SchoologyWire) -> None:
    wire.cap = 200
    for number in range(120):
        uid = str(70_000 + number)
        wire.rows["enrollments"].append(wire.enrolled(ANA) | {"id": f"6{uid}", "uid": uid})
        wire.users[uid] = {"uid": uid, "username": f"user{uid}", "primary_email": ""}
    book = read()
    assert wire.paths().count("/multiget") == 3
    assert member(book, "70119").login == "user70119"


def test_people_hidden_from_the_key_are_counted_and_keep_their_sis_id(wire: SchoologyWire) -> None:
    wire.users[ANA]["code"] = 403
    book = read()
    assert (member(book, ANA).login, member(book, ANA).sis_id) == ("", "SIS-1001")
    assert [text for text in book.warnings if "hides from the app: 1." in text]


@pytest.mark.parametrize("answer", [(403, {}, ""), (400, {}, ""), (200, {}, '{"response": []}')])
def test_course_is_read_without_logins_where_nobody_can_be_asked_for(
    wire: SchoologyWire, answer: tuple[int, dict[str, str], str]
) -> None:
    wire.answers["/multiget"] = answer
    book = read()
    assert {one.login for one in book.members} == {""}
    assert [text for text in book.warnings if "hides from the app: 4." in text]


def test_logins_may_be_left_out_by_option(wire: SchoologyWire) -> None:
    book = read(user_details="no")
    assert "/multiget" not in wire.paths()
    assert book.warnings == ()


# --- line items ---


def test_line_item_has_what_schoology_says_of_it(wire: SchoologyWire) -> None:
    assert item(read(time_zone="America/Denver"), SHORT) == lms.LineItem(
        SHORT,
        "Homework 1",
        Decimal(10),
        due_at=item(read(time_zone="America/Denver"), SHORT).due_at,
        category="Homework",
        position=1,
        category_id="4341",
        period_id="13011",
    )


def test_due_time_is_known_only_with_a_zone(wire: SchoologyWire) -> None:
    assert item(read(), SHORT).due_at is None
    due = item(read(time_zone="America/Denver"), SHORT).due_at
    assert due is not None and due.isoformat() == "2026-09-25T17:30:00+00:00"
    assert item(read(time_zone="America/Denver"), LONG).due_at is None


@pytest.mark.parametrize("due", ["soon", "0001-01-01 00:00:00", 5, None, "9999-12-31 23:59:59"])
def test_due_time_that_is_none_is_left_out(wire: SchoologyWire, due: object) -> None:
    wire.item(SHORT, due=due)
    zone = "Asia/Tokyo" if str(due).startswith("0001") else "America/Denver"
    assert item(read(time_zone=zone), SHORT).due_at is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"published": "0"}, {"published": False}),
        ({"published": False}, {"published": False}),
        ({"count_in_grade": 0}, {"omitted": True}),
        ({"count_in_grade": 1}, {"omitted": False}),
        ({"collected_only": 1}, {"grading_type": "not_graded"}),
        ({"grading_category": "0"}, {"grading_type": "not_graded", "category_id": "", "category": ""}),
        ({"grading_category": 999}, {"grading_type": "points", "category_id": ""}),
        ({"grading_period": "999"}, {"period_id": ""}),
        ({"grading_scale": 1}, {"grading_type": "letter", "scheme_id": "1"}),
        ({"grading_scale": "96033", "grading_scale_type": 3}, {"grading_type": "points", "scheme_id": ""}),
        ({"max_points": "12.50"}, {"maximum": Decimal("12.50")}),
        ({"max_points": None}, {"maximum": None}),
        ({"max_points": "many"}, {"maximum": None}),
        ({"max_points": "Infinity"}, {"maximum": None}),
        ({"title": None}, {"title": ""}),
    ],
)
def test_line_item_is_translated(
    wire: SchoologyWire, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    wire.item(SHORT, **changes)
    found = item(read(), SHORT)
    assert {name: getattr(found, name) for name in expected} == expected


def test_draft_is_listed_and_has_no_results(wire: SchoologyWire) -> None:
    book = read()
    assert not item(book, DRAFT).published
    assert DRAFT not in {one.line_item_id for one in book.results}


def test_scale_that_is_not_listed_is_named_to_the_teacher(wire: SchoologyWire) -> None:
    wire.item(SHORT, grading_scale="77", grading_scale_type=1)
    book = read()
    assert item(book, SHORT).scheme_id == "77" and "77" not in book.schemes
    assert [text for text in book.warnings if "does not list for this course: 1." in text]


def test_grades_that_wait_to_be_published_are_named_to_the_teacher(wire: SchoologyWire) -> None:
    wire.item(SHORT, auto_publish_grades=0)
    assert [text for text in read().warnings if "the teacher publishes them: 1." in text]


def test_line_item_without_an_id_is_left_out_and_counted(wire: SchoologyWire) -> None:
    wire.rows["grade_items"].append({"title": "Nothing"})
    book = read()
    assert len([one for one in book.line_items if one.kind == "assignment"]) == 4
    assert [text for text in book.warnings if "came without an id: 1." in text]


# --- results ---


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("excused", {"status": lms.Status.EXCUSED, "score": None}),
        ("excused as text", {"status": lms.Status.EXCUSED, "score": None}),
        ("incomplete", {"status": lms.Status.NOT_GRADED, "score": None}),
        ("missing", {"status": lms.Status.MISSING, "score": None, "missing": True}),
        ("missing as zero", {"status": lms.Status.GRADED, "score": Decimal(0), "missing": True}),
        ("late", {"status": lms.Status.GRADED, "score": Decimal(8), "late": True}),
        ("undocumented", {"status": lms.Status.NOT_GRADED, "score": None}),
        ("undocumented with a grade", {"status": lms.Status.GRADED, "score": Decimal(6)}),
        ("waiting", {"status": lms.Status.PENDING, "score": Decimal(4), "text": None}),
        ("override", {"status": lms.Status.GRADED, "score": Decimal(9), "overridden": True}),
        ("text", {"status": lms.Status.GRADED, "score": Decimal("7.50")}),
        ("letter", {"status": lms.Status.GRADED, "score": None, "text": "B+"}),
        ("empty", {"status": lms.Status.NOT_GRADED, "score": None, "text": None}),
    ],
)
def test_each_standing_is_told_apart(wire: SchoologyWire, case: str, expected: dict[str, Any]) -> None:
    wire.grade(ZOE_ENROLLED, ESSAY, **EXCEPTIONS[case])
    found = result(read(), ZOE, ESSAY)
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.score_error == ""


def test_incomplete_and_undocumented_marks_are_counted_for_the_teacher(wire: SchoologyWire) -> None:
    wire.grade(ZOE_ENROLLED, SHORT, **EXCEPTIONS["incomplete"])
    wire.grade(ZOE_ENROLLED, ESSAY, **EXCEPTIONS["undocumented"])
    text = " ".join(read().warnings)
    assert "incomplete in Schoology: 1." in text and "(absent, collected, ...): 1." in text


@pytest.mark.parametrize("grade", [True, [], {}, "NaN", "Infinity", "1e999", "1e-200", "B+"])
def test_grade_that_is_no_number_is_said_and_the_rest_goes_on(wire: SchoologyWire, grade: object) -> None:
    wire.grade(ANA_ENROLLED, SHORT, grade=grade)
    book = read()
    found = result(book, ANA, SHORT)
    assert (found.status, found.score, found.score_error) == (lms.Status.NOT_GRADED, None, "not-a-number")
    assert result(book, ANA, LONG).score == Decimal("9.257")


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        (1758800000, "2025-09-25T11:33:20+00:00"),
        ("1758800060", "2025-09-25T11:34:20+00:00"),
        (0, None),
        (-5, None),
        ("", None),
        (None, None),
        ("yesterday", None),
        (10**15, None),
        (999_999_999_999, None),
    ],
)
def test_time_of_a_grade_comes_in_seconds(wire: SchoologyWire, stamp: object, said: str | None) -> None:
    wire.grade(ANA_ENROLLED, SHORT, timestamp=stamp)
    at = result(read(), ANA, SHORT).graded_at
    assert (at.isoformat() if at else None) == said


def test_grades_own_maximum_is_kept_where_it_differs_from_the_items(wire: SchoologyWire) -> None:
    wire.grade(ANA_ENROLLED, SHORT, max_points="20")
    assert result(read(), ANA, SHORT).maximum == 20


def test_grade_of_a_discussion_may_name_the_discussion(wire: SchoologyWire) -> None:
    wire.grade(ANA_ENROLLED, "7700001", grade=91, type="discussion")
    assert result(read(), ANA, ESSAY).score == 91


def test_grades_of_strangers_and_of_nothing_listed_are_counted(wire: SchoologyWire) -> None:
    wire.grade(99, SHORT, grade=3)
    wire.grade(ANA_ENROLLED, "123", grade=3)
    text = " ".join(read().warnings)
    assert "(any more): 1." in text and "assignments that the LMS does not list: 1." in text


def test_different_grades_of_one_pair_are_not_chosen_among(wire: SchoologyWire) -> None:
    wire.cap = 200
    wire.grade_rows.append(wire.grade(ANA_ENROLLED, SHORT) | {"grade": 5})
    found = result(read(), ANA, SHORT)
    assert (found.score, found.score_error) == (None, "repeated")


# --- course totals ---


def test_final_grade_is_the_course_total(wire: SchoologyWire) -> None:
    book = read()
    assert item(book, FINAL) == lms.LineItem(
        FINAL, "Course total", Decimal(100), "course_total", "percent", "1", position=5
    )
    assert result(book, ANA, FINAL).score == Decimal("15.43")
    assert result(book, ZOE, FINAL).score == 104


def test_each_grading_period_has_a_total_of_its_own(wire: SchoologyWire) -> None:
    book = read()
    found = item(book, f"{FINAL}:13011")
    assert (found.title, found.period_id, found.maximum) == ("Total: Fall", "13011", 100)
    assert result(book, ANA, f"{FINAL}:13011").score == Decimal("15.43")
    assert [one.line_item_id for one in book.line_items if one.kind == "course_total"] == [
        FINAL,
        f"{FINAL}:13011",
    ]


def test_total_outside_all_periods_is_offered_where_there_is_one(wire: SchoologyWire) -> None:
    wire.grades["final_grade"][0]["period"][1]["grade"] = 77
    book = read()
    assert item(book, f"{FINAL}:other").title == "Total: Other"
    assert result(book, ANA, f"{FINAL}:other").score == 77
    assert result(book, ZOE, f"{FINAL}:other").status is lms.Status.NOT_GRADED


def test_midterm_among_the_totals_is_the_assignment_that_it_is(wire: SchoologyWire) -> None:
    wire.grades["final_grade"][0]["period"].append({"period_id": f"a{SHORT}", "grade": 9})
    assert not [one for one in read().line_items if "a5699937" in one.line_item_id]


def test_period_that_only_the_grades_name_is_listed_with_its_title(wire: SchoologyWire) -> None:
    wire.rows["grading_periods"] = []
    book = read()
    assert book.periods == (lms.GradingPeriod("13011", "Fall"),)
    assert item(book, f"{FINAL}:13011").title == "Total: Fall"


def test_final_grade_in_letters_without_a_scale_is_no_grade(wire: SchoologyWire) -> None:
    wire.grades["final_grade"][0]["scale_id"] = 0
    wire.grades["final_grade"][0]["period"][2]["grade"] = "A-"
    assert result(read(), ANA, FINAL).score_error == "not-a-number"


def test_final_grade_may_be_a_letter_and_no_grade_is_none(wire: SchoologyWire) -> None:
    wire.grades["final_grade"][0]["period"][2]["grade"] = "A-"
    wire.grades["final_grade"][1]["period"][2]["grade"] = None
    book = read()
    assert (result(book, ANA, FINAL).score, result(book, ANA, FINAL).text) == (None, "A-")
    assert result(book, ZOE, FINAL).status is lms.Status.NOT_GRADED


@pytest.mark.parametrize(
    ("scales", "scheme"), [(("1", 1, "1"), "1"), ((1, 0, 1), ""), ((0, 0, 0), ""), ((77,) * 3, "")]
)
def test_totals_have_a_scale_only_where_all_name_the_same_listed_one(
    wire: SchoologyWire, scales: tuple[object, ...], scheme: str
) -> None:
    for row, scale in zip(wire.grades["final_grade"], scales, strict=True):
        row["scale_id"] = scale
    assert item(read(), FINAL).scheme_id == scheme


def test_course_without_final_grades_says_so(wire: SchoologyWire) -> None:
    del wire.grades["final_grade"]
    book = read()
    assert not [one for one in book.line_items if one.kind == "course_total"]
    assert [text for text in book.warnings if "did not show the final grades" in text]


def test_course_that_lets_its_teacher_override_totals_says_so(wire: SchoologyWire) -> None:
    wire.section["options"]["allow_custom_overall_grade"] = "1"
    assert [text for text in read().warnings if "overrides final grades" in text]


def test_totals_may_be_left_out_by_option(wire: SchoologyWire) -> None:
    assert not [one for one in read(course_totals="no").line_items if one.kind == "course_total"]


@pytest.mark.parametrize("rows", [None, [], [{"enrollment_id": "44783136", "period": None, "scale_id": 0}]])
def test_final_grades_without_any_standing_are_not_graded(wire: SchoologyWire, rows: object) -> None:
    wire.grades["final_grade"] = rows
    assert result(read(), ANA, FINAL).status is lms.Status.NOT_GRADED


# --- grade setup ---


def test_scale_of_letters_is_a_scheme_with_exact_bounds(wire: SchoologyWire) -> None:
    book = read()
    assert set(book.schemes) == {"1"}
    scheme = book.schemes["1"]
    assert [(one.name, one.lower) for one in scheme.entries][-2:] == [
        ("A-", Decimal("0.895")),
        ("A", Decimal("0.93")),
    ]
    assert (scheme.source, scheme.places, scheme.clamped) == ("this course's Grade Setup", None, False)


@pytest.mark.parametrize("cutoff", [None, "high", True])
def test_bound_that_is_no_number_breaks_the_scheme_and_not_the_read(
    wire: SchoologyWire, cutoff: object
) -> None:
    wire.rows["grading_scales"][0]["scale"]["level"][0]["cutoff"] = cutoff
    assert read().schemes["1"].entries[0].lower.is_nan()


@pytest.mark.parametrize("scale", [None, [], {}, {"level": None}, {"level": [5]}])
def test_scale_without_levels_is_an_empty_scheme(wire: SchoologyWire, scale: object) -> None:
    wire.rows["grading_scales"][0]["scale"] = scale
    assert read().schemes["1"].entries == ()


def test_categories_have_weights_only_where_the_course_weighs_them(wire: SchoologyWire) -> None:
    weighted = read()
    assert [(one.title, one.weight, one.drop_lowest, one.position) for one in weighted.categories] == [
        ("Homework", Decimal(40), 1, 1),
        ("Tests", Decimal(60), 0, 2),
    ]
    assert weighted.state.weighted is True
    wire.section["options"]["weighted_grading_categories"] = "0"
    assert [one.weight for one in read().categories] == [None, None]


def test_weights_over_a_hundred_are_kept_as_schoology_has_them(wire: SchoologyWire) -> None:
    wire.rows["grading_categories"][0]["weight"] = "150.50"
    assert [one.weight for one in read().categories] == [Decimal("150.50"), Decimal(60)]


def test_periods_have_their_times_where_the_zone_is_known(wire: SchoologyWire) -> None:
    assert read().periods[0] == lms.GradingPeriod("13011", "Fall")
    begins = read(time_zone="America/Denver").periods[0].starts_at
    assert begins is not None and begins.isoformat() == "2026-08-24T06:00:00+00:00"


def test_section_is_named_by_its_school_code(wire: SchoologyWire) -> None:
    assert read().sections == (lms.Section("4318461", "SIS-ALG1-P3", "Algebra 1 Period 3"),)


def test_section_that_says_little_of_itself_is_read(wire: SchoologyWire) -> None:
    wire.section = {"id": 4318461}
    book = read()
    assert (book.state.concluded, book.state.weighted) == (None, None)
    assert book.sections == (lms.Section("4318461"),)


def test_places_are_of_checks_that_this_reader_can_make() -> None:
    assert Schoology.supports <= SUPPORT
    assert {"excused", "override", "pending"} <= set(Schoology.places)
    assert {"unposted", "late-policy", "course-unpublished"}.isdisjoint(Schoology.places)


def test_workers_take_turns_as_time_stamps_go_forward_only() -> None:
    assert Schoology.at_once == 1


def test_check_follows_schoologys_redirect_with_a_new_signature(wire: SchoologyWire) -> None:
    [finding] = schoology().check()
    assert finding.ok
    assert wire.paths() == ["/users/me", f"/users/{TEACHER}"]
    nonces = {one.headers["Authorization"] for one in wire.requests}
    assert len(nonces) == 2


def test_check_says_what_a_refused_key_needs(wire: SchoologyWire) -> None:
    wire.answers["/users/me"] = (401, {}, "")
    [finding] = schoology().check()
    assert not finding.ok and "administrator" in finding.text


def test_plain_signature_is_sent_where_the_connection_says_so(wire: SchoologyWire) -> None:
    read(signature="PLAINTEXT")
    assert 'oauth_signature_method="PLAINTEXT"' in wire.requests[0].headers["Authorization"]


def test_address_may_be_given_with_its_version(wire: SchoologyWire) -> None:
    reader = Schoology(Settings("schoology", "https://api.schoology.com/v1/", client_id=KEY, secret=SECRET))
    assert reader.read_gradebook(course()).members


@pytest.mark.parametrize("grade", ["NaN", "1e999"])
def test_number_that_cannot_be_is_no_letter_either(wire: SchoologyWire, grade: str) -> None:
    wire.grade(ANA_ENROLLED, ESSAY, grade=grade)
    found = result(read(), ANA, ESSAY)
    assert (found.status, found.text, found.score_error) == (lms.Status.NOT_GRADED, None, "not-a-number")
