"""What a platform lets this tool do, and what will not work without it. Pure: scopes in, words out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool.services import LINE_ITEM_SCOPES, MEMBER_SCOPES, RESULT_SCOPES

Text = str | Promise


@dataclass(frozen=True)
class Use:
    """One thing the tool does, with the scopes of which any one is enough."""

    name: str
    scopes: tuple[str, ...]
    title: Text
    without: Text

    def met_by(self, granted: Collection[str]) -> bool:
        return any(scope in granted for scope in self.scopes)


LINE_ITEMS = Use(
    "line-items",
    LINE_ITEM_SCOPES,
    _("See the columns of the gradebook (line items, read only)"),
    _("The tool cannot see the gradebook's columns through LTI, so no grades come from there."),
)
RESULTS = Use(
    "results",
    RESULT_SCOPES,
    _("Read grades (results, read only)"),
    _("The tool cannot read grades through LTI."),
)
MEMBERS = Use(
    "members",
    MEMBER_SCOPES,
    _("See who is in the course (names and roles)"),
    _("The tool does not learn who is in the course, so grades cannot be matched to students of the SIS."),
)
USES = (LINE_ITEMS, RESULTS, MEMBERS)
GRADE_SERVICE = (LINE_ITEMS, RESULTS)

REMEDY: Text = _(
    "The LMS's administrator allows it in the LMS's settings of this tool. A connection to the LMS's own API may stand in "
    "for the grade service."
)


def missing(granted: Collection[str] | None) -> list[Use]:
    """The uses that these scopes do not allow; none when it is not known what was granted."""
    return [] if granted is None else [use for use in USES if not use.met_by(granted)]


def held(granted: Collection[str] | None) -> list[Use]:
    return [] if granted is None else [use for use in USES if use.met_by(granted)]


def scopes_of(answer: object) -> list[str] | None:
    """The `scope` of a platform's answer (RFC 7591 §2: words parted by spaces), sorted; None when it says nothing."""
    if isinstance(answer, list) and all(isinstance(one, str) for one in answer):
        return sorted(set(answer))
    return sorted(set(answer.split())) if isinstance(answer, str) else None


def missing_at_launch(ags_scopes: Iterable[str], lineitems_url: str, memberships_url: str) -> list[Use]:
    """What a launch's own service claims do not allow: the platform may have cut scopes since it registered us."""
    scopes = set(ags_scopes) if lineitems_url else set()
    lacking = [use for use in GRADE_SERVICE if not use.met_by(scopes)]
    return lacking if memberships_url else [*lacking, MEMBERS]
