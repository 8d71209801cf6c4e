"""An administrator acts for a teacher, in one course, under her own name: both names stand on all that she does.

She gets what the teacher may do there and no more, in a window of her own that no LMS frames, for an hour at most, and
only while she is staff of the institution with the right to do so.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _

from lti_tool.models import LtiSession, Membership
from lti_tool.staff import institutions_of, name_of

RIGHT: Final = "lti_tool.act_for_teacher"
ACTING_MAX_S: Final = 3600


def may_act(user: User | AnonymousUser | Any, membership: Membership) -> bool:
    """May this member of staff act for this teacher in her course?"""
    if not user.is_active or not membership.can_send or not user.has_perm(RIGHT):
        return False
    return institutions_of(user).filter(pk=membership.context.institution.pk).exists()


def may_go_on(session: LtiSession) -> bool:
    """A teacher's own session always may; an administrator's ends with her right, or with the teacher's."""
    admin = session.acting_admin
    return admin is None or may_act(admin, session.membership)


def both_names(session: LtiSession) -> str:
    """The teacher, or "Ann Admin for Ada Okafor"."""
    teacher = str(session.membership.user)
    if session.acting_admin is None:
        return teacher
    return _("%(admin)s for %(teacher)s") % {"admin": name_of(session.acting_admin), "teacher": teacher}
