"""An administrator limited to her institution does everything for it, and sees nothing of any other."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from lti_tool.models import Deployment, Institution, Invite, Registration
from lti_tool.staff import institutions_of
from tests.lti_tool.platform import Platform
from tests.lti_tool.test_connection_test import TokenService

LIST = "/admin/lti_tool/registration/"


@pytest.fixture
def dale(db: None) -> Institution:
    return Institution.objects.create(name="Dale School")


@pytest.fixture
def staff(dale: Institution) -> User:
    """Staff of Dale, with every right of this app in the admin."""
    user = User.objects.create_user("dora", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lti_tool"))
    dale.staff.add(user)
    return user


@pytest.fixture
def office(staff: User, settings: Any) -> Client:
    settings.ROOT_URLCONF, settings.LTI_LAUNCH_REDIRECT = "gradesync_site.urls", "sync:course"
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(staff)
    return browser


@pytest.fixture
def hers(dale: Institution) -> Registration:
    row = Registration.objects.create(
        institution=dale,
        name="Moodle of Dale",
        issuer="https://dale.example.edu",
        client_id="d-1",
        auth_login_url="https://dale.example.edu/auth",
        auth_token_url="https://dale.example.edu/token",
        key_set_url="https://dale.example.edu/jwks",
    )
    Deployment.objects.create(registration=row, deployment_id="1")
    return row


@pytest.fixture
def theirs(platform: Platform) -> Registration:
    """Hill's, waiting for approval."""
    Registration.objects.filter(pk=platform.registration.pk).update(active=False)
    platform.registration.deployments.update(active=False)
    return platform.registration


# --- who sees which institution ---


def test_staff_of_an_institution_see_it_and_no_other(dale: Institution, staff: User) -> None:
    Institution.objects.create(name="Hill School")
    assert list(institutions_of(staff)) == [dale]


def test_a_group_of_the_institutions_name_counts_too(dale: Institution, staff: User) -> None:
    hill = Institution.objects.create(name="Hill School")
    staff.groups.add(Group.objects.create(name="Hill School"))
    assert set(institutions_of(staff)) == {dale, hill}


def test_both_ways_at_once_give_an_institution_once(dale: Institution, staff: User) -> None:
    staff.groups.add(Group.objects.create(name="Dale School"))
    assert list(institutions_of(staff)) == [dale]


@pytest.mark.parametrize("lost", ["is_staff", "is_active"])
def test_who_is_no_staff_any_more_sees_none(dale: Institution, staff: User, lost: str) -> None:
    setattr(staff, lost, False)
    assert not institutions_of(staff).exists()


def test_only_a_superuser_says_who_is_staff(office: Client, dale: Institution) -> None:
    address = f"/admin/lti_tool/institution/{dale.pk}/change/"
    assert office.post(address, {"name": "Dale School", "staff": []}).status_code == 403
    assert dale.staff.count() == 1


# --- her own ---


def test_she_registers_approves_tests_edits_and_deletes_her_own(
    office: Client, dale: Institution, platform: Platform
) -> None:
    values = {"institution": dale.pk, "client_id": "c", "site": "https://lms.example.edu", "save": "x"}
    office.post(f"{LIST}add/?family=moodle", values)
    row = Registration.objects.get(institution=dale)
    assert f"{LIST}{row.pk}/approve/" in office.get("/admin/").content.decode()
    office.post(f"{LIST}{row.pk}/approve/")
    row.refresh_from_db()
    assert row.active
    Registration.objects.filter(pk=row.pk).update(
        auth_token_url=platform.registration.auth_token_url, key_set_url=platform.registration.key_set_url
    )
    TokenService(platform)
    assert "works." in office.post(f"{LIST}{row.pk}/test/", follow=True).content.decode()
    assert office.get(f"{LIST}{row.pk}/change/").status_code == 200
    office.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not Registration.objects.filter(pk=row.pk).exists()


def test_she_invites_an_lms_into_her_own(office: Client, dale: Institution) -> None:
    page = office.post("/admin/lti_tool/invite/add/", {"institution": dale.pk}, follow=True)
    assert "/lti/register/" in page.content.decode()
    assert Invite.objects.get().institution == dale


# --- another's ---


