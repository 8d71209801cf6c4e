"""A grade must never reach another student: identifiers agree on one student, or a person is asked."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import matching
from sync.lms import records as lms
from sync.matching import DEFAULT_PAIRS, Confirmed, Roster, match
from sync.sis import records as sis

ADA = sis.Student("s-1", "Ada", "Lovelace", identifier="1001", username="ada", email="ada@school.test")
BEN = sis.Student("s-2", "Ben", "Okri", identifier="1002", username="ben", email="ben@school.test")
SIS_ID = (("sis_id", "identifier"),)


def roster(*students: sis.Student, link: int = 1, connection: str = "7") -> Roster:
    return Roster(link, f"class-{link}", connection, students)


def code(found: matching.Matching, user_id: str = "u") -> str:
    (problem,) = [one for one in found.problems if one.user_id == user_id]
    assert user_id not in found.matches
    return problem.code


# --- what matches ---


def test_a_stated_pair_matches_and_says_how() -> None:
    found = match([lms.Member("u", sis_id="1001")], [roster(ADA, BEN)], SIS_ID)
    assert found.matches["u"] == matching.Match("u", 1, "s-1", "sis_id = identifier")
    assert found.problems == ()


def test_identifiers_are_compared_exactly_after_trimming() -> None:
    assert match([lms.Member("u", sis_id=" 1001\t")], [roster(ADA)], SIS_ID).matches["u"].student_id == "s-1"
    assert code(match([lms.Member("u", sis_id="01001")], [roster(ADA)], SIS_ID)) == "student-unmatched"
    pairs = (("login", "username"),)
    assert code(match([lms.Member("u", login="Ada")], [roster(ADA)], pairs)) == "student-unmatched"


def test_email_is_compared_without_case() -> None:
    found = match([lms.Member("u", email=" ADA@School.test ")], [roster(ADA, BEN)], (("email", "email"),))
    assert found.matches["u"].student_id == "s-1"


def test_a_pair_that_finds_nobody_is_no_disagreement() -> None:
    found = match([lms.Member("u", sis_id="1001", login="ada@elsewhere")], [roster(ADA, BEN)], DEFAULT_PAIRS)
    assert found.matches["u"].by == "sis_id = identifier"


def test_all_pairs_that_agree_are_named() -> None:
    member = lms.Member("u", sis_id="1001", email="ada@school.test")
    found = match([member], [roster(ADA, BEN)], DEFAULT_PAIRS)
    assert found.matches["u"].by == "sis_id = identifier, email = email"


def test_user_ids_match_by_their_type_only() -> None:
    student = sis.Student("s-9", user_ids=(("ldap", "x1"), ("card", "x2")))
    pairs = (("login", "userIds:ldap"),)
    assert match([lms.Member("u", login="x1")], [roster(student)], pairs).matches["u"].student_id == "s-9"
    assert code(match([lms.Member("u", login="x2")], [roster(student)], pairs)) == "student-unmatched"


def test_pairs_may_be_stated_per_connection() -> None:
    other = sis.Student("s-1", identifier="ada")
    rosters = [roster(ADA), roster(other, link=2, connection="8")]
    pairs = {"7": (("sis_id", "identifier"),), "8": (("login", "username"),)}
    found = match([lms.Member("u", sis_id="1001", login="zoe")], rosters, pairs)
    assert (found.matches["u"].class_link, found.matches["u"].student_id) == (1, "s-1")


def test_a_member_belongs_to_the_class_whose_roster_holds_her() -> None:
    found = match([lms.Member("u", sis_id="1002")], [roster(ADA), roster(BEN, link=2)], SIS_ID)
    assert found.matches["u"].class_link == 2


@pytest.mark.parametrize(
    "pair", [("sis_id", "sourcedid"), ("name", "email"), ("login", "userIds:"), ("sis_id", "")]
)
def test_an_unknown_pair_is_refused_aloud(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="There is no pair"):
        match([], [roster(ADA)], (pair,))


@pytest.mark.parametrize(
    "other",
    [
        lms.Member("u", sis_id="1001", is_student=False, is_teacher=True),
        lms.Member("u", sis_id="1001", active=False),
        lms.Member("u", sis_id="1001", test=True),
    ],
    ids=["teacher", "inactive", "test student"],
)
def test_only_active_students_are_matched_and_none_other_is_a_problem(other: lms.Member) -> None:
    found = match([other], [roster(ADA)], SIS_ID)
    assert (dict(found.matches), found.problems, found.suggestions) == ({}, (), ())


def test_an_inactive_sis_student_is_not_found() -> None:
    gone = sis.Student("s-1", identifier="1001", active=False)
    assert code(match([lms.Member("u", sis_id="1001")], [roster(gone)], SIS_ID)) == "student-unmatched"


# --- what is a problem ---


def test_a_member_without_any_identifier_is_a_problem() -> None:
    member = lms.Member("u", name="Ada Lovelace", sis_id="  ")
    assert code(match([member], [roster(ADA)], DEFAULT_PAIRS)) == "student-without-ids"


def test_two_sis_students_with_one_email_are_ambiguous_and_listed() -> None:
    twins = [sis.Student("s-4", email="kim@home.test"), sis.Student("s-3", email="KIM@home.test")]
    found = match([lms.Member("u", email="kim@home.test")], [roster(*twins)], (("email", "email"),))
    assert code(found) == "student-ambiguous"
    assert found.problems[0].details == ("s-3", "s-4")
    assert {one.student_id for one in found.suggestions} == {"s-3", "s-4"}


def test_ids_that_point_to_different_students_disagree() -> None:
    member = lms.Member("u", sis_id="1001", email="ben@school.test")
    found = match([member], [roster(ADA, BEN)], DEFAULT_PAIRS)
    assert code(found) == "student-ids-disagree"
    assert found.problems[0].details == ("s-1", "s-2")


def test_one_field_tried_against_two_disagrees_when_they_find_two_students() -> None:
    odd = sis.Student("1001", identifier="5")
    assert code(match([lms.Member("u", sis_id="1001")], [roster(ADA, odd)], DEFAULT_PAIRS)) == (
        "student-ids-disagree"
    )


def test_a_shared_email_does_not_give_one_siblings_grade_to_the_other() -> None:
    """Her own SIS id finds nobody (she is not enrolled), her sister with the family's address is in the class."""
    sister = sis.Student("s-5", identifier="1005", email="family@home.test")
    found = match([lms.Member("u", sis_id="1004", email="family@home.test")], [roster(sister)], DEFAULT_PAIRS)
    assert code(found) == "student-ids-disagree"
    assert found.suggestions[0].student_id == "s-5"


