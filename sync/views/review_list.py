"""The list to review: its rows page by page with their ticks, and every line of its report, in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, IntegerField, Q, Value, When

from sync import reports
from sync.engine import deciding, picks
from sync.models import GradeChange, Run
from sync.views import wording
from sync.views.filtering import Filter, mark, titles_of
from sync.views.lines import FEW, MANY, Book, Part, is_problem, who_of
from sync.views.rows import Row, row_of

KINDS: Final = ("new", "changed", "withdrawn")
WITHDRAWN: Final = Q(withdraws=True)
NEW: Final = Q(withdraws=False, before__isnull=True)
CHANGED: Final = Q(withdraws=False, before__isnull=False)
OF_KIND: Final = {"new": NEW, "changed": CHANGED, "withdrawn": WITHDRAWN}
IN_ORDER: Final = Case(
    When(WITHDRAWN, then=Value(2)), When(NEW, then=Value(0)), default=Value(1), output_field=IntegerField()
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One part that the page can be narrowed to."""

    title: wording.Text
    count: int
    link: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one kind on this page; `total` is how many the list holds."""

    kind: str
    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Ticked:
    """How many rows are ticked: by kind, and of them on pages that are not shown now."""

    of_kind: Mapping[str, int]
    elsewhere: Mapping[str, int]
    digest: str

    @property
    def total(self) -> int:
        return sum(self.of_kind.values())

    @property
    def total_elsewhere(self) -> int:
        return sum(self.elsewhere.values())

    @property
    def parts(self) -> list[tuple[str, wording.Text, int, int]]:
        return [(kind, wording.TICKED[kind], self.of_kind[kind], self.elsewhere[kind]) for kind in KINDS]


@dataclass(frozen=True, slots=True)
class ItemCount:
    """One assignment of a list that is longer than a page."""

    title: str
    link: str
    new: int
    changed: int
    withdrawn: int
    ticked: int


class Review:
    """Everything of a preview: each row and each line of its report is in exactly one part."""

    def __init__(self, run: Run, narrowed: Filter) -> None:
        self.run, self.narrowed = run, narrowed
        self.rows = picks.open_rows(run)
        self.counted = _counted(run)
        self.total = sum(one[kind] for one in self.counted for kind in KINDS)
        self.is_long = self.total > picks.WHOLE
        self.untouched = not self.is_long
        self._read_lines()
        self._read_rows()

    # --- lines ---

    def _read_lines(self) -> None:
        self.book = Book(self.run, self.narrowed, self._keys_of_rows())
        lines = self.book.lines
        edited = [line for line in lines if line.cause == "edited in the SIS"]
        problems = [line for line in lines if is_problem(line)]
        left = [line for line in lines if line.kind == "kept" or line.text == "withdrawal declined"]
        refused = [line for line in lines if line.cause == "refused"]
        told = {id(line) for line in (*edited, *problems, *refused, *left)}
        others = [line for line in lines if id(line) not in told]
        self.all_edited = edited
        self.edited = self.book.part("edited", edited, {"": wording.PARTS["edited"]}, lambda line: "")
        self.problems = self.book.part("problems", problems, wording.WHO, who_of)
        self.refused = self.book.part("refused", refused, {"": wording.PARTS["refused"]}, lambda line: "")
        self.left = self.book.part("left", left, {"": wording.PARTS["left"]}, lambda line: "")
        self.others = self.book.part("others", others, wording.CAUSES, lambda line: line.cause)

    def _keys_of_rows(self) -> frozenset[str]:
        """Rows that the report tells of too: of a list that went back to review, say."""
        told = {str(one.get("student_id")) for one in self.run.report.get("differences", [])}
        rows = self.run.changes.filter(student_id__in=told) if told else ()
        return frozenset(row.key.text() for row in rows)

    @property
    def edited_digest(self) -> str:
        """Of all pairs that "for all of them" decides on."""
        return digest_of_edited(self.run, self.all_edited)

    # --- rows ---

    def _read_rows(self) -> None:
        self.found = rows_for(self.run, self.narrowed, [one["item_title"] for one in self.counted])
        found = self.found.annotate(place=IN_ORDER).order_by("place", "item_title", "student_name", "pk")
        self.page: Page[Any] = Paginator(found, picks.WHOLE).get_page(self.narrowed.page)
        on_page = list(self.page) if self.shows["rows"] else []
        self.shown = [row.pk for row in on_page]
        self.sections = self._sections(on_page)
        self.ticked = self._ticked(on_page)
        self.bulk = (
            self.found.exclude(picks.one_by_one(self.run)).count() if self.page.paginator.num_pages > 1 else 0
        )
        gone_on = self.run.changes.exclude(state="planned").order_by("item_title", "student_name", "pk")
        self.gone_on_total = gone_on.count()
        size = MANY if self.narrowed.part == "gone_on" else FEW
        self.gone_on_page = Paginator(gone_on, size).get_page(self.narrowed.page if size == MANY else 1)
        self.gone_on = [row_of(one) for one in self.gone_on_page] if self.gone_on_total else []

    def _sections(self, rows: Sequence[GradeChange]) -> list[Section]:
        by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
        for change in rows:
            picked = picks.is_picked(change, untouched=self.untouched)
            by_kind[kind_of(change)].append(row_of(change, picked=picked))
        totals = {kind: sum(one[kind] for one in self.counted) for kind in KINDS}
        return [Section(kind, by_kind[kind], totals[kind]) for kind in KINDS if by_kind[kind]]

    def _ticked(self, on_page: Sequence[GradeChange]) -> Ticked:
        here = dict.fromkeys(KINDS, 0)
        for change in on_page:
            here[kind_of(change)] += picks.is_picked(change, untouched=self.untouched)
        there, digests = dict.fromkeys(KINDS, 0), []
        if len(on_page) < self.total:
            others = picks.picked(self.run, untouched=self.untouched).exclude(pk__in=self.shown)
            for digest, place in others.annotate(place=IN_ORDER).values_list("digest", "place"):
                digests.append(digest)
                there[KINDS[place]] += 1
        both = {kind: here[kind] + there[kind] for kind in KINDS}
        return Ticked(both, there, picks.digest_of(digests))

    # --- what the page shows ---

    @property
    def shows(self) -> dict[str, bool]:
        """Which parts this page shows: all, or the one that was chosen."""
        chosen = self.narrowed.part if self.narrowed.part in wording.PARTS else ""
        found = {name: not chosen or chosen == name for name in wording.PARTS}
        return found | {"rows": not chosen or chosen in KINDS}

    @property
    def tabs(self) -> list[Tab]:
        counts = {kind: sum(one[kind] for one in self.counted) for kind in KINDS}
        for part in self.parts:
            counts[part.name] = part.total
        counts["gone_on"] = self.gone_on_total
        tabs = [
            Tab(wording.PARTS[""], sum(counts.values()), self.narrowed.link(part=""), not self.narrowed.part)
        ]
        return tabs + [
            Tab(wording.PARTS[name], count, self.narrowed.link(part=name), self.narrowed.part == name)
            for name, count in counts.items()
            if count or self.narrowed.part == name
        ]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.edited, self.problems, self.refused, self.left, self.others)

    @property
    def decides(self) -> bool:
        """Is there anything on this page to decide or to take back?"""
        withdrawn = any(one.kind == "withdrawn" for one in self.sections)
        return withdrawn or any(
            part.total and self.shows[part.name] for part in (self.edited, self.refused, self.left)
        )

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """The assignments that the list can be narrowed to: mark, title, chosen."""
        return choices(self.narrowed, {one["item_title"] for one in self.counted} | self.book.titles)

    @property
    def items(self) -> list[ItemCount]:
        """The assignments of a list that no single page shows."""
        if not self.is_long:
            return []
        return [
            ItemCount(
                title=one["item_title"],
                link=self.narrowed.link(part="", item=mark(one["item_title"])),
                **{name: one[name] for name in (*KINDS, "ticked")},
            )
            for one in self.counted
        ]


def choices(narrowed: Filter, titles: set[str]) -> list[tuple[str, str, bool]]:
    found = [(mark(title), title) for title in sorted(titles, key=str.casefold)]
    return [(one, title, one == narrowed.item) for one, title in found]


def kind_of(change: GradeChange) -> str:
    if change.withdraws:
        return "withdrawn"
    return "new" if change.before is None else "changed"


def _counted(run: Run) -> list[dict[str, Any]]:
    """Per assignment: how many rows of each kind, and how many of them are ticked."""
    rows = picks.open_rows(run).values("item_title")
    kinds = {kind: Count("pk", filter=wanted) for kind, wanted in OF_KIND.items()}
    found = rows.annotate(**kinds, ticked=Count("pk", filter=Q(picked=True))).order_by("item_title")
    return [dict(one) for one in found]


def rows_for(run: Run, narrowed: Filter, titles: Sequence[str]) -> picks.Rows:
    """The rows that a page so narrowed is about."""
    rows = picks.open_rows(run)
    if narrowed.part in OF_KIND:
        rows = rows.filter(OF_KIND[narrowed.part])
    if narrowed.item:
        rows = rows.filter(item_title__in=titles_of(narrowed.item, titles))
    return of_students(rows, narrowed)


def of_students(rows: picks.Rows, narrowed: Filter) -> picks.Rows:
    if not narrowed.words:
        return rows
    people = rows.order_by().values_list("student_id", "student_name").distinct()
    return rows.filter(student_id__in={one for one, name in people if narrowed.finds(one, name)})


def digest_of_edited(run: Run, lines: Sequence[reports.Line]) -> str:
    pairs = run.report.get("pairs", {})
    return deciding.digest_of_pairs([(line.key, pairs[line.key]) for line in lines if line.key in pairs])
