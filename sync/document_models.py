"""Files that a run made for a SIS that takes files: kept with the run, for a person to carry on."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class RunDocument(models.Model):
    """One file of one run (`sis.Document`). It holds grades: only teachers of the course get it."""

    run = models.ForeignKey("sync.Run", on_delete=models.CASCADE, related_name="documents")
    class_id = models.CharField(max_length=300, blank=True)
    line_item_id = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "sync"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