def test_an_email_matches_where_the_sis_has_no_other_id_to_contradict_it() -> None:
    plain = sis.Student("guid-5", email="eve@school.test")
    found = match([lms.Member("u", sis_id="1004", email="eve@school.test")], [roster(plain)], DEFAULT_PAIRS)
    assert found.matches["u"].by == "email = email"


def test_two_members_for_one_student_are_both_problems() -> None:
    members = [lms.Member("u", sis_id="1001"), lms.Member("v", login="ada"), lms.Member("w", sis_id="1002")]
    found = match(members, [roster(ADA, BEN)], DEFAULT_PAIRS)
    assert {one.user_id: (one.code, one.details) for one in found.problems} == {
        "u": ("two-members-one-student", ("s-1",)),
        "v": ("two-members-one-student", ("s-1",)),
    }
    assert list(found.matches) == ["w"]


def test_leaving_one_double_out_frees_the_other() -> None:
    members = [lms.Member("u", sis_id="1001"), lms.Member("v", login="ada")]
    found = match(members, [roster(ADA)], DEFAULT_PAIRS, excluded={"v"})
    assert found.matches["u"].student_id == "s-1"
    assert found.problems == ()


def test_an_excluded_member_is_never_a_problem() -> None:
    found = match([lms.Member("u", sis_id="nobody")], [roster(ADA)], SIS_ID, excluded={"u"})
    assert (found.problems, found.suggestions) == ((), ())


