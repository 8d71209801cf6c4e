"""OAuth's code flow on the wire: what leaves, and what each answer means. Nothing secret comes into a text."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses

from sync.code_flow import CodeClient, GrantGone, Tokens, Verifier
from sync.errors import Misconfigured, TryLater
from sync.lms.access import CodeFlow

ROOT = "https://canvas.example.edu"
BACK = "https://tool.example/grants/callback/"
FLOW = CodeFlow(
    "/oauth/auth", "/oauth/token", scopes=("read", "grades"), revoke="/oauth/token", person=("user", "id")
)
CLIENT = CodeClient(FLOW, "Canvas", ROOT, "client-7", "s3cret-key")


@pytest.fixture(autouse=True)
def wire(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.OUTBOUND_ALLOW = frozenset({"canvas.example.edu", "auth.example.edu"})
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answers(wire: Any, body: object, status: int = 200, **more: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    wire.add(responses.POST, f"{ROOT}/oauth/token", body=text, status=status, **more)


def form_of(call: requests.PreparedRequest) -> dict[str, str]:
    body = call.body or b""
    return dict(parse_qsl(body if isinstance(body, str) else body.decode()))


# --- what leaves ----------------------------------------------------------------------------------------------


def test_the_window_is_sent_with_state_scopes_and_our_own_address() -> None:
    url = urlsplit(CLIENT.authorize_url("st4te", BACK, Verifier()))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ROOT}/oauth/auth"
    assert dict(parse_qsl(url.query)) == {
        "response_type": "code",
        "client_id": "client-7",
        "redirect_uri": BACK,
        "state": "st4te",
        "scope": "read grades",
    }


def test_pkce_shows_the_challenge_and_sends_the_secret_of_it(wire: Any) -> None:
    client, verifier = replace(CLIENT, flow=replace(FLOW, pkce=True)), Verifier()
    asked = dict(parse_qsl(urlsplit(client.authorize_url("s", BACK, verifier)).query))
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.secret.encode()).digest()).decode()
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (hashed.rstrip("="), "S256")
    assert verifier.secret not in str(asked)
    answers(wire, {"access_token": "t"})
    client.exchange("c0de", BACK, verifier)
    assert form_of(wire.calls[0].request)["code_verifier"] == verifier.secret
    assert 43 <= len(verifier.secret) <= 128


def test_addresses_and_scopes_of_the_connection_take_the_place_of_the_usual_ones() -> None:
    own = {"auth_url": "https://auth.example.edu/go?x=1", "token_url": "/t", "scopes": "one two"}
    client = replace(CLIENT, options=own)
    url = client.authorize_url("s", BACK, Verifier())
    assert url.startswith("https://auth.example.edu/go?x=1&response_type=code")
    assert dict(parse_qsl(urlsplit(url).query))["scope"] == "one two"
    assert client.address("token") == f"{ROOT}/t"
    assert client.hosts == {"canvas.example.edu"}


def test_no_window_is_sent_to_an_address_without_tls() -> None:
    client = replace(CLIENT, options={"auth_url": "http://evil.example/auth"})
    with pytest.raises(Misconfigured) as caught:
        client.authorize_url("s", BACK, Verifier())
    assert caught.value.code == "address_refused"


@pytest.mark.parametrize("in_body", [True, False])
def test_the_key_goes_in_the_form_or_as_basic_and_never_in_the_address(wire: Any, in_body: bool) -> None:
    answers(wire, {"access_token": "t"})
    replace(CLIENT, flow=replace(FLOW, in_body=in_body)).renew("r3fresh", BACK)
    sent = wire.calls[0].request
    form = form_of(sent)
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "r3fresh")
    assert ("client_secret" in form) is in_body
    assert ("Authorization" in sent.headers) is not in_body
    assert "?" not in str(sent.url)


# --- what comes -----------------------------------------------------------------------------------------------


def test_tokens_come_with_their_end_and_their_person(wire: Any) -> None:
    answers(
        wire,
        {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "scope": "read", "user": {"id": 42}},
    )
    assert CLIENT.exchange("c", BACK, Verifier()) == Tokens("a", "r", 3600, "read", "42")


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [("3600", 3600), (0, None), (-5, None), (True, None), (None, None), ("soon", None), (10**30, 31_536_000)],
)
def test_an_end_that_is_no_number_is_not_known(wire: Any, stated: object, seconds: int | None) -> None:
    answers(wire, {"access_token": "a", "expires_in": stated})
    assert CLIENT.renew("r", BACK).seconds == seconds


@pytest.mark.parametrize(
    "person", [None, [], {"id": None}, {"id": True}, {"id": {"x": 1}}, "42", {"name": "Ada"}]
)
def test_a_person_in_another_shape_is_nobody(wire: Any, person: object) -> None:
    answers(wire, {"access_token": "a", "user": person})
    assert CLIENT.renew("r", BACK).person == ""


@pytest.mark.parametrize(
    "body",
    [
        "<html>Log in</html>",
        [],
        "null",
        {},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 5},
        {"access_token": ["a"]},
        {"access_token": "a b"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "ü"},
        {"access_token": "a" * 20_000},
    ],
)
def test_an_answer_without_a_token_that_can_be_sent_is_the_administrators_business(
    wire: Any, body: object
) -> None:
    answers(wire, body)
    with pytest.raises(Misconfigured) as caught:
        CLIENT.exchange("c", BACK, Verifier())
    assert caught.value.code == "token_broken" and not isinstance(caught.value, GrantGone)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": "invalid_grant", "error_description": "revoked"}),
        # Canvas's own words for a refresh token that was taken back
        (400, {"error": "invalid_request", "error_description": "refresh_token not found"}),
    ],
)
def test_a_refresh_token_that_is_not_known_any_more_is_gone(wire: Any, status: int, body: object) -> None:
    answers(wire, body, status)
    with pytest.raises(GrantGone):
        CLIENT.renew("r", BACK)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "invalid_client"}, "client_refused"),
        (400, {"error": "unauthorized_client"}, "client_refused"),
        (401, "nothing", "client_refused"),
        (400, {"error": "invalid_scope"}, "scope_refused"),
        (
            400,
            {"error": "invalid_request", "error_description": "redirect_uri does not match"},
            "token_broken",
        ),
        (404, "<html>", "token_broken"),
        (302, "", "token_broken"),
        (400, {"error": ["invalid_grant"]}, "token_broken"),
    ],
)
def test_what_is_wrong_with_our_key_loses_no_grant(wire: Any, status: int, body: object, code: str) -> None:
    answers(wire, body, status)
    with pytest.raises(Misconfigured) as caught:
        CLIENT.renew("r", BACK)
    assert caught.value.code == code and not isinstance(caught.value, GrantGone)
    assert "administrator" in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_busy_or_broken_server_is_asked_later(wire: Any, status: int) -> None:
    answers(wire, {"error": "invalid_grant"}, status, headers={"Retry-After": "7"})
    with pytest.raises(TryLater) as caught:
        CLIENT.renew("r", BACK)
    assert caught.value.after == 7


def test_no_answer_is_asked_later(wire: Any) -> None:
    wire.add(responses.POST, f"{ROOT}/oauth/token", body=requests.exceptions.ReadTimeout())
    with pytest.raises(TryLater):
        CLIENT.renew("r", BACK)


def test_no_text_and_no_repr_holds_a_token_a_code_or_the_secret(wire: Any) -> None:
    secrets = ("s3cret-key", "r3fresh", "c0de", "acc3ss")
    answers(wire, {"error": "invalid_request", "error_description": "s3cret-key r3fresh c0de"}, 400)
    said = [repr(CLIENT), repr(Tokens("acc3ss", "r3fresh")), repr(Verifier("acc3ss"))]
    for ask in (lambda: CLIENT.renew("r3fresh", BACK), lambda: CLIENT.exchange("c0de", BACK, Verifier())):
        with pytest.raises(Misconfigured) as caught:
            ask()
        said.append(repr(caught.value))
    assert [word for word in secrets if word in " ".join(said)] == []


# --- taken back -----------------------------------------------------------------------------------------------


def test_taken_back_by_its_own_access_token(wire: Any) -> None:
    wire.add(responses.DELETE, f"{ROOT}/oauth/token", json={})
    assert CLIENT.revoke(Tokens("acc3ss", "r"))
    assert wire.calls[0].request.headers["Authorization"] == "Bearer acc3ss"


def test_taken_back_by_a_form_where_that_is_the_way(wire: Any) -> None:
    answers(wire, "")
    client = replace(CLIENT, flow=replace(FLOW, revoke_method="POST"))
    assert client.revoke(Tokens("a", "r3fresh"))
    assert form_of(wire.calls[0].request)["token"] == "r3fresh"


def test_an_lms_that_is_away_or_knows_no_way_took_nothing_back(wire: Any) -> None:
    assert not replace(CLIENT, flow=replace(FLOW, revoke="")).revoke(Tokens("a"))
    wire.add(responses.DELETE, f"{ROOT}/oauth/token", status=401)
    assert not CLIENT.revoke(Tokens("a"))
    wire.replace(responses.DELETE, f"{ROOT}/oauth/token", body=requests.exceptions.ConnectionError())
    assert not CLIENT.revoke(Tokens("a"))


@pytest.mark.parametrize(
    ("stated", "ours"),
    [(ROOT, True), (f"{ROOT}/x", True), ("https://evil.example", False), ("", False), ("canvas", False)],
)
def test_only_the_server_that_was_asked_may_answer(stated: str, ours: bool) -> None:
    assert CLIENT.is_issuer(stated) is ours
