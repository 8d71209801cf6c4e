"""From the LMS's result to the SIS's value, with its why. Pure, exact decimals; never by an assumed scheme."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from enum import Enum
from typing import Final, Literal

from sync import cutoffs
from sync.cutoffs import Cutoffs
from sync.lms import records as lms
from sync.planning import Problem, Who
from sync.sis import records as sis

Kind = Literal["points", "percent", "letter", "gpa", "pass_fail"]
ROUNDINGS: Final[Mapping[str, str]] = {
    "half up": ROUND_HALF_UP,
    "half even": ROUND_HALF_EVEN,
    "down": ROUND_DOWN,
}
HUNDRED: Final = Decimal(100)
LARGEST: Final = 12  # digits before the point: what is larger is no score
SMALLEST: Final = -60  # digits after it: a number written longer would fill the page
PASSED: Final = frozenset({"complete", "pass", "passed", "satisfactory", "credit"})
FAILED: Final = frozenset({"incomplete", "fail", "failed", "unsatisfactory", "no credit"})


class Nothing(Enum):
    NOTHING = "nothing to send"


NOTHING: Final = Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Target:
    """What one SIS line item takes. `maximum` None: it has no range of its own.

    `flags` are those that the connection carries; `texts`: may a value be text; `score_scale`: its closed list.
    """

    kind: Kind
    minimum: Decimal = Decimal(0)
    maximum: Decimal | None = None
    decimals: int = 4
    over_max: bool = False
    flags: frozenset[str] = frozenset()
    texts: bool = True
    score_scale: sis.ScoreScale | None = None
    rounding: str = "half up"


@dataclass(frozen=True, slots=True)
class Converted:
    """`why` is for people; `scheme_version` names the scheme, or the SIS's score scale, that decided ("": none)."""

    value: sis.Value
    why: str
    scheme_version: str = ""


class _Refused(Exception):
    """Inside this module only: the conversion ends in this problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def convert(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target
) -> Converted | Problem | Nothing:
    """One result in the SIS line item's words; NOTHING where the LMS shows no grade.

    An unsendable grade is a Problem with `results` 1. Raises ValueError for a rounding rule that does not exist.
    """
    if target.rounding not in ROUNDINGS:
        raise ValueError(f"There is no rounding {target.rounding!r}: {', '.join(ROUNDINGS)}.")
    if is_nothing(result, target):
        return NOTHING
    if result.status is lms.Status.EXCUSED:
        return Converted(sis.Value(status=sis.ScoreStatus.EXEMPT), "excused in the LMS")
    try:
        _check_score(result)
        if not _is_graded(result):
            flags = frozenset({"missing"})
            return Converted(
                sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=flags), "missing in the LMS"
            )
        return _CONVERTERS[target.kind](result, item, scheme, target)
    except _Refused as refusal:
        return _problem(refusal.code, result)


def is_nothing(result: lms.Result, target: Target) -> bool:
    """No grade in the LMS: not graded, or missing without a score where the SIS has no flag to say so.

    What waits for a review is no grade, whatever the score so far. A score that could not be read is not nothing.
    """
    if result.status is lms.Status.PENDING:
        return True
    if result.score_error or result.status is lms.Status.EXCUSED or _is_graded(result):
        return False
    return not (_is_missing(result) and "missing" in target.flags)


def _is_graded(result: lms.Result) -> bool:
    has_grade = result.score is not None or bool(result.text)
    return result.status is lms.Status.GRADED or (result.status is lms.Status.MISSING and has_grade)


def _is_missing(result: lms.Result) -> bool:
    return result.missing or result.status is lms.Status.MISSING


def scheme_version(scheme: lms.GradeScheme | sis.ScoreScale | None) -> str:
    """A digest of what the scheme says, whatever its order and its numbers' trailing zeros; "" for none."""
    if scheme is None:
        return ""
    if isinstance(scheme, lms.GradeScheme):
        return cutoffs.version(scheme)
    parts = sorted([seen, stands_for] for seen, stands_for in scheme.entries)
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:16]


# --- numbers --------------------------------------------------------------------------------------------------


def _check_score(result: lms.Result) -> None:
    if result.score_error:
        raise _Refused(result.score_error if result.score_error in _UNREAD else "not-a-number")
    score = result.score
    if score is not None and not _is_sensible(score):
        raise _Refused("not-a-number")
    if result.status is lms.Status.GRADED and score is None and not result.text:
        raise _Refused("no-score")


