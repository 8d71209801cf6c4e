"""Where, in Blackboard's menus, what a readiness check found is mended: Ultra courses first, then Original ones.

Codes that Blackboard knows nothing of (late-policy, missing, current-differs) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CELL: Final = "Gradebook, the student's cell; Original: Grade Center, Full Grade Center, the cell"
COLUMN: Final = (
    "Gradebook, the item, Edit; Original: Full Grade Center, menu of the column, Edit Column Information"
)

PLACES: Final[Mapping[str, str]] = {
    "unposted": (
        "Gradebook, the item, Visible to students; Original: Full Grade Center, menu of the column, Show/Hide to Users"
    ),
    "not-graded": f"{CELL}, Enter a grade",
    "pending": "Gradebook, Needs Grading, then Post; Original: Grade Center, Needs Grading",
    "unreadable": CELL,
    "override": "Gradebook, the student's cell, Override; Original: Full Grade Center, the cell, View Grade Details",
    "without-maximum": f"{COLUMN}, Points possible",
    "omitted": (
        "Gradebook, Overall grade, exclude from calculation; Original: Full Grade Center, Edit Column Information, Include "
        "this Column in Grade Center Calculations"
    ),
    "without-sis-id": "Administrator Panel, Users, the user, Student ID; the external id comes from the SIS feed",
    "scheme-missing": "Gradebook, settings, Grade Schema; Original: Grade Center, Manage, Grading Schemas",
    "course-unpublished": (
        "the course's page, Course is private; Original: Control Panel, Customization, Properties, Set Availability"
    ),
    "course-concluded": "the course's page, Complete; Original: Customization, Properties, Closed",
    "excused": "Gradebook, the student's cell, Exempt; Original: Full Grade Center, the cell, Exempt Grade",
}
