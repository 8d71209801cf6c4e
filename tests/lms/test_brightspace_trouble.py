"""What goes wrong on Brightspace's side of the wire: said with who can help, and never taken for "nothing there"."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms.base import Settings
from sync.lms.brightspace import Brightspace
from sync.lms.brightspace.client import Client
from tests.lms.brightspace_wire import (
    ANA,
    BASE,
    BULK,
    CLASSLIST,
    COURSE,
    FINALS,
    GRADES,
    LE,
    LP,
    NO_RIGHT,
    NO_SCOPE,
    TOKEN,
    UNIT,
    ZOE,
    BrightspaceWire,
    brightspace,
    course,
)
from tests.lms.test_brightspace import about, item, read, result

Error = TypeVar("Error", bound=AdapterError)

VALUES, EXEMPTIONS = f"{GRADES}/502/values/", f"{GRADES}/502/exemptions/"
NEEDED = (f"{GRADES}/", CLASSLIST, VALUES, EXEMPTIONS, FINALS, "/d2l/api/versions/")
SPARED = (
    (COURSE, "settings, so its dates"),
    (f"{GRADES}/setup/", "default grade scheme is not known"),
    (f"{GRADES}/categories/", "grade categories may not be read"),
    (f"{GRADES}/schemes/", "grade scheme of this course may not be read"),
    (f"{LE}/dropbox/folders/", "Due dates"),
    (f"{LE}/quizzes/", "Due dates"),
    (BULK, "Final Adjusted Grade may not be read"),
)


def failure(kind: type[Error], reader: Brightspace | None = None) -> Error:
    with pytest.raises(kind) as caught:
        (reader or brightspace()).read_gradebook(course())
    assert TOKEN not in str(caught.value) and "Alvarez" not in str(caught.value)
    return caught.value


class Renewing:
    """An account with one more token than the refused one."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.spent = list(tokens), list[str]()

    def token(self) -> str:
        return self.tokens[0]

    def renew(self, spent: str) -> str:
        self.spent.append(spent)
        if len(self.tokens) < 2:
            raise Misconfigured("Connect to Brightspace again.", "grant_lost")
        self.tokens.pop(0)
        return self.tokens[0]


class Paced:
    """How many requests at once are granted, and when the LMS asked for quiet."""

    def __init__(self, granted: int) -> None:
        self.granted, self.wanted, self.rests = granted, list[int](), list[int]()

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        self.wanted.append(wanted)
        yield self.granted

    def rest(self, seconds: int) -> None:
        self.rests.append(seconds)


# --- the whole course, or nothing ---


@pytest.mark.parametrize("path", [*NEEDED, *(path for path, _ in SPARED), f"{LP}/sections/"])
def test_any_service_that_fails_fails_the_whole_read(bright: BrightspaceWire, path: str) -> None:
    bright.answers[path] = (500, {}, "")
    failure(TryLater)


@pytest.mark.parametrize("path", [*NEEDED, *(path for path, _ in SPARED), f"{LP}/sections/"])
@pytest.mark.parametrize("body", ["<html>Log in</html>", "", '{"Objects":', "null", "7"])
def test_page_instead_of_data_is_asked_for_again_later(bright: BrightspaceWire, path: str, body: str) -> None:
    bright.answers[path] = (200, {"Content-Type": "text/html"}, body)
    failure(TryLater)


@pytest.mark.parametrize("path", [CLASSLIST, VALUES, FINALS, BULK, f"{LE}/quizzes/"])
@pytest.mark.parametrize(
    "body",
    [
        {"Objects": []},
        {"Next": None},
        {"Next": None, "Objects": None},
        {"Next": None, "Objects": {"1": {}}},
        {"Next": None, "Objects": [None]},
        {"Next": 7, "Objects": [{"Identifier": "1", "User": {"Identifier": "1"}, "GradeValue": None}]},
        {
            "Next": "bookmark",
            "Objects": [{"Identifier": "1", "User": {"Identifier": "1"}, "GradeValue": None}],
        },
        {"Next": f"{BASE}/d2l/api/more", "Objects": []},
        [],
    ],
)
def test_page_of_another_shape_is_no_short_list(bright: BrightspaceWire, path: str, body: Any) -> None:
    bright.answers[path] = (200, {}, json.dumps(body))
    failure(TryLater)


