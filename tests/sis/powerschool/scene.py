"""Short words for the tests: a class, its keys, one push, and what the server holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sync.sis import records as sis
from sync.sis.powerschool import PowerSchool
from tests.sandbox_servers import Server

NONE: frozenset[sis.Value | None] = frozenset({None})
SEVEN, NINE = sis.Value(Decimal(7)), sis.Value(Decimal(9))


def class_of(server: Server) -> str:
    return str(server.hello["sections"]["ALG1-P3"])


def keys_of(server: Server, students: int = 1) -> list[sis.Key]:
    """Of the class's first assignment."""
    class_id, state = class_of(server), server.state
    parts = [part for one in state["assignments"].values() for part in one["_assignmentsections"]]
    item = next(one["assignmentsectionid"] for one in parts if str(one["sectionsdcid"]) == class_id)
    rows = [one for one in state["enrolments"].values() if str(one["section_id"]) == class_id]
    return [sis.Key("1", class_id, str(item), str(one["student_id"])) for one in rows[:students]]


def key_of(server: Server) -> sis.Key:
    return keys_of(server)[0]


def push_all(
    of: PowerSchool, keys: list[sis.Key], value: sis.Value | None = SEVEN
) -> dict[sis.Key, sis.Outcome]:
    return {
        one.key: outcome for one, outcome in of.push([sis.Change(key, None, value, NONE) for key in keys])
    }


def pushed(
    of: PowerSchool,
    key: sis.Key,
    value: sis.Value | None = SEVEN,
    expected: frozenset[sis.Value | None] = NONE,
    result_id: str = "",
) -> sis.Outcome:
    before = next((one for one in expected if one is not None), None)
    change = sis.Change(key, before, value, expected, result_id=result_id, new_id="derived")
    return next(outcome for _, outcome in of.push([change]))


def stored(server: Server) -> list[object]:
    return [one["scorepoints"] for one in server.state["scores"].values()]


def edit(server: Server, key: sis.Key, **fields: object) -> None:
    """As a teacher does it in PowerTeacher Pro."""
    server.control("result", assignmentsection=int(key.line_item_id), student=key.student_id, **fields)


def part_of(server: Server, column_id: str) -> dict[str, object]:
    parts = [part for one in server.state["assignments"].values() for part in one["_assignmentsections"]]
    found: dict[str, object] = next(one for one in parts if str(one["assignmentsectionid"]) == column_id)
    return found


def new_item(in_class: str, **fields: Any) -> sis.NewLineItem:
    day = datetime(2026, 2, 20, 12, tzinfo=UTC)
    plain = sis.NewLineItem("ours", "Unit 3", in_class, "", "Test", day, day, maximum=Decimal(12))
    return replace(plain, **fields)


def titles(server: Server) -> list[object]:
    return [
        part["name"] for one in server.state["assignments"].values() for part in one["_assignmentsections"]
    ]
