"""`Run.report`: the counts, problems and differences of one read, as JSON that pages and exports show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from lti_tool.models import Context
from sync import capabilities, planning, readiness, tally
from sync.engine.names import Names
from sync.engine.reading import Reading
from sync.models import ContextState, Decision, GradeChange, Run, SentGrade
from sync.sis import records as sis


def write(run: Run, reading: Reading, *, before: bool) -> None:
    """Compute and save the report; after a push or a reconcile also what the next safety stop compares with."""
    undo = before and reading.undo is not None
    run.report = build_undo(reading) if undo else build(run, reading, before=before)
    run.read_at = reading.began
    run.in_sync, run.discrepancies = run.report["in_sync"], run.report["counts"].get("discrepancies", 0)
    run.save(update_fields=["report", "read_at", "in_sync", "discrepancies"])
    if not before:
        state, _ = ContextState.objects.get_or_create(context=reading.context)
        # a short pull becomes the measure only when a person sent it all the same
        if run.stops_overridden or not any(stop.code.startswith("fewer-") for stop in reading.stops):
            state.last_students, state.last_results = reading.account.students, reading.graded
            state.save(update_fields=["last_students", "last_results"])


def build(run: Run, reading: Reading, *, before: bool) -> dict[str, Any]:
    names = Names.of(reading)
    # a new list's rows tell of these grades already: a whole course need not be written down twice
    rows_tell = {change.key for change in reading.plan.changes} if before and not run.approved_at else set()
    rows = _rows(run)
    found = tally.differences(reading.account, reading.plan, reading.sent, reading.existing)
    if reading.undo is not None and not before:
        known = {one.key for one in found if one.counts}
        found += [one for one in tally.not_put_back(reading.undo, rows) if one.key not in known]
    blind = reading.write_only
    counted = sum(1 for one in found if one.counts)
    counts = tally.count(reading.account, reading.plan, rows, counted, before=before, blind=blind)
    return {
        "counts": counts.as_json(),
        "in_sync": tally.in_sync(found, blind=blind),
        "problems": problems_json(reading),
        "held": [_held(names, key, why) for key, why in reading.plan.held]
        + [_held(names, key, "withdrawal declined") for key in reading.plan.declined],
        "kept": [_kept(reading, names, key) for key in reading.plan.kept],
        "stops": [{"code": stop.code, "text": stop.text} for stop in reading.stops],
        "warnings": list(reading.gradebook.warnings),
        "limits": sorted(
            {code for side in reading.sides.values() for code in capabilities.limits(side.profile)}
        ),
        "readiness": _readiness(reading),
        "differences": [_difference(reading, names, one) for one in found if one.key not in rows_tell],
        "pairs": _pairs(reading, rows_tell),
    }


def _readiness(reading: Reading) -> list[dict[str, Any]]:
    """What she should settle in the LMS first, among the assignments that are sent. Counts only."""
    linked = {link.lms_line_item_id for link in reading.links if link.state == "linked"}
    return [asdict(check) for check in readiness.checks(reading.gradebook, linked, reading.places)]


def whole(run: Run) -> dict[str, Any]:
    """The report with the differences that only the rows of a list tell of: for files and programs."""
    report: dict[str, Any] = dict(run.report)
    told = {one["key"] for one in report.get("differences", [])}
    rows = GradeChange.objects.filter(run=run, state="planned") if report else GradeChange.objects.none()
    more = [_difference_of(row) for row in rows.order_by("pk") if row.key.text() not in told]
    if more and report.get("counts") and run.state in _BEFORE:
        report["differences"] = sorted([*report["differences"], *more], key=lambda one: str(one["key"]))
    return report


# the states in which the report is still the one of before the sending
_BEFORE = ("review", "replaced", "failed", "cancelled", *Run.OPEN)


def _difference_of(row: GradeChange) -> dict[str, Any]:
    return difference_of(row, "gone from the LMS" if row.withdraws else "not sent")


def difference_of(row: GradeChange, cause: str, why: str = "") -> dict[str, Any]:
    return {
        "key": row.key.text(),
        "student": row.student_name,
        "item": row.item_title,
        **{name: getattr(row, name) for name in ("student_id", "line_item_id", "class_id")},
        "lms": _words(row.after),
        "sis": _words(row.before),
        "last_sent": "",
        "cause": cause,
        "why": why,
        "next": tally.NEXT[cause],
        "counts": True,
    }


def _words(data: object) -> str:
    value = planning.value_of(data)
    return value.words() if value else "no grade"


def _rows(run: Run) -> dict[sis.Key, tally.Row]:
    rows = GradeChange.objects.filter(run=run).only(
        "connection_id", "class_id", "line_item_id", "student_id", "state", "before", "withdraws"
    )
    return {row.key: tally.Row(row.state, row.before is None, row.withdraws) for row in rows}


def problems_json(reading: Reading) -> list[dict[str, Any]]:
    """All problems of a read: of links, of matching and converting, and of grades that differ."""
    names = Names.of(reading)
    every = [*reading.problems, *reading.account.problems, *reading.plan.problems]
    return [_problem(reading, names, one) for one in every]


def _problem(reading: Reading, names: Names, one: planning.Problem) -> dict[str, Any]:
    owner = reading.account.owner.get(one.key, ("", "")) if one.key else ("", "")
    user_id, item_id = one.user_id or owner[0], one.line_item_id or owner[1]
    return {
        "code": one.code,
        "text": one.text,
        "who": one.who,
        "key": one.key.text() if one.key else "",
        "user_id": user_id,
        "line_item_id": item_id,
        "student": names.members.get(user_id) or (names.student(one.key) if one.key else ""),
        "item": names.lms_items.get(item_id) or (names.item(one.key) if one.key else ""),
        "results": one.results,
        "details": list(one.details),
        "lms": _lms_words(reading, one.key) if one.key else "",
        "sis": _sis_words(reading, one.key) if one.key else "",
    }


def _held(names: Names, key: sis.Key, why: str) -> dict[str, Any]:
    return {"key": key.text(), "why": why, "student": names.student(key), "item": names.item(key)}


def _kept(reading: Reading, names: Names, key: sis.Key) -> dict[str, Any]:
    why = "run undone" if key in reading.plan.undone else "SIS grade kept"
    values = {"lms": _lms_words(reading, key), "sis": _sis_words(reading, key)}
    return _held(names, key, why) | values


def build_undo(reading: Reading) -> dict[str, Any]:
    """The report of a list that undoes a run: its rows tell what goes back, these are the grades that do not."""
    names, plan = Names.of(reading), reading.to_send
    return {
        "counts": {},
        "in_sync": None,
        "problems": [_problem(reading, names, one) for one in [*reading.problems, *plan.problems]],
        "held": [_held(names, key, why) for key, why in plan.held],
        "kept": [],
        "stops": [],
        "warnings": list(reading.gradebook.warnings),
        "readiness": [],
        "differences": [],
        "pairs": {},
    }


def _difference(reading: Reading, names: Names, one: tally.Difference) -> dict[str, Any]:
    sent = reading.sent.get(one.key)
    last = (sent.since[-1] if sent.since else sent.as_sent) if sent else None
    return {
        "key": one.key.text(),
        "student": names.student(one.key),
        "student_id": one.key.student_id,
        "item": names.item(one.key),
        "line_item_id": one.key.line_item_id,
        "class_id": one.key.class_id,
        "lms": _lms_words(reading, one.key),
        "sis": _sis_words(reading, one.key),
        "last_sent": last.words() if last else "",
        "cause": one.cause,
        "why": one.why,
        "next": tally.NEXT[one.cause],
        "counts": one.counts,
    }


def _lms_words(reading: Reading, key: sis.Key) -> str:
    wanted = reading.account.desired.get(key)
    value = wanted if isinstance(wanted, sis.Value) else reading.account.asked.get(key)
    if value is not None:
        return value.words()
    return "no grade" if wanted is planning.WITHDRAWN else ""


def _sis_words(reading: Reading, key: sis.Key) -> str:
    value = reading.existing.get(key)
    return value.words() if value else "no grade"


def _pairs(reading: Reading, rows_tell: Collection[sis.Key]) -> dict[str, Any]:
    """(LMS value, SIS value) of every grade that a person may decide on, exactly as this read saw them."""
    keys = {problem.key for problem in reading.plan.problems if problem.key is not None}
    keys |= {change.key for change in reading.plan.changes}
    keys |= {key for key, _ in reading.plan.refused} | set(reading.plan.kept) | set(reading.plan.declined)
    pairs = {}
    for key in keys.difference(rows_tell):
        wanted = reading.account.desired.get(key)
        lms_value = wanted if isinstance(wanted, sis.Value) else None
        pairs[key.text()] = [planning.value_json(lms_value), planning.value_json(reading.existing.get(key))]
    return pairs


def newest_list(context: Context) -> Run | None:
    """The newest run of this course that has read both sides."""
    return Run.objects.filter(context=context).exclude(report={}).order_by("-id").first()


def seen_pair(context: Context, key: sis.Key) -> tuple[sis.Value | None, sis.Value | None] | None:
    """The pair that the newest list of this course shows for the key; None when it shows none."""
    run = newest_list(context)
    if run is None:
        return None
    pair = run.report.get("pairs", {}).get(key.text())
    if pair is None:
        row = GradeChange.objects.filter(run=run, state="planned", **GradeChange.key_fields(key)).first()
        pair = [row.after, row.before] if row else None
    return (planning.value_of(pair[0]), planning.value_of(pair[1])) if pair else None


def belongs(context: Context, key: sis.Key) -> bool:
    """Is this grade one of the course's: in its ledger, its decisions, its runs or its newest report?"""
    fields = SentGrade.key_fields(key)
    return (
        SentGrade.objects.filter(context=context, **fields).exists()
        or Decision.objects.filter(context=context, **fields).exists()
        or GradeChange.objects.filter(run__context=context, **fields).exists()
        or seen_pair(context, key) is not None
    )
