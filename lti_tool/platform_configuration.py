"""A platform's OpenID configuration (LTI Dynamic Registration 1.0 §3.4): fetched, checked, and its quirks made good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from lti_tool import claims, families, http
from lti_tool.errors import LMS_ADMINISTRATOR, RegistrationRefused

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
MAX_BYTES = 512 * 1024
MAX_LIST = 1000

# families whose configuration lies on another host than their issuer: (issuer's host, configuration's host), each
# with its subdomains
ELSEWHERE = (
    ("blackboard.com", "developer.blackboard.com"),
    ("instructure.com", "canvaslms.com"),
    ("instructure.com", "instructure.com"),
)
# names of one and the same machine; the guard refuses them unless they stand in OUTBOUND_ALLOW
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Blackboard's central registration has named its own host as issuer, while launches name the one without this label
# (Behind the Blackboard, article 000090618)
PORTAL = "developer."


@dataclass(frozen=True)
class Platform:
    """A platform's configuration, checked. `product` is one of our words for a family; empty lists: it does not say."""

    issuer: str
    auth_login_url: str
    auth_token_url: str
    key_set_url: str
    registration_url: str
    audience: str = ""
    product: str = ""
    version: str = ""
    account: str = ""
    variables: frozenset[str] = frozenset()
    placements: frozenset[str] = frozenset()
    messages: frozenset[str] = frozenset()

    @property
    def one_issuer_for_all(self) -> bool:
        """Does the issuer not say whose LMS it is? Then its services and frames live on a host that we must be told."""
        return self.product in {families.CANVAS, families.BLACKBOARD}


def read_platform(configuration_url: str, token: str) -> Platform:
    """Fetch and check a platform's configuration. Raises RegistrationRefused."""
    body = fetch(configuration_url, token)
    own = body.get(PLATFORM)
    own = own if isinstance(own, dict) else {}
    platform = Platform(
        issuer=_required(body, "issuer"),
        auth_login_url=_address(body, "authorization_endpoint"),
        auth_token_url=_address(body, "token_endpoint"),
        key_set_url=_address(body, "jwks_uri"),
        registration_url=_address(body, "registration_endpoint"),
        audience=_audience(body),
        product=families.product_of(claims.clean(own.get("product_family_code"), 100)),
        version=claims.clean(own.get("version"), 100),
        account=claims.clean(own.get(f"{CANVAS}account_name"), 100),
        variables=frozenset(name.lstrip("$") for name in _texts(own.get("variables"))),
        placements=_placements(own),
        messages=_messages(own),
    )
    platform = _with_true_issuer(platform)
    _check_hosts(platform, configuration_url)
    return platform


def fetch(url: str, token: str, body: object = None) -> dict[str, Any]:
    """GET, or POST when there is a body. The platform's one-time token goes to this URL's own host only.

    Raises RegistrationRefused.
    """
    host = http.host_of(url)
    session = http.Session(bearer_hosts={host}, max_bytes=MAX_BYTES)
    # an absent token means no header at all: Brightspace sends none and refuses an empty one
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        if body is None:
            response = session.get(url, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            response = session.post(url, data=http.dumps(body).encode(), headers=headers)
        answer = http.loads(response.content) if response.status_code in {200, 201} else None
    except (http.Refused, http.NotSent, http.NoAnswer) as error:
        raise RegistrationRefused("unreachable", str(error)) from None
    except http.BadBody:
        answer = None
    if not isinstance(answer, dict):
        raise _not_an_answer(host, response.status_code)
    return answer


def _not_an_answer(host: str, status: int) -> RegistrationRefused:
    text = str(_("{host} did not answer as a registration should (status {status}).")).format(
        host=host, status=status
    )
    return RegistrationRefused(
        f"http-{status}",
        text,
        _("Begin the registration again in the LMS; its own one-time token may be used up."),
        LMS_ADMINISTRATOR,
    )


def _required(body: Mapping[str, Any], name: str) -> str:
    text = body.get(name)
    if not isinstance(text, str) or not text or len(text) > 500 or text != claims.clean(text, 500):
        raise RegistrationRefused(
            f"configuration:{name}",
            str(_("The LMS's configuration lacks “{name}”.")).format(name=name),
            who=LMS_ADMINISTRATOR,
        )
    return text


def _address(body: Mapping[str, Any], name: str) -> str:
    url = _required(body, name)
    try:
        http.check_url(url)
    except http.Refused as error:
        raise RegistrationRefused(f"configuration:{name}", str(error), who=LMS_ADMINISTRATOR) from None
    return url


def _audience(body: Mapping[str, Any]) -> str:
    # Brightspace needs it; Canvas names a bare host there and checks for its token address instead
    text = claims.clean(body.get("authorization_server"), 1000)
    try:
        http.check_url(text)
    except http.Refused:
        return ""
    return text


def _texts(value: object) -> list[str]:
    return (
        [claims.clean(one) for one in value[:MAX_LIST] if isinstance(one, str)]
        if isinstance(value, list)
        else []
    )


def _placements(own: Mapping[str, Any]) -> frozenset[str]:
    """Moodle lists messages as words and its placements apart; others name placements with each message."""
    messages = own.get("messages_supported")
    rows = [row for row in messages[:MAX_LIST] if isinstance(row, dict)] if isinstance(messages, list) else []
    return frozenset(_texts(own.get("placements"))).union(*(_texts(row.get("placements")) for row in rows))


def _messages(own: Mapping[str, Any]) -> frozenset[str]:
    messages = own.get("messages_supported")
    rows = messages[:MAX_LIST] if isinstance(messages, list) else []
    return frozenset(_texts([row.get("type") if isinstance(row, dict) else row for row in rows]))


def _with_true_issuer(platform: Platform) -> Platform:
    parts = urlsplit(platform.issuer)
    if platform.product != families.BLACKBOARD or not parts.netloc.startswith(PORTAL):
        return platform
    return replace(platform, issuer=f"{parts.scheme}://{parts.netloc.removeprefix(PORTAL)}")


def _check_hosts(platform: Platform, configuration_url: str) -> None:
    """The configuration must come from the issuer itself, and the token must stay where it came from."""
    source = urlsplit(configuration_url).hostname or ""
    issuer = urlsplit(platform.issuer).hostname or ""
    target = urlsplit(platform.registration_url).hostname or ""
    if not _belongs(issuer, source) or not _belongs(issuer, target):
        raise RegistrationRefused(
            "configuration-host",
            str(_("A configuration at {source} speaks for {issuer}, which is another host.")).format(
                source=source, issuer=issuer
            ),
            _("Register the LMS by hand, or check the address that the LMS gave."),
        )


def _belongs(issuer: str, host: str) -> bool:
    if issuer == host or {issuer, host} <= LOOPBACK:
        return True
    return any(_under(issuer, left) and _under(host, right) for left, right in ELSEWHERE)


def _under(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)
