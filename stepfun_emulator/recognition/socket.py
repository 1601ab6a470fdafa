"""WebSocket /realtime/asr/stream, which some call /audio/asr/stream: the session on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from stepfun_emulator.recognition.session import Event, Session
from stepfun_emulator.sockets import Talk, converse, conversing

if TYPE_CHECKING:
    from stepfun_emulator.errors import Refusal


async def _talk(talk: Talk) -> None:
    session = Session(talk.trace_id, lenient=talk.service.lenient)
    await talk.send(session.open())

    async def react(event: Event) -> None:
        # Hearing takes its time: other connections are served meanwhile.
        for answer in await run_in_threadpool(lambda: list(session.receive(event))):
            await talk.send(answer)

    async def refuse(refusal: Refusal) -> None:
        await talk.send(session.refuse(refusal))

    await converse(talk, react, refuse)


stream = conversing(_talk)
