"""Canvas's course totals, of the whole course or of one grading period, as line items and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sync.lms import records as lms
from sync.lms.base import number, text_of

if TYPE_CHECKING:
    from sync.lms.canvas.people import Enrolment

Row = Mapping[str, Any]

HUNDRED: Final = Decimal(100)
CURRENT, FINAL, OVERRIDE = "current", "final", "override"


@dataclass(frozen=True, slots=True)
class Standing:
    """One total of one student: a score, a letter, both or neither; `error` says why a score is none."""

    score: Decimal | None
    text: str | None
    error: str

    @property
    def is_given(self) -> bool:
        return not self.error and (self.score is not None or self.text is not None)


@dataclass(frozen=True, slots=True)
class Grades:
    """A student's totals. None: Canvas does not show this one to the account.

    `hidden_change`: grades that are not posted to the student yet would change her totals.
    """

    current: Standing | None
    final: Standing | None
    override: Standing | None
    hidden_change: bool = False


def grades_of(enrollment: Row) -> Grades | None:
    """Canvas leaves the scores out for an account that may not see them: absent is not null."""
    grades = enrollment.get("grades")
    if not isinstance(grades, Mapping):
        return None
    # the API's model lists the override beside the grades; older Canvas put it into them
    stated = {name: enrollment[name] for name in ("override_score", "override_grade") if name in enrollment}
    return Grades(
        _standing(grades, CURRENT),
        _standing(grades, FINAL),
        _standing({**stated, **grades}, OVERRIDE),
        any(_differs(grades, f"{which}_score") for which in (CURRENT, FINAL)),
    )


def _standing(grades: Row, which: str) -> Standing | None:
    if f"{which}_score" not in grades:
        return None
    score, error = number(grades.get(f"{which}_score"))
    return Standing(score, text_of(grades.get(f"{which}_grade")) or None, error)


def _differs(grades: Row, name: str) -> bool:
    return f"unposted_{name}" in grades and grades[f"unposted_{name}"] != grades.get(name)


# --- line items -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Total:
    """One total that is offered: which of Canvas's, of which grading period (None: the whole course)."""

    which: str
    period: lms.GradingPeriod | None = None

    @property
    def line_item_id(self) -> str:
        return lms.course_total(self.which, self.period.period_id if self.period else "")

    def line_item(self, scheme_id: str, position: int) -> lms.LineItem:
        title = f"Course total ({self.which})"
        return lms.LineItem(
            self.line_item_id,
            f"{title}, {self.period.title}" if self.period else title,
            HUNDRED,
            "course_total",
            "percent",
            scheme_id,
            position=position,
            period_id=self.period.period_id if self.period else "",
        )

    def result(self, user_id: str, grades: Grades) -> lms.Result:
        """A teacher's override stands instead of both computed totals, as it does on Canvas's own pages."""
        override = grades.override
        overridden = override is not None and (override.is_given or bool(override.error))
        computed = {CURRENT: grades.current, FINAL: grades.final}.get(self.which)
        standing = (override if overridden else computed) or Standing(None, None, "")
        return lms.Result(
            user_id=user_id,
            line_item_id=self.line_item_id,
            status=lms.Status.GRADED if standing.is_given else lms.Status.NOT_GRADED,
            score=standing.score if standing.is_given else None,
            maximum=HUNDRED,
            text=standing.text if standing.is_given else None,
            score_error=standing.error,
            overridden=overridden,
        )


def offered(students: Iterable[Enrolment], period: lms.GradingPeriod | None = None) -> list[Total]:
    """The totals that Canvas shows of every student; the override only where the course lets teachers override."""
    found = [one.grades for one in students]
    if any(one is None or one.current is None or one.final is None for one in found):
        return []
    shows_override = any(one and one.override is not None for one in found)
    return [Total(which, period) for which in (CURRENT, FINAL, *([OVERRIDE] if shows_override else []))]


def letters_are_shown(students: Iterable[Enrolment]) -> bool:
    """Does this course show letters for its totals, by whatever scheme?"""
    return any(
        standing is not None and standing.text is not None
        for one in students
        if one.grades
        for standing in (one.grades.current, one.grades.final, one.grades.override)
    )


def results(students: Iterable[Enrolment], totals: Iterable[Total]) -> list[lms.Result]:
    """For each enrolment: one person's several enrolments say the same, or the accounting finds out."""
    wanted = list(totals)
    return [total.result(one.user_id, one.grades) for one in students if one.grades for total in wanted]


def count_hidden(students: Iterable[Enrolment]) -> int:
    return len({one.user_id for one in students if one.grades and one.grades.hidden_change})
