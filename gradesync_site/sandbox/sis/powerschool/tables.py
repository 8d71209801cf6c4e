"""The tables of the pretend PowerSchool, their filters, and what the plugin was granted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sync.sis import powerschool

Json = dict[str, Any]
PLUGIN = Path(powerschool.__file__).parent / "plugin.xml"
GRANT = re.compile(r'<field table="(\w+)" field="(\w+)" access="(\w+)"/>')
TERM = re.compile(r"(\w+)(==|=ge=|=le=)([\w.-]+)", re.ASCII)


def grants() -> dict[str, str]:
    """What the plugin that we hand out asks for: "table.field" to its access."""
    return {f"{t}.{f}".lower(): access for t, f, access in GRANT.findall(PLUGIN.read_text())}


def rows_of(state: Json, name: str) -> list[tuple[Any, Json]] | None:
    """(record id, row) of a table that there is."""
    views: Mapping[str, Callable[[], Iterable[tuple[Any, Json]]]] = {
        "sections": lambda: (
            (
                one["dcid"],
                {key: one[key] for key in ("dcid", "id", "termid", "teacher", "section_number")},
            )
            for one in state["sections"].values()
        ),
        "sectionteacher": lambda: enumerate(state["sectionteacher"], 1),
        "schoolstaff": lambda: ((one["dcid"], one) for one in state["staff"].values()),
        "users": lambda: ((one["dcid"], one) for one in state["users"].values()),
        "assignmentscore": lambda: ((one["assignmentscoreid"], one) for one in state["scores"].values()),
    }
    return list(views[name]()) if name in views else None


def fits(row: Mapping[str, Any], query: str) -> bool:
    """FIQL as far as it is used here: terms of ==, =ge= and =le=, all of which must hold."""
    return all(_holds(row, term) for term in query.split(";") if term)


def fields_of(query: str) -> list[str]:
    return [TERM.fullmatch(term)[1] for term in query.split(";") if TERM.fullmatch(term)]  # type: ignore[index]  # it matched


def _holds(row: Mapping[str, Any], term: str) -> bool:
    found = TERM.fullmatch(term)
    if found is None:
        return False
    name, sign, wanted = found.groups()
    value = row.get(name)
    if sign == "==":
        return str(value) == wanted
    number, limit = int(str(value)), int(wanted)
    return number >= limit if sign == "=ge=" else number <= limit


def as_table(row: Mapping[str, Any], fields: Iterable[str]) -> Json:
    """A row as tables show it: everything as text, flags as 0 and 1, and nothing of what is empty."""
    return {name: _text(row[name]) for name in fields if row.get(name) is not None}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
