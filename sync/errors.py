"""What an adapter may raise: each class is named after what the engine does next (design §5)."""

from __future__ import annotations

from typing import Final, Literal, get_args

RejectionCode = Literal[
    "student_unknown",
    "not_enrolled",
    "class_unknown",
    "line_item_missing",
    "not_gradable",
    "grade_not_in_scale",
    "over_max",
    "extra_data_required",
    "frozen",
    "window_closed",
    "conflict_newer",
    "not_your_class",
    "forbidden",
    "malformed",
]
REJECTION_CODES: Final[frozenset[str]] = frozenset(get_args(RejectionCode))


class AdapterError(Exception):
    """Base of all that an adapter raises. The text is for people: no name, grade, secret or response body in it."""


class Rejected(AdapterError):
    """The other side refused this one record. `words` are its own, shown beside the student, never logged."""

    def __init__(self, code: RejectionCode, words: str = "") -> None:
        super().__init__(f"The record was refused ({code}).")
        self.code: RejectionCode = code
        self.words = words


class TryLater(AdapterError):
    """Busy or away, and surely nothing was stored: the run pauses for `after` seconds (None: the engine's own pace)."""

    def __init__(self, text: str, after: int | None = None) -> None:
        super().__init__(text)
        self.after = after


class NotItsTurn(TryLater):
    """Others use the account just now, or it rests: nothing was asked, and the read begins again by itself soon."""


class Unreachable(AdapterError):
    """The request left and no answer came: what it did is unknown, and the next read settles it."""


class Misconfigured(AdapterError):
    """Address, key or rights are wrong: an administrator must act. `code` is for her to look up."""

    def __init__(self, text: str, code: str = "misconfigured") -> None:
        super().__init__(text)
        self.code = code


class GrantNeeded(Misconfigured):
    """A teacher must connect, or connect again, before the LMS can be read for her: a page for her, and no failure.

    `code`: `grant_needed` (she never did), `grant_lost` (the LMS ended it), `grant_refused` (it is refused just now).
    """
