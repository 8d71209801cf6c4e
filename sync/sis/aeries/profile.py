"""The options of an Aeries connection, and what follows from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings

OPTIONS: Final = (
    Option(
        "class_id",
        "{school}-{section}",
        "How a class is named: the school code and the section number, as the LMS writes a section's SIS id.",
    ),
    Option(
        "category",
        "",
        "Description or code of the gradebook's category for new assignments where nobody chooses one; empty: the only "
        "one there is, else someone must choose.",
    ),
    Option("formative_summative", "S", "New assignments are summative (S) or formative (F).", ("S", "F")),
    Option(
        "over_max",
        "yes",
        "Send scores above an assignment's number of points, as extra credit; “no”: they are held back.",
        ("yes", "no"),
    ),
    Option(
        "date_completed",
        "no",
        "Say with each score the day that the LMS gives for it, as the day on which the student completed her work.",
        ("no", "yes"),
    ),
    Option("title_limit", "50", "How many characters a new assignment's name may have."),
    Option("decimals", "4", "Decimal places that Aeries keeps of a score."),
    Option(
        "database_year",
        "",
        "The school year to ask for (2025-2026); empty: the one that the district uses now.",
    ),
    Option("batch", "50", "How many scores of an assignment one request carries at most (1 to 200)."),
    Option("parallel", "2", "How many requests may be under way at a time."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """One connection's options, read."""

    class_id: str
    category: str
    formative_summative: str
    over_max: bool
    date_completed: bool
    title_limit: int
    decimals: int
    database_year: str
    batch: int
    parallel: int

    def profile(self) -> sis.Profile:
        """Numbers only: no documented request excuses a student, marks her missing, or takes a score back."""
        return sis.Profile(
            decimals=self.decimals,
            texts=False,
            exempt=False,
            over_max=self.over_max,
            title_limit=self.title_limit,
            gives_item_ids=True,
            withdraw=False,
            kinds=frozenset({"assignment"}),
            atomic=True,
        )

    def name_class(self, school: object, section: object) -> str:
        return self.class_id.replace("{school}", str(school)).replace("{section}", str(section))

    def parts_of(self, class_id: str) -> tuple[int, int] | None:
        """School code and section number of a class id; None for a text of another form."""
        found = re.fullmatch(_pattern(self.class_id), class_id, re.ASCII)
        return (int(found["school"]), int(found["section"])) if found else None


def _pattern(template: str) -> str:
    escaped = re.escape(template)
    school, section = re.escape("{school}"), re.escape("{section}")
    return escaped.replace(school, r"(?P<school>\d{1,6})", 1).replace(section, r"(?P<section>\d{1,9})", 1)


def parse(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    given = {one.name: settings.options.get(one.name) or one.default for one in OPTIONS}
    if any(given["class_id"].count(part) != 1 for part in ("{school}", "{section}")):
        text = "The option class_id must hold {school} and {section}, once each. An administrator must correct it."
        raise Misconfigured(text, "option_unusable")
    return Config(
        class_id=given["class_id"],
        category=given["category"].strip(),
        formative_summative=given["formative_summative"],
        over_max=given["over_max"] == "yes",
        date_completed=given["date_completed"] == "yes",
        title_limit=_number(given, "title_limit", 10, 255),
        decimals=_number(given, "decimals", 0, 4),
        database_year=given["database_year"].strip(),
        batch=_number(given, "batch", 1, 200),
        parallel=_number(given, "parallel", 1, 8),
    )


def _number(given: dict[str, str], name: str, least: int, most: int) -> int:
    text = given[name]
    if text.isdecimal() and least <= int(text[:6]) <= most:
        return int(text)
    raise Misconfigured(
        f"The option {name} must be a whole number from {least} to {most}. An administrator must correct it.",
        "option_unusable",
    )
