"""A worker dies in mid-push and no grade is lost, doubled or stuck (design §6, rule 11)."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import FULL
from tests.site.scene import Scene

pytestmark = pytest.mark.processes

# one way of writing (WAYS) on each database; many more under --full
ONE = (3,) if os.environ.get("DATABASE_URL", "").startswith("postgres") else (10,)
SEEDS = range(20) if FULL else ONE
# new results by bulk POST with ids that the SIS gives, and by PUT with ids of our own
WAYS = (
    {"create": "post", "batch": "2", "settle_s": "1"},
    {"create": "put", "parallel": "2", "settle_s": "1"},
)


@pytest.mark.parametrize("seed", SEEDS)
def test_worker_killed_in_mid_push_ends_in_sync_with_nothing_doubled(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with Scene(tmp_path / "home", options=WAYS[seed % 2], latency_ms=chance.choice((15, 30, 60))) as scene:
        run_id = scene.approved_run()
        doomed = scene.worker()
        kill_after = chance.randrange(1, 10)
        scene.until(lambda: len(scene.writes()) >= kill_after, "the first writes")
        assert scene.run_state(run_id) in {"pushing", "reconciling"}, "the kill must come in mid-push"
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.wait()
        scene.worker()
        scene.beat()
        scene.until(
            lambda: scene.run_state(run_id) not in {"approved", "pushing", "paused", "reconciling"}, "the end"
        )
        assert_all_arrived_once(scene, run_id)


def assert_all_arrived_once(scene: Scene, run_id: int) -> None:
    assert scene.run_state(run_id) == "done"
    report = scene.report(run_id)
    assert report["in_sync"] is True
    assert report["counts"]["waiting"] == report["counts"]["discrepancies"] == 0
    active = [one for one in scene.results() if one["status"] == "active"]
    pairs = Counter((one["lineItem"], one["student"]) for one in active)
    assert max(pairs.values()) == 1, "no result stands twice"
    landed = report["counts"]["created"] + report["counts"]["updated"]
    graded = [one for one in active if one.get("scoreStatus") in {"fully graded", "exempt"}]
    assert len(graded) >= landed > 0
