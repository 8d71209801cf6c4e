"""Blackboard's services of the pretend LMS, and the product's own reader against them over real HTTP."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from gradesync_site.sandbox.control import loads
from sync.auth import MemoryTokens
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.blackboard import Blackboard
from sync.lms.canvas import Canvas
from sync.lms.contract import LmsContract, Story
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

API = "/learn/api/public"
EXTERNAL = lms.course_total("external")


def pk(number: object) -> str:
    return f"_{number}_1"


def uuid_of(server: Server, course: str) -> str:
    """As a launch of Blackboard's dialect names the course."""
    courses = requests.get(f"{server.base_url}/_sandbox/", timeout=10).json()["courses"]
    return str(next(one["uuid"] for one in courses if one["id"] == course))


def reader(server: Server, **options: str) -> Blackboard:
    key, secret = server.hello["blackboard_key"], server.hello["blackboard_secret"]
    settings = Settings("sandbox", server.base_url, options=options, client_id=key, secret=secret)
    return Blackboard(settings, tokens=MemoryTokens())


def read(server: Server, course: str = "101", **options: str) -> lms.Gradebook:
    return reader(server, **options).read_gradebook(lms.Course(uuid_of(server, course)))


def results(book: lms.Gradebook) -> dict[tuple[str, str], lms.Result]:
    return {(one.user_id, one.line_item_id): one for one in book.results}


def token(server: Server) -> str:
    key = (server.hello["blackboard_key"], server.hello["blackboard_secret"])
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{server.base_url}{API}/v1/oauth2/token", data=form, auth=key, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def get(server: Server, path: str, **query: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token(server)}"}
    return requests.get(f"{server.base_url}{API}{path}", headers=headers, params=query, timeout=10)


class TestBlackboardOverHttp(LmsContract):
    """The whole contract, on a course that the control API made."""

    story = Story(pk(9001), pk(9002), pk(9003), pk(9009), pk(701), pk(702))

    @pytest.fixture(autouse=True)
    def _course(self, lms_server: Server) -> None:
        self.server = lms_server
        people = (
            (9001, "Ana", "Alvarez", "SIS-1001"),
            (9002, "Zoë", "Müller-Łukasz 李", "SIS-1002"),
            (9003, "Gus", "", ""),
        )
        lms_server.control(
            "course",
            id=901,
            name="Contract",
            sis_id="C-1",
            students=[
                {"id": number, "given_name": given, "family_name": family, "sis_id": sis_id}
                for number, given, family, sis_id in people
            ],
            teachers=[{"id": 9009, "name": "Tess"}],
            line_items=[
                {"id": 701, "title": "Homework 1", "maximum": 10, "category": "Homework"},
                {"id": 702, "title": "Test", "maximum": 50},
            ],
            grades=[
                {"user": "9001", "assignment": "701", "score": 0},
                {"user": "9001", "assignment": "702", "score": Decimal("9.257")},
                {"user": "9002", "assignment": "702", "score": 52},
                {"user": "9003", "assignment": "701", "score": 5},
            ],
        )
        leave(lms_server, "901", "9003")

    def make(self) -> Blackboard:
        return reader(self.server)

    def course(self) -> lms.Course:
        return lms.Course(uuid_of(self.server, "901"), "Contract")

    def fail_reads(self) -> None:
        self.server.faults.on("results-500")

    def refuse_reads(self) -> None:
        self.server.faults.on("bearer-refused")


def leave(server: Server, course: str, user: str) -> None:
    wish = {"course": course, "user": user, "state": "inactive"}
    requests.delete(f"{server.base_url}/_sandbox/student", json=wish, timeout=10).raise_for_status()


# --- what is read ---


def test_reader_sees_every_telling_grade(lms_server: Server) -> None:
    book = read(lms_server)
    found = results(book)
    assert found[pk(5001), pk(2001)].score == 0
    assert found[pk(5002), pk(2001)].status is lms.Status.EXCUSED
    # Learn's services say neither missing nor late
    assert found[pk(5003), pk(2001)].status is lms.Status.NOT_GRADED
    assert (found[pk(5005), pk(2002)].score, found[pk(5005), pk(2002)].maximum) == (104, 100)
    assert found[pk(5006), pk(2001)].score == Decimal("9.257")
    assert found[pk(5008), pk(2001)].status is lms.Status.NOT_GRADED
    assert book.complete and book.warnings == ()


