"""The commands that scripts call, on a course whose LMS and SIS live in this process."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lti_tool.models import Context, Deployment, Institution, Registration
from sync.lms import memory as lms_memory
from sync.models import ClassLink, LmsConnection, Run, SisConnection
from sync.sis import memory as sis_memory

pytestmark = pytest.mark.django_db
numbers = count(1)


@pytest.fixture
def wire() -> str:
    """A name under which both sides of one test live."""
    return f"memory:commands{next(numbers)}"


@pytest.fixture
def course(wire: str) -> Context:
    """Three students, one of them unknown to the SIS; two assignments, one of which the SIS has already."""
    institution = Institution.objects.create(name="North")
    registration = Registration.objects.create(
        institution=institution,
        name="LMS",
        issuer="https://lms.example",
        client_id="1",
        auth_login_url="https://lms.example/auth",
        auth_token_url="https://lms.example/token",
        key_set_url="https://lms.example/jwks",
        active=True,
    )
    deployment = Deployment.objects.create(registration=registration, deployment_id="1", active=True)
    lms = lms_memory.world(wire)
    for user_id, sis_id in (("u1", "s1"), ("u2", "s2"), ("u3", "nobody")):
        lms.add_member(user_id, name=f"Student {user_id}", sis_id=sis_id)
    lms.add_item("a1", "Essay")
    lms.add_item("a2", "Quiz", maximum=10)
    for user_id in ("u1", "u2"):
        lms.grade(user_id, "a1", Decimal("86.5"))
        lms.grade(user_id, "a2", 0)
    sis = sis_memory.world(wire)
    sis.add_class("c1", students=["s1", "s2", "s4"])
    sis.add_item("c1", "i1", "Essay")
    run(
        "connect_lms",
        "reader",
        "--registration",
        str(registration.pk),
        "--adapter",
        "memory",
        "--base-url",
        wire,
    )
    run("connect_sis", "records", "--adapter", "memory", "--base-url", wire)
    return Context.objects.create(deployment=deployment, context_id="course-1", title="Algebra")


def run(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON that the command printed."""
    out = io.StringIO()
    try:
        call_command(name, *arguments, "--json", stdout=out)
        code = 0
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue())


def linked(course: Context) -> None:
    run("link_class", str(course.public_id), "--sis", "records", "--class", "c1")
    run("link_students", str(course.public_id), "--exclude", "u3=guest")
    run("link_line_items", str(course.public_id), "--create")


def sent(course: Context) -> dict[str, Any]:
    _, preview = run("sync_course", str(course.public_id))
    code, pushed = run("sync_course", str(course.public_id), "--push", "--approve", preview["digest"])
    assert code == 0, pushed
    return pushed


# --- connecting


def test_the_same_name_again_updates_the_connection(course: Context, wire: str) -> None:
    code, first = run("connect_sis", "records", "--client-id", "a", "--client-secret", "hidden")
    assert (code, first["created"]) == (0, False)
    row = SisConnection.objects.get(name="records")
    assert (row.client_id, row.client_secret, row.base_url) == ("a", "hidden", wire)
    assert "hidden" not in json.dumps(first)


def test_options_are_merged_and_an_empty_one_is_taken_out() -> None:
    base = ["connect_sis", "one", "--adapter", "oneroster", "--base-url", "https://sis.example"]
    run(*base, "--option", "version=1.1", "--option", "batch=10")
    _, after = run("connect_sis", "one", "--option", "batch=")
    assert after["options"] == {"version": "1.1"}


@pytest.mark.parametrize("option", ["colour=red", "version=9.9", "version"])
def test_an_option_that_the_adapter_has_not_is_refused(option: str) -> None:
    code, told = run(
        "connect_sis",
        "one",
        "--adapter",
        "oneroster",
        "--base-url",
        "https://sis.example",
        "--option",
        option,
    )
    assert code == 2
    assert option.partition("=")[0] in told["error"]
    assert not SisConnection.objects.exists()


def test_describe_prints_every_option_with_its_meaning() -> None:
    code, told = run("connect_sis", "--adapter", "oneroster", "--describe")
    assert code == 0
    assert {"version", "batch"} <= {one["name"] for one in told["options"]}
    assert all(one["meaning"] for one in told["options"])


