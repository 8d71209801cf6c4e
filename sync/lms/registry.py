"""Readers found through the entry points `gradesync.lms`, built-in and outside ones alike."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from sync.errors import Misconfigured
from sync.lms.base import Lms

GROUP = "gradesync.lms"


def names() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def get(name: str) -> type[Lms]:
    """The class named so. Raises Misconfigured when none is installed under that name.

    Found once in a process: whoever installs another one restarts it, and looking costs more than a small read.
    """
    for point in entry_points(group=GROUP, name=name):
        adapter: type[Lms] = point.load()
        return adapter
    raise Misconfigured(
        f"No LMS adapter is called “{name}”. Installed: {', '.join(names()) or 'none'}.", "adapter_unknown"
    )
