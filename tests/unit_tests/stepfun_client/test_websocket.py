"""The WebSocket session, in both worlds: events there and back, large ones too, every ending, and no key in any log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from pydantic import SecretStr
from websockets.sync.server import Server, ServerConnection, serve

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AuthenticationError,
    StepFunError,
    StreamInterruptedError,
)
from stepfun_client.core.settings import Settings
from stepfun_client.core.websocket import open_websocket, open_websocket_async

KEY = "sk-very-secret-0123456789"
Talk = Callable[[Callable[[dict[str, Any]], Awaitable[None]], Callable[[], Awaitable[Any]]], Awaitable[Any]]


def sync_session(settings: Settings, talk: Talk) -> Any:
    """Run a conversation over the synchronous session."""
    with open_websocket(settings, "/realtime", {"model": "m"}) as socket:

        async def send(event: dict[str, Any]) -> None:
            socket.send(event)

        async def receive() -> Any:
            return socket.receive(timeout=2)

        return asyncio.run(talk(send, receive))


def async_session(settings: Settings, talk: Talk) -> Any:
    """Run the same conversation over the asynchronous session."""

    async def run() -> Any:
        async with open_websocket_async(settings, "/realtime", {"model": "m"}) as socket:
            return await talk(socket.send, socket.receive)

    return asyncio.run(run())


both = pytest.mark.parametrize("session", [sync_session, async_session])


@contextlib.contextmanager
def served(handler: Callable[[ServerConnection], None], **options: Any) -> Iterator[Settings]:
    """Serve WebSockets on the loopback."""
    server: Server = serve(handler, "127.0.0.1", 0, max_size=None, **options)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        port = server.socket.getsockname()[1]
        yield Settings(api_key=SecretStr(KEY), base_url=f"http://127.0.0.1:{port}/v1")
    finally:
        server.shutdown()
        thread.join()


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@both
def test_events_go_there_and_back(session: Callable[..., Any]) -> None:
    async def talk(send: Any, receive: Any) -> Any:
        await send({"type": "tts.create", "text": "你好"})
        return await receive()

    with served(echo) as settings:
        assert session(settings, talk) == {"type": "tts.create", "text": "你好"}


@both
def test_the_model_and_the_key_go_with_the_handshake(session: Callable[..., Any]) -> None:
    def tell(connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        connection.send(json.dumps({"path": request.path, "key": request.headers["Authorization"]}))

    async def talk(_send: Any, receive: Any) -> Any:
        return await receive()

    with served(tell) as settings:
        assert session(settings, talk) == {"path": "/v1/realtime?model=m", "key": f"Bearer {KEY}"}


@both
def test_a_message_may_exceed_one_mebibyte(session: Callable[..., Any]) -> None:
    async def talk(send: Any, receive: Any) -> Any:
        await send({"audio": "A" * (3 << 20)})
        return len((await receive())["audio"])

    with served(echo) as settings:
        assert session(settings, talk) == 3 << 20


@both
def test_an_orderly_end_is_no_event(session: Callable[..., Any]) -> None:
    async def talk(_send: Any, receive: Any) -> Any:
        return await receive()

    with served(lambda connection: connection.close()) as settings:
        assert session(settings, talk) is None


@both
def test_a_disorderly_end_is_an_interruption(session: Callable[..., Any]) -> None:
    async def talk(_send: Any, receive: Any) -> Any:
        return await receive()

    with (
        served(lambda connection: connection.close(1011, "idle")) as settings,
        pytest.raises(StreamInterruptedError, match="idle for 60 s"),
    ):
        session(settings, talk)


@both
def test_sending_on_a_closed_session_is_an_interruption(session: Callable[..., Any]) -> None:
    async def talk(send: Any, receive: Any) -> Any:
        assert await receive() is None
        await send({"type": "too late"})

    with served(lambda connection: connection.close()) as settings, pytest.raises(StreamInterruptedError):
        session(settings, talk)


@both
def test_what_is_no_json_is_an_unreadable_reply(session: Callable[..., Any]) -> None:
    async def talk(_send: Any, receive: Any) -> Any:
        return await receive()

    with (
        served(lambda connection: connection.send("<html>")) as settings,
        pytest.raises(APIResponseError, match="html"),
    ):
        session(settings, talk)


def test_silence_is_a_timeout() -> None:
    def silent(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    with (
        served(silent) as settings,
        open_websocket(settings, "/realtime", {}) as socket,
        pytest.raises(APITimeoutError, match="timeout"),
    ):
        socket.receive(timeout=0.05)


@both
def test_a_refused_handshake_is_the_status_it_came_with(session: Callable[..., Any]) -> None:
    def refuse(connection: ServerConnection, _request: Any) -> Any:
        response = connection.respond(HTTPStatus.UNAUTHORIZED, '{"error":{"message":"no","type":"invalid_api_key"}}')
        response.headers["X-Trace-Id"] = "f" * 32
        return response

    async def talk(_send: Any, _receive: Any) -> None:
        raise AssertionError("the session never opens")

    with served(echo, process_request=refuse) as settings, pytest.raises(AuthenticationError) as caught:
        session(settings, talk)
    assert (caught.value.type, caught.value.trace_id) == ("invalid_api_key", "f" * 32)


@both
def test_a_server_that_is_not_there_is_a_connection_error(session: Callable[..., Any]) -> None:
    async def talk(_send: Any, _receive: Any) -> None:
        raise AssertionError("the session never opens")

    with pytest.raises(APIConnectionError, match="base_url"):
        session(Settings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:9/v1"), talk)


@both
def test_the_key_is_in_no_log(session: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    async def talk(send: Any, receive: Any) -> Any:
        await send({"type": "x"})
        return await receive()

    with caplog.at_level(logging.DEBUG, "stepfun_client"), served(echo) as settings:
        session(settings, talk)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("stepfun_client"))
    assert "> Authorization: Bearer ***" in logged
    assert KEY not in logged


@both
def test_the_key_is_in_no_local_of_a_traceback(session: Callable[..., Any]) -> None:
    async def talk(_send: Any, _receive: Any) -> None:
        raise AssertionError("the session never opens")

    with pytest.raises(StepFunError) as caught:
        session(Settings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:9/v1"), talk)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert KEY not in "".join(shown)
