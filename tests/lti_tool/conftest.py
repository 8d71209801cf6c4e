from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.test import Client

from tests.lti_tool.platform import Platform


@pytest.fixture(autouse=True)
def own_addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lti_tool.urls"
    settings.LTI_LAUNCH_REDIRECT = "course"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "lti"}
    }


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Nothing leaves this process; answers are registered on the module `responses`."""
    with responses.mock as faked:
        faked.assert_all_requests_are_fired = False
        cache.clear()
        yield faked
        cache.clear()


@pytest.fixture
def platform(db: None, wire: responses.RequestsMock) -> Platform:
    made = Platform(Client(headers={"host": "localhost:8000"}))
    made.serve_keys()
    return made
