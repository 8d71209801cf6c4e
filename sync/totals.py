"""The LMS's course total beside the one that the SIS computes itself, and what makes them differ. Pure, exact decimals.

Nothing is guessed. The total is computed again and again, each time with one thing done as the SIS does it: from the
LMS's own rule, over the weights, dropped and omitted work, to what the SIS holds. What a step moves is its share of the
difference; the shares add up to the whole of it. Where a side's own total cannot be computed again from what is known,
its share is called unexplained.

The LMS's rule is taken as far as the gradebook states it: groups with weights, the lowest and highest left out, omitted
items, and whether ungraded work counts as zero.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Final

from sync.lms import records as lms
from sync.reckoning import HUNDRED, PRECISION, Entry, by_groups, by_points, is_rounding, is_usable
from sync.sis import records as sis

SHOWN: Final = 4  # decimals of a share of the difference
# the steps in the order of the way, and those of them that say only how much is left
CODES: Final = (
    "lms-rounding", "override", "lms-rule", "weights", "dropped", "omitted", "unlinked", "ungraded", "maximum",
    "not-there", "rounded", "differs", "sis-only", "sis-zeros", "sis-capped", "sis-mean", "sis-rounding", "sis-rule",
)  # fmt: skip
UNEXPLAINED: Final = frozenset({"lms-rule", "sis-rule"})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done otherwise, and how many per cent it adds on the way from the LMS's total to the SIS's."""

    code: str
    points: Decimal


@dataclass(frozen=True, slots=True)
class Compared:
    """One student's two totals in per cent (None: no number there), as each side shows them, and the way between them.

    `explained` is None where there is nothing to explain by numbers.
    """

    user_id: str
    student_id: str
    lms: str
    sis: str
    lms_percent: Decimal | None
    sis_percent: Decimal | None
    steps: tuple[Step, ...] = ()

    @property
    def explained(self) -> bool | None:
        if self.lms_percent is None or self.sis_percent is None:
            return None
        return not any(one.code in UNEXPLAINED for one in self.steps)

    @property
    def difference(self) -> Decimal | None:
        if self.lms_percent is None or self.sis_percent is None:
            return None
        with localcontext(prec=PRECISION):
            return sis.quantised(self.sis_percent - self.lms_percent, SHOWN)

    @property
    def differ(self) -> bool:
        if self.lms_percent is None or self.sis_percent is None:
            return self.lms != self.sis
        return self.lms_percent != self.sis_percent


@dataclass(frozen=True, slots=True)
class Side:
    """One SIS class: whose total each student of the LMS has there, and what is linked (LMS item to SIS item)."""

    students: Mapping[str, str]
    links: Mapping[str, str]
    line_items: Sequence[sis.LineItem]
    results: Sequence[sis.Result]
    own_totals: Sequence[sis.OwnTotal]


def compare(gradebook: lms.Gradebook, side: Side) -> list[Compared]:
    """Both totals of every matched student for whom the SIS has one; empty where it computes none.

    A SIS item that is linked is filled by us: it is no total of the SIS's own.
    """
    filled = set(side.links.values())
    own = {one.student_id: one for one in side.own_totals if one.line_item_id not in filled}
    total = chosen_total(gradebook, side.links)
    if not own or total is None:
        return []
    with localcontext(prec=PRECISION):
        return _Work(gradebook, side, total, own).compared()


def chosen_total(gradebook: lms.Gradebook, links: Mapping[str, str]) -> lms.LineItem | None:
    """The course total that is sent, else the final one, else the current, else whichever the LMS has."""
    totals = [one for one in gradebook.line_items if one.kind == "course_total"]
    order = (lms.COURSE_TOTAL_FINAL, lms.COURSE_TOTAL_CURRENT)

    def rank(one: lms.LineItem) -> tuple[bool, int, bool]:
        place = order.index(one.line_item_id) if one.line_item_id in order else len(order)
        return one.line_item_id not in links, place, bool(lms.parts_of_total(one.line_item_id)[1])

    return min(totals, key=rank, default=None)


# --- one class ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """How a total is made of the LMS's own grades."""

    weights: bool = False
    drops: bool = False
    omitted: bool = False
    linked_only: bool = False
    # what counts as zero: all that is not graded, or only what is marked missing
    zeros: bool = False
    missing: bool = False


SisRule = Callable[[list[Entry], list[Entry]], Decimal | None]


def _mean(held: list[Entry], empty: list[Entry]) -> Decimal | None:
    shares = [one.score / one.maximum for one in held if one.maximum > 0]
    return sum(shares, Decimal(0)) * HUNDRED / len(shares) if shares else None


# what a SIS may make of what it holds; one is taken only where it gives most students' own totals
SIS_RULES: Final[Mapping[str, SisRule]] = {
    "": lambda held, empty: by_points(held),
    "sis-zeros": lambda held, empty: by_points([*held, *empty]),
    "sis-capped": lambda held, empty: by_points(
        replace(one, score=min(one.score, one.maximum)) for one in held
    ),
    "sis-mean": _mean,
}


