"""OneRoster 1.2 and 1.1 (1EdTech): rostering read, gradebook read and written, over REST with OAuth 2 or 1.0a."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from lti_tool import http
from sync.auth import TokenStore
from sync.errors import AdapterError, Misconfigured
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.oneroster import wire
from sync.sis.oneroster.access import access_of
from sync.sis.oneroster.client import Client
from sync.sis.oneroster.line_items import LineItems
from sync.sis.oneroster.options import OPTIONS
from sync.sis.oneroster.profile import parse
from sync.sis.oneroster.results import Results


class OneRoster(base.Sis):
    """A OneRoster SIS. Options and what they mean: `options.OPTIONS`; products' own ways: `presets.PRESETS`."""

    name = "oneroster"
    label = "OneRoster 1.2 / 1.1"
    options = OPTIONS

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.parallel, self.batch_size = self._config.parallel, self._config.batch
        self._access = access_of(settings, self._config, self.tokens)
        hosts = [http.host_of(self._config.rostering), http.host_of(self._config.gradebook)]
        limit = self._config.page_limit if self._config.paged else None
        self._client = Client(
            self._access, hosts, self._config.headers, page_limit=limit, hint=self._config.lacking
        )
        self._results = Results(self._client, self._config)
        self._profile = self._config.profile()

    @property
    def profile(self) -> sis.Profile:
        return self._profile

    def close(self) -> None:
        self._client.close()

    # --- rostering ----------------------------------------------------------------------------------------------

    def get_class(self, class_id: str) -> sis.Class | None:
        raw = self._client.get_one(self._config.rostering_url("classes", class_id), "class")
        return None if raw is None else wire.read_class(raw)

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        url = self._config.rostering_url("teachers", teacher_id, "classes")
        return [wire.read_class(row) for row in self._client.get_all_if_any(url, "classes") or []]

    def students(self, class_id: str) -> list[sis.Student]:
        return self._people(class_id, "students")

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        return self._people(class_id, "teachers")

    def sessions(self, class_id: str) -> list[sis.Session]:
        """Grading periods of the class's terms first, then the terms; those of today first, then the latest.

        Where a line item must name a grading period (1.1), those alone, unless the SIS has none.
        """
        found = self.get_class(class_id)
        terms = found.session_ids if found else ()
        sessions = [one for term in terms for one in self._sessions_of(term)]
        unique = {one.sourced_id: one for one in sessions}.values()
        today = datetime.now(UTC).date()
        ordered = sorted(unique, key=lambda one: (not _is_period(one), not _holds(one, today), _latest(one)))
        periods = [one for one in ordered if _is_period(one)]
        return periods if periods and self._config.session_ref == "gradingPeriod" else ordered

    def _sessions_of(self, term_id: str) -> Iterator[sis.Session]:
        url = self._config.rostering_url("terms", term_id, "gradingPeriods")
        for row in self._client.get_all_if_any(url, "academicSessions", "gradingPeriods") or []:
            yield wire.read_session(row)
        raw = self._client.get_one(self._config.rostering_url("academicSessions", term_id), "academicSession")
        yield wire.read_session(raw) if raw is not None else sis.Session(term_id, term_id)

    def _people(self, class_id: str, role: str) -> list[sis.Person]:
        rows = self._client.get_all(self._config.rostering_url("classes", class_id, role), "users", role)
        return [wire.read_person(row) for row in rows]

    # --- gradebook ----------------------------------------------------------------------------------------------

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        rows = self._client.get_all(self._config.gradebook_url("classes", class_id, "lineItems"), "lineItems")
        return [self._marked(wire.read_line_item(row, class_id)) for row in rows]

    def _marked(self, item: sis.LineItem) -> sis.LineItem:
        """OneRoster knows no computed total: a SIS that makes one shows it in a line item like any other."""
        name = self._config.own_total
        return (
            replace(item, computed=True) if name and name in (item.sourced_id, item.title.strip()) else item
        )

    def results(self, class_id: str) -> list[sis.Result]:
        rows = self._client.get_all(self._config.gradebook_url("classes", class_id, "results"), "results")
        for row in rows:
            self._results.remember(row)
        return [wire.read_result(row, class_id, self._config) for row in rows]

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        if self._config.is_v11:
            return []
        url = self._config.gradebook_url("classes", class_id, "scoreScales")
        return [wire.read_score_scale(row) for row in self._client.get_all_if_any(url, "scoreScales") or []]

    def categories(self, class_id: str) -> list[sis.Category]:
        """Those of the class; all of the SIS where it does not list them by class (1.1, and vendors of 1.2)."""
        source, rows = self._config.categories, None
        if source == "none":
            return []
        if source == "class" or (source == "" and not self._config.is_v11):
            url = self._config.gradebook_url("classes", class_id, "categories")
            rows = self._client.get_all_if_any(url, "categories")
        if not rows and source != "class":
            rows = self._client.get_all_if_any(self._config.gradebook_url("categories"), "categories")
        return [wire.read_category(row) for row in rows or []]

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        return LineItems(self._client, self._config).create(new, self.categories(new.class_id))

    # --- writing results ----------------------------------------------------------------------------------------

    def push(self, changes: Iterable[sis.Change], starting: base.Starting = tuple) -> Iterator[base.Answer]:
        """New results by POST first, so that the rows of one line item stand together and fill their batches."""
        ordered = sorted(changes, key=lambda change: not self._results.posts(change))
        yield from super().push(ordered, starting)

    def batch_key(self, change: sis.Change) -> object:
        if self._results.posts(change) and not self._results.is_fragile(change):
            return change.key.class_id, change.key.line_item_id
        return change.key

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        return self._results.send(batch)

    # --- connection check ---------------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        """A new token, one row of classes, one of line items, and the rights that the token names."""
        good = "Each request is signed." if self._config.signed else "The SIS gave a token."
        found = [_tried("Key" if self._config.signed else "Token", self._access.begin_anew, good)]
        if found[0].ok:
            found.append(self._readable("Rostering", self._config.rostering_url("classes"), "classes"))
            found.append(self._readable("Gradebook", self._config.gradebook_url("lineItems"), "lineItems"))
            found.append(self._may_write())
        return found

    def _readable(self, title: str, url: str, name: str) -> Finding:
        def read() -> None:
            response = self._client.get(url, {"limit": "1", "offset": "0"})
            if response.status_code != 200:
                text = (
                    f"The SIS answered {response.status_code}. Its administrator must allow this key to read; "
                    "if it may, check address and version."
                )
                raise Misconfigured(text)
            self._client.rows(response, name)

        return _tried(title, read, "It can be read.")

    def _may_write(self) -> Finding:
        granted = self._access.granted
        if granted is None:
            return Finding("Writing", True, "The SIS names no rights; the first push will show.")
        names = [] if self._config.line_items == "none" and self._config.posts else ["gradebook.createput"]
        names += ["gradebook.createpost"] if self._config.posts else []
        missing = [name for name in names if not any(scope.endswith(name) for scope in granted)]
        if missing == ["gradebook.createpost"]:
            return Finding("Writing", True, "No right to POST: grades go one by one.")
        if missing:
            text = f"The SIS administrator must allow this key: {', '.join(missing)}."
            return Finding("Writing", False, text)
        return Finding("Writing", True, "The key may write grades.")


def _tried(title: str, call: Callable[[], object], good: str) -> Finding:
    try:
        call()
    except AdapterError as error:
        return Finding(title, False, str(error))
    return Finding(title, True, good)


def _is_period(session: sis.Session) -> bool:
    return session.kind == "gradingPeriod"


def _holds(session: sis.Session, at: date) -> bool:
    return bool(session.begins and session.ends and session.begins <= at < session.ends)


def _latest(session: sis.Session) -> int:
    return -(session.begins or date.min).toordinal()
