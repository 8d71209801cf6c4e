"""What mails say, in their reader's language: which run, how it ended, how many grades. No grade, no student."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q
from django.utils import formats, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lti_tool.languages import language_of
from sync.models import Mail, Run, Schedule
from sync.timetable import is_zone
from sync.views.telling import tell

Text = str | Promise

# why a schedule stopped (Schedule.STOPS), with the name of the teacher whose it is
STOPS: Final[dict[str, Text]] = {
    "not_staff": gettext_lazy("The LMS does not show %(name)s as a teacher of this course any more."),
    "not_seen": gettext_lazy(
        "%(name)s did not open GradeSync for a long time, and the LMS does not tell whether %(name)s still teaches this course."
    ),
    "no_access": gettext_lazy("The LMS does not let GradeSync read this course any more."),
    "no_grant": gettext_lazy(
        "The LMS was read with the access of %(name)s, and that has ended. %(name)s can connect again, or another teacher can."
    ),
    "failures": gettext_lazy("Three runs in a row ended in an error."),
}
SUBJECTS: Final[dict[str, Text]] = {
    "done": gettext_lazy("%(course)s: grades are in the SIS"),
    "partly": gettext_lazy("%(course)s: some grades need you"),
    "failed": gettext_lazy("%(course)s: grades could not be sent"),
}
FIRST: Final[dict[str, Text]] = {
    "done": gettext_lazy("All grades that were to be sent went to the SIS."),
    "partly": gettext_lazy("Grades were sent to the SIS. Some need a person."),
    "failed": gettext_lazy("Sending grades to the SIS did not come to its end."),
    "waits": gettext_lazy("No grade was sent: a teacher must look first."),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a run's grades, counted by its rows."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    refused: int = 0
    moved_on: int = 0
    unknown: int = 0

    @property
    def sent(self) -> int:
        return self.new + self.changed + self.removed

    @property
    def left(self) -> int:
        return self.refused + self.moved_on + self.unknown

    @property
    def any(self) -> bool:
        """Did it send anything, or try to?"""
        return bool(self.sent or self.left)


def figures_of(run: Run) -> Figures:
    went = Q(state__in=("accepted", "delivered", "unchanged"), sent_at__isnull=False)
    counted = {
        "new": went & Q(withdraws=False, before__isnull=True),
        "changed": went & Q(withdraws=False, before__isnull=False),
        "removed": went & Q(withdraws=True),
        "refused": Q(state="rejected"),
        "moved_on": Q(state="changed"),
        "unknown": Q(state__in=("unknown", "sending")),
    }
    found = run.changes.aggregate(**{name: Count("pk", filter=wanted) for name, wanted in counted.items()})
    return Figures(**found)


def problems_of(run: Run) -> int:
    return len(run.report.get("problems", []))


def outcome_of(run: Run, figures: Figures) -> str:
    """One of three: done, partly, failed."""
    if run.state == "failed" or (run.state == "review" and not figures.any):
        return "failed"
    left = run.state == "review" or figures.left or problems_of(run) or run.in_sync is False
    return "partly" if left else "done"


# --- the words ------------------------------------------------------------------------------------------------


def text_of(mail: Mail) -> tuple[str, str]:
    """Subject and body, in the reader's language: a teacher's as her last launch stated it."""
    language = language_of(mail.user.locale) if mail.user is not None else None
    with translation.override(language or settings.LANGUAGE_CODE):
        return _of_run(mail.run) if mail.run is not None else _of_stop(mail)


def _of_run(run: Run) -> tuple[str, str]:
    figures = figures_of(run)
    outcome = outcome_of(run, figures)
    parts = [
        str(_first(run, figures, outcome)),
        _who_and_when(run),
        "\n".join(f"- {line}" for line in _lines(run, figures)),
        tell(run.message) if run.state in ("failed", "review") else "",
        _("Open GradeSync from this course in your LMS to see each grade, and what to do.")
        if outcome != "done"
        else _("Open GradeSync from this course in your LMS to see each grade."),
        _you_teach(),
    ]
    return _subject(SUBJECTS[outcome], str(run.context)), _body(str(run.context), parts)


def _first(run: Run, figures: Figures, outcome: str) -> Text:
    waits = run.state != "failed" and outcome != "done" and not figures.any
    return FIRST["waits" if waits else outcome]


def _who_and_when(run: Run) -> str:
    zone = _zone_of(run.schedule)
    values = {"when": _moment(run.created_at, zone), "name": _one_line(run.asked_name)}
    if run.schedule is not None:
        return _("By the schedule of %(name)s, begun on %(when)s.") % values
    return _("Begun by %(name)s on %(when)s.") % values


def _lines(run: Run, figures: Figures) -> list[str]:
    new, changed, removed = figures.new, figures.changed, figures.removed
    refused, unknown, moved_on = figures.refused, figures.unknown, figures.moved_on
    problems = problems_of(run)
    told = [
        (new, ngettext("%(n)s new grade", "%(n)s new grades", new)),
        (changed, ngettext("%(n)s changed grade", "%(n)s changed grades", changed)),
        (removed, ngettext("%(n)s grade removed", "%(n)s grades removed", removed)),
        (refused, ngettext("%(n)s grade refused by the SIS", "%(n)s grades refused by the SIS", refused)),
        (unknown, ngettext("%(n)s grade not confirmed yet", "%(n)s grades not confirmed yet", unknown)),
        (
            moved_on,
            ngettext(
                "%(n)s grade changed meanwhile, not sent",
                "%(n)s grades changed meanwhile, not sent",
                moved_on,
            ),
        ),
        (problems, ngettext("%(n)s thing to settle first", "%(n)s things to settle first", problems)),
    ]
    return [text % {"n": number} for number, text in told if number]


def _of_stop(mail: Mail) -> tuple[str, str]:
    course = str(mail.context)
    parts = [
        _("Grades of this course are not sent by schedule any more."),
        str(STOPS[mail.stopped]) % {"name": _one_line(mail.about_name)},
        _(
            "Another teacher of the course can take the schedule over: open GradeSync from the course in the LMS, then “Schedule”."
        ),
        _you_teach() if mail.user is not None else _you_administer(mail),
    ]
    return _subject(gettext_lazy("%(course)s: the schedule stopped"), course), _body(course, parts)


def _you_teach() -> str:
    return _("You get this mail because you teach this course.")


def _you_administer(mail: Mail) -> str:
    return _("You get this mail because you administer GradeSync for %(institution)s.") % {
        "institution": mail.context.institution
    }


def _subject(text: Text, course: str) -> str:
    """One line, whatever the course is called."""
    return _one_line(str(text) % {"course": course[:100]})


def _one_line(text: str) -> str:
    """Names and titles come from an LMS: none of them writes a paragraph of its own into a mail."""
    return " ".join(text.split())


def _body(course: str, parts: list[str]) -> str:
    return "\n\n".join([_one_line(course), *(part for part in parts if part)]) + "\n"


def _zone_of(schedule: Schedule | None) -> tzinfo:
    return ZoneInfo(schedule.time_zone) if schedule is not None and is_zone(schedule.time_zone) else UTC


def _moment(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} ({local.tzname()})"


def host() -> str:
    """The domain of our mails' ids."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