def test_a_student_in_two_linked_classes_is_a_problem() -> None:
    found = match([lms.Member("u", sis_id="1001")], [roster(ADA), roster(ADA, link=2)], SIS_ID)
    assert code(found) == "student-in-two-classes"


def test_a_student_listed_twice_in_one_class_is_one_student() -> None:
    assert (
        match([lms.Member("u", sis_id="1001")], [roster(ADA, ADA)], SIS_ID).matches["u"].student_id == "s-1"
    )


def test_equal_ids_in_two_connections_are_two_students() -> None:
    rosters = [roster(ADA), roster(ADA, link=2, connection="8")]
    assert code(match([lms.Member("u", sis_id="1001")], rosters, SIS_ID)) == "student-ambiguous"


def test_no_problem_text_names_a_person() -> None:
    member = lms.Member("u", name="Ada Lovelace", sis_id="1001", email="ben@school.test")
    (problem,) = match([member], [roster(ADA, BEN)], DEFAULT_PAIRS).problems
    assert not any(word in problem.text for word in ("Ada", "Ben", "1001", "school.test"))


# --- a person's word ---


def confirmed(member: lms.Member, student: sis.Student, **more: str) -> Confirmed:
    return Confirmed(
        member.user_id, "7", student.sourced_id, matching.evidence(member, student), more.get("by", "")
    )


def test_a_persons_word_matches_where_identifiers_do_not() -> None:
    member = lms.Member("u", login="a.lovelace")
    found = match([member], [roster(ADA)], DEFAULT_PAIRS, [confirmed(member, ADA, by="Mr Finch")])
    assert found.matches["u"] == matching.Match("u", 1, "s-1", "confirmed by Mr Finch")


def test_a_persons_word_settles_a_disagreement() -> None:
    member = lms.Member("u", sis_id="1001", email="ben@school.test")
    found = match([member], [roster(ADA, BEN)], DEFAULT_PAIRS, [confirmed(member, BEN)])
    assert found.matches["u"].student_id == "s-2"


@pytest.mark.parametrize("changed", ["lms", "sis"])
def test_a_confirmation_lapses_when_an_identifier_changes(changed: str) -> None:
    before, student = lms.Member("u", login="a.lovelace"), ADA
    word = confirmed(before, student)
    now = lms.Member("u", login="b.okri") if changed == "lms" else before
    there = sis.Student("s-1", identifier="1001", username="other") if changed == "sis" else student
    found = match([now], [roster(there)], DEFAULT_PAIRS, [word])
    assert found.lapsed == ("u",)
    assert code(found) == "student-unmatched"


def test_a_new_name_or_another_case_of_the_email_keeps_the_confirmation() -> None:
    before = lms.Member("u", name="Ada Byron", email="Ada@private.test")
    now = lms.Member("u", name="Ada Lovelace", email="ada@private.test ")
    found = match([now], [roster(ADA)], DEFAULT_PAIRS, [confirmed(before, ADA)])
    assert (found.matches["u"].student_id, found.lapsed) == ("s-1", ())


def test_evidence_survives_json_and_holds_no_name() -> None:
    student = sis.Student("s-9", "Zoe", "Zed", user_ids=(("ldap", "b"), ("ldap", "a")))
    assert matching.evidence(lms.Member("u", name="Zoe Zed", sis_id="9"), student) == {
        "lms.sis_id": "9",
        "lms.user_id": "u",
        "sis.sourcedId": "s-9",
        "sis.userIds:ldap": "a b",
    }


def test_two_people_who_confirm_different_students_are_a_problem() -> None:
    member = lms.Member("u", login="x")
    words = [confirmed(member, ADA), confirmed(member, BEN)]
    assert code(match([member], [roster(ADA, BEN)], DEFAULT_PAIRS, words)) == "student-ids-disagree"


def test_identifiers_do_not_overrule_a_word_for_a_student_who_is_not_here() -> None:
    member = lms.Member("u", sis_id="1002")
    found = match([member], [roster(BEN)], DEFAULT_PAIRS, [confirmed(member, ADA)])
    assert code(found) == "student-ids-disagree"


