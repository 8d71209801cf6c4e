"""A gradebook that was put away and taken out again is the same, to the last digit, or it is not taken out at all."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.lms import keeping
from sync.lms import records as lms
from sync.lms.keeping import Unreadable, dump, load

texts = st.text(max_size=8)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=None) | st.sampled_from(
    [Decimal("9.2570"), Decimal("0E-10"), Decimal("-0"), Decimal("1E+3")]
)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(fold=0))
SPECIAL = {Decimal: numbers, datetime: moments}


def records(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any record of this kind that its declaration allows."""
    return st.builds(kind, **{name: _of(hint) for name, hint in _hints(kind).items()})


def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in SPECIAL:
        return SPECIAL[hint]
    if get_origin(hint) is tuple:
        return st.lists(_of(get_args(hint)[0]), max_size=3).map(tuple)
    if NoneType in get_args(hint):
        return st.none() | _of(next(one for one in get_args(hint) if one is not NoneType))
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return records(hint)
    return st.from_type(hint)


def tuples(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.lists(records(kind), max_size=4).map(tuple)


gradebooks = st.builds(
    lms.Gradebook,
    **{name: tuples(kind) for name, kind in keeping.TABLES.items()},
    schemes=st.dictionaries(texts, records(lms.GradeScheme), max_size=2),
    complete=st.booleans(),
    warnings=st.lists(texts, max_size=2).map(tuple),
    state=records(lms.CourseState),
    mark=texts,
)


@given(gradebooks)
@settings(max_examples=150, deadline=None)
def test_whatever_is_put_away_comes_back_digit_for_digit(book: lms.Gradebook) -> None:
    found = load(dump(book))
    assert found == book
    assert repr(found) == repr(book), "equal numbers may be written in two ways: 9.25 and 9.250"


def test_all_of_a_gradebook_is_put_away() -> None:
    apart = {"schemes", "state", "complete", "warnings", "mark"}
    assert {one.name for one in fields(lms.Gradebook)} == keeping.TABLES.keys() | apart


def test_ones_and_trues_are_told_apart() -> None:
    items = (
        lms.LineItem("a", "A", position=1, published=True),
        lms.LineItem("b", "B", position=0, omitted=True),
    )
    book = replace(EMPTY, line_items=items)
    assert [type(one.position) for one in load(dump(book)).line_items] == [int, int]
    assert [one.published for one in load(dump(book)).line_items] == [True, True]


EMPTY = lms.Gradebook((), (), ())


def large(students: int, items: int) -> lms.Gradebook:
    return lms.Gradebook(
        tuple(lms.Member(f"user-{number:06}", sis_id=str(number), name="Zoë") for number in range(students)),
        tuple(lms.LineItem(f"item-{number}", "Essay", Decimal(100)) for number in range(items)),
        tuple(
            lms.Result(
                f"user-{user:06}", f"item-{item}", lms.Status.GRADED, Decimal(f"{(user + item) % 101}.25")
            )
            for user in range(students)
            for item in range(items)
        ),
    )


def test_a_large_course_is_small_when_put_away_and_takes_little_to_take_out() -> None:
    book = large(500, 40)
    content = dump(book)
    assert len(content) < 400_000
    tracemalloc.start()
    found = load(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == book
    assert peak < 20_000_000


# --- what is not taken out ------------------------------------------------------------------------


def opened(content: bytes) -> list[Any]:
    return [json.loads(line) for line in zlib.decompress(content).splitlines()]


def closed(lines: list[Any]) -> bytes:
    return zlib.compress(b"".join(json.dumps(one).encode() + b"\n" for one in lines))


GOOD = dump(large(2, 1))


def broken(change: Any) -> bytes:
    lines = opened(GOOD)
    change(lines)
    return closed(lines)


def test_the_tools_of_these_tests_open_and_close_it() -> None:
    assert load(closed(opened(GOOD))) == large(2, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no such thing",
        GOOD[:-5],
        zlib.compress(b""),
        zlib.compress(b"[]\n"),
        zlib.compress(b'{"format": 1}\n'),
        zlib.compress(b"\xff\n"),
        zlib.compress(b'{"format"'),
        broken(lambda lines: lines.pop()),
        broken(lambda lines: lines.append(["more"])),
        broken(lambda lines: lines[0].update(format=2)),
        broken(lambda lines: lines[0].update(records="00000000")),
        broken(lambda lines: lines[0]["tables"].pop("periods")),
        broken(lambda lines: lines[0]["tables"]["members"][0].append("nickname")),
        broken(lambda lines: lines[-1].pop()),
        broken(lambda lines: lines.__setitem__(-1, None)),
        broken(lambda lines: lines[-1].__setitem__(3, "much")),
        broken(lambda lines: lines[-1].__setitem__(2, "awarded")),
    ],
    ids=lambda content: f"{zlib.crc32(content):08x}",
)
def test_what_is_damaged_or_of_another_release_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        load(content)


def test_a_record_that_gained_a_field_makes_what_was_put_away_before_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeping._shape.cache_clear()
    before = keeping._shape()
    monkeypatch.setitem(lms.Member.__dataclass_fields__, "pronoun", lms.Member.__dataclass_fields__["name"])
    keeping._shape.cache_clear()
    after = keeping._shape()
    monkeypatch.undo()
    keeping._shape.cache_clear()
    assert before != after
