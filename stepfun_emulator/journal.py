"""What the emulator saw: requests, conversations, the streams open. Kept in memory, never logged.

The memory is bounded: a thousand requests and conversations, and of the bodies of old requests only what fits a budget.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

_KEPT = 1000
_GONE = 1006  # the code of a connection that was never closed
_SHORT = 100  # characters of sound that are kept as they are, and of long texts in old requests
_SMALL = 16 * 1024  # bytes of JSON that any body may have
_BUDGET = 16 * 1024 * 1024  # bytes of JSON that the larger ones may have together; the newest is kept whole in any case
_SECRET = {"authorization", "x-api-key"}


class Received(NamedTuple):
    """One request as it arrived, without the key.

    Attributes:
        method: ``POST`` and so on.
        path: The path, prefix included.
        headers: Header names in lower case; ``authorization`` is left out.
        body: The JSON body, or None where the body was not JSON. Long texts of old requests may be cut.
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
        self._long: deque[tuple[Received, int]] = deque()  # those with a body that is not small, and its size

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        """Count an event stream while it is being written."""
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    def note(self, received: Received, size: int = 0) -> None:
        """Remember a request; only the last thousand are kept, and of old bodies not more than fits.

        Args:
            received: The request.
            size: How many bytes of JSON its body has.
        """
        _remember(self.requests, received)
        if size > _SMALL:
            self._long.append((received, size))
        while len(self._long) > 1 and sum(size for _, size in self._long) > _BUDGET:
            self._shorten(*self._long.popleft())

    def _shorten(self, received: Received, size: int) -> None:
        for at, one in enumerate(self.requests):
            if one is received:
                self.requests[at] = received._replace(body=_shortened(received.body, size))

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


def _shortened(body: Any, size: int) -> Any:
    """A large body cut down: with the beginnings of its long texts, or only its length where that is not enough."""
    try:
        body = _abridged(body)
        left = len(json.dumps(body))
    except RecursionError:
        left = size
    return body if left <= _SMALL else f"<{size} bytes of JSON>"


def _abridged(value: Any) -> Any:
    """A body with the beginnings of its long texts only."""
    if isinstance(value, dict):
        return {key: _abridged(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_abridged(one) for one in value]
    if isinstance(value, str) and len(value) > _SHORT:
        return f"{value[:_SHORT]}… <{len(value)} characters>"
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
        body = _parsed(content, headers)
        received = Received(scope["method"], scope["path"], headers, body)
        self._journal.note(received, 0 if body is None else len(content))
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
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is Python, not JSON")
