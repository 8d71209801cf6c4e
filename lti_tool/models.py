"""LTI 1.3 as rows: who may launch, from where, into which course, as whom (LTI Core 1.3 §3)."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from lti_tool.fields import EncryptedTextField


class Institution(models.Model):
    """Owns registrations and connections; a course sees only its own institution's."""

    name = models.CharField(max_length=200, unique=True)
    # administrators limited to this institution; superusers see all
    staff = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="institutions")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Registration(models.Model):
    """A platform that may launch us: one (issuer, client_id)."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="registrations")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=300)
    auth_login_url = models.URLField(max_length=1000)
    auth_token_url = models.URLField(max_length=1000)
    auth_audience = models.CharField(max_length=1000, blank=True)
    key_set_url = models.URLField(max_length=1000)
    # further hosts of this platform (host or host:port) that may see its bearer tokens, and origins that may frame us
    service_hosts = models.JSONField(default=list, blank=True)
    frame_origins = models.JSONField(default=list, blank=True)
    # origins that verified launches named as their return address: they framed us, and will again
    learned_origins = models.JSONField(default=list, blank=True)
    # the frame that keeps data for tools (`lti_storage_target`), as the last login named it
    storage_target = models.CharField(max_length=200, blank=True)
    # the platform's product_family_code: canvas, moodle, ... ; empty: not known
    product = models.CharField(max_length=100, blank=True)
    # what the platform granted when it registered, or what the last connection test was given; null: not known
    granted_scopes = models.JSONField(null=True, blank=True)
    # the last connection test: [{"name", "ok", "text", "advice"}], and its time
    test_report = models.JSONField(default=list, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    # deleted by an administrator: launches nothing, its courses and their history stay
    archived_at = models.DateTimeField(null=True, blank=True)
    # "teachers cannot change course ids here": the platform's own section ids can be believed
    section_ids_trusted = models.BooleanField(default=False)
    active = models.BooleanField(default=False)
    # deployments first seen by a launch start active too (register_platform --active)
    trust_new_deployments = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="one_registration_per_client")
        ]

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """LTI Core §3.1.3. Unknown ones are recorded inactive until an administrator approves."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="deployments")
    deployment_id = models.CharField(max_length=300)
    platform_guid = models.CharField(max_length=300, blank=True)
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "deployment_id"], name="one_deployment_per_registration"
            )
        ]

    def __str__(self) -> str:
        return self.deployment_id


class Context(models.Model):
    """A course, as the launch's context claim names it. `public_id` is what our URLs say."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="contexts")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    context_id = models.CharField(max_length=300)
    label = models.CharField(max_length=300, blank=True)
    title = models.CharField(max_length=500, blank=True)
    lineitems_url = models.URLField(max_length=2000, blank=True)
    memberships_url = models.URLField(max_length=2000, blank=True)
    ags_scopes = models.JSONField(default=list, blank=True)
    # the custom claim without unresolved variables ("$..."); the lis claim as it came
    custom = models.JSONField(default=dict, blank=True)
    lis = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    launched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "context_id"], name="one_context_per_deployment")
        ]

    def __str__(self) -> str:
        return self.title or self.label or self.context_id

    @property
    def registration(self) -> Registration:
        return self.deployment.registration

    @property
    def institution(self) -> Institution:
        return self.deployment.registration.institution


class LtiUser(models.Model):
    """A person as one registration names her (`sub`). `sis_id` is lis.person_sourcedid, the platform's own word."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="users")
    sub = models.CharField(max_length=300)
    name = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=320, blank=True)
    sis_id = models.CharField(max_length=300, blank=True)
    # the id that the platform's own API knows her by, as her launch named it (custom canvas_user_id); empty: not known
    lms_user_id = models.CharField(max_length=300, blank=True)
    locale = models.CharField(max_length=20, blank=True)
    # as her browser named it last (IANA); empty: not known, she reads times in UTC
    time_zone = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "LTI user"
        constraints = [
            models.UniqueConstraint(fields=["registration", "sub"], name="one_user_per_registration")
        ]

    def __str__(self) -> str:
        return self.name or self.sub


class Membership(models.Model):
    """What a person may do in a course. The whole role list is replaced at each launch, so a demotion counts."""

    context = models.ForeignKey(Context, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(LtiUser, on_delete=models.CASCADE, related_name="memberships")
    roles = models.JSONField(default=list)
    can_send = models.BooleanField(default=False)
    can_look = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["context", "user"], name="one_membership_per_user")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.context_id}"


class SigningKey(models.Model):
    """Our RSA keys: `next` is published before it signs, `active` signs, `retiring` is still published."""

    STATES = [("next", "next"), ("active", "active"), ("retiring", "retiring"), ("retired", "retired")]

    kid = models.CharField(max_length=100, unique=True)
    private_pem = EncryptedTextField()
    public_jwk = models.JSONField()
    state = models.CharField(max_length=10, choices=STATES, default="next")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        # so that two processes that rotate at one moment make one key
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state__in=["next", "active"]), name="one_key_signs"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kid} ({self.state})"


class Invite(models.Model):
    """A one-time permission to register a platform by LTI Dynamic Registration. Only the token's hash is kept."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    pre_approved = models.BooleanField(default=False)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    registration = models.ForeignKey(Registration, null=True, blank=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return f"invite {self.pk}"


class LoginState(models.Model):
    """One login under way: what the id_token must match, and the browser it must come back in. Used once."""

    state_hash = models.CharField(max_length=64, unique=True)
    nonce_hash = models.CharField(max_length=64)
    browser_hash = models.CharField(max_length=64)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE)
    target_link_uri = models.CharField(max_length=2000, blank=True)
    # what the platform sent (login_hint, lti_message_hint), so that the login can begin anew in a new tab
    hints = models.JSONField(default=dict, blank=True)
    # the browser was asked which of its stores it keeps, so its launch may prove itself by the LMS's storage
    by_script = models.BooleanField(default=False)
    storage_target = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"login {self.pk}"


class LtiSession(models.Model):
    """What an accepted launch opened: one person in one course, for a while. Only hashes of its tokens are kept.

    `token_hash`: the acting token, which a page holds in memory; it reads and writes. `reading_hash`: the cookie, which
    only reads. `resume_hash`: a handle kept by the browser that opens the session once more, once.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    reading_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    resume_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    notices = models.JSONField(default=list, blank=True)
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="sessions")
    # the administrator who acts for the member: both names stand on all that she does
    acting_admin = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    frame_origins = models.JSONField(default=list, blank=True)
    return_url = models.CharField(max_length=2000, blank=True)

    class Meta:
        verbose_name = "LTI session"
        permissions = [("act_for_teacher", "Can act for a teacher under her own name")]

    def __str__(self) -> str:
        return f"session {self.pk}"


class DownloadTicket(models.Model):
    """A link to one file that works once, for half a minute, without cookie or header. Only the token's hash is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    session = models.ForeignKey(LtiSession, on_delete=models.CASCADE)
    path = models.CharField(max_length=500)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class CachedToken(models.Model):
    """An access token shared by all workers. The key is a digest; the token is encrypted."""

    key = models.CharField(max_length=64, primary_key=True)
    token = EncryptedTextField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key

    @classmethod
    def fresh(cls, key: str) -> str | None:
        row = cls.objects.filter(key=key, expires_at__gt=timezone.now()).first()
        return row.token if row else None


Json = dict[str, Any]
