"""What becomes of one item's grades: examples of the course's own students, and how the converted ones are spread. Pure.

Taken at each read for the page of the scale; it repeats what `scales` decided and decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sync import scales
from sync.desired import Account, Fate, Linked, Wanted
from sync.lms import records as lms
from sync.sis import records as sis

MOST_EXAMPLES: Final = 5
TENTHS: Final = 10


@dataclass(frozen=True, slots=True)
class Conversion:
    """One linked item in one class. `spread`: how many grades of each letter, or of each tenth of the range.

    `counts`: of the grades that go, how many are excused, missing, late, above the maximum; and of all results of
    the item, how many are in problems, how many are not graded and how many wait for a review.
    """

    examples: tuple[Mapping[str, str], ...]
    spread: tuple[tuple[str, int], ...]
    counts: Mapping[str, int]
    allowed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "examples": [dict(one) for one in self.examples],
            "spread": [list(one) for one in self.spread],
            "counts": dict(self.counts),
            "allowed": list(self.allowed),
        }


def of_links(account: Account, links: Sequence[Linked]) -> dict[tuple[int, str], Conversion]:
    """By (class link, LMS line item)."""
    at = {(one.connection, one.class_id, one.sis_id): one for one in links if one.sis_id and not one.excluded}
    wanted: dict[tuple[int, str], list[Wanted]] = {
        (one.class_link, one.lms_line_item_id): [] for one in at.values()
    }
    for key, one in account.wanted.items():
        link = at.get((key.connection, key.class_id, key.line_item_id))
        if link is not None:
            wanted[link.class_link, link.lms_line_item_id].append(one)
    fates = Counter((item, fate) for (_user, item), fate in account.fates.items())
    return {
        (link.class_link, link.lms_line_item_id): _conversion(
            link, wanted[link.class_link, link.lms_line_item_id], fates
        )
        for link in at.values()
    }


def _conversion(link: Linked, wanted: Sequence[Wanted], fates: Mapping[tuple[str, Fate], int]) -> Conversion:
    scale = link.target.score_scale
    return Conversion(
        examples=tuple(_example(one) for one in _chosen(wanted)),
        spread=_spread(link, wanted),
        counts={
            "sent": len(wanted),
            "excused": sum(1 for one in wanted if one.value.status == sis.ScoreStatus.EXEMPT),
            "missing": sum(1 for one in wanted if one.result.missing),
            "late": sum(1 for one in wanted if one.result.late),
            "over_max": sum(1 for one in wanted if _share(one, link.target) > 1),
            "problems": fates.get((link.lms_line_item_id, "problem"), 0),
            "not_graded": fates.get((link.lms_line_item_id, "not_graded"), 0),
            "pending": fates.get((link.lms_line_item_id, "pending"), 0),
        },
        allowed=tuple(seen for seen, _ in scale.entries) if scale else (),
    )


# --- examples -------------------------------------------------------------------------------------------------


def _chosen(wanted: Sequence[Wanted]) -> list[Wanted]:
    """From the highest to the lowest, evenly; one that is excused or missing is shown in any case."""
    ranked = sorted((one for one in wanted if one.result.score is not None), key=_rank, reverse=True)
    others = sorted((one for one in wanted if one.result.score is None), key=_rank)[:1]
    room = MOST_EXAMPLES - len(others)
    if len(ranked) <= room:
        return [*ranked, *others]
    places = sorted({round(step * (len(ranked) - 1) / (room - 1)) for step in range(room)})
    return [*(ranked[place] for place in places), *others]


def _rank(one: Wanted) -> tuple[Decimal, str]:
    return one.result.score or Decimal(0), one.key.student_id


def _example(one: Wanted) -> dict[str, str]:
    return {
        "user_id": one.result.user_id,
        "lms": lms_words(one.result),
        "sis": one.value.words(),
        "why": one.why,
    }


def lms_words(result: lms.Result) -> str:
    """What the LMS shows: "17.3", "B+ (86.5)", "excused"; of what waits for a review no score, as it is no grade yet."""
    if result.status is lms.Status.PENDING:
        return "waits for a review in the LMS"
    if result.status in (lms.Status.EXCUSED, lms.Status.MISSING) and result.score is None:
        return str(result.status)
    score = "" if result.score is None else sis.plain(result.score)
    return (
        f"{result.text} ({score})" if result.text and score and result.text != score else result.text or score
    )


# --- how they are spread --------------------------------------------------------------------------------------


def _spread(link: Linked, wanted: Iterable[Wanted]) -> tuple[tuple[str, int], ...]:
    words = Counter(one.value.text for one in wanted if one.value.text)
    if words:
        return tuple((word, words[word]) for word in _in_order(link, words))
    shares = [_share(one, link.target) for one in wanted if one.value.score is not None]
    if not shares or (link.target.maximum is None and link.target.kind != "percent"):
        return ()
    tenths = Counter(_tenth(share) for share in shares)
    named = [(_tenth_name(tenth), tenths[tenth]) for tenth in range(TENTHS - 1, -1, -1)]
    above, below = tenths[TENTHS], tenths[-1]
    return tuple([("> 100 %", above)] * bool(above) + named + [("< 0 %", below)] * bool(below))


def _in_order(link: Linked, words: Mapping[str, int]) -> list[str]:
    """The letters of the scheme, highest first, then of the SIS's scale, then what else there is."""
    entries = sorted(link.scheme.entries, key=lambda one: one.lower, reverse=True) if link.scheme else ()
    scale = link.target.score_scale
    known = [one.name.strip() for one in entries] or [seen for seen, _ in (scale.entries if scale else ())]
    return list(dict.fromkeys([*known, *sorted(words.keys() - set(known))]))


def _share(one: Wanted, target: scales.Target) -> Decimal:
    """The value's place in the range, 1 at the top; 0 where there is no range."""
    top = Decimal(100) if target.maximum is None and target.kind == "percent" else target.maximum
    bottom = max(target.minimum, Decimal(0))
    if one.value.score is None or top is None or top <= bottom:
        return Decimal(0)
    return (one.value.score - bottom) / (top - bottom)


def _tenth(share: Decimal) -> int:
    if share < 0:
        return -1
    return TENTHS if share > 1 else min(int(share * TENTHS), TENTHS - 1)


def _tenth_name(tenth: int) -> str:
    return f"{tenth * 10}–{tenth * 10 + 10} %"
