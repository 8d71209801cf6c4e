"""Origins and hosts of a platform: who may frame our pages, and which hosts may see its bearer tokens."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from uuid import UUID

from lti_tool import http
from lti_tool.claims import Claims
from lti_tool.models import LtiSession, Registration

MOST_LEARNED = 50
# for pages that refuse before we know who asks: an LMS not approved yet shows them too, and whoever frames them can
# misuse nothing on them
ANY_SITE = ("https:", "http:")


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
    """Origins that may frame us for this platform: where it signs in, what an administrator added, what launches named."""
    return _clean(
        [
            registration.auth_login_url,
            *map(str, registration.frame_origins),
            *map(str, registration.learned_origins),
        ]
    )


def session_origins(session: LtiSession) -> list[str]:
    """Those of the session's platform, and those that its launch named; none for an administrator's own window."""
    if session.acting_admin_id is not None:
        return []
    registration = session.membership.context.deployment.registration
    return _clean([*frame_origins(registration), *map(str, session.frame_origins)])


def course_origins(public_id: UUID | str) -> list[str]:
    """Those of the platform of this course; any for the page that says that there is no such course."""
    found = Registration.objects.filter(deployments__contexts__public_id=public_id).first()
    return frame_origins(found) if found else list(ANY_SITE)


def learned_origins(claims: Claims) -> list[str]:
    """The origins of the addresses that a verified launch names (a Canvas vanity host, say); https only.

    Plain http counts where the guard for outgoing requests allows that host too (the local demo).
    """
    # the platform writes these itself; custom parameters are a teacher's in some LMSs
    wish = claims.deep_linking.return_url if claims.deep_linking else ""
    named = (claims.return_url, claims.lineitems_url, claims.memberships_url, wish)
    return _clean(url for url in named if may_be_asked(url))


def may_be_asked(url: str) -> bool:
    """https, or plain http where outgoing requests may use it too."""
    try:
        http.check_url(url)
    except http.Refused:
        return False
    return True


def learn(registration: Registration, origins: Iterable[str], storage_target: str) -> None:
    """What an accepted launch showed, for the pages that come before the next one's identity is known."""
    known = frame_origins(registration)
    new = [origin for origin in origins if origin not in known]
    if not new and storage_target == registration.storage_target:
        return
    # the newest: a platform of many schools must not make the header endless
    registration.learned_origins = [*map(str, registration.learned_origins), *new][-MOST_LEARNED:]
    registration.storage_target = storage_target
    registration.save(update_fields=["learned_origins", "storage_target"])


def _clean(urls: Iterable[str]) -> list[str]:
    return [origin for origin in dict.fromkeys(map(origin_of, urls)) if origin]
