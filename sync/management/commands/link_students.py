"""Say who is who, or who stays out; without options, list how each student matches and what is to settle."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from lti_tool.models import Context
from sync import engine
from sync.engine import Who
from sync.management.base import Answer, Failed, JsonCommand, find_context, split_pair, who
from sync.models import ClassLink


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context", metavar="CONTEXT", help="as sync_course lists it")
        parser.add_argument("--student", action="append", default=[], metavar="LMS_ID=SOURCED_ID")
        parser.add_argument("--exclude", action="append", default=[], metavar="LMS_ID=REASON")

    def answer(self, options: dict[str, Any]) -> Answer:
        context = find_context(options["context"])
        snapshot: dict[str, Any] = engine.look(context)
        if options["student"] or options["exclude"]:
            _apply(context, snapshot, options, who())
            snapshot = engine.look(context)
        problems = [one for one in snapshot["students"] if one["state"] == "problem"]
        data = {"ok": not problems, "context": str(context.public_id), "students": snapshot["students"]}
        return Answer(data, [_line(one) for one in snapshot["students"]], clean=not problems)


def _apply(context: Context, snapshot: dict[str, Any], options: dict[str, Any], person: Who) -> None:
    known = {one["user_id"] for one in snapshot["students"]}
    for text in options["student"]:
        user_id, student_id = split_pair(text, known)
        engine.link_student(context, user_id, _class_of(context, snapshot, student_id), student_id, person)
    for text in options["exclude"]:
        user_id, reason = split_pair(text, known)
        if user_id not in known:
            raise Failed(f"The course has no student {user_id}.", "student_unknown")
        engine.exclude_student(context, user_id, reason, person)


def _class_of(context: Context, snapshot: dict[str, Any], student_id: str) -> ClassLink:
    """The linked class whose roster holds her."""
    holding = [
        int(link_id)
        for link_id, roster in snapshot["roster"].items()
        if any(one["id"] == student_id for one in roster)
    ]
    link = ClassLink.objects.filter(context=context, pk__in=holding).order_by("pk").first()
    if link is None:
        raise Failed(f"No linked class has a student {student_id} on its roster.", "student_unknown")
    return link


def _line(one: dict[str, Any]) -> str:
    if one["state"] == "matched":
        return f"ok        {one['user_id']}  {one['name']} = {one['student_id']} by {one['by']}"
    if one["state"] == "excluded":
        return f"left out  {one['user_id']}  {one['name']}: {one['reason']}"
    guesses = ", ".join(f"{guess['student_id']} ({guess['evidence']})" for guess in one["suggestions"])
    return f"TO SETTLE {one['user_id']}  {one['name']}: {one['reason']}{' Perhaps: ' + guesses if guesses else ''}"
