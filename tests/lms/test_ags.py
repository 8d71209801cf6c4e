"""A course read by the launch's own services, over the wire."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses

from lti_tool.models import Registration
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.ags import Ags
from sync.lms.base import Settings, is_course_student
from sync.lms.contract import LmsContract, Story
from tests.lms.ags_wire import (
    BASE,
    LONG,
    SCOPE,
    SHORT,
    AgsWire,
    course,
    reader,
    registration,
    sign_with_a_ready_key,
)

pytestmark = pytest.mark.django_db

CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"


@pytest.fixture
def ags(mock: responses.RequestsMock) -> AgsWire:
    wire = AgsWire()
    wire.serve(mock)
    return wire


@pytest.fixture
def row() -> Registration:
    sign_with_a_ready_key()
    return registration()


@pytest.fixture
def read(ags: AgsWire, row: Registration) -> Callable[..., lms.Gradebook]:
    return lambda **changes: reader(row).read_gradebook(course(**changes))


Read = Callable[..., lms.Gradebook]


class TestAgs(LmsContract):
    story = Story("4", "5", "6", "3", SHORT, LONG)
    private = (*LmsContract.private, "opaque-token", "Alvarez")

    @pytest.fixture(autouse=True)
    def _course(self, ags: AgsWire, row: Registration) -> None:
        self.ags, self.row = ags, row

    def make(self) -> Ags:
        return reader(self.row)

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.ags.answers["/2/lineitems/10/lineitem/results"] = (503, {}, "Ana Alvarez 9.257")

    def refuse_reads(self) -> None:
        self.ags.answers["/2/lineitems"] = (403, {}, "{}")


def result(book: lms.Gradebook, user_id: str, item_id: str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, item_id))


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


# --- what the launch grants ---


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"lineitems_url": ""}, "no_ags", "Assignment and Grade Services"),
        ({"memberships_url": ""}, "no_nrps", "Names and Role Provisioning"),
        ({"scopes": frozenset({f"{SCOPE}lineitem"})}, "scope_missing", "result.readonly"),
        ({"scopes": frozenset({f"{SCOPE}result.readonly"})}, "scope_missing", "lineitem.readonly"),
    ],
)
def test_what_the_lms_does_not_grant_is_named_for_its_administrator(
    read: Read, ags: AgsWire, changes: dict[str, Any], code: str, named: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        read(**changes)
    assert caught.value.code == code
    assert named in str(caught.value) and "LMS administrator must enable it" in str(caught.value)
    assert ags.paths == []


def test_writing_scope_for_line_items_includes_reading(read: Read) -> None:
    assert read(scopes=frozenset({f"{SCOPE}lineitem", f"{SCOPE}result.readonly"})).results


def test_launch_that_lists_no_scopes_is_tried(read: Read) -> None:
    assert read(scopes=frozenset()).results


def test_reader_without_the_launchs_services_says_so() -> None:
    with pytest.raises(Misconfigured, match="opened from an LMS"):
        Ags(Settings("ags")).read_gradebook(course())


# --- line items and results ---


def test_results_are_asked_for_by_the_line_items_own_address(read: Read, ags: AgsWire) -> None:
    read()
    assert "/2/lineitems/9/lineitem/results" in ags.paths


def test_all_pages_of_results_and_members_are_read(read: Read, ags: AgsWire) -> None:
    ags.page_size = 1
    book = read()
    assert (len(book.members), len(book.results)) == (5, 4)


def test_due_time_is_kept_in_utc(read: Read) -> None:
    due = next(one.due_at for one in read().line_items if one.line_item_id == LONG)
    assert due is not None and due.isoformat() == "2026-10-05T06:59:59+00:00"


def test_results_own_maximum_is_kept_where_it_differs_from_the_items(read: Read, ags: AgsWire) -> None:
    ags.result("9", "4")["resultMaximum"] = 20
    found = result(read(), "4", SHORT)
    assert (found.score, found.maximum) == (Decimal(0), Decimal(20))


def test_result_without_a_score_is_not_graded(read: Read) -> None:
    assert result(read(), "5", SHORT).status is lms.Status.NOT_GRADED


def test_null_score_is_not_graded(read: Read, ags: AgsWire) -> None:
    ags.result("9", "4")["resultScore"] = None
    found = result(read(), "4", SHORT)
    assert (found.status, found.score_error) == (lms.Status.NOT_GRADED, "")


def test_student_without_a_result_row_counts_as_not_graded(read: Read, ags: AgsWire) -> None:
    ags.results["10"] = []
    found = result(read(), "4", LONG)
    assert (found.status, found.maximum) == (lms.Status.NOT_GRADED, Decimal(50))


@pytest.mark.parametrize("score", ["15", "NaN", True, [], {}])
def test_score_that_is_not_a_number_is_said_and_the_rest_goes_on(
    read: Read, ags: AgsWire, score: object
) -> None:
    ags.result("9", "4")["resultScore"] = score
    book = read()
    assert (result(book, "4", SHORT).score, result(book, "4", SHORT).score_error) == (None, "not-a-number")
    assert result(book, "4", LONG).score == Decimal("9.257")


def test_nan_in_the_json_spoils_that_one_score_only(read: Read, ags: AgsWire) -> None:
    rows = (
        '[{"id":"r1","userId":"4","resultScore":NaN,"resultMaximum":10},'
        '{"id":"r2","userId":"5","resultScore":8,"resultMaximum":10}]'
    )
    ags.answers["/2/lineitems/9/lineitem/results"] = (200, {}, rows)
    book = read()
    assert result(book, "4", SHORT).score_error == "not-a-number"
    assert result(book, "5", SHORT).score == Decimal(8)


def test_negative_score_is_kept_as_it_is(read: Read, ags: AgsWire) -> None:
    ags.result("9", "4")["resultScore"] = Decimal("-2.5")
    assert result(read(), "4", SHORT).score == Decimal("-2.5")


def test_equal_results_of_one_student_count_once(read: Read, ags: AgsWire) -> None:
    ags.page_size = 10
    ags.results["9"].append(dict(ags.result("9", "4")))
    found = result(read(), "4", SHORT)
    assert (found.score, found.score_error) == (Decimal(0), "")


def test_different_results_of_one_student_are_not_chosen_among(read: Read, ags: AgsWire) -> None:
    ags.page_size = 10
    ags.results["9"].append(ags.result("9", "4") | {"id": "another", "resultScore": 3})
    found = result(read(), "4", SHORT)
    assert (found.score, found.score_error) == (None, "repeated")


def test_results_of_people_who_are_not_listed_are_left_out_and_counted(read: Read, ags: AgsWire) -> None:
    ags.results["9"].append({"id": "r99", "userId": "99", "resultScore": 7, "resultMaximum": 10})
    book = read()
    assert "99" not in {one.user_id for one in book.results}
    assert [
        text for text in book.warnings if "people who are not listed in this course (any more): 1." in text
    ]


def test_ungraded_rows_of_strangers_are_not_worth_a_warning(read: Read, ags: AgsWire) -> None:
    ags.results["9"].append({"id": "r99", "userId": "99"})
    assert read().warnings == ()


def test_number_as_user_id_is_the_same_person(read: Read, ags: AgsWire) -> None:
    ags.result("10", "4")["userId"] = 4
    assert result(read(), "4", LONG).score == Decimal("9.257")


def test_course_without_line_items_says_what_most_lmss_show(read: Read, ags: AgsWire) -> None:
    ags.line_items = []
    book = read()
    assert (book.results, len(book.warnings)) == ((), 2)
    assert "no assignments" in book.warnings[0] and "administrator" in book.warnings[1]


@pytest.mark.parametrize("product", ["canvas", "moodle", "brightspace", "blackboard", "schoology"])
def test_course_without_line_items_names_the_reader_to_connect(
    ags: AgsWire, row: Registration, product: str
) -> None:
    ags.line_items = []
    warnings = reader(row, product).read_gradebook(course()).warnings
    assert f"the reader “{product}”" in warnings[1]
    assert f"the reader “{product}”" in reader(row, product).check()[0].text


def test_unknown_product_names_no_reader(ags: AgsWire, row: Registration) -> None:
    ags.line_items = []
    assert "a reader of this LMS" in reader(row, "openedx").read_gradebook(course()).warnings[1]


def test_sakai_that_marks_nothing_may_show_little_and_says_where_to_open_it(
    ags: AgsWire, row: Registration
) -> None:
    [hint] = reader(row, "sakai").read_gradebook(course()).warnings
    assert "read-only access to entire gradebook" in hint
    assert "read-only access to entire gradebook" in reader(row, "sakai").check()[0].text


@pytest.mark.parametrize(("mark", "whole"), [(True, True), (False, False), ("true", False), (None, False)])
def test_sakais_mark_of_a_foreign_column_shows_the_whole_gradebook(
    ags: AgsWire, row: Registration, mark: object, whole: bool
) -> None:
    ags.line_items[1]["https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"] = mark
    book = reader(row, "sakai").read_gradebook(course())
    assert (book.warnings == ()) is whole
    assert [item.line_item_id for item in book.line_items] == [SHORT, LONG]


@pytest.mark.parametrize("wrong", [7, "9", "urn:x", {}, True])
def test_line_item_whose_id_is_no_address_does_not_sink_the_others(
    read: Read, ags: AgsWire, wrong: object
) -> None:
    ags.line_items.append({"id": wrong, "label": "Odd", "scoreMaximum": 5})
    book = read()
    assert [item.line_item_id for item in book.line_items] == [SHORT, LONG]
    assert [text for text in book.warnings if "Assignments without an address: 1." in text]


def test_values_of_wrong_types_everywhere_spoil_no_more_than_themselves(read: Read, ags: AgsWire) -> None:
    wrong: list[Any] = [None, True, 5, "x", [], {}]
    for value in wrong:
        ags.line_items[1] |= {"label": value, "scoreMaximum": value, "endDateTime": value}
        ags.result("9", "4").update({"resultMaximum": value, "timestamp": value, "comment": value})
        ags.member("5").update({"name": value, "email": value, "status": "Active", "roles": value})
        assert read().complete


def test_line_item_without_an_address_is_left_out_and_counted(read: Read, ags: AgsWire) -> None:
    ags.line_items.append({"label": "Nowhere", "scoreMaximum": 5})
    book = read()
    assert [item.line_item_id for item in book.line_items] == [SHORT, LONG]
    assert [text for text in book.warnings if "Assignments without an address: 1." in text]


# --- members ---


@pytest.mark.parametrize(
    ("roles", "student", "teacher"),
    [
        (["Learner"], True, False),
        ([f"{CONTEXT}#Learner"], True, False),
        ([f"{CONTEXT}/Learner#GuestLearner"], True, False),
        (["Instructor"], False, True),
        ([f"{CONTEXT}#Instructor"], False, True),
        ([f"{CONTEXT}/Instructor#TeachingAssistant"], False, False),
        ([f"{CONTEXT}#TeachingAssistant"], False, False),
        ([f"{CONTEXT}#Mentor"], False, False),
        ([f"{INSTITUTION}#Student"], False, False),
        ([f"{INSTITUTION}#Learner"], False, False),
        ([f"{INSTITUTION}#Instructor"], False, False),
        ([f"{CONTEXT}#Instructor", f"{CONTEXT}#Learner"], True, True),
        ([], False, False),
        ("Learner", False, False),
        (None, False, False),
    ],
)
def test_only_roles_in_this_course_count(
    read: Read, ags: AgsWire, roles: object, student: bool, teacher: bool
) -> None:
    ags.member("4")["roles"] = roles
    found = member(read(), "4")
    assert (found.is_student, found.is_teacher) == (student, teacher)


@pytest.mark.parametrize(("status", "active"), [("Active", True), ("Inactive", False), ("Deleted", False)])
def test_only_active_members_are_students_of_the_course(
    read: Read, ags: AgsWire, status: str, active: bool
) -> None:
    ags.member("4")["status"] = status
    book = read()
    assert member(book, "4").active is active
    assert ("4" in {one.user_id for one in book.results}) is active


def test_member_without_a_status_is_active(read: Read, ags: AgsWire) -> None:
    del ags.member("4")["status"]
    assert member(read(), "4").active


def test_test_user_is_no_student_of_the_course(read: Read) -> None:
    book = read()
    assert member(book, "7").test and not is_course_student(member(book, "7"))


def test_member_has_what_the_lms_says_of_her(read: Read) -> None:
    ana = member(read(), "4")
    assert (ana.name, ana.given_name, ana.family_name) == ("Ana Alvarez", "Ana", "Alvarez")
    assert (ana.sis_id, ana.login, ana.email) == ("SIS-1001", "stu1", "ana@school.example")


def test_member_without_any_identifier_is_listed_all_the_same(read: Read, ags: AgsWire) -> None:
    ags.members.append({"roles": ["Learner"], "user_id": "8"})
    assert member(read(), "8") == lms.Member("8", roles=("Learner",))


def test_member_without_a_user_id_is_left_out_and_counted(read: Read, ags: AgsWire) -> None:
    ags.members.append({"roles": ["Learner"], "name": "Nobody"})
    assert [text for text in read().warnings if "Members without a user id: 1." in text]


def test_member_listed_twice_has_both_roles(read: Read, ags: AgsWire) -> None:
    ags.page_size = 10
    ags.members.append({"roles": ["Learner"], "user_id": "3", "status": "Active"})
    found = member(read(), "3")
    assert (found.is_teacher, found.is_student) == (True, True)


# --- trouble ---


def failure(read: Read, kind: type[AdapterError]) -> AdapterError:
    with pytest.raises(kind) as caught:
        read()
    return caught.value


def test_busy_lms_is_asked_again_after_the_time_it_names(read: Read, ags: AgsWire) -> None:
    ags.answers["/2/lineitems/9/lineitem/results"] = (429, {"Retry-After": "37"}, "")
    error = failure(read, TryLater)
    assert isinstance(error, TryLater) and error.after == 37


@pytest.mark.parametrize("path", ["/2/lineitems", "/2/memberships", "/2/lineitems/10/lineitem/results"])
def test_any_list_that_fails_fails_the_whole_read(read: Read, ags: AgsWire, path: str) -> None:
    ags.answers[path] = (500, {}, "")
    failure(read, TryLater)


@pytest.mark.parametrize("body", ["<html>Maintenance</html>", "", '{"members": 1}'])
def test_page_instead_of_data_is_asked_for_again_later(read: Read, ags: AgsWire, body: str) -> None:
    ags.answers["/2/lineitems/9/lineitem/results"] = (200, {}, body)
    assert "administrator" in str(failure(read, TryLater))


@pytest.mark.parametrize("status", [403, 404])
def test_line_item_that_is_removed_while_the_course_is_read_ends_the_read(
    read: Read, ags: AgsWire, status: int
) -> None:
    ags.gone, ags.answers["/2/lineitems/10/lineitem/results"] = LONG, (status, {}, "{}")
    assert "changed in the LMS while it was read" in str(failure(read, TryLater))


@pytest.mark.parametrize("status", [403, 404])
def test_results_that_are_refused_of_a_line_item_that_stands_are_the_administrators_business(
    read: Read, ags: AgsWire, status: int
) -> None:
    ags.answers["/2/lineitems/10/lineitem/results"] = (status, {}, "{}")
    assert "administrator" in str(failure(read, Misconfigured))


@pytest.mark.parametrize("stated", [{}, {"scoreMaximum": None}, {"scoreMaximum": "many"}])
def test_line_item_without_a_usable_maximum_has_none(
    read: Read, ags: AgsWire, stated: dict[str, Any]
) -> None:
    del ags.line_items[0]["scoreMaximum"]
    ags.line_items[0] |= stated
    first = next(one for one in read().line_items if one.line_item_id == ags.line_items[0]["id"])
    assert first.maximum is None


def test_page_of_results_that_repeats_is_not_taken_for_the_next_one(read: Read, ags: AgsWire) -> None:
    ags.results["9"] = [*ags.results["9"][:2], *ags.results["9"][:2], *ags.results["9"][2:]]
    failure(read, TryLater)


def test_next_link_to_another_host_is_refused(read: Read, ags: AgsWire, mock: responses.RequestsMock) -> None:
    headers = {"Link": '<https://elsewhere.example/x>; rel="next"'}
    ags.answers["/2/lineitems/9/lineitem/results"] = (200, headers, "[]")
    assert "elsewhere.example" in str(failure(read, Misconfigured))


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refusal_asks_for_the_lms_administrator(read: Read, ags: AgsWire, status: int) -> None:
    ags.answers["/2/lineitems"] = (status, {}, "{}")
    assert "administrator" in str(failure(read, Misconfigured))


def test_no_answer_in_time_is_tried_later(mock: responses.RequestsMock, row: Registration) -> None:
    mock.add(responses.POST, f"{BASE}/token", json={"access_token": "opaque-token", "expires_in": 3600})
    mock.add(responses.GET, f"{BASE}/2/memberships", body=requests.ReadTimeout())
    with pytest.raises(TryLater):
        reader(row).read_gradebook(course())
