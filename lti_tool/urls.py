from django.urls import path

from lti_tool import registration_views, views

app_name = "lti_tool"

urlpatterns = [
    path("login/", views.login_view, name="login"),
    # for platforms that do not send a client id with the login
    path("login/<uuid:registration_id>/", views.login_view, name="login-of"),
    path("launch/", views.launch_view, name="launch"),
    path("jwks/", views.jwks_view, name="jwks"),
    path("register/<str:invite>/", registration_views.register_view, name="register"),
    path("canvas.json", views.canvas_view, name="canvas"),
]
