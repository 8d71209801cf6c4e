"""Courses by where they stand; one course, its teachers and its runs; acting for a teacher under one's own name."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool import acting, sessions
from lti_tool.models import Context, Membership
from sync import engine, tasks
from sync.engine import audit, pausing, unattended
from sync.models import AuditEntry, ClassLink, Run
from sync.overview_admin import counting
from sync.overview_admin.deeds import in_words
from sync.overview_admin.desk import courses_of, doing, looking, page_of, show, to, who_of
from sync.views import wording

RIGHT = "sync.view_run"
MOST_RUNS = 20
MOST_TEACHERS = 50


@looking(RIGHT)
def courses(request: HttpRequest) -> HttpResponse:
    standing, words = request.GET.get("standing", ""), request.GET.get("q", "").replace("\x00", "").strip()
    rows = counting.standing_so(courses_of(request), standing)
    if words:
        rows = rows.filter(
            Q(title__icontains=words) | Q(label__icontains=words) | Q(context_id__iexact=words)
        )
    page = page_of(
        request, rows.select_related("deployment__registration__institution").order_by("title", "pk")
    )
    newest = {
        run.context_id: run for run in counting.newest_runs(rows.filter(pk__in=[one.pk for one in page]))
    }
    return show(
        request,
        "courses.html",
        gettext_lazy("Courses"),
        page=page,
        courses=[(one, newest.get(one.pk), _standing(newest.get(one.pk))) for one in page],
        standings=counting.STANDINGS.items(),
        standing=standing,
        q=words,
    )


def _standing(run: Run | None) -> wording.Text:
    return counting.STANDINGS[run.standing if run else "never"]  # type: ignore[attr-defined]  # newest_runs adds it


@looking(RIGHT)
def course(request: HttpRequest, pk: int) -> HttpResponse:
    found = _course(request, pk)
    runs = Run.objects.filter(context=found).exclude(state="replaced").defer("report")[:MOST_RUNS]
    newest = counting.newest_runs(courses_of(request).filter(pk=found.pk)).first()
    pauses = pausing.pauses_of(found)
    links = ClassLink.objects.filter(context=found).select_related("connection").order_by("title", "pk")
    return show(
        request,
        "course.html",
        str(found),
        course=found,
        standing=_standing(newest),
        newest=newest,
        runs=[(run, wording.RUN_STATES.get(run.state, run.state)) for run in runs],
        links=[(link, pauses.of(link.connection_id)) for link in links],
        teachers=_teachers(found)[:MOST_TEACHERS],
        entries=[(one, in_words(one)) for one in AuditEntry.objects.filter(context=found)[:MOST_RUNS]],
        may_act=request.user.has_perm(acting.RIGHT),
        may_start=request.user.has_perm("sync.start_run"),
    )


def _course(request: HttpRequest, pk: int) -> Context:
    rows = courses_of(request).select_related("deployment__registration__institution")
    return get_object_or_404(rows, pk=pk)


def _teachers(context: Context) -> list[Membership]:
    rows = Membership.objects.filter(context=context, can_send=True).select_related("user")
    return list(rows.order_by("user__name", "pk"))


@doing("sync.start_run")
def run_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Read, and send by the unattended rules what may go without a teacher's look."""
    found = _course(request, pk)
    audit.note(found.institution, request.user, "run_now", found, context=found)
    try:
        run, begun = unattended.ask(found, who_of(request))
    except engine.EngineError as error:
        messages.error(request, error.text)
        return to("course", pk)
    tasks.ring_reading(run)
    if begun:
        messages.success(
            request, _("Run %(id)s has begun. It sends what may go without a look.") % {"id": run.pk}
        )
    else:
        text = _("%(name)s has this course read just now. Nothing was begun; look again when that is done.")
        messages.warning(request, text % {"name": run.asked_name})
    return to("course", pk)


@doing(acting.RIGHT)
def act_for(request: HttpRequest, pk: int, membership_id: int) -> HttpResponse:
    """Open the course's pages as this teacher sees them, in the administrator's own window, with both names.

    The session's cookie is given by this very answer: there is no address that could be passed on.
    """
    found = _course(request, pk)
    rows = Membership.objects.select_related("user", "context__deployment__registration__institution")
    membership = get_object_or_404(rows, pk=membership_id, context=found, can_send=True)
    admin = request.user
    if not isinstance(admin, User) or not acting.may_act(admin, membership):
        raise PermissionDenied
    deployment = found.deployment
    if not (deployment.active and deployment.registration.active):
        messages.error(request, _("The LMS of this course is switched off. Approve it again first."))
        return HttpResponseRedirect(_address(found))
    audit.note(
        found.institution,
        request.user,
        "act_for",
        found,
        on_behalf_of=str(membership.user),
        context=found,
    )
    opened = sessions.open_session(
        membership,
        request,
        origins=[],
        return_url=request.build_absolute_uri(_address(found)),
        acting_admin=admin,
    )
    response = HttpResponseRedirect(sessions.course_page(found), headers={"Cache-Control": "no-store"})
    sessions.carry(response, opened)
    return response


def _address(context: Context) -> str:
    return reverse("overview:course", args=[context.pk])
