"""The options of a PowerSchool connection, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings

GRANT_PATH: Final = "/oauth/access_token/"
TITLE_LIMIT: Final = 50

OPTIONS: Final = (
    Option(
        "read_back",
        "yes",
        "Read scores back from the table ASSIGNMENTSCORE; the plugin must grant it. “no”: what a person changes in "
        "PowerTeacher Pro is not seen, and sending again writes over it.",
        ("yes", "no"),
    ),
    Option(
        "category",
        "",
        "Title of the teacher's category for new assignments where nobody chooses one; empty: the only one she has, "
        "else someone must choose.",
    ),
    Option(
        "publish",
        "",
        "When students see scores of new assignments, in PowerSchool's own word (its publishoption, such as Immediately); "
        "empty: as the category says.",
    ),
    Option(
        "counts", "yes", "New assignments count in the final grade that PowerSchool computes.", ("yes", "no")
    ),
    Option("decimals", "2", "Decimal places of a score."),
    Option("batch", "50", "How many scores of an assignment one request carries at most (1 to 200)."),
    Option("parallel", "2", "How many requests may be under way at a time."),
    Option("page_limit", "100", "Rows of a table asked for per page; PowerSchool gives no more than 100."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """One connection's options, read."""

    read_back: bool
    category: str
    publish: str
    counts: bool
    decimals: int
    batch: int
    parallel: int
    page_limit: int

    def profile(self) -> sis.Profile:
        """Scores of points assignments only. Nothing takes a score back: the API deletes whole assignments."""
        return sis.Profile(
            decimals=self.decimals,
            flags=frozenset({"late", "missing", "incomplete"}),
            texts=False,
            over_max=True,
            title_limit=TITLE_LIMIT,
            read_back=self.read_back,
            gives_item_ids=True,
            withdraw=False,
            kinds=frozenset({"assignment"}),
            atomic=True,
        )


def parse(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    given = {one.name: settings.options.get(one.name) or one.default for one in OPTIONS}
    return Config(
        read_back=given["read_back"] == "yes",
        category=given["category"].strip(),
        publish=given["publish"].strip(),
        counts=given["counts"] == "yes",
        decimals=_number(given, "decimals", 0, 6),
        batch=_number(given, "batch", 1, 200),
        parallel=_number(given, "parallel", 1, 8),
        page_limit=_number(given, "page_limit", 1, 100),
    )


def _number(given: dict[str, str], name: str, least: int, most: int) -> int:
    text = given[name]
    if text.isdecimal() and least <= int(text[:6]) <= most:
        return int(text)
    raise Misconfigured(
        f"The option {name} must be a whole number from {least} to {most}. An administrator must correct it.",
        "option_unusable",
    )
