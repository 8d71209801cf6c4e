"""Rows that name one grade at the SIS: the key they share, and what a person entered beside a grade."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from sync.sis import records as sis


class KeyedModel(models.Model):
    """Rows that name one grade at the SIS: its key (design §1)."""

    connection = models.ForeignKey("sync.SisConnection", on_delete=models.PROTECT, related_name="+")
    class_id = models.CharField(max_length=300)
    line_item_id = models.CharField(max_length=300)
    student_id = models.CharField(max_length=300)

    class Meta:
        abstract = True

    @property
    def key(self) -> sis.Key:
        return sis.Key(str(self.connection_id), self.class_id, self.line_item_id, self.student_id)

    @staticmethod
    def key_fields(key: sis.Key) -> dict[str, Any]:
        return {
            "connection_id": int(key.connection),
            "class_id": key.class_id,
            "line_item_id": key.line_item_id,
            "student_id": key.student_id,
        }


class GradeExtra(KeyedModel):
    """What a person entered for one grade because the SIS wants it and no LMS knows it (`sis.Extras`)."""

    context = models.ForeignKey(
        "lti_tool.Context", null=True, blank=True, on_delete=models.SET_NULL, related_name="grade_extras"
    )
    last_attended = models.DateField(null=True, blank=True)
    never_attended = models.BooleanField(default=False)
    # the grade that an incomplete becomes, and when
    lapses_to = models.CharField(max_length=40, blank=True)
    extended_to = models.DateField(null=True, blank=True)
    entered_by = models.CharField(max_length=300)
    entered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "sync"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "class_id", "line_item_id", "student_id"], name="one_extra_per_grade"
            ),
            models.CheckConstraint(
                condition=Q(never_attended=False) | Q(last_attended=None), name="attended_or_never"
            ),
        ]

    def __str__(self) -> str:
        return f"extra {self.pk}"

    @property
    def extras(self) -> sis.Extras:
        return sis.Extras(self.lapses_to, self.extended_to, self.last_attended, self.never_attended)
