"""python -m gradesync_site.sandbox lms|sis --port P: one pretend server as a process."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from flask import Flask

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_process


def main(arguments: list[str] | None = None) -> int:
    wishes = _parser().parse_args(arguments)
    try:
        app = _make_app(wishes)
    except (
        ValueError
    ) as error:  # a fault, dialect or option that does not exist: its text lists those that do
        print(error, file=sys.stderr)
        return 2
    serve_process(app, wishes.port, with_parent=wishes.with_parent)
    return 0


def _make_app(wishes: argparse.Namespace) -> Flask:
    options = Options(
        dialect=wishes.dialect,
        students=wishes.students,
        line_items=wishes.line_items,
        latency_ms=wishes.latency_ms,
        faults=tuple(wishes.fault),
        lenient=wishes.lenient,
        state=wishes.state,
        seed=wishes.seed,
        extra=dict(pair.partition("=")[::2] for pair in wishes.option),
    )
    app: Flask = import_module(f"gradesync_site.sandbox.{wishes.kind}").make_app(options)
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gradesync_site.sandbox", description=__doc__)
    parser.add_argument("kind", choices=("lms", "sis"))
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--dialect", default="", help="which product it pretends to be")
    parser.add_argument("--students", type=int, default=0, help="students of the main class")
    parser.add_argument("--line-items", type=int, default=0, help="line items of the main course")
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--lenient", action="store_true", help="accept what the market sends")
    parser.add_argument("--state", type=Path, help="JSON file that keeps the state over restarts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="of the dialect")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
