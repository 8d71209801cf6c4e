from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from sync.sis.oneroster import results
from tests.sis.onerosterwire import Wire

pytest.register_assert_rewrite("sync.sis.contract")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The faked wire. What was sent is held to the official OpenAPI when the test is over."""
    results._FRAGILE.clear()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        made = Wire(mock)
        yield made
        made.check_bodies()
