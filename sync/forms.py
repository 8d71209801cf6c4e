"""What a teacher's forms may say. They check shape; the engine checks rights and truth."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.core.validators import MaxLengthValidator
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.models import Institution
from sync import engine, periods, timetable
from sync.engine.schedules import Wish
from sync.errors import AdapterError, Misconfigured
from sync.grant_models import BY_TEACHER
from sync.lms import registry as lms_registry
from sync.management.base import Failed, parse_options
from sync.matching import LMS_FIELDS, SIS_FIELDS, USER_IDS
from sync.models import ClassLink, Schedule, SisConnection
from sync.options import Option
from sync.sis import registry as sis_registry
from sync.views.wording import KINDS_OF_SCHEDULE

if TYPE_CHECKING:
    from sync.views.seen import Cell, Item, Seen


HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]


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


class ReportForm(forms.Form):
    """The SIS's report about a file, as a person brings it."""

    MOST = 5 * 1024 * 1024

    report = forms.FileField(error_messages={"empty": gettext_lazy("This file is empty.")})

    def clean_report(self) -> Any:
        found = self.cleaned_data["report"]
        if found.size > self.MOST:
            raise forms.ValidationError(_("This file is too large to be a report."))
        return found


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
    session = forms.ChoiceField(required=False, label=gettext_lazy("Grading period"))
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

    def __init__(self, proposal: Proposal, data: Any = None) -> None:
        self.proposal, self.item, self.cell = proposal, proposal.item, proposal.cell
        name = hashlib.sha256(self.item.data["line_item_id"].encode()).hexdigest()[:16]
        prefix = f"new-{self.cell.class_link.pk}-{name}"
        super().__init__(data, prefix=prefix, initial=proposal.initial)
        self._fit(proposal)

    def _fit(self, proposal: Proposal) -> None:
        """To what the SIS takes in this class."""
        fields: dict[str, Any] = self.fields
        limit = proposal.title_limit
        fields["title"].widget.attrs["maxlength"] = fields["title"].max_length = limit
        fields["title"].validators.append(MaxLengthValidator(limit))
        if proposal.shortened:
            fields["title"].help_text = _(
                "Shortened or numbered: the SIS takes %(n)s letters, each title once."
            ) % {"n": limit}
        if proposal.moved:
            fields["due"].help_text = _(
                "The LMS's date is outside the SIS's grading periods; this is the nearest day."
            )
        if proposal.categories:
            fields["category"].widget.attrs["list"] = f"categories-{self.cell.class_link.pk}"
        if proposal.periods:
            fields["session"].choices = [(one.period_id, one.title) for one in proposal.periods]
        else:
            del fields["session"]

    @property
    def picked(self) -> bool:
        return self.is_bound and bool(self.data.get(self.add_prefix("create")))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("create"):
            return data
        low, high = data.get("minimum"), data.get("maximum")
        if low is not None and high is not None and high <= low:
            self.add_error("maximum", _("The highest value must be above the lowest."))
        if str(data.get("title", "")).strip().casefold() in self.proposal.taken:
            self.add_error(
                "title",
                _("The SIS has an assignment of this title in the class. Link it, or choose another title."),
            )
        self._clean_dates(data.get("assigned"), data.get("due"), data.get("session", ""))
        return data

    def _clean_dates(self, assigned: date | None, due: date | None, session: str) -> None:
        if assigned and due and due < assigned:
            self.add_error("due", _("The due date must not be before the date of assigning."))
        period = next((one for one in self.proposal.periods if one.period_id == session), None)
        if due and period and period.begins and period.ends and not period.holds(due):
            text = _("The due date must be in the grading period, from %(begins)s to %(ends)s.")
            days = {"begins": date_format(period.begins), "ends": date_format(period.ends)}
            self.add_error("due", text % days)

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
            session_id=data.get("session", ""),
        )

    def _changed(self, name: str) -> Any:
        value = self.cleaned_data[name]
        return None if value == self.initial[name] else value

    def _moment(self, name: str) -> datetime | None:
        """Noon in UTC of a date: the same day in nearly every time zone. None: the LMS's own, unchanged."""
        day: date | None = self.cleaned_data[name]
        own = name == "due" and self.proposal.due_is_own and day == self.initial[name]
        return None if day is None or own else datetime.combine(day, time(12), tzinfo=UTC)