@pytest.mark.parametrize("path", [f"{GRADES}/", f"{GRADES}/categories/", EXEMPTIONS, f"{LP}/sections/"])
@pytest.mark.parametrize(
    "rows",
    [
        [{"Name": "without an id"}],
        [{"Id": 9, "Identifier": "9", "SectionId": 9}, {"Id": "9", "Identifier": 9, "SectionId": "9"}],
        [{"Id": 9.5, "Identifier": True, "SectionId": [1]}],
    ],
)
def test_list_that_names_something_twice_or_not_at_all_is_not_used(
    bright: BrightspaceWire, path: str, rows: Any
) -> None:
    bright.whole[path] = rows
    failure(TryLater)


def test_failure_on_a_later_page_fails_the_whole_read(bright: BrightspaceWire) -> None:
    bright.next_url = lambda path, query: f"{BASE}{path}more?{query}"
    bright.answers[f"{CLASSLIST}more"] = (502, {}, "<html>Bad gateway</html>")
    failure(TryLater)


@pytest.mark.parametrize("size", [1, 3])
def test_every_page_of_every_list_is_read(bright: BrightspaceWire, size: int) -> None:
    whole = read()
    bright.page_size = size
    assert read() == whole


def test_next_page_may_be_an_address_without_its_host(bright: BrightspaceWire) -> None:
    whole = read()
    bright.next_url = lambda path, query: f"{path}?{query}"
    assert read() == whole


@pytest.mark.parametrize("host", ["https://elsewhere.example", "http://bright.example"])
def test_next_page_on_another_host_is_not_followed(
    bright: BrightspaceWire, mock: responses.RequestsMock, host: str
) -> None:
    bright.next_url = lambda path, query: f"{host}{path}?{query}"
    assert failure(Misconfigured).code == "next_link_other_host"


def test_pages_that_lead_in_a_circle_end_the_read(bright: BrightspaceWire) -> None:
    bright.page_size = 1
    seen: dict[str, str] = {}
    bright.next_url = lambda path, query: seen.setdefault(path, f"{BASE}{path}?{query}")
    assert "later" in str(failure(TryLater))


@pytest.mark.parametrize("path", [CLASSLIST, FINALS, BULK, VALUES])
def test_page_that_repeats_is_not_taken_for_the_next_one(bright: BrightspaceWire, path: str) -> None:
    bright.paged[path].append(bright.paged[path][0])
    assert "same rows" in str(failure(TryLater))


def test_results_that_do_not_say_whose_they_are_end_the_read(bright: BrightspaceWire) -> None:
    bright.paged[VALUES][0]["User"]["Identifier"] = None
    error = failure(Misconfigured)
    assert (error.code, "User Information Privacy" in str(error)) == ("forbidden", True)


@pytest.mark.parametrize("user", [None, "1001", []])
def test_results_of_nobody_end_the_read(bright: BrightspaceWire, user: Any) -> None:
    bright.paged[VALUES][0]["User"] = user
    failure(Misconfigured)


@pytest.mark.parametrize(("path", "key"), [(BULK, "UserId"), (CLASSLIST, "Identifier")])
def test_row_of_nobody_ends_the_read(bright: BrightspaceWire, path: str, key: str) -> None:
    bright.paged[path][0][key] = None
    failure(TryLater)


@pytest.mark.parametrize("path", [VALUES, EXEMPTIONS])
def test_item_that_is_taken_away_while_it_is_read_ends_the_read(bright: BrightspaceWire, path: str) -> None:
    bright.answers[path] = (404, {}, "")
    assert "taken away" in str(failure(TryLater))


@pytest.mark.parametrize("value", [7, "A", [], False])
def test_grade_of_another_shape_is_not_taken_for_none(bright: BrightspaceWire, value: Any) -> None:
    bright.paged[VALUES][0]["GradeValue"] = value
    failure(TryLater)


