"""The faults of lists, applied: refusals instead of an answer, values that are wrong, lists that end early."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from flask import Response, abort

from gradesync_site.sandbox.control import Sandbox

Json = dict[str, Any]
Item = TypeVar("Item")

NOT_A_NUMBER = "@nan@"
LOGIN_PAGE = "<!doctype html><title>Log in</title><h1>Log in to Sandbox University</h1>"


def of_lists(sandbox: Sandbox, *, too_many: int) -> None:
    """Ends the request when a fault of every list strikes; `too_many` is how this API says "too often"."""
    slow = sandbox.strikes("slow")
    if slow:
        time.sleep(slow.settings.get("seconds", 1))
    limited = sandbox.strikes("rate-limit")
    if limited:
        abort(too_often(int(limited.settings.get("status", too_many)), limited.settings))
    if sandbox.strikes("html-instead-of-json"):
        abort(Response(LOGIN_PAGE, 200, mimetype="text/html"))
    if sandbox.strikes("course-gone"):
        body = '{"errors":[{"message":"The specified resource does not exist."}]}'
        abort(Response(body, 404, mimetype="application/json"))


def too_often(status: int, settings: Json) -> Response:
    headers = {"X-Rate-Limit-Remaining": "0.0"}
    if status == 429:
        headers["Retry-After"] = str(settings.get("retry_after", 7))
    return Response("403 Forbidden (Rate Limit Exceeded)\n", status, headers, mimetype="text/html")


def of_results(sandbox: Sandbox) -> Response | None:
    if sandbox.strikes("results-500"):
        return Response('{"errors":[{"message":"An error occurred."}]}', 500, mimetype="application/json")
    return None


def scores(sandbox: Sandbox, rows: list[Any], *names: str) -> list[Any]:
    """Spoils the first score of the list when a fault of values strikes."""
    first = next((row for row in rows if row.get(names[0]) is not None), None)
    if first is None:
        return rows
    for fault, wrong in (("score-not-a-number", "n/a"), ("score-nan", NOT_A_NUMBER), ("negative", -3)):
        if sandbox.strikes(fault):
            first.update(dict.fromkeys(names, wrong))
    return rows


def as_text(body: str) -> str:
    """NaN is written at the very end, as no honest JSON writer does it."""
    return body.replace(f'"{NOT_A_NUMBER}"', "NaN")


def people(sandbox: Sandbox, rows: Sequence[Item]) -> Sequence[Item]:
    return rows[: len(rows) // 2] if sandbox.strikes("members-short") else rows


def shortened(sandbox: Sandbox, rows: Sequence[Item]) -> Sequence[Item]:
    return rows[: len(rows) // 2] if sandbox.strikes("results-short") else rows


def scheme(sandbox: Sandbox, entries: list[Json]) -> list[Json]:
    if sandbox.strikes("scheme-gap"):
        entries = [entry for entry in entries if entry["value"] >= Decimal("0.7")]
    if sandbox.strikes("scheme-unsorted"):
        entries = entries[::-1]
    if sandbox.strikes("scheme-doubled") and len(entries) > 1:
        entries = [*entries[:-1], entries[-1] | {"value": entries[-2]["value"]}]
    return entries
