"""Learn's grade schemas: how a column shows its grades, and the letters of those that are tables.

A symbol has bounds in percent, with at most three decimals: from the lower one up to, and without, the upper one
(the REST reference's rules for changing a schema). The services refuse gaps; schemas made elsewhere may have some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import fraction, number, text_of

Row = Mapping[str, Any]

TABULAR: Final = "Tabular"
# of a column whose schema is not among those that the account sees
UNTOLD: Final = "untold"
# a text scale holds what a teacher types: words without a scheme
GRADING_TYPES: Final[Mapping[str, lms.GradingType]] = {
    "Score": "points",
    "Percent": "percent",
    TABULAR: "letter",
    "Text": "letter",
    "CompleteIncomplete": "pass_fail",
}
# scales whose `text` is a word; of the others it is the number once more, as the page shows it
WORDED: Final = frozenset({TABULAR, "Text", "CompleteIncomplete"})
SOURCE: Final = "the course's grading schemas in Blackboard"


@dataclass(frozen=True, slots=True)
class Schema:
    """`scheme` None: its grades are no letters, or the account is not told them."""

    scale: str
    scheme: lms.GradeScheme | None = None


def schemas_of(rows: Iterable[Row]) -> dict[str, Schema]:
    return {text_of(row.get("id")): _schema(row) for row in rows}


def _schema(row: Row) -> Schema:
    scale, symbols = text_of(row.get("scaleType")), row.get("symbols")
    if scale != TABULAR or not isinstance(symbols, list) or not symbols:
        return Schema(scale)
    entries = tuple(_entry(one if isinstance(one, Mapping) else {}) for one in symbols)
    scheme = lms.GradeScheme(
        scheme_id=f"schema:{text_of(row.get('id'))}",
        title=text_of(row.get("title")),
        entries=entries,
        source=SOURCE,
        places=None,
        below_all="none",
    )
    return Schema(scale, scheme)


def _entry(symbol: Row) -> lms.SchemeEntry:
    """As sent: whether it can be used is decided where it is used. `absoluteValue` is what a typed letter is worth, no GPA."""
    lower, upper = _bound(symbol.get("lowerBound")), symbol.get("upperBound")
    return lms.SchemeEntry(text_of(symbol.get("text")), lower, upper=None if upper is None else _bound(upper))


def _bound(percent: object) -> Decimal:
    return fraction(number(percent)[0])


def holds(scheme: lms.GradeScheme, name: str, score: Decimal, out_of: Decimal) -> bool:
    """Does this share lie between the bounds of the symbol of this name?"""
    entry = next((one for one in scheme.entries if one.name == name), None)
    if entry is None or not entry.lower.is_finite():
        return False
    top = entry.upper if entry.upper is not None and entry.upper.is_finite() and entry.upper < 1 else None
    return score >= entry.lower * out_of and (top is None or score < top * out_of)
