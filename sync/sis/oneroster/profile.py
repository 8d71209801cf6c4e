"""The options of a OneRoster connection, and what follows from them: addresses, scopes, behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings

HEADER: Final = "header."
SCOPES: Final = "https://purl.imsglobal.org/spec/or/v1p{minor}/scope/"

OPTIONS: Final = (
    Option("version", "", "OneRoster version; empty: as the address says, else 1.2.", ("", "1.1", "1.2")),
    Option(
        "create",
        "",
        "How new results are made: POST in batches (the SIS gives the ids), or PUT one by one. "
        "Empty: post for 1.2, put for 1.1.",
        ("", "post", "put"),
    ),
    Option("batch", "50", "How many new results one POST carries at most."),
    Option("parallel", "4", "How many requests may be under way at a time."),
    Option("decimals", "4", "Decimal places that the SIS keeps of a score."),
    Option(
        "flags",
        "",
        "Flags that it keeps, of late,missing,incomplete,inProgress, or none. Empty: late,missing (1.1: none).",
    ),
    Option("score_date", "date", "Whether scoreDate is sent as a date or with a time.", ("date", "datetime")),
    Option("title_limit", "255", "Longest title of a line item."),
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
        "How a grade is taken back: clear the record, delete it, or not at all. Empty: clear for 1.2, delete for 1.1.",
        ("", "clear", "delete", "none"),
    ),
    Option(
        "exempt_score",
        "",
        "What an excused result carries as score: 1.1 requires one (zero), 1.2 does not (omit). “omit” where a SIS ignores “exempt”.",
        ("", "omit", "zero"),
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
        "How line items are made: put, post, or none (only link).",
        ("put", "post", "none"),
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
    Option("header.NAME", "", "A further header for every request to the SIS, such as header.x-vendor-key."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Options parsed, defaults by version filled in."""

    version: str
    rostering: str
    gradebook: str
    posts: bool
    batch: int
    parallel: int
    decimals: int
    flags: frozenset[str]
    score_date: str
    title_limit: int
    whole_maximum: bool
    over_max: bool
    withdraw: str
    exempt_zero: bool
    settle_s: int
    fresh_s: int
    page_limit: int
    paged: bool
    line_items: str
    category: str
    create_categories: bool
    session_ref: str
    token_in_body: bool
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    headers: Mapping[str, str]
    own_total: str = ""

    @property
    def is_v11(self) -> bool:
        return self.version == "1.1"

    def profile(self) -> sis.Profile:
        return sis.Profile(
            decimals=self.decimals,
            flags=self.flags,
            texts=not self.is_v11,
            over_max=self.over_max,
            whole_maximum=self.whole_maximum,
            title_limit=self.title_limit,
            idempotent=not self.posts,
            create_line_items=self.line_items != "none",
            withdraw=self.withdraw != "none",
            settle_s=self.settle_s,
            fresh_s=self.fresh_s,
            extra={"category": self.category},
        )

    def rostering_url(self, *path: str) -> str:
        return joined(self.rostering, *path)

    def gradebook_url(self, *path: str) -> str:
        return joined(self.gradebook, *path)

    def scope(self, name: str) -> str:
        return SCOPES.format(minor=self.version[-1]) + name


def joined(base: str, *path: str) -> str:
    """`base` and path parts, each quoted: an id may hold a slash."""
    return "/".join((base, *(quote(part, safe="") for part in path)))


def parse(settings: Settings) -> Config:
    """Raises Misconfigured, naming the option, when one is unknown or nonsense."""
    options = _Options(settings.options)
    version = options.choice("version") or ("1.1" if "/v1p1" in settings.base_url else "1.2")
    old = version == "1.1"
    rostering, gradebook = bases(settings.base_url, version)
    posts = (options.choice("create") or ("put" if old else "post")) == "post"
    withdraw = options.choice("withdraw") or ("delete" if old else "clear")
    prefix = SCOPES.format(minor=version[-1])
    asked = tuple(options.text("scopes").split())
    return Config(
        version=version,
        rostering=options.address("rostering_base") or rostering,
        gradebook=options.address("gradebook_base") or gradebook,
        posts=posts,
        batch=options.number("batch", 1, 1000) if posts else 1,
        parallel=options.number("parallel", 1, 32),
        decimals=options.number("decimals", 0, 12),
        flags=options.flags(none=old),
        score_date=options.choice("score_date"),
        title_limit=options.number("title_limit", 5, 10_000),
        whole_maximum=options.truth("whole_maximum"),
        over_max=options.truth("over_max"),
        withdraw=withdraw,
        # 1.1 requires a score on every result; the read-back shows it when a SIS takes no notice of "exempt"
        exempt_zero=(options.choice("exempt_score") or ("zero" if old else "omit")) == "zero",
        settle_s=options.number("settle_s", 0, 86_400),
        fresh_s=options.number("fresh_s", 1, 86_400),
        page_limit=options.number("page_limit", 1, 10_000),
        paged=options.choice("paging") == "offset",
        line_items=options.choice("line_items"),
        category=options.text("category").strip() or "Assignments",
        create_categories=options.truth("create_categories"),
        session_ref=options.choice("session_ref"),
        token_in_body=options.choice("token_auth") == "body",
        scopes=asked or _needed(prefix, withdraw),
        optional_scopes=() if asked or not posts else (f"{prefix}gradebook.createpost",),
        headers=options.headers(),
        own_total=options.text("own_total").strip(),
    )


