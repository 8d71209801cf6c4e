"""Brightspace's two final grades: the calculated one, and the adjusted one that a teacher may set instead.

One service gives each user's final grade, of one of the two kinds; the other kind comes from the list of all grade
values, narrowed to its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from functools import partial
from typing import Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.lms.brightspace.client import Client
from sync.lms.brightspace.values import PAGED, by_user
from sync.lms.rest import Row

HUNDRED: Final = Decimal(100)
EVERY_DIGIT: Final = 300
# `GradeObjectType` of the two
CALCULATED, ADJUSTED = 7, 8
# by Brightspace's own names
KINDS: Final[Mapping[int, tuple[str, str]]] = {
    CALCULATED: (lms.course_total("calculated"), "Final Calculated Grade"),
    ADJUSTED: (lms.course_total("adjusted"), "Final Adjusted Grade"),
}
Pairs = tuple[tuple[str, str], ...]
POINTS, WEIGHTED = ("PointsNumerator", "PointsDenominator"), ("WeightedNumerator", "WeightedDenominator")


class Finals:
    """The final grades of one course. After `read`, `unread` holds the titles of kinds that could not be read."""

    def __init__(
        self, client: Client, path: str, state: lms.CourseState, scheme_id: str, symbols: frozenset[str]
    ) -> None:
        self._client, self._path = client, path
        self._pairs: Pairs = (POINTS, WEIGHTED) if state.weighted is False else (WEIGHTED, POINTS)
        self._scheme_id, self._symbols = scheme_id, symbols
        self._kinds: set[int] = set()
        self.unread: list[str] = []

    def read(self) -> list[lms.Result]:
        """Raises like any read where final grades may not be seen at all."""
        found = self._final_values()
        for kind in sorted(KINDS.keys() - found.keys()):
            rows = self._client.allowed(partial(_of_kind, self._client, self._path, kind))
            if rows is None:
                self.unread.append(KINDS[kind][1])
            else:
                found[kind] = {text_of(row.get("UserId")): row for row in rows}
        self._kinds = set(found)
        return self._results(found)

    def _final_values(self) -> dict[int, dict[str, Row]]:
        """Everybody's final grade of the one kind that this course gives out; nothing where the kinds are mixed, for
        then neither is known of everybody.
        """
        found: dict[int, dict[str, Row]] = {}
        for user_id, value in by_user(self._client, f"{self._path}/grades/final/values/"):
            found.setdefault(_kind(value), {})[user_id] = value
        return found if len(found) == 1 and found.keys() <= KINDS.keys() else {}

    def items(self, position: int) -> list[lms.LineItem]:
        """Each is out of 100: what it is really out of differs by student where ungraded work does not count."""
        return [
            lms.LineItem(
                *KINDS[kind], HUNDRED, "course_total", "percent", self._scheme_id, position=position + place
            )
            for place, kind in enumerate(sorted(self._kinds), start=1)
        ]

    def _results(self, found: Mapping[int, Mapping[str, Row]]) -> list[lms.Result]:
        calculated = found.get(CALCULATED, {})
        return [
            _result(value, user_id, kind, self._pairs, self._symbols, calculated.get(user_id))
            for kind, values in sorted(found.items())
            for user_id, value in values.items()
        ]


def _of_kind(client: Client, path: str, kind: int) -> list[Row]:
    params = [("gradeObjectTypeId", str(kind)), *PAGED]
    rows = client.all(f"{path}/grades/values/", params, keys=("UserId", "GradeObjectIdentifier"))
    return [row for row in rows if _kind(row) == kind]


def _kind(value: Row) -> int:
    found = value.get("GradeObjectType")
    return found if isinstance(found, int) else 0


def _result(
    value: Row,
    user_id: str,
    kind: int,
    pairs: Pairs,
    symbols: frozenset[str],
    calculated: Row | None,
) -> lms.Result:
    score, maximum, error = _share(value, pairs)
    shown = text_of(value.get("DisplayedGrade"))
    text = shown if shown in symbols and not error else None
    graded = not error and (score is not None or text is not None)
    return lms.Result(
        user_id=user_id,
        line_item_id=KINDS[kind][0],
        status=lms.Status.GRADED if graded else lms.Status.NOT_GRADED,
        score=score if graded else None,
        maximum=maximum,
        text=text if graded else None,
        graded_at=instant(value.get("LastModified")),
        # a version that does not tell of the release says nothing of who sees it
        posted="ReleasedDate" not in value or value["ReleasedDate"] is not None,
        score_error=error,
        overridden=graded and kind == ADJUSTED and _differs((score, maximum), calculated, pairs),
    )


def _share(value: Row, pairs: Pairs) -> tuple[Decimal | None, Decimal | None, str]:
    """Numerator and denominator of the pair that counts in this course, else of the other where it has none."""
    for numerator, denominator in pairs:
        score, error = number(value.get(numerator))
        if score is not None or error:
            return score, number(value.get(denominator))[0], error
    return None, None, ""


def _differs(own: tuple[Decimal | None, Decimal | None], calculated: Row | None, pairs: Pairs) -> bool:
    """Is this not what Brightspace computed? Where that is not known, nothing is said."""
    if calculated is None:
        return False
    score, maximum, _ = _share(calculated, pairs)
    if own[0] is None or score is None:
        return own[0] is not score
    with localcontext(prec=EVERY_DIGIT):
        return own[0] * (maximum or 1) != score * (own[1] or 1)
