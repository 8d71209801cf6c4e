"""Which grading scheme decides, and where it was found: fetched, never assumed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.canvas.schemes import BUILT_IN
from tests.lms.canvas_wire import ANA, COURSE, CanvasWire, canvas, course

FORBIDDEN = (403, {}, '{"status":"unauthorized","errors":[]}')


def read() -> lms.Gradebook:
    return canvas().read_gradebook(course())


def scheme_of(book: lms.Gradebook, item_id: str) -> lms.GradeScheme | None:
    item = next(one for one in book.line_items if one.line_item_id == item_id)
    return book.schemes.get(item.scheme_id)


def names(scheme: lms.GradeScheme | None) -> list[str]:
    assert scheme is not None
    return [entry.name for entry in scheme.entries]


def test_points_course_without_letters_needs_no_scheme_and_asks_for_none(wire: CanvasWire) -> None:
    book = read()
    assert book.schemes == {}
    assert {item.scheme_id for item in book.line_items} == {""}
    assert not [path for path in wire.paths() if "grading_standards" in path]


def test_course_names_its_own_scheme(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "12"
    wire.assignment("601", grading_type="letter_grade")
    found = scheme_of(read(), "601")
    assert found is not None
    assert (found.scheme_id, found.source, names(found)) == ("course:12", "this course", ["A", "B", "F"])


def test_scheme_of_an_account_above_is_found_by_walking_up(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "50"
    found = scheme_of(read(), "601")
    assert found is not None
    assert (found.scheme_id, found.source) == ("account:50", "the account North High")
    assert found.entries[1] == lms.SchemeEntry("B", Decimal("0.83"))
    assert "/accounts/1/grading_standards" not in wire.paths()  # found before the top


def test_assignments_own_scheme_comes_before_the_courses(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "12"
    wire.assignment("601", grading_type="letter_grade", grading_standard_id="40")
    wire.assignment("602", grading_type="letter_grade")
    book = read()
    assert names(scheme_of(book, "601")) == ["P", "N"]
    assert names(scheme_of(book, "602")) == ["A", "B", "F"]


def test_points_assignment_of_a_lettered_course_carries_the_courses_scheme(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "12"
    wire.assignment("602", grading_standard_id="40")  # left over from when it was lettered
    book = read()
    assert names(scheme_of(book, "602")) == ["A", "B", "F"]
    assert names(scheme_of(book, lms.COURSE_TOTAL_FINAL)) == ["A", "B", "F"]


def test_pass_fail_and_ungraded_assignments_carry_no_letter_scheme(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "12"
    book = read()
    assert (scheme_of(book, "603"), scheme_of(book, "605")) == (None, None)


@pytest.mark.parametrize("stated", [None, 0, "0"])
def test_built_in_default_only_where_letters_are_in_use_and_nothing_is_named(
    wire: CanvasWire, stated: object
) -> None:
    wire.course["grading_standard_id"] = stated
    wire.assignment("601", grading_type="letter_grade")
    found = scheme_of(read(), "601")
    assert found is not None
    assert "built-in default" in found.source
    assert [(entry.name, entry.lower) for entry in found.entries] == [
        (name, Decimal(lower)) for name, lower in BUILT_IN
    ]


def test_default_of_the_account_as_newer_canvas_states_it_comes_before_the_built_in(wire: CanvasWire) -> None:
    wire.course["grading_scheme"] = [["High", Decimal("0.5")], ["Low", 0]]
    wire.assignment("601", grading_type="letter_grade")
    found = scheme_of(read(), "601")
    assert names(found) == ["High", "Low"]
    assert found is not None and "account's default" in found.source


def test_totals_with_letters_use_the_scheme_in_force(wire: CanvasWire) -> None:
    wire.enrollment(ANA)["grades"]["current_grade"] = "F"
    assert names(scheme_of(read(), lms.COURSE_TOTAL_CURRENT))[:2] == ["A", "A-"]


def test_scheme_that_the_token_may_not_see_is_said_and_no_other_takes_its_place(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "50"
    wire.assignment("601", grading_type="letter_grade")
    wire.answers["/accounts/31"] = FORBIDDEN
    book = read()
    assert book.schemes == {}
    assert scheme_of(book, "601") is None
    assert [text for text in book.warnings if "account that the access token may not read" in text]


def test_unreadable_accounts_scheme_is_taken_from_the_course_that_states_it(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "50"
    wire.course["grading_scheme"] = [["A", Decimal("0.93")], ["F", 0]]
    wire.answers["/accounts/31"] = FORBIDDEN
    book = read()
    assert names(scheme_of(book, "601")) == ["A", "F"]
    assert book.warnings == ()


def test_busy_canvas_while_looking_for_the_scheme_fails_the_read(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "50"
    wire.answers["/accounts/12/grading_standards"] = (503, {}, "")
    with pytest.raises(TryLater):
        read()


def test_course_whose_own_schemes_may_not_be_read_is_read_without_them(wire: CanvasWire) -> None:
    """A scoped key may lack this one address."""
    wire.course["grading_standard_id"] = "12"
    wire.answers[f"{COURSE}/grading_standards"] = FORBIDDEN
    book = read()
    assert scheme_of(book, "601") is None
    assert [text for text in book.warnings if "may not read" in text]


def test_scheme_that_cannot_be_asked_for_another_reason_fails_the_read(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "50"
    wire.answers["/accounts/12"] = (400, {}, "")
    with pytest.raises(Misconfigured):
        read()


def test_points_based_scheme_is_compared_by_its_fractions(wire: CanvasWire) -> None:
    """Its scaling factor is for showing only: Canvas stores and compares fractions (app/models/grading_standard.rb)."""
    wire.course["grading_standard_id"] = "12"
    wire.rows[f"{COURSE}/grading_standards"][0].update(
        points_based=True,
        scaling_factor=4,
        grading_scheme=[
            {"name": "4.0", "value": Decimal("0.95"), "calculated_value": Decimal("3.8")},
            {"name": "0", "value": 0, "calculated_value": 0},
        ],
    )
    found = scheme_of(read(), "601")
    assert found is not None and found.points_based
    assert [entry.lower for entry in found.entries] == [Decimal("0.95"), Decimal(0)]
    assert (found.places, found.below_all, found.clamped) == (4, "lowest", False)


def test_accounts_that_lead_in_a_circle_end_the_search(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "77"
    wire.one["/accounts/1"]["parent_account_id"] = "31"
    assert [text for text in read().warnings if "may not read" in text]


def test_number_names_are_gpa_points_and_letters_are_not(wire: CanvasWire) -> None:
    wire.course["grading_standard_id"] = "60"
    found = scheme_of(read(), "601")
    assert found is not None and found.points_based
    assert [entry.gpa for entry in found.entries] == [Decimal("4.0"), Decimal("3.0"), Decimal("0.0")]
    wire.course["grading_standard_id"] = "12"
    found = scheme_of(read(), "601")
    assert found is not None and {entry.gpa for entry in found.entries} == {None}


def own_scheme(wire: CanvasWire, entries: list[dict[str, Any]]) -> lms.GradeScheme:
    wire.course["grading_standard_id"] = "12"
    wire.rows[f"{COURSE}/grading_standards"][0]["grading_scheme"] = entries
    found = scheme_of(read(), "601")
    assert found is not None
    return found


def test_bounds_have_four_decimals_as_canvas_compares_them(wire: CanvasWire) -> None:
    found = own_scheme(wire, [{"name": "A", "value": Decimal("0.89995")}, {"name": "F", "value": 0}])
    assert [entry.lower for entry in found.entries] == [Decimal("0.9"), Decimal(0)]


def test_unsorted_scheme_with_a_gap_is_kept_as_sent(wire: CanvasWire) -> None:
    entries = [{"name": "C", "value": Decimal("0.5")}, {"name": "A", "value": Decimal("0.9")}]
    assert names(own_scheme(wire, entries)) == ["C", "A"]


@pytest.mark.parametrize("value", ["0.9", None, True, Decimal("1E+30")])
def test_bound_that_is_no_number_makes_the_scheme_unusable_instead_of_the_read(
    wire: CanvasWire, value: object
) -> None:
    found = own_scheme(wire, [{"name": "A", "value": value}, {"name": "F", "value": 0}])
    assert found.entries[0].lower.is_nan()


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.pop("grading_scheme"),
        lambda row: row.update(grading_scheme=None),
        lambda row: row.update(grading_scheme=["A"]),
    ],
)
def test_scheme_without_entries_is_empty(
    wire: CanvasWire, change: Callable[[dict[str, Any]], object]
) -> None:
    wire.course["grading_standard_id"] = "12"
    change(wire.rows[f"{COURSE}/grading_standards"][0])
    found = scheme_of(read(), "601")
    assert found is not None and found.entries == ()
