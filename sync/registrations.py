"""What one student's registration takes of a grade: her mode of evaluation, her list, what must travel with it. Pure.

The mode belongs to the registration, not to the class: two students of a class may get different grades for the same
work. What a registration does not take is a problem before anything is sent (design §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from sync.planning import Problem, Who
from sync.sis import records as sis

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Term:
    """When the class meets; None where the SIS does not say."""

    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True)
class Registrar:
    """One class's registrations and the connection's rules; `fit` says what becomes of a converted value.

    `extras` is what a person entered for a grade, by key. `there` is what the SIS holds now, by key. `today` is the day
    on which dates are judged.
    """

    profile: sis.Profile
    today: date
    registrations: Mapping[Pair, sis.Registration] = field(default_factory=dict)
    extras: Mapping[sis.Key, sis.Extras] = field(default_factory=dict)
    there: Mapping[sis.Key, sis.Value | None] = field(default_factory=dict)
    term: Term = Term()

    def fit(self, key: sis.Key, value: sis.Value) -> sis.Value | Problem:
        """The value as this registration takes it, with what travels beside it; or why it cannot go."""
        try:
            return self._fitted(key, value)
        except _Refused as refused:
            held = self.there.get(key)
            if held is not None and self._stands(key, value, held):
                return held
            return _problem(key, refused, results=1)

    def hindrance(self, key: sis.Key) -> Problem | None:
        """Why the grade there may not be taken back, if it may not."""
        try:
            self._check_kept_by_registrar(key, self._registration(key))
        except _Refused as refused:
            return _problem(key, refused, results=0)
        return None

    def _fitted(self, key: sis.Key, value: sis.Value) -> sis.Value:
        self._check_held(value)
        registration = self._registration(key)
        self._check_kept_by_registrar(key, registration)
        if value.text is None:
            return value
        value = replace(value, text=self._in_mode(value.text, registration))
        grade = self._grade(value.text or "", registration)
        return replace(value, extras=self._extras(key, grade))

    def _check_held(self, value: sis.Value) -> None:
        """What this SIS has no place for is told before anything is sent; `sync.sis.base.unfit` is the last gate."""
        if value.score is not None and not self.profile.scores:
            raise _Refused("numbers-not-taken")
        if value.text is not None and not self.profile.texts:
            raise _Refused("texts-not-taken")
        if value.status == sis.ScoreStatus.EXEMPT and not self.profile.exempt:
            raise _Refused("excused-not-held")

    def _stands(self, key: sis.Key, value: sis.Value, held: sis.Value) -> bool:
        """What stands there already needs no leave: a grade that is final is no problem while the LMS says the same."""
        try:
            text = None if value.text is None else self._in_mode(value.text, self._found(key))
        except _Refused:
            return False
        entered = self.extras.get(key, sis.Extras())
        return replace(held, extras=None) == replace(value, text=text, extras=None) and entered in (
            sis.Extras(),
            held.extras,
        )

    def _found(self, key: sis.Key) -> sis.Registration | None:
        own = self.registrations.get((key.line_item_id, key.student_id))
        return own or self.registrations.get(("", key.student_id))

    def _registration(self, key: sis.Key) -> sis.Registration | None:
        if not self.profile.preflight:
            return None
        found = self._found(key)
        if found is None:
            raise _Refused("registration-unknown")
        if found.refused:
            raise _Refused(found.refused if found.refused in TEXTS else "not_gradable", found.words)
        return found

    def _check_kept_by_registrar(self, key: sis.Key, registration: sis.Registration | None) -> None:
        """A withdrawal, an audit or a transferred grade stands there: no tool writes over it."""
        held = self.there.get(key)
        if held is not None and held.text and held.text in self._own(registration):
            raise _Refused("registrars-own", held.text)

    def _own(self, registration: sis.Registration | None) -> frozenset[str]:
        allowed = (registration.allowed or ()) if registration else ()
        return self.profile.own_codes | {one.text for one in allowed if not one.ours}

    def _in_mode(self, letter: str, registration: sis.Registration | None) -> str:
        mode = registration.mode if registration else ""
        rule = self.profile.modes.get(mode.casefold(), sis.ModeRule())
        if rule.rule == "hold":
            raise _Refused("mode-held", mode)
        if rule.rule == "send":
            return letter
        if letter not in rule.codes:
            raise _Refused("grade-not-in-mode", f"{letter} ({mode})")
        return rule.codes[letter]

    def _grade(self, text: str, registration: sis.Registration | None) -> sis.AllowedGrade:
        if text in self._own(registration):
            raise _Refused("registrars-own", text)
        if registration is None or registration.allowed is None:
            attendance = "required" if text in self.profile.needs_attendance else "optional"
            lapses = "required" if text in self.profile.needs_lapse else "no"
            return sis.AllowedGrade(text, last_attendance=attendance, lapses=lapses)  # type: ignore[arg-type]  # two words of the three
        found = next((one for one in registration.allowed if one.text == text), None)
        if found is None:
            raise _Refused(
                "grade_not_in_scale", f"{text} ({registration.mode})" if registration.mode else text
            )
        return found

    def _extras(self, key: sis.Key, grade: sis.AllowedGrade) -> sis.Extras | None:
        """What was entered, as far as this grade and this connection take it; what is missing is a problem."""
        given, carried = self._given(key, grade), self.profile.extras
        wanted = {"last_attendance": grade.last_attendance, "incomplete": grade.lapses}
        if any(how == "required" and what not in carried for what, how in wanted.items()):
            raise _Refused("extras-not-carried", grade.text)
        if grade.last_attendance == "no" or "last_attendance" not in carried:
            given = replace(given, last_attended=None, never_attended=False)
        if grade.lapses == "no" or "incomplete" not in carried:
            given = replace(given, lapses_to="", extended_to=None)
        self._check_attendance(given, grade)
        self._check_lapse(given, grade)
        return None if given == sis.Extras() else given

    def _given(self, key: sis.Key, grade: sis.AllowedGrade) -> sis.Extras:
        """What a person entered here; else what the SIS holds beside this same grade, which stays as it is."""
        held = self.there.get(key)
        beside = held.extras if held is not None and held.text == grade.text else None
        return self.extras.get(key) or beside or sis.Extras()

    def _check_attendance(self, given: sis.Extras, grade: sis.AllowedGrade) -> None:
        said = given.last_attended is not None or given.never_attended
        if grade.last_attendance == "required" and not said:
            raise _Refused(
                "extras-missing" if _lacks_lapse(given, grade) else "last-attendance-missing", grade.text
            )
        day = given.last_attended
        if day is not None and (
            day > self.today or _before(day, self.term.begins) or _before(self.term.ends, day)
        ):
            raise _Refused("last-attendance-impossible", day.isoformat())

    def _check_lapse(self, given: sis.Extras, grade: sis.AllowedGrade) -> None:
        if _lacks_lapse(given, grade):
            raise _Refused("lapse-missing", grade.text)
        if given.extended_to is not None and given.extended_to < self.today:
            raise _Refused("lapse-impossible", given.extended_to.isoformat())


def by_pair(registrations: Iterable[sis.Registration]) -> dict[Pair, sis.Registration]:
    """By (line item, student). Two for one pair are refused, unless they are equal: which one holds nobody can say."""
    found: dict[Pair, sis.Registration] = {}
    for one in registrations:
        pair = one.line_item_id, one.student_id
        other = found.setdefault(pair, one)
        if other != one:
            found[pair] = replace(one, refused="not_gradable", words="The SIS lists several registrations.")
    return found


def term_of(of: sis.Class, sessions: Iterable[sis.Session]) -> Term:
    """From the first to the last day of the sessions that the class names, as far as the SIS dates them."""
    own = [one for one in sessions if one.sourced_id in of.session_ids]
    begins = [one.begins for one in own if one.begins is not None]
    ends = [one.ends for one in own if one.ends is not None]
    return Term(min(begins, default=None), max(ends, default=None))


def _problem(key: sis.Key, refused: _Refused, results: int) -> Problem:
    who, text = TEXTS[refused.code]
    return Problem(refused.code, text, who, key, results=results, details=refused.details)


def _lacks_lapse(given: sis.Extras, grade: sis.AllowedGrade) -> bool:
    return grade.lapses == "required" and not (given.lapses_to and given.extended_to)


def _before(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one < other


class _Refused(Exception):
    """Inside this module only: the grade does not go, for this reason."""

    def __init__(self, code: str, *details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = tuple(one for one in details if one)


# what a person can enter here, so that the grade may go
OF_ATTENDANCE: Final = frozenset({"extras-missing", "last-attendance-missing", "last-attendance-impossible"})
OF_LAPSE: Final = frozenset({"extras-missing", "lapse-missing", "lapse-impossible"})
TEXTS: Final[Mapping[str, tuple[Who, str]]] = {
    "numbers-not-taken": ("teacher", "This SIS takes letters or codes only, no numbers. Choose on the page “Scale” what is sent instead."),
    "texts-not-taken": ("teacher", "This SIS takes numbers only, no letters. Choose points or percent on the page “Scale”."),
    "excused-not-held": ("teacher", "This SIS cannot hold that a student is excused. Enter it there by hand, or leave the student out."),
    "registration-unknown": ("sis_admin", "The SIS lists no registration of this student in the class, so it takes no grade."),
    "not_gradable": ("sis_admin", "The SIS takes no grade for this student's registration."),
    "not_enrolled": ("sis_admin", "The SIS does not list this student in the class."),
    "frozen": ("sis_admin", "This grade is final in the SIS already. A change goes through the registrar."),
    "window_closed": ("sis_admin", "The SIS takes no grades for this now: its grading period is not open."),
    "not_your_class": ("sis_admin", "The SIS does not list you as an instructor of this class."),
    "registrars-own": ("sis_admin", "This code is the registrar's own (withdrawn, audit, transfer): no tool sends it or writes over it."),
    "extras-not-carried": ("admin", "The SIS wants more with this grade than this connection can carry. Enter it in the SIS by hand."),
    "mode-held": ("teacher", "Grades of this mode of evaluation are entered in the SIS by hand."),
    "grade-not-in-mode": ("admin", "Nothing says what this grade is in the student's mode. An administrator can add it to the connection."),
    "grade_not_in_scale": ("sis_admin", "This student's registration takes no such grade. Check it, and her mode in the SIS."),
    "extras-missing": ("teacher", "The SIS wants the last date of attendance, and what this grade becomes and when. Enter both here."),
    "last-attendance-missing": ("teacher", "The SIS wants the student's last date of attendance with this grade. Enter it here."),
    "last-attendance-impossible": ("teacher", "The last date of attendance lies outside of the term, or in the future. Correct it here."),
    "lapse-missing": ("teacher", "The SIS wants to know what this incomplete grade becomes, and when. Enter it here."),
    "lapse-impossible": ("teacher", "The date at which the incomplete grade lapses is over. Enter a later one here."),
}  # fmt: skip
