"""Rows and lines as pages show them: values in words, reasons with who can fix them, the worst first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from sync import reports
from sync.models import GradeChange, Run
from sync.sis.records import Value
from sync.views import wording

WORST_FIRST = tuple(wording.ROW_STATES)


@dataclass(frozen=True, slots=True)
class Row:
    """One grade of a run."""

    pk: int
    digest: str
    key: str
    student: str
    item: str
    old: str
    new: str
    why: str
    state: str
    state_text: wording.Text
    badge: str
    reason: str
    who: wording.Text
    is_new: bool
    withdraws: bool


def row_of(change: GradeChange) -> Row:
    reason, who = wording.REASONS.get(change.code, ("", ""))
    if change.code and not reason:
        reason, who = _("The SIS refused it (%(code)s).") % {"code": change.code}, "sis_admin"
    return Row(
        pk=change.pk,
        digest=change.digest,
        key=change.key.text(),
        student=change.student_name or change.student_id,
        item=change.item_title or change.line_item_id,
        old=words(change.before),
        new=words(change.after),
        why=change.why,
        state=change.state,
        state_text=wording.ROW_STATES.get(change.state, change.state),
        badge=wording.BADGES.get(change.state, ""),
        reason=" ".join(part for part in (str(reason), change.words) if part),
        who=wording.WHO.get(who, ""),
        is_new=change.before is None,
        withdraws=change.withdraws,
    )


def words(value: dict[str, Any] | None) -> str:
    return Value.from_json(value).words() if value is not None else _("no grade")


def rows_of(run: Run) -> list[Row]:
    """All rows of a run, failures first, then by assignment and student."""
    rows = [row_of(change) for change in run.changes.all()]
    return sorted(rows, key=lambda row: (_rank(row), row.item.casefold(), row.student.casefold(), row.pk))


def _rank(row: Row) -> int:
    return WORST_FIRST.index(row.state) if row.state in WORST_FIRST else 0


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind under one heading."""

    title: wording.Text
    lines: Sequence[reports.Line]


@dataclass(frozen=True)
class Review:
    """Everything of a preview: each row and each line of its report is in exactly one part."""

    new: list[Row]
    changed: list[Row]
    withdrawn: list[Row]
    gone_on: list[Row]
    edited: list[reports.Line]
    problems: list[Group]
    refused: list[reports.Line]
    left: list[reports.Line]
    others: list[Group]


def review_of(run: Run) -> Review:
    rows = rows_of(run)
    open_rows = [row for row in rows if row.state == "planned"]
    keys = {row.key for row in rows}
    # a grade that is a row here is told by its row
    lines = [
        line for line in reports.lines(run.report) if not (line.kind == "difference" and line.key in keys)
    ]
    edited = [line for line in lines if line.cause == "edited in the SIS"]
    problems = [line for line in lines if _is_problem(line)]
    left = [line for line in lines if line.kind == "kept" or line.text == "withdrawal declined"]
    refused = [line for line in lines if line.cause == "refused"]
    told = {id(line) for line in (*edited, *problems, *refused, *left)}
    return Review(
        new=[row for row in open_rows if row.is_new and not row.withdraws],
        changed=[row for row in open_rows if not row.is_new and not row.withdraws],
        withdrawn=[row for row in open_rows if row.withdraws],
        gone_on=[row for row in rows if row.state != "planned"],
        edited=edited,
        problems=by_who(problems),
        refused=refused,
        left=left,
        others=by_cause([line for line in lines if id(line) not in told]),
    )


def _is_problem(line: reports.Line) -> bool:
    return line.kind == "problem" or line.cause == "accepted, not shown"


def by_who(lines: Iterable[reports.Line]) -> list[Group]:
    """Problems under who can settle them, the teacher's own first."""
    groups: dict[str, list[reports.Line]] = defaultdict(list)
    for line in lines:
        groups[line.who if line.who in wording.WHO else "admin"].append(line)
    return [Group(title, groups[who]) for who, title in wording.WHO.items() if groups[who]]


def by_cause(lines: Iterable[reports.Line]) -> list[Group]:
    groups: dict[str, list[reports.Line]] = defaultdict(list)
    for line in lines:
        groups[line.cause].append(line)
    known = [*wording.CAUSES, *sorted(groups.keys() - wording.CAUSES.keys())]
    return [Group(wording.CAUSES.get(cause, cause), groups[cause]) for cause in known if groups[cause]]


def reconciliation_of(run: Run) -> tuple[list[Group], list[Group]]:
    """(differences and what was left by cause, problems by who): every line of the report is in one of them."""
    lines = reports.lines(run.report)
    problems = [line for line in lines if line.kind == "problem"]
    return by_cause([line for line in lines if line.kind != "problem"]), by_who(problems)


def counts_of(run: Run) -> dict[str, list[tuple[wording.Text, int]]]:
    """The run's counts in words: `parts` add up to what was pulled, `apart` are counted beside it."""
    counts = run.report.get("counts", {})
    return {
        "parts": [(text, counts.get(name, 0)) for name, text in wording.COUNTS],
        "apart": [(text, counts[name]) for name, text in wording.COUNTED_APART if counts.get(name)],
    }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: of the rows that were picked, how many have an answer."""

    done: int
    total: int
    failed: int

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def progress_of(run: Run) -> Progress:
    states = Counter(run.changes.exclude(state="planned").values_list("state", flat=True))
    pending = states["approved"] + states["sending"] + states["unknown"]  # a lost answer is none
    total = sum(states.values())
    return Progress(done=total - pending, total=total, failed=states["rejected"])
