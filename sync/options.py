"""What both seams tell an administrator: an adapter's options, and what a connection check found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an adapter, as `connect_sis --describe` and the admin show it."""

    name: str
    default: str
    meaning: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection check: what was tried, whether it works, and what to do about it, by whom."""

    title: str
    ok: bool
    text: str = ""


def whole_number(known: Iterable[Option], stated: Mapping[str, str], name: str, least: int, most: int) -> int:
    """An option that is a whole number, or its default. Raises Misconfigured (`option_unusable`)."""
    default = next(one.default for one in known if one.name == name)
    text = (stated.get(name) or default).strip()
    # a number of a million digits would take its time
    if text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise Misconfigured(
        f"The option “{name}” of the connection must be a whole number from {least} to {most}. An administrator must "
        "correct it.",
        "option_unusable",
    )
