"""What the engine must remember: connections, links, runs (the queue and the log), and what stands at the SIS."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from lti_tool.fields import EncryptedTextField, resolve_secret
from lti_tool.models import Context, Institution, LtiUser, Registration
from sync.document_models import RunDocument as RunDocument
from sync.grant_models import AccountPace as AccountPace
from sync.grant_models import AccountSlot as AccountSlot
from sync.grant_models import Grant as Grant
from sync.grant_models import GrantRequest as GrantRequest
from sync.grant_models import LmsConnection as LmsConnection
from sync.kept_models import KeptGradebook as KeptGradebook
from sync.keyed_models import GradeExtra as GradeExtra
from sync.keyed_models import KeyedModel as KeyedModel
from sync.schedule_models import Mail as Mail
from sync.schedule_models import Schedule as Schedule


class SisConnection(models.Model):
    """One account at a SIS. `pairs` states how students match: [[LMS field, SIS field], ...] (design §3)."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="sis_connections")
    name = models.CharField(max_length=100, unique=True)
    adapter = models.CharField(max_length=50)
    base_url = models.URLField(max_length=1000)
    token_url = models.URLField(max_length=1000, blank=True)
    client_id = models.CharField(max_length=300, blank=True)
    client_secret = EncryptedTextField(blank=True)
    options = models.JSONField(default=dict, blank=True)
    pairs = models.JSONField(default=list, blank=True)
    active = models.BooleanField(default=True)
    trouble = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "SIS connection"

    def __str__(self) -> str:
        return self.name

    def clear_secret(self) -> str:
        return resolve_secret(self.client_secret)


class Pause(models.Model):
    """While it stands nothing is sent through this connection; without one, nothing of the institution. Reads go on."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="pauses")
    connection = models.OneToOneField(SisConnection, null=True, blank=True, on_delete=models.CASCADE)
    reader = models.OneToOneField(LmsConnection, null=True, blank=True, on_delete=models.CASCADE)
    paused_by = models.CharField(max_length=300)
    paused_at = models.DateTimeField(default=timezone.now)
    # as teachers read it beside their waiting run
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution"],
                condition=Q(connection=None, reader=None),
                name="one_pause_per_institution",
            ),
            models.CheckConstraint(
                condition=Q(connection=None) | Q(reader=None), name="a_pause_names_one_connection"
            ),
        ]

    def __str__(self) -> str:
        return str(self.connection or self.reader or self.institution)


class ContextState(models.Model):
    """One course's own settings, its slot for a pushing run, and what was last read of it."""

    context = models.OneToOneField(Context, on_delete=models.CASCADE, related_name="state")
    # the only run that may send; taken and left by conditional updates
    slot = models.ForeignKey("Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # counts of the last complete pull, for the "fewer than 80 % came" stop
    last_students = models.PositiveIntegerField(default=0)
    last_results = models.PositiveIntegerField(default=0)
    # what pages show without reading again: see engine.snapshot
    snapshot = models.JSONField(default=dict, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # steps of the set-up guide that she passed by her own word (views.setup)
    steps_passed = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"state of {self.context_id}"


class ClassLink(models.Model):
    """This course is (partly) that class, with proof (design §3)."""

    PROOFS = [("teacher", "teacher of the class"), ("section", "section id"), ("admin", "administrator")]

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="class_links")
    connection = models.ForeignKey(SisConnection, on_delete=models.PROTECT, related_name="class_links")
    class_id = models.CharField(max_length=300)
    title = models.CharField(max_length=500, blank=True)
    school_id = models.CharField(max_length=300, blank=True)
    session_id = models.CharField(max_length=300, blank=True)
    proof = models.CharField(max_length=10, choices=PROOFS)
    # what the proof rests on: the teacher's SIS id, the section id, or the administrator's name
    proof_source = models.CharField(max_length=300)
    proved_at = models.DateTimeField(default=timezone.now)
    linked_by = models.CharField(max_length=300, blank=True)
    # set when a run found the proof gone; nothing is read or sent through it then
    lapsed = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "connection", "class_id"], name="one_link_per_class")
        ]

    def __str__(self) -> str:
        return self.title or self.class_id