def test_an_unknown_adapter_is_named_with_those_there_are() -> None:
    code, told = run("connect_sis", "one", "--adapter", "abacus", "--base-url", "https://sis.example")
    assert code == 2
    assert "abacus" in told["error"] and "oneroster" in told["error"]


def test_pairs_are_kept_as_told(course: Context) -> None:
    run("connect_sis", "records", "--pair", "email=email", "--pair", "sis_id=userIds:LocalID")
    assert SisConnection.objects.get(name="records").pairs == [
        ["email", "email"],
        ["sis_id", "userIds:LocalID"],
    ]


def test_with_several_institutions_the_command_asks_which(course: Context) -> None:
    Institution.objects.create(name="South")
    base = ["connect_sis", "two", "--adapter", "memory", "--base-url", "memory:two"]
    code, told = run(*base)
    assert (code, told["code"]) == (2, "institution_unknown")
    assert run(*base, "--institution", "South")[0] == 0
    assert SisConnection.objects.get(name="two").institution.name == "South"


def test_an_address_that_the_guard_refuses_is_pointed_out() -> None:
    _, told = run("connect_sis", "one", "--adapter", "oneroster", "--base-url", "http://sis.example")
    assert "OUTBOUND_ALLOW" in told["warnings"][0]


def test_a_second_reader_of_one_registration_is_refused(course: Context) -> None:
    registration = str(course.registration.pk)
    code, told = run("connect_lms", "other", "--registration", registration, "--adapter", "memory")
    assert (code, told["code"]) == (2, "reader_taken")
    assert LmsConnection.objects.count() == 1


def test_check_connection_says_what_is_there(course: Context) -> None:
    for name in ("records", "reader"):
        code, told = run("check_connection", name)
        assert code == 0 and told["findings"]
    assert run("check_connection", "nothing")[0] == 2


def test_a_connection_that_works_again_loses_its_flag(course: Context) -> None:
    SisConnection.objects.filter(name="records").update(trouble="key refused")
    run("check_connection", "records")
    assert SisConnection.objects.get(name="records").trouble == ""


# --- linking


def test_courses_are_listed_by_the_name_that_the_commands_take(course: Context) -> None:
    code, told = run("sync_course")
    assert code == 0
    assert [one["context"] for one in told["courses"]] == [str(course.public_id)]


@pytest.mark.parametrize("name", ["public_id", "context_id", "pk"])
def test_a_course_is_found_by_each_of_its_names(course: Context, name: str) -> None:
    code, _ = run("link_class", str(getattr(course, name)), "--sis", "records", "--class", "c1")
    assert code == 0
    assert ClassLink.objects.get().proof == "admin"


def test_an_unknown_course_or_class_is_refused(course: Context) -> None:
    assert run("link_class", "elsewhere", "--sis", "records", "--class", "c1")[0] == 2
    assert run("link_class", "course-1", "--sis", "records", "--class", "c9")[0] == 2
    assert run("link_class", "course-1", "--sis", "no such", "--class", "c1")[0] == 2
    assert not ClassLink.objects.exists()


def test_students_to_settle_are_listed_and_can_be_settled(course: Context) -> None:
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    code, told = run("link_students", "course-1")
    assert code == 1
    assert {one["user_id"]: one["state"] for one in told["students"]} == {
        "u1": "matched",
        "u2": "matched",
        "u3": "problem",
    }
    code, told = run("link_students", "course-1", "--student", "u3=s4")
    assert code == 0
    assert {one["user_id"]: one["student_id"] for one in told["students"]}["u3"] == "s4"


def test_a_student_of_no_linked_roster_is_refused(course: Context) -> None:
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    assert run("link_students", "course-1", "--student", "u3=s9")[0] == 2


def test_exact_titles_are_linked_and_the_rest_is_created_only_when_asked(course: Context, wire: str) -> None:
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    code, told = run("link_line_items", "course-1")
    assert code == 1
    links = {one["line_item_id"]: [link["sis_id"] for link in one["links"]] for one in told["items"]}
    assert links == {"a1": ["i1"], "a2": []}
    assert run("link_line_items", "course-1", "--create")[0] == 0
    titles = sorted(item.title for item in sis_memory.world(wire).items.values())
    assert titles == ["Essay", "Quiz"]


def test_linking_twice_creates_nothing_twice(course: Context, wire: str) -> None:
    linked(course)
    before = set(sis_memory.world(wire).items)
    linked(course)
    assert set(sis_memory.world(wire).items) == before


