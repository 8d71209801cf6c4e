"""A worker dies in mid-reading: the click is not lost, the list comes whole and once, and nothing was written."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import FULL
from tests.site.scene import Scene

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("after", [2, 5] if FULL else [5])
def test_worker_killed_in_mid_reading_is_followed_by_one_that_reads_anew(after: int, tmp_path: Path) -> None:
    with Scene(tmp_path / "home", latency_ms=60) as scene:
        run_id, look_id = scene.asked_reads()
        begun = scene.requests()
        doomed = scene.worker()
        scene.until(lambda: scene.requests() >= begun + after, "the first requests of a read")
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.wait()
        assert scene.run_state(run_id) == "reading", "the kill must come in mid-reading"
        scene.worker()
        scene.beat()
        scene.until(lambda: scene.run_state(run_id) != "reading", "the end of the run's read")
        scene.until(lambda: scene.look_state(look_id) != "reading", "the end of the look")

        assert (scene.run_state(run_id), scene.look_state(look_id)) == ("review", "done")
        rows = scene.database.ask(f"SELECT COUNT(*) FROM sync_gradechange WHERE run_id = {run_id}")
        counts = scene.report(run_id)["counts"]
        assert rows == counts["created"] + counts["updated"] > 0
        assert scene.database.ask(f"SELECT read_tries FROM sync_run WHERE id = {run_id}") >= 2
        assert scene.writes() == []
