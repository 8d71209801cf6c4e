"""Launches that must work and launches that must not (1EdTech's tool test matrix, and what it leaves out)."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import responses
from django.test import Client

from lti_tool.models import Context, Deployment, LoginState, LtiSession, LtiUser, Membership
from tests.lti_tool.platform import (
    ASSISTANT,
    GONE,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    Platform,
    jwk,
    private_key,
    public_pem,
    unsigned,
)

YEAR = 365 * 86_400


def text(response: Any) -> str:
    return response.content.decode()


def test_accepted_launch_ends_at_the_course_page(platform: Platform) -> None:
    response = platform.launch()
    context = Context.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"] == f"/courses/{context.public_id}/"


def test_accepted_launch_leaves_course_person_and_role(platform: Platform) -> None:
    platform.launch()
    context, user, membership = Context.objects.get(), LtiUser.objects.get(), Membership.objects.get()
    assert (context.context_id, context.label, context.title) == ("course-2", "ALG1", "Algebra 1")
    assert context.lineitems_url == "https://lms.example.edu/2/lineitems?type_id=1"
    assert context.memberships_url == "https://lms.example.edu/2/members"
    assert context.custom == {"canvas_course_id": "42"}
    assert context.lis == {"course_section_sourcedid": "SEC-ALG1"}
    assert (user.sub, user.name, user.sis_id) == ("user-3", "Tilda Teacher", "T-9001")
    assert (membership.can_send, membership.can_look) == (True, True)


def test_the_platforms_own_id_of_the_person_is_kept_where_a_launch_names_it(platform: Platform) -> None:
    platform.launch(custom={"canvas_user_id": "77"})
    assert LtiUser.objects.get().lms_user_id == "77"
    platform.launch()
    assert LtiUser.objects.get().lms_user_id == "77", "a link without the parameter says nothing of her"
    platform.launch(custom={"canvas_user_id": "$Canvas.user.id", "lms_user_id": "x" * 400})
    assert LtiUser.objects.get().lms_user_id == "x" * 300


def test_session_cookie_is_the_courses_own_and_fits_a_frame(platform: Platform) -> None:
    response = platform.launch()
    name = f"__Host-gradesync_lti_{Context.objects.get().public_id.hex}"
    written = response.cookies[name].OutputString()
    assert "HttpOnly" in written and "Secure" in written
    assert "SameSite=None" in written and "Partitioned" in written
    assert response.cookies[name].value not in {row.token_hash for row in LtiSession.objects.all()}


def test_local_demo_over_http_uses_plain_cookies(platform: Platform, settings: Any) -> None:
    settings.PUBLIC_URL = "http://localhost:8000"
    response = platform.launch(target_link_uri="http://localhost:8000/lti/launch/")
    name = f"gradesync_lti_{Context.objects.get().public_id.hex}"
    written = response.cookies[name].OutputString()
    assert "SameSite=Lax" in written and "HttpOnly" in written
    assert "Secure" not in written and "Partitioned" not in written


WORKS: dict[str, dict[str, Any]] = {
    "several roles": {"roles": [INSTRUCTOR, LEARNER]},
    "short role name": {"roles": ["Instructor"]},
    "unknown role beside": {"roles": [INSTRUCTOR, "urn:example:dean"]},
    "#None role beside": {"roles": [INSTRUCTOR, "http://purl.imsglobal.org/vocab/lis/v2/system/person#None"]},
    "email only": {"name": GONE},
    "names only": {"email": GONE},
    "no personal data": {"name": GONE, "email": GONE, "lis": GONE},
    "no AGS claim": {"https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": GONE},
    "no custom claim": {"custom": GONE},
    "context without title": {"context": {"id": "course-2"}},
    "return url on a vanity host": {"launch_presentation": {"return_url": "https://hill.example.org/r"}},
    "audience as a list": {"aud": ["tool-1"]},
    "several audiences with azp": {"aud": ["other", "tool-1"], "azp": "tool-1"},
    "clock three seconds ahead": {"iat": lambda now: now + 3},
    "expired two seconds ago": {"exp": lambda now: now - 2, "iat": lambda now: now - 60},
    "fractions of a second": {"iat": lambda now: now - 0.5, "exp": lambda now: now + 59.5},
}


@pytest.mark.parametrize("name", WORKS)
def test_launch_works(platform: Platform, name: str) -> None:
    response = platform.launch(**_now(WORKS[name]))
    assert response.status_code == 302, text(response)
    assert Membership.objects.get().can_send


def _now(changes: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {name: value(now) if callable(value) else value for name, value in changes.items()}


# what a good signature cannot excuse: claims, and the code the page names
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong version": ({"version": "1.2.0"}, "wrong-version:version"),
    "no version": ({"version": GONE}, "wrong-version:version"),
    "no message type": ({"message_type": GONE}, "missing:message_type"),
    "unknown message type": ({"message_type": "LtiOther"}, "message-type"),
    "deep linking without its wish": (
        {"message_type": "LtiDeepLinkingRequest"},
        "missing:deep_linking_settings",
    ),
    "no roles claim": ({"roles": GONE}, "missing:roles"),
    "roles as a string": ({"roles": INSTRUCTOR}, "malformed:roles"),
    "roles of numbers": ({"roles": [7]}, "malformed:roles"),
    "no deployment id": ({"deployment_id": GONE}, "missing:deployment_id"),
    "deployment id as list": ({"deployment_id": ["dep-1"]}, "malformed:deployment_id"),
    "no resource link": ({"resource_link": GONE}, "missing:resource_link"),
    "no resource link id": ({"resource_link": {"title": "x"}}, "missing:resource_link"),
    "resource link as text": ({"resource_link": "x"}, "malformed:resource_link"),
    "no sub": ({"sub": GONE}, "missing:sub"),
    "sub with NUL": ({"sub": "a\x00b"}, "malformed:sub"),
    "sub too long": ({"sub": "x" * 301}, "malformed:sub"),
    "no target": ({"target_link_uri": GONE}, "missing:target_link_uri"),
    "target elsewhere": ({"target_link_uri": "https://evil.example/lti/launch/"}, "foreign-target"),
    "target on another port": ({"target_link_uri": "https://localhost:9000/"}, "foreign-target"),
    "no context": ({"context": GONE}, "no-context"),
    "context without id": ({"context": {"title": "x"}}, "missing:context"),
    "context as list": ({"context": ["course-2"]}, "malformed:context"),
    "custom as text": ({"custom": "k=v"}, "malformed:custom"),
    "lis as text": ({"lis": "x"}, "malformed:lis"),
    "AGS claim as text": (
        {"https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": "x"},
        "malformed:endpoint",
    ),
    "line items not a URL": (
        {"https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {"lineitems": "javascript:x"}},
        "malformed:lineitems",
    ),
    "no exp": ({"exp": GONE}, "missing:exp"),
    "no iat": ({"iat": GONE}, "missing:iat"),
    "exp as text": ({"exp": "soon"}, "malformed:exp"),
    "exp true": ({"exp": True}, "malformed:exp"),
    "exp beyond all floats": ({"exp": 10**400}, "malformed:exp"),
    "exp infinite": ({"exp": float("inf")}, "malformed:exp"),
    "exp not a number": ({"exp": float("nan")}, "malformed:exp"),
    "issued in ten minutes": (
        {"iat": lambda now: now + 600, "exp": lambda now: now + 660},
        "from-the-future:iat",
    ),
    "expired ten minutes ago": ({"exp": lambda now: now - 600, "iat": lambda now: now - 660}, "expired:exp"),
    "issued years ago": ({"iat": lambda now: now - 10 * YEAR, "exp": lambda now: now + 60}, "too-old:iat"),
    "good for years": ({"exp": lambda now: now + 10 * YEAR}, "malformed:exp"),
    "not before in an hour": ({"nbf": lambda now: now + 3600}, "from-the-future:nbf"),
    "audience of another": ({"aud": "other"}, "wrong-audience:aud"),
    "audience empty list": ({"aud": []}, "malformed:aud"),
    "no audience": ({"aud": GONE}, "malformed:aud"),
    "audience of numbers": ({"aud": [7]}, "malformed:aud"),
    "several audiences without azp": ({"aud": ["tool-1", "other"]}, "wrong-audience:azp"),
    "azp of another": ({"azp": "other"}, "wrong-audience:azp"),
    "several audiences, azp of another": ({"aud": ["tool-1", "other"], "azp": "other"}, "wrong-audience:azp"),
    "wrong issuer": ({"iss": "https://other.example.edu"}, "wrong-audience:iss"),
    "issuer with a slash": ({"iss": "https://lms.example.edu/"}, "wrong-audience:iss"),
    "no issuer": ({"iss": GONE}, "wrong-audience:iss"),
    "issuer as list": ({"iss": ["https://lms.example.edu"]}, "wrong-audience:iss"),
    "no nonce": ({"nonce": GONE}, "missing:nonce"),
    "nonce as number": ({"nonce": 7}, "missing:nonce"),
    "foreign nonce": ({"nonce": "somebody-elses"}, "bad-token"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_launch_is_refused_with_a_page_and_leaves_nothing(platform: Platform, name: str) -> None:
    changes, code = REFUSED[name]
    response = platform.launch(**_now(changes))
    assert 400 <= response.status_code < 500
    assert f"administrator: {code}" in text(response)
    assert not Membership.objects.exists() and not LtiSession.objects.exists()
    assert not any("gradesync_lti" in cookie for cookie in response.cookies)


def _none(platform: Platform, claims: dict[str, Any]) -> str:
    return unsigned({"alg": "none", "kid": "k1"}, claims)


def _hs256(platform: Platform, claims: dict[str, Any]) -> str:
    secret = public_pem("k1").encode()
    # PyJWT itself refuses to sign with a public key, so the signature is made by hand
    import hashlib
    import hmac

    head, body, _ = unsigned({"alg": "HS256", "kid": "k1"}, claims).split(".")
    signature = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return unsigned({"alg": "HS256", "kid": "k1"}, claims, signature)


def _rs512(platform: Platform, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, private_key("k1"), algorithm="RS512", headers={"kid": "k1"})


def _other_key(platform: Platform, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, private_key("evil"), algorithm="RS256", headers={"kid": "k1"})


def _own_key_in_header(platform: Platform, claims: dict[str, Any]) -> str:
    header = {"kid": "k1", "jwk": jwk("evil", "k1"), "jku": "https://evil.example/jwks"}
    return jwt.encode(claims, private_key("evil"), algorithm="RS256", headers=header)


def _tampered(platform: Platform, claims: dict[str, Any]) -> str:
    head, _, signature = platform.sign(claims).split(".")
    body = unsigned({}, {**claims, "sub": "user-1"}).split(".")[1]
    return ".".join([head, body, signature])


def _no_kid(platform: Platform, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, private_key("k1"), algorithm="RS256")


def _crit(platform: Platform, claims: dict[str, Any]) -> str:
    return platform.sign(claims, crit=["exp"])


FORGED = {
    "alg none": (_none, "bad-token"),
    "HS256 with the public key": (_hs256, "bad-token"),
    "RS512": (_rs512, "bad-token"),
    "signed by another key": (_other_key, "bad-token"),
    "brings its own key": (_own_key_in_header, "bad-token"),
    "tampered body": (_tampered, "bad-token"),
    "no kid": (_no_kid, "bad-token"),
    "wrong kid": (lambda platform, claims: platform.sign(claims, kid="k9"), "key-unknown"),
    "critical header": (_crit, "bad-token"),
    "not a JWT": (lambda platform, claims: "hello", "bad-token"),
    "not JSON": (lambda platform, claims: "aGk.aGk.aGk", "bad-token"),
    "a list": (lambda platform, claims: unsigned([], []), "bad-token"),  # type: ignore[arg-type]  # the point
    "nested without end": (lambda platform, claims: f"{'W1tb' * 9000}.e30.e30", "bad-token"),
    "too long": (lambda platform, claims: platform.sign({**claims, "x": "y" * 100_000}), "bad-token"),
    "empty": (lambda platform, claims: "", "bad-token"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_token_is_refused(platform: Platform, name: str) -> None:
    forge, code = FORGED[name]
    begun = platform.begun()
    response = platform.post(begun["state"], forge(platform, platform.claims(begun["nonce"])))
    assert response.status_code == 400
    assert f"administrator: {code}" in text(response)
    assert not Deployment.objects.exclude(deployment_id="dep-1").exists()
    assert not Membership.objects.exists()


def test_same_launch_cannot_be_posted_twice(platform: Platform) -> None:
    begun = platform.begun()
    token = platform.sign(platform.claims(begun["nonce"]))
    cookies = dict(platform.client.cookies)
    assert platform.post(begun["state"], token).status_code == 302
    platform.client.cookies.update(cookies)
    response = platform.post(begun["state"], token)
    assert response.status_code == 400
    assert "administrator: state" in text(response)
    assert LtiSession.objects.count() == 1


def test_token_of_one_login_does_not_fit_another(platform: Platform) -> None:
    first, second = platform.begun(), platform.begun()
    response = platform.post(second["state"], platform.sign(platform.claims(first["nonce"])))
    assert response.status_code == 400


def test_launch_in_another_browser_is_refused(platform: Platform) -> None:
    begun = platform.begun()
    platform.client = Client(headers={"host": "localhost:8000"})
    response = platform.post(begun["state"], platform.sign(platform.claims(begun["nonce"])))
    assert response.status_code == 400
    assert "administrator: state" in text(response)


def test_launch_in_another_browser_does_not_use_up_the_login(platform: Platform) -> None:
    begun, mine = platform.begun(), platform.client
    token = platform.sign(platform.claims(begun["nonce"]))
    platform.client = Client(headers={"host": "localhost:8000"})
    platform.post(begun["state"], token)
    platform.client = mine
    assert platform.post(begun["state"], token).status_code == 302


@pytest.mark.parametrize("state", ["", "made-up"])
def test_unknown_state_is_refused(platform: Platform, state: str) -> None:
    begun = platform.begun()
    assert platform.post(state, platform.sign(platform.claims(begun["nonce"]))).status_code == 400


def test_login_that_took_too_long_is_refused(platform: Platform) -> None:
    begun = platform.begun()
    LoginState.objects.update(expires_at="2020-01-01T00:00:00Z")
    response = platform.post(begun["state"], platform.sign(platform.claims(begun["nonce"])))
    assert "administrator: state" in text(response)


def test_two_logins_at_once_in_one_browser_both_work(platform: Platform) -> None:
    first, second = platform.begun(), platform.begun()
    for begun in (first, second):
        assert (
            platform.post(begun["state"], platform.sign(platform.claims(begun["nonce"]))).status_code == 302
        )


def test_login_of_one_client_does_not_take_the_token_of_another(platform: Platform) -> None:
    other = Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    begun = platform.begun()
    claims = other.claims(begun["nonce"])
    response = platform.post(begun["state"], platform.sign(claims))
    assert "administrator: wrong-audience:aud" in text(response)


def test_deployment_of_another_client_is_unknown_here(platform: Platform) -> None:
    Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    response = platform.launch(deployment_id="dep-2")
    assert response.status_code == 403
    assert "waits for approval" in text(response)


def test_unknown_deployment_is_kept_inactive_and_nothing_else(platform: Platform) -> None:
    response = platform.launch(deployment_id="dep-7", tool_platform={"guid": "site-1"})
    row = Deployment.objects.get(deployment_id="dep-7")
    assert response.status_code == 403
    assert (row.active, row.platform_guid) == (False, "site-1")
    assert not Context.objects.exists() and not LtiUser.objects.exists()


def test_new_deployment_is_active_where_the_registration_trusts_them(platform: Platform) -> None:
    platform.registration.trust_new_deployments = True
    platform.registration.save()
    assert platform.launch(deployment_id="dep-7").status_code == 302


def test_registration_switched_off_between_login_and_launch_is_refused(platform: Platform) -> None:
    begun = platform.begun()
    platform.registration.active = False
    platform.registration.save()
    response = platform.post(begun["state"], platform.sign(platform.claims(begun["nonce"])))
    assert response.status_code == 403


NOT_STAFF: dict[str, list[str]] = {
    "learner": [LEARNER],
    "no roles": [],
    "unknown role": ["urn:example:dean"],
    "institution instructor": ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"],
    "institution faculty": ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"],
    "system administrator": ["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"],
    "content developer": [f"{MEMBERSHIP}#ContentDeveloper"],
    "learner acting as instructor": [f"{MEMBERSHIP}/Learner#Instructor"],
    "mentor": [f"{MEMBERSHIP}#Mentor"],
}


@pytest.mark.parametrize("name", NOT_STAFF)
def test_people_who_do_not_teach_here_are_turned_away_kindly(platform: Platform, name: str) -> None:
    response = platform.launch(roles=NOT_STAFF[name])
    assert response.status_code == 403
    assert "for the instructors of the course" in text(response)
    assert not LtiUser.objects.exists() and not LtiSession.objects.exists()


@pytest.mark.parametrize("roles", [[ASSISTANT], [INSTRUCTOR, ASSISTANT], ["TeachingAssistant"]])
def test_assistant_may_look_and_not_send(platform: Platform, roles: list[str]) -> None:
    assert platform.launch(roles=roles).status_code == 302
    membership = Membership.objects.get()
    assert (membership.can_send, membership.can_look) == (False, True)


def test_demoted_instructor_loses_her_rights_and_her_open_session(platform: Platform) -> None:
    platform.launch()
    page = f"/courses/{Context.objects.get().public_id}/"
    assert platform.client.get(page).status_code == 200
    assert platform.launch(roles=[LEARNER]).status_code == 403
    assert Membership.objects.get().roles == [LEARNER]
    assert platform.client.get(page).status_code == 403


def test_each_launch_says_the_course_anew(platform: Platform) -> None:
    platform.launch()
    platform.launch(
        context={"id": "course-2", "title": "Algebra I"},
        **{"https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": GONE},
    )
    context = Context.objects.get()
    assert (context.title, context.lineitems_url) == ("Algebra I", "")


def test_characters_that_a_database_cannot_hold_are_taken_out(platform: Platform) -> None:
    response = platform.launch(
        name="Ti\x00lda \ud800", custom={"a\x00": "b\x00"}, lis={"course_section_sourcedid": "\x00"}
    )
    assert response.status_code == 302
    assert LtiUser.objects.get().name == "Tilda"
    assert Context.objects.get().custom == {"a": "b"}


def test_reloaded_launch_says_open_again(platform: Platform) -> None:
    response = platform.client.get("/lti/launch/")
    assert response.status_code == 400
    assert "open the tool again" in text(response)


def test_error_of_the_platform_is_a_page_that_repeats_none_of_its_words(platform: Platform) -> None:
    response = platform.client.post(
        "/lti/launch/", {"error": "access_denied", "error_description": "<b>Tilda"}
    )
    assert response.status_code == 400
    assert "Tilda" not in text(response)


def test_refused_launch_can_be_read_in_the_frame_of_its_platform(platform: Platform) -> None:
    response = platform.launch(
        roles=[LEARNER], launch_presentation={"return_url": "https://hill.example.org/c/2"}
    )
    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://lms.example.edu https://hill.example.org" in policy
    assert 'href="https://hill.example.org/c/2?lti_errormsg=' in text(response)
    assert "X-Frame-Options" not in response.headers


# the platform's keys


def test_rotated_key_is_found_by_one_more_fetch(platform: Platform) -> None:
    assert platform.launch().status_code == 302
    platform.serve_keys(jwk("k1"), jwk("k2"))
    platform.kid = "k2"
    assert platform.launch().status_code == 302
    assert _fetches() == 2


def test_unknown_keys_do_not_make_us_fetch_each_time(platform: Platform) -> None:
    platform.kid = "nowhere"
    platform.serve_keys(jwk("k1"))
    for _time in range(4):
        assert platform.launch().status_code == 400
    assert _fetches() == 2


def test_key_set_is_fetched_once_for_many_launches(platform: Platform) -> None:
    for _time in range(3):
        assert platform.launch().status_code == 302
    assert _fetches() == 1


def _fetches() -> int:
    return sum(call.request.url.endswith("/jwks") for call in responses.calls)


def test_last_good_key_set_is_used_while_the_platform_is_away(platform: Platform, monkeypatch: Any) -> None:
    assert platform.launch().status_code == 302
    monkeypatch.setattr("lti_tool.platform_keys.FRESH_S", -1)
    responses.upsert(responses.GET, platform.registration.key_set_url, status=500)
    assert platform.launch().status_code == 302


BAD_KEY_SETS: dict[str, dict[str, Any]] = {
    "error page": {"status": 500, "body": "oops"},
    "html": {"body": "<html>"},
    "redirect": {"status": 302, "headers": {"Location": "https://evil.example/jwks"}},
    "no keys": {"json": {"nope": []}},
    "a list": {"json": []},
    "huge": {"body": b" " * 600_000},
}


@pytest.mark.parametrize("name", BAD_KEY_SETS)
def test_unreadable_key_set_is_said_so(platform: Platform, name: str) -> None:
    responses.upsert(responses.GET, platform.registration.key_set_url, **BAD_KEY_SETS[name])
    response = platform.launch()
    assert response.status_code == 400
    assert "administrator: keys-away" in text(response)
    assert _fetches() == len(responses.calls) == 1


UNFIT_KEYS = {
    "same kid twice": [jwk("k1"), jwk("evil", "k1")],
    "for encryption": [{**jwk("k1"), "use": "enc"}],
    "for another algorithm": [{**jwk("k1"), "alg": "RS512"}],
    "no RSA key": [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}],
    "broken numbers": [{**jwk("k1"), "n": "?"}],
    "numbers missing": [{"kty": "RSA", "kid": "k1"}],
    "entries of text": ["k1"],
    "too short": [jwk("short", "k1", 1024)],
}


@pytest.mark.parametrize("name", UNFIT_KEYS)
def test_unfit_key_is_no_key(platform: Platform, name: str) -> None:
    platform.serve_keys(*UNFIT_KEYS[name])  # type: ignore[arg-type]  # one row holds text
    response = platform.launch()
    assert response.status_code == 400
    assert "administrator: key-unknown" in text(response)
