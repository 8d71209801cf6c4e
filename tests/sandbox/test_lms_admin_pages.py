"""The administrator's page of the pretend LMS: a pasted address, the tool's page in a frame or window, the switch."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.lms.vocabulary import SCOPES
from tests.sandbox.dialect_site import WISH, Site
from tests.sandbox.lms_tool import ORIGIN

pytest_plugins = ["tests.sandbox_servers"]


def pasted(site: Site, **more: str) -> requests.Response:
    form = {"tool_url": f"{ORIGIN}/lti/register/invite/?a=1"} | more
    return requests.post(f"{site.base}/admin/register", form, timeout=10)


def test_canvas_opens_the_tool_in_a_frame_with_configuration_and_token(start_lms: Any) -> None:
    site = Site(start_lms(dialect="canvas"))
    assert "a window" not in requests.get(f"{site.base}/admin/tools", timeout=10).text
    page = pasted(site, opens="window").text
    found = re.search(r'<iframe id="registration" src="([^"]+)"', page)
    assert found is not None
    address = unescape(found[1])
    assert address.startswith(f"{ORIGIN}/lti/register/invite/?a=1&openid_configuration=http")
    assert "registration_token=" in address
    assert f'data-origin="{ORIGIN}" data-subject="org.imsglobal.lti.close"' in page


def test_others_may_open_a_window(start_lms: Any) -> None:
    site = Site(start_lms(dialect="brightspace"))
    page = pasted(site, opens="window").text
    assert "<iframe" not in page
    assert "registration_token" not in page
    assert f'data-url="{ORIGIN}/lti/register/invite/' in page


@pytest.mark.parametrize("wrong", ["tool.example/register", "javascript:alert(1)", "https://"])
def test_half_an_address_is_refused_in_words(start_lms: Any, wrong: str) -> None:
    answer = pasted(Site(start_lms(dialect="moodle")), tool_url=wrong)
    assert answer.status_code == 400
    assert "Paste the whole registration address" in answer.text


def test_registered_tool_stands_there_until_it_is_switched_on(start_lms: Any) -> None:
    site = Site(start_lms(dialect="canvas"))
    client_id = site.register(site.begin()).json()["client_id"]
    page = requests.get(f"{site.base}/admin/tools?closed=1", timeout=10).text
    assert WISH["client_name"] in page
    assert "not switched on yet" in page
    form = {"scope": list(SCOPES[:1])}
    shown = requests.post(f"{site.base}/admin/tools/{client_id}/enable", form, timeout=10).text
    assert "in use" in shown
    tool = site.server.state["tools"][client_id]
    assert (tool["enabled"], tool["scopes"]) == (True, list(SCOPES[:1]))


def test_tool_that_nobody_knows_cannot_be_switched_on(start_lms: Any) -> None:
    site = Site(start_lms(dialect="canvas"))
    assert requests.post(f"{site.base}/admin/tools/nobody/enable", timeout=10).status_code == 404
