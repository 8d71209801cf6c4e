"""Reading one row of Ethos: references by GUID, lists, days. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Row = Mapping[str, Any]


def reference(row: Row, *names: str) -> str:
    """The GUID that a row points to by these names: `{"section": {"id": …}}`; "" where it points nowhere."""
    found: Any = row
    for name in (*names, "id"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return str(found).lower() if found else ""


def day_of(stated: object) -> date | None:
    try:
        return date.fromisoformat(str(stated)[:10])
    except ValueError:
        return None


def rows_in(row: Row, name: str) -> list[Row]:
    found = row.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def part(row: Row, name: str) -> Row | None:
    """An object inside a row; None where there is none."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else None
