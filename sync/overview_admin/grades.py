"""What was sent of one student, found by her SIS id or name. Each search is written down, and no address names her."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lti_tool.models import Institution
from lti_tool.staff import institutions_of
from sync.engine import audit
from sync.models import GradeChange
from sync.overview_admin.desk import doing, looking, show
from sync.views.rows import Row, row_of

RIGHT: Final = "sync.view_sentgrade"
MOST: Final = 200


class InstitutionForm(forms.Form):
    """A form about one of her own institutions; the only one is chosen for her."""

    institution = forms.ModelChoiceField(
        Institution.objects.none(), label=gettext_lazy("Institution"), empty_label=None
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        field: Any = self.fields["institution"]
        field.queryset = institutions_of(user).order_by("name")


class SearchForm(InstitutionForm):
    student = forms.CharField(
        label=gettext_lazy("SIS id or name of the student"), min_length=2, max_length=200, strip=True
    )


@looking(RIGHT)
def form(request: HttpRequest) -> HttpResponse:
    return _shown(request, SearchForm(request.user))


@doing(RIGHT)
def search(request: HttpRequest) -> HttpResponse:
    asked = SearchForm(request.user, request.POST)
    if not asked.is_valid():
        return _shown(request, asked)
    institution, words = asked.cleaned_data["institution"], asked.cleaned_data["student"]
    found = list(_sent(institution, words)[: MOST + 1])
    students = len({(one.connection_id, one.student_id) for one in found})
    told = ngettext("%(n)s student found", "%(n)s students found", students) % {"n": students}
    audit.note(institution, request.user, "search", words, detail=told)
    listed: list[tuple[GradeChange, Row]] = [(one, row_of(one)) for one in found[:MOST]]
    return _shown(request, asked, found=listed, told=told, more=len(found) > MOST)


def _sent(institution: Institution, words: str) -> QuerySet[GradeChange]:
    """All that ever left for this student: by the exact SIS id, or by a part of her name; the newest first."""
    rows = GradeChange.objects.filter(connection__institution=institution, sent_at__isnull=False)
    hers = rows.filter(Q(student_id=words) | Q(student_name__icontains=words))
    return hers.select_related("run__context", "connection").defer("run__report").order_by("-sent_at", "-pk")


def _shown(request: HttpRequest, asked: SearchForm, **values: Any) -> HttpResponse:
    return show(request, "grades.html", _("Grades sent of a student"), form=asked, **values)
