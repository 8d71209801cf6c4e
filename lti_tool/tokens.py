"""Access tokens by client credentials with a signed assertion (RFC 7523, 1EdTech Security §4.1), shared by all workers."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any

import jwt
import requests
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from lti_tool import http, keys
from lti_tool.models import CachedToken, Registration, SigningKey
from lti_tool.service_errors import ServiceAway, ServiceBroken, ServiceRefused, check_status, translated

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Moodle tolerates no clock that is ahead of its own
BACKDATE_S, LIFETIME_S = 10, 300
MARGIN_S, DEFAULT_S = 60, 3600
OAUTH_CODES = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}


class AccessTokens:
    """Tokens of one registration. Asks for one scope at a time, the first of `scopes` that the platform grants."""

    def __init__(self, registration: Registration, session: http.Session) -> None:
        self._registration, self._session = registration, session

    def get(self, scopes: tuple[str, ...]) -> str:
        """A token that is still good. Raises ServiceRefused, ServiceAway or ServiceBroken."""
        try:
            kept = CachedToken.fresh(self._key(scopes))
        except ImproperlyConfigured:
            # written with a key that FIELD_KEYS no longer holds: a new token costs nothing
            self.drop(scopes)
            kept = None
        return kept or self._fetch(scopes)

    def drop(self, scopes: tuple[str, ...]) -> None:
        CachedToken.objects.filter(key=self._key(scopes)).delete()

    def _key(self, scopes: tuple[str, ...]) -> str:
        row = self._registration
        # the registration, not the issuer: all hosted Canvas and Blackboard customers share theirs
        parts = ("lti", str(row.pk), row.client_id, row.auth_token_url, *sorted(scopes))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _fetch(self, scopes: tuple[str, ...]) -> str:
        for scope in scopes:
            response = self._answer(scope)
            if _oauth_code(response) != "invalid_scope":
                break
        return self._keep(scopes, self._granted(response))

    def _answer(self, scope: str) -> requests.Response:
        row = self._registration
        response = self._ask(scope, row.auth_audience or row.auth_token_url)
        if _oauth_code(response) != "invalid_client" or row.auth_audience in {"", row.auth_token_url}:
            return response
        # some platforms (Canvas) announce an audience and then check for their token address
        response = self._ask(scope, row.auth_token_url)
        if response.ok or _oauth_code(response) == "invalid_scope":
            self._forget_audience()
        return response

    def _forget_audience(self) -> None:
        row = self._registration
        # not where an administrator has just written another one
        type(row).objects.filter(pk=row.pk, auth_audience=row.auth_audience).update(auth_audience="")
        row.auth_audience = ""

    def _ask(self, scope: str, audience: str) -> requests.Response:
        data = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(audience),
            "scope": scope,
        }
        try:
            return self._session.post(self._registration.auth_token_url, data=data)
        except http.HttpError as error:
            raise translated(error) from None

    def _assertion(self, audience: str) -> str:
        now, key = int(time.time()), _signing_key()
        claims = {
            "iss": self._registration.client_id,
            "sub": self._registration.client_id,
            "aud": audience,
            "iat": now - BACKDATE_S,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(claims, key.private_pem, algorithm="RS256", headers={"kid": key.kid})

    def _granted(self, response: requests.Response) -> dict[str, Any]:
        host = http.host_of(self._registration.auth_token_url)
        if 400 <= response.status_code < 500 and response.status_code != 429:
            raise _refused(host, response)
        check_status(response, self._registration.auth_token_url)
        try:
            # whatever the content type: Moodle says text/html
            body = http.loads(response.content)
        except http.BadBody:
            raise ServiceBroken(f"{host} answered a token request with no JSON.", "token-bad-json") from None
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise ServiceBroken(f"{host} granted access but sent no token.", "token-missing")
        return body

    def _keep(self, scopes: tuple[str, ...], body: dict[str, Any]) -> str:
        token = str(body["access_token"])
        seconds = _seconds(body.get("expires_in")) - MARGIN_S
        if seconds > 0:
            CachedToken.objects.update_or_create(
                key=self._key(scopes),
                defaults={"token": token, "expires_at": timezone.now() + timedelta(seconds=seconds)},
            )
        return token


def _signing_key() -> SigningKey:
    try:
        return keys.active_key()
    except keys.KeyUnreadable as error:
        raise ServiceRefused(str(error), "key-unreadable") from None


def _seconds(value: object) -> int:
    try:
        return max(0, min(int(str(value)), 86_400))
    except ValueError:
        return DEFAULT_S


def _oauth_code(response: requests.Response) -> str:
    """The error code of RFC 6749 §5.2 where the platform gives one; other words are not repeated."""
    if response.status_code < 400:
        return ""
    try:
        body = http.loads(response.content)
    except http.BadBody:
        return ""
    code = body.get("error") if isinstance(body, dict) else ""
    return code if isinstance(code, str) and code in OAUTH_CODES else ""


def _refused(host: str, response: requests.Response) -> ServiceRefused | ServiceAway:
    code, status = _oauth_code(response), response.status_code
    if code == "invalid_scope":
        text = f"{host} does not grant this tool that right. Ask the LMS administrator to enable grade services and names and roles."
    elif status == 404:
        text = f"{host} gives no access token (404). Often the LMS cannot reach this tool's key set address: ask the LMS administrator."
    else:
        text = f"{host} gives no access token ({code or status}). Ask the LMS administrator to check client id, key set and audience."
    return ServiceRefused(text, f"token-{code or status}")
