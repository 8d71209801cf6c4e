"""What a teacher's forms may say. They check shape; the engine checks rights and truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.models import Institution
from sync import engine
from sync.models import SisConnection

if TYPE_CHECKING:
    from sync.views.seen import Cell, Item


class LinkClassForm(forms.Form):
    """One of the institution's own connections, and a class there."""

    connection = forms.ModelChoiceField(SisConnection.objects.none())
    class_id = forms.CharField(max_length=300)

    def __init__(self, *args: Any, institution: Institution, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["connection"]
        field.queryset = SisConnection.objects.filter(institution=institution, active=True)


class LinkStudentForm(forms.Form):
    """`student` is "class link:SIS student id"."""

    user_id = forms.CharField(max_length=300)
    student = forms.CharField(max_length=400)

    def clean_student(self) -> tuple[int, str]:
        link_id, _colon, student_id = str(self.cleaned_data["student"]).partition(":")
        if not link_id.isdecimal() or not student_id:
            raise forms.ValidationError(_("Choose a student."))
        return int(link_id), student_id


class ExcludeStudentForm(forms.Form):
    user_id = forms.CharField(max_length=300)
    reason = forms.CharField(max_length=300)


class ItemForm(forms.Form):
    class_link = forms.IntegerField()
    line_item_id = forms.CharField(max_length=1000)


class LinkItemForm(ItemForm):
    sis_id = forms.CharField(max_length=300)
    scale = forms.ChoiceField(choices=[("", ""), *((name, name) for name in engine.SCALES)], required=False)


class ExcludeItemForm(ItemForm):
    reason = forms.CharField(max_length=300)


class ScaleForm(forms.Form):
    scale = forms.ChoiceField(choices=[(name, name) for name in engine.SCALES])


class NewItemForm(forms.Form):
    """One SIS assignment to create. What she leaves as proposed is sent as proposed by the engine."""

    create = forms.BooleanField(required=False, label=gettext_lazy("Create this"))
    title = forms.CharField(max_length=500, label=gettext_lazy("Title in the SIS"))
    category = forms.CharField(max_length=200, required=False, label=gettext_lazy("Category"))
    assigned = forms.DateField(
        required=False,
        label=gettext_lazy("Assigned on"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    due = forms.DateField(
        required=False, label=gettext_lazy("Due on"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    minimum = forms.DecimalField(required=False, label=gettext_lazy("Lowest value"), widget=forms.TextInput)
    maximum = forms.DecimalField(required=False, label=gettext_lazy("Highest value"), widget=forms.TextInput)

    def __init__(self, item: Item, cell: Cell, data: Any = None) -> None:
        self.item, self.cell = item, cell
        name = hashlib.sha256(item.data["line_item_id"].encode()).hexdigest()[:16]
        super().__init__(data, prefix=f"new-{cell.class_link.pk}-{name}", initial=_proposal(item, cell))

    @property
    def picked(self) -> bool:
        return self.is_bound and bool(self.data.get(self.add_prefix("create")))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        low, high = data.get("minimum"), data.get("maximum")
        if data.get("create") and low is not None and high is not None and high <= low:
            self.add_error("maximum", _("The highest value must be above the lowest."))
        assigned, due = data.get("assigned"), data.get("due")
        if data.get("create") and assigned and due and due < assigned:
            self.add_error("due", _("The due date must not be before the date of assigning."))
        return data

    def wish(self) -> engine.NewItemWish:
        data = self.cleaned_data
        return engine.NewItemWish(
            class_link_id=self.cell.class_link.pk,
            lms_line_item_id=self.item.data["line_item_id"],
            title=data["title"],
            category=data["category"],
            assigned=self._moment("assigned"),
            due=self._moment("due"),
            minimum=self._changed("minimum"),
            maximum=self._changed("maximum"),
        )

    def _changed(self, name: str) -> Any:
        value = self.cleaned_data[name]
        return None if value == self.initial[name] else value

    def _moment(self, name: str) -> datetime | None:
        """Noon in UTC of a date that she changed: the same day in nearly every time zone. None: as proposed."""
        day: date | None = self._changed(name)
        return None if day is None else datetime.combine(day, time(12), tzinfo=UTC)


def new_item_forms(items: Sequence[Item], data: Any = None) -> list[NewItemForm]:
    """A form per open item and class, filled with what is proposed. Which item a form is for is ours to say, and what
    was linked meanwhile has no form any more: a double click creates nothing twice."""
    return [
        NewItemForm(item, cell, data)
        for item in items
        for cell in item.cells
        if cell.link is None and not cell.blocked
    ]


def _proposal(item: Item, cell: Cell) -> dict[str, Any]:
    due_at = parse_datetime(item.data["due"]) if item.data["due"] else None
    due = (due_at or timezone.now()).date()
    maximum = item.data["maximum"]
    return {
        "title": item.data["title"],
        "category": cell.class_link.connection.options.get("category", ""),
        "assigned": min(timezone.now().date(), due - timedelta(days=7)),
        "due": due,
        "minimum": Decimal(0),
        "maximum": Decimal(maximum) if maximum else Decimal(100),
    }
