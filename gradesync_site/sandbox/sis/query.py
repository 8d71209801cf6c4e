"""OneRoster's list queries: filter, sort, fields, limit and offset over records that keep references as ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.sis.shapes import SHAPES
from gradesync_site.sandbox.sis.store import Json, Refusal

CLAUSE = re.compile(r"\s*([\w.]+)\s*(!=|>=|<=|=|>|<|~)\s*'([^']*)'\s*")
JOINT = re.compile(r"\s+(AND|OR)\s+")
DEFAULT_LIMIT = 100

_COMMON = ("sourcedId", "status", "dateLastModified", "metadata")
FIELDS: dict[str, frozenset[str]] = {
    name: frozenset((*_COMMON, *words.split()))
    for name, words in {
        "orgs": "name type identifier parent children",
        "academicSessions": "title startDate endDate type parent children schoolYear",
        "courses": "title schoolYear courseCode grades subjects org subjectCodes resources",
        "classes": "title classCode classType location grades subjects course school terms subjectCodes periods resources",
        "users": "userMasterIdentifier username userIds enabledUser givenName familyName middleName preferredFirstName"
        " preferredMiddleName preferredLastName pronouns roles userProfiles primaryOrg identifier email sms phone"
        " agents grades resources role orgs",
        "enrollments": "user class school role primary beginDate endDate",
        "demographics": "birthDate sex",
    }.items()
} | {name: frozenset(shape.fields) for name, shape in SHAPES.items()}


@dataclass(frozen=True)
class Page:
    rows: list[Json]
    total: int
    limit: int
    offset: int


def select(records: Sequence[Json], collection: str, args: Mapping[str, str]) -> Page:
    """One page of what the query asks for. Raises Refusal (400) on a field or form it does not know."""
    kept = [one for one in records if _matches(one, collection, args.get("filter", ""))]
    if sort := args.get("sort"):
        _known(sort, collection, "invalid_selection_field")
        kept.sort(key=lambda one: _sortable(_value(one, sort)), reverse=args.get("orderBy") == "desc")
    limit, offset = _whole(args, "limit", DEFAULT_LIMIT, 1), _whole(args, "offset", 0, 0)
    return Page(kept[offset : offset + limit], len(kept), limit, offset)


def wanted_fields(collection: str, args: Mapping[str, str]) -> list[str]:
    """The fields asked for; empty means all. Raises Refusal (400)."""
    names = [name.strip() for name in args.get("fields", "").split(",") if name.strip()]
    for name in names:
        _known(name, collection, "invalid_selection_field")
    return names


def _whole(args: Mapping[str, str], name: str, default: int, least: int) -> int:
    given = args.get(name, str(default))
    if not given.isdecimal() or int(given) < least:
        raise Refusal(400, "invaliddata", f"{name} is not a whole number of at least {least}.")
    return int(given)


def _known(name: str, collection: str, minor: str) -> None:
    if name.partition(".")[0] not in FIELDS[collection]:
        raise Refusal(400, minor, f"{name} is no field of {collection}.")


def _matches(record: Json, collection: str, text: str) -> bool:
    if not text:
        return True
    parts = JOINT.split(text)
    if len(parts) > 3:
        raise Refusal(400, "invalid_filter_field", "A filter has at most two clauses.")
    found = [_clause(record, collection, clause) for clause in parts[::2]]
    return any(found) if "OR" in parts[1:2] else all(found)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    "~": lambda a, b: str(b).lower() in str(a).lower(),
}


def _clause(record: Json, collection: str, text: str) -> bool:
    parsed = CLAUSE.fullmatch(text)
    if parsed is None:
        raise Refusal(400, "invalid_filter_field", "A clause reads field<op>'value'.")
    name, compare, wanted = parsed.groups()
    _known(name, collection, "invalid_filter_field")
    value = _value(record, name)
    if isinstance(value, list):
        return any(_COMPARE[compare](str(one), wanted) for one in value)
    if isinstance(value, int | Decimal) and re.fullmatch(r"-?\d+(\.\d+)?", wanted):
        return _COMPARE[compare](Decimal(value), Decimal(wanted))
    return _COMPARE[compare]("" if value is None else str(value), wanted)


def _value(record: Json, name: str) -> Any:
    """The field; a reference is its id, so that `class.sourcedId` and `class` are the same."""
    first, _, rest = name.partition(".")
    value = record.get(first)
    if rest and isinstance(value, list):
        return [one.get(rest) if isinstance(one, Mapping) else one for one in value]
    return value


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | Decimal):
        return (0, Decimal(value))
    return (1, "" if value is None else str(value))
