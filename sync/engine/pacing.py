"""The budget of one account at an LMS, shared by all workers: how many requests at once, and when it wants quiet.

Rows with leases: a read takes its requests with one statement, a thread renews them while it lasts, and those of a
worker that died come free by themselves.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from sync.errors import NotItsTurn
from sync.models import AccountPace, AccountSlot

PATIENCE_S: Final = 3.0  # how long a read waits here; then it goes back to the end of the queue
STEP_S: Final = 0.25
AGAIN_S: Final = 15


class SharedPace:
    """`sync.lms.access.Pace` of the account called `key`, which bears `limit` requests at once."""

    def __init__(self, key: str, limit: int) -> None:
        self._key, self._limit = key, max(1, limit)

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        """1 to `wanted` requests at once until the block ends. Raises NotItsTurn after a short wait."""
        with _Held(self._slots(), self._take(max(1, wanted))) as held:
            yield held.count

    def rest(self, seconds: int) -> None:
        """All reads that begin from now on wait so long."""
        until = timezone.now() + timedelta(seconds=max(0, seconds))
        AccountPace.objects.get_or_create(key=self._key)
        shorter = Q(rest_until=None) | Q(rest_until__lt=until)
        AccountPace.objects.filter(shorter, key=self._key).update(rest_until=until)

    def _take(self, wanted: int) -> tuple[str, int]:
        """The lease's token, and how many requests it covers."""
        token, end = str(uuid.uuid4()), time.monotonic() + PATIENCE_S
        while True:
            left = self._rest_left()
            count = 0 if left else self._claim(token, wanted)
            if count:
                return token, count
            if time.monotonic() + left > end:
                raise NotItsTurn("Other courses are being read with the same account.", int(left) + AGAIN_S)
            time.sleep(min(max(left, STEP_S), PATIENCE_S))

    def _rest_left(self) -> int:
        row = AccountPace.objects.filter(key=self._key, rest_until__gt=timezone.now()).first()
        if row is None or row.rest_until is None:
            return 0
        return int((row.rest_until - timezone.now()).total_seconds()) + 1

    def _claim(self, token: str, wanted: int) -> int:
        """Of two workers that reach for one slot, one gets it: each row is written only while it is free."""
        slots = self._slots()
        free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
        found = list(slots.filter(free).order_by("number").values_list("pk", flat=True)[:wanted])
        if not found and slots.count() < self._limit:
            self._make()
            return self._claim(token, wanted)
        return slots.filter(free, pk__in=found).update(lease_token=token, lease_until=_end()) if found else 0

    def _make(self) -> None:
        rows = [AccountSlot(account=self._key, number=number) for number in range(self._limit)]
        AccountSlot.objects.bulk_create(rows, ignore_conflicts=True)

    def _slots(self) -> QuerySet[AccountSlot]:
        return AccountSlot.objects.filter(account=self._key, number__lt=self._limit)


class _Held:
    """Slots that were taken, renewed by a thread until the block ends."""

    def __init__(self, slots: QuerySet[AccountSlot], taken: tuple[str, int]) -> None:
        token, self.count = taken
        self._ours = slots.filter(lease_token=token)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pace-{token}", daemon=True)

    def __enter__(self) -> _Held:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self._ours.update(lease_token="", lease_until=None)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(settings.LEASE_S / 3):
                try:
                    self._ours.update(lease_until=_end())
                except DatabaseError:
                    continue  # the next beat tries again; if none gets through, another read may come beside this one
        finally:
            connection.close()


def _end() -> object:
    return timezone.now() + timedelta(seconds=settings.LEASE_S)
