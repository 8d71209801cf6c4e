"""Reads a Canvas course through its REST API: what a tool cannot see by AGS (assignments, totals, schemes, sections).

Needs an access token of somebody who sees all grades of the course, and the course's id as a custom parameter of the
tool's registration (`canvas_course_id=$Canvas.course.id`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.access import CodeFlow
from sync.lms.canvas import grades, people
from sync.lms.canvas.client import UNKNOWN, Client
from sync.lms.canvas.schemes import Schemes
from sync.options import Finding, Option

Row = Mapping[str, Any]
PARAMETER: Final = "canvas_course_id"
SHARD: Final = 10_000_000_000_000
COURSE_ID: Final = re.compile(r"[\w~:-][\w~:.-]*")


class Canvas(base.Lms):
    """One request after the other: Canvas throttles a token by what it has under way."""

    name = "canvas"
    label = "Canvas (REST API)"
    options = (
        Option(
            "course_id_param",
            PARAMETER,
            "The custom parameter of the launch that holds Canvas's course id. It must come from the tool's "
            "registration ($Canvas.course.id), where teachers cannot change it.",
        ),
        Option("course_totals", "yes", "Offer the course's totals as line items.", ("yes", "no")),
    )
    flow = CodeFlow(
        authorize="/login/oauth2/auth",
        token="/login/oauth2/token",  # noqa: S106 - an address
        revoke="/login/oauth2/token",
        person=("user", "id"),
    )
    supports = frozenset({"course_total", "schemes", "excused", "missing", "late", "timestamps", "sections"})

    @classmethod
    def root(cls, base_url: str) -> str:
        return super().root(base_url).removesuffix("/api/v1")

    @classmethod
    def is_same(cls, granted: str, launched: str) -> bool:
        """Canvas says an id of another of its shards in full: the shard's number times ten trillion, and the id."""
        return granted == launched or _local(granted) == _local(launched) != ""

    def check(self) -> list[Finding]:
        """Is the address a Canvas, and does it take the token? What the token may see shows with a course only."""
        client = Client(self.settings.base_url, self.account.token())
        try:
            client.one("/users/self")
        except Misconfigured as error:
            return [Finding("Access token", False, str(error))]
        finally:
            client.close()
        text = f"Its owner must see all grades of the courses; the course id comes in “{self._parameter}”."
        return [Finding("Access token", True, text)]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        client = Client(self.settings.base_url, self.account.token())
        try:
            return _gradebook(_pull(client, self._path(course), self.heard), totals=self._offers_totals)
        finally:
            client.close()

    @property
    def _parameter(self) -> str:
        return self.settings.options.get("course_id_param") or PARAMETER

    @property
    def _offers_totals(self) -> bool:
        return self.settings.options.get("course_totals", "yes") != "no"

    def _path(self, course: lms.Course) -> str:
        stated = course.custom.get(self._parameter, "").strip()
        if not stated:
            text = (
                "The launch does not say which Canvas course this is. The LMS administrator must add the "
                f"custom parameter {self._parameter}=$Canvas.course.id to the tool, and the tool be opened once "
                "more."
            )
            raise Misconfigured(text, "course_id_missing")
        if not COURSE_ID.fullmatch(stated):
            text = (
                f"The custom parameter {self._parameter} holds no Canvas course id. The LMS administrator "
                "must correct it."
            )
            raise Misconfigured(text, UNKNOWN)
        return f"/courses/{stated}"


def _local(user_id: str) -> str:
    """The id within its shard; "7~42" is Canvas's short way to say 70000000000042."""
    shard, tilde, local = user_id.partition("~")
    if tilde and shard.isdecimal():
        return local if local.isdecimal() else ""
    return str(int(user_id) % SHARD) if user_id.isdecimal() and len(user_id) < 30 else ""


