"""Celery: what this app does by the clock."""

from __future__ import annotations

from celery import shared_task

from lti_tool import keys


@shared_task(name="lti_tool.tasks.rotate_keys")
def rotate_keys() -> None:
    """The step of the key rotation that is due, if one is. Repeated or missed, it costs time and no key."""
    keys.rotate_when_due()
