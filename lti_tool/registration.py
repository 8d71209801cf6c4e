"""LTI Dynamic Registration 1.0, the tool's side: read the platform's configuration, register, store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from lti_tool import canvas, claims, http
from lti_tool.errors import LMS_ADMINISTRATOR, RegistrationRefused
from lti_tool.login import public_url
from lti_tool.models import Deployment, Invite, Registration

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
MAX_BYTES = 512 * 1024

# families whose configuration lies on another host than their issuer: (issuer's host, configuration's host), each
# with its subdomains
ELSEWHERE = (
    ("blackboard.com", "developer.blackboard.com"),
    ("instructure.com", "canvaslms.com"),
    ("instructure.com", "instructure.com"),
)


@dataclass(frozen=True)
class Platform:
    """A platform's OpenID configuration, checked."""

    issuer: str
    auth_login_url: str
    auth_token_url: str
    key_set_url: str
    registration_url: str
    audience: str = ""
    product: str = ""


def read_platform(configuration_url: str, token: str) -> Platform:
    """Fetch and check a platform's configuration. Raises RegistrationRefused."""
    body = _json(configuration_url, token, None)
    platform = Platform(
        issuer=_required(body, "issuer"),
        auth_login_url=_address(body, "authorization_endpoint"),
        auth_token_url=_address(body, "token_endpoint"),
        key_set_url=_address(body, "jwks_uri"),
        registration_url=_address(body, "registration_endpoint"),
        audience=_audience(body),
        product=_product(body),
    )
    _check_hosts(platform, configuration_url)
    return platform


def register(platform: Platform, token: str, invite: Invite) -> Registration:
    """Register this tool there and store the platform. Raises RegistrationRefused.

    It starts active only where the invite was pre-approved; an existing registration is never overwritten.
    """
    answer = _json(platform.registration_url, token, tool_description(platform))
    client_id = claims.clean(answer.get("client_id"))
    if not client_id:
        raise RegistrationRefused(
            "no-client-id", _("The LMS answered without a client id."), who=LMS_ADMINISTRATOR
        )
    return _store(platform, client_id, _deployment_id(answer), invite)


def tool_description(platform: Platform) -> dict[str, Any]:
    """What we tell the platform of us (OpenID Connect Dynamic Registration with the LTI extension, §3.1)."""
    launch = public_url("launch")
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": public_url("login"),
        "redirect_uris": [launch],
        "client_name": canvas.TITLE,
        "jwks_uri": public_url("jwks"),
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(canvas.SCOPES),
        TOOL: {
            "domain": urlsplit(settings.PUBLIC_URL).netloc,
            "description": canvas.DESCRIPTION,
            "target_link_uri": launch,
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "custom_parameters": canvas.VARIABLES if platform.product == "canvas" else {},
            "messages": [_message(platform, launch)],
            **({f"{CANVAS}privacy_level": "public"} if platform.product == "canvas" else {}),
        },
    }


def _message(platform: Platform, launch: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": "LtiResourceLinkRequest",
        "target_link_uri": launch,
        "label": canvas.TITLE,
    }
    if platform.product == "canvas":
        message["placements"] = ["course_navigation", f"{CANVAS}post_grades"]
        message[f"{CANVAS}visibility"] = "admins"
        message[f"{CANVAS}course_navigation/default_enabled"] = True
    return message


def _json(url: str, token: str, body: object) -> dict[str, Any]:
    """GET, or POST when there is a body. The platform's one-time token goes to this URL's own host only."""
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
        text = str(_("{host} did not answer as a registration should (status {status}).")).format(
            host=host, status=response.status_code
        )
        raise RegistrationRefused(
            f"http-{response.status_code}",
            text,
            _("Begin the registration again in the LMS; its own one-time token may be used up."),
            LMS_ADMINISTRATOR,
        )
    return answer


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
    text = body.get("authorization_server")
    return claims.clean(text, 1000) if isinstance(text, str) and text.startswith("https://") else ""


def _product(body: Mapping[str, Any]) -> str:
    platform = body.get(PLATFORM)
    return (
        claims.clean(platform.get("product_family_code"), 100).lower() if isinstance(platform, dict) else ""
    )


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
    if issuer == host:
        return True
    return any(_under(issuer, left) and _under(host, right) for left, right in ELSEWHERE)


def _under(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _deployment_id(answer: Mapping[str, Any]) -> str:
    """Moodle names its only deployment; Canvas's are learned from launches."""
    tool = answer.get(TOOL)
    value = tool.get("deployment_id") if isinstance(tool, dict) else None
    return claims.clean(str(value)) if isinstance(value, str | int) and value != "" else ""


def _store(platform: Platform, client_id: str, deployment_id: str, invite: Invite) -> Registration:
    host = urlsplit(platform.auth_login_url).hostname or ""
    try:
        with transaction.atomic():
            row = Registration.objects.create(
                institution=invite.institution,
                name=f"{platform.product or 'LMS'} {host}"[:200],
                issuer=platform.issuer,
                client_id=client_id,
                auth_login_url=platform.auth_login_url,
                auth_token_url=platform.auth_token_url,
                auth_audience=platform.audience,
                key_set_url=platform.key_set_url,
                active=invite.pre_approved,
                trust_new_deployments=invite.pre_approved,
            )
            if deployment_id:
                Deployment.objects.create(
                    registration=row, deployment_id=deployment_id, active=invite.pre_approved
                )
    except IntegrityError:
        raise RegistrationRefused(
            "exists",
            _(
                "This LMS is registered here already under the same client id. The existing registration was not changed."
            ),
        ) from None
    return row
