"""The page of the scale shows what the conversion did, with the course's own grades: it counts, and decides nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync import conversions
from sync.desired import Linked, account
from sync.lms import records as lms
from sync.matching import Match, Matching
from sync.scales import Kind, Target
from sync.sis import records as sis

LETTERS = lms.GradeScheme(
    "1", "Letters", tuple(lms.SchemeEntry(name, Decimal(low)) for name, low in [("A", "0.9"), ("B", "0.8"), ("F", "0")]), "here",
)  # fmt: skip
GRADED = lms.Status.GRADED


def converted(results: list[lms.Result], kind: Kind = "points", **target: Any) -> conversions.Conversion:
    users = {one.user_id for one in results}
    book = lms.Gradebook(
        tuple(lms.Member(user) for user in users), (lms.LineItem("a", "Essay", Decimal(20)),), tuple(results)
    )
    matching = Matching({user: Match(user, 1, f"s-{user}", "id") for user in users})
    range_ = {"maximum": Decimal(100)} | target
    link = Linked(1, "c", "7", "a", "i", Target(kind, **range_), scheme=LETTERS)
    return conversions.of_links(account(book, matching, {}, [link], {}, ()), [link])[1, "a"]


def results(*scores: str | None, **more: Any) -> list[lms.Result]:
    return [
        lms.Result(
            f"u{number:03}", "a", GRADED if score else lms.Status.NOT_GRADED, Decimal(score) if score else None, **more
        )
        for number, score in enumerate(scores)
    ]  # fmt: skip


def test_examples_go_from_the_highest_to_the_lowest_with_their_why() -> None:
    found = converted(results("3", "20", "11.5"))
    assert [(one["lms"], one["sis"]) for one in found.examples] == [
        ("20", "100"),
        ("11.5", "57.5"),
        ("3", "15"),
    ]
    assert found.examples[0]["why"] == "20 of 20 → 100 of 100"


def test_a_few_examples_stand_for_a_large_class_both_ends_among_them() -> None:
    found = converted(results(*(str(score) for score in range(1, 21))))
    shown = [one["lms"] for one in found.examples]
    assert len(shown) == conversions.MOST_EXAMPLES
    assert (shown[0], shown[-1]) == ("20", "1")


def test_an_excused_one_is_always_among_the_examples() -> None:
    many = [*results(*["5"] * 9), lms.Result("zoe", "a", lms.Status.EXCUSED)]
    found = converted(many)
    assert (found.examples[-1]["lms"], found.examples[-1]["sis"]) == ("excused", "excused")
    assert found.counts["excused"] == 1
    assert len(found.examples) == conversions.MOST_EXAMPLES


def test_letters_are_counted_in_the_schemes_order_with_those_nobody_has() -> None:
    assert converted(results("19", "18", "2"), "letter").spread == (("A", 2), ("B", 0), ("F", 1))


def test_points_are_counted_by_tenths_of_the_range() -> None:
    spread = dict(converted(results("20", "19", "18", "0.5")).spread)
    assert spread["90–100 %"] == 3
    assert spread["0–10 %"] == 1
    assert sum(spread.values()) == 4
    assert len(spread) == 10


def test_extra_credit_has_a_bar_of_its_own() -> None:
    found = converted(results("22", "20"), over_max=True)
    assert found.spread[0] == ("> 100 %", 1)
    assert found.counts["over_max"] == 1


def test_without_a_range_there_is_no_share_of_it() -> None:
    assert converted(results("22"), maximum=None).spread == ()


def test_ungraded_and_refused_results_are_counted_and_are_no_examples() -> None:
    found = converted(results("22", None, "5"))
    assert (found.counts["sent"], found.counts["not_graded"], found.counts["problems"]) == (1, 1, 1)
    assert [one["lms"] for one in found.examples] == ["5"]


def test_values_of_the_sis_scale_are_told() -> None:
    scale = sis.ScoreScale("x", "Letters", (("A", "4"), ("B", "3"), ("F", "0")))
    assert converted(results("19"), "letter", score_scale=scale).allowed == ("A", "B", "F")


@given(st.lists(st.decimals(0, 20, places=2), max_size=40))
def test_every_converted_grade_is_in_exactly_one_bar(scores: list[Decimal]) -> None:
    found = converted(results(*(str(score) for score in scores)))
    assert sum(count for _label, count in found.spread) == found.counts["sent"] == len(scores)
    assert len(found.examples) <= conversions.MOST_EXAMPLES
