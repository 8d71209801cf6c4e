"""Grade schemes as Brightspace applies them: which one stands where, exact starts, nothing below the lowest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.cutoffs import Cutoffs
from sync.lms import records as lms
from sync.lms.brightspace.schemes import Schemes
from tests.lms.brightspace_wire import GRADES, NO_RIGHT, BrightspaceWire
from tests.lms.test_brightspace import about, item, read, result
from tests.lms.test_brightspace_totals import ADJUSTED

SCHEMES = f"{GRADES}/schemes/"


def test_item_without_a_scheme_of_its_own_follows_the_courses_default(bright: BrightspaceWire) -> None:
    book = read()
    assert (item(book, "501").scheme_id, item(book, "502").scheme_id) == ("61", "61")
    assert {item(book, one).scheme_id for one in ("506", "507", ADJUSTED)} == {"61"}


def test_own_scheme_of_an_item_goes_before_the_default(bright: BrightspaceWire) -> None:
    assert item(read(), "504").scheme_id == "62"


def test_built_in_percentage_makes_no_letters(bright: BrightspaceWire) -> None:
    book = read()
    assert item(book, "508").scheme_id == ""
    assert "0" not in book.schemes


@pytest.mark.parametrize("default", [0, "0", None])
def test_course_that_shows_percentages_has_no_scheme(bright: BrightspaceWire, default: Any) -> None:
    bright.whole[f"{GRADES}/setup/"]["DefaultGradeSchemeId"] = default
    for item_id in (502, 504):
        bright.object(item_id, GradeSchemeId=None)
    book = read()
    assert (book.schemes, {one.scheme_id for one in book.line_items}) == ({}, {""})
    assert SCHEMES not in bright.paths()


@pytest.mark.parametrize("item_id", ["503", "505"])
def test_pass_fail_and_text_have_no_scheme(bright: BrightspaceWire, item_id: str) -> None:
    assert item(read(), item_id).scheme_id == ""


def test_scheme_says_how_brightspace_applies_it(bright: BrightspaceWire) -> None:
    scheme = read().schemes["61"]
    assert (scheme.places, scheme.below_all, scheme.clamped, scheme.points_based) == (
        None,
        "none",
        False,
        False,
    )
    assert scheme.title == "Letters"
    assert "Brightspace" in scheme.source


def test_starts_are_fractions_digit_for_digit(bright: BrightspaceWire) -> None:
    entries = read().schemes["61"].entries
    assert [(one.name, one.lower) for one in entries] == [
        ("F", Decimal(0)),
        ("D", Decimal("0.6")),
        ("C", Decimal("0.69995")),
        ("B", Decimal("0.8")),
        ("A", Decimal("0.9")),
    ]
    # the value that Brightspace assigns to a symbol is a percentage, not a grade point
    assert {one.gpa for one in entries} == {None}


@pytest.mark.parametrize(
    ("scheme_id", "percent", "symbol"),
    [
        ("61", "69.995", "C"),
        ("61", "69.9949999", "D"),
        ("61", "89.999999", "B"),
        ("61", "120", "A"),
        ("61", "0", "F"),
        ("62", "49.99", "Emerging"),
        ("62", "9.99", None),
    ],
)
def test_unrounded_grade_decides_and_below_the_lowest_start_there_is_no_symbol(
    bright: BrightspaceWire, scheme_id: str, percent: str, symbol: str | None
) -> None:
    found = Cutoffs.of(read().schemes[scheme_id]).reached(Decimal(percent), Decimal(100))
    assert (found.name if found else None) == symbol


@given(st.decimals(min_value=0, max_value=200, allow_nan=False, places=60))
@settings(max_examples=100, deadline=None)
def test_any_start_keeps_all_its_digits(start: Decimal) -> None:
    schemes = Schemes({"DefaultGradeSchemeId": 9})
    schemes.take([{"Id": 9, "Ranges": [{"PercentStart": start, "Symbol": "A"}]}], {"9"})
    (entry,) = schemes.found["9"].entries
    assert entry.lower.as_tuple().digits == start.as_tuple().digits
    assert str(entry.lower.scaleb(2).normalize()) == str(start.normalize()) or entry.lower.is_zero()


@pytest.mark.parametrize("start", [None, "90", True, [90]])
def test_start_that_is_no_number_makes_the_scheme_unusable(bright: BrightspaceWire, start: Any) -> None:
    bright.whole[SCHEMES][1]["Ranges"][0]["PercentStart"] = start
    assert read().schemes["61"].entries[0].lower.is_nan()


@pytest.mark.parametrize("ranges", [None, "A", [], [7, None]])
def test_scheme_without_ranges_has_no_entries(bright: BrightspaceWire, ranges: Any) -> None:
    bright.whole[SCHEMES][1]["Ranges"] = ranges
    assert read().schemes["61"].entries == ()


def test_scheme_that_the_list_leaves_out_is_asked_for_by_itself(bright: BrightspaceWire) -> None:
    bright.whole[f"{SCHEMES}62"] = bright.whole[SCHEMES].pop()
    book = read()
    assert set(book.schemes) == {"61", "62"}
    assert result(book, "1001", "504").text == "Good"
    assert about(book, "grade scheme") == []


def test_scheme_that_may_not_be_read_is_missing_and_said(bright: BrightspaceWire) -> None:
    bright.whole[SCHEMES].pop()
    book = read()
    assert item(book, "504").scheme_id == "62"
    assert "62" not in book.schemes
    assert about(book, "grade scheme of this course may not be read")


def test_choice_whose_scheme_is_not_known_keeps_the_word_shown(bright: BrightspaceWire) -> None:
    bright.answers[SCHEMES] = (403, {}, NO_RIGHT)
    bright.value("504", "1002", DisplayedGrade="10 / 10")
    bright.whole[f"{GRADES}/504/exemptions/"] = []
    book = read()
    assert (result(book, "1001", "504").text, result(book, "1002", "504").text) == ("Good", None)
    assert result(book, "1001", "502").text is None


def test_settings_that_may_not_be_read_leave_no_default(bright: BrightspaceWire) -> None:
    bright.answers[f"{GRADES}/setup/"] = (403, {}, NO_RIGHT)
    book = read()
    assert (item(book, "501").scheme_id, item(book, "502").scheme_id) == ("", "61")
    assert book.state == lms.CourseState(published=True, concluded=False)
    assert about(book, "default grade scheme is not known")
