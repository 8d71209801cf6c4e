"""The pretend LMS's OAuth room over plain HTTP: what a product of each kind gives, renews, and takes back."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.sandbox_servers import Server

BACK = "https://tool.example/grants/callback/"
CANVAS = ("/login/oauth2/auth", "/login/oauth2/token")
LEARN = "/learn/api/public/v1/oauth2"
BLACKBOARD = (f"{LEARN}/authorizationcode", f"{LEARN}/token")
BRIGHTSPACE = ("/oauth2/auth", "/core/connect/token")


@pytest.fixture
def room(lms_server: Server) -> Server:
    lms_server.control("oauth", origin="https://tool.example")
    return lms_server


def asked(room: Server, **more: str) -> dict[str, str]:
    key = room.hello["oauth"]["client_id"]
    return {"client_id": key, "response_type": "code", "redirect_uri": BACK, "state": "s"} | more


def decided(room: Server, path: str, answer: str = "allow", **more: str) -> dict[str, str]:
    form = asked(room, answer=answer, **more)
    said = requests.post(room.base_url + path, data=form, allow_redirects=False, timeout=10)
    assert said.status_code == 302, said.text
    return dict(parse_qsl(urlsplit(said.headers["Location"]).query))


def token(room: Server, path: str, **form: str) -> requests.Response:
    hello = room.hello["oauth"]
    key = {"client_id": hello["client_id"], "client_secret": hello["client_secret"]}
    return requests.post(room.base_url + path, data=key | form, timeout=10)


def tokens(room: Server, style: tuple[str, str], **more: str) -> dict[str, Any]:
    code = decided(room, style[0], **more)["code"]
    said = token(room, style[1], grant_type="authorization_code", code=code, redirect_uri=BACK)
    assert said.status_code == 200, said.text
    found: dict[str, Any] = said.json()
    return found


def status(room: Server, access: str) -> int:
    headers = {"Authorization": f"Bearer {access}"}
    return requests.get(f"{room.base_url}/api/v1/users/self", headers=headers, timeout=10).status_code


def test_a_person_sees_who_she_is_and_may_say_no(room: Server) -> None:
    page = requests.get(
        room.base_url + CANVAS[0], params=asked(room), cookies={"sandbox_lms_user": "11"}, timeout=10
    )
    assert "Ada Okafor" in page.text and "Allow" in page.text
    assert decided(room, CANVAS[0], "deny") == {"state": "s", "error": "access_denied"}


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "other"}, {"redirect_uri": "https://evil.example/x"}, {"response_type": "token"}],
)
def test_nobody_is_sent_to_a_place_that_is_not_the_key_s(room: Server, wrong: dict[str, str]) -> None:
    for ask in (requests.get, requests.post):
        form = {"params": asked(room) | wrong}
        assert ask(room.base_url + CANVAS[0], allow_redirects=False, timeout=10, **form).status_code == 400


def test_in_auto_mode_nobody_is_asked(room: Server) -> None:
    room.control("oauth", auto=True)
    said = requests.get(room.base_url + CANVAS[0], params=asked(room), allow_redirects=False, timeout=10)
    assert said.status_code == 302 and "code=" in said.headers["Location"]


def test_canvas_names_the_person_and_keeps_its_refresh_token(room: Server) -> None:
    first = tokens(room, CANVAS)
    assert first["user"]["id"] and status(room, first["access_token"]) == 200
    second = token(room, CANVAS[1], grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert "refresh_token" not in second and second["access_token"] != first["access_token"]
    again = token(room, CANVAS[1], grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status_code == 200


def test_brightspace_turns_its_refresh_token_over_and_a_second_use_ends_all(room: Server) -> None:
    first = tokens(room, BRIGHTSPACE)
    assert "user" not in first
    second = token(
        room, BRIGHTSPACE[1], grant_type="refresh_token", refresh_token=first["refresh_token"]
    ).json()
    assert second["refresh_token"] != first["refresh_token"] and status(room, second["access_token"]) == 200
    reused = token(room, BRIGHTSPACE[1], grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert status(room, second["access_token"]) == 401
    after = token(room, BRIGHTSPACE[1], grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert after.json()["error"] == "invalid_grant"


def test_blackboard_names_the_person_by_her_uuid_alone(room: Server) -> None:
    code = decided(room, BLACKBOARD[0])["code"]
    key = tuple(room.hello["oauth"][name] for name in ("client_id", "client_secret"))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    first = requests.post(room.base_url + BLACKBOARD[1], data=form, auth=key, timeout=10).json()
    assert re.fullmatch("[0-9a-f]{32}", first["user_id"]) and "user" not in first


def test_a_code_counts_once_and_for_its_own_address(room: Server) -> None:
    code = decided(room, CANVAS[0])["code"]
    form = {"grant_type": "authorization_code", "code": code}
    assert token(room, CANVAS[1], redirect_uri="https://tool.example/other", **form).status_code == 400
    assert token(room, CANVAS[1], redirect_uri=BACK, **form).status_code == 400, "spent by the first try"


def test_a_challenge_wants_its_verifier(room: Server) -> None:
    hashed = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("=")
    for verifier, wanted in (("v" * 43, 200), ("w" * 43, 400), ("", 400)):
        code = decided(room, CANVAS[0], code_challenge=hashed, code_challenge_method="S256")["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        assert token(room, CANVAS[1], code_verifier=verifier, **form).status_code == wanted


def test_the_key_is_taken_as_basic_too_and_a_wrong_one_refused(room: Server) -> None:
    hello = room.hello["oauth"]
    form = {"grant_type": "refresh_token", "refresh_token": "none"}
    for secret, wanted in ((hello["client_secret"], 400), ("wrong", 401)):
        auth = (hello["client_id"], secret)
        said = requests.post(room.base_url + BRIGHTSPACE[1], data=form, auth=auth, timeout=10)
        assert said.status_code == wanted


def test_access_ends_at_its_time_and_goes_on_by_renewal(room: Server) -> None:
    first = tokens(room, CANVAS)
    room.control("oauth", expire=True)
    assert status(room, first["access_token"]) == 401
    renewed = token(room, CANVAS[1], grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert status(room, renewed["access_token"]) == 200
    room.control("oauth", seconds=0)
    assert status(room, tokens(room, CANVAS)["access_token"]) == 401


def test_taken_back_by_the_tool_or_by_the_person(room: Server) -> None:
    first = tokens(room, CANVAS)
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    for wanted in (200, 401):
        said = requests.delete(room.base_url + CANVAS[1], headers=headers, timeout=10)
        assert said.status_code == wanted
    second = tokens(room, CANVAS)
    room.control("oauth", revoke="999")
    assert status(room, second["access_token"]) == 200
    room.control("oauth", revoke=True)
    assert status(room, second["access_token"]) == 401
    gone = token(room, CANVAS[1], grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert gone.json() == {"error": "invalid_request", "error_description": "refresh_token not found"}


def test_the_journal_keeps_no_secret(room: Server) -> None:
    first = tokens(room, CANVAS)
    token(room, CANVAS[1], grant_type="refresh_token", refresh_token=first["refresh_token"])
    bodies = str([one["body"] for one in room.journal])
    assert first["refresh_token"] not in bodies and room.hello["oauth"]["client_secret"] not in bodies


@pytest.mark.parametrize("dialect", ["canvas", "brightspace"])
def test_a_product_has_one_address_for_lti_and_for_people(start_lms: Any, dialect: str) -> None:
    server: Server = start_lms(dialect=dialect)
    server.control("oauth", origin="https://tool.example")
    style = CANVAS if dialect == "canvas" else BRIGHTSPACE
    assert status(server, tokens(server, style)["access_token"]) == 200
    other = requests.post(server.base_url + style[1], data={"grant_type": "client_credentials"}, timeout=10)
    assert other.json()["error"] == "unsupported_grant_type"
