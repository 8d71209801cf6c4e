"""For the admin's front page and lists: teachers' requests that wait for this member of staff."""

from __future__ import annotations

from typing import Any

from django import template

from sync import class_request_admin
from sync.models import ClassRequest

register = template.Library()
SHOWN = 50


@register.simple_tag(takes_context=True)
def waiting_class_requests(context: dict[str, Any]) -> list[ClassRequest]:
    """The oldest ones first, at most `SHOWN`; all are in the list of requests."""
    return list(class_request_admin.waiting_for(context["request"].user)[:SHOWN])
