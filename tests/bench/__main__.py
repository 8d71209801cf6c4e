"""python -m tests.bench [NAME ...]: figures and ratios, one JSON object per bench.

Each: name, ratio, limit, ok, and what it measured. A ratio compares our time with that of a bare client doing the
same, so that it says the same on a slow machine. Exit code 0 when every ratio is within its limit, 1 when not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gradesync_site.demo.home import Home
from gradesync_site.running import ROOT, StartFailed

# name -> (module, limit of the ratio); each runs in a process of its own, with a home of its own
BENCHES = {
    "push": ("tests.bench.push", 8.0),
    "push-put": ("tests.bench.push", 2.5),
    "write": ("tests.bench.write", 1.3),
    "launch": ("tests.bench.launch", 10.0),
    "launch-postgres": ("tests.bench.launch", 10.0),
    "read": ("tests.bench.read", 1.3),
    # the slowest page of a large course beside 300 ms
    "pages": ("tests.bench.pages", 1.0),
}
# benches that need a service: the variable that names it; without it they are left out
NEEDS = {"launch-postgres": "DATABASE_URL_BENCH"}


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        sys.stderr.write(f"No bench is called {', '.join(unknown)}. There are: {', '.join(BENCHES)}.\n")
        return 2
    usual = [name for name in BENCHES if name not in NEEDS or os.environ.get(NEEDS[name])]
    results = [measured(name) for name in names or usual]
    return 0 if all(results) else 1


def measured(name: str) -> bool:
    module, limit = BENCHES[name]
    with tempfile.TemporaryDirectory(prefix="gradesync-bench-") as folder:
        home = Home.open(Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", module, name, folder],
            env=home.env(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        home.close()
    if done.returncode:
        raise StartFailed(f"The bench {name} failed; its reason stands above.")
    found = json.loads(done.stdout)
    ok = found["ratio"] <= limit
    sys.stdout.write(
        json.dumps({"name": name, "ratio": found.pop("ratio"), "limit": limit, "ok": ok, **found}) + "\n"
    )
    sys.stdout.flush()
    return ok


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
