"""Where, in Moodle's menus, what a readiness check found is mended. Codes that Moodle knows nothing of are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# a grade that is typed in the grader report stays as it is, whatever is graded in the activity afterwards
GRADING: Final = "the activity's own grading page; an item without an activity: Grades > Grader report"

PLACES: Final[Mapping[str, str]] = {
    "unposted": "Grades > Grader report > the grade's menu > Show grade; or the activity's own settings",
    "not-graded": GRADING,
    "unreadable": GRADING,
    "override": "Grades > Grader report > the grade's menu > Edit grade > Overridden",
    "without-maximum": "Grades > Gradebook setup > the item's menu > Edit grade item > Maximum grade",
    "without-sis-id": "Site administration > Users > Browse list of users > the user's profile > Optional > ID number",
    "scheme-missing": (
        "not in Moodle, which tells no letter boundaries: an administrator enters them in this connection (option “letters”)"
    ),
    "course-unpublished": "Settings > General > Course visibility",
    "course-concluded": "Settings > General > Course end date",
}
