"""The limit on what runs at once: threads and event loops wait in one queue, and every slot comes back."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepfun_client import ConcurrencyLimit, InvalidParameterError


class Watched:
    """A limit, and how many hold a slot of it: never more than allowed."""

    def __init__(self, slots: int) -> None:
        self.limit = ConcurrencyLimit(slots)
        self.most = self.served = self._now = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        with self._lock:
            self._now += 1
            self.served += 1
            self.most = max(self.most, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1

    def work(self) -> None:
        with self.limit.held():
            self.enter()
            time.sleep(0.001)
            self.leave()

    async def work_async(self) -> None:
        async with self.limit.held_async():
            self.enter()
            await asyncio.sleep(0.001)
            self.leave()

    def loop(self, jobs: int) -> None:
        """Work in an event loop of its own."""

        async def main() -> None:
            await asyncio.gather(*(self.work_async() for _ in range(jobs)))

        asyncio.run(main())


def on_threads(*jobs: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result(timeout=20)


WORKERS = {
    "threads": lambda watched: [watched.work] * 24,
    "one event loop": lambda watched: [lambda: watched.loop(24)],
    "several event loops": lambda watched: [lambda: watched.loop(8)] * 3,
    "threads and event loops": lambda watched: [*[watched.work] * 8, *[lambda: watched.loop(8)] * 2],
}


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("workers", WORKERS)
def test_never_more_than_the_limit_and_all_are_served(workers, slots):
    watched = Watched(slots)
    on_threads(*WORKERS[workers](watched))
    assert (watched.served, watched.most) == (24, slots)
    assert watched.limit.free == slots


def test_free_slots_are_counted():
    limit = ConcurrencyLimit(2)
    with limit.held():
        assert limit.free == 1
    assert limit.free == 2


@pytest.mark.parametrize("slots", [0, -1])
def test_a_limit_lets_something_run(slots):
    with pytest.raises(InvalidParameterError, match="must be 1 or more"):
        ConcurrencyLimit(slots)


# --- Fairness --------------------------------------------------------------------------------------------------------


def waiting(limit: ConcurrencyLimit, count: int) -> None:
    """Wait until so many stand in the queue."""
    end = time.monotonic() + 5
    while len(limit._waiting) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_who_comes_first_is_served_first_on_threads_and_loops_alike():
    limit, served = ConcurrencyLimit(1), []

    def on_thread(name: int) -> None:
        with limit.held():
            served.append(name)

    async def in_loop(name: int) -> None:
        async with limit.held_async():
            served.append(name)

    jobs = [
        lambda: on_thread(0),
        lambda: asyncio.run(in_loop(1)),
        lambda: on_thread(2),
        lambda: asyncio.run(in_loop(3)),
    ]
    with ThreadPoolExecutor(len(jobs)) as pool, limit.held():
        for number, job in enumerate(jobs, start=1):
            pool.submit(job)
            waiting(limit, number)
    assert served == [0, 1, 2, 3]


async def test_nobody_overtakes_who_waits():
    limit, served = ConcurrencyLimit(1), []

    async def work(name: str) -> None:
        async with limit.held_async():
            served.append(name)

    async with limit.held_async():
        first = asyncio.create_task(work("waited"))
        await asyncio.sleep(0)
    await work("came later")  # the slot was handed on already, though its new holder has not run yet
    await first
    assert served == ["waited", "came later"]


# --- Cancellation ----------------------------------------------------------------------------------------------------


async def hold(limit: ConcurrencyLimit) -> None:
    async with limit.held_async():
        await asyncio.sleep(60)


@pytest.mark.parametrize("holds", [True, False], ids=["while it runs", "while it waits"])
async def test_who_is_cancelled_gives_its_place_back(holds):
    limit = ConcurrencyLimit(1)
    if not holds:
        first = asyncio.create_task(hold(limit))
        await asyncio.sleep(0)
    task = asyncio.create_task(hold(limit))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    if not holds:
        assert limit.free == 0
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert limit.free == 1


async def test_a_slot_that_is_handed_to_who_is_cancelled_in_the_same_moment_goes_on():
    limit, served = ConcurrencyLimit(1), []

    async def work() -> None:
        async with limit.held_async():
            served.append("next")

    async with limit.held_async():
        cancelled = asyncio.create_task(hold(limit))
        await asyncio.sleep(0)
        following = asyncio.create_task(work())
        await asyncio.sleep(0)
    cancelled.cancel()  # after the slot was handed to it, before it could run
    await asyncio.wait_for(following, timeout=5)
    assert served == ["next"]
    assert limit.free == 1


def test_who_waited_in_an_event_loop_that_is_gone_keeps_no_slot():
    limit, loop = ConcurrencyLimit(1), asyncio.new_event_loop()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(hold(limit))
        await asyncio.sleep(0)
        return task

    with limit.held():
        task = loop.run_until_complete(begin())
        loop.close()
    assert limit.free == 1
    task._log_destroy_pending = False  # it can never end now, and that is what is tested


def test_a_failure_inside_gives_the_slot_back():
    limit = ConcurrencyLimit(1)
    with pytest.raises(ZeroDivisionError), limit.held():
        raise ZeroDivisionError
    assert limit.free == 1


# --- Streams that nobody reads to their end --------------------------------------------------------------------------


def test_an_abandoned_stream_gives_its_slot_back():
    limit = ConcurrencyLimit(1)

    def stream() -> Iterator[int]:
        with limit.held():
            yield 1
            yield 2

    for _ in stream():
        break
    gc.collect()
    assert limit.free == 1


async def test_an_abandoned_asynchronous_stream_gives_its_slot_back():
    limit = ConcurrencyLimit(1)

    async def stream() -> AsyncIterator[int]:
        async with limit.held_async():
            yield 1
            yield 2

    async for _ in stream():
        break
    gc.collect()
    next_one = asyncio.create_task(hold(limit))  # served as soon as the event loop has ended the stream
    await asyncio.sleep(0.01)
    next_one.cancel()
    await asyncio.gather(next_one, return_exceptions=True)
    assert limit.free == 1


def test_a_stream_that_the_garbage_collector_ends_inside_the_queue_waits_for_nobody():
    """The collector runs in the middle of anything, this limit's own code included."""
    limit = ConcurrencyLimit(1)
    held = limit.held()
    held.__enter__()

    def let_go() -> None:
        with limit._locked():
            held.__exit__(None, None, None)

    thread = threading.Thread(target=let_go, daemon=True)
    thread.start()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert limit.free == 1


# --- Copies ----------------------------------------------------------------------------------------------------------


def test_a_copy_is_the_same_limit_and_a_pickle_one_of_the_same_size():
    limit = ConcurrencyLimit(3)
    with limit.held():
        assert copy.copy(limit) is limit
        assert copy.deepcopy({"limit": limit})["limit"] is limit
        elsewhere = pickle.loads(pickle.dumps(limit))
    assert (elsewhere.limit, elsewhere.free) == (3, 3)


def test_a_forked_process_starts_with_nothing_running():
    limit = ConcurrencyLimit(1)
    with limit.held():
        child = os.fork()
        if child == 0:
            os._exit(limit.free)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        assert limit.free == 0
