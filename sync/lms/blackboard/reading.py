"""One read of one course: its lists side by side, then the grades column by column.

By column, as Anthology's own guide does ("Pulling Gradebook Data and Assessment Grades"): for 500 students and 40 columns
120 pages of 200, where a request for each student would be 500, and its answer is documented with fewer fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.errors import Misconfigured, TryLater
from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.blackboard import grades, people, warnings
from sync.lms.blackboard.client import PER_PAGE, Client, forbidden
from sync.lms.blackboard.columns import TOTAL_RULE, Column, columns_of, without_scheme
from sync.lms.blackboard.people import Roles, part
from sync.lms.blackboard.schemas import schemas_of
from sync.lms.rest import FORBIDDEN, UNKNOWN, Whole

Row = Mapping[str, Any]
Pair = tuple[str, str]

COURSE_FIELDS: Final = "id,externalId,name,parentId,hasChildren,closedComplete,availability.available"
# what may stand in a path: Learn's own ids look like _123_1
ID: Final = re.compile(r"[\w-]+")
PUBLISHED: Final = {"Yes": True, "No": False, "Disabled": False}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the connection's options ask for."""

    totals: bool
    roles: Roles


@dataclass(slots=True)
class Lists:
    """Learn's lists of one course, every page of them. None: Learn does not tell it to the account."""

    course: Row
    memberships: list[Row]
    columns: list[Row]
    schemas: list[Row] | None
    categories: list[Row] | None
    periods: list[Row] | None
    children: list[Row] | None


@dataclass(slots=True)
class Graded:
    """What was read of one column. `gone`: Learn answered that there is nothing; `refused`: that it may not be read."""

    results: list[lms.Result] = field(default_factory=list)
    notations: dict[Pair, str] = field(default_factory=dict)
    nameless: int = 0
    gone: bool = False
    refused: bool = False


