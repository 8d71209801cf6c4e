"""The administrator's pages: secrets are written and never read, the log is looked at, institutions stay apart."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from sync import models
from sync.admin import Log
from sync.checks import check_adapters
from sync.models import ClassLink, SisConnection
from sync.sis import registry
from tests.sync.pages import text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
SECRET = "hush-hush-42"


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def staff_of(course: Course) -> Client:
    """A member of staff with every right in the admin, of this course's institution alone."""
    user = User.objects.create_user("staff", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    user.groups.add(Group.objects.create(name=course.context.institution.name))
    client = Client()
    client.force_login(user)
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:sync_{name}", args=args)


def fields(row: SisConnection, **more: Any) -> dict[str, Any]:
    """The connection's form as the page posts it: its secret empty."""
    return {
        "institution": row.institution_id, "name": row.name, "adapter": row.adapter, "base_url": row.base_url,
        "token_url": row.token_url, "client_id": row.client_id, "client_secret": "", "options": "{}", "pairs": "[]",
        "active": "on",
    } | more  # fmt: skip


@pytest.fixture
def row() -> SisConnection:
    made = make_course().connection
    made.base_url, made.client_secret, made.adapter = "https://sis.example/", SECRET, "oneroster"
    made.save()
    return made


def change(client: Client, row: SisConnection, **more: Any) -> Any:
    return client.post(page("sisconnection_change", row.pk), fields(row, **more))


def test_secret_is_never_shown(root: Client, row: SisConnection) -> None:
    for address in (page("sisconnection_change", row.pk), page("sisconnection_changelist")):
        assert SECRET not in root.get(address).content.decode()
    assert "One is stored" in text_of(root.get(page("sisconnection_change", row.pk)))


def test_empty_secret_keeps_the_stored_one(root: Client, row: SisConnection) -> None:
    assert change(root, row, client_id="new").status_code == 302
    row.refresh_from_db()
    assert (row.client_id, row.client_secret) == ("new", SECRET)


def test_new_secret_is_stored_encrypted(root: Client, row: SisConnection) -> None:
    assert change(root, row, client_secret="other-secret").status_code == 302
    row.refresh_from_db()
    assert row.client_secret == "other-secret"
    with database.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM sync_sisconnection WHERE id = %s", [row.pk])
        assert "other-secret" not in cursor.fetchone()[0]


@pytest.mark.parametrize("name", ["base_url", "token_url"])
def test_secret_does_not_follow_an_address_to_another_host(
    root: Client, row: SisConnection, name: str
) -> None:
    answer = change(root, row, **{name: "https://elsewhere.example/"})
    assert "enter the secret again" in text_of(answer)
    assert (
        change(root, row, **{name: "https://elsewhere.example/", "client_secret": SECRET}).status_code == 302
    )


def test_secret_of_a_refused_form_is_not_sent_back(root: Client, row: SisConnection) -> None:
    answer = change(root, row, client_secret="typed-secret", options='{"no-such-option": "1"}')
    assert "no option" in text_of(answer)
    assert "typed-secret" not in answer.content.decode()


@pytest.mark.parametrize(
    "more",
    [
        {"options": '{"no-such-option": "1"}'},
        {"options": "[1]"},
        {"pairs": '[["shoe_size", "identifier"]]'},
        {"pairs": '[["sis_id"]]'},
        {"pairs": '[["sis_id", "userIds:"]]'},
        {"pairs": '{"sis_id": "identifier"}'},
        {"adapter": "no-such-adapter"},
    ],
)
def test_nonsense_in_a_connection_is_refused(root: Client, row: SisConnection, more: dict[str, str]) -> None:
    before = SisConnection.objects.values().get(pk=row.pk)
    assert change(root, row, **more).status_code == 200
    assert SisConnection.objects.values().get(pk=row.pk) == before


def test_pairs_that_the_matcher_knows_are_taken(root: Client, row: SisConnection) -> None:
    pairs = '[["sis_id", "identifier"], ["login", "userIds:Portal"]]'
    assert change(root, row, pairs=pairs).status_code == 302
    row.refresh_from_db()
    assert row.pairs == [["sis_id", "identifier"], ["login", "userIds:Portal"]]


def test_connection_is_tried_out_from_the_list(root: Client) -> None:
    made = make_course().connection
    data = {"action": "try_out", "_selected_action": [made.pk]}
    assert "Reading classes. 1 classes." in text_of(
        root.post(page("sisconnection_changelist"), data, follow=True)
    )


def test_administrators_word_links_a_class(root: Client) -> None:
    course = make_course()
    course.sis.add_class("c2")
    data = {"context": course.context.pk, "connection": course.connection.pk, "class_id": "c2"}
    assert root.post(page("classlink_add"), data).status_code == 302
    link = ClassLink.objects.get(class_id="c2")
    assert (link.proof, link.proof_source, link.title) == ("admin", "root", "Class c2")


def test_administrators_word_needs_a_class_that_exists(root: Client) -> None:
    course = make_course()
    data = {"context": course.context.pk, "connection": course.connection.pk, "class_id": "c7"}
    assert "no class with this id" in text_of(root.post(page("classlink_add"), data))


def test_class_of_another_institution_is_not_linked(root: Client) -> None:
    course, other = make_course(), make_course()
    data = {"context": course.context.pk, "connection": other.connection.pk, "class_id": "c1"}
    assert "institution" in text_of(root.post(page("classlink_add"), data))
    assert ClassLink.objects.filter(context=course.context).count() == 1


def test_link_is_removed_by_the_engine(root: Client) -> None:
    course = make_course()
    data = {"action": "unlink", "_selected_action": [course.class_link.pk]}
    assert "not linked any more" in text_of(root.post(page("classlink_changelist"), data, follow=True))
    assert ClassLink.objects.count() == 0


LOGS = sorted(
    model._meta.model_name or ""
    for model, shown in admin.site._registry.items()
    if isinstance(shown, Log) and model._meta.app_label == "sync"
)


def test_every_model_of_the_log_is_in_the_admin() -> None:
    logs = {
        "auditentry",
        "gradechange",
        "run",
        "sentgrade",
        "decision",
        "contextstate",
        "gradescheme",
        "gradeextra",
        "studentlink",
        "lineitemlink",
    }
    assert set(LOGS) == logs


@pytest.mark.parametrize("name", LOGS)
def test_log_can_be_looked_at_and_not_edited(root: Client, name: str) -> None:
    course = make_course(students=2, items=1)
    course.lms.grade("u1", "a1", 50)
    course.send()
    assert root.get(page(f"{name}_changelist")).status_code == 200
    row = getattr(
        models, {one._meta.model_name: one.__name__ for one in admin.site._registry}[name]
    ).objects.first()
    if row is not None:
        assert root.get(page(f"{name}_change", row.pk)).status_code == 200
        assert root.post(page(f"{name}_change", row.pk), {}).status_code == 403
        assert root.post(page(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert root.get(page(f"{name}_add")).status_code == 403


def test_staff_of_one_institution_see_nothing_of_another() -> None:
    mine, theirs = make_course(students=1, items=1), make_course(students=1, items=1)
    for course in (mine, theirs):
        course.lms.grade("u1", "a1", 50)
        course.send()
    staff = staff_of(mine)
    own, other = mine.connection, theirs.connection
    assert own.name in text_of(staff.get(page("sisconnection_changelist")))
    assert other.name not in text_of(staff.get(page("sisconnection_changelist")))
    assert staff.get(page("sisconnection_change", other.pk)).status_code == 404
    assert other.name not in text_of(staff.get(page("classlink_add")))
    assert "1 grade change" in text_of(staff.get(page("gradechange_changelist")))
    run = models.Run.objects.get(context=theirs.context)
    assert staff.get(page("run_change", run.pk)).status_code == 404


def test_staff_cannot_move_a_connection_to_another_institution() -> None:
    mine, theirs = make_course(), make_course()
    mine.connection.base_url = "https://sis.example/"
    mine.connection.save()
    answer = change(staff_of(mine), mine.connection, institution=theirs.connection.institution_id)
    assert answer.status_code == 200
    mine.connection.refresh_from_db()
    assert mine.connection.institution == mine.context.institution


def test_adapters_that_are_installed_load() -> None:
    assert check_adapters(None) == []


def test_adapter_that_cannot_be_loaded_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    # an entry point of another package, as importlib would report it
    monkeypatch.setattr(registry, "names", lambda: ["acme"])
    assert [message.id for message in check_adapters(None)] == ["sync.E002"]
    monkeypatch.setattr(registry, "names", list)
    assert [message.id for message in check_adapters(None)] == ["sync.E001"]
