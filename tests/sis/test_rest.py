"""Requests to a vendor's SIS: what a read and a write may end in, and that the account goes to its own host only."""

from __future__ import annotations

import pytest
import responses

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.sis.rest import Rest, Row

ROOT = "https://sis.example/api"


class Client(Rest):
    product = "Example SIS"


class Key:
    """A token that may be renewed; `given` says which were."""

    def __init__(self) -> None:
        self.given = ["old-token"]

    def token(self) -> str:
        return self.given[-1]

    def renew(self, spent: str) -> str:
        self.given.append(f"after-{spent}")
        return self.given[-1]


@pytest.fixture
def client() -> Client:
    return Client(ROOT, Key())


def error_of(client: Client, method: str, status: int = 0, **answer: object) -> AdapterError:
    with responses.RequestsMock() as mock:
        body = answer.pop("body", "")
        mock.add(method, f"{ROOT}/x", status=status or 200, body=body, **answer)  # type: ignore[arg-type]
        with pytest.raises(AdapterError) as raised:
            client.json("/x") if method == "GET" else client.write(method, "/x", {"a": 1})
    return raised.value


@pytest.mark.parametrize(
    ("status", "read", "written"),
    [
        (401, Misconfigured, Misconfigured),
        (429, TryLater, TryLater),
        (503, TryLater, TryLater),
        (500, TryLater, Unreachable),
        (502, TryLater, Unreachable),
        (302, Misconfigured, Misconfigured),
    ],
)
def test_status_means_what_the_engine_does_next(
    client: Client, status: int, read: type[AdapterError], written: type[AdapterError]
) -> None:
    assert type(error_of(client, "GET", status)) is read
    assert type(error_of(client, "PUT", status)) is written


def test_forbidden_read_is_the_keys_fault_and_a_forbidden_write_the_records(client: Client) -> None:
    assert isinstance(error_of(client, "GET", 403), Misconfigured)
    with responses.RequestsMock() as mock:
        mock.add("PUT", f"{ROOT}/x", status=403)
        assert client.write("PUT", "/x", {}).status_code == 403


def test_a_lost_answer_of_a_write_is_unknown_and_of_a_read_simply_later(client: Client) -> None:
    lost = http.requests.exceptions.ReadTimeout()
    assert isinstance(error_of(client, "GET", body=lost), TryLater)
    assert isinstance(error_of(client, "PUT", body=lost), Unreachable)


def test_what_was_never_sent_is_later_for_both(client: Client) -> None:
    unsent = http.requests.exceptions.ConnectTimeout()
    assert isinstance(error_of(client, "GET", body=unsent), TryLater)
    assert isinstance(error_of(client, "POST", body=unsent), TryLater)


def test_the_sis_names_its_own_delay(client: Client) -> None:
    error = error_of(client, "PUT", 429, headers={"Retry-After": "17"})
    assert isinstance(error, TryLater) and error.after == 17


def test_an_ended_token_is_renewed_once(client: Client) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", f"{ROOT}/x", status=401)
        mock.add("GET", f"{ROOT}/x", json={"ok": True})
        assert client.json("/x") == {"ok": True}
        sent = [call.request.headers["Authorization"] for call in mock.calls]
    assert sent == ["Bearer old-token", "Bearer after-old-token"]


def test_a_page_instead_of_data_is_not_taken_for_an_answer(client: Client) -> None:
    assert isinstance(error_of(client, "GET", body="<html>"), TryLater)


def test_another_host_never_sees_the_key(client: Client) -> None:
    for path in ("https://evil.example/x", "http://sis.example/api/x"):
        with pytest.raises(Misconfigured):
            client.json(path)


def test_no_address_is_said_before_anything_is_asked() -> None:
    with pytest.raises(Misconfigured) as raised:
        Client(" ")
    assert raised.value.code == "connection_incomplete"


def rows_of(found: object) -> list[Row]:
    return Client(ROOT).rows(found)


def listed(client: Client, *pages: object) -> list[Row]:
    with responses.RequestsMock() as mock:
        for page in pages:
            mock.add("GET", f"{ROOT}/list", json=page)
        return client.pages("/list", [], 2, rows_of, lambda row: str(row["id"]))


def test_a_list_is_read_to_its_last_page(client: Client) -> None:
    found = listed(client, [{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 4}], [])
    assert [row["id"] for row in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("second", [[{"id": 2}], [{"id": 1}, {"id": 2}], {"rows": []}, [1]])
def test_pages_that_move_or_are_no_lists_end_the_read(client: Client, second: object) -> None:
    with pytest.raises(TryLater):
        listed(client, [{"id": 1}, {"id": 2}], second)


def test_errors_quote_neither_address_nor_key(client: Client) -> None:
    texts = [str(error_of(client, "GET", status)) for status in (401, 403, 429, 500, 302)]
    assert not [text for text in texts if "token" in text or "/api" in text]
