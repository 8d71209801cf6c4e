"""1EdTech's certification of LTI 1.3 tools (section 6.1 of its test description), and our extra rows, against a real platform.

Each refused launch answers with a page that says why and leaves nothing; each valid one is understood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lti_tool import platform_keys
from lti_tool.models import Context, Deployment, LtiSession, LtiUser, Membership
from tests.lti_tool.forging import LEARNER, TEACHER, Lms, assert_arrived, assert_nothing_left, assert_refused
from tests.sandbox_servers import Server

pytestmark = pytest.mark.django_db

Wish = dict[str, Any]

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
YEAR_S = 365 * 86_400
CLIENT = "gradesync-sandbox"

# the twelve of the certification suite; where one names several claims, each is a row
BAD_PAYLOADS: dict[str, tuple[Wish, str]] = {
    "no kid in the header": ({"header": {"kid": None}}, "bad-token"),
    "a kid nobody publishes": ({"kid": "imstester_66067"}, "key-unknown"),
    "wrong LTI version": ({"set": {"version": "11.3"}}, "wrong-version:version"),
    "no LTI version": ({"drop": ["version"]}, "wrong-version:version"),
    "JSON that is no LTI message": ({"body": '{"name": "badltilaunch"}'}, "missing:nonce"),
    "no JSON at all": ({"body": "hello"}, "bad-token"),
    "no token at all": ({"raw": "hello"}, "bad-token"),
    "all required claims missing": (
        {"drop": ["message_type", "version", "deployment_id", "resource_link", "roles", "sub"]},
        "wrong-version:version",
    ),
    "target link missing": ({"drop": ["target_link_uri"]}, "missing:target_link_uri"),
    "iat and exp of long ago": ({"set": {"iat": 11_111, "exp": 22_222}}, "expired:exp"),
    "no iat": ({"drop": ["iat"]}, "missing:iat"),
    "no exp": ({"drop": ["exp"]}, "missing:exp"),
    "no message type": ({"drop": ["message_type"]}, "missing:message_type"),
    "no roles claim": ({"drop": ["roles"]}, "missing:roles"),
    "no deployment id": ({"drop": ["deployment_id"]}, "missing:deployment_id"),
    "no resource link": ({"drop": ["resource_link"]}, "missing:resource_link"),
    "no resource link id": ({"set": {"resource_link": {"title": "Grades"}}}, "missing:resource_link"),
    "no sub": ({"drop": ["sub"]}, "missing:sub"),
}


@pytest.mark.parametrize("name", BAD_PAYLOADS)
@pytest.mark.parametrize("user", [TEACHER, LEARNER], ids=["instructor", "learner"])
def test_bad_payload_is_refused_with_a_page_that_says_why(lms: Lms, name: str, user: str) -> None:
    wish, code = BAD_PAYLOADS[name]
    assert_refused(lms.launch(user, **wish), code)


NAMES = ["name", "given_name", "family_name"]
COURSE_ROLE = {TEACHER: "Instructor", LEARNER: "Learner"}


def _several(user: str) -> list[str]:
    own = COURSE_ROLE[user]
    return [
        f"{LIS}membership#{own}",
        f"{LIS}institution/person#{own}",
        f"{LIS}membership#Mentor",
        f"{LIS}system/person#User",
    ]


# the nine, each for instructor and learner: the wish, and what becomes of the instructor
VALID: dict[str, tuple[Wish, str]] = {
    "plain": ({}, "arrives"),
    "several roles": ({"set": {"roles": _several}}, "arrives"),
    "short role name": ({"set": {"roles": lambda user: [COURSE_ROLE[user]]}}, "arrives"),
    "unknown role": ({"set": {"roles": [f"{LIS}uknownrole/unknown#Helper"]}}, "no rights"),
    "empty roles": ({"set": {"roles": []}}, "no rights"),
    "e-mail only": ({"drop": NAMES}, "arrives"),
    "names only": ({"drop": ["email"]}, "arrives"),
    "no personal data": ({"drop": [*NAMES, "email", "locale", "lis"]}, "arrives"),
    "e-mail without context": ({"drop": [*NAMES, "context"]}, "no course"),
}


def _for(user: str, wish: Wish) -> Wish:
    given = wish.get("set", {})
    return wish | {"set": {name: one(user) if callable(one) else one for name, one in given.items()}}


@pytest.mark.parametrize("name", VALID)
def test_valid_launch_of_an_instructor_is_understood(lms: Lms, name: str) -> None:
    wish, end = VALID[name]
    answer = lms.launch(TEACHER, **_for(TEACHER, wish))
    if end == "arrives":
        assert_arrived(answer)
    elif end == "no rights":
        assert_politely_turned_away(answer)
    else:
        assert_asked_to_open_it_in_a_course(answer)


@pytest.mark.parametrize("name", VALID)
def test_valid_launch_of_a_learner_is_understood_and_politely_turned_away(lms: Lms, name: str) -> None:
    wish, end = VALID[name]
    answer = lms.launch(LEARNER, **_for(LEARNER, wish))
    if end == "no course":
        assert_asked_to_open_it_in_a_course(answer)
    else:
        assert_politely_turned_away(answer)


def assert_politely_turned_away(answer: Any) -> None:
    page = answer.content.decode().partition("<main")[2]
    assert answer.status_code == 403
    assert "<h1>This is for the instructors of the course</h1>" in page
    assert 'class="notice"' in page and 'class="problem"' not in page
    assert_nothing_left(answer)


def assert_asked_to_open_it_in_a_course(answer: Any) -> None:
    assert_refused(answer, "no-context")
    assert "Open the tool from inside a course." in answer.content.decode()


def test_names_and_e_mail_are_kept_as_far_as_the_platform_gives_them(lms: Lms) -> None:
    assert_arrived(lms.launch(drop=NAMES))
    assert LtiUser.objects.get().name == ""
    assert LtiUser.objects.get().email == "ada.okafor@north.example"
    assert_arrived(lms.launch(drop=["email", "name"]))
    assert (LtiUser.objects.get().name, LtiUser.objects.get().email) == ("Ada Okafor", "")


# rows that the suite leaves out
EXTRA: dict[str, tuple[Wish, str]] = {
    "audience of another": ({"set": {"aud": "other", "azp": "other"}}, "wrong-audience:aud"),
    "audience empty": ({"set": {"aud": []}}, "malformed:aud"),
    "audience absent": ({"drop": ["aud"]}, "malformed:aud"),
    "several audiences without azp": (
        {"set": {"aud": [CLIENT, "other"]}, "drop": ["azp"]},
        "wrong-audience:azp",
    ),
    "several audiences, azp of another": (
        {"set": {"aud": [CLIENT, "other"], "azp": "other"}},
        "wrong-audience:azp",
    ),
    "one audience, azp of another": ({"set": {"azp": "other"}}, "wrong-audience:azp"),
    "wrong issuer": ({"set": {"iss": "https://lms.example"}}, "wrong-audience:iss"),
    "no issuer": ({"drop": ["iss"]}, "wrong-audience:iss"),
    "alg none": ({"alg": "none"}, "bad-token"),
    "alg none in capitals": ({"alg": "none", "header": {"alg": "NONE"}}, "bad-token"),
    "HS256 with the public key": ({"alg": "HS256"}, "bad-token"),
    "RS384": ({"alg": "RS384"}, "bad-token"),
    "RS512": ({"alg": "RS512"}, "bad-token"),
    "PS256": ({"alg": "PS256"}, "bad-token"),
    "header says RS256, signature is RS512": ({"alg": "RS512", "header": {"alg": "RS256"}}, "bad-token"),
    "no alg": ({"header": {"alg": None}}, "bad-token"),
    "kid of number": ({"header": {"kid": 7}}, "bad-token"),
    "critical header": ({"header": {"crit": ["b64"], "b64": False}}, "bad-token"),
    "payload changed after signing": ({"tamper": {"sub": "somebody-else"}}, "bad-token"),
    "signature of another key": ({"key": "forger"}, "bad-token"),
    "foreign nonce": ({"set": {"nonce": "somebody-elses"}}, "bad-token"),
    "no nonce": ({"drop": ["nonce"]}, "missing:nonce"),
    "no state": ({"fields": {"state": None}}, "bad-token"),
    "made-up state": ({"fields": {"state": "made-up"}}, "state"),
    "no id_token": ({"fields": {"id_token": None}}, "bad-token"),
    "unknown message type": ({"set": {"message_type": "LtiUnheardOfRequest"}}, "message-type"),
    "roles as text": ({"set": {"roles": f"{LIS}membership#Instructor"}}, "malformed:roles"),
    "roles as object": ({"set": {"roles": {}}}, "malformed:roles"),
    "custom as list": ({"set": {"custom": []}}, "malformed:custom"),
    "context as text": ({"set": {"context": "101"}}, "malformed:context"),
    "target of another site": ({"set": {"target_link_uri": "https://evil.example/"}}, "foreign-target"),
    "issued in ten minutes": ({"at": {"iat": 600, "exp": 900}}, "from-the-future:iat"),
    "expired ten minutes ago": ({"at": {"iat": -900, "exp": -600}}, "expired:exp"),
    "issued years ago": ({"at": {"iat": -10 * YEAR_S, "exp": 60}}, "too-old:iat"),
    "good for years": ({"at": {"exp": 10 * YEAR_S}}, "malformed:exp"),
    "ends before it begins": ({"at": {"iat": 30, "exp": 10}}, "malformed:exp"),
    "not before in an hour": ({"at": {"nbf": 3600}}, "from-the-future:nbf"),
    "times as text": ({"set": {"iat": "1700000000"}}, "malformed:iat"),
}


@pytest.mark.parametrize("name", EXTRA)
def test_extra_row_is_refused(lms: Lms, name: str) -> None:
    wish, code = EXTRA[name]
    assert_refused(lms.launch(**wish), code)


ACCEPTED: dict[str, Wish] = {
    "audience as a list": {"set": {"aud": [CLIENT]}, "drop": ["azp"]},
    "several audiences, ours last, azp ours": {"set": {"aud": ["other", CLIENT], "azp": CLIENT}},
    "no azp": {"drop": ["azp"]},
    "clock three seconds ahead": {"at": {"iat": 3, "exp": 63}},
    "expired two seconds ago": {"at": {"iat": -62, "exp": -2}},
    "a test user's null role beside": {
        "set": {"roles": [f"{LIS}membership#Instructor", f"{LIS}system/person#None"]}
    },
    "no jti": {"drop": ["jti"]},
    "claims of a vendor": {"set": {"https://vendor.example/claim": {"a": [1, None]}}},
    "sub with every fitting letter": {"set": {"sub": "Ä/ß 漢 +%2F"}},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_unusual_but_rightful_launch_arrives(lms: Lms, name: str) -> None:
    assert_arrived(lms.launch(**ACCEPTED[name]))


def test_issuer_of_the_token_with_one_more_slash_is_another_issuer(lms: Lms) -> None:
    assert_refused(lms.launch(set={"iss": f"{lms.registration.issuer}/"}), "wrong-audience:iss")


KEYS_AWAY = ["jwks-down", "jwks-500", "jwks-html", "jwks-huge"]


@pytest.mark.parametrize("fault", KEYS_AWAY)
def test_key_set_that_cannot_be_read_is_said_so(lms: Lms, fault: str) -> None:
    lms.server.faults.on(fault)
    assert_refused(lms.launch(), "keys-away")


def test_slow_key_set_ends_at_the_deadline(
    start_lms: Callable[..., Server], lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of its own: it still waits when the launch is over."""
    monkeypatch.setattr(platform_keys, "DEADLINE_S", 0.3)
    slow = Lms(start_lms())
    slow.server.faults.on("jwks-slow", seconds=0.6)
    assert_refused(slow.launch(), "keys-away")


