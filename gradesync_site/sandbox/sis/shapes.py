"""What OneRoster Gradebook 1.2 lets into a body: one table per object, checked field by field.

Strict is the standard to the letter: no extra properties, whole references, flags as strings, a plain date in
scoreDate. Lenient is what the market sends: sparse references, date-times, no status, booleans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any, bool], str]
"""(value, lenient) -> what is wrong with it, or nothing."""

SCORE_STATUSES = ("exempt", "fully graded", "not submitted", "partially graded", "submitted")
EXTENSION = re.compile(r"(ext:)[a-zA-Z0-9.\-_]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Shape:
    """One object: its fields, which of them must be there, and which refer to which collection."""

    fields: Mapping[str, Check]
    required: frozenset[str]
    refs: Mapping[str, str] = field(default_factory=dict)

    def complaints(self, body: Any, lenient: bool) -> list[str]:
        if not isinstance(body, Mapping):
            return ["is not an object"]
        needed = self.required - LENIENT_OPTIONAL if lenient else self.required
        found = [f"{name} is required" for name in sorted(needed - body.keys())]
        for name, value in body.items():
            check = self.fields.get(name)
            if check is None:
                found += [] if lenient else [f"{name} is no property of it"]
            elif wrong := check(value, lenient):
                found.append(f"{name} {wrong}")
        return found


LENIENT_OPTIONAL = frozenset({"status", "dateLastModified", "scoreDate", "sourcedId"})


def text(value: Any, lenient: bool) -> str:
    return "" if isinstance(value, str) else "is not a string"


def number(value: Any, lenient: bool) -> str:
    return "" if isinstance(value, int | Decimal) and not isinstance(value, bool) else "is not a number"


def mapping(value: Any, lenient: bool) -> str:
    return "" if isinstance(value, Mapping) else "is not an object"


def flag(value: Any, lenient: bool) -> str:
    if value in ("true", "false") or (lenient and isinstance(value, bool)):
        return ""
    return 'is neither "true" nor "false" (a string)'


def status(value: Any, lenient: bool) -> str:
    return "" if value in ("active", "tobedeleted") else "is neither active nor tobedeleted"


def score_status(value: Any, lenient: bool) -> str:
    good = isinstance(value, str) and (value in SCORE_STATUSES or EXTENSION.search(value))
    return "" if good else f"is none of {', '.join(SCORE_STATUSES)}"


def day(value: Any, lenient: bool) -> str:
    if lenient and not moment(value, lenient):
        return ""
    return "" if _parses(value, DATE, date.fromisoformat) else "is not a date (YYYY-MM-DD)"


def moment(value: Any, lenient: bool) -> str:
    if _parses(value, DATE_TIME, datetime.fromisoformat):
        return ""
    if lenient and _parses(value, DATE, date.fromisoformat):
        return ""
    return "is not a date-time with its time zone"


def _parses(value: Any, pattern: re.Pattern[str], parse: Callable[[str], object]) -> bool:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True


def ref(kind: str) -> Check:
    """A reference: href, sourcedId and the slot's constant type. Lenient takes the sourcedId alone."""

    def check(value: Any, lenient: bool) -> str:
        if not isinstance(value, Mapping) or not isinstance(value.get("sourcedId"), str):
            return "is no reference with a sourcedId"
        if lenient:
            return ""
        if value.keys() != {"href", "sourcedId", "type"}:
            return "must have href, sourcedId and type, and nothing else"
        if value["type"] != kind:
            return f"must have the type {kind}"
        address = urlsplit(value["href"]) if isinstance(value["href"], str) else None
        return "" if address and address.scheme and address.netloc else "has no URI in href"

    return check


def list_of(shape: Shape, least: int = 0) -> Check:
    def check(value: Any, lenient: bool) -> str:
        if not isinstance(value, list) or len(value) < least:
            return f"is not a list of at least {least}"
        wrong = [complaint for one in value for complaint in shape.complaints(one, lenient)]
        return f"has an entry whose {wrong[0]}" if wrong else ""

    return check


def texts(value: Any, lenient: bool) -> str:
    good = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    return "" if good else "is not a list of strings"


