"""One read of one course: the lists first, then the report, whole or student by student."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sync.errors import Misconfigured
from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.moodle import functions, grades, people, structure
from sync.lms.moodle.client import Arguments, Client, is_unavailable
from sync.lms.moodle.report import Pair, Person, Report, Words, cleaned
from sync.lms.rest import FORBIDDEN

Row = Mapping[str, Any]
Found = TypeVar("Found")

# a grade of the report fills about 640 bytes and, read, some kilobytes: above this a course comes student by student
MOST_IN_ONE_ANSWER: Final = 25_000
# students whose grades are held as Moodle sent them at any one time
AT_A_TIME: Final = 64
FIELDS: Final = "id,username,idnumber,email,firstname,lastname,fullname,roles,suspended"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the connection's options ask for."""

    totals: bool
    read_by: str
    letters: lms.GradeScheme | None
    teacher_roles: frozenset[str]


@dataclass(slots=True)
class Lists:
    """Moodle's lists of one course. `students` are those whom it grades now, `listed` its items by number with titles."""

    students: dict[str, Row]
    people: dict[str, Row]
    listed: dict[str, str]
    categories: tuple[lms.Category, ...]
    assignments: structure.Assignments | None
    state: lms.CourseState

    @property
    def present(self) -> list[str]:
        """Students whose accounts are not suspended on the whole site, in the order of their numbers."""
        gone = {
            one for one, row in [*self.students.items(), *self.people.items()] if people.is_suspended(row)
        }
        return sorted(self.students.keys() - gone, key=lambda one: (len(one), one))


