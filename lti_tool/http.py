"""The one door out: a requests session with timeouts, a size cap, an address guard, and nothing secret in its errors.

https only, and no private, loopback, link-local or otherwise special address, except hosts and networks named in
`settings.OUTBOUND_ALLOW` (DEBUG changes nothing). The name is resolved and checked, and the connection goes to the
address that was checked. Redirects are not followed. A bearer token leaves only for the session's own hosts.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Collection
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests
import simplejson
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_S, READ_S, DEADLINE_S = 5.0, 20.0, 30.0
MAX_BYTES = 50 * 1024 * 1024
USER_AGENT = "GradeSync"
# RFC 6052: an IPv4 address in its last 32 bits, which a gateway of the network would reach for us
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# backslashes, percent signs and blanks in a host are read differently by different parsers: the host that was checked
# would not be the host that is asked
PLAIN_HOST = re.compile(r"[\w.:-]+")
# what no database column and no UTF-8 text can hold: NUL, and halves of surrogate pairs
UNFIT = re.compile("[\x00\ud800-\udfff]")


class HttpError(Exception):
    """Base of what this door raises. Texts name the host at most: no path, query, header or body."""


class Refused(HttpError):
    """Our own guard said no: the address is not allowed. Nothing was sent; an administrator must act."""


class NotSent(HttpError):
    """No connection came about: nothing was sent, and trying later is safe."""


class NoAnswer(HttpError):
    """The request may have arrived; no whole answer came back in time."""


class BadBody(HttpError):
    """The answer was not the JSON it should be."""


class Session(requests.Session):
    """A guarded session. `bearer_hosts` are the hosts (host or host:port, lower case) that may see an Authorization header.

    `request` returns a Response whose body was read whole, or raises Refused, NotSent or NoAnswer. Status codes
    are the caller's business.
    """

    def __init__(
        self,
        bearer_hosts: Collection[str] = (),
        *,
        deadline_s: float | None = None,
        read_s: float | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.bearer_hosts = frozenset(host.lower() for host in bearer_hosts)
        self.deadline_s = deadline_s or float(getattr(settings, "HTTP_DEADLINE_S", DEADLINE_S))
        self.read_s = min(read_s or READ_S, self.deadline_s)
        self.max_bytes = max_bytes
        self.headers["User-Agent"] = USER_AGENT
        self.mount("https://", _GuardedAdapter(pool_maxsize=16))
        self.mount("http://", _GuardedAdapter(pool_maxsize=16))

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # fewer keywords than requests has
        check_url(url)
        self._check_bearer(url, kwargs.get("headers"))
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_S, self.read_s)}
        started = time.monotonic()
        try:
            return self._read(super().request(method, url, **kwargs), started, url)
        except requests.exceptions.RequestException as error:
            raise _translated(error, url) from None
        except urllib3_errors.HTTPError:
            raise NoAnswer(f"{host_of(url)} broke off its answer.") from None
        except UnicodeError:
            # a host name or a header that no request can carry; the error would quote it
            raise Refused("The address or the key holds characters that cannot be sent.") from None

    def _check_bearer(self, url: str, headers: Any) -> None:
        names = {name.lower() for name in (*self.headers, *(headers or ()))}
        if "authorization" in names and not host_allowed(url, self.bearer_hosts):
            raise Refused(f"{host_of(url)} is not a host of this connection, so its key is not sent there.")

    def _read(self, response: requests.Response, started: float, url: str) -> requests.Response:
        body = bytearray()
        with response:
            # as it comes, not in full pieces: one byte now and then must not outlast the deadline
            while chunk := response.raw.read1(64 * 1024, decode_content=True):
                body += chunk
                if len(body) > self.max_bytes:
                    raise NoAnswer(f"{host_of(url)} sent more than {self.max_bytes // 1024 // 1024} MB.")
                if time.monotonic() - started > self.deadline_s:
                    raise NoAnswer(f"{host_of(url)} took more than {self.deadline_s:g} seconds.")
        response._content = bytes(body)  # so that .content and .text work after the stream is closed
        return response


def loads(content: bytes | str, *, nan: bool = False) -> Any:
    """JSON with every fraction as Decimal. Raises BadBody, also for NaN and Infinity.

    With `nan` these come as Decimal("NaN"), for lists where one such score must not hide all others.
    """
    constant = _as_nan if nan else _refuse_constant
    try:
        found = simplejson.loads(content, use_decimal=True, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise BadBody("The answer is not valid JSON.") from error
    return _fit(found) if _may_be_unfit(content) else found


def _may_be_unfit(content: bytes | str) -> bool:
    # JSON holds them as escapes only
    text = content if isinstance(content, bytes) else content.encode(errors="replace")
    return b"\\u0000" in text or b"\\ud" in text or b"\\uD" in text


def _fit(value: Any) -> Any:
    """The same with the replacement character for what cannot be stored: one odd name must not stop a course."""
    if isinstance(value, str):
        return UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_fit(one) for one in value]
    if isinstance(value, dict):
        return {_fit(name): _fit(one) for name, one in value.items()}
    return value


def dumps(data: object) -> str:
    """JSON with Decimal written digit for digit."""
    return simplejson.dumps(
        data, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _as_nan(name: str) -> Decimal:
    return Decimal("NaN")


def host_of(url: str) -> str:
    """The host (with its port where one is given), fit for an error text."""
    parts = urlsplit(url)
    try:
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or "")
    except ValueError:
        return str(parts.hostname or "")


def host_allowed(url: str, hosts: Collection[str]) -> bool:
    """True when the URL's host, or host:port, is among `hosts` (lower case)."""
    with_port = host_of(url).lower()
    return with_port in hosts or (urlsplit(url).hostname or "").lower() in hosts


