"""One worker at a time: a run is claimed by a conditional update, with a lease that a live worker renews (design §4)."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from sync.models import ContextState, Run


class LeaseLost(Exception):
    """Another worker has taken this run over: stop at once, write nothing more."""


class Lease:
    """A claim on one run. Use as a context manager: a thread renews it until the block ends.

    A killed worker's lease simply ends, and whoever comes next goes on from what the rows say.
    """

    def __init__(self, run_id: int, token: str) -> None:
        self.run_id, self.token = run_id, token
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{run_id}", daemon=True)

    @classmethod
    def claim(cls, run_id: int) -> Lease | None:
        """The lease, or None when the run is not to be worked on or somebody else holds it."""
        now, token = timezone.now(), str(uuid.uuid4())
        idle = Q(lease_until=None) | Q(lease_until__lt=now)
        claimed = Run.objects.filter(idle, pk=run_id, state__in=Run.OPEN).update(
            lease_token=token, lease_until=now + timedelta(seconds=settings.LEASE_S)
        )
        return cls(run_id, token) if claimed else None

    def renew(self) -> None:
        """Raises LeaseLost when it is no longer ours."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_S)
        if not Run.objects.filter(pk=self.run_id, lease_token=self.token).update(lease_until=until):
            raise LeaseLost

    def set(self, **fields: object) -> None:
        """Write the run, only while the lease is ours. Raises LeaseLost otherwise."""
        if not Run.objects.filter(pk=self.run_id, lease_token=self.token).update(**fields):
            raise LeaseLost

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if kind is None or issubclass(kind, Exception):
            Run.objects.filter(pk=self.run_id, lease_token=self.token).update(
                lease_token="", lease_until=None
            )

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
