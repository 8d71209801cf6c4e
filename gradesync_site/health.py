"""Is it alive, is it ready, how is it doing: for load balancers and monitoring. No course's data is in any answer."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from kombu import Connection

from sync.models import Run


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a database outage does not restart every web process."""
    return JsonResponse({"ok": True})


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, cache and broker, one by one; 503 when the database or the cache is away.

    A broker that is away costs time, not grades (runs are found again by state), so it is told and not fatal.
    """
    parts = {"database": _database(), "cache": _cache(), "broker": _broker()}
    ready = parts["database"] and parts["cache"]
    return JsonResponse({"ok": ready, **parts}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Runs by state and runs that wait for a worker, in Prometheus' text format."""
    lines = ["# TYPE gradesync_runs gauge"]
    for row in Run.objects.values("state").annotate(count=Count("pk")).order_by("state"):
        lines.append(f'gradesync_runs{{state="{row["state"]}"}} {row["count"]}')
    lines += [
        "# TYPE gradesync_runs_due gauge",
        f"gradesync_runs_due {Run.objects.due(timezone.now()).count()}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "refused.html", status=403)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _cache() -> bool:
    try:
        cache.set("readyz", "1", 10)
        return bool(cache.get("readyz") == "1")
    except Exception:  # whatever the backend raises, it is not ready
        return False


def _broker() -> bool:
    try:
        with Connection(
            settings.CELERY_BROKER_URL,
            transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
            connect_timeout=2,
        ) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # each transport raises its own kind
        return False
    return True
