"""What a read of the LMS leaves for the next one, so that it may spare what did not change. Part of `sync.models`."""

from __future__ import annotations

from django.db import models

from lti_tool.models import Context


class KeptGradebook(models.Model):
    """The last complete read of one course by a reader that can read on (`lms.base.Lms.read_since`).

    It is a saving, never a source: nothing but the next read looks at it, and it is thrown away after a day.
    """

    context = models.OneToOneField(Context, on_delete=models.CASCADE, related_name="kept")
    # none: the launch's own services
    connection = models.ForeignKey(
        "LmsConnection", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # by which reader, settings and account: engine.kept.fingerprint
    fingerprint = models.CharField(max_length=64)
    # when all of it was last read from the LMS, and when it was last read on
    whole_at = models.DateTimeField()
    read_at = models.DateTimeField()
    # lms.keeping: compressed
    content = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["whole_at"], name="kept_by_age")]

    def __str__(self) -> str:
        return f"kept read of {self.context_id}"
