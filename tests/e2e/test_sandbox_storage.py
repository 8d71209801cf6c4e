"""The pretend LMS's storage for tools, and the hostile page, in a browser: who is answered, and with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.sandbox_servers import Server

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

# asks as a tool in the frame asks, and resolves with the answer's text and origin; null after half a second of silence
ASK = """([target, origin, data]) => new Promise((resolve) => {
    const to = target === "_parent" ? window.parent : window.parent.frames[target];
    const answered = ({data, origin}) => resolve({...data, origin});
    window.addEventListener("message", answered, {once: true});
    setTimeout(() => resolve(null), 500);
    to.postMessage(data, origin);
})"""
FRAME = "post_message_forwarding"

StartLms = Callable[..., Server]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def tool(start_lms: StartLms) -> Server:
    """Some server of another site, whose pages play the tool."""
    return start_lms()


class Course:
    """A course page of the LMS on localhost, with a page of 127.0.0.1 in the tool's frame."""

    def __init__(self, page: Page, lms: Server, tool: Server) -> None:
        lms.control("tool", login_url=f"{tool.base_url}/courses/1/grade", launch_url=f"{tool.base_url}/x")
        self.page, self.tool = page, tool
        self.origin = lms.base_url.replace("127.0.0.1", "localhost")
        self.open()

    def open(self) -> None:
        self.page.goto(f"{self.origin}/courses/101/tool", wait_until="networkidle")

    @property
    def frame(self) -> Frame:
        found = self.page.frame(name="tool")
        assert found and found.url.startswith(self.tool.base_url)
        return found

    def ask(self, subject: str, target: str = FRAME, origin: str = "", **data: Any) -> Any:
        message = {"subject": subject, "message_id": "m-1", **data}
        return self.frame.evaluate(ASK, [target, origin or self.origin, message])


def test_tool_finds_again_what_it_stored_also_after_the_page_was_reloaded(
    page: Page, start_lms: StartLms, tool: Server
) -> None:
    course = Course(page, start_lms(extra={"storage": "1"}), tool)
    put = course.ask("lti.put_data", key="state-1", value="abc")
    assert put == {
        "subject": "lti.put_data.response",
        "message_id": "m-1",
        "key": "state-1",
        "value": "abc",
        "origin": course.origin,
    }
    course.open()
    assert course.ask("lti.get_data", key="state-1")["value"] == "abc"
    assert course.ask("lti.get_data", key="constructor")["value"] is None
    course.ask("lti.put_data", key="state-1", value=None)
    assert course.ask("lti.get_data", key="state-1")["value"] is None


def test_page_around_tells_which_frame_stores(page: Page, start_lms: StartLms, tool: Server) -> None:
    course = Course(page, start_lms(extra={"storage": "1"}), tool)
    for target in ("_parent", FRAME):
        told = course.ask("lti.capabilities", target)["supported_messages"]
        assert {"subject": "lti.get_data", "frame": FRAME} in told
    assert course.ask("lti.put_data", "_parent", key="k", value="v") is None


def test_page_around_may_store_itself(page: Page, start_lms: StartLms, tool: Server) -> None:
    course = Course(page, start_lms(extra={"storage": "parent"}), tool)
    assert {"subject": "lti.put_data"} in course.ask("lti.capabilities", "_parent")["supported_messages"]
    course.ask("lti.put_data", "_parent", key="k", value="v")
    assert course.ask("lti.get_data", "_parent", key="k")["value"] == "v"


def test_without_the_option_nobody_answers(page: Page, start_lms: StartLms, tool: Server) -> None:
    course = Course(page, start_lms(), tool)
    assert course.ask("lti.capabilities", "_parent") is None
    assert page.frame(name=FRAME) is None


def test_another_site_reads_nothing_of_the_tool(page: Page, start_lms: StartLms, tool: Server) -> None:
    lms, other = start_lms(extra={"storage": "1"}), start_lms()
    course = Course(page, lms, tool)
    course.ask("lti.put_data", key="k", value="v")
    assert Course(page, lms, other).ask("lti.get_data", key="k")["value"] is None


def test_message_to_the_wrong_origin_does_not_arrive(page: Page, start_lms: StartLms, tool: Server) -> None:
    course = Course(page, start_lms(extra={"storage": "1"}), tool)
    assert course.ask("lti.put_data", origin="https://elsewhere.example", key="k", value="v") is None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"key": "", "value": "v"}, "bad_request"),
        ({"key": "k", "value": 7}, "bad_request"),
        ({"key": "k", "value": "v", "message_id": None}, "bad_request"),
        ({"key": "k", "value": "v" * 5000}, "storage_exhaustion"),
    ],
)
def test_bad_request_is_answered_with_an_error(
    page: Page, start_lms: StartLms, tool: Server, message: dict[str, Any], code: str
) -> None:
    course = Course(page, start_lms(extra={"storage": "1"}), tool)
    assert course.ask("lti.put_data", **message)["error"]["code"] == code


def test_faults_spoil_the_storage(page: Page, start_lms: StartLms, tool: Server) -> None:
    lms = start_lms(extra={"storage": "1"})
    course = Course(page, lms, tool)
    course.ask("lti.put_data", key="k", value="v")
    lms.faults.on("storage-silent", count=1, subject="lti.get_data")
    course.open()
    assert course.ask("lti.get_data", key="k") is None
    assert course.ask("lti.put_data", key="k", value="v")["value"] == "v"
    lms.faults.on("storage-wrong-value", count=1)
    course.open()
    assert course.ask("lti.get_data", key="k")["value"] == "somebody-elses"
    lms.faults.on("storage-error", count=1)
    course.open()
    assert course.ask("lti.get_data", key="k")["error"]["code"] == "storage_exhaustion"
    course.open()
    assert course.ask("lti.get_data", key="k")["value"] == "v"


def test_hostile_page_hears_and_answers_who_speaks_to_everybody(
    page: Page, start_lms: StartLms, tool: Server
) -> None:
    evil = start_lms()
    framed = f"{tool.base_url}/courses/101"
    page.goto(f"{evil.base_url.replace('127.0.0.1', 'localhost')}/_sandbox/hostile?frame={framed}&value=evil")
    page.wait_for_load_state("networkidle")
    frame = page.frame(name="tool")
    assert frame
    asked = {"subject": "lti.get_data", "key": "k", "message_id": "m-9"}
    assert frame.evaluate(ASK, ["_parent", "*", asked])["value"] == "evil"
    page.wait_for_function("window.received.some((one) => one.data.message_id === 'm-9')")
    assert page.evaluate("window.answered[0].value") == "evil"
    frame.evaluate(ASK, [FRAME, "*", asked | {"message_id": "m-10"}])
    page.wait_for_function("window.received.some((one) => one.by === 'post_message_forwarding')")
    frame.evaluate(ASK, ["_parent", "https://lms.example", asked | {"message_id": "careful"}])
    assert not page.evaluate("window.received.some((one) => one.data.message_id === 'careful')")
    assert page.evaluate("window.stolen") == []
