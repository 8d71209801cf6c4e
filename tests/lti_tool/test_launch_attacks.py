"""Attacks on LTI tools that are known, each played against the tool by a platform that can forge anything, or by a browser."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import requests

from gradesync_site.sandbox.lms.launch import begin
from lti_tool.models import Context, Deployment, LoginState, LtiSession, Membership, Registration
from lti_tool.service_errors import ServiceRefused
from lti_tool.services import Services
from tests.lti_tool.forging import (
    COURSE,
    LEARNER,
    TEACHER,
    Lms,
    assert_arrived,
    assert_nothing_left,
    assert_refused,
    browser,
    part,
)
from tests.sandbox_servers import Server

pytestmark = pytest.mark.django_db

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
CLIENT = "gradesync-sandbox"


@pytest.fixture
def other_lms(lms: Lms, start_lms: Callable[..., Server]) -> Lms:
    """A second platform, rightly registered here, with a key of its own; the attacker runs it."""
    made = Lms(start_lms())
    made.server.control("rotate")
    return made


# --- replay


def test_captured_launch_cannot_be_posted_again_not_even_by_the_same_browser(lms: Lms) -> None:
    fields = lms.begin()
    kept = {name: morsel.value for name, morsel in lms.browser.cookies.items()}
    assert_arrived(lms.post(fields))
    for name, value in kept.items():
        lms.browser.cookies[name] = value
    again = lms.post(fields)
    assert again.status_code == 400
    assert "administrator: state<" in again.content.decode()
    assert LtiSession.objects.count() == 1


def test_captured_launch_of_the_victim_opens_nothing_in_the_attackers_browser(lms: Lms) -> None:
    fields = lms.begin()
    assert_refused(lms.post(fields, browser()), "state")


def test_captured_token_does_not_answer_another_login(lms: Lms) -> None:
    lms.begin()
    assert_refused(lms.launch(replay=["id_token"]), "bad-token")


def test_captured_token_with_its_own_state_does_not_answer_another_login(lms: Lms) -> None:
    captured = lms.begin()
    thief = Lms.__new__(Lms)
    thief.server, thief.browser = lms.server, browser()
    thief.begin()
    assert_refused(lms.post(captured, thief.browser), "state")


def test_nonces_and_states_cannot_be_guessed(lms: Lms) -> None:
    seen = [lms.begin() for _number in range(3)]
    nonces = {part(fields["id_token"], 1)["nonce"] for fields in seen}
    states = {fields["state"] for fields in seen}
    assert len(nonces) == len(states) == 3
    # 256 bits in base64
    assert min(map(len, nonces | states)) >= 43
    assert not nonces & states


# --- login cross-site request forgery


def test_attackers_own_launch_does_not_log_a_victim_into_the_attackers_course(lms: Lms) -> None:
    """The attacker stops before the last post and makes the victim's browser send it."""
    fields = lms.begin()
    victim = browser()
    assert_refused(lms.post(fields, victim), "state")
    assert_nothing_left(victim.get("/", secure=True))


def test_victim_with_a_login_of_her_own_under_way_is_not_fooled_either(lms: Lms) -> None:
    attackers = lms.begin()
    victim = browser()
    begin(lms.server.base_url, COURSE, TEACHER, victim)
    assert_refused(lms.post(attackers, victim), "state")


def test_victims_state_does_not_take_the_attackers_token(lms: Lms) -> None:
    attackers = lms.begin()
    victim = browser()
    _url, own = begin(lms.server.base_url, COURSE, TEACHER, victim)
    assert_refused(lms.post(own | {"id_token": attackers["id_token"]}, victim), "bad-token")


def test_cookie_planted_by_a_neighbouring_host_proves_nothing(lms: Lms) -> None:
    """Only a cookie with the prefix __Host- cannot come from another subdomain; one without it is not looked at."""
    fields = lms.begin()
    (own,) = [name for name in lms.browser.cookies if "gradesync_login" in name]
    victim = browser()
    victim.cookies[own.removeprefix("__Host-")] = lms.browser.cookies[own].value
    assert own.startswith("__Host-")
    assert_refused(lms.post(fields, victim), "state")


@pytest.mark.parametrize("value", ["", "x", "null"])
def test_invented_login_cookie_proves_nothing(lms: Lms, value: str) -> None:
    fields = lms.begin()
    (own,) = [name for name in lms.browser.cookies if "gradesync_login" in name]
    victim = browser()
    victim.cookies[own] = value
    assert_refused(lms.post(fields, victim), "state")


def test_state_in_the_address_does_not_count(lms: Lms) -> None:
    """What stands in an address stands in logs and histories."""
    fields = lms.begin()
    token = {"id_token": fields["id_token"]}
    answer = lms.browser.post(f"/lti/launch/?state={fields['state']}", token, secure=True)
    assert_refused(answer, "bad-token")


