"""Where the one door out lets nobody go: every spelling of an address, names whose answers change, look-alike hosts."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from lti_tool import http
from tests.lti_tool.platform import private_key
from tests.lti_tool.raw_server import PIECES, RawServer, raw_server, says

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REAL = socket.getaddrinfo

# as glibc's resolver reads them, or not at all; none may open a connection
SPELLINGS = [
    "https://2130706433:{port}/",
    "https://017700000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0x7f.1:{port}/",
    "https://0x7f000001:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://LOCALHOST:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[::1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[2002:7f00:1::1]:{port}/",
    "https://[2001:0:7f00:1::1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://１２７.0.0.1:{port}/",
    "https://127。0。0。1:{port}/",
    "https://127.0.0.1%2e:{port}/",
    "https://%31%32%37.0.0.1:{port}/",
    "https://lms.example.edu@127.0.0.1:{port}/",
    "https://@127.0.0.1:{port}/",
    "https://:@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@lms.example.edu/",
    "https://127.0.0.1\t:{port}/",
    "https://127.0.0.1\n:{port}/",
    "https://127.0.0.1:{port}\0/",
    "https:127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_this_machine_opens_a_connection(
    spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", here_only)
    with raw_server(says(ANSWER)) as server:
        with pytest.raises(http.HttpError):
            http.Session(deadline_s=5).get(spelling.replace("{port}", str(server.port)))
        assert server.heard == []


def here_only(host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Literal addresses and this machine's own names; no question leaves for the network's name server."""
    if host.rstrip(".").lower() == "localhost":
        host = host.rstrip(".")
        return REAL(host, port, *args, **kwargs)
    return REAL(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})


TUNNELS = {
    "IPv4-mapped": "::ffff:{v4}",
    "6to4": "2002:{hex}::1",
    "NAT64": "64:ff9b::{hex}",
    "NAT64 of a local network": "64:ff9b:1::{hex}",
    "Teredo, its server": "2001:0:{hex}::1",
    "Teredo, its client": "2001:0:808:808:0:0:{not_hex}",
    "IPv4-compatible": "::{v4}",
    "IPv4-translated": "::ffff:0:{v4}",
}


@pytest.mark.parametrize(
    "v4", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
)
@pytest.mark.parametrize("tunnel", TUNNELS)
def test_special_address_within_another_is_refused(tunnel: str, v4: str) -> None:
    number = int(ipaddress.IPv4Address(v4))
    flipped = number ^ 0xFFFFFFFF
    text = TUNNELS[tunnel].format(
        v4=v4,
        hex=f"{number >> 16:x}:{number & 0xFFFF:x}",
        not_hex=f"{flipped >> 16:x}:{flipped & 0xFFFF:x}",
    )
    with pytest.raises(http.Refused):
        http.checked_address(text, 443)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_public_address_is_reached(address: str) -> None:
    assert http.checked_address(address, 443) == address


