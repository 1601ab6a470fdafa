"""Shared by the client's tests: a scripted server on the loopback, and one way to write a test for both clients."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest

from stepfun_client import AsyncStepFunClient, StepFunClient
from stepfun_client.core import transport

KEY = "sk-loopback-0123456789abcdef"
TRACE = "373279f754863eccda439d90e5c06dfa"
STALL, DROP = object(), object()
KEPT_BYTES = 1 << 20

REPOSITORY = Path(__file__).parents[3]
RECORDINGS = {"own": REPOSITORY / "tests" / "wire", "live": REPOSITORY.parent / "shared" / "wire" / "recorded"}


@dataclass(frozen=True)
class Request:
    """A request as the server received it; of a long body only the beginning is kept."""

    method: str
    path: str
    headers: httpx.Headers
    body: bytes
    size: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Loopback:
    """A server that does as it is told: `script` holds what it sends, one entry a request, the last one for ever.

    A step of a script is bytes to send, seconds to wait, `stall` (until the client leaves) or `drop` (at once).
    """

    stall, drop = STALL, DROP
    base_url: str = ""
    script: deque[Iterable[Any]] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    accepted: int = 0
    open: int = 0

    def answers(self, *scripts: Any) -> Loopback:
        self.script = deque([script] if isinstance(script, bytes) else script for script in scripts)
        return self

    def wait_for(self, condition: Any, *, seconds: float = 5.0) -> float:
        """Wait until the condition holds; return how long it took."""
        waited = self._waiting(condition, seconds)
        while (took := next(waited)) is None:
            time.sleep(0.002)
        return took

    async def wait_async(self, condition: Any, *, seconds: float = 5.0) -> float:
        """Wait as `wait_for` does, while this event loop goes on."""
        waited = self._waiting(condition, seconds)
        while (took := next(waited)) is None:  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.002)
        return took

    def _waiting(self, condition: Any, seconds: float) -> Iterator[float | None]:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, f"{self.open} of {self.accepted} connections are still open"
            yield None
        yield time.monotonic() - start

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(await _received(reader))
        for step in self.script.popleft() if len(self.script) > 1 else self.script[0]:
            if step is DROP:
                writer.transport.abort()
                return False
            if step is STALL:
                return bool(await reader.read())
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                writer.write(step)
                await writer.drain()
        return True


async def _received(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    method, path, _ = head[0].split()
    headers = httpx.Headers([line.split(": ", 1) for line in head[1:] if line])
    kept, size = bytearray(), 0
    async for piece in _body(reader, headers):
        size += len(piece)
        kept += piece[: max(0, KEPT_BYTES - len(kept))]
    return Request(method, path, headers, bytes(kept), size)


async def _body(reader: asyncio.StreamReader, headers: httpx.Headers) -> Any:
    if headers.get("transfer-encoding") == "chunked":
        while length := int(await reader.readline(), 16):
            yield await reader.readexactly(length)
            await reader.readline()
        await reader.readline()
    left = int(headers.get("content-length", 0))
    while left:
        piece = await reader.read(min(left, KEPT_BYTES))
        left -= len(piece)
        yield piece


@pytest.fixture
def server() -> Any:
    """A scripted server on the loopback."""
    loopback, loop, ready, ends = Loopback(), asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def main() -> None:
        listening = await asyncio.start_server(loopback.serve, "127.0.0.1", 0, backlog=2000)
        loopback.base_url = "http://127.0.0.1:{1}/v1".format(*listening.sockets[0].getsockname())
        ready.set()
        await ends.wait()
        for _ in range(20):  # what has just been accepted becomes a session, which closes it
            await asyncio.sleep(0)
        listening.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=[main()])
    thread.start()
    ready.wait()
    yield loopback
    loop.call_soon_threadsafe(ends.set)
    thread.join()
    loop.close()


@dataclass
class Both:
    """Either client, written once: `await both.get(...)` whatever a method returns, `both.client(...)` to make one."""

    kind: str
    made: list[Any] = field(default_factory=list)

    def client(self, server: Loopback | None = None, **options: Any) -> Any:
        cls = StepFunClient if self.kind == "sync" else AsyncStepFunClient
        made = cls(**{"api_key": KEY, "base_url": server and server.base_url, **options})
        self.made.append(made)
        return made

    def mocked(self, handler: Any, **options: Any) -> Any:
        """Make a client whose requests go to a function."""
        return self.client(http_client=self.http(transport=httpx.MockTransport(handler)), **options)

    def http(self, **options: Any) -> Any:
        return httpx.Client(**options) if self.kind == "sync" else httpx.AsyncClient(**options)

    async def get(self, value: Any) -> Any:
        return await value if inspect.isawaitable(value) else value

    async def items(self, stream: Any) -> list[Any]:
        return list(stream) if self.kind == "sync" else [item async for item in stream]

    async def first(self, stream: Any) -> Any:
        return next(iter(stream)) if self.kind == "sync" else await anext(aiter(stream))

    async def close(self, client: Any) -> None:
        await self.get(client.close() if self.kind == "sync" else client.aclose())


@pytest.fixture(params=["sync", "async"])
async def both(request: pytest.FixtureRequest) -> Any:
    """Runs a test twice, with each client."""
    adapter = Both(request.param)
    yield adapter
    for client in adapter.made:
        await adapter.close(client)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds the transport would have slept; it does not."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    own = {"get_running_loop": asyncio.get_running_loop, "sleep": sleep}
    monkeypatch.setattr(transport, "asyncio", SimpleNamespace(**own))
    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=slept.append, perf_counter=time.perf_counter))
    return slept


class Wire:
    """Writes what a server sends: whole replies, and event streams cut where one likes."""

    trace_id = TRACE
    key = KEY
    ask: ClassVar[dict[str, Any]] = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hi"}]}

    @staticmethod
    def reply(body: Any = None, status: int = 200, *, content_type: str = "application/json", **headers: str) -> bytes:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"content-type": content_type, "x-trace-id": TRACE, "content-length": len(content), **headers}
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {named[name]}" for name in named)]
        return "\r\n".join([*lines, "", ""]).encode() + content

    @classmethod
    def error(cls, status: int, kind: str = "", message: str = "no", **headers: str) -> bytes:
        return cls.reply({"error": {"message": message, "type": kind}}, status, **headers)

    @classmethod
    def completion(cls, text: str = "OK", **message: Any) -> bytes:
        return cls.reply(cls.completion_body(text, **message))

    @staticmethod
    def completion_body(text: str | None = "OK", **message: Any) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, **message}}
        return {"id": f"chatcmpl-{TRACE}.01a1", "created": 1, "model": "step-3.7-flash", "choices": [choice]}

    @staticmethod
    def head(**headers: str) -> bytes:
        """Begin a chunked event stream."""
        named = {"content-type": "text/event-stream", "x-trace-id": TRACE, "transfer-encoding": "chunked", **headers}
        return "\r\n".join(["HTTP/1.1 200 OK", *(f"{name}: {named[name]}" for name in named), "", ""]).encode()

    @staticmethod
    def chunk(piece: bytes) -> bytes:
        """Frame a piece so that the client receives exactly it."""
        return b"%x\r\n%b\r\n" % (len(piece), piece)

    end = b"0\r\n\r\n"

    @classmethod
    def stream(cls, *pieces: bytes) -> bytes:
        """A whole event stream, received in these pieces."""
        return b"".join([cls.head(), *map(cls.chunk, filter(None, pieces)), cls.end])

    @staticmethod
    def event(data: Any) -> bytes:
        return b"data: %b\n\n" % (data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode())

    done = b"data: [DONE]\n\n"

    @classmethod
    def delta(cls, index: int = 0, finish_reason: Any = None, **delta: Any) -> bytes:
        """One chunk of a chat stream."""
        choice: dict[str, Any] = {"index": index, "delta": delta}
        if finish_reason is not None:
            choice["finish_reason"] = finish_reason
        return cls.event({"id": f"{TRACE}.01a1", "created": 7, "model": "step-3.7-flash", "choices": [choice]})

    @classmethod
    def answer(cls, *events: bytes) -> bytes:
        """A chat stream of these events, ended as the service ends it."""
        return cls.stream(*events, cls.delta(finish_reason="stop"), cls.done)

    @staticmethod
    def single_bytes(data: bytes) -> list[bytes]:
        return [data[at : at + 1] for at in range(len(data))]


@pytest.fixture
def wire() -> type[Wire]:
    """Writes what a server sends."""
    return Wire


@dataclass(frozen=True)
class Recording:
    """A recorded exchange: the body as the pieces the recorder read."""

    request: dict[str, Any]
    headers: dict[str, str]
    pieces: list[bytes]

    @property
    def asked(self) -> dict[str, Any]:
        """What `create` or `stream` is called with."""
        return {name: value for name, value in self.request.items() if name != "stream"}

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The stream's events, read without any code of the client's."""
        events = self.body.decode().split("\n\n")
        return [json.loads(event[6:]) for event in events if event.startswith("data: {")]


@pytest.fixture(params=list(RECORDINGS))
def recorded(request: pytest.FixtureRequest) -> Any:
    """Reads recordings by name: our own samples, and the live ones where they are at hand."""
    folder = RECORDINGS[request.param]
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")

    def read(name: str) -> Recording:
        whole = json.loads((folder / f"{name}.json").read_text("utf-8"))
        response = whole["response"]
        encoded = response.get("chunks_b64")
        pieces = [base64.b64decode(piece) for piece in encoded] if encoded else [json.dumps(response["body"]).encode()]
        return Recording(whole["request"], response["headers"], pieces)

    return read