class ClassRequest(models.Model):
    """A teacher asks an administrator for a class link that she cannot prove.

    `class_id` is what she wrote (an id, or the name she knows); `found_title` is what the SIS calls a class of that very
    id, for the administrator's eyes only.
    """

    STATES = [(name, name) for name in ("waiting", "linked", "declined", "taken_back")]

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="class_requests")
    connection = models.ForeignKey(SisConnection, on_delete=models.CASCADE, related_name="+")
    class_id = models.CharField(max_length=300)
    note = models.CharField(max_length=500, blank=True)
    found_title = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(LtiUser, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_name = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=STATES, default="waiting")
    answered_by = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    # why it was declined, as the teacher reads it
    reason = models.CharField(max_length=300, blank=True)
    class_link = models.ForeignKey(
        ClassLink, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["context", "connection", "class_id"],
                condition=Q(state="waiting"),
                name="one_waiting_request_per_class",
            )
        ]

    def __str__(self) -> str:
        return self.found_title or self.class_id


class LineItemLink(models.Model):
    """This LMS column is that SIS column, in one class. `excluded`: she left it out; `creating`: asked for, not settled."""

    STATES = [("linked", "linked"), ("creating", "creating"), ("excluded", "excluded")]

    class_link = models.ForeignKey(ClassLink, on_delete=models.CASCADE, related_name="line_item_links")
    connection = models.ForeignKey(SisConnection, on_delete=models.PROTECT, related_name="+")
    lms_line_item_id = models.CharField(max_length=1000)
    lms_title = models.CharField(max_length=500, blank=True)
    # the LMS maximum at the last send: a change of it stops the next one (design §4)
    lms_maximum = models.CharField(max_length=40, blank=True)
    line_item_id = models.CharField(max_length=300, null=True, blank=True)
    title = models.CharField(max_length=500, blank=True)
    minimum = models.CharField(max_length=40, blank=True)
    maximum = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20, default="assignment")
    # how values are converted: points | percent | letter | gpa | pass_fail
    scale = models.CharField(max_length=20, default="points")
    score_scale_id = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=STATES, default="linked")
    # what to create (a NewLineItem as JSON), while creating
    creating = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    scheme_version = models.CharField(max_length=64, blank=True)
    linked_by = models.CharField(max_length=300, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["class_link", "lms_line_item_id"], name="one_link_per_line_item"),
            models.UniqueConstraint(
                fields=["connection", "line_item_id"], name="one_course_per_sis_line_item"
            ),
        ]

    def __str__(self) -> str:
        return self.lms_title or self.lms_line_item_id


class StudentLink(models.Model):
    """A person's word on one student: "she is that one over there", or "leave her out" with a reason.

    A confirmed match holds in the confirmer's courses within the institution, keeps its evidence, and lapses when the
    evidence changes. An exclusion holds in its own course.
    """

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        SisConnection, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    context = models.ForeignKey(Context, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    lms_user_id = models.CharField(max_length=300)
    student_id = models.CharField(max_length=300, blank=True)
    excluded = models.CharField(max_length=300, blank=True)
    # the identifiers on both sides when it was confirmed: matching.evidence
    evidence = models.JSONField(default=dict, blank=True)
    # a word is not to outlive its speaker as an administrator's: she cannot be deleted alone
    confirmed_by = models.ForeignKey(
        LtiUser, null=True, blank=True, on_delete=models.RESTRICT, related_name="+"
    )
    confirmed_name = models.CharField(max_length=300, blank=True)
    # the course whose page she said it on; an exclusion names its course itself
    confirmed_in = models.ForeignKey(
        Context, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "connection", "lms_user_id", "confirmed_by"],
                condition=Q(excluded=""),
                name="one_word_per_student",
            ),
            models.UniqueConstraint(
                fields=["context", "lms_user_id"], condition=~Q(excluded=""), name="one_exclusion_per_course"
            ),
        ]

    def __str__(self) -> str:
        return self.lms_user_id


