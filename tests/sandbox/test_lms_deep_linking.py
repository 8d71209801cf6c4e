"""A teacher adds the tool as a link: what the platform asks, which answers it takes, and how the link opens."""

from __future__ import annotations

import time
import uuid
from html import escape
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from gradesync_site.sandbox.lms.launch import LaunchFailed, bring_link, choose_link, open_link
from tests.sandbox.dialect_site import MESSAGE, Site, changed
from tests.sandbox.lms_tool import KEY, KID, ORIGIN, Tool, install

pytest_plugins = ["tests.sandbox_servers"]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKS = "https://purl.imsglobal.org/spec/lti-dl/claim/"
PRODUCTS = ("moodle", "brightspace", "blackboard", "sakai")
ITEM = {"type": "ltiResourceLink", "title": "Grades & more", "custom": {"colour": "red"}}
OTHER_KEY = "another key"


class Choosing(Tool):
    """A tool that answers a deep linking request with whatever a test wants of it."""

    def answer(self, key: Any = KEY, **changes: Any) -> SimpleNamespace:
        claims = self.claims()
        settings = claims[f"{DEEP_LINKS}deep_linking_settings"]
        now = int(time.time())
        made = {
            "iss": claims["aud"],
            "aud": claims["iss"],
            "iat": now - 1,
            "exp": now + 60,
            "nonce": uuid.uuid4().hex,
            f"{LTI}deployment_id": claims[f"{LTI}deployment_id"],
            f"{LTI}message_type": "LtiDeepLinkingResponse",
            f"{LTI}version": "1.3.0",
            f"{DEEP_LINKS}data": settings["data"],
            f"{DEEP_LINKS}content_items": [ITEM],
        }
        made = {name: value for name, value in (made | changes).items() if value is not None}
        return form(settings["deep_link_return_url"], jwt.encode(made, key, "RS256", headers={"kid": KID}))


def form(action: str, token: str) -> SimpleNamespace:
    page = f'<form action="{escape(action)}" method="post"><input name="JWT" value="{token}"></form>'
    return SimpleNamespace(status_code=200, content=page.encode())


@pytest.fixture
def site(start_lms: Any, request: pytest.FixtureRequest) -> Site:
    made = Site(start_lms(dialect=request.param))
    install(made.base)
    return made


