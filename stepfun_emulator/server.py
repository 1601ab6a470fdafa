"""Serving the app on the loopback: uvicorn in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from stepfun_emulator.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from stepfun_emulator.journal import Journal, Received, Session

_HOST = "127.0.0.1"
_TICK = 1.0  # uvicorn renews its Date header once a second
_LAST_MOMENTS = 5.0
_LAST_WORDS = 1.0  # how long a client may go on talking to a connection that has ended
_MOMENT = 0.001
_BACKLOG = 1024
_SECRET = re.compile(r"((?:proxy-)?authorization|x-api-key|cookie)\W+\S.*", re.IGNORECASE)
_LARGEST_EVENT = 64 * 1024 * 1024  # an append carries up to 15 MB, in base64


class _Server(uvicorn.Server):
    """uvicorn that starts and stops at once, and that ends open streams instead of waiting for them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    async def main_loop(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        ticks = 0
        while not await self.on_tick(ticks):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _TICK)
            ticks += 10

    def stop(self) -> None:
        """End the main loop, from another thread."""
        self.should_exit = True
        if self._loop is not None and self._ending is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=_LAST_MOMENTS)
            for task in late:
                task.cancel()
        for server in self.servers:
            await server.wait_closed()
        for sock in sockets or ():
            sock.close()
        await self.lifespan.shutdown()

    def knows(self, client: tuple[str, int]) -> bool:
        """Whether a client is still connected."""
        return any(getattr(connection, "client", None) == client for connection in self.server_state.connections)

    def hang_up(self, client: tuple[str, int], *, politely: bool = False) -> None:
        """Drop the connection of a client without a word, or politely: what is being said before still arrives."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                if politely:
                    connection.transport.write_eof()
                    asyncio.get_running_loop().call_later(_LAST_WORDS, connection.transport.abort)
                else:
                    connection.transport.abort()


class _Discretion(logging.Filter):
    """Masks keys in what uvicorn logs: below INFO it writes down every header of a WebSocket's handshake."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if _SECRET.search(text):
            record.msg, record.args = _SECRET.sub(r"\1: ***", text), None
        return True


_DISCRETION = _Discretion()


class Emulator:
    """A running emulator.

    Attributes:
        base_url: What clients are pointed at, ``/v1`` included.
    """

    def __init__(self, base_url: str, journal: Journal, server: _Server) -> None:
        self.base_url = base_url
        self._journal = journal
        self._server = server

    @property
    def plan_url(self) -> str:
        """The base URL of the Step Plan's paths."""
        return self.base_url.removesuffix("/v1") + "/step_plan/v1"

    @property
    def modelverse_url(self) -> str:
        """The base URL of what stands for modelverse, the other host of step1x-edit."""
        return self.base_url.removesuffix("/v1") + "/modelverse/v1"

    @property
    def requests(self) -> list[Received]:
        """The requests received so far, the last thousand at most, without their keys."""
        return self._journal.requests

    @property
    def sessions(self) -> list[Session]:
        """The conversations over WebSockets so far, the last thousand at most, with the events of both sides."""
        return self._journal.sessions

    @property
    def open_streams(self) -> int:
        """How many event streams are being written and WebSockets are open now."""
        return self._journal.open_streams

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._server.server_state.connections)


@contextlib.contextmanager
def serving(
    *,
    port: int = 0,
    fault: str | None = None,
    lenient: bool = False,
    delay: float = 0.0,
    idle_seconds: float = 60.0,
    session_seconds: float = 1800.0,
) -> Iterator[Emulator]:
    """Run an emulator on the loopback and give the object that knows what it received.

    Args:
        port: The port; 0 takes a free one.
        fault: The name of a fault that befalls every request (see ``stepfun_emulator.FAULTS``).
        lenient: Ignore undocumented parameters as the service does, instead of refusing them.
        delay: Seconds between the events of a stream, and the pause of the fault ``slow``.
        idle_seconds: After how long a client that says nothing over a WebSocket is closed.
        session_seconds: How long a realtime session lasts at most.
    """
    app = create_app(
        fault=fault, lenient=lenient, delay=delay, idle_seconds=idle_seconds, session_seconds=session_seconds
    )
    logging.getLogger("uvicorn.error").addFilter(_DISCRETION)
    listener = _listener(port)
    reachable = _Reachable(app)
    config = uvicorn.Config(
        reachable,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=_LARGEST_EVENT,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    server = reachable.server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="stepfun-emulator", daemon=True)
    thread.start()
    try:
        server.ready.wait()
        base_url = f"http://{_HOST}:{listener.getsockname()[1]}/v1"
        yield Emulator(base_url, app.state.service.journal, server)
    finally:
        server.stop()
        thread.join()


def _listener(port: int) -> socket.socket:
    """A listening socket that says it speaks TCP: asyncio sends small writes at once only on those that do."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def running(
    *,
    port: int = 0,
    fault: str | None = None,
    lenient: bool = False,
    delay: float = 0.0,
    idle_seconds: float = 60.0,
    session_seconds: float = 1800.0,
) -> Iterator[str]:
    """Run an emulator on the loopback and give its base URL, for example ``http://127.0.0.1:40123/v1``.

    The arguments are those of :func:`serving`.
    """
    with serving(
        port=port,
        fault=fault,
        lenient=lenient,
        delay=delay,
        idle_seconds=idle_seconds,
        session_seconds=session_seconds,
    ) as emulator:
        yield emulator.base_url


class _Reachable:
    """Tells the app how to hang up, which ASGI has no word for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.server: _Server | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self.server
        if server is not None and scope["type"] != "lifespan":
            client = tuple(scope["client"])
            politely = scope["type"] == "websocket"  # the events before a cut arrive
            scope.setdefault("state", {})["hang_up"] = lambda: server.hang_up(client, politely=politely)
        refused = False

        async def noting(message: Message) -> None:
            nonlocal refused
            refused = refused or message["type"] == "websocket.http.response.start"
            await send(message)

        await self._app(scope, receive, noting)
        # uvicorn takes a refused handshake for an accident unless its connection has ended before.
        while refused and server is not None and server.knows(tuple(scope["client"])):  # noqa: ASYNC110 - no one tells
            await asyncio.sleep(_MOMENT)