class GradeScheme(models.Model):
    """A scheme as fetched from the LMS, kept by version so that each grade sent can name the one it was made by."""

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="schemes")
    scheme_id = models.CharField(max_length=300)
    version = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    source = models.CharField(max_length=300)
    # [name, lower bound], and the upper one where it has its own; rules: cutoffs.rules_of
    entries = models.JSONField()
    rules = models.JSONField(default=dict, blank=True)
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["context", "scheme_id", "version"], name="one_row_per_scheme_version"
            )
        ]

    def __str__(self) -> str:
        return self.title


class Asked(models.Model):
    """A read of both sides that a worker does: asked for by a person, claimed by a lease, found again by its state."""

    asked_by = models.ForeignKey(LtiUser, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_name = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)
    # students, assignments, results, classes: what the page shows while it goes on
    read_so_far = models.JSONField(default=dict, blank=True)
    # something changed since the read began (a decision, a link): it begins anew
    read_again = models.BooleanField(default=False)
    # workers that took it up: one that kills each of them is not tried for ever
    read_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_reading(self) -> bool:
        return bool(self.state == "reading")  # type: ignore[attr-defined]  # both have one


class Look(Asked):
    """A read for the pages, without a run: of the course's gradebooks, or of the classes that one person could link."""

    GRADEBOOKS = "gradebooks"
    STATES = [(name, name) for name in ("reading", "done", "failed", "cancelled")]

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="looks")
    # GRADEBOOKS, or "classes:" and whose
    about = models.CharField(max_length=60, default=GRADEBOOKS)
    state = models.CharField(max_length=12, choices=STATES, default="reading")
    # the classes that she could link (gradebooks are found in ContextState.snapshot)
    found = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["context", "about"], name="one_look_per_matter")]

    def __str__(self) -> str:
        return f"look {self.pk} ({self.state})"


class RunQuerySet(models.QuerySet["Run"]):
    def due(self, now: datetime) -> RunQuerySet:
        """Runs that a worker should take up: approved, paused until now, or left by a worker whose lease ended."""
        idle = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        ready = Q(state="approved") | Q(state="pushing") | Q(state="reconciling")
        rested = Q(state="paused") & (Q(resume_at__isnull=True) | Q(resume_at__lte=now))
        return self.filter(idle & (ready | rested))


class Run(Asked):
    """One attempt for one course (design §1, idea 4).

    reading → review (or done, where it only compares): a worker reads both sides first.
    review → approved → pushing ⇄ paused → reconciling → done; `failed` keeps its rows as they were; `replaced` is a
    preview that a newer one took the place of; `cancelled` was stopped by a person.
    """

    STATES = [
        (name, name)
        for name in (
            "reading", "review", "approved", "pushing", "paused", "reconciling", "done", "failed", "cancelled",
            "replaced",
        )
    ]  # fmt: skip
    PURPOSES = [("review", "review"), ("compare", "compare"), ("undo", "undo")]
    OPEN = ("approved", "pushing", "paused", "reconciling")
    # how the message of a run begins that waits for an administrator
    HELD = "Paused by your administrator."

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=12, choices=STATES, default="review")
    # what its read is for: a list to review, or only a comparison
    purpose = models.CharField(max_length=10, choices=PURPOSES, default="review")
    unattended = models.BooleanField(default=False)
    # it puts back what stood in the SIS before that run
    undoes = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="undone_by"
    )
    schedule = models.ForeignKey(Schedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # was it decided whether the course's teachers get a mail about it?
    mailed = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    resume_at = models.DateTimeField(null=True, blank=True)
    cancel_asked = models.BooleanField(default=False)
    stopped_by = models.CharField(max_length=300, blank=True)
    # the digest of the whole approval: what sync_course prints and --approve repeats
    digest = models.CharField(max_length=64, blank=True)
    stops_overridden = models.BooleanField(default=False)
    # report: counts, problems, held, stops, differences (engine.report writes it whole)
    report = models.JSONField(default=dict, blank=True)
    # of the report, so that lists of many courses need not open it; null: not known, or it cannot be read back
    in_sync = models.BooleanField(null=True, blank=True)
    discrepancies = models.PositiveIntegerField(default=0)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # two clicks, or two teachers: one reading
            models.UniqueConstraint(
                fields=["context", "purpose"], condition=Q(state="reading"), name="one_reading_per_course"
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], name="run_by_time"),
            models.Index(fields=["state"], name="run_by_state"),
        ]
        permissions = [("start_run", "Can start a run of a course")]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.state})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_held(self) -> bool:
        """It waits until an administrator lifts her pause, not for a time."""
        return self.state == "paused" and self.message.startswith(self.HELD)


