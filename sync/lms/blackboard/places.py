"""Where, in Blackboard's menus, what a readiness check found is mended: Ultra courses first, then Original ones.

Codes that Blackboard knows nothing of (late-policy, missing, current-differs) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CELL: Final = (
    "Gradebook > the student's cell; in an Original course: Grade Center > Full Grade Center > the cell"
)
COLUMN: Final = (
    "Gradebook > the item > Edit > Points; in an Original course: Grade Center > Full Grade Center > menu of the column > "
    "Edit Column Information > Points Possible"
)

PLACES: Final[Mapping[str, str]] = {
    "unposted": (
        "Gradebook > the item > Visible to students; in an Original course: Grade Center > Full Grade Center > menu of the "
        "column > Hide from Students (on/off)"
    ),
    "not-graded": CELL,
    "pending": "Gradebook > Needs Grading, then Post; in an Original course: Grade Center > Needs Grading",
    "unreadable": CELL,
    "override": f"{CELL} > View Grade Details",
    "without-maximum": COLUMN,
    "omitted": (
        "Gradebook > Overall Grade > exclude from calculation; in an Original course: Grade Center > Full Grade Center > menu "
        "of the column > Edit Column Information > Include this Column in Grade Center Calculations"
    ),
    "without-sis-id": "Administrator Panel > Users > the user > Student ID; the external id comes from the SIS feed",
    "scheme-missing": "Gradebook > Settings > Grade Schema; in an Original course: Grade Center > Manage > Grading Schemas",
    "course-unpublished": (
        "the course's page > Course is private; in an Original course: Control Panel > Customization > Properties > Set "
        "Availability"
    ),
    "course-concluded": "the course's page > Complete; in an Original course: Customization > Properties > Closed",
    "excused": f"{CELL} > Exempt Grade",
}
