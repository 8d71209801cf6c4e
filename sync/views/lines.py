"""Lines of a report as pages show them: in groups, with who decided what and when, and what was sent last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lti_tool.models import Context
from sync import engine, registrations, reports
from sync.engine import deciding
from sync.models import Decision, KeyedModel, Run, SentGrade
from sync.views import wording
from sync.views.filtering import Filter, mark

FEW = 25  # lines of a group on the page of everything
MANY = 100  # lines of a page that shows one part only


class Known:
    """What the database knows of the grades that a page shows: asked once, however many they are."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.keys: set[str] = set()

    @cached_property
    def decisions(self) -> dict[str, Decision]:
        return _by_key(Decision.objects.filter(lapsed_at=None), self.run.context, self.keys)

    @cached_property
    def sent(self) -> dict[str, SentGrade]:
        return _by_key(SentGrade.objects.all(), self.run.context, self.keys)


def _by_key(rows: Any, context: Context, keys: set[str]) -> dict[str, Any]:
    students = {engine.parse_key(key).student_id for key in keys}
    found: Iterable[KeyedModel] = rows.filter(context=context, student_id__in=students)
    return {row.key.text(): row for row in found}


class Shown:
    """One line with what the page adds to it."""

    def __init__(self, line: reports.Line, known: Known) -> None:
        self.line, self._known = line, known
        if line.key:
            known.keys.add(line.key)

    @property
    def next(self) -> wording.Text:
        return wording.NEXT.get(self.line.cause, self.line.next)

    @property
    def details(self) -> str:
        """Ids to look for; of a registration, the grade, its mode or the SIS's own words."""
        of_registration = self.line.cause in registrations.TEXTS
        return ", ".join(map(_dated, self.line.details)) if of_registration else _ids(self.line.details)

    @property
    def enters(self) -> str:
        """Where it is entered what the SIS wants beside this grade: its mark on that page; "" where nothing is missing."""
        asked = self.decision is not None and self.decision.code == "extra_data_required"
        missing = self.line.cause in registrations.OF_ATTENDANCE | registrations.OF_LAPSE
        return mark(self.line.key) if self.line.key and (missing or asked) else ""

    @property
    def cause(self) -> wording.Text:
        return wording.CAUSES.get(self.line.cause, "")

    @property
    def pair(self) -> str:
        """The digest of the two values that a decision on this line is for."""
        pair = self._known.run.report.get("pairs", {}).get(self.line.key)
        return deciding.digest_of_pair(self.line.key, (pair[0], pair[1])) if pair else ""

    @property
    def decision(self) -> Decision | None:
        return self._known.decisions.get(self.line.key)

    @property
    def decided(self) -> wording.Text:
        return wording.DECISIONS.get(self.decision.kind, "") if self.decision else ""

    @property
    def sent_at(self) -> datetime | None:
        sent = self._known.sent.get(self.line.key)
        return sent.sent_at if sent else None


def _dated(detail: str) -> str:
    try:
        return str(date_format(date.fromisoformat(detail)))
    except ValueError:
        return detail


def _ids(ids: Sequence[str]) -> str:
    return f"{_('Ids:')} {', '.join(ids)}" if ids else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind under one heading; `total` counts those too that this page has no room for."""

    title: wording.Text
    lines: Sequence[Shown]
    total: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page: its groups, and its pages where it stands alone."""

    name: str
    total: int
    groups: Sequence[Group]
    link: str
    page: Page[Any] | None = None

    @property
    def has_more(self) -> bool:
        return any(len(group.lines) < group.total for group in self.groups)


def is_problem(line: reports.Line) -> bool:
    return line.kind == "problem" or line.cause == "accepted, not shown"


def who_of(line: reports.Line) -> str:
    return line.who if line.who in wording.WHO else "admin"


class Book:
    """The lines of one run's report, ready to be shown."""

    def __init__(self, run: Run, narrowed: Filter, rows_tell: frozenset[str] = frozenset()) -> None:
        self.known, self.narrowed = Known(run), narrowed
        every = [one for one in reports.lines(run.report) if not _told(one, rows_tell)]
        self.titles = {line.item for line in every if line.item}
        self.lines = [one for one in every if narrowed.fits(one.student, one.student_id, one.item)]

    def part(
        self, name: str, lines: Sequence[reports.Line], titles: Mapping[str, wording.Text], by: Any
    ) -> Part:
        """`by` names a line's group, `titles` the groups in their order."""
        place = {key: number for number, key in enumerate(titles)}
        found = sorted(lines, key=lambda line: place.get(by(line), len(place)))
        link = self.narrowed.link(part=name)
        if self.narrowed.part != name:
            return Part(name, len(found), self._groups(found, titles, by, few=True), link)
        page = Paginator(found, MANY).get_page(self.narrowed.page)
        return Part(name, len(found), self._groups(list(page), titles, by, few=False), link, page)

    def _groups(
        self, lines: Sequence[reports.Line], titles: Mapping[str, wording.Text], by: Any, *, few: bool
    ) -> list[Group]:
        groups: dict[str, list[reports.Line]] = defaultdict(list)
        for line in lines:
            groups[by(line)].append(line)
        return [
            Group(titles.get(key, key), [Shown(one, self.known) for one in _some(found, few)], len(found))
            for key, found in groups.items()
        ]


def _some(lines: list[reports.Line], few: bool) -> list[reports.Line]:
    return lines[:FEW] if few else lines


def _told(line: reports.Line, rows_tell: frozenset[str]) -> bool:
    """A grade that is a row of the list is told by its row."""
    return line.kind == "difference" and line.key in rows_tell
