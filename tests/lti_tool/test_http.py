"""The one door out: where it goes, what it carries, how much it takes, and what its errors say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from lti_tool import http

SECRET_PATH = "/students/Ana-Alvarez?token=s3cret"


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example.edu/",
        "ftp://lms.example.edu/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "//lms.example.edu/",
        "https://user:pass@lms.example.edu/",
        "https://lms.example.edu:99999/",
        "https://[::1/",
        "javascript:alert(1)",
        "https://attacker.example\\.lms.example.edu/",
        "https://attacker.example%5c.lms.example.edu/",
        "https://lms.example.edu%2eattacker.example/",
        "https://lms example.edu/",
        "",
    ],
)
def test_only_https_addresses_with_a_plain_host_are_taken(url: str) -> None:
    with pytest.raises(http.Refused):
        http.Session().get(url)


SPECIAL = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.8.9.1",
    "this host": "0.0.0.0",
    "private 10": "10.1.2.3",
    "private 172": "172.16.0.9",
    "private 192": "192.168.1.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "shared": "100.64.0.1",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1",
    "IPv6 loopback": "::1",
    "IPv6 any": "::",
    "IPv6 private": "fd00::1",
    "IPv6 link-local": "fe80::1",
    "IPv6 multicast": "ff02::1",
    "IPv6 site-local": "fec0::1",
    "IPv4 in IPv6, the former way": "::127.0.0.1",
    "IPv4 translated": "::ffff:0:127.0.0.1",
    "IPv4 behind a local NAT64": "64:ff9b:1::10.0.0.1",
    "IPv4 in IPv6": "::ffff:127.0.0.1",
    "private IPv4 in IPv6": "::ffff:10.0.0.1",
    "metadata in IPv6": "::ffff:169.254.169.254",
    "6to4 of a private one": "2002:a00:1::1",
    "NAT64 of loopback": "64:ff9b::7f00:1",
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_address_is_refused(name: str) -> None:
    with pytest.raises(http.Refused, match="OUTBOUND_ALLOW"):
        http.checked_address(SPECIAL[name], 443)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(http.HttpError):
        http.Session(deadline_s=5).get(f"https://{host}/")


def resolves_to(*addresses: str) -> Callable[..., list[Any]]:
    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    return answer


def test_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolves_to("93.184.215.14", "10.0.0.1"))
    with pytest.raises(http.Refused):
        http.checked_address("lms.example.edu", 443)


def test_public_name_is_reached_by_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolves_to("2606:2800:21f::1", "93.184.215.14"))
    assert http.checked_address("lms.example.edu", 443) == "93.184.215.14"


def test_network_that_is_allowed_is_reached(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"10.0.0.0/8"})
    monkeypatch.setattr(socket, "getaddrinfo", resolves_to("10.2.3.4"))
    assert http.checked_address("sis.school.lan", 443) == "10.2.3.4"
    monkeypatch.setattr(socket, "getaddrinfo", resolves_to("192.168.1.4"))
    with pytest.raises(http.Refused):
        http.checked_address("sis.school.lan", 443)


def test_debug_opens_nothing(settings: Any) -> None:
    settings.DEBUG = True
    with pytest.raises(http.Refused):
        http.Session().get("http://127.0.0.1:9/")


# a real server on this machine


class Handler(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path = self.path.split("?")[0]
        body = b"x" * 5000 if path == "/big" else b'{"score": 9.257}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (9 if path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server(allow_local: None) -> Iterator[str]:
    Handler.seen = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_allowed_host_is_reached_by_http(server: str) -> None:
    response = http.Session().get(server + "/")
    assert http.loads(response.content)["score"].as_tuple() == (0, (9, 2, 5, 7), -3)


def test_redirect_is_not_followed(server: str) -> None:
    assert http.Session().get(server + "/redirect").status_code == 302
    assert [path for path, _headers in Handler.seen] == ["/redirect"]


def test_redirect_is_not_followed_even_when_asked(server: str) -> None:
    http.Session().get(server + "/redirect", allow_redirects=True)
    assert [path for path, _headers in Handler.seen] == ["/redirect"]


def test_bearer_goes_to_its_own_hosts_only(server: str) -> None:
    with pytest.raises(http.Refused, match="key is not sent"):
        http.Session(bearer_hosts={"lms.example.edu"}).get(
            server + "/", headers={"authorization": "Bearer x"}
        )
    assert Handler.seen == []


def test_bearer_of_the_whole_session_is_held_back_too(server: str) -> None:
    session = http.Session(bearer_hosts={"lms.example.edu"})
    session.headers["Authorization"] = "Bearer x"
    with pytest.raises(http.Refused):
        session.get(server + "/")
    assert Handler.seen == []


def test_bearer_reaches_its_own_host(server: str) -> None:
    host = server.removeprefix("http://")
    http.Session(bearer_hosts={host}).get(server + "/", headers={"Authorization": "Bearer x"})
    assert Handler.seen[0][1]["Authorization"] == "Bearer x"


def test_environment_adds_no_proxy_and_no_password(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ana password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    http.Session().get(server + "/")
    assert "Authorization" not in Handler.seen[0][1]


def test_answer_beyond_the_size_cap_is_cut_off(server: str) -> None:
    with pytest.raises(http.NoAnswer, match="more than"):
        http.Session(max_bytes=1000).get(server + "/big")


def test_answer_that_breaks_off_is_no_answer(server: str) -> None:
    with pytest.raises(http.NoAnswer):
        http.Session().get(server + "/cut")


def test_every_request_has_timeouts(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request never leaves without a limit, also when a caller asks for none."""
    given: list[Any] = []
    send = requests.adapters.HTTPAdapter.send

    def watched(self: Any, request: Any, **kwargs: Any) -> Any:
        given.append(kwargs["timeout"])
        return send(self, request, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", watched)
    http.Session().get(server + "/", timeout=None)
    assert given == [(http.CONNECT_S, http.READ_S)]


def test_nobody_there_means_nothing_was_sent(allow_local: None) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(http.NotSent, match="cannot be reached"):
        http.Session().get(f"http://127.0.0.1:{port}{SECRET_PATH}")


def test_name_that_does_not_exist_means_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(http.NotSent) as caught:
        http.Session().get("https://lms.example.edu" + SECRET_PATH)
    assert "Ana" not in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("path", ["/cut", "/big"])
def test_errors_name_the_host_and_nothing_else(server: str, path: str) -> None:
    with pytest.raises(http.HttpError) as caught:
        http.Session(max_bytes=1000).get(server + path + "?" + SECRET_PATH)
    words = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "Ana" not in words and "s3cret" not in words


@pytest.mark.parametrize(
    "text", [b"NaN", b'{"a": Infinity}', b"-Infinity", b"{", b"", b"[" * 100_000, b"\xff"]
)
def test_what_is_not_json_is_a_bad_body(text: bytes) -> None:
    with pytest.raises(http.BadBody) as caught:
        http.loads(text)
    assert str(caught.value) == "The answer is not valid JSON."


def test_fractions_go_in_and_out_digit_for_digit() -> None:
    assert http.dumps(http.loads('{"score":9.2570}')) == '{"score":9.2570}'
    with pytest.raises(ValueError):
        http.dumps({"score": float("nan")})


def test_name_that_no_resolver_takes_is_refused() -> None:
    with pytest.raises(http.Refused):
        http.Session().get("https://" + "a" * 64 + ".example.edu/")


def test_key_that_no_header_can_carry_is_refused_and_not_repeated(server: str) -> None:
    own = http.host_of(server)
    with pytest.raises(http.Refused) as refused:
        http.Session({own}).get(server, headers={"Authorization": "Bearer s3cret-€"})
    assert "s3cret" not in str(refused.value) and "€" not in str(refused.value)


@pytest.fixture
def drip(allow_local: None) -> Iterator[tuple[str, list[int]]]:
    """A server that announces a long answer and sends it byte by byte; the list counts what it could send."""
    sent: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "400")
            self.end_headers()
            while len(sent) < 400:
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
                sent.append(1)
                gone.wait(0.02)

        def log_message(self, *args: object) -> None:
            return

    gone = threading.Event()
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/", sent
    gone.set()
    made.shutdown()
    made.server_close()


def test_answer_that_comes_byte_by_byte_does_not_outlast_the_deadline(drip: tuple[str, list[int]]) -> None:
    url, sent = drip
    with pytest.raises(http.NoAnswer):
        http.Session(deadline_s=0.3).get(url)
    assert len(sent) < 400


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\uDFFF"])
def test_what_no_database_holds_is_replaced_in_an_answer(escape: str) -> None:
    found = http.loads(f'[{{"na{escape}me": "A{escape}na", "score": 9.10}}]')
    assert found[0]["na\N{REPLACEMENT CHARACTER}me"] == "A\N{REPLACEMENT CHARACTER}na"
    http.dumps(found).encode()


def test_emoji_written_as_escapes_stay() -> None:
    assert http.loads('"\\ud83d\\ude00"') == "\N{GRINNING FACE}"
