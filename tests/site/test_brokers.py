"""The same push through a real broker. Rows are the truth, so what is tested here is that the doorbell rings."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.site.scene import Scene
from tests.site.test_crash import assert_all_arrived_once

BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}


def listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.mark.broker
@pytest.mark.parametrize("name", sorted(BROKERS))
def test_a_push_rings_through_the_broker(name: str, tmp_path: Path) -> None:
    url = BROKERS[name]
    if not listens(url):
        pytest.skip(f"{name} does not listen")
    with Scene(tmp_path / "home", environment={"CELERY_BROKER_URL": url}) as scene:
        run_id = scene.approved_run()
        scene.worker()  # and no beat: only the broker can bring the message
        scene.until(lambda: scene.run_state(run_id) == "done", "the run's end")
        assert_all_arrived_once(scene, run_id)


def test_without_any_broker_the_run_is_found_by_its_state(tmp_path: Path) -> None:
    """The message is lost: the broker is away when she clicks. The row waits, and the next beat finds it."""
    away = {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    with Scene(tmp_path / "home", environment=away) as scene:
        run_id = scene.approved_run()
        assert scene.run_state(run_id) == "approved"
        scene.environment = {}
        scene.worker()
        scene.beat()
        scene.until(lambda: scene.run_state(run_id) == "done", "the run's end")
        assert_all_arrived_once(scene, run_id)
