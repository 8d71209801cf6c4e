"""Students: who is matched with whom and by what; the others are settled by a person, never guessed."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from lti_tool.access import form_of_course, viewer_required
from sync import engine
from sync.forms import ExcludeStudentForm, LinkStudentForm
from sync.models import ClassLink
from sync.views import people, reading
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
from sync.views.filtering import Filter
from sync.views.people import People
from sync.views.seen import Json, Seen

PER_PAGE: Final = 40


def _people(request: Request) -> People:
    return People(Seen(state_of(request), class_links_of(request)), course_of(request), request.lti.user)


@page
def students(request: Request, public_id: UUID) -> HttpResponse:
    found, narrowed = _people(request), Filter.of(request.GET)
    listed = Paginator(found.narrowed(narrowed), PER_PAGE).get_page(narrowed.page)
    rows = [found.told(row) for row in listed]
    sent_at = people.last_sent(course_of(request))
    news, fresh = found.news(sent_at)
    return show(
        request,
        "sync/students.html",
        seen=found.seen,
        narrowed=narrowed,
        all_link=narrowed.link(part=""),
        links={state: narrowed.link(part=state) for state in people.ORDER},
        counts=people.counted(found.rows),
        total=len(found.rows),
        page=listed,
        groups=[(state, [row for row in rows if row["state"] == state]) for state in people.ORDER],
        news=news,
        fresh=fresh,
        sent_at=sent_at,
    )


@viewer_required
@form_of_course
def find(request: Request, public_id: UUID) -> HttpResponse:
    """Search: the words go sealed into the address of the list, as an address may hold no name."""
    narrowed = Filter.of(request.POST).searching(_plain(request, "words"))
    answer = to(request, "students")
    answer["Location"] += narrowed.query + "#list"
    return answer


@viewer_required
@form_of_course
def consider(request: Request, public_id: UUID) -> HttpResponse:
    """Show one SIS student beside the LMS's, before anybody confirms: the choice goes sealed into the address."""
    answer = to(request, "settle_student")
    chosen = Filter().searching(_plain(request, "student"))
    answer["Location"] += "?" + urlencode({"student": _plain(request, "user_id"), "find": chosen.find})
    return answer


def _plain(request: Request, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "")


@page
def settle(request: Request, public_id: UUID) -> HttpResponse:
    """One student: confirm a suggestion, choose from the rosters of the linked classes, or leave her out with a reason."""
    found = _people(request)
    student = found.seen.student(request.GET.get("student", ""))
    if student is None:
        raise Http404
    return show(
        request,
        "sync/settle_student.html",
        student=found.told(student),
        chosen=_chosen(found, student, Filter.of(request.GET).words),
        roster=people.choices(found.seen),
    )


def _chosen(found: People, student: Json, words: str) -> Json | None:
    """The SIS student to look at ("class link:student id"), with what speaks for her and against."""
    link_id, _colon, student_id = words.partition(":")
    person = found.person(int(link_id), student_id) if link_id.isdecimal() and len(link_id) < 18 else None
    if person is None:
        return None
    taken = any(row["student_id"] == student_id and row["state"] == "matched" for row in found.rows)
    return person | {
        "class_link": link_id,
        "class_title": found.classes[int(link_id)],
        "evidence": found.evidence(student, int(link_id), person),
        "taken": taken and student["student_id"] != student_id,
    }


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
