"""The options of an Ed-Fi connection, and what differs between the data standards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sync.options import Option, whole_number
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.modes import codes_of

Standard = Literal["3.3", "4.0", "5.0"]
CORE: Final = "uri://ed-fi.org"
MOST_ROWS: Final = 500

OPTIONS: Final = (
    Option(
        "data_standard",
        "",
        "The Ed-Fi data standard of this host; empty: as its discovery document says.",
        ("", "3.3", "4.0", "5.0"),
    ),
    Option(
        "data_url",
        "",
        "Address of the resources (…/data/v3, with a year or tenant where the host wants one); empty: as the discovery "
        "document says.",
    ),
    Option(
        "namespace",
        "uri://gradesync",
        "Namespace of the gradebook entries made here (from 4.0). The host must allow it to this key.",
    ),
    Option("descriptors", CORE, "Namespace of the descriptors of this state or district."),
    Option(
        "score_field",
        "",
        "Where scores go: pointsEarned, or numericGradeEarned. Empty: points from 4.0, numeric in 3.3 (which has no other).",
        ("", "pointsEarned", "numericGradeEarned"),
    ),
    Option("decimals", "2", "Decimal places that the host keeps of a score."),
    Option(
        "grade_types",
        "",
        "Course grades to offer besides gradebook entries, by their GradeTypeDescriptor, apart by commas (Final, Grading "
        "Period). Usually the SIS writes these itself, and a key for an LMS is refused.",
    ),
    Option("names", "yes", "Read the students' names, one request each.", ("yes", "no")),
    Option("parallel", "4", "How many requests may be under way at a time."),
    Option("page_limit", str(MOST_ROWS), "Rows asked for per page (25 to 500)."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """One connection's options, read. `standard` and `data_url` empty: to be discovered."""

    standard: str
    data_url: str
    token_url: str
    namespace: str
    descriptors: str
    score_field: str
    decimals: int
    grade_types: tuple[str, ...]
    names: bool
    parallel: int
    page_limit: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one data standard words what all have."""

    standard: Standard
    config: Config

    @property
    def is_old(self) -> bool:
        """3.3: entries are keyed by title and date, scores hang on the section association, no status of submission."""
        return self.standard == "3.3"

    @property
    def score_field(self) -> str:
        return "numericGradeEarned" if self.is_old else self.config.score_field or "pointsEarned"

    @property
    def period_name(self) -> str:
        return "gradingPeriodName" if self.standard == "5.0" else "periodSequence"

    @property
    def title_limit(self) -> int:
        return 60 if self.is_old else 100

    def descriptor(self, kind: str, code: str) -> str:
        return f"{self.config.descriptors}/{kind}Descriptor#{code}"

    def profile(self) -> sis.Profile:
        return sis.Profile(
            decimals=self.config.decimals,
            flags=frozenset() if self.is_old else frozenset({"late", "missing"}),
            exempt=not self.is_old,
            over_max=True,
            title_limit=self.title_limit,
            kinds=frozenset({"assignment", "course_total"} if self.config.grade_types else {"assignment"}),
        )


def parse(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    given = {one.name: settings.options.get(one.name) or one.default for one in OPTIONS}
    return Config(
        standard=given["data_standard"],
        data_url=given["data_url"].rstrip("/"),
        token_url=settings.token_url,
        namespace=given["namespace"],
        descriptors=given["descriptors"].rstrip("/"),
        score_field=given["score_field"],
        decimals=whole_number(OPTIONS, settings.options, "decimals", 0, 5),
        grade_types=tuple(sorted(codes_of(given["grade_types"]))),
        names=given["names"] == "yes",
        parallel=whole_number(OPTIONS, settings.options, "parallel", 1, 16),
        page_limit=whole_number(OPTIONS, settings.options, "page_limit", 1, MOST_ROWS),
    )


def standard_of(stated: str) -> Standard | None:
    """The standard among those that this adapter speaks, of a version as hosts state it ("3.3.1-b", "4.0.0", "5.2.0")."""
    major, _, rest = stated.strip().partition(".")
    if major == "3":
        return "3.3" if rest[:1] in ("2", "3") else None
    return {"4": "4.0", "5": "5.0"}.get(major)  # type: ignore[return-value]  # two of the three
