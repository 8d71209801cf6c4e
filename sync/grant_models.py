"""How an LMS is read: the connection, each teacher's own grant, and the account's budget. Part of `sync.models`."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from lti_tool.fields import EncryptedTextField, resolve_secret
from lti_tool.models import Context, Institution, LtiSession, LtiUser, Registration

BY_TOKEN: Final = "token"  # noqa: S105 - the name of a choice
BY_TEACHER: Final = "teacher"


class LmsConnection(models.Model):
    """A reader of one registration's gradebooks. Without one, the `ags` reader works with the launch's services.

    `client_id` and `client_secret` are the key that the LMS gave this tool. `access` says whose account reads: one that
    an administrator entered (`token`, or that key itself), or each teacher's own, as she grants it (`Grant`).
    """

    ACCESS = [(BY_TOKEN, "an access token, or the key itself"), (BY_TEACHER, "each teacher's own grant")]

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="lms_connections")
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="lms_connections")
    name = models.CharField(max_length=100, unique=True)
    adapter = models.CharField(max_length=50)
    base_url = models.URLField(max_length=1000, blank=True)
    token = EncryptedTextField(blank=True)
    client_id = models.CharField(max_length=300, blank=True)
    client_secret = EncryptedTextField(blank=True)
    access = models.CharField(max_length=10, choices=ACCESS, default=BY_TOKEN)
    options = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=True)
    # what the last call said when it failed; empty: healthy
    trouble = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "LMS connection"
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=Q(active=True), name="one_active_reader_per_registration"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clear_token(self) -> str:
        return resolve_secret(self.token)

    def clear_secret(self) -> str:
        return resolve_secret(self.client_secret)

    @property
    def by_teacher(self) -> bool:
        return self.access == BY_TEACHER


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_use(self) -> GrantQuerySet:
        return self.filter(lost_at=None)


class Grant(models.Model):
    """A teacher's word that her own account at the LMS may be read with; the tokens are encrypted, and shown nowhere.

    `version` is raised whenever tokens are stored: who renewed the former ones writes nothing over newer ones. One
    worker renews at a time, by a lease: some LMSs take each refresh token once.
    """

    connection = models.ForeignKey(LmsConnection, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(LtiUser, on_delete=models.CASCADE, related_name="grants")
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    scope = models.TextField(blank=True)
    # the hosts that these tokens may be sent to: those of the connection when they were granted
    hosts = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=0)
    granted_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(null=True, blank=True)
    # the LMS ended it: she must connect again
    lost_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "user"], name="one_grant_per_teacher_and_connection"
            )
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"


class GrantRequest(models.Model):
    """One attempt to connect, ten minutes at most: began in this LTI session, and ends there or nowhere.

    `state` is used up when the LMS sends the window back; the tokens then wait here until that very session brings the
    code that only the window was shown.
    """

    state_hash = models.CharField(max_length=64, unique=True)
    # the window that began it, by a cookie of its own
    browser_hash = models.CharField(max_length=64)
    session = models.ForeignKey(LtiSession, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(LtiUser, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(LmsConnection, on_delete=models.CASCADE, related_name="+")
    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="+")
    verifier = EncryptedTextField(blank=True)
    # as `Grant.hosts`
    hosts = models.JSONField(default=list)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    code_hash = models.CharField(max_length=64, blank=True)
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    token_until = models.DateTimeField(null=True, blank=True)
    scope = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="grant_request_by_time")]

    def __str__(self) -> str:
        return f"grant request {self.pk}"


class AccountPace(models.Model):
    """One account at an LMS, as all workers share it: until when the LMS wants quiet of it."""

    key = models.CharField(max_length=64, primary_key=True)
    rest_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key


class AccountSlot(models.Model):
    """One request at a time of such an account, held by one read; a dead worker's comes free when its lease ends."""

    account = models.CharField(max_length=64)
    number = models.PositiveSmallIntegerField()
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="one_slot_per_number_and_account")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.number}"
