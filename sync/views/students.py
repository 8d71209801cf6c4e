"""Students: who is matched with whom and by what; the others are settled by a person, never guessed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from sync import engine
from sync.forms import ExcludeStudentForm, LinkStudentForm
from sync.models import ClassLink
from sync.views import reading, wording
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
from sync.views.seen import Seen


def _seen(request: Request) -> Seen:
    return Seen(state_of(request), class_links_of(request))


@page
def students(request: Request, public_id: UUID) -> HttpResponse:
    seen = _seen(request)
    rows = seen.students
    titles = {link.pk: str(link) for link in seen.standing}
    for row in rows:
        row["by"] = _by(row["by"])
        row["class_title"] = titles.get(row["class_link"], "")
        for one in row["suggestions"]:
            one["class_title"] = titles.get(one["class_link"], "")
    return show(
        request,
        "sync/students.html",
        seen=seen,
        to_settle=[row for row in rows if row["state"] == "problem"],
        matched=[row for row in rows if row["state"] == "matched"],
        excluded=[row for row in rows if row["state"] == "excluded"],
    )


def _by(by: str) -> str:
    """The matcher's "sis_id = sourcedId, login = username" as "SIS id, login"; a person's word stays as it is."""
    fields = [part.partition(" = ")[0] for part in by.split(", ")]
    if not all(field in wording.MATCHED_BY for field in fields):
        return by
    return ", ".join(dict.fromkeys(str(wording.MATCHED_BY[field]) for field in fields))


@page
def settle(request: Request, public_id: UUID) -> HttpResponse:
    """One student: choose from the rosters of the linked classes, or leave her out with a reason."""
    seen = _seen(request)
    student = seen.student(request.GET.get("student", ""))
    if student is None:
        raise Http404
    student["by"] = _by(student["by"])
    return show(request, "sync/settle_student.html", student=student, roster=seen.roster())


@action
def link(request: Request, public_id: UUID) -> HttpResponse:
    form = LinkStudentForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a student first."))
        return to(request, "students")
    class_link_id, student_id = form.cleaned_data["student"]
    class_link = get_object_or_404(ClassLink, pk=class_link_id, context=course_of(request), lapsed="")
    user_id = form.cleaned_data["user_id"]
    with told(request):
        engine.link_student(course_of(request), user_id, class_link, student_id, who_of(request))
        messages.success(request, _("Confirmed. Your word holds in your courses until an id changes."))
        reading.look_again(request)
    return to(request, "students")


@action
def exclude(request: Request, public_id: UUID) -> HttpResponse:
    form = ExcludeStudentForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why this student is left out."))
        return to(request, "students")
    with told(request):
        engine.exclude_student(
            course_of(request), form.cleaned_data["user_id"], form.cleaned_data["reason"], who_of(request)
        )
        messages.success(request, _("Left out. What was sent before stays in the SIS."))
        reading.look_again(request)
    return to(request, "students")


@action
def forget(request: Request, public_id: UUID) -> HttpResponse:
    """Undo what she confirmed or left out for one student."""
    with told(request):
        engine.forget_student(course_of(request), request.POST.get("user_id", ""), who_of(request))
        messages.success(request, _("Taken back."))
        reading.look_again(request)
    return to(request, "students")