def only(*dialects: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("site", dialects or ("moodle",), indirect=True)


def choosing(site: Site, user: str = "11") -> Choosing:
    tool = Choosing(site.base, hello=site.server.hello)
    choose_link(site.base, "101", user, tool)
    return tool


def links(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.server.state["courses"]["101"].get("links", [])
    return found


@only(*PRODUCTS)
def test_request_says_what_the_platform_takes(site: Site) -> None:
    claims = choosing(site).claims()
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingRequest"
    assert f"{LTI}resource_link" not in claims
    assert claims[f"{LTI}context"]["title"] == "Algebra 1, Period 3"
    settings = claims[f"{DEEP_LINKS}deep_linking_settings"]
    assert settings["accept_types"] == ["ltiResourceLink"]
    assert settings["deep_link_return_url"].startswith(site.base)
    assert settings["data"]


@only(*PRODUCTS)
def test_link_that_the_tool_answers_with_opens_the_tool(site: Site) -> None:
    page = bring_link(choosing(site).answer())
    assert page.status_code == 200
    assert "Grades &amp; more" in page.text
    [link] = links(site)
    tool = Tool(site.base, hello=site.server.hello)
    open_link(site.base, "101", "11", link["id"], tool)
    claims = tool.claims()
    assert claims[f"{LTI}message_type"] == "LtiResourceLinkRequest"
    assert claims[f"{LTI}resource_link"] == {"id": link["id"], "title": "Grades & more"}
    assert claims[f"{LTI}custom"]["colour"] == "red"
    shown = requests.get(f"{site.base}/courses/101", timeout=10).text
    assert f"/courses/101/tool?link={link['id']}" in shown


@only()
def test_link_may_name_a_page_of_the_tool(site: Site) -> None:
    url = f"{ORIGIN}/lti/launch/?page=2"
    bring_link(choosing(site).answer(**{f"{DEEP_LINKS}content_items": [ITEM | {"url": url}]}))
    tool = Tool(site.base, hello=site.server.hello)
    open_link(site.base, "101", "11", links(site)[0]["id"], tool)
    assert tool.login["target_link_uri"] == tool.claims()[f"{LTI}target_link_uri"] == url


def test_request_goes_where_the_tool_registered_for_it(start_lms: Any) -> None:
    message = MESSAGE | {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{ORIGIN}/lti/choose/"}
    other = Site(start_lms(dialect="moodle"))
    other.install(changed(messages=[MESSAGE, message]))
    tool = choosing(other)
    assert tool.claims()[f"{LTI}target_link_uri"] == f"{ORIGIN}/lti/choose/"


now = int(time.time())
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("another key", {"key": OTHER_KEY}, "signature"),
    ("unknown client", {"iss": "somebody"}, "iss must be"),
    ("audience", {"aud": "https://other.example"}, "audience"),
    ("ended", {"exp": now - 3600}, "expired"),
    ("from the future", {"iat": now + 3600}, "iat"),
    ("no nonce", {"nonce": None}, "nonce"),
    ("nonce no text", {"nonce": 7}, "nonce"),
    ("no expiry", {"exp": None}, "exp"),
    ("deployment", {f"{LTI}deployment_id": "77"}, "deployment_id"),
    ("message type", {f"{LTI}message_type": "LtiResourceLinkRequest"}, "message_type"),
    ("version", {f"{LTI}version": "1.2.0"}, "version"),
    ("data", {f"{DEEP_LINKS}data": "made up"}, "letter for letter"),
    ("no data", {f"{DEEP_LINKS}data": None}, "letter for letter"),
    (
        "item type",
        {f"{DEEP_LINKS}content_items": [{"type": "file", "url": f"{ORIGIN}/x"}]},
        "ltiResourceLink",
    ),
    ("two items", {f"{DEEP_LINKS}content_items": [ITEM, ITEM]}, "several"),
    ("items no list", {f"{DEEP_LINKS}content_items": ITEM}, "list"),
    (
        "foreign host",
        {f"{DEEP_LINKS}content_items": [ITEM | {"url": "https://evil.example/"}]},
        "another host",
    ),
]


@only()
@pytest.mark.parametrize(("changes", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_answer_is_refused_in_words_and_makes_no_link(
    site: Site, changes: dict[str, Any], words: str
) -> None:
    if changes.get("key") == OTHER_KEY:
        changes = {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
    page = bring_link(choosing(site).answer(**changes))
    assert page.status_code == 400
    assert words.lower() in page.text.lower()
    assert links(site) == []


@only()
def test_answer_counts_once(site: Site) -> None:
    answer = choosing(site).answer()
    assert bring_link(answer).status_code == 200
    assert bring_link(answer).status_code == 400
    assert len(links(site)) == 1


@only()
def test_nonce_counts_once_over_all_answers(site: Site) -> None:
    pages = [bring_link(choosing(site).answer(nonce="the-same")) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 400]
    assert "nonce" in pages[1].text


@only()
def test_answer_without_a_token_is_refused(site: Site) -> None:
    address = choosing(site).claims()[f"{DEEP_LINKS}deep_linking_settings"]["deep_link_return_url"]
    for token in ("", "not a token"):
        assert bring_link(form(address, token)).status_code == 400


@only()
def test_tool_may_choose_nothing_and_say_why(site: Site) -> None:
    told = {f"{DEEP_LINKS}errormsg": "Only one link for each course", f"{DEEP_LINKS}errorlog": "code 8"}
    page = bring_link(choosing(site).answer(**{f"{DEEP_LINKS}content_items": [], **told}))
    assert "Only one link for each course" in page.text
    assert links(site) == []
    heard = requests.get(f"{site.base}/_sandbox/returns", timeout=10).json()["returns"][-1]
    assert heard["lti_errorlog"] == "code 8"


@only()
def test_only_a_teacher_adds_links(site: Site) -> None:
    with pytest.raises(LaunchFailed, match=r"403.*add links"):
        choosing(site, "5001")


@only("canvas")
def test_canvas_offers_the_menu_and_no_link(site: Site) -> None:
    page = requests.get(f"{site.base}/courses/101", timeout=10).text
    assert "/courses/101/tool" in page
    assert "Add a link" not in page


@only(*PRODUCTS)
def test_others_offer_a_link_and_no_entry_in_the_menu(site: Site) -> None:
    page = requests.get(f"{site.base}/courses/101", timeout=10).text
    assert 'href="/courses/101/tool"' not in page
    assert 'href="/courses/101/tool?message=deep_linking"' in page
    framed = requests.get(f"{site.base}/courses/101/tool?message=deep_linking", timeout=10).text
    assert 'src="/courses/101/launch?message=deep_linking"' in framed
