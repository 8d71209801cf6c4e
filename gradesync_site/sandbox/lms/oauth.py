"""OAuth 2's code flow as three products speak it: a page where a person allows the access, tokens, renewal, an end.

`campus.accepts(token)` says whether a token of this room (or the fixed one) is good now, and `campus.owner_of(token)`
whose it is: what each vendor's REST room asks. What is under way does not outlive the process.
"""

from __future__ import annotations

import base64
import hashlib
import time
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms.campus import USER_COOKIE, Campus
from gradesync_site.sandbox.lms.keyring import CLIENT_ID, SECRET, STYLES, Code, Keyring, Style
from gradesync_site.sandbox.lms.world import TEACHER, Json

GRANT_TYPES = ("authorization_code", "refresh_token")


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("oauth", __name__, template_folder="templates")
    for style in STYLES:
        _style_routes(routes, campus, style)
    _control_routes(routes, campus.keyring)
    return routes


def _style_routes(routes: Blueprint, campus: Campus, style: Style) -> None:
    def ask() -> str | AnyResponse:
        return _ask(campus, style)

    def decide() -> AnyResponse:
        return _decide(campus, style)

    routes.get(style.authorize, endpoint=f"{style.name}_ask")(ask)
    routes.post(style.authorize, endpoint=f"{style.name}_decide")(decide)
    # where the product has one address for all tokens, its own room passes it on
    if not style.shares_token and style.token != campus.dialect.paths.token:
        routes.post(style.token, endpoint=f"{style.name}_token")(lambda: token(campus))
    if style.revoke:
        routes.delete(style.revoke, endpoint=f"{style.name}_revoke")(lambda: _revoke(campus))


# --- allowing -------------------------------------------------------------------------------------------------


def _ask(campus: Campus, style: Style) -> str | AnyResponse:
    """The page that asks; in auto mode (a trusted key, in Canvas's words) nobody is asked."""
    trouble = _trouble(campus)
    if trouble:
        abort(400, trouble)
    if campus.keyring.auto:
        return _decide(campus, style)
    person = _visitor(campus)
    return render_template("allow.html", person=person, fields=request.args, action=style.authorize)


def _trouble(campus: Campus) -> str:
    """Why nobody can be sent back: said here, as the address may be anybody's."""
    asked = request.values
    if asked.get("client_id") != CLIENT_ID:
        return "unknown client"
    back = urlsplit(asked.get("redirect_uri", ""))
    if f"{back.scheme}://{back.netloc}" not in _known_origins(campus):
        return "redirect_uri does not match client settings"
    return "" if asked.get("response_type") == "code" else "response_type must be code"


def _known_origins(campus: Campus) -> set[str]:
    """As in Canvas: the domain of a redirect must be the key's. Here the tool's own."""
    tools = campus.world.state["tools"].values()
    urls = [urlsplit(url) for tool in tools for url in tool["redirect_uris"]]
    return {f"{url.scheme}://{url.netloc}" for url in urls} | set(campus.keyring.origins)


def _visitor(campus: Campus) -> Json:
    """Who is signed in here: what the browser says, else the first course's teacher."""
    chosen = request.cookies.get(USER_COOKIE, "")
    if chosen in campus.world.state["people"]:
        return campus.world.person(chosen)
    course = campus.world.courses()[0]
    return campus.world.person(campus.world.enrollments(course, TEACHER)[0]["user_id"])


def _decide(campus: Campus, style: Style) -> AnyResponse:
    trouble = _trouble(campus)
    if trouble:
        abort(400, trouble)
    asked = request.values
    back = {"state": asked["state"]} if asked.get("state") else {}
    if asked.get("answer", "allow") == "allow":
        back["code"] = campus.keyring.make_code(
            Code(
                style.name,
                str(_visitor(campus)["id"]),
                asked["redirect_uri"],
                asked.get("scope", ""),
                asked.get("code_challenge", ""),
            )
        )
    else:
        back["error"] = "access_denied"
    return redirect(f"{asked['redirect_uri']}?{urlencode(back)}", 302)


# --- tokens ---------------------------------------------------------------------------------------------------


