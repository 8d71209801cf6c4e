"""What every REST reader stands on: whose token, how patient, which host, and lists that are read to their end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
import responses
from requests import PreparedRequest

from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import rest
from sync.lms.access import FixedToken, Unpaced
from sync.lms.rest import Busy, Rest, Seen, Whole
from sync.lms.streams import Streams

ROOT = "https://lms.example/api"
SECRET, FRESH = "first-secret-token", "second-secret-token"
Answer = tuple[int, Mapping[str, str], str]


class Reader(Rest):
    product = "Acme"

    def refusal(self, response: requests.Response) -> AdapterError | None:
        return self.usual_refusal(response)


class Renewable:
    """A grant that is renewed: counts how often, and in which thread."""

    def __init__(self) -> None:
        self.renewals: list[str] = []
        self.current = SECRET

    def token(self) -> str:
        return self.current

    def renew(self, spent: str) -> str:
        self.renewals.append(spent)
        self.current = FRESH
        return FRESH


class Quiet(Unpaced):
    def __init__(self) -> None:
        self.asked: list[int] = []

    def rest(self, seconds: int) -> None:
        self.asked.append(seconds)


class Site:
    """Answers by a function of the request; keeps what it was asked."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.requests: list[PreparedRequest] = []
        self.answer: Callable[[PreparedRequest], Answer] = lambda request: (200, {}, "[]")
        mock.add_callback(responses.GET, re.compile(r"https://lms\.example/.*"), callback=self._answer)

    def _answer(self, request: PreparedRequest) -> Answer:
        self.requests.append(request)
        return self.answer(request)

    def tokens(self) -> list[str]:
        return [one.headers["Authorization"].removeprefix("Bearer ") for one in self.requests]


@pytest.fixture
def site(mock: responses.RequestsMock) -> Site:
    return Site(mock)


def reader(account: Any = None, **more: Any) -> Reader:
    return Reader(ROOT, account or FixedToken(SECRET), **more)


def once(first: Answer, then: Answer = (200, {}, "[]")) -> Callable[[PreparedRequest], Answer]:
    waiting = [first]
    return lambda request: waiting.pop() if waiting else then


def failure(client: Reader, kind: type[AdapterError], path: str = "/rows") -> Any:
    with pytest.raises(kind) as caught:
        client.get(path)
    assert SECRET not in str(caught.value) and FRESH not in str(caught.value)
    return caught.value


# --- the account ---


def test_token_goes_along_as_bearer(site: Site) -> None:
    assert reader().get("/rows", [("a", "1")]) == []
    assert site.tokens() == [SECRET]
    assert site.requests[0].url == f"{ROOT}/rows?a=1"


def test_without_an_account_no_token_is_sent(site: Site) -> None:
    Reader(ROOT, None).get("/rows")
    assert "Authorization" not in site.requests[0].headers


@pytest.mark.parametrize(
    ("root", "token", "what"), [("", SECRET, "address"), (" ", SECRET, "address"), (ROOT, "", "token")]
)
def test_connection_without_address_or_token_says_which(root: str, token: str, what: str) -> None:
    with pytest.raises(Misconfigured, match=f"no .*{what}") as caught:
        Reader(root, FixedToken(token))
    assert caught.value.code == "connection_incomplete"


def test_refused_token_is_renewed_and_the_request_done_again(site: Site) -> None:
    site.answer = lambda request: (200 if FRESH in request.headers["Authorization"] else 401, {}, "[7]")
    account = Renewable()
    assert reader(account).get("/rows") == [7]
    assert (account.renewals, site.tokens()) == ([SECRET], [SECRET, FRESH])


def test_token_that_is_refused_again_is_not_renewed_for_ever(site: Site) -> None:
    site.answer = lambda request: (401, {}, "")
    account = Renewable()
    assert failure(reader(account), Misconfigured).code == "token_refused"
    assert (len(account.renewals), len(site.requests)) == (1, 2)


