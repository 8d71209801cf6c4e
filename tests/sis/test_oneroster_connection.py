"""Addresses, options, line items and the connection check."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from sync.errors import Misconfigured, Rejected, Unreachable
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster import OneRoster
from sync.sis.oneroster.profile import parse
from tests.sis.onerosterwire import (
    GRADEBOOK,
    HOST,
    ROSTERING,
    SECRET,
    TOKEN_URL,
    V11,
    Wire,
    adapter,
    status_info,
)

DAY = datetime(2026, 2, 1, 8, tzinfo=UTC)
ITEM_URL = f"{GRADEBOOK}/lineItems/new-item"
CATEGORIES = f"{GRADEBOOK}/classes/c1/categories"


# --- addresses and options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [HOST, f"{HOST}/", f"{HOST}/ims/oneroster", GRADEBOOK, f"{ROSTERING}/"])
def test_every_form_of_the_address_leads_to_both_services(base: str) -> None:
    config = parse(Settings("1", base))
    assert (config.rostering, config.gradebook) == (ROSTERING, GRADEBOOK)


def test_a_path_before_the_services_is_kept() -> None:
    config = parse(Settings("1", f"{HOST}/district/9"))
    assert config.gradebook == f"{HOST}/district/9/ims/oneroster/gradebook/v1p2"


@pytest.mark.parametrize(("base", "options"), [(V11, {}), (HOST, {"version": "1.1"})])
def test_version_11_has_one_base_and_its_own_defaults(base: str, options: dict[str, str]) -> None:
    config = parse(Settings("1", base, options=options))
    assert (config.version, config.rostering, config.gradebook) == ("1.1", V11, V11)
    profile = config.profile()
    assert (profile.idempotent, profile.texts, profile.flags) == (True, False, frozenset())
    assert any(scope.endswith("v1p1/scope/gradebook.delete") for scope in config.scopes)


def test_either_base_can_be_stated_outright() -> None:
    options = {"gradebook_base": "https://grades.example/g/", "rostering_base": "https://rosters.example/r"}
    config = parse(Settings("1", HOST, options=options))
    assert (config.rostering, config.gradebook) == ("https://rosters.example/r", "https://grades.example/g")


def test_options_become_the_profile() -> None:
    options = {
        "decimals": "2",
        "flags": "late",
        "title_limit": "30",
        "whole_maximum": "true",
        "settle_s": "5",
    }
    profile = adapter(**options, create="put", over_max="true", withdraw="none", line_items="none").profile
    assert (profile.decimals, profile.flags, profile.title_limit) == (2, frozenset({"late"}), 30)
    assert (profile.whole_maximum, profile.over_max, profile.settle_s) == (True, True, 5)
    assert (profile.idempotent, profile.withdraw, profile.create_line_items) == (True, False, False)


@pytest.mark.parametrize(
    "options",
    [
        {"bacth": "5"},
        {"batch": "0"},
        {"batch": "many"},
        {"version": "2.0"},
        {"flags": "late,lost"},
        {"over_max": "perhaps"},
        {"gradebook_base": "grades"},
        {"header.Authorization": "Bearer x"},
        {"header.X-Key": "a\nb"},
    ],
)
def test_an_option_that_is_nonsense_is_named(options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=next(iter(options)).split("\n")[0]):
        parse(Settings("1", HOST, options=options))


def test_an_address_with_a_query_is_refused() -> None:
    with pytest.raises(Misconfigured):
        parse(Settings("1", f"{HOST}/?key=1"))


def test_further_headers_go_with_every_request_to_the_sis_and_not_to_the_token_url(wire: Wire) -> None:
    wire.lists(f"{GRADEBOOK}/classes/c1/lineItems", "lineItems", [])
    adapter(header__X_Vendor="v").line_items("c1")
    seen = {str(call.request.url).split("?")[0]: call.request.headers for call in wire.mock.calls}
    assert "X_Vendor" not in seen[TOKEN_URL]
    assert seen[f"{GRADEBOOK}/classes/c1/lineItems"]["X_Vendor"] == "v"


def test_every_option_says_what_it_means() -> None:
    assert all(
        option.meaning and (not option.choices or option.default in option.choices)
        for option in OneRoster.options
    )


def test_nothing_secret_in_a_repr() -> None:
    made = adapter(header__X_Key="vendor-secret")
    assert SECRET not in repr(made) + repr(made.settings) and "vendor-secret" not in repr(made.settings)


# --- line items -------------------------------------------------------------------------------------------------


def new(**fields: Any) -> sis.NewLineItem:
    given = {"sourced_id": "new-item", "title": "Essay 1", "class_id": "c1", "school_id": "o1"}
    return sis.NewLineItem(**(given | {"category_title": "Work", "assigned": DAY, "due": DAY} | fields))


def shown(wire: Wire, url: str = ITEM_URL, **fields: Any) -> None:
    raw = {"sourcedId": url.rsplit("/", 1)[1], "title": "Essay 1", "resultValueMin": 0, "resultValueMax": 100}
    wire.answer("GET", url, json={"lineItem": raw | fields})


def test_a_line_item_is_put_under_its_derived_id_and_read_back(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "work "}])
    wire.answer("PUT", ITEM_URL, 201)
    shown(wire, resultValueMax=50)
    made = adapter().create_line_item(new(session_id="t1", score_scale_id="sc"))
    assert (made.sourced_id, str(made.maximum)) == ("new-item", "50")
    body = wire.bodies("PUT")[0]["lineItem"]
    assert body["category"]["sourcedId"] == "k1" and body["school"]["type"] == "org"
    assert body["academicSession"]["sourcedId"] == "t1" and body["dueDate"] == "2026-02-01T08:00:00Z"


def test_a_missing_category_is_made_under_the_same_id_each_time(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [])
    wire.lists(f"{GRADEBOOK}/categories", "categories", [])
    wire.mock.add_callback("PUT", re.compile(f"{GRADEBOOK}/categories/.+"), lambda _: (201, {}, ""))
    wire.answer("PUT", ITEM_URL, 201)
    shown(wire)
    for _ in range(2):
        adapter().create_line_item(new())
    assert len({path for path in wire.sent("PUT") if path.startswith("/categories/")}) == 1


def test_a_category_that_may_not_be_made_says_who_can(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "Homework"}])
    with pytest.raises(Rejected) as caught:
        adapter(create_categories="false").create_line_item(new())
    assert caught.value.code == "extra_data_required" and "administrator" in caught.value.words
    assert wire.sent("PUT") == []


@pytest.mark.parametrize(
    ("options", "fields"), [({}, {"school_id": ""}), ({"version": "1.1"}, {"session_id": ""})]
)
def test_what_the_version_requires_and_the_class_lacks_is_said(
    wire: Wire, options: dict[str, str], fields: dict[str, str]
) -> None:
    base = V11 if options else GRADEBOOK
    wire.lists(f"{base}/categories", "categories", [])
    wire.lists(CATEGORIES, "categories", [])
    with pytest.raises(Rejected) as caught:
        adapter(**options).create_line_item(new(**fields))
    assert caught.value.code == "extra_data_required"


def test_in_11_a_line_item_names_its_grading_period_and_no_school(wire: Wire) -> None:
    wire.lists(f"{V11}/categories", "categories", [{"sourcedId": "k1", "title": "Work"}])
    wire.answer("PUT", f"{V11}/lineItems/new-item", 200)
    shown(wire, f"{V11}/lineItems/new-item")
    adapter(version="1.1").create_line_item(new(session_id="g1"))
    body = wire.bodies("PUT")[0]["lineItem"]
    assert (
        body["gradingPeriod"]["sourcedId"] == "g1" and "school" not in body and "academicSession" not in body
    )


def test_a_line_item_by_post_takes_the_id_that_the_sis_gives(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "Work"}])
    given = {"suppliedSourcedId": "new-item", "allocatedSourcedId": "L9"}
    wire.answer("POST", f"{GRADEBOOK}/classes/c1/lineItems", 201, json={"sourcedIdPairs": [given]})
    shown(wire, f"{GRADEBOOK}/lineItems/L9")
    assert adapter(line_items="post").create_line_item(new()).sourced_id == "L9"


@pytest.mark.parametrize("how", ["lost", "500", "accepted, not shown", "posted without an id"])
def test_a_line_item_of_which_nobody_knows_is_not_made_twice(wire: Wire, how: str) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "Work"}])
    if how == "lost":
        wire.lost("PUT", ITEM_URL)
    else:
        wire.answer("PUT", ITEM_URL, 500 if how == "500" else 201)
    wire.answer("GET", ITEM_URL, 404, json=status_info("?"))
    wire.answer("POST", f"{GRADEBOOK}/classes/c1/lineItems", 201)
    with pytest.raises(Unreachable):
        adapter(line_items="post" if how.startswith("posted") else "put").create_line_item(new())


def test_a_refused_line_item_carries_the_sis_words(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "Work"}])
    wire.answer("PUT", ITEM_URL, 422, json=status_info("Due date outside the grading period"))
    with pytest.raises(Rejected) as caught:
        adapter().create_line_item(new())
    assert (caught.value.code, caught.value.words) == ("malformed", "Due date outside the grading period")


def test_a_line_item_in_a_class_that_is_gone_is_said_so(wire: Wire) -> None:
    wire.lists(CATEGORIES, "categories", [{"sourcedId": "k1", "title": "Work"}])
    wire.answer("PUT", ITEM_URL, 404, json=status_info("Unknown", "unknownobject"))
    wire.answer("GET", f"{ROSTERING}/classes/c1", 404, json=status_info("?"))
    with pytest.raises(Rejected) as caught:
        adapter().create_line_item(new())
    assert caught.value.code == "class_unknown"


# --- check ------------------------------------------------------------------------------------------------------


def scopes(*names: str) -> str:
    return " ".join(f"https://purl.imsglobal.org/spec/or/v1p2/scope/{name}" for name in names)


def granted(wire: Wire, *names: str) -> None:
    token = {"access_token": "t", "expires_in": 60, "scope": scopes(*names)}
    wire.mock.replace("POST", TOKEN_URL, json=token)


def findings(wire: Wire, **options: str) -> dict[str, tuple[bool, str]]:
    return {one.title: (one.ok, one.text) for one in adapter(**options).check()}


def test_a_good_connection_is_found_good(wire: Wire) -> None:
    granted(wire, "gradebook.createput", "gradebook.createpost")
    wire.lists(f"{ROSTERING}/classes", "classes", [{"sourcedId": "c1"}])
    wire.lists(f"{GRADEBOOK}/lineItems", "lineItems", [])
    assert [ok for ok, _ in findings(wire).values()] == [True] * 4


def test_each_fault_of_a_connection_is_found_with_advice(wire: Wire) -> None:
    granted(wire, "roster.readonly", "gradebook.readonly")
    wire.answer("GET", f"{ROSTERING}/classes", 403)
    wire.answer("GET", f"{GRADEBOOK}/lineItems", body="<html>")
    found = findings(wire)
    assert [ok for ok, _ in found.values()] == [True, False, False, False]
    assert "administrator" in found["Rostering"][1] and "gradebook.createput" in found["Writing"][1]


def test_without_the_right_to_post_grades_go_one_by_one(wire: Wire) -> None:
    granted(wire, "gradebook.createput")
    wire.lists(f"{ROSTERING}/classes", "classes", [])
    wire.lists(f"{GRADEBOOK}/lineItems", "lineItems", [])
    assert findings(wire)["Writing"] == (True, "No right to POST: grades go one by one.")


def test_a_refused_key_ends_the_check_with_the_reason(wire: Wire) -> None:
    wire.mock.replace("POST", TOKEN_URL, status=401, json={"error": "invalid_client"})
    found = findings(wire)
    assert list(found) == ["Token"] and not found["Token"][0] and "administrator" in found["Token"][1]
