"""Which grading scheme stands where, fetched from Canvas: never an assumed one.

Canvas's own order (its models for assignments, courses and accounts): the assignment's scheme, else the course's,
else the one an account above sets as its default, else the built-in one. Schemes lie in the course or in an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, TypeVar

from sync.errors import Misconfigured
from sync.lms import records as lms
from sync.lms.base import is_sane, number, text_of
from sync.lms.canvas import grades
from sync.lms.canvas.client import Client
from sync.lms.rest import FORBIDDEN, UNKNOWN

Row = Mapping[str, Any]
Read = TypeVar("Read")

FOUR_PLACES: Final = Decimal("0.0001")
DEFAULT_ID: Final = "canvas:default"
STATED_ID: Final = "canvas:stated"
# what Canvas falls back to when neither course nor account names a scheme
BUILT_IN: Final = (
    ("A", "0.94"), ("A-", "0.9"), ("B+", "0.87"), ("B", "0.84"), ("B-", "0.8"), ("C+", "0.77"),
    ("C", "0.74"), ("C-", "0.7"), ("D+", "0.67"), ("D", "0.64"), ("D-", "0.61"), ("F", "0"),
)  # fmt: skip


def standard_id(row: Row) -> str:
    """The scheme that a course or assignment names; 0 is Canvas's word for "lettered, by the default"."""
    stated = text_of(row.get("grading_standard_id"))
    return "" if stated == "0" else stated


class Schemes:
    """The schemes of one course. `in_use` says by which an assignment, or the totals, are lettered."""

    def __init__(self, client: Client, course: Row, path: str) -> None:
        self._client, self._course, self._path = client, course, path
        self._course_standard = standard_id(course)
        self.found: dict[str, lms.GradeScheme] = {}
        self._ids: dict[str, str] = {}
        self.warnings: list[str] = []

    def fetch(self, assignments: Iterable[Row], *, letters_shown: bool) -> None:
        """All schemes that these assignments and the course's totals need, into `found`."""
        lettered = [row for row in assignments if grades.grading_type(row) in ("letter", "gpa")]
        wanted = {standard_id(row) for row in lettered} | {self._course_standard}
        missing = self._take_listed(wanted - {""})
        if missing:
            self.warnings.append(
                "A grading scheme of this course lies in an account that the access token may not read. Where it "
                "decides, no letter is sent. The LMS administrator can give the token's owner the right to see it."
            )
        default_needed = letters_shown or any(not standard_id(row) for row in lettered)
        if default_needed and not self._course_standard:
            self._take_default()

    def of_assignment(self, row: Row) -> str:
        """The id of the scheme for this assignment; of points and percent: of the course's, if it has one."""
        kind = grades.grading_type(row)
        if kind in ("pass_fail", "not_graded"):
            return ""
        if kind in ("letter", "gpa") and standard_id(row):
            return self._ids.get(standard_id(row), f"canvas:{standard_id(row)}")
        return self.of_course()

    def of_course(self) -> str:
        if self._course_standard:
            return self._ids.get(self._course_standard, f"canvas:{self._course_standard}")
        return next((one for one in (STATED_ID, DEFAULT_ID) if one in self.found), "")

    # --- looking in the course, then in its accounts upward -------------------------------------------

    def _take_listed(self, wanted: set[str]) -> set[str]:
        """Keep those of `wanted` that are found; returns the others."""
        for path, kind, source in self._places() if wanted else ():
            wanted = wanted - self._take_from(path, wanted, kind, source)
            if not wanted:
                break
        return wanted - self._take_stated(wanted)

    def _places(self) -> Iterator[tuple[str, str, str]]:
        """Address, kind and name of each place that may hold schemes; those above one that may not be read are out of reach."""
        yield f"{self._path}/grading_standards", "course", "this course"
        account, visited = text_of(self._course.get("account_id")), set[str]()
        while account and account not in visited:
            visited.add(account)
            nothing: Row = {}
            row = self._seen(partial(self._client.one, f"/accounts/{account}"), nothing)
            if not row:
                return
            yield (
                f"/accounts/{account}/grading_standards",
                "account",
                f"the account {text_of(row.get('name')) or account}",
            )
            account = text_of(row.get("parent_account_id"))

    def _seen(self, read: Callable[[], Read], absent: Read) -> Read:
        try:
            return read()
        except Misconfigured as error:
            if error.code not in (FORBIDDEN, UNKNOWN):
                raise
            return absent

    def _take_from(self, path: str, wanted: set[str], kind: str, source: str) -> set[str]:
        taken = set()
        for row in self._seen(partial(self._client.all, path), list[Row]()):
            found = text_of(row.get("id"))
            if found in wanted:
                self._ids[found] = f"{kind}:{found}"
                self.found[f"{kind}:{found}"] = _scheme(row, f"{kind}:{found}", source)
                taken.add(found)
        return taken

    def _take_stated(self, wanted: set[str]) -> set[str]:
        """The course's own scheme as the course itself states it, where its account may not be read."""
        stated = self._stated()
        if self._course_standard not in wanted or not stated:
            return set()
        self._ids[self._course_standard] = f"account:{self._course_standard}"
        made = lms.GradeScheme(
            self._ids[self._course_standard], "Scheme of the course", stated, "this course's settings"
        )
        self.found[made.scheme_id] = made
        return {self._course_standard}

    def _take_default(self) -> None:
        """Newer Canvas states the scheme in force with the course, an account's default included; older has only one."""
        built_in = tuple(lms.SchemeEntry(name, Decimal(lower)) for name, lower in BUILT_IN)
        stated = self._stated()
        if stated and set(stated) != set(built_in):
            source = "the account's default, as Canvas states it for this course"
            self.found[STATED_ID] = lms.GradeScheme(STATED_ID, "Default of the account", stated, source)
        else:
            source = "Canvas's built-in default (the course names no scheme)"
            self.found[DEFAULT_ID] = lms.GradeScheme(DEFAULT_ID, "Default Grading Scheme", built_in, source)

    def _stated(self) -> tuple[lms.SchemeEntry, ...]:
        pairs = self._course.get("grading_scheme")
        if not isinstance(pairs, list) or not all(isinstance(one, list) and len(one) == 2 for one in pairs):
            return ()
        return _entries([(one[0], one[1]) for one in pairs])


