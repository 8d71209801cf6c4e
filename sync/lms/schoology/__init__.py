"""Reads a Schoology course section through the REST API: every grade item, exceptions, final grades, scales, periods.

Needs the consumer key and secret of an app that is installed for the school (OAuth 1.0, two-legged), and the section's
id as a custom parameter of the app (`schoology_section_id=$com.schoology.CourseSection.id`). What Schoology's
documentation (developers.schoology.com) does not say is not relied on; where public clients saw it, the code says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.auth import OAuth1, SignatureMethod
from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.rest import UNKNOWN, Row, incomplete
from sync.lms.schoology import grades, people, setup
from sync.lms.schoology.client import Client
from sync.lms.schoology.pulling import Basics, Graded, basics, graded, names_of
from sync.lms.streams import Streams
from sync.options import Finding, Option

PARAMETER: Final = "schoology_section_id"
SECTION_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
GRADEBOOK: Final = "Course > Gradebook"
GRADE_SETUP: Final = "Course > Gradebook > Grade Setup"
TOTAL_RULE: Final = (
    "Schoology leaves out of its total what has no grade, is excused or incomplete; what is missing counts as zero unless "
    "Grade Setup says otherwise. Category weights are relative to each other."
)


class Schoology(base.Lms):
    """One request after the other. A section is read whole each time: the `timestamp` filter of grades does not show
    which grades were taken away, so reading on by it could differ from a whole read.
    """

    name = "schoology"
    label = "Schoology (REST API)"
    options = (
        Option(
            "course_id_param",
            PARAMETER,
            "The custom parameter of the launch that holds Schoology's section id. It must come from the app's "
            "configuration ($com.schoology.CourseSection.id), where teachers cannot change it.",
        ),
        Option("course_totals", "yes", "Offer Schoology's final grades as line items.", ("yes", "no")),
        Option(
            "user_details",
            "yes",
            "Read each person's login and e-mail too (one request for fifty people).",
            ("yes", "no"),
        ),
        Option(
            "time_zone",
            "",
            "The time zone of Schoology's due dates (as America/Denver), which Schoology does not say. Empty: due dates "
            "are left out.",
        ),
        Option(
            "signature",
            "HMAC-SHA1",
            "How requests are signed. PLAINTEXT only where HMAC-SHA1 is refused.",
            ("HMAC-SHA1", "PLAINTEXT"),
        ),
    )
    supports = frozenset(
        {
            *("course_total", "schemes", "excused", "missing", "timestamps", "sections", "overridden"),
            *("pending", "categories", "periods", "omitted", "concluded"),
        }
    )
    # all workers together: of two requests, the one whose time is older would be refused
    at_once = 1
    places: ClassVar[Mapping[str, str]] = {
        "not-graded": f"{GRADEBOOK} > the cell",
        "pending": f"{GRADEBOOK} > the puzzle piece in the cell > grade the open questions",
        "missing": f"{GRADEBOOK} > the flag in the cell (Exception)",
        "excused": f"{GRADEBOOK} > the flag in the cell (Exception)",
        "unreadable": f"{GRADEBOOK} > the cell",
        "override": f"{GRADEBOOK} > the pencil in the cell",
        "without-maximum": "Course > Materials > the assignment > Edit > Points",
        "omitted": "Course > Materials > the assignment > Edit > Advanced > Count in Grade",
        "scheme-missing": f"{GRADE_SETUP} > Scales, and Final Grade Settings > Gradebook Scale",
        "without-sis-id": "Tools > User Management > the user > Unique ID (a Schoology administrator)",
        "course-concluded": "Course > Course Options > Edit Info > Grading Periods (a Schoology administrator)",
    }

    def check(self) -> list[Finding]:
        """Does Schoology take the key? What it may see shows with a course only."""
        client = self._client(Streams())
        try:
            client.ask("GET", "/users/me")
        except Misconfigured as error:
            return [Finding("Consumer key", False, str(error))]
        finally:
            client.close()
        text = f"It must see all grades of the courses; the section id comes in “{self._parameter}”."
        return [Finding("Consumer key", True, text)]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        section_id, zone = self._section_id(course), self._zone()
        with self.pace.streams(1) as count:
            client = self._client(Streams(count))
            try:
                pulled = basics(client, section_id, self.heard, details=self._says("user_details"))
                names = names_of(pulled)
                found = graded(client, section_id, names, self.heard)
            finally:
                client.close()
        return _gradebook(pulled, found, names, zone, totals=self._says("course_totals"))

    def _client(self, streams: Streams) -> Client:
        key, secret = self.settings.client_id, self.settings.secret
        if not key or not secret:
            raise incomplete("Schoology", "consumer key and secret")
        method: SignatureMethod = "PLAINTEXT" if self._option("signature") == "PLAINTEXT" else "HMAC-SHA1"
        # the documentation wants an empty token to be named where there is none
        signer = OAuth1(key, secret, method, realm="Schoology API", empty_token=True)
        return Client(self.settings.base_url, signer, pace=self.pace, streams=streams)

    def _option(self, name: str) -> str:
        return self.settings.options.get(name) or next(
            one.default for one in self.options if one.name == name
        )

    def _says(self, name: str) -> bool:
        return self._option(name) != "no"

    @property
    def _parameter(self) -> str:
        return self._option("course_id_param")

    def _zone(self) -> tzinfo | None:
        named = self._option("time_zone")
        try:
            return ZoneInfo(named) if named else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            text = "The connection's option time_zone names no time zone. An administrator must correct it."
            raise Misconfigured(text, "time_zone_unknown") from None

    def _section_id(self, course: lms.Course) -> str:
        stated = course.custom.get(self._parameter, "").strip()
        if not stated:
            text = (
                "The launch does not say which Schoology section this is. A Schoology administrator must add the custom "
                f"parameter {self._parameter}=$com.schoology.CourseSection.id to the app, and the tool be opened once more "
                "from the course."
            )
            raise Misconfigured(text, "course_id_missing")
        if not SECTION_ID.fullmatch(stated):
            text = (
                f"The custom parameter {self._parameter} holds no Schoology section id. A Schoology administrator must "
                "correct it."
            )
            raise Misconfigured(text, UNKNOWN)
        return stated


def _gradebook(
    pulled: Basics, found: Graded, names: grades.Names, zone: tzinfo | None, *, totals: bool
) -> lms.Gradebook:
    of_course = _setup(pulled, found, zone)
    members, nameless = people.members_of(pulled.enrollments, pulled.details, pulled.section)
    items = grades.line_items(pulled.items, of_course, found.notes)
    standing = found.results
    if totals and found.finals is not None:
        offered = found.finals.items(of_course, len(items))
        items += offered
        known = {one.line_item_id for one in offered}
        standing += [one for one in found.finals.results(names) if one.line_item_id in known]
    results, strays = base.account(members, items, standing)
    blind = _blind_spots(pulled, nameless, totals=totals, shown=found.finals is not None)
    return lms.Gradebook(
        members=tuple(members),
        line_items=tuple(items),
        results=results,
        sections=(_section_of(pulled.section),),
        schemes=of_course.schemes,
        warnings=(*found.notes.warnings(), *blind, *strays),
        categories=tuple(of_course.categories.values()),
        periods=tuple(of_course.periods.values()),
        state=_state(pulled.section),
    )


def _setup(pulled: Basics, found: Graded, zone: tzinfo | None) -> setup.Setup:
    named = [*found.period_titles, *(found.finals.periods() if found.finals else ())]
    weighted = _option(pulled.section, "weighted_grading_categories")
    categories = setup.categories_of(pulled.categories, weighted=weighted)
    return setup.Setup(
        schemes=setup.schemes_of(pulled.scales),
        categories={one.category_id: one for one in categories},
        periods={one.period_id: one for one in setup.periods_of(pulled.periods, named, zone)},
        zone=zone,
    )


def _section_of(section: Row) -> lms.Section:
    """Only the school code is unique in the school, and set by the SIS; the section code is a teacher's."""
    title = " ".join(
        filter(None, (text_of(section.get("course_title")), text_of(section.get("section_title"))))
    )
    return lms.Section(text_of(section.get("id")), text_of(section.get("section_school_code")), title)


