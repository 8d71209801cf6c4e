"""Everything is accounted for, and nothing is withdrawn because something was not seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.desired import Account, Linked, account
from sync.lms import records as lms
from sync.matching import Match, Matching
from sync.planning import WITHDRAWN, Held, Problem
from sync.scales import Target
from sync.sis import records as sis
from sync.sis.records import Key

GRADED, NOT_GRADED, MISSING = lms.Status.GRADED, lms.Status.NOT_GRADED, lms.Status.MISSING
ESSAY = lms.LineItem("essay", "Essay", Decimal(100))
QUIZ = lms.LineItem("quiz", "Quiz", Decimal(100))
POINTS = Target("points", maximum=Decimal(100))
ADA, BEN = lms.Member("ada"), lms.Member("ben")
ADAS, BENS = Match("ada", 1, "s-ada", "by id"), Match("ben", 1, "s-ben", "by id")
TO_ESSAY = Linked(1, "class-1", "7", "essay", "sis-essay", POINTS)
TO_QUIZ = Linked(1, "class-1", "7", "quiz", "sis-quiz", POINTS)
ADA_ESSAY = Key("7", "class-1", "sis-essay", "s-ada")
BEN_ESSAY = Key("7", "class-1", "sis-essay", "s-ben")


def result(user_id: str = "ada", item: str = "essay", score: str | None = "80") -> lms.Result:
    return lms.Result(user_id, item, GRADED, None if score is None else Decimal(score))


def ungraded(user_id: str = "ada", item: str = "essay") -> lms.Result:
    return lms.Result(user_id, item, NOT_GRADED)


def gradebook(
    *results: lms.Result, members: tuple[lms.Member, ...] = (ADA, BEN), complete: bool = True
) -> lms.Gradebook:
    return lms.Gradebook(members, (ESSAY, QUIZ), results, complete=complete)


def matched(*matches: Match, problems: tuple[Problem, ...] = ()) -> Matching:
    return Matching({one.user_id: one for one in matches}, problems)


BOTH = matched(ADAS, BENS)


def reckon(
    book: lms.Gradebook,
    matching: Matching = BOTH,
    links: tuple[Linked, ...] = (TO_ESSAY, TO_QUIZ),
    excluded: dict[str, str] | None = None,
    duplicates: dict[Key, tuple[str, ...]] | None = None,
    ledger: tuple[Key, ...] = (),
) -> Account:
    made = account(book, matching, excluded or {}, links, duplicates or {}, ledger)
    assert made.pulled == len(made.wanted) + made.excluded + made.in_problems + made.not_graded
    assert made.wanted.keys() == {key for key, one in made.desired.items() if isinstance(one, sis.Value)}
    assert made.in_problems == sum(one.results for one in made.problems)
    ends = Counter(made.fates.values())
    if len(made.fates) == made.pulled:  # else a result was repeated
        counted = (len(made.wanted), made.excluded, made.in_problems, made.not_graded)
        nothing = ends["not_graded"] + ends["pending"]
        assert counted == (ends["wanted"], ends["excluded"], ends["problem"], nothing)
        assert made.pending == ends["pending"]
    return made


def why(made: Account, key: Key) -> str:
    held = made.desired[key]
    assert isinstance(held, Held)
    return held.why


# --- where one result ends ---


def test_a_graded_result_of_a_matched_student_is_wanted_with_its_why() -> None:
    made = reckon(gradebook(result()))
    assert made.desired == {ADA_ESSAY: sis.Value(Decimal(80))}
    assert made.wanted[ADA_ESSAY].why == "80 of 100"
    assert made.wanted[ADA_ESSAY].result == result()
    assert made.owner[ADA_ESSAY] == ("ada", "essay")
    assert (made.pulled, made.students, made.line_items) == (1, 2, 2)


def test_a_zero_is_wanted_and_not_graded_is_not() -> None:
    made = reckon(gradebook(result(score="0"), ungraded("ben")))
    assert made.desired == {ADA_ESSAY: sis.Value(Decimal(0))}
    assert made.not_graded == 1


def test_only_results_of_course_students_are_counted() -> None:
    members = (
        ADA,
        lms.Member("teacher", is_student=False, is_teacher=True),
        lms.Member("tester", test=True),
        lms.Member("gone", active=False),
    )
    results = [result(user_id) for user_id in ("ada", "teacher", "tester", "gone", "unlisted")]
    made = reckon(gradebook(*results, members=members), matched(ADAS))
    assert (made.pulled, made.students, list(made.wanted)) == (1, 1, [ADA_ESSAY])


def test_an_item_that_is_not_linked_in_her_class_is_excluded() -> None:
    in_another_class = replace(TO_ESSAY, class_link=2, class_id="class-2", sis_id="other")
    assert reckon(gradebook(result()), links=(in_another_class, TO_QUIZ)).excluded == 1
    assert reckon(gradebook(result(item="unlinked"))).excluded == 1


def test_an_excluded_item_or_student_is_excluded() -> None:
    assert reckon(gradebook(result()), links=(replace(TO_ESSAY, excluded=True),)).excluded == 1
    assert reckon(gradebook(result(), ungraded(item="quiz")), excluded={"ada": "auditor"}).excluded == 2


def test_a_student_goes_to_her_own_class() -> None:
    there = Match("ben", 2, "s-ben", "by id")
    links = (TO_ESSAY, replace(TO_ESSAY, class_link=2, class_id="class-2", sis_id="sis-essay-2"))
    made = reckon(gradebook(result(), result("ben")), matched(ADAS, there), links)
    assert set(made.desired) == {ADA_ESSAY, Key("7", "class-2", "sis-essay-2", "s-ben")}


# --- problems: one row may stand for many results ---


def test_an_unmatched_student_is_one_row_for_all_her_grades() -> None:
    trouble = Problem("student-unmatched", "Pick her.", user_id="ben")
    book = gradebook(result("ben"), result("ben", "quiz"), result("ben", "unlinked"), result())
    made = reckon(book, matched(ADAS, problems=(trouble,)))
    assert made.problems == (replace(trouble, results=2),)
    assert (made.in_problems, made.excluded) == (2, 1)


def test_an_unmatched_student_without_grades_is_shown_all_the_same() -> None:
    trouble = Problem("student-unmatched", "Pick her.", user_id="ben")
    made = reckon(gradebook(ungraded("ben")), matched(ADAS, problems=(trouble,)))
    assert made.problems == (trouble,)
    assert made.not_graded == 1


def test_a_student_of_whom_matching_says_nothing_does_not_disappear() -> None:
    made = reckon(gradebook(result("ben")), matched(ADAS))
    assert [(one.code, one.user_id, one.results) for one in made.problems] == [
        ("student-unmatched", "ben", 1)
    ]


def test_an_excluded_students_problem_is_gone() -> None:
    trouble = Problem("student-unmatched", "Pick her.", user_id="ben")
    made = reckon(gradebook(result("ben")), matched(ADAS, problems=(trouble,)), excluded={"ben": "auditor"})
    assert (made.problems, made.excluded) == ((), 1)


def test_an_item_without_a_scheme_is_one_row_for_all_its_results() -> None:
    lettered = replace(TO_ESSAY, target=Target("letter"))
    made = reckon(gradebook(result(), result("ben"), result(item="quiz")), links=(lettered, TO_QUIZ))
    assert [(one.code, one.line_item_id, one.user_id, one.results) for one in made.problems] == [
        ("no-scheme", "essay", "", 2)
    ]
    assert len(made.wanted) == 1


def test_one_bad_score_is_its_own_row_and_the_others_go() -> None:
    made = reckon(gradebook(result(score="-1"), result("ben")))
    assert [(one.code, one.user_id) for one in made.problems] == [("negative-score", "ada")]
    assert set(made.desired) == {BEN_ESSAY}


@pytest.mark.parametrize("code", ["line-item-gone", "line-item-creating", "class-not-read"])
def test_nothing_is_sent_through_a_broken_link(code: str) -> None:
    links = (replace(TO_ESSAY, broken=code), TO_QUIZ)
    made = reckon(gradebook(result(), result("ben"), result(item="quiz")), links=links)
    assert [(one.code, one.results) for one in made.problems] == [(code, 2)]
    assert len(made.wanted) == 1


def test_a_broken_link_may_say_it_in_its_own_words() -> None:
    made = reckon(gradebook(result()), links=(replace(TO_ESSAY, broken="The column is locked."),))
    assert [(one.code, one.text) for one in made.problems] == [
        ("line-item-unusable", "The column is locked.")
    ]


def test_a_linked_item_that_the_lms_no_longer_lists_is_a_problem() -> None:
    book = replace(gradebook(result()), line_items=(QUIZ,))
    assert [one.code for one in reckon(book).problems] == ["line-item-not-listed"]


def test_two_lms_results_for_one_student_and_item_are_a_problem_and_not_chosen_among() -> None:
    made = reckon(gradebook(result(score="70"), result(score="80"), result("ben")), ledger=(ADA_ESSAY,))
    assert [one.code for one in made.problems] == ["repeated", "repeated"]
    assert set(made.wanted) == {BEN_ESSAY}
    assert why(made, ADA_ESSAY).startswith("problem: ")


def test_two_sis_results_for_one_pair_are_held_and_listed_with_their_ids() -> None:
    made = reckon(gradebook(result(), result("ben")), duplicates={ADA_ESSAY: ("r-1", "r-2")})
    (problem,) = made.problems
    assert (problem.code, problem.key, problem.details) == ("duplicate-in-sis", ADA_ESSAY, ("r-1", "r-2"))
    assert why(made, ADA_ESSAY).startswith("problem: ")
    assert set(made.wanted) == {BEN_ESSAY}


def test_somebody_elses_doubles_in_the_sis_are_not_ours() -> None:
    stranger = Key("7", "class-1", "sis-essay", "s-zoe")
    made = reckon(gradebook(result()), duplicates={stranger: ("r-1", "r-2")})
    assert (made.problems, set(made.desired)) == ((), {ADA_ESSAY})


def test_a_repeated_link_or_match_is_a_bug_and_raises() -> None:
    with pytest.raises(ValueError, match="Two links"):
        reckon(gradebook(), links=(TO_ESSAY, replace(TO_QUIZ, sis_id="sis-essay")))
    with pytest.raises(ValueError, match="Two links"):
        reckon(gradebook(), links=(TO_ESSAY, replace(TO_ESSAY, sis_id="other")))
    with pytest.raises(ValueError, match="Two matches"):
        reckon(gradebook(), matched(ADAS, replace(BENS, student_id="s-ada")))


# --- grades of ours: decided, or held with the reason ---


def test_a_grade_taken_back_in_the_lms_may_be_withdrawn() -> None:
    made = reckon(gradebook(ungraded()), ledger=(ADA_ESSAY,))
    assert made.desired == {ADA_ESSAY: WITHDRAWN}
    assert made.owner[ADA_ESSAY] == ("ada", "essay")
    assert (made.not_graded, made.wanted) == (1, {})


def test_what_was_never_sent_is_not_withdrawn() -> None:
    assert reckon(gradebook(ungraded())).desired == {}


PENDING = lms.Result("ada", "essay", lms.Status.PENDING, Decimal(40))


def test_a_grade_that_waits_for_a_review_is_not_sent_and_counts_as_not_graded() -> None:
    made = reckon(gradebook(PENDING))
    assert made.desired == {}
    assert (made.not_graded, made.pending, made.fates["ada", "essay"]) == (1, 1, "pending")


def test_a_sent_grade_that_waits_for_a_review_again_is_held_and_not_withdrawn() -> None:
    """She handed a quiz in once more, and its essay question is not marked yet: her former grade stays."""
    made = reckon(gradebook(PENDING), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the grade waits for a review in the LMS"


def test_a_grade_that_waits_for_a_review_is_not_sent_as_missing() -> None:
    carries = replace(TO_ESSAY, target=replace(POINTS, flags=frozenset({"missing", "late"})))
    made = reckon(gradebook(replace(PENDING, missing=True, late=True)), links=(carries,), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the grade waits for a review in the LMS"


def test_an_unmatched_students_grade_that_waits_for_a_review_is_no_problem_yet() -> None:
    made = reckon(gradebook(PENDING), matched())
    assert (made.in_problems, made.pending) == (0, 1)


def test_a_review_that_waits_behind_a_broken_link_names_the_link() -> None:
    made = reckon(
        gradebook(PENDING), links=(replace(TO_ESSAY, broken="line-item-gone"),), ledger=(ADA_ESSAY,)
    )
    assert why(made, ADA_ESSAY).startswith("problem: The SIS assignment is gone")


def test_an_incomplete_read_withdraws_nothing() -> None:
    made = reckon(gradebook(ungraded(), complete=False), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the LMS was not read completely"


def test_a_result_that_did_not_come_withdraws_nothing() -> None:
    made = reckon(gradebook(), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the LMS sent no result for it this time"


def test_a_student_who_left_is_held() -> None:
    made = reckon(gradebook(ungraded(), members=(BEN,)), matched(BENS), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the student left"


def test_a_student_who_moved_to_another_class_is_held_in_the_former_one() -> None:
    there = Match("ada", 2, "s-ada", "by id")
    links = (TO_ESSAY, replace(TO_ESSAY, class_link=2, class_id="class-2", sis_id="sis-essay-2"))
    made = reckon(gradebook(ungraded()), matched(there), links, ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the student moved to another class"


@pytest.mark.parametrize("outcome", [result(), ungraded()], ids=["graded", "not graded"])
def test_an_exclusion_withdraws_nothing(outcome: lms.Result) -> None:
    made = reckon(gradebook(outcome), excluded={"ada": "auditor"}, ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the student is left out"
    left_out = replace(TO_ESSAY, excluded=True)
    assert (
        why(reckon(gradebook(outcome), links=(left_out,), ledger=(ADA_ESSAY,)), ADA_ESSAY)
        == "the item is left out"
    )


def test_an_unlinked_item_withdraws_nothing() -> None:
    made = reckon(gradebook(ungraded()), links=(TO_QUIZ,), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "the item is no longer linked"


@pytest.mark.parametrize("outcome", [result(), ungraded()], ids=["graded", "not graded"])
def test_a_broken_link_withdraws_nothing(outcome: lms.Result) -> None:
    made = reckon(
        gradebook(outcome), links=(replace(TO_ESSAY, broken="line-item-gone"),), ledger=(ADA_ESSAY,)
    )
    assert "assignment is gone" in why(made, ADA_ESSAY)


def test_an_item_that_the_lms_no_longer_lists_withdraws_nothing() -> None:
    book = replace(gradebook(ungraded()), line_items=(QUIZ,))
    assert "no longer lists" in why(reckon(book, ledger=(ADA_ESSAY,)), ADA_ESSAY)


def test_a_problem_withdraws_nothing() -> None:
    made = reckon(gradebook(result(score="-1")), ledger=(ADA_ESSAY,))
    assert "below the lowest" in why(made, ADA_ESSAY)


def test_an_unreadable_score_withdraws_nothing() -> None:
    broken = lms.Result("ada", "essay", NOT_GRADED, score_error="not-a-number")
    made = reckon(gradebook(broken), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY).startswith("problem: ")
    assert made.in_problems == 1


def test_an_ambiguous_student_withdraws_nothing_and_says_why() -> None:
    trouble = Problem("student-ambiguous", "Several.", user_id="ada", details=("s-ada", "s-x"))
    made = reckon(gradebook(ungraded()), matched(BENS, problems=(trouble,)), ledger=(ADA_ESSAY,))
    assert why(made, ADA_ESSAY) == "problem: Several."


def test_doubles_in_the_sis_are_not_withdrawn() -> None:
    made = reckon(gradebook(ungraded()), duplicates={ADA_ESSAY: ("r-1", "r-2")}, ledger=(ADA_ESSAY,))
    assert isinstance(made.desired[ADA_ESSAY], Held)
    assert [(one.code, one.results) for one in made.problems] == [("duplicate-in-sis", 0)]


# --- for any course ---

kinds = st.sampled_from(
    [
        lms.Result("", "", GRADED, Decimal(80)),
        lms.Result("", "", GRADED, Decimal(0), missing=True),
        lms.Result("", "", GRADED, Decimal(-1)),
        lms.Result("", "", GRADED, Decimal(120)),
        lms.Result("", "", NOT_GRADED),
        lms.Result("", "", MISSING),
        lms.Result("", "", lms.Status.EXCUSED),
        lms.Result("", "", lms.Status.PENDING, Decimal(40), missing=True),
        lms.Result("", "", NOT_GRADED, score_error="not-a-number"),
    ]
)
users, items = ("ada", "ben", "cat"), ("essay", "quiz", "poster")
results_ = st.lists(
    st.builds(
        lambda one, user, item: replace(one, user_id=user, line_item_id=item),
        kinds,
        st.sampled_from([*users, "stranger"]),
        st.sampled_from(items),
    ),
    max_size=10,
)
links_ = st.lists(
    st.builds(
        lambda link, item, target, excluded, broken: Linked(
            link, f"class-{link}", "7", item, f"sis-{item}-{link}", target, None, excluded, broken
        ),
        st.sampled_from([1, 2]),
        st.sampled_from(items),
        st.sampled_from([POINTS, Target("letter"), Target("percent", flags=frozenset({"missing"}))]),
        st.booleans(),
        st.sampled_from(["", "", "", "line-item-gone"]),
    ),
    max_size=6,
    unique_by=lambda one: one.sis_id,
)
matches_ = st.dictionaries(st.sampled_from(users), st.sampled_from([1, 2]), max_size=3)
keys_ = st.builds(
    lambda link, item, user: Key("7", f"class-{link}", f"sis-{item}-{link}", f"s-{user}"),
    st.sampled_from([1, 2]),
    st.sampled_from(items),
    st.sampled_from([*users, "gone"]),
)


@given(
    results_, links_, matches_, st.sets(keys_, max_size=5), st.sets(keys_, max_size=3),
    st.sets(st.sampled_from(users), max_size=1), st.booleans(),
)  # fmt: skip
def test_every_result_and_every_sent_key_is_accounted_for_once(  # type: ignore[no-untyped-def]  # hypothesis fills them
    results, links, where, ledger, doubles, excluded, complete
) -> None:
    members = tuple(lms.Member(user) for user in users)
    book = lms.Gradebook(members, (ESSAY, QUIZ), tuple(results), complete=complete)
    matching = matched(*(Match(user, link, f"s-{user}", "by id") for user, link in where.items()))
    made = reckon(
        book,
        matching,
        tuple(links),
        dict.fromkeys(excluded, "auditor"),
        dict.fromkeys(doubles, ("r", "q")),
        tuple(ledger),
    )
    assert made.pulled == sum(1 for one in results if one.user_id in users)
    assert ledger <= made.desired.keys()
    for key, one in made.desired.items():
        if one is WITHDRAWN:
            user, item = made.owner[key]
            (shown,) = [one for one in results if (one.user_id, one.line_item_id) == (user, item)]
            assert complete
            assert key in ledger
            assert user not in excluded
            assert shown.score is None
            assert shown.status in (NOT_GRADED, MISSING)
        if isinstance(one, sis.Value):
            assert key not in doubles
