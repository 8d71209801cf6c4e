"""Each product refuses what its vendor refuses: a client that keeps to the standard fails there, the preset does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gradesync_site.sandbox.sis.tokens import SCOPES, V11
from sync.errors import Misconfigured, Rejected, Unreachable
from sync.sis import records as sis
from tests.sis.oneroster.worlds import VENDOR, World
from tests.sis.onerosterwire import change, number

ITEM = "quiz 1"
OLD = {"version": "1.1"}
LONG = "A title that is a good deal longer than fifty characters"


class OfProduct(World):
    """Inherited by one class per product: one grade sent, one line item made."""

    def one(self, value: sis.Value | None = None, **fields: Any) -> sis.Change:
        student = min(self.student_ids)
        place = sis.Key("1", self.class_id, ITEM, student)
        return change(key=place, after=value or number("86.5"), **fields)

    def sent(self, options: dict[str, str], one: sis.Change) -> sis.Outcome:
        ((_, outcome),) = self.make_with(options).push([one])
        return outcome

    def shown(self, options: dict[str, str] | None = None) -> list[sis.Value | None]:
        of = self.make_with(self.options if options is None else options)
        return [one.value for one in of.results(self.class_id)]

    def made(self, options: dict[str, str], **fields: Any) -> sis.LineItem:
        of = self.make_with(options)
        day = datetime(2026, 2, 20, 12, tzinfo=UTC)
        found = of.get_class(self.class_id)
        new = sis.NewLineItem(
            "new", "Essay", self.class_id, found.school_id if found else "", "Homework", day, day
        )
        new = replace(new, session_id=of.sessions(self.class_id)[0].sourced_id, **fields)
        return of.create_line_item(new)

    def refusal(self, options: dict[str, str], **fields: Any) -> Rejected:
        with pytest.raises(Rejected) as caught:
            self.made(options, **fields)
        return caught.value

    def writes(self, below: str = "") -> list[dict[str, Any]]:
        return [one for one in self.of.journal if one["method"] != "GET" and below in one["path"]]


class TestOldOnly(OfProduct):
    dialect = "oneroster11"

    def test_a_client_of_12_finds_nothing_there(self) -> None:
        of = self.make_with({})
        with pytest.raises(Misconfigured):
            of.line_items(self.class_id)
        assert not all(one.ok for one in of.check())

    def test_a_line_item_is_due_in_a_grading_period_and_never_in_a_term(self) -> None:
        assert {one.kind for one in self.make_with(OLD).sessions(self.class_id)} == {"gradingPeriod"}


@pytest.mark.parametrize("dialect", ["veracross", "blackbaud", "aspen", "synergy", "aeries"])
def test_a_client_of_12_finds_nothing_at_a_product_of_11(start_sis: Any, dialect: str) -> None:
    assert start_sis(dialect=dialect).ask("GET", "/lineItems").status_code == 404


class TestInfiniteCampus(OfProduct):
    dialect = "infinite_campus"
    options = {"preset": "infinite_campus", "header.X-Vendor-Authorization": VENDOR}

    def test_without_the_vendors_header_the_gradebook_stays_shut_and_the_option_is_named(self) -> None:
        for options, hint in (({}, ""), ({"preset": "infinite_campus"}, "header.x-vendor-authorization")):
            of = self.make_with(options)
            with pytest.raises(Misconfigured) as caught:
                of.line_items(self.class_id)
            assert caught.value.code == "unauthorised" and hint in str(caught.value)
            assert len(of.students(self.class_id)) == len(self.student_ids)
            found = {one.title: one for one in of.check()}
            assert not found["Gradebook"].ok and hint in found["Gradebook"].text

    def test_a_letter_goes_into_the_metadata_and_comes_back(self) -> None:
        outcome = self.sent(self.options, self.one(sis.Value(text="B+")))
        assert outcome.state == "accepted" and self.shown() == [sis.Value(text="B+")]
        (stored,) = self.of.results(ITEM).values()
        assert stored["metadata"] == {"ext_infiniteCampus_scoreGrade": "B+"}

    def test_a_letter_sent_as_the_standard_has_it_is_not_kept(self) -> None:
        options = {**self.options, "letters": "textScore"}
        assert self.sent(options, self.one(sis.Value(text="B+"))).state == "accepted"
        assert self.shown(options) == [None]

    def test_a_column_is_made_without_a_category(self) -> None:
        self.made(self.options)
        assert "category" not in self.writes("lineItems")[-1]["body"]["lineItem"]
        assert not self.writes("categories")

    def test_a_due_date_outside_of_all_periods_is_a_closed_window(self) -> None:
        error = self.refusal(self.options, due=datetime(2031, 1, 1, tzinfo=UTC))
        assert error.code == "window_closed" and "grading period" in error.words


class Limits(OfProduct):
    plain: dict[str, str]

    def test_what_breaks_a_limit_is_refused_before_it_is_sent(self) -> None:
        for fields in self.breaking:
            assert self.refusal(self.plain, **fields).code == "malformed"
            assert self.writes("lineItems")
            self.of.journal.clear()
            assert self.refusal(self.options, **fields).code == "malformed"
            assert not self.writes("lineItems")

    @property
    def breaking(self) -> list[dict[str, Any]]:
        return [{"title": LONG}, {"maximum": Decimal("10.5")}]


class TestLimitsOfInfiniteCampus(Limits):
    dialect = "infinite_campus"
    plain = {"header.x-vendor-authorization": VENDOR}
    options = {"preset": "infinite_campus", **plain}


class TestLimitsOfSkyward(Limits):
    dialect = "skyward"
    plain: dict[str, str] = {}
    options = {"preset": "skyward"}

    def test_no_category_is_made_for_the_district(self) -> None:
        assert self.refusal(self.options, category_title="Mine").code == "extra_data_required"
        assert not self.writes("categories")


class TestLimitsOfAeries(Limits):
    dialect = "aeries"
    plain = OLD
    options = {"preset": "aeries"}

    @property
    def breaking(self) -> list[dict[str, Any]]:
        return [{"maximum": Decimal("10.5")}]


class TestVeracross(OfProduct):
    dialect = "veracross"
    options = {"preset": "veracross"}

    def test_a_grade_is_made_without_an_id_in_the_address_and_changed_with_it(self) -> None:
        made = self.sent(self.options, self.one())
        assert made.state == "accepted" and made.result_id
        again = self.one(
            number("9"), result_id=made.result_id, expected=frozenset({number("86.5")}), new_id=""
        )
        assert self.sent(self.options, again).state == "accepted"
        assert [one["path"].rpartition("v1p1")[2] for one in self.writes("v1p1")] == [
            "/results",
            f"/results/{made.result_id}",
        ]
        assert self.shown() == [number("9")]

    def test_the_sis_may_give_an_id_of_its_own(self) -> None:
        made = self.sent(self.options, self.one(new_id=""))
        assert made.result_id in self.of.state["results"]

    @pytest.mark.parametrize("what", ["results", "lineItems"])
    def test_an_answer_without_the_record_is_settled_by_reading(self, what: str) -> None:
        self.of.faults.on("empty-bodies", method="PUT", path=what)
        if what == "results":
            assert self.sent(self.options, self.one()).state == "unknown"
            assert self.shown() == [number("86.5")]
        else:
            with pytest.raises(Unreachable):
                self.made(self.options)
            assert "new" in self.of.state["lineItems"]

    def test_a_category_is_made_the_same_way_and_its_title_kept_short(self) -> None:
        item = self.made(self.options, category_title="Field trips")
        assert self.of.state["categories"][item.category_id]["title"] == "Field trips"
        assert [one["path"].rpartition("/")[2] for one in self.writes("v1p1")] == ["categories", "lineItems"]
        self.of.journal.clear()
        assert self.refusal(self.options, category_title=LONG).code == "extra_data_required"
        assert not self.writes("v1p1")
        assert self.refusal({"version": "1.1"}, category_title=LONG).code == "extra_data_required"
        assert self.writes("categories")

    def test_a_scope_that_was_not_approved_is_told(self) -> None:
        self.of.control("client", scopes=[f"{V11}roster.readonly", f"{V11}gradebook.readonly"])
        try:
            with pytest.raises(Misconfigured) as caught:
                self.sent(self.options, self.one())
        finally:
            self.of.control("client", scopes=sorted(SCOPES))
        assert caught.value.code == "scope_refused"

    def test_a_missing_scope_is_answered_like_a_wrong_key_and_stops_the_run(self) -> None:
        self.of.faults.on("wrong-scope", method="PUT")
        with pytest.raises(Misconfigured) as caught:
            self.sent(self.options, self.one())
        assert caught.value.code == "unauthorised"

    def test_a_record_that_is_gone_is_made_anew(self) -> None:
        gone = self.one(result_id="gone", before=number("1"), expected=frozenset({None, number("1")}))
        assert self.sent(self.options, gone).state == "accepted"


class TestBlackbaud(OfProduct):
    dialect = "blackbaud"
    options = {"preset": "blackbaud"}

    def test_a_plain_date_is_refused_and_a_date_time_taken(self) -> None:
        assert self.sent(OLD, self.one()).state == "rejected"
        assert self.sent(self.options, self.one()).state == "accepted"

    def test_excused_would_become_a_zero_so_it_is_refused_aloud(self) -> None:
        excused = self.one(sis.Value(status=sis.ScoreStatus.EXEMPT))
        outcome = self.sent(self.options, excused)
        assert (outcome.state, self.shown()) == ("rejected", []) and "excused" in outcome.words
        self.sent({**OLD, "score_date": "datetime"}, excused)
        assert self.shown() == [number("0")]

    def test_a_teachers_grade_there_is_not_written_over_and_is_shown(self) -> None:
        student = min(self.student_ids)
        self.of.control("result", lineItem=ITEM, student=student, score=Decimal(55))
        record = self.one()
        outcome = self.sent(self.options, record)
        assert (outcome.code, outcome.found) == ("conflict_newer", number("55"))
        frozen = self.sent(
            self.options,
            replace(
                record,
                result_id=next(iter(self.of.results(ITEM).values()))["sourcedId"],
                expected=frozenset({number("55")}),
            ),
        )
        assert frozen.state == "rejected" and "entered here" in frozen.words
        assert self.shown() == [number("55")]

    def test_a_line_item_is_not_deleted_there(self) -> None:
        token = self.of.bearer("gradebook.delete", V11)
        url = f"{self.of.hello['v11_base']}/lineItems/{ITEM}"
        assert self.of.ask("DELETE", url, token=token).status_code == 405

    def test_a_number_for_a_column_of_letters_is_outside_its_list(self) -> None:
        place = sis.Key("1", "ENG10-P2", "li-eng10-essay1", "S20201")
        outcome = self.sent(self.options, replace(self.one(number("80")), key=place))
        assert (outcome.state, outcome.code) == ("rejected", "grade_not_in_scale")


class TestAspen(OfProduct):
    dialect = "aspen"
    options = {"preset": "aspen"}

    def test_a_category_is_chosen_and_never_made(self) -> None:
        for options, asked in ((OLD, True), (self.options, False)):
            self.of.journal.clear()
            assert self.refusal(options, category_title="Mine").code == "extra_data_required"
            assert bool(self.writes("categories")) is asked
        assert self.made(self.options).category_id == "cat-homework"


class TestGoogle(OfProduct):
    dialect = "google"
    options = {"preset": "google"}

    def test_a_plain_date_is_refused_and_a_date_time_taken(self) -> None:
        assert self.sent({}, self.one()).state == "rejected"
        assert self.sent(self.options, self.one()).state == "accepted"

    def test_a_score_above_the_maximum_goes_and_nothing_is_posted(self) -> None:
        assert self.sent(self.options, self.one(number("101"))).state == "accepted"
        assert self.make().profile.over_max and self.shown() == [number("101")]
        assert {one["method"] for one in self.writes("gradebook")} == {"PUT"}

    def test_the_same_record_again_is_answered_with_200(self) -> None:
        first = self.sent(self.options, self.one())
        again = self.one(result_id=first.result_id, expected=frozenset({number("86.5")}))
        assert (first.http_status, self.sent(self.options, again).http_status) == (201, 200)


class TestStandard(OfProduct):
    """What the presets do to a SIS that keeps to the standard: it refuses their ways, so they are no defaults."""

    @pytest.mark.parametrize(
        "options",
        [{"score_date": "datetime"}, {"refs": "sourcedId"}, {"create": "put_without_id"}],
        ids=lambda options: next(iter(options)),
    )
    def test_a_products_way_is_refused(self, options: dict[str, str]) -> None:
        try:
            assert self.sent(options, self.one()).state == "rejected"
        except Misconfigured as error:
            assert error.code == "put_unsupported"
        assert self.shown({}) == []

    def test_a_score_above_the_maximum_is_refused_whatever_the_connection_says(self) -> None:
        outcome = self.sent({"over_max": "true"}, self.one(number("101")))
        assert (outcome.state, outcome.code) == ("rejected", "over_max")
