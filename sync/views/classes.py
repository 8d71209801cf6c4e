"""The class link: which SIS class this course is, with proof. No roster is shown or read before it stands."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from sync import engine
from sync.forms import LinkClassForm
from sync.models import ClassLink
from sync.views import reading, suggesting
from sync.views.asking import (
    Request,
    action,
    class_links_of,
    course_of,
    page,
    show,
    state_of,
    to,
    told,
    who_of,
)
from sync.views.class_requests import open_requests
from sync.views.seen import Seen


@page
def classes(request: Request, public_id: UUID) -> HttpResponse:
    """The links that stand, and the classes that she could link now with what would prove it."""
    links = class_links_of(request)
    found = suggesting.suggestions_of(request, links)
    seen = Seen(state_of(request), links)
    return show(
        request,
        "sync/classes.html",
        limits={link.pk: seen.limits("classes", [link]) for link in links if not link.lapsed},
        requests=open_requests(course_of(request)),
        **suggesting.values_of(request, links, found),
    )


@action
def link(request: Request, public_id: UUID) -> HttpResponse:
    context = course_of(request)
    form = LinkClassForm(request.POST, institution=context.institution)
    if not form.is_valid():
        messages.error(request, _("This class cannot be linked. Look at the list again."))
        return to(request, "classes")
    with told(request):
        made = engine.link_class(
            context, form.cleaned_data["connection"], form.cleaned_data["class_id"], who_of(request)
        )
        messages.success(request, _("“%(title)s” is linked.") % {"title": made})
        return reading.begin_look(request, anew=True)
    return to(request, "classes")


@action
def unlink(request: Request, public_id: UUID, link_id: int) -> HttpResponse:
    found = get_object_or_404(ClassLink, pk=link_id, context=course_of(request))
    with told(request):
        engine.unlink_class(found, who_of(request))
        messages.success(request, _("The link is gone. Grades in the SIS stay as they are."))
    return to(request, "classes")