def test_an_item_is_linked_as_told_with_its_scale(course: Context, wire: str) -> None:
    sis_memory.world(wire).add_item("c1", "i7", "Pop quiz")
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    code, told = run("link_line_items", "course-1", "--item", "a2=i7", "--scale", "Quiz=percent")
    assert code == 0
    link = next(one for one in told["items"] if one["line_item_id"] == "a2")["links"][0]
    assert (link["sis_id"], link["scale"]) == ("i7", "percent")


def test_an_unknown_scale_or_total_is_refused(course: Context) -> None:
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    assert run("link_line_items", "course-1", "--scale", "a1=stars")[0] == 2
    assert run("link_line_items", "course-1", "--course-total", "final")[0] == 2


def test_a_total_that_the_lms_names_in_its_own_word_is_linked(course: Context, wire: str) -> None:
    for word in ("calculated", "adjusted"):
        lms_memory.world(wire).add_item(f"course_total:{word}", f"Final {word} grade", kind="course_total")
    sis_memory.world(wire).add_item("c1", "i8", "Term grade")
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    code, told = run("link_line_items", "course-1", "--course-total", "final")
    assert (code, "calculated, adjusted" in told["error"]) == (2, True)
    code, told = run(
        "link_line_items", "course-1", "--course-total", "adjusted=i8", "--scale", "adjusted=percent"
    )
    assert code in (0, 1)
    (link,) = next(one for one in told["items"] if one["line_item_id"] == "course_total:adjusted")["links"]
    assert (link["sis_id"], link["scale"]) == ("i8", "percent")


def test_a_line_item_whose_id_is_a_url_with_a_query_is_linked(course: Context, wire: str) -> None:
    url = "https://lms.example/items/7?type=a&x=1"
    lms_memory.world(wire).add_item(url, "By URL")
    sis_memory.world(wire).add_item("c1", "i8", "Other title")
    run("link_class", "course-1", "--sis", "records", "--class", "c1")
    _, told = run("link_line_items", "course-1", "--item", f"{url}=i8")
    link = next(one for one in told["items"] if one["line_item_id"] == url)["links"][0]
    assert link["sis_id"] == "i8"


# --- sending


def test_preview_shows_old_and_new_and_writes_nothing(course: Context, wire: str) -> None:
    linked(course)
    code, told = run("sync_course", "course-1")
    assert code == 0
    assert {(row["before"], row["after"]) for row in told["rows"]} == {
        ("no grade", "86.5"),
        ("no grade", "0"),
    }
    assert told["digest"]
    assert sis_memory.world(wire).journal == []


def test_the_approved_list_is_sent_and_read_back(course: Context, wire: str) -> None:
    linked(course)
    told = sent(course)
    assert (told["state"], told["in_sync"], told["counts"]["created"]) == ("done", True, 4)
    assert sis_memory.world(wire).value("i1", "s1").score == Decimal("86.5")  # type: ignore[union-attr]


def test_a_second_push_writes_nothing(course: Context, wire: str) -> None:
    linked(course)
    sent(course)
    before = len(sis_memory.world(wire).journal)
    code, told = run("sync_course", "course-1", "--push")
    assert (code, told["rows"]) == (0, [])
    assert len(sis_memory.world(wire).journal) == before


def test_another_digest_sends_nothing(course: Context, wire: str) -> None:
    linked(course)
    _, old = run("sync_course", "course-1")
    lms_memory.world(wire).grade("u1", "a1", 90)
    run("sync_course", "course-1")
    code, told = run("sync_course", "course-1", "--push", "--approve", old["digest"])
    assert code == 2
    assert "Preview again" in told["error"]
    assert sis_memory.world(wire).journal == []


def test_a_row_that_changed_after_approval_is_not_sent(course: Context, wire: str) -> None:
    linked(course)
    _, old = run("sync_course", "course-1")
    lms_memory.world(wire).grade("u1", "a1", 90)
    code, told = run("sync_course", "course-1", "--push", "--approve", old["digest"])
    assert code == 1
    assert {row["after"]: row["state"] for row in told["rows"] if row["before"] == "no grade"}[
        "0"
    ] == "accepted"
    assert sis_memory.world(wire).value("i1", "s1") is None


def test_nothing_is_sent_unattended_before_one_approved_run(course: Context, wire: str) -> None:
    linked(course)
    code, told = run("sync_course", "course-1", "--push")
    assert (code, told["code"]) == (2, "first_send")
    assert sis_memory.world(wire).journal == []