def test_token_in_the_address_does_not_count(lms: Lms) -> None:
    fields = lms.begin()
    address = f"/lti/launch/?id_token={fields['id_token']}"
    assert_refused(lms.browser.post(address, {"state": fields["state"]}, secure=True), "bad-token")
    assert lms.browser.get(f"{address}&state={fields['state']}", secure=True).status_code == 400


# --- mix-up of clients and issuers


def test_login_for_one_client_does_not_take_the_token_of_another_on_the_same_platform(lms: Lms) -> None:
    Registration.objects.create(
        institution=lms.registration.institution,
        issuer=lms.registration.issuer,
        client_id="other",
        active=True,
    )
    assert_refused(lms.launch(set={"aud": "other", "azp": "other"}), "wrong-audience:aud")


def test_other_clients_honest_launch_does_not_answer_our_login(lms: Lms) -> None:
    other = Lms(lms.server, client_id="other-customer")
    theirs = lms.begin(set={"aud": other.client_id, "azp": other.client_id})
    assert part(theirs["id_token"], 1)["aud"] == other.client_id
    assert_refused(lms.post(theirs), "wrong-audience:aud")


def test_token_of_another_issuer_does_not_answer_a_login_here(lms: Lms, other_lms: Lms) -> None:
    ours = lms.begin()
    theirs = other_lms.begin(set={"nonce": part(ours["id_token"], 1)["nonce"]})
    assert_refused(lms.post(ours | {"id_token": theirs["id_token"]}), "wrong-audience:iss")


def test_registered_platform_cannot_speak_for_another_with_its_own_key(lms: Lms, other_lms: Lms) -> None:
    """The attacker's platform names the victim's issuer, nonce and kid, and signs with the key that is registered for itself."""
    ours = lms.begin()
    nonce, kid = part(ours["id_token"], 1)["nonce"], part(ours["id_token"], 0)["kid"]
    claims = {"iss": lms.registration.issuer, "nonce": nonce}
    theirs = other_lms.begin(set=claims, kid=kid)
    assert_refused(lms.post(ours | {"id_token": theirs["id_token"]}), "bad-token")


def test_key_of_another_platform_is_not_looked_up_by_its_kid(lms: Lms, other_lms: Lms) -> None:
    kid = part(other_lms.begin()["id_token"], 0)["kid"]
    assert_arrived(other_lms.launch())
    lms.launch(kid=kid)
    assert "administrator: key-unknown<" in lms.launch(kid=kid).content.decode()
    assert LtiSession.objects.count() == 1


# --- deployments of other customers


def test_deployment_that_another_client_approved_is_unknown_here(lms: Lms) -> None:
    other = Lms(lms.server, client_id="other-customer")
    Deployment.objects.create(registration=other.registration, deployment_id="theirs", active=True)
    assert_refused(lms.launch(set={"deployment_id": "theirs"}), "deployment-inactive", 403)
    assert Deployment.objects.get(registration=lms.registration, deployment_id="theirs").active is False


def test_same_course_id_in_two_deployments_is_two_courses(lms: Lms) -> None:
    Deployment.objects.create(registration=lms.registration, deployment_id="second", active=True)
    assert_arrived(lms.launch())
    lms.browser = browser()
    assert lms.launch(set={"deployment_id": "second"}).status_code == 302
    first, second = Context.objects.order_by("pk")
    assert first.context_id == second.context_id
    assert lms.browser.get(f"/courses/{second.public_id}/", secure=True).status_code == 200
    assert lms.browser.get(f"/courses/{first.public_id}/", secure=True).status_code == 403


# --- keys of the attacker's choice


@pytest.mark.parametrize("embed", ["jwk", "jku", "x5u"])
@pytest.mark.parametrize("kid", [None, "forged"], ids=["platform's kid", "kid of its own"])
def test_key_that_the_token_brings_along_is_not_looked_at(lms: Lms, embed: str, kid: str | None) -> None:
    fields = lms.begin(key="forger", embed=embed, kid=kid)
    assert embed in part(fields["id_token"], 0)
    assert_refused(lms.post(fields), "bad-token" if kid is None else "key-unknown")
    assert lms.asked("/forger/") == 0


def test_public_key_is_no_secret(lms: Lms) -> None:
    """RS256 turned into HS256: the signature is right, if a tool takes the public key for the shared secret."""
    fields = lms.begin(alg="HS256", header={"alg": "HS256"})
    assert_refused(lms.post(fields), "bad-token")


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", ["RS256"], {"RS256": 1}])
def test_unsigned_token_is_refused_however_it_is_spelled(lms: Lms, alg: object) -> None:
    assert_refused(lms.launch(alg="none", header={"alg": alg}), "bad-token")


