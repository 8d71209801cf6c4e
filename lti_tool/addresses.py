"""Which addresses a request may go to: https, and no private, loopback, link-local or otherwise special one.

Excepted are hosts and networks named in `settings.OUTBOUND_ALLOW`. DEBUG changes nothing. Files leave for a folder of
this machine only beneath one named in `settings.OUTBOUND_FOLDERS`.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from lti_tool.http_errors import Refused

RESOLVE_S = 5.0
# RFC 6052: an IPv4 address in its last 32 bits, which a gateway of the network would reach for us
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# backslashes, percent signs and blanks in a host are read differently by different parsers: the host that was checked
# would not be the host that is asked
PLAIN_HOST = re.compile(r"[\w.:-]+")
# one parser drops these, another refuses them, a third sends them
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
PORTS = {"https": 443, "http": 80}


def host_of(url: str) -> str:
    """The host (with its port where one is given), fit for an error text; empty when the URL has none."""
    host, port = _host_and_port(url)
    return f"{host}:{port}" if port else host


def host_allowed(url: str, hosts: Collection[str]) -> bool:
    """True when the URL's host and port are among `hosts` (lower case): "host:port", or "host" for the usual port."""
    host, given = _host_and_port(url)
    usual = PORTS.get(url.partition(":")[0].lower())
    port = given or usual
    names = {f"{host}:{port}"} | ({host} if port == usual else set())
    return bool(host) and not names.isdisjoint(hosts)


def _host_and_port(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "", None
    host = f"[{host}]" if ":" in host else host
    try:
        return host, parts.port
    except ValueError:
        return host, None


def check_url(url: str) -> None:
    """Raises Refused unless the URL is https, or http to a host named in OUTBOUND_ALLOW."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise Refused("The address is not a valid URL.") from None
    if "@" in parts.netloc or CONTROLS.search(url) or not PLAIN_HOST.fullmatch(host):
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


def checked_address(host: str, port: int, seconds: float = RESOLVE_S) -> str:
    """An address of `host` that may be reached. Raises Refused when any of its addresses is special and not allowed.

    Raises socket.gaierror when the name is not known, or not answered for within `seconds`.
    """
    named = host.lower() in settings.OUTBOUND_ALLOW
    addresses = list(dict.fromkeys(str(info[4][0]) for info in _looked_up(host, port, seconds)))
    for address in addresses:
        if not named and not _is_public(address) and not _in_networks(address):
            raise Refused(
                f"{host} is at a private or special address. Add it to OUTBOUND_ALLOW if that is meant."
            )
    # IPv4 first: a dual-stack name on a host without IPv6 would fail on its first address
    return sorted(addresses, key=lambda address: ":" in address)[0]


def checked_folder(path: str) -> str:
    """The folder's real path, all links followed. Raises Refused unless it lies in one of OUTBOUND_FOLDERS."""
    found = Path(path).resolve() if path and not CONTROLS.search(path) else None
    roots = [Path(root).resolve() for root in settings.OUTBOUND_FOLDERS]
    if found is None or not Path(path).is_absolute() or not any(found.is_relative_to(root) for root in roots):
        raise Refused(
            "The folder is not one that files may be put into. Whoever runs the server can name it in OUTBOUND_FOLDERS."
        )
    return str(found)


def _looked_up(host: str, port: int, seconds: float) -> list[Any]:
    """getaddrinfo knows no time limit of its own, and whoever owns the name decides how long it takes."""
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None
    if isinstance(answer, Exception):
        raise answer
    return list(answer)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if found in NAT64:
        mapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    checked = mapped or found
    # reserved and site-local IPv6 counts as global in Python, and holds ways to IPv4 and to the own network
    special = checked.is_multicast or checked.is_reserved or getattr(checked, "is_site_local", False)
    return checked.is_global and not special
