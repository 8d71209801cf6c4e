"""Dynamic Registration as each LMS family speaks it, on the faked wire: quirks, what is asked for, what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from django.test import Client

from lti_tool import families, invites
from lti_tool.models import Institution, Registration

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ALL_SCOPES = f"{AGS}lineitem.readonly {AGS}result.readonly {MEMBERS}"
SOURCE = "https://lms.example.edu/openid"
SITE = "https://school.example.edu"


def configuration(base: str, own: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "registration_endpoint": f"{base}/register",
        PLATFORM: own,
        **changes,
    }


class Lms:
    """A platform on the faked wire, and an administrator's browser in its registration window."""

    def __init__(self, institution: Institution, source: str = SOURCE) -> None:
        self.institution, self.source = institution, source
        self.browser = Client(headers={"host": "localhost:8000"})
        self.token = "one-time"
        self.answer: dict[str, Any] = {"client_id": "made-7", "scope": ALL_SCOPES}

    def serve(self, body: dict[str, Any]) -> None:
        responses.upsert(responses.GET, self.source, json=body)
        responses.upsert(responses.POST, body["registration_endpoint"], json=self.answer)

    def invite(self, institution: Institution | None = None) -> str:
        return f"/lti/register/{invites.make(institution or self.institution)}/"

    def confirm(self, **headers: str) -> str:
        values = {"openid_configuration": self.source, "registration_token": self.token}
        return self.browser.get(self.invite(), values, headers=headers).content.decode()

    def register(self, institution: Institution | None = None, **more: str) -> Any:
        values = {"openid_configuration": self.source, "registration_token": self.token, **more}
        return self.browser.post(self.invite(institution), values)

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the last registration."""
        posts = [call for call in responses.calls if call.request.method == "POST"]
        found: dict[str, Any] = json.loads(posts[-1].request.body or "")
        return found


@pytest.fixture
def lms(db: None, wire: responses.RequestsMock) -> Lms:
    return Lms(Institution.objects.create(name="Hill School"))


def moodle(**own: Any) -> dict[str, Any]:
    """As mod/lti/openid-configuration.php writes it: messages and variables are plain words."""
    known = {
        "product_family_code": "moodle",
        "version": "4.5",
        "messages_supported": ["LtiResourceLinkRequest", "LtiDeepLinkingRequest"],
        "placements": ["AddContentMenu"],
        "variables": ["Context.id", "CourseSection.sourcedId", "Person.sourcedId", "User.id"],
    }
    return configuration("https://lms.example.edu", known | own)


def canvas(**own: Any) -> dict[str, Any]:
    known = {
        "product_family_code": "canvas",
        "messages_supported": [
            {"type": "LtiResourceLinkRequest", "placements": ["course_navigation", f"{CANVAS}post_grades"]}
        ],
        f"{CANVAS}account_name": "Hill University",
        f"{CANVAS}account_lti_guid": "abc:canvas-lms",
    }
    return configuration(
        "https://canvas.instructure.com", known | own, authorization_server="canvas.instructure.com"
    )


@pytest.fixture
def canvas_lms(lms: Lms) -> Lms:
    lms.source = "https://sso.canvaslms.com/api/lti/security/openid-configuration"
    lms.serve(canvas())
    return lms


# --- what the administrator is shown ---


def test_confirm_page_says_in_words_what_is_asked_for(canvas_lms: Lms) -> None:
    page = canvas_lms.confirm()
    for words in (
        "https://canvas.instructure.com",
        "Hill University",
        "Hill School",
        "Read grades (results, read only)",
        "who is in the course",
        "$Canvas.course.sectionSisSourceIds",
        "Sync grades",
        "no right to change anything",
    ):
        assert words in page


def test_canvas_page_offers_the_address_of_the_page_around_it(canvas_lms: Lms) -> None:
    assert f'value="{SITE}"' in canvas_lms.confirm(referer=f"{SITE}/accounts/1/apps")


def test_an_lms_with_an_issuer_of_its_own_is_not_asked_for_its_address(lms: Lms) -> None:
    lms.serve(moodle())
    assert 'name="site"' not in lms.confirm(referer=f"{SITE}/")


def test_a_page_without_trouble_closes_by_itself(lms: Lms) -> None:
    lms.serve(moodle())
    page = lms.register().content.decode()
    assert "What the LMS granted" in page and 'id="close"' not in page and "close.js" in page


def test_a_page_that_tells_what_will_not_work_waits_for_its_reader(lms: Lms) -> None:
    lms.answer["scope"] = f"{AGS}lineitem.readonly {AGS}result.readonly"
    lms.serve(moodle())
    page = lms.register().content.decode()
    assert "cannot be matched to students" in page and 'id="close"' in page
    assert Registration.objects.get().granted_scopes == sorted(lms.answer["scope"].split())


def test_an_answer_without_scopes_claims_nothing(lms: Lms) -> None:
    del lms.answer["scope"]
    lms.serve(moodle())
    page = lms.register().content.decode()
    assert "did not say what it granted" in page and "What will not work" not in page
    assert Registration.objects.get().granted_scopes is None


def test_an_empty_scope_means_nothing_was_granted(lms: Lms) -> None:
    lms.answer["scope"] = ""
    lms.serve(moodle())
    page = lms.register().content.decode()
    assert page.count("<li>") == 3 and "What will not work" in page
    assert Registration.objects.get().granted_scopes == []


# --- Canvas ---


def test_canvas_gets_a_menu_entry_for_staff_and_an_entry_in_the_gradebook(canvas_lms: Lms) -> None:
    canvas_lms.register()
    menu, gradebook = canvas_lms.sent[TOOL]["messages"]
    assert menu["placements"] == ["course_navigation"] and menu[f"{CANVAS}visibility"] == "admins"
    assert gradebook["placements"] == [f"{CANVAS}post_grades"]
    assert {menu["type"], gradebook["type"]} == {"LtiResourceLinkRequest"}
    assert canvas_lms.sent[TOOL][f"{CANVAS}privacy_level"] == "public"


def test_canvas_without_a_gradebook_placement_gets_the_menu_entry_alone(canvas_lms: Lms) -> None:
    messages = [{"type": "LtiResourceLinkRequest", "placements": ["course_navigation"]}]
    canvas_lms.serve(canvas(messages_supported=messages))
    canvas_lms.register()
    assert [one["placements"] for one in canvas_lms.sent[TOOL]["messages"]] == [["course_navigation"]]


def test_canvas_is_asked_for_every_sis_id_it_knows(canvas_lms: Lms) -> None:
    canvas_lms.register()
    asked = canvas_lms.sent[TOOL]["custom_parameters"]
    assert asked == families.CANVAS_VARIABLES
    assert {"$Canvas.user.sisSourceId", "$CourseSection.sourcedId", "$Person.sourcedId"} <= set(
        asked.values()
    )


def test_canvas_bare_authorization_server_is_no_audience(canvas_lms: Lms) -> None:
    canvas_lms.register()
    assert Registration.objects.get().auth_audience == ""


def test_the_schools_own_canvas_address_may_frame_the_tool_and_get_its_tokens(canvas_lms: Lms) -> None:
    canvas_lms.register(site=f"{SITE}/accounts/1")
    row = Registration.objects.get()
    assert (row.service_hosts, row.frame_origins) == (["school.example.edu"], [SITE])
    assert row.name == "Hill University school.example.edu" and row.product == "canvas"


@pytest.mark.parametrize(
    "typed", ["school", "http://school.example.edu", "javascript:alert(1)", "https://a b/"]
)
def test_an_address_that_is_none_is_refused_and_the_invite_kept(canvas_lms: Lms, typed: str) -> None:
    address = canvas_lms.invite()
    values = {"openid_configuration": canvas_lms.source, "registration_token": "t"}
    assert canvas_lms.browser.post(address, values | {"site": typed}).status_code == 400
    assert not Registration.objects.exists()
    assert canvas_lms.browser.post(address, values).status_code == 200


# --- Moodle ---


def test_moodle_names_its_deployment_and_takes_the_tool_as_a_link(lms: Lms) -> None:
    lms.answer[TOOL] = {"deployment_id": "2"}
    lms.serve(moodle())
    lms.register()
    row = Registration.objects.get()
    assert [(one.deployment_id, one.active) for one in row.deployments.all()] == [("2", False)]
    kinds = [message["type"] for message in lms.sent[TOOL]["messages"]]
    assert kinds == ["LtiResourceLinkRequest", "LtiDeepLinkingRequest"]
    assert len({message["target_link_uri"] for message in lms.sent[TOOL]["messages"]}) == 1


def test_moodle_is_asked_only_for_variables_that_it_lists(lms: Lms) -> None:
    lms.serve(moodle())
    lms.register()
    assert lms.sent[TOOL]["custom_parameters"] == {
        "context_id": "$Context.id",
        "section_sourcedid": "$CourseSection.sourcedId",
        "person_sourcedid": "$Person.sourcedId",
    }


def test_moodle_is_asked_for_name_and_email(lms: Lms) -> None:
    lms.serve(moodle())
    lms.register()
    assert {"name", "given_name", "family_name", "email"} <= set(lms.sent[TOOL]["claims"])


# --- Brightspace ---


def test_brightspace_sends_no_token_and_names_its_audience(lms: Lms) -> None:
    lms.token = ""
    audience = "https://api.brightspace.com/auth/token"
    own = {"product_family_code": "desire2learn"}
    lms.serve(configuration("https://lms.example.edu", own, authorization_server=audience))
    lms.register()
    row = Registration.objects.get()
    assert (row.product, row.auth_audience) == ("brightspace", audience)
    assert all("Authorization" not in call.request.headers for call in responses.calls)


# --- Blackboard ---


def blackboard(issuer: str) -> dict[str, Any]:
    own = {
        "product_family_code": "BlackboardLearn",
        "messages_supported": [{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest"}],
    }
    return configuration("https://developer.blackboard.com", own, issuer=issuer)


@pytest.mark.parametrize("named", ["https://developer.blackboard.com", "https://blackboard.com"])
def test_blackboards_issuer_is_the_one_that_its_launches_name(lms: Lms, named: str) -> None:
    lms.source = "https://developer.blackboard.com/api/v1/gateway/openid"
    lms.serve(blackboard(named))
    lms.register(site="https://learn.example.edu")
    row = Registration.objects.get()
    assert (row.issuer, row.product) == ("https://blackboard.com", "blackboard")
    assert row.service_hosts == ["learn.example.edu"] and not row.deployments.exists()


def test_no_other_family_has_its_issuer_changed(lms: Lms) -> None:
    lms.source = "https://developer.example.edu/openid"
    lms.serve(configuration("https://developer.example.edu", {"product_family_code": "moodle"}))
    lms.register()
    assert Registration.objects.get().issuer == "https://developer.example.edu"


# --- Sakai ---


def test_sakai_is_known_by_its_product_code_and_takes_links(lms: Lms) -> None:
    own = {"product_family_code": "sakailms.org", "variables": ["User.id", "Person.email.primary"]}
    lms.serve(configuration("https://lms.example.edu", own))
    lms.register()
    assert Registration.objects.get().product == "sakai"
    assert lms.sent[TOOL]["messages"][1]["type"] == "LtiDeepLinkingRequest"
    # it lists two variables and fills many more
    assert lms.sent[TOOL]["custom_parameters"]["section_sourcedid"] == "$CourseSection.sourcedId"


# --- any ---


def test_a_platform_without_a_list_of_variables_is_asked_for_the_common_ones(lms: Lms) -> None:
    lms.serve(configuration("https://lms.example.edu", {}))
    lms.register()
    assert lms.sent[TOOL]["custom_parameters"] == families.COMMON_VARIABLES


@pytest.mark.parametrize(
    ("messages", "linked"),
    [
        (["LtiResourceLinkRequest", "LtiDeepLinkingRequest"], True),
        ([{"type": "LtiDeepLinkingRequest"}], True),
        ([{"type": "LtiResourceLinkRequest"}], False),
        ([], False),
    ],
)
def test_an_unknown_product_gets_deep_linking_where_it_lists_it(
    lms: Lms, messages: list[Any], linked: bool
) -> None:
    lms.serve(configuration("https://lms.example.edu", {"messages_supported": messages}))
    lms.register()
    kinds = {message["type"] for message in lms.sent[TOOL]["messages"]}
    assert ("LtiDeepLinkingRequest" in kinds) == linked


@pytest.mark.parametrize(
    "own",
    [
        {"variables": "all"},
        {"variables": [7, None], "messages_supported": "none"},
        {"messages_supported": [{"placements": 3}, 4]},
        {"product_family_code": ["canvas"], "version": {}},
    ],
)
def test_odd_types_in_a_configuration_do_no_harm(lms: Lms, own: dict[str, Any]) -> None:
    lms.serve(configuration("https://lms.example.edu", own))
    assert "lms.example.edu" in lms.confirm()
    assert lms.register().status_code == 200


@pytest.mark.parametrize(
    ("code", "product"),
    [
        ("canvas", "canvas"),
        ("moodle", "moodle"),
        ("desire2learn", "brightspace"),
        ("BlackboardLearn", "blackboard"),
        ("sakailms.org", "sakai"),
        ("Schoology", "schoology"),
        ("Open edX", "openedx"),
        ("Totally New", "totally new"),
        ("", ""),
    ],
)
def test_product_codes_become_our_words(code: str, product: str) -> None:
    assert families.product_of(code) == product


# --- the same client again ---


def test_a_client_id_of_another_institution_is_refused_in_words(lms: Lms) -> None:
    lms.serve(moodle())
    lms.register()
    dale = Institution.objects.create(name="Dale School")
    response = lms.register(dale)
    assert response.status_code == 400
    assert "Another institution" in response.content.decode() and "Hill" not in response.content.decode()
    assert Registration.objects.get().institution == lms.institution
