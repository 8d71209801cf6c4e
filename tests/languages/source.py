"""Every text for people that the source holds, found without running it: gettext calls, templates, engine sentences.

The engine's pure rooms know no gettext; what they say for people is English. `sentences` finds it by its shape, as a
template with named places (an f-string's values), so that the pages can say it in the reader's language.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import template

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("gradesync_site", "lti_tool", "sync")
# what they write is read by developers or by no one
NOT_FOR_PEOPLE = ("migrations", "sandbox", "demo", "locale")
# rooms whose sentences come to a page
ENGINE = (
    "sync/*.py",
    "sync/engine/**/*.py",
    "sync/sis/**/*.py",
    "sync/lms/**/*.py",
    "lti_tool/*.py",
)
# commands, checks and pages of these speak to administrators, in English or by gettext; what readiness finds is said by
# views.wording
NOT_ENGINE = {
    "admin.py", "api.py", "apps.py", "checks.py", "forms.py", "models.py", "urls.py", "tasks.py", "contract.py",
    "memory.py", "registry.py", "options.py", "readiness.py",
}  # fmt: skip
# here also phrases that are no whole sentence are shown: the why of a row, how a student was matched
PHRASES = {
    "sync/planning.py", "sync/desired.py", "sync/scales.py", "sync/matching.py", "sync/tally.py", "sync/relinking.py",
    "sync/periods.py", "sync/sis/records.py", "sync/engine/reporting.py", "sync/engine/reading.py", "sync/engine/sis_reading.py",
    "sync/engine/items.py", "sync/engine/links.py", "sync/engine/proofs.py", "sync/engine/undo.py",
    "sync/lms/canvas/client.py", "sync/lms/canvas/schemes.py", "sync/lms/canvas/grades.py",
}  # fmt: skip
# words that are data, or only ever stand in a program's answer
DATA = {
    "no credit", "Access token", "calculated grade ",
    "adjusted grade ", "external grade ", "grade set by hand ", "course total ",
    "%(lms_fields)s = %(sis_fields)s or %(user_ids)s<type>", "nothing to send",
}  # fmt: skip
# the small parts that the why of a row is put together from
PARTS = {
    "%(number)s of %(number2)s", "%(number)s of %(number2)s = %(number3)s %%", "from %(number)s %%",
    "%(number)s GPA points", "rounded %(rounding)s to %(places)s", "half up", "half even", "down", "1 decimal",
    "problem: %(rest)s", "waits for a review in the LMS", "students", "grades", "%(number)s decimals",
    "calculated grade %(rest)s", "adjusted grade %(rest)s", "external grade %(rest)s",
    "grade set by hand %(rest)s", "course total %(rest)s", "%(product)s answered with %(what)s.",
}  # fmt: skip
CALLS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2}
LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""


@dataclass(frozen=True, order=True)
class Message:
    """One entry of the catalogue."""

    msgid: str
    plural: str = ""


def messages() -> dict[Message, list[str]]:
    """All texts with the files that hold them."""
    found: dict[Message, list[str]] = {}
    for path in python_files():
        for message in in_python(path.read_text()):
            found.setdefault(message, []).append(name(path))
    for path in sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt")):
        for message in in_template(path.read_text()):
            found.setdefault(message, []).append(name(path))
    for sentence in sentences():
        found.setdefault(Message(sentence), []).append("sync/views/sentences.txt")
    return {message: sorted(set(places)) for message, places in sorted(found.items())}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python_files() -> list[Path]:
    every = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return sorted(path for path in every if not set(NOT_FOR_PEOPLE) & set(path.relative_to(ROOT).parts))


def in_python(text: str) -> Iterator[Message]:
    tree = ast.parse(text)
    names = {
        alias.asname or alias.name: CALLS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in CALLS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            literals = [
                one.value for one in node.args[: names[node.func.id]] if isinstance(one, ast.Constant)
            ]
            if literals:  # a name stands for a literal of elsewhere
                yield Message(*map(str, literals))
            elif not isinstance(node.args[0], ast.Name | ast.Attribute):
                raise ValueError(
                    f"Line {node.lineno}: a text for people is a literal, or no language knows it."
                )


def in_template(text: str) -> Iterator[Message]:
    code = template.templatize(text)
    for call in re.finditer(rf"\b(_|n?gettext)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})?", code):
        plural = ast.literal_eval(call[3]) if call[1] == "ngettext" else ""
        yield Message(ast.literal_eval(call[2]), plural)


# --- what the engine says -------------------------------------------------------------------------------------


def sentences() -> list[str]:
    """Templates of all that the engine says for people, places written as %(name)s."""
    found: set[str] = set()
    for path in engine_files():
        found.update(in_engine(path.read_text(), phrases=name(path) in PHRASES))
    return sorted(found - DATA | PARTS)


def engine_files() -> list[Path]:
    found = {path for pattern in ENGINE for path in ROOT.glob(pattern)}
    return sorted(path for path in found if path.name not in NOT_ENGINE)


def in_engine(text: str, *, phrases: bool) -> Iterator[str]:
    tree = ast.parse(text)
    silent = set(_silent(tree))
    for node in _outermost(tree, silent):
        said = spoken(node)
        if _is_sentence(said) or (phrases and _is_phrase(said)):
            yield said
    yield from _ends(tree)


def _ends(tree: ast.Module) -> Iterator[str]:
    """What a client's `broken` and `incomplete` put into their sentence: it is shown in one, and is none itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in {"broken", "_broken", "incomplete"}:
            # `incomplete` names the product first
            for one in node.args[_called(node) == "incomplete" :]:
                if isinstance(one, ast.JoinedStr) or (
                    isinstance(one, ast.Constant) and isinstance(one.value, str)
                ):
                    yield spoken(one)


