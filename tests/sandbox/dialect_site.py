"""One pretend LMS in a dialect, and a tool that registers there, launches and reads: what the dialect tests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from gradesync_site.sandbox.lms.launch import begin, launch
from gradesync_site.sandbox.lms.vocabulary import SCOPES
from tests.sandbox.lms_tool import JWKS, ORIGIN, Tool, ask_token, assertion
from tests.sandbox_servers import Server

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

MESSAGE: dict[str, Any] = {
    "type": "LtiResourceLinkRequest",
    "target_link_uri": f"{ORIGIN}/lti/launch/",
    "label": "A tool",
    "placements": ["course_navigation", f"{CANVAS}post_grades"],
    f"{CANVAS}visibility": "admins",
    f"{CANVAS}course_navigation/default_enabled": True,
}
OWN: dict[str, Any] = {
    "domain": "tool.example",
    "target_link_uri": f"{ORIGIN}/lti/launch/",
    "claims": ["sub", "name", "email"],
    "custom_parameters": {
        "section": "$CourseSection.sourcedId",
        "who": "$Person.sourcedId",
        "odd": "$Odd.one",
    },
    "messages": [MESSAGE],
    f"{CANVAS}privacy_level": "public",
}
WISH: dict[str, Any] = {
    "application_type": "web",
    "client_name": "A tool",
    "response_types": ["id_token"],
    "grant_types": ["implicit", "client_credentials"],
    "initiate_login_uri": f"{ORIGIN}/lti/login/",
    "redirect_uris": [f"{ORIGIN}/lti/launch/"],
    "jwks_uri": f"{ORIGIN}/lti/jwks/",
    "token_endpoint_auth_method": "private_key_jwt",
    "scope": " ".join(SCOPES),
    TOOL_CONFIGURATION: OWN,
}


@dataclass
class Site:
    server: Server
    client_id: str = "gradesync-sandbox"

    @property
    def base(self) -> str:
        return self.server.base_url

    # --- registration

    def begin(self) -> dict[str, Any]:
        return self.server.control("registration", tool_url=f"{ORIGIN}/lti/register/invite/")

    def configuration(self, begun: dict[str, Any]) -> dict[str, Any]:
        answer = requests.get(begun["openid_configuration"], headers=bearer(begun), timeout=10)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def register(self, begun: dict[str, Any], wish: dict[str, Any] | None = None) -> requests.Response:
        endpoint = self.configuration(begun)["registration_endpoint"]
        return requests.post(endpoint, json=wish or WISH, headers=bearer(begun), timeout=10)

    def install(self, wish: dict[str, Any] | None = None) -> dict[str, Any]:
        """A tool that registered and was switched on; its keys are known without its being there."""
        answer = self.register(self.begin(), wish)
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json()
        self.client_id = granted["client_id"]
        self.server.control("enable")
        self.server.state["tools"][self.client_id]["jwks"] = JWKS
        return granted

    # --- use

    def claims(self, course: str = "101", user: str = "11", **how: str) -> dict[str, Any]:
        tool = Tool(self.base, hello=self.server.hello)
        if how:
            tool.post("/lti/launch/", begin(self.base, course, user, tool, **how)[1])
        else:
            launch(self.base, course, user, tool)
        return tool.claims()

    def ask_token(self, scope: str = " ".join(SCOPES), **changes: Any) -> requests.Response:
        hello = self.server.hello
        audience = hello["auth_audience"] or hello["auth_token_url"]
        who = {"iss": self.client_id, "sub": self.client_id, "aud": audience}
        signed = assertion(self.base, **(who | changes))
        return ask_token(self.base, scope, signed, hello["auth_token_url"])

    def get(self, url: str, accept: str) -> requests.Response:
        token = self.ask_token().json()["access_token"]
        return requests.get(url, headers={"Authorization": f"Bearer {token}", "Accept": accept}, timeout=10)


def bearer(begun: dict[str, Any]) -> dict[str, str]:
    token = begun.get("registration_token")
    return {"Authorization": f"Bearer {token}"} if token else {}


def changed(**own: Any) -> dict[str, Any]:
    """The usual wish with another configuration of the tool; None leaves a part out."""
    kept = {name: value for name, value in (OWN | own).items() if value is not None}
    return WISH | {TOOL_CONFIGURATION: kept}
