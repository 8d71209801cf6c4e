"""Brightspace's two final grades: which pair of numbers counts, who adjusted what, and what may not be read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from sync.lms import records as lms
from tests.lms.brightspace_wire import ANA, BULK, FINALS, GRADES, NO_RIGHT, ZOE, BrightspaceWire
from tests.lms.test_brightspace import about, read, result

CALCULATED, ADJUSTED = "course_total:calculated", "course_total:adjusted"


def test_both_final_grades_are_line_items_by_brightspaces_own_names(bright: BrightspaceWire) -> None:
    totals = [one for one in read().line_items if one.kind == "course_total"]
    assert [
        (one.line_item_id, one.title, one.maximum, one.grading_type, one.scheme_id) for one in totals
    ] == [
        (CALCULATED, "Final Calculated Grade", Decimal(100), "percent", "61"),
        (ADJUSTED, "Final Adjusted Grade", Decimal(100), "percent", "61"),
    ]
    assert [one.position for one in totals] == [9, 10]


def test_weighted_course_counts_the_weighted_pair(bright: BrightspaceWire) -> None:
    bright.value("final", ANA, PointsNumerator=9.257, PointsDenominator=60)
    book = read()
    assert (result(book, ANA, CALCULATED).score, result(book, ANA, CALCULATED).maximum) == (
        Decimal("18.514"),
        Decimal(100),
    )
    assert (result(book, ZOE, CALCULATED).score, result(book, ZOE, CALCULATED).maximum) == (
        Decimal("39.9"),
        Decimal(57),
    )


def test_points_course_counts_the_points(bright: BrightspaceWire) -> None:
    bright.whole[f"{GRADES}/setup/"]["GradingSystem"] = "Points"
    bright.value("final", ANA, PointsNumerator=36, PointsDenominator=50)
    found = result(read(), ANA, CALCULATED)
    assert (found.score, found.maximum) == (Decimal(36), Decimal(50))


def test_adjusted_grade_without_a_weighted_pair_has_its_points(bright: BrightspaceWire) -> None:
    found = result(read(), ANA, ADJUSTED)
    assert (found.score, found.maximum, found.text) == (Decimal(60), Decimal(100), "D")


def test_adjusted_grade_that_differs_was_typed_by_a_person(bright: BrightspaceWire) -> None:
    book = read()
    assert result(book, ANA, ADJUSTED).overridden
    # 70 of 100 is exactly 39.9 of 57: carried over, not changed
    assert not result(book, ZOE, ADJUSTED).overridden
    assert not result(book, ANA, CALCULATED).overridden


def test_adjusted_grade_where_nothing_is_computed_was_typed(bright: BrightspaceWire) -> None:
    bright.value("final", ANA, WeightedNumerator=None)
    assert result(read(), ANA, ADJUSTED).overridden


def test_final_grade_that_is_not_released_is_hidden_from_the_student(bright: BrightspaceWire) -> None:
    book = read()
    assert result(book, ANA, CALCULATED).posted
    assert not result(book, ZOE, CALCULATED).posted


def test_version_without_release_dates_says_nothing_of_them(bright: BrightspaceWire) -> None:
    del next(row for row in bright.paged[FINALS] if row["User"]["Identifier"] == ZOE)["GradeValue"][
        "ReleasedDate"
    ]
    assert result(read(), ZOE, CALCULATED).posted


def test_course_that_gives_out_the_adjusted_grade_has_the_calculated_one_too(bright: BrightspaceWire) -> None:
    finals = bright.paged[FINALS]
    for row in finals:
        row["GradeValue"] |= {"GradeObjectType": 8, "GradeObjectIdentifier": "592"}
    bright.paged[BULK] = [
        row | {"GradeObjectType": 7, "GradeObjectIdentifier": "591"} for row in bright.paged[BULK]
    ]
    book = read()
    assert (result(book, ANA, ADJUSTED).score, result(book, ANA, CALCULATED).score) == (
        Decimal("18.514"),
        Decimal(60),
    )


@pytest.mark.parametrize("kind", [8, 6, None, [7], "7"])
def test_kinds_that_are_mixed_are_known_of_nobody_until_each_is_read(
    bright: BrightspaceWire, kind: Any
) -> None:
    bright.value("final", ZOE, GradeObjectType=kind)
    read()
    asked = [str(one.url) for one in bright.requests if urlsplit(str(one.url)).path == BULK]
    assert {url.partition("gradeObjectTypeId=")[2][:1] for url in asked} == {"7", "8"}


def test_final_grades_of_a_course_that_has_none_yet_are_offered(bright: BrightspaceWire) -> None:
    for row in bright.paged[FINALS]:
        row["GradeValue"] = None
    bright.paged[BULK] = []
    book = read()
    assert {CALCULATED, ADJUSTED} <= {one.line_item_id for one in book.line_items}
    assert result(book, ANA, CALCULATED).status is lms.Status.NOT_GRADED


def test_list_that_ignores_its_filter_is_filtered_here(bright: BrightspaceWire) -> None:
    for row in bright.paged[BULK]:
        row["GradeObjectType"] = 1
    bright.answers[BULK] = (200, {}, '{"Next": null, "Objects": [{"UserId": "1001", "GradeObjectIdentifier": "501", '
                            '"GradeObjectType": 1, "PointsNumerator": 10}]}')  # fmt: skip
    assert result(read(), ANA, ADJUSTED).status is lms.Status.NOT_GRADED


@pytest.mark.parametrize("answer", [(404, "{}"), (403, NO_RIGHT), (400, "{}")])
def test_final_grade_that_may_not_be_read_is_not_offered_and_said(
    bright: BrightspaceWire, answer: tuple[int, str]
) -> None:
    bright.answers[BULK] = (answer[0], {}, answer[1])
    book = read()
    assert ADJUSTED not in {one.line_item_id for one in book.line_items}
    assert about(book, "Final Adjusted Grade may not be read")
    assert result(book, ANA, CALCULATED).score == Decimal("18.514")


def test_final_points_that_are_no_number_are_a_problem_of_one_result(bright: BrightspaceWire) -> None:
    bright.value("final", ANA, WeightedNumerator="many", DisplayedGrade="A")
    found = result(read(), ANA, CALCULATED)
    assert (found.status, found.score_error, found.text) == (lms.Status.NOT_GRADED, "not-a-number", None)


def test_totals_are_not_read_where_nobody_wants_them(bright: BrightspaceWire) -> None:
    book = read(course_totals="no")
    assert [one for one in book.line_items if one.kind == "course_total"] == []
    assert FINALS not in bright.paths()
