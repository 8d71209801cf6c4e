"""AGS and NRPS as LMSs really answer: all pages or an error, the bearer to known hosts only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses

from lti_tool import keys
from lti_tool.models import CachedToken
from lti_tool.paging import next_link, results_url
from lti_tool.services import ServiceAway, ServiceBroken, ServiceRefused, Services, allowed_hosts
from tests.lti_tool.platform import Platform

BASE = "https://lms.example.edu/2"
ITEMS = f"{BASE}/lineitems?type_id=1"
ITEM = f"{BASE}/lineitems/9/lineitem?type_id=1"
RESULTS = f"{BASE}/lineitems/9/lineitem/results?type_id=1"
MEMBERS = f"{BASE}/members"


@pytest.fixture
def services(platform: Platform) -> Services:
    platform.serve_keys()
    grant()
    return Services(platform.registration)


def grant(**more: Any) -> None:
    body = {"access_token": "bearer-1", "token_type": "Bearer", "expires_in": 3600, **more}
    responses.upsert(responses.POST, "https://lms.example.edu/token", json=body, content_type="text/html")


def page(url: str, body: Any, link: str = "") -> None:
    responses.add(responses.GET, url, json=body, headers={"Link": link} if link else {})


def calls(part: str) -> list[requests.PreparedRequest]:
    return [call.request for call in responses.calls if part in str(call.request.url)]


def test_all_pages_are_read(services: Services) -> None:
    page(RESULTS, [{"id": "a", "userId": "1"}], f'<{RESULTS}&from=1>; rel="next"')
    page(f"{RESULTS}&from=1", [{"id": "b", "userId": "2"}], f'<{RESULTS}&from=2>; rel="next"')
    page(f"{RESULTS}&from=2", [{"id": "c", "userId": "3"}])
    assert [row["userId"] for row in services.results(ITEM)] == ["1", "2", "3"]


def test_scores_stay_exact(services: Services) -> None:
    responses.add(responses.GET, RESULTS, body=b'[{"id":"a","userId":"1","resultScore":9.2570000000000001}]')
    assert services.results(ITEM)[0]["resultScore"] == Decimal("9.2570000000000001")


def test_one_score_that_is_no_number_hides_no_other(services: Services) -> None:
    responses.add(responses.GET, RESULTS, body=b'[{"id":"a","resultScore":NaN},{"id":"b","resultScore":7}]')
    first, second = services.results(ITEM)
    assert first["resultScore"].is_nan()
    assert second["resultScore"] == 7


def test_members_are_unpacked_from_their_container(services: Services) -> None:
    page(MEMBERS, {"id": MEMBERS, "members": [{"user_id": "1"}]}, f'<{MEMBERS}?from=1>; rel="next"')
    page(f"{MEMBERS}?from=1", {"members": [{"user_id": "2"}]})
    assert [row["user_id"] for row in services.members(MEMBERS)] == ["1", "2"]


@pytest.mark.parametrize(
    ("read", "url", "accept"),
    [
        ("line_items", ITEMS, "application/vnd.ims.lis.v2.lineitemcontainer+json"),
        ("results", RESULTS, "application/vnd.ims.lis.v2.resultcontainer+json"),
        ("members", MEMBERS, "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"),
    ],
)
def test_exactly_one_media_type_is_asked_for_and_no_limit(
    services: Services, read: str, url: str, accept: str
) -> None:
    page(url, {"members": []} if read == "members" else [])
    getattr(services, read)(ITEM if read == "results" else url)
    (request,) = calls("/2/")
    assert request.headers["Accept"] == accept
    assert "limit" not in str(request.url)


def test_address_of_the_results_goes_before_the_query() -> None:
    assert results_url("https://x/li/9?type_id=1") == "https://x/li/9/results?type_id=1"
    assert results_url("https://x/li/9/") == "https://x/li/9/results"


@pytest.mark.parametrize(
    "header",
    [
        '<https://x/Items?Page=AbC>; rel="next"',
        "<https://x/Items?Page=AbC>; rel=next",
        "<https://x/Items?Page=AbC>; rel=“next”",
        "<https://x/Items?Page=AbC>; rel=“next”".encode().decode("latin-1"),
        '<https://x/Items?Page=AbC>; title="a, b"; REL="prev Next"',
        '<https://x/1>; rel="prev", <https://x/Items?Page=AbC>; rel="next", <https://x/9>; rel="last"',
        '</Items?Page=AbC>; rel="next"',
    ],
)
def test_next_page_is_found_as_lmss_write_it(header: str) -> None:
    assert next_link(header, "https://x/Items?Page=1") == "https://x/Items?Page=AbC"


def test_escaped_ampersand_in_a_link_is_put_right() -> None:
    assert next_link("<https://x/i?a=1&amp;from=2>; rel=“next”", "https://x/") == "https://x/i?a=1&from=2"


@pytest.mark.parametrize(
    "header", ["", '<https://x/1>; rel="prev"', "nonsense", '<https://x/1>; rel="nextish"']
)
def test_last_page_has_no_next_one(header: str) -> None:
    assert next_link(header, "https://x/") == ""


# never less than there is


def test_pages_in_a_circle_are_no_list(services: Services) -> None:
    page(ITEMS, [{"id": "a"}], f'<{ITEMS}&from=1>; rel="next"')
    page(f"{ITEMS}&from=1", [{"id": "b"}], f'<{ITEMS}>; rel="next"')
    with pytest.raises(ServiceBroken, match="circle"):
        services.line_items(ITEMS)


@pytest.mark.parametrize("name", ["id", "userId", "user_id"])
def test_entry_that_comes_on_two_pages_is_no_list(services: Services, name: str) -> None:
    page(ITEMS, [{name: "a"}, {name: "b"}], f'<{ITEMS}&from=1>; rel="next"')
    page(f"{ITEMS}&from=1", [{name: "b"}, {name: "c"}])
    with pytest.raises(ServiceBroken, match="repeats"):
        services.line_items(ITEMS)


def test_entry_twice_on_one_page_is_left_to_the_reader(services: Services) -> None:
    page(ITEMS, [{"id": "a"}, {"id": "a"}])
    assert len(services.line_items(ITEMS)) == 2


def test_failure_on_a_later_page_fails_the_whole(services: Services) -> None:
    page(ITEMS, [{"id": "a"}], f'<{ITEMS}&from=1>; rel="next"')
    responses.add(responses.GET, f"{ITEMS}&from=1", status=500)
    with pytest.raises(ServiceAway):
        services.line_items(ITEMS)


@pytest.mark.parametrize("body", [b"", b"<html>", b'[{"id":', b"{}", b'"x"', b"[1]", b"[null]", b"null"])
def test_answer_that_is_not_the_list_it_should_be_is_broken(services: Services, body: bytes) -> None:
    responses.add(responses.GET, ITEMS, body=body)
    with pytest.raises(ServiceBroken):
        services.line_items(ITEMS)


@pytest.mark.parametrize("body", [b"[]", b'{"members":null}', b'{"members":{}}', b"{}"])
def test_members_without_their_list_are_broken(services: Services, body: bytes) -> None:
    responses.add(responses.GET, MEMBERS, body=body)
    with pytest.raises(ServiceBroken):
        services.members(MEMBERS)


# what the LMS says no to


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_refusal_tells_who_can_help(services: Services, status: int) -> None:
    responses.add(responses.GET, ITEMS, status=status, json={"reason": "Ana Alvarez is not here"})
    with pytest.raises(ServiceRefused, match="LMS administrator") as caught:
        services.line_items(ITEMS)
    assert caught.value.code == f"http-{status}"
    assert "Ana" not in str(caught.value)


def test_redirect_is_not_followed(services: Services) -> None:
    responses.add(responses.GET, ITEMS, status=302, headers={"Location": "https://evil.example/"})
    with pytest.raises(ServiceRefused, match="redirects"):
        services.line_items(ITEMS)
    assert not calls("evil.example")


@pytest.mark.parametrize("status", [429, 503])
def test_busy_lms_says_when_to_come_again(services: Services, status: int) -> None:
    responses.add(responses.GET, ITEMS, status=status, headers={"Retry-After": "17"})
    with pytest.raises(ServiceAway) as caught:
        services.line_items(ITEMS)
    assert caught.value.after == 17


def test_throttling_of_canvas_is_told_from_a_missing_right(services: Services) -> None:
    responses.add(responses.GET, ITEMS, status=403, body="403 Forbidden (Rate Limit Exceeded)")
    with pytest.raises(ServiceAway):
        services.line_items(ITEMS)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        (format_datetime(datetime.now(UTC) + timedelta(hours=9)), 3600, 3600),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0, 0),
        ("99999999999", 3600, 3600),
    ],
    ids=["in nine hours", "long ago", "in a thousand years"],
)
def test_time_to_come_again_is_bounded(services: Services, header: str, low: int, high: int) -> None:
    responses.add(responses.GET, ITEMS, status=503, headers={"Retry-After": header})
    with pytest.raises(ServiceAway) as caught:
        services.line_items(ITEMS)
    assert caught.value.after is not None and low <= caught.value.after <= high


@pytest.mark.parametrize("header", ["soon", "", "-5", "١٢"])
def test_time_to_come_again_that_says_nothing_is_none(header: str) -> None:
    from lti_tool.service_errors import retry_after

    response = requests.Response()
    response.headers["Retry-After"] = header
    assert retry_after(response) is None


def test_lms_that_does_not_answer_is_away(services: Services) -> None:
    responses.add(responses.GET, ITEMS, body=requests.exceptions.ConnectionError("secret detail"))
    with pytest.raises(ServiceAway, match=r"lms\.example\.edu") as caught:
        services.line_items(ITEMS)
    assert "secret" not in str(caught.value)


# the bearer


def test_bearer_goes_to_hosts_of_the_registration_only(services: Services) -> None:
    with pytest.raises(ServiceRefused, match=r"school\.example\.org to the service hosts"):
        services.line_items("https://school.example.org/lineitems")
    assert len(responses.calls) == 0


def test_next_link_to_another_host_is_not_followed(services: Services) -> None:
    page(ITEMS, [{"id": "a"}], '<https://evil.example/more>; rel="next"')
    with pytest.raises(ServiceRefused, match=r"evil\.example"):
        services.line_items(ITEMS)
    assert not calls("evil.example")


def test_next_link_without_encryption_is_not_followed(services: Services) -> None:
    page(ITEMS, [{"id": "a"}], f'<{ITEMS.replace("https", "http")}&from=1>; rel="next"')
    with pytest.raises(ServiceRefused):
        services.line_items(ITEMS)
    assert len(calls("/lineitems")) == 1


def test_host_that_an_administrator_added_is_allowed(platform: Platform) -> None:
    grant()
    platform.registration.service_hosts = ["School.example.org"]
    page("https://school.example.org/lineitems", [{"id": "a"}])
    assert Services(platform.registration).line_items("https://school.example.org/lineitems")
    assert allowed_hosts(platform.registration) == {"lms.example.edu", "school.example.org"}


def test_token_request_is_signed_as_the_security_framework_says(services: Services) -> None:
    page(ITEMS, [])
    services.line_items(ITEMS)
    form = parse_qs(str(calls("/token")[0].body))
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert form["scope"] == ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"]
    ours = jwt.PyJWKSet.from_dict(keys.jwks())
    header = jwt.get_unverified_header(form["client_assertion"][0])
    claims = jwt.decode(
        form["client_assertion"][0],
        ours[header["kid"]].key,
        algorithms=["RS256"],
        audience="https://lms.example.edu/token",
        options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
    )
    assert claims["iss"] == claims["sub"] == "tool-1"
    assert claims["iat"] <= datetime.now(UTC).timestamp() - 5


def test_token_is_shared_and_asked_for_once(platform: Platform, services: Services) -> None:
    page(ITEMS, [])
    for reader in (services, services, Services(platform.registration)):
        reader.line_items(ITEMS)
    assert len(calls("/token")) == 1
    assert calls("/lineitems")[0].headers["Authorization"] == "Bearer bearer-1"


def test_token_at_rest_is_encrypted(services: Services) -> None:
    from django.db import connection

    page(ITEMS, [])
    services.line_items(ITEMS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM lti_tool_cachedtoken")
        assert "bearer-1" not in cursor.fetchone()[0]


def test_token_of_one_customer_is_not_used_for_another_on_the_same_issuer(platform: Platform) -> None:
    grant()
    page(ITEMS, [])
    Services(platform.registration).line_items(ITEMS)
    other = Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    Services(other.registration).line_items(ITEMS)
    assert len(calls("/token")) == 2
    assert CachedToken.objects.count() == 2


@pytest.mark.parametrize("expires_in", [30, "30", 0, -5])
def test_token_that_ends_soon_is_not_kept(platform: Platform, expires_in: object) -> None:
    grant(expires_in=expires_in)
    page(ITEMS, [])
    services = Services(platform.registration)
    services.line_items(ITEMS)
    assert not CachedToken.objects.exists()


@pytest.mark.parametrize("expires_in", [None, "soon", "1e999"])
def test_token_with_an_odd_lifetime_is_taken_for_an_hour(platform: Platform, expires_in: object) -> None:
    grant(expires_in=expires_in)
    page(ITEMS, [])
    Services(platform.registration).line_items(ITEMS)
    assert CachedToken.objects.get().expires_at < datetime.now(UTC) + timedelta(hours=1)


def test_token_that_the_lms_dropped_is_renewed_once(services: Services) -> None:
    responses.add(responses.GET, ITEMS, status=401)
    responses.add(responses.GET, ITEMS, json=[{"id": "a"}])
    assert len(services.line_items(ITEMS)) == 1
    assert len(calls("/token")) == 2


def test_second_401_is_a_refusal(services: Services) -> None:
    responses.add(responses.GET, ITEMS, status=401)
    with pytest.raises(ServiceRefused, match="LMS administrator"):
        services.line_items(ITEMS)
    assert len(calls("/lineitems")) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": 400, "json": {"error": "invalid_scope"}}, "token-invalid_scope"),
        ({"status": 400, "json": {"error": "invalid_client"}}, "token-invalid_client"),
        ({"status": 400, "body": '{"error" : ""kid" invalid"}'}, "token-400"),
        ({"status": 401, "json": {"error": "Ana Alvarez"}}, "token-401"),
        ({"status": 404, "body": "<html>"}, "token-404"),
    ],
)
def test_refused_token_tells_who_can_help(services: Services, answer: dict[str, Any], code: str) -> None:
    responses.upsert(responses.POST, "https://lms.example.edu/token", **answer)
    with pytest.raises(ServiceRefused, match="LMS administrator") as caught:
        services.results(ITEM)
    assert caught.value.code == code
    assert "Ana" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_token_endpoint_that_is_busy_is_away(services: Services, status: int) -> None:
    responses.upsert(responses.POST, "https://lms.example.edu/token", status=status)
    with pytest.raises(ServiceAway):
        services.results(ITEM)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"access_token":7}'])
def test_grant_without_a_token_is_broken(services: Services, body: bytes) -> None:
    responses.upsert(responses.POST, "https://lms.example.edu/token", body=body)
    with pytest.raises(ServiceBroken):
        services.results(ITEM)


def test_writing_scope_is_asked_for_only_where_the_reading_one_is_refused(services: Services) -> None:
    responses.upsert(
        responses.POST, "https://lms.example.edu/token", status=400, json={"error": "invalid_scope"}
    )
    responses.add(responses.POST, "https://lms.example.edu/token", json={"access_token": "bearer-2"})
    page(ITEMS, [])
    services.line_items(ITEMS)
    scopes = [parse_qs(str(request.body))["scope"][0].rsplit("/", 1)[-1] for request in calls("/token")]
    assert scopes == ["lineitem.readonly", "lineitem"]


def test_announced_audience_that_is_refused_is_followed_by_the_token_address(platform: Platform) -> None:
    platform.registration.auth_audience = "https://auth.example.edu"
    responses.add(
        responses.POST, "https://lms.example.edu/token", status=400, json={"error": "invalid_client"}
    )
    responses.add(responses.POST, "https://lms.example.edu/token", json={"access_token": "bearer-2"})
    page(ITEMS, [])
    Services(platform.registration).line_items(ITEMS)
    tokens = [parse_qs(str(request.body))["client_assertion"][0] for request in calls("/token")]
    audiences = [jwt.decode(token, options={"verify_signature": False})["aud"] for token in tokens]
    assert audiences == ["https://auth.example.edu", "https://lms.example.edu/token"]
