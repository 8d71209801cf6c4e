"""The connection test: each way in which a registration may not work, told with what to do; and once for real."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses

from lti_tool import connection_test, keys
from lti_tool.connection_test import Finding
from lti_tool.models import CachedToken, Institution, Registration
from lti_tool.services import LINE_ITEM_SCOPES, MEMBER_SCOPES, RESULT_SCOPES
from tests.lti_tool.platform import Platform, jwk
from tests.sandbox_servers import Server

READ_ITEMS, WRITE_ITEMS = LINE_ITEM_SCOPES
(RESULTS,), (MEMBERS,) = RESULT_SCOPES, MEMBER_SCOPES
ALL = {READ_ITEMS, RESULTS, MEMBERS}


class TokenService:
    """The platform's token address: gives what it grants, and checks the audience that it wants."""

    def __init__(self, platform: Platform) -> None:
        self.row = platform.registration
        self.granted, self.audience = set(ALL), self.row.auth_token_url
        self.headers: dict[str, str] = {}
        self.narrowed = ""
        self.asked: list[str] = []
        responses.add_callback(responses.POST, self.row.auth_token_url, self._answer)

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        form = {name: values[0] for name, values in parse_qs(str(request.body)).items()}
        self.asked.append(form["scope"])
        claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
        if claims["aud"] != self.audience:
            return 400, self.headers, json.dumps({"error": "invalid_client"})
        if form["scope"] not in self.granted:
            return 400, self.headers, json.dumps({"error": "invalid_scope"})
        token = {"access_token": "secret-token", "expires_in": 3600, "scope": self.narrowed or form["scope"]}
        return 200, self.headers, json.dumps(token)


@pytest.fixture
def service(platform: Platform) -> TokenService:
    return TokenService(platform)


def report(platform: Platform) -> dict[str, Finding]:
    return {finding.name: finding for finding in connection_test.run(platform.registration)}


def test_all_is_well_and_kept_with_the_registration(platform: Platform, service: TokenService) -> None:
    found = report(platform)
    row = Registration.objects.get()
    assert all(finding.ok for finding in found.values())
    assert set(found) == {"keys", "token:line-items", "token:results", "token:members"}
    assert row.granted_scopes == sorted(ALL)
    assert [line["name"] for line in row.test_report] == list(found) and row.tested_at is not None


def test_the_report_holds_no_token(platform: Platform, service: TokenService) -> None:
    report(platform)
    assert "secret-token" not in json.dumps(Registration.objects.get().test_report)


@pytest.mark.parametrize(
    ("scope", "name", "words"),
    [
        (RESULTS, "token:results", "cannot read grades"),
        (MEMBERS, "token:members", "cannot be matched to students"),
        (READ_ITEMS, "token:line-items", "cannot see the gradebook"),
    ],
)
def test_a_refused_right_is_told_with_what_will_not_work(
    platform: Platform, service: TokenService, scope: str, name: str, words: str
) -> None:
    service.granted.discard(scope)
    found = report(platform)
    assert [line.name for line in found.values() if not line.ok] == [name]
    assert words in found[name].text and "administrator" in found[name].advice
    assert Registration.objects.get().granted_scopes == sorted(ALL - {scope})


def test_the_writing_right_stands_in_for_the_reading_one(platform: Platform, service: TokenService) -> None:
    service.granted = {WRITE_ITEMS, RESULTS, MEMBERS}
    assert report(platform)["token:line-items"].ok
    assert Registration.objects.get().granted_scopes == sorted({WRITE_ITEMS, RESULTS, MEMBERS})


def test_a_token_that_is_good_for_less_is_not_counted(platform: Platform, service: TokenService) -> None:
    service.narrowed = RESULTS
    found = report(platform)
    assert [line.name for line in found.values() if not line.ok] == ["token:line-items", "token:members"]


def test_a_right_that_was_cut_since_registering_is_forgotten(
    platform: Platform, service: TokenService
) -> None:
    platform.registration.granted_scopes = sorted({*ALL, WRITE_ITEMS})
    service.granted.discard(MEMBERS)
    report(platform)
    assert Registration.objects.get().granted_scopes == sorted({READ_ITEMS, WRITE_ITEMS, RESULTS})


def test_each_test_asks_anew(platform: Platform, service: TokenService) -> None:
    report(platform)
    assert CachedToken.objects.exists()
    report(platform)
    assert len(service.asked) == 6


KEY_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"status": 404}, "without a key set"),
    "html": ({"body": "<html>"}, "without a key set"),
    "a list": ({"json": []}, "without a key set"),
    "no keys": ({"json": {"keys": []}}, "no RSA key"),
    "keys of odd types": ({"json": {"keys": [7, None, "x"]}}, "no RSA key"),
    "another algorithm": ({"json": {"keys": [jwk("k1") | {"alg": "RS512"}]}}, "no RSA key"),
    "for encryption": ({"json": {"keys": [jwk("k1") | {"use": "enc"}]}}, "no RSA key"),
    "too short": ({"json": {"keys": [jwk("k1", bits=1024)]}}, "no RSA key"),
    "one id twice": ({"json": {"keys": [jwk("k1", "same"), jwk("k2", "same")]}}, "no RSA key"),
    "away": ({"body": requests.exceptions.ConnectTimeout()}, "cannot be reached"),
}


@pytest.mark.parametrize("name", KEY_SETS)
def test_a_key_set_that_checks_no_launch_is_told(
    platform: Platform, service: TokenService, name: str
) -> None:
    answer, words = KEY_SETS[name]
    responses.upsert(responses.GET, platform.registration.key_set_url, **answer)
    found = report(platform)["keys"]
    assert not found.ok and words in found.text and "key set address" in found.advice


