"""What a person may do in a course, from the launch's roles (LTI Core 1.3 §A.2). Pure.

Only roles in the context count. Institution and system roles say nothing about this course; an unknown or missing
role means no rights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
# they teach, but do not answer for the grades; some platforms send the plain Instructor role beside
_ASSISTANT = "teachingassistant"
_GRADER = "grader"


@dataclass(frozen=True, slots=True)
class Rights:
    """`can_send` includes looking."""

    can_send: bool = False
    can_look: bool = False


def rights(roles: Iterable[str]) -> Rights:
    """Instructors send; with an assistant's role beside it a person only looks; all others do neither."""
    found = {pair for role in roles if (pair := _in_context(role)) is not None}
    assistant = any(_is_assistant(principal, sub) for principal, sub in found)
    instructor = any(
        principal == "instructor" and not _is_assistant(principal, sub) for principal, sub in found
    )
    return Rights(can_send=instructor and not assistant, can_look=instructor or assistant)


def _in_context(role: str) -> tuple[str, str] | None:
    """(principal role, sub-role), lower case, of a role in the context; None for all others.

    `…/membership#Instructor`, `…/membership/Instructor#TeachingAssistant`, or the short `Instructor` (§A.2.3.1).
    """
    if "#" not in role and "/" not in role and ":" not in role:
        return role.strip().lower(), ""
    base, _, name = role.partition("#")
    if base == _CONTEXT:
        return name.lower(), ""
    if base.startswith(_CONTEXT + "/"):
        return base[len(_CONTEXT) + 1 :].lower(), name.lower()
    return None


def _is_assistant(principal: str, sub: str) -> bool:
    if not sub:
        return principal == _ASSISTANT
    return principal == "instructor" and (sub.startswith(_ASSISTANT) or sub == _GRADER)
