"""Schoology's REST of the pretend LMS, and the product's own reader against it over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
import requests

from gradesync_site.sandbox.lms.oauth1 import Guard, Unsigned
from sync.auth import OAuth1, SignatureMethod
from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.schoology import Schoology
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

FINAL = "course_total:final"


def reader(server: Server, **options: str) -> Schoology:
    own = server.hello["schoology"]
    settings = Settings(
        "sandbox",
        own["base_url"],
        options=options,
        client_id=own["consumer_key"],
        secret=own["consumer_secret"],
    )
    return Schoology(settings)


def read(server: Server, section: str = "101", **options: str) -> lms.Gradebook:
    course = lms.Course("context", custom={"schoology_section_id": section})
    return reader(server, **options).read_gradebook(course)


def results(book: lms.Gradebook) -> dict[tuple[str, str], lms.Result]:
    return {(one.user_id, one.line_item_id): one for one in book.results}


def ask(server: Server, header: str, path: str = "/sections/101") -> requests.Response:
    return requests.get(
        f"{server.base_url}/v1{path}", headers={"Authorization": header}, timeout=10, allow_redirects=False
    )


def signer(server: Server, method: SignatureMethod = "HMAC-SHA1") -> OAuth1:
    own = server.hello["schoology"]
    return OAuth1(own["consumer_key"], own["consumer_secret"], method)


# --- the pretend server's own manners ---


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"])
def test_signed_request_is_answered_once(lms_server: Server, method: SignatureMethod) -> None:
    header = signer(lms_server, method).header("GET", f"{lms_server.base_url}/v1/sections/101")
    assert ask(lms_server, header).json()["course_title"] == "Algebra 1, Period 3"
    again = ask(lms_server, header)
    assert again.status_code == 401 and "nonce" in again.text


def test_signature_of_another_request_is_refused(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/v1/sections/101"
    for method, where in (("POST", url), ("GET", f"{url}?start=1"), ("GET", f"{url}1")):
        assert ask(lms_server, signer(lms_server).header(method, where)).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer x", "OAuth nonsense", 'OAuth oauth_consumer_key="other"'])
def test_request_that_is_not_signed_is_refused(lms_server: Server, header: str) -> None:
    assert ask(lms_server, header).status_code == 401


def test_time_stamp_goes_forward_only(monkeypatch: pytest.MonkeyPatch) -> None:
    guard, made = Guard("key", "secret"), OAuth1("key", "secret")
    now = time.time()
    headers = {}
    for ago in (0, 60, 3600):
        with monkeypatch.context() as patch:
            patch.setattr("sync.auth.time.time", lambda ago=ago: now - ago)
            headers[ago] = made.header("GET", "http://lms.example/")
    guard.check("GET", "http://lms.example/", headers[0])
    for ago, said in ((60, "Duplicate timestamp"), (3600, "Expired")):
        with pytest.raises(Unsigned, match=said):
            guard.check("GET", "http://lms.example/", headers[ago])


def test_unknown_path_is_answered_with_the_section(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/v1/sections/101/nonsense"
    found = ask(lms_server, signer(lms_server).header("GET", url), "/sections/101/nonsense")
    assert found.json()["id"] == "101"


def test_section_that_does_not_exist_is_not_found(lms_server: Server) -> None:
    url = f"{lms_server.base_url}/v1/sections/999"
    assert ask(lms_server, signer(lms_server).header("GET", url), "/sections/999").status_code == 404


# --- the product's reader ---


def test_check_takes_the_key(lms_server: Server) -> None:
    assert [one.ok for one in reader(lms_server).check()] == [True]


@pytest.mark.parametrize("signature", ["HMAC-SHA1", "PLAINTEXT"])
def test_reader_sees_every_telling_grade(lms_server: Server, signature: str) -> None:
    book = read(lms_server, signature=signature)
    found = results(book)
    assert found["5001", "2001"].score == 0
    assert found["5002", "2001"].status is lms.Status.EXCUSED
    assert found["5003", "2001"].status is lms.Status.MISSING
    assert (found["5004", "2001"].score, found["5004", "2001"].late) == (Decimal("7.5"), True)
    assert (found["5005", "2002"].score, found["5005", "2002"].maximum) == (104, 100)
    assert str(found["5006", "2001"].score) == "9.257"
    assert found["5008", "2001"].status is lms.Status.NOT_GRADED
    assert book.warnings == ()


def test_reader_leaves_the_one_who_left_out(lms_server: Server) -> None:
    book = read(lms_server)
    gone = [one.user_id for one in book.members if one.is_student and not one.active]
    assert len(gone) == 1
    assert gone[0] not in {one.user_id for one in book.results}


def test_reader_knows_login_address_and_sis_id(lms_server: Server) -> None:
    people = {one.login: one for one in read(lms_server).members}
    person = lms_server.state["people"]["5001"]
    found = people[person["login"]]
    assert (found.sis_id, found.email, found.name) == (person["sis_id"], person["email"], person["name"])


def test_reader_finds_scale_categories_and_period(lms_server: Server) -> None:
    book = read(lms_server, "103")
    [scheme] = book.schemes.values()
    assert [one.lower for one in scheme.entries] == sorted(one.lower for one in scheme.entries)
    assert {one.scheme_id for one in book.line_items} == {scheme.scheme_id}
    assert {one.title for one in book.categories} == {"Essays"}
    [period] = book.periods
    assert {one.period_id for one in book.line_items} == {period.period_id, ""}


def test_reader_gives_the_totals_that_the_lms_computes(lms_server: Server) -> None:
    found = results(read(lms_server))
    course = lms_server.sandbox.state["courses"]["101"]
    assert found["5001", FINAL].maximum == 100
    assert {one.score for (_, item), one in found.items() if item == FINAL} != {None}
    assert course["id"] == 101


def test_large_section_is_read_page_by_page_and_whole(start_lms: Callable[..., Server]) -> None:
    server = start_lms(students=260, line_items=4)
    book = read(server)
    students = [one for one in book.members if one.is_student and one.active]
    assert len(students) >= 260
    asked = [entry for entry in server.journal if entry["path"].endswith("/grades")]
    assert len(asked) >= 5 and "start=200" in asked[1]["query"]
    graded = [one for one in book.results if one.status is lms.Status.GRADED and one.line_item_id == "2001"]
    assert len(graded) > 150


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-500", TryLater),
        ("html-instead-of-json", TryLater),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
    ],
)
def test_reader_raises_rather_than_return_part(
    lms_server: Server, fault: str, error: type[Exception]
) -> None:
    lms_server.faults.on(fault)
    with pytest.raises(error):
        read(lms_server)


def test_reader_waits_for_a_busy_server(lms_server: Server) -> None:
    lms_server.faults.on("rate-limit", count=1, retry_after=1)
    assert read(lms_server).results


def test_reader_comes_back_later_where_the_server_asks_for_long_quiet(lms_server: Server) -> None:
    lms_server.faults.on("rate-limit", retry_after=600)
    with pytest.raises(TryLater) as caught:
        read(lms_server)
    assert caught.value.after == 600


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-page-repeats", TryLater),
        ("next-link-loops", TryLater),
        ("next-link-other-host", Misconfigured),
    ],
)
def test_reader_notices_pages_that_go_astray(
    start_lms: Callable[..., Server], fault: str, error: type[Exception]
) -> None:
    server = start_lms(students=260, faults=(fault,))
    with pytest.raises(error):
        read(server)


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_reader_turns_what_is_no_number_into_one_result(lms_server: Server, fault: str) -> None:
    lms_server.faults.on(fault)
    assert [one.score_error for one in read(lms_server).results if one.score_error] == ["not-a-number"]
