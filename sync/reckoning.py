"""A course total from its grades: by points, by groups with weights, with the lowest and highest left out. Pure, exact.

As Canvas does it (its source, GradeCalculator): weights of groups that hold nothing do not count, and weights that add
up to less than 100 % are stretched to 100 %; those that add up to more are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from sync.lms import records as lms
from sync.sis import records as sis

HUNDRED: Final = Decimal(100)
PRECISION: Final = 60
DIGITS: Final = 9  # before the point: what is larger is no grade
DECIMALS: Final = 12  # after it


@dataclass(frozen=True, slots=True)
class Entry:
    """One grade that counts: `score` of `maximum`, in a group of the LMS."""

    name: str
    score: Decimal
    maximum: Decimal
    category_id: str = ""


def is_usable(number: Decimal | None) -> bool:
    """Is it a number of the size of a grade? Others are left out: they would reckon for ever, or not at all."""
    if number is None or not number.is_finite():
        return False
    return number.adjusted() < DIGITS and int(number.as_tuple().exponent) >= -DECIMALS


def by_points(entries: Iterable[Entry]) -> Decimal | None:
    """All points of all points that can be had, in per cent."""
    entries = list(entries)
    top = sum((one.maximum for one in entries), Decimal(0))
    return sum((one.score for one in entries), Decimal(0)) * HUNDRED / top if top > 0 else None


def by_groups(
    entries: Iterable[Entry], categories: Mapping[str, lms.Category], *, weights: bool, drops: bool
) -> Decimal | None:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for one in entries:
        groups[one.category_id].append(one)
    if drops:
        groups = {name: _kept(several, categories.get(name)) for name, several in groups.items()}
    if not weights:
        return by_points(one for several in groups.values() for one in several)
    parts = [
        (found, category.weight)
        for name, several in groups.items()
        if (category := categories.get(name)) is not None
        and category.weight is not None
        and is_usable(category.weight)
        and (found := by_points(several)) is not None
    ]
    whole = sum((weight for _, weight in parts), Decimal(0))
    if whole <= 0:
        return None
    return sum((found * weight for found, weight in parts), Decimal(0)) / min(whole, HUNDRED)


def _kept(entries: list[Entry], category: lms.Category | None) -> list[Entry]:
    """What a group's rule leaves: never less than one grade."""
    if category is None:
        return entries
    kept = _without(entries, min(category.drop_lowest, len(entries) - 1), best=True)
    return _without(kept, min(category.drop_highest, len(kept) - 1), best=False)


def _without(entries: list[Entry], count: int, *, best: bool) -> list[Entry]:
    """Without those `count` grades whose absence makes the rest the best (or the worst) share of its points.

    Dinkelbach's method: the grades that do best against the share reached so far, until it stays.
    """
    if count <= 0:
        return entries
    kept, share = entries, by_points(entries)
    while share is not None:
        kept = _ranked(entries, share / HUNDRED, best)[: len(entries) - count]
        found = by_points(kept)
        moved = found is not None and (found > share if best else found < share)
        share = found if moved else None
    return kept


def _ranked(entries: Iterable[Entry], level: Decimal, best: bool) -> list[Entry]:
    return sorted(entries, key=lambda one: one.score - level * one.maximum, reverse=best)


def is_rounding(exact: Decimal | None, shown: Decimal | None, *, at_least: int = 0) -> bool:
    """Is `shown` that number, rounded or cut to the decimals that it has (`at_least` so many)?"""
    if exact is None or shown is None:
        return False
    places = max(at_least, -int(Decimal(sis.plain(shown)).as_tuple().exponent))
    if places > DECIMALS:
        return exact == shown
    step = Decimal(1).scaleb(-places)
    with localcontext(prec=PRECISION):
        return any(exact.quantize(step, how) == shown for how in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN))
