"""Why a launch was refused: each reason with its words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from lti_tool.claims import ClaimError
from lti_tool.errors import (
    ADMINISTRATOR,
    LMS_ADMINISTRATOR,
    TRY_AGAIN,
    LaunchRefused,
    LoginRefused,
    LtiRefused,
    NotYours,
)

SESSION_OVER = 403

CLAIM_TEXTS = {
    "missing": _("The launch message of the LMS lacks “{claim}”."),
    "malformed": _("The launch message of the LMS holds a “{claim}” in a form that does not exist."),
    "wrong-version": _("The LMS speaks another version of LTI. This tool needs LTI 1.3."),
    "wrong-audience": _("The launch message of the LMS is meant for another tool."),
    "expired": _("The launch message of the LMS has run out."),
    "too-old": _("The launch message of the LMS is too old."),
    "from-the-future": _(
        "The launch message of the LMS is dated in the future: the clocks of the LMS and this tool differ."
    ),
}


def claim(error: ClaimError) -> LaunchRefused:
    text = str(CLAIM_TEXTS[error.code]).format(claim=error.claim)
    return LaunchRefused(f"{error.code}:{error.claim}", text, who=LMS_ADMINISTRATOR)


def keys_away() -> LtiRefused:
    return LaunchRefused(
        "keys-away",
        _("The LMS's public keys cannot be read now, so its message cannot be verified."),
        _(
            "Try again in some minutes. If it stays so, an administrator checks the key set address of the registration."
        ),
        ADMINISTRATOR,
    )


def key_unknown() -> LtiRefused:
    return LaunchRefused(
        "key-unknown",
        _("The launch message is signed with a key that the LMS does not publish."),
        _(
            "Try again in some minutes. If it stays so, an administrator checks the key set address of the registration."
        ),
        ADMINISTRATOR,
    )


def other_message() -> LtiRefused:
    return LaunchRefused(
        "message-type",
        _("The LMS sent a kind of message that this tool does not answer."),
        _("Open the tool by its link in the course."),
        LMS_ADMINISTRATOR,
    )


def no_link_wanted() -> LtiRefused:
    return LaunchRefused(
        "no-link-wanted",
        _("The LMS does not take a link to a tool at this place."),
        _("Add the tool where the LMS offers to add an external tool to the course."),
        LMS_ADMINISTRATOR,
    )


def bad_token() -> LtiRefused:
    return LaunchRefused(
        "bad-token", _("The launch message of the LMS could not be verified."), who=LMS_ADMINISTRATOR
    )


def state() -> LtiRefused:
    return LaunchRefused(
        "state",
        _("This launch was used already, took too long, or began in another browser window."),
        _(
            "Open the tool again from your course. If this page comes again, allow cookies for this site or use a new tab."
        ),
    )


def hint_too_long() -> LtiRefused:
    return LoginRefused(
        "hint-too-long",
        _("The LMS sent a login with more data than fits into an address."),
        who=LMS_ADMINISTRATOR,
    )


def login_over() -> LtiRefused:
    return LaunchRefused(
        "login-over",
        _("This launch took too long, or was finished already."),
        title=_("Please open the tool again"),
    )


def foreign_target() -> LtiRefused:
    return LaunchRefused(
        "foreign-target",
        _("The LMS asked for a page that does not belong to this tool."),
        who=LMS_ADMINISTRATOR,
    )


def reloaded() -> LtiRefused:
    return LaunchRefused(
        "no-post",
        _("A launch cannot be reloaded or bookmarked: it counts once."),
        TRY_AGAIN,
        title=_("Please open the tool again"),
    )


def file_taken() -> LtiRefused:
    return NotYours(
        "file-taken",
        _("This link gives its file once, within half a minute."),
        _("Go back to the page that offers the file and choose it again."),
        status=404,
        title=_("The file was taken already"),
    )


def platform_error() -> LtiRefused:
    return LaunchRefused(
        "platform-error",
        _("The LMS stopped the launch before it reached this tool."),
        TRY_AGAIN,
        LMS_ADMINISTRATOR,
    )
