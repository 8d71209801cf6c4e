"""Where in Canvas a teacher or administrator mends what a readiness check found, as the menus are named there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PLACES: Final[Mapping[str, str]] = {
    "unposted": "Grades > the assignment's column menu > Post grades",
    "not-graded": "Grades > the student's cell, or the assignment > SpeedGrader",
    "pending": "Grades > the assignment's column menu > SpeedGrader > the questions that need review",
    "missing": "Grades > the student's cell > Grade Detail Tray > Status and Grade",
    "unreadable": "Grades > the student's cell",
    "current-differs": "Grades > the cells without a grade: grade them, or excuse them in the Grade Detail Tray",
    "override": "Grades > the Override column",
    "without-maximum": "Assignments > the assignment > Edit > Points",
    "omitted": "Assignments > the assignment > Edit > Do not count this assignment towards the final grade",
    "without-sis-id": "Admin > People > the person > Login Information > SIS ID",
    "scheme-missing": "Settings > Course Details > Grading Scheme",
    "late-policy": "Grades > the settings wheel > Late Policies",
    "course-unpublished": "Home > Publish",
    "course-concluded": "Settings > Course Details > Participation, or the administrator: Admin > Terms",
    "excused": "Grades > the student's cell > Grade Detail Tray > Status",
}
