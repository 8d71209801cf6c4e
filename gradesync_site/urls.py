from django.contrib import admin
from django.urls import include, path

from gradesync_site import health

admin.site.site_header = admin.site.site_title = "GradeSync"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("lti/", include("lti_tool.urls")),
    path("courses/", include("sync.urls")),
    path("grants/", include("sync.grant_urls")),
    path("api/v1/", include("sync.api")),
    path("admin/overview/", include("sync.overview_admin.urls")),
    path("admin/", admin.site.urls),
]
