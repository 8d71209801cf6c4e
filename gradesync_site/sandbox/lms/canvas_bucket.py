"""Canvas's throttle: a bucket that leaks, fills by what requests cost, and is held in part by those under way."""

from __future__ import annotations

import threading
import time


class Bucket:
    """As in Canvas's own (app/middleware/request_throttle.rb): full at the high-water mark, holding a little more."""

    def __init__(self) -> None:
        self.full, self.most, self.leak, self.held, self.cost = 600.0, 800.0, 10.0, 50.0, 0.05
        self._count, self._at = 0.0, time.monotonic()
        self._lock = threading.Lock()

    def set(self, **wish: float) -> dict[str, float]:
        """full, most, leak, held, cost; and count, what is in it now. Raises ValueError for anything else."""
        unknown = sorted(wish.keys() - {"full", "most", "leak", "held", "cost", "count"})
        if unknown:
            raise ValueError(f"A bucket has no {', '.join(unknown)}.")
        with self._lock:
            self._count = float(wish.pop("count", self._count))
            self._at = time.monotonic()
            for name, value in wish.items():
                setattr(self, name, float(value))
        return {"remaining": self.remaining}

    def enter(self) -> bool:
        """A request begins; False: the bucket is full, and the request is refused."""
        self._add(self.held)
        if self._count >= self.full:
            self._add(-self.held)
            return False
        return True

    def leave(self) -> None:
        self._add(self.cost - self.held)

    @property
    def remaining(self) -> float:
        return self.full - self._count

    def _add(self, amount: float) -> None:
        with self._lock:
            now = time.monotonic()
            leaked = max(0.0, self._count - self.leak * (now - self._at))
            self._count, self._at = min(self.most, max(0.0, leaked + amount)), now
