"""The login: who may begin one, and what the platform is asked."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lti_tool import sweeping
from lti_tool.models import LoginState
from lti_tool.sessions import digest
from tests.lti_tool.platform import GONE, Platform


def asked(response: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(response.headers["Location"]).query)


def test_login_asks_the_platform_as_lti_demands(platform: Platform) -> None:
    query = asked(platform.login())
    assert query["scope"] == ["openid"]
    assert query["response_type"] == ["id_token"]
    assert query["response_mode"] == ["form_post"]
    assert query["prompt"] == ["none"]
    assert query["client_id"] == ["tool-1"]
    assert query["redirect_uri"] == ["https://localhost:8000/lti/launch/"]
    assert query["login_hint"] == ["hint-7"]
    assert query["lti_message_hint"] == ["message-9"]


def test_login_by_get_works_too(platform: Platform) -> None:
    response = platform.client.get(
        "/lti/login/", {"iss": platform.issuer, "client_id": "tool-1", "login_hint": "h"}
    )
    assert response.status_code == 302
    assert "lti_message_hint" not in asked(response)


def test_long_hints_of_real_platforms_come_through(platform: Platform) -> None:
    query = asked(platform.login(lti_message_hint="h" * 6_000))
    assert query["lti_message_hint"] == ["h" * 6_000]


def test_state_and_nonce_are_long_and_only_their_hashes_are_kept(platform: Platform) -> None:
    query = asked(platform.login())
    row = LoginState.objects.get()
    assert len(query["state"][0]) >= 43 and len(query["nonce"][0]) >= 43
    assert (row.state_hash, row.nonce_hash) == (digest(query["state"][0]), digest(query["nonce"][0]))


def test_login_cookie_fits_a_frame_and_no_script_reads_it(platform: Platform) -> None:
    response = platform.login()
    (cookie,) = [morsel for name, morsel in response.cookies.items() if "gradesync_login" in name]
    written = cookie.OutputString()
    assert written.startswith("__Host-gradesync_login_")
    for part in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/"):
        assert part in written


def test_authentication_address_with_a_query_keeps_it(platform: Platform) -> None:
    platform.registration.auth_login_url = "https://lms.example.edu/auth?tenant=7"
    platform.registration.save()
    query = asked(platform.login())
    assert query["tenant"] == ["7"]
    assert query["scope"] == ["openid"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown issuer": ({"iss": "https://nobody.example"}, "unknown-issuer"),
    "issuer with a slash": ({"iss": "https://lms.example.edu/"}, "unknown-issuer"),
    "no issuer": ({"iss": GONE}, "unknown-issuer"),
    "issuer with NUL": ({"iss": "https://lms.example.edu\x00"}, "unknown-issuer"),
    "unknown client": ({"client_id": "tool-9"}, "unknown-issuer"),
    "no login hint": ({"login_hint": GONE}, "no-login-hint"),
    "hint without end": ({"login_hint": "x" * 20_000}, "hint-too-long"),
    "message hint without end": ({"lti_message_hint": "&" * 5_000}, "hint-too-long"),
    "target elsewhere": ({"target_link_uri": "https://evil.example/"}, "foreign-target"),
    "target with a trick": ({"target_link_uri": "https://localhost:8000@evil.example/"}, "foreign-target"),
    "target without host": ({"target_link_uri": "/lti/launch/"}, "foreign-target"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_login_is_refused_with_a_page(platform: Platform, name: str) -> None:
    changes, code = REFUSED[name]
    response = platform.login(**changes)
    assert response.status_code == 400
    assert f"administrator: {code}" in response.content.decode()
    assert not LoginState.objects.exists()


def test_login_without_client_id_works_while_only_one_is_meant(platform: Platform) -> None:
    assert platform.login(client_id=GONE).status_code == 302
    Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    response = platform.login(client_id=GONE)
    assert response.status_code == 400
    assert "administrator: ambiguous-client" in response.content.decode()


def test_registrations_own_login_address_tells_clients_apart(platform: Platform) -> None:
    other = Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    page = f"/lti/login/{other.registration.public_id}/"
    response = platform.client.post(page, {"iss": platform.issuer, "login_hint": "h"})
    assert asked(response)["client_id"] == ["tool-2"]


def test_registrations_own_login_address_refuses_another_issuer(platform: Platform) -> None:
    page = f"/lti/login/{platform.registration.public_id}/"
    assert platform.client.post(page, {"iss": "https://evil.example", "login_hint": "h"}).status_code == 400


def test_unknown_login_address_is_refused(platform: Platform) -> None:
    page = f"/lti/login/{uuid.uuid4()}/"
    assert platform.client.post(page, {"iss": platform.issuer, "login_hint": "h"}).status_code == 400


def test_registration_waiting_for_approval_says_so(platform: Platform) -> None:
    platform.registration.active = False
    platform.registration.save()
    response = platform.login()
    assert response.status_code == 403
    assert "waits for approval" in response.content.decode()


def test_old_logins_are_cleared_away(platform: Platform) -> None:
    platform.login()
    LoginState.objects.update(expires_at="2020-01-01T00:00:00Z")
    platform.login()
    sweeping.sweep()
    assert LoginState.objects.count() == 1
