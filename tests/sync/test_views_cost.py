"""What a page asks of the database does not grow with the course, and no page is large."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.bench.pages import pages

pytestmark = pytest.mark.django_db
SMALL, LARGE = (60, 10), (90, 14)  # both longer than a page: the number of pages is asked for as well
LIMIT_BYTES = 300_000


def cost(browser: Any, url: str, query: dict[str, str]) -> tuple[int, int]:
    """(questions, bytes) of a page."""
    asked: list[str] = []

    def counted(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(counted):
        answer = browser.client.get(url, query)
    assert answer.status_code == 200, url
    return len(asked), len(answer.content)


def costs(size: tuple[int, int]) -> dict[str, tuple[int, int]]:
    return {name: cost(browser, url, query) for name, browser, url, query in pages(*size)}


def test_no_page_asks_more_of_a_larger_course() -> None:
    small, large = costs(SMALL), costs(LARGE)
    grown = {name: (small[name][0], large[name][0]) for name in small if large[name][0] > small[name][0]}
    assert grown == {}
    assert {name: size for name, (_, size) in large.items() if size > LIMIT_BYTES} == {}
