"""Undo a run: a list to review, like any other, that puts back what stood in the SIS before it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse

from sync.views import reading
from sync.views.asking import Request, action, run_of, to, told


@action
def undo(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Have both sides read, then show what would go back. Nothing is written to the SIS."""
    run = run_of(request, run_id)
    with told(request):
        return reading.begin_undo(request, run)
    return to(request, "run", run.pk)
