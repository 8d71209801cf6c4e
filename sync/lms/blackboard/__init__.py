"""Reads a Blackboard Learn course through its public REST services: every column, overrides, schemas, merged courses.

By the application's own key (OAuth 2 client credentials: `client_id` and `secret` of the connection), or by the account
of a teacher who granted it, where the engine hands that in. The launch's context id is the course's uuid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sync.auth import ClientCredentials, MemoryTokens
from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.access import Account, CodeFlow, FixedToken
from sync.lms.base import text_of
from sync.lms.blackboard.client import ENTITLEMENTS, Client, root_of
from sync.lms.blackboard.people import Roles, part
from sync.lms.blackboard.places import PLACES
from sync.lms.blackboard.reading import Reading, Wishes
from sync.lms.rest import FORBIDDEN, UNKNOWN, incomplete
from sync.lms.streams import Streams
from sync.options import Finding, Option, whole_number

GRANTING: Final = "/learn/api/public/v1/oauth2"
UUID: Final = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
AT_ONCE: Final = 4


class Blackboard(base.Lms):
    """Reads all each time. `changeIndex` would save nothing up to 200 students (one request for a column either way), is
    zero for computed columns, and its documentation does not say that a grade taken away counts as a change.
    """

    name = "blackboard"
    label = "Blackboard (REST API)"
    options = (
        Option("course_totals", "yes", "Offer the external grade and computed columns.", ("yes", "no")),
        Option(
            "sis_id",
            "externalId",
            "The user's field that holds the SIS id: the external id (batch uid) of the SIS feed, or the student id.",
            ("externalId", "studentId"),
        ),
        Option(
            "student_roles",
            "Student",
            "Ids of the course roles that are students, with commas between; a role of your own has the id that you gave it.",
        ),
        Option("teacher_roles", "Instructor, BbFacilitator", "Ids of the course roles that teach."),
        Option("at_once", str(AT_ONCE), "How many requests at once, 1 to 8."),
    )
    supports = frozenset(
        {
            *("course_total", "schemes", "excused", "sections", "hidden", "overridden", "pending"),
            *("categories", "omitted", "test_student"),
        }
    )
    flow = CodeFlow(
        authorize=f"{GRANTING}/authorizationcode",
        token=f"{GRANTING}/token",
        scopes=("read", "offline"),
        pkce=True,
        in_body=False,
        person=("user_id",),
    )
    at_once = AT_ONCE
    places = PLACES

    @classmethod
    def root(cls, base_url: str) -> str:
        return root_of(base_url)

    @classmethod
    def launched_as(cls, subject: str, own_id: str) -> str:
        """Learn's `sub` is the user's uuid, as its tokens name her; what has another shape is not compared."""
        return subject if UUID.fullmatch(subject) else ""

    @classmethod
    def is_same(cls, granted: str, launched: str) -> bool:
        """Tokens that name the user otherwise than by her uuid say nothing here."""
        return not UUID.fullmatch(granted) or _hex(granted) == _hex(launched)

    def check(self) -> list[Finding]:
        """Does the site give a token, and does its user see courses? What else it may see shows with a course only."""
        try:
            with self._client(1) as client:
                client.one("/learn/api/public/v3/courses", [("limit", "1"), ("fields", "id")])
                release = _release(client)
        except Misconfigured as error:
            return [Finding("Access", False, str(error))]
        return [
            Finding("Access", True, f"Learn {release} takes the key."),
            Finding("Rights", True, f"These show with a course only. The user needs {ENTITLEMENTS}."),
        ]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        uuid, wishes = _uuid(course), self._wishes()
        with (
            self.pace.streams(whole_number(self.options, self.settings.options, "at_once", 1, 8)) as count,
            self._client(count) as client,
        ):
            return Reading(client, uuid, wishes, self.heard).gradebook()

    @contextmanager
    def _client(self, count: int) -> Iterator[Client]:
        if not root_of(self.settings.base_url):
            raise incomplete(Client.product, "address")
        account = self._account()
        try:
            client = Client(self.settings.base_url, account, pace=self.pace, streams=Streams(count))
            try:
                yield client
            finally:
                client.close()
        finally:
            if isinstance(account, ClientCredentials):
                account.close()

    def _account(self) -> Account:
        """A grant that was handed in, else the application's key."""
        if not isinstance(self.account, FixedToken):
            return self.account
        key, secret = self.settings.client_id.strip(), self.settings.secret.strip()
        if not key or not secret:
            raise incomplete(Client.product, "application key and secret")
        address = f"{root_of(self.settings.base_url)}{GRANTING}/token"
        return ClientCredentials(
            address, key, secret, (), self.tokens or MemoryTokens(), server=Client.product
        )

    def _wishes(self) -> Wishes:
        roles = Roles(
            students=self._listed("student_roles", "Student"),
            teachers=self._listed("teacher_roles", "Instructor, BbFacilitator"),
            sis_field="studentId" if self.settings.options.get("sis_id") == "studentId" else "externalId",
        )
        return Wishes(totals=self.settings.options.get("course_totals", "yes") != "no", roles=roles)

    def _listed(self, name: str, default: str) -> frozenset[str]:
        stated = self.settings.options.get(name) or default
        return frozenset(one.strip() for one in stated.split(",") if one.strip())


def _hex(uuid: str) -> str:
    return uuid.replace("-", "").lower()


def _uuid(course: lms.Course) -> str:
    stated = course.context_id.strip()
    if UUID.fullmatch(stated):
        return stated
    text = (
        "This course was not opened from Blackboard: its id is no course uuid. The LMS administrator must connect this "
        "reader to the registration of that Learn site."
    )
    raise Misconfigured(text, UNKNOWN)


def _release(client: Client) -> str:
    """The site's version, for an administrator to read; not every site tells it."""
    try:
        learn = part(client.one("/learn/api/public/v1/system/version"), "learn")
    except Misconfigured as error:
        if error.code not in (FORBIDDEN, UNKNOWN):
            raise
        return "of an unknown version"
    numbers = [text_of(learn.get(name)) for name in ("major", "minor", "patch")]
    return ".".join(one for one in numbers if one) or "of an unknown version"