def _shape(required: str, refs: Mapping[str, str] | None = None, **fields: Check) -> Shape:
    common: dict[str, Check] = {
        "sourcedId": text,
        "status": status,
        "dateLastModified": moment,
        "metadata": mapping,
    }
    slots = {name: ref(REF_TYPES[target]) for name, target in (refs or {}).items()}
    needed = frozenset({"sourcedId", "status", "dateLastModified", *required.split()})
    return Shape(common | fields | slots, needed, refs or {})


REF_TYPES = {
    "users": "user",
    "classes": "class",
    "orgs": "org",
    "courses": "course",
    "academicSessions": "academicSession",
    "categories": "category",
    "lineItems": "lineItem",
    "scoreScales": "scoreScale",
    "assessmentLineItems": "assessmentLineItem",
}

_OBJECTIVE_RESULT = Shape(
    {"learningObjectiveId": text, "score": number, "textScore": text}, frozenset({"learningObjectiveId"})
)
_OBJECTIVE_RESULTS = Shape(
    {"source": text, "learningObjectiveResults": list_of(_OBJECTIVE_RESULT, 1)},
    frozenset({"source", "learningObjectiveResults"}),
)
_OBJECTIVES = Shape(
    {"source": text, "learningObjectiveIds": texts}, frozenset({"source", "learningObjectiveIds"})
)
_SCALE_VALUE = Shape(
    {"itemValueLHS": text, "itemValueRHS": text}, frozenset({"itemValueLHS", "itemValueRHS"})
)
_GRADE: dict[str, Check] = {
    "scoreStatus": score_status,
    "score": number,
    "textScore": text,
    "scoreDate": day,
    "comment": text,
    "learningObjectiveSet": list_of(_OBJECTIVE_RESULTS),
    "inProgress": flag,
    "incomplete": flag,
    "late": flag,
    "missing": flag,
}
_RANGE: dict[str, Check] = {
    "resultValueMin": number,
    "resultValueMax": number,
    "learningObjectiveSet": list_of(_OBJECTIVES),
}

SHAPES: dict[str, Shape] = {
    "results": _shape(
        "lineItem student scoreStatus scoreDate",
        {"lineItem": "lineItems", "student": "users", "class": "classes", "scoreScale": "scoreScales"},
        **_GRADE,
    ),
    "lineItems": _shape(
        "title assignDate dueDate class school category",
        {
            "class": "classes",
            "school": "orgs",
            "category": "categories",
            "gradingPeriod": "academicSessions",
            "academicSession": "academicSessions",
            "scoreScale": "scoreScales",
        },
        title=text,
        description=text,
        assignDate=moment,
        dueDate=moment,
        **_RANGE,
    ),
    "categories": _shape("title", title=text, weight=number),
    "scoreScales": _shape(
        "title type class scoreScaleValue",
        {"class": "classes", "course": "courses"},
        title=text,
        type=text,
        scoreScaleValue=list_of(_SCALE_VALUE, 1),
    ),
    "assessmentLineItems": _shape(
        "title",
        {
            "class": "classes",
            "parentAssessmentLineItem": "assessmentLineItems",
            "scoreScale": "scoreScales",
        },
        title=text,
        description=text,
        **_RANGE,
    ),
    "assessmentResults": _shape(
        "assessmentLineItem student scoreStatus scoreDate",
        {"assessmentLineItem": "assessmentLineItems", "student": "users", "scoreScale": "scoreScales"},
        **_GRADE,
        scorePercentile=number,
    ),
}

SHAPES_V11: dict[str, Shape] = {
    "results": _shape(
        "lineItem student scoreStatus score scoreDate",
        {"lineItem": "lineItems", "student": "users"},
        scoreStatus=score_status,
        score=number,
        scoreDate=day,
        comment=text,
    ),
    "lineItems": _shape(
        "title assignDate dueDate class category gradingPeriod resultValueMin resultValueMax",
        {"class": "classes", "category": "categories", "gradingPeriod": "academicSessions"},
        title=text,
        description=text,
        assignDate=moment,
        dueDate=moment,
        resultValueMin=number,
        resultValueMax=number,
    ),
    "categories": _shape("title", title=text),
}
