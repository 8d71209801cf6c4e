"""What the SIS wants beside some grades and no LMS knows: a teacher enters it here, for all of a course at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sync.engine import extras as engine_extras
from sync.extra_forms import ExtraForm
from sync.views import reading
from sync.views.asking import Request, action, by_method, course_of, page, show, to, told, who_of
from sync.views.filtering import Filter

PER_PAGE: Final = 100  # with the fields of each, below what Django takes of one form


@page
def _look(request: Request, public_id: UUID) -> HttpResponse:
    forms = [ExtraForm(one) for one in engine_extras.wanted(course_of(request))]
    return _shown(request, forms)


def _shown(request: Request, forms: Sequence[ExtraForm]) -> HttpResponse:
    listed = Paginator(forms, PER_PAGE).get_page(_page_of(request, forms))
    return show(request, "sync/extras.html", page=listed, forms=listed.object_list, narrowed=Filter())


def _page_of(request: Request, forms: Sequence[ExtraForm]) -> str | int | None:
    """The page asked for, else the one with the grade that a link led here for."""
    marks = [one.mark for one in forms]
    grade = request.GET.get("grade", "")
    return marks.index(grade) // PER_PAGE + 1 if grade in marks else request.GET.get("page")


@action
def _save(request: Request, public_id: UUID) -> HttpResponse:
    """Write what she entered, then have the list made anew: it says what is still missing."""
    every = [ExtraForm(one, request.POST) for one in engine_extras.wanted(course_of(request))]
    posted = [one for one in every if one.is_posted]
    valid = [one.is_valid() for one in posted]  # each of them: a page marks all that is wrong
    if not all(valid):
        messages.error(request, _("Nothing was saved yet: see the marked fields."))
        return show(request, "sync/extras.html", forms=posted)
    with told(request):
        said = {one.wanted.key: one.said for one in posted}
        changed = engine_extras.enter(course_of(request), said, who_of(request))
        if not changed:
            messages.info(request, _("Nothing was changed."))
            return to(request, "extras")
        text = ngettext("Saved for %(n)s grade.", "Saved for %(n)s grades.", changed)
        messages.success(request, text % {"n": changed})
        return reading.begin(request, anew=True)
    return to(request, "extras")


extras = by_method(_look, _save)