@dataclass(frozen=True, slots=True)
class _Pulled:
    """Canvas's answers as they came, every page of them."""

    course: Row
    sections: list[Row]
    enrollments: list[Row]
    assignments: list[Row]
    submissions: list[Row]
    emails: Mapping[str, str]
    schemes: Schemes
    concluded: bool

    @property
    def students(self) -> list[Row]:
        """Enrolments by which somebody is a student of the course now."""
        return [
            one
            for one in self.enrollments
            if one.get("type") == people.STUDENT and people.is_current(one, course_concluded=self.concluded)
        ]


def _pull(client: Client, path: str, heard: base.Heard) -> _Pulled:
    course = client.one(path, [("include[]", "grading_scheme")])
    states = [("state[]", state) for state in people.STATES]
    enrollments = client.all(f"{path}/enrollments", [*states, ("include[]", "email")])
    heard("students", len({one.get("user_id") for one in enrollments if one.get("type") == people.STUDENT}))
    assignments = client.all(f"{path}/assignments")
    heard("items", len(assignments))
    return _Pulled(
        course=course,
        sections=client.all(f"{path}/sections"),
        enrollments=enrollments,
        assignments=assignments,
        submissions=client.all(
            f"{path}/students/submissions",
            [("student_ids[]", "all")],
            keys=("id", "user_id", "assignment_id"),
            so_far=lambda count: heard("results", count),
        ),
        emails=_emails(client, path, enrollments),
        schemes=Schemes(client, course, path),
        concluded=course.get("workflow_state") == "completed",
    )


def _emails(client: Client, path: str, enrollments: list[Row]) -> Mapping[str, str]:
    """E-mail by user id. Older Canvas does not put it into enrolments, so the list of users is read for it."""
    if not enrollments or people.emails_are_shown(enrollments):
        return {}
    states = [("enrollment_state[]", state) for state in people.STATES]
    users = client.all(f"{path}/users", [*states, ("include[]", "email")])
    return {base.text_of(row.get("id")): base.text_of(row.get("email")) for row in users}


def _gradebook(pulled: _Pulled, *, totals: bool) -> lms.Gradebook:
    notes = grades.Notes()
    shown = totals and grades.totals_are_shown(pulled.students)
    letters = shown and grades.letters_are_shown(pulled.students)
    schemes = pulled.schemes.fetch(pulled.assignments, letters_shown=letters)
    members = people.members_of(pulled.enrollments, pulled.emails, course_concluded=pulled.concluded)
    items = _line_items(pulled, notes)
    found = grades.results((one for one in pulled.submissions if one.get("user_id")), items, notes)
    if shown:
        items += grades.total_items(pulled.schemes.of_course(), len(items))
        found += grades.total_results(pulled.students)
    results, strays = base.account(members, items, found)
    return lms.Gradebook(
        members=tuple(members),
        line_items=tuple(items),
        results=results,
        sections=people.sections_of(pulled.sections),
        schemes=dict(schemes),
        warnings=(*notes.warnings(), *pulled.schemes.warnings, *_blind_spots(pulled, totals, shown), *strays),
    )


def _line_items(pulled: _Pulled, notes: grades.Notes) -> list[lms.LineItem]:
    """An anonymous assignment counts as unpublished: nobody can say yet whose its grades are."""
    anonymous = grades.anonymous_items(pulled.submissions)
    notes.anonymous = len(anonymous)
    items = [grades.line_item(row, pulled.schemes.of_assignment(row)) for row in pulled.assignments]
    return [replace(item, published=False) if item.line_item_id in anonymous else item for item in items]


def _blind_spots(pulled: _Pulled, totals: bool, shown: bool) -> list[str]:
    """Canvas leaves out what the token may not see: said, so that nobody takes it for absent."""
    texts = []
    if totals and not shown:
        texts.append(
            "The access token may not see course totals, so they are not offered. The LMS administrator "
            "can let its owner view all grades."
        )
    if pulled.students and not any("sis_user_id" in one for one in pulled.students):
        texts.append(
            "The access token may not see SIS ids, so students can be matched by login or e-mail only. The "
            "LMS administrator can let its owner read SIS data."
        )
    return texts
