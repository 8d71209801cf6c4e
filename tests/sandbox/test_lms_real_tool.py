"""The real tool and the pretend LMS together: launches as each person, and a gradebook read by AGS and NRPS."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests
from django.test import Client

from gradesync_site.sandbox.lms.launch import launch
from lti_tool.models import Context, Deployment, Institution, LtiSession, Membership, Registration
from lti_tool.services import Services
from sync.lms import records as lms
from sync.lms.ags import Ags
from sync.lms.base import Settings
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]
pytestmark = pytest.mark.django_db

TOOL = "https://tool.example"


@pytest.fixture
def platform(lms_server: Server, settings: Any) -> Server:
    """The LMS, known to the tool, with the tool's keys known to the LMS."""
    settings.PUBLIC_URL = TOOL
    settings.ALLOWED_HOSTS = ["tool.example"]
    hello = lms_server.hello
    registration = Registration.objects.create(
        institution=Institution.objects.create(name="North"),
        name="Sandbox",
        active=True,
        **{
            name: hello[name]
            for name in ("issuer", "client_id", "auth_login_url", "auth_token_url", "key_set_url")
        },
    )
    Deployment.objects.create(registration=registration, deployment_id=hello["deployment_id"], active=True)
    keys = Client(headers={"host": "tool.example"}).get("/lti/jwks/", secure=True).json()
    lms_server.control("tool", tool_url=TOOL, jwks=keys)
    return lms_server


def open_course(server: Server, user: str, course: str = "101") -> Any:
    return launch(server.base_url, course, user, Client())


def test_teacher_arrives_at_her_course(platform: Server) -> None:
    answer = open_course(platform, "11")
    context = Context.objects.get()
    assert answer.status_code == 302
    assert str(context.public_id) in answer.headers["Location"]
    assert context.custom["canvas_course_id"] == "101"
    assert "integration" not in context.custom
    membership = Membership.objects.get()
    assert (membership.can_send, membership.user.sis_id) == (True, "T1001")


def test_assistant_may_look_and_student_is_turned_away(platform: Server) -> None:
    assert open_course(platform, "trivera").status_code == 302
    looking = Membership.objects.get()
    assert (looking.can_send, looking.can_look) == (False, True)
    assert open_course(platform, "5001").status_code == 403


@pytest.mark.parametrize(
    "fault",
    ["wrong-signature", "wrong-nonce", "wrong-audience", "old-token", "no-context", "other-deployment"],
)
def test_spoiled_launch_is_refused_with_a_page(platform: Server, fault: str) -> None:
    platform.faults.on(fault)
    answer = open_course(platform, "11")
    assert 400 <= answer.status_code < 500
    assert b"<html" in answer.content
    assert not LtiSession.objects.exists()


def test_gradebook_is_read_whole_by_ags_and_nrps(platform: Server) -> None:
    open_course(platform, "11")
    context = Context.objects.get()
    course = lms.Course(
        context.context_id,
        lineitems_url=context.lineitems_url,
        memberships_url=context.memberships_url,
        scopes=frozenset(context.ags_scopes),
    )
    gradebook = Ags(Settings("sandbox"), Services(context.registration)).read_gradebook(course)
    students = [one for one in gradebook.members if one.is_student and one.active and not one.test]
    assert len(gradebook.results) == len(students) * 5
    scores = {one.score for one in gradebook.results}
    assert {Decimal(0), Decimal("9.257"), Decimal(104)} <= scores
    assert gradebook.warnings == ()


def test_token_that_the_platform_forgot_is_asked_for_again(platform: Server) -> None:
    open_course(platform, "11")
    context = Context.objects.get()
    services = Services(context.registration)
    assert services.members(context.memberships_url)
    platform.faults.on("bearer-refused", count=1)
    assert services.members(context.memberships_url)
    asked = [entry for entry in platform.journal if entry["path"] == "/lti/token"]
    assert [entry["status"] for entry in asked] == [200, 200]


def test_launch_of_a_tool_that_listens_needs_no_django_client(platform: Server) -> None:
    """Over plain HTTP the helper speaks to whatever address the tool registered."""
    platform.control(
        "tool", login_url=f"{platform.base_url}/lti/jwks", launch_url=f"{platform.base_url}/nowhere"
    )
    with pytest.raises(Exception, match="login answered 405"):
        launch(platform.base_url, "101", "11", requests.Session())
