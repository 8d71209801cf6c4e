"""Two course totals of one student, and the way from one to the other: computed, and honest where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import totals
from sync.lms import records as lms
from sync.reckoning import Entry, by_groups
from sync.sis import memory as sis_memory
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.totals import CODES, Compared, Side, compare

FINAL, CURRENT = lms.COURSE_TOTAL_FINAL, lms.COURSE_TOTAL_CURRENT
HUNDRED = Decimal(100)
Scores = dict[str, str | lms.Status | None]


class Course:
    """Items with their maximum; two students; what the SIS holds; both totals. All of it is changed by the tests."""

    def __init__(self, which: str = FINAL, **items: str) -> None:
        self.which = which
        self.items = {
            name: lms.LineItem(name, name.title(), Decimal(maximum), category_id="")
            for name, maximum in items.items()
        }
        self.total = lms.LineItem(which, "Total", HUNDRED, kind="course_total")
        # an LMS that shows one of these two shows the other as well, unless a test takes it out
        self.other = replace(self.total, line_item_id=_other_of(which))
        self.categories: list[lms.Category] = []
        self.weighted: bool | None = None
        self.grades: dict[str, Scores] = {}
        self.totals: dict[str, tuple[str | None, bool]] = {}
        self.links = {name: f"sis-{name}" for name in items}
        if which == CURRENT:
            self.links[which] = "sis-total"
        self.sis_items = {
            f"sis-{name}": sis.LineItem(f"sis-{name}", name, "c", Decimal(0), Decimal(maximum))
            for name, maximum in items.items()
        }
        self.sis_items["own"] = sis.LineItem("own", "Year", "c", Decimal(0), HUNDRED)
        self.held: dict[str, dict[str, str]] = {}
        self.own: dict[str, str] = {}

    def student(
        self,
        name: str,
        total: str | None,
        own: str,
        *,
        overridden: bool = False,
        **scores: str | lms.Status | None,
    ) -> None:
        """Graded so in the LMS and sent so, unless `held` is changed afterwards."""
        self.grades[name] = scores
        self.totals[name] = (total, overridden)
        self.held[name] = {
            f"sis-{item}": one
            for item, one in scores.items()
            if isinstance(one, str) and not isinstance(one, lms.Status)
        }
        self.own[name] = own

    def results(self) -> list[lms.Result]:
        found = []
        for name, scores in self.grades.items():
            found += [_result(name, item, score) for item, score in scores.items()]
            total, overridden = self.totals[name]
            found.append(replace(_result(name, self.which, total), overridden=overridden))
        return found

    def book(self) -> lms.Gradebook:
        return lms.Gradebook(
            tuple(lms.Member(name) for name in self.grades),
            (*self.items.values(), self.total, *([self.other] if self.other.line_item_id else [])),
            tuple(self.results()),
            categories=tuple(self.categories),
            state=lms.CourseState(weighted=self.weighted),
        )

    def side(self) -> Side:
        results = [
            sis.Result(f"{name}-{item}", "c", item, f"s-{name}", sis.Value(Decimal(score)))
            for name, held in self.held.items()
            for item, score in held.items()
        ]
        own = [
            sis.OwnTotal(f"s-{name}", Decimal(one), HUNDRED, line_item_id="own")
            for name, one in self.own.items()
        ]
        students = {name: f"s-{name}" for name in self.grades}
        return Side(students, self.links, list(self.sis_items.values()), results, own)

    def compared(self) -> dict[str, Compared]:
        return {one.user_id: one for one in compare(self.book(), self.side())}

    def steps(self, name: str = "ada") -> dict[str, Decimal]:
        """What is said of her; the shares add up to the difference."""
        found = self.compared()[name]
        assert found.lms_percent is not None
        assert found.sis_percent is not None
        added = sum((one.points for one in found.steps), Decimal(0))
        assert abs(found.lms_percent + added - found.sis_percent) <= Decimal("0.0001") * len(found.steps)
        assert [one.code for one in found.steps] == [
            code for code in CODES if code in {one.code for one in found.steps}
        ]
        return {one.code: one.points for one in found.steps}


def _other_of(which: str) -> str:
    name, period_id = lms.parts_of_total(which)
    other = {"current": "final", "final": "current"}.get(name)
    return lms.course_total(other, period_id) if other else ""


def _result(user: str, item: str, score: str | lms.Status | None) -> lms.Result:
    if isinstance(score, lms.Status):
        return lms.Result(user, item, score)
    status = lms.Status.NOT_GRADED if score is None else lms.Status.GRADED
    return lms.Result(user, item, status, None if score is None else Decimal(score))


# --- what makes them differ, one thing at a time ---


def test_equal_totals_need_no_explanation() -> None:
    course = Course(essay="100", quiz="10")
    course.student("ada", "80", "80", essay="80", quiz="8")
    found = course.compared()["ada"]
    assert (found.steps, found.differ, found.explained) == ((), False, True)
    assert (found.lms, found.sis) == ("80", "80")


def test_a_total_that_the_sis_rounds_is_explained() -> None:
    course = Course(essay="100", quiz="10")
    course.student("ada", "80.45", "80", essay="80.5", quiz="8")
    assert course.steps() == {"lms-rounding": Decimal("0.0045"), "sis-rounding": Decimal("-0.4545")}
    assert course.compared()["ada"].explained


def weighted() -> Course:
    course = Course(essay="100", quiz="10")
    course.weighted = True
    course.categories = [lms.Category("e", "Essays", Decimal(20)), lms.Category("q", "Quizzes", Decimal(80))]
    course.items["essay"] = replace(course.items["essay"], category_id="e")
    course.items["quiz"] = replace(course.items["quiz"], category_id="q")
    return course


def test_weights_of_the_lms_are_told_from_plain_points() -> None:
    course = weighted()
    course.student("ada", "56", "77.27", essay="80", quiz="5")
    assert course.steps() == {"weights": Decimal("21.2727"), "sis-rounding": Decimal("-0.0027")}


def test_weights_that_add_to_less_than_a_hundred_are_stretched_and_more_are_not() -> None:
    groups = {"e": lms.Category("e", "E", Decimal(20)), "q": lms.Category("q", "Q", Decimal(20))}
    entries = [Entry("a", Decimal(5), Decimal(10), "e"), Entry("b", Decimal(10), Decimal(10), "q")]
    by = by_groups(entries, groups, weights=True, drops=False)
    assert by == 75
    heavy = {name: replace(one, weight=Decimal(60)) for name, one in groups.items()}
    assert by_groups(entries, heavy, weights=True, drops=False) == 90
    assert by_groups(entries[:1], groups, weights=True, drops=False) == 50, "an empty group does not count"
    assert by_groups([], groups, weights=True, drops=False) is None


def test_dropped_grades_are_told() -> None:
    course = Course(essay="10", quiz="10")
    course.categories = [lms.Category("g", "All", drop_lowest=1)]
    course.items = {name: replace(one, category_id="g") for name, one in course.items.items()}
    course.student("ada", "90", "70", essay="9", quiz="5")
    assert course.steps() == {"dropped": Decimal(-20)}


def test_work_that_the_lms_omits_and_the_sis_counts_is_told() -> None:
    course = Course(essay="10", quiz="10")
    course.items["quiz"] = replace(course.items["quiz"], omitted=True)
    course.student("ada", "90", "70", essay="9", quiz="5")
    assert course.steps() == {"omitted": Decimal(-20)}


def test_work_that_is_not_linked_is_told() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "70", "90", essay="9", quiz="5")
    del course.links["quiz"], course.sis_items["sis-quiz"], course.held["ada"]["sis-quiz"]
    assert course.steps() == {"unlinked": Decimal(20)}


def test_omitted_work_that_is_not_linked_plays_no_part() -> None:
    course = Course(essay="10", quiz="10")
    course.items["quiz"] = replace(course.items["quiz"], omitted=True)
    course.student("ada", "90", "90", essay="9", quiz="5")
    del course.links["quiz"], course.sis_items["sis-quiz"], course.held["ada"]["sis-quiz"]
    assert course.steps() == {}


@pytest.mark.parametrize("status", [lms.Status.NOT_GRADED, lms.Status.MISSING, lms.Status.PENDING])
def test_a_final_total_counts_ungraded_work_as_zero_and_the_sis_holds_nothing_there(
    status: lms.Status,
) -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "45", "90", essay="9", quiz=status)
    assert course.steps() == {"ungraded": Decimal(45)}


def test_excused_work_counts_on_neither_side() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "90", "90", essay="9", quiz=lms.Status.EXCUSED)
    assert course.steps() == {}


def test_a_grade_that_is_not_in_the_sis_yet_is_told() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "70", "90", essay="9", quiz="5")
    del course.held["ada"]["sis-quiz"]
    assert course.steps() == {"not-there": Decimal(20)}


def test_a_grade_that_was_edited_in_the_sis_is_told_from_one_that_it_rounds() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "70", "75", essay="9", quiz="5")
    course.held["ada"]["sis-quiz"] = "6"
    assert course.steps() == {"differs": Decimal(5)}
    course = Course(essay="10", quiz="10")
    course.student("ada", "72.5", "70", essay="9.5", quiz="5")
    course.held["ada"]["sis-essay"] = "9"
    assert course.steps() == {"rounded": Decimal("-2.5")}


def test_a_grade_that_stands_only_in_the_sis_is_told() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "70", essay="9")
    course.sis_items["project"] = sis.LineItem("project", "Project", "c", Decimal(0), Decimal(10))
    course.held["ada"]["project"] = "5"
    assert course.steps() == {"sis-only": Decimal(-20)}


def test_of_two_results_of_the_sis_for_one_grade_neither_counts() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "70", "90", essay="9", quiz="5")
    side = course.side()
    twice = [one for one in side.results if one.line_item_id == "sis-quiz"]
    (found,) = compare(course.book(), replace(side, results=[*side.results, *twice]))
    assert [(one.code, one.points) for one in found.steps] == [("not-there", Decimal(20))]


def test_another_maximum_in_the_sis_weighs_otherwise() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "70", "54", essay="9", quiz="5")
    course.sis_items["sis-quiz"] = replace(course.sis_items["sis-quiz"], maximum=Decimal(90))
    course.held["ada"]["sis-quiz"] = "45"
    assert course.steps() == {"maximum": Decimal(-16)}


def test_extra_credit_that_the_sis_does_not_count_is_told() -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", "110", "100", essay="12", quiz="10")
    course.student("ben", "50", "50", essay="5", quiz="5")
    assert course.steps() == {"sis-capped": Decimal(-10)}


def test_a_sis_that_counts_what_is_empty_as_zero_is_found_out() -> None:
    course = Course(CURRENT, essay="10", quiz="10")
    course.student("ada", "90", "45", essay="9", quiz=None)
    course.student("ben", "50", "50", essay="5", quiz="5")
    assert course.steps() == {"sis-zeros": Decimal(-45)}
    assert course.compared()["ben"].steps == ()


def test_a_sis_that_takes_the_mean_of_shares_is_found_out() -> None:
    course = Course(essay="100", quiz="10")
    course.student("ada", "78.18", "70", essay="80", quiz="6")
    course.student("ben", "50", "50", essay="50", quiz="5")
    assert set(course.steps()) == {"lms-rounding", "sis-mean"}


def test_an_override_is_named() -> None:
    course = Course(essay="10")
    course.student("ada", "95", "90", overridden=True, essay="9")
    assert course.steps() == {"override": Decimal(-5)}
    assert course.compared()["ada"].explained


# --- honest where it cannot be explained ---


def test_a_total_of_the_lms_that_its_rule_does_not_give_is_not_explained() -> None:
    course = Course(essay="10")
    course.student("ada", "93", "90", essay="9")
    assert course.steps() == {"lms-rule": Decimal(-3)}
    assert course.compared()["ada"].explained is False


def test_a_total_of_the_sis_that_no_known_rule_gives_is_not_explained() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "84", essay="9")
    assert course.steps() == {"sis-rule": Decimal(-6)}
    assert course.compared()["ada"].explained is False


def test_a_rule_that_fits_one_student_and_not_the_others_is_no_rule() -> None:
    course = Course(CURRENT, essay="10", quiz="10")
    course.student("ada", "90", "45", essay="9", quiz=None)
    course.student("ben", "50", "99", essay="5", quiz=None)
    assert course.steps() == {"sis-rule": Decimal(-45)}


def test_a_total_that_was_set_by_hand_in_the_sis_leaves_the_others_explained() -> None:
    course = Course(essay="30")
    course.student("ada", "90", "30", essay="27")
    course.student("ben", "66.67", "66.7", essay="20")
    course.student("cat", "33.33", "33.3", essay="10")
    assert course.steps() == {"sis-rule": Decimal(-60)}
    assert [one.explained for one in course.compared().values()] == [False, True, True]


def test_a_total_in_letters_is_shown_and_not_explained_by_numbers() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "90", essay="9")
    side = course.side()
    lettered = replace(side, own_totals=[sis.OwnTotal("s-ada", text="A-", line_item_id="own")])
    (found,) = compare(course.book(), lettered)
    assert (found.lms, found.sis, found.explained, found.differ) == ("90", "A-", None, True)


def test_a_student_without_a_total_in_the_lms_is_listed() -> None:
    course = Course(essay="10")
    course.student("ada", None, "90", essay="9")
    found = course.compared()["ada"]
    assert (found.lms, found.sis, found.explained) == ("", "90", None)


# --- what is compared at all ---


def test_a_sis_that_computes_no_total_is_not_compared() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "90", essay="9")
    assert compare(course.book(), replace(course.side(), own_totals=[])) == []


def test_a_column_that_we_fill_is_no_total_of_the_siss_own() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "90", essay="9")
    course.links[FINAL] = "own"
    assert course.compared() == {}


def test_an_lms_without_a_total_is_not_compared() -> None:
    course = Course(essay="10")
    course.student("ada", "90", "90", essay="9")
    book = course.book()
    items = tuple(one for one in book.line_items if one.kind != "course_total")
    assert compare(replace(book, line_items=items), course.side()) == []


def test_the_total_that_is_sent_is_the_one_that_is_compared() -> None:
    course = Course(essay="10")
    of_period = lms.LineItem(lms.course_total("final", "p"), "Q1", HUNDRED, kind="course_total")
    current = course.other
    own = lms.LineItem(lms.course_total("calculated"), "Own", HUNDRED, kind="course_total")
    book = replace(course.book(), line_items=(of_period, own, current, course.total))
    assert totals.chosen_total(book, {}) == course.total
    assert totals.chosen_total(book, {own.line_item_id: "x"}) == own
    assert totals.chosen_total(replace(book, line_items=(of_period, own)), {}) == own
    assert totals.chosen_total(replace(book, line_items=()), {}) is None


def test_a_total_of_a_period_counts_that_periods_work_only() -> None:
    course = Course(lms.course_total("final", "p1"), essay="10", quiz="10")
    course.items["essay"] = replace(course.items["essay"], period_id="p1")
    course.items["quiz"] = replace(course.items["quiz"], period_id="p2")
    course.student("ada", "90", "70", essay="9", quiz="5")
    assert course.steps() == {"sis-only": Decimal(-20)}


def test_what_a_total_of_another_word_makes_of_ungraded_work_is_seen_from_the_totals() -> None:
    course = Course(lms.course_total("calculated"), essay="10", quiz="10")
    course.student("ada", "45", "90", essay="9", quiz=None)
    assert course.steps() == {"ungraded": Decimal(45)}
    course = Course(lms.course_total("calculated"), essay="10", quiz="10")
    course.student("ada", "90", "90", essay="9", quiz=None)
    assert course.steps() == {}


def test_what_stands_alone_is_not_taken_for_one_of_two() -> None:
    """Moodle's one total, whose id is that of Canvas's current one, may count ungraded work as zero."""
    course = Course(CURRENT, essay="10", quiz="10")
    course.other = replace(course.other, line_item_id="")
    course.student("ada", "45", "90", essay="9", quiz=None)
    assert course.steps() == {"ungraded": Decimal(45)}


def test_a_total_may_count_what_is_missing_as_zero_and_leave_out_what_is_not_graded() -> None:
    course = Course(FINAL, essay="10", quiz="10", test="20")
    course.other = replace(course.other, line_item_id="")
    course.student("ada", "45", "90", essay="9", quiz=lms.Status.MISSING, test=None)
    course.student("bo", "90", "90", essay="9", quiz=None, test=None)
    assert course.steps() == {"ungraded": Decimal(45)}
    assert course.steps("bo") == {}


def test_totals_of_the_sis_stand_in_the_one_column_that_it_computes() -> None:
    adapter = sis_memory.Memory(Settings("m", "memory:totals"))
    own = sis.LineItem("own", "Year", "c", maximum=HUNDRED, computed=True)
    items = [own, sis.LineItem("x", "Essay", "c")]
    rows = [
        sis.Result("1", "c", "own", "ada", sis.Value(Decimal(90))),
        sis.Result("2", "c", "own", "ada", sis.Value(Decimal(80))),
        sis.Result("3", "c", "own", "ben", sis.Value(Decimal(70), "C")),
        sis.Result("4", "c", "own", "cat", None),
        sis.Result("5", "c", "x", "dan", sis.Value(Decimal(1))),
    ]
    ben = sis.OwnTotal("ben", Decimal(70), HUNDRED, "C", "own")
    assert adapter.own_totals("c", items, rows) == [ben], "ada has two: not chosen among"
    assert adapter.own_totals("c", items[1:], rows) == []
    assert adapter.own_totals("c", [*items, replace(own, sourced_id="own2")], rows) == []


# --- hostile numbers ---


@pytest.mark.parametrize(
    "maximum",
    [None, Decimal("NaN"), Decimal("-5"), Decimal("Infinity"), Decimal("1e-99"), Decimal("1e99")],
)
def test_an_item_without_a_usable_maximum_counts_nowhere(maximum: Decimal | None) -> None:
    course = Course(essay="10", quiz="10")
    course.items["quiz"] = replace(course.items["quiz"], maximum=maximum)
    course.sis_items["sis-quiz"] = replace(course.sis_items["sis-quiz"], maximum=None)
    course.student("ada", "90", "90", essay="9", quiz="5")
    assert course.steps() == {}


@pytest.mark.parametrize("number", ["NaN", "1e400", "1e-400", "-1e300", "Infinity"])
def test_no_number_of_either_side_sinks_the_comparison(number: str) -> None:
    course = Course(essay="10", quiz="10")
    course.student("ada", number, "90", essay="9", quiz=number)
    course.student("ben", "90", number, essay="9", quiz="9")
    course.student("cat", "33.33", "33.3", essay=number, quiz="1")
    course.categories = [lms.Category("", "All", Decimal(number), drop_lowest=10**9)]
    course.weighted = True
    found = course.compared()
    assert [one.user_id for one in found.values()] == ["ada", "ben", "cat"]
    assert [one.difference is None for one in found.values()] == [True, True, False]


def test_points_of_an_item_without_points_are_extra_credit() -> None:
    course = Course(essay="10", bonus="0")
    course.student("ada", "100", "90", essay="9", bonus="1")
    del course.links["bonus"], course.sis_items["sis-bonus"], course.held["ada"]["sis-bonus"]
    assert course.steps() == {"unlinked": Decimal(-10)}


def test_nothing_graded_anywhere_is_nothing_to_explain() -> None:
    course = Course(CURRENT, essay="10")
    course.student("ada", None, "0", essay=None)
    assert course.compared()["ada"].explained is None


# --- for any grades ---

entries_ = st.lists(
    st.builds(
        Entry,
        st.just("x"),
        st.decimals(0, 20, places=1),
        st.sampled_from([Decimal(5), Decimal(10), Decimal(20)]),
        st.just("g"),
    ),
    min_size=1,
    max_size=7,
)


@given(entries_, st.integers(0, 8))
def test_the_lowest_left_out_are_those_that_make_the_rest_the_best(entries: list[Entry], count: int) -> None:
    category = lms.Category("g", "G", drop_lowest=count)
    found = by_groups(entries, {"g": category}, weights=False, drops=True)
    left = len(entries) - min(count, len(entries) - 1)
    best = max(_share(kept) for kept in combinations(entries, left))
    assert found is not None
    assert abs(Fraction(found) - best) < Fraction(1, 10**20)


@given(entries_, st.integers(0, 8))
def test_the_highest_left_out_are_those_that_make_the_rest_the_worst(
    entries: list[Entry], count: int
) -> None:
    category = lms.Category("g", "G", drop_highest=count)
    found = by_groups(entries, {"g": category}, weights=False, drops=True)
    left = len(entries) - min(count, len(entries) - 1)
    worst = min(_share(kept) for kept in combinations(entries, left))
    assert found is not None
    assert abs(Fraction(found) - worst) < Fraction(1, 10**20)


def _share(kept: tuple[Entry, ...]) -> Fraction:
    points = sum((Fraction(one.score) for one in kept), Fraction(0))
    return points * 100 / sum((Fraction(one.maximum) for one in kept), Fraction(0))


grades_ = st.none() | st.decimals(0, 12, places=1).map(str) | st.sampled_from(lms.Status)


@given(
    st.lists(st.tuples(grades_, grades_, grades_, st.decimals(0, 110, places=2), st.decimals(0, 110, places=1)), min_size=1, max_size=4),
    st.booleans(), st.integers(0, 2), st.booleans(), st.sampled_from([FINAL, CURRENT, lms.course_total("own")]),
)  # fmt: skip
def test_whatever_the_grades_the_shares_add_up_to_the_difference(  # type: ignore[no-untyped-def]  # hypothesis fills them
    students, weights, drops, omitted, which
) -> None:
    course = Course(which, one="10", two="20", three="5")
    course.weighted = weights
    course.categories = [lms.Category("g", "G", Decimal(70), drops), lms.Category("h", "H", Decimal(40))]
    groups = {"one": "g", "two": "h", "three": "g"}
    course.items = {name: replace(one, category_id=groups[name]) for name, one in course.items.items()}
    course.items["three"] = replace(course.items["three"], omitted=omitted)
    for number, (one, two, three, total, own) in enumerate(students):
        course.student(f"u{number}", str(total), str(own), one=one, two=two, three=three)
    del course.links["two"]
    for name in course.compared():
        course.steps(name)