def _silent(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, texts of exceptions that mean a bug, log lines, and what gettext knows already."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node
        if isinstance(node, ast.Call) and _called(node) in {
            *("ValueError", "AssertionError", "LookupError", "TypeError", "KeyError", "RuntimeError"),
            *("ImproperlyConfigured", "info", "warning", "debug", "exception", "compile", "_", "N_", *CALLS),
            *("Option", "option"),
        }:
            yield node


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _outermost(node: ast.AST, silent: set[ast.AST]) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Whole literals: an f-string is one, not its pieces."""
    for child in ast.iter_child_nodes(node):
        if child in silent:
            continue
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str)
        ):
            yield child
        else:
            yield from _outermost(child, silent)


def spoken(node: ast.Constant | ast.JoinedStr) -> str:
    """The literal as a template: 'Only %(new)s students came'."""
    if isinstance(node, ast.Constant):
        return str(node.value).replace("%", "%%") if "%(" not in str(node.value) else str(node.value)
    places: list[str] = []
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("%", "%%"))
        else:
            place = f"%({_place(part, places)})s"
            # two places that touch are one: nobody could tell where the first value ends
            parts[-1:] = [place] if parts and parts[-1].startswith("%(") else [*parts[-1:], place]
    return "".join(parts)


def _place(part: ast.expr, taken: list[str]) -> str:
    words = re.findall(r"[a-z_]{3,}", ast.unparse(part).lower())
    wanted = words[-1].strip("_") if words else "value"
    fresh = wanted if wanted not in taken else f"{wanted}{len(taken) + 1}"
    taken.append(fresh)
    return fresh


def _words(said: str) -> Iterable[str]:
    return re.findall(r"[A-Za-z]{2,}", re.sub(r"%\(\w+\)s", " ", said))


def _is_sentence(said: str) -> bool:
    ended = said.rstrip()[-1:] in ".?!" or said.endswith(")s")
    return bool(re.match(r"[A-Z“%]", said)) and ended and len(list(_words(said))) >= 3


def _is_phrase(said: str) -> bool:
    return bool(re.match(r"[a-z%A-Z]", said)) and " " in said.strip() and len(list(_words(said))) >= 2
