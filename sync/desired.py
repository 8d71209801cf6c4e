"""What should stand at the SIS: matches and conversions joined into one accounting. Pure (design §1 and §4).

Every LMS result of a course student ends as exactly one of: a desired value, excluded, a problem, or not graded.
Every key of ours that is not decided is held, with its why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeVar

from sync import scales
from sync.lms import records as lms
from sync.matching import Match, Matching, is_course_student
from sync.planning import WITHDRAWN, Desired, Held, Problem
from sync.registrations import Registrar
from sync.sis import records as sis
from sync.sis.records import Key

# what became of one LMS result; "wanted" ones are compared with the SIS
Fate = Literal["wanted", "excluded", "problem", "not_graded", "pending"]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Linked:
    """This LMS line item in one linked class, with what its SIS line item takes.

    `broken` is a code of `BROKEN` (or a text of its own) when nothing can be sent through the link now.
    """

    class_link: int
    class_id: str
    connection: str
    lms_line_item_id: str
    sis_id: str
    target: scales.Target
    scheme: lms.GradeScheme | None = None
    excluded: bool = False
    broken: str = ""

    def key(self, student_id: str) -> Key:
        return Key(self.connection, self.class_id, self.sis_id, student_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that should stand at the SIS, and where it comes from."""

    key: Key
    value: sis.Value
    why: str
    scheme_version: str
    result: lms.Result


@dataclass(frozen=True, slots=True)
class Account:
    """`pulled` = wanted + excluded + in_problems + not_graded, always. `owner`: whose grade on which LMS line item.

    `pending`, a part of not_graded: they wait for a review in the LMS. `fates` says the same of each result, by (user
    id, LMS line item). `asked`: what the LMS says of grades that a student's registration does not take.
    """

    desired: Mapping[Key, Desired]
    wanted: Mapping[Key, Wanted]
    problems: tuple[Problem, ...]
    pulled: int
    students: int
    line_items: int
    excluded: int
    not_graded: int
    in_problems: int
    owner: Mapping[Key, tuple[str, str]]
    fates: Mapping[tuple[str, str], Fate] = field(default_factory=dict)
    pending: int = 0
    asked: Mapping[Key, sis.Value] = field(default_factory=dict)


BROKEN: Final[Mapping[str, str]] = {
    "line-item-gone": "The SIS assignment is gone. Link this item to another one, or ask the SIS administrator.",
    "line-item-computed": "The SIS computes this assignment itself, so nothing is sent to it. Link this item to another "
    "one, or unlink it.",
    "line-item-creating": "The SIS assignment is still being created. Look again in a minute.",
    "class-not-read": "The SIS class could not be read. Its own entry in this list says why.",
    "line-item-not-listed": "The LMS no longer lists this assignment. Unlink it, or have it restored in the LMS.",
}
_DUPLICATE: Final = (
    "The SIS holds several results for this student and assignment. "
    "Ask the SIS administrator to remove all but the right one."
)
# a score so far is no grade; the one that was sent before stays until the review is done
_PENDING: Final = "the grade waits for a review in the LMS"
_REPEATED: Final = "The LMS sent several results for one student and assignment. Ask the LMS administrator."
_UNMATCHED: Final = (
    "This person is not matched with a SIS student. Pick the SIS student, or leave the person out."
)


def account(
    gradebook: lms.Gradebook,
    matching: Matching,
    excluded_students: Mapping[str, str],
    links: Sequence[Linked],
    duplicates: Collection[Key],
    ledger: Collection[Key],
    registrars: Mapping[tuple[str, str], Registrar] | None = None,
) -> Account:
    """The whole accounting of one read of both sides.

    `excluded_students` maps a user id to the reason; `duplicates` are keys with several SIS results (a mapping's
    values are their ids); `ledger` are the keys of grades that we sent; `registrars`, by connection and class, say what
    each student's registration takes. Raises ValueError where two results would
    come to one key: a repeated link or match is a bug.
    """
    work = _Work(
        gradebook, matching, excluded_students, links, duplicates, frozenset(ledger), registrars or {}
    )
    for result in gradebook.results:
        if result.user_id in work.students:
            work.pulled += 1
            work.fates[result.user_id, result.line_item_id] = work.place(result)
    work.hold_the_rest()
    return work.finished()


