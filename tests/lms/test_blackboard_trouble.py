"""What goes wrong with Blackboard: keys, rights, quotas, pages that go astray, values of any kind. Nothing is taken for absent."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import responses

from lti_tool import http
from sync.auth import MemoryTokens
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms import rest
from sync.lms.base import Settings
from sync.lms.blackboard import Blackboard
from tests.lms.blackboard_wire import (
    ANA,
    BASE,
    COURSE,
    ESSAY,
    EXTERNAL,
    GRADES,
    HOMEWORK,
    KEY,
    MEMBERS,
    OVERALL,
    SCHEMAS,
    SECRET,
    TEST,
    TOKEN,
    V2,
    ZOE,
    Answer,
    BlackboardWire,
    blackboard,
    course,
    grades_path,
    refused,
)

LOGIN = (200, {}, "<!doctype html><title>Log in</title>")


@pytest.fixture
def wire(mock: responses.RequestsMock) -> BlackboardWire:
    wire = BlackboardWire()
    wire.serve(mock)
    return wire


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(rest.time, "sleep", waited.append)
    return waited


class Pacing:
    def __init__(self) -> None:
        self.rests: list[int] = []
        self.wanted: list[int] = []

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        self.wanted.append(wanted)
        yield wanted

    def rest(self, seconds: int) -> None:
        self.rests.append(seconds)


class Grant:
    """A teacher's own access, as the engine hands it in."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def token(self) -> str:
        return self.tokens[0]

    def renew(self, spent: str) -> str:
        self.tokens.remove(spent)
        return self.tokens[0]


def read(**options: str) -> lms.Gradebook:
    return blackboard(**options).read_gradebook(course())


def misconfigured(**options: str) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        read(**options)
    return caught.value


def try_later(**options: str) -> TryLater:
    with pytest.raises(TryLater) as caught:
        read(**options)
    return caught.value


# --- the account ---


@pytest.mark.parametrize(("name", "what"), [("base_url", "address"), ("secret", "key"), ("client_id", "key")])
def test_connection_without_its_parts_says_which(name: str, what: str) -> None:
    parts = {"base_url": BASE, "client_id": KEY, "secret": SECRET} | {name: " "}
    with pytest.raises(Misconfigured) as caught:
        Blackboard(Settings("blackboard", **parts)).read_gradebook(course())  # type: ignore[arg-type]  # all three are text
    assert caught.value.code == "connection_incomplete" and what in str(caught.value)


def test_address_may_be_copied_with_its_path(wire: BlackboardWire) -> None:
    settings = Settings("blackboard", f"{BASE}/learn/api/public/v1/", client_id=KEY, secret=SECRET)
    assert Blackboard(settings).read_gradebook(course()).complete


@pytest.mark.parametrize("status", [400, 401, 403])
def test_key_that_is_refused_is_said_of_blackboard(wire: BlackboardWire, status: int) -> None:
    wire.token = refused(status)
    error = misconfigured()
    assert error.code == "token_refused" and "Blackboard" in str(error) and "SIS" not in str(error)


@pytest.mark.parametrize("answer", [refused(503), refused(429)])
def test_token_server_that_is_away_is_tried_later(wire: BlackboardWire, answer: Answer) -> None:
    wire.token = answer
    try_later()


def test_token_that_ended_is_renewed_once(wire: BlackboardWire) -> None:
    wire.tokens = ["old", TOKEN]
    wire.answers[COURSE] = lambda request: (
        refused(401) if request.headers["Authorization"] == "Bearer old" else None
    )
    assert read().complete


def test_token_that_stays_refused_is_said(wire: BlackboardWire) -> None:
    wire.answers[COURSE] = refused(401)
    assert misconfigured().code == "token_refused"


def test_token_is_kept_for_the_next_read(wire: BlackboardWire, mock: responses.RequestsMock) -> None:
    tokens = MemoryTokens()
    for _ in range(2):
        blackboard(tokens=tokens).read_gradebook(course())
    assert sum("oauth2" in str(call.request.url) for call in mock.calls) == 1


def test_grant_of_a_teacher_is_used_instead_of_the_key(
    wire: BlackboardWire, mock: responses.RequestsMock
) -> None:
    wire.answers[MEMBERS] = lambda request: (
        refused(401) if request.headers["Authorization"] == "Bearer hers" else None
    )
    book = blackboard(account=Grant("hers", "hers-anew")).read_gradebook(course())
    assert book.complete
    assert not any("oauth2" in str(call.request.url) for call in mock.calls)