class Proposal:
    """What a new SIS assignment would be: a title that fits and is free, dates in a grading period, the LMS's range.

    `taken` holds the titles of the class in small letters.
    """

    def __init__(self, item: Item, cell: Cell, offer: Mapping[str, Any], taken: Collection[str]) -> None:
        self.item, self.cell, self.taken = item, cell, frozenset(taken)
        self.title_limit = int(offer.get("title_limit", 500))
        self.categories = list(offer.get("categories", []))
        self.periods = [_period(one) for one in offer.get("sessions", [])]
        self.initial = self._initial()

    def _initial(self) -> dict[str, Any]:
        data = self.item.data
        title = engine.unique_title(data["title"], self.title_limit, self.taken)
        self.shortened = title != " ".join(data["title"].split())
        due_at = parse_datetime(data["due"]) if data["due"] else None
        wanted = (due_at or timezone.now()).date()
        period = periods.fitting(wanted, self.periods)
        first = min(timezone.now().date(), periods.week_before(wanted))
        assigned, due = periods.placed(first, wanted, period)
        self.moved = due_at is not None and due != wanted
        self.due_is_own = due_at is not None and not self.moved
        maximum = Decimal(data["maximum"] or 0)
        return {
            "title": title,
            "category": self.cell.class_link.connection.options.get("category", ""),
            "session": period.period_id if period else "",
            "assigned": assigned,
            "due": due,
            "minimum": Decimal(0),
            "maximum": maximum if maximum > 0 else Decimal(100),
        }


def _period(data: Mapping[str, str]) -> periods.Period:
    days = {name: date.fromisoformat(data[name]) if data[name] else None for name in ("begins", "ends")}
    return periods.Period(data["id"], data["title"], days["begins"], days["ends"])


def new_item_forms(seen: Seen, items: Sequence[Item], data: Any = None) -> list[NewItemForm]:
    """A form per open item and class, filled with what is proposed. Which item a form is for is ours to say, and what
    was linked meanwhile has no form any more: a double click creates nothing twice."""
    made: list[NewItemForm] = []
    taken: dict[int, set[str]] = {}
    for item in items:
        for cell in item.cells:
            link_id = cell.class_link.pk
            offer = seen.offer(link_id)
            if cell.link is not None or cell.blocked or not _is_creatable(item, offer):
                continue
            there = taken.setdefault(
                link_id, {one["title"].strip().casefold() for one in seen.sis_items(link_id)}
            )
            form = NewItemForm(Proposal(item, cell, offer, there), data)
            there.add(form.initial["title"].casefold())
            made.append(form)
    return made


def _is_creatable(item: Item, offer: Mapping[str, Any]) -> bool:
    """What is not known yet is offered: the SIS has the last word."""
    return offer.get("creates") is not False and item.data["kind"] in offer.get("kinds", [item.data["kind"]])


class ScheduleForm(forms.Form):
    """When a course's grades are sent by themselves, and which. The engine checks whether they may be at all."""

    kind = forms.ChoiceField(label=gettext_lazy("When"), widget=forms.RadioSelect)
    at = forms.TimeField(
        label=gettext_lazy("At"),
        required=False,
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
    )
    from_hour = forms.TypedChoiceField(label=gettext_lazy("From"), coerce=int, choices=HOURS)
    to_hour = forms.TypedChoiceField(label=gettext_lazy("To"), coerce=int, choices=HOURS)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    sends_new = forms.BooleanField(required=False, label=gettext_lazy("Grades that are not in the SIS yet"))
    sends_changes = forms.BooleanField(
        required=False, label=gettext_lazy("Grades that were changed in the LMS")
    )
    most_changed = forms.TypedChoiceField(
        label=gettext_lazy("Ask a teacher where more would change than"),
        coerce=int,
        choices=[(share, f"{share} %") for share in Schedule.SHARES],
    )

    def __init__(self, schedule: Schedule | None, data: Any = None) -> None:
        self.schedule = schedule
        shown = schedule or Schedule(kind="nightly")
        names = (
            "kind",
            "at",
            "from_hour",
            "to_hour",
            "time_zone",
            "sends_new",
            "sends_changes",
            "most_changed",
        )
        super().__init__(data, initial={name: getattr(shown, name) for name in names})
        fields: Any = self.fields
        fields["kind"].choices = list(KINDS_OF_SCHEDULE.items())
        fields["time_zone"].choices = [(name, name.replace("_", " ")) for name in timetable.zones()]
        # the browser's own zone is offered where none was set
        if schedule is None:
            fields["time_zone"].widget.attrs["data-own-zone"] = "yes"

    def clean_at(self) -> time:
        """A time is needed only once a day; another kind keeps the one that stands."""
        at: time | None = self.cleaned_data["at"]
        if at is None and self.data.get("kind") == "nightly":
            raise forms.ValidationError(_("Say at what time."))
        stands: time = self.initial["at"]
        return at or stands

    def wish(self) -> Wish:
        return Wish(**self.cleaned_data)