def test_after_an_approved_run_changes_go_unattended(course: Context, wire: str) -> None:
    linked(course)
    sent(course)
    lms_memory.world(wire).grade("u1", "a1", 90)
    code, told = run("sync_course", "course-1", "--push")
    assert (code, told["counts"]["updated"]) == (0, 1)
    assert sis_memory.world(wire).value("i1", "s1").score == Decimal(90)  # type: ignore[union-attr]


def test_a_withdrawal_goes_only_when_it_is_named(course: Context, wire: str) -> None:
    linked(course)
    sent(course)
    lms_memory.world(wire).grade("u1", "a1", None)
    _, plain = run("sync_course", "course-1")
    key = next(row["key"] for row in plain["rows"] if row["withdraws"])
    run("sync_course", "course-1", "--push")
    assert sis_memory.world(wire).value("i1", "s1") is not None
    assert run("sync_course", "course-1", "--push", "--withdraw", key)[0] == 2
    _, named = run("sync_course", "course-1", "--withdraw", key)
    assert named["digest"] != plain["digest"]
    run("sync_course", "course-1", "--push", "--approve", named["digest"], "--withdraw", key)
    assert sis_memory.world(wire).value("i1", "s1") is None


def test_a_grade_edited_in_the_sis_is_reported_and_not_overwritten(course: Context, wire: str) -> None:
    linked(course)
    sent(course)
    sis = sis_memory.world(wire)
    edited = sis.value("i1", "s1")
    assert edited is not None
    sis.edit("i1", "s1", type(edited)(Decimal(99)))
    code, told = run("sync_course", "course-1", "--push")
    assert code == 1
    assert [one["code"] for one in told["problems"]] == ["edited-in-sis"]
    assert sis.value("i1", "s1").score == Decimal(99)  # type: ignore[union-attr]
    code, told = run("sync_course", "course-1", "--reconcile")
    assert (code, told["in_sync"]) == (1, False)
    assert [one["cause"] for one in told["differences"]] == ["edited in the SIS"]


def test_a_safety_stop_holds_an_unattended_push(course: Context, wire: str) -> None:
    linked(course)
    for number in range(10, 22):
        lms_memory.world(wire).add_member(f"u{number}", name="N", sis_id=f"s{number}")
        lms_memory.world(wire).grade(f"u{number}", "a1", 50)
    sis = sis_memory.world(wire)
    sis.roster["c1"] |= {
        one.sourced_id: one for one in map(sis_memory._person, [f"s{n}" for n in range(10, 22)])
    }
    sent(course)
    for number in range(10, 22):
        lms_memory.world(wire).grade(f"u{number}", "a1", 60)
    code, told = run("sync_course", "course-1", "--push")
    assert (code, told["state"]) == (1, "review")
    assert [one["code"] for one in told["stops"]] == ["many-changes"]
    assert sis.value("i1", "s10").score == Decimal(50)  # type: ignore[union-attr]
    code, told = run("sync_course", "course-1", "--push", "--approve", told["digest"])
    assert (code, told["state"]) == (0, "done")


@pytest.mark.parametrize(
    "arguments",
    [("--push", "--reconcile"), ("--approve", "abc"), ("--push", "--withdraw", "not a key")],
)
def test_options_that_make_no_sense_together_are_refused(course: Context, arguments: tuple[str, ...]) -> None:
    assert run("sync_course", "course-1", *arguments)[0] == 2
    assert not Run.objects.exists()


def test_a_course_without_a_class_says_what_to_do(course: Context) -> None:
    code, told = run("sync_course", "course-1")
    assert code == 2
    assert "class" in told["error"]


def test_an_lms_that_is_busy_is_a_failure_and_not_an_empty_course(course: Context, wire: str) -> None:
    linked(course)
    sent(course)
    lms_memory.world(wire).on_read = lms_memory.try_later(5)
    code, told = run("sync_course", "course-1", "--reconcile")
    assert (code, told["ok"]) == (2, False)


def test_text_for_people_names_the_next_command(course: Context) -> None:
    linked(course)
    out = io.StringIO()
    call_command("sync_course", "course-1", stdout=out)
    assert "--push --approve" in out.getvalue()
    with pytest.raises(CommandError) as refused:
        call_command("sync_course", "elsewhere")
    assert refused.value.returncode == 2
