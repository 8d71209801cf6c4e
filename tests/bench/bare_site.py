"""The least that a launch can be: Django without middleware, two redirects, one RSA verification, nothing stored."""

from __future__ import annotations

import os
import secrets
from urllib.parse import urlencode

import django
import jwt
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY=secrets.token_hex(), MIDDLEWARE=[]
)
django.setup()
KEY = jwt.PyJWK.from_json(os.environ["BENCH_JWK"]).key


@csrf_exempt
def login(request: HttpRequest) -> HttpResponse:
    query = urlencode({"state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32)})
    response = HttpResponseRedirect(f"http://127.0.0.1/auth?{query}&{request.POST['login_hint']}")
    response.set_cookie("login", secrets.token_urlsafe(32))
    return response


@csrf_exempt
def launch(request: HttpRequest) -> HttpResponse:
    claims = jwt.decode(request.POST["id_token"], KEY, algorithms=["RS256"], options={"verify_aud": False})
    response = HttpResponseRedirect(f"/courses/{claims['sub']}/")
    response.set_cookie("session", secrets.token_urlsafe(32))
    return response


urlpatterns = [path("lti/login/", login), path("lti/launch/", launch)]
application = get_wsgi_application()
