"""Files to keep: the reconciliation and the receipt of a run, as CSV and JSON. Their names hold no person and no grade."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from sync import reports
from sync.engine import reporting
from sync.models import GradeChange, Run
from sync.views.asking import Request, download, run_of
from sync.views.rows import words

BOM = "\ufeff"  # without it, spreadsheets read names in the wrong alphabet


@download
def reconciliation_csv(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    run = run_of(request, run_id)
    return _file(
        BOM + reports.reconciliation_csv(reporting.whole(run)), "text/csv", f"reconciliation-{run.pk}.csv"
    )


@download
def receipt_csv(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    run = run_of(request, run_id)
    return _file(BOM + reports.receipt_csv(receipt_of(run)), "text/csv", f"receipt-{run.pk}.csv")


@download
def report_json(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    run = run_of(request, run_id)
    text = reports.as_json(about(run), reporting.whole(run), receipt_of(run))
    return _file(text, "application/json", f"report-{run.pk}.json")


@download
def document(request: Request, public_id: UUID, run_id: int, document_id: int) -> HttpResponse:
    """A file for the registrar, byte for byte as it was made."""
    found = get_object_or_404(run_of(request, run_id).documents, pk=document_id)
    answer = HttpResponse(bytes(found.content), content_type=found.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer


def _file(text: str, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def about(run: Run) -> dict[str, Any]:
    """Which run a report is of, as plain values."""
    return {
        "course": str(run.context.public_id),
        "title": str(run.context),
        "run": run.pk,
        "state": run.state,
        "message": run.message,
        "asked_by": run.asked_name,
        "unattended": run.unattended,
        "digest": run.digest,
        **{
            name: _moment(getattr(run, name))
            for name in ("created_at", "read_at", "approved_at", "started_at", "finished_at", "resume_at")
        },
    }


def receipt_of(run: Run) -> list[dict[str, Any]]:
    """What was sent and answered, one plain row per grade, in the order of planning."""
    return [_receipt(change) for change in run.changes.order_by("pk")]


def _receipt(change: GradeChange) -> dict[str, Any]:
    return {
        "student": change.student_name,
        "item": change.item_title,
        **{
            name: getattr(change, name)
            for name in (
                "student_id", "line_item_id", "class_id", "why", "state", "code", "words", "http_status",
                "attempts", "withdraws", "digest",
            )
        },
        "before": words(change.before),
        "after": words(change.after),
        **{
            name: _moment(getattr(change, name)) for name in ("planned_at", "approved_at", "sent_at", "answered_at")
        },
        "key": change.key.text(),
    }  # fmt: skip


def _moment(value: Any) -> str:
    return value.isoformat() if value else ""
