"""What a report says, line by line, and as files to keep: CSV and JSON. Pure: `Run.report` and row values in, text out.

The reconciliation page, the review page and both exports show `lines(report)`, so what one of them shows all show.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

Report = Mapping[str, Any]

COUNTS: Final = (
    "pulled", "created", "updated", "unchanged", "waiting", "rejected", "problems", "excluded", "not_graded",
)  # fmt: skip
_FORMULA: Final = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠|]|[\t\r\n]")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a person should see: a difference, a problem, a held grade or a decision of hers.

    `cause` is one of the report's causes for a difference, else the problem's code, "held" or "kept". `results` is how
    many LMS results the line stands for where a problem stands for several.
    """

    kind: str
    cause: str
    key: str = ""
    student: str = ""
    student_id: str = ""
    item: str = ""
    line_item_id: str = ""
    class_id: str = ""
    lms: str = ""
    sis: str = ""
    last_sent: str = ""
    text: str = ""
    next: str = ""
    who: str = ""
    results: int = 1
    details: tuple[str, ...] = ()
    counts: bool = False


def lines(report: Report) -> list[Line]:
    """Every entry of the report exactly once: a difference and its problem are one line with the words of both (a
    problem where the grade is held only for its sake), and a held or kept grade that one of them tells of already is
    not told twice."""
    problems = list(report.get("problems", []))
    found = [_one_line(one, _take(problems, str(one["key"]))) for one in report.get("differences", [])]
    found += [_problem(one) for one in problems]
    seen = {line.key for line in found}
    for kind in ("held", "kept"):
        found += [_left(kind, one) for one in report.get(kind, []) if one["key"] not in seen]
    return found


def _take(problems: list[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    """The first problem of this key, taken out of the list; empty when there is none."""
    for place, one in enumerate(problems):
        if one.get("key") == key:
            return problems.pop(place)
    return {}


def _one_line(one: Mapping[str, Any], problem: Mapping[str, Any]) -> Line:
    if problem and one["cause"] == "held":
        values = _texts(one, "student_id", "line_item_id", "class_id", "last_sent")
        return replace(_problem(problem), **values)
    return _difference(one, problem)


def _difference(one: Mapping[str, Any], problem: Mapping[str, Any]) -> Line:
    return Line(
        kind="difference",
        cause=str(one["cause"]),
        key=str(one["key"]),
        **_texts(
            one,
            "student",
            "student_id",
            "item",
            "line_item_id",
            "class_id",
            "lms",
            "sis",
            "last_sent",
            "next",
        ),
        text=str(problem.get("text") or one.get("why") or ""),
        who=str(problem.get("who") or ""),
        details=tuple(problem.get("details") or ()),
        counts=bool(one.get("counts", True)),
    )


def _problem(one: Mapping[str, Any]) -> Line:
    return Line(
        kind="problem",
        cause=str(one["code"]),
        key=str(one.get("key") or ""),
        **_texts(one, "student", "item", "line_item_id", "lms", "sis", "text", "who"),
        results=int(one.get("results") or 0),
        details=tuple(one.get("details") or ()),
    )


def _left(kind: str, one: Mapping[str, Any]) -> Line:
    return Line(
        kind=kind,
        cause=kind,
        key=str(one["key"]),
        **_texts(one, "student", "item", "lms", "sis"),
        text=str(one["why"]),
    )


def _texts(one: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: str(one.get(name) or "") for name in names}


# --- files ----------------------------------------------------------------------------------------------------

RECONCILIATION: Final = (
    "kind", "cause", "student", "student_id", "item", "line_item_id", "class_id", "lms", "sis", "last_sent",
    "text", "next", "who", "results", "details", "counts", "key",
)  # fmt: skip
RECEIPT: Final = (
    "student", "student_id", "item", "line_item_id", "class_id", "before", "after", "why", "state", "code", "words",
    "attempts", "planned_at", "sent_at", "answered_at", "key",
)  # fmt: skip


def reconciliation_csv(report: Report) -> str:
    """All lines of the report, one row each."""
    return table_csv(RECONCILIATION, [asdict(line) for line in lines(report)])


def receipt_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """What was sent and what the SIS answered, one row per grade (`RECEIPT` names what a row may hold)."""
    return table_csv(RECEIPT, rows)


def as_data(about: Mapping[str, Any], report: Report, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The whole report and its rows as plain values; `about` says which course and run. Grades are text, never floats."""
    return {
        "about": dict(about),
        "counts": dict(report.get("counts", {})),
        "in_sync": report.get("in_sync"),
        "lines": [asdict(line) for line in lines(report)],
        "stops": list(report.get("stops", [])),
        "warnings": list(report.get("warnings", [])),
        "changes": [dict(row) for row in rows],
    }


def as_json(about: Mapping[str, Any], report: Report, rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(as_data(about, report, rows), ensure_ascii=False, indent=2)


def table_csv(header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with every cell quoted and none that a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(_cell(row.get(name))) for name in header] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(str(one) for one in value)
    return str(value)


def harmless(cell: str) -> str:
    """A cell that begins like a formula gets an apostrophe, as spreadsheets know it; plain numbers stay numbers."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
