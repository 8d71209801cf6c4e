"""A course with four grades to send, as the engine's tests begin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from sync.models import Run
from sync.sis.records import Value
from tests.sync.worlds import Course, make_course


@pytest.fixture
def course(db: None, settings: Any) -> Course:
    settings.HTTP_DEADLINE_S, settings.RETRY_S = 0, 30
    course = make_course()
    course.lms.grade("u1", "a1", Decimal("86.5"))
    course.lms.grade("u2", "a1", 0)
    course.lms.excuse("u3", "a1")
    course.lms.grade("u1", "a2", Decimal("9.257"))
    return course


def counts(run: Run) -> dict[str, int]:
    """The counts of its report that are not zero."""
    return {name: number for name, number in run.report["counts"].items() if number}


def number(text: str) -> Value:
    return Value(Decimal(text))


def over(run: Run) -> Run:
    """The lease of a worker that died has ended, and a pause is over."""
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1), resume_at=None)
    return run
