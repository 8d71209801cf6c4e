"""The seam between the engine and an LMS: one class that reads a course's gradebook (design §1, idea 2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
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


def account(
    members: Iterable[lms.Member], line_items: Iterable[lms.LineItem], found: Iterable[lms.Result]
) -> tuple[tuple[lms.Result, ...], tuple[str, ...]]:
    """Exactly one result per active student and published line item, and the warnings about the others.

    No row: NOT_GRADED. Equal rows collapse; rows that differ become one with `score_error` "repeated". Rows of
    people or line items that the LMS does not list are left out, and counted in a warning.
    """
    people, items = list(members), {item.line_item_id: item for item in line_items}
    rows: dict[tuple[str, str], list[lms.Result]] = defaultdict(list)
    for row in found:
        rows[row.user_id, row.line_item_id].append(row)
    students = [one.user_id for one in people if is_course_student(one)]
    results = tuple(
        _single(rows.get((user_id, item.line_item_id), []), user_id, item)
        for user_id in students
        for item in items.values()
        if item.published
    )
    return results, _strays(rows, {one.user_id for one in people}, items.keys())


def _single(rows: list[lms.Result], user_id: str, item: lms.LineItem) -> lms.Result:
    if not rows:
        return lms.Result(user_id, item.line_item_id, lms.Status.NOT_GRADED, maximum=item.maximum)
    if any(row != rows[0] for row in rows):
        return lms.Result(user_id, item.line_item_id, lms.Status.NOT_GRADED, score_error="repeated")
    return replace(rows[0], maximum=item.maximum) if rows[0].maximum is None else rows[0]


def _strays(
    rows: Mapping[tuple[str, str], list[lms.Result]], people: Iterable[str], items: Iterable[str]
) -> tuple[str, ...]:
    """Ungraded rows of strangers say nothing and are not mentioned."""
    known_people, known_items = set(people), set(items)
    graded = [pair for pair, several in rows.items() if any(_says_something(row) for row in several)]
    strangers = sum(1 for user_id, _ in graded if user_id not in known_people)
    unlisted = sum(1 for user_id, item in graded if user_id in known_people and item not in known_items)
    warnings = []
    if strangers:
        warnings.append(
            f"The LMS holds {strangers} results of people who are not listed in this course (any more). "
            "They are left out."
        )
    if unlisted:
        warnings.append(
            f"The LMS holds {unlisted} results of assignments that it does not list. They are left out."
        )
    return tuple(warnings)


def _says_something(row: lms.Result) -> bool:
    return row.status is not lms.Status.NOT_GRADED or bool(row.score_error)
