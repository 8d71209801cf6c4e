"""ILP's grade exchange as a SIS: it takes letters of one class and kind, many students at once, and tells of each.

It shows neither rosters nor grades: the LMS's SIS ids stand for the students, an administrator links the class, and what
ILP did not speak of is unknown. Sending the same again is harmless (GE10), so that what is unknown may go once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from sync.auth import TokenStore
from sync.errors import AdapterError, Rejected
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.banner_ilp import wire
from sync.sis.banner_ilp.client import Client
from sync.sis.banner_ilp.options import FIELDS, OPTIONS, parse


class BannerIlp(base.Sis):
    """A class is named by ILP's course id (“12345.202710”), a student by her Banner id."""

    name = "banner_ilp"
    label = "Banner ILP (Intelligent Learning Platform)"
    options = OPTIONS
    # one exchange at a time: nothing says that ILP bears more
    parallel = 1

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.batch_size = self._config.students

    @cached_property
    def _client(self) -> Client:
        return Client(self.settings)

    @property
    def profile(self) -> sis.Profile:
        return self._config.profile()

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def check(self) -> list[Finding]:
        try:
            self._client.knock()
        except AdapterError as error:
            return [Finding("Exchange", False, str(error))]
        text = "ILP answers, and takes the password. Whether it takes a grade shows with the first push."
        return [Finding("Exchange", True, text)]

    # --- what ILP does not show ---

    def get_class(self, class_id: str) -> sis.Class | None:
        """Whatever an administrator linked: nobody can be asked."""
        return sis.Class(class_id, class_id) if class_id.strip() else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        return []

    def students(self, class_id: str) -> list[sis.Student]:
        return []

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        return []

    def results(self, class_id: str) -> list[sis.Result]:
        return []

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        return []

    def sessions(self, class_id: str) -> list[sis.Session]:
        return []

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        return [
            sis.LineItem(f"{class_id}#{kind}", _title(kind), class_id, kind="course_total")
            for kind in self._config.grades
        ]

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        raise Rejected("line_item_missing", "Banner has the kinds of grade that the connection names.")

    # --- writing ---

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        fit, modified_by = [], self._config.modified_by or self.sender
        for change in batch:
            outcome = self._refused(change, modified_by)
            if outcome is None:
                fit.append(change)
            else:
                yield change, outcome
        if fit:
            messages = self._client.send(modified_by, [self._entry(change) for change in fit])
            # of whom ILP says nothing, the base says unknown
            for change in fit:
                if said := messages.get(change.key.student_id.strip()):
                    yield change, _with_doubt(change, wire.outcome_of(said))

    def _entry(self, change: sis.Change) -> wire.Json:
        return wire.grade_of(change, FIELDS[_kind(change)], self._config.zone)

    def _refused(self, change: sis.Change, modified_by: str) -> sis.Outcome | None:
        """What is refused before a request."""
        extras = (change.after.extras if change.after else None) or sis.Extras()
        if change.key.line_item_id not in {f"{change.key.class_id}#{kind}" for kind in self._config.grades}:
            return sis.Outcome("rejected", "line_item_missing")
        if not modified_by:
            words = "Banner wants to know which instructor submits: the LMS has no SIS id of who sends this."
            return sis.Outcome("rejected", "not_your_class", words)
        if extras.never_attended:
            words = "ILP cannot hold that a student never attended. Enter it in Banner."
            return sis.Outcome("rejected", "malformed", words)
        if (extras.lapses_to or extras.extended_to) and _kind(change) != "final":
            words = "Only a final grade can be incomplete."
            return sis.Outcome("rejected", "malformed", words)
        return None


def _with_doubt(change: sis.Change, outcome: sis.Outcome) -> sis.Outcome:
    """GE10 speaks of the letter; that dates beside it were taken it does not say."""
    if outcome.state != "unchanged" or not change.after or not change.after.extras:
        return outcome
    words = "Banner had this grade already, and does not say whether it took the dates beside it. Check them there."
    return replace(outcome, words=words)


def _kind(change: sis.Change) -> str:
    return change.key.line_item_id.rpartition("#")[2]


def _title(kind: str) -> str:
    name, _, number = kind.partition("-")
    return f"{name.capitalize()} grade {number}".strip()
