"""Who may import whom: read from the code itself, so that a wrong import fails here and not in review."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("gradesync_site", "lti_tool", "sync")

PURE = re.compile(
    r"sync\.(planning|matching|scales|cutoffs|readiness|desired|undoing|timetable|tally|reports|course_map|enrolment|relinking|periods|conversions|capabilities|reported|registrations|rosters|totals|reckoning|lms\.keeping|(lms|sis)\.records)|lti_tool\.(claims|roles)"
)
ADAPTER = re.compile(r"sync\.(lms|sis)(?!\.(records|base|registry|access|keeping)$)\.(?P<name>\w+)")
REGISTRY = re.compile(r"sync\.(lms|sis)\.registry")
EDGE = re.compile(r"sync\.(views|api|tasks|mails|mail_texts|(\w+_)?admin|(\w+_)?forms|checks|management)\b")
JOIN = re.compile(r"sync\.engine\b")
LTI_LIBRARY = re.compile(r"lti_tool\.(tool_config|launch|services|views)")
THE_DOOR = "lti_tool.http"

PURE_LIBRARIES = {"sync.matching": {"rapidfuzz"}}
ADAPTER_SEAM = {"sync.auth", "sync.errors", "sync.options", "sync.rest", "lti_tool.http"}
SHARED_BY_READERS = {
    "sync.lms.access",
    "sync.lms.streams",
    "sync.lms.rest",
    "sync.sis.rest",
    "sync.sis.modes",
}
EDGE_SEAM = re.compile(
    r"sync\.((\w+_)?models|errors|options|engine\b.*|(\w+_)?forms|reports|tasks|urls|views\b.*|api|management\b.*|(lms|sis)\.registry)|lti_tool\..+"
)


def modules() -> dict[str, Path]:
    found = {}
    for room in OURS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(source: str, module: str, is_package: bool) -> Iterator[str]:
    """Every module that this source imports, also inside functions; `from x import y` may mean x.y."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def why_not(module: str, target: str) -> str:
    """Why `module` may not import `target`; empty when it may."""
    rules = (_direction, _pure, _adapter, _join, _edge, _libraries, _sandbox)
    return next((reason for rule in rules if (reason := rule(module, target))), "")


def _top(name: str) -> str:
    return name.split(".")[0]


def _direction(module: str, target: str) -> str:
    order = ("lti_tool", "sync", "gradesync_site")
    if (
        _top(module) in order
        and _top(target) in order
        and order.index(_top(target)) > order.index(_top(module))
    ):
        return "gradesync_site -> sync -> lti_tool, never back"
    return ""


def _pure(module: str, target: str) -> str:
    if not PURE.fullmatch(module) or PURE.fullmatch(target):
        return ""
    if target == "__future__" or _top(target) in sys.stdlib_module_names:
        return ""
    return (
        ""
        if _top(target) in PURE_LIBRARIES.get(module, set())
        else "a pure module imports stdlib and pure modules"
    )


def _adapter(module: str, target: str) -> str:
    found = re.match(r"sync\.(lms|sis)\.(?!records$|registry$)(?P<name>\w+)", module)
    if not found:
        return ""
    if _top(target) == "django":
        return "an adapter knows no Django"
    if _top(target) not in OURS:
        return ""
    side = f"sync.{found[1]}"
    allowed = ADAPTER_SEAM | {side, f"{side}.records", f"{side}.base"} | SHARED_BY_READERS
    if module == "sync.lms.ags":
        allowed |= {"lti_tool.services"}
    own = f"{side}.{found['name']}"
    return (
        ""
        if target in allowed or target == own or target.startswith(f"{own}.")
        else "not part of an adapter's seam"
    )


def _join(module: str, target: str) -> str:
    """Only the engine joins adapters, models and pure modules; it meets adapters through the registry."""
    if (
        ADAPTER.fullmatch(target)
        and not ADAPTER.match(module)
        and not module.startswith("gradesync_site.sandbox")
    ):
        return "adapters are found through the registry, never imported by name"
    if module == "sync.models" and (JOIN.match(target) or REGISTRY.fullmatch(target) or EDGE.match(target)):
        return "models know neither the engine nor an edge"
    return "the engine knows no edge" if JOIN.match(module) and EDGE.match(target) else ""


