"""Access tokens: which audience a platform wants, whose token it is, how long it is good, and what a lost key does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import responses
from cryptography.fernet import Fernet
from django.utils import timezone

from lti_tool import keys
from lti_tool.models import CachedToken, Registration
from lti_tool.services import ServiceAway, ServiceBroken, ServiceRefused, Services
from tests.lti_tool.platform import Platform

TOKEN = "https://lms.example.edu/token"
ITEMS = "https://lms.example.edu/2/lineitems"
MEMBERS = "https://lms.example.edu/2/members"
AUDIENCE = "https://auth.example.edu"


@pytest.fixture
def row(platform: Platform) -> Registration:
    responses.add(responses.GET, ITEMS, json=[])
    responses.add(responses.GET, MEMBERS, json={"members": []})
    platform.registration.auth_audience = AUDIENCE
    platform.registration.save()
    return platform.registration


def grants(token: str = "bearer-1", **more: Any) -> None:
    responses.add(responses.POST, TOKEN, json={"access_token": token, "expires_in": 3600, **more})


def refuses(code: str, status: int = 400) -> None:
    responses.add(responses.POST, TOKEN, json={"error": code}, status=status)


def forms() -> list[dict[str, str]]:
    asked = [call.request for call in responses.calls if call.request.url == TOKEN]
    return [{name: values[0] for name, values in parse_qs(str(request.body)).items()} for request in asked]


def audiences() -> list[str]:
    return [unverified(form["client_assertion"])["aud"] for form in forms()]


def unverified(assertion: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    return found


def scopes() -> list[str]:
    return [form["scope"].rpartition("/")[2] for form in forms()]


def test_announced_audience_that_is_accepted_stays(row: Registration) -> None:
    grants()
    Services(row).line_items(ITEMS)
    row.refresh_from_db()
    assert audiences() == [AUDIENCE] == [row.auth_audience]


def test_audience_that_was_refused_is_remembered_and_the_next_token_is_asked_for_rightly(
    row: Registration,
) -> None:
    refuses("invalid_client")
    grants()
    Services(row).line_items(ITEMS)
    assert audiences() == [AUDIENCE, TOKEN]
    again = Registration.objects.get(pk=row.pk)
    assert again.auth_audience == ""
    Services(again).members(MEMBERS)
    assert audiences() == [AUDIENCE, TOKEN, TOKEN]


def test_platform_that_refuses_both_audiences_changes_nothing(row: Registration) -> None:
    refuses("invalid_client", 401)
    with pytest.raises(ServiceRefused, match="audience"):
        Services(row).line_items(ITEMS)
    row.refresh_from_db()
    assert audiences() == [AUDIENCE, TOKEN] and row.auth_audience == AUDIENCE


@pytest.mark.parametrize("status", [429, 500, 503])
def test_platform_that_is_away_at_the_second_try_changes_nothing(status: int, row: Registration) -> None:
    refuses("invalid_client")
    responses.add(responses.POST, TOKEN, status=status)
    with pytest.raises(ServiceAway):
        Services(row).line_items(ITEMS)
    row.refresh_from_db()
    assert row.auth_audience == AUDIENCE


def test_audience_and_scope_are_found_together(row: Registration) -> None:
    refuses("invalid_client")
    refuses("invalid_scope")
    grants()
    Services(row).line_items(ITEMS)
    assert audiences() == [AUDIENCE, TOKEN, TOKEN]
    assert scopes() == ["lineitem.readonly", "lineitem.readonly", "lineitem"]


def test_audience_that_an_administrator_wrote_meanwhile_is_kept(row: Registration) -> None:
    refuses("invalid_client")
    grants()
    Registration.objects.filter(pk=row.pk).update(auth_audience="https://new.example.edu")
    Services(row).line_items(ITEMS)
    row.refresh_from_db()
    assert row.auth_audience == "https://new.example.edu"


def test_refusal_of_something_else_is_no_reason_to_try_another_audience(row: Registration) -> None:
    refuses("unauthorized_client")
    with pytest.raises(ServiceRefused):
        Services(row).line_items(ITEMS)
    assert audiences() == [AUDIENCE]


# whose token, and for what


def test_each_service_asks_for_its_own_right_only(row: Registration) -> None:
    grants()
    services = Services(row)
    responses.add(responses.GET, ITEMS + "/1/results", json=[])
    services.line_items(ITEMS)
    services.results(ITEMS + "/1")
    services.members(MEMBERS)
    services.line_items(ITEMS)
    assert scopes() == ["lineitem.readonly", "result.readonly", "contextmembership.readonly"]
    assert CachedToken.objects.count() == 3


@pytest.mark.parametrize("name", ["client_id", "auth_token_url"])
def test_token_of_a_registration_that_was_edited_is_not_used_again(name: str, row: Registration) -> None:
    grants()
    Services(row).line_items(ITEMS)
    setattr(row, name, TOKEN + "/new" if name == "auth_token_url" else "tool-9")
    responses.add(responses.POST, TOKEN + "/new", json={"access_token": "bearer-2"})
    Services(row).line_items(ITEMS)
    posted = [call.request for call in responses.calls if call.request.method == "POST"]
    assert len(posted) == 2 == CachedToken.objects.count()


def test_token_that_ended_is_not_sent(row: Registration) -> None:
    grants("bearer-1")
    Services(row).line_items(ITEMS)
    CachedToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    responses.upsert(responses.POST, TOKEN, json={"access_token": "bearer-2"})
    Services(row).line_items(ITEMS)
    sent = [call.request.headers["Authorization"] for call in responses.calls if call.request.url == ITEMS]
    assert sent == ["Bearer bearer-1", "Bearer bearer-2"]


def test_tokens_of_two_workers_at_once_belong_to_their_own_registrations(
    row: Registration, platform: Platform
) -> None:
    """The second worker asks before the first has stored its token; then each finds its own."""
    other = Platform(platform.client, client_id="tool-2", deployment_id="dep-2").registration
    inner: list[Any] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        claims = unverified(parse_qs(request.body)["client_assertion"][0])
        if claims["iss"] == row.client_id and not inner:
            inner.append(True)
            Services(other).line_items(ITEMS)
            Services(row).line_items(ITEMS)
        return 200, {}, f'{{"access_token": "of-{claims["iss"]}"}}'

    responses.add_callback(responses.POST, TOKEN, answer)
    Services(row).line_items(ITEMS)
    for each in (row, other):
        Services(each).line_items(ITEMS)
        assert responses.calls[-1].request.headers["Authorization"] == f"Bearer of-{each.client_id}"
    assert CachedToken.objects.count() == 2


# keys that were lost


def test_lost_field_key_costs_a_kept_token_only_a_new_request(row: Registration, settings: Any) -> None:
    grants()
    Services(row).line_items(ITEMS)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    keys.replace()
    Services(row).line_items(ITEMS)
    assert len(forms()) == 2
    Services(row).line_items(ITEMS)
    assert len(forms()) == 2


def test_signing_key_that_cannot_be_read_is_said_so_and_nothing_is_sent(
    row: Registration, settings: Any
) -> None:
    keys.active_key()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ServiceRefused, match="rotate_keys --now") as caught:
        Services(row).line_items(ITEMS)
    assert caught.value.code == "key-unreadable"
    assert len(responses.calls) == 0


def test_token_is_signed_by_the_key_that_signs_now(row: Registration) -> None:
    grants()
    Services(row).line_items(ITEMS)
    former, new = keys.active_key(), keys.replace()
    Services(row).members(MEMBERS)
    kids = [jwt.get_unverified_header(form["client_assertion"])["kid"] for form in forms()]
    assert kids == [former.kid, new.kid]


# where the services may be


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://lms.example.edu/2/lineitems", "not-https"),
        ("HTTP://LMS.EXAMPLE.EDU/2/lineitems", "not-https"),
        ("ftp://lms.example.edu/2/lineitems", "not-https"),
        ("https://lms.example.edu:8443/2/lineitems", "host-not-allowed"),
        ("https://lms.example.edu.evil.example/", "host-not-allowed"),
        ("/2/lineitems", "no-address"),
        ("https://[::1/2/lineitems", "no-address"),
        ("", "no-address"),
    ],
)
def test_address_of_a_service_is_checked_before_a_token_is_asked_for(
    url: str, code: str, row: Registration, settings: Any
) -> None:
    # plain http to this host passes the guard; its token must not go there all the same
    settings.OUTBOUND_ALLOW = frozenset({"lms.example.edu"})
    with pytest.raises(ServiceRefused, match="LMS") as caught:
        Services(row).line_items(url)
    assert caught.value.code == code
    assert len(responses.calls) == 0


@pytest.mark.parametrize(
    "url", ["https://LMS.Example.edu/2/lineitems", "https://lms.example.edu:443/2/lineitems"]
)
def test_other_spelling_of_the_same_host_is_allowed(url: str, row: Registration) -> None:
    grants()
    responses.add(responses.GET, url, json=[{"id": "a"}])
    assert len(Services(row).line_items(url)) <= 1


def test_platform_by_http_in_a_closed_network_is_read_by_http(row: Registration, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset({"lms.example.edu"})
    row.auth_token_url = TOKEN.replace("https", "http")
    responses.add(responses.POST, row.auth_token_url, json={"access_token": "bearer-1"})
    url = ITEMS.replace("https", "http")
    responses.add(responses.GET, url, json=[{"id": "a"}])
    assert len(Services(row).line_items(url)) == 1


@pytest.mark.parametrize("status", [201, 202, 203, 206, 207])
def test_success_that_is_not_the_whole_list_is_broken(status: int, row: Registration) -> None:
    grants()
    responses.upsert(responses.GET, ITEMS, json=[{"id": "a"}], status=status)
    with pytest.raises(ServiceBroken, match=str(status)):
        Services(row).line_items(ITEMS)
