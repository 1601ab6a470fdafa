"""WebSocket /realtime: the session on the wire.

While an answer is given, the client is listened to between one event of it and the next. A session ends after 30
minutes, or as many seconds as the emulator was started with: by an error event ``session_expired`` and a close with the
code 1000 and the reason ``session limit of N seconds reached``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from stepfun_emulator.errors import Refusal
from stepfun_emulator.realtime.session import Event, Session
from stepfun_emulator.realtime.settings import find_realtime_model
from stepfun_emulator.sockets import Talk, conversing

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

_LONG = 200_000  # characters of base64: some seconds of sound, whose hearing is left to a thread
_IN_A_ROW = 64  # client events between two of an answer


class _Line:
    """One session and the connection that carries it."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._session = Session(talk.trace_id, find_realtime_model(talk.query.get("model")), talk.service)
        self._clock = asyncio.get_running_loop().time
        self._ends = self._clock() + talk.service.session_seconds

    async def hold(self) -> None:
        """Talk until the client goes, says nothing for long, or the session's time is up."""
        await self._talk.send(self._session.open())
        while (left := self._ends - self._clock()) > 0:
            if self._session.is_responding:
                await self._listen_briefly()
                if (event := self._session.step()) is not None:
                    await self._talk.send(event)
                continue
            idle = self._talk.service.idle_seconds
            if not await self._listen(min(idle, left)) and idle < left:
                await self._talk.close_idle()
                return
        await self._expire()

    async def _listen_briefly(self) -> None:
        """Take what the client has said meanwhile."""
        for _ in range(_IN_A_ROW):
            if not await self._listen(0):
                return

    async def _listen(self, patience: float) -> bool:
        """Take the next event of the client; whether there was any."""
        try:
            event = await self._talk.hear(patience)
        except asyncio.TimeoutError:
            return False
        except Refusal as refusal:
            await self._talk.send(self._session.refuse(refusal))
            return True
        await self._react(event)
        return True

    async def _react(self, event: Event) -> None:
        if len(str(event.get("audio", ""))) > _LONG or event["type"] == "conversation.item.create":
            for answer in await run_in_threadpool(lambda: list(self._session.receive(event))):
                await self._talk.send(answer)
            return
        for answer in self._session.receive(event):
            await self._talk.send(answer)

    async def _expire(self) -> None:
        said = f"session limit of {self._talk.service.session_seconds:g} seconds reached"
        refusal = Refusal(400, "session_expired", f"{said}: connect anew", code="session_expired")
        await self._talk.send(self._session.refuse(refusal))
        await self._talk.close(reason=said)


def _admit(socket: WebSocket) -> None:
    find_realtime_model(socket.query_params.get("model"))


async def _converse(talk: Talk) -> None:
    await _Line(talk).hold()


realtime = conversing(_converse, _admit)
