"""For the admin's front page and lists: what waits for this member of staff's approval."""

from __future__ import annotations

from typing import Any

from django import template

from lti_tool import approvals
from lti_tool.staff import institutions_of

register = template.Library()


@register.simple_tag(takes_context=True)
def waiting_for_approval(context: dict[str, Any]) -> dict[str, list[Any]]:
    """Registrations and deployments of her institutions; none where she may not change them."""
    user = context["request"].user
    mine = institutions_of(user)
    found: dict[str, list[Any]] = {"registrations": [], "deployments": []}
    if user.has_perm("lti_tool.change_registration"):
        found["registrations"] = list(approvals.waiting_registrations(mine))
    if user.has_perm("lti_tool.change_deployment"):
        found["deployments"] = list(approvals.waiting_deployments(mine))
    return found
