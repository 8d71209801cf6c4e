"""What all commands share: `--json`, exit codes (0 done, 1 done with problems, 2 failed), courses by name."""

from __future__ import annotations

import getpass
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from lti_tool import http
from lti_tool.models import Context, Institution
from sync.engine import EngineError, Who
from sync.errors import AdapterError, Misconfigured
from sync.options import Option


class Failed(Exception):
    """The command could not do its work: the text says what happened and what to do. Exit code 2."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text, self.code = text, code


@dataclass(frozen=True)
class Answer:
    """What a command found: for programs (`data`), for people (`lines`), and whether all is well (exit code 0 or 1)."""

    data: Mapping[str, Any]
    lines: Iterable[str] = ()
    clean: bool = True
    warnings: list[str] = field(default_factory=list)


class JsonCommand(BaseCommand):
    """A command writes `arguments` and `answer`; printing and exit codes are done here."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        self.arguments(parser)

    def arguments(self, parser: CommandParser) -> None:
        """Declare the command's own arguments."""

    def answer(self, options: dict[str, Any]) -> Answer:
        """Do the work. May raise Failed, EngineError, AdapterError, ImproperlyConfigured or ValidationError."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self.answer(options)
        except (
            Failed,
            EngineError,
            AdapterError,
            ImproperlyConfigured,
            ValidationError,
            DatabaseError,
        ) as error:
            self._fail(*_words(error), as_json=options["json"])
        else:
            self._print(answer, options["json"])
            if not answer.clean:
                sys.exit(1)

    def _print(self, answer: Answer, as_json: bool) -> None:
        if as_json:
            warnings = {"warnings": answer.warnings} if answer.warnings else {}
            self.stdout.write(http.dumps({**answer.data, **warnings}))
            return
        for line in answer.lines:
            self.stdout.write(line)
        for line in answer.warnings:
            self.stderr.write(f"Note: {line}")

    def _fail(self, text: str, code: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(http.dumps({"ok": False, "error": text, "code": code}))
            sys.exit(2)
        raise CommandError(f"{text} ({code})" if code else text, returncode=2)


def _words(error: Exception) -> tuple[str, str]:
    if isinstance(error, Failed):
        return error.text, error.code
    if isinstance(error, ValidationError):
        return " ".join(error.messages), "invalid"
    if isinstance(error, DatabaseError):
        return (
            "The database does not answer as it should. Is it migrated (manage.py migrate) and reachable?",
            "database",
        )
    return str(error), error.code if isinstance(error, Misconfigured) else ""


def who() -> Who:
    """The person at the command line, as the log will name her."""
    try:
        return Who(f"{getpass.getuser()} (command line)")
    except (OSError, KeyError):
        return Who("command line")


def find_context(name: str) -> Context:
    """A course as `sync_course` lists it: its public id, its number, or its LMS context id where that is unique."""
    courses = Context.objects.select_related("deployment__registration__institution")
    public_id = _uuid(name)
    found = list(courses.filter(public_id=public_id)) if public_id else []
    if not found:
        found = list(courses.filter(context_id=name)[:2])
    if not found and name.isdigit():
        found = list(courses.filter(pk=int(name)))
    if len(found) == 1:
        return found[0]
    if found:
        raise Failed(
            f"Several courses are called {name}. Name it by the id that “sync_course” lists.",
            "course_unknown",
        )
    raise Failed(
        f"There is no course {name}. “sync_course” lists those that were launched.", "course_unknown"
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def find_institution(name: str | None) -> Institution:
    """The institution named so, made when it is new; without a name the only one there is."""
    if name:
        return Institution.objects.get_or_create(name=name)[0]
    there = list(Institution.objects.order_by("pk")[:2])
    if len(there) > 1:
        raise Failed(
            "There are several institutions. Say which one: --institution NAME.", "institution_unknown"
        )
    return there[0] if there else Institution.objects.create(name="Default")


def parse_options(texts: Iterable[str], declared: Iterable[Option], adapter: str) -> dict[str, str]:
    """`K=V` texts as a dict. Raises Failed for a name or a choice that the adapter does not have."""
    known = {one.name: one for one in declared}
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Failed(f"“{text}” is not NAME=VALUE.", "option_malformed")
        option = known.get(name) or _family(name, known)
        if option is None:
            raise Failed(
                f"{adapter} has no option “{name}”. It has: {', '.join(sorted(known))}.", "option_unknown"
            )
        if value and option.choices and value not in option.choices:
            raise Failed(f"{name} must be one of {', '.join(option.choices)}.", "option_value")
        given[name] = value
    return given


def _family(name: str, known: Mapping[str, Option]) -> Option | None:
    """An option declared as `header.X` stands for every name that begins with `header.`."""
    prefix = name.partition(".")[0]
    return next(
        (one for one in known.values() if "." in one.name and one.name.partition(".")[0] == prefix), None
    )


def merged(stored: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The same NAME again updates: what is given replaces, an empty value takes the option out."""
    both = {**{str(name): str(value) for name, value in stored.items()}, **given}
    return {name: value for name, value in both.items() if value != ""}


def describe(adapter: str, label: str, declared: Iterable[Option]) -> Answer:
    """An adapter's options, defaults and meaning."""
    options = list(declared)
    data = {
        "adapter": adapter,
        "label": label,
        "options": [
            {"name": one.name, "default": one.default, "meaning": one.meaning, "choices": list(one.choices)}
            for one in options
        ],
    }
    lines = [f"{adapter}: {label}"]
    for one in options:
        choices = f" [{'|'.join(one.choices)}]" if one.choices else ""
        lines.append(f"  {one.name}={one.default or '(empty)'}{choices}\n      {one.meaning}")
    return Answer(data, lines)


def split_pair(text: str, known: Iterable[str]) -> tuple[str, str]:
    """`LEFT=RIGHT`, where LEFT may hold “=” itself (an AGS line item's id is a URL): the longest known LEFT wins."""
    parts = text.split("=")
    cuts = [("=".join(parts[:place]), "=".join(parts[place:])) for place in range(len(parts) - 1, 0, -1)]
    if not cuts:
        raise Failed(f"“{text}” is not LEFT=RIGHT.", "malformed")
    names = set(known)
    return next((cut for cut in cuts if cut[0] in names), cuts[-1])


def refused_address(url: str) -> list[str]:
    """A note when our own guard would refuse the address as things are set now."""
    try:
        http.check_url(url)
    except http.Refused as error:
        return [f"{error} Until it is allowed (OUTBOUND_ALLOW), nothing can be read there."]
    return []
