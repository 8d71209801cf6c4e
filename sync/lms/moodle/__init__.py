"""Reads a Moodle course through its web services: the user report of all students, and what stands around it.

Needs the token of an external service (README names its functions and rights). The launch's context id is the course's
number. Moodle has no paging here and no "changed since": a course is one long answer, or one answer for each student.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.moodle import functions, letters, places
from sync.lms.moodle.client import Client
from sync.lms.moodle.reading import Reading, Wishes
from sync.lms.streams import Streams
from sync.options import Finding, Option, whole_number

COURSE_ID: Final = re.compile(r"[1-9]\d{0,17}")


class Moodle(base.Lms):
    """One token reads all courses: it is confined to the course that was launched."""

    name = "moodle"
    label = "Moodle (web services)"
    options = (
        Option("course_totals", "yes", "Offer the course's total as a line item.", ("yes", "no")),
        Option(
            "letters",
            "",
            "Moodle's letter boundaries in percent, as A=93, B=85, F=0. No service of Moodle tells them: without this "
            "option a letter is taken only where the course's user report shows it.",
        ),
        Option(
            "read_by",
            "auto",
            "Read a course in one answer, which takes Moodle about 14 ms for each student, or student by student. "
            "auto: one answer, unless the course is very large.",
            ("auto", "course", "student"),
        ),
        Option("streams", "4", "How many requests at once, 1 to 8."),
        Option("wait_s", "300", "How many seconds Moodle may take for one answer, 30 to 1800."),
        Option(
            "teacher_roles",
            "editingteacher, teacher",
            "Short names of the roles that teach; the second is Moodle's non-editing teacher.",
        ),
    )
    supports = frozenset({"course_total", "timestamps", "sections", "hidden", "overridden", "categories"})
    # of one account, by several reads together: the option `streams` says how many one of them has at most
    at_once = 8
    places = places.PLACES

    def check(self) -> list[Finding]:
        """Does the address take the token, and has its service the functions? Rights show with a course only."""
        try:
            self._wishes()
            site = self._asked_site()
        except Misconfigured as error:
            return [Finding("Access token", False, str(error))]
        release = base.text_of(site.get("release")) or "of an unknown version"
        there = _functions(site)
        return [
            Finding("Access token", True, f"Moodle {release}. Moodle 4.3 or later is needed."),
            _required(there),
            _optional(there),
            Finding(
                "Rights", True, f"These show with a course only. The account needs {functions.ALL_RIGHTS}."
            ),
        ]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        course_id, wishes = _course_id(course), self._wishes()
        with self.pace.streams(self._number("streams", 1, 8)) as count:
            client = self._client(Streams(count))
            try:
                return Reading(client, course_id, course.title, wishes, self.heard).gradebook()
            finally:
                client.close()

    def _client(self, streams: Streams) -> Client:
        wait_s = self._number("wait_s", 30, 1800)
        return Client(self.settings.base_url, self.account, pace=self.pace, streams=streams, wait_s=wait_s)

    def _asked_site(self) -> Mapping[str, Any]:
        client = self._client(Streams())
        try:
            return client.answer(functions.SITE)
        finally:
            client.close()

    def _wishes(self) -> Wishes:
        roles = self.settings.options.get("teacher_roles") or "editingteacher, teacher"
        return Wishes(
            totals=self.settings.options.get("course_totals", "yes") != "no",
            read_by=self.settings.options.get("read_by") or "auto",
            letters=letters.stated(self.settings.options.get("letters", "")),
            teacher_roles=frozenset(part.strip() for part in roles.split(",")),
        )

    def _number(self, name: str, least: int, most: int) -> int:
        return whole_number(self.options, self.settings.options, name, least, most)


def _course_id(course: lms.Course) -> str:
    stated = course.context_id.strip()
    if COURSE_ID.fullmatch(stated):
        return stated
    text = (
        "This course was not opened from Moodle: its id is no Moodle course number. The LMS administrator must connect "
        "this reader to the registration of that Moodle."
    )
    raise Misconfigured(text, "course_unknown")


def _functions(site: Mapping[str, Any]) -> set[str]:
    rows = site.get("functions")
    stated = rows if isinstance(rows, list) else []
    return {base.text_of(one.get("name")) for one in stated if isinstance(one, Mapping)}


def _named(names: Iterable[str], what_for: Mapping[str, str]) -> str:
    return ", ".join(f"{one} ({what_for[one]})" for one in names)


def _required(there: set[str]) -> Finding:
    missing = [one for one in functions.REQUIRED if one not in there]
    if not missing:
        return Finding("Functions of the service", True, "All that are needed.")
    text = f"The LMS administrator must add these to the token's external service: {_named(missing, functions.REQUIRED)}."
    return Finding("Functions of the service", False, text)


def _optional(there: set[str]) -> Finding:
    missing = [one for one in functions.OPTIONAL if one not in there]
    text = f"Could be added: {_named(missing, functions.OPTIONAL)}." if missing else "All that are used."
    return Finding("Further functions", True, text)
