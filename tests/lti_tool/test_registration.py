"""LTI Dynamic Registration, the tool's side: guarded by a one-time invite, checked, never overwriting."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from lti_tool import invites
from lti_tool.models import Deployment, Institution, Invite, Registration

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CONFIGURATION = "https://lms.example.edu/openid"
TOKEN = "one-time-token-of-the-platform"


def configuration(**changes: Any) -> dict[str, Any]:
    values = {
        "issuer": "https://lms.example.edu",
        "authorization_endpoint": "https://lms.example.edu/auth",
        "token_endpoint": "https://lms.example.edu/token",
        "jwks_uri": "https://lms.example.edu/jwks",
        "registration_endpoint": "https://lms.example.edu/register",
        "https://purl.imsglobal.org/spec/lti-platform-configuration": {"product_family_code": "moodle"},
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


@pytest.fixture
def invite(db: None, wire: responses.RequestsMock) -> str:
    """An invite's token, and a platform that answers."""
    responses.add(responses.GET, CONFIGURATION, json=configuration())
    answer = {"client_id": "made-7", TOOL: {"deployment_id": "1"}}
    responses.add(responses.POST, "https://lms.example.edu/register", json=answer)
    return invites.make(Institution.objects.create(name="Hill School"))


@pytest.fixture
def browser() -> Client:
    return Client(headers={"host": "localhost:8000"})


def confirm(browser: Client, invite: str, **changes: str) -> Any:
    values = {"openid_configuration": CONFIGURATION, "registration_token": TOKEN, **changes}
    return browser.get(f"/lti/register/{invite}/", values)


def register(browser: Client, invite: str, **changes: str) -> Any:
    values = {"openid_configuration": CONFIGURATION, "registration_token": TOKEN, **changes}
    return browser.post(f"/lti/register/{invite}/", values)


def test_confirm_page_shows_who_asks_and_registers_nothing(browser: Client, invite: str) -> None:
    response = confirm(browser, invite)
    assert "https://lms.example.edu" in response.content.decode()
    assert [call.request.method for call in responses.calls] == ["GET"]
    assert not Registration.objects.exists()


def test_confirmed_registration_is_stored_and_waits_for_approval(browser: Client, invite: str) -> None:
    response = register(browser, invite)
    row = Registration.objects.get()
    assert response.status_code == 200
    assert "close.js" in response.content.decode()
    assert (row.issuer, row.client_id, row.active) == ("https://lms.example.edu", "made-7", False)
    assert row.institution.name == "Hill School"
    assert Deployment.objects.get().active is False
    assert Invite.objects.get().registration == row


def test_pre_approved_registration_can_be_used_at_once(browser: Client, invite: str) -> None:
    Invite.objects.update(pre_approved=True)
    register(browser, invite)
    row = Registration.objects.get()
    assert row.active and row.trust_new_deployments and Deployment.objects.get().active


def test_platform_is_told_what_it_needs(browser: Client, invite: str) -> None:
    register(browser, invite)
    request = responses.calls[-1].request
    sent = json.loads(request.body)
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent["response_types"] == ["id_token"]
    assert sent["initiate_login_uri"] == "https://localhost:8000/lti/login/"
    assert sent["redirect_uris"] == ["https://localhost:8000/lti/launch/"]
    assert sent["jwks_uri"] == "https://localhost:8000/lti/jwks/"
    assert sent["token_endpoint_auth_method"] == "private_key_jwt"
    assert sent[TOOL]["domain"] == "localhost:8000"
    assert "email" in sent[TOOL]["claims"] and "result.readonly" in sent["scope"]


def test_no_token_means_no_header(browser: Client, invite: str) -> None:
    register(browser, invite, registration_token="")
    assert all("Authorization" not in call.request.headers for call in responses.calls)


def test_invite_counts_once(browser: Client, invite: str) -> None:
    assert register(browser, invite).status_code == 200
    assert register(browser, invite).status_code == 404
    assert confirm(browser, invite).status_code == 404
    assert Registration.objects.count() == 1


def test_invite_is_kept_as_a_hash(invite: str) -> None:
    row = Invite.objects.get()
    assert invite not in json.dumps([row.token_hash, row.created_by, str(row)])


@pytest.mark.parametrize("bad", ["made-up", "expired"])
def test_nothing_is_fetched_without_a_valid_invite(browser: Client, invite: str, bad: str) -> None:
    if bad == "expired":
        Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    token = invite if bad == "expired" else bad
    assert confirm(browser, token).status_code == 404
    assert register(browser, token).status_code == 404
    assert len(responses.calls) == 0


def test_address_opened_by_hand_explains_itself(browser: Client, invite: str) -> None:
    response = browser.get(f"/lti/register/{invite}/")
    assert response.status_code == 200
    assert "Paste it into your LMS" in response.content.decode()


BAD_CONFIGURATIONS: dict[str, Any] = {
    "issuer of somebody else": configuration(issuer="https://other.example.edu"),
    "registration elsewhere": configuration(registration_endpoint="https://evil.example/register"),
    "no key set": configuration(jwks_uri=None),
    "plain http": configuration(token_endpoint="http://lms.example.edu/token"),
    "issuer as list": configuration(issuer=["https://lms.example.edu"]),
    "password in an address": configuration(jwks_uri="https://a:b@lms.example.edu/jwks"),
    "a list": [],
}


