"""May a schedule still act in its teacher's name? Asked before each of its runs (design §4)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from lti_tool import roles
from lti_tool.models import Context, LtiUser, Membership
from lti_tool.services import ServiceAway, ServiceBroken, ServiceRefused, Services
from sync.engine.adapters import make_lms
from sync.engine.grants import standing_of
from sync.errors import Misconfigured, TryLater, Unreachable
from sync.models import Schedule


def why_not(schedule: Schedule) -> str:
    """A key of `Schedule.STOPS`; empty when it may go on. Raises TryLater when that cannot be told now."""
    owner, context = schedule.owner, schedule.context
    if owner is None or not _may_send(owner, context):
        return "not_staff"
    if not _can_be_read(owner, context):
        # with her own grant, where teachers grant it; the check may have found out that it is gone
        standing = standing_of(context, owner)
        return "no_grant" if standing is not None and standing.must_connect else "no_access"
    listed = _listed_as_staff(owner, context)
    if listed is None:
        return "" if _came_lately(owner, context) else "not_seen"
    return "" if listed else "not_staff"


def _may_send(owner: LtiUser, context: Context) -> bool:
    """As her last launch said."""
    return Membership.objects.filter(context=context, user=owner, can_send=True).exists()


def _came_lately(owner: LtiUser, context: Context) -> bool:
    since = timezone.now() - timedelta(days=settings.SCHEDULE_LAUNCH_DAYS)
    return Membership.objects.filter(context=context, user=owner, updated_at__gt=since).exists()


def _listed_as_staff(owner: LtiUser, context: Context) -> bool | None:
    """Does the LMS's own list of members (NRPS) show her as a teacher of the course? None: it gives no such list."""
    if not context.memberships_url:
        return None
    try:
        members = Services(context.registration).members(context.memberships_url)
    except ServiceRefused:
        return None
    except (ServiceAway, ServiceBroken) as error:
        raise TryLater(str(error)) from error
    hers = [one for one in members if str(one.get("user_id") or "") == owner.sub]
    return any(_is_active_teacher(one) for one in hers) if members else None


def _is_active_teacher(member: dict[str, object]) -> bool:
    stated = member.get("roles")
    names = [one for one in stated if isinstance(one, str)] if isinstance(stated, list) else []
    return str(member.get("status") or "Active") == "Active" and roles.rights(names).can_send


def _can_be_read(owner: LtiUser, context: Context) -> bool:
    """Does the LMS still let us read for her? One cheap call; what is only missing is the run's own matter."""
    try:
        findings = make_lms(context, owner).check()
    except Misconfigured:
        return False
    except Unreachable as error:
        raise TryLater(str(error)) from error
    return not findings or any(one.ok for one in findings)