@dataclass
class _Work:
    gradebook: lms.Gradebook
    matching: Matching
    excluded_students: Mapping[str, str]
    links: Sequence[Linked]
    duplicates: Collection[Key]
    ledger: frozenset[Key]
    registrars: Mapping[tuple[str, str], Registrar]
    desired: dict[Key, Desired] = field(default_factory=dict)
    wanted: dict[Key, Wanted] = field(default_factory=dict)
    owner: dict[Key, tuple[str, str]] = field(default_factory=dict)
    fates: dict[tuple[str, str], Fate] = field(default_factory=dict)
    asked: dict[Key, sis.Value] = field(default_factory=dict)
    reasons: dict[Key, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    of_items: dict[tuple[str, str], Problem] = field(default_factory=dict)
    of_students: Counter[str] = field(default_factory=Counter)
    pulled: int = 0
    excluded: int = 0
    not_graded: int = 0
    in_problems: int = 0

    def __post_init__(self) -> None:
        self.students = {one.user_id for one in self.gradebook.members if is_course_student(one)}
        self.items = {one.line_item_id: one for one in self.gradebook.line_items}
        self.repeated = _repeated(self.gradebook.results)
        self.link_of = _only_one(
            "links", [((one.class_link, one.lms_line_item_id), one) for one in self.links]
        )
        self.link_at = _only_one(
            "links", [((one.connection, one.class_id, one.sis_id), one) for one in self.links if one.sis_id]
        )
        self.links_of_item: dict[str, list[Linked]] = defaultdict(list)
        for one in self.links:
            if not one.excluded:
                self.links_of_item[one.lms_line_item_id].append(one)
        ours = [one for one in self.matching.matches.values() if one.user_id not in self.excluded_students]
        self.user_at = _only_one("matches", [((one.class_link, one.student_id), one.user_id) for one in ours])

    # --- one result ---

    def place(self, result: lms.Result) -> Fate:
        match = self.matching.matches.get(result.user_id)
        links = self._links_for(result, match)
        if result.user_id in self.excluded_students or not links:
            self.excluded += 1
            return "excluded"
        if match is None:
            return self._place_unmatched(result, links)
        return self._place_linked(result, links[0], links[0].key(match.student_id))

    def _links_for(self, result: lms.Result, match: Match | None) -> list[Linked]:
        """The link in her class; all of the item's links while nobody knows which class is hers."""
        if match is None:
            return self.links_of_item[result.line_item_id]
        link = self.link_of.get((match.class_link, result.line_item_id))
        return [] if link is None or link.excluded else [link]

    def _place_unmatched(self, result: lms.Result, links: Sequence[Linked]) -> Fate:
        if all(scales.is_nothing(result, link.target) for link in links):
            self.not_graded += 1
            return _fate_of_nothing(result)
        self.of_students[result.user_id] += 1
        self.in_problems += 1
        return "problem"

    def _place_linked(self, result: lms.Result, link: Linked, key: Key) -> Fate:
        self.owner[key] = (result.user_id, result.line_item_id)
        broken = self._broken(result, link)
        if (result.user_id, result.line_item_id) in self.repeated:
            self._refuse(key, self._own_problem("repeated", _REPEATED, result))
            return "problem"
        if scales.is_nothing(result, link.target):
            self._place_nothing(result, key, broken)
            return _fate_of_nothing(result)
        if broken is not None:
            self._refuse(key, broken, of_item=True)
            return "problem"
        self._place_grade(result, link, key)
        return "wanted" if key in self.wanted else "problem"

    def _place_nothing(self, result: lms.Result, key: Key, broken: Problem | None) -> None:
        """No grade in the LMS: only a complete read of a sound link may offer to withdraw what we sent."""
        self.not_graded += 1
        if key not in self.ledger:
            return
        if broken is not None:
            self.reasons[key] = _problem_words(broken)
        elif key in self.duplicates:
            self._hold_duplicate(key, results=0)
        elif result.status is lms.Status.PENDING:
            self.reasons[key] = _PENDING
        elif not self.gradebook.complete:
            self.reasons[key] = "the LMS was not read completely"
        elif hindrance := self._hindrance(key):
            self.reasons[key] = _problem_words(hindrance)
        else:
            self._decide(key, WITHDRAWN)

    def _place_grade(self, result: lms.Result, link: Linked, key: Key) -> None:
        converted = scales.convert(result, self.items[result.line_item_id], link.scheme, link.target)
        if isinstance(converted, Problem):
            self._refuse(key, converted, of_item=converted.code in scales.OF_LINE_ITEM)
        elif key in self.duplicates:
            self.in_problems += 1
            self._hold_duplicate(key, results=1)
        elif isinstance(converted, scales.Converted):
            self._place_value(result, key, converted)
        else:
            raise AssertionError("a result without a grade came to be converted")

    def _place_value(self, result: lms.Result, key: Key, converted: scales.Converted) -> None:
        value = self._fitted(key, converted.value)
        if isinstance(value, Problem):
            self.asked[key] = converted.value
            self._refuse(
                key, replace(value, user_id=result.user_id, line_item_id=result.line_item_id, results=1)
            )
            return
        self._decide(key, value)
        why = (
            converted.why
            if value.text == converted.value.text
            else f"{converted.why}; {value.text} in the SIS"
        )
        self.wanted[key] = Wanted(key, value, why, converted.scheme_version, result)

    def _fitted(self, key: Key, value: sis.Value) -> sis.Value | Problem:
        registrar = self.registrars.get((key.connection, key.class_id))
        return registrar.fit(key, value) if registrar is not None else value

    def _hindrance(self, key: Key) -> Problem | None:
        registrar = self.registrars.get((key.connection, key.class_id))
        return registrar.hindrance(key) if registrar is not None else None

    def _decide(self, key: Key, value: Desired) -> None:
        if key in self.desired:
            raise ValueError(f"The key {key.text()} is decided twice.")
        self.desired[key] = value

    # --- problems ---

    def _broken(self, result: lms.Result, link: Linked) -> Problem | None:
        broken = link.broken or ("" if result.line_item_id in self.items else "line-item-not-listed")
        if not broken:
            return None
        code, text = (broken, BROKEN[broken]) if broken in BROKEN else ("line-item-unusable", broken)
        return self._own_problem(code, text, result)

    @staticmethod
    def _own_problem(code: str, text: str, result: lms.Result) -> Problem:
        return Problem(code, text, user_id=result.user_id, line_item_id=result.line_item_id, results=1)

    def _refuse(self, key: Key, problem: Problem, *, of_item: bool = False) -> None:
        self.in_problems += 1
        self.reasons[key] = _problem_words(problem)
        if not of_item:
            self.problems.append(problem)
            return
        place = (problem.code, problem.line_item_id)
        former = self.of_items.get(place)
        self.of_items[place] = replace(problem, user_id="", results=1 + (former.results if former else 0))

    def _hold_duplicate(self, key: Key, results: int) -> None:
        user_id, line_item_id = self.owner[key]
        ids = tuple(self.duplicates[key]) if isinstance(self.duplicates, Mapping) else ()
        problem = Problem(
            "duplicate-in-sis",
            _DUPLICATE,
            "sis_admin",
            key,
            user_id,
            line_item_id,
            results=results,
            details=ids,
        )
        self.problems.append(problem)
        self._decide(key, Held(_problem_words(problem)))

    def _student_problems(self) -> list[Problem]:
        """One row per student who is not matched, whatever the number of her results."""
        stated = {
            one.user_id: one for one in self.matching.problems if one.user_id not in self.excluded_students
        }
        for user_id in self.of_students.keys() - stated.keys():
            stated[user_id] = Problem("student-unmatched", _UNMATCHED, user_id=user_id)
        return [replace(one, results=self.of_students[user_id]) for user_id, one in stated.items()]

    # --- what is left ---

    def hold_the_rest(self) -> None:
        for key in sorted(self.ledger - self.desired.keys()):
            self.desired[key] = Held(self.reasons.get(key) or self._why_held(key))

    def _why_held(self, key: Key) -> str:
        link = self.link_at.get((key.connection, key.class_id, key.line_item_id))
        if link is None:
            return "the item is no longer linked"
        if link.excluded:
            return "the item is left out"
        user_id = self.user_at.get((link.class_link, key.student_id))
        if user_id is None:
            return self._why_without_student(link, key)
        self.owner.setdefault(key, (user_id, link.lms_line_item_id))
        return "the LMS sent no result for it this time"

    def _why_without_student(self, link: Linked, key: Key) -> str:
        for match in self.matching.matches.values():
            if match.student_id == key.student_id and match.user_id in self.excluded_students:
                return "the student is left out"
            if match.student_id == key.student_id and match.class_link != link.class_link:
                return "the student moved to another class"
        for problem in self.matching.problems:
            if key.student_id in problem.details:
                return _problem_words(problem)
        return "the student left"

    def finished(self) -> Account:
        problems = [*self._student_problems(), *self.of_items.values(), *self.problems]
        return Account(
            self.desired,
            self.wanted,
            tuple(problems),
            pulled=self.pulled,
            students=len(self.students),
            line_items=len(self.gradebook.line_items),
            excluded=self.excluded,
            not_graded=self.not_graded,
            in_problems=self.in_problems,
            owner=self.owner,
            fates=self.fates,
            pending=sum(1 for fate in self.fates.values() if fate == "pending"),
            asked=self.asked,
        )


def _fate_of_nothing(result: lms.Result) -> Fate:
    return "pending" if result.status is lms.Status.PENDING else "not_graded"


def _repeated(results: Sequence[lms.Result]) -> set[tuple[str, str]]:
    counted = Counter((one.user_id, one.line_item_id) for one in results)
    return {place for place, times in counted.items() if times > 1}


def _only_one(what: str, entries: Sequence[tuple[K, V]]) -> dict[K, V]:
    found = dict(entries)
    if len(found) < len(entries):
        raise ValueError(f"Two {what} lead to one place in the SIS: a grade there would have two sources.")
    return found


def _problem_words(problem: Problem) -> str:
    return f"problem: {problem.text}"