class Reading:
    """Reads everything with the client's streams. Raises TryLater or Misconfigured."""

    def __init__(self, client: Client, uuid: str, wishes: Wishes, heard: base.Heard) -> None:
        self._client, self._uuid, self._wishes, self._heard = client, uuid, wishes, heard
        self._path = ""
        self._read = 0

    def gradebook(self) -> lms.Gradebook:
        lists = self._lists()
        columns = self._columns(lists)
        members = [
            people.member(row, text_of(lists.course.get("id")), self._wishes.roles)
            for row in lists.memberships
        ]
        self._heard("students", sum(base.is_course_student(one) for one in members))
        self._heard("items", len(columns))
        return self._made(lists, columns, members, self._grades(columns, len(members)))

    # --- lists ------------------------------------------------------------------------------------

    def _lists(self) -> Lists:
        course = self._course()
        jobs: list[Callable[[], Any]] = [
            *(self._memberships, self._column_rows),
            *(self._listed("gradebook/schemas"), self._listed("gradebook/categories")),
            *(self._listed("gradebook/periods"), self._children(course)),
        ]
        return Lists(course, *self._client.gather(jobs))

    def _course(self) -> Row:
        """By its uuid, which is the launch's context id; all else is asked by Learn's own id."""
        course = self._client.one(
            f"/learn/api/public/v3/courses/uuid:{self._uuid}", [("fields", COURSE_FIELDS)]
        )
        course_id = text_of(course.get("id"))
        if not ID.fullmatch(course_id):
            raise self._client.broken("a course without its id")
        if text_of(course.get("parentId")):
            raise Misconfigured(
                "This course is merged into another one in Blackboard, and its grades are kept there. The teacher must open "
                "this tool from the course that it was merged into; an LMS administrator can add it there.",
                "course_merged",
            )
        self._path = f"courses/{course_id}"
        return course

    def _memberships(self) -> list[Row]:
        asked = [("expand", "user"), ("fields", people.FIELDS)]
        return self._client.all(f"/v1/{self._path}/users", asked, key="userId")

    def _column_rows(self) -> list[Row]:
        rows = self._client.all(f"/v2/{self._path}/gradebook/columns")
        if not all(ID.fullmatch(text_of(row.get("id"))) for row in rows):
            raise self._client.broken("a column whose id cannot be asked for")
        return rows

    def _children(self, course: Row) -> Callable[[], list[Row] | None]:
        if course.get("hasChildren") is False:
            return lambda: []
        return self._listed("children", ("expand", "childCourse"))

    def _listed(self, name: str, *params: tuple[str, str]) -> Callable[[], list[Row] | None]:
        """A list that the reader can do without, where Learn does not have it or keeps it from the account."""

        def ask() -> list[Row] | None:
            try:
                return self._client.all(f"/v1/{self._path}/{name}", params)
            except Misconfigured as error:
                if error.code not in (FORBIDDEN, UNKNOWN):
                    raise
                return None

        return ask

    def _columns(self, lists: Lists) -> list[Column]:
        categories = {one.category_id: one.title for one in _categories(lists)}
        schemas = schemas_of(lists.schemas or [])
        return columns_of(lists.columns, schemas, categories, totals=self._wishes.totals)

    # --- grades -----------------------------------------------------------------------------------

    def _grades(self, columns: Sequence[Column], people_count: int) -> list[Graded]:
        pages = max(1, -(-people_count // PER_PAGE))
        self._client.quota.require(len(columns) * pages)
        found = self._client.gather([self._graded(column) for column in columns])
        if columns and all(one.refused for one in found):
            raise forbidden()
        if any(one.gone for one in found):
            self._confirm([column for column, one in zip(columns, found, strict=True) if one.gone])
        self._name_notations(found)
        return found

    def _graded(self, column: Column) -> Callable[[], Graded]:
        path = f"/v2/{self._path}/gradebook/columns/{column.column_id}/users"

        def read() -> Graded:
            try:
                return self._column(path, column)
            except Misconfigured as error:
                if error.code not in (FORBIDDEN, UNKNOWN):
                    raise
                return Graded(gone=error.code == UNKNOWN, refused=error.code == FORBIDDEN)

        return read

    def _column(self, path: str, column: Column) -> Graded:
        found, whole = Graded(), Whole(self._client, ("userId",))
        for page in self._client.pages(path):
            named = [row for row in page if text_of(row.get("userId"))]
            found.nameless += len(page) - len(named)
            for row in whole.passed(named):
                made = grades.result(row, column)
                found.results.append(made)
                if notation := grades.notation_of(row):
                    found.notations[made.user_id, made.line_item_id] = notation
            self._tell(len(named))
        return found

    def _tell(self, count: int) -> None:
        self._client.streams.in_reader(lambda: self._say(count))

    def _say(self, count: int) -> None:
        self._read += count
        self._heard("results", self._read)

    def _confirm(self, columns: Sequence[Column]) -> None:
        """404 is documented for a column without a grade yet, and is what a deleted one answers too: is it still there?"""
        there = {text_of(row.get("id")) for row in self._column_rows()}
        if any(column.column_id not in there for column in columns):
            raise TryLater("The gradebook was changed in Blackboard while it was read. It is read again.", 1)

    def _name_notations(self, found: Sequence[Graded]) -> None:
        """A notation's code, which is what it is known by outside, in place of its description on the page."""
        if not any(one.notations for one in found):
            return
        rows = self._listed("gradebook/gradeNotations")() or []
        codes = {text_of(row.get("id")): text_of(row.get("code")) for row in rows}
        for one in found:
            one.results = [_with_code(row, codes, one.notations) for row in one.results]

    # --- put together -----------------------------------------------------------------------------

    def _made(
        self, lists: Lists, columns: Sequence[Column], members: list[lms.Member], found: Sequence[Graded]
    ) -> lms.Gradebook:
        items = [_item(column, one) for column, one in zip(columns, found, strict=True)]
        results, strays = base.account(members, items, (row for one in found for row in one.results))
        used = {place for one in members for place in one.section_ids}
        return lms.Gradebook(
            members=tuple(members),
            line_items=tuple(items),
            results=results,
            sections=people.sections_of(lists.course, lists.children or [], used),
            schemes={one.scheme.scheme_id: one.scheme for one in columns if one.scheme},
            warnings=(*self._warnings(lists, columns, members, found), *strays),
            categories=_categories(lists),
            periods=_periods(lists.periods or []),
            state=_state(lists.course),
        )

    def _warnings(
        self, lists: Lists, columns: Sequence[Column], members: Sequence[lms.Member], found: Sequence[Graded]
    ) -> list[str]:
        pairs = list(zip(columns, found, strict=True))
        merged = any(text_of(row.get("childCourseId")) for row in lists.memberships)
        return [
            *warnings.of_columns(
                refused=[column.item.title for column, one in pairs if one.refused],
                anonymous=[column.item.title for column, one in pairs if one.nameless],
                without_letters=without_scheme(columns),
            ),
            *warnings.of_people(
                members,
                other_roles=self._wishes.roles.unknown(lists.memberships),
                sis_field=self._wishes.roles.sis_field,
            ),
            *warnings.of_sections(unknown=merged and lists.children is None),
        ]


def _item(column: Column, found: Graded) -> lms.LineItem:
    """A column that may not be read, or whose rows name nobody, counts as unpublished: it has no results of anybody."""
    return replace(column.item, published=False) if found.refused or found.nameless else column.item


def _with_code(row: lms.Result, codes: Mapping[str, str], notations: Mapping[Pair, str]) -> lms.Result:
    code = codes.get(notations.get((row.user_id, row.line_item_id), ""), "")
    return replace(row, text=code) if code and row.text else row


def _categories(lists: Lists) -> tuple[lms.Category, ...]:
    return tuple(
        lms.Category(text_of(row.get("id")), text_of(row.get("title")), position=position)
        for position, row in enumerate(lists.categories or [], start=1)
    )


def _periods(rows: Sequence[Row]) -> tuple[lms.GradingPeriod, ...]:
    """Which column counts in which period is told by no service."""
    return tuple(
        lms.GradingPeriod(
            text_of(row.get("id")),
            text_of(row.get("title")),
            base.instant(row.get("start")),
            base.instant(row.get("end")),
        )
        for row in rows
    )


def _state(course: Row) -> lms.CourseState:
    """ "Term" as availability: as the term says, which is not asked for."""
    closed = course.get("closedComplete")
    return lms.CourseState(
        published=PUBLISHED.get(text_of(part(course, "availability").get("available"))),
        concluded=closed if isinstance(closed, bool) else None,
        total_rule=TOTAL_RULE,
    )
