"""Several requests at once within one read. The threads fetch; all else is done in the thread that reads.

The engine's progress, token store and grants live in the database, which only the reading thread may touch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Found = TypeVar("Found")
Call = tuple[Callable[[], Any], "Future[Any]"]


class Streams:
    """Up to `count` jobs at once. Made in the thread that reads, which waits in `gather`."""

    def __init__(self, count: int = 1) -> None:
        self.count = max(1, count)
        self._reader = threading.get_ident()
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def gather(self, jobs: Sequence[Callable[[], Found]]) -> list[Found]:
        """What each job returned, in their order. The first error ends the others at their next request, and is raised.

        A job that gathers others does them itself, one after the other: only the thread that reads may wait here.
        """
        if self.count == 1 or len(jobs) < 2 or not self.is_reader():
            return [job() for job in jobs]
        # those of an earlier gather may hold what its failure left over
        self._calls, self._stopping = queue.SimpleQueue(), threading.Event()
        with ThreadPoolExecutor(self.count, thread_name_prefix="read") as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                self._serve(futures)
            except BaseException:
                self._stop(futures)
                raise
        return [one.result() for one in futures]

    def is_reader(self) -> bool:
        return threading.get_ident() == self._reader

    def in_reader(self, call: Callable[[], Found]) -> Found:
        """`call` done in the thread that reads, and what it returned or raised."""
        if self.is_reader():
            return call()
        self.go_on()
        answer: Future[Any] = Future()
        self._calls.put((call, answer))
        found: Found = answer.result()
        return found

    def go_on(self) -> None:
        """Said before every request. Raises Stopped where another job of the same read failed."""
        if self._stopping.is_set() and not self.is_reader():
            raise Stopped

    def _serve(self, futures: Sequence[Future[Any]]) -> None:
        """Do what the threads ask for, until all jobs are done or one of them failed."""
        for one in futures:
            one.add_done_callback(lambda _: self._calls.put(None))
        left = len(futures)
        while left:
            asked = self._calls.get()
            if asked is None:
                left -= 1
                _raise_first(futures)
            else:
                _answer(*asked)

    def _stop(self, futures: Sequence[Future[Any]]) -> None:
        """Let no thread wait for an answer that nobody gives any more."""
        self._stopping.set()
        left = len([one for one in futures if not one.cancel() and not one.done()])
        while left and not all(one.done() for one in futures):
            try:
                asked = self._calls.get(timeout=0.05)
            except queue.Empty:
                continue
            if asked is not None:
                asked[1].set_exception(Stopped())


class Stopped(Exception):
    """Another job of the same read failed: this one is not needed any more."""


def _answer(call: Callable[[], Any], answer: Future[Any]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:
        answer.set_exception(error)


def _raise_first(futures: Sequence[Future[Any]]) -> None:
    for one in futures:
        if one.done() and not one.cancelled():
            error = one.exception()
            if error is not None:
                raise error
