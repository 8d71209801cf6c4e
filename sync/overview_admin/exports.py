"""Runs and sent grades of a period as CSV, row by row as the database gives them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.models import Institution
from sync import reports
from sync.engine import audit
from sync.models import GradeChange, Run
from sync.overview_admin.desk import doing, looking, show
from sync.overview_admin.grades import InstitutionForm
from sync.views.rows import words

BOM: Final = "\ufeff"  # without it, spreadsheets read names in the wrong alphabet
RIGHTS: Final = {"runs": "sync.view_run", "grades": "sync.view_gradechange"}
OF_RUN: Final = "run__context__deployment__registration__institution"
OF_CONTEXT: Final = "context__deployment__registration__institution"
RUNS: Final = (
    "run", "course", "state", "asked_by", "unattended", "created_at", "approved_at", "finished_at", "in_sync",
    "differences", "message",
)  # fmt: skip
GRADES: Final = (
    "sent_at", "course", "run", "asked_by", "student", "student_id", "assignment", "class_id", "connection", "before",
    "sent", "state", "code", "answered_at",
)  # fmt: skip


class ExportForm(InstitutionForm):
    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[("runs", gettext_lazy("Runs")), ("grades", gettext_lazy("Grades sent"))],
    )
    first = forms.DateField(
        label=gettext_lazy("From (first day)"), widget=forms.DateInput(attrs={"type": "date"})
    )
    last = forms.DateField(
        label=gettext_lazy("To (last day)"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("first") and values.get("last") and values["first"] > values["last"]:
            raise forms.ValidationError(_("The first day is after the last one."))
        return values

    def period(self) -> tuple[datetime, datetime]:
        """From the first moment of the first day up to, not including, the day after the last."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"] + timedelta(days=1)
        zone = timezone.get_current_timezone()
        return tuple(datetime.combine(day, time.min, zone) for day in (first, last))  # type: ignore[return-value]  # two


@looking("sync.view_run")
def form(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    return _shown(
        request, ExportForm(request.user, initial={"first": today - timedelta(days=7), "last": today})
    )


@doing("sync.view_run")
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    asked = ExportForm(request.user, request.POST)
    if not asked.is_valid():
        return _shown(request, asked)
    what, institution = asked.cleaned_data["what"], asked.cleaned_data["institution"]
    if not request.user.has_perm(RIGHTS[what]):
        raise PermissionDenied
    days = f"{asked.cleaned_data['first']} – {asked.cleaned_data['last']}"
    audit.note(institution, request.user, "export", what, detail=days)
    rows = (_runs if what == "runs" else _grades)(institution, *asked.period())
    answer = StreamingHttpResponse(
        _lines(RUNS if what == "runs" else GRADES, rows), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{what}-{asked.cleaned_data["first"]}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _shown(request: HttpRequest, asked: ExportForm) -> HttpResponse:
    return show(request, "export.html", _("Export"), form=asked)


class _Line:
    """What the csv module writes into: it gives each line back."""

    def write(self, text: str) -> str:
        return text


def _lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    line: Callable[[Iterable[Any]], str] = csv.writer(
        _Line(), quoting=csv.QUOTE_ALL, lineterminator="\r\n"
    ).writerow
    yield BOM + line(header)
    for row in rows:
        yield line([reports.harmless(_text(value)) for value in row])


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)


def _runs(institution: Institution, begin: datetime, end: datetime) -> Iterator[Iterable[Any]]:
    rows = Run.objects.filter(**{OF_CONTEXT: institution}, created_at__gte=begin, created_at__lt=end)
    listed = rows.select_related("context").defer("report").order_by("pk")
    for run in listed.iterator(chunk_size=500):
        yield (
            run.pk, run.context, run.state, run.asked_name, run.unattended, run.created_at, run.approved_at,
            run.finished_at, run.in_sync, run.discrepancies, run.message,
        )  # fmt: skip


def _grades(institution: Institution, begin: datetime, end: datetime) -> Iterator[Iterable[Any]]:
    rows = GradeChange.objects.filter(**{OF_RUN: institution}, sent_at__gte=begin, sent_at__lt=end)
    listed = rows.select_related("run__context", "connection").defer("run__report").order_by("pk")
    for row in listed.iterator(chunk_size=500):
        yield (
            row.sent_at, row.run.context, row.run_id, row.run.asked_name, row.student_name, row.student_id,
            row.item_title, row.class_id, row.connection, words(row.before), words(row.after), row.state, row.code,
            row.answered_at,
        )  # fmt: skip
