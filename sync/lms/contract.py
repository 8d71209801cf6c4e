"""What every LMS reader must do, as tests: inherit `LmsContract` in a test class of your own and fill in the course.

    class TestMyReader(LmsContract):
        def make(self): return MyReader(Settings(...))
        ...

Each test gets a new reader from `make`, and the LMS holds the small course that `story` names. Runs under pytest and
needs nothing of it.
"""
# ruff: noqa: S101 - these are tests, shipped so that readers outside this project can inherit them

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import ClassVar

from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.lms import records as lms
from sync.lms.base import SUPPORT, Lms, is_course_student
from sync.options import Finding


@dataclass(frozen=True, slots=True)
class Story:
    """Ids, in this LMS's own words, of what the course holds.

    `first` is an active student with the SIS id "SIS-1001" and these grades: 0 on `short`, 9.257 on `long`.
    `second` is an active student named "Zoë Müller-Łukasz 李" without a grade on `short`, with 52 on `long`.
    `gone` was a student, has a grade on `short`, and is listed as inactive or not at all. `teacher` teaches.
    `short` has the title "Homework 1" and the maximum 10, `long` the maximum 50. There may be more people and items.
    """

    first: str = "first"
    second: str = "second"
    gone: str = "gone"
    teacher: str = "teacher"
    short: str = "short"
    long: str = "long"


