"""The options of a OneRoster connection: how an administrator writes them, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.oneroster.presets import PRESETS

HEADER: Final = "header."

OPTIONS: Final = (
    Option(
        "preset",
        "",
        "A product to begin with; the other options change it. From public documents, never tried on a live site.",
        ("", *PRESETS),
    ),
    Option("version", "", "OneRoster version; empty: as the address says, else 1.2.", ("", "1.1", "1.2")),
    Option(
        "create",
        "",
        "How new results are made: post (in batches, the SIS gives the ids), put (one by one under our id), or "
        "put_without_id (one by one, the id not in the address). Empty: post for 1.2, put for 1.1.",
        ("", "post", "put", "put_without_id"),
    ),
    Option("batch", "50", "How many new results one POST carries at most."),
    Option("parallel", "4", "How many requests may be under way at a time."),
    Option("decimals", "4", "Decimal places that the SIS keeps of a score."),
    Option(
        "refs",
        "full",
        "How records are referred to: full (href, sourcedId and type, as 1.2 requires) or by the sourcedId alone.",
        ("full", "sourcedId"),
    ),
    Option(
        "flags",
        "",
        "Flags that it keeps, of late,missing,incomplete,inProgress, or none. “status”: it has no flags and shows what "
        "is “not submitted” as missing. Empty: late,missing (1.1: none).",
    ),
    Option(
        "letters",
        "",
        "How a letter is sent: as textScore, in the metadata under letters_key, or not at all (refuse: the teacher is "
        "told before anything is sent). Empty: textScore (1.1, which has none: refuse).",
        ("", "textScore", "metadata", "refuse"),
    ),
    Option("letters_key", "", "The metadata field of letters, where they are sent there."),
    Option("score_date", "date", "Whether scoreDate is sent as a date or with a time.", ("date", "datetime")),
    Option("title_limit", "255", "Longest title of a line item."),
    Option("category_limit", "255", "Longest title of a category."),
    Option("whole_maximum", "false", "Line items need a whole number as maximum.", ("false", "true")),
    Option(
        "over_max",
        "false",
        "Scores above the line item's maximum are taken (extra credit).",
        ("false", "true"),
    ),
    Option(
        "withdraw",
        "",
        "How a grade is taken back: clear the record, delete it, or not at all. Empty: clear for 1.2, delete for 1.1 and "
        "for flags=status.",
        ("", "clear", "delete", "none"),
    ),
    Option(
        "exempt_score",
        "",
        "What an excused result carries as score: 1.1 requires one (zero), 1.2 does not (omit). “omit” where a SIS "
        "ignores “exempt”; “refuse” where it would count it as a grade.",
        ("", "omit", "zero", "refuse"),
    ),
    Option(
        "read_back",
        "true",
        "The SIS shows results that were written. false: they cannot be compared, and a page says so.",
        ("true", "false"),
    ),
    Option("settle_s", "60", "Seconds after which a lost new record that is not shown was not stored."),
    Option("fresh_s", "300", "Seconds for which a read may be sent by."),
    Option("page_limit", "100", "Rows asked for per page."),
    Option(
        "paging",
        "offset",
        "off: the SIS answers every list whole and ignores limit and offset.",
        ("offset", "off"),
    ),
    Option(
        "line_items",
        "put",
        "How line items, and categories, are made: put, post, put_without_id, or none (only link).",
        ("put", "post", "put_without_id", "none"),
    ),
    Option(
        "categories",
        "",
        "Where categories are found: class (listed by class), all (all of the SIS), or none (line items are sent without "
        "one). Empty: by class, else all.",
        ("", "class", "all", "none"),
    ),
    Option("category", "Assignments", "Title of the category of line items made here."),
    Option(
        "create_categories",
        "true",
        "Make that category where the class has none so called.",
        ("true", "false"),
    ),
    Option(
        "session_ref",
        "academicSession",
        "Which field of a 1.2 line item names its term or grading period.",
        ("academicSession", "gradingPeriod"),
    ),
    Option(
        "auth",
        "oauth2",
        "oauth2: a token from the token URL. oauth1: each request is signed with key and secret (OAuth 1.0a), which 1.1 "
        "allows; no token URL is needed.",
        ("oauth2", "oauth1"),
    ),
    Option(
        "oauth1_method", "HMAC-SHA1", "How requests are signed with oauth1.", ("HMAC-SHA1", "HMAC-SHA256")
    ),
    Option("token_auth", "basic", "Where the token request carries id and secret.", ("basic", "body")),
    Option("scopes", "", "Scopes to ask for, with spaces between; empty: those needed."),
    Option(
        "rostering_base", "", "Full address of the rostering service, where the address does not lead there."
    ),
    Option(
        "gradebook_base", "", "Full address of the gradebook service, where the address does not lead there."
    ),
    Option(
        "own_total",
        "",
        "Title or sourcedId of the line item in which the SIS shows the course total that it computes itself, to be "
        "compared with the LMS's; empty: it shows none.",
    ),
    Option(
        "header.NAME",
        "",
        "A further header for every request to the SIS, such as header.x-vendor-key. Its value may be env:NAME or "
        "file:NAME, which is looked up.",
    ),
)


class Reader:
    """Text in, checked values out. What is stated wins over the preset, the preset over the default."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._known = {option.name: option for option in OPTIONS}
        self._given = given
        for name in given:
            if name not in self._known and not name.lower().startswith(HEADER):
                raise Misconfigured(f"The OneRoster adapter has no option “{name}”.", "option_unknown")
        self._preset: Mapping[str, str] = {}
        self.preset = self.choice("preset")
        self._preset = PRESETS.get(self.preset, {})

    def text(self, name: str) -> str:
        stated = str(self._given.get(name, "")).strip()
        return stated or self._preset.get(name) or self._known[name].default

    def choice(self, name: str) -> str:
        value, choices = self.text(name), self._known[name].choices
        if value not in choices:
            raise nonsense(name, f"one of {', '.join(one for one in choices if one)}")
        return value

    def truth(self, name: str) -> bool:
        value = self.text(name).lower()
        if value not in ("true", "false", "1", "0", "yes", "no"):
            raise nonsense(name, "true or false")
        return value in ("true", "1", "yes")

    def number(self, name: str, least: int, most: int) -> int:
        value = self.text(name)
        if not value.isdecimal() or not least <= int(value) <= most:
            raise nonsense(name, f"a whole number from {least} to {most}")
        return int(value)

    def address(self, name: str) -> str:
        value = self.text(name).rstrip("/")
        if value and (not urlsplit(value).netloc or urlsplit(value).query):
            raise nonsense(name, "a plain URL")
        return value

    def flags(self, *, none: bool) -> tuple[frozenset[str], bool]:
        """The flags that travel, and whether they do so by the status alone."""
        value = self.text("flags")
        if value == "status":
            return frozenset({"missing"}), True
        if value == "none" or (not value and none):
            return frozenset(), False
        names = frozenset(part.strip() for part in (value or "late,missing").split(",") if part.strip())
        if names - set(sis.FLAGS):
            raise nonsense("flags", f"some of {', '.join(sis.FLAGS)}, or none, or status")
        if none:
            raise nonsense("flags", "none or status: OneRoster 1.1 has no flags")
        return names, False

    def headers(self) -> dict[str, str]:
        named = {
            name[len(HEADER) :]: str(value)
            for name, value in self._given.items()
            if name.lower().startswith(HEADER)
        }
        for name, value in named.items():
            if not name or not (name + value).isascii() or "\n" in name + value or "\r" in name + value:
                raise nonsense(HEADER + name, "a header name and one line of plain text")
            if name.lower() in ("authorization", "host", "content-length", "content-type"):
                raise nonsense(HEADER + name, "a header of the SIS's own")
        return named


def nonsense(name: str, wanted: str) -> Misconfigured:
    return Misconfigured(f"Option “{name}” must be {wanted}.", "option_wrong")
