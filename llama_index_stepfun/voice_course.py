"""The course of a conversation: a task that lasts as long as it, and what went wrong in it told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

_AGAIN_SECONDS = 3.0  # more than a session's farewell takes


class Course:
    """A task that goes on until it fails or is ended.

    Args:
        work: What is done.
    """

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)
        self._is_told = False

    @property
    def is_over(self) -> bool:
        """Whether it has failed, or been ended."""
        return self._task.done()

    def check(self) -> None:
        """Raise what went wrong, if it is over."""
        if self._task.done() and (error := _failure_of(self._task)):
            self._is_told = True
            raise error

    async def wait(self) -> None:
        """Wait for its end; raise what went wrong."""
        await asyncio.wait({self._task})
        self.check()

    async def until(self, event: asyncio.Event) -> None:
        """Wait for an event, or for the end."""
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def end(self) -> None:
        """End it; raise what went wrong before, where nobody has been told."""
        await _ended(self._task)
        if not self._is_told:
            self.check()


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something beside a block, which ends where that fails, and which ends it."""
    whole, part = asyncio.current_task(), asyncio.create_task(work)

    def ended(_: asyncio.Task[None]) -> None:
        if whole is not None and _failure_of(part):
            whole.cancel()

    part.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if part.done() and (error := _failure_of(part)):
            raise error from None
        raise
    finally:
        await _ended(part)


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and see it end, also where a handler's `asyncio.wait_for` loses it (before Python 3.12)."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_SECONDS)


def _failure_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