class _Work:
    def __init__(
        self,
        gradebook: lms.Gradebook,
        side: Side,
        total: lms.LineItem,
        own: Mapping[str, sis.OwnTotal],
    ) -> None:
        self.side, self.total, self.own = side, total, own
        self.which, self.period_id = lms.parts_of_total(total.line_item_id)
        self.categories = {one.category_id: one for one in gradebook.categories}
        self.weighted = gradebook.state.weighted is True
        totals = {one.line_item_id for one in gradebook.line_items if one.kind == "course_total"}
        self.has_both = lms.has_both_totals(totals, self.period_id)
        self.items = {one.line_item_id: one for one in gradebook.line_items if self._may_count(one)}
        self.results: dict[str, dict[str, lms.Result]] = defaultdict(dict)
        for one in gradebook.results:
            self.results[one.user_id][one.line_item_id] = one
        apart = {side.links[name] for name in totals & side.links.keys()}
        apart |= {one.line_item_id for one in own.values()}
        apart |= {one.sourced_id for one in side.line_items if one.kind == "course_total"}
        self.sis_items = {one.sourced_id: one for one in side.line_items if one.sourced_id not in apart}
        self.in_sis: dict[str, tuple[list[Entry], list[Entry]]] = {}
        self.held = _values(side.results, self.sis_items)

    def _may_count(self, item: lms.LineItem) -> bool:
        here = not self.period_id or item.period_id == self.period_id
        usable = is_usable(item.maximum) and item.maximum is not None and item.maximum >= 0
        return item.kind == "assignment" and item.published and here and usable

    def compared(self) -> list[Compared]:
        rows = [
            self._row(user_id, student_id)
            for user_id, student_id in self.side.students.items()
            if student_id in self.own
        ]
        numbers = [one for one in rows if one.difference is not None]
        rule, sis_rule = self._lms_rule(numbers), self._sis_rule(numbers)
        return [replace(one, steps=self._steps(one, rule, sis_rule)) for one in rows]

    def _row(self, user_id: str, student_id: str) -> Compared:
        result, own = self.results[user_id].get(self.total.line_item_id), self.own[student_id]
        return Compared(
            user_id,
            student_id,
            lms=_words(result.score, result.text) if result else "",
            sis=_words(own.score, own.text),
            lms_percent=_percent(result.score, result.maximum or self.total.maximum) if result else None,
            sis_percent=_percent(own.score, own.maximum),
        )

    # --- the LMS's side ---

    def _lms_rule(self, rows: Sequence[Compared]) -> Rule:
        """Of two, current leaves ungraded work out and final counts it as zero; else what most students' totals say."""
        left_out, as_zero = Rule(self.weighted, drops=True), Rule(self.weighted, drops=True, zeros=True)
        if self.has_both and self.which in ("current", "final"):
            return as_zero if self.which == "final" else left_out
        rules = (left_out, replace(left_out, missing=True), as_zero)
        return max(rules, key=lambda rule: sum(self._gives(rule, one) for one in rows))

    def _gives(self, rule: Rule, row: Compared) -> bool:
        return is_rounding(self._by(rule, row), row.lms_percent, at_least=2)

    def _by(self, rule: Rule, row: Compared) -> Decimal | None:
        return by_groups(
            self._entries(rule, row.user_id), self.categories, weights=rule.weights, drops=rule.drops
        )

    def _entries(self, rule: Rule, user_id: str) -> list[Entry]:
        found = []
        for name, item in self.items.items():
            linked = name in self.side.links
            if (rule.linked_only and not linked) or (item.omitted and not (rule.omitted and linked)):
                continue
            entry = self._entry(item, self.results[user_id].get(name), rule)
            if entry is not None:
                found.append(entry)
        return found

    @staticmethod
    def _entry(item: lms.LineItem, result: lms.Result | None, rule: Rule) -> Entry | None:
        if item.maximum is None or (result is not None and result.status is lms.Status.EXCUSED):
            return None
        score = _score(result)
        is_missing = result is not None and result.status is lms.Status.MISSING
        if score is None and not (rule.zeros or (rule.missing and is_missing)):
            return None
        return Entry(item.line_item_id, score or Decimal(0), item.maximum, item.category_id)

    # --- the SIS's side ---

    def _sis_rule(self, rows: Sequence[Compared]) -> str | None:
        """The rule that gives the own totals of most students from what the SIS holds; None: none of those known does.

        Some may have been set by hand in the SIS, and stay unexplained.
        """
        fits = {name: sum(self._sis_gives(name, one) for one in rows) for name in SIS_RULES}
        best = max(fits, key=lambda name: fits[name])
        return best if fits[best] * 2 > len(rows) else None

    def _sis_gives(self, rule: str, row: Compared) -> bool:
        return is_rounding(SIS_RULES[rule](*self._in_sis(row.student_id)), row.sis_percent)

    def _in_sis(self, student_id: str) -> tuple[list[Entry], list[Entry]]:
        """What the SIS holds for her as a number, and the items where it holds nothing."""
        if student_id not in self.in_sis:
            self.in_sis[student_id] = self._entries_in_sis(student_id)
        return self.in_sis[student_id]

    def _entries_in_sis(self, student_id: str) -> tuple[list[Entry], list[Entry]]:
        held, empty = [], []
        for name, item in self.sis_items.items():
            value = self.held[student_id].get(name)
            if item.maximum is None or not is_usable(item.maximum):
                continue
            if value is not None and value.score is not None and is_usable(value.score):
                held.append(Entry(name, value.score, item.maximum))
            elif value is None or value.status != sis.ScoreStatus.EXEMPT:
                empty.append(Entry(name, Decimal(0), item.maximum))
        return held, empty

    # --- the way from one to the other ---

    def _steps(self, row: Compared, rule: Rule, sis_rule: str | None) -> tuple[Step, ...]:
        if row.lms_percent is None or row.sis_percent is None or row.lms_percent == row.sis_percent:
            return ()
        way: list[tuple[str, Decimal | None]] = [
            (self._lms_code(row, rule), self._by(rule, row)),
            ("weights", self._by(rule := replace(rule, weights=False), row)),
            ("dropped", self._by(rule := replace(rule, drops=False), row)),
            ("omitted", self._by(rule := replace(rule, omitted=True), row)),
            ("unlinked", self._by(rule := replace(rule, linked_only=True), row)),
            ("ungraded", self._by(replace(rule, zeros=False, missing=False), row)),
            *self._in_sis_steps(row),
        ]
        known = sis_rule is not None and self._sis_gives(sis_rule, row)
        if known and sis_rule:
            way.append((sis_rule, SIS_RULES[sis_rule](*self._in_sis(row.student_id))))
        way.append(("sis-rounding" if known else "sis-rule", row.sis_percent))
        return _shares(row.lms_percent, way)

    def _lms_code(self, row: Compared, rule: Rule) -> str:
        result = self.results[row.user_id].get(self.total.line_item_id)
        if result is not None and result.overridden:
            return "override"
        return "lms-rounding" if self._gives(rule, row) else "lms-rule"

    def _in_sis_steps(self, row: Compared) -> list[tuple[str, Decimal | None]]:
        """From the linked grades as the LMS has them to all that the SIS holds."""
        sent = {
            self.side.links[one.name]: one
            for one in self._entries(Rule(omitted=True, linked_only=True), row.user_id)
        }
        tops = {
            name: item.maximum
            for name, item in self.sis_items.items()
            if item.maximum is not None and is_usable(item.maximum)
        }
        scaled = {
            name: Entry(name, one.score * tops[name] / one.maximum, tops[name])
            for name, one in sent.items()
            if name in tops and one.maximum > 0
        }
        held = {one.name: one for one in self._in_sis(row.student_id)[0]}
        there = {name: one for name, one in scaled.items() if name in held}
        rounded = {
            name: held[name] if is_rounding(one.score, held[name].score) else one
            for name, one in there.items()
        }
        return [
            ("maximum", by_points(scaled.values())),
            ("not-there", by_points(there.values())),
            ("rounded", by_points(rounded.values())),
            ("differs", by_points(held[name] for name in there)),
            ("sis-only", by_points(held.values())),
        ]


