"""One read of a whole Canvas course: which lists are asked for, in which order, and what is made of them.

First what says who and what there is, then the submissions, which are turned into results page by page: no more than a
page of Canvas's own rows is held at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from sync.errors import Misconfigured
from sync.lms import base, rest
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.canvas import course, grades, people, totals
from sync.lms.canvas.client import PER_PAGE, Client
from sync.lms.canvas.people import Enrolment
from sync.lms.canvas.schemes import Schemes
from sync.lms.rest import Row

# so many assignments are named in one address at most: it comes back in each page's links, and servers cut long ones off
NAMED_AT_ONCE: Final = 25
# fewer rows come in one page, and in two parts they would be two
WORTH_PARTS: Final = PER_PAGE


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the connection's options ask for."""

    totals: bool = True
    period_totals: bool = True


@dataclass
class Course:
    """What was read before the submissions."""

    row: Row = field(default_factory=dict)
    enrolments: list[Enrolment] = field(default_factory=list)
    assignments: list[Row] = field(default_factory=list)
    sections: list[Row] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    periods: tuple[lms.GradingPeriod, ...] = ()
    # None: it could not be read; empty: there is none
    policy: Row | None = None
    unseen: set[str] = field(default_factory=set)

    @property
    def is_concluded(self) -> bool:
        return course.is_concluded(self.row)

    @property
    def deducts(self) -> bool | None:
        return None if self.policy is None else course.deducts(self.policy)

    @property
    def categories(self) -> tuple[lms.Category, ...]:
        weighted = self.row.get("apply_assignment_group_weights") is True
        return course.categories_of(self.groups, weighted=weighted)

    @property
    def students(self) -> list[Enrolment]:
        return self.current_students(self.enrolments)

    def current_students(self, enrolments: Sequence[Enrolment]) -> list[Enrolment]:
        """Enrolments by which somebody is a student of the course now."""
        return [
            one
            for one in enrolments
            if one.kind == people.STUDENT and people.is_current(one, course_concluded=self.is_concluded)
        ]


