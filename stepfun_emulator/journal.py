"""What the emulator saw: requests, conversations, the streams open. Kept in memory, never logged."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

_KEPT = 1000
_GONE = 1006  # the code of a connection that was never closed
_SHORT = 100  # characters of sound that are kept as they are
_SECRET = {"authorization", "x-api-key"}


class Received(NamedTuple):
    """One request as it arrived, without the key.

    Attributes:
        method: ``POST`` and so on.
        path: The path, prefix included.
        headers: Header names in lower case; ``authorization`` is left out.
        body: The JSON body, or None where the body was not JSON.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Session:
    """One conversation over a WebSocket, without the key.

    Attributes:
        path: The path, prefix included.
        query: The parameters of the URL.
        headers: The handshake's, names in lower case; ``authorization`` is left out.
        received: The client's events. Where sound stood, its length stands.
        sent: The server's events, likewise. Of either the last thousand are kept.
        closed: The code it was closed with, None while it is open.
    """

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    received: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    closed: int | None = None

    def note_received(self, event: dict[str, Any]) -> None:
        """Remember an event of the client."""
        _remember(self.received, _without_sound(event))

    def note_sent(self, event: dict[str, Any]) -> None:
        """Remember an event of the server."""
        _remember(self.sent, _without_sound(event))


class Journal:
    """The record of one emulator."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.sessions: list[Session] = []
        self.open_streams = 0

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        """Count an event stream while it is being written."""
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    def note(self, received: Received) -> None:
        """Remember a request; only the last thousand are kept."""
        _remember(self.requests, received)

    @contextlib.contextmanager
    def talking(self, socket: WebSocket) -> Iterator[Session]:
        """Remember a conversation, and count it as an open stream while it goes on."""
        headers = {name: value for name, value in socket.headers.items() if name not in _SECRET}
        session = Session(socket.url.path, dict(socket.query_params), headers)
        _remember(self.sessions, session)
        with self.streaming():
            try:
                yield session
            finally:
                session.closed = _GONE if session.closed is None else session.closed


def _remember(kept: list[Any], one: Any) -> None:
    kept.append(one)
    if len(kept) > _KEPT:
        del kept[: -_KEPT // 2]


def _without_sound(value: Any, name: str = "", kind: str = "") -> Any:
    """An event as it is kept: what base64 it carries is told by its length."""
    if isinstance(value, dict):
        kind = value.get("type") or kind
        return {key: _without_sound(one, key, str(kind)) for key, one in value.items()}
    sounds = name == "audio" or (name == "delta" and kind.endswith("audio.delta"))
    if sounds and isinstance(value, str) and len(value) > _SHORT:
        return f"<{len(value)} characters of base64>"
    return value


class Recorder:
    """ASGI middleware: reads the whole request, notes it, and hands it on in one piece."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, note, hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        content = await _read(receive)
        headers = {name: value for name, value in Headers(scope=scope).items() if name not in _SECRET}
        received = Received(scope["method"], scope["path"], headers, _parsed(content, headers))
        self._journal.note(received)
        scope.setdefault("state", {})["received"] = received
        scope["state"]["content"] = content
        await self._app(scope, _again(content, receive), send)


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(content: bytes, receive: Receive) -> Receive:
    """A ``receive`` that first gives the body already read, then whatever comes next: the disconnect."""
    waiting = [content]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def _parsed(content: bytes, headers: dict[str, str]) -> Any:
    if headers.get("content-type", "").startswith("multipart/"):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None
