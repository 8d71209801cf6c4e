"""A search form: the words that she typed are sealed into the address of the list that fits them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from lti_tool.access import viewer_required
from sync.views.asking import Request, run_of, to
from sync.views.filtering import Filter


@viewer_required
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Changes nothing; whoever may look may search. Leads to the review page or, once it was sent, to the run's."""
    run = run_of(request, run_id)
    narrowed = Filter.of(request.POST).searching(request.POST.get("words", "").replace("\x00", ""))
    answer = to(request, "review" if run.state == "review" else "run", run.pk)
    answer["Location"] += narrowed.query + ("#rows" if narrowed.is_on else "")
    return answer
