"""The people, courses, classes and grades that both pretend sides share. Deterministic: no clock, no chance.

`world()` builds it; the LMS serves `courses`, the SIS serves `classes`, and people carry what each side knows of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gradesync_site.sandbox.names import FAMILY_NAMES, GIVEN_NAMES

YEAR_BEGINS = datetime(2025, 8, 25, 12, tzinfo=UTC)
MAIN_CLASS, MAIN_COURSE = "ALG1-P3", "101"
STUDENTS, LINE_ITEMS = 12, 5


@dataclass(frozen=True)
class Person:
    """A person as each side knows her. `lms_id` or `sis_id` empty: that side does not. `odd` says what is special."""

    given_name: str
    family_name: str
    lms_id: str = ""
    login: str = ""
    lms_email: str = ""
    lms_sis_id: str = ""
    sis_id: str = ""
    identifier: str = ""
    username: str = ""
    sis_email: str = ""
    active: bool = True
    test: bool = False
    odd: str = ""

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True)
class Item:
    """A gradebook column of the LMS. `grading_type` in Canvas's words: points, percent, letter_grade, pass_fail, not_graded."""

    item_id: str
    title: str
    maximum: Decimal
    due: datetime
    grading_type: str = "points"
    group: str = "Assignments"
    published: bool = True


@dataclass(frozen=True)
class Grade:
    """What a student has on an item in the LMS. All empty: not graded."""

    score: Decimal | None = None
    text: str = ""
    excused: bool = False
    missing: bool = False
    late: bool = False


@dataclass(frozen=True)
class Scheme:
    """A grading standard: names from `lower` (a fraction of the maximum) upward. `owner` is course or account."""

    scheme_id: str
    title: str
    owner: str
    entries: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True)
class Section:
    """A section of an LMS course; `class_id` is the SIS's class, which the LMS holds as the section's SIS id."""

    section_id: str
    title: str
    class_id: str
    students: tuple[Person, ...]


@dataclass(frozen=True)
class Course:
    course_id: str
    title: str
    code: str
    teachers: tuple[Person, ...]
    sections: tuple[Section, ...]
    items: tuple[Item, ...]
    grades: Mapping[tuple[str, str], Grade]
    """By (lms_id of the student, item_id)."""
    scheme: Scheme | None = None
    assistants: tuple[Person, ...] = ()


@dataclass(frozen=True)
class SisItem:
    """A line item that the SIS has from the start. `not_submitted` students have an empty result there."""

    sourced_id: str
    title: str
    minimum: Decimal
    maximum: Decimal
    due: datetime
    category: str = "cat-homework"
    with_scale: bool = False
    not_submitted: tuple[str, ...] = ()
    grades: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class SisClass:
    class_id: str
    title: str
    code: str
    course_id: str
    teachers: tuple[Person, ...]
    students: tuple[Person, ...]
    items: tuple[SisItem, ...] = ()
    scale: tuple[tuple[str, str], ...] = ()
    """The entries of its score scale: (letter, the grade points that it stands for)."""


@dataclass(frozen=True)
class World:
    courses: tuple[Course, ...]
    classes: tuple[SisClass, ...]

    def people(self) -> list[Person]:
        """Everybody, once."""
        found: dict[tuple[str, str], Person] = {}
        for person in self._mentioned():
            found[person.lms_id, person.sis_id] = person
        return list(found.values())

    def _mentioned(self) -> Iterable[Person]:
        for course in self.courses:
            yield from (*course.teachers, *course.assistants)
            for section in course.sections:
                yield from section.students
        for group in self.classes:
            yield from (*group.teachers, *group.students)


LETTERS = (
    ("A", "0.94", "4"),
    ("A-", "0.9", "3.7"),
    ("B+", "0.87", "3.3"),
    ("B", "0.84", "3"),
    ("B-", "0.8", "2.7"),
    ("C+", "0.77", "2.3"),
    ("C", "0.74", "2"),
    ("C-", "0.7", "1.7"),
    ("D", "0.6", "1"),
    ("F", "0", "0"),
)
FIVE_LETTERS = (("A", "0.9"), ("B", "0.8"), ("C", "0.7"), ("D", "0.6"), ("F", "0"))
COURSE_SCHEME = Scheme("31", "English letters", "course", tuple((n, Decimal(low)) for n, low, _ in LETTERS))
ACCOUNT_SCHEME = Scheme(
    "7", "District A to F", "account", tuple((n, Decimal(low)) for n, low in FIVE_LETTERS)
)
SCALE = tuple((name, points) for name, _, points in LETTERS)