def token(campus: Campus) -> Response:
    """POST: a code or a refresh token for tokens."""
    if not _client_is_right():
        return _error("invalid_client", "invalid client", 401)
    if campus.struck("token-away"):
        return answer({"error": "temporarily_unavailable"}, 503, {"Retry-After": "7"})
    kind = request.form.get("grant_type", "")
    if kind == "authorization_code":
        return _from_code(campus)
    if kind == "refresh_token":
        return _from_refresh(campus)
    return _error("unsupported_grant_type", "The grant_type you requested is not currently supported")


def _client_is_right() -> bool:
    form, basic = request.form, request.authorization
    if basic is not None and basic.type == "basic":
        return (basic.username, basic.password) == (CLIENT_ID, SECRET)
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)


def _from_code(campus: Campus) -> Response:
    code = campus.keyring.take_code(request.form.get("code", ""))
    if code is None or code.redirect_uri != request.form.get("redirect_uri"):
        return _error("invalid_grant", "authorization_code not found")
    if code.challenge and not _proves(code.challenge, request.form.get("code_verifier", "")):
        return _error("invalid_grant", "code_verifier does not fit")
    grant = campus.keyring.begin(code)
    return _answer(campus, grant.id, refresh=grant.refresh)


def _proves(challenge: str, verifier: str) -> bool:
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=") == challenge


def _from_refresh(campus: Campus) -> Response:
    """Canvas's stays the same and is not said again; Brightspace's counts once, and a second use ends the grant."""
    given = request.form.get("refresh_token", "")
    grant = campus.keyring.of_refresh(given)
    if grant is None:
        # Canvas's own words (instructure/canvas-lms lib/canvas/oauth/request_error.rb); others say invalid_grant
        canvas = request.path == STYLES[0].token
        return _error("invalid_request" if canvas else "invalid_grant", "refresh_token not found")
    refresh = campus.keyring.rotate(grant) if grant.style.rotates else ""
    late = campus.sandbox.strikes("token-answer-late")
    if late:
        time.sleep(float(late.settings.get("seconds", 1)))
    if campus.struck("token-answer-lost"):
        return answer({"error": "server_error"}, 502)
    return _answer(campus, grant.id, refresh=refresh)


def _answer(campus: Campus, grant_id: str, *, refresh: str) -> Response:
    keyring = campus.keyring
    grant = keyring.grants[grant_id]
    body: Json = {
        "access_token": keyring.issue(grant),
        "token_type": "Bearer",
        "expires_in": keyring.seconds,
    }
    if refresh:
        body["refresh_token"] = refresh
    if grant.scope:
        body["scope"] = grant.scope
    person = campus.world.person(grant.person)
    if grant.style.names_user:
        body["user"] = {"id": person["id"], "name": person["name"], "global_id": str(person["id"])}
    if grant.style.names_uuid:
        body["user_id"] = person["lti_id"].replace("-", "")
    return answer(body, headers={"Cache-Control": "no-store"})


def _revoke(campus: Campus) -> Response:
    given = request.headers.get("Authorization", "").partition(" ")[2]
    if not campus.keyring.revoke_by(given):
        return answer({"errors": [{"message": "Invalid access token."}]}, 401)
    return answer({})


def _error(code: str, text: str, status: int = 400) -> Response:
    return answer({"error": code, "error_description": text}, status, {"Cache-Control": "no-store"})


# --- control --------------------------------------------------------------------------------------------------


def _control_routes(routes: Blueprint, keyring: Keyring) -> None:
    @routes.post("/_sandbox/oauth")
    def control() -> Response:
        """{"auto", "seconds", "origin"}: how it goes from now on; {"expire": true}: access tokens end, grants go on;

        {"revoke": user | true}: this person's grants end, or all.
        """
        wish = loads(request.get_data())
        keyring.auto = bool(wish.get("auto", keyring.auto))
        keyring.seconds = int(wish.get("seconds", keyring.seconds))
        if wish.get("origin"):
            keyring.origins.append(str(wish["origin"]))
        if wish.get("expire"):
            keyring.expire()
        if wish.get("revoke"):
            keyring.revoke("" if wish["revoke"] is True else str(wish["revoke"]))
        return answer({"grants": [one.as_json() for one in keyring.grants.values()]})

    @routes.get("/_sandbox/oauth")
    def look() -> Response:
        return answer({"grants": [one.as_json() for one in keyring.grants.values()]})
