"""One Brightspace course, read in whole: first what it consists of, then the values of each column side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.brightspace import grades, people, values
from sync.lms.brightspace.client import Client
from sync.lms.brightspace.grades import Column
from sync.lms.brightspace.people import Roles
from sync.lms.brightspace.schemes import NOT_READ, Schemes
from sync.lms.brightspace.totals import Finals
from sync.lms.rest import Row

Rows = list[Row] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the connection's options ask for."""

    roles: Roles
    course_totals: bool
    exemptions: bool
    due_dates: bool


@dataclass(slots=True)
class Outline:
    """What the course consists of, as Brightspace answered. None: the account may not read it."""

    objects: list[Row]
    people: list[Row]
    in_grades: list[Row]
    course: Row | None
    sections: Rows
    setup: Rows
    categories: Rows
    due: Rows


def gradebook(client: Client, unit: str, wish: Wish, heard: base.Heard) -> lms.Gradebook:
    path = f"{client.le}/{unit}"
    outline = _outline(client, unit, wish)
    setup = (outline.setup or [{}])[0]
    state = people.state_of(outline.course, setup)
    members = _members(outline, wish.roles)
    heard("students", sum(1 for one in members if base.is_course_student(one)))
    schemes = Schemes(setup)
    schemes.fetch(client, path, outline.objects)
    columns = _columns(outline, schemes)
    heard("items", len(columns))
    finals = Finals(client, path, state, schemes.default, schemes.symbols(schemes.default))
    found = _values(client, path, columns, finals, wish, heard)
    items = [one.item for one in columns]
    items += finals.items(len(items))
    results, strays = base.account(members, items, found)
    return lms.Gradebook(
        members=tuple(members),
        line_items=tuple(items),
        results=results,
        sections=_sections(outline),
        schemes=dict(schemes.found),
        warnings=(*_warnings(outline, members, schemes, finals, wish), *strays),
        categories=grades.categories_of(outline.categories or [], weighted=state.weighted is True),
        state=state,
    )


def _outline(client: Client, unit: str, wish: Wish) -> Outline:
    """Everything that needs nothing else first. Grade objects and classlist must be readable; the rest is said."""
    le, lp = f"{client.le}/{unit}", f"{client.lp}/{unit}"
    shown = [("onlyShowShownInGrades", "true")]
    classlist = partial(client.all, f"{le}/classlist/paged/", keys=("Identifier",))
    jobs: list[Callable[[], Rows]] = [
        partial(client.listed, f"{le}/grades/", "Id"),
        classlist,
        partial(classlist, shown) if not wish.roles.student else list,
        partial(client.allowed, partial(_one, client, f"{client.lp}/courses/{unit}")),
        partial(client.allowed, partial(client.listed, f"{lp}/sections/", "SectionId")),
        partial(client.allowed, partial(_one, client, f"{le}/grades/setup/")),
        partial(client.allowed, partial(client.listed, f"{le}/grades/categories/", "Id")),
        partial(client.allowed, partial(_due, client, le)) if wish.due_dates else list,
    ]
    objects, everybody, in_grades, course, sections, setup, categories, due = client.gather(jobs)
    return Outline(
        objects or [],
        everybody or [],
        in_grades or [],
        course[0] if course else None,
        sections,
        setup,
        categories,
        due,
    )


def _one(client: Client, address: str) -> list[Row]:
    return [client.one(address)]


def _due(client: Client, path: str) -> list[Row]:
    """What leads to a grade object and is due some time: assignments and quizzes."""
    folders = client.listed(f"{path}/dropbox/folders/", "Id")
    return [*folders, *client.all(f"{path}/quizzes/", keys=("QuizId",))]


def _members(outline: Outline, roles: Roles) -> list[lms.Member]:
    in_grades = {text_of(row.get("Identifier")) for row in outline.in_grades}
    places = people.places_of(outline.sections or [])
    if not outline.sections and outline.course is not None:
        section = people.whole_course(outline.course).section_id
        places = {text_of(row.get("Identifier")): (section,) for row in outline.people}
    return people.members_of(outline.people, in_grades, roles, places)


def _sections(outline: Outline) -> tuple[lms.Section, ...]:
    if not outline.sections and outline.course is not None:
        return (people.whole_course(outline.course),)
    return people.sections_of(outline.sections or [])


def _columns(outline: Outline, schemes: Schemes) -> list[Column]:
    of_item = {
        text_of(row.get("Id")): (schemes.of_item(row), schemes.symbols(schemes.of_item(row)))
        for row in outline.objects
    }
    due: Mapping[str, datetime] = grades.due_times(outline.due or [])
    categories = {text_of(row.get("Id")): row for row in outline.categories or []}
    return grades.columns_of(outline.objects, of_item, categories, due)


def _values(
    client: Client, path: str, columns: Iterable[Column], finals: Finals, wish: Wish, heard: base.Heard
) -> list[lms.Result]:
    """The final grades are one job among the others: the longest, so it begins first."""
    so_far = 0

    def tell(count: int) -> None:
        nonlocal so_far
        so_far += count
        heard("results", so_far)

    jobs: list[Callable[[], list[lms.Result]]] = [finals.read] if wish.course_totals else []
    for one in columns:
        jobs.append(partial(values.of_column, client, path, one, exemptions=wish.exemptions, tell=tell))
    return [one for several in client.gather(jobs) for one in several]


# --- what the teacher should know -----------------------------------------------------------------


def _warnings(
    outline: Outline, members: Iterable[lms.Member], schemes: Schemes, finals: Finals, wish: Wish
) -> list[str]:
    students = [one for one in members if base.is_course_student(one)]
    unknown = grades.unknown_types(outline.objects)
    told = (
        (bool(unknown), f"Grade items of a type that is not known here: {unknown}. They are left out."),
        (bool(students) and not any(one.sis_id for one in students), NO_SIS_IDS),
        (outline.course is None, NO_COURSE),
        (outline.sections is None and outline.course is None, NO_SECTIONS),
        (outline.setup is None, NO_SETUP),
        (outline.categories is None, NO_CATEGORIES),
        (outline.due is None, NO_DUE),
        (schemes.missing, NOT_READ),
        (not wish.exemptions, NO_EXEMPTIONS),
    )
    texts = [text for is_so, text in told if is_so]
    return texts + [
        f"The {title} may not be read with this account, so it is not offered." for title in finals.unread
    ]


NO_SIS_IDS = (
    "No student of this course shows an Org Defined ID, so students can be matched by login or e-mail only. Perhaps this "
    "account's role may not see it: the LMS administrator can allow it (Roles and Permissions, User Information Privacy)."
)
NO_COURSE = (
    "This account may not see the course offering's settings, so its dates and whether it is active are not known. The LMS "
    "administrator can allow it for the role."
)
NO_SECTIONS = "The course's sections may not be read with this account. The LMS administrator can allow it for the role."
NO_SETUP = (
    "The grade book's settings may not be read with this account, so the default grade scheme is not known. The LMS "
    "administrator can allow it for the role."
)
NO_CATEGORIES = (
    "The grade categories may not be read with this account. The LMS administrator can allow it for the role."
)
NO_DUE = (
    "Due dates of assignments and quizzes may not be read with this account. The LMS administrator can allow it for the "
    "role, or switch “due_dates” off in the connection."
)
NO_EXEMPTIONS = (
    "Exemptions are not read: an exempt student counts as graded, or as not graded, like any other."
)
