"""What both seams tell an administrator: an adapter's options, and what a connection check found."""

from __future__ import annotations

from dataclasses import dataclass


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