def test_token_refused_to_several_requests_at_once_is_renewed_once(site: Site) -> None:
    site.answer = lambda request: (200 if FRESH in request.headers["Authorization"] else 401, {}, "[]")
    account = Renewable()
    client = reader(account, streams=Streams(4))
    client.gather([lambda: client.get("/rows")] * 12)
    assert account.renewals == [SECRET]


def test_fixed_token_has_no_successor(site: Site) -> None:
    site.answer = lambda request: (401, {}, "")
    error = failure(reader(), Misconfigured)
    assert (error.code, len(site.requests)) == ("token_refused", 1)
    assert "administrator" in str(error)


# --- patience ---


def test_busy_lms_is_asked_again_after_the_time_it_names(site: Site, slept: list[int]) -> None:
    site.answer = once((429, {"Retry-After": "7"}, ""))
    pace = Quiet()
    assert reader(pace=pace).get("/rows") == []
    assert (slept, pace.asked) == ([7], [7])


def test_busy_lms_that_names_no_time_is_given_ten_seconds(site: Site, slept: list[int]) -> None:
    site.answer = once((429, {}, ""))
    reader().get("/rows")
    assert slept == [10]


def test_lms_that_stays_busy_is_given_up_when_the_patience_of_the_read_ends(
    site: Site, slept: list[int]
) -> None:
    site.answer = lambda request: (429, {"Retry-After": "25"}, "")
    pace = Quiet()
    error = failure(reader(pace=pace), TryLater)
    assert (error.after, slept) == (25, [25, 25, 25])
    assert pace.asked == [25] * 4


def test_long_wait_is_left_to_the_engine_at_once(site: Site, slept: list[int]) -> None:
    site.answer = lambda request: (429, {"Retry-After": "31"}, "")
    pace = Quiet()
    assert failure(reader(pace=pace), TryLater).after == 31
    assert (slept, pace.asked) == ([], [31])


def test_wait_in_a_stream_ends_when_another_job_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answer = lambda request: (429 if "busy" in str(request.url) else 403, {"Retry-After": "30"}, "")
    naps: list[int] = []
    monkeypatch.setattr("sync.lms.rest.time.sleep", naps.append)
    client = reader(streams=Streams(2))
    with pytest.raises((Misconfigured, TryLater)):
        client.gather([lambda: client.get("/busy"), lambda: client.get("/refused")])
    assert set(naps) <= {1}


# --- what the answers mean ---


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (403, Misconfigured, "forbidden"),
        (404, Misconfigured, "course_unknown"),
        (400, Misconfigured, "unexpected_answer"),
        (302, Misconfigured, "unexpected_answer"),
        (408, TryLater, None),
        (500, TryLater, None),
        (503, TryLater, None),
    ],
)
def test_status_codes_say_who_must_do_what(
    site: Site, status: int, kind: type[AdapterError], code: str | None
) -> None:
    site.answer = lambda request: (status, {}, "Ana Alvarez 9.257")
    error = failure(reader(), kind)
    assert "Ana" not in str(error) and "9.257" not in str(error)
    assert getattr(error, "code", None) == code


def test_away_with_a_time_says_it(site: Site) -> None:
    site.answer = lambda request: (503, {"Retry-After": "120"}, "")
    assert failure(reader(), TryLater).after == 120


@pytest.mark.parametrize("body", ["<html>Log in</html>", "", '{"a":', "\x00"])
def test_page_instead_of_data_is_tried_later(site: Site, body: str) -> None:
    site.answer = lambda request: (200, {}, body)
    assert "page instead of data" in str(failure(reader(), TryLater))


@pytest.mark.parametrize("found", [None, 7, "rows", {"a": 1}, [1], [{"a": 1}, None]])
def test_rows_are_objects_in_a_list_and_nothing_else(found: object) -> None:
    with pytest.raises(TryLater, match="something else than the list"):
        reader().rows(found)


@pytest.mark.parametrize("body", ["[]", "7", "null", '"x"'])
def test_one_is_an_object_and_nothing_else(site: Site, body: str) -> None:
    site.answer = lambda request: (200, {}, body)
    with pytest.raises(TryLater, match="something else than was asked for"):
        reader().one("/course")


def test_one_answers_the_object(site: Site) -> None:
    site.answer = lambda request: (200, {}, '{"id": "7"}')
    assert reader().one("/course") == {"id": "7"}


