"""Mails to a course's teachers: how a run ended, and that a schedule stopped. No grade and no student is in them.

Runs are found by their state, so that one that ended while the mail server, the broker or a worker was away is told of
all the same; a mail is a row, claimed before it is sent. Told of are

- unattended runs that sent anything, or that could not, or that met a grade they may not send and that no run met
  before; one that found nothing to do is told of by the history only, and one that ends as the last one did, with
  nothing sent, once a day;
- attended runs that ended, or were held back by a warning, five minutes or more after their teacher's last click: she
  left. One that waited and was then sent by a person is told of anew.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from lti_tool.models import Context, LtiSession, LtiUser, Membership
from lti_tool.staff import institutions_of
from sync import mail_texts
from sync.engine import schedules
from sync.models import Mail, Run, Schedule

log = logging.getLogger(__name__)

STILL_NEWS: Final = timedelta(days=1)  # what ended earlier is not told of any more
SETTLED: Final = timedelta(seconds=60)  # a run that ended a moment ago may be looked at just now
LEFT: Final = timedelta(minutes=5)
CLAIM: Final = timedelta(minutes=10)  # longer than any mail server is waited for
TRIED_FOR: Final = timedelta(days=3)  # a weekend without a mail server loses none
AT_ONCE: Final = 200
BEAT_S: Final = 60  # then the next beat goes on; far less than CLAIM, which counts from the beat's own time
# what a mail server has against one mail; any other error is its own, and meets all of them
OF_ONE_MAIL: Final = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError)
ENDED: Final = ("done", "failed", "cancelled")


# --- who is told of what --------------------------------------------------------------------------------------


def write_due(now: datetime) -> None:
    """Decide once for each run that ended, and each schedule that stopped, and write its mails."""
    for run in _ended(now):
        try:
            _tell(run, now)
        except Exception:  # a bug, or a row that breaks it: it holds up no other run's mails
            log.exception("the mails of run %s were not written", run.pk)
    for schedule in Schedule.objects.exclude(stopped="").filter(stop_told=False).select_related("context"):
        with transaction.atomic():
            if (
                Schedule.objects.filter(pk=schedule.pk, stop_told=False)
                .exclude(stopped="")
                .update(stop_told=True)
            ):
                _write_stopped(schedule)


def _tell(run: Run, now: datetime) -> None:
    with transaction.atomic():
        if Run.objects.filter(pk=run.pk, mailed=False).update(mailed=True):
            schedules.note_end(run)
            if is_news(run, now):
                _write(_teachers(run.context), context=run.context, run=run)


def _ended(now: datetime) -> list[Run]:
    over = Q(state__in=ENDED, finished_at__gt=now - STILL_NEWS, finished_at__lt=now - SETTLED)
    # a list that waits though no person is before it says why
    waits = Q(state="review", read_at__gt=now - STILL_NEWS) & ~Q(message="")
    waits &= Q(unattended=True) | Q(approved_at__isnull=False)
    runs = Run.objects.filter(over | waits, mailed=False).defer("report")
    return list(runs.select_related("context", "schedule", "asked_by").order_by("pk"))


def is_news(run: Run, now: datetime) -> bool:
    if run.state == "cancelled":  # a person did that
        return False
    if not run.unattended:
        return run.approved_at is not None and _left_before(run)
    if mail_texts.figures_of(run).any:
        return True
    if run.state in ("failed", "review"):
        return not _was_told(run, now)
    return bool(_problems(run) - _problems(_read_before(run)))


def _left_before(run: Run) -> bool:
    """Did she who sent it go away before its end, by her last click in this course?"""
    ended = run.read_at if run.state == "review" else run.finished_at
    if run.asked_by is None or run.approved_at is None or ended is None:
        return False  # the command line waits for its runs itself
    hers = LtiSession.objects.filter(membership__context=run.context, membership__user=run.asked_by)
    seen: datetime | None = hers.aggregate(seen=Max("seen_at"))["seen"]
    return ended - max(seen or run.approved_at, run.approved_at) >= LEFT


def _was_told(run: Run, now: datetime) -> bool:
    """Was the same told within a day? An hourly schedule would tell it ten times."""
    told = Mail.objects.filter(context=run.context, run__unattended=True, created_at__gt=now - STILL_NEWS)
    last = told.exclude(run=run).order_by("-pk").select_related("run").first()
    # the list that waited then was replaced by this one: what it said tells
    return last is not None and last.run is not None and last.run.message == run.message


def _read_before(run: Run) -> Run | None:
    earlier = Run.objects.filter(context=run.context, pk__lt=run.pk, read_at__isnull=False)
    return earlier.exclude(purpose="undo").order_by("-pk").first()


def _problems(run: Run | None) -> set[tuple[str, ...]]:
    told = run.report.get("problems", []) if run is not None else []
    return {
        tuple(str(one.get(name, "")) for name in ("code", "key", "user_id", "line_item_id")) for one in told
    }


def _teachers(context: Context, *, but: int | None = None) -> list[LtiUser]:
    rows = Membership.objects.filter(context=context, can_send=True).exclude(user_id=but)
    return [one.user for one in rows.select_related("user").order_by("pk") if is_address(one.user.email)]


def _write(people: Iterable[LtiUser], **about: Any) -> None:
    Mail.objects.bulk_create([Mail(user=one, **about) for one in people], ignore_conflicts=True)


def _write_stopped(schedule: Schedule) -> None:
    """To the teachers (to her too, unless she is none any more), and to the institution's administrators."""
    gone = schedule.owner_id if schedule.stopped == "not_staff" else None
    about = {"context": schedule.context, "stopped": schedule.stopped, "about_name": schedule.owner_name}
    _write(_teachers(schedule.context, but=gone), **about)
    Mail.objects.bulk_create([Mail(staff=one, **about) for one in _administrators(schedule.context)])


