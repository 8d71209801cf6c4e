"""The administrators' overview: `admin/overview/...`."""

from __future__ import annotations

from django.urls import path

from sync.overview_admin import connections, courses, exports, front, grades, identities, runs

app_name = "overview"

urlpatterns = [
    path("", front.front, name="front"),
    path("connections/<slug:kind>/<int:pk>/test/", connections.test, name="test"),
    path("connections/<slug:kind>/<int:pk>/pause/", connections.pause, name="pause"),
    path("institutions/pause/", connections.pause_all, name="pause_all"),
    path("pauses/<int:pk>/resume/", connections.resume, name="resume"),
    path("courses/", courses.courses, name="courses"),
    path("courses/<int:pk>/", courses.course, name="course"),
    path("courses/<int:pk>/run/", courses.run_now, name="run_now"),
    path("courses/<int:pk>/act-for/<int:membership_id>/", courses.act_for, name="act_for"),
    path("runs/", runs.runs, name="runs"),
    path("grades/", grades.form, name="grades"),
    path("grades/found/", grades.search, name="search"),
    path("export/", exports.form, name="export"),
    path("export/file/", exports.export, name="export_file"),
    path("who-is-who/", identities.identities, name="identities"),
    path("who-is-who/<int:pk>/revoke/", identities.revoke, name="revoke"),
]