class LmsContract:
    """The course that a subclass provides, and the tests that it inherits."""

    story: ClassVar[Story] = Story()
    # words that no error text and no repr may hold: the token, names, ids
    private: ClassVar[tuple[str, ...]] = ("SIS-1001", "Müller", "9.257")

    # --- to be filled in ------------------------------------------------------------------------------

    def make(self) -> Lms:
        """A new reader of the test's LMS."""
        raise NotImplementedError

    def course(self) -> lms.Course:
        raise NotImplementedError

    def fail_reads(self) -> None:
        """From now on the last request of a read fails as a busy LMS does."""
        raise NotImplementedError

    def refuse_reads(self) -> None:
        """From now on the LMS refuses this reader's access."""
        raise NotImplementedError

    def edit(self, user_id: str, line_item_id: str, score: Decimal | None) -> None:
        """A teacher of the LMS enters this score, or takes the grade away (None). Asked of readers that support
        "incremental" only.
        """
        raise NotImplementedError

    # --- what is read ---------------------------------------------------------------------------------

    def read(self) -> lms.Gradebook:
        return self.make().read_gradebook(self.course())

    def test_every_active_student_has_exactly_one_result_per_published_line_item(self) -> None:
        book = self.read()
        students = [member.user_id for member in book.members if is_course_student(member)]
        items = [item.line_item_id for item in book.line_items if item.published]
        found = Counter((one.user_id, one.line_item_id) for one in book.results)
        assert found == {(student, item): 1 for student in students for item in items}

    def test_people_and_line_items_are_listed_once(self) -> None:
        book = self.read()
        people = Counter(member.user_id for member in book.members)
        items = Counter(item.line_item_id for item in book.line_items)
        assert max(people.values()) == max(items.values()) == 1
        assert "" not in people and "" not in items

    def test_a_zero_is_a_grade(self) -> None:
        found = self._result(self.story.first, self.story.short)
        assert (found.status, found.score) == (lms.Status.GRADED, Decimal(0))

    def test_no_grade_is_not_a_zero(self) -> None:
        found = self._result(self.story.second, self.story.short)
        assert (found.status, found.score, found.text) == (lms.Status.NOT_GRADED, None, None)

    def test_decimals_arrive_digit_for_digit(self) -> None:
        score = self._result(self.story.first, self.story.long).score
        assert type(score) is Decimal
        assert str(score) == "9.257"

    def test_a_grade_above_the_maximum_is_not_cut(self) -> None:
        found = self._result(self.story.second, self.story.long)
        assert (found.score, found.maximum) == (Decimal(52), Decimal(50))

    def test_graded_means_that_there_is_a_grade(self) -> None:
        for one in self.read().results:
            has_grade = one.score is not None or bool(one.text)
            assert has_grade or one.status is not lms.Status.GRADED
            assert not one.score_error or one.status is not lms.Status.GRADED

    def test_numbers_are_decimals_and_times_are_utc(self) -> None:
        book = self.read()
        numbers = [one.score for one in book.results] + [one.maximum for one in book.line_items]
        assert {type(one) for one in numbers if one is not None} <= {Decimal}
        times = [one.graded_at for one in book.results] + [one.due_at for one in book.line_items]
        assert {one.utcoffset() for one in times if one is not None} <= {timedelta(0)}
        assert {one.tzinfo for one in times if one is not None} <= {UTC}

    def test_line_items_have_title_and_maximum(self) -> None:
        found = next(item for item in self.read().line_items if item.line_item_id == self.story.short)
        assert (found.title, found.maximum) == ("Homework 1", Decimal(10))

    def test_students_carry_their_sis_id_and_names_of_any_script(self) -> None:
        of_id = {member.user_id: member for member in self.read().members}
        assert of_id[self.story.first].sis_id == "SIS-1001"
        assert of_id[self.story.second].name == "Zoë Müller-Łukasz 李"

    def test_who_left_or_teaches_is_no_student_of_the_course(self) -> None:
        book = self.read()
        students = {member.user_id for member in book.members if is_course_student(member)}
        assert {self.story.first, self.story.second} <= students
        assert not students & {self.story.gone, self.story.teacher}
        assert self.story.gone not in {one.user_id for one in book.results}

    def test_schemes_that_line_items_name_are_usable_values(self) -> None:
        book = self.read()
        for scheme_id, scheme in book.schemes.items():
            assert scheme.scheme_id == scheme_id
            assert scheme.source
            assert {type(entry.lower) for entry in scheme.entries} <= {Decimal}

    def test_a_whole_read_says_so_and_reading_again_says_the_same(self) -> None:
        book = self.read()
        assert book.complete
        assert self.read() == book

    def test_reading_on_says_what_a_whole_read_says(self) -> None:
        former = self.read()
        assert bool(former.mark) == ("incremental" in self.make().supports)
        assert self._same(self._on(former), self.read())
        if former.mark:
            self.edit(self.story.second, self.story.short, Decimal("7.5"))
            self.edit(self.story.first, self.story.long, None)
            later = self._on(former)
            assert self._same(later, self.read())
            self.edit(self.story.second, self.story.short, None)
            assert self._same(self._on(later), self.read())

    def test_what_points_somewhere_points_at_something(self) -> None:
        book = self.read()
        categories, periods = (
            {one.category_id for one in book.categories},
            {one.period_id for one in book.periods},
        )
        sections = {one.section_id for one in book.sections}
        assert {one.category_id for one in book.line_items} - {""} <= categories
        assert {one.period_id for one in book.line_items} - {""} <= periods
        assert not sections or {place for one in book.members for place in one.section_ids} <= sections
        assert {one.line_item_id for one in book.results} <= {one.line_item_id for one in book.line_items}

    def test_what_waits_for_a_review_is_no_grade(self) -> None:
        waiting = [one for one in self.read().results if one.status is lms.Status.PENDING]
        assert not waiting or "pending" in self.make().supports
        assert all(one.text is None for one in waiting)

    def test_warnings_name_nobody(self) -> None:
        text = " ".join(self.read().warnings)
        assert [word for word in self.private if word in text] == []

    # --- what is not read -----------------------------------------------------------------------------

    def test_a_read_that_breaks_off_raises_and_returns_nothing(self) -> None:
        self.fail_reads()
        assert isinstance(self._error(), TryLater | Unreachable)

    def test_refused_access_says_what_an_administrator_must_do(self) -> None:
        self.refuse_reads()
        error = self._error()
        assert isinstance(error, Misconfigured)
        assert "administrator" in str(error)

    def test_errors_and_reprs_tell_no_secret_name_or_grade(self) -> None:
        reader = self.make()
        self.fail_reads()
        shown = f"{reader!r} {reader.settings!r} {self._error()!r}"
        assert [word for word in self.private if word in shown] == []

    # --- what the reader says of itself ---------------------------------------------------------------

    def test_reader_describes_itself(self) -> None:
        reader = self.make()
        assert reader.name and reader.label
        assert reader.supports <= SUPPORT
        assert all(option.meaning for option in reader.options)
        assert all(not option.choices or option.default in option.choices for option in reader.options)

    def test_check_finds_something_to_say(self) -> None:
        findings = self.make().check()
        assert findings
        assert all(isinstance(one, Finding) and one.title for one in findings)

    def _result(self, user_id: str, line_item_id: str) -> lms.Result:
        return next(
            one for one in self.read().results if (one.user_id, one.line_item_id) == (user_id, line_item_id)
        )

    def _on(self, former: lms.Gradebook) -> lms.Gradebook:
        return self.make().read_since(self.course(), former)

    @staticmethod
    def _same(one: lms.Gradebook, other: lms.Gradebook) -> bool:
        return replace(one, mark="") == replace(other, mark="")

    def _error(self) -> AdapterError:
        try:
            self.read()
        except AdapterError as error:
            return error
        raise AssertionError("the read returned")