def test_a_word_of_another_connection_says_nothing_here() -> None:
    member = lms.Member("u", sis_id="1002")
    word = Confirmed("u", "99", "s-1", {})
    assert match([member], [roster(BEN)], DEFAULT_PAIRS, [word]).matches["u"].student_id == "s-2"


def test_a_word_for_an_already_matched_student_makes_both_problems() -> None:
    members = [lms.Member("u", login="x"), lms.Member("v", sis_id="1001")]
    found = match(members, [roster(ADA)], DEFAULT_PAIRS, [confirmed(members[0], ADA)])
    assert {one.code for one in found.problems} == {"two-members-one-student"}
    assert not found.matches


# --- suggestions of students ---


def test_a_like_name_is_suggested_and_never_matched() -> None:
    student = sis.Student("s-6", "José", "Núñez", identifier="6")
    found = match([lms.Member("u", name="Nunez, Jose", sis_id="77")], [roster(student, BEN)], SIS_ID)
    assert not found.matches
    (one,) = found.suggestions
    assert (one.student_id, one.class_link, one.evidence) == ("s-6", 1, "the names are alike")
    assert 75 <= one.score < 90


def test_an_id_without_its_leading_zeros_is_suggested() -> None:
    student = sis.Student("s-8", "X", "Y", identifier="000815")
    found = match([lms.Member("u", name="Somebody", sis_id="815")], [roster(student)], SIS_ID)
    assert [(one.student_id, one.evidence) for one in found.suggestions] == [
        ("s-8", "sis_id is like identifier")
    ]


def test_a_student_who_is_matched_already_is_not_suggested_to_another() -> None:
    members = [lms.Member("u", name="Ada Lovelace", sis_id="0"), lms.Member("v", sis_id="1001")]
    assert match(members, [roster(ADA)], SIS_ID).suggestions == ()


def test_a_member_without_a_name_gets_no_suggestion_by_name() -> None:
    nameless = sis.Student("s-7", identifier="7")
    assert match([lms.Member("u", sis_id="0")], [roster(nameless)], SIS_ID).suggestions == ()


# --- for any course ---

few = st.sampled_from(["", "1", "2", "3"])
members_ = st.builds(lms.Member, user_id=st.sampled_from("abcdef"), sis_id=few, login=few, email=few)
students_ = st.builds(
    sis.Student,
    sourced_id=st.sampled_from(["1", "2", "3", "4"]),
    identifier=few,
    username=few,
    email=few,
    active=st.booleans(),
)
rosters_ = st.lists(st.lists(students_, max_size=4, unique_by=lambda one: one.sourced_id), max_size=2)


@given(st.lists(members_, max_size=5, unique_by=lambda one: one.user_id), rosters_, st.randoms())
def test_every_student_is_matched_or_one_problem_whatever_the_order(members, lists, random) -> None:  # type: ignore[no-untyped-def]  # hypothesis fills them
    rosters = [roster(*students, link=number) for number, students in enumerate(lists)]
    found = match(members, rosters, DEFAULT_PAIRS)
    troubled = [one.user_id for one in found.problems]
    assert sorted([*found.matches, *troubled]) == sorted(one.user_id for one in members)
    taken = [one.student_id for one in found.matches.values()]
    assert len(taken) == len(set(taken))
    shuffled = random.sample(members, len(members))
    assert match(shuffled, rosters[::-1], DEFAULT_PAIRS).matches == found.matches


@given(members_, rosters_)
def test_a_match_shares_an_identifier_and_no_pair_finds_another_student(member, lists) -> None:  # type: ignore[no-untyped-def]  # hypothesis fills them
    rosters = [roster(*students, link=number) for number, students in enumerate(lists)]
    one = match([member], rosters, DEFAULT_PAIRS).matches.get(member.user_id)
    if one is None:
        return
    active = [student for student in itertools.chain(*lists) if student.active]
    for mine, theirs in [
        (member.sis_id, "sourced_id"),
        (member.sis_id, "identifier"),
        (member.login, "username"),
        (member.email, "email"),
    ]:
        found = {student.sourced_id for student in active if mine and getattr(student, theirs) == mine}
        assert found <= {one.student_id}


