"""One worker at a time: a run, or a look, is claimed by a conditional update, with a lease that a live worker renews
(design §4).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection
from datetime import timedelta
from types import TracebackType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from sync.models import Asked, ContextState, Run


class LeaseLost(Exception):
    """Another worker has taken this run over: stop at once, write nothing more."""


class Lease:
    """A claim on one row. Use as a context manager: a thread renews it until the block ends.

    A killed worker's lease simply ends, and whoever comes next goes on from what the rows say.
    """

    def __init__(self, row: QuerySet[Any], token: str) -> None:
        self.token = token
        self._ours = row.filter(lease_token=token)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{token}", daemon=True)

    @classmethod
    def claim(cls, run_id: int) -> Lease | None:
        """The lease on a run to push, or None when it is not to be worked on or somebody else holds it."""
        return cls.claim_one(Run.objects.filter(pk=run_id), Run.OPEN)

    @classmethod
    def claim_one(cls, row: QuerySet[Any], states: Collection[str], **fields: object) -> Lease | None:
        """The lease on the one row that `row` names, while it is in one of the states; `fields` are written with it."""
        now, token = timezone.now(), str(uuid.uuid4())
        idle = Q(lease_until=None) | Q(lease_until__lt=now)
        until = now + timedelta(seconds=settings.LEASE_S)
        claimed = row.filter(idle, state__in=states).update(lease_token=token, lease_until=until, **fields)
        return cls(row, token) if claimed else None

    def renew(self) -> None:
        """Raises LeaseLost when it is no longer ours."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_S)
        if not self._ours.update(lease_until=until):
            raise LeaseLost

    def set(self, **fields: object) -> None:
        """Write the row, only while the lease is ours. Raises LeaseLost otherwise."""
        if not self._ours.update(**fields):
            raise LeaseLost

    def set_if(self, condition: Q, **fields: object) -> bool:
        """The same, only where the row is as `condition` says. Returns whether it was written."""
        if self._ours.filter(condition).update(**fields):
            return True
        self.renew()  # raises when the lease is the reason
        return False

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if kind is None or issubclass(kind, Exception):
            self._ours.update(lease_token="", lease_until=None)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(settings.LEASE_S / 3):
                try:
                    self.renew()
                except LeaseLost:
                    return
                except DatabaseError:
                    continue  # the next beat tries again; if none gets through, the lease ends, which is safe
        finally:
            connection.close()


def leave_slot(run: Run) -> None:
    """The course is free for the next run once this one is over."""
    ContextState.objects.filter(context_id=run.context_id, slot=run).update(slot=None)


def stop_reading(asked: Asked) -> None:
    """A read writes nothing to the SIS, so it ends at once; its worker sees it at the next step and writes no more."""
    rows: Any = type(asked)._default_manager  # runs and looks have a state; what they share has none
    rows.filter(pk=asked.pk, state="reading").update(
        state="cancelled",
        finished_at=timezone.now(),
        message="Stopped by a person.",
        lease_token="",
        lease_until=None,
    )