def test_flow_is_the_documented_one() -> None:
    flow = Blackboard.flow
    assert flow is not None
    assert flow.authorize == "/learn/api/public/v1/oauth2/authorizationcode"
    assert (flow.token, flow.scopes) == ("/learn/api/public/v1/oauth2/token", ("read", "offline"))
    assert flow.pkce and not flow.in_body
    assert Blackboard.root(f"{BASE}/learn/api/public/v1") == BASE


def test_check_says_why_it_fails(wire: BlackboardWire) -> None:
    wire.token = refused(401)
    [finding] = blackboard().check()
    assert not finding.ok and "administrator" in finding.text


def test_check_lets_through_that_the_site_is_misconfigured(wire: BlackboardWire) -> None:
    wire.answers["/learn/api/public/v1/system/version"] = (302, {}, "")
    [finding] = blackboard().check()
    assert not finding.ok


# --- the course ---


@pytest.mark.parametrize("context_id", ["", "4711", "_4711_1", f"{'0' * 31}g", "uuid:x", "../users"])
def test_launch_without_a_course_uuid_is_not_read(wire: BlackboardWire, context_id: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        blackboard().read_gradebook(course(context_id))
    assert caught.value.code == "course_unknown"
    assert wire.requests == []


def test_course_that_is_gone_is_said(wire: BlackboardWire) -> None:
    wire.answers[COURSE] = refused(404)
    assert misconfigured().code == "course_unknown"


def test_course_that_may_not_be_seen_names_the_entitlements(wire: BlackboardWire) -> None:
    wire.answers[COURSE] = refused(403)
    error = misconfigured()
    assert error.code == "forbidden" and "course.gradebook.MODIFY" in str(error)
    assert "9.257" not in str(error)


@pytest.mark.parametrize("path", [MEMBERS, V2])
def test_list_that_is_needed_and_may_not_be_seen_ends_the_read(wire: BlackboardWire, path: str) -> None:
    wire.answers[path] = refused(403)
    assert misconfigured().code == "forbidden"


def test_child_of_a_merged_course_is_read_from_its_parent_only(wire: BlackboardWire) -> None:
    wire.course["parentId"] = "_99_1"
    assert misconfigured().code == "course_merged"


@pytest.mark.parametrize("course_id", [None, "", "../../v1/users", {}, "_1_1?x=1"])
def test_course_whose_id_is_none_is_not_asked_on(wire: BlackboardWire, course_id: Any) -> None:
    wire.course["id"] = course_id
    try_later()
    assert wire.paths() == [COURSE]


@pytest.mark.parametrize("stated", ["0", "9", "many", "4.5", "-1"])
def test_option_that_is_no_number_is_said(wire: BlackboardWire, stated: str) -> None:
    assert misconfigured(at_once=stated).code == "option_unusable"


# --- columns that may not be read ---


def test_column_that_may_not_be_read_is_named_and_has_no_results(wire: BlackboardWire) -> None:
    wire.answers[grades_path(ESSAY)] = refused(403)
    book = read()
    found = next(one for one in book.line_items if one.line_item_id == ESSAY)
    assert not found.published
    assert ESSAY not in {one.line_item_id for one in book.results}
    assert any("“Essay”" in one for one in book.warnings)


def test_many_such_columns_are_counted(wire: BlackboardWire) -> None:
    for column in list(GRADES)[:6]:
        wire.answers[grades_path(column)] = refused(403)
    [warning] = read().warnings
    assert ": 6 (" in warning and "and 1 more" in warning


def test_second_page_that_may_not_be_read_drops_the_first(wire: BlackboardWire) -> None:
    wire.page_size = 1
    wire.answers[grades_path(TEST)] = lambda request: refused(403) if "offset" in str(request.url) else None
    assert TEST not in {one.line_item_id for one in read().results}


def test_no_column_that_may_be_read_is_a_missing_right(wire: BlackboardWire) -> None:
    for column in GRADES:
        wire.answers[grades_path(column)] = refused(403)
    assert misconfigured().code == "forbidden"


def test_column_without_grades_may_answer_that_there_is_nothing(wire: BlackboardWire) -> None:
    wire.answers[grades_path(HOMEWORK)] = refused(404)
    book = read()
    found = [one for one in book.results if one.line_item_id == HOMEWORK]
    assert {one.status for one in found} == {lms.Status.NOT_GRADED} and len(found) == 2
    assert wire.paths().count(V2) == 2 * -(-len(wire.rows[V2]) // wire.page_size)


def test_column_that_was_deleted_while_reading_is_read_again(wire: BlackboardWire) -> None:
    def gone(request: Any) -> Answer:
        wire.rows[V2] = [row for row in wire.rows[V2] if row["id"] != HOMEWORK]
        return refused(404)

    wire.answers[grades_path(HOMEWORK)] = gone
    assert "changed in Blackboard" in str(try_later())


def test_course_that_was_deleted_while_reading_is_gone(wire: BlackboardWire) -> None:
    def gone(request: Any) -> Answer:
        wire.answers[V2] = refused(404)
        return refused(404)

    wire.answers[grades_path(HOMEWORK)] = gone
    assert misconfigured().code == "course_unknown"


def test_column_whose_rows_name_nobody_is_anonymous(wire: BlackboardWire) -> None:
    for row in wire.rows[grades_path(ESSAY)]:
        del row["userId"]
    book = read()
    assert ESSAY not in {one.line_item_id for one in book.results}
    assert any("anonymous: 1 (“Essay”)." in one for one in book.warnings)


def test_course_without_columns_is_read(wire: BlackboardWire) -> None:
    wire.rows[V2] = []
    assert read().results == ()


def test_course_without_people_is_read(wire: BlackboardWire) -> None:
    wire.rows[MEMBERS] = []
    book = read()
    assert book.results == ()
    assert any("not listed in this course" in one for one in book.warnings)


def test_other_trouble_of_a_column_ends_the_read(wire: BlackboardWire) -> None:
    wire.answers[grades_path(HOMEWORK)] = (302, {"Location": "/login"}, "")
    assert misconfigured().code == "unexpected_answer"


# --- quotas ---


def quota(remaining: int, *, limit: int = 10_000, reset: str = "5400") -> dict[str, str]:
    return {
        "X-Rate-Limit-Limit": str(limit),
        "X-Rate-Limit-Remaining": str(remaining),
        "X-Rate-Limit-Reset": reset,
    }


def test_quota_that_does_not_last_is_not_begun(wire: BlackboardWire) -> None:
    wire.quota = quota(26)
    error = try_later()
    assert "about 7 requests" in str(error) and "26 more" in str(error)
    assert error.after == 3600
    assert not any(path.endswith("_1/users") and path != MEMBERS for path in wire.paths())


def test_quota_that_lasts_is_used(wire: BlackboardWire) -> None:
    wire.quota = quota(27)
    assert read().complete


def test_quota_too_small_for_a_course_at_any_time_is_for_an_administrator(wire: BlackboardWire) -> None:
    wire.quota = quota(26, limit=26)
    assert misconfigured().code == "quota_too_small"


@pytest.mark.parametrize(("reset", "after"), [("90", 90), ("0", 1), ("1000000001", 1), ("soon", 3600)])
def test_reset_may_be_seconds_or_a_date(wire: BlackboardWire, reset: str, after: int) -> None:
    wire.quota = quota(3, reset=reset)
    assert try_later().after == after


@pytest.mark.parametrize("stated", ["", "many", "-3", "9" * 40])
def test_headers_that_are_no_numbers_are_not_heeded(wire: BlackboardWire, stated: str) -> None:
    wire.quota = {
        "X-Rate-Limit-Limit": stated,
        "X-Rate-Limit-Remaining": stated,
        "X-Rate-Limit-Reset": stated,
    }
    assert read().complete


@pytest.mark.parametrize("status", [402, 429])
def test_spent_quota_rests_all_workers_until_it_is_renewed(
    wire: BlackboardWire, status: int, no_waiting: list[float]
) -> None:
    wire.answers[grades_path(TEST)] = (status, quota(0, reset="1800"), "")
    pace = Pacing()
    with pytest.raises(TryLater) as caught:
        blackboard(pace=pace).read_gradebook(course())
    assert (caught.value.after, pace.rests, no_waiting) == (1800, [1800], [])
    assert "quota" in str(caught.value)


def test_short_throttling_is_waited_for(wire: BlackboardWire, no_waiting: list[float]) -> None:
    answers = [(429, {"Retry-After": "2"}, ""), (429, quota(500), "")]
    wire.answers[grades_path(TEST)] = lambda request: answers.pop(0) if answers else None
    pace = Pacing()
    assert blackboard(pace=pace).read_gradebook(course()).complete
    assert sum(no_waiting) == 2 + rest.THROTTLED_S and pace.rests == [2, rest.THROTTLED_S]


def test_read_takes_as_many_streams_as_it_may(wire: BlackboardWire) -> None:
    pace = Pacing()
    blackboard(pace=pace, at_once="7").read_gradebook(course())
    blackboard(pace=pace).read_gradebook(course())
    assert pace.wanted == [7, 4]


# --- pages that go astray ---


@pytest.mark.parametrize("path", [MEMBERS, V2, SCHEMAS, grades_path(HOMEWORK)])
@pytest.mark.parametrize(
    "answer",
    [
        *(
            LOGIN,
            refused(500),
            (200, {}, ""),
            (200, {}, "[]"),
            (200, {}, "{}"),
            (200, {}, '{"results": [1]}'),
        ),
        *((200, {}, '{"results": {}}'), (200, {}, '{"results": [{}], "paging": 3}')),
        (200, {}, '{"results": [{"id": "_1_1", "userId": "_1_1"}], "paging": {"nextPage": {}}}'),
        (200, {}, '{"results": [], "paging": {"nextPage": "javascript:alert(1)"}}'),
    ],
)
def test_page_that_is_no_list_ends_the_read(wire: BlackboardWire, path: str, answer: Answer) -> None:
    wire.answers[path] = answer
    try_later()


@pytest.mark.parametrize("path", [MEMBERS, V2])
def test_page_that_breaks_in_the_middle_ends_the_read(wire: BlackboardWire, path: str) -> None:
    wire.answers[path] = lambda request: (
        (200, {}, '{"results": [{"id"') if "offset" in str(request.url) else None
    )
    try_later()


@pytest.mark.parametrize("path", [MEMBERS, grades_path(HOMEWORK)])
def test_pages_in_a_circle_end_the_read(wire: BlackboardWire, path: str) -> None:
    wire.page_size = 1
    wire.rows[path] = [row | {"userId": f"_{at}_1"} for at, row in enumerate(wire.rows[path] * 2, start=500)]
    wire.next_page = lambda where, start: f"{where}?limit=200&offset={min(start, 1)}"
    assert "circle" in str(try_later())


@pytest.mark.parametrize("path", [MEMBERS, grades_path(HOMEWORK)])
def test_row_on_two_pages_ends_the_read(wire: BlackboardWire, path: str) -> None:
    wire.rows[path] = [*wire.rows[path], wire.rows[path][0]]
    assert "same rows" in str(try_later())


@pytest.mark.parametrize("path", [MEMBERS, V2, SCHEMAS])
def test_row_without_its_id_ends_the_read(wire: BlackboardWire, path: str) -> None:
    wire.rows[path].append({"title": "nothing else"})
    assert "without its id" in str(try_later())


def test_column_whose_id_is_a_path_is_not_asked_for(wire: BlackboardWire) -> None:
    wire.column(ESSAY)["id"] = "../../../v1/users"
    assert "cannot be asked for" in str(try_later())


def test_pages_without_an_end_end_the_read(wire: BlackboardWire) -> None:
    count = iter(range(1, 10_000))

    def empty(request: Any) -> Answer:
        page = {"results": [], "paging": {"nextPage": f"{MEMBERS}?offset={next(count)}"}}
        return 200, {}, http.dumps(page)

    wire.answers[MEMBERS] = empty
    assert "do not end" in str(try_later())


def test_empty_page_in_the_middle_is_only_a_page(wire: BlackboardWire) -> None:
    wire.answers[MEMBERS] = lambda request: (
        None
        if "offset" in str(request.url)
        else (200, {}, http.dumps({"results": [], "paging": {"nextPage": f"{MEMBERS}?limit=200&offset=0"}}))
    )
    assert len(read().members) == 6


@pytest.mark.parametrize("next_page", [None, ""])
def test_no_next_page_is_the_end(wire: BlackboardWire, next_page: Any) -> None:
    wire.page_size = 3
    wire.next_page = lambda path, start: next_page if path == MEMBERS else f"{path}?limit=200&offset={start}"
    assert len(read().members) == 3


@pytest.mark.parametrize("where", ["https://elsewhere.example/x", "//elsewhere.example/x"])
def test_token_stays_on_its_site(wire: BlackboardWire, mock: responses.RequestsMock, where: str) -> None:
    wire.next_page = lambda path, start: where
    with pytest.raises(AdapterError):
        read()
    assert {http.host_of(str(call.request.url)) for call in mock.calls} == {"learn.example"}


# --- values of any kind ---


WRONG: tuple[Any, ...] = (None, True, -1, Decimal("1e400"), "x" * 400, ["x"], {"id": {}})
# a row of each list, and a whole list of grades where it is short: every field of it is spoiled in turn
SPOILED = (
    (COURSE, 0),
    (MEMBERS, 0),
    (V2, 0),
    (SCHEMAS, 2),
    (grades_path(ESSAY), 0),
    (grades_path(OVERALL), 1),
)


@pytest.mark.parametrize(("path", "at"), SPOILED, ids=lambda one: str(one).rpartition("/")[2])
def test_any_field_may_hold_anything(wire: BlackboardWire, path: str, at: int) -> None:
    """The read says what is wrong, or what it can say: never another error, and never a grade of nobody."""
    wire.page_size = 200
    wire.rows[V2] = [wire.column(ESSAY), wire.column(OVERALL)]
    del wire.rows[SCHEMAS][2]["symbols"][1:]
    row = wire.course if path == COURSE else wire.rows[path][at]
    original = copy.deepcopy(row)
    for keys in _fields(original):
        for wrong in WRONG:
            row.clear()
            row.update(copy.deepcopy(original))
            _put(row, keys, wrong)
            try:
                book = read(at_once="1")
            except AdapterError:
                continue
            _check(book)


def _fields(row: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    for key, value in inside:
        yield (*above, key)
        yield from _fields(value, (*above, key))


def _put(row: Any, keys: tuple[Any, ...], value: Any) -> None:
    for key in keys[:-1]:
        row = row[key]
    row[keys[-1]] = value


def _check(book: lms.Gradebook) -> None:
    assert all(one.user_id and one.line_item_id for one in book.results)
    for one in book.results:
        has_grade = one.score is not None or bool(one.text)
        assert has_grade or one.status is not lms.Status.GRADED
        assert one.score is None or one.score.is_finite()
    assert all(one.maximum is None or one.maximum.is_finite() for one in book.line_items)
    assert not any(one.is_student and one.is_teacher for one in book.members)


@pytest.mark.parametrize("score", ["9", True, [], Decimal("1e400")])
def test_score_that_is_no_number_is_a_problem_of_one_result(wire: BlackboardWire, score: Any) -> None:
    wire.grade(ANA, HOMEWORK)["score"] = score
    book = read()
    errors = [(one.user_id, one.line_item_id) for one in book.results if one.score_error == "not-a-number"]
    assert errors == [(ANA, HOMEWORK)]


def test_nan_is_a_problem_of_one_result(wire: BlackboardWire) -> None:
    body = http.dumps({"results": wire.rows[grades_path(HOMEWORK)]}).replace('"score":0', '"score":NaN')
    wire.answers[grades_path(HOMEWORK)] = (200, {}, body)
    [error] = [one for one in read().results if one.score_error == "not-a-number"]
    assert (error.user_id, error.score) == (ANA, None)


def test_column_without_points_has_no_maximum(wire: BlackboardWire) -> None:
    for column in (HOMEWORK, OVERALL):
        wire.column(column)["score"] = None
    book = read()
    maxima = {one.line_item_id: one.maximum for one in book.line_items}
    assert maxima[HOMEWORK] is None and maxima[EXTERNAL] is None
    # the grade itself still says what it is out of
    assert (
        next(one for one in book.results if (one.user_id, one.line_item_id) == (ANA, HOMEWORK)).maximum == 10
    )


def test_column_that_shows_nothing_of_what_it_is_counts_points(wire: BlackboardWire) -> None:
    row = wire.column(ESSAY)
    for name in ("grading", "availability", "displayName", "gradebookCategoryId"):
        del row[name]
    wire.rows[grades_path(ESSAY)] = [{"userId": ZOE, "columnId": ESSAY, "status": "Graded", "score": 7}]
    book = read()
    found = next(one for one in book.line_items if one.line_item_id == ESSAY)
    assert (found.title, found.grading_type) == ("essay_1", "points")
    [score] = [one.score for one in book.results if (one.user_id, one.line_item_id) == (ZOE, ESSAY)]
    assert score == 7


def test_stranger_among_the_grades_is_counted(wire: BlackboardWire) -> None:
    wire.rows[grades_path(HOMEWORK)].append(wire.grade(ANA, HOMEWORK) | {"userId": "_77_1", "score": 3})
    assert any("people who are not listed in this course (any more): 1." in one for one in read().warnings)
