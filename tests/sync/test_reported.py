"""A report that comes later moves grades from one bucket to another, and none out of the account."""

from __future__ import annotations

from typing import Any

import pytest

from sync.reported import State, Told, account


def told(key: str, former: str, state: State, *, created: bool = True, withdraws: bool = False) -> Told:
    line = {"key": key, "cause": "refused", "counts": True}
    return Told(key, former, state, created=created, withdraws=withdraws, difference=line)


def report(*differences: dict[str, Any], **counts: int) -> dict[str, Any]:
    return {"counts": counts, "differences": list(differences), "problems": ["p"]}


def test_a_refusal_moves_a_grade_and_an_acceptance_only_verifies_it() -> None:
    before = report(created=1, updated=1, unverified=2, rejected=0, withdrawn=0)
    after = account(
        before, [told("a", "delivered", "accepted"), told("b", "delivered", "rejected", created=False)]
    )
    assert after["counts"] == {
        "created": 1, "updated": 0, "unverified": 0, "rejected": 1, "withdrawn": 0, "discrepancies": 1,
    }  # fmt: skip
    assert [one["key"] for one in after["differences"]] == ["b"] and after["problems"] == ["p"]
    assert before["counts"]["created"] == 1


def test_a_refused_removal_is_no_lms_grade_that_was_refused() -> None:
    after = account(report(withdrawn=1, unverified=1), [told("a", "delivered", "rejected", withdraws=True)])
    assert after["counts"] == {"withdrawn": 0, "unverified": 0, "discrepancies": 1}


def test_a_grade_that_waits_already_stays_where_it_was_counted() -> None:
    waiting = {"key": "a", "cause": "not sent", "counts": True}
    before = report(waiting, waiting=1, discrepancies=1)
    assert account(before, [told("a", "delivered", "rejected")]) == before


@pytest.mark.parametrize("state", ["accepted", "rejected"])
def test_a_run_without_counts_gets_none(state: State) -> None:
    """The list of an undo counts nothing before it is over."""
    assert account({"counts": {}}, [told("a", "delivered", state)])["counts"] == {}
