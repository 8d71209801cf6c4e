"""How each dialect words a launch, and what its pages do when the tool sends the browser back."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from gradesync_site.sandbox.lms.launch import LaunchFailed, launch
from tests.sandbox.dialect_site import Site
from tests.sandbox.lms_tool import Tool, course_urls, install
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
PRODUCTS = ("canvas", "moodle", "brightspace", "blackboard", "sakai", "openedx")


@pytest.fixture
def site(start_lms: Any, request: pytest.FixtureRequest) -> Site:
    """A tool that the control API made known, as by hand."""
    made = Site(start_lms(dialect=request.param))
    install(made.base)
    return made


def only(*dialects: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("site", dialects or PRODUCTS, indirect=True)


@pytest.mark.parametrize(
    ("site", "user", "context"),
    [
        ("moodle", r"11", r"101"),
        ("brightspace", r"[0-9a-f-]{36}", r"101"),
        ("blackboard", r"[0-9a-f]{32}", r"[0-9a-f]{32}"),
        ("sakai", r"http://127.0.0.1:\d+/user/[0-9a-f-]{36}", r"[0-9a-f-]{36}"),
        ("canvas", r"[0-9a-f-]{36}", r"[0-9a-f-]{36}"),
    ],
    indirect=["site"],
)
def test_ids_have_the_shape_that_the_product_gives_them(site: Site, user: str, context: str) -> None:
    claims = site.claims()
    assert re.fullmatch(user, claims["sub"])
    assert re.fullmatch(context, claims[f"{LTI}context"]["id"])


@only()
def test_members_have_the_ids_of_their_launches(site: Site) -> None:
    claims = site.claims()
    url = claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"]["context_memberships_url"]
    members = site.get(f"{url}?limit=100", "application/vnd.ims.lti-nrps.v2.membershipcontainer+json").json()[
        "members"
    ]
    assert claims["sub"] in [one["user_id"] for one in members]
    assert len({one["user_id"] for one in members}) == len(members)


@only("moodle")
def test_moodle_sends_empty_ids_too_and_roles_of_the_course_only(site: Site) -> None:
    claims = site.claims("102")
    assert claims[f"{LTI}lis"] == {"person_sourcedid": "T1001", "course_section_sourcedid": ""}
    assert claims[f"{LTI}roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]


@only("brightspace")
def test_brightspace_tells_its_own_ids_in_a_claim_of_its_own(site: Site) -> None:
    own = site.claims()["http://www.brightspace.com"]
    assert (own["org_defined_id"], own["user_id"], own["username"]) == ("T1001", "11", "aokafor")


@only("openedx")
def test_open_edx_knows_no_sis_ids(site: Site) -> None:
    assert f"{LTI}lis" not in site.claims()


@only()
def test_tool_that_comes_back_is_heard(site: Site) -> None:
    back = site.claims()[f"{LTI}launch_presentation"]["return_url"]
    joined = "&" if urlsplit(back).query else "?"
    told = urlencode({"lti_errormsg": "Nobody <here> is known", "lti_errorlog": "code 7"})
    page = requests.get(f"{back}{joined}{told}", timeout=10)
    assert page.status_code == 200
    assert "Nobody &lt;here&gt; is known" in page.text
    assert "code 7" not in page.text
    assert 'href="/courses/101"' in page.text
    [heard] = requests.get(f"{site.base}/_sandbox/returns", timeout=10).json()["returns"]
    assert (heard["course"], heard["lti_errorlog"]) == ("101", "code 7")


@only("moodle")
def test_moodle_return_address_is_a_script_with_a_query(site: Site) -> None:
    back = site.claims()[f"{LTI}launch_presentation"]["return_url"]
    assert urlsplit(back).path == "/mod/lti/return.php"
    assert "course=101" in urlsplit(back).query


@pytest.mark.parametrize("user", ["5001", "trivera"])
@only("moodle", "blackboard")
def test_others_than_teachers_launch_as_well(site: Site, user: str) -> None:
    assert site.claims(user=user)[f"{LTI}context"]["label"]


def test_headless_launch_follows_the_link_of_a_page_that_looks_at_the_browser_first(
    lms_server: Server,
) -> None:
    install(lms_server.base_url)
    tool = Tool(lms_server.base_url, looks_first=True)
    launch(lms_server.base_url, "101", "11", tool)
    assert tool.claims()["nonce"]


def test_headless_launch_ends_where_the_tool_answers_a_page_without_a_way_on(lms_server: Server) -> None:
    install(lms_server.base_url)
    lms_server.control("tool", login_url=f"{lms_server.base_url}/")
    with pytest.raises(LaunchFailed, match="instead of a redirect"):
        launch(lms_server.base_url, "101", "11")


def test_default_dialect_still_speaks_as_before(lms_server: Server) -> None:
    install(lms_server.base_url)
    claims = course_urls(lms_server.base_url)
    assert claims["iss"] == lms_server.base_url
    assert lms_server.hello["auth_login_url"] == f"{lms_server.base_url}/lti/auth"
