"""Sections, people and the connection's own settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import requests
import responses

from gradesync_site.sandbox.sis.ethos.seeds import BEGINS, ENDS, FINAL, MID1, guid
from sync.auth import MemoryTokens
from sync.errors import Misconfigured, Rejected, TryLater
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.ethos import Ethos, client, errors, wire
from sync.sis.ethos.api_key import KeyToken
from tests.sandbox_servers import Server
from tests.sis.ethos.conftest import CLASS, adapter, key, pushed, student

AUTH = "https://integrate.example/auth"


def answered(status: int, body: Any) -> requests.Response:
    found = requests.Response()
    found.status_code = status
    found._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return found


# --- sections and people ---


def test_a_class_may_be_named_by_what_the_option_says_where_only_one_has_it(host: Server) -> None:
    by_code = adapter(host).get_class("ALG1-P3")
    by_crn = adapter(host, class_field="alternateIds").get_class("CRN-ALG1-P3")
    assert by_code is not None and by_code == by_crn
    assert (by_code.sourced_id, by_code.title, by_code.code) == (CLASS, "Algebra 1", "ALG1-P3")
    assert adapter(host).get_class(CLASS.upper()) == by_code
    host.state["sections"][guid("section", "BIO-P1")]["code"] = "ALG1-P3"
    assert adapter(host).get_class("ALG1-P3") is None


def test_a_section_meets_when_it_says_itself(host: Server) -> None:
    (session,) = adapter(host).sessions(CLASS)
    assert (session.begins, session.ends) == (date.fromisoformat(BEGINS), date.fromisoformat(ENDS))
    assert adapter(host).sessions(guid("section", "nowhere")) == []


def test_people_carry_every_identifier_that_the_sis_gives(host: Server) -> None:
    found = next(one for one in adapter(host).students(CLASS) if one.sourced_id == student())
    assert (found.identifier, found.username, found.email) == (
        "S20001",
        "student1",
        "student1@students.north.example",
    )
    assert ("bannerSourcedId", "700001") in found.user_ids
    other = adapter(host, identifiers="colleaguePersonId, bannerSourcedId")
    assert next(one for one in other.students(CLASS) if one.sourced_id == student()).identifier == "700001"


def test_a_person_who_is_not_there_or_says_nothing_is_still_on_the_roster() -> None:
    assert wire.read_person("g", None, ("bannerId",)) == sis.Person("g")
    bare = wire.read_person("g", {"names": "none", "credentials": [{"type": "bannerId"}]}, ("bannerId",))
    assert bare == sis.Person("g")


def test_a_teachers_classes_are_found_by_her_id_or_her_guid(host: Server) -> None:
    of, teacher = adapter(host), guid("person", "T1001")
    assert [one.identifier for one in of.teachers(CLASS)] == ["T1001"]
    titles = sorted(one.code for one in of.classes_of_teacher("T1001"))
    assert titles == ["ALG1-P3", "ART-P6", "BIO-P1", "BIO-P2"]
    assert sorted(one.code for one in of.classes_of_teacher(teacher.upper())) == titles
    assert of.classes_of_teacher("nobody") == of.classes_of_teacher(" ") == []


def test_classes_that_ended_long_ago_are_not_offered(host: Server) -> None:
    rows = host.state["section-instructors"]
    rows[guid("teaches", guid("person", "T1001"), CLASS)]["workEndOn"] = "2020-05-01"
    host.state["sections"][guid("section", "ART-P6")]["endOn"] = "2020-05-01"
    codes = sorted(one.code for one in adapter(host).classes_of_teacher("T1001"))
    assert codes == ["BIO-P1", "BIO-P2"]


def test_the_kinds_of_grade_are_those_that_the_option_names(host: Server) -> None:
    of = adapter(host, grade_types="Final, mid1")
    assert [one.title for one in of.line_items(CLASS)] == ["Final", "Midterm"]
    assert all(one.ok for one in adapter(host, grade_types="mid1").check())
    assert of.score_scales(CLASS) == of.categories(CLASS) == []
    with pytest.raises(Rejected) as raised:
        of.create_line_item(None)  # type: ignore[arg-type]  # no kind can be made, whatever is asked for
    assert raised.value.code == "line_item_missing"


def test_a_grade_that_no_list_names_is_shown_by_its_id_and_not_as_nothing(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(MID1), sis.Value(text="A"))
    strange = guid("grade", "of", "nowhere")
    (row,) = host.state["student-unverified-grades"].values()
    row["details"]["grades"].append({"type": {"id": FINAL}, "grade": {"id": strange}})
    found = {one.line_item_id: one.value for one in of.results(CLASS)}
    assert found == {
        key(MID1).line_item_id: sis.Value(text="A"),
        key(FINAL).line_item_id: sis.Value(text=strange),
    }


def test_a_registration_of_which_the_lists_say_nothing_takes_nothing(host: Server) -> None:
    host.faults.on("small-pages", most=1, path="grade-options")
    host.faults.on("no-total", path="grade-options")
    of = adapter(host, page_limit="100")
    refused = {one.student_id: one.refused for one in of.registrations(CLASS)}
    assert sorted(refused.values()) == [""] + ["not_gradable"] * 11


# --- the connection ---


def test_the_check_names_what_fails(host: Server) -> None:
    assert {one.title: one.ok for one in adapter(host, grade_options="no").check()} == {
        "API key": True,
        "Sections": True,
        "People": True,
        "Registrations": True,
        "Lists of grades": True,
        "Grades that are there": True,
        "Kinds of grade": True,
        "What each student may get": True,
        "Submitting": True,
    }
    host.faults.on("not-served", path="section-grade-types|persons")
    assert [one.title for one in adapter(host).check() if not one.ok] == ["People", "Kinds of grade"]


@pytest.mark.parametrize(
    "options",
    [
        {"versions": "persons=new"},
        {"versions": "people=12"},
        {"submitted_by": "the teacher"},
        {"parallel": "0"},
        {"page_limit": "many"},
        {"modes": "Letter"},
    ],
)
def test_options_that_make_no_sense_are_said(options: Mapping[str, str]) -> None:
    with pytest.raises(Misconfigured):
        Ethos(Settings("1", "https://integrate.example", secret="k", options=options))


def test_a_connection_without_address_or_key_is_incomplete() -> None:
    for settings in (Settings("1", "", secret="k"), Settings("1", "https://integrate.example")):
        of = Ethos(settings)
        with pytest.raises(Misconfigured) as raised:
            of.get_class("ALG1")
        assert raised.value.code in ("connection_incomplete", "token_url_refused")
        of.close()


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, Misconfigured, "token_refused"),
        (404, Misconfigured, "token_url_wrong"),
        (302, Misconfigured, "token_url_wrong"),
        (503, TryLater, None),
        (429, TryLater, None),
    ],
)
def test_what_the_token_server_answers_is_told_apart(
    status: int, error: type[Exception], code: str | None, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"integrate.example"})
    with responses.RequestsMock() as mock:
        mock.post(AUTH, status=status)
        with pytest.raises(error) as raised:
            KeyToken(AUTH, "k", MemoryTokens()).token()
    assert getattr(raised.value, "code", None) == code


def test_a_token_server_that_cannot_be_asked_is_no_wrong_key(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"integrate.example"})
    with responses.RequestsMock() as mock:
        mock.post(AUTH, body=requests.ConnectionError("k"))
        with pytest.raises(TryLater) as raised:
            KeyToken(AUTH, "k", MemoryTokens()).token()
    assert "k" not in str(raised.value).split()
    with pytest.raises(Misconfigured) as refused:
        KeyToken("http://10.0.0.1/auth", "k", MemoryTokens()).token()
    assert refused.value.code == "token_url_refused"


def test_a_token_is_kept_for_less_than_its_five_minutes_and_shared(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"integrate.example"})
    kept: dict[str, int] = {}

    class Tokens(MemoryTokens):
        def set(self, key: str, token: str, seconds: int) -> None:
            kept[key] = seconds
            super().set(key, token, seconds)

    tokens = Tokens()
    with responses.RequestsMock() as mock:
        mock.post(AUTH, body="aa.bb.cc\n", content_type="text/plain")
        first, second = KeyToken(AUTH, "the-key", tokens), KeyToken(AUTH, "the-key", tokens)
        assert first.token() == second.token() == second.renew("older") == "aa.bb.cc"
        assert len(mock.calls) == 1 and mock.calls[0].request.headers["Authorization"] == "Bearer the-key"
    assert list(kept.values()) == [270] and "the-key" not in str(kept)


# --- refusals by their words ---


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (400, "The grade is already verified.", "frozen"),
        (400, "Final grading is not open.", "window_closed"),
        (400, "Student is not registered for the section.", "not_enrolled"),
        (400, "Grade Q is not valid.", "grade_not_in_scale"),
        (400, "Extension date is required.", "extra_data_required"),
        (400, "Components exist for this section: not gradable.", "not_gradable"),
        (403, "The instructor is not assigned.", "not_your_class"),
        (404, "The section registration was not found.", "not_enrolled"),
        (400, "Invalid student-unverified-grades payload.", "malformed"),
        (409, "Something else.", "malformed"),
    ],
)
def test_a_refusal_is_told_by_its_status_and_words(status: int, words: str, code: str) -> None:
    error = errors.rejected(answered(status, {"errors": [{"code": "X", "message": words}]}))
    assert isinstance(error, Rejected) and (error.code, error.words) == (code, words)


def test_words_are_found_in_every_form_and_never_made_up() -> None:
    layered = '{"errors":[{"description":"{\\"errors\\":[{\\"message\\":\\"Deep.\\"}]}"}]}'
    body = {"errors": ["odd", {"title": 7, "message": "Top.", "description": layered}]}
    assert errors.words_of(answered(400, body)) == "Top. Deep."
    assert errors.words_of(answered(400, [{"message": "Listed."}])) == "Listed."
    assert errors.words_of(answered(400, {"errors": [{"message": "{broken"}]})) == "{broken"
    for nothing in ({"errors": "none"}, "<html>", 7):
        assert errors.words_of(answered(400, nothing)) == ""


def test_a_submission_whose_answer_is_empty_or_odd_still_counts(host: Server) -> None:
    of = adapter(host)
    for body, found in (("", ""), ("[]", ""), ('{"id": "g"}', "g")):
        assert of._client._id_in(answered(200, body)) == found


def test_a_list_that_does_not_end_is_given_up(host: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_PAGES", 2)
    with pytest.raises(TryLater):
        adapter(host, page_limit="3").students(CLASS)


def test_what_is_no_record_or_no_answer_to_a_question_is_said(host: Server) -> None:
    of = adapter(host)
    host.running.app.view_functions["one"] = lambda **_places: "[]"
    with pytest.raises(TryLater):
        of.get_class(CLASS)
    host.running.app.view_functions["one"] = lambda **_places: ("{}", 400)
    with pytest.raises(Misconfigured) as raised:
        of.get_class(CLASS)
    assert raised.value.code == "question_refused"
