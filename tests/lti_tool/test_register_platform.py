"""The command that scripts call: registers, updates, invites, lists, approves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lti_tool import archiving, invites, keys
from lti_tool.models import Deployment, Institution, Registration
from tests.sandbox_servers import Server

pytestmark = pytest.mark.django_db

WHOLE = {
    "--name": "Canvas",
    "--issuer": "https://canvas.instructure.com",
    "--client-id": "10000000000001",
    "--auth-login-url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "--auth-token-url": "https://sso.canvaslms.com/login/oauth2/token",
    "--key-set-url": "https://sso.canvaslms.com/api/lti/security/jwks",
}


def run(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("register_platform", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def given(**changes: str) -> list[str]:
    values = {**WHOLE, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return [part for pair in values.items() for part in pair]


def failure(*arguments: str) -> str:
    """The text of a failed call; its exit code is 2."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("register_platform", *arguments, "--json", stdout=out)
    assert caught.value.code == 2
    return str(json.loads(out.getvalue())["error"])


def test_registered_platform_prints_what_the_lms_must_be_told() -> None:
    answer = run(*given())
    row = Registration.objects.get()
    assert answer["id"] == str(row.public_id)
    assert answer["login_url"] == "https://localhost:8000/lti/login/"
    assert answer["launch_url"] == "https://localhost:8000/lti/launch/"
    assert answer["jwks_url"] == "https://localhost:8000/lti/jwks/"
    assert answer["own_login_url"].endswith(f"/lti/login/{row.public_id}/")
    assert (row.active, row.trust_new_deployments) == (False, False)


def test_active_platform_trusts_its_new_deployments() -> None:
    run(*given(), "--active", "--deployment-id", "7:a", "--deployment-id", "8:b")
    row = Registration.objects.get()
    assert (row.active, row.trust_new_deployments) == (True, True)
    assert set(Deployment.objects.values_list("deployment_id", "active")) == {("7:a", True), ("8:b", True)}


def test_same_issuer_and_client_update_and_stay_active() -> None:
    first = run(*given(), "--active")
    second = run(*given(name="Canvas of the hill"), "--auth-audience", "https://aud.example.edu")
    row = Registration.objects.get()
    assert first["id"] == second["id"]
    assert (row.name, row.active, row.auth_audience) == (
        "Canvas of the hill",
        True,
        "https://aud.example.edu",
    )


def test_second_client_of_one_issuer_is_another_platform() -> None:
    run(*given())
    run(*given(client_id="10000000000002"))
    assert Registration.objects.count() == 2


@pytest.mark.parametrize("missing", WHOLE)
def test_missing_option_is_named(missing: str) -> None:
    arguments = [part for pair in WHOLE.items() if pair[0] != missing for part in pair]
    assert missing in failure(*arguments)
    assert not Registration.objects.exists()


def test_address_that_is_none_is_refused() -> None:
    assert "--key-set-url" in failure(*given(key_set_url="not an address"))


def test_platform_does_not_move_to_another_institution_unasked() -> None:
    run(*given(), "--institution", "Hill")
    assert "Hill" in failure(*given(), "--institution", "Dale")
    assert Registration.objects.get().institution.name == "Hill"


def test_several_institutions_must_be_told_apart() -> None:
    Institution.objects.create(name="Hill")
    Institution.objects.create(name="Dale")
    assert "--institution" in failure(*given())


def test_invite_prints_its_address_once() -> None:
    answer = run("--invite", "--active", "--institution", "Hill")
    token = answer["invite_url"].rstrip("/").rsplit("/", 1)[-1]
    invite = invites.find(token)
    assert answer["invite_url"].startswith("https://localhost:8000/lti/register/")
    assert invite is not None and invite.pre_approved and invite.institution.name == "Hill"


def test_list_shows_platforms_and_deployments() -> None:
    run(*given(), "--deployment-id", "7:a")
    (row,) = run("--list")["registrations"]
    assert row["client_id"] == "10000000000001"
    assert row["deployments"] == [{"deployment_id": "7:a", "active": True}]


def test_approve_makes_platform_and_seen_deployments_active() -> None:
    answer = run(*given())
    row = Registration.objects.get()
    Deployment.objects.create(registration=row, deployment_id="7:a")
    assert run("--approve", answer["id"])["active"] is True
    assert Deployment.objects.get().active


def test_approve_of_one_deployment_leaves_the_others() -> None:
    answer = run(*given())
    row = Registration.objects.get()
    for name in ("7:a", "8:b"):
        Deployment.objects.create(registration=row, deployment_id=name)
    run("--approve", answer["id"], "--deployment-id", "8:b")
    assert list(Deployment.objects.filter(active=True).values_list("deployment_id", flat=True)) == ["8:b"]


def test_approve_of_an_unknown_deployment_changes_nothing() -> None:
    answer = run(*given())
    assert "--list" in failure("--approve", answer["id"], "--deployment-id", "9:c")
    assert not Registration.objects.get().active


