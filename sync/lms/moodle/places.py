"""Where, in Moodle's menus, what a readiness check found is mended. Codes that Moodle knows nothing of are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PLACES: Final[Mapping[str, str]] = {
    "unposted": "Grades, Grader report: the grade's menu, Show grade; or the activity's own settings",
    "not-graded": "Grades, Grader report",
    "unreadable": "Grades, Grader report",
    "override": "Grades, Grader report: the grade's menu, Edit grade, Overridden",
    "without-maximum": "Grades, Gradebook setup: the item's menu, Edit grade item, Maximum grade",
    "omitted": "Grades, Gradebook setup: Weights",
    "without-sis-id": "Site administration, Users, Browse list of users: the user's profile, Optional, ID number",
    "scheme-missing": "Grades, Course grade settings, User report: Show letter grades",
    "course-unpublished": "Course settings, General: Course visibility",
    "course-concluded": "Course settings, General: Course end date",
    "excused": "Grades, Grader report: the grade's menu, Edit grade, Excluded",
}
