"""Faults by name: what a sandbox server can be told to get wrong, how often and with what chance."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class UnknownFault(ValueError):
    """No fault of this name; the text lists those there are."""


@dataclass
class Fault:
    """One fault that is on. `count` None: until switched off. `after`: how many occasions pass unharmed first.

    `method` and `path` (a regular expression, searched in the path) narrow where it strikes; `settings` are the
    fault's own (for example `reads` of show-late, `retry_after` of busy-429).
    """

    name: str
    count: int | None = None
    after: int = 0
    probability: float = 1.0
    method: str = ""
    path: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    struck: int = 0

    def applies(self, method: str, path: str) -> bool:
        return (not self.method or method in self.method.upper().split(",")) and bool(
            re.search(self.path, path)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "count": self.count,
            "after": self.after,
            "probability": self.probability,
            "method": self.method,
            "path": self.path,
            "struck": self.struck,
            **self.settings,
        }


class Faults:
    """The faults of one server. `catalogue` maps each name to its meaning; the chance is seeded, so runs repeat."""

    def __init__(self, catalogue: Mapping[str, str], seed: int = 1) -> None:
        self.catalogue = dict(catalogue)
        self._random = random.Random(seed)
        self._active: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def on(
        self,
        name: str,
        count: int | None = None,
        *,
        after: int = 0,
        probability: float = 1.0,
        method: str = "",
        path: str = "",
        **settings: Any,
    ) -> Fault:
        """Switches a fault on (again). Raises UnknownFault."""
        if name not in self.catalogue:
            raise UnknownFault(f"There is no fault {name}. There are: {', '.join(sorted(self.catalogue))}.")
        fault = Fault(name, count, after, probability, method, path, settings)
        with self._lock:
            self._active[name] = fault
        return fault

    def off(self, name: str = "") -> None:
        """Switches one fault off, or all of them."""
        with self._lock:
            if name:
                self._active.pop(name, None)
            else:
                self._active.clear()

    def active(self) -> list[Fault]:
        with self._lock:
            return list(self._active.values())

    def strikes(self, name: str, method: str = "", path: str = "") -> Fault | None:
        """The fault when it strikes on this occasion, which is then counted; else None."""
        with self._lock:
            fault = self._active.get(name)
            if fault is None or not fault.applies(method, path):
                return None
            if fault.after > 0:
                fault.after -= 1
                return None
            if fault.count == 0 or self._random.random() >= fault.probability:
                return None
            fault.struck += 1
            if fault.count is not None:
                fault.count -= 1
            return fault
