"""Reads a Canvas course through its REST API: what a tool cannot see by AGS (assignments, totals, schemes, sections).

Needs the access of somebody who sees all grades of the course (a teacher's own grant, or an access token), and the
course's id as a custom parameter of the tool's registration (`canvas_course_id=$Canvas.course.id`).

Every read is a whole one. `graded_since` and `submitted_since` name what was graded or handed in anew; a grade that was
taken away, an excuse that was lifted, grades that were posted or hidden, and work that became missing as its due date
passed stay out of them (Canvas leaves `graded_at` as it was; its models for submissions and assignments). A reader that
trusted them would keep a grade that Canvas no longer has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.access import CodeFlow
from sync.lms.canvas import checking
from sync.lms.canvas.client import Client
from sync.lms.canvas.places import PLACES
from sync.lms.canvas.reading import Reading, Wishes
from sync.lms.rest import UNKNOWN
from sync.lms.streams import Streams
from sync.options import Finding, Option

PARAMETER: Final = "canvas_course_id"
SHARD: Final = 10_000_000_000_000
COURSE_ID: Final = re.compile(r"[\w~:-][\w~:.-]*")
# Canvas throttles a token by what it has under way
AT_ONCE: Final = 2


class Canvas(base.Lms):
    """Two requests at once at most."""

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
        Option(
            "period_totals",
            "yes",
            "Offer the totals of each grading period too, where a course has grading periods. The list of students is "
            "read once more for each.",
            ("yes", "no"),
        ),
    )
    supports = frozenset(
        {
            *("course_total", "schemes", "excused", "missing", "late", "timestamps", "sections", "hidden"),
            *(
                "overridden",
                "pending",
                "attempts",
                "categories",
                "periods",
                "omitted",
                "test_student",
                "concluded",
            ),
        }
    )
    flow = CodeFlow(
        authorize="/login/oauth2/auth",
        token="/login/oauth2/token",  # noqa: S106 - an address
        revoke="/login/oauth2/token",
        scopes=(
            "url:GET|/api/v1/users/:id",
            "url:GET|/api/v1/courses/:id",
            "url:GET|/api/v1/courses/:course_id/sections",
            "url:GET|/api/v1/courses/:course_id/enrollments",
            "url:GET|/api/v1/courses/:course_id/users",
            "url:GET|/api/v1/courses/:course_id/assignments",
            "url:GET|/api/v1/courses/:course_id/assignment_groups",
            "url:GET|/api/v1/courses/:course_id/students/submissions",
            "url:GET|/api/v1/courses/:course_id/grading_periods",
            "url:GET|/api/v1/courses/:course_id/grading_standards",
            "url:GET|/api/v1/courses/:id/late_policy",
            "url:GET|/api/v1/accounts/:id",
            "url:GET|/api/v1/accounts/:account_id/grading_standards",
        ),
        person=("user", "id"),
    )
    places = PLACES

    @classmethod
    def root(cls, base_url: str) -> str:
        return super().root(base_url).removesuffix("/api/v1")

    @classmethod
    def is_same(cls, granted: str, launched: str) -> bool:
        """Canvas says an id of another of its shards in full: the shard's number times ten trillion, and the id."""
        return granted == launched or _local(granted) == _local(launched) != ""

    def check(self) -> list[Finding]:
        with self._client() as client:
            return checking.findings(client, self._parameter)

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        path = self._path(course)
        with self.pace.streams(AT_ONCE) as count, self._client(count) as client:
            return Reading(client, path, self.heard, self._wishes).gradebook()

    @contextmanager
    def _client(self, count: int = 1) -> Iterator[Client]:
        client = Client(self.settings.base_url, self.account, pace=self.pace, streams=Streams(count))
        try:
            yield client
        finally:
            client.close()

    @property
    def _parameter(self) -> str:
        return self.settings.options.get("course_id_param") or PARAMETER

    @property
    def _wishes(self) -> Wishes:
        stated = self.settings.options
        return Wishes(
            totals=stated.get("course_totals", "yes") != "no",
            period_totals=stated.get("period_totals", "yes") != "no",
        )

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
