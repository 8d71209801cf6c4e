"""Grading periods and the dates that fall into them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """One that a new item may name; the SIS need not date it."""

    period_id: str
    title: str
    begins: date | None = None
    ends: date | None = None

    def holds(self, day: date) -> bool:
        return self.begins is not None and self.ends is not None and self.begins <= day <= self.ends

    def nearest(self, day: date) -> date:
        """The day of this period that is nearest to `day`."""
        day = day if self.begins is None else max(day, self.begins)
        return day if self.ends is None else min(day, self.ends)


def fitting(day: date, periods: Sequence[Period]) -> Period | None:
    """The first that holds the day, else the nearest dated one, else the SIS's own first."""
    holding = next((one for one in periods if one.holds(day)), None)
    dated = [one for one in periods if one.begins and one.ends and one.begins <= one.ends]
    near = min(dated, key=lambda one: abs(one.nearest(day) - day), default=None)
    return holding or near or (periods[0] if periods else None)


def placed(assigned: date, due: date, period: Period | None) -> tuple[date, date]:
    """Both dates moved into the period, the first never after the second."""
    if period is None:
        return min(assigned, due), due
    due = period.nearest(due)
    return period.nearest(min(assigned, due)), due


def week_before(day: date) -> date:
    return day - timedelta(days=7)