class Reading:
    """Reads with this client, in whose streams all that the engine is told is told in the thread that reads."""

    def __init__(self, client: Client, path: str, heard: base.Heard, wishes: Wishes) -> None:
        self._client, self._path, self._heard, self._wishes = client, path, heard, wishes
        self._course = Course()
        self._found = grades.Found()
        self._emails: Mapping[str, str] = {}
        self._of_periods: dict[str, list[Enrolment]] = {}
        self._rows_read = 0

    def gradebook(self) -> lms.Gradebook:
        here = self._course
        self._client.gather(list(self._first_jobs()))
        members = self._members()
        items = [self._line_item(row, "") for row in here.assignments]
        self._found = grades.Found({one.user_id for one in members if base.is_course_student(one)})
        accounting = base.Accounting(members, items)
        schemes = Schemes(self._client, here.row, self._path)
        self._client.gather(list(self._second_jobs(items, accounting, schemes)))
        return self._assembled(accounting, schemes)

    # --- first: who and what there is -----------------------------------------------------------------

    def _first_jobs(self) -> Iterator[Callable[[], None]]:
        yield self._read_course
        yield self._read_enrolments
        yield self._read_assignments
        yield self._read_sections
        yield self._read_groups
        yield partial(self._optional, PERIODS_UNSEEN, self._read_periods)
        yield partial(self._optional, POLICY_UNSEEN, self._read_policy)

    def _read_course(self) -> None:
        include = [("include[]", "grading_scheme"), ("include[]", "concluded")]
        self._course.row = self._client.one(self._path, include)

    def _read_enrolments(self) -> None:
        self._course.enrolments = self._enrolments([("include[]", "email")])
        students = len({one.user_id for one in self._course.enrolments if one.kind == people.STUDENT})
        self._client.streams.in_reader(lambda: self._heard("students", students))

    def _enrolments(self, params: rest.Params) -> list[Enrolment]:
        states = [("state[]", state) for state in people.STATES]
        pages = self._client.pages(f"{self._path}/enrollments", [*states, *params])
        return [people.enrolment(row) for page in pages for row in page]

    def _read_assignments(self) -> None:
        self._course.assignments = self._client.all(f"{self._path}/assignments")
        self._client.streams.in_reader(lambda: self._heard("items", len(self._course.assignments)))

    def _read_sections(self) -> None:
        self._course.sections = self._client.all(f"{self._path}/sections")

    def _read_groups(self) -> None:
        self._course.groups = self._client.all(f"{self._path}/assignment_groups")

    def _read_periods(self) -> None:
        """Canvas wraps this one list, and pages it in the answer's body; no course has as many as a page holds."""
        answer = self._one_or_none(f"{self._path}/grading_periods", [("per_page", str(PER_PAGE))])
        rows = self._client.rows(answer.get("grading_periods")) if answer else []
        if len(rows) >= PER_PAGE:
            raise self._client.broken("more grading periods than can be read")
        self._course.periods = course.periods_of(rows)

    def _read_policy(self) -> None:
        answer = self._one_or_none(f"{self._path}/late_policy")
        policy = answer.get("late_policy") if answer else {}
        if not isinstance(policy, Mapping):
            raise self._client.broken("something else than the late policy that was asked for")
        self._course.policy = policy

    def _one_or_none(self, path: str, params: rest.Params = ()) -> Row | None:
        """None where the course has nothing of the kind: Canvas does not know the address then."""
        try:
            return self._client.one(path, params)
        except Misconfigured as error:
            if error.code != rest.UNKNOWN:
                raise
            return None

    def _optional(self, unseen: str, read: Callable[[], None]) -> None:
        """What a course can be read without: said where the account may not see it."""
        try:
            read()
        except Misconfigured as error:
            if error.code != rest.FORBIDDEN:
                raise
            self._course.unseen.add(unseen)

    # --- then: submissions, and what hangs on the first -----------------------------------------------

    def _second_jobs(
        self, items: Sequence[lms.LineItem], accounting: base.Accounting, schemes: Schemes
    ) -> Iterator[Callable[[], object]]:
        of_id = {item.line_item_id: item for item in items}
        for part in self._parts(items):
            yield partial(self._read_submissions, part, of_id, accounting)
        if self._wishes.totals and self._wishes.period_totals:
            for period in self._course.periods:
                yield partial(self._read_period, period.period_id)
        if self._course.enrolments and not people.emails_are_shown(self._course.enrolments):
            yield self._read_emails
        letters = self._wishes.totals and totals.letters_are_shown(self._course.students)
        yield partial(schemes.fetch, self._course.assignments, letters_shown=letters)

    def _parts(self, items: Sequence[lms.LineItem]) -> list[rest.Params]:
        """The submissions in parts that can be read side by side; one part where a single request will do."""
        names = [item.line_item_id for item in items if item.published]
        parts = max(self._client.streams.count, -(-len(names) // NAMED_AT_ONCE))
        rows = len(names) * len(self._found.students)
        if self._client.streams.count == 1 or len(names) < parts or rows <= WORTH_PARTS:
            return [[]]
        return [[("assignment_ids[]", name) for name in names[at::parts]] for at in range(parts)]

    def _read_submissions(
        self, part: rest.Params, items: Mapping[str, lms.LineItem], accounting: base.Accounting
    ) -> None:
        params = [("student_ids[]", "all"), *part]
        for page in self._client.pages(f"{self._path}/students/submissions", params):
            self._client.streams.in_reader(partial(self._take, page, items, accounting))

    def _take(self, page: list[Row], items: Mapping[str, lms.LineItem], accounting: base.Accounting) -> None:
        for result in grades.results(page, items, self._found):
            accounting.add(result)
        self._rows_read += len(page)
        self._heard("results", self._rows_read)

    def _read_period(self, period_id: str) -> None:
        params = [("type[]", people.STUDENT), ("grading_period_id", period_id)]
        self._of_periods[period_id] = self._enrolments(params)

    def _read_emails(self) -> None:
        """Older Canvas does not put e-mails into enrolments, so the list of users is read for them."""
        params = [("enrollment_state[]", state) for state in people.STATES] + [("include[]", "email")]
        pages = self._client.pages(f"{self._path}/users", params)
        self._emails = {text_of(row.get("id")): text_of(row.get("email")) for page in pages for row in page}

    # --- and what is made of it -----------------------------------------------------------------------

    def _members(self) -> list[lms.Member]:
        here = self._course
        return people.members_of(here.enrolments, self._emails, course_concluded=here.is_concluded)

    def _line_item(self, row: Row, scheme_id: str) -> lms.LineItem:
        here = self._course
        categories = {one.category_id: one for one in here.categories}
        return grades.line_item(row, scheme_id, categories, late_policy=here.deducts is True)

    def _assembled(self, accounting: base.Accounting, schemes: Schemes) -> lms.Gradebook:
        here, members = self._course, self._members()
        items = self._finished_items(schemes)
        total_items, total_results = self._totals(members, schemes.of_course(), len(items))
        return lms.Gradebook(
            members=tuple(members),
            line_items=(*items, *total_items),
            results=accounting.results(without=self._found.anonymous) + total_results,
            sections=people.sections_of(here.sections),
            schemes=dict(schemes.found),
            warnings=(
                *self._found.warnings(),
                *schemes.warnings,
                *self._blind_spots(bool(total_items)),
                *accounting.warnings(),
            ),
            categories=here.categories,
            periods=here.periods,
            state=course.state_of(here.row, here.categories, late_policy=here.deducts),
        )

    def _finished_items(self, schemes: Schemes) -> list[lms.LineItem]:
        """An anonymous assignment counts as unpublished: nobody can say yet whose its grades are."""
        known = {one.period_id for one in self._course.periods}
        found = []
        for row in self._course.assignments:
            item = self._line_item(row, schemes.of_assignment(row))
            period_id = self._found.period_of(item.line_item_id)
            hidden = item.line_item_id in self._found.anonymous
            found.append(
                replace(
                    item,
                    period_id=period_id if period_id in known else "",
                    published=item.published and not hidden,
                )
            )
        return found

    def _totals(
        self, members: Sequence[lms.Member], scheme_id: str, position: int
    ) -> tuple[list[lms.LineItem], tuple[lms.Result, ...]]:
        if not self._wishes.totals:
            return [], ()
        items: list[lms.LineItem] = []
        found: list[lms.Result] = []
        for period, enrolments in self._with_grades():
            students = self._course.current_students(enrolments)
            offered = totals.offered(students, period)
            items += [
                one.line_item(scheme_id, position + len(items) + at) for at, one in enumerate(offered, 1)
            ]
            found += totals.results(students, offered)
        return items, base.account(members, items, found)[0]

    def _with_grades(self) -> Iterator[tuple[lms.GradingPeriod | None, list[Enrolment]]]:
        yield None, self._course.enrolments
        for period in self._course.periods:
            if period.period_id in self._of_periods:
                yield period, self._of_periods[period.period_id]

    def _blind_spots(self, shown: bool) -> list[str]:
        """Canvas leaves out what the account may not see: said, so that nobody takes it for absent."""
        here, texts = self._course, sorted(self._course.unseen)
        students = here.students
        if self._wishes.totals and not shown:
            texts.append(
                "The access token may not see course totals, so they are not offered. The LMS administrator "
                "can let its owner view all grades."
            )
        hidden = totals.count_hidden(students) if shown else 0
        if hidden:
            texts.append(
                f"The course totals of {hidden} students leave out grades that are not posted to them yet. Post them in "
                "Canvas if they should count."
            )
        if students and all(one.sis_id is None for one in students):
            texts.append(
                "The access token may not see SIS ids, so students can be matched by login or e-mail only. The "
                "LMS administrator can let its owner read SIS data."
            )
        return texts


PERIODS_UNSEEN: Final = (
    "The access token may not see the grading periods, so totals are offered for the whole course only. The LMS "
    "administrator can let its owner read them."
)
POLICY_UNSEEN: Final = (
    "The access token may not see the course's late policy, so it is not known whether Canvas still takes points off. "
    "The LMS administrator can let its owner manage grades."
)
