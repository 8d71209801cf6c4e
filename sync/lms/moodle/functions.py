"""The web service functions that this reader calls: what for, and which rights each needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REPORT: Final = "gradereport_user_get_grade_items"
ITEMS: Final = "core_grades_get_gradeitems"
STUDENTS: Final = "core_grades_get_gradable_users"
PEOPLE: Final = "core_enrol_get_enrolled_users"
TREE: Final = "core_grades_get_grade_tree"
ASSIGNMENTS: Final = "mod_assign_get_assignments"
COURSES: Final = "core_course_get_courses_by_field"
SCALE: Final = "core_competency_get_scale_values"
SITE: Final = "core_webservice_get_site_info"

REQUIRED: Final[Mapping[str, str]] = {
    REPORT: "grades",
    ITEMS: "the list that the grades are compared with",
    STUDENTS: "students",
    PEOPLE: "teachers",
}
OPTIONAL: Final[Mapping[str, str]] = {
    TREE: "categories",
    ASSIGNMENTS: "due dates, and which assignments use a scale",
    COURSES: "whether the course is hidden or over",
    SCALE: "the words of scales",
}

RIGHTS: Final[Mapping[str, str]] = {
    REPORT: "gradereport/user:view and moodle/grade:viewall",
    ITEMS: "moodle/course:view",
    STUDENTS: "moodle/course:viewparticipants",
    PEOPLE: "moodle/course:viewparticipants",
    TREE: "moodle/grade:viewall",
    ASSIGNMENTS: "mod/assign:view",
}
# without these Moodle leaves assignments out of its report, and says nothing
SEEING_RIGHTS: Final = (
    "mod/…:view of each activity type, moodle/grade:viewhidden, moodle/course:viewhiddenactivities and "
    "moodle/course:ignoreavailabilityrestrictions"
)
ALL_RIGHTS: Final = (
    "webservice/rest:use, moodle/course:view, moodle/course:viewhiddencourses, moodle/course:viewparticipants, "
    "moodle/course:enrolreview, moodle/site:accessallgroups, gradereport/user:view, moodle/grade:viewall, "
    f"{SEEING_RIGHTS}"
)
