"""What an accepted launch leaves behind: the course, the person, and what she may do there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lti_tool import roles
from lti_tool.access import not_allowed
from lti_tool.claims import ID_LIMIT, Claims, ContextClaim
from lti_tool.errors import LMS_ADMINISTRATOR, LaunchRefused, NotYours
from lti_tool.models import Context, Deployment, LtiUser, Membership, Registration

Row = TypeVar("Row", Context, LtiUser, Membership)

# custom parameters of a registration in which platforms name the person's id in their own API
OWN_IDS: Final = ("canvas_user_id", "lms_user_id")


def approved_deployment(registration: Registration, claims: Claims) -> Deployment:
    """The launch's deployment. Raises NotYours while nobody approved it; then nothing but its id is kept."""
    deployment, _created = Deployment.objects.get_or_create(
        registration=registration,
        deployment_id=claims.deployment_id,
        defaults={
            "active": registration.trust_new_deployments,
            "platform_guid": claims.platform_guid,
        },
    )
    # read already
    deployment.registration = registration
    if deployment.active:
        return deployment
    raise NotYours(
        "deployment-inactive",
        _(
            "This installation of the tool in your LMS is new here and waits for approval. Nothing else was stored."
        ),
        _(
            "An administrator of this tool approves the deployment; then open the tool again from your course."
        ),
        title=_("Waiting for approval"),
    )


def record(deployment: Deployment, claims: Claims) -> Membership:
    """Store course, person and roles of this launch. Raises LaunchRefused without a course, NotYours without rights.

    Of people without rights here nothing new is stored; rights they had before end now.
    """
    course = claims.context
    if course is None:
        raise LaunchRefused(
            "no-context",
            _("The LMS did not say which course this is, so there are no grades to show."),
            _("Open the tool from inside a course."),
            LMS_ADMINISTRATOR,
        )
    given = roles.rights(claims.roles)
    if not given.can_look:
        _end_rights(deployment, course, claims)
        raise not_allowed()
    return _store(deployment, course, claims, given)


def _end_rights(deployment: Deployment, course: ContextClaim, claims: Claims) -> None:
    Membership.objects.filter(
        context__deployment=deployment,
        context__context_id=course.context_id,
        user__registration=deployment.registration,
        user__sub=claims.person.sub,
    ).update(roles=list(claims.roles), can_send=False, can_look=False, updated_at=timezone.now())


@transaction.atomic
def _store(deployment: Deployment, course: ContextClaim, claims: Claims, given: roles.Rights) -> Membership:
    """One question and one write for who was here before: launches come in crowds when a lesson begins."""
    rights = {"roles": list(claims.roles), "can_send": given.can_send, "can_look": given.can_look}
    person = {name: getattr(claims.person, name) for name in ("name", "email", "sis_id", "locale")}
    own_id = next((claims.custom[name] for name in OWN_IDS if claims.custom.get(name)), "")
    if own_id:  # a link without the parameter says nothing of her: what is known stays
        person["lms_user_id"] = own_id[:ID_LIMIT]
    rows = Membership.objects.select_related("context", "user").filter(
        context__deployment=deployment,
        context__context_id=course.context_id,
        user__registration=deployment.registration_id,
        user__sub=claims.person.sub,
    )
    known = rows.first()
    if known is None:
        _store_new(deployment, course, claims, person, rights)
        known = rows.get()
    else:
        _update(known.context, _course_values(course, claims))
        _update(known.user, person)
        _update(known, rights)
    _seen(known)
    # read already
    known.context.deployment = deployment
    return known


def _update(row: Context | LtiUser | Membership, values: Mapping[str, object]) -> None:
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        stamp = ["updated_at"] if isinstance(row, Membership) else []
        row.save(update_fields=[*changed, *stamp])


def _seen(membership: Membership) -> None:
    """That she came again is written once a day: what runs by itself in her name looks at it."""
    if membership.updated_at < timezone.now() - timedelta(days=1):
        membership.save(update_fields=["updated_at"])


def _store_new(
    deployment: Deployment,
    course: ContextClaim,
    claims: Claims,
    person: Mapping[str, object],
    rights: Mapping[str, object],
) -> None:
    context = _put(
        Context(deployment=deployment, context_id=course.context_id),
        ["deployment", "context_id"],
        _course_values(course, claims),
    )
    user = _put(
        LtiUser(registration_id=deployment.registration_id, sub=claims.person.sub),
        ["registration", "sub"],
        person,
    )
    seen = {**rights, "updated_at": timezone.now()}
    _put(Membership(context_id=context, user_id=user), ["context", "user"], seen)


def _put(row: Row, unique: list[str], values: Mapping[str, object]) -> int:
    """The row's key. One statement, whether it is new or another launch was first; then what is kept is another row than this."""
    for name, value in values.items():
        setattr(row, name, value)
    (put,) = type(row)._default_manager.bulk_create(
        [row], update_conflicts=True, unique_fields=unique, update_fields=list(values)
    )
    return int(put.pk)


def _course_values(course: ContextClaim, claims: Claims) -> dict[str, object]:
    """Each launch says it anew: a service that the LMS no longer offers is not called any more."""
    return {
        "label": course.label,
        "title": course.title,
        "lineitems_url": claims.lineitems_url,
        "memberships_url": claims.memberships_url,
        "ags_scopes": list(claims.ags_scopes),
        "custom": dict(claims.custom),
        "lis": dict(claims.lis),
        "launched_at": timezone.now(),
    }
