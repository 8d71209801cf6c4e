"""The tool's addresses and three course pages, so that these tests need no other app."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from lti_tool.access import instructor_required, viewer_required


@viewer_required
def course(request: HttpRequest, public_id: object) -> HttpResponse:
    lti = request.lti
    return HttpResponse(
        f"{lti.context} {lti.user.sub} {lti.can_send} {lti.who_name} acting:{lti.acting_token}"
    )


@instructor_required
def send(request: HttpRequest, public_id: object) -> HttpResponse:
    return HttpResponse("sent")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"plain {bool(request.lti)}")


urlpatterns = [
    path("lti/", include("lti_tool.urls")),
    path("courses/<uuid:public_id>/", course, name="course"),
    path("courses/<uuid:public_id>/send/", send, name="send"),
    path("plain/", plain),
]
