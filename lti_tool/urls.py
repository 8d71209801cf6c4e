from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from lti_tool import leaving, registration_views, resuming, tickets, views

app_name = "lti_tool"

urlpatterns = [
    path("login/", views.login_view, name="login"),
    path("login/kept/", views.kept_view, name="kept"),
    path("login/again/", views.again_view, name="again"),
    # for platforms that do not send a client id with the login
    path("login/<uuid:registration_id>/", views.login_view, name="login-of"),
    path("launch/", views.launch_view, name="launch"),
    # the handle comes in a header, which no other site can send
    path("resume/", csrf_exempt(require_POST(resuming.resume_view)), name="resume"),
    path("leave/<uuid:public_id>/", leaving.leave_view, name="leave"),
    path("files/<str:token>/", require_GET(tickets.file_view), name="file"),
    path("jwks/", views.jwks_view, name="jwks"),
    path("register/<str:invite>/", registration_views.register_view, name="register"),
    path("canvas.json", views.canvas_view, name="canvas"),
]
