"""Reads a course by the services of the LTI launch itself: AGS 2.0 line items and results, NRPS 2.0 members.

Most LMSs show a tool its own line items only; this is the standard's reader, and the way where an LMS shows all: Sakai
does, once its administrator ticks “read-only access to entire gradebook”. AGS knows points alone: no excused, missing or
late, no letters, no course totals.

Members are those of the course, not of a resource link (NRPS §3, `rlid`): a link's list may be shorter, as it holds only
people who may open that link.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeVar

from lti_tool.services import ServiceAway, ServiceBroken, ServiceRefused
from sync.errors import Misconfigured, TryLater
from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.options import Finding

Row = Mapping[str, Any]
Answer = TypeVar("Answer")

SCOPES: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
READ_LINE_ITEMS: Final = frozenset({f"{SCOPES}lineitem", f"{SCOPES}lineitem.readonly"})
READ_RESULTS: Final = f"{SCOPES}result.readonly"
MEMBERSHIP: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership"
# Sakai's mark of a column that is somebody else's; sent only where its administrator opened the whole gradebook
READ_ONLY: Final = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"
# LMSs with a reader of their own, which shows more, by the product that the registration names
READERS: Final = {
    "canvas": "Canvas",
    "moodle": "Moodle",
    "brightspace": "Brightspace",
    "blackboard": "Blackboard",
    "schoology": "Schoology",
}
SAKAI: Final = "sakai"
TEST_USER: Final = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


class Ags(base.Lms):
    """One request after the other, each read to its last page by the services client.

    The setting `product` is what the registration knows of the LMS: only hints depend on it.
    """

    name = "ags"
    label = "LTI services (AGS and NRPS)"
    supports = frozenset[str]()

    def check(self) -> list[Finding]:
        """The launch brings the addresses, so there is nothing to call before a teacher opens the tool in a course."""
        return [Finding("LTI services", True, _more(self._product))]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        services = self._services(course)
        members, nameless = _members(_told(services.members, course.memberships_url))
        self.heard("students", sum(1 for one in members if base.is_course_student(one)))
        rows = _told(services.line_items, course.lineitems_url)
        listed, homeless = _line_items(rows)
        self.heard("items", len(listed))
        found: list[lms.Result] = []
        for item in listed:
            rows_of = _results(services, course, item.line_item_id)
            found += [_result(row, item.line_item_id) for row in rows_of]
            self.heard("results", len(found))
        results, strays = base.account(members, listed, found)
        return lms.Gradebook(
            members=tuple(members),
            line_items=tuple(listed),
            results=results,
            warnings=(*self._hints(rows, listed), *_oddities(nameless, homeless), *strays),
        )

    @property
    def _product(self) -> str:
        return self.settings.options.get("product", "")

    def _hints(self, rows: Iterable[Row], listed: Collection[lms.LineItem]) -> list[str]:
        """What an administrator can do where the LMS shows little, or may show little."""
        if self._product == SAKAI and not any(row.get(READ_ONLY) is True for row in rows):
            return [
                "Sakai marks none of these assignments as another's, so it may show this tool its own only. A Sakai "
                "administrator can tick “read-only access to entire gradebook” in the tool's settings."
            ]
        return [] if listed else ["The LMS shows this tool no assignments.", _more(self._product)]

    def _services(self, course: lms.Course) -> base.LtiServices:
        """The client, once it is clear that the launch granted all that is needed."""
        if not course.lineitems_url:
            raise _not_enabled("grade services (Assignment and Grade Services)", "no_ags")
        if not course.memberships_url:
            raise _not_enabled("the list of members (Names and Role Provisioning Services)", "no_nrps")
        if course.scopes and not course.scopes & READ_LINE_ITEMS:
            raise _not_enabled("reading line items (scope lineitem.readonly)", "scope_missing")
        if course.scopes and READ_RESULTS not in course.scopes:
            raise _not_enabled("reading results (scope result.readonly)", "scope_missing")
        if self.services is None:
            raise Misconfigured(
                "This reader works only for courses opened from an LMS by LTI.", "services_missing"
            )
        return self.services


def _not_enabled(what: str, code: str) -> Misconfigured:
    text = (
        f"The LMS does not let this tool use {what} in this course. The LMS administrator must enable it in the "
        "tool's registration; then open the tool from the course once more."
    )
    return Misconfigured(text, code)


def _told(read: Callable[[str], Answer], url: str) -> Answer:
    """What the services say, with their errors in this seam's words."""
    try:
        return read(url)
    except ServiceRefused as error:
        raise Misconfigured(str(error), "service_refused") from None
    except ServiceAway as error:
        raise TryLater(str(error), error.after) from None
    except ServiceBroken as error:
        raise TryLater(f"{error} Try later; if it stays, ask the LMS administrator.") from None


