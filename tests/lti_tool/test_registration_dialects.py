"""Each product's registration from end to end, against the pretend LMS: invite, confirm page, approval, connection test, launch."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from gradesync_site.sandbox.lms.dialects import DIALECTS
from gradesync_site.sandbox.lms.launch import LaunchFailed, launch
from lti_tool import approvals, connection_test, granted, invites, keys
from lti_tool.models import Context, Deployment, Institution, LtiUser, Membership, Registration
from lti_tool.services import MEMBER_SCOPES
from tests.sandbox_servers import Server

pytestmark = pytest.mark.django_db

PRODUCTS = ("canvas", "moodle", "brightspace", "blackboard", "sakai")
# who says at registration which deployment it will be; the others' first launch does
NAME_THEIR_DEPLOYMENT = {name for name in PRODUCTS if DIALECTS[name].joining.names_deployment}
TOOL = "https://localhost:8000"


class Fields(HTMLParser):
    """What the form of the confirm page would post."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("name") and values["name"] != "csrfmiddlewaretoken":
            self.found[str(values["name"])] = values.get("value") or ""


class Site:
    """One pretend LMS in a dialect, and its administrator's browser."""

    def __init__(self, server: Server, dialect: str) -> None:
        self.server, self.dialect = server, dialect
        self.browser = Client(headers={"host": "localhost:8000"})
        institution, _new = Institution.objects.get_or_create(name="Hill School")
        self.address = f"{TOOL}/lti/register/{invites.make(institution)}/"

    def open(self) -> tuple[str, dict[str, str]]:
        """She pastes the address, the LMS opens it: our confirm page and what its form holds."""
        begun = self.server.control("registration", tool_url=self.address)
        parts = urlsplit(begun["url"])
        referer = f"{self.server.base_url}/accounts/1/apps"
        answer = self.browser.get(f"{parts.path}?{parts.query}", headers={"referer": referer})
        page = answer.content.decode()
        assert answer.status_code == 200, page
        return page, Fields(page).found

    def confirm(self, fields: dict[str, str]) -> Any:
        return self.browser.post(urlsplit(self.address).path, fields)

    def register(self) -> Registration:
        _page, fields = self.open()
        answer = self.confirm(fields)
        assert answer.status_code == 200, answer.content.decode()
        row = Registration.objects.get()
        self.server.control("enable")
        keys.active_key()
        self.server.state["tools"][row.client_id]["jwks"] = keys.jwks()
        return row

    def launch(self) -> Any:
        return launch(self.server.base_url, "101", "11", self.browser)

    def lets_in(self) -> bool:
        try:
            return bool(self.launch().status_code == 302)
        except LaunchFailed:
            return False


@pytest.fixture
def start(start_lms: Callable[..., Server]) -> Callable[[str], Site]:
    def begin(dialect: str) -> Site:
        # this machine does not speak for blackboard.com, so it speaks for itself there
        apart = {"blackboard": {"issuer": "site"}, "canvas": {"endpoint_host": "localhost"}}
        extra = dict(apart.get(dialect, {}))
        server = start_lms(dialect=dialect, extra=extra)
        if dialect == "blackboard":
            extra["says_issuer"] = server.base_url.replace("//", "//developer.")
        return Site(server, dialect)

    return begin


@pytest.fixture(autouse=True)
def local(settings: Any, local_requests: None) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1", "localhost", "developer.127.0.0.1"})


@pytest.mark.parametrize("dialect", PRODUCTS)
def test_registered_approved_tested_and_launched(start: Callable[[str], Site], dialect: str) -> None:
    site = start(dialect)
    row = site.register()
    hello = site.server.hello
    assert (row.issuer, row.product, row.active) == (hello["issuer"], dialect, False)
    assert row.deployments.exists() == (dialect in NAME_THEIR_DEPLOYMENT)
    assert granted.missing(row.granted_scopes) == []
    assert not site.lets_in()
    approvals.approve(row)
    failed = [finding for finding in connection_test.run(row) if not finding.ok]
    assert failed == []
    if dialect not in NAME_THEIR_DEPLOYMENT:
        assert site.launch().status_code == 403
        Deployment.objects.update(active=True)
    assert site.launch().status_code == 302
    assert Membership.objects.get().can_send


@pytest.mark.parametrize("dialect", PRODUCTS)
def test_nothing_of_a_course_or_person_is_kept_before_approval(
    start: Callable[[str], Site], dialect: str
) -> None:
    site = start(dialect)
    approvals.approve(site.register())
    Deployment.objects.update(active=False)
    assert site.launch().status_code == 403
    assert not Context.objects.exists() and not LtiUser.objects.exists()


@pytest.mark.parametrize("dialect", ["canvas", "moodle", "brightspace", "blackboard"])
def test_launches_carry_the_ids_that_were_asked_for(start: Callable[[str], Site], dialect: str) -> None:
    site = start(dialect)
    approvals.approve(site.register())
    site.launch()
    Deployment.objects.update(active=True)
    site.launch()
    custom = Context.objects.get().custom
    assert custom["section_sourcedid"] and custom["person_sourcedid"] == "T1001"
    assert ("canvas_course_id" in custom) == (dialect == "canvas")


@pytest.mark.parametrize("dialect", ["canvas", "moodle"])
def test_names_come_because_they_were_asked_for(start: Callable[[str], Site], dialect: str) -> None:
    site = start(dialect)
    approvals.approve(site.register())
    site.launch()
    Deployment.objects.update(active=True)
    site.launch()
    person = LtiUser.objects.get()
    assert person.name and person.email


def test_a_token_of_the_lms_is_good_once(start: Callable[[str], Site]) -> None:
    site = start("moodle")
    _page, fields = site.open()
    assert site.confirm(fields).status_code == 200
    again = Site(site.server, "moodle")
    answer = again.confirm(fields)
    assert answer.status_code == 400 and "one-time token may be used up" in answer.content.decode()


def test_brightspace_gets_no_authorization_header_and_its_own_audience(start: Callable[[str], Site]) -> None:
    site = start("brightspace")
    row = site.register()
    assert row.auth_audience == "https://api.brightspace.com/auth/token"
    assert connection_test.run(row)[-2].name == "audience"


def test_canvas_knows_the_schools_own_address_from_the_page_around_the_window(
    start: Callable[[str], Site],
) -> None:
    site = start("canvas")
    page, fields = site.open()
    assert "Sandbox University" in page and fields["site"] == site.server.base_url
    row = site.register()
    assert row.frame_origins == [site.server.base_url] and row.auth_audience == ""


def test_blackboards_wrong_issuer_is_made_good(start: Callable[[str], Site]) -> None:
    site = start("blackboard")
    page, _fields = site.open()
    assert "developer.127" not in page
    assert site.register().issuer == site.server.base_url


def test_a_right_that_the_administrator_cuts_afterwards_is_found(start: Callable[[str], Site]) -> None:
    site = start("canvas")
    row = site.register()
    kept = [scope for scope in row.granted_scopes or () if scope not in MEMBER_SCOPES]
    site.server.control("enable", scopes=kept)
    failed = [finding.name for finding in connection_test.run(row) if not finding.ok]
    assert failed == ["token:members"]
    approvals.approve(row)
    site.launch()
    Deployment.objects.update(active=True)
    site.launch()
    course = Context.objects.get()
    missing = granted.missing_at_launch(course.ags_scopes, course.lineitems_url, course.memberships_url)
    assert missing == [granted.MEMBERS]