class GradeChange(KeyedModel):
    """One grade to write, and all that became of it: the queue and the log."""

    STATES = [
        (name, name)
        for name in (
            "planned", "approved", "sending", "accepted", "unchanged", "delivered", "rejected", "unknown", "changed",
        )
    ]  # fmt: skip

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="changes")
    lms_user_id = models.CharField(max_length=300, blank=True)
    lms_line_item_id = models.CharField(max_length=1000, blank=True)
    student_name = models.CharField(max_length=300, blank=True)
    item_title = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    withdraws = models.BooleanField(default=False)
    # her tick on the review page; None: not touched yet (views.picks says what that means)
    picked = models.BooleanField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    scheme_version = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=STATES, default="planned")
    code = models.CharField(max_length=30, blank=True)
    words = models.CharField(max_length=500, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    planned_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "connection", "class_id", "line_item_id", "student_id"],
                name="one_change_per_key",
            )
        ]
        indexes = [
            models.Index(fields=["run", "state"], name="change_by_state"),
            models.Index(fields=["student_id"], name="change_by_student"),
        ]

    def __str__(self) -> str:
        return f"change {self.pk} ({self.state})"


class SentGrade(KeyedModel):
    """What we know of one grade at the SIS: `planning.Sent` as a row, one per SIS key."""

    context = models.ForeignKey(
        Context, null=True, blank=True, on_delete=models.SET_NULL, related_name="sent_grades"
    )
    result_id = models.CharField(max_length=300, blank=True)
    # planning.Sent.as_json(): confirmed value as sent and as stored, values sent since, tries
    ledger = models.JSONField(default=dict)
    scheme_version = models.CharField(max_length=64, blank=True)
    score_date = models.DateField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # a create whose id the SIS gives left then and was not answered: it waits settle_s (design §4)
    lost_at = models.DateTimeField(null=True, blank=True)
    # raised at every write: a read that began before a send must not settle it
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "class_id", "line_item_id", "student_id"],
                name="one_ledger_row_per_grade",
            )
        ]

    def __str__(self) -> str:
        return f"sent grade {self.pk}"


class Decision(KeyedModel):
    """A person's (or the SIS's) word on one pair (LMS value, SIS value): it lapses when either changes (design §1)."""

    KINDS = [
        (name, name) for name in ("sis_kept", "lms_preferred", "refused", "withdrawal_declined", "undone")
    ]

    context = models.ForeignKey(Context, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=20, choices=KINDS)
    lms_value = models.JSONField(null=True, blank=True)
    sis_value = models.JSONField(null=True, blank=True)
    code = models.CharField(max_length=30, blank=True)
    words = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(default=timezone.now)
    lapsed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "class_id", "line_item_id", "student_id"],
                condition=Q(lapsed_at__isnull=True),
                name="one_open_decision_per_grade",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.pk})"


class AuditEntry(models.Model):
    """What an administrator did or looked up, and for whom, and what a teacher entered by hand. It names no grade."""

    ACTIONS = [
        (name, name)
        for name in (
            "pause", "resume", "test", "run_now", "approve", "revoke", "take_back", "act_for", "acted", "looked", "search", "export",
            "entered", "reported",
        )
    ]  # fmt: skip

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    who = models.CharField(max_length=300)
    # the teacher for whom she acted
    on_behalf_of = models.CharField(max_length=300, blank=True)
    action = models.CharField(max_length=10, choices=ACTIONS)
    # a connection, a course, or what was searched for
    about = models.CharField(max_length=500, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    context = models.ForeignKey(Context, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["institution", "at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.action} ({self.pk})"


def lease_end(seconds: int) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
