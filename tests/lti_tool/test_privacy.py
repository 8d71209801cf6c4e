"""No name, secret or token appears in a log line, an address or an exception's text."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import responses
from django.test import Client

from lti_tool import invites
from lti_tool.models import Context, LtiSession
from lti_tool.services import ServiceError, Services
from tests.lti_tool.platform import GONE, LEARNER, Platform

PERSONAL = ("Tilda", "Teacher", "tilda@", "user-3", "T-9001", "hint-7")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


LAUNCHES: dict[str, dict[str, Any]] = {
    "accepted": {},
    "learner": {"roles": [LEARNER]},
    "unknown deployment": {"deployment_id": "dep-7"},
    "no context": {"context": GONE},
    "expired": {"exp": 1},
    "malformed": {"roles": "Tilda Teacher"},
    "foreign nonce": {"nonce": "Tilda"},
}


@pytest.mark.parametrize("name", LAUNCHES)
def test_launch_leaves_nothing_personal_in_the_log(
    platform: Platform, lines: pytest.LogCaptureFixture, name: str
) -> None:
    begun = platform.begun()
    token = platform.sign(platform.claims(begun["nonce"], **LAUNCHES[name]))
    response = platform.post(begun["state"], token)
    for word in (*PERSONAL, token, begun["state"], begun["nonce"], *_cookie_values(response)):
        assert word not in lines.text


def _cookie_values(response: Any) -> list[str]:
    return [morsel.value for morsel in response.cookies.values() if morsel.value]


def test_refused_launch_is_logged_by_its_code(platform: Platform, lines: pytest.LogCaptureFixture) -> None:
    platform.launch(exp=1)
    assert "LTI refused: expired:exp" in lines.text


def test_address_of_the_course_page_names_nobody(platform: Platform) -> None:
    response = platform.launch()
    context = Context.objects.get()
    assert response.headers["Location"] == f"/courses/{context.public_id}/"
    assert not [word for word in (*PERSONAL, context.context_id) if word in response.headers["Location"]]


def test_only_the_hash_of_a_session_is_stored(platform: Platform) -> None:
    response = platform.launch()
    row = LtiSession.objects.get()
    secret = {value for value in _cookie_values(response) if len(value) > 20}
    assert secret and not secret & {str(value) for value in vars(row).values()}


def test_one_time_invite_is_not_logged_when_its_page_is_refused(
    platform: Platform, lines: pytest.LogCaptureFixture
) -> None:
    token = invites.make(platform.registration.institution)
    browser = Client(headers={"host": "localhost:8000"})
    url = f"/lti/register/{token}/?openid_configuration=https://lms.example.edu/nothing"
    assert browser.get(url).status_code == 400
    assert token not in lines.text


@pytest.mark.parametrize("method", ["post", "put", "get"])
def test_one_time_invite_is_not_logged_by_django_either(
    platform: Platform, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(token: str) -> None:
        raise RuntimeError

    token = invites.make(platform.registration.institution)
    browser = Client(
        enforce_csrf_checks=True, raise_request_exception=False, headers={"host": "localhost:8000"}
    )
    monkeypatch.setattr(invites, "find", broken)
    answer = getattr(browser, method)(f"/lti/register/{token}/")
    assert answer.status_code in {403, 405, 500}
    assert "/lti/register/" in lines.text and token not in lines.text


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_service_errors_repeat_nothing_that_the_lms_said(
    platform: Platform, lines: pytest.LogCaptureFixture, status: int
) -> None:
    responses.add(responses.POST, "https://lms.example.edu/token", json={"access_token": "bearer-1"})
    url = "https://lms.example.edu/2/members?user=tilda@example.edu"
    responses.add(responses.GET, url, status=status, body="Tilda Teacher, grade 9.257")
    with pytest.raises(ServiceError) as caught:
        Services(platform.registration).members(url)
    words = f"{caught.value} {caught.value!r} {lines.text}"
    assert not [word for word in (*PERSONAL, "9.257", "bearer-1") if word in words]