def test_signature_cut_off_a_good_token_is_missed(lms: Lms) -> None:
    fields = lms.begin()
    head, body, _signature = fields["id_token"].split(".")
    assert_refused(lms.post(fields | {"id_token": f"{head}.{body}."}), "bad-token")


def test_role_raised_in_a_signed_token_breaks_it(lms: Lms) -> None:
    raised = {"roles": [f"{LIS}membership#Instructor"]}
    assert_refused(lms.launch(LEARNER, tamper=raised), "bad-token")


# --- addresses that a platform names


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/x",
        "https://10.0.0.1/members",
        "http://2130706433/members",
        "https://evil.example/members",
    ],
)
def test_services_named_by_a_launch_are_not_asked_and_see_no_token(lms: Lms, address: str) -> None:
    lms.launch(
        set={
            "endpoint": {"lineitems": address, "scope": []},
            "namesroleservice": {"context_memberships_url": address},
        }
    )
    services = Services(lms.registration)
    for read in (services.line_items, services.members, services.results):
        with pytest.raises(ServiceRefused):
            read(address)
    assert lms.asked("/lti/token") == 0


def test_next_page_on_another_host_is_refused_before_the_token_is_sent(lms: Lms, other_lms: Lms) -> None:
    context = _course(lms)
    thief = other_lms.server.base_url.partition("//")[2]
    lms.server.faults.on("next-link-other-host", host=thief)
    other_lms.server.journal.clear()
    with pytest.raises(ServiceRefused) as refused:
        Services(lms.registration).members(context.memberships_url)
    assert refused.value.code == "host-not-allowed"
    assert other_lms.server.journal == []


def _course(lms: Lms) -> Context:
    """A course of the shared LMS, with the tool's keys known to the LMS, so that it hands out tokens."""
    keys = lms.browser.get("/lti/jwks/", secure=True).json()
    lms.server.control("tool", client_id=lms.client_id, jwks=keys)
    assert_arrived(lms.launch())
    return Context.objects.get()


def test_access_token_of_one_customer_is_not_used_for_another_on_the_same_platform(lms: Lms) -> None:
    context = _course(lms)
    other = Lms(lms.server, client_id="other-customer")
    keys = lms.browser.get("/lti/jwks/", secure=True).json()
    lms.server.control("tool", client_id=other.client_id, jwks=keys)
    for registration in (lms.registration, other.registration):
        Services(registration).members(context.memberships_url)
    assert lms.asked("/lti/token") == 2


# --- registration by anybody


@pytest.mark.parametrize("invite", ["", "?invite=made-up"])
def test_nobody_registers_a_platform_without_an_invite_and_nothing_is_fetched(lms: Lms, invite: str) -> None:
    address = f"{lms.server.base_url}/.well-known/openid-configuration"
    lms.server.journal.clear()
    answer = lms.browser.get(
        f"/lti/register/made-up/{invite}", {"openid_configuration": address}, secure=True
    )
    assert 400 <= answer.status_code < 500
    assert lms.server.journal == []
    assert Registration.objects.count() == 1


# --- redirects of the attacker's choice


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/lti/launch/",
        "https://tool.example.evil.example/lti/launch/",
        "https://tool.example@evil.example/",
        "https://tool.example:8443/lti/launch/",
        "http://tool.example/lti/launch/",
        "//evil.example/",
        "javascript:alert(1)",
    ],
)
def test_launch_does_not_lead_to_an_address_that_is_not_ours(lms: Lms, target: str) -> None:
    assert_refused(lms.launch(set={"target_link_uri": target}), "foreign-target")
    login = {
        "iss": lms.registration.issuer,
        "client_id": lms.client_id,
        "login_hint": "h",
        "target_link_uri": target,
    }
    before = LoginState.objects.count()
    answer = lms.browser.post("/lti/login/", login, secure=True)
    assert answer.status_code == 400
    assert LoginState.objects.count() == before


def test_target_of_the_login_request_cannot_choose_the_page(lms: Lms) -> None:
    """The unsigned request says one page, the signed token the other: the course of the token is opened."""
    fields = lms.begin(set={"target_link_uri": "https://tool.example/lti/launch/?next=https://evil.example"})
    answer = lms.post(fields)
    assert_arrived(answer)
    assert "evil" not in answer.headers["Location"]


def test_return_address_is_not_offered_before_the_deployment_is_approved(lms: Lms) -> None:
    Deployment.objects.update(active=False)
    evil = {"launch_presentation": {"return_url": "https://evil.example/phish"}}
    answer = lms.launch(set=evil)
    assert_refused(answer, "deployment-inactive", 403)
    assert "evil.example/phish" not in answer.content.decode()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_return_address_that_is_no_web_address_is_refused(lms: Lms, address: str) -> None:
    answer = lms.launch(LEARNER, set={"launch_presentation": {"return_url": address}})
    assert_refused(answer, "malformed:return_url")
    assert address not in answer.content.decode()


