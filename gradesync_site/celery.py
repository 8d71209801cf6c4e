"""The Celery app. Tasks are doorbells: they carry a run id, the database holds the truth."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradesync_site.settings")

app = Celery("gradesync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