def test_row_without_its_grade_is_not_taken_for_ungraded(bright: BrightspaceWire) -> None:
    del bright.paged[VALUES][0]["GradeValue"]
    failure(TryLater)


@pytest.mark.parametrize(
    "error", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_no_answer_in_time_is_tried_later(
    mock: responses.RequestsMock, error: requests.RequestException
) -> None:
    mock.add(responses.GET, f"{BASE}/d2l/api/versions/", body=error)
    failure(TryLater)


# --- refused: by the token, by its scopes, by the person's role ---


def test_refused_token_is_renewed_once_and_the_read_goes_on(bright: BrightspaceWire) -> None:
    account = Renewing("old", "new")

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"] == "Bearer old":
            return 401, {}, ""
        del bright.answers[f"{GRADES}/"]
        return 200, {}, json.dumps(bright.whole[f"{GRADES}/"])

    bright.answers[f"{GRADES}/"] = answer
    reader = Brightspace(Settings("brightspace", BASE), account=account)
    assert reader.read_gradebook(course()).results
    assert account.spent == ["old"]


def test_token_that_cannot_be_renewed_ends_the_read(bright: BrightspaceWire) -> None:
    bright.answers[f"{GRADES}/"] = (401, {}, "")
    error = failure(Misconfigured, Brightspace(Settings("brightspace", BASE), account=Renewing("old")))
    assert error.code == "grant_lost"


def test_fixed_token_that_is_refused_asks_for_a_new_one(bright: BrightspaceWire) -> None:
    bright.answers[VALUES] = (401, {}, "")
    assert failure(Misconfigured).code == "token_refused"


@pytest.mark.parametrize("path", [path for path, _ in SPARED])
def test_refused_token_is_no_missing_right_of_one_service(bright: BrightspaceWire, path: str) -> None:
    bright.answers[path] = (401, {}, "")
    assert failure(Misconfigured).code == "token_refused"


@pytest.mark.parametrize("path", NEEDED)
def test_missing_scope_and_missing_right_are_told_apart(bright: BrightspaceWire, path: str) -> None:
    bright.answers[path] = (403, {}, NO_SCOPE)
    error = failure(Misconfigured)
    assert (error.code, "scopes" in str(error)) == ("scope_missing", True)
    bright.answers[path] = (403, {"Content-Type": "text/html"}, NO_RIGHT)
    error = failure(Misconfigured)
    assert (error.code, "role" in str(error)) == ("forbidden", True)


@pytest.mark.parametrize(("path", "words"), SPARED)
@pytest.mark.parametrize("body", [NO_RIGHT, NO_SCOPE])
def test_what_is_not_needed_may_be_forbidden_and_is_said(
    bright: BrightspaceWire, path: str, words: str, body: str
) -> None:
    bright.answers[path] = (403, {}, body)
    book = read()
    assert about(book, words)
    assert result(book, ANA, "502").score is not None


def test_forbidden_categories_leave_items_without_one(bright: BrightspaceWire) -> None:
    bright.answers[f"{GRADES}/categories/"] = (403, {}, NO_RIGHT)
    book = read()
    assert (item(book, "501").category_id, book.categories) == ("", ())


def test_forbidden_sections_and_course_leave_both_unknown(bright: BrightspaceWire) -> None:
    bright.answers[COURSE] = bright.answers[f"{LP}/sections/"] = (403, {}, NO_RIGHT)
    book = read()
    assert (book.sections, {one.section_ids for one in book.members}) == ((), {()})
    assert about(book, "sections may not be read")
    assert (book.state.published, book.state.concluded) == (None, None)


@pytest.mark.parametrize("path", [f"{GRADES}/", CLASSLIST])
def test_course_that_is_gone_is_no_empty_course(bright: BrightspaceWire, path: str) -> None:
    bright.answers[path] = (404, {}, "")
    assert failure(Misconfigured).code == "course_unknown"


def test_redirect_to_a_log_in_page_is_not_followed(bright: BrightspaceWire) -> None:
    bright.answers[CLASSLIST] = (302, {"Location": f"{BASE}/d2l/login"}, "")
    assert failure(Misconfigured).code == "unexpected_answer"


@pytest.mark.parametrize(("address", "token"), [("", TOKEN), (BASE, "")])
def test_unfinished_connection_says_what_is_missing(
    bright: BrightspaceWire, address: str, token: str
) -> None:
    reader = Brightspace(Settings("brightspace", address, token))
    assert failure(Misconfigured, reader).code == "connection_incomplete"


# --- throttled ---


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "41"}, 41),
        ({"X-Rate-Limit-Reset": "52"}, 52),
        ({"Retry-After": "soon", "X-Rate-Limit-Reset": "0"}, 10),
        ({"X-Rate-Limit-Reset": "99999999999"}, 3600),
        ({}, 10),
    ],
)
def test_quiet_that_brightspace_asks_for_is_kept_and_told_to_all(
    bright: BrightspaceWire, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], after: int
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    pace = Paced(1)
    bright.answers[VALUES] = (429, headers, "")
    failure(TryLater, Brightspace(Settings("brightspace", BASE, TOKEN), pace=pace))
    assert set(pace.rests) == {after}