def test_usable_keys_are_counted(platform: Platform, service: TokenService) -> None:
    platform.serve_keys(jwk("k1"), jwk("k2"), jwk("k3") | {"use": "enc"})
    assert "2 usable keys" in report(platform)["keys"].text


def test_an_unknown_client_is_told_once_with_where_to_look(platform: Platform, service: TokenService) -> None:
    service.audience = "https://audience.example.edu"
    found = report(platform)
    first = found["token:line-items"]
    assert "invalid_client" in first.text
    assert "https://localhost:8000/lti/jwks/" in first.advice and "audience" in first.advice
    assert "Not asked" in found["token:results"].text and len(service.asked) == 1
    assert Registration.objects.get().granted_scopes is None


def test_a_failed_test_leaves_what_was_known(platform: Platform, service: TokenService) -> None:
    platform.registration.granted_scopes = []
    service.audience = "https://audience.example.edu"
    report(platform)
    assert Registration.objects.get().granted_scopes == []


def test_an_audience_that_the_lms_wants_is_confirmed(platform: Platform, service: TokenService) -> None:
    service.audience = platform.registration.auth_audience = "https://audience.example.edu"
    assert report(platform)["audience"].ok


def test_an_audience_that_the_lms_refuses_is_told_and_no_longer_used(
    platform: Platform, service: TokenService
) -> None:
    platform.registration.auth_audience = "https://wrong.example.edu"
    platform.registration.save()
    found = report(platform)
    assert found["token:results"].ok
    assert "took its token address instead" in found["audience"].text
    assert Registration.objects.get().auth_audience == ""
    assert "audience" not in report(platform)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 503}, "busy"),
        ({"status": 500}, "error of its own"),
        ({"body": "<html>", "status": 200}, "no JSON"),
        ({"body": requests.exceptions.ConnectTimeout()}, "cannot be reached"),
        ({"status": 404}, "404"),
    ],
)
def test_a_token_address_in_trouble_is_told(platform: Platform, answer: dict[str, Any], words: str) -> None:
    responses.add(responses.POST, platform.registration.auth_token_url, **answer)
    found = report(platform)
    assert words in found["token:line-items"].text and found["token:line-items"].advice
    assert not found["token:members"].ok and found["keys"].ok


@pytest.mark.parametrize(("seconds", "words"), [(95, "ahead"), (-95, "behind")])
def test_clocks_that_differ_are_told(
    platform: Platform, service: TokenService, seconds: int, words: str
) -> None:
    service.headers = {"Date": formatdate(time.time() + seconds, usegmt=True)}
    found = report(platform)["clock"]
    assert not found.ok and words in found.text and "NTP" in found.advice


def test_clocks_that_agree_are_told(platform: Platform, service: TokenService) -> None:
    service.headers = {"Date": formatdate(time.time() + 5, usegmt=True)}
    assert report(platform)["clock"].ok


def test_a_cached_answer_is_not_taken_for_a_slow_clock(platform: Platform, service: TokenService) -> None:
    service.headers = {"Date": formatdate(time.time() - 900, usegmt=True), "Age": "900"}
    assert report(platform)["clock"].ok


@pytest.mark.parametrize("date", ["yesterday", "", "Thu, 99 Jan 2026 10:00:00 GMT"])
def test_a_date_that_is_none_is_passed_over(platform: Platform, service: TokenService, date: str) -> None:
    service.headers = {"Date": date}
    assert "clock" not in report(platform)


def test_an_address_that_may_not_be_reached_is_told(db: None) -> None:
    """On the real wire: nothing is faked here."""
    row = Registration.objects.create(
        institution=Institution.objects.create(name="Hill"),
        name="x",
        issuer="https://127.0.0.1",
        client_id="c",
        auth_login_url="https://127.0.0.1/a",
        auth_token_url="https://127.0.0.1/t",
        key_set_url="https://127.0.0.1/k",
    )
    found = {finding.name: finding for finding in connection_test.run(row)}
    assert "OUTBOUND_ALLOW" in found["keys"].text and "OUTBOUND_ALLOW" in found["token:line-items"].advice


# --- once for real, against the sandbox LMS ---


@pytest.fixture
def sandbox(db: None, start_lms: Callable[..., Server]) -> tuple[Server, Registration]:
    """A pretend LMS that knows this tool's keys, and its registration here."""
    server = start_lms()
    names = ("issuer", "client_id", "auth_login_url", "auth_token_url", "key_set_url")
    row = Registration.objects.create(
        institution=Institution.objects.create(name="Hill"),
        name="Sandbox",
        **{name: server.hello[name] for name in names},
    )
    keys.active_key()
    server.control("tool", tool_url="https://localhost:8000", jwks=keys.jwks())
    return server, row


def test_the_sandbox_lms_passes(sandbox: tuple[Server, Registration]) -> None:
    found = connection_test.run(sandbox[1])
    assert [(finding.name, finding.ok) for finding in found] == [
        ("keys", True),
        ("token:line-items", True),
        ("token:results", True),
        ("token:members", True),
        ("clock", True),
    ]


def test_a_right_that_the_sandbox_lms_withholds_is_told(sandbox: tuple[Server, Registration]) -> None:
    server, row = sandbox
    server.control("tool", scopes=[READ_ITEMS, RESULTS])
    failed = [finding.name for finding in connection_test.run(row) if not finding.ok]
    assert failed == ["token:members"]


def test_a_sandbox_lms_that_refuses_the_client_is_told(sandbox: tuple[Server, Registration]) -> None:
    server, row = sandbox
    server.faults.on("token-refused")
    found = {finding.name: finding for finding in connection_test.run(row)}
    assert "client id" in found["token:line-items"].advice and found["keys"].ok