@pytest.mark.parametrize(
    "error", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_no_answer_is_tried_later(mock: responses.RequestsMock, error: Exception) -> None:
    mock.add(responses.GET, f"{ROOT}/rows", body=error)
    assert "could not be read" in str(failure(reader(), TryLater))


def test_address_that_is_not_allowed_is_refused_before_the_token_leaves(mock: responses.RequestsMock) -> None:
    client = Reader("http://lms.example/api", FixedToken(SECRET))
    assert failure(client, Misconfigured).code == "address_refused"
    assert len(mock.calls) == 0


def test_each_client_says_itself_what_answers_mean(site: Site) -> None:
    with pytest.raises(NotImplementedError):
        Rest(ROOT, FixedToken(SECRET)).get("/rows")


def test_more_headers_of_one_request_do_not_replace_the_token(site: Site) -> None:
    reader().ask("GET", "/rows", headers={"X-More": "1"})
    assert site.requests[0].headers["X-More"] == "1"
    assert site.tokens() == [SECRET]


def test_session_closes(site: Site) -> None:
    client = reader()
    client.get("/rows")
    client.close()


# --- which host ---


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/api/rows",
        "http://lms.example/api/rows",
        "https://lms.example:8443/api/rows",
        "https://lms.example.elsewhere.example/api/rows",
        "https://lms.example@elsewhere.example/api/rows",
        "ftp://lms.example/rows",
    ],
)
def test_address_on_another_host_is_not_asked(site: Site, address: str) -> None:
    assert failure(reader(), Misconfigured, address).code == "next_link_other_host"
    assert site.requests == []


def test_address_of_this_host_may_be_whole(site: Site) -> None:
    reader().get("https://LMS.example/other?page=AbC")
    assert site.requests[0].url == "https://lms.example/other?page=AbC"


# --- lists ---


def test_rows_are_handed_on_in_their_order() -> None:
    whole = Whole(reader())
    assert whole.passed([{"id": "1"}, {"id": "2"}]) == [{"id": "1"}, {"id": "2"}]
    assert whole.passed(iter([{"id": 3}])) == [{"id": 3}]
    with pytest.raises(TryLater, match="same rows"):
        whole.passed([{"id": "1"}])


@pytest.mark.parametrize(
    "pages",
    [
        [["1", "2"], ["2", "3"]],
        [["2", "1"], ["2"]],
        [["1", "1"]],
        [["a", "b"], ["a"]],
        [["01"], ["01"]],
        [["9" * 30], ["9" * 30]],
        [["5", "a", "5"]],
        [[None], [None]],
    ],
)
def test_row_that_comes_twice_is_no_list_that_was_read_whole(pages: list[list[str]]) -> None:
    whole = Whole(reader())
    with pytest.raises(TryLater, match="same rows"):
        for page in pages:
            whole.passed([{"id": one} for one in page])


def test_rows_may_be_named_by_several_keys() -> None:
    whole = Whole(reader(), ("user", "item"))
    whole.passed([{"user": "1", "item": "1"}, {"user": "1", "item": "2"}])
    with pytest.raises(TryLater):
        whole.passed([{"user": "1", "item": "2"}])


@pytest.mark.parametrize(
    "names", [["3", "1", "2"], ["1", "01", "١"], ["a", "7", "b"], ["0", "1", "00"], ["-1", "1"]]
)
def test_names_that_differ_are_different_rows(names: list[str]) -> None:
    seen = Seen()
    assert all(seen.first_time((one,)) for one in names)
    assert not any(seen.first_time((one,)) for one in names)


def test_page_address_that_comes_again_is_a_circle() -> None:
    whole = Whole(reader())
    whole.visit("/rows?page=1")
    whole.visit("/rows?page=2")
    with pytest.raises(TryLater, match="circle"):
        whole.visit("/rows?page=1")


def test_busy_is_a_kind_of_later() -> None:
    assert isinstance(Busy("Acme is busy.", 3), TryLater)
    assert rest.PATIENCE_S >= rest.LONGEST_S