@pytest.mark.parametrize("unknown", ["77", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_approve_of_an_unknown_platform_fails(unknown: str) -> None:
    assert "--list" in failure("--approve", unknown)


def test_without_json_people_read_lines_and_errors() -> None:
    out = io.StringIO()
    call_command("register_platform", *given(), stdout=out)
    assert "launch_url: https://localhost:8000/lti/launch/" in out.getvalue()
    with pytest.raises(CommandError) as caught:
        call_command("register_platform", "--approve", "77")
    assert caught.value.returncode == 2


# --- presets ---


def test_family_and_site_are_enough() -> None:
    answer = run("--family", "canvas", "--site", "https://school.instructure.com", "--client-id", "C1")
    row = Registration.objects.get()
    assert (row.issuer, row.product) == ("https://canvas.instructure.com", "canvas")
    assert row.key_set_url == "https://sso.canvaslms.com/api/lti/security/jwks"
    assert (row.service_hosts, row.frame_origins) == (
        ["school.instructure.com"],
        ["https://school.instructure.com"],
    )
    assert row.name == "Canvas (hosted) school.instructure.com"
    assert (answer["state"], answer["active"]) == ("waiting", False)


def test_what_is_given_goes_before_the_presets() -> None:
    run(
        *("--family", "brightspace", "--site", "https://lms.school.edu", "--client-id", "C1"),
        *(
            "--name",
            "Ours",
            "--key-set-url",
            "https://keys.school.edu/jwks",
            "--service-host",
            "api.school.edu",
        ),
    )
    row = Registration.objects.get()
    assert (row.name, row.key_set_url) == ("Ours", "https://keys.school.edu/jwks")
    assert row.auth_audience == "https://api.brightspace.com/auth/token"
    assert row.service_hosts == ["api.school.edu"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--family", "moodle", "--client-id", "C1"), "--site"),
        (("--family", "moodle", "--client-id", "C1", "--site", "http://a/?q"), "--site"),
        (("--family", "sakai", "--client-id", "C1", "--site", "https://a.edu"), "--tool-id"),
        (("--family", "webct", "--client-id", "C1"), "canvas-beta"),
        (("--family", "canvas"), "--client-id"),
        (("--family", "other", "--client-id", "C1"), "--issuer"),
        (("--steps",), "--family"),
    ],
)
def test_what_presets_lack_is_named(arguments: tuple[str, ...], words: str) -> None:
    assert words in failure(*arguments)
    assert not Registration.objects.exists()


def test_steps_say_what_to_do_and_what_to_paste() -> None:
    answer = run("--family", "moodle", "--steps")
    addresses = {row["address"] for row in answer["paste"]}
    assert "https://localhost:8000/lti/jwks/" in addresses and len(answer["steps"]) >= 3
    out = io.StringIO()
    call_command("register_platform", "--family", "moodle", "--steps", stdout=out)
    assert "  Initiate login URL  https://localhost:8000/lti/login/" in out.getvalue()


# --- archived ---


def test_archived_platforms_are_listed_only_when_asked_for() -> None:
    run(*given(), "--active")
    archiving.archive(Registration.objects.get())
    assert run("--list")["registrations"] == []
    (row,) = run("--list", "--archived")["registrations"]
    assert (row["state"], row["active"]) == ("archived", False)


def test_archived_platform_is_not_approved_but_registered_again() -> None:
    answer = run(*given(), "--active")
    archiving.archive(Registration.objects.get())
    assert "archived" in failure("--approve", answer["id"])
    again = run(*given())
    assert (again["id"], again["state"]) == (answer["id"], "waiting")


def test_archived_platform_registered_as_active_has_its_deployments_back() -> None:
    run(*given(), "--active", "--deployment-id", "7:a")
    archiving.archive(Registration.objects.get())
    assert not Deployment.objects.get().active
    run(*given(), "--active")
    assert Deployment.objects.get().active


# --- connection test ---


def test_connection_test_is_printed_and_its_trouble_is_exit_code_1() -> None:
    answer = run(*given(auth_token_url="https://127.0.0.1/token", key_set_url="https://127.0.0.1/jwks"))
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("register_platform", "--test", answer["id"], "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert caught.value.code == 1 and found["ok"] is False
    assert {"name", "ok", "text", "advice"} == set(found["findings"][0])


def test_connection_test_of_a_sandbox_lms_passes(start_lms: Callable[..., Server]) -> None:
    server = start_lms()
    hello = server.hello
    names = ("issuer", "client_id", "auth_login_url", "auth_token_url", "key_set_url")
    answer = run(*given(**{name: hello[name] for name in names}))
    keys.active_key()
    server.control("tool", tool_url="https://localhost:8000", jwks=keys.jwks())
    found = run("--test", answer["id"])
    assert found["ok"] is True and len(found["granted_scopes"]) == 3


def test_connection_test_of_an_unknown_platform_fails() -> None:
    assert "--list" in failure("--test", "77")