def _values(results: Sequence[sis.Result], items: Collection[str]) -> dict[str, dict[str, sis.Value]]:
    """By student and item; of several results for one pair none is taken."""
    times = Counter((one.student_id, one.line_item_id) for one in results)
    found: dict[str, dict[str, sis.Value]] = defaultdict(dict)
    for one in results:
        if (
            one.value is not None
            and one.line_item_id in items
            and times[one.student_id, one.line_item_id] == 1
        ):
            found[one.student_id][one.line_item_id] = one.value
    return found


def _score(result: lms.Result | None) -> Decimal | None:
    """A grade's number: what is not graded or waits for a review has none."""
    if result is None or result.score_error or not is_usable(result.score):
        return None
    return result.score if result.status in (lms.Status.GRADED, lms.Status.MISSING) else None


def _shares(start: Decimal, way: Iterable[tuple[str, Decimal | None]]) -> tuple[Step, ...]:
    """What each stretch of the way adds; one that cannot be computed adds nothing, and the next one starts before it."""
    steps, before = [], start
    for code, after in way:
        if after is None:
            continue
        points = sis.quantised(after - before, SHOWN)
        if points:
            steps.append(Step(code, points))
        before = after
    return tuple(steps)


def _percent(score: Decimal | None, maximum: Decimal | None) -> Decimal | None:
    if score is None or maximum is None or not (is_usable(score) and is_usable(maximum)) or maximum <= 0:
        return None
    return Decimal(sis.plain(score * HUNDRED / maximum))


def _words(score: Decimal | None, text: str | None) -> str:
    number = sis.plain(score) if score is not None and score.is_finite() else ""
    return f"{text} ({number})" if text and number else text or number
