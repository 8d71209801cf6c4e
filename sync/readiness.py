"""Is the LMS course ready to send? What a teacher should settle first, in counts. Pure; nothing here stops a send.

Each result of the items in question is counted by at most one of `not-graded`, `pending`, `missing`, `unreadable`,
`not-shown` and `excused`; what none of them counts is a grade. The other checks look at the same results, items, students or course
once more, for something else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from sync.lms import records as lms
from sync.matching import is_course_student

Group = Literal["results", "totals", "items", "students", "course"]
LETTERED: Final = frozenset({"letter", "gpa"})
# of these, several say the same thing in two ways; what an LMS calls otherwise (a calculated column) is a sum of its own
COMPARABLE: Final = frozenset({"current", "final", "calculated", "adjusted"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is not as it should be: how often, what to do about it, and where in this LMS. No name, no grade.

    `where` is a path of the LMS's own menu names; empty where the reader states none.
    """

    code: str
    text: str
    count: int
    fix: str
    group: Group = "results"
    where: str = ""


def checks(
    gradebook: lms.Gradebook,
    line_item_ids: Collection[str] | None = None,
    places: Mapping[str, str] | None = None,
) -> list[Check]:
    """What is not ready among the given line items (None: all that are graded); empty when all is well.

    `places` says by code where in this LMS it is settled: `Lms.places`.
    """
    course = _Course.of(gradebook, line_item_ids)
    where = places or {}
    found = []
    for one in _KINDS:
        count = one.count(course)
        if count:
            text = f"{one.text}: {count}." if one.counts else f"{one.text}."
            found.append(Check(one.code, text, count, one.fix, one.group, where.get(one.code, "")))
    return found


@dataclass(frozen=True, slots=True)
class _Course:
    """The part of a gradebook that is looked at: course students and the line items in question."""

    gradebook: lms.Gradebook
    students: Mapping[str, lms.Member]
    items: Mapping[str, lms.LineItem]
    results: tuple[lms.Result, ...]
    standing: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, gradebook: lms.Gradebook, line_item_ids: Collection[str] | None) -> _Course:
        students = {one.user_id: one for one in gradebook.members if is_course_student(one)}
        items = {one.line_item_id: one for one in gradebook.line_items if _counts(one, line_item_ids)}
        results = tuple(
            one for one in gradebook.results if one.user_id in students and one.line_item_id in items
        )
        made = cls(gradebook, students, items, results)
        made.standing.update(made.standing_of(one) for one in results)
        return made

    def standing_of(self, result: lms.Result) -> str:
        """Which of the checks of results counts this one; "" for a grade, and for what nobody waits for any more."""
        if result.status is lms.Status.PENDING:
            return "pending"
        if result.status is lms.Status.EXCUSED:
            return "excused"
        if result.score_error:
            return "not-shown" if result.score_error == "not-shown" else "unreadable"
        missing = result.status is lms.Status.MISSING
        has_grade = result.score is not None or bool(result.text)
        if result.status is lms.Status.GRADED or (missing and has_grade):
            return ""
        return self._if_due(result, "missing" if missing else "not-graded")

    def _if_due(self, result: lms.Result, code: str) -> str:
        """Of who finished the course only her course total is still waited for."""
        item = self.items[result.line_item_id]
        done = self.students[result.user_id].concluded and item.kind != "course_total"
        return "" if done else code


def _counts(item: lms.LineItem, line_item_ids: Collection[str] | None) -> bool:
    if line_item_ids is not None:
        return item.line_item_id in line_item_ids
    return item.published and item.grading_type != "not_graded"


# --- results --------------------------------------------------------------------------------------


def _standing(code: str) -> Callable[[_Course], int]:
    return lambda course: course.standing[code]


def _unposted(course: _Course) -> int:
    return sum(1 for one in course.results if one.status is lms.Status.GRADED and not one.posted)


def _late_policy(course: _Course) -> int:
    """Late or missing work where a rule of the LMS takes points off: unless a teacher typed the score in its place."""
    return sum(
        1
        for one in course.results
        if course.items[one.line_item_id].late_policy
        and (one.late or one.missing or one.status is lms.Status.MISSING)
        and one.status is not lms.Status.EXCUSED
        and not one.overridden
    )


# --- totals ---------------------------------------------------------------------------------------


def _totals_differ(course: _Course) -> int:
    """Students with two course totals of one grading period that are not the same.

    "Final" counts what is missing as zero, "current" leaves it out: where they differ, work is not graded. An
    "adjusted" one differs from the calculated one where a teacher adjusted it; an empty one differs from nothing.
    """
    totals: dict[tuple[str, str], dict[str, tuple[Decimal | None, str | None]]] = defaultdict(dict)
    for one in course.gradebook.results:
        which, period_id = lms.parts_of_total(one.line_item_id)
        if which in COMPARABLE and one.user_id in course.students and _says_a_total(which, one):
            totals[one.user_id, period_id][which] = (one.score, one.text)
    return len({user for (user, _), several in totals.items() if len(set(several.values())) > 1})