@pytest.mark.parametrize("name", BAD_CONFIGURATIONS)
def test_configuration_that_is_not_right_registers_nothing(browser: Client, invite: str, name: str) -> None:
    responses.upsert(responses.GET, CONFIGURATION, json=BAD_CONFIGURATIONS[name])
    for response in (confirm(browser, invite), register(browser, invite)):
        assert response.status_code == 400
    assert not [call for call in responses.calls if call.request.method == "POST"]
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "source", "taken"),
    [
        ("https://canvas.instructure.com", "https://sso.canvaslms.com/openid", True),
        ("https://canvas.beta.instructure.com", "https://sso.beta.canvaslms.com/openid", True),
        ("https://blackboard.com", "https://developer.blackboard.com/openid", True),
        ("https://canvas.instructure.com", "https://canvaslms.com.evil.example/openid", False),
        ("https://instructure.com.evil.example", "https://sso.canvaslms.com/openid", False),
    ],
)
def test_families_whose_configuration_lies_elsewhere_are_known(
    browser: Client, invite: str, issuer: str, source: str, taken: bool
) -> None:
    target = source.replace("openid", "register")
    responses.add(responses.GET, source, json=configuration(issuer=issuer, registration_endpoint=target))
    assert confirm(browser, invite, openid_configuration=source).status_code == (200 if taken else 400)


@pytest.mark.parametrize(
    "source", ["http://lms.example.edu/openid", "https://127.0.0.1/openid", "file:///etc/passwd", "nonsense"]
)
def test_configuration_address_passes_the_guard_or_is_refused(browser: Client, db: None, source: str) -> None:
    """On the real wire: nothing is faked here."""
    token = invites.make(Institution.objects.create(name="Hill School"))
    assert confirm(browser, token, openid_configuration=source).status_code == 400


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "refused": {"status": 400, "body": "missing required attribute Ana"},
    "unauthorised": {"status": 401, "json": {"error": "token_already_used"}},
    "html": {"body": "<html>"},
    "no client id": {"json": {"client_name": "x"}},
    "client id as number": {"json": {"client_id": 7}},
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_failed_registration_gives_the_invite_back(browser: Client, invite: str, name: str) -> None:
    responses.upsert(responses.POST, "https://lms.example.edu/register", **BAD_ANSWERS[name])
    response = register(browser, invite)
    assert response.status_code == 400
    assert "Ana" not in response.content.decode()
    assert not Registration.objects.exists()
    assert Invite.objects.get().used_at is None


def test_existing_registration_is_not_overwritten(browser: Client, invite: str) -> None:
    register(browser, invite)
    Registration.objects.update(name="kept", active=True)
    again = invites.make(Institution.objects.get())
    response = register(browser, again)
    assert response.status_code == 400
    assert "registered here already" in response.content.decode()
    assert Registration.objects.get().name == "kept"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.brightspace.com/auth/token", "https://api.brightspace.com/auth/token"),
        ("canvas.instructure.com", ""),
    ],
)
def test_audience_is_taken_only_when_it_is_an_address(
    browser: Client, invite: str, given: str, kept: str
) -> None:
    responses.upsert(responses.GET, CONFIGURATION, json=configuration(authorization_server=given))
    register(browser, invite)
    assert Registration.objects.get().auth_audience == kept


def test_canvas_is_asked_for_placements_and_course_id(browser: Client, invite: str) -> None:
    family = {"product_family_code": "canvas"}
    responses.upsert(
        responses.GET,
        CONFIGURATION,
        json=configuration(**{"https://purl.imsglobal.org/spec/lti-platform-configuration": family}),
    )
    register(browser, invite)
    tool = json.loads(responses.calls[-1].request.body)[TOOL]
    assert tool["custom_parameters"]["canvas_course_id"] == "$Canvas.course.id"
    assert tool["https://canvas.instructure.com/lti/privacy_level"] == "public"
    assert "course_navigation" in tool["messages"][0]["placements"]


def test_registration_page_can_be_framed_and_can_close_its_window(browser: Client, invite: str) -> None:
    response = confirm(browser, invite)
    assert "frame-ancestors 'self' https:" in response.headers["Content-Security-Policy"]
    assert response.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_canvas_configuration_names_our_addresses(browser: Client) -> None:
    body = browser.get("/lti/canvas.json").json()
    placements = body["extensions"][0]["settings"]["placements"]
    assert body["oidc_initiation_url"] == "https://localhost:8000/lti/login/"
    assert body["public_jwk_url"] == "https://localhost:8000/lti/jwks/"
    assert {row["placement"] for row in placements} == {"course_navigation", "post_grades"}


def test_registering_needs_no_cookie(invite: str) -> None:
    """In the LMS's frame a browser may keep none, and sends no origin: the invite in the address proves her."""
    browser = Client(headers={"host": "localhost:8000", "origin": "null"}, enforce_csrf_checks=True)
    page = confirm(browser, invite)
    assert not page.cookies and "csrfmiddlewaretoken" not in page.content.decode()
    assert register(browser, invite).status_code == 200


def test_the_confirmed_form_loads_a_page_of_its_own(browser: Client, invite: str) -> None:
    """Swapped in by script, the next page would not run the script that closes the window."""
    assert '<form method="post" hx-boost="false">' in confirm(browser, invite).content.decode()
