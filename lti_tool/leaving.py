"""Signing out of one course; those in other tabs go on."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render

from lti_tool import sessions
from lti_tool.access import form_of_course, viewer_required
from lti_tool.middleware import allow_frame
from lti_tool.origins import session_origins
from lti_tool.sessions import LtiRequest


@viewer_required
@form_of_course
def leave_view(request: LtiRequest, public_id: uuid.UUID) -> HttpResponse:
    lti = request.lti
    page = {"course": lti.context, "return_url": lti.return_url}
    response = render(request, "lti_tool/left.html", page)
    if lti.session is not None:
        allow_frame(response, session_origins(lti.session))
    sessions.leave(request, lti, response)
    return response