# --- the administrator's forms --------------------------------------------------------------------------------


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """A connection whose secrets can be written and never read: empty keeps the stored one.

    A secret is asked for again when it would be sent to another host: nobody gets it by moving an address.
    """

    secret_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ("base_url",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = {name: str(getattr(self.instance, name) or "") for name in self.secret_names}
        self.former_hosts = self._hosts(vars(self.instance))
        if "options" in self.fields:
            self.fields["options"].help_text = self._described()
        for name in self.secret_names:
            if name in self.fields:
                self.fields[name] = forms.CharField(
                    required=False,
                    widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
                    help_text=self._help(self.stored[name]),
                )

    def _described(self) -> str:
        """What the options are: of the connection's adapter, of each one while none is chosen."""
        named = [str(self.instance.adapter)] if self.instance.adapter in self.adapters() else self.adapters()
        adapters = [{"name": name, "options": self.declared(name)} for name in named]
        return render_to_string("admin/sync/_options.html", {"adapters": adapters})

    def _help(self, stored: str) -> str:
        state = _("One is stored; leave empty to keep it.") if stored else _("None is stored.")
        return f"{state} " + _("Or env:NAME or file:NAME, to keep it outside the database.")

    def _hosts(self, values: Mapping[str, Any]) -> set[str]:
        """Where a secret may go: the addresses of the connection, and those among its options."""
        options = values.get("options")
        stated = options.items() if isinstance(options, dict) else ()
        urls = [values.get(name) for name in self.addresses]
        urls += [url for name, url in stated if str(name).endswith("_url")]
        return {urlsplit(str(url or "")).netloc.lower() for url in urls} - {""}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_options(data)
        moved = self._hosts(data) - self.former_hosts
        for name in self.secret_names:
            if name in self.fields and not data.get(name):
                data[name] = self.stored[name]
                if self.stored[name] and moved:
                    text = _("The address changed: enter the secret again, so that it goes there.")
                    self.add_error(name, text)
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

    def adapters(self) -> Sequence[str]:
        raise NotImplementedError

    def declared(self, adapter: str) -> Sequence[Option]:
        """The adapter's options. Raises Misconfigured when there is no such adapter."""
        raise NotImplementedError


class SisConnectionForm(ConnectionForm):
    secret_names = ("client_secret",)
    addresses = ("base_url", "token_url")

    def adapters(self) -> Sequence[str]:
        return sis_registry.names()

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
    secret_names = ("token", "client_secret")

    def adapters(self) -> Sequence[str]:
        return lms_registry.names()

    def declared(self, adapter: str) -> Sequence[Option]:
        return lms_registry.get(adapter).declared()

    def clean(self) -> dict[str, Any]:
        """Teachers can grant their access only where the LMS knows that, and with a key of this tool."""
        data = super().clean()
        if data.get("access") == BY_TEACHER and not self.errors:
            if lms_registry.get(str(data["adapter"])).flow is None:
                self.add_error("access", _("This reader knows no access that teachers grant."))
            for name in ("base_url", "client_id", "client_secret"):
                if not data.get(name):
                    self.add_error(name, _("Teachers' own access needs this."))
        return data


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
