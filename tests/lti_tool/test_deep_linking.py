"""Deep linking: the LMS asks for a link, and gets one, signed (Deep Linking 2.0)."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.http import HttpResponse

from lti_tool import keys
from lti_tool.models import Context, Deployment, LtiSession
from tests.lti_tool.platform import GONE, Platform
from tests.lti_tool.test_cookieless import SCRIPT, Frame

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
WISH = {
    "deep_link_return_url": "https://lms.example.edu/links",
    "accept_types": ["link", "ltiResourceLink"],
    "accept_presentation_document_targets": ["iframe"],
    "data": 'csrf:"7" & <more>',
}


def ask(platform: Platform, wish: Any = None, **claims: Any) -> HttpResponse:
    begun = platform.begun()
    body = platform.claims(begun["nonce"], message_type="LtiDeepLinkingRequest", resource_link=GONE, **claims)
    body[DL + "deep_linking_settings"] = WISH if wish is None else wish
    return platform.post(begun["state"], platform.sign(body))


def answer_of(response: HttpResponse) -> dict[str, Any]:
    token = unescape(re.findall(r'name="JWT" value="([^"]+)"', response.content.decode())[0])
    key = jwt.PyJWK(keys.jwks()["keys"][0], algorithm="RS256")
    assert jwt.get_unverified_header(token)["kid"] == keys.active_key().kid
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience="https://lms.example.edu", issuer="tool-1"
    )
    return claims


def test_answer_is_one_link_to_this_tool(platform: Platform) -> None:
    response = ask(platform)
    claims = answer_of(response)
    assert response.status_code == 200
    assert 'action="https://lms.example.edu/links"' in response.content.decode()
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[LTI + "version"] == "1.3.0" and claims[LTI + "deployment_id"] == "dep-1"
    (item,) = claims[DL + "content_items"]
    assert (item["type"], item["url"]) == ("ltiResourceLink", "https://localhost:8000/lti/launch/")
    assert claims["exp"] > claims["iat"] and claims["nonce"]


def test_data_is_echoed_to_the_letter_and_left_out_where_none_came(platform: Platform) -> None:
    assert answer_of(ask(platform))[DL + "data"] == WISH["data"]
    without = {name: value for name, value in WISH.items() if name != "data"}
    assert DL + "data" not in answer_of(ask(platform, without))


def test_nothing_is_stored_for_a_link(platform: Platform) -> None:
    ask(platform)
    assert not Context.objects.exists() and not LtiSession.objects.exists()


def test_form_may_leave_for_the_lms_alone(platform: Platform) -> None:
    policy = ask(platform).headers["Content-Security-Policy"]
    assert "form-action 'self' https://lms.example.edu;" in policy


def test_link_for_a_host_not_known_yet_is_sent_by_a_person_who_sees_where_it_goes(platform: Platform) -> None:
    response = ask(platform, WISH | {"deep_link_return_url": "https://hill.example.org/links"})
    page = response.content.decode()
    assert "hill.example.org" in page and "data-submit-itself" not in page
    assert answer_of(response)
    assert "data-submit-itself" in ask(platform).content.decode()


REFUSED: dict[str, tuple[Any, str]] = {
    "no settings": (GONE, "missing:deep_linking_settings"),
    "settings as text": ("x", "malformed:deep_linking_settings"),
    "no address": ({"accept_types": ["ltiResourceLink"]}, "missing:deep_link_return_url"),
    "address of a script": (
        WISH | {"deep_link_return_url": "javascript:x"},
        "malformed:deep_link_return_url",
    ),
    "plain http": (WISH | {"deep_link_return_url": "http://lms.example.edu/"}, "link-elsewhere"),
    "files only": (WISH | {"accept_types": ["file"]}, "no-link-wanted"),
    "no types": ({"deep_link_return_url": "https://lms.example.edu/links"}, "missing:accept_types"),
    "data as a number": (WISH | {"data": 7}, "malformed:data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wish_that_cannot_be_met_is_refused_with_words(platform: Platform, name: str) -> None:
    wish, code = REFUSED[name]
    begun = platform.begun()
    body = platform.claims(begun["nonce"], message_type="LtiDeepLinkingRequest", resource_link=GONE)
    if wish is not GONE:
        body[DL + "deep_linking_settings"] = wish
    response = platform.post(begun["state"], platform.sign(body))
    assert response.status_code == 400
    assert f"administrator: {code}" in response.content.decode()
    assert "JWT" not in response.content.decode()


def test_deployment_that_nobody_approved_gets_no_link(platform: Platform) -> None:
    Deployment.objects.update(active=False)
    response = ask(platform)
    assert response.status_code == 403 and "JWT" not in response.content.decode()


def test_link_for_a_new_host_may_leave_from_the_page_that_asked_the_storage(platform: Platform) -> None:
    """Without a cookie the answer is shown in the page that holds the message: that page's policy counts."""
    frame = Frame(platform)
    checked = frame.check(lti_storage_target="_parent")
    asked = parse_qs(urlsplit(checked["next"]).query)
    body = platform.claims(
        asked["nonce"][0],
        message_type="LtiDeepLinkingRequest",
        resource_link=GONE,
        launch_presentation=GONE,
    )
    body[DL + "deep_linking_settings"] = WISH | {"deep_link_return_url": "https://hill.example.org/links"}
    fields = {"state": asked["state"][0], "id_token": platform.sign(body)}
    policy = frame.post(fields).headers["Content-Security-Policy"]
    assert "https://hill.example.org" in policy.split("form-action")[1].split(";")[0]
    assert "https://hill.example.org" in policy.split("frame-ancestors")[1]
    assert answer_of(frame.post({**fields, "browser": checked["secret"]}, **SCRIPT))


def test_huge_data_comes_back_whole(platform: Platform) -> None:
    data = "é<\"'&" * 2_000
    assert answer_of(ask(platform, WISH | {"data": data}))[DL + "data"] == data
