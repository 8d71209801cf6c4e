"""What load balancers and monitoring ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.test import Client


def test_healthz_asks_nothing_of_the_database(client: Client) -> None:
    # without the database mark any query would fail the test
    assert client.get("/healthz").json() == {"ok": True}


@pytest.mark.django_db
def test_readyz_names_each_part(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["database"] is True
    assert answer.json()["cache"] is True


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told_and_not_fatal(client: Client, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["broker"] is False


@pytest.mark.django_db
def test_without_a_database_the_process_is_alive_and_not_ready(client: Client) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseError("away")

    with connection.execute_wrapper(refuse):
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False


@pytest.mark.django_db
def test_a_cache_that_keeps_nothing_is_not_ready(client: Client, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    cache.clear()
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_metrics_count_runs_and_name_nobody(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    assert "gradesync_runs_due 0" in text
