"""One cheap real call through a connection: what works, what is missing, whom to ask."""

from __future__ import annotations

from collections.abc import Sequence

from sync.engine.adapters import make_reader, make_sis
from sync.errors import Misconfigured
from sync.models import LmsConnection, SisConnection
from sync.options import Finding


def check(row: SisConnection | LmsConnection) -> Sequence[Finding]:
    """Ask it. The connection's trouble is written, or cleared when all is well. Raises AdapterError."""
    try:
        findings = _ask(row)
    except Misconfigured as error:
        _write(row, str(error))
        raise
    if row.trouble and all(finding.ok for finding in findings):
        _write(row, "")
    return findings


def _ask(row: SisConnection | LmsConnection) -> Sequence[Finding]:
    if isinstance(row, LmsConnection):
        return make_reader(row).check()
    adapter = make_sis(row)
    try:
        return adapter.check()
    finally:
        adapter.close()


def _write(row: SisConnection | LmsConnection, trouble: str) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(trouble=trouble[:500])
