"""The real tool and each dialect together: a launch by hand-made registration, and the gradebook read by AGS and NRPS."""

from __future__ import annotations

import re
import socket
from decimal import Decimal
from html import escape, unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client

from gradesync_site.sandbox.lms.launch import bring_link, choose_link, launch, open_link
from lti_tool import invites, keys
from lti_tool.models import Context, Deployment, Institution, Membership, Registration
from lti_tool.services import Services
from sync.lms import records as lms
from sync.lms.ags import Ags
from sync.lms.base import Settings
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]
pytestmark = pytest.mark.django_db

TOOL = "https://tool.example"
PRODUCTS = ("canvas", "moodle", "brightspace", "blackboard", "sakai", "openedx")


@pytest.fixture
def connect(start_lms: Any, settings: Any) -> Any:
    settings.PUBLIC_URL = TOOL
    settings.ALLOWED_HOSTS = ["tool.example"]

    def start(dialect: str, **options: Any) -> Server:
        server: Server = start_lms(dialect=dialect, **options)
        register(server)
        keys = Client(headers={"host": "tool.example"}).get("/lti/jwks/", secure=True).json()
        server.control("tool", tool_url=TOOL, jwks=keys)
        return server

    return start


def register(server: Server) -> None:
    names = ("issuer", "client_id", "auth_login_url", "auth_token_url", "auth_audience", "key_set_url")
    registration = Registration.objects.create(
        institution=Institution.objects.create(name="North"),
        name="Sandbox",
        active=True,
        **{name: server.hello[name] for name in names},
    )
    deployment_id = server.hello["deployment_id"]
    Deployment.objects.create(registration=registration, deployment_id=deployment_id, active=True)


def gradebook(server: Server, product: str = "") -> lms.Gradebook:
    assert launch(server.base_url, "101", "11", Client()).status_code == 302
    context = Context.objects.get()
    course = lms.Course(
        context.context_id,
        lineitems_url=context.lineitems_url,
        memberships_url=context.memberships_url,
        scopes=frozenset(context.ags_scopes),
    )
    settings = Settings("sandbox", options={"product": product})
    return Ags(settings, Services(context.registration)).read_gradebook(course)


@pytest.mark.parametrize("dialect", PRODUCTS)
def test_teacher_arrives_and_her_gradebook_is_read_whole(connect: Any, dialect: str) -> None:
    server = connect(dialect, students=30)
    book = gradebook(server)
    assert Membership.objects.get().can_send
    items = 5 if dialect == "sakai" else 2
    students = [one for one in book.members if one.is_student and one.active and not one.test]
    assert len(students) >= 30
    assert len(book.line_items) == items
    assert len(book.results) == len(students) * items
    assert {Decimal(0), Decimal("9.257")} <= {one.score for one in book.results}


def test_moodle_that_pages_by_itself_is_read_whole(connect: Any) -> None:
    server = connect("moodle", students=30, extra={"page_size": "7", "own": "all"})
    book = gradebook(server)
    assert len(book.line_items) == 5
    assert len({one.user_id for one in book.results}) >= 30
    pages = [entry for entry in server.journal if "from=7" in entry["query"]]
    assert len(pages) >= 5


def test_sakai_whose_administrator_opened_the_gradebook_is_read_whole(connect: Any) -> None:
    server = connect("sakai", students=30)
    book = gradebook(server, "sakai")
    held = server.state["courses"]["101"]["assignments"]
    graded = [one for one in held if one["published"] and one["grading_type"] != "not_graded"]
    assert [one.title for one in book.line_items] == [one["title"] for one in graded]
    assert [one.maximum for one in book.line_items] == [one["maximum"] for one in graded]
    assert {one.line_item_id for one in book.results} == {one.line_item_id for one in book.line_items}
    assert book.warnings == ()


def test_sakai_that_shows_the_tools_own_columns_says_what_to_tick(connect: Any) -> None:
    book = gradebook(connect("sakai", extra={"own": "2"}), "sakai")
    assert len(book.line_items) == 2
    assert [text for text in book.warnings if "read-only access to entire gradebook" in text]


def test_brightspace_with_more_items_than_a_page_is_read_whole(connect: Any) -> None:
    book = gradebook(connect("brightspace", line_items=230, students=3, extra={"own": "all"}))
    assert len(book.line_items) > 200


@pytest.mark.parametrize("dialect", ["moodle", "brightspace", "blackboard", "sakai"])
def test_teacher_adds_the_tool_as_a_link_and_opens_it(connect: Any, dialect: str) -> None:
    server = connect(dialect)
    page = bring_link(choose_link(server.base_url, "101", "11", Client()))
    assert page.status_code == 200, page.text
    [link] = server.state["courses"]["101"]["links"]
    assert open_link(server.base_url, "101", "11", link["id"], Client()).status_code == 302
    assert Context.objects.get().title == "Algebra 1, Period 3"


@pytest.mark.parametrize("dialect", PRODUCTS)
def test_refused_launch_leads_back_to_the_lms_which_shows_why(connect: Any, dialect: str) -> None:
    server = connect(dialect)
    server.faults.on("no-context")
    refused = launch(server.base_url, "101", "11", Client())
    assert 400 <= refused.status_code < 500
    found = re.search(r'href="([^"]*lti_errormsg=[^"]*)"', refused.content.decode())
    assert found is not None
    shown = requests.get(unescape(found[1]), timeout=10)
    assert shown.status_code == 200
    [heard] = requests.get(f"{server.base_url}/_sandbox/returns", timeout=10).json()["returns"]
    assert heard["lti_errorlog"]
    assert escape(heard["lti_errormsg"], quote=False) in shown.text


VENDOR = "developer.blackboard.com"


@pytest.fixture
def vendor_is_here(local_requests: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The vendor's name leads to this machine, and requests may go there."""
    look_up = socket.getaddrinfo

    def found(host: Any, *rest: Any, **more: Any) -> Any:
        return look_up("127.0.0.1" if host == VENDOR else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1", VENDOR})


@pytest.mark.usefixtures("vendor_is_here")
def test_blackboard_registers_at_the_vendor_and_launches_from_the_school(
    start_lms: Any, settings: Any
) -> None:
    """Its configuration names another issuer than its launches, and the school's site is another host again."""
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = TOOL, ["tool.example"]
    server: Server = start_lms(dialect="blackboard", extra={"endpoint_host": VENDOR})
    token = invites.make(Institution.objects.create(name="North"), pre_approved=True)
    begun = server.control("registration", tool_url=f"{TOOL}/lti/register/{token}/")
    assert urlsplit(begun["openid_configuration"]).hostname == VENDOR
    fields = {name: begun[name] for name in ("openid_configuration", "registration_token")}
    browser = Client(headers={"host": "tool.example"})
    path = urlsplit(begun["url"]).path
    assert browser.post(path, fields | {"site": server.base_url}, secure=True).status_code == 200
    registration = Registration.objects.get()
    assert registration.issuer == "https://blackboard.com"
    server.control("enable")
    keys.active_key()
    server.state["tools"][registration.client_id]["jwks"] = keys.jwks()
    book = gradebook(server)
    assert len(book.line_items) == 2