def _is_sensible(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= SMALLEST and number.adjusted() < LARGEST


def _maximum(result: lms.Result, item: lms.LineItem) -> Decimal | None:
    """What the score is out of: the result's own word, else the line item's. None where there is no usable one."""
    maximum = item.maximum if result.maximum is None else result.maximum
    return maximum if maximum is not None and _is_sensible(maximum) and maximum > 0 else None


def _points(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target
) -> Converted:
    score, maximum = _number(result), _maximum(result, item)
    if target.maximum is None or (maximum == target.maximum and target.minimum <= 0):
        value = score
    else:
        value = _scaled(score, maximum, target.minimum, target.maximum)
    rounded = _fitted(value, target)
    out_of = f" of {sis.plain(maximum)}" if maximum is not None else ""
    why = f"{_label(item)}{sis.plain(score)}{out_of}"
    if value != score:
        why += f" → {sis.plain(rounded)} of {sis.plain(target.maximum or maximum or HUNDRED)}"
    return Converted(_value(result, target, score=rounded), why + _rounding_words(value, rounded, target))


def _percent(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target
) -> Converted:
    score, maximum = _number(result), _maximum(result, item)
    top = HUNDRED if target.maximum is None else target.maximum
    value = _scaled(score, maximum, target.minimum, top)
    rounded = _fitted(value, target)
    why = _percent_words(score, maximum, item)
    if top != HUNDRED or target.minimum > 0:
        why += f" → {sis.plain(rounded)} of {sis.plain(top)}"
    return Converted(_value(result, target, score=rounded), why + _rounding_words(value, rounded, target))


def _number(result: lms.Result) -> Decimal:
    if result.score is None:
        raise _Refused("no-score")
    return result.score


def _scaled(score: Decimal, maximum: Decimal | None, minimum: Decimal, top: Decimal) -> Decimal:
    """Linear onto [minimum, top]. A minimum below zero only allows negative scores: zero stays zero."""
    if maximum is None:
        raise _Refused("no-maximum")
    bottom = max(minimum, Decimal(0))
    if top <= bottom:
        raise _Refused("no-range")
    with localcontext(prec=60):
        return bottom + score * (top - bottom) / maximum


def _fitted(number: Decimal, target: Target) -> Decimal:
    """Within the target's range, at its decimals; a number outside is refused, never cut to fit."""
    top = HUNDRED if target.kind == "percent" and target.maximum is None else target.maximum
    if number < target.minimum:
        raise _Refused("negative-score")
    try:
        rounded = _rounded(number, target)
    except InvalidOperation:
        raise _Refused("not-a-number") from None
    if top is not None and not target.over_max and max(number, rounded) > top:
        raise _Refused("over-max")
    return rounded


def _rounded(number: Decimal, target: Target) -> Decimal:
    step = Decimal(1).scaleb(-target.decimals)
    with localcontext(prec=60):
        rounded = number.quantize(step, rounding=ROUNDINGS[target.rounding])
    return Decimal(sis.plain(rounded)) if rounded else Decimal(0)


def _value(
    result: lms.Result, target: Target, score: Decimal | None = None, text: str | None = None
) -> sis.Value:
    marks = {"late": result.late, "missing": _is_missing(result)}
    return sis.Value(score, text, flags=frozenset(name for name, on in marks.items() if on) & target.flags)


# --- schemes --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter, how it was found, and the version of the scheme or scale that says so."""

    name: str
    why: str
    version: str
    gpa: Decimal | None = None


def _letter(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target
) -> Converted:
    found = _letter_of(result, item, scheme, target.score_scale)
    _check_text(found.name, target)
    return Converted(_value(result, target, text=found.name), found.why, found.version)


def _gpa(result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target) -> Converted:
    found = _letter_of(result, item, scheme, target.score_scale)
    points, version = found.gpa, found.version
    if points is None:
        points, version = _stands_for(found, target.score_scale)
    rounded = _fitted(points, target)
    why = f"{found.why} = {sis.plain(rounded)} GPA points" + _rounding_words(points, rounded, target)
    return Converted(_value(result, target, score=rounded), why, version)


def _pass_fail(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, target: Target
) -> Converted:
    said = (result.text or "").strip()
    word = said.casefold()
    if word in PASSED | FAILED and target.score_scale is not None:
        text = _own_word(PASSED if word in PASSED else FAILED, target.score_scale)
        _check_text(text, target)
        version = scheme_version(target.score_scale)
        return Converted(_value(result, target, text=text), f"{said} in the LMS; {text} in the SIS", version)
    if target.score_scale is None and not _is_pass_scheme(scheme, said):
        raise _Refused("no-scheme")
    found = _letter_of(result, item, scheme, target.score_scale)
    text = _word_for(found.name, target)
    why = found.why if text == found.name else f"{found.why}; {text} in the SIS"
    return Converted(
        _value(result, target, text=text), why, _joined(found.version, target, text != found.name)
    )


def _is_pass_scheme(scheme: lms.GradeScheme | None, said: str) -> bool:
    """Two grades, and the LMS's own word, where it gives one, is one of them: else nothing says which is a pass."""
    names = [one.name.strip() for one in scheme.entries] if scheme else []
    return len(names) == 2 and (said.casefold() not in PASSED | FAILED or said in names)


def _joined(version: str, target: Target, translated: bool) -> str:
    """The scheme's version, with the scale's where the SIS's own words were needed too."""
    return f"{version}+{scheme_version(target.score_scale)}" if translated else version


def _word_for(name: str, target: Target) -> str:
    """A scheme's "Pass" in the SIS's own word, where it has a scale without that very word."""
    scale = target.score_scale
    if scale is not None and name not in {seen for seen, _ in scale.entries}:
        word = name.casefold()
        if word in PASSED | FAILED:
            name = _own_word(PASSED if word in PASSED else FAILED, scale)
    _check_text(name, target)
    return name


def _own_word(meaning: frozenset[str], scale: sis.ScoreScale) -> str:
    """The one value of the SIS's scale that is, or stands for, this word."""
    own = {
        seen
        for seen, stands_for in scale.entries
        if {seen.strip().casefold(), stands_for.strip().casefold()} & meaning
    }
    if len(own) != 1:
        raise _Refused("no-scheme")
    return own.pop()


def _stands_for(found: _Letter, scale: sis.ScoreScale | None) -> tuple[Decimal, str]:
    """The points that the SIS's scale states for the letter."""
    stated = {stands_for for seen, stands_for in scale.entries if seen == found.name} if scale else set()
    if len(stated) != 1:
        raise _Refused("no-scheme")
    try:
        points = Decimal(stated.pop().strip())
    except InvalidOperation:
        raise _Refused("no-scheme") from None
    if not points.is_finite():
        raise _Refused("scheme-broken")
    version = scheme_version(scale)
    return points, version if found.version == version else f"{found.version}+{version}"


def _letter_of(
    result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme | None, scale: sis.ScoreScale | None
) -> _Letter:
    """By the scheme in force, else by the SIS's scale where the LMS's own letter stands in it."""
    said = (result.text or "").strip()
    if scheme is not None:
        return _by_scheme(result, item, scheme, said)
    if scale is not None and said in {seen for seen, _ in scale.entries}:
        return _Letter(
            said, f"{_label(item)}{said} in the LMS, a value of the SIS's scale", scheme_version(scale)
        )
    raise _Refused("no-scheme")


def _by_scheme(result: lms.Result, item: lms.LineItem, scheme: lms.GradeScheme, said: str) -> _Letter:
    """What the LMS shows and what its scheme makes of the score must be the same letter."""
    try:
        cuts = Cutoffs.of(scheme)
    except cutoffs.Broken:
        raise _Refused("scheme-broken") from None
    version = scheme_version(scheme)
    shown = _shown(item, said, cuts.entries)
    maximum = _maximum(result, item)
    if result.score is None or maximum is None:
        return _as_shown(shown, item, version, "no-score" if result.score is None else "no-maximum")
    made = cuts.reached(result.score, maximum)
    if made is None:
        return _as_shown(shown, item, version, "letter-gap")
    if shown is not None and shown != made:
        raise _Refused("letter-disagrees")
    bound = "the lowest grade" if cuts.takes_all_below(made) else f"from {sis.plain(made.lower * 100)} %"
    why = f"{_percent_words(result.score, maximum, item)}; {made.name} {bound}"
    return _Letter(made.name, why, version, made.gpa)


def _as_shown(shown: lms.SchemeEntry | None, item: lms.LineItem, version: str, code: str) -> _Letter:
    """The LMS's own letter where the scheme cannot tell one; without it a problem, never a guess."""
    if shown is None:
        raise _Refused(code)
    return _Letter(shown.name, f"{_label(item)}{shown.name} as the LMS shows it", version, shown.gpa)


def _shown(item: lms.LineItem, said: str, entries: Sequence[lms.SchemeEntry]) -> lms.SchemeEntry | None:
    """The scheme's entry that the LMS shows; None where its text is no letter ("86.5", "complete")."""
    lettered = item.grading_type in ("letter", "gpa") or item.kind == "course_total"
    numbered = any(_is_number(one.name) for one in entries)
    if not said or (_is_number(said) and not (lettered and numbered)):
        return None
    shown = next((one for one in entries if one.name == said), None)
    if shown is None and lettered:
        raise _Refused("letter-disagrees")
    return shown


def _check_text(text: str, target: Target) -> None:
    if not target.texts:
        raise _Refused("letters-not-taken")
    scale = target.score_scale
    if scale is not None and text not in {seen for seen, _ in scale.entries}:
        raise _Refused("grade-not-in-scale")


def _is_number(text: str) -> bool:
    try:
        Decimal(text.rstrip("% "))
    except InvalidOperation:
        return False
    return True


# --- words ----------------------------------------------------------------------------------------------------


_TOTALS: Final[Mapping[str, str]] = {
    "calculated": "calculated grade ",
    "adjusted": "adjusted grade ",
    "external": "external grade ",
    "override": "grade set by hand ",
}


def _label(item: lms.LineItem) -> str:
    """Which of the LMS's course totals it is; empty for an assignment."""
    which, _period = lms.parts_of_total(item.line_item_id)
    return _TOTALS.get(which, "course total ") if which else ""


def _percent_words(score: Decimal, maximum: Decimal | None, item: lms.LineItem) -> str:
    """ "17.3 of 20 = 86.5 %"; a course total is a percentage already."""
    if maximum is None:
        raise _Refused("no-maximum")
    with localcontext(prec=60):
        percent = f"{sis.plain(sis.quantised(score * 100 / maximum, 4))} %"
    if _label(item) and maximum == HUNDRED:
        return f"{_label(item)}{percent}"
    return f"{_label(item)}{sis.plain(score)} of {sis.plain(maximum)} = {percent}"


def _rounding_words(number: Decimal, rounded: Decimal, target: Target) -> str:
    if number == rounded:
        return ""
    places = {0: "a whole number", 1: "1 decimal"}.get(target.decimals, f"{target.decimals} decimals")
    return f", rounded {target.rounding} to {places}"


_TEXTS: Final[Mapping[str, tuple[Who, str]]] = {
    "not-a-number": ("teacher", "The LMS sent a score that is not a usable number. Enter it again in the LMS."),
    "repeated": ("lms_admin", "The LMS sent several results for one student and assignment. Ask its administrator."),
    "not-shown": ("lms_admin", "The LMS keeps this grade from the account that reads it. Ask its administrator to let "
                  "that account see hidden grades."),
    "no-score": ("teacher", "The LMS says that this is graded and gives no usable grade. Enter it again there."),
    "no-maximum": ("teacher", "The LMS names no maximum for this assignment. Set its points there, or link it "
                   "with another scale."),
    "no-range": ("sis_admin", "The range of the SIS assignment is empty. Ask the SIS administrator to set it."),
    "negative-score": ("teacher", "The score is below the lowest that the SIS assignment takes. Correct it in the LMS."),
    "over-max": ("teacher", "The score is above the maximum of the SIS assignment, and this SIS takes no extra "
                 "credit. Correct it in the LMS, or raise the maximum in the SIS."),
    "no-scheme": ("teacher", "No scheme says what this grade is in the SIS's scale. Turn on a grading scheme in "
                  "the LMS, or choose another scale for this assignment."),
    "scheme-broken": ("teacher", "The LMS's grading scheme cannot be used: it is empty, repeats a grade or a bound, "
                      "or holds one that is not a number. Correct it in the LMS."),
    "letter-disagrees": ("teacher", "The grade that the LMS shows is not the one its grading scheme gives for the "
                         "score. Correct the grade or the scheme in the LMS."),
    "letter-gap": ("teacher", "The LMS's grading scheme has no grade for this score: it lies between two grades, or "
                   "outside all of them. Correct the scheme or the score in the LMS."),
    "grade-not-in-scale": ("sis_admin", "The SIS's scale for this assignment has no such grade. Ask the SIS "
                           "administrator to add it, or use a scheme in the LMS that fits."),
    "letters-not-taken": ("admin", "This SIS connection carries numbers only. Choose points or percent for this "
                          "assignment."),
}  # fmt: skip

# reasons of a reader (`lms.Result.score_error`) that have words of their own
_UNREAD: Final = frozenset({"repeated", "not-shown"})
# problems of a whole line item: one row may stand for all its results
OF_LINE_ITEM: Final = frozenset({"no-maximum", "no-range", "no-scheme", "scheme-broken", "letters-not-taken"})


def _problem(code: str, result: lms.Result) -> Problem:
    who, text = _TEXTS[code]
    return Problem(code, text, who, user_id=result.user_id, line_item_id=result.line_item_id, results=1)


_CONVERTERS: Final = {
    "points": _points,
    "percent": _percent,
    "letter": _letter,
    "gpa": _gpa,
    "pass_fail": _pass_fail,
}
