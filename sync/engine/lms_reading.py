"""The LMS's side of a read: the course's gradebook, and where in that LMS things are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lti_tool.models import Context, LtiUser
from sync.engine import kept
from sync.engine.adapters import course_of, make_lms
from sync.engine.grants import connection_of, refused
from sync.errors import GrantNeeded, Misconfigured, TryLater, Unreachable
from sync.lms import records as lms
from sync.lms.base import Heard


class LmsMisconfigured(Misconfigured):
    """It is the LMS's reader that an administrator must mend, not a SIS connection."""


@dataclass(frozen=True, slots=True)
class LmsRead:
    """`places`: by the code of a readiness check, the menu path in this LMS."""

    gradebook: lms.Gradebook
    places: Mapping[str, str]


def read_lms(context: Context, user: LtiUser | None, heard: Heard) -> LmsRead:
    """The whole gradebook, by her own grant where teachers give one. Raises TryLater, GrantNeeded or LmsMisconfigured."""
    try:
        reader = make_lms(context, user)
        reader.heard = heard
        return LmsRead(kept.read_gradebook(context, reader, course_of(context)), reader.places)
    except Unreachable as error:  # a read that got no answer did nothing: simply later
        raise TryLater(str(error)) from error
    except GrantNeeded:
        raise
    except Misconfigured as error:
        if error.code == "token_refused" and connection_of(context) is not None:
            raise refused(reader.product()) from error
        raise LmsMisconfigured(str(error), error.code) from error
