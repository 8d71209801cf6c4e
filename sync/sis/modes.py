"""What an administrator writes on modes of evaluation and on codes, as values: shared by adapters of registrars' SISs."""

from __future__ import annotations

from typing import Final

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis

RULES: Final = ("send", "convert", "hold")
MODES: Final = Option(
    "modes",
    "",
    "What becomes of the LMS's letter, by the student's mode of evaluation; modes apart by semicolons: “Letter=send; "
    "Pass/No Pass=convert A:P, B:P, C:P, D:NP, F:NP; Audit=hold”. A mode that is not named: send.",
)
OWN_CODES: Final = Option(
    "own_codes",
    "W, AU, TR, RD",
    "The registrar's own codes, apart by commas: never sent by this tool, and never written over.",
)
ATTENDANCE: Final = Option(
    "needs_attendance",
    "",
    "Grades that want a last date of attendance, apart by commas, where the SIS does not say it itself (F, NP).",
)
LAPSE: Final = Option(
    "needs_lapse",
    "",
    "Grades that want the grade they lapse to and a date, apart by commas, where the SIS does not say it itself (I).",
)


def codes_of(text: str) -> frozenset[str]:
    return frozenset(code for part in text.split(",") if (code := part.strip()))


def modes_of(text: str) -> dict[str, sis.ModeRule]:
    """By mode in lower case. Raises Misconfigured for what cannot be read."""
    found = {}
    for part in (one.strip() for one in text.split(";")):
        if part:
            mode, equals, rule = part.partition("=")
            if not equals or not mode.strip():
                raise _unreadable(part)
            found[mode.strip().casefold()] = _rule(rule.strip(), part)
    return found


def _rule(text: str, part: str) -> sis.ModeRule:
    name, _, pairs = text.partition(" ")
    if name == "send" and not pairs:
        return sis.ModeRule("send")
    if name == "hold" and not pairs:
        return sis.ModeRule("hold")
    if name != "convert" or not pairs.strip():
        raise _unreadable(part)
    return sis.ModeRule("convert", dict(_pair(one, part) for one in pairs.split(",")))


def _pair(text: str, part: str) -> tuple[str, str]:
    letter, colon, code = text.partition(":")
    if not colon or not letter.strip() or not code.strip():
        raise _unreadable(part)
    return letter.strip(), code.strip()


def _unreadable(part: str) -> Misconfigured:
    text = (
        f"The connection's option “modes” cannot be read at “{part}”. An administrator must write it as: Letter=send; "
        "Pass/No Pass=convert A:P, F:NP; Audit=hold."
    )
    return Misconfigured(text, "modes_unreadable")
