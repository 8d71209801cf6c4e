"""What the pages of the overview share: who may, in which institutions, and the admin's frame around a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.views.decorators.http import require_POST, require_safe

from lti_tool.models import Context
from lti_tool.staff import institutions_of, name_of
from sync import engine

View = Callable[..., HttpResponseBase]
PER_PAGE = 50


def looking(right: str) -> Callable[[View], View]:
    """A page of the overview, for staff with this right."""
    return _guarded(right, require_safe)


def doing(right: str) -> Callable[[View], View]:
    """A form of the overview, for staff with this right."""
    return _guarded(right, require_POST)


def _guarded(right: str, method: Callable[[View], View]) -> Callable[[View], View]:
    def guard(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(right):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return admin.site.admin_view(method(checked))

    return guard


def show(request: HttpRequest, template: str, title: str | Promise, **values: Any) -> HttpResponse:
    frame = admin.site.each_context(request) | {"title": title}
    return render(request, f"admin/sync/overview/{template}", frame | values)


def to(name: str, *args: Any) -> HttpResponse:
    return redirect(f"overview:{name}", *args)


def who_of(request: HttpRequest) -> engine.Who:
    return engine.Who(name_of(request.user)[:300])


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def courses_of(request: HttpRequest) -> QuerySet[Context]:
    """The courses of her institutions; not those of an LMS that was archived."""
    return Context.objects.filter(
        deployment__registration__institution__in=institutions_of(request.user),
        deployment__registration__archived_at=None,
    )
