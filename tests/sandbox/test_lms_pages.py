"""The pages of the pretend LMS, and how a tool registers itself there."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from gradesync_site.sandbox.lms.vocabulary import SCOPES
from tests.sandbox.lms_tool import ORIGIN, install
from tests.sandbox.test_lms_canvas import submissions
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
WISH: dict[str, Any] = {
    "application_type": "web",
    "client_name": "A tool",
    "response_types": ["id_token"],
    "grant_types": ["implicit", "client_credentials"],
    "initiate_login_uri": f"{ORIGIN}/lti/login/",
    "redirect_uris": [f"{ORIGIN}/lti/launch/"],
    "jwks_uri": f"{ORIGIN}/lti/jwks/",
    "token_endpoint_auth_method": "private_key_jwt",
    "scope": f"{SCOPES[0]} https://example.org/more",
    TOOL_CONFIGURATION: {
        "domain": "tool.example",
        "target_link_uri": f"{ORIGIN}/lti/launch/",
        "claims": ["sub"],
    },
}


def browser(server: Server, user: str = "") -> requests.Session:
    session = requests.Session()
    if user:
        session.post(f"{server.base_url}/login", {"user": user, "back": "/"}, timeout=10)
    return session


def test_course_page_shows_the_gradebook_and_the_menu_entry(lms_server: Server) -> None:
    install(lms_server.base_url)
    page = browser(lms_server).get(f"{lms_server.base_url}/courses/101", timeout=10).text
    assert "Grades to SIS" in page
    assert "9.257" in page
    assert "excused" in page
    assert "محمد العلي" in page


def test_menu_entry_opens_the_tool_in_a_frame(lms_server: Server) -> None:
    install(lms_server.base_url)
    page = browser(lms_server).get(f"{lms_server.base_url}/courses/101/tool", timeout=10).text
    assert '<iframe src="/courses/101/launch"' in page


def test_student_and_stranger_see_no_grades(lms_server: Server) -> None:
    for user in ("5001", "5201"):
        page = browser(lms_server, user).get(f"{lms_server.base_url}/courses/101", timeout=10).text
        assert "9.257" not in page


def test_teacher_types_a_grade_on_the_page_and_a_student_cannot(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/courses/101/grade"
    for grade, score in (("6.5", 6.5), ("EX", None)):
        form = {"student": "5007", "line_item": "2001", "grade": grade}
        assert browser(lms_server, "11").post(url, form, timeout=10).status_code == 200
        row = submissions(lms_server)["5007", "2001"]
        assert (row["score"], row["excused"]) == (score, grade == "EX")
        assert browser(lms_server, "5007").post(url, form | {"grade": "10"}, timeout=10).status_code == 403
    assert submissions(lms_server)["5007", "2001"]["excused"]


def test_switching_leads_back_to_a_page_of_this_server_only(lms_server: Server) -> None:
    for back in ("https://evil.example/", "//evil.example/"):
        form = {"user": "11", "back": back}
        answer = requests.post(f"{lms_server.base_url}/login", form, timeout=10, allow_redirects=False)
        assert answer.headers["Location"] == "/"


def test_unknown_course_is_a_plain_404(lms_server: Server) -> None:
    assert requests.get(f"{lms_server.base_url}/courses/999", timeout=10).status_code == 404


def registered(server: Server, wish: dict[str, Any], token: str) -> requests.Response:
    config = requests.get(f"{server.base_url}/.well-known/openid-configuration", timeout=10).json()
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(config["registration_endpoint"], json=wish, headers=headers, timeout=10)


def new_token(server: Server) -> str:
    started = server.control("registration", tool_url=f"{ORIGIN}/lti/register/invite/")
    assert started["url"].startswith(f"{ORIGIN}/lti/register/invite/?openid_configuration=http")
    return str(started["registration_token"])


def test_configuration_names_this_platform(lms_server: Server) -> None:
    base = lms_server.base_url
    config = requests.get(f"{base}/.well-known/openid-configuration", timeout=10).json()
    assert config["issuer"] == base
    assert config["authorization_endpoint"] == f"{base}/lti/auth"
    assert set(SCOPES) < set(config["scopes_supported"])
    platform = config["https://purl.imsglobal.org/spec/lti-platform-configuration"]
    assert "$Canvas.course.id" in platform["variables"]


def test_tool_registers_itself_once_with_a_token(lms_server: Server) -> None:
    token = new_token(lms_server)
    answer = registered(lms_server, WISH, token)
    assert answer.status_code == 200
    granted = answer.json()
    assert granted["scope"] == SCOPES[0]
    assert granted[TOOL_CONFIGURATION]["deployment_id"]
    tool = lms_server.state["tools"][granted["client_id"]]
    assert tool["redirect_uris"] == WISH["redirect_uris"]
    assert registered(lms_server, WISH, token).status_code == 401
    assert registered(lms_server, WISH, "made-up").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uris": []},
        {"jwks_uri": ""},
        {"response_types": ["code"]},
        {"response_types": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {TOOL_CONFIGURATION: {"domain": "other.example", "target_link_uri": f"{ORIGIN}/lti/launch/"}},
    ],
    ids=str,
)
def test_incomplete_registration_is_refused_and_the_token_stays_open(
    lms_server: Server, change: dict[str, Any]
) -> None:
    token = new_token(lms_server)
    answer = registered(lms_server, WISH | change, token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert registered(lms_server, WISH, token).status_code == 200


def test_registration_that_is_no_json_object_is_refused(lms_server: Server) -> None:
    for body in ("[1]", "<html>"):
        url = f"{lms_server.base_url}/lti/register"
        assert requests.post(url, data=body, timeout=10).status_code == 400


def test_frame_posts_itself_to_the_tools_login(lms_server: Server) -> None:
    install(lms_server.base_url)
    page = browser(lms_server).get(f"{lms_server.base_url}/courses/101/launch", timeout=10).text
    assert f'action="{ORIGIN}/lti/login/"' in page
    script = requests.get(f"{lms_server.base_url}/static/post.js", timeout=10)
    assert "submit()" in script.text
