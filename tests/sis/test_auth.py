"""Client credentials: how a token is asked for, kept, renewed, and what a refusal means."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from sync.auth import ClientCredentials, MemoryTokens, TokenStore
from sync.errors import Misconfigured, TryLater

URL = "https://id.example/token"
SECRET = "a+b/c=secret"


class Clock(MemoryTokens):
    """A store that remembers for how long it was asked to keep a token."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[int] = []

    def set(self, key: str, token: str, seconds: int) -> None:
        assert SECRET not in key
        self.seconds.append(seconds)
        super().set(key, token, seconds)


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as made:
        yield made


def credentials(tokens: TokenStore | None = None, **options: Any) -> ClientCredentials:
    return ClientCredentials(URL, "client", SECRET, ("read", "write"), tokens or MemoryTokens(), **options)


def gives(mock: responses.RequestsMock, token: str = "t", **fields: Any) -> None:
    mock.add("POST", URL, json={"access_token": token, "token_type": "bearer", "expires_in": 3600, **fields})


def form(mock: responses.RequestsMock, call: int = 0) -> dict[str, list[str]]:
    return parse_qs(str(mock.calls[call].request.body))


def test_id_and_secret_go_as_basic_and_not_in_the_body(mock: responses.RequestsMock) -> None:
    gives(mock)
    assert credentials().token() == "t"
    pair = base64.b64encode(f"client:{SECRET}".encode()).decode()
    assert mock.calls[0].request.headers["Authorization"] == f"Basic {pair}"
    assert form(mock) == {"grant_type": ["client_credentials"], "scope": ["read write"]}


def test_id_and_secret_go_in_the_body_where_asked(mock: responses.RequestsMock) -> None:
    gives(mock)
    credentials(in_body=True).token()
    assert form(mock)["client_secret"] == [SECRET] and "Authorization" not in mock.calls[0].request.headers


def test_without_scopes_none_is_named(mock: responses.RequestsMock) -> None:
    gives(mock)
    ClientCredentials(URL, "client", SECRET, (), MemoryTokens()).token()
    assert mock.calls[0].request.body == "grant_type=client_credentials"


def test_refusal_names_the_server_that_refused(mock: responses.RequestsMock) -> None:
    mock.add("POST", URL, status=401)
    with pytest.raises(Misconfigured, match="Blackboard refuses the client id and secret"):
        credentials(server="Blackboard").token()


def test_a_token_is_asked_for_once_and_shared_through_the_store(mock: responses.RequestsMock) -> None:
    gives(mock)
    store = MemoryTokens()
    assert [credentials(store).token() for _ in range(3)] == ["t"] * 3
    assert len(mock.calls) == 1


@pytest.mark.parametrize(
    ("stated", "kept"),
    [(3600, 3570), ("3600", 3570), (20, 10), (0, 1), (None, 270), ("soon", 270), (10**30, 86_370)],
)
def test_a_token_is_given_up_before_it_ends(mock: responses.RequestsMock, stated: object, kept: int) -> None:
    gives(mock, expires_in=stated)
    clock = Clock()
    credentials(clock).token()
    assert clock.seconds == [kept]


def test_a_spent_token_is_renewed_once_for_all_who_hold_it(mock: responses.RequestsMock) -> None:
    gives(mock, "one")
    gives(mock, "two")
    auth = credentials()
    spent = auth.token()
    assert [auth.renew(spent), auth.renew(spent), auth.token()] == ["two"] * 3
    assert len(mock.calls) == 2


def test_a_scope_that_the_server_knows_not_is_dropped_when_it_can_be_done_without(
    mock: responses.RequestsMock,
) -> None:
    mock.add("POST", URL, status=400, json={"error": "invalid_scope"})
    gives(mock, scope="read write")
    auth = credentials(optional=("post",))
    assert auth.token() == "t" and auth.granted == {"read", "write"}
    assert [form(mock, call)["scope"] for call in (0, 1)] == [["read write post"], ["read write"]]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": 401, "json": {"error": "invalid_client"}}, "token_refused"),
        ({"status": 400, "json": {"error": "invalid_client"}}, "token_refused"),
        ({"status": 403, "body": "<html>no</html>"}, "token_refused"),
        ({"status": 400, "json": {"error": "invalid_scope"}}, "scope_refused"),
        ({"status": 404, "body": "nothing"}, "token_url_wrong"),
        ({"status": 302, "headers": {"Location": "https://x.example"}}, "token_url_wrong"),
        ({"status": 200, "body": "<html>Log in</html>"}, "token_broken"),
        ({"status": 200, "json": {"token_type": "bearer"}}, "token_broken"),
        ({"status": 200, "json": ["t"]}, "token_broken"),
    ],
)
def test_a_refusal_is_for_an_administrator(
    mock: responses.RequestsMock, answer: dict[str, Any], code: str
) -> None:
    mock.add("POST", URL, **answer)
    with pytest.raises(Misconfigured) as caught:
        credentials().token()
    assert caught.value.code == code and SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_token_server_is_a_reason_to_try_later(mock: responses.RequestsMock, status: int) -> None:
    mock.add("POST", URL, status=status, headers={"Retry-After": "12"})
    with pytest.raises(TryLater) as caught:
        credentials().token()
    assert caught.value.after == 12


def test_a_pace_given_as_a_date_is_understood_and_never_longer_than_an_hour(
    mock: responses.RequestsMock,
) -> None:
    for stated, after in (
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 3600),
        ("soon", None),
    ):
        mock.upsert("POST", URL, status=503, headers={"Retry-After": stated})
        with pytest.raises(TryLater) as caught:
            credentials().token()
        assert caught.value.after == after


def test_a_pace_beyond_all_measure_is_an_hour(mock: responses.RequestsMock) -> None:
    mock.add("POST", URL, status=503, headers={"Retry-After": "9" * 5000})
    with pytest.raises(TryLater) as caught:
        credentials().token()
    assert caught.value.after == 3600


def test_no_answer_is_a_reason_to_try_later(mock: responses.RequestsMock) -> None:
    mock.add("POST", URL, body=requests.exceptions.ReadTimeout())
    with pytest.raises(TryLater):
        credentials().token()


def test_a_token_url_without_https_is_refused_before_anything_leaves(mock: responses.RequestsMock) -> None:
    auth = ClientCredentials("http://id.example/token", "client", SECRET, ("read",), MemoryTokens())
    with pytest.raises(Misconfigured):
        auth.token()
    assert len(mock.calls) == 0


def test_neither_repr_nor_error_shows_the_secret() -> None:
    assert SECRET not in repr(credentials())
