"""The receipt of a run, to print or to keep as a PDF: who sent what and when, and what the SIS answered."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.utils import timezone

from sync.engine import picks
from sync.views import rows, wording
from sync.views.asking import Request, page, run_of, show
from sync.views.filtering import Filter

PER_PAGE = 500
GOOD = ("accepted", "delivered", "unchanged")


@page
def receipt(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    run = run_of(request, run_id)
    sent = run.changes.exclude(state="planned").order_by("item_title", "student_name", "pk")
    narrowed = Filter.of(request.GET)
    found = Paginator(sent, PER_PAGE).get_page(narrowed.page)
    items = (
        sent.order_by()
        .values("item_title")
        .annotate(total=Count("pk"), good=Count("pk", filter=Q(state__in=GOOD)))
        .order_by("item_title")
    )
    return show(
        request,
        "sync/receipt.html",
        run=run,
        run_state=wording.RUN_STATES.get(run.state, run.state),
        items=items,
        page=found,
        narrowed=narrowed,
        rows=[rows.row_of(change, run) for change in found],
        digest=picks.digest_of(sent.values_list("digest", flat=True)),
        counts=rows.counts_of(run),
        report=run.report,
        printed_at=timezone.now(),
    )