# --- addresses passed on


def test_course_address_passed_on_to_another_person_opens_nothing(lms: Lms) -> None:
    page = lms.launch().headers["Location"]
    assert lms.browser.get(page, secure=True).status_code == 200
    stranger = browser().get(page, secure=True)
    assert stranger.status_code == 403
    assert "open the tool again" in stranger.content.decode()


def test_teacher_of_one_course_does_not_open_another_by_its_address(lms: Lms) -> None:
    foreign = lms.launch().headers["Location"]
    lms.browser = browser()
    lms.launch(set={"context": {"id": "another"}})
    assert lms.browser.get(foreign, secure=True).status_code == 403


def test_person_who_loses_her_role_in_the_lms_is_out_at_her_next_launch(lms: Lms) -> None:
    page = lms.launch().headers["Location"]
    lms.launch(set={"roles": [f"{LIS}membership#Learner"]})
    assert lms.browser.get(page, secure=True).status_code == 403


# --- roles from elsewhere


@pytest.mark.parametrize(
    "roles",
    [
        [f"{LIS}institution/person#Instructor", f"{LIS}membership#Learner"],
        [f"{LIS}institution/person#Faculty"],
        [f"{LIS}institution/person#Administrator"],
        [f"{LIS}system/person#SysAdmin"],
        [f"{LIS}membership/Learner#Instructor"],
        ["urn:evil:membership#Instructor"],
        [f"https://evil.example/?{LIS}membership#Instructor"],
        ["Instructor,Learner"],
    ],
)
def test_role_outside_the_course_gives_no_rights_in_it(lms: Lms, roles: list[str]) -> None:
    answer = lms.launch(LEARNER, set={"roles": roles})
    assert answer.status_code == 403
    assert "for the instructors of the course" in answer.content.decode()
    assert_nothing_left(answer)


def test_student_cannot_post_to_a_page_of_teachers(lms: Lms) -> None:
    page = lms.launch().headers["Location"]
    lms.browser = browser()
    assert lms.launch(LEARNER).status_code == 403
    for path in (page, f"{page}send/"):
        assert lms.browser.get(path, secure=True).status_code == 403
        assert lms.browser.post(path, secure=True).status_code == 403


def test_assistant_may_look_and_cannot_send(lms: Lms) -> None:
    page = lms.launch("trivera").headers["Location"]
    assert Membership.objects.get().can_send is False
    assert lms.browser.get(page, secure=True).status_code == 200
    assert lms.browser.post(f"{page}send/", secure=True).status_code == 403


# --- frames


def test_pages_are_framed_by_their_platform_and_by_no_other_site(lms: Lms) -> None:
    page = lms.launch().headers["Location"]
    policy = lms.browser.get(page, secure=True).headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {lms.registration.issuer}" in policy
    ancestors = policy.partition("frame-ancestors")[2].partition(";")[0]
    assert "*" not in ancestors and "https: " not in f"{ancestors} "


def test_return_address_does_not_write_a_rule_of_its_own_into_the_policy(lms: Lms) -> None:
    evil = {"launch_presentation": {"return_url": "https://x.example;frame-ancestors *;/"}}
    answer = lms.launch(set=evil)
    assert "*" not in answer.headers["Content-Security-Policy"].partition("frame-ancestors")[2]


# --- what is written down


def test_nothing_personal_and_no_token_is_logged_of_good_and_bad_launches(
    lms: Lms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fields = lms.begin()
    lms.post(fields)
    lms.launch(tamper={"name": "Ada"})
    lms.launch(drop=["sub"])
    written = caplog.text + " ".join(str(record.__dict__) for record in caplog.records if _ours(record))
    claims = part(fields["id_token"], 1)
    for secret in ("name", "email", "given_name", "sub", "nonce"):
        assert claims[secret] not in written, secret
    assert fields["id_token"].split(".")[1] not in written
    assert fields["state"] not in written


def _ours(record: logging.LogRecord) -> bool:
    return record.name.startswith(("lti_tool", "sync", "gradesync_site"))


def test_refused_page_repeats_nothing_that_the_attacker_wrote(lms: Lms) -> None:
    page = lms.launch(set={"message_type": "<script>alert(1)</script>"}).content.decode()
    assert "alert(1)" not in page
    answer = lms.post(lms.begin(fields={"error": "<b>bold</b>", "error_description": "<b>bold</b>"}))
    assert b"bold" not in answer.content


def test_forge_says_what_it_cannot_do(lms: Lms) -> None:
    for wish in ({"alg": "ES999"}, {"unheard": 1}):
        answer = requests.post(f"{lms.server.base_url}/_sandbox/forge", json=wish, timeout=10)
        assert answer.status_code == 400
        assert "error" in answer.json()
