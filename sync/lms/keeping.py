"""A gradebook as bytes and back, digit for digit: what a reader that reads on (`Lms.read_since`) starts from. Pure.

One JSON line for the course and how its rows are made, then one for each row, compressed: neither writing nor reading
needs more memory than the records themselves. Whatever of the records is new or gone since it was written makes it
unreadable, so that the next read is a whole one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from sync.lms import records as lms

FORMAT: Final = 1
CHUNK: Final = 16_384
TABLES: Final[Mapping[str, type[Any]]] = {
    "members": lms.Member,
    "line_items": lms.LineItem,
    "results": lms.Result,
    "sections": lms.Section,
    "categories": lms.Category,
    "periods": lms.GradingPeriod,
}
Decode = Callable[[Any], Any]


class Unreadable(ValueError):
    """It was written by another release, or is damaged."""


def dump(gradebook: lms.Gradebook) -> bytes:
    deflater = zlib.compressobj()
    parts = [deflater.compress(line.encode() + b"\n") for line in _lines(gradebook)]
    return b"".join([*parts, deflater.flush()])


def load(content: bytes) -> lms.Gradebook:
    """Raises Unreadable."""
    try:
        return _gradebook(json.loads(line) for line in _inflated(content))
    except (
        zlib.error,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        StopIteration,
    ) as error:
        raise Unreadable from error


# --- to bytes -------------------------------------------------------------------------------------


def _lines(gradebook: lms.Gradebook) -> Iterator[str]:
    tables = {name: _columns(kind, getattr(gradebook, name)) for name, kind in TABLES.items()}
    yield _json(
        {
            "format": FORMAT,
            "records": _shape(),
            "tables": {name: [made, len(getattr(gradebook, name))] for name, made in tables.items()},
            "schemes": [[name, _plain(scheme)] for name, scheme in gradebook.schemes.items()],
            "state": _plain(gradebook.state),
            "complete": gradebook.complete,
            "warnings": list(gradebook.warnings),
            "mark": gradebook.mark,
        }
    )
    for name, columns in tables.items():
        for row in getattr(gradebook, name):
            yield _json([_plain(getattr(row, column)) for column in columns])


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return [_plain(getattr(value, one.name)) for one in fields(value)]
    return value


def _columns(kind: type[Any], rows: Iterable[Any]) -> list[str]:
    """Those in which some row says something; the others hold the field's default in all of them."""
    silent = {one.name: one.default for one in fields(kind) if one.default is not MISSING}
    for row in rows:
        for column in [name for name, usual in silent.items() if getattr(row, name) != usual]:
            del silent[column]
    return [one.name for one in fields(kind) if one.name not in silent]


# --- from bytes -----------------------------------------------------------------------------------


def _inflated(content: bytes) -> Iterator[bytes]:
    inflater, rest = zlib.decompressobj(), b""
    for first in range(0, len(content), CHUNK):
        rest += inflater.decompress(content[first : first + CHUNK])
        *whole, rest = rest.split(b"\n")
        yield from whole
    if rest or not inflater.eof:
        raise Unreadable


def _gradebook(lines: Iterator[Any]) -> lms.Gradebook:
    head = next(lines)
    if head["format"] != FORMAT or head["records"] != _shape():
        raise Unreadable
    shapes = [(name, kind, *head["tables"][name]) for name, kind in TABLES.items()]
    tables = {name: _rows(kind, columns, count, lines) for name, kind, columns, count in shapes}
    if next(lines, None) is not None:
        raise Unreadable
    row_of = _decoder(lms.GradeScheme)
    return lms.Gradebook(
        **tables,
        schemes={str(name): row_of(scheme) for name, scheme in head["schemes"]},
        state=_decoder(lms.CourseState)(head["state"]),
        complete=bool(head["complete"]),
        warnings=tuple(str(one) for one in head["warnings"]),
        mark=str(head["mark"]),
    )


def _rows(kind: type[Any], columns: list[str], count: int, lines: Iterator[Any]) -> tuple[Any, ...]:
    """Texts and numbers that come often are one object in memory, as they are where rows are read from an LMS."""
    hints, known = get_type_hints(kind), dict[tuple[str, object], Any]()
    decoders = [(name, _decoder(hints[name])) for name in columns]

    def decoded(name: str, decode: Decode, value: Any) -> Any:
        if isinstance(value, list):
            return decode(value)
        if (name, value) not in known:
            known[name, value] = decode(value)
        return known[name, value]

    def row(values: list[Any]) -> Any:
        return kind(
            **{
                name: decoded(name, decode, value)
                for (name, decode), value in zip(decoders, values, strict=True)
            }
        )

    return tuple(row(next(lines)) for _ in range(count))


@cache
def _decoder(hint: Any) -> Decode:
    """The inverse of `_plain` for a field that is declared so."""
    if hint is Decimal:
        return Decimal
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    if get_origin(hint) is tuple:
        return _all_of(_decoder(get_args(hint)[0]))
    if NoneType in get_args(hint):
        (other,) = [one for one in get_args(hint) if one is not NoneType]
        return _unless_none(_decoder(other))
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _all_of(decode: Decode) -> Decode:
    return lambda values: tuple(decode(one) for one in values)


def _unless_none(decode: Decode) -> Decode:
    return lambda value: None if value is None else decode(value)


def _record(kind: type[Any]) -> Decode:
    decoders = [_decoder(hint) for hint in _hints(kind)]
    return lambda values: kind(
        *(decode(one) for decode, one in zip(decoders, values, strict=True)),
    )


def _hints(kind: type[Any]) -> list[Any]:
    known = get_type_hints(kind)
    return [known[one.name] for one in fields(kind)]


@cache
def _shape() -> str:
    """The records as they are declared: what was written under another declaration is not read."""
    kinds = [*TABLES.values(), lms.GradeScheme, lms.SchemeEntry, lms.CourseState, lms.Gradebook]
    texts = [f"{kind.__name__}.{one.name}:{one.type}" for kind in kinds for one in fields(kind)]
    return f"{zlib.crc32(' '.join(texts).encode()):08x}"
