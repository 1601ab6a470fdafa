"""A limit on how much runs at once, for threads and event loops together.

StepFun holds a concurrency slot until a stream ends (WIRE.md section 2). Who keeps within the account's tier by itself
waits here, and is not refused there.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from stepfun_client.errors import InvalidParameterError


class ConcurrencyLimit:
    """So many may run at once; whoever comes first is served first, on a thread or in an event loop.

    >>> limit = ConcurrencyLimit(2)
    >>> with limit.held():
    ...     limit.free
    1
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise InvalidParameterError(f"the concurrency limit is {limit}; it must be 1 or more", param="limit")
        self.limit = limit
        self._begin()
        if hasattr(os, "register_at_fork"):
            _begin_in_children(weakref.ref(self))

    def _begin(self) -> None:
        """Start with nothing running: what runs in the process this one was forked from does not run here."""
        self._running = 0
        self._waiting: deque[_Ticket] = deque()
        self._returned: deque[None] = deque()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many more could start now."""
        return self.limit - self._running

    def __reduce__(self) -> tuple[type[ConcurrencyLimit], tuple[int]]:
        """Pickle as a limit of the same size: what runs in another process is not known here."""
        return ConcurrencyLimit, (self.limit,)

    def __copy__(self) -> ConcurrencyLimit:
        """Stay one limit: a copy in this process counts against the same account."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> ConcurrencyLimit:
        """Stay one limit; see `__copy__`."""
        return self

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for a slot, and hold it until the end of the block."""
        served = threading.Event()
        ticket = _Ticket(served.set)
        if not self._enter(ticket):
            try:
                served.wait()
            except BaseException:
                self._leave_queue(ticket)
                raise
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def held_async(self) -> AsyncIterator[None]:
        """Wait for a slot without blocking the event loop, and hold it until the end of the block."""
        loop = asyncio.get_running_loop()
        served = asyncio.Event()
        ticket = _Ticket(lambda: loop.call_soon_threadsafe(served.set))
        if not self._enter(ticket):
            try:
                await served.wait()
            except BaseException:
                self._leave_queue(ticket)
                raise
        try:
            yield
        finally:
            self._release()

    def _enter(self, ticket: _Ticket) -> bool:
        """Take a free slot, else a place in the queue."""
        with self._locked():
            if self._running < self.limit:
                self._running += 1
                return True
            self._waiting.append(ticket)
            return False

    def _leave_queue(self, ticket: _Ticket) -> None:
        """Give up waiting; a slot that was handed over in the same moment goes on to the next."""
        with self._locked():
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return
        self._release()

    def _release(self) -> None:
        """Give a slot back, without ever waiting for the lock.

        The garbage collector closes abandoned streams in the middle of anything, so the lock may be held further down
        this very thread; whoever holds it hands the slot on when it lets go.
        """
        self._returned.append(None)
        self._hand_on()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            self._hand_on()

    def _hand_on(self) -> None:
        """Hand slots that were given back to those who wait longest, or free them."""
        while self._returned and self._lock.acquire(blocking=False):
            try:
                while self._returned:
                    self._returned.pop()
                    self._serve_next()
            finally:
                self._lock.release()

    def _serve_next(self) -> None:
        while self._waiting:
            if self._waiting.popleft().serve():
                return
        self._running -= 1


def _begin_in_children(limit: weakref.ref[ConcurrencyLimit]) -> None:
    def begin() -> None:
        if made := limit():
            made._begin()  # noqa: SLF001 - its own

    os.register_at_fork(after_in_child=begin)


class _Ticket:
    """A place in the queue."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def serve(self) -> bool:
        """Wake who holds it; False where the event loop it waited in is gone."""
        try:
            self._wake()
        except RuntimeError:
            return False
        return True
