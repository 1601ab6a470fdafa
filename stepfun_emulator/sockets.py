"""What every WebSocket endpoint does alike: the handshake, events as JSON, the journal, idling and the faults.

The key, and whatever else an endpoint checks of the handshake, is refused as an HTTP reply; the connection never opens.
A client that sends nothing for a minute is closed. Faults break a conversation after so many server events as the
header ``x-emulator-after`` says (see ``faults``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from stepfun_emulator.breaking import hang_up_of
from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.faults import AFTER_HEADER, Break
from stepfun_emulator.replies import check_key
from stepfun_emulator.service import service_of
from stepfun_emulator.tracing import new_trace_id, trace_headers

if TYPE_CHECKING:
    from starlette.types import Message

    from stepfun_emulator.faults import Fault
    from stepfun_emulator.journal import Session
    from stepfun_emulator.service import Service

Event = dict[str, Any]
React = Callable[[Event], Awaitable[None]]
Refuse = Callable[[Refusal], Awaitable[None]]
Admit = Callable[[WebSocket], None]
SocketEndpoint = Callable[[WebSocket], Awaitable[None]]

_NORMAL, _INTERNAL_ERROR = 1000, 1011
_USUAL_AFTER = 3


class Talk:
    """One conversation over a WebSocket.

    Attributes:
        service: What it talks to.
        trace_id: Its trace id, which the handshake's headers carry too.
        query: The parameters of the URL.
    """

    def __init__(self, socket: WebSocket, session: Session, trace_id: str, fault: Fault | None, after: int) -> None:
        self.service: Service = service_of(socket)
        self.trace_id = trace_id
        self.query = dict(socket.query_params)
        self._socket = socket
        self._session = session
        self._break = None if fault is None else fault.talk
        self._after = after
        self._sent = 0
        self._coming: asyncio.Future[Message] | None = None  # the client's next message

    async def receive(self) -> Event:
        """The next event of the client.

        Raises:
            Refusal: It is not a JSON object with a ``type``.
            WebSocketDisconnect: The client has gone, or has been closed for saying nothing.
        """
        try:
            return await self.hear(self.service.idle_seconds)
        except asyncio.TimeoutError:
            await self.close_idle()
            raise WebSocketDisconnect(_NORMAL) from None

    async def hear(self, patience: float) -> Event:
        """The next event of the client, if it comes soon; what comes later is not lost.

        Args:
            patience: How many seconds to wait; with 0 only what has come already is taken.

        Raises:
            asyncio.TimeoutError: Nothing came.
            Refusal: It is not a JSON object with a ``type``.
            WebSocketDisconnect: The client has gone.
        """
        message = await self._message(patience)
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        try:
            event = json.loads(message.get("text") or message.get("bytes") or b"")
        except ValueError:
            raise invalid("event", "an event must be a JSON object") from None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise invalid("type", "an event must be a JSON object with a string called type")
        self._session.note_received(event)
        return event

    async def send(self, event: Event) -> None:
        """Send an event; the fault, where there is one, comes after so many of them.

        Raises:
            WebSocketDisconnect: The client has gone.
        """
        if self._break is Break.SLOW:
            await asyncio.sleep(self.service.pause)
        elif self.service.delay:
            await asyncio.sleep(self.service.delay)
        await self._socket.send_text(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        self._session.note_sent(event)
        self._sent += 1
        await self.break_off()

    async def break_off(self) -> None:
        """Let the fault happen if its time has come.

        Raises:
            WebSocketDisconnect: It has ended the conversation.
        """
        if self._break in (None, Break.SLOW) or self._sent != self._after:
            return
        if self._break is Break.CLOSE:
            await self.close(_INTERNAL_ERROR, "internal error")
        elif self._break is Break.CUT:
            hang_up_of(self._socket.scope)()
        while (await self._message())["type"] != "websocket.disconnect":
            pass  # silence: whatever the client says
        raise WebSocketDisconnect(1006)

    async def _message(self, patience: float | None = None) -> Message:
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._socket.receive())
        await asyncio.wait({self._coming}, timeout=patience)
        if not self._coming.done():
            raise asyncio.TimeoutError
        message, self._coming = self._coming.result(), None
        return message

    def leave(self) -> None:
        """Wait for nothing any more."""
        if self._coming is not None:
            self._coming.cancel()

    async def close_idle(self) -> None:
        """Close the connection to a client that has said nothing for too long."""
        await self.close(reason=f"idle for {self.service.idle_seconds:g} seconds")

    async def close(self, code: int = _NORMAL, reason: str = "") -> None:
        """Close the connection in order."""
        self._session.closed = code
        await self._socket.close(code, reason)


async def converse(talk: Talk, react: React, refuse: Refuse) -> None:
    """Give each event to ``react`` until the client goes, and each refusal of one to ``refuse``."""
    while True:
        await _react(talk, react, refuse)


async def _react(talk: Talk, react: React, refuse: Refuse) -> None:
    try:
        await react(await talk.receive())
    except Refusal as refusal:
        await refuse(refusal)


def conversing(handler: Callable[[Talk], Awaitable[None]], admit: Admit | None = None) -> SocketEndpoint:
    """A WebSocket endpoint: its key checked, its handshake answered, its events noted.

    Args:
        handler: Talks until it is done or the client has gone; the connection is closed then.
        admit: Raises a Refusal for a handshake that is answered over HTTP instead.
    """

    async def endpoint(socket: WebSocket) -> None:
        trace_id = new_trace_id()
        headers = trace_headers(trace_id, socket.url.path)
        fault: Fault | None = socket.scope["state"]["fault"]
        try:
            check_key(socket)
            after = _after(socket)
            if admit is not None:
                admit(socket)
        except Refusal as refusal:
            await socket.send_denial_response(refusal.response(headers))
            return
        await socket.accept(headers=[(name.encode(), value.encode()) for name, value in headers.items()])
        with service_of(socket).journal.talking(socket) as session:
            talk = Talk(socket, session, trace_id, fault, after)
            try:
                await talk.break_off()
                await handler(talk)
            except WebSocketDisconnect as gone:
                session.closed = gone.code if session.closed is None else session.closed
            finally:
                talk.leave()
            if socket.application_state is WebSocketState.CONNECTED is socket.client_state:
                await talk.close()

    return endpoint


def _after(socket: WebSocket) -> int:
    asked = socket.headers.get(AFTER_HEADER, str(_USUAL_AFTER))
    if not (asked.isascii() and asked.isdecimal()):
        raise invalid(AFTER_HEADER, f"{AFTER_HEADER} must be a whole number of server events")
    return int(asked)
