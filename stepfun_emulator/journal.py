"""What the emulator saw: the requests received and the streams open. Kept in memory, never logged."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = 1000
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


class Journal:
    """The record of one emulator."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
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
        self.requests.append(received)
        if len(self.requests) > _KEPT:
            del self.requests[: -_KEPT // 2]


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
