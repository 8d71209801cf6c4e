"""Pages as the LMSs send them, byte for byte over a real socket: each dialect is read whole, or is an error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lti_tool import http
from lti_tool.models import Registration
from lti_tool.paging import BadLink, next_link
from lti_tool.services import ServiceBroken, ServiceRefused, Services
from tests.lti_tool.platform import Platform

pytestmark = pytest.mark.usefixtures("allow_local")

READ_ONLY = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"


@dataclass
class Dialect:
    """`targets`: what each page is asked for by, path and query; `links`: its Link header lines, given the next target."""

    targets: tuple[str, ...]
    links: Callable[[str, str], list[bytes]]
    name: bytes = b"Link"
    extra: dict[str, Any] = field(default_factory=dict)


def canvas(base: str, target: str) -> list[bytes]:
    first = f"{base}/api/lti/courses/7/line_items?page=first&per_page=10"
    return [
        f'<{first}>; rel="current",<{base}{target}>; rel="next",<{first}>; rel="first"'.encode(),
    ]


def plain(text: str) -> Callable[[str, str], list[bytes]]:
    return lambda base, target: [text.format(base=base, target=target).encode()]


DIALECTS = {
    # opaque bookmarks in which case matters
    "canvas": Dialect(
        (
            "/api/lti/courses/7/line_items",
            "/api/lti/courses/7/line_items?page=bookmark:WyJBYkMiLDEyXQ&per_page=10",
            "/api/lti/courses/7/line_items?page=bookmark:WyJhYmMiLDEyXQ&per_page=10",
        ),
        canvas,
        b"link",
    ),
    "moodle, its typographic quotes in UTF-8": Dialect(
        ("/mod/lti/services.php/2/lineitems?type_id=3", "/mod/lti/services.php/2/lineitems?type_id=3&from=1"),
        plain("<{base}{target}>; rel=“next”"),
    ),
    "moodle, its quotes decoded and encoded once too often": Dialect(
        ("/2/lineitems?type_id=3", "/2/lineitems?type_id=3&from=1"),
        lambda base, target: [f"<{base}{target}>; rel=“next”".encode().decode("latin-1").encode()],
    ),
    "moodle, its quotes through a Windows code page": Dialect(
        ("/2/lineitems?type_id=3", "/2/lineitems?type_id=3&from=1"),
        lambda base, target: [f"<{base}{target}>; rel=â€œnextâ€".encode()],
    ),
    "moodle, its quotes beside a byte that is no UTF-8": Dialect(
        ("/2/lineitems?type_id=3", "/2/lineitems?type_id=3&from=1"),
        lambda base, target: [
            b"<%s>; title=\xe9; rel=\xe2\x80\x9cnext\xe2\x80\x9d" % (base + target).encode()
        ],
    ),
    "moodle, its ampersands escaped": Dialect(
        ("/2/lineitems?type_id=3", "/2/lineitems?type_id=3&from=1"),
        lambda base, target: [f'<{base}{target.replace("&", "&amp;")}>; rel="next"'.encode()],
    ),
    "brightspace, two hundred and a bookmark": Dialect(
        ("/d2l/api/lti/ags/2.0/deployment/1/orgunit/6/lineitems", "/d2l/next?bookmark=aGVsbG8+Lw=="),
        plain('<{base}{target}>; rel="next"'),
    ),
    "blackboard, not quoted": Dialect(
        ("/learn/api/v1/lti/courses/1/lineItems", "/learn/api/v1/lti/courses/1/lineItems?offset=100"),
        plain("<{base}{target}>;rel=next"),
    ),
    "open edx, no Link at all": Dialect(("/api/lti_consumer/v1/lti/1/lti-ags",), lambda base, target: []),
    "sakai, columns of others to be read only": Dialect(
        ("/imsblis/lti13/lineitems/a:b:c",), lambda base, target: [], extra={READ_ONLY: True}
    ),
    "relative to the host": Dialect(("/a/items", "/a/Items?Page=2"), plain('<{target}>; rel="next"')),
    "relative query": Dialect(
        ("/a/items?type=3", "/a/items?type=3&page=2"), plain('<?type=3&page=2>; rel="next"')
    ),
    "relative to the scheme": Dialect(
        ("/a/items", "/a/items?page=2"),
        lambda base, target: [f'<{base.removeprefix("http:")}{target}>; rel="next"'.encode()],
    ),
    "several headers": Dialect(
        ("/a/items", "/a/items?page=2"),
        lambda base, target: [
            f'<{base}/a/items>; rel="first"'.encode(),
            f'<{base}{target}>; rel="next"'.encode(),
        ],
    ),
    "several relations of one link": Dialect(
        ("/a/items", "/a/items?page=2"), plain('<{base}{target}>; rel="last NEXT"')
    ),
    "another parameter that speaks of rel": Dialect(
        ("/a/items", "/a/items?page=2"), plain('<{base}{target}>; title="a; rel=prev, b"; rel="next"')
    ),
    "commas and semicolons within the address": Dialect(
        ("/a/items", "/a/items?ids=1,2;3&page=2"),
        plain('<{base}/a/items>; rel="prev", <{base}{target}>; rel="next"'),
    ),
}


class Lms:
    """Serves each target exactly as it was named, page by page; anything else is not found."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect, self.asked, self.base = dialect, list[str](), ""

    def answer(self, target: str) -> tuple[int, list[bytes], Any]:
        self.asked.append(target)
        targets = self.dialect.targets
        if target not in targets:
            return 404, [], {}
        number = targets.index(target)
        link = self.dialect.links(self.base, targets[number + 1]) if number + 1 < len(targets) else []
        items = [
            {"id": f"{self.base}/items/{number}-{each}", "label": "A", **self.dialect.extra}
            for each in range(3)
        ]
        return 200, link, items


