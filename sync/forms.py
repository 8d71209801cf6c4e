"""What a teacher's forms may say. They check shape; the engine checks rights and truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.models import Institution
from sync import engine
from sync.errors import AdapterError, Misconfigured
from sync.lms import registry as lms_registry
from sync.management.base import Failed, parse_options
from sync.matching import LMS_FIELDS, SIS_FIELDS, USER_IDS
from sync.models import ClassLink, SisConnection
from sync.options import Option
from sync.sis import registry as sis_registry

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


class AskForClassForm(LinkClassForm):
    """A class that she cannot prove: its id, or the name that she knows, and a sentence for the administrator."""

    note = forms.CharField(max_length=500, required=False)


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
    maximum = Decimal(item.data["maximum"] or 0)
    return {
        "title": item.data["title"],
        "category": cell.class_link.connection.options.get("category", ""),
        "assigned": min(timezone.now().date(), due - timedelta(days=7)),
        "due": due,
        "minimum": Decimal(0),
        "maximum": maximum if maximum > 0 else Decimal(100),
    }


# --- the administrator's forms --------------------------------------------------------------------------------


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """A connection whose secret can be written and never read: empty keeps the stored one.

    The secret is asked for again when it would be sent to another host: nobody gets it by moving an address.
    """

    secret_name = ""
    addresses: tuple[str, ...] = ("base_url",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = str(getattr(self.instance, self.secret_name) or "")
        self.former_hosts = self._hosts({name: getattr(self.instance, name) for name in self.addresses})
        if self.secret_name in self.fields:
            self.fields[self.secret_name] = forms.CharField(
                required=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
                help_text=self._help(),
            )

    def _help(self) -> str:
        state = _("One is stored; leave empty to keep it.") if self.stored else _("None is stored.")
        return f"{state} " + _("Or env:NAME or file:NAME, to keep it outside the database.")

    @staticmethod
    def _hosts(urls: Any) -> set[str]:
        return {urlsplit(str(url or "")).netloc.lower() for url in urls.values()} - {""}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_options(data)
        if self.secret_name in self.fields and not data.get(self.secret_name):
            data[self.secret_name] = self.stored
            now = self._hosts({name: data.get(name) for name in self.addresses})
            if self.stored and now - self.former_hosts:
                self.add_error(
                    self.secret_name, _("The address changed: enter the secret again, so that it goes there.")
                )
        return data

    def _check_options(self, data: dict[str, Any]) -> None:
        options, adapter = data.get("options") or {}, str(data.get("adapter") or "")
        try:
            if not isinstance(options, dict):
                raise Failed(_("Options are a JSON object of names and values."))
            texts = [f"{name}={value}" for name, value in options.items()]
            data["options"] = parse_options(texts, self.declared(adapter), adapter)
        except Failed as error:
            self.add_error("options", error.text)
        except Misconfigured as error:
            self.add_error("adapter", str(error))

    def declared(self, adapter: str) -> Sequence[Option]:
        """The adapter's options. Raises Misconfigured when there is no such adapter."""
        raise NotImplementedError


class SisConnectionForm(ConnectionForm):
    secret_name = "client_secret"  # noqa: S105 - the field's name
    addresses = ("base_url", "token_url")

    def declared(self, adapter: str) -> Sequence[Option]:
        return sis_registry.get(adapter).options

    def clean_pairs(self) -> Any:
        """[[LMS field, SIS field], ...]; empty takes the defaults."""
        pairs = self.cleaned_data["pairs"] or []
        shaped = isinstance(pairs, list) and all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
            for pair in pairs
        )
        if not shaped:
            raise forms.ValidationError(_('Write pairs like [["sis_id", "identifier"]].'))
        for left, right in pairs:
            if left not in LMS_FIELDS or not (
                right in SIS_FIELDS or right.removeprefix(USER_IDS) not in ("", right)
            ):
                known = f"{', '.join(LMS_FIELDS)} = {', '.join(SIS_FIELDS)}, {USER_IDS}…"
                raise forms.ValidationError(_("Fields of a pair are %(known)s.") % {"known": known})
        return pairs


class LmsConnectionForm(ConnectionForm):
    secret_name = "token"  # noqa: S105 - the field's name

    def declared(self, adapter: str) -> Sequence[Option]:
        return lms_registry.get(adapter).options


class ClassLinkByAdminForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """An administrator's own word that a course is a class: the engine links it, and says why not."""

    who = engine.Who("")  # set per request by the admin

    class Meta:
        model = ClassLink
        fields = ("context", "connection", "class_id")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.instance = engine.link_class(
                    data["context"], data["connection"], data["class_id"], self.who, as_admin=True
                )
            except engine.EngineError as error:
                raise forms.ValidationError(error.text) from None
            except AdapterError as error:
                raise forms.ValidationError(str(error)) from None
        return data