@pytest.mark.parametrize("course", ["101", "102", "103", "104"])
def test_both_readers_see_the_same_students_with_the_same_shares(lms_server: Server, course: str) -> None:
    """Canvas says points where Blackboard says a percentage: score by maximum is the same, and so are letters."""
    other = Canvas(Settings("sandbox", lms_server.base_url, lms_server.hello["canvas_token"]))
    canvas = other.read_gradebook(lms.Course("context", custom={"canvas_course_id": course}))
    found = read(lms_server, course)
    for name in ("name", "sis_id", "email"):
        assert {one.user_id: getattr(one, name) for one in found.members if is_course_student(one)} == {
            pk(one.user_id): getattr(one, name) for one in canvas.members if is_course_student(one)
        }
    items = {one.line_item_id: one for one in canvas.line_items if one.kind == "assignment"}
    mine = results(found)
    for (user_id, item_id), one in results(canvas).items():
        if item_id in items and items[item_id].grading_type not in ("pass_fail", "not_graded"):
            made = mine[pk(user_id), pk(item_id)]
            assert _share(made) == _share(one)
            assert (made.status is lms.Status.GRADED) == (one.status is lms.Status.GRADED)
            assert made.text == one.text


def _share(result: lms.Result) -> Decimal | None:
    if result.score is None or not result.maximum:
        return None
    return (result.score / result.maximum).quantize(Decimal("0.00001"))


def test_external_grade_is_what_canvas_calls_the_current_score(lms_server: Server) -> None:
    other = Canvas(Settings("sandbox", lms_server.base_url, lms_server.hello["canvas_token"]))
    for course in ("101", "103"):
        canvas = results(other.read_gradebook(lms.Course("context", custom={"canvas_course_id": course})))
        mine = results(read(lms_server, course))
        totals = {
            pk(user): one.score for (user, item), one in canvas.items() if item == lms.COURSE_TOTAL_CURRENT
        }
        assert {user: one.score for (user, item), one in mine.items() if item == EXTERNAL} == totals


def test_merged_course_shows_its_children(lms_server: Server) -> None:
    book = read(lms_server, "102")
    assert {one.sis_id for one in book.sections if one.section_id != pk(102)} == {"BIO-P1", "BIO-P2"}
    places = {place for one in book.members if is_course_student(one) for place in one.section_ids}
    assert places == {one.section_id for one in book.sections}


def test_letters_are_those_of_the_schema(lms_server: Server) -> None:
    book = read(lms_server, "103")
    [scheme] = [one for one in book.schemes.values() if one.title != "Letter"]
    letters = {one.text for one in book.results if one.text}
    assert letters and letters <= {one.name for one in scheme.entries}


def test_pass_and_fail_are_words(lms_server: Server) -> None:
    words = {one.text for (_, item), one in results(read(lms_server, "104")).items() if item == pk(2402)}
    assert words == {"Complete", "Incomplete"}


def test_column_that_students_do_not_see_is_not_posted(lms_server: Server) -> None:
    lms_server.control("grade", course="101", user="5001", assignment="2099", score=3)
    assert not results(read(lms_server))[pk(5001), pk(2099)].posted


def test_grade_that_is_not_posted_yet_is_pending(lms_server: Server) -> None:
    lms_server.control("grade", course="101", user="5001", assignment="2001", score=3, posted=False)
    found = results(read(lms_server))[pk(5001), pk(2001)]
    assert (found.status, found.score) == (lms.Status.PENDING, 3)


def test_test_student_is_told_by_her_user_name(lms_server: Server) -> None:
    [found] = [one for one in read(lms_server).members if one.test]
    assert found.login.endswith("_previewuser")


def test_staff_is_told_from_students(lms_server: Server) -> None:
    book = read(lms_server)
    assert {one.user_id for one in book.members if one.is_teacher} == {pk(11)}
    assert pk(13) not in {one.user_id for one in book.members if is_course_student(one)}


def test_gap_in_a_schema_is_kept(lms_server: Server) -> None:
    lms_server.faults.on("blackboard-gap")
    for scheme in read(lms_server, "103").schemes.values():
        first, second = scheme.entries[:2]
        assert second.upper == first.lower - Decimal("0.01")


