"""The teacher's part: launch from the LMS, link, preview, approve, push, reconcile. The engine does all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.test import Client

from gradesync_site.demo.connecting import DemoFailed
from gradesync_site.demo.job import Job
from gradesync_site.demo.seeding import seed_course
from gradesync_site.sandbox.data import MAIN_CLASS, MAIN_COURSE, TEACHER
from gradesync_site.sandbox.lms.launch import LaunchFailed, launch
from lti_tool.models import Context
from sync import engine
from sync.engine import NewItemWish, Who
from sync.models import ClassLink, LineItemLink, Run, SisConnection

PATIENCE_S: Final = 600


@dataclass(frozen=True)
class Opened:
    """The course that a launch opened, and the teacher who launched it."""

    context: Context
    who: Who


def open_course(job: Job, connection: SisConnection) -> Opened:
    """A real launch as the course's teacher; a class of a SIS that is not ours gets a course first."""
    course_id = seed_course(job, connection) if job.sis.is_foreign else MAIN_COURSE
    try:
        answer = launch(job.lms["base_url"], course_id, TEACHER.lms_id, Client())
    except LaunchFailed as error:
        raise DemoFailed(str(error)) from None
    if answer.status_code != 302:
        raise DemoFailed(f"The tool refused the teacher's launch ({answer.status_code}).")
    context = Context.objects.order_by("-launched_at").first()
    membership = context.memberships.filter(can_send=True).select_related("user").first() if context else None
    if context is None or membership is None:
        raise DemoFailed("The launch opened no course for its teacher.")
    return Opened(context, Who(membership.user.name or membership.user.sub, membership.user))


def link(job: Job, connection: SisConnection, opened: Opened) -> None:
    """The class with proof (a foreign one on an administrator's word), titles that are equal, and the rest created."""
    context, who = opened.context, opened.who
    if not ClassLink.objects.filter(context=context).exists():
        if job.sis.is_foreign:
            engine.link_class(context, connection, job.sis.class_id, Who("demo"), as_admin=True)
        else:
            _link_with_proof(connection, opened)
    if not job.sis.is_foreign:
        engine.link_exact_titles(context, who)
    engine.create_line_items(context, _wishes(context), who)
    engine.settle_creating(context, who)


def _link_with_proof(connection: SisConnection, opened: Opened) -> None:
    for one in engine.suggest_classes(opened.context, opened.who):
        if one.connection == connection and one.class_id == MAIN_CLASS:
            engine.link_class(opened.context, connection, one.class_id, opened.who)
            return
    raise DemoFailed("The SIS does not show the teacher's class to her.")


def _wishes(context: Context) -> list[NewItemWish]:
    """Every published, graded assignment without a link yet. Course totals are left to a person."""
    items = engine.look(context)["items"]
    assert isinstance(items, list)  # noqa: S101 - the snapshot's own format
    links = LineItemLink.objects.filter(class_link__context=context)
    done = set(links.values_list("class_link_id", "lms_line_item_id"))
    return [
        NewItemWish(class_link, item["line_item_id"])
        for class_link in ClassLink.objects.filter(context=context).values_list("pk", flat=True)
        for item in items
        if item["kind"] == "assignment" and item["published"] and item["grading_type"] != "not_graded"
        if (class_link, item["line_item_id"]) not in done
    ]


def send(opened: Opened) -> Run:
    """Preview; send all that is new or changed, withdraw nothing; read back. Without anything to send: compare only."""
    run = engine.preview(opened.context, opened.who)
    digests = set(run.changes.filter(withdraws=False).values_list("digest", flat=True))
    if not digests:
        return engine.reconcile(opened.context, opened.who)
    if run.report.get("stops"):
        return run
    engine.approve(run, opened.who, digests)
    return engine.push_here(run.pk, patience_s=PATIENCE_S)


def outcome(job: Job, opened: Opened, run: Run) -> dict[str, Any]:
    """What `demo --once --json` prints: the counts by name, and beside them what a person would look up."""
    report = run.report
    return {
        **report.get("counts", {}),
        "in_sync": report.get("in_sync") if run.state == "done" else False,
        "ok": run.state == "done" and report.get("in_sync") is True,
        "run": run.pk,
        "state": run.state,
        "message": run.message,
        "context": str(opened.context.public_id),
        "lms": job.lms["base_url"],
        "sis": job.sis.base_url,
        "details": {
            name: report.get(name, []) for name in ("problems", "differences", "held", "stops", "warnings")
        },
    }
