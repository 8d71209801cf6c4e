"""The launch: pylti1p3's steps in pylti1p3's order, each with the checks that it lacks (1EdTech Security §5.1.3)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, cast

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from pylti1p3.cookie import CookieService
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.request import Request
from pylti1p3.session import SessionService

from lti_tool import claims as lti_claims
from lti_tool import http, login, people, platform_keys, refusals, sessions
from lti_tool.models import LoginState, LtiSession, Registration
from lti_tool.origins import frame_origins, known_origins, learned_origins
from lti_tool.tool_config import PlatformConfig

MAX_TOKEN = 100_000
ALGORITHM = "RS256"


class Launch:
    """One posted launch. After `open` was refused, `return_url` and `frame_origins` say how its page can be shown."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._message = _Message(request)
        self.return_url = ""

    @property
    def registration(self) -> Registration | None:
        """The platform whose login this answers; its word is not yet verified."""
        return self._message.logins.registration

    @property
    def frame_origins(self) -> list[str]:
        known = frame_origins(self.registration) if self.registration else known_origins()
        return [*known, *learned_origins(self.return_url)]

    def open(self) -> tuple[LtiSession, str]:
        """Check everything, store course and person, open her session. Raises LtiRefused (all kinds).

        Returns the session and its token. Nothing is stored before the token is verified.
        """
        claims, registration = self._verified()
        if learned_origins(claims.return_url):
            self.return_url = claims.return_url
        deployment = people.approved_deployment(registration, claims)
        membership = people.record(deployment, claims)
        return sessions.open_session(
            membership,
            self._request,
            origins=learned_origins(self.return_url),
            return_url=self.return_url,
        )

    def _verified(self) -> tuple[lti_claims.Claims, Registration]:
        try:
            self._message.validate()
        except lti_claims.ClaimError as error:
            raise refusals.claim(error) from None
        except LtiException:
            # its text may quote the token
            raise refusals.bad_token() from None
        return self._message.verified(), self._message.logins.known()


def landing(session: LtiSession, token: str) -> HttpResponse:
    """Off to the course page, with the session's cookie."""
    public_id = session.membership.context.public_id
    response = redirect(settings.LTI_LAUNCH_REDIRECT, public_id=public_id)
    response.headers["Cache-Control"] = "no-store"
    sessions.carry(response, session, token)
    return response


class _Post(Request):
    """The form fields of the post, and nothing from the URL."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self._post = request

    @property
    def session(self) -> Any:
        raise LookupError("Launches keep nothing in Django's session.")

    def is_secure(self) -> bool:
        return self._post.is_secure()

    def get_param(self, key: str) -> str:
        return self._post.POST.get(key) or ""


class _NoCookies(CookieService):
    """The library's own state cookie is not used; `login.take` reads ours."""

    def get_cookie(self, name: str) -> str | None:
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        raise LookupError("Launches set their cookies themselves.")


class _Logins(SessionService):
    """State and nonce as LoginState rows: used once, bound to the browser, the issuer and the client."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._login: LoginState | None = None

    @property
    def registration(self) -> Registration | None:
        return self._login.registration if self._login else None

    def known(self) -> Registration:
        if self._login is None:
            raise LookupError("The state was not checked yet.")
        return self._login.registration

    def check_state_is_valid(self, state: str, id_token_hash: str) -> bool:
        self._login = login.take(self._request, state)
        if self._login is None:
            raise refusals.state()
        return True

    def check_nonce(self, nonce: str) -> bool:
        return self._login is not None and hmac.compare_digest(self._login.nonce_hash, sessions.digest(nonce))


class _Message(MessageLaunch[Any, Any, Any, Any]):
    def __init__(self, request: HttpRequest) -> None:
        self.logins = _Logins(request)
        self._claims: lti_claims.Claims | None = None
        super().__init__(
            _Post(request), PlatformConfig(), self.logins, _NoCookies(), requests_session=http.Session()
        )

    def verified(self) -> lti_claims.Claims:
        if self._claims is None:
            raise LookupError("The message was not verified.")
        return self._claims

    def _get_request_param(self, key: str) -> str:
        return str(self._request.get_param(key))

    def _get_id_token_hash(self) -> str:
        # the library's MD5 does not exist on FIPS builds
        return hashlib.sha256(self._get_id_token().encode()).hexdigest()

    def get_client_id(self) -> str:
        """The client that this login was for; `aud` may be a list in any order."""
        return self.logins.known().client_id

    def validate_jwt_format(self) -> MessageLaunch[Any, Any, Any, Any]:
        if len(self._get_id_token()) > MAX_TOKEN:
            raise LtiException("too long")
        super().validate_jwt_format()
        header, body = self._jwt.get("header"), self._jwt.get("body")
        if not isinstance(header, dict) or not isinstance(body, dict):
            raise LtiException("not objects")
        # keys named in the header (jwk, jku, x5u) are never looked at; what must be understood, is not
        if header.get("alg") != ALGORITHM or "crit" in header:
            raise LtiException("not signed as LTI demands")
        return self

    def validate_nonce(self) -> MessageLaunch[Any, Any, Any, Any]:
        nonce = self._body().get("nonce")
        if not isinstance(nonce, str) or not nonce:
            raise lti_claims.ClaimError("missing", "nonce")
        return super().validate_nonce()

    def validate_registration(self) -> MessageLaunch[Any, Any, Any, Any]:
        body, registration = self._body(), self.logins.known()
        if not registration.active:
            raise login.waits_for_approval()
        if body.get("iss") != registration.issuer:
            raise lti_claims.ClaimError("wrong-audience", "iss")
        lti_claims.check_audience(body, registration.client_id)
        return super().validate_registration()

    def validate_jwt_signature(self) -> MessageLaunch[Any, Any, Any, Any]:
        kid = (self._jwt.get("header") or {}).get("kid")
        if not isinstance(kid, str) or not kid:
            raise LtiException("no kid")
        try:
            key = platform_keys.find_key(self.logins.known(), kid)
            body = jwt.decode(self._get_id_token(), key, algorithms=[ALGORITHM], options=SIGNATURE_ONLY)
        except platform_keys.KeysAway:
            raise refusals.keys_away() from None
        except platform_keys.KeyUnknown:
            raise refusals.key_unknown() from None
        except (jwt.InvalidTokenError, UnicodeError):
            raise LtiException("bad signature") from None
        self._jwt["body"] = cast(Any, body)
        lti_claims.check_times(body, time.time())
        return self

    def validate_deployment(self) -> MessageLaunch[Any, Any, Any, Any]:
        """Typed claims first; an unknown deployment is recorded by `people`, not refused here."""
        self._claims = lti_claims.read(self._body())
        return self

    def validate_message(self) -> MessageLaunch[Any, Any, Any, Any]:
        claims = self.verified()
        if claims.message_type != lti_claims.RESOURCE_LINK:
            raise refusals.other_message()
        if not login.own_address(claims.target_link_uri):
            raise refusals.foreign_target()
        return super().validate_message()

    def save_launch_data(self) -> MessageLaunch[Any, Any, Any, Any]:
        """What must be kept becomes rows; the token itself is kept nowhere."""
        return self

    def _body(self) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self._jwt.get("body", {})
        return body


# times and audience are checked by claims.py, which also takes what the library would choke on
SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