TEACHER = Person(
    "Ada", "Okafor", "11", "aokafor", "ada.okafor@north.example", "T1001", "T1001", "9001", "aokafor"
)
OTHER_TEACHER = Person(
    "Benedikt", "Müller", "12", "bmuller", "b.mueller@north.example", "T1002", "T1002", "9002", "bmuller"
)
ASSISTANT = Person("Tomás", "Rivera", "13", "trivera", "tomas.rivera@north.example")


def world(students: int = 0, line_items: int = 0, *, plain: bool = False) -> World:
    """`students` and `line_items` size the main course (0: as the seed has it); `plain` leaves the odd people out."""
    # numbers from 91 to 1090 belong to the other classes
    regular = [student(n if n <= 90 else n + 1000) for n in range(1, (students or STUDENTS) + 1)]
    parts = (
        _algebra(regular, line_items, plain),
        _biology(),
        _english(),
        _history(),
        _art(),
    )
    return World(
        courses=tuple(course for course, _ in parts),
        classes=tuple(group for _, groups in parts for group in groups),
    )


def student(number: int) -> Person:
    """The nth ordinary student, known to both sides. Every fifth is known to the LMS by her identifier."""
    given = GIVEN_NAMES[(number - 1) % len(GIVEN_NAMES)]
    family = FAMILY_NAMES[(number - 1 + (number - 1) // len(GIVEN_NAMES)) % len(FAMILY_NAMES)]
    sourced_id, identifier, login = f"S{20000 + number}", str(700000 + number), f"student{number}"
    return Person(
        given,
        family,
        lms_id=str(5000 + number),
        login=login,
        lms_email=f"{login}@students.north.example",
        lms_sis_id=identifier if number % 5 == 0 else sourced_id,
        sis_id=sourced_id,
        identifier=identifier,
        username=login,
        sis_email=f"{login}@students.north.example",
    )


def odd_people() -> tuple[Person, ...]:
    """One for each way in which the two sides fail to agree about a student of the main class."""
    return (
        Person("Nora", "Visitor", "4901", "nvisitor", "nora@guest.example", odd="only in the LMS"),
        Person(
            "Ime", "Bassey", sis_id="S29101", identifier="799101", username="ibassey", odd="only in the SIS"
        ),
        *_of_one_mailbox(),
        *_of_disagreeing_ids(),
        Person("Guest", "Account", "4905", odd="no identifier at all"),
        Person("Test", "Student", "4906", test=True, odd="the LMS's test student"),
        replace(student(901), active=False, odd="inactive in the LMS"),
    )


def _of_one_mailbox() -> tuple[Person, ...]:
    """Two students with one e-mail address; the LMS has no SIS id for the first."""
    mailbox = "lindqvist.family@mail.example"
    shared = Person("", "Lindqvist", lms_email=mailbox, sis_email=mailbox, odd="e-mail of two")
    return (
        replace(shared, given_name="Mia", lms_id="4902", sis_id="S29102", identifier="799102"),
        replace(
            shared,
            given_name="Max",
            lms_id="4903",
            lms_sis_id="S29103",
            sis_id="S29103",
            identifier="799103",
        ),
    )


def _of_disagreeing_ids() -> tuple[Person, ...]:
    """What the LMS holds as SIS id is one student's sourcedId and another's identifier."""
    sam = Person(
        "Sam", "Park", "4904", "spark", "sam.park@students.north.example", "29104", odd="ids disagree"
    )
    samuel = Person("Samuel", "Park", sis_id="29104", identifier="799104", username="spark")
    samantha = Person("Samantha", "Park", sis_id="S29105", identifier="29104", username="spark2")
    return (
        sam,
        replace(samuel, odd="ids disagree: sourcedId"),
        replace(samantha, odd="ids disagree: identifier"),
    )


def _algebra(regular: Sequence[Person], line_items: int, plain: bool) -> tuple[Course, tuple[SisClass, ...]]:
    odd = () if plain else odd_people()
    everybody = (*regular, *odd)
    in_lms = tuple(person for person in everybody if person.lms_id)
    in_sis = tuple(person for person in everybody if person.sis_id)
    items = _algebra_items(line_items)
    section = Section("1101", "Algebra 1, Period 3", MAIN_CLASS, in_lms)
    course = Course(
        MAIN_COURSE,
        "Algebra 1, Period 3",
        "ALG1-P3",
        (TEACHER,),
        (section,),
        items,
        _grades(in_lms, items) | _telling_grades(in_lms, items),
        assistants=(ASSISTANT,),
    )
    group = SisClass(
        MAIN_CLASS, "Algebra 1", "ALG1-P3", "crs-alg1", (TEACHER,), in_sis, _algebra_existing(regular)
    )
    return course, (group,)


def _algebra_existing(regular: Sequence[Person]) -> tuple[SisItem, ...]:
    """Homework 1 of the LMS, with its own range and some empty results, and an item that only the SIS has."""
    return (
        SisItem(
            "li-alg1-homework1",
            "Homework 1",
            Decimal(0),
            Decimal(50),
            due(3),
            not_submitted=tuple(person.sis_id for person in regular[:3]),
        ),
        SisItem(
            "li-alg1-attendance",
            "Attendance, week 1",
            Decimal(0),
            Decimal(5),
            due(1),
            category="cat-other",
            grades={person.sis_id: Decimal(5) for person in regular[:4]},
        ),
    )


def _algebra_items(count: int) -> tuple[Item, ...]:
    first = (
        Item("2001", "Quiz 1: Linear Equations", Decimal(10), due(1), group="Quizzes"),
        Item("2002", "Unit 1 Test", Decimal(100), due(2), group="Tests"),
        Item("2003", "Homework 1", Decimal(20), due(3), group="Homework"),
        Item("2004", "Project: Bridges", Decimal(50), due(4), "percent", group="Projects"),
        Item("2005", "Homework 2", Decimal(20), due(5), group="Homework"),
    )
    if count:
        more = (
            Item(str(2000 + number), f"Exercise {number}", Decimal(20), due(number), group="Homework")
            for number in range(LINE_ITEMS + 1, count + 1)
        )
        return (*first, *more)[:count]
    unsent = (
        Item("2098", "Survey: How do you learn?", Decimal(0), due(6), "not_graded", group="Other"),
        Item("2099", "Homework 3 (draft)", Decimal(20), due(7), group="Homework", published=False),
    )
    return (*first, *unsent)


def _telling_grades(students: Sequence[Person], items: Sequence[Item]) -> dict[tuple[str, str], Grade]:
    """The grades that have gone wrong elsewhere: a zero, an excused, a missing, a late, an over-max, none, decimals."""
    telling = (
        (0, Grade(Decimal(0))),
        (0, Grade(excused=True)),
        (0, Grade(missing=True)),
        (0, Grade(Decimal("7.5"), late=True)),
        (1, Grade(Decimal(104))),
        (0, Grade(Decimal("9.257"))),
        (1, Grade(Decimal("86.5"))),
        (0, Grade()),
    )
    return {
        (person.lms_id, items[min(at, len(items) - 1)].item_id): grade
        for person, (at, grade) in zip(students, telling, strict=False)
    }


def _biology() -> tuple[Course, tuple[SisClass, ...]]:
    """A cross-listed pair: one course of the LMS, two classes of the SIS, and one student who is in both."""
    first = tuple(student(number) for number in range(101, 106))
    second = tuple(student(number) for number in range(106, 111))
    items = (
        Item("2201", "Lab 1: Cells", Decimal(25), due(1), group="Labs"),
        Item("2202", "Lab 2: Osmosis", Decimal(25), due(3), group="Labs"),
        Item("2203", "Midterm", Decimal(100), due(5), group="Tests"),
    )
    sections = (
        Section("1201", "Biology, Period 1", "BIO-P1", first),
        Section("1202", "Biology, Period 2", "BIO-P2", second),
    )
    course = Course(
        "102",
        "Biology, Periods 1 and 2",
        "BIO",
        (TEACHER,),
        sections,
        items,
        _grades((*first, *second), items),
    )
    classes = (
        SisClass("BIO-P1", "Biology", "BIO-P1", "crs-bio", (TEACHER,), first),
        SisClass("BIO-P2", "Biology", "BIO-P2", "crs-bio", (TEACHER,), (*second, first[0])),
    )
    return course, classes


def _english() -> tuple[Course, tuple[SisClass, ...]]:
    """Graded in letters, by a standard of the course; the SIS has the same letters as a score scale."""
    students = tuple(student(number) for number in range(201, 207))
    items = (
        Item("2301", "Essay 1: Place", Decimal(100), due(2), "letter_grade", group="Essays"),
        Item("2302", "Essay 2: Voice", Decimal(100), due(4), "letter_grade", group="Essays"),
    )
    section = Section("1301", "English 10, Period 2", "ENG10-P2", students)
    course = Course(
        "103",
        "English 10, Period 2",
        "ENG10-P2",
        (OTHER_TEACHER,),
        (section,),
        items,
        _grades(students, items, COURSE_SCHEME),
        COURSE_SCHEME,
    )
    existing = SisItem(
        "li-eng10-essay1",
        "Essay 1: Place",
        Decimal(0),
        Decimal(100),
        due(2),
        "cat-essays",
        with_scale=True,
    )
    group = SisClass(
        "ENG10-P2", "English 10", "ENG10-P2", "crs-eng10", (OTHER_TEACHER,), students, (existing,), SCALE
    )
    return course, (group,)


def _history() -> tuple[Course, tuple[SisClass, ...]]:
    """Graded in letters by the account's standard; the SIS has no score scale."""
    students = tuple(student(number) for number in range(301, 306))
    items = (
        Item("2401", "Term Paper", Decimal(100), due(3), "letter_grade", group="Papers"),
        Item("2402", "Debate", Decimal(10), due(5), "pass_fail", group="Other"),
    )
    section = Section("1401", "World History, Period 5", "HIST9-P5", students)
    course = Course(
        "104",
        "World History, Period 5",
        "HIST9-P5",
        (OTHER_TEACHER,),
        (section,),
        items,
        _grades(students, items, ACCOUNT_SCHEME),
        ACCOUNT_SCHEME,
    )
    group = SisClass("HIST9-P5", "World History", "HIST9-P5", "crs-hist9", (OTHER_TEACHER,), students)
    return course, (group,)


def _art() -> tuple[Course, tuple[SisClass, ...]]:
    """Nobody is enrolled yet, on either side."""
    course = Course(
        "105", "Art, Period 6", "ART-P6", (TEACHER,), (Section("1501", "Art", "ART-P6", ()),), (), {}
    )
    return course, (SisClass("ART-P6", "Art", "ART-P6", "crs-art", (TEACHER,), ()),)


def _grades(
    students: Sequence[Person], items: Sequence[Item], scheme: Scheme | None = None
) -> dict[tuple[str, str], Grade]:
    return {
        (person.lms_id, item.item_id): _grade(row, column, item, scheme)
        for row, person in enumerate(students)
        for column, item in enumerate(items)
        if item.grading_type != "not_graded" and item.published and not person.test
    }


def _grade(row: int, column: int, item: Item, scheme: Scheme | None) -> Grade:
    """Between 55 and 99 % of the maximum, in steps of a half."""
    share = Decimal(55 + (row * 7 + column * 11) % 45)
    score = (item.maximum * share / 50).quantize(Decimal(1)) / 2
    if item.grading_type == "pass_fail":
        passed = row % 3 != 2
        return Grade(item.maximum if passed else Decimal(0), "complete" if passed else "incomplete")
    if item.grading_type == "letter_grade" and scheme is not None:
        return Grade(score, letter(score / item.maximum, scheme))
    return Grade(score)


def letter(share: Decimal, scheme: Scheme) -> str:
    """The scheme's name for this fraction of the maximum."""
    return next((name for name, lower in scheme.entries if share >= lower), scheme.entries[-1][0])


def due(week: int) -> datetime:
    """A Friday evening of the school year."""
    return YEAR_BEGINS + timedelta(weeks=week % 36, days=4, hours=9)
