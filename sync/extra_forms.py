"""What travels beside a grade, as a person types it in: one form per grade on one page."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sync.engine.extras import Wanted, latest_today
from sync.sis import records as sis
from sync.views.filtering import mark

FIELDS: Final = {
    "last_attendance": ("last_attended", "never_attended"),
    "incomplete": ("lapses_to", "extended_to"),
}


def _day(label: Any) -> forms.DateField:
    # the browser shows the date as the reader writes dates, and sends it as ISO 8601 has it
    return forms.DateField(required=False, label=label, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))


class ExtraForm(forms.Form):
    """Left empty, nothing is entered, and what was entered is taken back."""

    last_attended = _day(gettext_lazy("Last date of attendance"))
    never_attended = forms.BooleanField(required=False, label=gettext_lazy("Never attended"))
    lapses_to = forms.CharField(
        max_length=40, required=False, label=gettext_lazy("Grade if the work is not finished")
    )
    extended_to = _day(gettext_lazy("Time to finish the work, until"))

    def __init__(self, wanted: Wanted, data: Any = None) -> None:
        self.wanted, self.mark = wanted, mark(wanted.key.text())
        names = [name for several in FIELDS.values() for name in several]
        before = {name: getattr(wanted.entered, name) for name in names} if wanted.entered else {}
        super().__init__(data, prefix=f"g-{self.mark}", initial=before)
        for kind in FIELDS.keys() - wanted.fields:
            for name in FIELDS[kind]:
                del self.fields[name]

    @property
    def is_posted(self) -> bool:
        """Did the page that she sent show this grade?"""
        return self.is_bound and self.add_prefix("there") in self.data

    def clean_last_attended(self) -> date | None:
        day: date | None = self.cleaned_data["last_attended"]
        if day is not None and day > latest_today():
            raise forms.ValidationError(_("This day is still to come."))
        return day

    def clean_extended_to(self) -> date | None:
        day: date | None = self.cleaned_data["extended_to"]
        if day is not None and day < latest_today() and "extended_to" in self.changed_data:
            raise forms.ValidationError(_("This day is over. Choose a later one."))
        return day

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("never_attended") and data.get("last_attended"):
            self.add_error("never_attended", _("Give the date, or say that there was none; not both."))
        if not self.errors and bool(data.get("lapses_to")) != bool(data.get("extended_to")):
            lacking = "extended_to" if data.get("lapses_to") else "lapses_to"
            self.add_error(lacking, _("The SIS wants both: the grade, and until when."))
        return data

    @property
    def said(self) -> sis.Extras:
        data = self.cleaned_data
        return sis.Extras(
            lapses_to=str(data.get("lapses_to") or "").strip(),
            extended_to=data.get("extended_to"),
            last_attended=data.get("last_attended"),
            never_attended=bool(data.get("never_attended")),
        )
