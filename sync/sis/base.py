"""The seam between the engine and a SIS: one class that reads and writes a class's gradebook.

An author writes the translation of one request and may raise the four errors of `sync.errors`. This base owns
order, parallelism and the rate budget, and turns `Rejected` and `Unreachable` into Outcomes (design §5).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import ClassVar

from sync.auth import MemoryTokens, TokenStore
from sync.errors import AdapterError, Rejected, Unreachable
from sync.options import Finding, Option
from sync.sis import records as sis

Answer = tuple[sis.Change, sis.Outcome]
Starting = Callable[[Sequence[sis.Change]], Sequence[sis.Change]]


@dataclass(frozen=True, slots=True)
class Settings:
    """One SIS connection as plain values: no models here. `name` is the connection's key in the ledger.

    `secret` is the resolved client secret; it and the options (a vendor's key may be one) are left out of the repr.
    """

    name: str
    base_url: str
    token_url: str = ""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


class Sis(ABC):
    """A SIS connection. Instances are made per run and used from one thread; `_send` runs in several.

    Reading methods raise `TryLater`, `Unreachable` (only a read's: treat as TryLater) or `Misconfigured`, never
    return part of a list. `get_class` returns None when the SIS says that there is no such class.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    parallel: int = 2
    batch_size: int = 1

    def __init__(self, settings: Settings, tokens: TokenStore | None = None) -> None:
        self.settings = settings
        self.tokens: TokenStore = tokens or MemoryTokens()
        # files made while sending: the engine keeps them before it notes that a grade in them was delivered
        self.documents: list[sis.Document] = []
        # whom the engine knows of, by sourced_id: for files that name people
        self.people: Mapping[str, sis.Person] = {}
        # in whose name the engine sends, by the SIS id that the LMS has of her ("" where it has none): some SISs ask who
        self.sender = ""

    @property
    @abstractmethod
    def profile(self) -> sis.Profile: ...

    @abstractmethod
    def check(self) -> list[Finding]:
        """One cheap real call or two: what is supported, what is missing, whom to ask."""

    @abstractmethod
    def get_class(self, class_id: str) -> sis.Class | None: ...

    @abstractmethod
    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]: ...

    @abstractmethod
    def students(self, class_id: str) -> list[sis.Student]: ...

    @abstractmethod
    def teachers(self, class_id: str) -> list[sis.Teacher]: ...

    @abstractmethod
    def line_items(self, class_id: str) -> list[sis.LineItem]: ...

    @abstractmethod
    def results(self, class_id: str) -> list[sis.Result]:
        """All results of the class, every page; several for one pair are all returned."""

    @abstractmethod
    def score_scales(self, class_id: str) -> list[sis.ScoreScale]: ...

    @abstractmethod
    def categories(self, class_id: str) -> list[sis.Category]: ...

    @abstractmethod
    def sessions(self, class_id: str) -> list[sis.Session]:
        """The academic sessions that a line item of this class may name, best first."""

    def registrations(self, class_id: str) -> list[sis.Registration]:
        """What each student of the class may get, where the profile says `preflight`; read before a list is shown."""
        return []

    def own_totals(
        self, class_id: str, line_items: Sequence[sis.LineItem], results: Sequence[sis.Result]
    ) -> list[sis.OwnTotal]:
        """The course totals that the SIS computes by itself, where it does and shows them; else none.

        `line_items` and `results` are what was just read of the class: many a SIS shows its total in a column, which
        its adapter marks as `computed`. Several such columns, or several results of one student, are not chosen among.
        """
        columns = [one for one in line_items if one.computed]
        if len(columns) != 1:
            return []
        column = columns[0]
        rows = [
            (one.student_id, one.value)
            for one in results
            if one.line_item_id == column.sourced_id and one.value is not None
        ]
        times = Counter(student_id for student_id, _ in rows)
        return [
            sis.OwnTotal(student_id, value.score, column.maximum, value.text, column.sourced_id)
            for student_id, value in rows
            if times[student_id] == 1
        ]

    @abstractmethod
    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        """Create one column, once. Raises Rejected, TryLater, Unreachable (lost answer: read before trying again)."""

    @abstractmethod
    def _send(self, batch: Sequence[sis.Change]) -> Iterable[Answer]:
        """Translate one request: the batch has one `batch_key`. Yields an answer per change, or raises.

        Raising `Rejected` or `Unreachable` answers for all changes of the batch not yet yielded; raising `BatchRejected`
        has the others of the batch sent again without those that it names.
        `TryLater` and `Misconfigured` mean: nothing of what was not yet yielded was stored. Runs in a worker thread.
        """

    def batch_key(self, change: sis.Change) -> object:
        """Changes with equal keys may share a request; with `batch_size` 1 it never matters."""
        return change.key.class_id, change.key.line_item_id

    def read_report(self, content: bytes) -> list[sis.Reported]:
        """The lines of the SIS's own report about a file that this adapter made. Raises UnreadableReport."""
        raise UnreadableReport("This SIS is not known to give reports about files.")

    def close(self) -> None:  # noqa: B027 - nothing to close is a fine default
        """Let go of connections."""

    def push(self, changes: Iterable[sis.Change], starting: Starting = tuple) -> Iterator[Answer]:
        """Send; yield exactly one (Change, Outcome) per change attempted, in any order, in the calling thread.

        `starting(batch)` is called in the calling thread just before a batch's own request and returns those of it
        that are really to be sent. What it raises, and `TryLater` and `Misconfigured`, leave only after all answers
        in flight were yielded; what was not attempted stays unanswered.
        """
        pending: dict[Future[list[Answer]], Sequence[sis.Change]] = {}
        failure: BaseException | None = None
        batches = self._batches(changes)
        with ThreadPoolExecutor(max_workers=max(1, self.parallel), thread_name_prefix="sis") as pool:
            while True:
                while failure is None and len(pending) < max(1, self.parallel):
                    batch = next(batches, None)
                    if batch is None:
                        break
                    try:
                        chosen = tuple(starting(batch))
                    except Exception as error:
                        failure = error
                        break
                    if chosen:
                        pending[pool.submit(self._answers, chosen)] = chosen
                if not pending:
                    break
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    del pending[future]
                    answers, stopped = _result(future)
                    failure = failure or stopped
                    yield from answers
        if failure is not None:
            raise failure

    def _batches(self, changes: Iterable[sis.Change]) -> Iterator[tuple[sis.Change, ...]]:
        batch: list[sis.Change] = []
        for change in changes:
            full = len(batch) >= max(1, self.batch_size)
            if batch and (full or self.batch_key(change) != self.batch_key(batch[0])):
                yield tuple(batch)
                batch = []
            batch.append(change)
        if batch:
            yield tuple(batch)

    def _answers(self, batch: Sequence[sis.Change]) -> list[Answer]:
        """One batch's answers; an error that stops the run carries the answers already known in `.answers`."""
        profile = self.profile
        answers = [
            (one, sis.Outcome("rejected", "malformed", words))
            for one in batch
            if (words := unfit(one, profile))
        ]
        batch = [one for one in batch if not unfit(one, profile)]
        try:
            answers.extend(self._send(batch) if batch else ())
        except BatchRejected as error:
            batch = self._unanswered(batch, answers)
            named = [(one, error.culprits[one.key]) for one in batch if one.key in error.culprits]
            answers.extend((one, sis.Outcome("rejected", why.code, why.words)) for one, why in named)
            try:
                answers.extend(self._innocent(batch, error))
            except _Stopped as stopped:
                raise _Stopped([*answers, *stopped.answers], stopped.error) from stopped
        except Rejected as error:
            answers.extend(self._rest(batch, answers, sis.Outcome("rejected", error.code, error.words)))
        except Unreachable:
            answers.extend(self._rest(batch, answers, sis.Outcome("unknown")))
        except AdapterError as error:
            raise _Stopped(answers, error) from error
        else:
            # absent in the answer is not confirmed, and never counted as sent
            answers.extend(self._rest(batch, answers, sis.Outcome("unknown")))
        return answers

    def _innocent(self, batch: Sequence[sis.Change], error: BatchRejected) -> Iterator[Answer]:
        """Those that the batch was not refused for, sent once more: together, or one by one where nobody is named."""
        left = [change for change in batch if change.key not in error.culprits]
        if len(left) < len(batch):
            parts = [left] if left else []
        elif len(batch) > 1:
            parts = [[change] for change in left]
        else:
            yield from self._rest(batch, [], error.outcome)
            return
        for part in parts:
            yield from self._answers(part)

    @staticmethod
    def _rest(batch: Sequence[sis.Change], answers: Sequence[Answer], outcome: sis.Outcome) -> list[Answer]:
        return [(change, outcome) for change in Sis._unanswered(batch, answers)]

    @staticmethod
    def _unanswered(batch: Sequence[sis.Change], answers: Sequence[Answer]) -> list[sis.Change]:
        answered = {change.key for change, _ in answers}
        return [change for change in batch if change.key not in answered]


def unfit(change: sis.Change, profile: sis.Profile) -> str:
    """Why this SIS cannot hold what the change says, in words; "" when it can. Nothing is dropped on the way."""
    value = change.after
    if value is None:
        return "" if profile.withdraw else "This SIS takes no grade back: remove it there."
    if value.score is not None and not profile.scores:
        return "This SIS takes no numbers: send its letters or codes."
    if value.text is not None and not profile.texts:
        return "This SIS takes numbers only."
    if value.status == sis.ScoreStatus.EXEMPT and not profile.exempt:
        return "This SIS cannot hold that a student is excused."
    if value.flags - profile.flags:
        return f"This SIS cannot hold these marks: {', '.join(sorted(value.flags - profile.flags))}."
    return _unfit_extras(value.extras, profile.extras)


def _unfit_extras(extras: sis.Extras | None, carried: frozenset[str]) -> str:
    if extras is None:
        return ""
    if (extras.last_attended or extras.never_attended) and "last_attendance" not in carried:
        return "This SIS cannot hold a last date of attendance here."
    if (extras.lapses_to or extras.extended_to) and "incomplete" not in carried:
        return "This SIS cannot hold what an incomplete lapses to here."
    return ""


class UnreadableReport(AdapterError):
    """What a person brought is no report, or says what nobody explained: the text says what, and who can help."""


class BatchRejected(AdapterError):
    """A batch was refused whole, and nothing of it stored, for the changes in `culprits` (by key; empty: not said)."""

    def __init__(self, culprits: Mapping[sis.Key, Rejected], words: str = "") -> None:
        super().__init__("The batch was refused.")
        self.culprits = culprits
        self.outcome = sis.Outcome("rejected", "malformed", words)


class _Stopped(Exception):
    def __init__(self, answers: list[Answer], error: AdapterError) -> None:
        super().__init__()
        self.answers, self.error = answers, error


def _result(future: Future[list[Answer]]) -> tuple[list[Answer], BaseException | None]:
    error = future.exception()
    if error is None:
        return future.result(), None
    if isinstance(error, _Stopped):
        return error.answers, error.error
    return [], error


def settle_conflict(change: sis.Change, found: sis.Result | None) -> sis.Outcome | None:
    """What a 409 means once the existing result of the pair was read (design §4): an Outcome, or None for "PUT over it".

    Equal to `after`: accepted. Nothing there or an expected value: None. Anything else: rejected(conflict_newer).
    """
    if found is None:
        return None
    if found.value == change.after:
        return sis.Outcome("accepted", result_id=found.sourced_id)
    if found.value is None or found.value in change.expected:
        return None
    return sis.Outcome("rejected", "conflict_newer", result_id=found.sourced_id, found=found.value)
