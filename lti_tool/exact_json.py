"""JSON digit for digit: every fraction is a Decimal, and nothing comes in that no database holds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import simplejson

from lti_tool.http_errors import BadBody

# what no database column and no UTF-8 text can hold: NUL, and halves of surrogate pairs
UNFIT = re.compile("[\x00\ud800-\udfff]")


def loads(content: bytes | str, *, nan: bool = False) -> Any:
    """JSON with every fraction as Decimal. Raises BadBody, also for NaN and Infinity.

    With `nan` these come as Decimal("NaN"), for lists where one such score must not hide all others.
    """
    constant = _as_nan if nan else _refuse_constant
    try:
        found = simplejson.loads(content, use_decimal=True, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise BadBody("The answer is not valid JSON.") from error
    return _fit(found) if _may_be_unfit(content) else found


def _may_be_unfit(content: bytes | str) -> bool:
    # JSON holds them as escapes only
    text = content if isinstance(content, bytes) else content.encode(errors="replace")
    return b"\\u0000" in text or b"\\ud" in text or b"\\uD" in text


def _fit(value: Any) -> Any:
    """The same with the replacement character for what cannot be stored: one odd name must not stop a course."""
    if isinstance(value, str):
        return UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_fit(one) for one in value]
    if isinstance(value, dict):
        return {_fit(name): _fit(one) for name, one in value.items()}
    return value


def dumps(data: object) -> str:
    """JSON with Decimal written digit for digit."""
    return simplejson.dumps(
        data, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _as_nan(name: str) -> Decimal:
    return Decimal("NaN")
