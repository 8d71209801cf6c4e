"""The administrator's pages, and what is told before a teacher would find out."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from lti_tool import checks, invites, keys
from lti_tool.models import Deployment, Institution, Invite, LtiSession, Registration
from tests.lti_tool.platform import Platform

MODELS = [
    "institution",
    "registration",
    "deployment",
    "context",
    "ltiuser",
    "membership",
    "ltisession",
    "signingkey",
    "invite",
]


@pytest.fixture
def office(platform: Platform, settings: Any) -> Client:
    platform.launch()
    keys.active_key()
    invites.make(Institution.objects.get())
    settings.ROOT_URLCONF = "gradesync_site.urls"
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.create_superuser("root"))
    return browser


@pytest.mark.parametrize("model", MODELS)
def test_lists_open_and_hold_no_secret(office: Client, model: str) -> None:
    response = office.get(f"/admin/lti_tool/{model}/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "PRIVATE KEY" not in page
    assert LtiSession.objects.get().token_hash not in page
    assert Invite.objects.get().token_hash not in page


def test_pages_of_one_row_hold_no_secret(office: Client) -> None:
    key, session = keys.active_key(), LtiSession.objects.get()
    for page in (f"signingkey/{key.pk}/change/", f"ltisession/{session.pk}/change/"):
        text = office.get(f"/admin/lti_tool/{page}").content.decode()
        assert "PRIVATE KEY" not in text and "private_pem" not in text
        assert session.token_hash not in text


@pytest.mark.parametrize("model", ["registration", "deployment"])
def test_administrator_approves(office: Client, model: str) -> None:
    Registration.objects.update(active=False)
    Deployment.objects.update(active=False)
    rows = {"registration": Registration, "deployment": Deployment}[model].objects
    office.post(f"/admin/lti_tool/{model}/", {"action": "approve", "_selected_action": [rows.get().pk]})
    assert rows.get().active


def test_new_invite_shows_its_address_once(office: Client) -> None:
    values = {"institution": Institution.objects.get().pk}
    page = office.post("/admin/lti_tool/invite/add/", values, follow=True).content.decode()
    token = page.split("/lti/register/")[1].split("/")[0]
    found = invites.find(token)
    assert found is not None and found.created_by == "root"
    assert token not in office.get("/admin/lti_tool/invite/").content.decode()


def test_administrator_rotates_keys(office: Client) -> None:
    values = {"action": "rotate", "_selected_action": [keys.active_key().pk]}
    page = office.post("/admin/lti_tool/signingkey/", values, follow=True).content.decode()
    assert "A new key is published" in page
    assert len(keys.jwks()["keys"]) == 2


@pytest.fixture
def colleague(office: Client) -> Client:
    """A member of staff of another institution, with every right in the admin."""
    Institution.objects.create(name="Another school")
    user = User.objects.create_user("colleague", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    user.groups.add(Group.objects.create(name="Another school"))
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(
    "model", ["institution", "registration", "deployment", "context", "ltiuser", "membership", "ltisession"]
)
def test_staff_see_no_row_of_another_institution(colleague: Client, model: str) -> None:
    row = apps.get_model("lti_tool", model)._default_manager.order_by("pk").first()
    listed = colleague.get(f"/admin/lti_tool/{model}/").content.decode()
    assert f"/{model}/{row.pk}/change/" not in listed and str(Registration.objects.get()) not in listed
    assert colleague.get(f"/admin/lti_tool/{model}/{row.pk}/change/").status_code == 404
    assert colleague.post(f"/admin/lti_tool/{model}/{row.pk}/delete/", {"post": "yes"}).status_code in {
        403,
        404,
    }
    assert apps.get_model("lti_tool", model)._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", ["registration", "deployment"])
def test_staff_approve_nothing_of_another_institution(colleague: Client, model: str) -> None:
    rows = apps.get_model("lti_tool", model)._default_manager
    rows.update(active=False)
    colleague.post(f"/admin/lti_tool/{model}/", {"action": "approve", "_selected_action": [rows.get().pk]})
    assert not rows.get().active


def test_staff_invite_no_platform_into_another_institution(colleague: Client) -> None:
    theirs = Registration.objects.get().institution
    before = Invite.objects.count()
    colleague.post("/admin/lti_tool/invite/add/", {"institution": theirs.pk, "pre_approved": "on"})
    assert Invite.objects.count() == before


def test_staff_cannot_take_an_institutions_name(colleague: Client) -> None:
    own = Institution.objects.get(name="Another school")
    address = f"/admin/lti_tool/institution/{own.pk}/change/"
    assert colleague.post(address, {"name": "Third school"}).status_code == 403
    assert colleague.post("/admin/lti_tool/institution/add/", {"name": "Third school"}).status_code == 403


@pytest.mark.parametrize("model", ["registration", "deployment"])
def test_who_may_only_look_approves_nothing(office: Client, model: str) -> None:
    rows = apps.get_model("lti_tool", model)._default_manager
    rows.update(active=False)
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(Group.objects.create(name=Institution.objects.get().name))
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(user)
    browser.post(f"/admin/lti_tool/{model}/", {"action": "approve", "_selected_action": [rows.get().pk]})
    assert not rows.get().active


def ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


def test_settings_of_the_project_are_fit_for_use(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.LTI_LAUNCH_REDIRECT = "gradesync_site.urls", "sync:course"
    assert ids(checks.check_settings(None)) == []
    assert ids(checks.check_deployment(None)) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("MIDDLEWARE", [], "lti_tool.E001"),
        (
            "MIDDLEWARE",
            ["django.middleware.csrf.CsrfViewMiddleware", "lti_tool.middleware.LtiMiddleware"],
            "lti_tool.E002",
        ),
        ("FIELD_KEYS", ["short"], "lti_tool.E003"),
        ("LTI_SESSION_IDLE_S", 0, "lti_tool.E004"),
        ("LTI_SESSION_IDLE_S", 10**9, "lti_tool.E004"),
        ("PUBLIC_URL", "http://grades.example.edu", "lti_tool.W001"),
        ("PUBLIC_URL", "https://grades.example.edu/tool", "lti_tool.E005"),
        ("LTI_LAUNCH_REDIRECT", "nowhere", "lti_tool.E006"),
        ("LTI_LAUNCH_REDIRECT", "", "lti_tool.E006"),
    ],
)
def test_wrong_setting_is_told(settings: Any, name: str, value: Any, code: str) -> None:
    setattr(settings, name, value)
    assert code in ids([*checks.check_settings(None), *checks.check_deployment(None)])
