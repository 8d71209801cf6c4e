"""A tool that never was: it keeps the rules of LTI 1.3, so that the pretend LMS can be tested without the real one."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from html import escape
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from gradesync_site.sandbox.lms.vocabulary import SCOPES

ORIGIN = "https://tool.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KID = "tool-key"
JWKS = {
    "keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": KID, "alg": "RS256"}]
}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Tool:
    """Answers what a browser posts to it; `auth` changes what it sends to the platform's authentication.

    `hello`: the addresses of a platform that speaks a dialect, as its server describes itself.
    """

    lms: str
    auth: dict[str, str] = field(default_factory=dict)
    hello: dict[str, Any] = field(default_factory=dict)
    # its login answers a page with a link to go on, instead of a redirect
    looks_first: bool = False
    login: dict[str, str] = field(default_factory=dict)
    launched: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, fields: dict[str, str], **more: Any) -> Any:
        if path == "/lti/login/":
            self.login = fields
            return self._onward()
        self.launched = fields
        return SimpleNamespace(status_code=302, headers={"Location": "/courses/x/"})

    def _onward(self) -> SimpleNamespace:
        if not self.looks_first:
            return SimpleNamespace(status_code=302, headers={"Location": self.auth_url()})
        page = f'<a href="/other">x</a><a id="continue" rel="next" href="{escape(self.auth_url())}">Go on</a>'
        return SimpleNamespace(status_code=200, headers={}, content=page.encode())

    def auth_url(self) -> str:
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.login["client_id"],
            "redirect_uri": f"{ORIGIN}/lti/launch/",
            "login_hint": self.login["login_hint"],
            "lti_message_hint": self.login["lti_message_hint"],
            "state": "a-state",
            "nonce": uuid.uuid4().hex,
        }
        kept = {name: value for name, value in (asked | self.auth).items() if value}
        return f"{self.hello.get('auth_login_url', f'{self.lms}/lti/auth')}?{urlencode(kept)}"

    def claims(self) -> dict[str, Any]:
        """The id_token, checked as a tool must check it."""
        token = self.launched["id_token"]
        key_set = self.hello.get("key_set_url", f"{self.lms}/lti/jwks")
        keys = requests.get(key_set, timeout=10).json()["keys"]
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(jwt.PyJWK(one) for one in keys if one["kid"] == kid)
        found: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=self.login["client_id"],
            issuer=self.hello.get("issuer", self.lms),
        )
        return found


def assertion(lms: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "gradesync-sandbox",
        "sub": "gradesync-sandbox",
        "aud": f"{lms}/lti/token",
        "iat": now - 5,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(kept, KEY, algorithm="RS256", headers={"kid": KID})


def ask_token(
    lms: str, scope: str = " ".join(SCOPES), signed: str = "", token_url: str = ""
) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed or assertion(lms),
        "scope": scope,
    }
    return requests.post(token_url or f"{lms}/lti/token", data=form, timeout=10)


def install(lms: str, **more: Any) -> None:
    """Makes this tool known to the LMS, its keys included."""
    wish = {"tool_url": ORIGIN, "jwks": JWKS} | more
    assert requests.post(f"{lms}/_sandbox/tool", json=wish, timeout=10).status_code == 200


def read_all(url: str, headers: dict[str, str]) -> tuple[list[Any], list[requests.Response]]:
    """Every page of a list, by the Link header; also the answers themselves."""
    rows: list[Any] = []
    answers: list[requests.Response] = []
    while url:
        answers.append(requests.get(url, headers=headers, timeout=10))
        assert answers[-1].status_code == 200, answers[-1].text
        page = answers[-1].json()
        rows += page["members"] if isinstance(page, dict) else page
        url = answers[-1].links.get("next", {}).get("url", "")
    return rows, answers


def course_urls(lms: str, course: str = "101", user: str = "11") -> dict[str, Any]:
    """The claims of a launch of this course, for the addresses of its services."""
    from gradesync_site.sandbox.lms.launch import launch

    tool = Tool(lms)
    launch(lms, course, user, tool)
    return tool.claims()


def host_of(url: str) -> str:
    return urlsplit(url).netloc
