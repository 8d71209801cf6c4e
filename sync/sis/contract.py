"""What every SIS adapter must do, as tests: inherit `SisContract` in a test class of your own and fill in the world.

    class TestMyAdapter(SisContract):
        def make(self): return MyAdapter(Settings(...))
        ...

Each test gets a new adapter from `make`; `class_id` has at least three students and two line items (of maximum 100,
where the SIS takes scores) without results at the start of a test. What the adapter's profile says that its SIS cannot
do is not asked of it. A SIS that takes no scores names other `samples`; one that cannot be read back overrides `stored`,
looking into the test's own SIS. Runs under pytest and needs nothing of it.
"""
# ruff: noqa: S101 - these are tests, shipped so that adapters outside this project can inherit them

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from sync.errors import REJECTION_CODES, AdapterError
from sync.sis import records as sis
from sync.sis.base import Sis

NONE: frozenset[sis.Value | None] = frozenset({None})
DECIMALS = ("9.257", "0", "100", "0.1", "33.3333", "86.5")
NAMESPACE = uuid.UUID("b9d1c0f2-6f0e-4c7a-9f49-3f1a6b0f3c55")


class SisContract:
    """The world that a subclass provides, and the tests that it inherits."""

    connection: ClassVar[str] = "1"
    # values that this SIS takes, at least four, all different
    samples: ClassVar[tuple[sis.Value, ...]] = tuple(
        sis.Value(Decimal(score)) for score in ("86.5", "50", "42.25", "12")
    )

    # --- to be filled in ----------------------------------------------------------------------------------------

    def make(self) -> Sis:
        """A new adapter to the test's SIS."""
        raise NotImplementedError

    @property
    def class_id(self) -> str:
        raise NotImplementedError

    @property
    def empty_class_id(self) -> str:
        """A class without students, line items and results."""
        raise NotImplementedError

    @property
    def line_item_ids(self) -> Collection[str]:
        """All line items of the class, at least two."""
        raise NotImplementedError

    @property
    def student_ids(self) -> Collection[str]:
        """All students of the class, more than one page of the adapter where it pages."""
        raise NotImplementedError

    @property
    def personal(self) -> Collection[str]:
        """Names and secrets that may stand in no error and no repr."""
        raise NotImplementedError

    def lose_answers(self) -> AbstractContextManager[None]:
        """Within: what is sent is stored, and its answer is lost."""
        raise NotImplementedError

    # --- building blocks ----------------------------------------------------------------------------------------

    def key(self, student: int = 0, item: int = 0) -> sis.Key:
        students, items = sorted(self.student_ids), sorted(self.line_item_ids)
        return sis.Key(self.connection, self.class_id, items[item], students[student])

    def change(
        self,
        key: sis.Key,
        after: sis.Value | None,
        *,
        result_id: str = "",
        expected: frozenset[sis.Value | None] = NONE,
    ) -> sis.Change:
        derived = str(uuid.uuid5(NAMESPACE, key.text()))
        return sis.Change(
            key, None, after, expected, result_id=result_id, new_id=derived, score_date=date(2026, 2, 1)
        )

    def push(self, of: Sis, *changes: sis.Change) -> dict[sis.Key, sis.Outcome]:
        answers = [(change.key, outcome) for change, outcome in of.push(changes)]
        assert len(answers) == len(changes) == len(dict(answers)), "exactly one answer per change"
        return dict(answers)

    def read(self, of: Sis) -> dict[sis.Key, sis.Result]:
        found = {self._key_of(one): one for one in of.results(self.class_id)}
        return {key: one for key, one in found.items() if one.value is not None}

    def stored(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        """What stands in the SIS's class; overridden where the SIS shows it to no tool."""
        return {key: one.value for key, one in self.read(of).items()}

    def values(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        return self.stored(of)

    def record(self, of: Sis, key: sis.Key) -> str:
        """The id under which the key's record lives, where it can be read."""
        return self.read(of)[key].sourced_id if of.profile.read_back else ""

    def done(self, of: Sis) -> str:
        """How a write that was stored is answered."""
        return "delivered" if of.profile.asynchronous else "accepted"

    def _key_of(self, result: sis.Result) -> sis.Key:
        return sis.Key(self.connection, result.class_id, result.line_item_id, result.student_id)

    # --- reading ------------------------------------------------------------------------------------------------

    def test_the_whole_roster_is_read_whatever_the_page_size(self) -> None:
        found = [one.sourced_id for one in self.make().students(self.class_id)]
        assert sorted(found) == sorted(self.student_ids)

    def test_all_line_items_are_read_with_their_own_range(self) -> None:
        items = {one.sourced_id: one for one in self.make().line_items(self.class_id)}
        assert sorted(items) == sorted(self.line_item_ids)
        profile, first = self.make().profile, items[self.key().line_item_id]
        assert not profile.scores or first.kind == "course_total" or first.maximum == Decimal(100)
        assert {one.kind for one in items.values()} <= profile.kinds

    def test_a_class_that_is_not_there_is_none(self) -> None:
        of = self.make()
        assert of.get_class("no-such-class") is None
        found = of.get_class(self.class_id)
        assert found is not None and found.sourced_id == self.class_id

    def test_an_empty_class_reads_as_empty(self) -> None:
        of = self.make()
        assert of.students(self.empty_class_id) == []
        assert of.line_items(self.empty_class_id) == []
        assert of.results(self.empty_class_id) == []

    # --- writing ------------------------------------------------------------------------------------------------

    def test_what_was_put_is_read_as_the_same_value(self) -> None:
        of, key = self.make(), self.key()
        outcome = self.push(of, self.change(key, self.samples[0]))[key]
        assert outcome.state == self.done(of)
        assert self.values(of)[key] == self.samples[0]
        assert outcome.result_id in ("", self.record(of, key))

    def test_scores_are_stored_digit_for_digit(self) -> None:
        of = self.make()
        if not of.profile.scores:
            return  # this SIS takes no numbers
        key, result_id = self.key(), ""
        for text in DECIMALS:
            value = sis.Value(sis.quantised(Decimal(text), of.profile.decimals))
            former = self.values(of).get(key)
            change = self.change(key, value, result_id=result_id, expected=frozenset({former}))
            assert self.push(of, change)[key].state in ("accepted", "unchanged", "delivered")
            assert self.values(of)[key] == value
            result_id = self.record(of, key)

    def test_put_twice_changes_nothing_and_doubles_nothing(self) -> None:
        of, key = self.make(), self.key()
        change = self.change(key, self.samples[1])
        self.push(of, change)
        before = self.values(of)
        self.push(of, self.change(key, change.after, result_id=self.record(of, key)))
        assert self.values(of) == before == {key: change.after}
        if of.profile.read_back:
            again = [one for one in of.results(self.class_id) if self._key_of(one) == key]
            assert [one.value for one in again] == [change.after]

    def test_excused_is_no_score(self) -> None:
        of, key = self.make(), self.key()
        excused = sis.Value(status=sis.ScoreStatus.EXEMPT)
        outcome = self.push(of, self.change(key, excused))[key]
        if (
            outcome.state == "rejected"
        ):  # what cannot be expressed is refused aloud, never sent as something else
            assert self.values(of) == {}
        else:
            assert self.values(of)[key] == excused

    def test_a_text_grade_beyond_ascii_is_stored_as_it_is(self) -> None:
        of, key = self.make(), self.key()
        if not of.profile.texts or of.profile.preflight:
            return  # this SIS holds no text, or only those of its list
        value = sis.Value(text="Très bien – 合格")
        self.push(of, self.change(key, value))
        assert self.values(of)[key] == value

    def test_a_value_of_the_other_form_is_refused_and_nothing_is_stored(self) -> None:
        of, key = self.make(), self.key()
        if of.profile.scores and of.profile.texts:
            return  # it takes both
        other = sis.Value(text="B+") if of.profile.scores else sis.Value(Decimal("86.5"))
        outcome = self.push(of, self.change(key, other))[key]
        assert (outcome.state, outcome.code) in (
            ("rejected", "malformed"),
            ("rejected", "grade_not_in_scale"),
        )
        assert self.values(of) == {}

    def test_an_unknown_student_is_rejected_and_the_rest_go_on(self) -> None:
        of = self.make()
        stranger = self.key()._replace(student_id="no-such-student")
        value = self.samples[1]
        changes = [self.change(key, value) for key in (self.key(0), stranger, self.key(1), self.key(2))]
        outcomes = self.push(of, *changes)
        if not of.profile.asynchronous:
            assert outcomes[stranger].state == "rejected"
            assert outcomes[stranger].code in ("student_unknown", "not_enrolled")
        assert self.values(of) == {self.key(one): value for one in range(3)}

    def test_a_line_item_that_is_not_there_is_rejected_and_the_rest_go_on(self) -> None:
        of, gone = self.make(), self.key()._replace(line_item_id="no-such-item")
        outcomes = self.push(of, self.change(gone, self.samples[0]), self.change(self.key(), self.samples[1]))
        assert (outcomes[gone].state, outcomes[gone].code) == ("rejected", "line_item_missing")
        assert outcomes[self.key()].state == self.done(of)

    def test_a_lost_answer_is_unknown_and_the_next_read_tells(self) -> None:
        of, key = self.make(), self.key()
        if of.profile.asynchronous:
            return  # a file has no answer to lose
        with self.lose_answers():
            assert self.push(of, self.change(key, self.samples[2]))[key].state == "unknown"
        assert self.values(of) == {key: self.samples[2]}

    def test_a_grade_that_a_person_put_meanwhile_is_not_overwritten_by_a_new_one(self) -> None:
        of, key = self.make(), self.key()
        if not of.profile.read_back:
            return  # what a person put there cannot be seen: the page says so
        theirs, mine = self.samples[1], self.samples[0]
        self.push(of, self.change(key, theirs))
        other = str(uuid.uuid4())
        ours = sis.Change(key, None, mine, NONE, new_id=other, score_date=date(2026, 2, 1))
        outcome = self.push(of, ours)[key]
        assert (outcome.state, outcome.code, outcome.found) == ("rejected", "conflict_newer", theirs)
        assert self.values(of) == {key: theirs}

    def test_a_grade_taken_back_is_not_there_any_more(self) -> None:
        of, key = self.make(), self.key()
        if not of.profile.withdraw:
            return  # this SIS takes nothing back: the engine asks it for no withdrawal
        value = self.samples[3]
        self.push(of, self.change(key, value), self.change(self.key(1), value))
        change = self.change(key, None, result_id=self.record(of, key), expected=frozenset({value}))
        assert self.push(of, change)[key].state == self.done(of)
        assert self.values(of) == {self.key(1): value}

    def test_what_travels_beside_a_grade_arrives_or_is_refused_aloud(self) -> None:
        of, key = self.make(), self.key()
        attended = replace(self.samples[0], extras=sis.Extras(last_attended=date(2026, 2, 1)))
        outcome = self.push(of, self.change(key, attended))[key]
        if "last_attendance" in of.profile.extras:
            assert outcome.state == self.done(of)
            assert self.values(of) == {key: attended}
        else:
            assert (outcome.state, outcome.code) == ("rejected", "malformed")
            assert self.values(of) == {}

    def test_what_a_student_may_get_is_known_beforehand_where_the_profile_says_so(self) -> None:
        of = self.make()
        found = of.registrations(self.class_id)
        assert bool(found) is of.profile.preflight
        assert {one.student_id for one in found} <= set(self.student_ids)
        assert {one.refused for one in found} <= {"", *REJECTION_CODES}

    def test_a_line_item_is_created_once_and_found_again(self) -> None:
        of = self.make()
        if not of.profile.create_line_items:
            return  # line items are only linked there
        found = of.get_class(self.class_id)
        sessions = of.sessions(self.class_id)
        due = datetime(2026, 2, 20, 12, tzinfo=UTC)
        new = sis.NewLineItem(
            sourced_id=str(uuid.uuid5(NAMESPACE, "item")),
            title="Übung – 练习",
            class_id=self.class_id,
            school_id=found.school_id if found else "",
            category_title="",
            assigned=due - timedelta(days=7),
            due=due,
            maximum=Decimal(20),
            session_id=sessions[0].sourced_id if sessions else "",
        )
        made = of.create_line_item(new)
        assert (made.title, made.maximum, made.class_id) == (new.title, Decimal(20), self.class_id)
        titles = [one.title for one in of.line_items(self.class_id)]
        assert titles.count(new.title) == 1

    # --- errors -------------------------------------------------------------------------------------------------

    def test_the_connection_check_is_good(self) -> None:
        findings = self.make().check()
        assert findings and all(one.ok for one in findings), findings

    def test_nothing_personal_stands_in_a_repr_or_in_an_error(self) -> None:
        of = self.make()
        texts = [repr(of), repr(of.settings)]
        for call in (of.students, of.teachers, of.line_items, of.results):
            try:
                call("no-such-class")
            except AdapterError as error:
                texts += [str(error), repr(error), repr(error.__cause__)]
        assert not [word for word in self.personal if any(word in text for text in texts)]