def _scheme(row: Row, scheme_id: str, source: str) -> lms.GradeScheme:
    stated = row.get("grading_scheme")
    entries = [one for one in stated if isinstance(one, Mapping)] if isinstance(stated, list) else []
    return lms.GradeScheme(
        scheme_id=scheme_id,
        title=text_of(row.get("title")),
        entries=_entries([(one.get("name"), one.get("value")) for one in entries]),
        source=source,
        points_based=row.get("points_based") is True,
    )


def _entries(pairs: Iterable[tuple[object, object]]) -> tuple[lms.SchemeEntry, ...]:
    """As sent, unsorted or with gaps: whether they can be used is decided where they are used."""
    found = [(text_of(name), _lower(value)) for name, value in pairs]
    points = [_plain_number(name) for name, _ in found]
    # a ladder of numbers ("4.0", "3.7", ...) names GPA points; a mixture names nothing of the kind
    ladder = bool(points) and all(one is not None for one in points)
    return tuple(
        lms.SchemeEntry(name, lower, point if ladder else None)
        for (name, lower), point in zip(found, points, strict=True)
    )


def _lower(value: object) -> Decimal:
    """The lower bound at four decimals, as Canvas rounds it; NaN for what is no number, so that the scheme is refused."""
    lower, _ = number(value)
    return lower.quantize(FOUR_PLACES, rounding=ROUND_HALF_UP) if lower is not None else Decimal("NaN")


def _plain_number(name: str) -> Decimal | None:
    try:
        found = Decimal(name)
    except InvalidOperation:
        return None
    return found if is_sane(found) else None
