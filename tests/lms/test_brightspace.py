"""A whole Brightspace course, read over the wire: people, grade items of every type, exemptions, both final grades."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sync.errors import Misconfigured
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.brightspace import SCOPES, Brightspace
from sync.lms.contract import LmsContract, Story
from tests.lms.brightspace_wire import (
    ANA,
    ASSISTANT,
    BASE,
    CLASSLIST,
    COURSE,
    GRADES,
    GUS,
    LE,
    LP,
    TEACHER,
    TOKEN,
    WHOAMI,
    ZOE,
    BrightspaceWire,
    brightspace,
    course,
)


class TestBrightspace(LmsContract):
    story = Story(ANA, ZOE, GUS, TEACHER, "501", "502")
    private = (*LmsContract.private, TOKEN, "Alvarez", "SIS-1002")

    @pytest.fixture(autouse=True)
    def _course(self, bright: BrightspaceWire) -> None:
        self.wire = bright

    def make(self) -> Brightspace:
        return brightspace()

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.wire.answers[f"{GRADES}/508/values/"] = (503, {}, "Ana Alvarez 9.257")

    def refuse_reads(self) -> None:
        self.wire.answers[f"{GRADES}/"] = (401, {}, "")


def read(**options: str) -> lms.Gradebook:
    return brightspace(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, item_id))


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


def item(book: lms.Gradebook, item_id: str) -> lms.LineItem:
    return next(one for one in book.line_items if one.line_item_id == item_id)


def about(book: lms.Gradebook, words: str) -> list[str]:
    return [text for text in book.warnings if words in text]


# --- which course, which version ---


def test_launchs_context_is_the_course(bright: BrightspaceWire) -> None:
    read()
    assert f"{GRADES}/" in bright.paths()


def test_course_comes_from_the_parameter_that_the_option_names(bright: BrightspaceWire) -> None:
    other = lms.Course("opaque-context", custom={"org_unit": "6606"})
    assert brightspace(course_id_param="org_unit").read_gradebook(other).members


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lms.Course(""), "course_id_missing"),
        (lms.Course("opaque-context"), "course_unknown"),
        (lms.Course("6606/../1"), "course_unknown"),
        (lms.Course("٦٦٠٦"), "course_unknown"),
    ],
)
def test_launch_without_an_org_unit_id_says_what_to_do(
    bright: BrightspaceWire, asked: lms.Course, code: str
) -> None:
    with pytest.raises(Misconfigured, match="LMS administrator") as caught:
        brightspace().read_gradebook(asked)
    assert caught.value.code == code
    assert bright.requests == []


def test_missing_parameter_is_named(bright: BrightspaceWire) -> None:
    with pytest.raises(Misconfigured, match="org_unit") as caught:
        brightspace(course_id_param="org_unit").read_gradebook(course())
    assert caught.value.code == "course_id_missing"


@pytest.mark.parametrize("address", [f"{BASE}/", f"{BASE}/d2l/home", f"{BASE}/d2l/api/", f" {BASE}/d2l "])
def test_address_may_be_pasted_from_the_browser(bright: BrightspaceWire, address: str) -> None:
    reader = Brightspace(Settings("brightspace", address, TOKEN))
    assert reader.read_gradebook(course()).members


def test_newest_version_that_both_sides_know_is_spoken(bright: BrightspaceWire) -> None:
    read()
    assert {path.split("/")[4] for path in bright.paths() if "/le/" in path} == {"1.99"}
    assert {path.split("/")[4] for path in bright.paths() if "/lp/" in path} == {"1.63"}


def test_versions_are_numbers_not_text(bright: BrightspaceWire) -> None:
    bright.whole["/d2l/api/versions/"] = [
        {"ProductCode": "le", "SupportedVersions": ["1.9", "1.54", "1.47", 7, "1.x", None]},
        {"ProductCode": "lp", "SupportedVersions": ["1.31"]},
    ]
    with pytest.raises(Misconfigured):
        read()
    assert f"/d2l/api/le/1.54/{course().context_id}/grades/" in bright.paths()


@pytest.mark.parametrize(
    "versions",
    [
        [],
        [
            {"ProductCode": "le", "SupportedVersions": ["2.0"]},
            {"ProductCode": "lp", "SupportedVersions": ["1.40"]},
        ],
        [{"ProductCode": "le", "SupportedVersions": "1.50"}, {"ProductCode": "lp"}],
    ],
)
def test_brightspace_of_another_time_is_said(bright: BrightspaceWire, versions: list[Any]) -> None:
    bright.whole["/d2l/api/versions/"] = versions
    with pytest.raises(Misconfigured, match="newer GradeSync") as caught:
        read()
    assert caught.value.code == "version_unknown"


# --- requests ---


def test_values_are_asked_for_in_large_pages(bright: BrightspaceWire) -> None:
    read()
    asked = [
        parse_qsl(urlsplit(str(one.url)).query) for one in bright.requests if "/501/values/" in str(one.url)
    ]
    assert asked[0] == [("pageSize", "200")]


def test_requests_are_no_more_than_the_pages_there_are(bright: BrightspaceWire) -> None:
    bright.page_size = 200
    read()
    lists = 10  # versions, course, sections, classlist twice, objects, categories, setup, folders, quizzes
    columns, schemes, finals = 8, 1, 2
    assert len(bright.requests) == lists + schemes + finals + 2 * columns


def test_options_spare_what_is_not_wanted(bright: BrightspaceWire) -> None:
    read(course_totals="no", exemptions="no", due_dates="no", student_roles="Student")
    spared = ("/final/", "/exemptions/", "/dropbox/", "/quizzes/", "onlyShowShownInGrades")
    assert [one for one in bright.requests for part in spared if part in str(one.url)] == []


def test_progress_is_told_as_it_comes(bright: BrightspaceWire) -> None:
    told: list[tuple[str, int]] = []
    reader = brightspace()
    reader.heard = lambda what, count: told.append((what, count))
    reader.read_gradebook(course())
    assert told[:2] == [("students", 2), ("items", 8)]
    counts = [count for what, count in told if what == "results"]
    assert (len(counts), counts, counts[-1]) == (8, sorted(counts), 14)


def test_scopes_of_every_service_are_asked_for() -> None:
    flow = Brightspace.flow
    assert flow is not None
    assert flow.scopes == SCOPES
    assert {"grades:gradevalues:read", "enrollment:orgunit:read", "sections:section:read"} < set(SCOPES)


# --- people ---


def test_members_carry_all_that_the_classlist_says(bright: BrightspaceWire) -> None:
    zoe = member(read(), ZOE)
    assert (zoe.given_name, zoe.family_name, zoe.name) == ("Zoë", "Müller-Łukasz 李", "Zoë Müller-Łukasz 李")
    assert (zoe.sis_id, zoe.login, zoe.email) == ("SIS-1002", "zoe", "zoe@school.example")
    assert zoe.roles == ("Student",)


def test_student_is_whom_brightspace_shows_in_the_grade_book(bright: BrightspaceWire) -> None:
    bright.student_roles = ["Student", "Teaching Assistant"]
    book = read()
    assert {one.user_id for one in book.members if is_course_student(one)} == {ANA, ZOE, ASSISTANT}


def test_student_is_whose_role_the_administrator_names(bright: BrightspaceWire) -> None:
    bright.person(ZOE, ClasslistRoleDisplayName="Learner")
    book = read(student_roles=" learner , Pupil,")
    assert {one.user_id for one in book.members if is_course_student(one)} == {ZOE}


def test_teachers_are_told_apart_by_their_roles_name(bright: BrightspaceWire) -> None:
    book = read()
    assert member(book, TEACHER).is_teacher and not member(book, ASSISTANT).is_teacher
    assert member(read(teacher_roles="teaching assistant"), ASSISTANT).is_teacher


def test_hidden_name_is_made_of_its_parts(bright: BrightspaceWire) -> None:
    bright.person(ANA, DisplayName=None)
    assert member(read(), ANA).name == "Ana Alvarez"


def test_hidden_sis_ids_are_mentioned(bright: BrightspaceWire) -> None:
    for user_id in (ANA, ZOE):
        bright.person(user_id, OrgDefinedId=None)
    assert about(read(), "Org Defined ID")


def test_one_student_with_a_sis_id_shows_that_they_are_visible(bright: BrightspaceWire) -> None:
    bright.person(ANA, OrgDefinedId=None)
    assert about(read(), "Org Defined ID") == []


def test_sections_carry_their_codes_and_who_sits_in_them(bright: BrightspaceWire) -> None:
    book = read()
    assert book.sections == (
        lms.Section("7101", "ALG1-P3", "Period 3"),
        lms.Section("7102", "ALG1-P4", "Period 4"),
    )
    assert (member(book, ANA).section_ids, member(book, ZOE).section_ids) == (("7101",), ("7101", "7102"))


@pytest.mark.parametrize("sections", [[], None])
def test_course_without_sections_is_one(bright: BrightspaceWire, sections: list[Any] | None) -> None:
    bright.whole[f"{LP}/sections/"] = sections
    if sections is None:
        bright.answers[f"{LP}/sections/"] = (404, {}, "")
    book = read()
    assert book.sections == (lms.Section("6606", "ALG1-F26", "Algebra 1"),)
    assert {one.section_ids for one in book.members} == {("6606",)}


def test_section_without_a_list_of_people_has_none(bright: BrightspaceWire) -> None:
    bright.whole[f"{LP}/sections/"][0]["Enrollments"] = None
    assert member(read(), ANA).section_ids == ()


# --- the course's state ---


def test_state_says_how_the_final_grade_is_made(bright: BrightspaceWire) -> None:
    state = read().state
    assert (state.published, state.concluded, state.weighted) == (True, False, True)
    assert state.total_rule == (
        "Brightspace adds up the weighted grade items; items without a grade do not count."
    )


@pytest.mark.parametrize(
    ("setup", "words", "weighted"),
    [
        ({"GradingSystem": "Points", "IsNullGradeZero": True}, "points of all grade items; items", False),
        ({"GradingSystem": "Formula", "IsNullGradeZero": True}, "own formula; items", False),
        ({"GradingSystem": "Formula", "IsNullGradeZero": None}, "", False),
        ({"GradingSystem": "Anew", "IsNullGradeZero": True}, "", None),
    ],
)
def test_every_grading_system_has_its_sentence(
    bright: BrightspaceWire, setup: dict[str, Any], words: str, weighted: bool | None
) -> None:
    bright.whole[f"{GRADES}/setup/"] = setup
    state = read().state
    assert words in state.total_rule
    assert state.weighted is weighted
    assert bool(state.total_rule) is bool(words)


@pytest.mark.parametrize(
    ("changes", "published", "concluded"),
    [
        ({"IsActive": False}, False, False),
        ({"EndDate": "2020-06-01T00:00:00.000Z"}, True, True),
        ({"EndDate": "2999-06-01T00:00:00.000Z", "IsActive": "yes"}, None, False),
    ],
)
def test_inactive_and_ended_courses_are_told(
    bright: BrightspaceWire, changes: dict[str, Any], published: bool | None, concluded: bool
) -> None:
    bright.whole[COURSE] |= changes
    state = read().state
    assert (state.published, state.concluded) == (published, concluded)


# --- line items ---


@pytest.mark.parametrize(
    ("item_id", "grading_type"),
    [
        ("501", "points"),
        ("503", "pass_fail"),
        ("504", "letter"),
        ("505", "not_graded"),
        ("506", "points"),
        ("507", "points"),
    ],
)
def test_types_of_grade_items_come_in_our_words(
    bright: BrightspaceWire, item_id: str, grading_type: str
) -> None:
    assert item(read(), item_id).grading_type == grading_type


def test_columns_of_the_gradebook_itself_are_no_assignments(bright: BrightspaceWire) -> None:
    for item_id, kind in ((506, "Category"), (507, "FinalCalculated"), (508, "FinalAdjusted")):
        bright.object(item_id, GradeType=kind)
    book = read()
    assert [one.line_item_id for one in book.line_items if one.kind == "assignment"] == [
        "501", "502", "503", "504", "505",
    ]  # fmt: skip
    assert about(book, "of a type") == []


def test_grade_item_of_an_unknown_type_is_left_out_and_counted(bright: BrightspaceWire) -> None:
    bright.object(507, GradeType="Mastery")
    bright.object(508, GradeType=["Numeric"])
    book = read()
    assert {"507", "508"}.isdisjoint(one.line_item_id for one in book.line_items)
    assert about(book, "of a type that is not known here: 2.")


def test_due_time_comes_from_what_leads_to_the_item_the_last_of_several(bright: BrightspaceWire) -> None:
    due_at = item(read(), "501").due_at
    assert due_at is not None
    assert due_at.isoformat() == "2026-10-07T06:59:59+00:00"
    assert item(read(), "502").due_at is None


def test_items_left_out_of_the_final_grade_say_so(bright: BrightspaceWire) -> None:
    bright.object(503, CategoryId=42)
    book = read()
    assert {one.line_item_id for one in book.line_items if one.omitted} == {"503", "505", "508"}


def test_items_know_their_category(bright: BrightspaceWire) -> None:
    book = read()
    assert (item(book, "501").category, item(book, "501").category_id) == ("Homework", "41")
    assert {item(book, one).category_id for one in ("503", "504")} == {""}


def test_categories_carry_their_weight_and_what_they_drop(bright: BrightspaceWire) -> None:
    assert read().categories == (
        lms.Category("41", "Homework", Decimal("60.5"), drop_lowest=1, position=1),
        lms.Category("42", "Practice", Decimal(0), position=2),
    )


def test_weights_over_a_hundred_are_kept_as_brightspace_has_them(bright: BrightspaceWire) -> None:
    bright.whole[f"{GRADES}/categories/"][0]["Weight"] = Decimal("150.5")
    assert read().categories[0].weight == Decimal("150.5")


@pytest.mark.parametrize("stated", [None, "many", {}, True])
def test_item_without_a_usable_maximum_has_none(bright: BrightspaceWire, stated: object) -> None:
    bright.object(501, MaxPoints=stated)
    assert item(read(), "501").maximum is None


def test_categories_of_a_points_course_weigh_nothing(bright: BrightspaceWire) -> None:
    bright.whole[f"{GRADES}/setup/"]["GradingSystem"] = "Points"
    bright.whole[f"{GRADES}/categories/"][0]["NumberOfLowestToDrop"] = "1"
    first = read().categories[0]
    assert (first.weight, first.drop_lowest) == (None, 0)


# --- grade values ---


def test_points_and_the_symbol_shown_arrive_together(bright: BrightspaceWire) -> None:
    found = result(read(), ZOE, "502")
    assert (found.score, found.maximum, found.text) == (Decimal(52), Decimal(50), "A")
    assert found.graded_at is not None and found.graded_at.isoformat() == "2026-10-06T14:00:00+00:00"


def test_maximum_of_a_calculated_item_comes_with_each_value(bright: BrightspaceWire) -> None:
    book = read()
    assert item(book, "507").maximum is None
    found = result(book, ANA, "507")
    assert (found.score, found.maximum, found.text) == (Decimal("9.257"), Decimal(60), None)


@pytest.mark.parametrize("shown", ["9.257 / 50", "18.51 %", "18,51 %", "-", "- / 50", "", "F+"])
def test_what_is_no_symbol_of_the_scheme_is_no_letter(bright: BrightspaceWire, shown: str) -> None:
    bright.value("502", ANA, DisplayedGrade=shown)
    found = result(read(), ANA, "502")
    assert (found.status, found.text) == (lms.Status.GRADED, None)


def test_pass_is_a_grade_with_and_without_points(bright: BrightspaceWire) -> None:
    bright.value("503", ANA, PointsNumerator=None)
    found = result(read(), ANA, "503")
    assert (found.status, found.text, found.score) == (lms.Status.GRADED, "Pass", None)


def test_pass_shown_as_points_keeps_its_points(bright: BrightspaceWire) -> None:
    bright.value("503", ANA, DisplayedGrade="1 / 1")
    found = result(read(), ANA, "503")
    assert (found.status, found.text, found.score) == (lms.Status.GRADED, None, 1)


def test_choice_of_a_list_is_its_symbol(bright: BrightspaceWire) -> None:
    found = result(read(), ANA, "504")
    assert (found.text, found.score) == ("Good", Decimal(7))


def test_text_is_a_grade_and_empty_text_is_none(bright: BrightspaceWire) -> None:
    book = read()
    assert (result(book, ANA, "505").status, result(book, ANA, "505").text) == (
        lms.Status.GRADED,
        "Reads aloud",
    )
    assert result(book, ZOE, "505").status is lms.Status.NOT_GRADED


@pytest.mark.parametrize("shown", ["A", "-", "0 %"])
def test_value_without_points_is_no_grade_whatever_is_shown(bright: BrightspaceWire, shown: str) -> None:
    bright.value("502", ZOE, PointsNumerator=None, DisplayedGrade=shown)
    found = result(read(), ZOE, "502")
    assert (found.status, found.score, found.text) == (lms.Status.NOT_GRADED, None, None)


def test_exempt_students_are_excused_whatever_they_have(bright: BrightspaceWire) -> None:
    book = read()
    for item_id in ("503", "504"):
        found = result(book, ZOE, item_id)
        assert (found.status, found.score, found.text) == (lms.Status.EXCUSED, None, None)


def test_exempt_student_without_a_value_is_excused(bright: BrightspaceWire) -> None:
    bright.whole[f"{GRADES}/501/exemptions/"] = [{"Identifier": ZOE}]
    found = result(read(), ZOE, "501")
    assert (found.status, found.maximum) == (lms.Status.EXCUSED, Decimal(10))


def test_exemptions_that_are_not_read_are_said(bright: BrightspaceWire) -> None:
    book = read(exemptions="no")
    assert result(book, ZOE, "504").status is lms.Status.GRADED
    assert about(book, "Exemptions are not read")


def test_grades_of_a_hidden_item_are_not_shown_to_students(bright: BrightspaceWire) -> None:
    book = read()
    assert item(book, "508").published
    assert not result(book, ANA, "508").posted
    assert result(book, ANA, "502").posted


@pytest.mark.parametrize("wrong", ["9.257", True, {"n": 1}])
def test_points_that_are_no_number_are_a_problem_of_one_result(bright: BrightspaceWire, wrong: Any) -> None:
    bright.value("502", ANA, PointsNumerator=wrong)
    book = read()
    found = result(book, ANA, "502")
    assert (found.status, found.score_error, found.text) == (lms.Status.NOT_GRADED, "not-a-number", None)
    assert result(book, ZOE, "502").score == 52


def test_unreadable_points_of_an_exempt_student_do_not_matter(bright: BrightspaceWire) -> None:
    bright.value("504", ZOE, PointsNumerator="ten")
    found = result(read(), ZOE, "504")
    assert (found.status, found.score_error) == (lms.Status.EXCUSED, "")


def test_grade_of_who_left_is_counted_and_left_out(bright: BrightspaceWire) -> None:
    book = read()
    assert GUS not in {one.user_id for one in book.results}
    assert about(book, "people who are not listed in this course (any more): 1.")


# --- the connection check ---


def test_check_says_that_all_is_well(bright: BrightspaceWire) -> None:
    address, access = brightspace().check()
    assert address.ok and "le/1.99" in address.text and "lp/1.63" in address.text
    assert access.ok
    assert bright.paths()[-1] == WHOAMI


def test_check_asks_for_the_versions_without_the_token(bright: BrightspaceWire) -> None:
    brightspace().check()
    assert "Authorization" not in bright.requests[0].headers


def test_check_without_a_token_leaves_it_to_the_teachers(bright: BrightspaceWire) -> None:
    reader = Brightspace(Settings("brightspace", BASE, client_id="app"))
    assert [one.ok for one in reader.check()] == [True, True]
    assert WHOAMI not in bright.paths()


def test_check_says_what_is_missing(bright: BrightspaceWire) -> None:
    assert [one.ok for one in Brightspace(Settings("brightspace", BASE)).check()] == [True, False]
    (finding,) = Brightspace(Settings("brightspace", "")).check()
    assert (finding.ok, "address" in finding.text) == (False, True)


def test_check_says_that_the_account_is_refused(bright: BrightspaceWire) -> None:
    bright.answers[WHOAMI] = (401, {}, "")
    assert [one.ok for one in brightspace().check()] == [True, False]


def test_classlist_is_asked_for_twice_all_and_those_in_the_grade_book(bright: BrightspaceWire) -> None:
    bright.page_size = 200
    read()
    asked = [urlsplit(str(one.url)).query for one in bright.requests if CLASSLIST in str(one.url)]
    assert sorted(asked) == ["", "onlyShowShownInGrades=true"]
    assert f"{LE}/quizzes/" in bright.paths()
