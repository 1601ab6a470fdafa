"""The WebSocket session, synchronous and asynchronous: JSON events out, JSON events in.

A message may exceed 1 MiB (WIRE.md section 6), so no size is refused; sound does not compress, so nothing is
compressed; pings keep the connection alive. The library's own debug log goes to `stepfun_client.websocket`, where the
key is masked.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pydantic_core
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus, WebSocketException
from websockets.sync.client import connect as connect_sync

from stepfun_client.core.call import encode_json, unreadable
from stepfun_client.core.logs import websocket_logger
from stepfun_client.core.settings import CONNECT_TIMEOUT_SECONDS
from stepfun_client.errors import (
    APIConnectionError,
    APITimeoutError,
    StepFunError,
    StreamInterruptedError,
    status_error,
    trace_id_of,
    without_frames,
)

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncConnection
    from websockets.datastructures import Headers
    from websockets.sync.client import ClientConnection as Connection

    from stepfun_client.core.settings import Settings

Event = dict[str, Any]

_PING_SECONDS = 20.0
_CLOSE_SECONDS = 0.5  # nobody's farewell is worth more: a silent service has none, and a flood of sound hides it


class WebSocket:
    """An open session: send events, receive events. Made by `open_websocket`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def trace_id(self) -> str | None:
        """The trace id of the handshake, where the service gave one."""
        return _trace_id(self._connection)

    def abort(self) -> None:
        """Break the connection off: whoever waits for an event gets a StreamInterruptedError."""
        with suppress(OSError):  # broken off already
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the session in good order, also while another thread waits for an event."""
        self._connection.close()

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event.

        Raises:
            StreamInterruptedError: If the connection is closed.
            InvalidParameterError: If a value is not JSON.
        """
        with _closing(self.trace_id):
            self._connection.send(_encoded(event))

    def receive(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event; None once the service has closed the session in good order.

        Raises:
            APITimeoutError: If none came within `timeout` seconds.
            StreamInterruptedError: If the connection broke.
            APIResponseError: If what came is no event.
        """
        with _closing(self.trace_id):
            try:
                return _decoded(self._connection.recv(timeout), self.trace_id)
            except ConnectionClosedOK:
                return None


class AsyncWebSocket:
    """An open session, asynchronously; see `WebSocket`. Made by `open_websocket_async`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def trace_id(self) -> str | None:
        """The trace id of the handshake, where the service gave one."""
        return _trace_id(self._connection)

    def abort(self) -> None:
        """Break the connection off; see `WebSocket.abort`."""
        self._connection.transport.abort()

    async def close(self) -> None:
        """Close the session in good order; see `WebSocket.close`."""
        await self._connection.close()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send one event; see `WebSocket.send`."""
        with _closing(self.trace_id):
            await self._connection.send(_encoded(event))

    async def receive(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event; see `WebSocket.receive`."""
        with _closing(self.trace_id):
            try:
                return _decoded(await _within(timeout, self._connection.recv()), self.trace_id)
            except ConnectionClosedOK:
                return None


async def _within(timeout: float | None, waiting: Coroutine[Any, Any, str | bytes]) -> str | bytes:
    """Wait for so long; unlike `asyncio.wait_for` before Python 3.12, be cancelled also while something comes."""
    coming = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait({coming}, timeout=timeout)
    finally:
        coming.cancel()  # changes nothing about what has come
        await asyncio.wait({coming})
    if coming.cancelled():
        raise asyncio.TimeoutError
    return coming.result()


class _Connect(connect_async):
    """Follows no redirect: older versions of the library take the key along, and it is for the service alone."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Let the redirect be the refusal that it is."""
        return exc


@contextmanager
def open_websocket(settings: Settings, path: str, query: Mapping[str, str]) -> Iterator[WebSocket]:
    """Open a session, and close it in good order at the end of the block.

    Args:
        settings: Where and with which key.
        path: The path below the base URL, with its leading slash.
        query: Query parameters, such as the model.

    Raises:
        InvalidParameterError: If the path or the model is certainly not served there; nothing has been sent.
        APIStatusError: If the service refuses the handshake.
        APIConnectionError: If it cannot be reached.
    """
    url = _address(settings, path, query)
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(connect_sync(url, **_options(settings)))
        except (OSError, WebSocketException) as error:
            raise _refused(error, url, settings) from without_frames(error)
        try:
            yield WebSocket(connection)
        finally:
            connection.close()  # in good order, also where the listener has left


@asynccontextmanager
async def open_websocket_async(
    settings: Settings, path: str, query: Mapping[str, str]
) -> AsyncIterator[AsyncWebSocket]:
    """Open a session asynchronously; see `open_websocket`."""
    url = _address(settings, path, query)
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(_Connect(url, **_options(settings)))
        except (OSError, WebSocketException) as error:
            raise _refused(error, url, settings) from without_frames(error)
        try:
            yield AsyncWebSocket(connection)
        finally:
            await connection.close()


def _address(settings: Settings, path: str, query: Mapping[str, str]) -> str:
    settings.check(path, query.get("model"))
    return f"{re.sub('^http', 'ws', settings.root)}{path}" + (f"?{urlencode(query)}" if query else "")


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "additional_headers": {**settings.default_headers, "Authorization": f"Bearer {settings.key()}"},
        "open_timeout": CONNECT_TIMEOUT_SECONDS,
        "ping_interval": _PING_SECONDS,
        # While a slow consumer holds the stream back, pongs wait behind events: their absence proves nothing.
        "ping_timeout": None,
        "close_timeout": _CLOSE_SECONDS,
        "max_size": None,
        "compression": None,
        "logger": websocket_logger,
    }


def _refused(error: Exception, url: str, settings: Settings) -> StepFunError:
    if isinstance(error, InvalidStatus):
        response = error.response
        return status_error(
            response.status_code,
            _lowered(response.headers),
            bytes(response.body or b""),
            url=url,
            redact=settings.redact,
        )
    reason = settings.redact(str(error)) or type(error).__name__
    cls = APITimeoutError if isinstance(error, TimeoutError) else APIConnectionError
    return cls(f"{url}: the connection failed ({reason}); check the network, the proxy settings and base_url")


def _trace_id(connection: Connection | AsyncConnection) -> str | None:
    return trace_id_of(_lowered(connection.response.headers)) if connection.response else None


@contextmanager
def _closing(trace_id: str | None) -> Iterator[None]:
    """Say what a closed or silent connection means."""
    try:
        yield
    except ConnectionClosed as error:
        raise StreamInterruptedError(
            f"the session was closed ({error}); StepFun closes one that is idle for 60 s, open a new one",
            trace_id=trace_id,
        ) from without_frames(error)
    except (TimeoutError, asyncio.TimeoutError) as error:  # one class since Python 3.11
        raise APITimeoutError(
            "no event came within the timeout; raise timeout=...", trace_id=trace_id
        ) from without_frames(error)


def _lowered(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.raw_items()}


def _encoded(event: Mapping[str, Any]) -> str:
    return encode_json(event).decode()


def _decoded(message: str | bytes, trace_id: str | None) -> Event:
    raw = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
    try:
        event = pydantic_core.from_json(raw)
    except ValueError as error:
        raise unreadable(raw, error, trace_id=trace_id) from error
    if not isinstance(event, dict):
        raise unreadable(raw, TypeError("an event is a JSON object"), trace_id=trace_id)
    return event
