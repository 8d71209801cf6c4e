"""The one door out against servers that trickle, pour or never end. Real sockets; what is asserted is never a duration."""

from __future__ import annotations

import logging
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lti_tool import http
from tests.lti_tool.raw_server import PIECES, RawServer, raw_server, says

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 2\r\n\r\n{}"
SECRET = "s3cret-Ana"

pytestmark = pytest.mark.usefixtures("allow_local")


def drips(first: bytes, piece: bytes) -> Callable[[RawServer, socket.socket], None]:
    def speak(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(first)
        server.drip(connection, piece)

    return speak


# each piece comes long before the limit of one read, so only a total deadline ends them
TRICKLES = {
    "status line": (b"HTTP/1.1 ", b"2"),
    "one header": (OK + b"X: ", b"x"),
    "headers": (OK, b"X: y\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"Content-Length: 4000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk size": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "packed body": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4000\r\n\r\n\x1f\x8b\x08\x10\0\0\0\0\0\0",
        b"x",
    ),
    "body of a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /on\r\nContent-Length: 4000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", TRICKLES)
def test_answer_that_trickles_ends_with_the_deadline(name: str) -> None:
    with raw_server(drips(*TRICKLES[name])) as server:
        with pytest.raises(http.NoAnswer):
            http.Session(deadline_s=0.3).get(server.url)
        assert 0 < len(server.sent) < PIECES


def test_handshake_that_trickles_ends_with_the_deadline_and_nothing_was_sent() -> None:
    # a TLS record that announces 16 KB of handshake
    with raw_server(drips(b"\x16\x03\x03\x40\x00", b"\x02")) as server:
        with pytest.raises(http.NotSent):
            http.Session(deadline_s=0.3).get(server.url.replace("http:", "https:"))
        assert 0 < len(server.sent) < PIECES


def test_handshake_that_breaks_off_sent_nothing() -> None:
    def hang_up(server: RawServer, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with raw_server(hang_up) as server, pytest.raises(http.NotSent):
        http.Session(deadline_s=5).get(server.url.replace("http:", "https:"))


def test_server_that_takes_a_body_slowly_ends_with_the_deadline() -> None:
    taken: list[int] = []

    def sip(server: RawServer, connection: socket.socket) -> None:
        while len(taken) < PIECES and not server.gone.wait(0.02):
            taken.append(len(connection.recv(16_384)))

    with raw_server(sip) as server:
        with pytest.raises(http.NoAnswer):
            http.Session(deadline_s=0.3).post(server.url, data=b"x" * 40_000_000)
        assert sum(taken) < 40_000_000


def test_name_server_that_does_not_answer_ends_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(60) and [])
    try:
        with pytest.raises(http.NotSent, match="cannot be reached"):
            http.Session(deadline_s=0.2).get(f"https://lms.example.edu/{SECRET}")
        assert not released.is_set()
    finally:
        released.set()


def test_next_request_has_its_whole_time_again() -> None:
    with raw_server(drips(OK, b"X: y\r\n")) as slow, raw_server(says(OK, BODY)) as quick:
        session = http.Session(deadline_s=0.3)
        with pytest.raises(http.NoAnswer):
            session.get(slow.url)
        assert session.get(quick.url).content == b"{}"


def test_connection_is_used_again_and_keeps_its_limits() -> None:
    def twice(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(OK + BODY)
        server.heard.append(connection.recv(65_536))
        connection.sendall(OK)
        server.drip(connection, b"X: y\r\n")

    with raw_server(twice) as server:
        session = http.Session(deadline_s=0.3)
        assert session.get(server.url).content == b"{}"
        with pytest.raises(http.NoAnswer):
            session.get(server.url)
        assert len(server.heard) == 2 and 0 < len(server.sent) < PIECES


# size


def packed(times: int, size: int = 64 * 1024 * 1024) -> bytes:
    """`size` blanks, packed `times` times over."""
    found = b" " * size
    for _time in range(times):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        found = packer.compress(found) + packer.flush()
    return found


def whole(encoding: str, body: bytes) -> bytes:
    return OK + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("encoding", "times"), [("gzip", 1), ("gzip, gzip", 2), ("deflate, gzip", 1), ("x-gzip", 1)]
)
def test_packed_bomb_is_cut_off_and_never_unpacked_whole(encoding: str, times: int) -> None:
    answer = whole(encoding, packed(times))
    with raw_server(says(answer)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(http.NoAnswer):
                http.Session(max_bytes=1_000_000).get(server.url)
            assert tracemalloc.get_traced_memory()[1] < 16_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["br", "zstd", "nonsense"])
def test_encoding_that_was_not_asked_for_is_no_json(encoding: str) -> None:
    with raw_server(says(whole(encoding, b"\x0b\x00\x80{}\x03"))) as server:
        try:
            content = http.Session().get(server.url).content
        except http.NoAnswer:
            content = b""
        with pytest.raises(http.BadBody):
            http.loads(content)
        assert b"Accept-Encoding: gzip, deflate\r\n" in server.heard[0]


def test_long_chain_of_encodings_is_no_answer() -> None:
    with raw_server(says(whole(", ".join(["gzip"] * 20), b"x"))) as server, pytest.raises(http.NoAnswer):
        http.Session().get(server.url)


POURED = {
    "body": (OK + b"\r\n", b" " * 65_536),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "body of a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /on\r\n\r\n", b" " * 65_536),
    "body of an error": (b"HTTP/1.1 500 No\r\n\r\n", b" " * 65_536),
    "headers": (OK, b"X-Header: " + b"y" * 60_000 + b"\r\n"),
    "one header": (OK + b"X: ", b"y" * 65_536),
    "status line": (b"HTTP/1.1 200 ", b"y" * 65_536),
}


