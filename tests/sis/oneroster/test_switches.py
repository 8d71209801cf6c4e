"""The options that products need, without a wire: how they are read, and what they make of a value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gradesync_site.sandbox.sis.dialects import DIALECTS
from sync.errors import Misconfigured
from sync.management.base import parse_options
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster import OneRoster, bodies, wire
from sync.sis.oneroster.options import OPTIONS
from sync.sis.oneroster.presets import NEEDED_HEADERS, PRESETS
from sync.sis.oneroster.profile import Config, parse
from tests.sis.onerosterwire import change, number, withdrawal

NOW = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
HOST = "https://sis.example"
MISSING = sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=frozenset({"missing"}))
LETTERS = {"letters": "metadata", "letters_key": "grade"}


def config(base: str = HOST, **options: str) -> Config:
    return parse(Settings("1", base, options=options))


def body(one: sis.Change, kept: dict[str, Any] | None = None, **options: str) -> dict[str, Any]:
    return bodies.result_body(one, "r1", config(**options), NOW, kept or {})


def there_and_back(value: sis.Value, **options: str) -> sis.Value | None:
    return wire.value_of(body(change(after=value), **options), config(**options))


# --- presets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_made_of_options_that_exist_and_has_its_pretend_server(preset: str) -> None:
    parse_options((f"{name}={value}" for name, value in PRESETS[preset].items()), OPTIONS, "oneroster")
    made = OneRoster(Settings("1", HOST, HOST, options={"preset": preset}))
    assert made.profile.title_limit in (49, 255)
    assert preset == "strict" or preset in DIALECTS


def test_what_is_stated_wins_over_the_preset_and_the_preset_over_the_default() -> None:
    found = config(preset="blackbaud", exempt_score="zero", title_limit="")
    assert (found.version, found.score_date, found.exempt, found.title_limit) == (
        "1.1",
        "datetime",
        "zero",
        255,
    )
    assert config(preset="aeries", version="1.2").version == "1.2"


def test_the_strict_preset_is_what_the_adapter_does_by_itself() -> None:
    assert config(preset="strict") == config()


def test_a_products_own_header_is_asked_for_until_it_is_there() -> None:
    (preset, (name, _)) = next(iter(NEEDED_HEADERS.items()))
    assert (
        name in config(preset=preset).lacking
        and name in config(preset=preset, **{f"header.{name}": ""}).lacking
    )
    found = config(preset=preset, **{f"header.{name.title()}": "k:s3cret"})
    assert found.lacking == "" and "s3cret" not in repr(found)


# --- options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"preset": "acme"}, "preset"),
        ({"version": "1.1", "create": "post"}, "create"),
        ({"version": "1.1", "line_items": "post"}, "line_items"),
        ({"version": "1.1", "letters": "textScore"}, "letters"),
        ({"version": "1.1", "flags": "late"}, "flags"),
        ({"letters": "metadata"}, "letters_key"),
        ({"flags": "status", "withdraw": "clear"}, "withdraw"),
        ({"read_back": "perhaps"}, "read_back"),
        ({"auth": "basic"}, "auth"),
        ({"oauth1_method": "PLAINTEXT"}, "oauth1_method"),
        ({"category_limit": "3"}, "category_limit"),
    ],
)
def test_options_that_do_not_go_together_are_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        config(**options)


def test_options_become_the_profile() -> None:
    profile = config(
        read_back="false", letters="refuse", exempt_score="refuse", create="put_without_id", flags="status"
    ).profile()
    assert (profile.read_back, profile.texts, profile.exempt, profile.idempotent) == (False,) * 4
    assert profile.flags == {"missing"}


@pytest.mark.parametrize(
    ("base", "rostering", "gradebook"),
    [
        (f"{HOST}/api/ims/oneroster/gradebook/v1p1", "rostering/v1p1", "gradebook/v1p1"),
        (f"{HOST}/api/ims/oneroster/rostering/v1p1/", "rostering/v1p1", "gradebook/v1p1"),
        (f"{HOST}/api/ims/oneroster/v1p1", "v1p1", "v1p1"),
    ],
)
def test_11_has_one_base_unless_the_address_names_a_service(
    base: str, rostering: str, gradebook: str
) -> None:
    found = config(base)
    root = f"{HOST}/api/ims/oneroster"
    assert (found.version, found.rostering, found.gradebook) == (
        "1.1",
        f"{root}/{rostering}",
        f"{root}/{gradebook}",
    )


def test_rights_to_delete_are_asked_for_where_grades_are_taken_back_so() -> None:
    for options in ({"version": "1.1"}, {"withdraw": "delete"}, {"flags": "status"}):
        assert any(one.endswith("gradebook.delete") for one in config(**options).scopes)
    assert not any(one.endswith("gradebook.delete") for one in config(preset="blackbaud").scopes)


def test_every_option_is_described() -> None:
    assert all(one.meaning.endswith(".") for one in OPTIONS)


# --- values -----------------------------------------------------------------------------------------------------


def test_references_are_whole_or_an_id_alone() -> None:
    assert body(change(), refs="sourcedId")["student"] == {"sourcedId": "s1"}
    assert body(change())["student"].keys() == {"href", "sourcedId", "type"}


def test_a_letter_travels_in_the_metadata_beside_what_stands_there() -> None:
    sent = body(change(after=sis.Value(text="B+")), {"metadata": {"x": 1, "grade": "A"}}, **LETTERS)
    assert sent["metadata"] == {"x": 1, "grade": "B+"} and "textScore" not in sent
    assert wire.value_of(sent, config(**LETTERS)) == sis.Value(text="B+")


def test_no_letter_of_a_former_grade_is_left_in_the_metadata() -> None:
    former = {"metadata": {"x": 1, "grade": "A"}}
    assert body(change(after=number("7")), former, **LETTERS)["metadata"] == {"x": 1}
    assert "metadata" not in body(withdrawal(result_id="r1"), {"metadata": {"grade": "A"}}, **LETTERS)


def test_metadata_that_is_no_object_is_no_letter() -> None:
    raw = {"metadata": "B+", "score": 7}
    assert wire.value_of(raw, config(**LETTERS)) == number("7")


def test_a_letter_that_is_refused_is_not_written_either() -> None:
    assert "textScore" not in body(change(after=sis.Value(number("7").score, "B+")), letters="refuse")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize(
    "value", [number("7"), number("0"), MISSING, number("7", flags=frozenset({"missing"}))]
)
def test_missing_travels_as_the_status_where_there_are_no_flags(version: str, value: sis.Value) -> None:
    sent = body(change(after=value), version=version, flags="status")
    assert "missing" not in sent
    assert sent["scoreStatus"] == ("not submitted" if value.flags else "fully graded")
    assert there_and_back(value, version=version, flags="status") == value


def test_a_zero_that_is_missing_is_refused_where_it_would_read_as_no_grade() -> None:
    both = change(after=number("0", flags=frozenset({"missing"})))
    assert bodies.unfit(both, config(version="1.1", flags="status"))
    assert not bodies.unfit(both, config(flags="status"))
    assert not bodies.unfit(change(), config(version="1.1", flags="status"))
    assert not bodies.unfit(withdrawal(result_id="r1"), config(version="1.1"))


def test_in_11_a_letter_needs_a_number_beside_it() -> None:
    old = {"version": "1.1", **LETTERS}
    assert bodies.unfit(change(after=sis.Value(text="B+")), config(**old))
    both = sis.Value(number("87").score, "B+")
    assert not bodies.unfit(change(after=both), config(**old)) and there_and_back(both, **old) == both


def test_a_grade_cleared_in_11_has_the_number_that_it_must_have_and_reads_as_nothing() -> None:
    sent = body(withdrawal(result_id="r1"), version="1.1", withdraw="clear")
    assert (sent["score"], sent["scoreStatus"]) == (0, "not submitted")
    assert wire.value_of(sent, config(version="1.1")) is None


def test_a_line_item_has_what_the_version_and_the_connection_want() -> None:
    new = sis.NewLineItem("new", "Essay", "c1", "o1", "Work", NOW, NOW, session_id="g1", score_scale_id="s1")
    old = bodies.line_item_body(new, "k1", config(version="1.1"), NOW)
    assert old["gradingPeriod"]["sourcedId"] == "g1" and not {"school", "scoreScale"} & old.keys()
    bare = bodies.line_item_body(new, "", config(session_ref="gradingPeriod"), NOW)
    assert "category" not in bare and "gradingPeriod" in bare and "school" in bare


def test_score_dates_are_the_day_that_is_meant() -> None:
    day = change(score_date=date(2026, 2, 28))
    assert body(day, preset="google")["scoreDate"] == "2026-02-28T00:00:00Z"
    assert body(day, preset="aeries")["scoreDate"] == "2026-02-28"