def test_short_quiet_is_waited_for_and_the_read_goes_on(
    bright: BrightspaceWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        del bright.answers[VALUES]
        return 429, {"Retry-After": "3"}, ""

    bright.answers[VALUES] = answer
    assert result(read(), ZOE, "502").score == 52
    assert sum(slept) == 3


def test_several_requests_at_once_read_the_same(bright: BrightspaceWire) -> None:
    whole, pace = read(), Paced(3)
    reader = Brightspace(Settings("brightspace", BASE, TOKEN), pace=pace)
    assert reader.read_gradebook(course()) == whole
    assert pace.wanted == [Brightspace.at_once]


def test_failure_beside_other_requests_ends_them_all(bright: BrightspaceWire) -> None:
    bright.answers[f"{GRADES}/505/values/"] = (503, {}, "")
    failure(TryLater, Brightspace(Settings("brightspace", BASE, TOKEN), pace=Paced(3)))


# --- anything at all ---

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
PLACES = st.sampled_from(
    [
        *(
            (f"{GRADES}/", key)
            for key in ("GradeType", "MaxPoints", "CategoryId", "GradeSchemeId", "IsHidden", "Name")
        ),
        *((f"{GRADES}/setup/", key) for key in ("GradingSystem", "IsNullGradeZero", "DefaultGradeSchemeId")),
        *((f"{GRADES}/categories/", key) for key in ("Weight", "NumberOfLowestToDrop", "Name")),
        *((f"{GRADES}/schemes/", key) for key in ("Ranges", "Name")),
        *((f"{LP}/sections/", key) for key in ("Enrollments", "Code", "Name")),
        *((COURSE, key) for key in ("Identifier", "Code", "IsActive", "EndDate")),
        *((CLASSLIST, key) for key in ("OrgDefinedId", "Email", "ClasslistRoleDisplayName", "DisplayName")),
        *((FINALS, key) for key in ("GradeValue", "User")),
        *((VALUES, key) for key in ("GradeValue", "User")),
        *((BULK, key) for key in ("GradeObjectType", "UserId", "PointsNumerator", "LastModified")),
        *((f"{LE}/dropbox/folders/", key) for key in ("DueDate", "GradeItemId")),
    ]
)


@given(PLACES, ANYTHING)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_types_anywhere_end_in_our_words(
    bright: BrightspaceWire, place: tuple[str, str], wrong: Any
) -> None:
    path, key = place
    BrightspaceWire.__init__(bright)
    rows = bright.paged.get(path) or bright.whole[path]
    (rows[0] if isinstance(rows, list) else rows)[key] = wrong
    try:
        book = read()
    except AdapterError as error:
        assert TOKEN not in str(error)
    else:
        assert {one.line_item_id for one in book.results} <= {one.line_item_id for one in book.line_items}


def test_client_keeps_its_connections_to_this_host(bright: BrightspaceWire) -> None:
    client = Client(BASE, None)
    with pytest.raises(Misconfigured):
        client.get(f"https://elsewhere.example/d2l/api/le/1.99/{UNIT}/grades/")
    client.close()
