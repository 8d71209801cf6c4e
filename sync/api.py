"""What a program reads or starts: courses, runs, reports, a preview. Staff only, and only of their own institutions.

Sending stays with people: a program may look and preview, it cannot approve.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException, NotFound
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from lti_tool.models import Context
from lti_tool.staff import institutions_of
from sync import engine, reports
from sync.engine import reporting
from sync.errors import Misconfigured, TryLater, Unreachable
from sync.models import ClassLink, Run
from sync.views.downloads import about, receipt_of

app_name = "api"


class EngineSaysNo(APIException):
    """What the engine refuses, in its own words."""

    status_code = 409
    default_code = "refused"


class NotNow(APIException):
    """LMS or SIS are away or set up wrongly."""

    status_code = 503
    default_code = "not_now"


class Pages(LimitOffsetPagination):
    default_limit, max_limit = 100, 1000


def courses_of(request: Request) -> QuerySet[Context]:
    mine = institutions_of(request.user)
    links = Prefetch("class_links", ClassLink.objects.select_related("connection").order_by("pk"))
    return (
        Context.objects.filter(deployment__registration__institution__in=mine)
        .select_related("deployment__registration__institution", "state")
        .prefetch_related(links)
        .order_by("pk")
    )


def runs_of(request: Request) -> QuerySet[Run]:
    mine = institutions_of(request.user)
    return Run.objects.filter(context__deployment__registration__institution__in=mine).select_related(
        "context"
    )


def _course(request: Request, public_id: UUID) -> Context:
    found = courses_of(request).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def _run(request: Request, run_id: int) -> Run:
    found = runs_of(request).filter(pk=run_id).first()
    if found is None:
        raise NotFound
    return found


def course_json(context: Context) -> dict[str, Any]:
    state = getattr(context, "state", None)
    return {
        "id": str(context.public_id),
        "title": str(context),
        "institution": str(context.institution),
        "read_at": state.read_at.isoformat() if state and state.read_at else None,
        "classes": [
            {
                "connection": link.connection.name,
                "class_id": link.class_id,
                "title": link.title,
                "proof": link.proof,
                "lapsed": link.lapsed,
            }
            for link in context.class_links.all()
        ],
    }


def run_json(run: Run) -> dict[str, Any]:
    return about(run) | {"counts": run.report.get("counts", {}), "in_sync": run.report.get("in_sync")}


def _paged(request: Request, rows: QuerySet[Any], as_json: Any) -> Response:
    pages = Pages()
    found = pages.paginate_queryset(rows, request) or []
    return pages.get_paginated_response([as_json(row) for row in found])


@api_view(["GET"])
def courses(request: Request) -> Response:
    return _paged(request, courses_of(request), course_json)


@api_view(["GET"])
def course(request: Request, public_id: UUID) -> Response:
    return Response(course_json(_course(request, public_id)))


@api_view(["GET"])
def runs(request: Request, public_id: UUID) -> Response:
    found = runs_of(request).filter(context=_course(request, public_id))
    return _paged(request, found, run_json)


@api_view(["POST"])
def preview(request: Request, public_id: UUID) -> Response:
    """Read both sides and plan; nothing is written to the SIS. A teacher reviews and sends it."""
    context = _course(request, public_id)
    try:
        made = engine.preview(context, engine.Who(f"API: {request.user.get_username()}"))
    except engine.EngineError as error:
        raise EngineSaysNo(error.text) from None
    except (TryLater, Unreachable, Misconfigured) as error:
        raise NotNow(str(error)) from None
    return Response(run_json(made), status=201)


@api_view(["GET"])
def run(request: Request, run_id: int) -> Response:
    return Response(run_json(_run(request, run_id)))


@api_view(["GET"])
def report(request: Request, run_id: int) -> Response:
    """Counts, every line of the report and every grade of the run: the same as the JSON download."""
    found = _run(request, run_id)
    return Response(reports.as_data(about(found), reporting.whole(found), receipt_of(found)))


urlpatterns = [
    path("courses/", courses, name="courses"),
    path("courses/<uuid:public_id>/", course, name="course"),
    path("courses/<uuid:public_id>/runs/", runs, name="runs"),
    path("courses/<uuid:public_id>/preview/", preview, name="preview"),
    path("runs/<int:run_id>/", run, name="run"),
    path("runs/<int:run_id>/report/", report, name="report"),
]