class Reading:
    """Reads everything in the thread that made it, with the client's streams. Raises TryLater or Misconfigured."""

    def __init__(self, client: Client, course_id: str, title: str, wishes: Wishes, heard: base.Heard) -> None:
        self._client, self._course_id, self._title = client, course_id, title
        self._wishes, self._heard = wishes, heard
        self._others: dict[str, Person] = {}
        self._notes: list[str] = []
        self._warned = False

    def gradebook(self) -> lms.Gradebook:
        lists = self._lists()
        words = self._words((lists.assignments or structure.Assignments()).scales)
        report = self._report(lists, words)
        return self._made(lists, words, report)

    # --- lists ------------------------------------------------------------------------------------

    @property
    def _course(self) -> Arguments:
        return {"courseid": self._course_id}

    def _lists(self) -> Lists:
        jobs: list[Callable[[], Any]] = [
            *(self._students, self._people, self._listed, self._categories, self._assignments, self._state),
        ]
        students, enrolled, listed, categories, assignments, state = self._client.gather(jobs)
        self._heard("students", len(students))
        self._heard("items", len(listed))
        if assignments is None:
            self._notes.append(
                "Due dates could not be read from Moodle. The LMS administrator can add "
                f"{functions.ASSIGNMENTS} to the service of this connection, and let its account see assignments."
            )
        return Lists(students, enrolled, listed, categories, assignments, state)

    def _students(self) -> dict[str, Row]:
        rows = self._client.listed(functions.STUDENTS, "users", {**self._course, "onlyactive": 1})
        return self._by_id(rows)

    def _people(self) -> dict[str, Row]:
        """Those with an active enrolment; all, for an account that may not ask for these alone."""
        try:
            return self._enrolled({"onlyactive": "1", "userfields": FIELDS})
        except Misconfigured as error:
            if error.code != FORBIDDEN:
                raise
        return self._enrolled({"userfields": FIELDS})

    def _enrolled(self, options: Mapping[str, str]) -> dict[str, Row]:
        asked: dict[str, str | int] = {**self._course}
        for at, (name, value) in enumerate(options.items()):
            asked |= {f"options[{at}][name]": name, f"options[{at}][value]": value}
        return self._by_id(self._client.rows(self._client.call(functions.PEOPLE, asked)))

    def _by_id(self, rows: list[Row]) -> dict[str, Row]:
        found = {text_of(row.get("id")): row for row in rows}
        if "" in found or len(found) < len(rows):
            raise self._client.broken("the same row twice, or one without a number")
        return found

    def _listed(self) -> dict[str, str]:
        rows = self._client.listed(functions.ITEMS, "gradeItems", self._course)
        return {item_id: cleaned(row.get("itemname")) for item_id, row in self._by_id(rows).items()}

    def _categories(self) -> tuple[lms.Category, ...]:
        return structure.categories_of(
            self._if_there(lambda: self._client.call(functions.TREE, self._course))
        )

    def _assignments(self) -> structure.Assignments | None:
        asked: Arguments = {"courseids[0]": self._course_id, "includenotenrolledcourses": 1}
        found = self._if_there(lambda: self._client.listed(functions.ASSIGNMENTS, "courses", asked))
        return None if found is None else structure.assignments_of(found)

    def _state(self) -> lms.CourseState:
        asked = {"field": "id", "value": self._course_id}
        found = self._if_there(lambda: self._client.listed(functions.COURSES, "courses", asked))
        return structure.state_of(found or [], self._course_id, structure.today())

    def _words(self, scales: Mapping[Pair, str]) -> dict[str, Words]:
        """The words of each scale by its number; none where the service does not tell them."""
        ids = list(dict.fromkeys(scales.values()))
        rows = self._client.gather([self._scale(one) for one in ids])
        return {scale_id: structure.words_of(found or []) for scale_id, found in zip(ids, rows, strict=True)}

    def _scale(self, scale_id: str) -> Callable[[], list[Row] | None]:
        def ask() -> list[Row]:
            return self._client.rows(self._client.call(functions.SCALE, {"scaleid": scale_id}))

        return lambda: self._if_there(ask)

    @staticmethod
    def _if_there(ask: Callable[[], Found]) -> Found | None:
        """What a function answers that the reader can do without."""
        try:
            return ask()
        except Misconfigured as error:
            if not is_unavailable(error):
                raise
            return None

    # --- the report -------------------------------------------------------------------------------

    def _report(self, lists: Lists, words: Mapping[str, Words]) -> Report:
        scales = lists.assignments.scales if lists.assignments else {}
        of_activity = {activity: words[scale_id] for activity, scale_id in scales.items()}
        report, present = Report(of_activity, self._client.broken), lists.present
        cells = len(present) * (len(lists.listed) + 1)
        if self._wishes.read_by == "student" or (
            self._wishes.read_by == "auto" and cells > MOST_IN_ONE_ANSWER
        ):
            self._by_student(report, present)
        else:
            self._in_one_answer(report, present)
        return report

    def _in_one_answer(self, report: Report, present: list[str]) -> None:
        rows = self._usergrades(self._course)
        of_id = {text_of(row.get("userid")): row for row in rows}
        if len(of_id) < len(rows):
            raise self._client.broken("the same student twice")
        left_out = [one for one in present if one not in of_id]
        if left_out:
            what = (
                f"a report without {len(left_out)} of the course's students (perhaps its account belongs to a group there, "
                "and lacks moodle/site:accessallgroups)"
            )
            raise self._client.broken(what)
        report.add(of_id.pop(one) for one in present)
        self._others = {one.user_id: one for one in map(_person, of_id.values())}
        self._heard("results", len(report.results))

    def _by_student(self, report: Report, present: list[str]) -> None:
        for start in range(0, len(present), AT_A_TIME):
            asked = present[start : start + AT_A_TIME]
            report.add(self._client.gather([self._one_student(user_id) for user_id in asked]))
            self._heard("results", len(report.results))

    def _one_student(self, user_id: str) -> Callable[[], Row]:
        def ask() -> Row:
            rows = self._usergrades({**self._course, "userid": user_id})
            if [text_of(row.get("userid")) for row in rows] != [user_id]:
                raise self._client.broken("the grades of somebody else")
            return rows[0]

        return ask

    def _usergrades(self, asked: Arguments) -> list[Row]:
        found = self._client.answer(functions.REPORT, asked)
        self._warned = self._warned or bool(found.get("warnings"))
        return self._client.rows(found.get("usergrades"))

    # --- put together -----------------------------------------------------------------------------

    def _made(self, lists: Lists, words: Mapping[str, Words], report: Report) -> lms.Gradebook:
        present = frozenset(lists.present)
        hidden = grades.unseen(report, lists.listed, present)
        around = self._around(lists, schemes := self._schemes(words))
        items = grades.line_items(report, around)
        found = grades.tidied(grades.results(report, hidden.grades))
        total = grades.total_item(report, around.letters, len(items) + 1)
        offered = self._wishes.totals and total is not None and hidden.totals_are_true
        items += [total] if offered and total else []
        members = people.members_of(
            report.people | self._others,
            {one: lists.students[one] for one in present},
            lists.people,
            section_id=self._course_id,
            teacher_roles=self._wishes.teacher_roles,
        )
        results, strays = base.account(members, items, found if offered else grades.without_totals(found))
        used = {one.scheme_id for one in items}
        return lms.Gradebook(
            members=tuple(members),
            line_items=tuple(items),
            results=results,
            sections=(lms.Section(self._course_id, report.course_sis_id, self._title),),
            schemes={name: scheme for name, scheme in schemes.items() if name in used},
            complete=hidden.nothing and not self._warned,
            warnings=(*self._warnings(lists, report, hidden), *strays),
            categories=lists.categories,
            state=lists.state,
        )

    def _around(self, lists: Lists, schemes: Mapping[str, lms.GradeScheme]) -> grades.Surroundings:
        return grades.Surroundings(
            listed=lists.listed,
            assignments=lists.assignments or structure.Assignments(),
            categories={one.category_id: one.title for one in lists.categories},
            schemes=schemes.keys(),
            letters=self._wishes.letters.scheme_id if self._wishes.letters else "",
        )

    def _schemes(self, words: Mapping[str, Words]) -> dict[str, lms.GradeScheme]:
        made = [structure.scheme_of(scale_id, several) for scale_id, several in words.items()]
        return {one.scheme_id: one for one in (*made, self._wishes.letters) if one is not None}

    def _warnings(self, lists: Lists, report: Report, hidden: grades.Unseen) -> list[str]:
        notes = list(self._notes)
        if not report.people and lists.listed:
            notes.append("The course has no students in Moodle, so it shows no assignments either.")
        if self._warned:
            notes.append("Moodle adds warnings to its report, so it may not be whole. Nothing is withdrawn.")
        if lists.students.keys() - lists.people.keys():
            notes.append(
                "Moodle's list of the course's people is not whole, so teachers may be missing from it. The LMS "
                "administrator can grant the account of this connection moodle/user:viewdetails and "
                "moodle/site:accessallgroups."
            )
        return grades.warnings(report, hidden, totals=self._wishes.totals, now_known=notes)


def _person(row: Row) -> Person:
    return Person(
        text_of(row.get("userid")), text_of(row.get("userfullname")), text_of(row.get("useridnumber"))
    )
