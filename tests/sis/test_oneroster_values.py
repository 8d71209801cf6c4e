"""What a stored result says, and what we write: both directions of the translation, without a wire."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool import http
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster import bodies, wire
from sync.sis.oneroster.profile import Config, parse
from tests.sis.onerosterwire import SPEC, change, number, schema_errors, stored, withdrawal

NOW = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)


def config(**options: str) -> Config:
    return parse(Settings("1", "https://sis.example", options=options))


def value(raw: dict[str, Any], **options: str) -> sis.Value | None:
    return wire.value_of(raw, config(**options))


def body(one: sis.Change, kept: dict[str, Any] | None = None, **options: str) -> dict[str, Any]:
    return bodies.result_body(one, one.result_id or one.new_id, config(**options), NOW, kept or {})


def test_a_zero_is_a_grade_and_no_score_is_nothing() -> None:
    assert value(stored(score=0)) == number("0")
    assert value(stored(scoreStatus="not submitted")) is None
    assert value(stored(scoreStatus="submitted")) is None
    assert value(stored(score=None, textScore="")) is None


def test_exempt_wins_over_a_score_beside_it() -> None:
    assert value(stored(scoreStatus="exempt", score=80)) == sis.Value(status=sis.ScoreStatus.EXEMPT)


def test_not_submitted_with_a_score_is_that_score_and_in_11_a_zero_there_is_nothing() -> None:
    given = stored(scoreStatus="not submitted", score=0)
    assert value(given) == number("0", status="not submitted")
    assert value(given, version="1.1") is None
    assert value(given | {"score": 5}, version="1.1") == number("5", status="not submitted")


def test_a_missing_flag_counts_only_where_the_connection_carries_it() -> None:
    given = stored(scoreStatus="not submitted", missing="true")
    assert value(given) == sis.Value(status="not submitted", flags=frozenset({"missing"}))
    assert value(given, flags="none") is None


@pytest.mark.parametrize("spelt", ["fully graded", "fullyGraded", "FULLY_GRADED", "Fully graded", None, ""])
def test_a_status_is_read_however_it_is_spelt(spelt: str | None) -> None:
    assert value(stored(score=7, scoreStatus=spelt)) == number("7")


def test_a_score_given_as_text_is_a_number_and_a_letter_is_a_text() -> None:
    assert value(stored(score="86.50")) == number("86.5")
    assert value(stored(score="B+")) == sis.Value(text="B+")
    assert value(stored(score=80, textScore="B-")) == sis.Value(Decimal(80), "B-")


@pytest.mark.parametrize("odd", [Decimal("1e400"), "NaN", "Infinity", True])
def test_a_score_that_cannot_be_held_is_never_taken_for_nothing_there(odd: object) -> None:
    found = value(stored(score=odd))
    assert found is not None and found.score is None and found.text


def test_scores_are_quantised_to_the_connections_decimals() -> None:
    assert value(stored(score=Decimal("86.54999")), decimals="2") == number("86.55")


def test_sparse_references_and_a_date_time_for_the_date_are_read() -> None:
    raw = stored(lineItem={"sourcedId": "i9"}, student="s9", scoreDate="2026-02-01T23:30:00-05:00")
    found = wire.read_result(raw, "c1", config())
    assert (found.line_item_id, found.student_id, found.score_date) == ("i9", "s9", date(2026, 2, 1))


# --- writing ----------------------------------------------------------------------------------------------------


def test_a_grade_is_written_digit_for_digit() -> None:
    assert '"score":9.257,' in http.dumps(body(change(after=number("9.257"))))
    assert '"score":100,' in http.dumps(body(change(after=sis.Value(Decimal("1E+2")))))
    assert '"score":0.1,' in http.dumps(body(change(after=number("0.10"))))


@given(st.decimals(min_value=-1000, max_value=100_000, places=4))
def test_every_score_comes_back_equal(score: Decimal) -> None:
    sent = sis.Value(sis.quantised(score, 4))
    raw = http.loads(http.dumps(body(change(after=sent))))
    assert wire.value_of(raw, config()) == sent


VALUES = [
    number("9.257"),
    number("0"),
    number("88", flags=frozenset({"late"})),
    sis.Value(text="B+"),
    sis.Value(Decimal(87), "B+"),
    sis.Value(status=sis.ScoreStatus.EXEMPT),
    sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=frozenset({"missing"})),
    sis.Value(text="合格"),
]


@pytest.mark.parametrize("sent", VALUES)
def test_what_is_written_is_read_as_the_same_value(sent: sis.Value) -> None:
    raw = http.loads(http.dumps(body(change(after=sent))))
    assert wire.value_of(raw, config()) == sent


@pytest.mark.skipif(not SPEC.exists(), reason="the official OpenAPI is not beside the project")
@pytest.mark.parametrize("one", [*(change(after=sent) for sent in VALUES), withdrawal(result_id="r1")])
def test_every_result_body_satisfies_the_openapi(one: sis.Change) -> None:
    assert schema_errors("SingleResultDType", http.loads(http.dumps({"result": body(one)}))) == []
    assert schema_errors("SingleResultDType", {"result": body(one) | {"extra": 1}}) != []


def test_excused_carries_no_score_but_where_the_version_requires_one() -> None:
    excused = change(after=sis.Value(status=sis.ScoreStatus.EXEMPT))
    assert "score" not in body(excused) and body(excused)["scoreStatus"] == "exempt"
    old = body(excused, version="1.1")
    assert (old["score"], old["scoreStatus"]) == (0, "exempt")
    assert "score" not in body(excused, version="1.1", exempt_score="omit")
    assert body(excused, exempt_score="zero")["score"] == 0


def test_flags_are_strings_and_only_those_that_the_connection_carries() -> None:
    late = change(after=number("5", flags=frozenset({"late"})))
    sent = body(late)
    assert (sent["late"], sent["missing"], "incomplete" in sent) == ("true", "false", False)
    assert not set(sis.FLAGS) & set(body(late, version="1.1"))


def test_what_is_not_ours_in_a_stored_result_survives_being_written_over() -> None:
    raw = stored(
        score=3,
        comment="See me",
        incomplete="true",
        late="true",
        metadata={"x.y": 1},
        scoreScale={"sourcedId": "sc1"},
        learningObjectiveSet=[
            {"source": "case", "learningObjectiveResults": [{"learningObjectiveId": "o1"}]}
        ],
    )
    sent = body(change(result_id="r1"), wire.kept_of(raw))
    assert (sent["comment"], sent["incomplete"], sent["metadata"]) == ("See me", "true", {"x.y": 1})
    assert sent["late"] == "false"
    assert sent["scoreScale"]["href"].endswith("/gradebook/v1p2/scoreScales/sc1")
    assert schema_errors("SingleResultDType", http.loads(http.dumps({"result": sent}))) == []


def test_a_comment_that_the_engine_read_is_sent_back() -> None:
    assert body(change(comment="Bonus for the poster"))["comment"] == "Bonus for the poster"


def test_a_withdrawal_says_not_submitted_and_nothing_else() -> None:
    sent = body(withdrawal(result_id="r1"))
    assert sent["scoreStatus"] == "not submitted" and "score" not in sent and "textScore" not in sent


def test_a_score_date_is_a_date_or_where_asked_a_date_time() -> None:
    assert body(change())["scoreDate"] == "2026-02-01"
    assert body(change(), score_date="datetime")["scoreDate"] == "2026-02-01T00:00:00Z"
    assert body(change(score_date=None))["scoreDate"] == "2026-02-01"


def test_an_id_with_a_slash_stays_one_part_of_the_address() -> None:
    odd = change(key=sis.Key("1", "c/1", "i 1", "s#1"))
    assert body(odd)["student"]["href"] == "https://sis.example/ims/oneroster/rostering/v1p2/users/s%231"
    assert body(odd)["class"]["href"].endswith("/classes/c%2F1")


def test_version_11_has_no_class_text_or_scale_in_a_result() -> None:
    sent = body(
        change(after=sis.Value(Decimal(87), "B+")), {"scoreScale": {"sourcedId": "sc"}}, version="1.1"
    )
    assert not {"class", "textScore", "scoreScale"} & set(sent) and sent["score"] == 87


@pytest.mark.parametrize(
    "odd", ["1e999999999", Decimal("1e999999999"), "-1E+400", "1e-999999999", "0e999999999"]
)
def test_a_number_that_no_grade_has_is_a_text_and_is_never_written_out(odd: object) -> None:
    item = wire.read_line_item({"sourcedId": "i1", "resultValueMax": odd}, "c1")
    assert item.maximum is None
    found = wire.value_of({"score": odd}, config())
    assert found is not None and found.score is None and len(found.words()) < 100
