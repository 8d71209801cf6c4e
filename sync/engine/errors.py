"""Who asks, and what the engine says when it will not."""

from __future__ import annotations

from dataclasses import dataclass

from lti_tool.models import Context, LtiUser, Membership


class EngineError(Exception):
    """Something a person can act on: `text` is for the page, without grades or names of students."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class LinkRefused(EngineError):
    """A link that would break a rule: no proof, taken by another course, not there."""


class CourseBusy(EngineError):
    """Another run is sending for this course."""


class NothingLinked(EngineError):
    """There is no SIS class to compare with yet."""


class Changed(EngineError):
    """What was approved is not what stands now: look again."""


@dataclass(frozen=True, slots=True)
class Who:
    """The person who asks, as the log will name her. Commands and staff have no `user` and may do anything."""

    name: str
    user: LtiUser | None = None

    def must_be_able_to_send(self, context: Context) -> None:
        """Raises EngineError unless she may send grades of this very course (checked again here, not only on the page)."""
        if self.user is None:
            return
        if not Membership.objects.filter(context=context, user=self.user, can_send=True).exists():
            raise EngineError("Only a teacher of this course can do this.")
