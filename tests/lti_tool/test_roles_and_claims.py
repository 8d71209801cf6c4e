"""The pure readers, where the launch's table does not reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool import claims, roles
from tests.lti_tool.platform import INSTRUCTOR, LEARNER, LTI, MEMBERSHIP

SENDS, LOOKS, NOTHING = (True, True), (False, True), (False, False)


@pytest.mark.parametrize(
    ("given_roles", "rights"),
    [
        ([INSTRUCTOR], SENDS),
        (["Instructor"], SENDS),
        ([f"{MEMBERSHIP}/Instructor#PrimaryInstructor"], SENDS),
        ([f"{MEMBERSHIP}/instructor#Lecturer"], SENDS),
        ([INSTRUCTOR, f"{MEMBERSHIP}/Instructor#TeachingAssistantSection"], LOOKS),
        ([INSTRUCTOR, f"{MEMBERSHIP}/instructor#TeachingAssistant"], LOOKS),
        ([INSTRUCTOR, f"{MEMBERSHIP}/Instructor#Grader"], LOOKS),
        ([f"{MEMBERSHIP}#TeachingAssistant"], LOOKS),
        ([LEARNER], NOTHING),
        ([f"{MEMBERSHIP}/Learner#TeachingAssistant"], NOTHING),
        ([f"{MEMBERSHIP}#Administrator"], NOTHING),
        ([f"{MEMBERSHIP}Extra#Instructor"], NOTHING),
        (["https://evil.example/membership#Instructor"], NOTHING),
        (["urn:lti:sysrole:ims/lis/Instructor"], NOTHING),
        (["InstructorX"], NOTHING),
        (["", "#", "/", f"{MEMBERSHIP}#"], NOTHING),
        ([], NOTHING),
    ],
)
def test_only_roles_in_the_course_give_rights(given_roles: list[str], rights: tuple[bool, bool]) -> None:
    found = roles.rights(given_roles)
    assert (found.can_send, found.can_look) == rights


def body(**changes: object) -> dict[str, object]:
    return {
        "sub": "u",
        LTI + "version": "1.3.0",
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "deployment_id": "d",
        LTI + "target_link_uri": "https://tool.example/",
        LTI + "resource_link": {"id": "r"},
        LTI + "roles": [],
        **changes,
    }


def test_unresolved_variables_are_absent() -> None:
    read = claims.read(
        body(
            **{
                LTI + "custom": {"a": "$Canvas.x", "b": "7", "c": 8, "d": None, "e": {"f": 1}},
                LTI + "lis": {"person_sourcedid": "$Person.sourcedId", "course_section_sourcedid": ""},
            }
        )
    )
    assert dict(read.custom) == {"b": "7", "c": "8"}
    assert dict(read.lis) == {}
    assert read.person.sis_id == ""


def test_name_is_put_together_where_the_whole_is_absent() -> None:
    read = claims.read(body(given_name="Zoë", family_name="Ó Briain"))
    assert read.person.name == "Zoë Ó Briain"


def test_nothing_personal_is_in_the_repr() -> None:
    read = claims.read(body(name="Tilda Teacher", email="tilda@example.edu", sub="user-3"))
    assert not [word for word in ("Tilda", "tilda", "user-3") if word in repr(read)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        *body(),
        LTI + "context",
        LTI + "lis",
        LTI + "custom",
        LTI + "launch_presentation",
        claims.AGS,
        claims.NRPS,
    ]
)


@given(st.dictionaries(names, json_values, max_size=4))
def test_any_json_is_read_or_refused_by_name(changes: dict[str, object]) -> None:
    try:
        read = claims.read(body(**changes))
    except claims.ClaimError as error:
        assert error.claim
    else:
        assert read.person.sub and read.deployment_id


@given(json_values, json_values, json_values)
def test_any_times_and_audiences_are_taken_or_refused(first: object, second: object, third: object) -> None:
    for check in (
        lambda: claims.check_times({"iat": first, "exp": second, "nbf": third}, 1_700_000_000.0),
        lambda: claims.check_audience({"aud": first, "azp": second}, "tool-1"),
    ):
        try:
            check()
        except claims.ClaimError as error:
            assert error.claim in {"iat", "exp", "nbf", "aud", "azp"}