def _results(services: base.LtiServices, course: lms.Course, address: str) -> list[dict[str, Any]]:
    """The results of one line item. One that was removed while the course is read refuses them, and is listed no more."""
    try:
        return _told(services.results, address)
    except Misconfigured:
        if address in {row.get("id") for row in _told(services.line_items, course.lineitems_url)}:
            raise
        raise TryLater(
            "The gradebook was changed in the LMS while it was read. It is read again.", 1
        ) from None


def _more(product: str) -> str:
    """How all assignments can be read: by which reader of `connect_lms`, where this LMS has one."""
    if product == SAKAI:
        return (
            "Sakai shows a tool all assignments once its administrator ticks “read-only access to entire gradebook” in the "
            "tool's settings."
        )
    if product in READERS:
        return (
            f"{READERS[product]} shows a tool only the assignments that it made itself: an administrator can connect the "
            f"reader “{product}”, which sees all."
        )
    return (
        "Most LMSs show a tool only the assignments that it made itself: an administrator can connect a reader of this LMS "
        "where there is one."
    )


def _oddities(nameless: int, homeless: int) -> list[str]:
    texts = []
    if nameless:
        texts.append(f"Members without a user id: {nameless}. They are left out.")
    if homeless:
        texts.append(f"Assignments without an address: {homeless}. They are left out.")
    return texts


# --- line items and results (AGS §3.2, §3.3) ------------------------------------------------------


def _line_items(rows: Iterable[Row]) -> tuple[list[lms.LineItem], int]:
    """The line items, each once, and how many cannot be read because their id (an address) is missing."""
    items: dict[str, lms.LineItem] = {}
    homeless = 0
    for position, row in enumerate(rows, start=1):
        item = _line_item(row, position)
        if _is_address(item.line_item_id):
            items.setdefault(item.line_item_id, item)
        else:
            homeless += 1
    return list(items.values()), homeless


def _is_address(line_item_id: str) -> bool:
    """AGS §3.2.4: the id is the address of the line item; a bare number leads nowhere, and must not sink the others."""
    return line_item_id.lower().startswith(("https://", "http://"))


def _line_item(row: Row, position: int) -> lms.LineItem:
    maximum, _ = number(row.get("scoreMaximum"))
    return lms.LineItem(
        line_item_id=text_of(row.get("id")),
        title=text_of(row.get("label")),
        maximum=maximum,
        due_at=instant(row.get("endDateTime")),
        position=position,
    )


def _result(row: Row, line_item_id: str) -> lms.Result:
    """`resultMaximum` is this result's own: platforms keep it when the column's maximum changes."""
    score, error = number(row.get("resultScore"))
    maximum, _ = number(row.get("resultMaximum"))
    return lms.Result(
        user_id=text_of(row.get("userId")),
        line_item_id=line_item_id,
        status=lms.Status.NOT_GRADED if score is None else lms.Status.GRADED,
        score=score,
        maximum=maximum,
        # not in the specification, but Moodle says it
        graded_at=instant(row.get("timestamp")),
        score_error=error,
    )


# --- members (NRPS §2) ----------------------------------------------------------------------------


def _members(rows: Iterable[Row]) -> tuple[list[lms.Member], int]:
    """One member per user id, and how many rows have none. Two rows of one person add up to all her roles."""
    of_person: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_person[text_of(row.get("user_id"))].append(row)
    nameless = len(of_person.pop("", []))
    return [_member(user_id, several) for user_id, several in of_person.items()], nameless


def _member(user_id: str, several: list[Row]) -> lms.Member:
    active = [row for row in several if _is_active(row)]
    counted = active or several
    roles = tuple(dict.fromkeys(role for row in counted for role in _roles(row)))
    in_course = {_course_role(role) for role in roles}
    return lms.Member(
        user_id=user_id,
        name=_first(counted, "name"),
        given_name=_first(counted, "given_name"),
        family_name=_first(counted, "family_name"),
        email=_first(counted, "email"),
        sis_id=_first(counted, "lis_person_sourcedid"),
        login=_first(counted, "ext_user_username"),
        roles=roles,
        is_student="Learner" in in_course,
        is_teacher="Instructor" in in_course,
        active=bool(active),
        test=TEST_USER in roles,
    )


def _is_active(row: Row) -> bool:
    return (text_of(row.get("status")) or "Active") == "Active"


def _first(rows: Iterable[Row], name: str) -> str:
    return next((found for row in rows if (found := text_of(row.get(name)))), "")


def _roles(row: Row) -> list[str]:
    stated = row.get("roles")
    return [text_of(role) for role in stated if text_of(role)] if isinstance(stated, list) else []


def _course_role(role: str) -> str:
    """The role in this course: of `membership#Learner`, `membership/Instructor#...` or short `Learner`.

    Institution and system roles are none. A teaching assistant is named by her sub-role: she is not the teacher.
    """
    if ":" not in role:
        return role
    if not role.startswith(MEMBERSHIP):
        return ""
    principal, _, last = role.removeprefix(MEMBERSHIP).partition("#")
    if last == "TeachingAssistant":
        return last
    return principal.lstrip("/") or last
