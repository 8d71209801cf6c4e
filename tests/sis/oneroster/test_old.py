"""OneRoster 1.1 under attack, with tokens and with signed requests: what may go wrong, and what the teacher is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from sync.sis.base import Answer
from tests.sis.oneroster.worlds import World, connect
from tests.sis.onerosterwire import change, number

ITEM = "quiz 1"


class Attacked(World):
    """Inherited by both ways of proving whose a request is."""

    dialect = "oneroster11"

    def rows(self, *values: str) -> list[sis.Change]:
        place = sis.Key("1", self.class_id, ITEM, "")
        pairs = zip(sorted(self.student_ids), values, strict=False)
        return [
            change(one, number(value), key=place._replace(student_id=one), new_id=f"new-{one}")
            for one, value in pairs
        ]

    def push(self, *rows: sis.Change) -> list[sis.Outcome]:
        return [outcome for _, outcome in self.make().push(rows)]

    def shown(self) -> dict[str, sis.Value | None]:
        of_item = [one for one in self.make().results(self.class_id) if one.line_item_id == ITEM]
        return {one.student_id: one.value for one in of_item}

    def test_a_wrong_key_stops_everything_and_is_not_shown(self) -> None:
        of = connect(self.of, self.options, secret="wrong-s3cret")
        with pytest.raises(Misconfigured) as caught:
            of.students(self.class_id)
        assert "wrong-s3cret" not in str(caught.value) and "administrator" in str(caught.value)
        assert not all(one.ok for one in of.check())

    def test_a_key_refused_once_in_mid_run_is_shown_anew(self) -> None:
        rows = self.rows("9.257", "0", "100")
        self.of.faults.on("token-expired", count=1, after=1, method="PUT")
        assert {one.state for one in self.push(*rows)} == {"accepted"}
        assert self.shown() == {row.key.student_id: row.after for row in rows}

    def test_a_key_refused_twice_stops_the_run(self) -> None:
        self.of.faults.on("token-expired", method="PUT")
        with pytest.raises(Misconfigured) as caught:
            self.push(*self.rows("9"))
        assert caught.value.code == "unauthorised"

    def test_a_class_that_is_gone_is_no_empty_class(self) -> None:
        self.of.faults.on("class-gone")
        assert self.make().get_class(self.class_id) is None
        with pytest.raises(Misconfigured):
            self.make().results(self.class_id)

    def test_a_line_item_that_was_deleted_is_said_so(self) -> None:
        self.of.control("line-item", sourcedId=ITEM, remove=True)
        assert {one.code for one in self.push(*self.rows("9", "8"))} == {"line_item_missing"}

    def test_a_renamed_line_item_is_written_to_by_its_id(self) -> None:
        self.of.control("line-item", sourcedId=ITEM, title="Renamed")
        assert [one.state for one in self.push(*self.rows("9"))] == ["accepted"]

    def test_a_score_above_the_maximum_names_its_reason_and_the_rest_go_on(self) -> None:
        found = {one.state: one.code for one in self.push(*self.rows("101", "50"))}
        assert found == {"rejected": "over_max", "accepted": ""}

    @pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
    def test_a_busy_sis_is_left_alone_for_as_long_as_it_says(self, fault: str) -> None:
        self.of.faults.on(fault, method="PUT", retry_after=7)
        with pytest.raises(TryLater) as caught:
            self.push(*self.rows("9"))
        assert caught.value.after == 7

    @pytest.mark.parametrize("fault", ["lose-answer", "error-500-after-store"])
    def test_stored_without_an_answer_is_unknown_and_the_same_record_again(self, fault: str) -> None:
        rows = self.rows("9")
        self.of.faults.on(fault, count=1, method="PUT")
        assert [one.state for one in self.push(*rows)] == ["unknown"]
        assert [one.state for one in self.push(*rows)] == ["accepted"]
        assert len(self.make().results(self.class_id)) == 1

    def test_an_answer_without_storing_is_not_shown_by_the_read(self) -> None:
        self.of.faults.on("store-nothing", method="PUT")
        assert [one.state for one in self.push(*self.rows("9"))] == ["accepted"]
        assert self.shown() == {}

    def test_a_refusal_by_a_web_page_is_told_by_looking(self) -> None:
        self.of.faults.on("html-error", method="PUT")
        assert [(one.code, one.words) for one in self.push(*self.rows("101"))] == [("over_max", "")]

    def test_a_score_that_is_rounded_is_seen_as_rounded(self) -> None:
        (row,) = self.rows("9.257")
        self.of.faults.on("round-2", method="PUT")
        self.push(row)
        (stored,) = self.shown().values()
        assert stored == number("9.26") and sis.is_rounding_of(row.after, stored)

    def test_excused_carries_the_zero_that_11_wants_and_is_no_zero(self) -> None:
        (row,) = self.rows("0")
        excused = replace(row, after=sis.Value(status=sis.ScoreStatus.EXEMPT))
        assert [one.state for one in self.push(excused)] == ["accepted"]
        (stored,) = self.of.results(ITEM).values()
        assert (stored["score"], stored["scoreStatus"]) == (0, "exempt")
        assert list(self.shown().values()) == [excused.after]

    def test_a_letter_is_refused_aloud_and_nothing_is_asked(self) -> None:
        (row,) = self.rows("0")
        (outcome,) = self.push(replace(row, after=sis.Value(text="B+")))
        assert (outcome.state, outcome.code) == ("rejected", "malformed") and outcome.words
        assert not self.of.writes() and self.shown() == {}

    @pytest.mark.parametrize("how", ["delete", "clear"])
    def test_a_grade_taken_back_is_gone_either_way(self, how: str) -> None:
        (row,) = self.rows("9")
        self.push(row)
        back = replace(row, before=row.after, after=None, result_id=row.new_id)
        answers: list[Answer] = list(self.make_with({**self.options, "withdraw": how}).push([back]))
        assert [one.state for _, one in answers] == ["accepted"]
        assert set(self.shown().values()) <= {None}

    def test_what_stands_beside_a_grade_survives_a_change_of_it(self) -> None:
        (row,) = self.rows("9")
        self.push(row)
        self.of.control("result", sourcedId=row.new_id, comment="See me")
        of = self.make()
        of.results(self.class_id)
        changed = replace(
            row, before=row.after, after=number("8"), result_id=row.new_id, expected=frozenset({row.after})
        )
        assert [one.state for _, one in of.push([changed])] == ["accepted"]
        assert [one.comment for one in self.make().results(self.class_id)] == ["See me"]


class TestByToken(Attacked):
    options = {"version": "1.1"}

    def test_a_right_that_is_missing_stops_the_run_and_refuses_no_grade(self) -> None:
        self.of.faults.on("wrong-scope", method="PUT")
        with pytest.raises(Misconfigured):
            self.push(*self.rows("9"))
        assert self.shown() == {}


class TestSigned(Attacked):
    options = {"version": "1.1", "auth": "oauth1"}
    extra = {"auth": "oauth1"}

    def test_no_token_is_asked_for_and_no_two_requests_are_signed_alike(self) -> None:
        of = connect(self.of, self.options, token_url="")
        found = of.check()
        assert [one.ok for one in found] == [True] * 4 and "signed" in found[0].text
        assert "/oauth/token" not in {one["path"] for one in self.of.journal}
        of.close()

    def test_a_token_opens_nothing_there(self) -> None:
        assert self.of.ask("GET", f"{self.of.hello['v11_base']}/lineItems").status_code == 401
