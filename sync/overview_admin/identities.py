"""People's words on who is who, for review: the evidence they rest on, and taking one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.models import LtiUser
from lti_tool.staff import institutions_of
from sync.engine import audit
from sync.models import ContextState, StudentLink
from sync.overview_admin.desk import doing, looking, page_of, show, to


@looking("sync.view_studentlink")
def identities(request: HttpRequest) -> HttpResponse:
    page = page_of(request, _mine(request).order_by("-created_at", "-pk"))
    names = Names(page)
    return show(
        request,
        "identities.html",
        gettext_lazy("Who is who, by people's word"),
        page=page,
        words=[(row, names.in_lms(row), names.in_sis(row), _sides(row)) for row in page],
        may_revoke=request.user.has_perm("sync.delete_studentlink"),
    )


@doing("sync.delete_studentlink")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """The word is gone; grades already sent stay, and the student is to be settled again at the next read."""
    row = get_object_or_404(_mine(request), pk=pk)
    course = row.context
    about = f"{row.lms_user_id} → {row.student_id}" if row.student_id else row.lms_user_id
    audit.note(
        row.registration.institution,
        request.user,
        "revoke",
        about,
        detail=_("word of %(name)s") % {"name": row.confirmed_name},
        context=course,
    )
    row.delete()
    messages.success(
        request, _("Taken back. The next read asks the teachers again; grades in the SIS stay as they are.")
    )
    return to("identities")


def _mine(request: HttpRequest) -> QuerySet[StudentLink]:
    rows = StudentLink.objects.filter(registration__institution__in=institutions_of(request.user))
    return rows.select_related("registration__institution", "connection", "context")


class Names:
    """Names on both sides, as the course where the word was given was last read; else as a launch brought them."""

    def __init__(self, rows: Iterable[StudentLink]) -> None:
        places = {_place(row) for row in rows} - {None}
        states = ContextState.objects.filter(context__in=places)
        self._read: dict[int | None, tuple[dict[str, str], dict[str, str]]] = {
            int(place): ({one["user_id"]: one["name"] for one in students or []}, _by_id(roster or {}))
            for place, students, roster in states.values_list(
                "context", "snapshot__students", "snapshot__roster"
            )
        }
        users = LtiUser.objects.filter(
            registration__in={row.registration_id for row in rows}, sub__in={row.lms_user_id for row in rows}
        )
        self._launched = {(user.registration_id, user.sub): user.name for user in users}

    def in_lms(self, row: StudentLink) -> str:
        people, _roster = self._read.get(_place(row), ({}, {}))
        return people.get(row.lms_user_id) or self._launched.get((row.registration_id, row.lms_user_id), "")

    def in_sis(self, row: StudentLink) -> str:
        _people, roster = self._read.get(_place(row), ({}, {}))
        return roster.get(row.student_id, "")


def _place(row: StudentLink) -> int | None:
    return row.context_id or row.confirmed_in_id


def _by_id(roster: Mapping[str, Any]) -> dict[str, str]:
    """A snapshot's rosters hold the students of each linked class."""
    return {one["id"]: one["name"] for people in roster.values() for one in people}


SIDES: Final = {"lms": gettext_lazy("LMS"), "sis": gettext_lazy("SIS")}


def _sides(row: StudentLink) -> list[tuple[Any, list[tuple[str, str]]]]:
    """The evidence by side: what the LMS and what the SIS said of her when the word was given."""
    parts = [(name.partition("."), str(value)) for name, value in sorted(row.evidence.items())]
    return [
        (title, [(name, value) for (where, _dot, name), value in parts if where == side])
        for side, title in SIDES.items()
    ]