def test_lists_and_the_front_page_hold_nothing_of_another(
    office: Client, hers: Registration, theirs: Registration
) -> None:
    for page in ("/admin/", LIST, "/admin/lti_tool/deployment/", "/admin/lti_tool/institution/"):
        text = office.get(page).content.decode()
        assert theirs.name not in text and "Hill School" not in text
    assert hers.name in office.get("/admin/").content.decode()


@pytest.mark.parametrize("what", ["approve", "test", "delete", "change", "history"])
def test_a_registration_of_another_is_not_there(office: Client, theirs: Registration, what: str) -> None:
    assert office.post(f"{LIST}{theirs.pk}/{what}/", {"post": "yes"}).status_code == 404
    row = Registration.objects.get(pk=theirs.pk)
    assert not row.active and row.tested_at is None


@pytest.mark.parametrize("what", ["approve", "delete", "change"])
def test_a_deployment_of_another_is_not_there(office: Client, theirs: Registration, what: str) -> None:
    pk = theirs.deployments.get().pk
    address = f"/admin/lti_tool/deployment/{pk}/{what}/"
    assert office.post(address, {"post": "yes"}).status_code == 404
    assert not Deployment.objects.get(pk=pk).active


@pytest.mark.parametrize("action", ["approve", "test", "delete_selected"])
def test_actions_pass_over_rows_of_another(office: Client, theirs: Registration, action: str) -> None:
    office.post(LIST, {"action": action, "_selected_action": [theirs.pk], "post": "yes"})
    row = Registration.objects.get(pk=theirs.pk)
    assert not row.active and row.tested_at is None


def test_she_registers_nothing_for_another(office: Client, theirs: Registration) -> None:
    values = {"institution": theirs.institution_id, "client_id": "c", "site": "https://a.edu", "save": "x"}
    assert office.post(f"{LIST}add/?family=moodle", values).status_code == 200
    assert not Registration.objects.filter(client_id="c").exists()
    assert "Hill School" not in office.get(f"{LIST}add/?family=moodle").content.decode()


def test_she_moves_nothing_of_hers_to_another(
    office: Client, hers: Registration, theirs: Registration
) -> None:
    page = office.get(f"{LIST}{hers.pk}/change/").content.decode()
    assert "Hill School" not in page
    values = {"institution": theirs.institution_id, "name": "x"}
    assert office.post(f"{LIST}{hers.pk}/change/", values).status_code == 200
    hers.refresh_from_db()
    assert hers.institution.name == "Dale School"


def test_she_adds_no_deployment_to_a_registration_of_another(office: Client, theirs: Registration) -> None:
    values = {"registration": theirs.pk, "deployment_id": "mine", "active": "on"}
    assert office.post("/admin/lti_tool/deployment/add/", values).status_code == 200
    assert not Deployment.objects.filter(deployment_id="mine").exists()


# --- rights ---


@pytest.fixture
def looker(dale: Institution, settings: Any) -> Client:
    """Staff who may look and not change."""
    settings.ROOT_URLCONF, settings.LTI_LAUNCH_REDIRECT = "gradesync_site.urls", "sync:course"
    user = User.objects.create_user("lena", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="lti_tool", codename__startswith="view_")
    )
    dale.staff.add(user)
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(user)
    return browser


def test_who_may_only_look_changes_nothing(looker: Client, hers: Registration) -> None:
    deployment = hers.deployments.get()
    for address in (
        f"{LIST}{hers.pk}/approve/",
        f"{LIST}{hers.pk}/test/",
        f"{LIST}{hers.pk}/delete/",
        f"{LIST}add/?family=moodle",
        f"/admin/lti_tool/deployment/{deployment.pk}/approve/",
    ):
        assert looker.post(address, {"post": "yes"}).status_code == 403
    hers.refresh_from_db()
    assert not hers.active and hers.tested_at is None
    assert "waiting-for-approval" not in looker.get("/admin/").content.decode()


def test_who_is_not_signed_in_is_sent_to_sign_in(db: None, settings: Any, hers: Registration) -> None:
    settings.ROOT_URLCONF, settings.LTI_LAUNCH_REDIRECT = "gradesync_site.urls", "sync:course"
    browser = Client(headers={"host": "localhost:8000"})
    response = browser.post(f"{LIST}{hers.pk}/approve/")
    assert response.status_code == 302 and "/admin/login/" in response.headers["Location"]
