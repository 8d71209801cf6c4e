"""A launch without a browser: opens the tool from a course page and follows every redirect and form by hand."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests

TIMEOUT_S = 30


class LaunchFailed(Exception):
    """The launch ended before the tool was reached; the text says at which step."""


def launch(
    lms_base: str,
    course_id: object,
    user_id: object,
    tool_client: Any = None,
) -> Any:
    """Logs `user_id` (number, login or SIS id) in, opens the course's tool and returns the tool's answer to the launch.

    An accepted launch answers with a redirect, which is not followed. Raises LaunchFailed when the LMS or the tool's
    login refuses before that; the LMS's errors to the tool are posted to it, as in a browser. `tool_client` is a
    `django.test.Client`, or a `requests.Session` (default: a new one) for a tool that listens.
    """
    tool_client = requests.Session() if tool_client is None else tool_client
    return post(tool_client, *begin(lms_base, course_id, user_id, tool_client))


def open_link(lms_base: str, course_id: object, user_id: object, link_id: str, tool_client: Any) -> Any:
    """As `launch`, by a link that somebody added to the course."""
    return post(tool_client, *begin(lms_base, course_id, user_id, tool_client, link=link_id))


def choose_link(lms_base: str, course_id: object, user_id: object, tool_client: Any) -> Any:
    """A teacher adds the tool as a link: the tool's answer to the LtiDeepLinkingRequest."""
    return post(tool_client, *begin(lms_base, course_id, user_id, tool_client, message="deep_linking"))


def bring_link(chosen: Any, asked: str = "") -> requests.Response:
    """Posts the form of the tool's answer (its LtiDeepLinkingResponse) to the LMS; returns the LMS's page, also a refusal."""
    address, fields = _form(chosen, asked)
    return requests.post(address, data=fields, timeout=TIMEOUT_S)


def begin(
    lms_base: str, course_id: object, user_id: object, tool_client: Any, **how: str
) -> tuple[str, dict[str, str]]:
    """All of a launch but its last step: the address and the form that the browser would now post to the tool.

    `how` goes to the LMS's launch page: `tool` (a client id), `link`, `message`.
    """
    browser = requests.Session()
    tool = _Tool(tool_client)
    start = f"{lms_base}/courses/{course_id}/launch{'?' if how else ''}{urlencode(how)}"
    _expect(browser.post(f"{lms_base}/login", {"user": str(user_id)}, timeout=TIMEOUT_S), "logging in")
    login_url, fields = _form(_expect(browser.get(start, timeout=TIMEOUT_S), "opening the tool"), start)
    sent_to = tool.onward(tool.post(login_url, fields), login_url)
    answered = _expect(browser.get(sent_to, timeout=TIMEOUT_S), "the LMS's authentication")
    return _form(answered, sent_to)


def post(tool_client: Any, url: str, fields: dict[str, str]) -> Any:
    """The last step, with the client that began, or with another."""
    return _Tool(tool_client).post(url, fields)


class _Tool:
    """Speaks to the tool by full URL, through a Django test client or over HTTP."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def post(self, url: str, fields: dict[str, str]) -> Any:
        if isinstance(self._client, requests.Session):
            return self._client.post(url, data=fields, timeout=TIMEOUT_S, allow_redirects=False)
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self._client.post(path, fields, secure=parts.scheme == "https", headers={"host": parts.netloc})

    def onward(self, response: Any, asked: str) -> str:
        """To the LMS's authentication: by a redirect, or by the link of a page that first looks at the browser."""
        location: str = response.headers.get("Location") or ""
        if response.status_code in (301, 302, 303, 307, 308) and location:
            return urljoin(asked, location)
        found = _read(response).onward if response.status_code == 200 else None
        if found is None:
            raise LaunchFailed(f"The tool's login answered {response.status_code} instead of a redirect.")
        return urljoin(asked, found)


def _expect(response: requests.Response, step: str) -> requests.Response:
    if response.status_code >= 400:
        raise LaunchFailed(f"{step} failed with {response.status_code}: {_words(response.text)}")
    return response


def _form(response: Any, url: str) -> tuple[str, dict[str, str]]:
    """Address and fields of the page's form."""
    reader = _read(response)
    if reader.action is None:
        raise LaunchFailed(f"{urlsplit(url).path} has no form to send on.")
    return urljoin(url, reader.action), reader.fields


def _read(response: Any) -> _PageReader:
    """Of a page by requests or by Django's test client."""
    reader = _PageReader()
    reader.feed(response.content.decode("utf-8", "replace"))
    return reader


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.onward: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.action = values.get("action") or ""
        elif tag == "a" and values.get("id") == "continue" and "next" in (values.get("rel") or "").split():
            self.onward = values.get("href")
        elif tag == "input" and values.get("name"):
            self.fields[str(values["name"])] = values.get("value") or ""


class _WordReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _words(page: str) -> str:
    reader = _WordReader()
    reader.feed(page)
    return " ".join(" ".join(reader.words).split())[:300]
