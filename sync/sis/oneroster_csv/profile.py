"""The options of a connection by files, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.modes import codes_of
from sync.sis.oneroster_csv.places import Folder, Place
from sync.sis.oneroster_csv.sftp import Sftp
from sync.sis.oneroster_csv.tables import Mode

OPTIONS: Final = (
    Option("version", "1.2", "Version of OneRoster's CSV binding.", ("1.2", "1.1")),
    Option(
        "mode",
        "delta",
        "delta: each zip holds what was sent just now. bulk: each zip holds all that this connection ever sent, and stands "
        "for the SIS's whole gradebook; only where nobody else fills it. bulk needs a folder.",
        ("delta", "bulk"),
    ),
    Option(
        "sftp",
        "",
        "Where zips are dropped: host/folder, or host:port/folder, of an SFTP server. User and password, or private key, are "
        "the connection's client id and secret. Empty, and no “folder”: a run offers its zip for download, no more.",
    ),
    Option(
        "host_key",
        "",
        "SHA256 fingerprints of the SFTP server's keys, apart by commas, as ssh-keygen -l shows them: SHA256:… Needed for sftp.",
    ),
    Option(
        "folder",
        "",
        "Where zips are dropped: a folder of the tool's own server, beneath one that its operator names in OUTBOUND_FOLDERS.",
    ),
    Option(
        "roster",
        "",
        "Name of the bulk zip in that folder from which classes, enrollments and users are read, rosters.zip. Empty: none, the "
        "LMS's SIS ids stand for students.",
    ),
    Option("category", "Assignments", "Title of the category of line items made here."),
    Option("flags", "", "Flags that it keeps, of late,missing,incomplete,inProgress. Empty: none."),
    Option("decimals", "4", "Decimal places that the SIS keeps of a score."),
    Option("title_limit", "255", "Longest title of a line item."),
    Option("whole_maximum", "no", "Line items need a whole number as maximum.", ("no", "yes")),
    Option("over_max", "no", "Scores above the line item's maximum are taken (extra credit).", ("no", "yes")),
    Option(
        "exempt",
        "",
        "1.1 requires a score on every result: zero sends an excused one with 0, and only a SIS that heeds “exempt” reads it "
        "rightly. Empty: excused is refused in 1.1; 1.2 needs no score.",
        ("", "zero"),
    ),
    Option("students", "10000", "Most results of one zip."),
    Option("grades", "final", "Without a folder: the totals that are sent, apart by commas: final, midterm."),
    Option("school", "", "Without a roster: sourcedId of the school, which 1.2 wants of a line item."),
    Option(
        "session", "", "Without a roster: sourcedId of the grading period, which 1.1 wants of a line item."
    ),
    Option("system", "GradeSync", "source.systemName of the manifest."),
)
# host, IPv6 in brackets; port; folder
SFTP: Final = re.compile(
    r"(?:sftp://)?(?P<host>\[[0-9A-Fa-f:]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?(?P<folder>/.*)?"
)
FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
FILE_NAME: Final = re.compile(r"[\w][\w. -]*\.zip", re.ASCII)


@dataclass(frozen=True, slots=True)
class Config:
    version: str
    mode: Mode
    roster: str
    category: str
    flags: frozenset[str]
    decimals: int
    title_limit: int
    whole_maximum: bool
    over_max: bool
    exempt: bool
    rows: int
    grades: tuple[str, ...]
    school: str
    session: str
    system: str
    place: Place | None = field(repr=False, default=None)

    def profile(self) -> sis.Profile:
        return sis.Profile(
            decimals=self.decimals,
            flags=self.flags,
            texts=self.version != "1.1",
            over_max=self.over_max,
            whole_maximum=self.whole_maximum,
            title_limit=self.title_limit,
            read_back=False,
            idempotent=True,
            create_line_items=self.place is not None,
            roster=bool(self.roster),
            kinds=frozenset({"assignment", "course_total"} if self.place else {"course_total"}),
            exempt=self.exempt,
            comments=True,
            asynchronous=True,
            extra={"category": self.category},
        )


def read(settings: Settings) -> Config:
    """Raises Misconfigured, naming the option, for what makes no sense."""
    options = {one.name: settings.options.get(one.name, "").strip() or one.default for one in OPTIONS}
    version = _choice(options, "version")
    mode: Literal["bulk", "delta"] = "bulk" if _choice(options, "mode") == "bulk" else "delta"
    place = _place(options, settings)
    _check(options, place)
    return Config(
        version=version,
        mode=mode,
        roster=options["roster"],
        category=options["category"],
        flags=_flags(options, version),
        decimals=_number(options, "decimals", 0, 12),
        title_limit=_number(options, "title_limit", 5, 10_000),
        whole_maximum=_choice(options, "whole_maximum") == "yes",
        over_max=_choice(options, "over_max") == "yes",
        exempt=version != "1.1" or _choice(options, "exempt") == "zero",
        rows=_number(options, "students", 1, 100_000),
        grades=tuple(sorted(codes_of(options["grades"]))),
        school=options["school"],
        session=options["session"],
        system=options["system"],
        place=place,
    )


def _check(options: Mapping[str, str], place: Place | None) -> None:
    if place is None:
        if options["mode"] == "bulk":
            raise _wrong("mode", "bulk needs a folder or an SFTP server, where all that was sent is kept")
        if options["roster"]:
            raise _wrong("roster", "there is neither a folder nor an SFTP server to read it from")
        if options["version"] == "1.2" and not options["school"]:
            raise _wrong("school", "OneRoster 1.2 wants the school of every line item")
        if options["version"] == "1.1" and not options["session"]:
            raise _wrong("session", "OneRoster 1.1 wants the grading period of every line item")
        if not codes_of(options["grades"]):
            raise _wrong("grades", "no grade is named")
    if options["roster"] and not FILE_NAME.fullmatch(options["roster"]):
        raise _wrong("roster", "it must be the plain name of a zip, without folders")


def _place(options: Mapping[str, str], settings: Settings) -> Place | None:
    if options["sftp"] and options["folder"]:
        raise _wrong("folder", "it stands beside “sftp”, and only one of them can be meant")
    if options["folder"]:
        return Folder(options["folder"])
    return _sftp(options, settings) if options["sftp"] else None


def _sftp(options: Mapping[str, str], settings: Settings) -> Sftp:
    found = SFTP.fullmatch(options["sftp"])
    if found is None or not 0 < int(found["port"] or 22) < 65_536:
        raise _wrong("sftp", "it must be host/folder or host:port/folder")
    keys = frozenset(one.rstrip("=") for one in codes_of(options["host_key"]))
    if not keys or not all(map(FINGERPRINT.fullmatch, keys)):
        raise _wrong(
            "host_key", "it must name the server's keys as SHA256:… (ssh-keyscan HOST | ssh-keygen -lf -)"
        )
    if not settings.client_id or not settings.secret:
        raise Misconfigured(
            "SFTP needs a user name (client id) and a password or private key (secret).", "secret_missing"
        )
    return Sftp(
        found["host"].strip("[]"),
        int(found["port"] or 22),
        # host/folder is a folder of the account's own; host//folder one from the root
        (found["folder"] or "")[1:],
        settings.client_id,
        settings.secret,
        keys,
    )


def _flags(options: Mapping[str, str], version: str) -> frozenset[str]:
    flags = codes_of(options["flags"])
    if flags - set(sis.FLAGS):
        raise _wrong("flags", f"they must be of {', '.join(sis.FLAGS)}")
    if flags and version == "1.1":
        raise _wrong("flags", "OneRoster 1.1 has none")
    return flags


def _choice(options: Mapping[str, str], name: str) -> str:
    choices = next(one.choices for one in OPTIONS if one.name == name)
    if options[name] not in choices:
        raise _wrong(name, f"it must be one of {', '.join(filter(None, choices))}")
    return options[name]


def _number(options: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = options[name]
    if not text.isdecimal() or not least <= int(text[:9]) <= most:
        raise _wrong(name, f"it must be a whole number from {least} to {most}")
    return int(text)


def _wrong(name: str, why: str) -> Misconfigured:
    text = f"The option “{name}” of the connection cannot be used: {why}. An administrator must correct it."
    return Misconfigured(text, "option_unusable")
