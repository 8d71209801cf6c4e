"""PowerSchool as a SIS: sections and rosters, PowerTeacher Pro's assignments, and their scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial

from sync.auth import ClientCredentials, TokenStore
from sync.errors import AdapterError, Misconfigured
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.powerschool import wire
from sync.sis.powerschool.assignments import Assignments, read_category
from sync.sis.powerschool.client import Client
from sync.sis.powerschool.profile import GRANT_PATH, OPTIONS, parse
from sync.sis.powerschool.scores import Scores
from sync.sis.powerschool.sections import Sections, is_id

NUMBER = re.compile(r"[\w.-]+", re.ASCII)


class PowerSchool(base.Sis):
    """A class is named by SECTIONS.DCID, a student by STUDENTS.DCID, a teacher by USERS.DCID.

    The plugin's key is the whole district's, and PowerSchool holds it to no teacher: whether someone may write to a class
    is decided before this adapter is asked.
    """

    name = "powerschool"
    label = "PowerSchool SIS (PowerTeacher Pro)"
    options = OPTIONS

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.parallel, self.batch_size = self._config.parallel, self._config.batch
        token_url = settings.token_url or settings.base_url.rstrip("/") + GRANT_PATH
        auth = ClientCredentials(
            token_url, settings.client_id, settings.secret, (), self.tokens, server="PowerSchool"
        )
        self._auth = auth
        self._client = Client(settings.base_url, auth, self._config.page_limit)
        self._sections = Sections(self._client)
        self._scores = Scores(self._client, self._sections, self._config)
        self._assignments = Assignments(self._client, self._sections, self._config)

    @property
    def profile(self) -> sis.Profile:
        return self._config.profile()

    def close(self) -> None:
        self._client.close()
        self._auth.close()

    # --- rostering ----------------------------------------------------------------------------------------------

    def get_class(self, class_id: str) -> sis.Class | None:
        record = self._sections.record(class_id)
        if record is None:
            return None
        course_id = str(record.get("course_id") or "")
        course = self._client.record(f"/ws/v1/course/{course_id}", "course") if is_id(course_id) else None
        return wire.read_class(record, course)

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        """Of the sections whose lead teacher has this USERS.DCID or teacher number, those of the newest two years.

        Two, as next year's stand there before this one's are over.
        """
        rows = [
            row
            for user_dcid in self._users(teacher_id)
            for staff in self._client.table("schoolstaff", wire.STAFF_FIELDS, f"users_dcid=={user_dcid}")
            for row in self._client.table("sections", wire.SECTION_FIELDS, f"teacher=={staff['id']}")
        ]
        found = [self.get_class(dcid) for dcid in wire.of_newest_years(rows, 2)]
        return [one for one in found if one is not None]

    def _users(self, teacher_id: str) -> set[str]:
        if not NUMBER.fullmatch(teacher_id):
            return set()  # no number of a teacher, and nothing to put into a question
        queries = [f"teachernumber=={teacher_id}"] + ([f"dcid=={teacher_id}"] if is_id(teacher_id) else [])
        return {
            str(row["dcid"])
            for query in queries
            for row in self._client.table("users", wire.USER_FIELDS, query)
        }

    def students(self, class_id: str) -> list[sis.Student]:
        record = self._record(class_id)
        term = self._term(record)
        rows = self._client.enrolments(f"/ws/v1/section/{class_id}/section_enrollment")
        ends = term.ends if term else None
        ids = sorted({str(row["student_id"]) for row in rows if wire.is_in(row, _today(), ends)})
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="powerschool") as pool:
            return list(pool.map(self._student, ids))

    def _student(self, dcid: str) -> sis.Student:
        found = self._client.record(f"/ws/v1/student/{dcid}?expansions=contact_info", "student")
        return wire.read_student(found) if found else sis.Person(dcid)

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        """The lead teacher, whatever the day, and those who teach beside her now."""
        section = self._sections.linked(class_id)
        rows = self._client.table("sectionteacher", wire.TEACHING_FIELDS, f"sectionid=={section.section_id}")
        staff_ids = sorted({str(row["teacherid"]) for row in rows if wire.teaches(row, _today())})
        staff = [self._client.row("schoolstaff", wire.STAFF_FIELDS, f"id=={one}") for one in staff_ids]
        dcids = {section.users_dcid, *(str(one["users_dcid"]) for one in staff if one)}
        users = [self._client.row("users", wire.USER_FIELDS, f"dcid=={one}") for one in sorted(dcids)]
        return [wire.read_teacher(one) for one in users if one]

    def sessions(self, class_id: str) -> list[sis.Session]:
        """The section's own term: an assignment's due date must lie in it."""
        term = self._term(self._record(class_id))
        return [term] if term else []

    def _record(self, class_id: str) -> wire.Record:
        found = self._sections.record(class_id)
        if found is None:
            text = "The linked class is no section of PowerSchool. Link the class again."
            raise Misconfigured(text, "class_unknown")
        return found

    def _term(self, record: wire.Record) -> sis.Session | None:
        term_id = str(record.get("term_id") or "")
        found = self._client.record(f"/ws/v1/term/{term_id}", "term") if is_id(term_id) else None
        return wire.read_session(found) if found else None

    # --- gradebook ----------------------------------------------------------------------------------------------

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        return [one.item for one in self._sections.columns(self._sections.linked(class_id))]

    def results(self, class_id: str) -> list[sis.Result]:
        if not self._config.read_back:
            return []
        columns = self._sections.columns(self._sections.linked(class_id))
        self._scores.check_readable()
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="powerschool") as pool:
            return [one for results in pool.map(self._scores.stored, columns) for one in results]

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        found = self._assignments.categories(self._sections.linked(class_id))
        return [read_category(one) for one in found]

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        return self._assignments.create(new)

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        return self._scores.send(batch)

    # --- connection check ---------------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        found = [_tried("Server", self._version, "It answers, and accepts the key.")]
        if not found[0].ok:
            return found
        rostering = (
            ("sections", wire.SECTION_FIELDS),
            ("sectionteacher", wire.TEACHING_FIELDS),
            ("schoolstaff", wire.STAFF_FIELDS),
            ("users", wire.USER_FIELDS),
        )
        found += [
            _tried(f"Table {name}", partial(self._client.probe, name, fields), "It can be read.")
            for name, fields in rostering
        ]
        if self._config.read_back:
            found.append(_tried("Reading scores back", self._scores.check_readable, "It can be read."))
        else:
            text = "Scores are not read back: what a person changes in PowerTeacher Pro is not seen."
            found.append(Finding("Reading scores back", True, text))
        text = "Whether the plugin may write shows with the first assignment, and the first scores."
        return [*found, Finding("Writing", True, text)]

    def _version(self) -> object:
        return self._client.record("/ws/v1/metadata", "metadata")


def _tried(title: str, call: Callable[[], object], good: str) -> Finding:
    try:
        call()
    except AdapterError as error:
        return Finding(title, False, str(error))
    return Finding(title, True, good)


def _today() -> date:
    return datetime.now(UTC).date()