def _edge(module: str, target: str) -> str:
    if not EDGE.match(module) or _top(target) != "sync" or target == "sync":
        return ""
    if EDGE_SEAM.fullmatch(target) or PURE.fullmatch(target) or EDGE.match(target):
        return ""
    return "an edge meets the engine, models and forms"


def _libraries(module: str, target: str) -> str:
    if _top(target) == "pylti1p3" and not LTI_LIBRARY.fullmatch(module):
        return "pylti1p3 stays in lti_tool's four modules"
    return ""


def _sandbox(module: str, target: str) -> str:
    if module.startswith("gradesync_site.sandbox") and _top(target) in {"sync", "lti_tool"}:
        return "a pretend server must not share the product's code, or it would share its errors"
    return ""


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_only_what_its_room_may(module: str) -> None:
    path = MODULES[module]
    is_package = path.name == "__init__.py"
    wrong = [
        f"{module} imports {target}: {reason}"
        for target in sorted(set(imported(path.read_text(), module, is_package)))
        if (reason := why_not(module, target))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("lti_tool.launch", "sync.models"),
        ("sync.engine", "gradesync_site.settings"),
        ("sync.planning", "django.utils"),
        ("sync.matching", "requests"),
        ("sync.desired", "sync.models"),
        ("lti_tool.claims", "lti_tool.models"),
        ("sync.sis.oneroster.wire", "django.conf"),
        ("sync.sis.oneroster.wire", "sync.models"),
        ("sync.sis.oneroster", "sync.lms.records"),
        ("sync.sis.base", "sync.engine"),
        ("sync.lms.canvas", "lti_tool.services"),
        ("sync.lms.canvas", "sync.lms.ags"),
        ("sync.engine.push", "sync.sis.memory"),
        ("sync.engine", "sync.views"),
        ("sync.models", "sync.engine"),
        ("sync.views.review", "sync.sis.oneroster"),
        ("sync.management.commands.connect_sis", "sync.lms.base"),
        ("sync.sis.oneroster", "pylti1p3.tool_config"),
        ("lti_tool.admin", "pylti1p3.exception"),
        ("gradesync_site.sandbox.sis", "sync.sis.records"),
    ],
)
def test_wrong_import_is_found(module: str, target: str) -> None:
    assert why_not(module, target)


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("sync.views", "lti_tool.access"),
        ("sync.engine", "sync.sis.registry"),
        ("sync.engine.look", "sync.planning"),
        ("sync.matching", "rapidfuzz.fuzz"),
        ("sync.matching", "sync.sis.records"),
        ("sync.lms.ags", "lti_tool.services"),
        ("sync.sis.oneroster.adapter", "sync.sis.oneroster.wire"),
        ("sync.tasks", "sync.engine"),
        ("lti_tool.launch", "pylti1p3.message_launch"),
        ("gradesync_site.health", "sync.models"),
    ],
)
def test_right_import_is_allowed(module: str, target: str) -> None:
    assert why_not(module, target) == ""


def test_imports_are_read_inside_functions_and_relative_ones_too() -> None:
    source = "def later():\n    from .. import models\n    import sync.engine\n"
    assert set(imported(source, "sync.sis.base", False)) == {"sync.models", "sync.engine"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {THE_DOOR}))
def test_only_the_door_opens_connections(module: str) -> None:
    """`requests` may be named for its types; calling it, or another client, is the door's business alone."""
    if module.startswith("gradesync_site.sandbox"):
        return
    tree = ast.parse(MODULES[module].read_text())
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    opened = re.compile(
        r"requests\.(get|post|put|delete|patch|head|request|Session|session)|.*urlopen|HTTPS?Connection"
    )
    assert [call for call in calls if opened.fullmatch(call)] == []
    targets = set(imported(MODULES[module].read_text(), module, MODULES[module].name == "__init__.py"))
    assert {_top(target) for target in targets} & {"httpx", "aiohttp", "urllib3", "http.client"} == set()
