"""Which grade of a scheme a score reaches, as the LMS itself applies its cutoffs. Pure and exact; said here only.

What is known, and from where:

- **Canvas** (its source, GradingStandard and Assignment): bounds are rounded to four decimals when they are saved; a
  score wins the highest bound that it reaches, bound included; a negative score counts as zero; what lies below all
  bounds gets the lowest grade. An assignment's percentage is score / points and not rounded before it is compared; a
  course total is: Canvas hands it out with the two decimals by which it letters it. A points-based scheme has
  fractions too: its scaling factor only says how they are written on a page. (Canvas turns the percentage into a
  binary number on its way; that moves nothing wider than its sixteenth digit.)
- **Moodle** (its source, grade_format_gradevalue_letter): the percentage is cut to 0..100, then compared with each
  boundary from above, boundary included; below the lowest there is no letter ("-"). Boundaries are kept with five
  decimals of a percent, so nothing is rounded here.
- **Brightspace** (vendor's and schools' help pages): a range begins at its start percentage; the unrounded grade is
  compared, also where a rounded one is shown. The first range must begin at 0 %. What stands below 0 % is said nowhere:
  no letter then.
- **Blackboard** (its REST service and help pages): each symbol has bounds of its own, and the upper one is the next
  symbol's lower one where a teacher edits them; by REST they may leave gaps. "From 50 % to 100 %" and "from 0 % to less
  than 50 %": an upper bound is exclusive but for 100 %. The grade is compared as it is, not rounded. What a score above
  the top gets is said nowhere: no letter then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Final

from sync.lms import records as lms
from sync.sis.records import plain, quantised

HIGHEST_LOWER: Final = 2  # a fraction; what is larger was meant as a percentage
HIGHEST_UPPER: Final = 10
ENOUGH: Final = 300  # digits: a bound times a maximum is exact
DEFAULTS: Final[Mapping[str, object]] = {"places": 4, "below_all": "lowest", "clamped": False}


class Broken(ValueError):
    """The scheme says nothing certain: it is empty, repeats a grade or a bound, or holds one that is no fraction."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """A scheme ready to be applied: `entries` highest first, names trimmed, bounds as this LMS compares them."""

    entries: tuple[lms.SchemeEntry, ...]
    below_all: lms.BelowAll = "lowest"
    clamped: bool = False

    @classmethod
    def of(cls, scheme: lms.GradeScheme) -> Cutoffs:
        """Raises Broken."""
        if not scheme.entries or not all(map(_is_usable, scheme.entries)):
            raise Broken
        entries = sorted((_as_compared(one, scheme.places) for one in scheme.entries), key=_lower)
        names, bounds = {one.name for one in entries}, {one.lower for one in entries}
        if len(names) < len(entries) or len(bounds) < len(entries) or "" in names or _overlap(entries):
            raise Broken
        return cls(tuple(reversed(entries)), scheme.below_all, scheme.clamped)

    def reached(self, score: Decimal, maximum: Decimal) -> lms.SchemeEntry | None:
        """The one entry that this score has, of a positive maximum; None where the scheme has no grade for it."""
        if self.clamped:
            score = min(max(score, Decimal(0)), maximum)
        elif self.below_all == "lowest":
            score = max(score, Decimal(0))
        with localcontext(prec=ENOUGH):
            found = next((one for one in self.entries if score >= one.lower * maximum), None)
            if found is None:
                return self.entries[-1] if self.below_all == "lowest" else None
            return found if self._is_within(score, maximum, found) else None

    def takes_all_below(self, entry: lms.SchemeEntry) -> bool:
        """Is it the grade of whatever reaches no other one?"""
        return entry is self.entries[-1] and self.below_all == "lowest"

    def _is_within(self, score: Decimal, maximum: Decimal, entry: lms.SchemeEntry) -> bool:
        if entry.upper is None or score < entry.upper * maximum:
            return True
        return entry is self.entries[0] and entry.upper == 1 and score == maximum


def _is_usable(entry: lms.SchemeEntry) -> bool:
    numbers = [entry.lower, *(one for one in (entry.gpa, entry.upper) if one is not None)]
    if not all(one.is_finite() for one in numbers) or abs(entry.lower) > HIGHEST_LOWER:
        return False
    return entry.upper is None or entry.upper <= HIGHEST_UPPER


def _as_compared(entry: lms.SchemeEntry, places: int | None) -> lms.SchemeEntry:
    upper = None if entry.upper is None else _bound(entry.upper, places)
    return replace(entry, name=entry.name.strip(), lower=_bound(entry.lower, places), upper=upper)


def _bound(number: Decimal, places: int | None) -> Decimal:
    return number if places is None else quantised(number, places)


def _lower(entry: lms.SchemeEntry) -> Decimal:
    return entry.lower


def _overlap(entries: Iterable[lms.SchemeEntry]) -> bool:
    """Does a range end before it begins, or within the next one? `entries` lowest first."""
    entries = list(entries)
    tops = [one.lower for one in entries[1:]]
    crossed = any(
        one.upper is not None and one.upper > following for one, following in zip(entries, tops, strict=False)
    )
    empty = any(one.upper is not None and one.upper <= one.lower for one in entries[:-1])
    last = entries[-1]
    return crossed or empty or (last.upper is not None and last.upper < last.lower)


# --- what a scheme is, as data --------------------------------------------------------------------------------


def rules_of(scheme: lms.GradeScheme) -> dict[str, object]:
    """How the LMS applies it, where that is another way than Canvas's: empty for most."""
    return {name: getattr(scheme, name) for name, usual in DEFAULTS.items() if getattr(scheme, name) != usual}


def version(scheme: lms.GradeScheme) -> str:
    """A digest of what the scheme says and how it is applied, whatever its order and its numbers' trailing zeros.

    Rules and upper bounds count only where there are some: versions stored before there were any stay as they are.
    """
    rules = rules_of(scheme)
    parts = [*sorted(_entry_parts(one) for one in scheme.entries), *([rules] if rules else [])]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()[:16]


def _entry_parts(entry: lms.SchemeEntry) -> list[str]:
    upper = [] if entry.upper is None else [digits(entry.upper)]
    return [entry.name, digits(entry.lower), digits(entry.gpa), *upper]


def digits(number: Decimal | None) -> str:
    if number is None:
        return ""
    return plain(number) if number.is_finite() else str(number)


def gaps(scheme: lms.GradeScheme) -> tuple[tuple[Decimal, Decimal], ...]:
    """The ranges between two grades, from lowest to highest, that have no grade; none where the scheme is broken."""
    try:
        entries = tuple(reversed(Cutoffs.of(scheme).entries))
    except Broken:
        return ()
    return tuple(
        (one.upper, following.lower)
        for one, following in pairwise(entries)
        if one.upper is not None and one.upper < following.lower
    )
