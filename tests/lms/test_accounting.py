"""What every reader does alike: one result per active student and published item, whatever the LMS sends."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.lms import records as lms
from sync.lms.base import Accounting, account, instant, is_course_student, number, text_of

GRADED, NOT_GRADED = lms.Status.GRADED, lms.Status.NOT_GRADED

users, items = st.sampled_from("abcdef"), st.sampled_from("123456")
members = st.lists(
    st.builds(
        lms.Member,
        user_id=users,
        is_student=st.booleans(),
        active=st.booleans(),
        test=st.sampled_from([False, False, True]),
    ),
    unique_by=lambda one: one.user_id,
)
line_items = st.lists(
    st.builds(
        lms.LineItem,
        line_item_id=items,
        title=st.just("Item"),
        maximum=st.sampled_from([None, Decimal(10)]),
        published=st.booleans(),
    ),
    unique_by=lambda one: one.line_item_id,
)
rows = st.lists(
    st.builds(
        lambda user, item, score: lms.Result(
            user, item, NOT_GRADED if score is None else GRADED, score=score
        ),
        users,
        items,
        st.sampled_from([None, Decimal(0), Decimal("9.257"), Decimal("9.2570")]),
    )
)


@given(members, line_items, rows)
def test_every_active_student_has_exactly_one_result_per_published_line_item(
    people: list[lms.Member], columns: list[lms.LineItem], found: list[lms.Result]
) -> None:
    results, _ = account(people, columns, found)
    wanted = {
        (one.user_id, item.line_item_id)
        for one in people
        if is_course_student(one)
        for item in columns
        if item.published
    }
    assert len(results) == len(wanted)
    assert {(one.user_id, one.line_item_id) for one in results} == wanted


@given(members, line_items, rows)
def test_a_result_says_what_the_lms_said_and_nothing_else(
    people: list[lms.Member], columns: list[lms.LineItem], found: list[lms.Result]
) -> None:
    for one in account(people, columns, found)[0]:
        said = {
            row.score for row in found if (row.user_id, row.line_item_id) == (one.user_id, one.line_item_id)
        }
        if len(said) > 1:
            assert (one.score, one.score_error) == (None, "repeated")
        else:
            assert (one.score, one.score_error) == (next(iter(said), None), "")


@given(members, line_items, st.permutations(list(range(6))), st.data())
def test_the_order_of_rows_changes_nothing(
    people: list[lms.Member], columns: list[lms.LineItem], order: list[int], data: st.DataObject
) -> None:
    six = data.draw(st.lists(rows.map(lambda several: several[:1]), min_size=6, max_size=6))
    found = [row for several in six for row in several]
    shuffled = [row for position in order for row in six[position]]
    assert account(people, columns, found)[0] == account(people, columns, shuffled)[0]


def test_missing_maximum_is_the_line_items() -> None:
    people, columns = [lms.Member("a")], [lms.LineItem("1", "Item", Decimal(10))]
    own = lms.Result("a", "1", GRADED, score=Decimal(5), maximum=Decimal(20))
    assert account(people, columns, [own])[0][0].maximum == Decimal(20)
    assert account(people, columns, [lms.Result("a", "1", GRADED, score=Decimal(5))])[0][0].maximum == 10
    assert account(people, columns, [])[0][0].maximum == Decimal(10)


def test_rows_of_unlisted_people_and_items_are_counted_without_names() -> None:
    people, columns = [lms.Member("a")], [lms.LineItem("1", "Item")]
    found = [
        lms.Result("stranger", "1", GRADED, score=Decimal(5)),
        lms.Result("a", "unlisted", lms.Status.EXCUSED),
        lms.Result("other", "1", NOT_GRADED),
    ]
    _, warnings = account(people, columns, found)
    assert len(warnings) == 2
    assert "stranger" not in " ".join(warnings) and "unlisted" not in " ".join(warnings)


def test_rows_of_an_inactive_member_are_left_out_without_a_warning() -> None:
    people, columns = [lms.Member("a", active=False)], [lms.LineItem("1", "Item")]
    assert account(people, columns, [lms.Result("a", "1", GRADED, score=Decimal(5))]) == ((), ())


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (None, (None, "")),
        (0, (Decimal(0), "")),
        (Decimal("9.257"), (Decimal("9.257"), "")),
        (-3, (Decimal(-3), "")),
        ("86.5", (None, "not-a-number")),
        (True, (None, "not-a-number")),
        (False, (None, "not-a-number")),
        (Decimal("NaN"), (None, "not-a-number")),
        (Decimal("Infinity"), (None, "not-a-number")),
        (Decimal("1e999999999"), (None, "not-a-number")),
        (Decimal("1e-999999999"), (None, "not-a-number")),
        (Decimal("1.1102230246251565e-16"), (Decimal("1.1102230246251565e-16"), "")),
        ([], (None, "not-a-number")),
    ],
)
def test_number_is_a_number_or_says_why_not(stated: object, found: tuple[Decimal | None, str]) -> None:
    assert number(stated) == found


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("2026-10-05T11:00:00+01:00", datetime(2026, 10, 5, 10, tzinfo=UTC)),
        ("2026-10-05T10:00:00Z", datetime(2026, 10, 5, 10, tzinfo=UTC)),
        ("2026-10-05T10:00:00.123Z", datetime(2026, 10, 5, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2026-10-05T10:00:00", None),
        ("soon", None),
        ("", None),
        (1795403828, None),
        (None, None),
    ],
)
def test_time_is_in_utc_or_there_is_none(stated: object, found: datetime | None) -> None:
    assert instant(stated) == found


@pytest.mark.parametrize(
    ("stated", "found"), [(" x ", "x"), (4, "4"), (True, ""), (None, ""), (Decimal(1), ""), ({}, "")]
)
def test_text_is_trimmed_and_ids_may_be_numbers(stated: object, found: str) -> None:
    assert text_of(stated) == found


def test_line_item_that_turned_out_not_to_count_is_left_out_at_the_end() -> None:
    people, columns = (
        [lms.Member("a"), lms.Member("b")],
        [lms.LineItem("1", "Item"), lms.LineItem("2", "Other")],
    )
    accounting = Accounting(people, columns)
    accounting.add(lms.Result("a", "1", GRADED, score=Decimal(5)))
    assert [(one.user_id, one.line_item_id) for one in accounting.results(without={"1"})] == [
        ("a", "2"),
        ("b", "2"),
    ]
