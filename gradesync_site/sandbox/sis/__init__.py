"""A pretend SIS: OneRoster 1.2 and 1.1 (strict, or as a product speaks it), or one vendor's own API (a room of its name)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from flask import Flask

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.sis.dialects import DIALECTS

HERE = Path(__file__).parent
ONEROSTER = "oneroster"


def dialects() -> list[str]:
    """OneRoster as the standard and as products have it, and every vendor whose fake lies here: a package with an `app`."""
    return sorted([*DIALECTS, *(one.parent.name for one in HERE.glob("*/app.py"))])


def make_app(options: Options) -> Flask:
    """The SIS of `options.dialect` (empty: OneRoster) as a Flask app. Raises ValueError for one that is not there."""
    dialect = options.dialect or ONEROSTER
    if dialect not in dialects():
        raise ValueError(f"The sandbox SIS speaks {', '.join(dialects())}.")
    room = __name__ if dialect in DIALECTS else f"{__name__}.{dialect}"
    app: Flask = import_module(f"{room}.app").make_app(options)
    return app
