"""Which LMS member is which SIS student, and which line items look alike. Pure; never a guess (design §3)."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from rapidfuzz import fuzz, process

from sync.lms import records as lms
from sync.planning import Problem
from sync.sis import records as sis

Pair = tuple[str, str]
Pairs = Sequence[Pair] | Mapping[str, Sequence[Pair]]
Identity = tuple[str, str]  # connection, sourced id
Form = Callable[[str, Pair], str]  # how an identifier of a pair is written for comparing

LMS_FIELDS: Final = ("sis_id", "login", "email", "user_id")
SIS_FIELDS: Final = ("sourcedId", "identifier", "username", "email")
USER_IDS: Final = "userIds:"
DEFAULT_PAIRS: Final[tuple[Pair, ...]] = (
    ("sis_id", "sourcedId"),
    ("sis_id", "identifier"),
    ("login", "username"),
    ("email", "email"),
)
LEAST_LIKENESS: Final = 75
LEAST_ITEM_LIKENESS: Final = 60
SAME_DAY: Final = timedelta(hours=24)  # sides that know only the date put another hour to it
MOST_SUGGESTIONS: Final = 3
KINDS: Final = ("assignment", "course_total")


@dataclass(frozen=True, slots=True)
class Roster:
    """The students of one linked class. `connection` is the connection's key in the ledger."""

    class_link: int
    class_id: str
    connection: str
    students: tuple[sis.Student, ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A person's word that this member is that student, with the identifiers that she saw (`evidence`)."""

    user_id: str
    connection: str
    student_id: str
    evidence: Mapping[str, str]
    by: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """`by` says how, in words: "sis_id = identifier" or "confirmed by Ada Lovelace"."""

    user_id: str
    class_link: int
    student_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A likeness (0 to 100) for a person to confirm; `evidence` says what is alike."""

    user_id: str
    class_link: int
    student_id: str
    score: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Matching:
    """Every student of the course has a match or exactly one problem; `lapsed`: her confirmation fell."""

    matches: Mapping[str, Match]
    problems: tuple[Problem, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    lapsed: tuple[str, ...] = ()


def is_course_student(member: lms.Member) -> bool:
    """Only active students count, and never the LMS's made-up test student."""
    return member.is_student and member.active and not member.test


def match(
    members: Iterable[lms.Member],
    rosters: Sequence[Roster],
    pairs: Pairs,
    confirmed: Iterable[Confirmed] = (),
    excluded: Collection[str] = (),
) -> Matching:
    """Match the course's students with the rosters: all pairs that find somebody must find the same student.

    `pairs` hold for all connections, or are stated per connection. Members in `excluded` are matched where
    that is clear, never a problem, and never in another member's way. Raises ValueError for a pair with an
    unknown field.
    """
    book = _Book(rosters, pairs)
    words = _by_member(confirmed)
    state = _State()
    students = {member.user_id: member for member in members if is_course_student(member)}
    for user_id, member in students.items():
        _place(member, book, words.get(user_id, ()), state)
    _part_doubles(book, state, excluded)
    taken = {book.identity(one) for one in state.matches.values()}
    left = [
        member for user_id, member in students.items() if user_id in state.problems.keys() - set(excluded)
    ]
    return Matching(
        state.matches,
        tuple(state.problems[member.user_id] for member in left),
        tuple(one for member in left for one in _suggest(member, book, taken)),
        tuple(state.lapsed),
    )


def evidence(member: lms.Member, student: sis.Student) -> dict[str, str]:
    """The identifiers on both sides, those that are given: a confirmation lapses when they change."""
    found = {f"lms.{name}": _lms_value(member, name) for name in LMS_FIELDS}
    found |= {f"sis.{name}": "".join(_sis_values(student, name)) for name in SIS_FIELDS}
    for kind in sorted({kind for kind, _ in student.user_ids}):
        found[f"sis.{USER_IDS}{kind}"] = " ".join(sorted(_sis_values(student, USER_IDS + kind)))
    for name in ("lms.email", "sis.email"):
        found[name] = found[name].casefold()
    return {name: text for name, text in found.items() if text}


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair of identifiers side by side. `same` None: one side does not give it, so it says nothing."""

    lms_field: str
    sis_field: str
    ours: str
    theirs: str
    same: bool | None


def compared(member: lms.Member, student: sis.Student, pairs: Sequence[Pair]) -> tuple[Compared, ...]:
    """What the two sides say of a person, for somebody who must decide: compared just as `match` does."""
    return tuple(_compared(member, student, pair) for pair in pairs)


def _compared(member: lms.Member, student: sis.Student, pair: Pair) -> Compared:
    ours, theirs = _lms_value(member, pair[0]), _sis_values(student, pair[1])
    same = _exact(ours, pair) in {_exact(one, pair) for one in theirs} if ours and theirs else None
    return Compared(*pair, ours, " ".join(theirs), same)


# --- the rosters, indexed -----------------------------------------------------------------------------------


class _Book:
    """All rosters by identity and by pair. Inactive students are not there."""

    def __init__(self, rosters: Sequence[Roster], pairs: Pairs) -> None:
        self.places: dict[Identity, list[int]] = defaultdict(list)
        self.students: dict[Identity, sis.Student] = {}
        self.listed: list[tuple[Identity, sis.Student]] = []
        self.connections = {roster.class_link: roster.connection for roster in rosters}
        for roster in rosters:
            for student in roster.students:
                if student.active:
                    self._add(roster, student)
        self.pairs = {name: _checked(_pairs_of(name, pairs)) for name in set(self.connections.values())}
        self.exact = self._index(_exact)
        self.loose = self._index(_loose)
        self.names = {identity: name_key(student.name) for identity, student in self.students.items()}

    def _add(self, roster: Roster, student: sis.Student) -> None:
        identity = (roster.connection, student.sourced_id)
        self.students.setdefault(identity, student)
        self.listed.append((identity, student))
        if roster.class_link not in self.places[identity]:
            self.places[identity].append(roster.class_link)

    def _index(self, form: Form) -> dict[tuple[str, Pair, str], set[Identity]]:
        index: dict[tuple[str, Pair, str], set[Identity]] = defaultdict(set)
        for identity, student in self.listed:
            for pair in self.pairs[identity[0]]:
                for value in _sis_values(student, pair[1]):
                    if formed := form(value, pair):
                        index[(identity[0], pair, formed)].add(identity)
        return index

    def find(self, member: lms.Member) -> dict[Pair, set[Identity]]:
        """Whom each pair finds; pairs that find nobody are left out."""
        return self._find(member, self.exact, _exact)

    def find_loosely(self, member: lms.Member) -> dict[Pair, set[Identity]]:
        return self._find(member, self.loose, _loose)

    def _find(
        self, member: lms.Member, index: Mapping[tuple[str, Pair, str], set[Identity]], form: Form
    ) -> dict[Pair, set[Identity]]:
        found: dict[Pair, set[Identity]] = defaultdict(set)
        for connection, pairs in self.pairs.items():
            for pair in pairs:
                formed = form(_lms_value(member, pair[0]), pair)
                found[pair] |= index.get((connection, pair, formed), set()) if formed else set()
        return {pair: several for pair, several in found.items() if several}

    def identity(self, one: Match) -> Identity:
        return self.connections[one.class_link], one.student_id

    def fields(self) -> list[str]:
        return list(dict.fromkeys(pair[0] for pairs in self.pairs.values() for pair in pairs))


def _exact(value: str, pair: Pair) -> str:
    """How identifiers are compared: exactly after trimming, e-mail case-folded."""
    return value.strip().casefold() if "email" in pair else value.strip()


def _loose(value: str, pair: Pair) -> str:
    """Without case, punctuation and leading zeros: for suggestions only."""
    return "".join(letter for letter in value.casefold() if letter.isalnum()).lstrip("0")


def _pairs_of(connection: str, pairs: Pairs) -> Sequence[Pair]:
    return pairs.get(connection, DEFAULT_PAIRS) if isinstance(pairs, Mapping) else pairs


def _checked(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    for left, right in pairs:
        typed = right.startswith(USER_IDS) and len(right) > len(USER_IDS)
        if left not in LMS_FIELDS or not (right in SIS_FIELDS or typed):
            known = f"{', '.join(LMS_FIELDS)} = {', '.join(SIS_FIELDS)} or {USER_IDS}<type>"
            raise ValueError(f"There is no pair {left} = {right}. Fields of a pair are {known}.")
    return tuple(dict.fromkeys((left, right) for left, right in pairs))


def _lms_value(member: lms.Member, name: str) -> str:
    values = {
        "sis_id": member.sis_id,
        "login": member.login,
        "email": member.email,
        "user_id": member.user_id,
    }
    return values[name].strip()


def _sis_values(student: sis.Student, name: str) -> list[str]:
    if name.startswith(USER_IDS):
        kind = name.removeprefix(USER_IDS).strip()
        values = [value for stated, value in student.user_ids if stated.strip() == kind]
    else:
        fields = {
            "sourcedId": student.sourced_id,
            "identifier": student.identifier,
            "username": student.username,
            "email": student.email,
        }
        values = [fields[name]]
    return [value.strip() for value in values if value.strip()]


# --- the judgement ------------------------------------------------------------------------------------------


@dataclass
class _State:
    matches: dict[str, Match] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    lapsed: list[str] = field(default_factory=list)


def _by_member(confirmed: Iterable[Confirmed]) -> dict[str, list[Confirmed]]:
    found: dict[str, list[Confirmed]] = defaultdict(list)
    for one in confirmed:
        found[one.user_id].append(one)
    return found


def _place(member: lms.Member, book: _Book, words: Sequence[Confirmed], state: _State) -> None:
    here = [one for one in words if (one.connection, one.student_id) in book.students]
    standing = [
        one
        for one in here
        if dict(one.evidence) == evidence(member, book.students[(one.connection, one.student_id)])
    ]
    if len(standing) < len(here):
        state.lapsed.append(member.user_id)
    away = [one for one in words if one not in here and one.connection in book.pairs]
    judged = _confirmed(member, standing, book) if standing else _by_pairs(member, book, away)
    if isinstance(judged, Match):
        state.matches[member.user_id] = judged
    else:
        state.problems[member.user_id] = judged


def _confirmed(member: lms.Member, standing: Sequence[Confirmed], book: _Book) -> Match | Problem:
    named = {(one.connection, one.student_id) for one in standing}
    if len(named) > 1:
        return _problem("student-ids-disagree", member, named, _TWO_WORDS)
    return _in_one_class(member, named.pop(), f"confirmed by {standing[-1].by or 'a person'}", book)


def _by_pairs(member: lms.Member, book: _Book, away: Sequence[Confirmed]) -> Match | Problem:
    found = book.find(member)
    named = set().union(*found.values())
    if not named:
        return _nobody(member, book)
    if any(len(several) > 1 for several in found.values()):
        return _problem("student-ambiguous", member, named)
    if len(named) > 1 or _contradicted(member, found, book):
        return _problem("student-ids-disagree", member, named)
    if away:
        return _problem("student-ids-disagree", member, named, _ANOTHER_CONFIRMED)
    by = ", ".join(f"{left} = {right}" for left, right in found)
    return _in_one_class(member, named.pop(), by, book)


def _contradicted(member: lms.Member, found: Mapping[Pair, set[Identity]], book: _Book) -> bool:
    """Does an identifier that is stated before the one that found her say that she is somebody else?

    Else a family's shared e-mail address would give one sibling's grade to the other: her own SIS id finds
    nobody, and the student found carries a different one.
    """
    (identity,) = set().union(*found.values())
    fields = book.fields()
    first = min(fields.index(pair[0]) for pair in found)
    return any(
        _lms_value(member, name) and _carries(book.students[identity], name, book.pairs[identity[0]])
        for name in fields[:first]
    )


def _carries(student: sis.Student, lms_field: str, pairs: Sequence[Pair]) -> bool:
    """Has the student a value of her own in every SIS field that this LMS field may stand for?"""
    fields = [right for left, right in pairs if left == lms_field]
    return bool(fields) and all(_sis_values(student, name) for name in fields)


def _in_one_class(member: lms.Member, identity: Identity, by: str, book: _Book) -> Match | Problem:
    places = book.places[identity]
    if len(places) > 1:
        return _problem("student-in-two-classes", member, {identity})
    return Match(member.user_id, places[0], identity[1], by)


def _nobody(member: lms.Member, book: _Book) -> Problem:
    if book.pairs and not any(_lms_value(member, name) for name in book.fields()):
        return _problem("student-without-ids", member, ())
    return _problem("student-unmatched", member, ())


def _part_doubles(book: _Book, state: _State, excluded: Collection[str]) -> None:
    """Two members for one student are both problems: neither may be chosen."""
    claims: dict[Identity, list[Match]] = defaultdict(list)
    for one in state.matches.values():
        if one.user_id not in excluded:
            claims[book.identity(one)].append(one)
    for identity, several in claims.items():
        for one in several if len(several) > 1 else ():
            del state.matches[one.user_id]
            state.problems[one.user_id] = _problem("two-members-one-student", one, {identity})


_TEXTS: Final[Mapping[str, str]] = {
    "student-unmatched": "No student of the linked classes has this person's identifiers. Pick the SIS "
    "student by hand, leave the person out, or ask the SIS administrator about the enrolment.",
    "student-ambiguous": "Several SIS students have this person's identifiers. Pick the right one.",
    "student-ids-disagree": "This person's identifiers do not all belong to one SIS student. Pick the "
    "right one, or have the wrong identifier corrected.",
    "student-without-ids": "The LMS gives no identifier of this person that the SIS knows. Pick the SIS "
    "student by hand, or ask the LMS administrator to share identifiers with this tool.",
    "two-members-one-student": "Two members of this course are the same SIS student. Leave one of them out, "
    "or have the identifiers corrected in the LMS.",
    "student-in-two-classes": "This student is in two of the linked classes. Ask the SIS administrator to "
    "end one enrolment, or unlink one class.",
}
_TWO_WORDS: Final = (
    "Two people confirmed different SIS students for this person. One of them must take it back."
)
_ANOTHER_CONFIRMED: Final = (
    "Another SIS student was confirmed for this person, one who is not in the linked classes. "
    "Confirm the right one, or ask the SIS administrator about the enrolment."
)


def _problem(code: str, of: lms.Member | Match, named: Collection[Identity], text: str = "") -> Problem:
    ids = tuple(sorted(student_id for _, student_id in named))
    return Problem(code, text or _TEXTS[code], "teacher", user_id=of.user_id, details=ids)


# --- suggestions --------------------------------------------------------------------------------------------


def _suggest(member: lms.Member, book: _Book, taken: Collection[Identity]) -> list[Suggestion]:
    """What a person may confirm: equal identifiers first, then alike ones, then alike names."""
    best: dict[Identity, tuple[int, str]] = {}
    for pair, several in book.find(member).items():
        best |= {identity: (100, f"{pair[0]} = {pair[1]}") for identity in several if identity not in best}
    for pair, several in book.find_loosely(member).items():
        best |= dict.fromkeys(several - best.keys() - set(taken), (90, f"{pair[0]} is like {pair[1]}"))
    name = name_key(member.name or f"{member.given_name} {member.family_name}")
    free = {
        identity: text
        for identity, text in book.names.items()
        if text and identity not in taken and identity not in best
    }
    for _, score, identity in process.extract(
        name, free, scorer=fuzz.token_sort_ratio, score_cutoff=LEAST_LIKENESS, limit=MOST_SUGGESTIONS
    ):
        best[identity] = (min(int(score), 89), "the names are alike")
    ranked = sorted(best.items(), key=lambda entry: (-entry[1][0], entry[0]))[:MOST_SUGGESTIONS]
    return [
        Suggestion(member.user_id, book.places[identity][0], identity[1], score, words)
        for identity, (score, words) in ranked
    ]


def name_key(text: str) -> str:
    """Letters without case and accents, so that "José Núñez" is like "nunez, jose"."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join("".join(one if one.isalnum() else " " for one in bare.casefold()).split())


# --- line items ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemSuggestion:
    """A SIS line item that looks like an LMS one. `exact`: the titles are equal but for white space.

    `due` and `maximum` say whether these agree too; None where one side gives none.
    """

    line_item_id: str
    sis_id: str
    title: str
    score: int
    exact: bool
    due: bool | None = None
    maximum: bool | None = None

    @property
    def agreements(self) -> int:
        return [self.due, self.maximum].count(True)


def suggest_line_items(
    items: Sequence[lms.LineItem],
    existing: Sequence[sis.LineItem],
    taken: Collection[str],
    kinds: Collection[str] = KINDS,
) -> list[ItemSuggestion]:
    """Per LMS item up to three SIS items of one class, best first; `taken` are SIS ids already linked.

    Alike is a title, or an equal due date together with an equal maximum. Titles whose numbers differ ("Quiz 1",
    "Quiz 2") are never suggested. Nor is a column of another kind, where the SIS tells columns for grades of the whole
    class (a final, a midterm) from those for single scores, nor anything for an item of a kind that it does not take
    (`kinds`). Only `sole_exact` ones may be linked unasked.
    """
    free = [one for one in existing if one.active and not one.computed and one.sourced_id not in taken]
    apart = any(one.kind == "course_total" for one in existing if not one.computed)
    return [
        found
        for item in items
        if item.kind in kinds
        for found in _alike(item, [one for one in free if not apart or one.kind == item.kind])
    ]


def sole_exact(suggestions: Sequence[ItemSuggestion]) -> list[ItemSuggestion]:
    """The exact ones that have no rival on either side."""
    exact = [one for one in suggestions if one.exact]
    ours = [one.line_item_id for one in exact]
    theirs = [one.sis_id for one in exact]
    return [one for one in exact if ours.count(one.line_item_id) == 1 and theirs.count(one.sis_id) == 1]


def _alike(item: lms.LineItem, free: Sequence[sis.LineItem]) -> list[ItemSuggestion]:
    found = [_likeness(item, one) for one in free]
    ranked = sorted(
        (one for one in found if one.exact or one.score >= LEAST_ITEM_LIKENESS),
        key=lambda one: (not one.exact, -one.score, -one.agreements, one.sis_id),
    )
    exact = sum(1 for one in ranked if one.exact)
    return ranked[: max(exact, MOST_SUGGESTIONS)]


def _likeness(item: lms.LineItem, one: sis.LineItem) -> ItemSuggestion:
    due, maximum = _same_day(item.due_at, one.due), _same_number(item.maximum, one.maximum)
    exact = _spaced(item.title) == _spaced(one.title) != ""
    score = 100 if exact else _title_likeness(name_key(item.title), name_key(one.title))
    if score < LEAST_LIKENESS:
        # other numbers in the titles forbid what the date and the maximum would allow
        score = LEAST_ITEM_LIKENESS if due and maximum and not _numbers_differ(item.title, one.title) else 0
    return ItemSuggestion(item.line_item_id, one.sourced_id, one.title, score, exact, due, maximum)


def _title_likeness(ours: str, theirs: str) -> int:
    if not ours or not theirs or _numbers_differ(ours, theirs):
        return 0
    # whole words only: parts of words make "Unit 1 Test" and "Attendance, week 1" look alike
    words = fuzz.token_set_ratio(ours, theirs) if _common_word(ours, theirs) else 0
    return min(int(max(fuzz.token_sort_ratio(ours, theirs), words)), 99)


def _numbers_differ(ours: str, theirs: str) -> bool:
    numbers = _numbers(name_key(ours)), _numbers(name_key(theirs))
    return all(numbers) and numbers[0] != numbers[1]


def _same_day(ours: datetime | None, theirs: datetime | None) -> bool | None:
    return None if ours is None or theirs is None else abs(ours - theirs) < SAME_DAY


def _same_number(ours: Decimal | None, theirs: Decimal | None) -> bool | None:
    return None if ours is None or theirs is None else ours == theirs


def _common_word(ours: str, theirs: str) -> bool:
    """Do they share more than a number?"""
    return any(not word.isdigit() for word in set(ours.split()) & set(theirs.split()))


def _spaced(title: str) -> str:
    return " ".join(title.split())


def _numbers(key: str) -> list[str]:
    digits = "".join(one if one.isdigit() else " " for one in key).split()
    return sorted(number.lstrip("0") for number in digits)
