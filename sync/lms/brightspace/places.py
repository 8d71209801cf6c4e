"""Where in Brightspace what a readiness check found is mended: by the check's code, a path of menu names.

Codes that Brightspace's API knows nothing of are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENTER: Final = "Grades > Enter Grades"
MANAGE: Final = "Grades > Manage Grades"

PLACES: Final[Mapping[str, str]] = {
    "unposted": (
        f"a final grade: {ENTER} > menu of the final grade's column > Enter Grades > menu of Final Grades > Release All; a "
        f"hidden item: {MANAGE} > the item > Visibility"
    ),
    "not-graded": f"{ENTER} > menu of the item's column > Enter Grades",
    "unreadable": f"{ENTER} > menu of the item's column > Enter Grades",
    "override": f"{ENTER} > menu of the final grade's column > Enter Grades > Final Adjusted Grade",
    "current-differs": f"{ENTER} > menu of the final grade's column > Enter Grades",
    "without-maximum": f"{MANAGE} > the item > Maximum Points",
    "omitted": f"{MANAGE} > the item > Exclude from Final Grade Calculation",
    "without-sis-id": "Admin Tools > Users > the user > Org Defined ID",
    "scheme-missing": "Grades > Schemes",
    "course-unpublished": "Course Admin > Course Offering Information > Active",
    "course-concluded": "Course Admin > Course Offering Information > End Date",
    "excused": f"{ENTER} > menu of the item's column > Enter Grades > Exempt",
}