# --- line items ---


def item(title: str, line_item_id: str = "a") -> lms.LineItem:
    return lms.LineItem(line_item_id, title)


def column(title: str, sourced_id: str = "x", *, active: bool = True) -> sis.LineItem:
    return sis.LineItem(sourced_id, title, "class-1", active=active)


def test_an_equal_title_but_for_white_space_is_exact() -> None:
    (one,) = matching.suggest_line_items([item("Final  exam ")], [column("Final exam")], ())
    assert (one.exact, one.score) == (True, 100)
    assert matching.sole_exact([one]) == [one]


def test_another_case_is_alike_and_not_exact() -> None:
    (one,) = matching.suggest_line_items([item("Final Exam")], [column("final exam")], ())
    assert not one.exact
    assert 90 <= one.score < 100


def test_two_equal_titles_are_never_linked_unasked() -> None:
    ours = matching.suggest_line_items([item("Essay")], [column("Essay", "x"), column("Essay", "y")], ())
    assert [one.exact for one in ours] == [True, True]
    assert matching.sole_exact(ours) == []
    theirs = matching.suggest_line_items([item("Essay", "a"), item("Essay", "b")], [column("Essay")], ())
    assert matching.sole_exact(theirs) == []


def test_titles_with_different_numbers_are_not_alike() -> None:
    assert matching.suggest_line_items([item("Quiz 1")], [column("Quiz 2")], ()) == []
    (one,) = matching.suggest_line_items([item("Quiz 01: plants")], [column("Quiz 1 - Plants")], ())
    assert not one.exact


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ("Unit 1 Test", "Attendance, week 1", False),
        ("Homework 1", "Attendance, week 1", False),
        ("Unit 1 Test", "Test, Unit 1", True),
        ("Midterm exam", "Exam (midterm)", True),
        ("Essay 1", "Essay #1: Place", True),
        ("Homework 1", "Homework 1 (20 pts)", False),
    ],
)
def test_titles_are_alike_by_their_words_and_not_by_a_shared_number(
    ours: str, theirs: str, alike: bool
) -> None:
    assert bool(matching.suggest_line_items([item(ours)], [column(theirs)], ())) is alike


def test_taken_and_inactive_columns_are_not_suggested() -> None:
    there = [column("Essay", "x"), column("Essay", "y", active=False)]
    assert matching.suggest_line_items([item("Essay")], there, {"x"}) == []


def test_unlike_titles_are_not_suggested_and_the_best_comes_first() -> None:
    there = [column("Midterm examination", "x"), column("Mid-term exam", "y"), column("Poster", "z")]
    found = matching.suggest_line_items([item("Midterm exam")], there, ())
    assert found[0].sis_id == "y"
    assert "z" not in {one.sis_id for one in found}


def test_a_course_total_and_a_score_column_are_never_suggested_to_each_other() -> None:
    total, essay = replace(item("Final", "t"), kind="course_total"), item("Final", "e")
    final, score = replace(column("Final", "f"), kind="course_total"), column("Final", "s")
    found = matching.suggest_line_items([total, essay], [final, score], ())
    assert [(one.line_item_id, one.sis_id) for one in found] == [("t", "f"), ("e", "s")]
    assert matching.suggest_line_items([essay], [final], ()) == []
    assert matching.suggest_line_items([total], [final], (), {"assignment"}) == []


def test_a_sis_that_does_not_tell_totals_from_scores_is_offered_both() -> None:
    """OneRoster has but line items."""
    total = replace(item("Course total"), kind="course_total")
    own = replace(column("Course total", "own"), kind="course_total", computed=True)
    (found,) = matching.suggest_line_items([total], [column("Course total"), own], ())
    assert found.sis_id == "x"


def test_empty_titles_are_not_equal_titles() -> None:
    assert matching.suggest_line_items([item(" ")], [column("")], ()) == []
