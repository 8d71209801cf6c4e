"""The administrator's pages of registrations: by hand from presets, approval, connection test, edit, archive."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from lti_tool import archiving, families
from lti_tool.models import Context, Deployment, Institution, LtiSession, Registration
from tests.lti_tool.platform import Platform
from tests.lti_tool.test_connection_test import TokenService

ADD = "/admin/lti_tool/registration/add/"
LIST = "/admin/lti_tool/registration/"
DYNAMIC = {"canvas", "moodle", "brightspace", "blackboard", "sakai"}


@pytest.fixture
def office(db: None, settings: Any) -> Client:
    settings.ROOT_URLCONF, settings.LTI_LAUNCH_REDIRECT = "gradesync_site.urls", "sync:course"
    Institution.objects.get_or_create(name="Hill School")
    browser = Client(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.create_superuser("root"))
    return browser


def typed(**changes: str) -> dict[str, Any]:
    values: dict[str, Any] = {"institution": Institution.objects.get().pk, "client_id": "c-1"}
    return values | changes


def add(office: Client, family: str, **changes: str) -> Any:
    return office.post(f"{ADD}?family={family}", typed(**changes) | {"save": "Register"})


def change_page(row: Registration) -> str:
    return f"{LIST}{row.pk}/change/"


# --- by hand ---


def test_first_the_family_is_chosen(office: Client) -> None:
    page = office.get(ADD).content.decode()
    for family in families.FAMILIES:
        assert f'href="?family={family.code}"' in page


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.code)
def test_each_family_shows_its_steps_and_our_addresses(office: Client, family: families.Family) -> None:
    page = office.get(f"{ADD}?family={family.code}").content.decode()
    assert "https://localhost:8000/lti/launch/" in page and "https://localhost:8000/lti/login/" in page
    assert "https://localhost:8000/lti/jwks/" in page
    assert ("Make an invite" in page) == (family.product in DYNAMIC)
    assert page.count("<li>") >= len(family.steps) and ("tool_id" in page) == family.needs_tool_id


EXPECTED = {
    "canvas": (
        "https://canvas.instructure.com",
        "https://sso.canvaslms.com/api/lti/authorize_redirect",
        "https://sso.canvaslms.com/login/oauth2/token",
        "https://sso.canvaslms.com/api/lti/security/jwks",
    ),
    "canvas-beta": (
        "https://canvas.beta.instructure.com",
        "https://sso.beta.canvaslms.com/api/lti/authorize_redirect",
        "https://sso.beta.canvaslms.com/login/oauth2/token",
        "https://sso.beta.canvaslms.com/api/lti/security/jwks",
    ),
    "canvas-test": (
        "https://canvas.test.instructure.com",
        "https://sso.test.canvaslms.com/api/lti/authorize_redirect",
        "https://sso.test.canvaslms.com/login/oauth2/token",
        "https://sso.test.canvaslms.com/api/lti/security/jwks",
    ),
    "canvas-self": (
        "https://lms.school.edu",
        "https://lms.school.edu/api/lti/authorize_redirect",
        "https://lms.school.edu/login/oauth2/token",
        "https://lms.school.edu/api/lti/security/jwks",
    ),
    "moodle": (
        "https://lms.school.edu",
        "https://lms.school.edu/mod/lti/auth.php",
        "https://lms.school.edu/mod/lti/token.php",
        "https://lms.school.edu/mod/lti/certs.php",
    ),
    "brightspace": (
        "https://lms.school.edu",
        "https://lms.school.edu/d2l/lti/authenticate",
        "https://auth.brightspace.com/core/connect/token",
        "https://lms.school.edu/d2l/.well-known/jwks",
    ),
    "blackboard": (
        "https://blackboard.com",
        "https://developer.blackboard.com/api/v1/gateway/oidcauth",
        "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
        "https://developer.blackboard.com/api/v1/management/applications/c-1/jwks.json",
    ),
    "sakai": (
        "https://lms.school.edu",
        "https://lms.school.edu/imsoidc/lti13/oidc_auth",
        "https://lms.school.edu/imsblis/lti13/token/43",
        "https://lms.school.edu/imsblis/lti13/keyset",
    ),
    "schoology": (
        "https://schoology.schoology.com",
        "https://lti-service.svc.schoology.com/lti-service/authorize-redirect",
        "https://lti-service.svc.schoology.com/lti-service/access-token",
        "https://lti-service.svc.schoology.com/lti-service/.well-known/jwks",
    ),
    "openedx": (
        "https://lms.school.edu",
        "https://lms.school.edu/api/lti_consumer/v1/launch/",
        "https://lms.school.edu/api/lti_consumer/v1/token/43",
        "https://lms.school.edu/api/lti_consumer/v1/public_keysets/43",
    ),
}


@pytest.mark.parametrize("family", EXPECTED)
def test_the_sites_address_is_enough_to_register(office: Client, family: str) -> None:
    response = add(office, family, site="https://lms.school.edu/", tool_id="43", deployment_id="d-1")
    row = Registration.objects.get()
    assert response.headers["Location"] == change_page(row)
    assert (row.issuer, row.auth_login_url, row.auth_token_url, row.key_set_url) == EXPECTED[family]
    assert (row.active, row.client_id) == (False, "c-1")
    assert [(one.deployment_id, one.active) for one in row.deployments.all()] == [("d-1", False)]
    assert "Now test the connection" in office.get(change_page(row)).content.decode()


def test_every_family_with_presets_is_expected_above() -> None:
    assert set(EXPECTED) == {family.code for family in families.FAMILIES} - {"other"}


@pytest.mark.parametrize("family", ["canvas", "blackboard", "schoology"])
def test_behind_a_shared_issuer_the_schools_own_host_is_kept(office: Client, family: str) -> None:
    add(office, family, site="https://lms.school.edu/login")
    row = Registration.objects.get()
    assert (row.service_hosts, row.frame_origins) == (["lms.school.edu"], ["https://lms.school.edu"])


def test_brightspace_gets_its_audience_and_moodle_none(office: Client) -> None:
    add(office, "brightspace", site="lms.school.edu")
    add(office, "moodle", site="lms.school.edu", client_id="c-2")
    audiences = Registration.objects.order_by("pk").values_list("auth_audience", flat=True)
    assert list(audiences) == ["https://api.brightspace.com/auth/token", ""]


def test_a_moodle_below_a_path_keeps_it_in_its_issuer(office: Client) -> None:
    add(office, "moodle", site="https://school.edu/moodle/")
    assert Registration.objects.get().issuer == "https://school.edu/moodle"


def test_filled_in_addresses_are_shown_and_can_be_changed_before_saving(office: Client) -> None:
    page = office.post(f"{ADD}?family=moodle", typed(site="https://lms.school.edu") | {"fill": "x"})
    text = page.content.decode()
    assert 'value="https://lms.school.edu/mod/lti/certs.php"' in text and 'value="c-1"' in text
    assert not Registration.objects.exists()
    add(office, "moodle", site="https://lms.school.edu", key_set_url="https://keys.school.edu/jwks")
    row = Registration.objects.get()
    assert row.key_set_url == "https://keys.school.edu/jwks"
    assert row.auth_token_url == "https://lms.school.edu/mod/lti/token.php"


@pytest.mark.parametrize(
    ("family", "changes", "words"),
    [
        ("moodle", {}, "Type the address of your LMS"),
        ("moodle", {"site": "https://a.edu/?x=1"}, "not the address of a site"),
        ("moodle", {"site": "javascript:alert(1)"}, "not the address of a site"),
        ("moodle", {"site": "https://user:pw@a.edu"}, "not the address of a site"),
        ("sakai", {"site": "https://a.edu"}, "number or UUID"),
        ("other", {}, "Type it here"),
        ("moodle", {"site": "https://a.edu", "key_set_url": "nonsense"}, "not a web address"),
        ("moodle", {"site": "https://a.edu", "client_id": ""}, "required"),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_its_field(
    office: Client, family: str, changes: dict[str, str], words: str
) -> None:
    response = add(office, family, **changes)
    assert response.status_code == 200 and words in response.content.decode()
    assert not Registration.objects.exists()


def test_filling_in_tells_of_a_wrong_site(office: Client) -> None:
    page = office.post(f"{ADD}?family=moodle", typed(site="javascript:x") | {"fill": "x"})
    assert "not the address of a site" in page.content.decode()


def test_another_lms_is_registered_with_all_its_addresses(office: Client) -> None:
    names = ("issuer", "auth_login_url", "auth_token_url", "key_set_url")
    add(office, "other", approve="on", **{name: f"https://other.edu/{name}" for name in names})
    row = Registration.objects.get()
    assert row.active and row.issuer == "https://other.edu/issuer"


def test_the_same_client_twice_is_refused(office: Client) -> None:
    add(office, "canvas")
    assert "registered already" in add(office, "canvas").content.decode()
    assert Registration.objects.count() == 1


def test_a_client_of_another_institution_is_refused(office: Client) -> None:
    add(office, "canvas")
    dale = Institution.objects.create(name="Dale School")
    values = {"institution": dale.pk, "client_id": "c-1", "save": "x"}
    page = office.post(f"{ADD}?family=canvas", values).content.decode()
    assert "Another institution" in page and Registration.objects.count() == 1


# --- approval ---


def test_what_waits_stands_at_the_top_and_is_approved_with_one_click(office: Client) -> None:
    add(office, "canvas", deployment_id="7:a")
    row = Registration.objects.get()
    address = f"{LIST}{row.pk}/approve/"
    for page in ("/admin/", LIST, change_page(row)):
        assert address in office.get(page).content.decode()
    office.post(address)
    row.refresh_from_db()
    assert row.active and row.deployments.get().active
    for page in ("/admin/", LIST, change_page(row)):
        assert address not in office.get(page).content.decode()


def test_a_deployment_that_a_launch_brought_is_approved_with_one_click(
    office: Client, platform: Platform
) -> None:
    row = Deployment.objects.create(
        registration=platform.registration, deployment_id="new-9", platform_guid="guid-1"
    )
    address = f"/admin/lti_tool/deployment/{row.pk}/approve/"
    for page in ("/admin/", "/admin/lti_tool/deployment/"):
        assert address in office.get(page).content.decode()
    office.post(address)
    row.refresh_from_db()
    assert row.active and address not in office.get("/admin/").content.decode()


def test_a_registration_of_the_command_waits_with_its_deployments(office: Client, platform: Platform) -> None:
    Registration.objects.update(active=False)
    assert "waiting-for-approval" in office.get("/admin/").content.decode()


def test_a_disabled_registration_does_not_wait(office: Client, platform: Platform) -> None:
    platform.launch()
    Registration.objects.update(active=False)
    assert "waiting-for-approval" not in office.get("/admin/").content.decode()
    assert "disabled" in office.get(change_page(platform.registration)).content.decode()


def test_approval_by_link_alone_does_nothing(office: Client) -> None:
    add(office, "canvas")
    row = Registration.objects.get()
    for what in ("approve", "test"):
        assert office.get(f"{LIST}{row.pk}/{what}/").status_code == 405
    row.refresh_from_db()
    assert not row.active and row.tested_at is None


def test_approval_is_written_into_the_rows_history(office: Client) -> None:
    add(office, "canvas")
    row = Registration.objects.get()
    office.post(f"{LIST}{row.pk}/approve/")
    assert "approved" in office.get(f"{LIST}{row.pk}/history/").content.decode()


# --- connection test ---


def test_the_connection_test_shows_and_keeps_its_report(office: Client, platform: Platform) -> None:
    TokenService(platform).granted.discard("https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly")
    row = platform.registration
    page = office.post(f"{LIST}{row.pk}/test/", follow=True).content.decode()
    assert page.count("cannot read grades through LTI") >= 2
    later = office.get(change_page(row)).content.decode()
    assert "a usable key" in later and "cannot read grades through LTI" in later


def test_several_registrations_are_tested_from_the_list(office: Client, platform: Platform) -> None:
    TokenService(platform)
    values = {"action": "test", "_selected_action": [platform.registration.pk]}
    page = office.post(LIST, values, follow=True).content.decode()
    assert "works." in page
    assert Registration.objects.get().tested_at is not None


def test_launches_that_offer_less_than_was_granted_are_told(office: Client, platform: Platform) -> None:
    platform.launch()
    page = office.get(change_page(platform.registration)).content.decode()
    assert "Read grades (results, read only): not offered in 1 of the 1 courses launched last" in page
    assert "names and roles): not offered" not in page


# --- edit, disable, delete ---


def edit(office: Client, row: Registration, **changes: Any) -> Any:
    names = (
        "name",
        "issuer",
        "client_id",
        "auth_login_url",
        "auth_token_url",
        "auth_audience",
        "key_set_url",
    )
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    values |= {
        "institution": row.institution_id,
        "product": row.product,
        "service_hosts": "",
        "frame_origins": "",
        "active": "on",
        "deployments-TOTAL_FORMS": "0",
        "deployments-INITIAL_FORMS": "0",
    }
    kept = {name: value for name, value in (values | changes).items() if value is not None}
    return office.post(change_page(row), kept)


def test_hosts_and_origins_are_typed_one_on_a_line(office: Client, platform: Platform) -> None:
    hosts, origins = "one.edu\r\nTwo.edu:8443\r\n", "https://One.edu/\r\nhttps://two.edu:8443"
    edit(office, platform.registration, service_hosts=hosts, frame_origins=origins)
    row = Registration.objects.get()
    assert row.service_hosts == ["one.edu", "two.edu:8443"]
    assert row.frame_origins == ["https://one.edu", "https://two.edu:8443"]
    assert "one.edu\ntwo.edu:8443" in office.get(change_page(row)).content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_hosts", "https://one.edu"),
        ("service_hosts", "a b"),
        ("frame_origins", "one.edu; script-src *"),
    ],
)
def test_a_line_that_is_no_host_or_origin_is_refused(
    office: Client, platform: Platform, name: str, value: str
) -> None:
    response = edit(office, platform.registration, **{name: value})
    assert response.status_code == 200 and "This is not a" in response.content.decode()


def test_disabling_signs_everybody_out(office: Client, platform: Platform) -> None:
    platform.launch()
    assert LtiSession.objects.exists()
    edit(office, platform.registration, active=None)
    assert not Registration.objects.get().active and not LtiSession.objects.exists()


def test_editing_leaves_sessions_alone(office: Client, platform: Platform) -> None:
    platform.launch()
    edit(office, platform.registration, name="Another name")
    assert Registration.objects.get().name == "Another name" and LtiSession.objects.exists()


def test_deleting_says_before_that_courses_stay_and_archives(office: Client, platform: Platform) -> None:
    platform.launch()
    address = f"{LIST}{platform.registration.pk}/delete/"
    assert "its course and its history stay" in office.get(address).content.decode()
    said = office.post(address, {"post": "yes"}, follow=True).content.decode()
    assert "is archived." in said and "was deleted" not in said
    row = Registration.objects.get()
    assert row.archived_at is not None and Context.objects.exists()
    assert "Register it again with the same issuer" in office.get(change_page(row)).content.decode()


def test_deleting_from_the_list_archives_and_deletes_each_as_it_must(
    office: Client, platform: Platform
) -> None:
    platform.launch()
    empty = Platform(platform.client, host="empty.example.edu").registration
    chosen = [platform.registration.pk, empty.pk]
    office.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert Registration.objects.get().pk == platform.registration.pk


def test_an_archived_registration_is_hidden_unless_asked_for_and_only_looked_at(
    office: Client, platform: Platform
) -> None:
    platform.launch()
    row = platform.registration
    archiving.archive(row)
    link = change_page(row)
    assert link not in office.get(LIST).content.decode()
    assert link in office.get(f"{LIST}?archived=yes").content.decode()
    assert edit(office, row).status_code == 403
    assert office.post(f"{LIST}{row.pk}/approve/").status_code == 403
    assert not Registration.objects.get().active


def test_an_archived_registration_comes_back_by_hand_unapproved(office: Client, platform: Platform) -> None:
    platform.launch()
    row = platform.registration
    archiving.archive(row)
    names = ("issuer", "auth_login_url", "auth_token_url", "key_set_url")
    add(office, "other", client_id=row.client_id, **{name: getattr(row, name) for name in names})
    again = Registration.objects.get()
    assert (again.pk, again.archived_at, again.active) == (row.pk, None, False)
    assert f"{LIST}{row.pk}/approve/" in office.get("/admin/").content.decode()
    office.post(f"{LIST}{row.pk}/approve/")
    assert Deployment.objects.get().active and platform.login().status_code < 400


def test_new_installation_asks_for_the_institution_first(office: Client) -> None:
    Institution.objects.all().delete()
    for page in ("registration", "invite"):
        response = office.get(f"/admin/lti_tool/{page}/add/")
        assert response.headers["Location"] == "/admin/lti_tool/institution/add/"
    Institution.objects.create(name="Hill School")
    assert office.get("/admin/lti_tool/registration/add/").status_code == 200
    page = office.get("/admin/lti_tool/invite/add/").content.decode()
    assert " selected>Hill School" in page


def test_strange_learned_origin_can_be_deleted(office: Client, platform: Platform) -> None:
    platform.registration.learned_origins = ["https://strange.example"]
    platform.registration.save()
    address = f"/admin/lti_tool/registration/{platform.registration.pk}/change/"
    page = office.get(address)
    fields = page.context["adminform"].form.initial | {"learned_origins": ""}
    values = {name: "" if value is None else value for name, value in fields.items()}
    for line in ("service_hosts", "frame_origins"):
        values[line] = ""
    values |= {"deployments-TOTAL_FORMS": "0", "deployments-INITIAL_FORMS": "0"}
    assert office.post(address, values).status_code == 302
    platform.registration.refresh_from_db()
    assert platform.registration.learned_origins == []
