"""Learn's gradebook columns as line items.

The external grade is the column that the course reports outside Learn; a course has one. It, and what Learn computes
from other columns, are course totals here: a computed one by its own id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.lms.blackboard.people import part
from sync.lms.blackboard.schemas import GRADING_TYPES, TABULAR, UNTOLD, Schema

Row = Mapping[str, Any]

EXTERNAL: Final = lms.course_total("external")
CALCULATED, MANUAL = "Calculated", "Manual"
TOTAL_RULE: Final = (
    "The course total is Blackboard's external grade, the column that the course reports outside. Whether work without a "
    "grade counts there as zero is set in that column (“Calculate as running total”), or in the rules of the overall grade; "
    "Blackboard does not tell it."
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its line item, Learn's id, and what its grades need to be understood."""

    item: lms.LineItem
    column_id: str
    kind: str
    scale: str
    scheme: lms.GradeScheme | None
    shown: bool

    @property
    def maximum(self) -> Decimal | None:
        return self.item.maximum


def external_id(rows: Sequence[Row]) -> str:
    """The id of the external grade; empty where the course has none, or (which Learn prevents) several."""
    found = [text_of(row.get("id")) for row in rows if row.get("externalGrade") is True]
    return found[0] if len(found) == 1 else ""


def columns_of(
    rows: Sequence[Row], schemas: Mapping[str, Schema], categories: Mapping[str, str], *, totals: bool
) -> list[Column]:
    external = external_id(rows)
    found = [
        _column(row, schemas, categories, position, external) for position, row in enumerate(rows, start=1)
    ]
    return [one for one in found if totals or one.item.kind != "course_total"]


def _column(
    row: Row, schemas: Mapping[str, Schema], categories: Mapping[str, str], position: int, external: str
) -> Column:
    grading, column_id = part(row, "grading"), text_of(row.get("id"))
    kind, schema_id = text_of(grading.get("type")), text_of(grading.get("schemaId"))
    schema = schemas.get(schema_id, Schema(UNTOLD if schema_id else ""))
    maximum, _ = number(part(row, "score").get("possible"))
    category = text_of(row.get("gradebookCategoryId"))
    item = lms.LineItem(
        line_item_id=_line_item_id(column_id, kind, external),
        title=text_of(row.get("displayName")) or text_of(row.get("name")),
        maximum=maximum,
        kind="course_total" if column_id == external or kind == CALCULATED else "assignment",
        grading_type=GRADING_TYPES.get(schema.scale, "points"),
        scheme_id=schema.scheme.scheme_id if schema.scheme else "",
        due_at=instant(grading.get("due")),
        category=categories.get(category, ""),
        position=position,
        category_id=category if category in categories else "",
        omitted=row.get("includeInCalculations") is False,
    )
    shown = part(row, "availability").get("available", "Yes") == "Yes"
    return Column(item, column_id, kind, schema.scale, schema.scheme, shown)


def _line_item_id(column_id: str, kind: str, external: str) -> str:
    if column_id == external:
        return EXTERNAL
    return lms.course_total(column_id) if kind == CALCULATED else column_id


def without_scheme(columns: Collection[Column]) -> int:
    """Columns whose letters, if they show any, Learn does not tell the account."""
    return sum(one.scale in (TABULAR, UNTOLD) and one.scheme is None for one in columns)
