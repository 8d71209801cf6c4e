"""The tables of the pretend PowerSchool, their filters, and what the plugin was granted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# the file that a district installs: what it does not ask for is not granted here
PLUGIN = Path(__file__).resolve().parents[4] / "sync" / "sis" / "powerschool" / "plugin.xml"
GRANT = re.compile(r'<field table="(\w+)" field="(\w+)" access="(\w+)"/>')
TERM = re.compile(r"(\w+)==([\w.-]+)", re.ASCII)


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
    """FIQL as far as it is used here: "a==1;b==2", all of which must hold."""
    return all(
        found is not None and str(row.get(found[1])) == found[2]
        for found in map(TERM.fullmatch, filter(None, query.split(";")))
    )


def fields_of(query: str) -> list[str]:
    return [found[1] for found in map(TERM.fullmatch, query.split(";")) if found]


def as_table(row: Mapping[str, Any], fields: Iterable[str]) -> Json:
    """A row as tables show it: everything as text, flags as 0 and 1, and nothing of what is empty."""
    return {name: _text(row[name]) for name in fields if row.get(name) is not None}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
