"""How a tool registers itself in each dialect: what the product sends, checks, answers and leaves out."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from gradesync_site.sandbox.__main__ import main
from gradesync_site.sandbox.lms.vocabulary import SCOPES
from tests.sandbox.dialect_site import (
    CANVAS,
    MESSAGE,
    PLATFORM,
    TOOL_CONFIGURATION,
    WISH,
    Site,
    bearer,
    changed,
)
from tests.sandbox.lms_tool import ORIGIN

pytest_plugins = ["tests.sandbox_servers"]

PRODUCTS = ("canvas", "moodle", "brightspace", "blackboard", "sakai")


@pytest.fixture
def site(start_lms: Any, request: pytest.FixtureRequest) -> Site:
    return Site(start_lms(dialect=request.param))


def only(*dialects: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("site", dialects or PRODUCTS, indirect=True)


@only()
def test_tool_registers_is_switched_on_and_launched(site: Site) -> None:
    granted = site.install()
    claims = site.claims()
    assert claims["aud"] == granted["client_id"]
    assert claims["https://purl.imsglobal.org/spec/lti/claim/target_link_uri"] == f"{ORIGIN}/lti/launch/"
    assert site.ask_token().status_code == 200


@only()
def test_configuration_leads_to_endpoints_that_answer(site: Site) -> None:
    config = site.configuration(site.begin())
    assert config["issuer"]
    assert requests.get(config["jwks_uri"], timeout=10).json()["keys"]
    assert requests.get(config["authorization_endpoint"], timeout=10).status_code == 400
    assert requests.post(config["token_endpoint"], timeout=10).json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    ("site", "product"),
    [
        ("canvas", "canvas"),
        ("moodle", "moodle"),
        ("brightspace", "desire2learn"),
        ("blackboard", "BlackboardLearn"),
    ],
    indirect=["site"],
)
def test_product_names_itself_in_configuration_and_launch(site: Site, product: str) -> None:
    config = site.configuration(site.begin())
    assert config[PLATFORM]["product_family_code"] == product
    site.install()
    platform = site.claims()["https://purl.imsglobal.org/spec/lti/claim/tool_platform"]
    assert platform["product_family_code"] == product


@only()
def test_registration_is_good_for_one_tool(site: Site) -> None:
    begun = site.begin()
    endpoint = site.configuration(begun)["registration_endpoint"]
    answers = [requests.post(endpoint, json=WISH, headers=bearer(begun), timeout=10) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert len(site.server.state["tools"]) == 1


@only("canvas", "moodle", "blackboard", "sakai")
def test_made_up_registration_token_is_refused(site: Site) -> None:
    endpoint = site.configuration(site.begin())["registration_endpoint"]
    answer = requests.post(endpoint, json=WISH, headers={"Authorization": "Bearer x"}, timeout=10)
    assert answer.status_code == 401


@only()
def test_incomplete_registration_is_refused_and_stays_open(site: Site) -> None:
    begun = site.begin()
    refused = site.register(begun, WISH | {"jwks_uri": ""})
    assert refused.status_code in (400, 422)
    assert "jwks_uri" in refused.json()["error_description"]
    assert site.register(begun).status_code == 200


@only("canvas", "moodle", "brightspace", "blackboard")
def test_tool_waits_until_an_administrator_switches_it_on(site: Site) -> None:
    site.register(site.begin())
    client_id = next(iter(site.server.state["tools"]))
    for query in ("", f"?tool={client_id}"):
        page = requests.get(f"{site.base}/courses/101/launch{query}", timeout=10)
        assert (page.status_code, "switch it on" in page.text) == (403, True)
    site.server.control("enable", client_id=client_id)
    assert requests.get(f"{site.base}/courses/101/launch", timeout=10).status_code == 200


@only()
def test_scopes_that_the_administrator_takes_away_are_gone_from_launch_and_token(site: Site) -> None:
    site.install()
    site.server.control("enable", client_id=site.client_id, scopes=[SCOPES[2]])
    claims = site.claims()
    assert "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint" not in claims
    assert "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice" in claims
    assert site.ask_token().json()["scope"] == SCOPES[2]


# --- Canvas


@only("canvas")
def test_canvas_shows_its_configuration_only_with_the_token(site: Site) -> None:
    begun = site.begin()
    assert requests.get(begun["openid_configuration"], timeout=10).status_code == 401
    config = site.configuration(begun)
    assert config[PLATFORM][f"{CANVAS}account_name"] == "Sandbox University"
    assert config[PLATFORM][f"{CANVAS}account_lti_guid"]
    assert "Canvas.course.id" in config[PLATFORM]["variables"]
    placements = config[PLATFORM]["messages_supported"][0]["placements"]
    assert f"{CANVAS}post_grades" in placements


@only("canvas")
def test_canvas_names_a_bare_authorization_server_and_wants_its_token_address(site: Site) -> None:
    assert site.configuration(site.begin())["authorization_server"] == "canvas.instructure.com"
    site.install()
    for wrong in ("canvas.instructure.com", "https://canvas.instructure.com"):
        assert site.ask_token(aud=wrong).json()["error"] == "invalid_client"
    assert site.ask_token(aud=site.server.hello["auth_token_url"]).status_code == 200


@only("canvas", "blackboard", "brightspace")
def test_deployment_is_learned_from_launches(site: Site) -> None:
    granted = site.install()
    assert "deployment_id" not in granted[TOOL_CONFIGURATION]
    assert site.claims()["https://purl.imsglobal.org/spec/lti/claim/deployment_id"]


@only("canvas")
@pytest.mark.parametrize(
    ("wish", "named"),
    [
        (changed(claims=None), "claims"),
        (changed(messages=None), "messages"),
        (changed(messages=[MESSAGE | {"placements": ["nowhere"]}]), "nowhere"),
        (changed(messages=[MESSAGE | {"type": "LtiStartProctoring"}]), "LtiStartProctoring"),
        (changed(messages=[MESSAGE | {f"{CANVAS}visibility": "teachers"}]), "visibility"),
        (
            changed(messages=[MESSAGE | {f"{CANVAS}course_navigation/default_enabled": "yes"}]),
            "default_enabled",
        ),
        (changed(**{f"{CANVAS}privacy_level": "everything"}), "privacy_level"),
        (changed(custom_parameters={"number": 1}), "custom_parameters"),
        (WISH | {"grant_types": ["implicit"]}, "grant_types"),
        (WISH | {"application_type": "native"}, "application_type"),
        (WISH | {"scope": ""}, "scope"),
        (WISH | {"scope": f"{WISH['scope']} openid"}, "cannot contain openid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_canvas_answers_422_to_what_its_schema_does_not_hold(
    site: Site, wish: dict[str, Any], named: str
) -> None:
    answer = site.register(site.begin(), wish)
    assert answer.status_code == 422
    assert any(named in error["message"] for error in answer.json()["errors"])
    assert site.server.state["tools"] == {}


@only("canvas")
@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("public", {"name", "given_name", "family_name", "email"}),
        ("name_only", {"name", "given_name", "family_name"}),
        ("email_only", {"email"}),
        ("anonymous", set()),
        (None, set()),
    ],
)
def test_canvas_tells_as_much_of_a_person_as_the_privacy_level_allows(
    site: Site, level: str | None, shown: set[str]
) -> None:
    site.install(changed(**{f"{CANVAS}privacy_level": level}))
    assert site.claims().keys() & {"name", "given_name", "family_name", "email"} == shown


def test_canvas_endpoints_may_lie_on_another_host_than_the_issuer(start_lms: Any) -> None:
    elsewhere = Site(start_lms(dialect="canvas", extra={"endpoint_host": "localhost"}))
    config = elsewhere.configuration(elsewhere.begin())
    assert config["issuer"] == elsewhere.base
    assert config["token_endpoint"].startswith("http://localhost:")
    elsewhere.install()
    claims = elsewhere.claims()
    services = claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitems"]
    assert (claims["iss"], services.startswith(elsewhere.base)) == (elsewhere.base, True)
    assert elsewhere.ask_token().status_code == 200


# --- Moodle


@only("moodle")
def test_moodle_answers_with_its_deployment_and_more_scopes_than_were_asked(site: Site) -> None:
    granted = site.install(WISH | {"scope": SCOPES[0]})
    claims = site.claims()
    deployment = granted[TOOL_CONFIGURATION]["deployment_id"]
    assert claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"] == deployment
    assert deployment.isdigit()
    assert [scope.rpartition("/")[2] for scope in granted["scope"].split()] == [
        "score",
        "result.readonly",
        "lineitem.readonly",
    ]


@only("moodle")
def test_moodle_names_messages_without_placements_and_variables_without_a_dollar(site: Site) -> None:
    platform = site.configuration(site.begin())[PLATFORM]
    assert platform["messages_supported"] == ["LtiResourceLinkRequest", "LtiDeepLinkingRequest"]
    assert "CourseSection.sourcedId" in platform["variables"]
    assert not any(name.startswith(("$", "Canvas")) for name in platform["variables"])


@only("moodle")
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (["sub", "name", "email"], {"name", "given_name", "family_name", "email"}),
        (["sub", "family_name"], {"name", "given_name", "family_name"}),
        (["email"], {"email"}),
        (["sub", "iss"], set()),
    ],
)
def test_moodle_sends_names_and_email_only_when_the_claims_list_asks(
    site: Site, asked: list[str], shown: set[str]
) -> None:
    site.install(changed(claims=asked))
    assert site.claims().keys() & {"name", "given_name", "family_name", "email"} == shown


@only("moodle", "sakai", "blackboard", "brightspace")
def test_custom_parameters_are_filled_where_the_product_lists_the_variable(site: Site) -> None:
    site.install()
    custom = site.claims()["https://purl.imsglobal.org/spec/lti/claim/custom"]
    assert custom == {"section": "ALG1-P3", "who": "T1001", "odd": "$Odd.one"}


# --- Brightspace


@only("brightspace")
def test_brightspace_sends_no_token_and_refuses_a_header_that_it_did_not_ask_for(site: Site) -> None:
    begun = site.begin()
    assert "registration_token" not in begun["url"]
    endpoint = site.configuration(begun)["registration_endpoint"]
    for header in ("Bearer x", "Bearer "):
        answer = requests.post(endpoint, json=WISH, headers={"Authorization": header}, timeout=10)
        assert answer.status_code == 401
    assert requests.post(endpoint, json=WISH, timeout=10).status_code == 200


@only("brightspace")
def test_brightspace_insists_on_its_authorization_server_as_audience(site: Site) -> None:
    named = site.configuration(site.begin())["authorization_server"]
    assert named.startswith("https://")
    site.install()
    assert site.ask_token(aud=site.server.hello["auth_token_url"]).json()["error"] == "invalid_client"
    assert site.ask_token(aud=named).status_code == 200


# --- Blackboard


@only("blackboard")
def test_blackboard_says_another_issuer_in_its_configuration_than_in_its_tokens(site: Site) -> None:
    assert site.configuration(site.begin())["issuer"] == "https://developer.blackboard.com"
    site.install()
    assert site.claims()["iss"] == "https://blackboard.com"


def test_blackboard_serves_its_configuration_from_the_central_host(start_lms: Any) -> None:
    central = Site(start_lms(dialect="blackboard", extra={"endpoint_host": "localhost"}))
    begun = central.begin()
    assert begun["openid_configuration"].startswith("http://localhost:")
    granted = central.install()
    claims = central.claims()
    assert claims["aud"] == granted["client_id"]
    services = claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitems"]
    assert services.startswith(f"{central.base}/learn/api/v1/lti/courses/_101_1/")


def test_blackboard_can_speak_for_this_machine_only(start_lms: Any) -> None:
    local = Site(start_lms(dialect="blackboard", extra={"issuer": "site"}))
    assert local.configuration(local.begin())["issuer"] == local.base
    local.install()
    assert local.claims()["iss"] == local.base


@only("blackboard")
def test_blackboard_has_one_client_for_all_sites_and_a_deployment_for_each(site: Site) -> None:
    first, second = site.install(), site.install()
    assert first["client_id"] == second["client_id"]
    made = site.server.control("deployment", client_id=site.client_id, course="103")["deployment_id"]
    deployment = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
    here, there = site.claims()[deployment], site.claims("103", "bmuller")[deployment]
    assert (there, here != there) == (made, True)


# --- Sakai


@only("sakai")
def test_sakai_lies_below_imsblis_and_each_tool_has_a_deployment_of_its_own(site: Site) -> None:
    config = site.configuration(site.begin())
    for name in ("token_endpoint", "jwks_uri", "registration_endpoint"):
        assert config[name].startswith(f"{site.base}/imsblis/lti13/")
    deployments = []
    for _ in range(2):
        site.install()
        claims = site.claims(tool=site.client_id)
        deployments.append(claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"])
    assert len(set(deployments)) == 2


@only("sakai")
def test_sakai_says_little_of_itself_and_its_configuration_address_has_a_query(site: Site) -> None:
    begun = site.begin()
    assert "/imsblis/lti13/well_known?key=" in begun["openid_configuration"]
    config = site.configuration(begun)
    assert config["scopes_supported"] == ["openid"]
    platform = config[PLATFORM]
    assert platform["product_family_code"] == "sakailms.org"
    assert platform["variables"] == ["Person.email.primary", "User.id"]
    assert all(message["placements"] == [] for message in platform["messages_supported"])
    granted = site.install()
    deployment = site.claims()["https://purl.imsglobal.org/spec/lti/claim/deployment_id"]
    assert granted[TOOL_CONFIGURATION]["deployment_id"] == deployment


@only("sakai")
def test_sakai_needs_no_switching_on(site: Site) -> None:
    site.register(site.begin())
    assert requests.get(f"{site.base}/courses/101/launch", timeout=10).status_code == 200


def test_unknown_dialect_is_refused_with_the_list_of_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lms", "--dialect", "fantasy"]) == 2
    assert "brightspace" in capsys.readouterr().err
