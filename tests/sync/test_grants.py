"""Whose access a read uses: a teacher's own, renewed in time, lost with clear words, taken back on request."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lti_tool.models import LtiUser
from sync import engine, tasks
from sync.engine import checking, grants
from sync.engine.adapters import make_lms
from sync.engine.grants import GrantAccount
from sync.errors import GrantNeeded, Misconfigured, NotItsTurn, TryLater
from sync.models import AuditEntry, Grant, LmsConnection, Look, Run
from sync.views import looking
from tests.sandbox_servers import Server
from tests.sync.granting import canvas, ending, give, granted, renewals, rotating
from tests.sync.nights import co_teacher
from tests.sync.pages import read_now
from tests.sync.worlds import Course

__all__ = ["canvas", "granted"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(granted: Course) -> LmsConnection:
    return LmsConnection.objects.get(registration=granted.context.registration)


@pytest.fixture
def rotates(connection: LmsConnection, canvas: Server) -> LmsConnection:
    connection.options = rotating(canvas)
    connection.save()
    return connection


def account(connection: LmsConnection, course: Course) -> GrantAccount:
    return GrantAccount(connection, course.teacher)


# --- tokens ---------------------------------------------------------------------------------------------------


def test_a_token_that_lives_is_used_as_it_is(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    grant = give(connection, granted, canvas)
    assert account(connection, granted).token() == grant.access_token
    assert renewals(canvas) == 0


def test_a_token_is_renewed_shortly_before_its_end(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    former = ending(give(connection, granted, canvas))
    token = account(connection, granted).token()
    grant = Grant.objects.get()
    assert token == grant.access_token != former.access_token
    assert grant.refresh_token == former.refresh_token, "Canvas's stays the same"
    assert grant.expires_at > timezone.now() + timedelta(minutes=50)
    assert (grant.lease_token, grant.lease_until, grant.version) == ("", None, 1)


def test_a_refresh_token_that_counts_once_is_replaced(
    granted: Course, rotates: LmsConnection, canvas: Server
) -> None:
    former = give(rotates, granted, canvas)
    for _time in range(3):
        ending(former)
        account(rotates, granted).token()
    grant = Grant.objects.get()
    assert grant.refresh_token != former.refresh_token
    assert (renewals(canvas), grant.lost_at) == (3, None)


def test_a_refused_token_is_renewed_once_for_all_who_hold_it(
    granted: Course, rotates: LmsConnection, canvas: Server
) -> None:
    spent = give(rotates, granted, canvas).access_token
    first = account(rotates, granted).renew(spent)
    assert account(rotates, granted).renew(spent) == first != spent
    assert renewals(canvas) == 1


def test_nobody_connected_is_no_fault_of_the_connection(granted: Course, connection: LmsConnection) -> None:
    with pytest.raises(GrantNeeded) as caught:
        account(connection, granted).token()
    assert caught.value.code == "grant_needed" and "Canvas" in str(caught.value)
    assert "REST" not in str(caught.value)


@pytest.mark.parametrize("style", ["stays", "rotates"])
def test_a_grant_that_the_lms_ended_is_lost_and_said_so(
    granted: Course, connection: LmsConnection, canvas: Server, style: str
) -> None:
    connection.options = rotating(canvas) if style == "rotates" else {}
    connection.save()
    ending(give(connection, granted, canvas))
    canvas.control("oauth", revoke=True)
    for _again in range(2):
        with pytest.raises(GrantNeeded) as caught:
            account(connection, granted).token()
        assert caught.value.code == "grant_lost"
    grant = Grant.objects.get()
    assert grant.lost_at and grant.why
    assert (grant.access_token, grant.refresh_token) == ("", ""), "of no use to anybody"


def test_an_lms_that_is_away_loses_nothing(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    ending(give(connection, granted, canvas))
    canvas.faults.on("token-away", count=1)
    with pytest.raises(TryLater) as caught:
        account(connection, granted).token()
    assert caught.value.after == 7
    assert Grant.objects.get().lost_at is None
    assert account(connection, granted).token()


def test_a_wrong_client_secret_loses_nothing(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    ending(give(connection, granted, canvas))
    connection.client_secret = "another"
    connection.save()
    with pytest.raises(Misconfigured) as caught:
        account(connection, granted).token()
    assert caught.value.code == "client_refused" and not isinstance(caught.value, GrantNeeded)
    assert Grant.objects.get().lost_at is None


def test_a_grant_without_a_refresh_token_ends_with_its_token(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    give(connection, granted, canvas)
    Grant.objects.update(refresh_token="", expires_at=timezone.now())
    with pytest.raises(GrantNeeded) as caught:
        account(connection, granted).token()
    assert caught.value.code == "grant_lost"


def test_an_answer_that_never_came_costs_at_worst_the_grant_and_is_told(
    granted: Course, rotates: LmsConnection, canvas: Server
) -> None:
    """The LMS has turned the refresh token over, and we never learn the new one: as a worker that dies in between."""
    ending(give(rotates, granted, canvas))
    canvas.faults.on("token-answer-lost", count=1)
    with pytest.raises(TryLater):
        account(rotates, granted).token()
    with pytest.raises(GrantNeeded) as caught:
        account(rotates, granted).token()
    assert caught.value.code == "grant_lost"


def test_a_worker_that_died_while_it_renewed_blocks_nobody_for_long(
    granted: Course, connection: LmsConnection, canvas: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "PATIENCE_S", 0.3)
    ending(give(connection, granted, canvas))
    Grant.objects.update(lease_token="dead", lease_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(NotItsTurn):
        account(connection, granted).token()
    Grant.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert account(connection, granted).token()


def test_nothing_is_renewed_within_a_transaction_that_could_take_it_back(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    ending(give(connection, granted, canvas))
    with pytest.raises(RuntimeError), transaction.atomic():
        account(connection, granted).token()
    assert renewals(canvas) == 0


def test_tokens_go_to_no_other_host_than_they_were_granted_for(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    give(connection, granted, canvas)
    connection.options = {"token_url": "https://evil.example/token"}
    connection.save()
    with pytest.raises(GrantNeeded) as caught:
        account(connection, granted).token()
    assert caught.value.code == "grant_lost"
    standing = grants.standing_of(granted.context, granted.teacher)
    assert standing is not None and standing.must_connect
    assert not grants.take_back(Grant.objects.get()), "and taking it back sends them nowhere either"


def test_who_connected_anew_meanwhile_keeps_what_she_has(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    """A renewal that comes home late writes nothing over newer tokens, and marks them lost neither."""
    old = ending(give(connection, granted, canvas))
    Grant.objects.filter(pk=old.pk).update(version=7, access_token="newer")
    assert not grants._store(old, grants.Tokens("late", "late"))
    grants._lose(old, "gone")
    found = Grant.objects.get()
    assert (found.access_token, found.lost_at) == ("newer", None)


def test_tokens_are_encrypted_in_the_database_and_in_no_log(
    granted: Course, connection: LmsConnection, canvas: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    former = ending(give(connection, granted, canvas))
    token = account(connection, granted).token()
    with database.cursor() as cursor:
        cursor.execute("select access_token, refresh_token from sync_grant")
        stored = str(cursor.fetchall())
    for secret in (token, former.access_token, former.refresh_token):
        assert secret not in stored
        assert secret not in caplog.text
    assert str(former) == f"grant {former.pk}"


# --- whose grant reads ----------------------------------------------------------------------------------------


def test_a_read_uses_the_grant_of_who_asked(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    give(connection, granted, canvas)
    other = co_teacher(granted)
    assert make_lms(granted.context, granted.teacher).account.token()
    with pytest.raises(GrantNeeded):
        make_lms(granted.context, other.user).account.token()
    with pytest.raises(GrantNeeded):
        engine.preview(granted.context, other)
    assert engine.preview(granted.context, granted.who).state == "review"


def test_what_nobody_of_the_course_asked_for_is_read_with_the_newest_grant_of_its_teachers(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    other = co_teacher(granted)
    assert other.user is not None
    give(connection, granted, canvas)
    newest = give(connection, granted, canvas, user=other.user)
    assert make_lms(granted.context).account.token() == newest.access_token
    other.user.memberships.update(can_send=False)
    assert make_lms(granted.context).account.token() != newest.access_token
    granted.teacher.memberships.update(can_send=False)
    with pytest.raises(GrantNeeded) as caught:
        engine.look(granted.context)
    assert "No teacher of this course" in str(caught.value)


def test_a_grant_of_another_course_s_teacher_reads_nothing_here(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    stranger = LtiUser.objects.create(registration=granted.context.registration, sub="elsewhere")
    give(connection, granted, canvas, user=stranger)
    with pytest.raises(GrantNeeded):
        make_lms(granted.context).account.token()


def test_the_connection_is_in_no_trouble_when_a_teacher_is(
    granted: Course, connection: LmsConnection
) -> None:
    look, _ = engine.ask_look(granted.context, granted.who)
    engine.read_look(look.pk)
    look.refresh_from_db()
    assert look.state == "cancelled" and "Connect to Canvas" in look.message
    connection.refresh_from_db()
    assert connection.trouble == ""


def test_a_grant_that_is_lost_while_a_list_is_read_is_no_failed_run(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    ending(give(connection, granted, canvas))
    canvas.control("oauth", revoke=True)
    run, _ = engine.ask_run(granted.context, granted.who)
    engine.read_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.message) == ("cancelled", "Canvas has ended the access. Connect to Canvas again.")


def test_a_run_that_is_being_sent_waits_until_she_has_connected_again(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    grant = give(connection, granted, canvas)
    run = engine.preview(granted.context, granted.who)
    engine.approve(run, granted.who, [row.digest for row in run.changes.all()])
    Grant.objects.filter(pk=grant.pk).update(lost_at=timezone.now())
    run = engine.push(run.pk)
    assert run.state == "paused" and "Connect to Canvas again" in run.message
    assert not granted.sis.attempts

    Grant.objects.filter(pk=grant.pk).update(lost_at=None)
    Run.objects.filter(pk=run.pk).update(resume_at=timezone.now())
    assert engine.push(run.pk).state == "done"
    assert granted.sis.attempts


def test_a_token_that_is_refused_although_it_is_new_loses_nothing(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    give(connection, granted, canvas)
    canvas.faults.on("bearer-refused")
    with pytest.raises(GrantNeeded) as caught:
        engine.preview(granted.context, granted.who)
    assert caught.value.code == "grant_refused"
    assert Grant.objects.get().lost_at is None


def test_the_access_of_an_administrator_s_token_is_as_it_was(granted: Course, canvas: Server) -> None:
    LmsConnection.objects.update(access="token", token=canvas.hello["canvas_token"])
    assert engine.preview(granted.context, granted.who).state == "review"
    assert grants.standing_of(granted.context, granted.teacher) is None


# --- taken back -----------------------------------------------------------------------------------------------


def test_taken_back_here_and_at_the_lms(granted: Course, connection: LmsConnection, canvas: Server) -> None:
    grant = give(connection, granted, canvas)
    assert grants.take_back(grant)
    assert not Grant.objects.exists()
    assert not canvas.control("oauth")["grants"]


def test_taken_back_at_the_lms_with_a_token_that_had_ended(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    give(connection, granted, canvas)
    canvas.control("oauth", expire=True)
    assert grants.take_back(ending(Grant.objects.get()))
    assert not canvas.control("oauth")["grants"]


def test_forgotten_here_although_the_lms_is_away(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    grant = ending(give(connection, granted, canvas))
    canvas.faults.on("token-away")
    assert not grants.take_back(grant)
    assert not Grant.objects.exists()


@pytest.fixture
def ann(granted: Course) -> User:
    user = User.objects.create_user("ann", is_staff=True, first_name="Ann", last_name="Admin")
    rights = ["view_grant", "delete_grant", "view_lmsconnection", "change_lmsconnection"]
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    granted.context.institution.staff.add(user)
    return user


def test_an_administrator_sees_grants_without_tokens_and_takes_them_back(
    granted: Course, connection: LmsConnection, canvas: Server, ann: User
) -> None:
    grant = give(connection, granted, canvas)
    client = Client()
    client.force_login(ann)
    for address in (
        reverse("admin:sync_grant_changelist"),
        reverse("admin:sync_grant_change", args=[grant.pk]),
    ):
        page = client.get(address).content.decode()
        assert "Ada Teacher" in page
        assert grant.access_token not in page and grant.refresh_token not in page
    assert client.get(reverse("admin:sync_grant_add")).status_code == 403
    client.post(
        reverse("admin:sync_grant_changelist"), {"action": "take_back", "_selected_action": [grant.pk]}
    )
    assert not Grant.objects.exists()
    assert not canvas.control("oauth")["grants"]
    assert AuditEntry.objects.get().action == "take_back"


def test_an_administrator_of_another_institution_sees_no_grant(
    granted: Course, connection: LmsConnection, canvas: Server, ann: User
) -> None:
    grant = give(connection, granted, canvas)
    granted.context.institution.staff.clear()
    client = Client()
    client.force_login(ann)
    client.post(
        reverse("admin:sync_grant_changelist"), {"action": "take_back", "_selected_action": [grant.pk]}
    )
    assert client.get(reverse("admin:sync_grant_change", args=[grant.pk])).status_code == 404
    assert Grant.objects.exists()


# --- set up ---------------------------------------------------------------------------------------------------


def run_command(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_connect_lms_says_which_address_is_to_be_registered(
    granted: Course, connection: LmsConnection
) -> None:
    key = ("--client-id", "42", "--client-secret", "env:GRADESYNC_TEST_KEY", "--access", "teacher")
    with pytest.raises(CommandError):
        run_command("connect_lms", connection.name, *key)
    key = (*key[:3], "hush", *key[4:])
    said = run_command("connect_lms", connection.name, *key)
    assert grants.redirect_uri() in said and said.count("hush") == 0
    connection.refresh_from_db()
    assert (connection.client_id, connection.client_secret, connection.access) == ("42", "hush", "teacher")
    assert reverse("grants:callback") == grants.CALLBACK


def test_a_reader_without_such_access_is_not_set_to_it(granted: Course, connection: LmsConnection) -> None:
    with pytest.raises(CommandError, match="knows no access"):
        run_command("connect_lms", connection.name, "--adapter", "memory", "--access", "teacher")


def test_check_connection_says_how_many_have_connected(
    granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    (none,) = checking.check(connection)
    assert not none.ok and grants.redirect_uri() in none.text
    give(connection, granted, canvas)
    other = co_teacher(granted)
    give(connection, granted, canvas, user=other.user, granted_at=timezone.now() - timedelta(days=1))
    Grant.objects.filter(user=other.user).update(lost_at=timezone.now())
    found = checking.check(connection)
    assert len(found) > 1 and all(one.ok for one in found), "the reader's own check follows"
    assert found[0].text == "Connected: 1. To connect again: 1."
    ending(Grant.objects.in_use().get())
    canvas.control("oauth", revoke=True)
    found = checking.check(connection)
    assert found[0].ok and not all(one.ok for one in found)
    connection.refresh_from_db()
    assert connection.trouble == "", "it is no trouble of the connection"


def test_the_admin_s_form_asks_for_a_key_and_shows_the_redirect_address(
    granted: Course, connection: LmsConnection, ann: User
) -> None:
    client = Client()
    client.force_login(ann)
    address = reverse("admin:sync_lmsconnection_change", args=[connection.pk])
    page = client.get(address).content.decode()
    assert grants.redirect_uri() in page and connection.client_secret not in page
    fields = {
        "institution": connection.institution.pk,
        "registration": connection.registration.pk,
        "name": connection.name,
        "adapter": "canvas",
        "base_url": connection.base_url,
        "client_id": "",
        "access": "teacher",
        "options": "{}",
        "active": "on",
    }
    assert "Teachers&#x27; own access needs this." in client.post(address, fields).content.decode()
    assert "knows no access" in client.post(address, fields | {"adapter": "memory"}).content.decode()
    moved = fields | {"client_id": "7", "options": '{"token_url": "https://evil.example/token"}'}
    assert "The address changed" in client.post(address, moved).content.decode()
    assert client.post(address, fields | {"client_id": "7"}).status_code == 302


def test_reads_that_wait_for_their_turn_stay_asked_for(
    granted: Course, connection: LmsConnection, canvas: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "PATIENCE_S", 0.1)
    ending(give(connection, granted, canvas))
    Grant.objects.update(lease_token="other", lease_until=timezone.now() + timedelta(seconds=60))
    look, _ = engine.ask_look(granted.context, granted.who)
    for _time in range(5):
        engine.read_look(look.pk)
    look.refresh_from_db()
    assert (look.state, look.read_tries, look.lease_token) == ("reading", 0, "")
    assert look not in tasks.waiting_reads(), "it rests a moment"
    assert looking.phase_of(look) == "waiting" and not looking.is_silent(look)
    Look.objects.update(lease_until=timezone.now())
    assert look in tasks.waiting_reads()
    Grant.objects.update(lease_until=None)
    read_now()
    look.refresh_from_db()
    assert look.state == "done"


def test_a_read_does_not_wait_for_ever(granted: Course, connection: LmsConnection, canvas: Server) -> None:
    look, _ = engine.ask_look(granted.context, granted.who)
    Look.objects.update(created_at=timezone.now() - timedelta(hours=1))

    def never(*_: Any) -> None:
        raise NotItsTurn("Other courses are being read with the same account.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grants.GrantAccount, "token", never)
        engine.read_look(look.pk)
    look.refresh_from_db()
    assert look.state == "failed" and re.search("Read again later", look.message)
