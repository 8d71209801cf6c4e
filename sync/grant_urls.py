"""The one address that LMSs send a teacher's window back to."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.http import require_GET

from sync.views import connecting

app_name = "grants"

urlpatterns = [path("callback/", require_GET(connecting.callback), name="callback")]
