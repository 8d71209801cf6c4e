"""A new assignment's dates are proposed inside a grading period of the SIS."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from sync.periods import Period, fitting, placed

FALL = Period("f", "Fall", date(2026, 9, 1), date(2026, 12, 20))
SPRING = Period("s", "Spring", date(2027, 1, 10), date(2027, 6, 10))
UNDATED = Period("u", "Some time")
DAYS = st.dates(date(2026, 1, 1), date(2028, 1, 1))


def test_the_period_that_holds_the_day_comes_before_all() -> None:
    assert fitting(date(2027, 2, 1), [UNDATED, FALL, SPRING]) == SPRING


def test_a_day_between_two_periods_goes_to_the_nearer_one() -> None:
    assert fitting(date(2026, 12, 22), [SPRING, FALL]) == FALL
    assert fitting(date(2027, 1, 8), [FALL, SPRING]) == SPRING


def test_without_dates_the_first_that_the_sis_names_is_taken() -> None:
    assert fitting(date(2026, 12, 22), [UNDATED]) == UNDATED
    assert fitting(date(2026, 12, 22), []) is None


def test_dates_outside_are_moved_to_the_edge_of_the_period() -> None:
    assert placed(date(2026, 8, 1), date(2026, 8, 8), FALL) == (date(2026, 9, 1), date(2026, 9, 1))
    assert placed(date(2026, 12, 18), date(2026, 12, 25), FALL) == (date(2026, 12, 18), date(2026, 12, 20))


@given(DAYS, DAYS, st.sampled_from([FALL, SPRING, UNDATED, None]))
def test_the_first_date_is_never_after_the_second(assigned: date, due: date, period: Period | None) -> None:
    first, second = placed(assigned, due, period)
    assert first <= second
    assert period in (None, UNDATED) or (period is not None and period.holds(first) and period.holds(second))
