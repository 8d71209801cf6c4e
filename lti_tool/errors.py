"""A refusal as people read it: what happened, what to do, who can help. Never a name, a token or a claim's value."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

ADMINISTRATOR = _("the administrator of this tool at your institution")
LMS_ADMINISTRATOR = _("the administrator of your LMS")
TRY_AGAIN = _("Open the tool again from your course in the LMS.")


class LtiRefused(Exception):
    """Base of what this app refuses. `code` is for logs and administrators; str() is the code alone."""

    status = 400
    tone = "problem"
    title: Text = _("The tool could not be opened")

    def __init__(
        self,
        code: str,
        text: Text,
        advice: Text = TRY_AGAIN,
        who: Text = ADMINISTRATOR,
        *,
        status: int | None = None,
        title: Text | None = None,
    ) -> None:
        super().__init__(code)
        self.code, self.text, self.advice, self.who = code, text, advice, who
        self.status = status or self.status
        self.title = title or self.title


class LoginRefused(LtiRefused):
    """The login could not begin: who asks is not known here."""


class LaunchRefused(LtiRefused):
    """The launch cannot be trusted or lacks something: nothing was stored."""


class NotYours(LtiRefused):
    """All is well with the launch, but this person or this course may not come in (yet)."""

    status = 403
    tone = "notice"


class RegistrationRefused(LtiRefused):
    """LTI Dynamic Registration stopped; the platform was not stored."""

    title = _("The tool could not be registered")
