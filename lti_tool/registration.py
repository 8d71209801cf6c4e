"""LTI Dynamic Registration 1.0, the tool's side: register at the platform, keep what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from lti_tool import archiving, claims, granted, http
from lti_tool.errors import LMS_ADMINISTRATOR, RegistrationRefused
from lti_tool.models import Deployment, Invite, Registration
from lti_tool.origins import origin_of
from lti_tool.platform_configuration import Platform, fetch
from lti_tool.tool_description import TOOL, describe


def register(platform: Platform, token: str, invite: Invite, site: str = "") -> Registration:
    """Register this tool there and store the platform. Raises RegistrationRefused.

    It starts active only where the invite was pre-approved; an existing registration is never overwritten, an archived
    one of the same institution is revived. `site` is the LMS's own address where the issuer does not tell it.
    """
    site = site_of(site)
    answer = fetch(platform.registration_url, token, describe(platform))
    client_id = claims.clean(answer.get("client_id"))
    if not client_id:
        raise RegistrationRefused(
            "no-client-id", _("The LMS answered without a client id."), who=LMS_ADMINISTRATOR
        )
    try:
        with transaction.atomic():
            row = _row(platform, client_id, invite)
            _fill(row, platform, answer, site)
            _approve(row, invite)
            row.save()
            _keep_deployment(row, _deployment_id(answer), invite)
    except IntegrityError:
        raise _exists() from None
    return row


def site_of(text: str) -> str:
    """The origin of an LMS as somebody typed it; empty stays empty. Raises RegistrationRefused."""
    if not text.strip():
        return ""
    site = origin_of(text.strip())
    try:
        http.check_url(site)
    except http.Refused:
        raise RegistrationRefused(
            "site",
            _("The address of the LMS is not a web address that this tool may reach."),
            _("Type it as the browser shows it, such as https://school.example.edu, or leave it empty."),
        ) from None
    return site


def _row(platform: Platform, client_id: str, invite: Invite) -> Registration:
    """A new row, or the archived one of the same institution. Raises RegistrationRefused."""
    known = Registration.objects.filter(issuer=platform.issuer, client_id=client_id).first()
    if known is None:
        return Registration(institution=invite.institution, issuer=platform.issuer, client_id=client_id)
    if known.institution_id != invite.institution_id:
        raise RegistrationRefused(
            "exists-elsewhere",
            _(
                "Another institution of this tool has registered this client id of the LMS. Nothing was changed."
            ),
            _("Register the tool anew in the LMS, so that it gives another client id."),
        )
    if known.archived_at is None:
        raise _exists()
    archiving.revive(known)
    return known


def _exists() -> RegistrationRefused:
    return RegistrationRefused(
        "exists",
        _(
            "This LMS is registered here already under the same client id. The existing registration was not changed."
        ),
    )


def _fill(row: Registration, platform: Platform, answer: Mapping[str, Any], site: str) -> None:
    host = urlsplit(site or platform.auth_login_url).hostname or ""
    row.name = f"{platform.account or platform.product or 'LMS'} {host}"[:200]
    row.auth_login_url = platform.auth_login_url
    row.auth_token_url = platform.auth_token_url
    row.auth_audience = platform.audience
    row.key_set_url = platform.key_set_url
    row.product = platform.product
    row.granted_scopes = granted.scopes_of(answer.get("scope"))
    if site:
        row.service_hosts = sorted({*row.service_hosts, http.host_of(site).lower()})
        row.frame_origins = sorted({*row.frame_origins, site})


def _approve(row: Registration, invite: Invite) -> None:
    row.active = row.trust_new_deployments = invite.pre_approved


def _keep_deployment(row: Registration, deployment_id: str, invite: Invite) -> None:
    if invite.pre_approved:
        # those of a revived registration
        row.deployments.update(active=True)
    if deployment_id:
        Deployment.objects.update_or_create(
            registration=row, deployment_id=deployment_id, defaults={"active": invite.pre_approved}
        )


def _deployment_id(answer: Mapping[str, Any]) -> str:
    """Moodle names its only deployment; Canvas's are learned from launches."""
    tool = answer.get(TOOL)
    value = tool.get("deployment_id") if isinstance(tool, dict) else None
    return claims.clean(str(value)) if isinstance(value, str | int) and value != "" else ""