def test_edits_are_seen_by_the_next_read(lms_server: Server) -> None:
    """A hundred edits at random, grades taken away among them: each read is what the LMS holds then."""
    chance, held = random.Random(7), {}
    for step in range(100):
        user, item = f"50{chance.randrange(1, 9):02}", chance.choice(["2001", "2003", "2005"])
        score = None if chance.random() < 0.3 else Decimal(chance.randrange(0, 10_000)).scaleb(-3)
        wish: dict[str, Any] = {"none": True} if score is None else {"score": score}
        lms_server.control("grade", course="101", user=user, assignment=item, **wish)
        held[pk(user), pk(item)] = score
        if step % 25 == 24:
            found = results(read(lms_server))
            assert {key: found[key].score for key in held} == held


# --- pages and requests ---


@pytest.mark.parametrize("at_once", ["1", "4"])
def test_requests_are_no_more_than_the_pages_there_are(
    start_lms: Callable[..., Server], at_once: str
) -> None:
    server = start_lms(students=40, line_items=8, extra={"blackboard_page": "10"})
    book = read(server, at_once=at_once)
    paths = [one["path"] for one in server.journal if one["method"] == "GET"]
    people, columns = len(book.members), len(book.line_items)
    # the course, its people and columns, three short lists, and each column's grades; a column may have none
    most = 1 + -(-people // 10) + -(-columns // 10) + 3 + columns * 5
    assert len(paths) <= most
    assert len(paths) == len(
        {(one["path"], one["query"]) for one in server.journal if one["method"] == "GET"}
    )


def test_small_pages_say_the_same_as_one(start_lms: Callable[..., Server]) -> None:
    small = start_lms(students=40, extra={"blackboard_page": "7"})
    assert read(small) == read(start_lms(students=40))


def test_page_leads_on_by_a_path_with_the_same_query(start_lms: Callable[..., Server]) -> None:
    server = start_lms(students=40)
    answer = get(server, "/v1/courses/_101_1/users", limit=10, expand="user", fields="userId,user.name.given")
    page = answer.json()
    assert page["paging"]["nextPage"].startswith("/learn/api/public/v1/courses/_101_1/users?limit=10&")
    assert set(page["results"][0]) == {"userId", "user"}
    assert set(page["results"][0]["user"]["name"]) == {"given"}


@pytest.mark.parametrize("ref", ["_101_1", "externalId:ALG1-P3", "courseId:ALG1-P3"])
def test_course_is_found_by_each_of_its_ids(lms_server: Server, ref: str) -> None:
    assert get(lms_server, f"/v3/courses/{ref}").json()["id"] == "_101_1"


@pytest.mark.parametrize("ref", ["_999_1", "uuid:nothing", "other:ALG1-P3"])
def test_course_that_is_not_there_answers_404(lms_server: Server, ref: str) -> None:
    answer = get(lms_server, f"/v3/courses/{ref}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_members_are_not_expanded_unless_asked(lms_server: Server) -> None:
    assert "user" not in get(lms_server, "/v1/courses/_101_1/users").json()["results"][0]


def test_final_grade_is_a_name_of_the_external_column(lms_server: Server) -> None:
    named = get(lms_server, "/v2/courses/_101_1/gradebook/columns/finalGrade/users")
    assert loads(named.content)["results"][0]["columnId"] == "_1019999_1"


def test_column_without_grades_answers_404_and_is_read_as_empty(lms_server: Server) -> None:
    lms_server.control("line_item", course="101", id=2777, title="Nobody yet", maximum=5)
    assert get(lms_server, "/v2/courses/_101_1/gradebook/columns/_2777_1/users").status_code == 404
    found = [one for one in read(lms_server).results if one.line_item_id == pk(2777)]
    assert found and {one.status for one in found} == {lms.Status.NOT_GRADED}


# --- a teacher's own access ---


class Grant:
    """What a teacher allowed in the window, as the engine hands it in."""

    def __init__(self, server: Server) -> None:
        self._url = f"{server.base_url}{API}/v1/oauth2"
        self._key = (server.hello["oauth"]["client_id"], server.hello["oauth"]["client_secret"])
        self._back = "https://tool.example/grants/callback/"
        server.control("oauth", origin="https://tool.example", auto=True)
        asked = {"client_id": self._key[0], "response_type": "code", "redirect_uri": self._back}
        sent = requests.get(f"{self._url}/authorizationcode", params=asked, allow_redirects=False, timeout=10)
        [code] = parse_qs(urlsplit(sent.headers["Location"]).query)["code"]
        self._tokens = self._asked(grant_type="authorization_code", code=code, redirect_uri=self._back)
        self.renewals = 0

    def token(self) -> str:
        return str(self._tokens["access_token"])

    def renew(self, spent: str) -> str:
        self.renewals += 1
        self._tokens |= self._asked(grant_type="refresh_token", refresh_token=self._tokens["refresh_token"])
        return self.token()

    def _asked(self, **form: str) -> dict[str, Any]:
        answer = requests.post(f"{self._url}/token", data=form, auth=self._key, timeout=10)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def test_teacher_reads_by_her_own_grant_which_is_renewed(lms_server: Server) -> None:
    grant, settings = Grant(lms_server), Settings("sandbox", lms_server.base_url)
    by_grant = Blackboard(settings, account=grant)
    course = lms.Course(uuid_of(lms_server, "101"))
    assert by_grant.read_gradebook(course) == read(lms_server)
    assert grant.renewals == 0
    lms_server.control("oauth", expire=True)
    assert by_grant.read_gradebook(course).complete
    assert grant.renewals == 1


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-500", TryLater),
        ("html-instead-of-json", TryLater),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
        ("token-refused", Misconfigured),
    ],
)
def test_reader_raises_rather_than_return_part(
    lms_server: Server, fault: str, error: type[AdapterError]
) -> None:
    lms_server.faults.on(fault)
    with pytest.raises(error):
        read(lms_server)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-page-repeats", TryLater),
        ("next-link-loops", TryLater),
        ("next-link-other-host", Misconfigured),
    ],
)
def test_reader_notices_pages_that_go_astray(
    start_lms: Callable[..., Server], fault: str, error: type[AdapterError]
) -> None:
    server = start_lms(students=40, faults=(fault,), extra={"blackboard_page": "10"})
    with pytest.raises(error):
        read(server)


