"""Short words for the tests: a class, its keys, one push, and what the server holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sync.sis import records as sis
from sync.sis.aeries import Aeries
from tests.sandbox_servers import Server

NONE: frozenset[sis.Value | None] = frozenset({None})
SEVEN, NINE = sis.Value(Decimal(7)), sis.Value(Decimal(9))


def class_of(server: Server) -> str:
    return str(server.hello["sections"]["ALG1-P3"])


def book_of(server: Server) -> dict[str, Any]:
    """The class's gradebook."""
    section = int(class_of(server).partition("-")[2])
    books = server.state["gradebooks"].values()
    return next(one for one in books if one["Sections"][0]["SectionNumber"] == section)


def keys_of(server: Server, students: int = 1) -> list[sis.Key]:
    """Of the class's first assignment."""
    class_id, book = class_of(server), book_of(server)
    rows = server.state["assignments"].items()
    item = next(key for key, one in rows if one["GradebookNumber"] == book["GradebookNumber"])
    return [sis.Key("1", class_id, item, student) for student in book["students"][:students]]


def key_of(server: Server) -> sis.Key:
    return keys_of(server)[0]


def push_all(of: Aeries, keys: list[sis.Key], value: sis.Value | None = SEVEN) -> dict[sis.Key, sis.Outcome]:
    return {
        one.key: outcome for one, outcome in of.push([sis.Change(key, None, value, NONE) for key in keys])
    }


def pushed(
    of: Aeries,
    key: sis.Key,
    value: sis.Value | None = SEVEN,
    expected: frozenset[sis.Value | None] = NONE,
    result_id: str = "",
) -> sis.Outcome:
    before = next((one for one in expected if one is not None), None)
    change = sis.Change(key, before, value, expected, result_id=result_id, new_id="derived")
    return next(outcome for _, outcome in of.push([change]))


def stored(server: Server) -> list[Decimal]:
    return [one["NumberCorrect"] for one in server.state["scores"].values()]


def edit(server: Server, key: sis.Key, mark: str, score: int = 0) -> None:
    """As a teacher does it in Aeries."""
    server.control("result", assignment=key.line_item_id, student=key.student_id, mark=mark, score=score)


def score_posts(server: Server) -> list[dict[str, Any]]:
    return [one for one in server.journal if one["method"] == "POST" and one["path"].endswith("/Scores")]


def new_item(in_class: str, **fields: Any) -> sis.NewLineItem:
    day = datetime(2026, 2, 20, 12, tzinfo=UTC)
    plain = sis.NewLineItem("our-id", "Unit 3", in_class, "", "Test", day, day, maximum=Decimal(12))
    return replace(plain, **fields)
