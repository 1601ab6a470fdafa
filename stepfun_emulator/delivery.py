"""Putting a reply on the wire, step by step, and noticing when nobody listens any more.

A reply is a sequence of steps: bytes to write, a pause in seconds, silence until the client goes away, or the hanging
up of the connection. Ordinary streams are bytes only; the faults add the rest. What to do is decided by pure functions
(see ``faults``), this module only does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Send

_BREATHE_EVERY = 32  # let the event loop serve others after this many writes


class Act(Enum):
    """A step that writes nothing."""

    STALL = auto()  # say nothing more, but keep the connection
    HANG_UP = auto()  # drop the connection without ending the reply


Step = bytes | float | Act
HangUp = Callable[[], None]


async def deliver(steps: Iterable[Step], receive: Receive, send: Send, hang_up: HangUp) -> None:
    """Carry the steps out; a client that has gone away ends it early."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await _deliver(steps, gone, send, hang_up)
    finally:
        gone.cancel()


async def _deliver(steps: Iterable[Step], gone: asyncio.Future[None], send: Send, hang_up: HangUp) -> None:
    for written, step in enumerate(steps, 1):
        if isinstance(step, bytes):
            await send({"type": "http.response.body", "body": step, "more_body": True})
            if written % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
        elif step is Act.HANG_UP:
            hang_up()
            await gone
        else:
            await asyncio.wait({gone}, timeout=None if step is Act.STALL else step)
        if gone.done():
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
