"""Our code words as a teacher reads them: states, reasons of a refusal, who can fix it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sync import capabilities, registrations

Text = str | Promise

RUN_STATES: Final[dict[str, Text]] = {
    "reading": _("reading both gradebooks"),
    "review": _("to be reviewed"),
    "approved": _("waiting to start"),
    "pushing": _("sending"),
    "paused": _("paused"),
    "reconciling": _("comparing"),
    "done": _("done"),
    "failed": _("stopped by an error"),
    "cancelled": _("stopped by a person"),
    "replaced": _("replaced by a newer list"),
}

ROW_STATES: Final[dict[str, Text]] = {
    "rejected": _("refused by the SIS"),
    "unknown": _("not confirmed yet"),
    "changed": _("changed since you looked, not sent"),
    "sending": _("being sent"),
    "approved": _("waiting to be sent"),
    "accepted": _("accepted by the SIS"),
    "delivered": _("delivered; this SIS cannot be read back"),
    "unchanged": _("stood there already"),
    "planned": _("not picked"),
}
# a run that ended sends no more: what was approved then stays unsent
NOT_SENT: Final[Text] = _("not sent")
BADGES: Final = {
    "rejected": "problem", "unknown": "notice", "changed": "notice", "accepted": "good", "delivered": "good",
    "unchanged": "good",
}  # fmt: skip

WHO: Final[dict[str, Text]] = {
    "teacher": _("You can settle this"),
    "lms_admin": _("The LMS administrator can settle this"),
    "sis_admin": _("The SIS administrator can settle this"),
    "admin": _("Your GradeSync administrator can settle this"),
}

# what a refusal means, and who can do something about it (design §5)
REASONS: Final[dict[str, tuple[Text, str]]] = {
    "unanswered": (_("A person must decide whether it goes again."), "teacher"),
    "student_unknown": (_("The SIS does not know this student."), "sis_admin"),
    "not_enrolled": (_("The SIS does not list this student in the class."), "sis_admin"),
    "class_unknown": (_("The SIS does not know this class any more."), "sis_admin"),
    "line_item_missing": (_("The assignment is gone from the SIS. Link it again."), "teacher"),
    "not_gradable": (_("This student or assignment takes no grade in the SIS."), "sis_admin"),
    "grade_not_in_scale": (
        _("The SIS's scale has no such grade. Check the scale of this assignment."),
        "teacher",
    ),
    "over_max": (_("The grade is above what the SIS allows for this assignment."), "teacher"),
    "extra_data_required": (_("The SIS asks for more than a grade here."), "sis_admin"),
    "frozen": (_("Grades of this student or class are locked in the SIS."), "sis_admin"),
    "window_closed": (_("The SIS takes no grades for this period now."), "sis_admin"),
    "conflict_newer": (
        _("Someone entered another grade in the SIS meanwhile. Look again, then decide."),
        "teacher",
    ),
    "not_your_class": (_("The SIS says that this class is not yours."), "sis_admin"),
    "forbidden": (_("The SIS does not let GradeSync write this grade."), "admin"),
    "malformed": (_("The SIS could not read what was sent."), "admin"),
}

CAUSES: Final[dict[str, Text]] = {
    "not sent": _("Not sent"),
    "refused": _("Refused by the SIS"),
    "edited in the SIS": _("Edited in the SIS"),
    "rounded by the SIS": _("Rounded by the SIS"),
    "accepted, not shown": _("Accepted, but not shown by the SIS"),
    "held": _("Held: left in the SIS as it is"),
    "gone from the LMS": _("Gone from the LMS"),
    "not confirmed yet": _("Not confirmed yet"),
    "kept": _("Left alone by your decision"),
}

# what a run was, in the history
WHAT: Final[dict[str, Text]] = {
    "sent": _("Grades sent"),
    "listed": _("List to review"),
    "compare": _("Comparison"),
    "undo": _("Undo"),
}
# what became of a run's grades, as it stands behind a number
OUTCOMES: Final[tuple[tuple[str, Text], ...]] = (
    ("new", _("new")),
    ("changed", _("changed")),
    ("removed", _("removed")),
    ("refused", _("refused")),
    ("unknown", _("not confirmed yet")),
    ("moved_on", _("changed meanwhile, not sent")),
)
# which runs the history shows
HISTORY: Final[dict[str, Text]] = {
    "": _("All"),
    "sent": _("Sent"),
    "compared": _("Compared"),
    "undone": _("Undone"),
    "by_schedule": _("By schedule"),
    "trouble": _("With trouble"),
}

KINDS_OF_SCHEDULE: Final[dict[str, Text]] = {
    "off": _("Off: grades are sent only by a teacher"),
    "nightly": _("Once a day"),
    "hourly": _("Every hour, within a part of the day"),
}
SCHEDULED: Final[dict[str, Text]] = {
    "on": _("The schedule is set. It acts in your name."),
    "off": _("The schedule is off. Grades are sent only by a teacher."),
    "paused": _("The schedule is paused. Nothing is sent by itself until a teacher lets it go on."),
    "resumed": _("The schedule goes on."),
}

# what a SIS can, and cannot (sync.capabilities)
CAPABILITIES: Final[dict[str, tuple[Text, Text]]] = {
    "scores": (
        _("It takes grades of single assignments."),
        _("This SIS takes no grades of single assignments."),
    ),
    "totals": (_("It takes course totals."), _("This SIS takes no course totals.")),
    "numbers": (_("It takes numbers."), _("This SIS takes letters or codes only, no numbers.")),
    "texts": (_("It takes letters or codes."), _("This SIS takes numbers only.")),
    "excused": (
        _("It can hold that a student is excused."),
        _("This SIS cannot hold that a student is excused."),
    ),
    "over_max": (_("It takes more points than the maximum."), _("It takes no more points than the maximum.")),
    "read_back": (
        _("It can be read back: what stands there is compared."),
        _("This SIS cannot be read back, so what it holds, and edits made there, cannot be seen."),
    ),
    "answers": (
        _("It says at once whether it took a grade."),
        _("This SIS does not say at once what became of a grade: it is delivered, and may be refused later."),
    ),
    "withdraw": (_("A grade can be removed again."), _("A grade cannot be removed from this SIS again.")),
    "roster": (
        _("It shows the students of a class."),
        _("This SIS shows no students: each is known by the SIS id that the LMS has for her."),
    ),
    "create": (_("Assignments can be created in it."), _("No assignments can be created in it from here.")),
    "per_student": (
        _("It says beforehand what each student may get."),
        _("It does not say beforehand what each student may get."),
    ),
    "last_attendance": (
        _("It takes a last date of attendance with a grade."),
        _("It takes no last date of attendance."),
    ),
    "incomplete": (
        _("It takes what an incomplete grade becomes, and when."),
        _("It does not take what an incomplete grade becomes."),
    ),
}

DECISIONS: Final[dict[str, Text]] = {
    "sis_kept": _("the SIS's grade was kept"),
    "lms_preferred": _("the LMS's grade was chosen"),
    "refused": _("the SIS refused it"),
    "withdrawal_declined": _("it was left in the SIS"),
    "undone": _("the run was undone"),
}

SCALES: Final[dict[str, Text]] = {
    "points": _("points"),
    "percent": _("percent"),
    "letter": _("letters"),
    "gpa": _("grade points (GPA)"),
    "pass_fail": _("pass / fail"),
}

# problems that name an assignment and have nothing to do with its scale
NOT_OF_SCALE: Final = frozenset(
    {"edited-in-sis", "duplicate-in-sis", "accepted-not-shown", *registrations.TEXTS}
)

# the LMS field by which a student was matched
MATCHED_BY: Final[dict[str, Text]] = {
    "sis_id": _("SIS id"),
    "login": _("login"),
    "email": _("e-mail"),
    "user_id": _("LMS id"),
}

# the SIS field that it was compared with
SIS_FIELDS: Final[dict[str, Text]] = {
    "sourcedId": _("id"),
    "identifier": _("school number"),
    "username": _("login"),
    "email": _("e-mail"),
}

PROOFS: Final[dict[str, Text]] = {
    "teacher": _("the SIS lists you as a teacher of this class"),
    "section": _("the LMS's own section id is this class's"),
    "admin": _("confirmed by an administrator"),
}

COUNTS: Final[tuple[tuple[str, Text], ...]] = (
    ("created", _("new")),
    ("updated", _("changed")),
    ("unchanged", _("unchanged")),
    ("waiting", _("waiting")),
    ("rejected", _("refused")),
    ("problems", _("to settle")),
    ("excluded", _("left out")),
    ("not_graded", _("not graded yet")),
)
COUNTED_APART: Final[tuple[tuple[str, Text], ...]] = (
    ("held", _("held")),
    ("withdrawn", _("withdrawn")),
    ("rounded", _("rounded by the SIS")),
    ("discrepancies", _("not the same on both sides")),
    ("unverified", _("that cannot be read back")),
    ("pending", _("waiting for a review in the LMS")),
)

# the states of the course's map (course_map.STATES), as they stand behind a number
MAP_STATES: Final[dict[str, Text]] = {
    "problem": _("to settle"),
    "refused": _("refused by the SIS"),
    "edited": _("edited in the SIS"),
    "new": _("new to the SIS"),
    "changed": _("changed in the LMS"),
    "withdrawn": _("gone from the LMS"),
    "waiting": _("not confirmed yet"),
    "held": _("left as it is"),
    "same": _("the same in the SIS"),
    "pending": _("waits for a review in the LMS"),
    "not_graded": _("not graded yet"),
    "left_out": _("left out"),
}

# the parts of the review page, as its links name them
PARTS: Final[dict[str, Text]] = {
    "": _("All"),
    "new": _("New"),
    "changed": _("Changed"),
    "withdrawn": _("Withdrawn"),
    "edited": _("Edited in the SIS"),
    "problems": _("To settle first"),
    "refused": _("Refused by the SIS"),
    "left": _("Left alone by your decision"),
    "others": _("Other differences"),
    "gone_on": _("Sent already"),
}

# what is ticked, as it stands behind a number
TICKED: Final[dict[str, Text]] = {"new": _("new"), "changed": _("changed"), "withdrawn": _("to be removed")}

# the next step for a difference of this cause
NEXT: Final[dict[str, Text]] = {
    "not sent": _("Review and send it."),
    "refused": _("See the SIS's reason, have it settled there, then try again."),
    "edited in the SIS": _("Keep the SIS's grade, or send the LMS's: decide on the review page."),
    "rounded by the SIS": _("Nothing to do: the SIS keeps fewer decimals."),
    "accepted, not shown": _(
        "The SIS said yes and does not show it. Compare again later; if it stays, ask the SIS administrator."
    ),
    "not confirmed yet": _("No answer came. The next read settles it; nothing is lost."),
    "held": _("Left in the SIS as it is. The reason says what to do."),
    "gone from the LMS": _("Tick its removal on the review page, or leave it."),
}

# what should be settled in the LMS before sending (readiness.CODES): what it is, what to do, and the page of ours that
# helps
READINESS: Final[dict[str, tuple[Text, Text, str]]] = {
    "unposted": (
        _("Grades that are hidden from students, so that they cannot see them yet"),
        _("Post them in the LMS's gradebook before you send them."),
        "",
    ),
    "not-graded": (
        _("Results without a grade; they are not sent, and never as a zero"),
        _("Grade them, or excuse the students, in the LMS's gradebook."),
        "",
    ),
    "pending": (
        _("Results that wait for a review in the LMS; their score is not the grade yet"),
        _("Mark what is left of them in the LMS; until then nothing is sent for them."),
        "",
    ),
    "missing": (
        _("Results that are marked missing and have no score"),
        _("Enter a zero in the LMS's gradebook if it should count as one."),
        "",
    ),
    "unreadable": (
        _("Grades that could not be read, because the LMS sent no usable number or several at once"),
        _("Enter them again in the LMS; where that does not help, ask its administrator."),
        "",
    ),
    "not-shown": (
        _("Grades that the LMS keeps from the account that reads it"),
        _("Ask the LMS administrator to let that account see hidden grades."),
        "",
    ),
    "excused": (
        _("Excused results; they are sent as excused, without a score"),
        _("Take the excuse back in the LMS where a grade should count."),
        "",
    ),
    "late-policy": (
        _("Late or missing results whose points a rule of the LMS may still change"),
        _("Settle in the LMS what they count, or send them again when it is settled."),
        "",
    ),
    "current-differs": (
        _("Students for whom the LMS shows several course totals that differ, such as current and final"),
        _("Grade or excuse what is not graded, or be sure which of them you send."),
        "line_items",
    ),
    "override": (
        _("Students with a grade that was set by hand in place of the one that the LMS had"),
        _("The grade set by hand is sent. Check in the LMS that it still holds."),
        "",
    ),
    "without-maximum": (
        _("Assignments without a maximum, so that their scores cannot be scaled"),
        _("Set the points possible in the LMS."),
        "line_items",
    ),
    "omitted": (
        _("Assignments that the LMS leaves out of its course total"),
        _("Be sure that they should count in the SIS, or leave them out here too."),
        "line_items",
    ),
    "scheme-missing": (
        _("Assignments or totals with letters for which the LMS gives no grading scheme"),
        _("Turn on a grading scheme in the LMS, or send them as points or percent."),
        "schemes",
    ),
    "without-sis-id": (
        _("Students without a SIS id in the LMS; they are matched by other identifiers or by hand"),
        _("Ask the LMS administrator to enter SIS ids."),
        "students",
    ),
    "course-concluded": (
        _("The course is concluded in the LMS: its grades are final there"),
        _("Nothing, if you are sending the last grades. Else ask the LMS administrator to open it again."),
        "",
    ),
    "course-unpublished": (
        _("The course is not published in the LMS, so that its students see none of it"),
        _("Publish it in the LMS, unless that is meant."),
        "",
    ),
    "incomplete": (
        _("The LMS was not read completely. What is there is sent; nothing is withdrawn"),
        _("Read the course again later."),
        "",
    ),
}

# the parts of that list, in their order
READINESS_GROUPS: Final[dict[str, Text]] = {
    "course": _("The course"),
    "results": _("Grades"),
    "totals": _("Course total"),
    "items": _("Assignments"),
    "students": _("Students"),
}


def limits(lacking: Collection[str], page: str) -> list[Text]:
    """What a SIS cannot hold or do, as far as it matters on this page."""
    return [CAPABILITIES[code][1] for code in capabilities.on_page(lacking, page)]