def _needed(prefix: str, withdraw: str) -> tuple[str, ...]:
    names = ["roster.readonly", "gradebook.readonly", "gradebook.createput"]
    if withdraw == "delete":
        names.append("gradebook.delete")
    return tuple(prefix + name for name in names)


def bases(base_url: str, version: str) -> tuple[str, str]:
    """Rostering and gradebook addresses from the host root, a path up to /ims/oneroster, or either service's own."""
    parts = urlsplit(base_url)
    if parts.query or parts.fragment or not parts.netloc:
        raise Misconfigured(
            "The SIS address must be a plain URL without query. Correct it.", "base_url_wrong"
        )
    root = base_url.rstrip("/")
    for tail in ("/gradebook/v1p2", "/rostering/v1p2", "/v1p1"):
        root = root.removesuffix(tail)
    if not root.endswith("/oneroster"):
        root += "/ims/oneroster"
    if version == "1.1":
        return f"{root}/v1p1", f"{root}/v1p1"
    return f"{root}/rostering/v1p2", f"{root}/gradebook/v1p2"


class _Options:
    """Text in, checked values out."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._known = {option.name: option for option in OPTIONS}
        self._given = given
        for name in given:
            if name not in self._known and not name.lower().startswith(HEADER):
                raise Misconfigured(f"The OneRoster adapter has no option “{name}”.", "option_unknown")

    def text(self, name: str) -> str:
        return str(self._given.get(name, self._known[name].default))

    def choice(self, name: str) -> str:
        value, choices = self.text(name).strip(), self._known[name].choices
        if value not in choices:
            raise _nonsense(name, f"one of {', '.join(one for one in choices if one)}")
        return value

    def truth(self, name: str) -> bool:
        value = self.text(name).strip().lower()
        if value not in ("true", "false", "1", "0", "yes", "no"):
            raise _nonsense(name, "true or false")
        return value in ("true", "1", "yes")

    def number(self, name: str, least: int, most: int) -> int:
        value = self.text(name).strip()
        if not value.isdecimal() or not least <= int(value) <= most:
            raise _nonsense(name, f"a whole number from {least} to {most}")
        return int(value)

    def address(self, name: str) -> str:
        value = self.text(name).strip().rstrip("/")
        if value and (not urlsplit(value).netloc or urlsplit(value).query):
            raise _nonsense(name, "a plain URL")
        return value

    def flags(self, *, none: bool) -> frozenset[str]:
        value = self.text("flags").strip()
        if value == "none" or (not value and none):
            return frozenset()
        names = frozenset(part.strip() for part in (value or "late,missing").split(",") if part.strip())
        if names - set(sis.FLAGS):
            raise _nonsense("flags", f"some of {', '.join(sis.FLAGS)}, or none")
        return names

    def headers(self) -> dict[str, str]:
        named = {
            name[len(HEADER) :]: str(value) for name, value in self._given.items() if name.startswith(HEADER)
        }
        for name, value in named.items():
            if not name or not (name + value).isascii() or "\n" in name + value or "\r" in name + value:
                raise _nonsense(HEADER + name, "a header name and one line of plain text")
            if name.lower() in ("authorization", "host", "content-length", "content-type"):
                raise _nonsense(HEADER + name, "a header of the SIS's own")
        return named


def _nonsense(name: str, wanted: str) -> Misconfigured:
    return Misconfigured(f"Option “{name}” must be {wanted}.", "option_wrong")
