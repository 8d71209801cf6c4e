"""The LMS's side of a read: the course's gradebook, and where in that LMS things are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lti_tool.models import Context
from sync.engine import kept
from sync.engine.adapters import course_of, make_lms
from sync.errors import Misconfigured, TryLater, Unreachable
from sync.lms import records as lms
from sync.lms.base import Heard


class LmsMisconfigured(Misconfigured):
    """It is the LMS's reader that an administrator must mend, not a SIS connection."""


@dataclass(frozen=True, slots=True)
class LmsRead:
    """`places`: by the code of a readiness check, the menu path in this LMS."""

    gradebook: lms.Gradebook
    places: Mapping[str, str]


def read_lms(context: Context, heard: Heard) -> LmsRead:
    """The whole gradebook. Raises TryLater or LmsMisconfigured."""
    try:
        reader = make_lms(context)
        reader.heard = heard
        return LmsRead(kept.read_gradebook(context, reader, course_of(context)), reader.places)
    except Unreachable as error:  # a read that got no answer did nothing: simply later
        raise TryLater(str(error)) from error
    except Misconfigured as error:
        raise LmsMisconfigured(str(error), error.code) from error
