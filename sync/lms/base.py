"""The seam between the engine and an LMS: one class that reads a course's gradebook (design §1, idea 2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any, ClassVar, Final, Protocol

from sync.auth import TokenStore
from sync.lms import records as lms
from sync.lms.access import FLOW_OPTIONS, Account, CodeFlow, FixedToken, Pace, Unpaced
from sync.options import Finding, Option

Heard = Callable[[str, int], None]

SUPPORT: Final = frozenset(
    {
        *(
            "course_total",
            "schemes",
            "excused",
            "missing",
            "late",
            "timestamps",
            "sections",
            "hidden",
            "overridden",
        ),
        *(
            "pending",
            "attempts",
            "categories",
            "periods",
            "omitted",
            "test_student",
            "concluded",
            "incremental",
        ),
    }
)


class LtiServices(Protocol):
    """The AGS and NRPS client of one registration (`lti_tool.services.Services`), as readers use it.

    Every method reads all pages, or raises: `lti_tool.services.ServiceRefused`, `ServiceAway`, `ServiceBroken`.
    Items are the JSON objects of the spec, with numbers as Decimal.
    """

    def line_items(self, url: str) -> list[dict[str, Any]]: ...

    def results(self, line_item_url: str) -> list[dict[str, Any]]: ...

    def members(self, url: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """One LMS connection as plain values. `token` and `secret` are resolved, and left out of the repr.

    `client_id` and `secret` are the key that the LMS gave this tool (developer key, application, consumer key).
    """

    name: str
    base_url: str = ""
    token: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    client_id: str = ""
    secret: str = field(default="", repr=False)


class Lms(ABC):
    """Reads a course's gradebook. Never decides, never touches models, never sees the SIS.

    `supports` says what this reader can see beyond points: any of `SUPPORT`. `flow` says how a teacher grants the use
    of her own account (None: this LMS knows no such grant). `at_once`: how many requests at once the LMS bears of one
    account, all workers together (an option of that name takes its place). `places` says where, in this LMS, what a
    readiness check found is mended: by the check's code, a path of menu names.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    supports: ClassVar[frozenset[str]] = frozenset()
    flow: ClassVar[CodeFlow | None] = None
    at_once: ClassVar[int] = 2
    places: ClassVar[Mapping[str, str]] = {}
    # told by a reader, in the thread that reads, how many `students`, `items`, `results` came so far; it may raise to
    # stop the read
    heard: Heard = staticmethod(lambda what, count: None)

    def __init__(
        self,
        settings: Settings,
        services: LtiServices | None = None,
        tokens: TokenStore | None = None,
        *,
        account: Account | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.settings = settings
        self.services = services
        self.tokens = tokens
        self.account: Account = account or FixedToken(settings.token)
        self.pace: Pace = pace or Unpaced()

    @classmethod
    def product(cls) -> str:
        """What people call this LMS: "Canvas"."""
        return cls.label.partition(" (")[0]

    @classmethod
    def declared(cls) -> tuple[Option, ...]:
        """All options that a connection may state."""
        return (*cls.options, *(FLOW_OPTIONS if cls.flow else ()))

    @classmethod
    def root(cls, base_url: str) -> str:
        """What the paths of `flow` stand under."""
        return base_url.strip().rstrip("/")

    @classmethod
    def launched_as(cls, subject: str, own_id: str) -> str:
        """How her launch names a person in the words of this LMS's tokens; empty where it cannot be compared.

        `subject` is the launch's `sub`, `own_id` what a custom parameter says of the LMS's own id.
        """
        return own_id

    @classmethod
    def is_same(cls, granted: str, launched: str) -> bool:
        """Is the person whom a token names the one whom her launch names?"""
        return granted == launched

    @abstractmethod
    def check(self) -> list[Finding]: ...

    @abstractmethod
    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        """The whole course, or an error: TryLater, Unreachable (treated as TryLater) or Misconfigured.

        Course totals are line items of kind `course_total`, their ids made by `lms.course_total`: current and final
        where the LMS knows both, else its own word.
        """

    def read_since(self, course: lms.Course, former: lms.Gradebook) -> lms.Gradebook:
        """What `read_gradebook` would return now, sparing what did not change since `former`.

        `former` is an earlier answer of this reader for this course, with a `mark` of at most a day ago. A reader whose
        LMS tells no changes reads all. It may differ from a full read in nothing but `mark`.
        """
        return self.read_gradebook(course)


# --- what every reader does alike -------------------------------------------------------------------

# what a number of a grade book may have before and after its point: far more than any grade, and short to write out
MOST_DIGITS, MOST_PLACES = 15, 100
EVERY_DIGIT: Final = 200


def number(stated: object) -> tuple[Decimal | None, str]:
    """A JSON number as Decimal, and why it is none: a text, a bool or NaN is "not-a-number", null is simply no score."""
    if stated is None:
        return None, ""
    if isinstance(stated, bool) or not isinstance(stated, int | Decimal):
        return None, "not-a-number"
    found = Decimal(stated)
    return (found, "") if is_sane(found) else (None, "not-a-number")


def is_sane(number: Decimal) -> bool:
    """Finite, and of a size that a grade can have: 1e999999999 is eight bytes to send and a gigabyte to write out."""
    return (
        number.is_finite()
        and number.adjusted() <= MOST_DIGITS
        and int(number.as_tuple().exponent) >= -MOST_PLACES
    )


def fraction(percent: Decimal | None) -> Decimal:
    """A bound in percent as a share of the maximum, digit for digit; NaN for what is no number, so that the scheme is refused."""
    with localcontext(prec=EVERY_DIGIT):
        return percent.scaleb(-2) if percent is not None else Decimal("NaN")


def instant(stated: object) -> datetime | None:
    """An ISO 8601 time in UTC; None where there is none, or one without its offset."""
    if not isinstance(stated, str):
        return None
    try:
        found = datetime.fromisoformat(stated)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def text_of(stated: object) -> str:
    """Text, or a number as text (ids come as both), trimmed; empty for anything else."""
    if isinstance(stated, bool) or not isinstance(stated, str | int):
        return ""
    return str(stated).strip()


def is_course_student(member: lms.Member) -> bool:
    return member.is_student and member.active and not member.test


class Accounting:
    """Results as they come, each in its place: one for every active student and published line item.

    Rows that are equal collapse; rows that differ become one with `score_error` "repeated". Rows of people or line
    items that the LMS does not list are left out, and counted in a warning.
    """

    def __init__(self, members: Iterable[lms.Member], line_items: Iterable[lms.LineItem]) -> None:
        people = list(members)
        self._people = {one.user_id for one in people}
        self._items = {item.line_item_id: item for item in line_items}
        students = dict.fromkeys(one.user_id for one in people if is_course_student(one))
        columns = [name for name, item in self._items.items() if item.published]
        self._rows = {user_id: at for at, user_id in enumerate(students)}
        self._columns = {name: at for at, name in enumerate(columns)}
        # one place for each result: beside the records themselves it takes eight bytes
        self._places: list[lms.Result | None] = [None] * (len(self._rows) * len(columns))
        self._repeated: set[int] = set()
        self._strangers: set[tuple[str, str]] = set()
        self._unlisted: set[tuple[str, str]] = set()

    def add(self, row: lms.Result) -> None:
        item = self._items.get(row.line_item_id)
        if item is None or row.user_id not in self._people:
            self._note_stray(row)
        elif item.published and row.user_id in self._rows:
            place = self._rows[row.user_id] * len(self._columns) + self._columns[row.line_item_id]
            self._put(place, replace(row, maximum=item.maximum) if row.maximum is None else row)

    def results(self, *, without: Collection[str] = ()) -> tuple[lms.Result, ...]:
        """All of them, in the order of students and line items; `without` names line items that turned out not to count."""
        kept = [(at, self._items[name]) for name, at in self._columns.items() if name not in without]
        return tuple(
            self._result(row * len(self._columns) + column, user_id, item)
            for user_id, row in self._rows.items()
            for column, item in kept
        )

    def warnings(self) -> tuple[str, ...]:
        """Ungraded rows of strangers say nothing and are not mentioned."""
        texts = []
        if self._strangers:
            texts.append(
                f"Results of people who are not listed in this course (any more): {len(self._strangers)}. They are left "
                "out."
            )
        if self._unlisted:
            texts.append(
                f"Results of assignments that the LMS does not list: {len(self._unlisted)}. They are left out."
            )
        return tuple(texts)

    def _put(self, place: int, row: lms.Result) -> None:
        former = self._places[place]
        if former is not None and former != row:
            self._repeated.add(place)
        self._places[place] = row

    def _result(self, place: int, user_id: str, item: lms.LineItem) -> lms.Result:
        if place in self._repeated:
            return lms.Result(
                user_id,
                item.line_item_id,
                lms.Status.NOT_GRADED,
                maximum=item.maximum,
                score_error="repeated",
            )
        return self._places[place] or lms.Result(
            user_id, item.line_item_id, lms.Status.NOT_GRADED, maximum=item.maximum
        )

    def _note_stray(self, row: lms.Result) -> None:
        if _says_something(row):
            known = row.user_id in self._people
            (self._unlisted if known else self._strangers).add((row.user_id, row.line_item_id))


def account(
    members: Iterable[lms.Member], line_items: Iterable[lms.LineItem], found: Iterable[lms.Result]
) -> tuple[tuple[lms.Result, ...], tuple[str, ...]]:
    """Exactly one result per active student and published line item, and the warnings about the others."""
    accounting = Accounting(members, line_items)
    for row in found:
        accounting.add(row)
    return accounting.results(), accounting.warnings()


def _says_something(row: lms.Result) -> bool:
    return row.status is not lms.Status.NOT_GRADED or bool(row.score_error)
