"""What Moodle's own error codes mean, and who can help. Its messages are not quoted: they may name people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms.moodle.functions import RIGHTS
from sync.lms.rest import ASK_LATER, FORBIDDEN, UNKNOWN

FUNCTION_MISSING: Final = "function_missing"


class Told(Misconfigured):
    """A function answered with an exception: its code, before anybody said what that means."""

    def __init__(self, errorcode: str) -> None:
        super().__init__("Moodle answered with an error of its own.", "moodle_error")
        self.errorcode = errorcode


def meaning(errorcode: str, function: str) -> AdapterError:
    """The error that this code of this function is. A code that is not known here may pass: TryLater."""
    found = _MEANINGS.get(errorcode)
    if found is not None:
        return found(function)
    if errorcode.startswith(("dml", "ddl")) or errorcode in _BUSY:
        return TryLater(f"Moodle has trouble of its own now. {ASK_LATER}")
    return TryLater(f"Moodle refused {function} with an error that is not known here. {ASK_LATER}")


def switched_off() -> Misconfigured:
    text = (
        "Moodle's web services are switched off, or its REST protocol is. The LMS administrator can switch both on in "
        "Site administration, Server, Web services."
    )
    return Misconfigured(text, "web_services_off")


def wrong_address(code: int) -> Misconfigured:
    text = (
        f"There is no Moodle at this address (it answered {code}). The LMS administrator must check the connection's "
        "base URL: it is the address of Moodle's front page."
    )
    return Misconfigured(text, "unexpected_answer")


def _function_missing(function: str) -> Misconfigured:
    text = (
        f"Moodle does not let this token use {function}. The LMS administrator must add the function to the external "
        "service of the token, and see that the token's user may use that service."
    )
    return Misconfigured(text, FUNCTION_MISSING)


def _right_missing(function: str) -> Misconfigured:
    needed = RIGHTS.get(function, "of its functions")
    text = (
        f"The account of the token lacks a right in Moodle: {function} needs {needed}. The LMS administrator must "
        "grant it, for the whole site or for the course's category."
    )
    return Misconfigured(text, FORBIDDEN)


def _closed(function: str) -> Misconfigured:
    text = (
        "The account of the token cannot enter this course in Moodle. The LMS administrator must grant it "
        "moodle/course:view, and moodle/course:viewhiddencourses for courses that are hidden."
    )
    return Misconfigured(text, FORBIDDEN)


def _grouped(function: str) -> Misconfigured:
    text = (
        "The account of the token sees some groups of this course only. The LMS administrator must grant it "
        "moodle/site:accessallgroups in Moodle."
    )
    return Misconfigured(text, FORBIDDEN)


def _unknown(function: str) -> Misconfigured:
    text = (
        f"Moodle does not know this course, or is too old to know {function}. The LMS administrator must check whether "
        "the course still exists, and that the connection leads to the Moodle which opened this tool, in version 4.3 "
        "or later."
    )
    return Misconfigured(text, UNKNOWN)


def _unusable(function: str) -> Misconfigured:
    text = (
        "Moodle does not let the token's user in: the account is locked, or must first agree to a policy, complete its "
        "profile or change its password. The LMS administrator must settle that."
    )
    return Misconfigured(text, "account_unusable")


def _no_service(function: str) -> Misconfigured:
    text = (
        "The external service of this token is switched off in Moodle. The LMS administrator can enable it in Site "
        "administration, Server, Web services, External services."
    )
    return Misconfigured(text, "web_services_off")


def _not_taken(function: str) -> Misconfigured:
    text = (
        f"Moodle does not take the arguments of {function}. Perhaps its version is one that this tool does not know: "
        "tell the administrator of this tool."
    )
    return Misconfigured(text, "unexpected_answer")


_BUSY: Final = frozenset({"sitemaintenance", "upgraderunning", "locktimeout", "cannotobtainlock"})
_MEANINGS: Final[Mapping[str, Callable[[str], Misconfigured]]] = {
    "accessexception": _function_missing,
    **dict.fromkeys(("nopermissions", "nopermissiontoviewgrades", "cannotviewreport"), _right_missing),
    **dict.fromkeys(
        ("requireloginerror", "errorcoursecontextnotvalid", "coursehidden", "notenrolled"), _closed
    ),
    "notingroup": _grouped,
    **dict.fromkeys(
        ("invalidrecord", "invalidrecordunknown", "invalidcourseid", "unknowncourseid"), _unknown
    ),
    **dict.fromkeys(
        (
            *("wsaccessuserdeleted", "wsaccessuserexpired", "wsaccessusernologin", "wsaccessusersuspended"),
            *("wsaccessuserunconfirmed", "forcepasswordchangenotice", "sitepolicynotagreed"),
            "usernotfullysetup",
        ),
        _unusable,
    ),
    **dict.fromkeys(("servicenotavailable", "servicerequireslogin"), _no_service),
    **dict.fromkeys(("invalidparameter", "missingparam"), _not_taken),
}
