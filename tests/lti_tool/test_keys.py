"""Our signing keys: published before they sign, and for a while after; one at a time, and never readable at rest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from lti_tool import keys, tasks
from lti_tool.models import SigningKey

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)


def states() -> list[str]:
    return list(SigningKey.objects.order_by("pk").values_list("state", flat=True))


def published() -> set[str]:
    return {key["kid"] for key in keys.jwks()["keys"]}


def test_first_key_is_made_on_demand_and_stays() -> None:
    assert keys.active_key().kid == keys.active_key().kid
    assert states() == ["active"]


def test_no_second_key_can_sign_and_no_second_one_wait() -> None:
    for state in ("active", "next"):
        keys._make(state, timezone.now())
        with pytest.raises(IntegrityError), transaction.atomic():
            keys._make(state, timezone.now())


def test_key_and_key_set_cost_one_query_each(django_assert_num_queries: Any) -> None:
    keys.active_key()
    keys.rotate()
    with django_assert_num_queries(1):
        keys.active_key()
    with django_assert_num_queries(1):
        keys.jwks()


def test_key_set_holds_public_numbers_only() -> None:
    keys.rotate()
    response = Client(headers={"host": "localhost:8000"}).get("/lti/jwks/")
    found = response.json()["keys"]
    assert len(found) == 2
    assert all(set(key) == {"kty", "n", "e", "kid", "alg", "use"} for key in found)
    assert {(key["kty"], key["alg"], key["use"]) for key in found} == {("RSA", "RS256", "sig")}
    assert (
        "max-age=3600" in response.headers["Cache-Control"] and "public" in response.headers["Cache-Control"]
    )


def raw(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM lti_tool_signingkey ORDER BY id")
        return [str(row[0]) for row in cursor.fetchall()]


def test_private_keys_are_encrypted_at_rest_in_every_state() -> None:
    now = timezone.now()
    for step in range(4):
        keys.rotate(now + step * DAY)
        clear = [key.private_pem for key in SigningKey.objects.order_by("pk")]
        for stored, pem in zip(raw("private_pem"), clear, strict=True):
            assert "PRIVATE KEY" not in stored
            assert stored != pem or stored == ""
    assert set(states()) == {"retired", "active", "retiring"}


def test_key_that_is_retired_holds_no_private_half_any_more() -> None:
    now = timezone.now()
    for step in range(3):
        keys.rotate(now + step * DAY)
    assert SigningKey.objects.get(state="retired").private_pem == "" == raw("private_pem")[0]


# rotation


def test_rotation_publishes_a_day_ahead_and_a_day_after() -> None:
    now = timezone.now()
    old = keys.active_key()
    assert keys.rotate(now) == "published"
    assert states() == ["active", "next"]
    assert keys.rotate(now + DAY - HOUR) == "waiting"
    assert keys.active_key() == old
    assert keys.rotate(now + DAY) == "promoted"
    assert states() == ["retiring", "active"]
    assert keys.active_key() != old
    assert old.kid in published()
    assert keys.rotate(now + 2 * DAY - HOUR) == "waiting"
    assert old.kid in published()
    keys.rotate(now + 2 * DAY)
    assert states() == ["retired", "active", "next"]
    assert old.kid not in published()


def test_key_signs_only_after_it_was_published_for_a_day_whatever_is_pressed() -> None:
    now = timezone.now()
    first_seen: dict[str, Any] = {}
    for hour in range(0, 24 * 6, 5):
        moment = now + hour * HOUR
        keys.rotate(moment)
        for kid in published():
            first_seen.setdefault(kid, moment)
        signs = keys.active_key().kid
        assert moment - first_seen[signs] >= DAY or first_seen[signs] == now


def test_schedule_rotates_when_the_key_has_signed_long_enough(settings: Any) -> None:
    settings.LTI_KEY_DAYS = 30
    now, old = timezone.now(), keys.active_key()
    assert keys.rotate_when_due(now + 28 * DAY) == "none"
    assert keys.rotate_when_due(now + 29 * DAY + HOUR) == "published"
    assert keys.rotate_when_due(now + 30 * DAY) == "waiting"
    assert keys.rotate_when_due(now + 30 * DAY + 2 * HOUR) == "promoted"
    assert keys.rotate_when_due(now + 31 * DAY) == "waiting"
    assert keys.rotate_when_due(now + 31 * DAY + 3 * HOUR) == "none"
    assert states() == ["retired", "active"]
    assert old.kid not in published()
    assert keys.rotate_when_due(now + 59 * DAY) == "none"
    assert keys.rotate_when_due(now + 60 * DAY) == "published"


def test_schedule_that_is_off_begins_nothing_and_ends_what_a_person_began(settings: Any) -> None:
    settings.LTI_KEY_DAYS = 0
    now = timezone.now()
    keys.active_key()
    assert keys.rotate_when_due(now + 4000 * DAY) == "none"
    keys.rotate(now)
    assert keys.rotate_when_due(now + DAY) == "promoted"
    assert keys.rotate_when_due(now + 2 * DAY) == "none"
    assert states() == ["retired", "active"]


def test_schedule_makes_the_first_key_too() -> None:
    tasks.rotate_keys()
    assert states() == ["active"]


def test_worker_and_beat_know_the_schedule(settings: Any) -> None:
    from gradesync_site.celery import app

    app.loader.import_default_modules()
    entry = settings.CELERY_BEAT_SCHEDULE["signing-keys"]
    assert entry["task"] in app.tasks
    # the steps are a day apart at least
    assert entry["schedule"] <= 24 * 3600


# a key in other hands


def test_compromised_key_is_replaced_at_once_and_leaves_the_key_set() -> None:
    now = timezone.now()
    keys.rotate(now)
    keys.rotate(now + DAY)
    keys.rotate(now + 2 * DAY)
    before = published()
    new = keys.replace(now + 2 * DAY)
    assert keys.active_key() == new
    assert published() == {new.kid} and new.kid not in before
    assert set(raw("private_pem")[:-1]) == {""}


def test_key_that_cannot_be_decrypted_says_what_to_do(settings: Any) -> None:
    keys.active_key()
    was, settings.FIELD_KEYS = settings.FIELD_KEYS, [Fernet.generate_key().decode()]
    with pytest.raises(keys.KeyUnreadable, match=r"FIELD_KEYS.*rotate_keys --now"):
        keys.active_key()
    assert len(published()) == 1
    settings.FIELD_KEYS = [*settings.FIELD_KEYS, *was]
    load_pem_private_key(keys.active_key().private_pem.encode(), None)


@pytest.mark.parametrize("way", [keys.replace, keys.rotate, keys.rotate_when_due])
def test_rotation_needs_no_key_that_cannot_be_decrypted(way: Callable[[], object], settings: Any) -> None:
    old = keys.active_key()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    way()
    if way is keys.replace:
        assert keys.active_key().kid != old.kid


def test_page_of_the_keys_opens_although_they_cannot_be_decrypted(
    admin_client: Client, settings: Any
) -> None:
    settings.ROOT_URLCONF = "gradesync_site.urls"
    key = keys.active_key()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    for page in ("", f"{key.pk}/change/"):
        response = admin_client.get(f"/admin/lti_tool/signingkey/{page}", headers={"host": "localhost"})
        assert response.status_code == 200
        assert key.kid in response.content.decode()


# several processes


@pytest.fixture
def at_once(transactional_db: None, tmp_path: Path) -> Callable[..., list[Any]]:
    """Runs functions in threads that start together, each with a connection of its own to one database."""
    # SQLite's test database lives in memory, where connections do not wait for each other: a file, as in operation
    own = {**connections.settings["default"], "NAME": str(tmp_path / "keys.sqlite3")}
    kind = type(connections["default"])

    def in_thread(function: Callable[[], Any], start: threading.Barrier) -> Any:
        if connection.vendor == "sqlite":
            connections["default"] = kind(own, "default")
        try:
            start.wait(30)
            return function()
        finally:
            connections["default"].close()

    def run(*functions: Callable[[], Any]) -> list[Any]:
        start = threading.Barrier(len(functions))
        with ThreadPoolExecutor(len(functions)) as pool:
            return [each.result() for each in [pool.submit(in_thread, one, start) for one in functions]]

    def table() -> None:
        with connection.schema_editor() as editor:
            editor.create_model(SigningKey)

    if connection.vendor == "sqlite":
        run(table)
    return run


def test_processes_that_need_the_first_key_at_once_make_one(at_once: Callable[..., list[Any]]) -> None:
    found = at_once(*[keys.active_key] * 6, *[keys.jwks] * 2)
    assert len({key.kid for key in found[:6]}) == 1
    assert at_once(states) == [["active"]]


def test_processes_that_rotate_at_once_do_not_double(at_once: Callable[..., list[Any]]) -> None:
    now = timezone.now()
    at_once(keys.active_key)
    expected = [["active", "next"], ["retiring", "active"], ["retired", "active", "next"]]
    for step, outcome in enumerate(("published", "promoted", "published")):
        moment = now + step * (DAY + HOUR)
        done = at_once(*[lambda moment=moment: keys.rotate(moment)] * 6)
        assert sorted(done) == [outcome] + ["waiting"] * 5
        assert at_once(states) == [expected[step]]


def test_schedule_in_several_processes_begins_one_rotation(
    at_once: Callable[..., list[Any]], settings: Any
) -> None:
    settings.LTI_KEY_DAYS = 30
    now = timezone.now()
    at_once(keys.active_key)
    for days, outcome in ((29.5, "published"), (30.6, "promoted"), (31.7, "none")):
        moment = now + days * DAY
        done = at_once(*[lambda moment=moment: keys.rotate_when_due(moment)] * 4)
        assert done.count(outcome) == (4 if outcome == "none" else 1)
    assert at_once(states) == [["retired", "active"]]


def test_replacement_and_rotation_at_once_leave_one_key_that_signs(at_once: Callable[..., list[Any]]) -> None:
    at_once(keys.active_key)
    old = at_once(lambda: keys.active_key().kid)[0]
    at_once(keys.replace, keys.rotate, keys.replace, keys.rotate)
    (found,) = at_once(states)
    assert found.count("active") == 1
    assert old not in at_once(published)[0]
