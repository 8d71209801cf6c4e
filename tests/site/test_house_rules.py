"""Shape of the code: small functions, small files, names that say something, nothing of this machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(
    path
    for room in ("gradesync_site", "lti_tool", "sync")
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_functions_have_at_most_40_lines(path: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, functions) and node.end_lineno and node.end_lineno - node.lineno >= 40
    ]
    assert long == []


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=name)
def test_file_is_short_and_named_by_what_it_holds(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600
    assert not re.fullmatch(r"(utils?|helpers?|common|misc)", path.stem)


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_silenced_checker_says_why(path: Path) -> None:
    """`noqa` and `type: ignore` name the rule; a mypy one that is not needed fails mypy itself."""
    bare = [
        line for line in path.read_text().splitlines() if re.search(r"#\s*(noqa|type: ignore)\s*($|#)", line)
    ]
    assert bare == []


@pytest.mark.parametrize("path", CODE, ids=name)
def test_no_binary_float_touches_a_grade(path: Path) -> None:
    """float() is for times and settings; where scores are handled it does not occur."""
    if not re.search(
        r"(planning|scales|desired|records|matching|tally|reports|/sis/|/lms/|/engine/)", name(path)
    ):
        return
    if "sandbox" in path.parts:
        return
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]
    assert calls == []


def test_files_of_the_project_name_no_registry_and_no_foreign_path() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "constraints.txt", *CODE]
    wrong = re.compile(r"pypi\.org|--index-url|--extra-index-url|file:///|/opt/gs|/work/")
    assert [name(path) for path in texts if wrong.search(path.read_text())] == []