def test_missing_right_for_one_column_leaves_the_others(lms_server: Server) -> None:
    lms_server.faults.on("wrong-scope", path="columns/_2001_1/users")
    book = read(lms_server)
    assert pk(2001) not in {one.line_item_id for one in book.results}
    assert any("Quiz 1" in one for one in book.warnings)


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_score_that_is_no_number_is_a_problem_of_that_column(lms_server: Server, fault: str) -> None:
    lms_server.faults.on(fault, path="columns/_2003_1/users")
    errors = [one.line_item_id for one in read(lms_server).results if one.score_error == "not-a-number"]
    assert errors == [pk(2003)]


def test_quota_is_counted_and_not_begun_when_it_will_not_last(start_lms: Callable[..., Server]) -> None:
    server = start_lms(extra={"blackboard_quota": "54"})
    assert get(server, "/v3/courses/_101_1").headers["X-Rate-Limit-Remaining"] == "53"
    read(server)
    read(server)
    spent = len(server.journal)
    with pytest.raises(TryLater) as caught:
        read(server)
    assert "more for now" in str(caught.value) and 3000 < (caught.value.after or 0) <= 3600
    assert not any("/users" in one["path"] and "columns" in one["path"] for one in server.journal[spent:])


def test_quota_that_is_spent_says_so(start_lms: Callable[..., Server]) -> None:
    server = start_lms(extra={"blackboard_quota": "2"})
    with pytest.raises(TryLater) as caught:
        read(server)
    assert "quota" in str(caught.value)


def test_wrong_secret_is_said(lms_server: Server) -> None:
    key = lms_server.hello["blackboard_key"]
    settings = Settings("sandbox", lms_server.base_url, client_id=key, secret="wrong")
    [finding] = Blackboard(settings).check()
    assert not finding.ok


def test_token_is_given_for_client_credentials_only(lms_server: Server) -> None:
    key = (lms_server.hello["blackboard_key"], lms_server.hello["blackboard_secret"])
    answer = requests.post(
        f"{lms_server.base_url}{API}/v1/oauth2/token", data={"grant_type": "password"}, auth=key, timeout=10
    )
    assert answer.status_code == 400


def test_check_finds_the_site(lms_server: Server) -> None:
    assert all(one.ok for one in reader(lms_server).check())