def _says_a_total(which: str, result: lms.Result) -> bool:
    return which in ("current", "final") or result.score is not None or bool(result.text)


def _overridden(course: _Course) -> int:
    return len({one.user_id for one in course.results if one.overridden})


# --- line items -----------------------------------------------------------------------------------


def _without_maximum(course: _Course) -> int:
    return sum(1 for one in course.items.values() if not _is_usable(one.maximum))


def _is_usable(maximum: Decimal | None) -> bool:
    return maximum is not None and maximum.is_finite() and maximum > 0


def _omitted(course: _Course) -> int:
    return sum(1 for one in course.items.values() if one.omitted)


def _scheme_missing(course: _Course) -> int:
    """Lettered by the LMS, and no scheme of it says by which bounds."""
    lettered = {one.line_item_id for one in course.results if one.text}
    return sum(
        1
        for one in course.items.values()
        if one.scheme_id not in course.gradebook.schemes
        and (one.grading_type in LETTERED or (one.kind == "course_total" and one.line_item_id in lettered))
    )


# --- students and course --------------------------------------------------------------------------


def _without_sis_id(course: _Course) -> int:
    return sum(1 for one in course.students.values() if not one.sis_id.strip())


def _concluded(course: _Course) -> int:
    return int(course.gradebook.state.concluded is True)


def _unpublished(course: _Course) -> int:
    return int(course.gradebook.state.published is False)


def _incomplete(course: _Course) -> int:
    return int(not course.gradebook.complete)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One check: how it is counted, what it means, what to do. `counts`: is its figure more than "yes"?"""

    code: str
    group: Group
    count: Callable[[_Course], int]
    text: str
    fix: str
    counts: bool = True


_KINDS: Final = (
    _Kind("unposted", "results", _unposted,
          "Grades that are hidden from students, so that they cannot see them yet",
          "Post them in the LMS before you send them."),
    _Kind("not-graded", "results", _standing("not-graded"),
          "Results without a grade, which are not sent, and never as a zero",
          "Grade them, or excuse the students, in the LMS."),
    _Kind("pending", "results", _standing("pending"),
          "Results that wait for a review in the LMS, so that their score is not the grade yet",
          "Mark what is left of them in the LMS; until then nothing is sent for them."),
    _Kind("missing", "results", _standing("missing"),
          "Results that are marked missing and have no score",
          "Enter a zero in the LMS if it should count as one."),
    _Kind("unreadable", "results", _standing("unreadable"),
          "Grades that could not be read, because the LMS sent no usable number or several at once",
          "Enter them again in the LMS; where that does not help, ask its administrator."),
    _Kind("not-shown", "results", _standing("not-shown"),
          "Grades that the LMS keeps from the account that reads it",
          "Ask the LMS administrator to let that account see hidden grades."),
    _Kind("excused", "results", _standing("excused"),
          "Excused results, which are sent as excused, without a score",
          "Take the excuse back in the LMS where a grade should count."),
    _Kind("late-policy", "results", _late_policy,
          "Late or missing results whose points a rule of the LMS may still change",
          "Settle in the LMS what they count, or send them again when it is settled."),
    _Kind("override", "results", _overridden,
          "Students with a grade that was set by hand in place of the one that the LMS had",
          "The grade set by hand is sent. Check in the LMS that it still holds."),
    _Kind("current-differs", "totals", _totals_differ,
          "Students for whom the LMS shows several course totals that differ, such as current and final",
          "Grade or excuse what is not graded, or be sure which of them you send."),
    _Kind("without-maximum", "items", _without_maximum,
          "Assignments without a maximum, so that their scores cannot be scaled",
          "Set the points possible in the LMS."),
    _Kind("omitted", "items", _omitted,
          "Assignments that the LMS leaves out of its course total",
          "Be sure that they should count in the SIS, or leave them out here too."),
    _Kind("scheme-missing", "items", _scheme_missing,
          "Assignments or totals with letters for which the LMS gives no grading scheme",
          "Turn on a grading scheme in the LMS, or send them as points or percent."),
    _Kind("without-sis-id", "students", _without_sis_id,
          "Students without a SIS id in the LMS, matched by other identifiers or by hand",
          "Ask the LMS administrator to enter SIS ids."),
    _Kind("course-concluded", "course", _concluded,
          "The course is concluded in the LMS: its grades are final there",
          "Nothing, if you are sending the last grades. Else ask the LMS administrator to open it again.",
          counts=False),
    _Kind("course-unpublished", "course", _unpublished,
          "The course is not published in the LMS, so that its students see none of it",
          "Publish it in the LMS, unless that is meant.",
          counts=False),
    _Kind("incomplete", "course", _incomplete,
          "The LMS was not read completely. What is there is sent; nothing is withdrawn",
          "Read the course again later.",
          counts=False),
)  # fmt: skip

CODES: Final = tuple(one.code for one in _KINDS)
