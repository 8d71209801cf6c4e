"""What the seam itself does with a batch: one bad record does not sink the others, and what cannot be said is not sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from sync.errors import Rejected, TryLater
from sync.sis import memory
from sync.sis import records as sis
from sync.sis.base import Answer, BatchRejected, Settings

Refusal = Callable[[Sequence[sis.Change]], Exception | None]


class Atomic(memory.Memory):
    """Sends many at once; `refusal` says what the whole batch meets."""

    batch_size = 50
    refusal: Refusal = staticmethod(lambda batch: None)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sent: list[list[str]] = []

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[Answer]:
        self.sent.append([one.key.student_id for one in batch])
        refused = self.refusal(batch)
        if refused is not None:
            raise refused
        return super()._send(batch)


@pytest.fixture
def of() -> Iterator[Atomic]:
    world = memory.world("memory:batches")
    world.add_class("c1", students=["s1", "s2", "s3", "s4"])
    world.add_item("c1", "i1")
    yield Atomic(Settings("1", "memory:batches"))
    memory.forget("memory:batches")


def changes(**values: sis.Value) -> list[sis.Change]:
    keys = [sis.Key("1", "c1", "i1", f"s{number}") for number in range(1, 5)]
    made = [values.get(key.student_id, sis.Value(Decimal(7))) for key in keys]
    return [
        sis.Change(key, None, value, frozenset({None}), new_id=f"r-{key.student_id}")
        for key, value in zip(keys, made, strict=True)
    ]


def pushed(of: Atomic, *made: sis.Change) -> dict[str, str]:
    return {
        change.key.student_id: f"{outcome.state} {outcome.code}".strip() for change, outcome in of.push(made)
    }


def naming(*bad: str, named: bool = True) -> Refusal:
    """Refused whole while one of these is in it; the server names them, or not."""

    def refusal(batch: Sequence[sis.Change]) -> Exception | None:
        found = [one.key for one in batch if one.key.student_id in bad]
        if not found:
            return None
        return BatchRejected({key: Rejected("not_enrolled") for key in found} if named else {})

    return refusal


def test_those_that_a_batch_was_not_refused_for_are_sent_once_more(of: Atomic) -> None:
    of.refusal = naming("s2")
    answers = pushed(of, *changes())
    assert answers == {"s2": "rejected not_enrolled", **dict.fromkeys(("s1", "s3", "s4"), "accepted")}
    assert of.sent == [["s1", "s2", "s3", "s4"], ["s1", "s3", "s4"]]


def test_a_refused_batch_that_names_nobody_goes_one_by_one(of: Atomic) -> None:
    of.refusal = naming("s3", named=False)
    answers = pushed(of, *changes())
    assert answers == {"s3": "rejected malformed", **dict.fromkeys(("s1", "s2", "s4"), "accepted")}
    assert [len(batch) for batch in of.sent] == [4, 1, 1, 1, 1]


def test_a_batch_refused_for_all_of_it_is_not_sent_again(of: Atomic) -> None:
    of.refusal = naming("s1", "s2", "s3", "s4")
    assert set(pushed(of, *changes()).values()) == {"rejected not_enrolled"}
    assert len(of.sent) == 1


def test_what_was_answered_before_the_batch_was_refused_is_answered_once(of: Atomic) -> None:
    class Looks(Atomic):
        """Finds out about s1 before it sends the others."""

        def _send(self, batch: Sequence[sis.Change]) -> Iterable[Answer]:
            for change in batch:
                if change.key.student_id == "s1":
                    yield change, sis.Outcome("rejected", "conflict_newer")
            yield from super()._send([one for one in batch if one.key.student_id != "s1"])

    looks = Looks(of.settings)
    looks.refusal = naming("s2")
    answers = [(change.key.student_id, outcome.code) for change, outcome in looks.push(changes())]
    assert sorted(answers) == [("s1", "conflict_newer"), ("s2", "not_enrolled"), ("s3", ""), ("s4", "")]


def test_a_sis_that_turns_busy_after_a_refusal_keeps_the_answers_it_gave(of: Atomic) -> None:
    def refusal(batch: Sequence[sis.Change]) -> Exception | None:
        return naming("s2")(batch) or TryLater("The SIS is busy.")

    of.refusal = refusal
    answers: dict[str, str] = {}
    with pytest.raises(TryLater):
        for change, outcome in of.push(changes()):
            answers[change.key.student_id] = outcome.state
    assert answers == {"s2": "rejected"}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (sis.Value(text="B+"), {"texts": False}),
        (sis.Value(Decimal(5)), {"scores": False}),
        (sis.Value(status=sis.ScoreStatus.EXEMPT), {"exempt": False}),
        (sis.Value(Decimal(5), flags=frozenset({"late"})), {}),
        (sis.Value(Decimal(5), extras=sis.Extras(last_attended=date(2026, 2, 1))), {}),
        (
            sis.Value(Decimal(5), extras=sis.Extras(never_attended=True)),
            {"extras": frozenset({"incomplete"})},
        ),
        (sis.Value(Decimal(5), extras=sis.Extras(lapses_to="F")), {"extras": frozenset({"last_attendance"})}),
    ],
)
def test_what_the_sis_cannot_hold_is_refused_aloud_and_the_rest_go(
    of: Atomic, value: sis.Value, fields: dict[str, object]
) -> None:
    of.world.profile = replace(of.world.profile, **fields)  # type: ignore[arg-type]
    fine = sis.Value(text="A") if not of.world.profile.scores else sis.Value(Decimal(7))
    made = changes(s1=value, s2=fine, s3=fine, s4=fine)
    answers = pushed(of, *made)
    assert answers.pop("s1") == "rejected malformed"
    assert set(answers.values()) == {"accepted"}
    assert of.sent == [["s2", "s3", "s4"]]


def test_nothing_is_sent_where_the_sis_can_hold_none_of_it(of: Atomic) -> None:
    of.world.profile = replace(of.world.profile, scores=False)
    assert set(pushed(of, *changes()).values()) == {"rejected malformed"}
    assert of.sent == []


def test_extras_travel_through_json_and_leave_other_values_as_they_were() -> None:
    extras = sis.Extras("F", date(2027, 1, 31), date(2026, 10, 14))
    value = sis.Value(text="I", extras=extras)
    assert sis.Value.from_json(value.as_json()) == value
    assert "extras" not in sis.Value(text="I").as_json()
    assert value.words() == "I (incomplete until 2027-01-31, then F; last attended 2026-10-14)"
    assert sis.Value(text="F", extras=sis.Extras(never_attended=True)).words() == "F (never attended)"
