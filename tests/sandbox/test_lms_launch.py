"""The pretend LMS launches as LTI 1.3 says, and refuses what a strict platform refuses."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from gradesync_site.sandbox.lms.launch import LaunchFailed, launch
from tests.sandbox.lms_tool import ORIGIN, Tool, course_urls, install
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"


@pytest.fixture
def lms(lms_server: Server) -> str:
    install(lms_server.base_url)
    return lms_server.base_url


def test_teacher_launch_says_who_she_is_and_in_which_course(lms: str) -> None:
    claims = course_urls(lms)
    assert claims["name"] == "Ada Okafor"
    assert claims[f"{LTI}message_type"] == "LtiResourceLinkRequest"
    assert claims[f"{LTI}version"] == "1.3.0"
    assert claims[f"{LTI}deployment_id"] == "sandbox:1"
    assert claims[f"{LTI}target_link_uri"] == f"{ORIGIN}/lti/launch/"
    assert claims[f"{LTI}context"]["title"] == "Algebra 1, Period 3"
    assert f"{MEMBERSHIP}#Instructor" in claims[f"{LTI}roles"]
    assert claims[f"{LTI}lis"] == {
        "person_sourcedid": "T1001",
        "course_offering_sourcedid": "ALG1-P3",
        "course_section_sourcedid": "ALG1-P3",
    }
    assert claims["exp"] - claims["iat"] == 300


def test_services_are_named_in_the_launch(lms: str) -> None:
    claims = course_urls(lms)
    endpoint = claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]
    names = claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"]
    assert endpoint["lineitems"].startswith(f"{lms}/lti/courses/")
    assert all(scope.endswith(".readonly") for scope in endpoint["scope"])
    assert names["context_memberships_url"].startswith(f"{lms}/lti/courses/")


def test_ids_of_the_launch_are_opaque_and_stay_the_same(lms: str) -> None:
    first, second = course_urls(lms), course_urls(lms)
    assert first["sub"] == second["sub"] != "11"
    assert first[f"{LTI}context"]["id"] == second[f"{LTI}context"]["id"] != "101"
    assert first["nonce"] != second["nonce"]


def test_custom_parameters_are_filled_and_unknown_variables_stay_as_written(lms: str) -> None:
    custom = course_urls(lms)[f"{LTI}custom"]
    assert custom["canvas_course_id"] == "101"
    assert custom["sections"] == "ALG1-P3"
    assert custom["integration"] == "$Canvas.user.sisIntegrationId"


def test_cross_listed_course_has_no_section_of_its_own(lms: str) -> None:
    claims = course_urls(lms, "102")
    assert claims[f"{LTI}lis"]["course_offering_sourcedid"] == "XL-BIO"
    assert "course_section_sourcedid" not in claims[f"{LTI}lis"]
    assert claims[f"{LTI}custom"]["sections"] == "BIO-P1,BIO-P2"


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ("aokafor", f"{MEMBERSHIP}#Instructor"),
        ("trivera", f"{MEMBERSHIP}/Instructor#TeachingAssistant"),
        ("5001", f"{MEMBERSHIP}#Learner"),
    ],
)
def test_each_person_comes_with_her_role_in_this_course(lms: str, user: str, role: str) -> None:
    roles = course_urls(lms, user=user)[f"{LTI}roles"]
    assert [one for one in roles if one.startswith(MEMBERSHIP)] == [role]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "openid profile"}, "invalid_request"),
        ({"response_type": "code"}, "invalid_request"),
        ({"response_mode": ""}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"login_hint": "somebody-else"}, "access_denied"),
    ],
)
def test_wrong_authentication_request_is_told_to_the_tool(
    lms: str, change: dict[str, str], error: str
) -> None:
    tool = Tool(lms, auth=change)
    launch(lms, "101", "11", tool)
    assert tool.launched["error"] == error
    assert "id_token" not in tool.launched
    assert tool.launched.get("state", "") == change.get("state", "a-state")


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example/lti/launch/"},
        {"redirect_uri": f"{ORIGIN}/lti/launch/more"},
        {"lti_message_hint": "made-up"},
    ],
)
def test_nobody_is_sent_to_an_address_that_was_not_registered(lms: str, change: dict[str, str]) -> None:
    tool = Tool(lms, auth=change)
    with pytest.raises(LaunchFailed, match="400"):
        launch(lms, "101", "11", tool)
    assert tool.launched == {}


def test_nonce_counts_once(lms: str) -> None:
    for error in (None, "invalid_request"):
        tool = Tool(lms, auth={"nonce": "the-same"})
        launch(lms, "101", "11", tool)
        assert tool.launched.get("error") == error


def test_reload_of_a_launch_is_refused(lms: str) -> None:
    tool = Tool(lms)
    launch(lms, "101", "11", tool)
    again = requests.get(tool.auth_url(), timeout=10)
    assert again.status_code == 400
    assert "course page" in again.text


def test_person_who_switched_in_between_is_not_launched_as_the_former_one(lms: str) -> None:
    tool = Tool(lms)
    launch(lms, "101", "11", tool)
    page = requests.Session()
    page.post(f"{lms}/login", {"user": "11"}, timeout=10)
    opened = page.get(f"{lms}/courses/101/launch", timeout=10)
    tool.login["lti_message_hint"] = opened.text.partition('lti_message_hint" value="')[2].partition('"')[0]
    page.post(f"{lms}/login", {"user": "5001"}, timeout=10)
    assert "access_denied" in page.get(tool.auth_url(), timeout=10).text


def test_course_without_the_tool_says_so(lms_server: Server) -> None:
    with pytest.raises(LaunchFailed, match="not installed"):
        launch(lms_server.base_url, "101", "11", Tool(lms_server.base_url))


def test_person_of_another_course_is_not_launched(lms: str) -> None:
    with pytest.raises(LaunchFailed, match=r"403.*not in this course"):
        launch(lms, "101", "5201", Tool(lms))


@pytest.mark.parametrize(
    ("fault", "claim"),
    [
        ("no-ags-claim", "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"),
        ("no-nrps-claim", "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"),
        ("no-context", f"{LTI}context"),
        ("no-roles", f"{LTI}roles"),
    ],
)
def test_fault_leaves_a_claim_out(lms_server: Server, lms: str, fault: str, claim: str) -> None:
    lms_server.faults.on(fault, count=1)
    assert claim not in course_urls(lms)
    assert claim in course_urls(lms)


@pytest.mark.parametrize("fault", ["wrong-signature", "wrong-audience", "old-token"])
def test_fault_spoils_the_token(lms_server: Server, lms: str, fault: str) -> None:
    import jwt

    lms_server.faults.on(fault)
    with pytest.raises(jwt.InvalidTokenError):
        course_urls(lms)


def test_login_is_a_post_with_all_that_third_party_login_needs(lms: str) -> None:
    tool = Tool(lms)
    launch(lms, "101", "11", tool)
    assert tool.login.keys() == {
        *("iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id", "lti_deployment_id")
    }
    assert tool.login["iss"] == lms


def test_keys_stay_over_a_restart(start_lms: Any, tmp_path: Any) -> None:
    server = start_lms(state=tmp_path / "lms.json")
    before = requests.get(f"{server.base_url}/lti/jwks", timeout=10).json()
    server.restart()
    assert requests.get(f"{server.base_url}/lti/jwks", timeout=10).json() == before
    assert (
        requests.get(f"{server.base_url}/lti/auth?{urlencode({'client_id': 'x'})}", timeout=10).status_code
        == 400
    )