def _administrators(context: Context) -> list[User]:
    """Staff of this very institution; where it names none, those who see all of them."""
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(email="").order_by("pk")
    hers = [one for one in staff.filter(is_superuser=False) if context.institution in institutions_of(one)]
    return [one for one in (hers or staff.filter(is_superuser=True)) if is_address(one.email)]


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


# --- sending --------------------------------------------------------------------------------------------------


class _ServerAway(Exception):
    """The mails behind this one would wait for the server as long."""


def send_due(now: datetime) -> None:
    """Send what waits, one after the other, until a beat's time is over."""
    due = _waiting(now).order_by("next_at", "pk").values_list("pk", flat=True)
    until = monotonic() + BEAT_S
    for mail_id in list(due[:AT_ONCE]):
        if monotonic() > until:
            return
        try:
            send(mail_id, now)
        except _ServerAway:
            return


def _waiting(now: datetime) -> QuerySet[Mail]:
    return Mail.objects.filter(state="waiting", next_at__lte=now)


def send(mail_id: int, now: datetime) -> bool:
    """One try at one mail, claimed first: another worker, or the same after its death, finds it taken."""
    if not _waiting(now).filter(pk=mail_id).update(next_at=now + CLAIM, tries=F("tries") + 1):
        return False
    mails = Mail.objects.select_related("context", "run__schedule", "user", "staff")
    mail = mails.filter(pk=mail_id).first()
    if mail is None:  # what it told of goes on
        return False
    if not address_of(mail):
        Mail.objects.filter(pk=mail_id).update(state="given_up")
        return False
    try:
        message_of(mail).send()
    except Exception as error:  # also a mail that cannot be made: it holds up no other one
        _again_later(mail, now, error)
        if isinstance(error, OSError) and not isinstance(error, OF_ONE_MAIL):
            raise _ServerAway from None
        return False
    Mail.objects.filter(pk=mail_id).update(state="sent", sent_at=now)
    return True


def _again_later(mail: Mail, now: datetime, error: Exception) -> None:
    """Ever later, for three days; the error's text may hold an address, so only its kind is logged."""
    log.warning("mail %s was not sent: %s", mail.pk, type(error).__name__)
    state = "given_up" if mail.created_at < now - TRIED_FOR else "waiting"
    later = min(timedelta(minutes=5) * 2 ** min(mail.tries - 1, 10), timedelta(hours=6))
    Mail.objects.filter(pk=mail.pk).update(state=state, next_at=now + later)


def address_of(mail: Mail) -> str:
    """Where it goes, as it stands now; empty where she is not the one any more whom it concerns."""
    address = mail.staff.email if mail.staff is not None and mail.staff.is_active else ""
    if mail.user is not None:
        teaches = Membership.objects.filter(context=mail.context, user=mail.user, can_send=True)
        address = mail.user.email if teaches.exists() else ""
    return address if is_address(address) else ""


def message_of(mail: Mail) -> EmailMessage:
    """The mail as it leaves. Its id is made of the row's, so that a second one of the same is known for what it is."""
    subject, body = mail_texts.text_of(mail)
    host = mail_texts.host()
    # RFC 3834: no answering machine answers it
    headers = {
        "Message-ID": f"<gradesync-{mail.pk}-{mail.created_at:%Y%m%d%H%M%S}@{host}>",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(subject, body, to=[address_of(mail)], headers=headers)
