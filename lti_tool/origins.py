"""Origins and hosts of a platform: who may frame our pages, and which hosts may see its bearer tokens."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from lti_tool import http
from lti_tool.models import LtiSession, Registration


def origin_of(url: str) -> str:
    """Scheme, host and port of an http(s) URL, lower case; empty when it is none or holds odd characters."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or not _plain(host):
        return ""
    name = f"[{host}]" if ":" in host else host
    usual = port in {None, 443 if parts.scheme == "https" else 80}
    return f"{parts.scheme}://{name}" if usual else f"{parts.scheme}://{name}:{port}"


def _plain(host: str) -> bool:
    # the origin is written into a header: a space or semicolon there would add a directive of the sender's choice
    return host.isascii() and all(sign.isalnum() or sign in "-._:" for sign in host)


def allowed_hosts(registration: Registration) -> frozenset[str]:
    """Hosts (host or host:port, lower case) that may see this platform's bearer tokens."""
    urls = (
        registration.issuer,
        registration.auth_login_url,
        registration.auth_token_url,
        registration.key_set_url,
    )
    named = {str(host).strip().lower() for host in registration.service_hosts}
    return frozenset({http.host_of(url).lower() for url in urls} | named) - {""}


def frame_origins(registration: Registration) -> list[str]:
    """Origins that may frame us for this platform: where it signs in, and what an administrator added."""
    return _clean([registration.auth_login_url, *map(str, registration.frame_origins)])


def session_origins(session: LtiSession) -> list[str]:
    """Those of the session's platform, and the one its launch said to return to."""
    registration = session.membership.context.deployment.registration
    return _clean([*frame_origins(registration), *map(str, session.frame_origins)])


def known_origins() -> list[str]:
    """All active platforms' origins: for pages shown before we know who launches."""
    rows = Registration.objects.filter(active=True).only("auth_login_url", "frame_origins").order_by("pk")
    return _clean([origin for row in rows for origin in frame_origins(row)])


def learned_origins(return_url: str) -> list[str]:
    """The origin that a verified launch names as its return address (a Canvas vanity host, say); https only.

    Plain http counts where the guard for outgoing requests allows that host too (the local demo).
    """
    try:
        http.check_url(return_url)
    except http.Refused:
        return []
    return _clean([return_url])


def _clean(urls: Iterable[str]) -> list[str]:
    return [origin for origin in dict.fromkeys(map(origin_of, urls)) if origin]
