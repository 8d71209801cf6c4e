"""The platform's keys: what is kept how long, what a rotation, an outage or an odd key set does to launches."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache.backends.locmem import LocMemCache
from jwt.algorithms import RSAAlgorithm

from lti_tool import http, platform_keys
from lti_tool.models import Registration
from lti_tool.platform_keys import KeysAway, KeyUnknown, find_key
from tests.lti_tool.platform import Platform, jwk, private_key
from tests.lti_tool.raw_server import PIECES, RawServer, raw_server


class Clock:
    def __init__(self) -> None:
        self.real, self.ahead = time.time, 0.0

    def __call__(self) -> float:
        return self.real() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


def fetches() -> int:
    return len(responses.calls)


def other_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process holds that has just started: nothing but the shared cache."""
    monkeypatch.setattr(platform_keys, "_kept", {})


def away(platform: Platform, **answer: Any) -> None:
    responses.upsert(responses.GET, platform.registration.key_set_url, **(answer or {"status": 503}))


def is_key(found: RSAPublicKey, name: str) -> bool:
    return found.public_numbers() == private_key(name).public_key().public_numbers()


def test_known_key_costs_no_request_no_look_into_the_cache_and_is_built_once(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_key(platform.registration, "k1")
    monkeypatch.setattr(LocMemCache, "get", lambda *args: pytest.fail("the shared cache is asked"))
    assert all(find_key(platform.registration, "k1") is first for _time in range(50))
    assert fetches() == 1 and is_key(first, "k1")


def test_after_some_seconds_the_shared_cache_is_asked_once_and_the_key_is_not_built_again(
    platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_key(platform.registration, "k1")
    clock.ahead = platform_keys.LOCAL_S + 1
    asked: list[str] = []
    get = LocMemCache.get

    def watched(self: LocMemCache, key: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(key)
        return get(self, key, *args, **kwargs)

    monkeypatch.setattr(LocMemCache, "get", watched)
    monkeypatch.setattr(RSAAlgorithm, "from_jwk", lambda *args: pytest.fail("the key is built again"))
    assert find_key(platform.registration, "k1") is first
    assert find_key(platform.registration, "k1") is first
    assert len(asked) == fetches() == 1


def test_workers_share_one_fetch(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    find_key(platform.registration, "k1")
    other_worker(monkeypatch)
    assert is_key(find_key(platform.registration, "k1"), "k1")
    assert fetches() == 1


def test_known_key_from_the_database_cache_costs_one_query(
    platform: Platform, settings: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    from django.core.management import call_command

    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "keys_test"}
    }
    call_command("createcachetable", verbosity=0)
    find_key(platform.registration, "k1")
    other_worker(monkeypatch)
    with django_assert_num_queries(1):
        find_key(platform.registration, "k1")
    with django_assert_num_queries(0):
        find_key(platform.registration, "k1")


def test_set_is_fetched_again_after_an_hour(platform: Platform, clock: Clock) -> None:
    find_key(platform.registration, "k1")
    clock.ahead = platform_keys.FRESH_S - 1
    find_key(platform.registration, "k1")
    assert fetches() == 1
    clock.ahead = platform_keys.FRESH_S + 1
    find_key(platform.registration, "k1")
    assert fetches() == 2


def test_key_that_the_platform_took_out_is_refused_an_hour_later(platform: Platform, clock: Clock) -> None:
    find_key(platform.registration, "k1")
    platform.serve_keys(jwk("k2"))
    clock.ahead = platform_keys.FRESH_S + 1
    with pytest.raises(KeyUnknown):
        find_key(platform.registration, "k1")


# rotation at the platform


def test_new_key_is_found_by_one_more_fetch_at_once(platform: Platform) -> None:
    find_key(platform.registration, "k1")
    platform.serve_keys(jwk("k1"), jwk("k2"))
    assert is_key(find_key(platform.registration, "k2"), "k2")
    assert fetches() == 2


def test_new_key_that_another_worker_has_seen_needs_no_fetch(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_key(platform.registration, "k1")
    ours = platform_keys._kept
    platform.serve_keys(jwk("k1"), jwk("k2"))
    other_worker(monkeypatch)
    find_key(platform.registration, "k2")
    monkeypatch.setattr(platform_keys, "_kept", ours)
    find_key(platform.registration, "k2")
    assert fetches() == 2


def test_same_id_with_other_numbers_counts_after_the_next_fetch(platform: Platform, clock: Clock) -> None:
    find_key(platform.registration, "k1")
    platform.serve_keys(jwk("k2", "k1"))
    clock.ahead = platform_keys.FRESH_S + 1
    assert is_key(find_key(platform.registration, "k1"), "k2")


def test_unknown_keys_make_us_fetch_at_a_limited_rate_only(
    platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_key(platform.registration, "k1")
    for number in range(20):
        if number == 10:
            other_worker(monkeypatch)
        with pytest.raises(KeyUnknown):
            find_key(platform.registration, f"made up {number}")
    assert fetches() == 2
    clock.ahead = platform_keys.REFETCH_S + 1
    with pytest.raises(KeyUnknown):
        find_key(platform.registration, "made up")
    assert fetches() == 3
    assert is_key(find_key(platform.registration, "k1"), "k1")


def test_launches_at_one_moment_wait_for_one_fetch(platform: Platform) -> None:
    # without the database: the threads would not see this test's transaction
    row, begun, go = platform.registration, threading.Event(), threading.Event()

    def slow(request: Any) -> tuple[int, dict[str, str], str]:
        begun.set()
        go.wait(10)
        return 200, {}, http.dumps({"keys": [jwk("k1")]})

    responses.remove(responses.GET, row.key_set_url)
    responses.add_callback(responses.GET, row.key_set_url, slow)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(is_key(find_key(row, "k1"), "k1"))) for _n in range(6)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 6 and fetches() == 1


# outages


def test_last_good_set_goes_on_through_an_outage_and_one_launch_in_a_while_asks_again(
    platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_key(platform.registration, "k1")
    away(platform)
    clock.ahead = platform_keys.FRESH_S + 1
    for number in range(10):
        if number == 5:
            other_worker(monkeypatch)
        assert is_key(find_key(platform.registration, "k1"), "k1")
    assert fetches() == 2
    clock.ahead += platform_keys.FAILED_S + 1
    find_key(platform.registration, "k1")
    assert fetches() == 3


def test_last_good_set_ends_after_a_day(
    platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_key(platform.registration, "k1")
    away(platform)
    clock.ahead = platform_keys.LAST_GOOD_S + 1
    for _worker in range(2):
        with pytest.raises(KeysAway):
            find_key(platform.registration, "k1")
        other_worker(monkeypatch)


def test_platform_that_is_back_is_believed_again(platform: Platform, clock: Clock) -> None:
    away(platform)
    with pytest.raises(KeysAway):
        find_key(platform.registration, "k1")
    platform.serve_keys()
    with pytest.raises(KeysAway):
        find_key(platform.registration, "k1")
    assert fetches() == 1
    clock.ahead = platform_keys.FAILED_S + 1
    assert is_key(find_key(platform.registration, "k1"), "k1")


AWAY: dict[str, dict[str, Any]] = {
    "error": {"status": 500, "body": "oops"},
    "not found": {"status": 404},
    "no content": {"status": 204},
    "redirect": {"status": 302, "headers": {"Location": "https://evil.example/jwks"}},
    "page": {"body": '{"keys": []}', "content_type": "text/html; charset=utf-8"},
    "no json": {"body": "<html>"},
    "half": {"body": '{"keys": [{"kty"'},
    "a list": {"json": []},
    "no keys": {"json": {"nope": []}},
    "keys are a word": {"json": {"keys": "k1"}},
    "null": {"body": "null"},
    "too big": {"body": " " * (platform_keys.MAX_BYTES + 1)},
    "too deep": {"body": '{"keys":' + "[" * 50_000},
    "nobody there": {"body": requests.exceptions.ConnectionError("secret detail")},
}


@pytest.mark.parametrize("name", AWAY)
def test_set_that_cannot_be_read_is_away_and_not_asked_for_again_at_once(
    name: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(platform, **AWAY[name])
    for _worker in range(2):
        for _time in range(3):
            with pytest.raises(KeysAway):
                find_key(platform.registration, "k1")
        other_worker(monkeypatch)
    assert fetches() == 1


@pytest.mark.parametrize("name", AWAY)
def test_set_that_cannot_be_read_spoils_no_good_one(name: str, platform: Platform) -> None:
    find_key(platform.registration, "k1")
    away(platform, **AWAY[name])
    with pytest.raises(KeyUnknown):
        find_key(platform.registration, "k2")
    assert is_key(find_key(platform.registration, "k1"), "k1")
    assert fetches() == 2


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/jwk-set+json", "text/plain", "application/octet-stream"]
)
def test_set_is_read_whatever_a_platform_calls_it(content_type: str, platform: Platform) -> None:
    away(platform, body=http.dumps({"keys": [jwk("k1")]}), content_type=content_type)
    assert is_key(find_key(platform.registration, "k1"), "k1")


def test_platform_that_trickles_its_keys_holds_a_launch_for_the_short_deadline_only(
    platform: Platform, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trickle(server: RawServer, connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        server.drip(connection, b"X: y\r\n")

    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})
    monkeypatch.setattr(platform_keys, "DEADLINE_S", 0.2)
    responses.add_passthru("http://127.0.0.1")
    with raw_server(trickle) as server:
        platform.registration.key_set_url = server.url
        for _launch in range(3):
            with pytest.raises(KeysAway):
                find_key(platform.registration, "k1")
        assert len(server.heard) == 1 and len(server.sent) < PIECES


# what is a key


ODD: dict[str, list[Any]] = {
    "same id twice": [jwk("k1"), jwk("evil", "k1")],
    "same key twice": [jwk("k1"), jwk("k1")],
    "for encryption": [{**jwk("k1"), "use": "enc"}],
    "for another algorithm": [{**jwk("k1"), "alg": "RS512"}],
    "symmetric": [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}],
    "elliptic": [{"kty": "EC", "kid": "k1", "crv": "P-256", "x": "AA", "y": "AA"}],
    "no text for numbers": [{**jwk("k1"), "n": 7}],
    "broken numbers": [{**jwk("k1"), "n": "?"}],
    "no numbers": [{"kty": "RSA", "kid": "k1"}],
    "exponent of one": [{**jwk("k1"), "e": "AQ"}],
    "even exponent": [{**jwk("k1"), "e": "Ag"}],
    "huge exponent": [{**jwk("k1"), "e": "A" * 5_000 + "Q"}],
    "huge modulus": [{**jwk("k1"), "n": "_" * 100_000}],
    "short modulus": [jwk("short", "k1", 1024)],
    "no rows": [],
    "words and numbers": ["k1", 1, None, ["k1"]],
    "an id that is no text": [{**jwk("k1"), "kid": ["k1"]}],
    "an id with a blank": [jwk("k1", "k1 ")],
    "an id in another case": [jwk("k1", "K1")],
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_single_fit_key_is_unknown(name: str, platform: Platform) -> None:
    platform.serve_keys(*ODD[name] or [{}])
    with pytest.raises(KeyUnknown):
        find_key(platform.registration, "k1")


def test_odd_rows_hide_no_good_key(platform: Platform) -> None:
    platform.serve_keys(
        *[row for name in ("words and numbers", "symmetric", "for encryption") for row in ODD[name]],
        jwk("k1"),
    )
    assert is_key(find_key(platform.registration, "k1"), "k1")


def test_addresses_and_keys_beside_the_numbers_are_not_looked_at(platform: Platform) -> None:
    platform.serve_keys(
        {
            **jwk("k1"),
            "x5u": "https://evil.example/",
            "x5c": ["AA"],
            "d": "AA",
            "jku": "https://evil.example/",
        }
    )
    assert is_key(find_key(platform.registration, "k1"), "k1")
    assert fetches() == 1


# whose keys


def test_registrations_with_one_key_set_address_do_not_mix(platform: Platform) -> None:
    find_key(platform.registration, "k1")
    other = Platform(platform.client, client_id="tool-2", deployment_id="dep-2")
    away(platform)
    with pytest.raises(KeysAway):
        find_key(other.registration, "k1")


def test_address_that_an_administrator_changes_counts_at_once(platform: Platform) -> None:
    find_key(platform.registration, "k1")
    row = Registration.objects.get(pk=platform.registration.pk)
    row.key_set_url = "https://lms.example.edu/other-jwks"
    responses.add(responses.GET, row.key_set_url, json={"keys": [jwk("k2")]})
    with pytest.raises(KeyUnknown):
        find_key(row, "k1")
    assert is_key(find_key(row, "k2"), "k2")
