"""The kept read of a course: a reader whose LMS tells its changes starts from it instead of reading all again.

Every read may start from it, also a push's own and the one that proves it: a reader that leaves a mark is held by the
contract to say exactly what a whole read says, and its mark reaches back a little, so that nothing falls between two
reads. Against what an LMS forgets to tell stands the whole read once a day (`WHOLE_READ_S`).

Two workers that read one course at a time both read rightly; whoever ends last leaves its read, and the next one
starts from that one's mark, be it the earlier or the later.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from lti_tool.models import Context
from sync.lms import keeping
from sync.lms import records as lms
from sync.lms.access import identity_of
from sync.lms.base import Lms
from sync.models import KeptGradebook, LmsConnection

MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Former:
    """A read to start from; `whole_at`: when all of it was last read."""

    gradebook: lms.Gradebook
    whole_at: datetime


def read_gradebook(context: Context, reader: Lms, course: lms.Course) -> lms.Gradebook:
    """What the LMS says now, read on from the kept read where that is sound. What fails leaves all as it was."""
    began, print_ = timezone.now(), fingerprint(reader, course)
    former = _former(context, print_, began)
    if former is None:
        whole_at, gradebook = began, reader.read_gradebook(course)
    else:
        whole_at, gradebook = former.whole_at, reader.read_since(course, former.gradebook)
    _keep(context, print_, gradebook, began, whole_at)
    return gradebook


def fingerprint(reader: Lms, course: lms.Course) -> str:
    """One text for this reader, its settings, its account and this course; empty where nobody can tell whose it is.

    What a former read saw by another address, option or account is not what this one would see.
    """
    identity = identity_of(reader.account)
    if not identity:
        return ""
    parts = [
        reader.name, reader.settings.name, reader.settings.base_url, reader.settings.client_id, identity,
        sorted(reader.settings.options.items()), course.context_id, course.lineitems_url, course.memberships_url,
        sorted(course.scopes), sorted(course.custom.items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _former(context: Context, print_: str, now: datetime) -> Former | None:
    row = KeptGradebook.objects.filter(context=context, fingerprint=print_).first() if print_ else None
    if row is None or row.connection_id != _connection_id(context) or not _is_young(row.whole_at, now):
        return None
    try:
        found = keeping.load(bytes(row.content))
    except keeping.Unreadable:
        return None
    return Former(found, row.whole_at) if found.mark and found.complete else None


def _is_young(whole_at: datetime, now: datetime) -> bool:
    """A time to come is a clock that was set back: not young either."""
    return whole_at <= now and now - whole_at < timedelta(seconds=settings.WHOLE_READ_S)


def _connection_id(context: Context) -> int | None:
    active = LmsConnection.objects.filter(registration=context.registration, active=True)
    return active.values_list("pk", flat=True).first()


def _keep(
    context: Context,
    print_: str,
    gradebook: lms.Gradebook,
    began: datetime,
    whole_at: datetime,
) -> None:
    """Only what a next read may start from; a course of which nothing can be kept keeps nothing old either."""
    wanted = print_ and gradebook.mark and gradebook.complete and settings.WHOLE_READ_S > 0
    content = keeping.dump(gradebook) if wanted else b""
    if not content or len(content) > MOST_BYTES:
        KeptGradebook.objects.filter(context=context).delete()
        return
    KeptGradebook.objects.update_or_create(
        context=context,
        defaults={
            "connection_id": _connection_id(context),
            "fingerprint": print_,
            "whole_at": whole_at,
            "read_at": began,
            "content": content,
        },
    )


def forget_old(now: datetime) -> None:
    """What no read will start from: too old, or of an LMS that was switched off or archived."""
    too_old = now - timedelta(seconds=settings.WHOLE_READ_S)
    KeptGradebook.objects.filter(whole_at__lt=too_old).delete()
    off = Q(context__deployment__active=False) | Q(context__deployment__registration__active=False)
    KeptGradebook.objects.filter(off).delete()
