"""A SIS that takes OneRoster zips: dropped where it fetches them, or carried there by a person.

A grade in a zip is *delivered*, never accepted: nobody tells what became of it. What was sent stands beside the zips in a
state file of our own, for the line items made here and for bulk zips; it is no read-back of the SIS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sync.auth import TokenStore
from sync.errors import Misconfigured, Rejected, TryLater, Unreachable
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.oneroster_csv import rows
from sync.sis.oneroster_csv.places import Place
from sync.sis.oneroster_csv.profile import OPTIONS, Config, read
from sync.sis.oneroster_csv.rosters import WANTED, Roster
from sync.sis.oneroster_csv.tables import HEADERS, Book, Row, Unreadable, packed, unpacked
from sync.sis.oneroster_csv.zips import Sending

UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class OneRosterCsv(base.Sis):
    """A class is named by its sourcedId. All of a class that is sent together stands in one zip."""

    name = "oneroster_csv"
    label = "OneRoster CSV (zip files, SFTP)"
    options = OPTIONS
    parallel = 1

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config: Config = read(settings)
        self._place: Place | None = self._config.place
        self.batch_size = self._config.rows
        self._roster: Roster | None = None
        self._file = f"gradesync-{UNSAFE.sub('-', settings.name)}"

    @property
    def profile(self) -> sis.Profile:
        return self._config.profile()

    def close(self) -> None:
        if self._place is not None:
            self._place.close()

    def batch_key(self, change: sis.Change) -> object:
        return change.key.class_id

    def check(self) -> list[Finding]:
        config = self._config
        text = f"OneRoster {config.version}, {config.mode}. Have the SIS take in one zip, and compare, before teachers send."
        found = [Finding("Files", True, text)]
        if self._place is None:
            return [*found, Finding("Folder", True, "None: a run offers its zip, and a person uploads it.")]
        try:
            self._place.probe()
            found.append(Finding("Folder", True, "A file was made there and removed."))
            found += [self._roster_found()] if config.roster else []
        except (Misconfigured, TryLater) as error:
            found.append(Finding("Folder", False, str(error)))
        return found

    def _roster_found(self) -> Finding:
        book = self._read_roster().book
        text = f"{len(book.rows('classes'))} classes, {len(book.rows('users'))} users."
        return Finding("Roster", True, text)

    # --- what the SIS's own zip says ---

    def get_class(self, class_id: str) -> sis.Class | None:
        """Without a roster whatever an administrator linked: nobody can be asked."""
        if self._config.roster:
            return self._read_roster().class_of(class_id)
        return sis.Class(class_id, class_id, self._config.school) if class_id.strip() else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        return self._read_roster().classes_of_teacher(teacher_id)

    def students(self, class_id: str) -> list[sis.Student]:
        return self._read_roster().people(class_id, "student")

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        return self._read_roster().people(class_id, "teacher")

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return self._read_roster().scales(class_id)

    def sessions(self, class_id: str) -> list[sis.Session]:
        if not self._config.roster and self._config.session:
            return [sis.Session(self._config.session, self._config.session, "gradingPeriod")]
        return self._read_roster().sessions(class_id)

    def categories(self, class_id: str) -> list[sis.Category]:
        """The SIS's own, and ours where it has none of that title."""
        found = {**self._state().rows("categories"), **self._read_roster().book.rows("categories")}
        return [sis.Category(key, row.get("title", "")) for key, row in sorted(found.items())]

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        sending = self._sending(class_id, self._state())
        scales = sending.scale_of_items()
        return [
            rows.line_item(row, scales.get(key, "")) if self._place else self._total(row)
            for key, row in sorted(sending.items().items())
        ]

    def _total(self, row: Row) -> sis.LineItem:
        return sis.LineItem(
            row["sourcedId"], row["title"], row["classSourcedId"], rows.number("0"), rows.number("100"),
            kind="course_total",
        )  # fmt: skip

    def results(self, class_id: str) -> list[sis.Result]:
        """What we sent last, as it stands in our state: what the SIS made of it shows nowhere."""
        state = self._state()
        items = self._sending(class_id, state).items()
        return [
            rows.result(row, class_id, self._config.flags)
            for _, row in sorted(state.rows("results").items())
            if row.get("lineItemSourcedId") in items
        ]

    def _read_roster(self) -> Roster:
        """Read once by an adapter's instance, that is by a run; without the option nobody and nothing."""
        if self._roster is None:
            self._roster = Roster(self._unpacked(self._config.roster, WANTED) or Book())
            if self._config.roster and (missing := self._roster.missing()):
                raise self._bad_roster(f"it has no {', '.join(f'{name}.csv' for name in missing)}")
        return self._roster

    def _unpacked(self, name: str, wanted: Iterable[str]) -> Book | None:
        content = self._place.read(name) if self._place is not None and name else None
        if content is None:
            return None
        try:
            return unpacked(content, wanted)
        except Unreadable as error:
            raise self._bad_roster(str(error), name) from None

    def _bad_roster(self, why: str, name: str = "") -> Misconfigured:
        text = f"“{name or self._config.roster}” cannot be used: {why}. Whoever puts it there must put a whole one."
        return Misconfigured(text, "zip_unreadable")

    # --- writing ---

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        """It is kept in our state, and goes out with its first grades."""
        new = replace(new, school_id=new.school_id or self._config.school)
        place = self._checked_place(new)
        scale = next(
            (one for one in self.score_scales(new.class_id) if one.sourced_id == new.score_scale_id), None
        )
        with self._alone():
            state = self._state()
            category = self._category(new.category_title.strip() or self._config.category)
            row = rows.line_item_row(new, category["sourcedId"], self._config.version)
            state = state.having("categories", [category]).having("lineItems", [row])
            if scale is not None and "lineItemScoreScales" in HEADERS[self._config.version]:
                state = state.having("lineItemScoreScales", [rows.item_scale_row(new.sourced_id, scale)])
            self._keep(place, state)
        return rows.line_item(row, scale.sourced_id if scale else "")

    def _checked_place(self, new: sis.NewLineItem) -> Place:
        """Where the new line item is kept. Raises Rejected for one that no zip could carry."""
        config = self._config
        if self._place is None:
            raise Rejected(
                "forbidden", "Without a folder or SFTP server no assignments are made for this SIS."
            )
        if config.version == "1.1" and not new.session_id:
            raise _needs(
                "The SIS's zip names no grading period for this class. Its administrator must set one."
            )
        if config.version != "1.1" and not new.school_id:
            raise _needs("The SIS's zip names no school for this class. Its administrator must set one.")
        if len(new.title) > config.title_limit:
            raise Rejected("malformed", f"This SIS takes titles of {config.title_limit} characters at most.")
        return self._place

    def _category(self, title: str) -> Row:
        known = self._read_roster().book.rows("categories")
        found = [
            row for _, row in sorted(known.items()) if row.get("title", "").casefold() == title.casefold()
        ]
        made = rows.derived(self.settings.name, "category", title.casefold())
        return found[0] if found else {"sourcedId": made, "title": title}

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        class_id, now = batch[0].key.class_id, datetime.now(UTC)
        with self._alone():
            sending = self._sending(class_id, self._state())
            fine, refused = self._parted(batch, sending)
            yield from refused
            if not fine:
                return
            ids = sending.ids(fine)
            delta = sending.delta(fine, ids, now.date())
            content = packed(delta, self._config.version, "delta", now, self._config.system)
            stamp = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}Z"
            if self._place is not None:
                self._drop(self._place, sending, delta, content, stamp, now)
        name = f"{UNSAFE.sub('-', class_id).strip('-')}-{stamp}.zip"
        # kept with the run: of this class only, whatever a bulk zip holds
        self.documents.append(sis.Document(name, "application/zip", content, class_id))
        yield from ((one, sis.Outcome("delivered", words=name, result_id=ids[one.key])) for one in fine)

    def _parted(
        self, batch: Sequence[sis.Change], sending: Sending
    ) -> tuple[list[sis.Change], list[base.Answer]]:
        """What a zip may name; nobody would answer for a column or a student that is not there."""
        items, fine, refused = sending.items(), [], []
        here = sending.roster.ids(sending.class_id, "student")
        for one in batch:
            if one.key.line_item_id not in items:
                refused.append((one, sis.Outcome("rejected", "line_item_missing")))
            elif self._config.roster and one.key.student_id not in here and one.after is not None:
                refused.append((one, sis.Outcome("rejected", "not_enrolled")))
            else:
                fine.append(one)
        return fine, refused

    def _drop(
        self, place: Place, sending: Sending, delta: Book, content: bytes, stamp: str, now: datetime
    ) -> None:
        """The zip, then our state: were it the other way round, what never left could stand in the next bulk zip."""
        config, state = self._config, sending.state.over(delta)
        if config.mode == "bulk":
            whole = sending.whole(state)
            place.drop(f"{self._file}.zip", packed(whole, config.version, "bulk", now, config.system))
        else:
            place.drop(f"{self._file}-{stamp}.zip", content)
        try:
            self._keep(place, state)
        except (TryLater, Misconfigured) as error:
            raise Unreachable("The zip was dropped, and what it holds could not be noted.") from error

    def _sending(self, class_id: str, state: Book) -> Sending:
        return Sending(class_id, self._config, state, self._read_roster(), self.settings.name)

    def _state(self) -> Book:
        return self._unpacked(f"{self._file}.state", HEADERS["1.2"]) or Book()

    def _keep(self, place: Place, state: Book) -> None:
        content = packed(state, self._config.version, "bulk", datetime.now(UTC), self._config.system)
        place.drop(f"{self._file}.state", content)

    def _alone(self) -> AbstractContextManager[None]:
        return nullcontext() if self._place is None else self._place.lock(f"{self._file}.lock")


def _needs(words: str) -> Rejected:
    return Rejected("extra_data_required", words)
