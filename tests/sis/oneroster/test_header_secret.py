"""A vendor's key in a header is a secret like any other: it may be kept outside of the database."""

from __future__ import annotations

import pytest

from sync import engine
from sync.models import SisConnection


def test_a_header_is_looked_up_where_it_is_kept_and_no_other_option_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDOR_KEY", "key:s3cret")
    connection = SisConnection(
        name="district",
        adapter="oneroster",
        base_url="https://sis.example",
        token_url="https://sis.example/token",
        options={"header.x-vendor-authorization": "env:VENDOR_KEY", "category": "env:VENDOR_KEY"},
    )
    made = engine.make_sis(connection)
    assert made.settings.options["header.x-vendor-authorization"] == "key:s3cret"
    assert made.profile.extra["category"] == "env:VENDOR_KEY"
    assert "s3cret" not in repr(made.settings)
