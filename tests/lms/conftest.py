"""Wires: nothing here leaves this process."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import responses

from tests.lms.brightspace_wire import BrightspaceWire
from tests.lms.canvas_wire import CanvasWire


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def wire(mock: responses.RequestsMock) -> CanvasWire:
    wire = CanvasWire()
    wire.serve(mock)
    return wire


@pytest.fixture
def bright(mock: responses.RequestsMock) -> BrightspaceWire:
    wire = BrightspaceWire()
    wire.serve(mock)
    return wire


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds that readers wait, which they do not really do then."""
    seconds: list[int] = []
    monkeypatch.setattr("sync.lms.rest.time", SimpleNamespace(sleep=seconds.append))
    return seconds