@pytest.mark.parametrize("fault", KEYS_AWAY)
def test_last_good_key_set_carries_through_an_outage(
    lms: Lms, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_arrived(lms.launch())
    monkeypatch.setattr(platform_keys, "FRESH_S", -1)
    lms.server.faults.on(fault)
    assert_arrived(lms.launch())
    assert lms.asked("/lti/jwks") == 2


def test_rotated_key_is_found_by_one_more_fetch(lms: Lms) -> None:
    assert_arrived(lms.launch())
    lms.server.control("rotate")
    assert_arrived(lms.launch())
    assert_arrived(lms.launch())
    assert lms.asked("/lti/jwks") == 2


def test_made_up_kids_do_not_make_us_ask_again_and_again(lms: Lms) -> None:
    for number in range(4):
        assert_refused(lms.launch(kid=f"made-up-{number}"), "key-unknown")
    assert lms.asked("/lti/jwks") == 2


@pytest.mark.parametrize("fault", ["jwks-duplicate-kid", "jwks-wrong-use", "jwks-other-alg"])
def test_key_that_is_not_one_fitting_key_is_none(lms: Lms, fault: str) -> None:
    lms.server.faults.on(fault)
    assert_refused(lms.launch(), "key-unknown")


def test_registration_that_is_not_approved_waits(lms: Lms) -> None:
    fields = lms.begin()
    lms.registration.active = False
    lms.registration.save()
    answer = lms.post(fields)
    assert_refused(answer, "registration-inactive", 403)
    assert "Waiting for approval" in answer.content.decode()


def test_deployment_that_is_not_approved_waits_and_only_its_id_is_kept(lms: Lms) -> None:
    Deployment.objects.update(active=False)
    assert_refused(lms.launch(), "deployment-inactive", 403)
    Deployment.objects.all().delete()
    assert_refused(lms.launch(), "deployment-inactive", 403)
    assert Deployment.objects.get().active is False


def test_launch_through_a_proxy_that_ends_tls_is_a_secure_one(lms: Lms, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    fields = lms.begin()
    answer = lms.browser.post("/lti/launch/", fields, headers={"x-forwarded-proto": "https"})
    assert_arrived(answer)
    assert all(name.startswith("__Host-") for name in answer.cookies if "gradesync_lti" in name)
    assert Context.objects.get().public_id.hex in " ".join(answer.cookies)


def test_login_by_get_ends_like_one_by_post(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms may begin the login by GET (1EdTech Security §5.1.1.1)."""
    honest = lms.browser.post

    def by_get(path: str, data: dict[str, str], **more: Any) -> Any:
        return lms.browser.get(path, data, **more) if path == "/lti/login/" else honest(path, data, **more)

    monkeypatch.setattr(lms.browser, "post", by_get)
    assert_arrived(lms.launch())


def test_platform_that_sends_no_client_id_is_known_by_its_issuer(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = lms.browser.post

    def without(path: str, data: dict[str, str], **more: Any) -> Any:
        return honest(path, {key: value for key, value in data.items() if key != "client_id"}, **more)

    monkeypatch.setattr(lms.browser, "post", without)
    assert_arrived(lms.launch())


def test_roles_are_replaced_at_each_launch_so_a_demoted_teacher_is_out(lms: Lms) -> None:
    assert_arrived(lms.launch())
    answer = lms.launch(set={"roles": [f"{LIS}membership#Learner"]})
    assert answer.status_code == 403
    membership = Membership.objects.get()
    assert (membership.can_send, membership.can_look) == (False, False)
    # her session of before is still there, and opens nothing any more
    page = lms.browser.get(f"/courses/{Context.objects.get().public_id}/", secure=True)
    assert page.status_code == 403
    assert LtiSession.objects.count() == 1


def test_huge_token_is_refused_before_anything_is_asked(lms: Lms) -> None:
    assert_refused(lms.launch(set={"https://vendor.example/x": "y" * 100_000}), "bad-token")
    assert lms.asked("/lti/jwks") == 0
