"""The launch: pylti1p3's steps in pylti1p3's order, each with the checks that it lacks (1EdTech Security §5.1.3)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, cast

import jwt
from django.http import HttpRequest
from pylti1p3.cookie import CookieService
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.request import Request
from pylti1p3.session import SessionService

from lti_tool import claims as lti_claims
from lti_tool import http, login, origins, people, platform_keys, refusals, sessions
from lti_tool.claims import Claims
from lti_tool.models import LoginState, Registration
from lti_tool.tool_config import PlatformConfig

MAX_TOKEN = 100_000
ALGORITHM = "RS256"


class Unproven(Exception):
    """The message is good, and may have come to another browser than the one that asked for it: our script finds out."""


class Launch:
    """One posted launch. After it was refused, `return_url`, `frame_origins` and `can_begin_anew` say how its page looks."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._message = _Message(request)
        self._signed_origins: list[str] = []
        self.return_url = ""

    @property
    def registration(self) -> Registration | None:
        """The platform whose login this answers; before `read` its word is not verified."""
        return self._message.logins.login.registration if self._message.logins.login else None

    @property
    def login(self) -> LoginState:
        """The login that this launch answers. Raises LookupError where it names none."""
        return self._message.logins.known()

    @property
    def can_begin_anew(self) -> bool:
        """Refused only because this browser cannot be told to be the one that asked: a new tab could."""
        return self._message.logins.login is not None and not self._message.logins.proof

    @property
    def frame_origins(self) -> list[str]:
        known = origins.frame_origins(self.registration) if self.registration else origins.ANY_SITE
        return list(dict.fromkeys([*known, *self._signed_origins]))

    def read(self) -> Claims:
        """The verified message. Raises LtiRefused (all kinds), or Unproven. Nothing of it is stored yet."""
        claims = self._verified()
        self._signed_origins = origins.learned_origins(claims)
        if origins.origin_of(claims.return_url) in origins.frame_origins(self.login.registration):
            self.return_url = claims.return_url
        if not self._message.logins.proof:
            raise Unproven
        return claims

    def enter(self, claims: Claims) -> sessions.Opened:
        """Store course and person, open her session. Raises NotYours or LaunchRefused."""
        registration = self.login.registration
        deployment = people.approved_deployment(registration, claims)
        if origins.origin_of(claims.return_url) in self._signed_origins:
            self.return_url = claims.return_url
        membership = people.record(deployment, claims)
        origins.learn(registration, self._signed_origins, self.login.storage_target)
        return sessions.open_session(
            membership,
            self._request,
            origins=self._signed_origins,
            return_url=self.return_url,
            by_cookie=self._message.logins.proof == "cookie",
        )

    def _verified(self) -> Claims:
        try:
            self._message.validate()
        except lti_claims.ClaimError as error:
            raise refusals.claim(error) from None
        except LtiException:
            # its text may quote the token
            raise refusals.bad_token() from None
        return self._message.verified()


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
        self.login: LoginState | None = None
        # how this browser showed that it asked for the launch: "cookie", "script" or not at all
        self.proof = ""

    def known(self) -> LoginState:
        if self.login is None:
            raise LookupError("The state was not checked yet.")
        return self.login

    def check_state_is_valid(self, state: str, id_token_hash: str) -> bool:
        """Used up before anything else is looked at; unproven ones go on, and end in Unproven at best."""
        row = self.login = login.under_way(state)
        if row is None:
            raise refusals.state()
        self.proof = login.proof(row, self._request, state)
        if not (login.use_up(row) if self.proof else row.by_script):
            raise refusals.state()
        return True

    def check_nonce(self, nonce: str) -> bool:
        return hmac.compare_digest(self.known().nonce_hash, sessions.digest(nonce))


class _Message(MessageLaunch[Any, Any, Any, Any]):
    def __init__(self, request: HttpRequest) -> None:
        self.logins = _Logins(request)
        self._claims: Claims | None = None
        config = PlatformConfig(lambda: self.logins.known().registration)
        super().__init__(_Post(request), config, self.logins, _NoCookies(), requests_session=http.Session())

    def verified(self) -> Claims:
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
        return self.logins.known().registration.client_id

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
        body, registration = self._body(), self.logins.known().registration
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
            key = platform_keys.find_key(self.logins.known().registration, kid)
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
        if claims.message_type not in {lti_claims.RESOURCE_LINK, lti_claims.DEEP_LINKING}:
            raise refusals.other_message()
        if not login.own_address(claims.target_link_uri):
            raise refusals.foreign_target()
        wish = claims.deep_linking
        if wish is not None and lti_claims.RESOURCE_LINK_ITEM not in wish.accept_types:
            raise refusals.no_link_wanted()
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
