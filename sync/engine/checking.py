"""One cheap real call through a connection: what works, what is missing, whom to ask."""

from __future__ import annotations

from collections.abc import Sequence

from lti_tool.models import LtiUser
from sync import capabilities
from sync.engine import grants
from sync.engine.adapters import make_reader, make_sis
from sync.errors import GrantNeeded, Misconfigured
from sync.models import Grant, LmsConnection, SisConnection
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


def capabilities_of(row: SisConnection) -> tuple[capabilities.Capability, ...]:
    """What its adapter states for this connection's options, without asking the SIS. Raises Misconfigured."""
    adapter = make_sis(row)
    try:
        return capabilities.of(adapter.profile)
    finally:
        adapter.close()


def _ask(row: SisConnection | LmsConnection) -> Sequence[Finding]:
    if isinstance(row, LmsConnection):
        return _by_grants(row) if row.by_teacher else make_reader(row).check()
    adapter = make_sis(row)
    try:
        return adapter.check()
    finally:
        adapter.close()


def _by_grants(row: LmsConnection) -> Sequence[Finding]:
    """Is the key complete, has anybody connected, and does the newest grant read? Raises Misconfigured."""
    grants.client_of(row)
    connected = Grant.objects.filter(connection=row)
    used, newest = connected.in_use().count(), grants.newest_of(row)
    title = "Connected teachers"
    if newest is None:
        text = f"None yet. Register {grants.redirect_uri()} at the LMS; a teacher then connects on GradeSync's pages."
        return [Finding(title, False, text)]
    lost = connected.count() - used
    text = f"Connected: {used}." + (f" To connect again: {lost}." if lost else "")
    return [Finding(title, True, text), *_of_one(row, newest)]


def _of_one(row: LmsConnection, teacher: LtiUser) -> Sequence[Finding]:
    """That one teacher must connect again is no trouble of the connection."""
    try:
        return make_reader(row, teacher).check()
    except GrantNeeded as error:
        return [Finding("Newest access", False, str(error))]


def _write(row: SisConnection | LmsConnection, trouble: str) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(trouble=trouble[:500])
