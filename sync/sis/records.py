"""The SIS's words: what an adapter reads and writes. Frozen values, no I/O, no Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Literal, NamedTuple
from urllib.parse import unquote

LineItemKind = Literal["assignment", "course_total"]


class ScoreStatus(StrEnum):
    """OneRoster 1.2 scoreStatus; other SISs' words are translated by their adapter."""

    FULLY_GRADED = "fully graded"
    PARTIALLY_GRADED = "partially graded"
    SUBMITTED = "submitted"
    NOT_SUBMITTED = "not submitted"
    EXEMPT = "exempt"


FLAGS = ("late", "missing", "incomplete", "inProgress")


class Key(NamedTuple):
    """Where one grade lives. Sorted, so that plans and pushes have one order."""

    connection: str
    class_id: str
    line_item_id: str
    student_id: str

    def text(self) -> str:
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in self)

    @classmethod
    def parse(cls, text: str) -> Key:
        """The inverse of `text`. Raises TypeError for what has not four parts."""
        return cls(*(unquote(part) for part in text.split("/")))


@dataclass(frozen=True, slots=True)
class Extras:
    """What some SISs want beside a grade; a person enters it, the LMS knows none of it.

    `lapses_to` and `extended_to`: the grade that an incomplete becomes, and when. `last_attended`: the last day in
    class; `never_attended` says that there was none.
    """

    lapses_to: str = ""
    extended_to: date | None = None
    last_attended: date | None = None
    never_attended: bool = False

    def as_json(self) -> dict[str, object]:
        return {
            "lapses_to": self.lapses_to,
            "extended_to": self.extended_to.isoformat() if self.extended_to else "",
            "last_attended": self.last_attended.isoformat() if self.last_attended else "",
            "never_attended": self.never_attended,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Extras:
        return cls(
            lapses_to=str(data.get("lapses_to") or ""),
            extended_to=_day(data.get("extended_to")),
            last_attended=_day(data.get("last_attended")),
            never_attended=data.get("never_attended") is True,
        )

    def words(self) -> str:
        """For people: "incomplete until 2027-01-31, then F; last attended 2026-10-14"."""
        parts = []
        if self.extended_to and self.lapses_to:
            parts.append(f"incomplete until {self.extended_to.isoformat()}, then {self.lapses_to}")
        elif self.extended_to:
            parts.append(f"incomplete until {self.extended_to.isoformat()}")
        elif self.lapses_to:
            parts.append(f"incomplete, then {self.lapses_to}")
        if self.never_attended:
            parts.append("never attended")
        elif self.last_attended:
            parts.append(f"last attended {self.last_attended.isoformat()}")
        return "; ".join(parts)


def _day(stated: object) -> date | None:
    return date.fromisoformat(str(stated)) if stated else None


@dataclass(frozen=True, slots=True)
class Value:
    """What a grade says: the part that is compared and digested.

    `score` is quantised to the profile's decimals by whoever makes the value (`Value.of`); equal numbers are
    equal values whatever their trailing zeros. `flags` and `extras` hold only what the connection carries; `extras`
    None: nothing of the kind.
    """

    score: Decimal | None = None
    text: str | None = None
    status: str = ScoreStatus.FULLY_GRADED
    flags: frozenset[str] = frozenset()
    extras: Extras | None = None

    def as_json(self) -> dict[str, object]:
        """Plain JSON with the number as text, so that it never passes through a binary float."""
        found: dict[str, object] = {
            "score": None if self.score is None else plain(self.score),
            "text": self.text,
            "status": str(self.status),
            "flags": sorted(self.flags),
        }
        # a value without them reads as it always did: what was stored and digested before stays the same
        return found | ({"extras": self.extras.as_json()} if self.extras is not None else {})

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Value:
        score, text, flags = data.get("score"), data.get("text"), data.get("flags")
        extras = data.get("extras")
        return cls(
            score=None if score is None else Decimal(str(score)),
            text=None if text is None else str(text),
            status=str(data.get("status") or ScoreStatus.FULLY_GRADED),
            flags=frozenset(str(flag) for flag in flags) if isinstance(flags, list) else frozenset(),
            extras=Extras.from_json(extras) if isinstance(extras, Mapping) else None,
        )

    @property
    def is_nothing(self) -> bool:
        """No score, no text, not exempt and no carried missing flag: the same as no record at all (design §1)."""
        return (
            self.score is None
            and not self.text
            and self.status != ScoreStatus.EXEMPT
            and "missing" not in self.flags
        )

    def words(self) -> str:
        """The value in a teacher's words: "86.5", "B+", "excused", "86.5 (late)"."""
        if self.status == ScoreStatus.EXEMPT:
            main = "excused"
        elif self.text:
            main = self.text if self.score is None else f"{self.text} ({plain(self.score)})"
        else:
            main = plain(self.score) if self.score is not None else "no grade"
        marks = sorted(self.flags) + ([self.extras.words()] if self.extras is not None else [])
        return f"{main} ({', '.join(marks)})" if marks else main


def plain(number: Decimal) -> str:
    """A Decimal without exponent and without trailing zeros: "86.5", "100", "0"."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-", "-0") else text


def quantised(number: Decimal, decimals: int) -> Decimal:
    """`number` at `decimals` places, half up, without trailing zeros. Raises InvalidOperation on NaN or infinity."""
    return Decimal(plain(number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)))


def is_rounding_of(sent: Value | None, stored: Value | None) -> bool:
    """True when `stored` is exactly `sent` with the score rounded or cut to fewer decimals, all else equal."""
    if sent is None or stored is None or sent.score is None or stored.score is None or sent == stored:
        return False
    if (sent.text, sent.status, sent.flags, sent.extras) != (
        stored.text,
        stored.status,
        stored.flags,
        stored.extras,
    ):
        return False
    places = max(0, -int(Decimal(plain(stored.score)).as_tuple().exponent))
    sent_places = max(0, -int(Decimal(plain(sent.score)).as_tuple().exponent))
    for fewer in range(places, sent_places):
        step = Decimal(1).scaleb(-fewer)
        for how in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN):
            if sent.score.quantize(step, rounding=how) == stored.score:
                return True
    return False


@dataclass(frozen=True, slots=True)
class Class:
    """A class (section) of the SIS. `session_ids` are its terms, for line items that must name one."""

    sourced_id: str
    title: str
    school_id: str = ""
    course_id: str = ""
    code: str = ""
    session_ids: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Title and code: two sections of a course often share their title."""
        return f"{self.title} ({self.code})" if self.code and self.code not in self.title else self.title


@dataclass(frozen=True, slots=True)
class Session:
    """An academic session: term, grading period, semester or school year."""

    sourced_id: str
    title: str
    kind: str = "term"
    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A student or teacher of a class, with every identifier that the SIS gives."""

    sourced_id: str
    given_name: str = ""
    family_name: str = ""
    identifier: str = ""
    username: str = ""
    email: str = ""
    user_ids: tuple[tuple[str, str], ...] = ()
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


Student = Person
Teacher = Person


@dataclass(frozen=True, slots=True)
class Category:
    sourced_id: str
    title: str


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """A closed list of allowed text values: (what is seen, what it stands for), both text as OneRoster has it."""

    sourced_id: str
    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AllowedGrade:
    """One entry of the closed list that a registration may get. `text` is how people write it, `code` what is sent.

    `lapses`: does it want the grade that it lapses to, and until when (an incomplete). `ours` False: the registrar's
    own (withdrawn, audit, transfer): never sent by a tool, and never written over.
    """

    text: str
    code: str = ""
    last_attendance: Literal["no", "optional", "required"] = "no"
    lapses: Literal["no", "optional", "required"] = "no"
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Registration:
    """What one student's registration takes on one line item ("": on all of the class), as the SIS says beforehand.

    `mode` is its mode of evaluation in the SIS's words ("Letter", "Pass/No Pass", "Audit"): two students of a class may
    differ. `refused` is a rejection code (not_gradable, frozen, window_closed, ...) where nothing is taken now, with the
    SIS's `words`. `allowed` None: the SIS names no list.
    """

    class_id: str
    student_id: str
    line_item_id: str = ""
    mode: str = ""
    refused: str = ""
    words: str = ""
    allowed: tuple[AllowedGrade, ...] | None = None
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineItem:
    """One column of a class's gradebook. `minimum` and `maximum` are its own range, None where it has none.

    `computed`: the SIS fills it itself with a course total of its own; it is compared and never written.
    """

    sourced_id: str
    title: str
    class_id: str
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    category_id: str = ""
    session_id: str = ""
    score_scale_id: str = ""
    due: datetime | None = None
    active: bool = True
    # a grade of the whole class: a final, a midterm, a computed total
    kind: LineItemKind = "assignment"
    computed: bool = False


@dataclass(frozen=True, slots=True)
class NewLineItem:
    """A column to create: everything that was asked or defaulted, already within the SIS's limits.

    `sourced_id` is derived (UUID5) from the link, so that a repeated PUT is the same record.
    """

    sourced_id: str
    title: str
    class_id: str
    school_id: str
    category_title: str
    assigned: datetime
    due: datetime
    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(100)
    session_id: str = ""
    score_scale_id: str = ""
    description: str = ""
    kind: LineItemKind = "assignment"


@dataclass(frozen=True, slots=True)
class Result:
    """One stored result. `value` is None when nothing is there (design §1); the record itself may exist all the same."""

    sourced_id: str
    class_id: str
    line_item_id: str
    student_id: str
    value: Value | None
    score_date: date | None = None
    comment: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnTotal:
    """The course total of one student as the SIS itself computes it. `maximum` None: it names none.

    `line_item_id`: the column in which it shows it, where it does so; nothing is ever compared with one that we fill.
    """

    student_id: str
    score: Decimal | None = None
    maximum: Decimal | None = None
    text: str | None = None
    line_item_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One grade to write: what the plan decided and what the adapter needs to translate it.

    `after` None means withdraw. `expected` are the values that may be overwritten besides nothing (None is in it
    where nothing is expected). `result_id` is the id of the record to write over when one is known ("" otherwise);
    `new_id` is the derived id (UUID5 of the key) for a record that we create ourselves.
    `score_date` comes from the LMS, else from the first send.
    """

    key: Key
    before: Value | None
    after: Value | None
    expected: frozenset[Value | None]
    why: str = ""
    scheme_version: str = ""
    result_id: str = ""
    new_id: str = ""
    score_date: date | None = None
    comment: str = ""


OutcomeState = Literal["accepted", "unchanged", "delivered", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the SIS did with one change (design §1, idea 5).

    `code` is one of errors.REJECTION_CODES when rejected; `words` are the SIS's own, for the teacher's eyes.
    `result_id` is the id under which the record now lives, where the SIS said or confirmed it.
    `found` is the value met at a conflict (conflict_newer).
    """

    state: OutcomeState
    code: str = ""
    words: str = ""
    result_id: str = ""
    http_status: int | None = None
    found: Value | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file that an adapter made instead of a request: a person, or a job of the site, carries it on."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    class_id: str = ""
    line_item_id: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """One line of a report that the SIS made of an uploaded file, which a person brings back.

    The outcome is accepted or rejected; a line that says neither is left out.
    """

    student_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ModeRule:
    """What becomes of the LMS's letter for students of one mode of evaluation.

    "send": as it is, the SIS converts it; "convert": by `codes` (letter to code); "hold": a person enters it in the SIS.
    """

    rule: Literal["send", "convert", "hold"] = "send"
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """How this SIS behaves, as far as the engine must know. Adapters build it from their options.

    `kinds`: the line items that it takes grades for. `scores` and `texts`: may a value be a number, a text. `extras`:
    which of "last_attendance" and "incomplete" travel with a grade. `preflight`: `Sis.registrations` says beforehand
    what each student may get; where it names no list, `needs_attendance` and `needs_lapse` are the grades that want a
    last date of attendance, or what they lapse to. `own_codes` are the registrar's own, never sent and never written
    over. `modes` by mode of evaluation, in lower case. `asynchronous`: an answer means "taken over", what became of it
    shows later or elsewhere, so an accepted grade is only delivered. `atomic`: a batch with one bad record is refused
    whole.
    """

    decimals: int = 4
    flags: frozenset[str] = frozenset()
    texts: bool = True
    over_max: bool = False
    whole_maximum: bool = False
    title_limit: int = 255
    read_back: bool = True
    # True: writing the same change again is the same record (PUT by a derived id). False: the SIS gives the id.
    idempotent: bool = True
    # the SIS gives its line items' ids: one that is created twice is there twice, also where grades are idempotent
    gives_item_ids: bool = False
    create_line_items: bool = True
    withdraw: bool = True
    settle_s: int = 60
    fresh_s: int = 300
    # False: the SIS shows no students, and the LMS's SIS ids stand for them (sync.rosters)
    roster: bool = True
    kinds: frozenset[str] = frozenset({"assignment", "course_total"})
    scores: bool = True
    # may a student be excused
    exempt: bool = True
    extras: frozenset[str] = frozenset()
    comments: bool = False
    preflight: bool = False
    needs_attendance: frozenset[str] = frozenset()
    needs_lapse: frozenset[str] = frozenset()
    own_codes: frozenset[str] = frozenset()
    modes: Mapping[str, ModeRule] = field(default_factory=dict)
    asynchronous: bool = False
    atomic: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
