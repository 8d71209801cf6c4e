"""Several requests at once within one read: all but fetching is done in the thread that reads, and no thread stays behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from sync.lms.streams import Stopped, Streams

PATIENCE_S = 20


class Broken(Exception):
    pass


@pytest.fixture(autouse=True)
def _nobody_stays_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for one in set(threading.enumerate()) - before:
        one.join(PATIENCE_S)
        assert not one.is_alive()


def raiser(error: BaseException) -> Callable[[], object]:
    def job() -> object:
        raise error

    return job


def test_answers_come_in_the_order_of_the_jobs_however_long_each_takes() -> None:
    first_may_end = threading.Event()

    def slow() -> str:
        assert first_may_end.wait(PATIENCE_S)
        return "slow"

    def quick() -> str:
        first_may_end.set()
        return "quick"

    assert Streams(2).gather([slow, quick]) == ["slow", "quick"]


def test_no_more_jobs_are_under_way_than_there_are_streams() -> None:
    together = threading.Barrier(2)
    under_way, most, lock = [0], [0], threading.Lock()

    def job() -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        together.wait(PATIENCE_S)
        with lock:
            under_way[0] -= 1

    Streams(2).gather([job] * 6)
    assert most == [2]


@pytest.mark.parametrize(("count", "jobs"), [(1, 3), (0, 3), (-1, 3), (4, 1)])
def test_without_a_second_stream_or_job_all_is_done_in_the_thread_that_reads(count: int, jobs: int) -> None:
    found = Streams(count).gather([threading.get_ident] * jobs)
    assert found == [threading.get_ident()] * jobs


def test_nothing_to_do_is_done_at_once() -> None:
    assert Streams(2).gather([]) == []


def test_what_is_asked_of_the_reader_is_done_there_and_its_answer_comes_back() -> None:
    streams = Streams(2)

    def job(number: int) -> tuple[bool, tuple[int, int]]:
        mine = threading.get_ident()
        there, twice = streams.in_reader(lambda: (threading.get_ident(), number * 2))
        return mine != there, (there, twice)

    found = streams.gather([partial(job, number) for number in range(20)])
    assert found == [(True, (threading.get_ident(), number * 2)) for number in range(20)]


def test_what_the_reader_raises_reaches_the_job_that_asked() -> None:
    streams = Streams(2)

    def job() -> str:
        try:
            streams.in_reader(raiser(Broken()))
        except Broken:
            return "told"
        return "not told"

    assert streams.gather([job, job]) == ["told", "told"]


def test_error_in_one_job_ends_the_others_at_their_next_request() -> None:
    streams, asked = Streams(2), [0]

    def endless() -> None:
        while True:
            streams.in_reader(lambda: None)
            asked[0] += 1

    def failing() -> None:
        while asked[0] < 3:
            streams.in_reader(lambda: None)
        raise Broken

    with pytest.raises(Broken):
        streams.gather([endless, failing])
    assert asked[0] >= 3


def test_error_in_one_job_ends_others_that_ask_the_reader_nothing() -> None:
    streams = Streams(2)

    def endless() -> None:
        while True:
            streams.go_on()

    with pytest.raises(Broken):
        streams.gather([endless, raiser(Broken())])


def test_the_thread_that_reads_always_goes_on() -> None:
    streams = Streams(2)
    with pytest.raises(Broken):
        streams.gather([raiser(Broken()), raiser(Broken())])
    streams.go_on()


def test_jobs_that_had_not_begun_never_begin_after_an_error() -> None:
    begun: list[int] = []
    streams = Streams(2)

    def waiting() -> None:
        with pytest.raises(Stopped):
            while True:
                streams.in_reader(lambda: None)

    jobs: list[Callable[[], object]] = [waiting, raiser(Broken())]
    with pytest.raises(Broken):
        streams.gather([*jobs, *(partial(begun.append, number) for number in range(50))])
    # the thread that failed may have taken one more before it was told
    assert len(begun) < 50


def test_the_reader_itself_being_stopped_ends_all_jobs() -> None:
    streams = Streams(2)

    def job() -> None:
        while True:
            streams.in_reader(raiser(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        streams.gather([job, job])


def test_after_an_error_the_same_streams_work_again() -> None:
    streams = Streams(2)
    for _ in range(3):
        with pytest.raises(Broken):
            streams.gather([raiser(Broken()), partial(streams.in_reader, lambda: None)])
    assert streams.gather([partial(streams.in_reader, lambda: 1)] * 4) == [1] * 4


def test_a_job_that_gathers_does_so_by_itself() -> None:
    """Only the thread that reads may serve the others: two of them would take each other's questions."""
    streams = Streams(2)

    def outer() -> list[int]:
        return streams.gather([lambda: streams.in_reader(threading.get_ident)] * 3)

    assert streams.gather([outer, outer]) == [[threading.get_ident()] * 3] * 2


def test_the_first_error_is_told_and_not_what_it_caused_elsewhere() -> None:
    streams, told = Streams(3), threading.Event()

    def later() -> None:
        assert told.wait(PATIENCE_S)
        streams.in_reader(lambda: None)

    def failing() -> None:
        told.set()
        raise Broken

    for _ in range(10):
        told.clear()
        with pytest.raises(Broken):
            streams.gather([later, later, failing])
