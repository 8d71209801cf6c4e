"""Reads a Brightspace course through D2L's API (Valence): all grade items, both final grades, schemes, exemptions.

A teacher grants the use of her own account, or an administrator enters the access token of one that sees all grades. The
course is the launch's own context, which in Brightspace is the course offering's Org Unit Id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.access import Account, CodeFlow
from sync.lms.base import text_of
from sync.lms.brightspace import reading
from sync.lms.brightspace.client import Client, host_root
from sync.lms.brightspace.people import Roles, role_names
from sync.lms.brightspace.places import PLACES
from sync.lms.rest import UNKNOWN
from sync.lms.streams import Streams
from sync.options import Finding, Option

ORG_UNIT_ID: Final = re.compile(r"[0-9]{1,18}")
SCOPES: Final = (
    "dropbox:folders:read",
    "enrollment:orgunit:read",
    "grades:gradecategories:read",
    "grades:gradeobjects:read",
    "grades:gradeschemes:read",
    "grades:gradesettings:read",
    "grades:gradevalues:read",
    "orgunits:course:read",
    "quizzing:quizzes:read",
    "sections:section:read",
    "users:own_profile:read",
)
YES_NO: Final = ("yes", "no")


class Brightspace(base.Lms):
    """Reads all each time: Brightspace tells which values changed, but not which were taken away or exempted."""

    name = "brightspace"
    label = "Brightspace (D2L API)"
    options = (
        Option(
            "course_id_param",
            "",
            "The custom parameter of the launch that holds the course's Org Unit Id. Empty: the launch's own context id, "
            "which is it in Brightspace. A parameter must come from the tool's deployment, where teachers cannot change it.",
        ),
        Option(
            "course_totals", "yes", "Offer both final grades (calculated, adjusted) as line items.", YES_NO
        ),
        Option(
            "exemptions",
            "yes",
            "Read who is exempt from which item: one more request for each. “no” only where the account may not see it: "
            "exempt students then count like any others.",
            YES_NO,
        ),
        Option(
            "due_dates", "yes", "Read when the assignments and quizzes of the grade items are due.", YES_NO
        ),
        Option(
            "student_roles",
            "",
            "Names of the roles that are students, as the classlist shows them, with commas between. Empty: everybody whom "
            "Brightspace shows in the grade book.",
        ),
        Option(
            "teacher_roles",
            "Instructor, Teacher",
            "Names of the roles that teach, as the classlist shows them, with commas between.",
        ),
    )
    supports = frozenset(
        {
            *("course_total", "schemes", "excused", "timestamps", "sections", "hidden", "overridden"),
            *("categories", "omitted"),
        }
    )
    flow = CodeFlow(
        authorize="https://auth.brightspace.com/oauth2/auth",
        token="https://auth.brightspace.com/core/connect/token",  # noqa: S106 - an address
        scopes=SCOPES,
        in_body=False,
    )
    # Brightspace counts requests by application (5,000 a minute), not those under way
    at_once = 4
    places = PLACES

    @classmethod
    def root(cls, base_url: str) -> str:
        return host_root(base_url)

    def check(self) -> list[Finding]:
        """Is the address a Brightspace, and does it take the account? What the account may see shows with a course only."""
        try:
            with self._client(None) as client:
                learning, platform = client.le, client.lp
        except Misconfigured as error:
            return [Finding("Address", False, str(error))]
        return [Finding("Address", True, f"It speaks {learning} and {platform}."), self._check_account()]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        unit = self._org_unit(course)
        with self.pace.streams(self.at_once) as count, self._client(self.account, Streams(count)) as client:
            return reading.gradebook(client, unit, self._wish, self.heard)

    def _check_account(self) -> Finding:
        if not self.settings.token and self.settings.client_id:
            return Finding("Access", True, "Teachers connect their own accounts.")
        try:
            with self._client(self.account) as client:
                client.one(f"{client.lp}/users/whoami")
        except Misconfigured as error:
            return Finding("Access", False, str(error))
        return Finding("Access", True, "The account must see the classlist and all grades of the courses.")

    @contextmanager
    def _client(self, account: Account | None, streams: Streams | None = None) -> Iterator[Client]:
        client = Client(self.root(self.settings.base_url), account, pace=self.pace, streams=streams)
        try:
            client.settle()
            yield client
        finally:
            client.close()

    @property
    def _wish(self) -> reading.Wish:
        teacher = self._option("teacher_roles")
        return reading.Wish(
            Roles(role_names(self._option("student_roles")), role_names(teacher)),
            *(self._option(name) != "no" for name in ("course_totals", "exemptions", "due_dates")),
        )

    def _option(self, name: str) -> str:
        default = next(one.default for one in self.options if one.name == name)
        return self.settings.options.get(name) or default

    def _org_unit(self, course: lms.Course) -> str:
        parameter = self._option("course_id_param")
        stated = text_of(course.custom.get(parameter, "") if parameter else course.context_id)
        if ORG_UNIT_ID.fullmatch(stated):
            return stated
        if parameter:
            text = (
                f"The custom parameter {parameter} of the launch holds no Org Unit Id of Brightspace. The LMS "
                "administrator must correct it, and the tool be opened once more."
            )
        else:
            text = (
                "The launch does not say which Brightspace course this is. The LMS administrator must let the tool's "
                "deployment send the org unit's information, and the tool be opened once more."
            )
        raise Misconfigured(text, UNKNOWN if stated else "course_id_missing")