class Names:
    """A name server whose owner changes the answer from one question to the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host.replace(".", "").isdigit() or ":" in host:
            return REAL(host, port, *args, **kwargs)
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kinds = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in found]
        return [
            (kind, socket.SOCK_STREAM, 6, "", (each, port)) for kind, each in zip(kinds, found, strict=True)
        ]


@pytest.fixture
def two_servers() -> Iterator[tuple[RawServer, RawServer]]:
    """On one port: at 127.0.0.1, which the tests allow, and at 127.0.0.2, which they do not."""
    with raw_server(says(ANSWER)) as right, raw_server(says(ANSWER), "127.0.0.2", right.port) as wrong:
        yield right, wrong


def test_name_that_changes_between_check_and_connection_is_reached_where_it_was_checked(
    two_servers: tuple[RawServer, RawServer], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = two_servers
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1/32", "127.0.0.1"})
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    with pytest.raises(http.NotSent):  # it speaks no TLS; that it was asked is what counts
        http.Session(deadline_s=5).get(f"https://lms.example.edu:{right.port}/")
    assert (len(right.heard), len(wrong.heard), names.asked) == (1, 0, 1)


def test_name_that_moves_to_a_private_address_is_refused_at_its_next_connection(
    two_servers: tuple[RawServer, RawServer], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = two_servers
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1/32"})
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"], ["127.0.0.2"]))
    session = http.Session(deadline_s=5)
    for expected in (http.NotSent, http.Refused):
        with pytest.raises(expected):
            session.get(f"https://lms.example.edu:{right.port}/")
    assert (len(right.heard), len(wrong.heard)) == (1, 0)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "::1"],
        ["127.0.0.1", "::ffff:127.0.0.2"],
        ["93.184.215.14", "169.254.169.254", "127.0.0.1"],
    ],
)
def test_one_address_that_may_not_be_reached_refuses_the_name(
    answers: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1/32"})
    monkeypatch.setattr(socket, "getaddrinfo", Names(answers))
    with raw_server(says(ANSWER)) as server:
        with pytest.raises(http.Refused):
            http.Session().get(f"https://lms.example.edu:{server.port}/")
        assert server.heard == []


# whose certificate, and which name it is asked for


def certificate(folder: Path, name: str) -> Path:
    """A certificate for `name`, signed by itself, and its key, in one file."""
    key, subject = private_key("tls"), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return path


@pytest.fixture
def tls(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RawServer, Path]]:
    """An https server for lms.example.edu at 127.0.0.1, whatever name is looked up."""
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1/32"})
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
    path = certificate(tmp_path, "lms.example.edu")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with raw_server(says(ANSWER), context=context) as server:
        yield server, path


def test_certificate_is_checked_against_the_name_although_the_address_is_dialled(
    tls: tuple[RawServer, Path],
) -> None:
    server, path = tls
    session = http.Session()
    assert session.get(f"https://lms.example.edu:{server.port}/", verify=str(path)).content == b"{}"
    assert f"Host: lms.example.edu:{server.port}\r\n".encode() in server.heard[0]
    with pytest.raises(http.NotSent, match="certificate"):
        session.get(f"https://other.example.edu:{server.port}/", verify=str(path))
    assert len(server.heard) == 1


def test_certificate_that_nobody_vouches_for_gets_no_request(
    tls: tuple[RawServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    # a word of the environment vouches for nobody
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(path))
    with pytest.raises(http.NotSent, match="certificate"):
        http.Session().get(f"https://lms.example.edu:{server.port}/")
    assert server.heard == []


def test_answer_that_trickles_within_tls_ends_with_the_deadline(tls: tuple[RawServer, Path]) -> None:
    server, path = tls

    def trickle(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        server.drip(connection, b"X")

    server.speak = trickle
    with pytest.raises(http.NoAnswer):
        http.Session(deadline_s=0.3).get(f"https://lms.example.edu:{server.port}/", verify=str(path))
    assert 0 < len(server.sent) < PIECES


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_proxy_of_the_environment_is_not_used(
    name: str, tls: tuple[RawServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    with raw_server(says(ANSWER)) as proxy:
        for each in (name, name.lower()):
            monkeypatch.setenv(each, proxy.url)
        http.Session().get(f"https://lms.example.edu:{server.port}/", verify=str(path))
        assert proxy.heard == [] and len(server.heard) == 1


# whose key goes where


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://LMS.Example.EDU/x", {"lms.example.edu"}, True),
        ("https://lms.example.edu:443/x", {"lms.example.edu"}, True),
        ("https://lms.example.edu/x", {"lms.example.edu:443"}, True),
        ("https://lms.example.edu:8443/x", {"lms.example.edu:8443"}, True),
        ("https://lms.example.edu:8443/x", {"lms.example.edu"}, False),
        ("https://lms.example.edu/x", {"lms.example.edu:8443"}, False),
        ("http://lms.example.edu/x", {"lms.example.edu:443"}, False),
        ("http://lms.example.edu:80/x", {"lms.example.edu"}, True),
        ("https://[::1]:8443/x", {"[::1]:8443"}, True),
        ("https://[::1:8443]/x", {"[::1]:8443"}, False),
        ("https://lms.example.edu.evil.example/x", {"lms.example.edu"}, False),
        ("https://evil-lms.example.edu/x", {"lms.example.edu"}, False),
        ("https://lms.example.edu./x", {"lms.example.edu"}, False),
        ("https://lms.еxample.edu/x", {"lms.example.edu"}, False),
        ("https://xn--lms-5na.example.edu/x", {"lms.example.edu"}, False),
        ("https:///x", {""}, False),
    ],
)
def test_host_is_allowed_by_its_whole_name_and_port(url: str, hosts: set[str], allowed: bool) -> None:
    assert http.host_allowed(url, hosts) is allowed


def test_name_in_another_script_is_asked_for_by_its_ascii_form(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(http.NotSent):
        http.Session().get("https://schule-münchen.example/")
    assert asked == ["xn--schule-mnchen-3ob.example"]
