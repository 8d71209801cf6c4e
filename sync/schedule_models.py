"""What happens by itself: a course's schedule, and the mails that tell of it. Part of `sync.models`."""

from __future__ import annotations

from datetime import datetime, time

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from lti_tool.models import Context, LtiUser


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def running(self) -> ScheduleQuerySet:
        return self.filter(paused=False, stopped="").exclude(kind="off")

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Those whose time has come and that nobody is about to start."""
        return self.running().filter(Q(claimed_until=None) | Q(claimed_until__lt=now), next_at__lte=now)


class Schedule(models.Model):
    """When a course's grades are sent without a person, and what may be sent then (design §4).

    It belongs to the teacher who set it, and stands still (`stopped`, a key of STOPS) when she is no longer seen as
    staff or the LMS cannot be read for her any more. Edits are never settled and grades never withdrawn by it.
    """

    KINDS = [(name, name) for name in ("off", "nightly", "hourly")]
    STOPS = [(name, name) for name in ("", "not_staff", "not_seen", "no_access", "no_grant", "failures")]
    SHARES = (5, 10, 20, 30)

    context = models.OneToOneField(Context, on_delete=models.CASCADE, related_name="schedule")
    kind = models.CharField(max_length=10, choices=KINDS, default="off")
    at = models.TimeField(default=time(2, 0))
    # full hours of the window, both included; it may run over midnight
    from_hour = models.PositiveSmallIntegerField(default=7)
    to_hour = models.PositiveSmallIntegerField(default=18)
    time_zone = models.CharField(max_length=64, default="UTC")
    sends_new = models.BooleanField(default=True)
    sends_changes = models.BooleanField(default=True)
    # per cent of the grades that stand in the SIS: where more would change, the run waits for a person
    most_changed = models.PositiveSmallIntegerField(default=30)
    paused = models.BooleanField(default=False)
    paused_by = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(LtiUser, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    owner_name = models.CharField(max_length=300, blank=True)
    set_at = models.DateTimeField(default=timezone.now)
    stopped = models.CharField(max_length=10, choices=STOPS, blank=True, default="")
    stopped_at = models.DateTimeField(null=True, blank=True)
    # were the mails about it written?
    stop_told = models.BooleanField(default=False)
    # runs in a row that ended in an error
    failures = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    # why the last time did not come to a run, in words
    message = models.CharField(max_length=500, blank=True)
    # a worker was asked to start it: until then nobody else is
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="schedule_by_time")]

    def __str__(self) -> str:
        return f"schedule of {self.context_id} ({self.kind})"

    @property
    def is_running(self) -> bool:
        return self.kind != "off" and not self.paused and not self.stopped


class Mail(models.Model):
    """One mail to one person, written when it is sent: about a run that ended, or a schedule that stopped.

    It is claimed before it is sent and tried again for a while, so that a mail server that is away, or a worker that
    dies, costs time. It holds no grade and no student.
    """

    STATES = [(name, name) for name in ("waiting", "sent", "given_up")]

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey("sync.Run", null=True, blank=True, on_delete=models.CASCADE, related_name="mails")
    # why a schedule stopped, where it is about that
    stopped = models.CharField(max_length=10, blank=True)
    about_name = models.CharField(max_length=300, blank=True)
    user = models.ForeignKey(LtiUser, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    state = models.CharField(max_length=10, choices=STATES, default="waiting")
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "user"], condition=Q(run__isnull=False), name="one_mail_per_run_and_teacher"
            )
        ]
        indexes = [models.Index(fields=["state", "next_at"], name="mail_by_state")]

    def __str__(self) -> str:
        return f"mail {self.pk} ({self.state})"