@contextmanager
def serving(lms: Lms) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(200, [], {"access_token": "bearer-1"})

        def do_GET(self) -> None:
            if self.headers["Authorization"] == "Bearer bearer-1":
                self._send(*lms.answer(self.path))
            else:
                self._send(401, [], {})

        def _send(self, status: int, links: list[bytes], body: Any) -> None:
            content = http.dumps(body).encode()
            self.send_response(status)
            for link in links:
                self.send_header(lms.dialect.name.decode(), link.decode("latin-1"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            return

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lms.base = f"http://127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield
    finally:
        made.shutdown()
        made.server_close()


@pytest.fixture
def registration(db: None) -> Registration:
    return Platform(None).registration  # type: ignore[arg-type]  # nobody launches here


def reader(registration: Registration, lms: Lms) -> Services:
    registration.auth_token_url = f"{lms.base}/token"
    return Services(registration)


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_is_read_whole(name: str, registration: Registration) -> None:
    lms = Lms(DIALECTS[name])
    with serving(lms):
        found = reader(registration, lms).line_items(lms.base + lms.dialect.targets[0])
    assert tuple(lms.asked) == lms.dialect.targets
    assert [item["id"].rpartition("/")[2] for item in found] == [
        f"{page}-{each}" for page in range(len(lms.dialect.targets)) for each in range(3)
    ]


def test_read_only_columns_are_listed_and_their_results_read(registration: Registration) -> None:
    column = "/imsblis/lti13/lineitem/a:b:c/9?tool=7"
    lms = Lms(Dialect(("/imsblis/lti13/lineitem/a:b:c/9/results?tool=7",), lambda base, target: []))
    listed = Lms(DIALECTS["sakai, columns of others to be read only"])
    with serving(listed):
        items = reader(registration, listed).line_items(listed.base + listed.dialect.targets[0])
    assert all(item[READ_ONLY] is True for item in items)
    with serving(lms):
        assert len(reader(registration, lms).results(lms.base + column)) == 3
    assert not [
        name for name in vars(Services) if name.startswith(("put", "post", "delete", "write", "create"))
    ]


BROKEN = {
    "a next page without brackets": plain('{base}{target}; rel="next"'),
    "a next page without its end": plain('<{base}{target}; rel="next"'),
    "a next page at no address": plain('<http://[::1>; rel="next"'),
    "a next page that is this one": plain('<>; rel="next"'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_next_page_that_cannot_be_found_is_no_end_of_the_list(name: str, registration: Registration) -> None:
    lms = Lms(Dialect(("/a/items", "/a/items?page=2"), BROKEN[name]))
    with serving(lms), pytest.raises(ServiceBroken):
        reader(registration, lms).line_items(lms.base + "/a/items")


def test_nothing_of_a_reading_is_logged(registration: Registration, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "urllib3", "urllib3.connectionpool", "requests", "lti_tool"):
        caplog.set_level(logging.DEBUG, logger=name)
    lms = Lms(DIALECTS["canvas"])
    with serving(lms):
        reader(registration, lms).line_items(lms.base + lms.dialect.targets[0])
        with pytest.raises(ServiceRefused):
            reader(registration, lms).results(lms.base + "/students/Ana")
    for secret in ("bearer-1", "bookmark", "line_items", "Ana", "client_assertion", "eyJ"):
        assert secret not in caplog.text


def test_pages_without_end_are_no_list(registration: Registration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lti_tool.services.MAX_PAGES", 5)
    lms = Lms(Dialect(tuple(f"/a/items?page={number}" for number in range(9)), canvas))
    with serving(lms), pytest.raises(ServiceBroken, match="not complete"):
        reader(registration, lms).line_items(lms.base + lms.dialect.targets[0])
    assert len(lms.asked) == 5


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/a/items",
        "http://localhost:{port}/a/items",
        "http://127.0.0.1:9/a/items",
        "//127.0.0.2:{port}/a/items",
        "http://127.0.0.1:{port}@localhost:{port}/a/items",
        "http://2130706433:{port}/a/items",
    ],
)
def test_no_look_alike_of_the_platform_gets_its_token(target: str, registration: Registration) -> None:
    lms = Lms(
        Dialect(
            ("/a/items", "/x"),
            lambda base, _next: [f'<{target.format(port=base[17:])}>; rel="next"'.encode()],
        )
    )
    with serving(lms), pytest.raises(ServiceRefused):
        reader(registration, lms).line_items(lms.base + "/a/items")
    assert lms.asked == ["/a/items"]


@pytest.mark.parametrize(
    "header",
    [
        '<https://x/2>; rel="prev"; title="rel=next"',
        "<https://x/2>; rel=prev; rel=next",
        '<https://x/2>; rel="next-archive"',
        '<https://x/2>; rel="https://x/rel/next"',
        '<https://x/next?rel=next>; rel="prev"',
        '<https://x/2>; norel="next"',
        "<https://x/2>",
    ],
)
def test_what_only_looks_like_a_next_page_is_none(header: str) -> None:
    assert next_link(header, "https://x/1") == ""


@pytest.mark.parametrize(
    "junk", ["a", ";", "a;", " ", "a ", '="', "<", "<>", "<>;a", "rel", "rel=", "“", "a="]
)
def test_header_as_long_as_can_be_is_read_at_once(junk: str) -> None:
    """Nothing is timed here; a reader that goes back and forth would need minutes."""
    long = junk * (60_000 // len(junk))
    assert next_link(f'<https://x/2>; {long.replace("<", "")}; rel="prev"', "https://x/1") in {
        "",
        "https://x/2",
    }
    next_link(long, "https://x/1")


def test_next_page_without_an_address_is_not_the_last() -> None:
    with pytest.raises(BadLink):
        next_link("https://x/2; rel=next", "https://x/1")
