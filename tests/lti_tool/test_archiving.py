"""A registration's end: deleted where nothing hangs on it, archived where courses do, and back by registering again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import responses
from django.utils import timezone

from lti_tool import archiving, http, services
from lti_tool.models import (
    CachedToken,
    Context,
    Deployment,
    Institution,
    Invite,
    LoginState,
    LtiSession,
    Registration,
)
from lti_tool.tokens import AccessTokens
from tests.lti_tool.platform import Platform
from tests.lti_tool.test_registration_families import Lms, moodle


def test_a_registration_without_a_course_is_really_deleted(platform: Platform) -> None:
    assert archiving.remove(platform.registration) is False
    assert not Registration.objects.exists() and not Deployment.objects.exists()


def test_a_registration_with_a_course_is_archived_and_keeps_it(platform: Platform) -> None:
    platform.launch()
    assert archiving.remove(platform.registration) is True
    row = Registration.objects.get()
    assert row.archived_at is not None
    assert (row.active, row.trust_new_deployments, row.deployments.get().active) == (False, False, False)
    assert Context.objects.count() == 1


def test_archiving_ends_sessions_logins_and_tokens(platform: Platform) -> None:
    platform.launch()
    platform.login()
    row = platform.registration
    responses.add(responses.POST, row.auth_token_url, json={"access_token": "t", "expires_in": 3600})
    AccessTokens(row, http.Session()).get(services.RESULT_SCOPES)
    assert LtiSession.objects.exists() and LoginState.objects.exists() and CachedToken.objects.exists()
    archiving.archive(row)
    assert not LtiSession.objects.exists()
    assert not LoginState.objects.exists()
    assert not CachedToken.objects.exists()


def test_an_archived_registration_launches_nothing(platform: Platform) -> None:
    platform.launch()
    begun = platform.begun()
    archiving.archive(platform.registration)
    assert platform.login().status_code == 403
    id_token = platform.sign(platform.claims(begun["nonce"]))
    assert platform.post(begun["state"], id_token).status_code >= 400
    assert not LtiSession.objects.exists()


def test_other_registrations_keep_their_sessions_and_tokens(platform: Platform) -> None:
    platform.launch()
    other = Platform(platform.client, host="other.example.edu")
    CachedToken.objects.create(key="theirs", token="t", expires_at=timezone.now() + timedelta(hours=1))
    archiving.archive(other.registration)
    assert LtiSession.objects.count() == 1 and CachedToken.objects.count() == 1


@pytest.fixture
def archived(db: None, wire: responses.RequestsMock) -> Lms:
    """A Moodle that was registered, used, and archived."""
    lms = Lms(Institution.objects.create(name="Hill School"))
    lms.answer = {"client_id": "made-7", "scope": ""}
    lms.serve(moodle())
    lms.register()
    row = Registration.objects.get()
    deployment = Deployment.objects.create(registration=row, deployment_id="1", active=True)
    Context.objects.create(deployment=deployment, context_id="c1", title="Algebra")
    archiving.archive(row)
    return lms


def test_registering_the_same_client_again_brings_its_courses_back_unapproved(archived: Lms) -> None:
    before = Registration.objects.get()
    assert archived.register().status_code == 200
    row = Registration.objects.get()
    assert (row.pk, row.public_id) == (before.pk, before.public_id)
    assert (row.archived_at, row.active) == (None, False)
    assert not Deployment.objects.get().active and Context.objects.get().title == "Algebra"


def test_a_pre_approved_invite_brings_its_deployments_back_as_well(archived: Lms) -> None:
    Invite.objects.all().delete()
    address = archived.invite()
    Invite.objects.update(pre_approved=True)
    values = {"openid_configuration": archived.source, "registration_token": "t"}
    assert archived.browser.post(address, values).status_code == 200
    assert Registration.objects.get().active and Deployment.objects.get().active


def test_another_institution_does_not_revive_an_archived_registration(archived: Lms) -> None:
    dale = Institution.objects.create(name="Dale School")
    assert archived.register(dale).status_code == 400
    row = Registration.objects.get()
    assert row.archived_at is not None and row.institution.name == "Hill School"
