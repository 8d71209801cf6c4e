"""Preview, push or reconcile a course in the foreground; without CONTEXT, list the courses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from lti_tool.models import Context
from sync import engine, planning
from sync.engine import Changed, reporting, unattended
from sync.management.base import Answer, Failed, JsonCommand, find_context, who
from sync.models import ContextState, GradeChange, Run
from sync.sis import records as sis


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context", nargs="?", metavar="CONTEXT")
        parser.add_argument(
            "--push", action="store_true", help="send; without --approve by the unattended rules"
        )
        parser.add_argument(
            "--approve",
            metavar="DIGEST",
            help="send exactly the rows that the preview showed under this digest",
        )
        parser.add_argument(
            "--withdraw",
            action="append",
            default=[],
            metavar="KEY",
            help="also take this grade out of the SIS (part of the digest: name it in the preview too)",
        )
        parser.add_argument(
            "--reconcile", action="store_true", help="read both sides back and compare; send nothing"
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        if options["context"] is None:
            return list_courses()
        if options["push"] and options["reconcile"]:
            raise Failed("Say either --push or --reconcile. A push reads back by itself.")
        if options["approve"] and not options["push"]:
            raise Failed("--approve goes with --push.")
        context = find_context(options["context"])
        keys = {engine.parse_key(text) for text in options["withdraw"]}
        if options["reconcile"]:
            return shown(engine.reconcile(context, who()), keys)
        if not options["push"]:
            return shown(engine.preview(context, who()), keys)
        if options["approve"]:
            return shown(push_approved(context, options["approve"], keys), keys)
        if keys:
            raise Failed(
                "A withdrawal is never sent unattended: preview with --withdraw, then --push --approve."
            )
        return shown(push_unattended(context), keys)


def list_courses() -> Answer:
    contexts = Context.objects.select_related("deployment__registration").prefetch_related("class_links")
    read = dict(ContextState.objects.values_list("context_id", "read_at"))
    courses, lines = [], []
    for one in contexts.order_by("pk"):
        classes = [link.class_id for link in one.class_links.all()]
        read_at = read.get(one.pk)
        courses.append(
            {
                "context": str(one.public_id),
                "context_id": one.context_id,
                "title": one.title or one.label,
                "registration": one.deployment.registration.name,
                "classes": classes,
                "read_at": read_at.isoformat() if read_at else None,
            }
        )
        lines.append(f"{one.public_id}  {one}  ({', '.join(classes) or 'no class linked'})")
    return Answer({"courses": courses}, lines or ["No course was launched yet."])


def chosen(run: Run, withdrawals: set[sis.Key]) -> list[GradeChange]:
    """The rows of a preview that an approval covers: all but the withdrawals, plus those withdrawals named."""
    rows = list(run.changes.order_by("pk"))
    if withdrawals - {row.key for row in rows if row.withdraws}:
        raise Failed(
            "A grade named with --withdraw is not to be withdrawn any more. Preview again.", "changed"
        )
    return [row for row in rows if not row.withdraws or row.key in withdrawals]


def push_approved(context: Context, digest: str, withdrawals: set[sis.Key]) -> Run:
    """Send exactly the rows that the last preview showed under this digest. Raises Changed when it is another list."""
    run = Run.objects.filter(context=context, state="review").first()
    if run is None:
        raise Changed("There is no preview to approve. Run sync_course without --push first.")
    rows = chosen(run, withdrawals)
    if planning.digest_of_all([row.digest for row in rows]) != digest:
        raise Changed("This digest is not the newest preview's. Preview again, look, and approve that one.")
    if not rows:
        return run
    engine.approve(run, who(), {row.digest for row in rows}, override_stops=True)
    return engine.push_here(run.pk)


def push_unattended(context: Context) -> Run:
    """The unattended rules (design §4): no withdrawal, no stop passed over, no first send without one approved run."""
    run = engine.preview(context, who(), unattended=True)
    try:
        approved = unattended.approve_by_rules(run, who())
    except unattended.FirstSend as error:
        raise Failed(f"{error.text} Send once with --approve DIGEST.", "first_send") from None
    return engine.push_here(run.pk) if approved else run


def shown(run: Run, withdrawals: set[sis.Key]) -> Answer:
    if run.state == "failed":
        raise Failed(run.message, "run_failed")
    report, rows = reporting.whole(run), list(run.changes.order_by("pk"))
    digest = planning.digest_of_all([row.digest for row in chosen(run, withdrawals)]) if rows else run.digest
    data = {
        "context": str(run.context.public_id),
        "run": run.pk,
        "state": run.state,
        "message": run.message,
        "digest": digest,
        **{name: value for name, value in report.items() if name != "pairs"},
        "rows": [row_data(row) for row in rows],
    }
    return Answer({"ok": is_clean(run), **data}, list(run_lines(run, rows, digest)), is_clean(run))


def is_clean(run: Run) -> bool:
    """Nothing for a person to look at. A preview's rows to send are its purpose, not a difference."""
    report = run.report
    if report.get("problems") or report.get("stops"):
        return False
    if run.state == "review":
        return True
    return run.state == "done" and report.get("in_sync") is not False


def row_data(row: GradeChange) -> dict[str, Any]:
    return {
        "key": row.key.text(),
        "digest": row.digest,
        "student": row.student_name,
        "item": row.item_title,
        "before": words(row.before),
        "after": words(row.after),
        "why": row.why,
        "withdraws": row.withdraws,
        "state": row.state,
        "code": row.code,
        "words": row.words,
    }


def words(value: dict[str, Any] | None) -> str:
    return "no grade" if value is None else sis.Value.from_json(value).words()


def run_lines(run: Run, rows: list[GradeChange], digest: str) -> list[str]:
    report = run.report
    lines = [
        f"{row.state:<10} {row.student_name}, {row.item_title}: {words(row.before)} -> {words(row.after)}"
        f"{'  WITHDRAWS ' + row.key.text() if row.withdraws else ''}{'  ' + row.words if row.words else ''}"
        for row in rows
    ]
    lines += [f"PROBLEM    {_about(one)}{one['text']} [{one['code']}]" for one in report.get("problems", [])]
    lines += [f"STOP       {one['text']} [{one['code']}]" for one in report.get("stops", [])]
    if run.state != "review":
        lines += [
            f"DIFFERS    {_about(one)}LMS {one['lms']}, SIS {one['sis']}: {one['cause']}. {one['next']}"
            for one in report.get("differences", [])
        ]
    counts = ", ".join(f"{name} {count}" for name, count in report.get("counts", {}).items() if count)
    lines += [f"{run.state}: {counts}", run.message] if run.message else [f"{run.state}: {counts}"]
    if run.state == "review" and rows:
        lines.append(f"To send exactly this: sync_course {run.context.public_id} --push --approve {digest}")
    return lines


def _about(one: dict[str, Any]) -> str:
    parts = [part for part in (one.get("student"), one.get("item")) if part]
    return f"{', '.join(parts)}: " if parts else ""