@pytest.mark.parametrize("name", POURED)
def test_answer_without_end_is_cut_off_early(name: str) -> None:
    first, piece = POURED[name]
    poured: list[bool] = []

    def speak(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(first)
        server.pour(connection, piece, 200_000_000)
        poured.append(True)

    with raw_server(speak) as server, pytest.raises(http.NoAnswer):
        http.Session(max_bytes=1_000_000).get(server.url)
    assert not poured


# what may be read as JSON


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"application/vnd.ims.lis.v2.resultcontainer+json", True),
        (b"text/html", False),
        (b"text/html; also=application/json", False),
        (b"", False),
    ],
)
def test_answer_of_another_type_is_no_json_where_the_caller_says_so(found: bytes, fits: bool) -> None:
    with raw_server(says(OK, b"Content-Type: ", found, b"\r\n", BODY)) as server:
        session = http.Session(media_types=http.JSON_TYPES)
        if fits:
            assert session.get(server.url).content == b"{}"
        else:
            with pytest.raises(http.BadBody):
                session.get(server.url)


def test_error_page_of_any_type_keeps_its_status() -> None:
    with raw_server(says(b"HTTP/1.1 503 No\r\nContent-Type: text/html\r\n", BODY)) as server:
        assert http.Session(media_types=http.JSON_TYPES).get(server.url).status_code == 503


def test_moodle_may_call_its_token_html() -> None:
    with raw_server(says(OK, b"Content-Type: text/html\r\n", BODY)) as server:
        assert http.Session().get(server.url).content == b"{}"


# what is said about it


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    for name in ("", "urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield lambda: " ".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)


TALKED_ABOUT: dict[str, tuple[bytes, ...]] = {
    "fine": (OK, BODY),
    "odd headers": (OK, b"no header at all\r\n", BODY),
    "no http": (b"nonsense ", SECRET.encode(), b"\r\n\r\n"),
    "broken off": (OK, b"Content-Length: 9\r\n\r\n{}"),
    "redirect": (b"HTTP/1.1 301 Moved\r\nLocation: https://x.example/", SECRET.encode(), b"\r\n\r\n"),
    "cut header": (OK, b"X-Half: ", SECRET.encode()),
    "wrong packing": (OK, b"Content-Encoding: gzip\r\n", b"Content-Length: 10\r\n\r\n", SECRET.encode()),
}


@pytest.mark.parametrize("name", TALKED_ABOUT)
def test_nothing_secret_is_logged_or_told(name: str, logged: Callable[[], str]) -> None:
    told: Any = ""
    with raw_server(says(*TALKED_ABOUT[name])) as server:
        own = http.host_of(server.url)
        try:
            http.Session({own}, deadline_s=5).post(
                f"{server.url}{SECRET}?token={SECRET}",
                headers={"Authorization": f"Bearer {SECRET}"},
                data={"name": SECRET},
            )
        except http.HttpError as error:
            told = f"{error} {error!r} {error.__cause__!r}"
    assert SECRET not in logged() and SECRET not in told


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/", "http://169.254.169.254/", "/on", "//127.0.0.1:{port}/"]
)
def test_no_redirect_is_followed(status: int, target: str) -> None:
    place = target.replace("{port}", "9")
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server(says(answer)) as server:
        found = http.Session().get(server.url, allow_redirects=True)
        assert found.status_code == status and found.next is None
        assert len(server.heard) == 1
