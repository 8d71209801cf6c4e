"""What a platform lets us do, in words: scopes of an answer, of a connection test, of a launch."""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool import canvas, families, granted

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
READ = {f"{AGS}lineitem.readonly", f"{AGS}result.readonly", NRPS}


@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        (None, []),
        (READ, []),
        ({f"{AGS}lineitem", f"{AGS}result.readonly", NRPS}, []),
        ({NRPS}, ["line-items", "results"]),
        ({f"{AGS}score"}, ["line-items", "results", "members"]),
        ([], ["line-items", "results", "members"]),
    ],
)
def test_what_is_missing_follows_from_what_was_granted(scopes: Any, names: list[str]) -> None:
    assert [use.name for use in granted.missing(scopes)] == names
    held = 0 if scopes is None else len(granted.USES) - len(names)
    assert len(granted.held(scopes)) == held


@pytest.mark.parametrize(
    ("answer", "scopes"),
    [
        ("b a b", ["a", "b"]),
        ("", []),
        (["b", "a"], ["a", "b"]),
        (None, None),
        (7, None),
        ({"a": 1}, None),
        (["a", 7], None),
    ],
)
def test_scopes_of_an_answer_come_in_several_shapes(answer: object, scopes: list[str] | None) -> None:
    assert granted.scopes_of(answer) == scopes


@pytest.mark.parametrize(
    ("scopes", "line_items", "members", "names"),
    [
        (READ, "https://a/items", "https://a/members", []),
        (READ, "", "https://a/members", ["line-items", "results"]),
        (READ, "https://a/items", "", ["members"]),
        ([f"{AGS}score"], "https://a/items", "", ["line-items", "results", "members"]),
    ],
)
def test_a_launch_says_by_its_claims_what_it_offers(
    scopes: Any, line_items: str, members: str, names: list[str]
) -> None:
    found = granted.missing_at_launch(scopes, line_items, members)
    assert [use.name for use in found] == names


def test_every_scope_that_we_ask_for_has_its_words() -> None:
    known = {scope for use in granted.USES for scope in use.scopes}
    assert set(canvas.SCOPES) <= known
    assert all(str(use.title) and str(use.without) for use in granted.USES)


def test_canvas_json_is_what_a_developer_key_reads() -> None:
    body = canvas.configuration()
    assert set(body) == {
        *("title", "description", "oidc_initiation_url", "target_link_uri"),
        *("public_jwk_url", "scopes", "custom_fields", "extensions"),
    }
    (extension,) = body["extensions"]
    assert (extension["platform"], extension["privacy_level"]) == ("canvas.instructure.com", "public")
    menu, gradebook = extension["settings"]["placements"]
    assert (menu["placement"], menu["visibility"], menu["default"]) == (
        "course_navigation",
        "admins",
        "enabled",
    )
    assert gradebook["placement"] == "post_grades"
    assert all(one["message_type"] == "LtiResourceLinkRequest" for one in (menu, gradebook))
    assert body["scopes"] == canvas.SCOPES and not any("score" in scope for scope in body["scopes"])


@pytest.mark.parametrize(
    "variable",
    [
        *("Canvas.course.id", "Canvas.user.id", "Canvas.course.sisSourceId", "CourseSection.sourcedId"),
        *("Canvas.course.sectionSisSourceIds", "Canvas.user.sisSourceId", "Person.sourcedId"),
        *("Canvas.api.baseUrl", "Canvas.api.domain", "Canvas.account.id", "Canvas.term.name"),
    ],
)
def test_canvas_json_asks_for_each_id_that_matters(variable: str) -> None:
    assert f"${variable}" in canvas.configuration()["custom_fields"].values()


def test_parameter_names_are_the_ones_that_the_readers_know() -> None:
    assert families.CANVAS_VARIABLES["canvas_course_id"] == "$Canvas.course.id"