def check_url(url: str) -> None:
    """Raises Refused unless the URL is https, or http to a host named in OUTBOUND_ALLOW."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise Refused("The address is not a valid URL.") from None
    if parts.username or parts.password or not PLAIN_HOST.fullmatch(host):
        raise Refused("The address is not a plain URL with a host.")
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or not _named(host):
        raise Refused(f"{host} must be reached by https.")


def _named(host: str) -> bool:
    """Is this host, or this literal address, named in OUTBOUND_ALLOW?"""
    allowed = settings.OUTBOUND_ALLOW
    return host.lower() in allowed or _in_networks(host)


def _in_networks(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    for entry in settings.OUTBOUND_ALLOW:
        try:
            if found in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


def checked_address(host: str, port: int) -> str:
    """An address of `host` that may be reached. Raises Refused when any of its addresses is special and not allowed."""
    named = host.lower() in settings.OUTBOUND_ALLOW
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
    for address in addresses:
        if not named and not _is_public(address) and not _in_networks(address):
            raise Refused(
                f"{host} is at a private or special address. Add it to OUTBOUND_ALLOW if that is meant."
            )
    # IPv4 first: a dual-stack name on a host without IPv6 would fail on its first address
    return sorted(addresses, key=lambda address: ":" in address)[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if found in NAT64:
        mapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    checked = mapped or found
    # reserved and site-local IPv6 counts as global in Python, and holds ways to IPv4 and to the own network
    special = checked.is_multicast or checked.is_reserved or getattr(checked, "is_site_local", False)
    return checked.is_global and not special


class _Guard:
    _dns_host: str
    port: int

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            self._dns_host = checked_address(name, self.port or 443)
        except socket.gaierror as error:
            raise urllib3_errors.NameResolutionError(name, self, error) from error  # type: ignore[arg-type]  # a mixin of both connection kinds
        try:
            sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
            return sock
        finally:
            self._dns_host = name


class _GuardedHttp(_Guard, HTTPConnection):
    pass


class _GuardedHttps(_Guard, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHttps


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        connections, maxsize = args[0], args[1]
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=True)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _translated(error: requests.exceptions.RequestException, url: str) -> HttpError:
    host = host_of(url)
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    unsent = (
        urllib3_errors.NewConnectionError,
        urllib3_errors.ConnectTimeoutError,
        urllib3_errors.NameResolutionError,
    )
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, unsent):
        return NotSent(f"{host} cannot be reached.")
    if isinstance(error, requests.exceptions.SSLError):
        return NotSent(f"{host} has no valid certificate.")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Refused("The address is not a valid URL.")
    return NoAnswer(f"{host} did not answer.")