def _option(section: Row, name: str) -> bool:
    options = section.get("options")
    return isinstance(options, Mapping) and people.is_set(options.get(name))


def _state(section: Row) -> lms.CourseState:
    return lms.CourseState(
        concluded=people.is_over(section) if "active" in section else None,
        weighted=_option(section, "weighted_grading_categories") if "options" in section else None,
        total_rule=TOTAL_RULE,
    )


def _blind_spots(pulled: Basics, nameless: int, *, totals: bool, shown: bool) -> list[str]:
    """What Schoology left out: said, so that nobody takes it for absent."""
    texts = []
    if totals and not shown:
        texts.append(
            "Schoology did not show the final grades, so course totals are not offered. A Schoology administrator can let "
            "the app see them."
        )
    # not documented; public clients saw it in a section's options
    if totals and _option(pulled.section, "allow_custom_overall_grade"):
        texts.append(
            "This course has a column in which its teacher overrides final grades. Schoology does not say which final grades "
            "are hers: compare them before you send them."
        )
    if pulled.hidden:
        texts.append(
            f"People whose login and e-mail Schoology hides from the app: {pulled.hidden}. They are matched by their unique id "
            "only. A Schoology administrator can let the app see users."
        )
    if nameless:
        texts.append(f"Enrolments of Schoology that name nobody: {nameless}. They are left out.")
    return texts
