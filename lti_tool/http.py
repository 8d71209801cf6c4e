"""The one door out: a requests session with time limits, size cap, address guard, and nothing secret in its errors.

Where a request may go is said in `addresses.py`. The name is resolved and checked, and the connection goes to the
address that was checked. Redirects are not followed. A bearer token leaves only for the session's own hosts. Name
look-up, connection, handshake, sending, headers and body end at one deadline together, however slowly they trickle.
"""

from __future__ import annotations

import io
import logging
import math
import socket
import ssl
import time
from collections.abc import Collection
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from lti_tool.addresses import check_url, checked_address, checked_folder, host_allowed, host_of
from lti_tool.exact_json import dumps, loads
from lti_tool.http_errors import BadBody, HttpError, NoAnswer, NotSent, Refused

__all__ = [
    "JSON_TYPES",
    "BadBody",
    "HttpError",
    "NoAnswer",
    "NotSent",
    "Refused",
    "Session",
    "check_url",
    "checked_address",
    "checked_folder",
    "dumps",
    "host_allowed",
    "host_of",
    "loads",
    "open_socket",
]

CONNECT_S, READ_S, DEADLINE_S = 5.0, 20.0, 30.0
MAX_BYTES = 50 * 1024 * 1024
PIECE = 64 * 1024
USER_AGENT = "GradeSync"
JSON_TYPES = ("application/json", "+json")

# their lines quote whole URLs, at WARNING too ("Failed to parse headers")
for _name in ("connection", "connectionpool", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(lambda record: False)

# when, on the monotonic clock, the request of this thread must be over
_end: ContextVar[float] = ContextVar("lti_tool_http_end", default=math.inf)


def _left(limit: float) -> float:
    """Seconds that one step of the request may still take. Raises TimeoutError when none are left."""
    left = _end.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(limit, left)


def open_socket(host: str, port: int) -> socket.socket:
    """A connection for another protocol than HTTP, to the address that was checked. Raises Refused or NotSent.

    Each wait on it is bounded; the end of the whole is the caller's business.
    """
    try:
        return socket.create_connection((checked_address(host, port), port), CONNECT_S)
    except OSError:
        raise NotSent(f"{host} cannot be reached.") from None


class Session(requests.Session):
    """A guarded session. `bearer_hosts` are the hosts (host or host:port, lower case) that may see an Authorization header.

    `request` returns a Response whose body was read whole, or raises Refused, NotSent or NoAnswer; with `media_types`
    also BadBody for a success of another type ("+json" takes every type that ends so). Status codes are the caller's
    business.
    """

    def __init__(
        self,
        bearer_hosts: Collection[str] = (),
        *,
        deadline_s: float | None = None,
        read_s: float | None = None,
        max_bytes: int = MAX_BYTES,
        media_types: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.bearer_hosts = frozenset(host.lower() for host in bearer_hosts)
        self.deadline_s = deadline_s or float(getattr(settings, "HTTP_DEADLINE_S", DEADLINE_S))
        self.read_s = min(read_s or READ_S, self.deadline_s)
        self.max_bytes = max_bytes
        self.media_types = media_types
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})
        self.mount("https://", _GuardedAdapter(pool_maxsize=16))
        self.mount("http://", _GuardedAdapter(pool_maxsize=16))

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # fewer keywords than requests has
        check_url(url)
        self._check_bearer(url, kwargs.get("headers"))
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_S, self.read_s)}
        under_way = _end.set(time.monotonic() + self.deadline_s)
        try:
            return self._read(super().request(method, url, **kwargs), url)
        except requests.exceptions.RequestException as error:
            raise _translated(error, url) from None
        except urllib3_errors.HTTPError:
            raise NoAnswer(f"{host_of(url)} broke off its answer, or took too long.") from None
        except UnicodeError:
            # a host name or a header that no request can carry; the error would quote it
            raise Refused("The address or the key holds characters that cannot be sent.") from None
        finally:
            _end.reset(under_way)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere. Told of one, requests would first read the whole body of the redirect, whatever its size."""

    def _check_bearer(self, url: str, headers: Any) -> None:
        names = {name.lower() for name in (*self.headers, *(headers or ()))}
        if "authorization" in names and not host_allowed(url, self.bearer_hosts):
            raise Refused(f"{host_of(url)} is not a host of this connection, so its key is not sent there.")

    def _read(self, response: requests.Response, url: str) -> requests.Response:
        body, host = bytearray(), host_of(url)
        with response:
            self._check_type(response, host)
            # as it comes, not in full pieces: so the size is known before the next piece is taken in, or unpacked
            while chunk := response.raw.read1(PIECE, decode_content=True):
                body += chunk
                if len(body) > self.max_bytes:
                    raise NoAnswer(f"{host} sent more than {self.max_bytes // 1024} KB.")
                if time.monotonic() > _end.get():
                    raise NoAnswer(f"{host} took more than {self.deadline_s:g} seconds.")
        response._content = bytes(body)  # so that .content and .text work after the stream is closed
        return response

    def _check_type(self, response: requests.Response, host: str) -> None:
        found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        fits = any(
            found.endswith(each) if each.startswith("+") else found == each for each in self.media_types
        )
        if self.media_types and 200 <= response.status_code < 300 and not fits:
            raise BadBody(f"{host} answered with something else than it was asked for.")


class _TimedFile(io.RawIOBase):
    """What a socket brings, none of it waited for beyond the end of the request."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._read_s = sock.gettimeout() or math.inf

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._read_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """Its headers come line by line, each after a wait of its own: the limit of one read bounds no answer."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedFile(sock))


class _Guard:
    _dns_host: str
    port: int
    sock: Any
    timeout: Any
    response_class: Any = _TimedResponse

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # of the class it is mixed into
        except ssl.SSLError:
            raise
        except OSError as error:
            # also in the midst of the handshake: not one byte of the request has left
            raise urllib3_errors.ConnectTimeoutError(self, "no connection") from error

    def _new_conn(self) -> socket.socket:
        name, limit = self._dns_host, self.timeout
        try:
            self._dns_host = checked_address(name, self.port or 443, _left(limit))
            self.timeout = _left(limit)
            sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
            # the handshake is one wait for the socket, however many bytes it comes in
            sock.settimeout(_left(limit))
            return sock
        except socket.gaierror as error:
            raise urllib3_errors.NameResolutionError(name, self, error) from error  # type: ignore[arg-type]  # a mixin of both connection kinds
        finally:
            self._dns_host, self.timeout = name, limit

    def send(self, data: Any) -> None:
        pieces = [data]
        if isinstance(data, bytes):
            pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
        for piece in pieces:
            if self.sock is not None:
                self.sock.settimeout(_left(self.timeout))
            super().send(piece)  # type: ignore[misc]  # of the class it is mixed into


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
