"""Who came and who left is told from two reads, and only where both of them looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync import enrolment

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)


def words(news: list[enrolment.News]) -> list[tuple[str, str, bool]]:
    return [(one["place"], one["name"], one["came"]) for one in news]


def test_a_drop_and_an_add_are_told_for_the_place_where_they_were_seen() -> None:
    former = {"lms": {"u1": "Ann", "u2": "Ben"}, "7": {"s1": "Ann", "s2": "Ben"}}
    now = {"lms": {"u1": "Ann", "u3": "Cem"}, "7": {"s1": "Ann"}}
    assert words(enrolment.compare(former, now, "t")) == [
        ("7", "Ben", False),
        ("lms", "Cem", True),
        ("lms", "Ben", False),
    ]


def test_a_class_that_was_not_read_both_times_tells_nothing() -> None:
    assert enrolment.compare({"lms": {}}, {"lms": {}, "7": {"s1": "Ann"}}, "t") == []
    assert enrolment.compare({"7": {"s1": "Ann"}}, {"lms": {}}, "t") == []


def test_a_new_name_of_the_same_person_is_no_news() -> None:
    assert enrolment.compare({"lms": {"u1": "Ann"}}, {"lms": {"u1": "Anna"}}, "t") == []


def test_news_are_kept_for_a_month_newest_first_and_never_without_end() -> None:
    fresh = enrolment.compare({"lms": {}}, {"lms": {"u1": "Ann"}}, NOW.isoformat())
    young = enrolment.compare({"lms": {}}, {"lms": {"u2": "Ben"}}, (NOW - timedelta(days=29)).isoformat())
    old = enrolment.compare({"lms": {}}, {"lms": {"u3": "Cem"}}, (NOW - timedelta(days=31)).isoformat())
    assert [one["name"] for one in enrolment.kept([*young, *old], fresh, NOW)] == ["Ann", "Ben"]
    assert len(enrolment.kept(young * 1000, fresh, NOW)) == enrolment.MOST
