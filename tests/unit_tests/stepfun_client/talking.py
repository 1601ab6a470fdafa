"""Realtime sessions for the tests: one way to hold either kind, and a line to the emulator that can be cut."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from stepfun_emulator.sound import hear, utter

MODEL = "stepaudio-2.5-realtime"
RATE = 24_000
PAUSE = bytes(2 * RATE)
TEXT = {"modalities": ["text"]}
LONG = "Count from 1 to 200"

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city"}},
            "required": ["city"],
        },
    },
}


def spoken(text: str) -> bytes:
    """A turn: the text, and the pause that ends it."""
    return utter(text) + PAUSE


def understood(events: list[Any]) -> str:
    """What the sound of some events says."""
    return "".join(one.text for one in hear(b"".join(getattr(event, "audio", b"") for event in events), RATE))


def names(events: list[Any]) -> list[str]:
    """The types of events in order, each run of deltas once."""
    found: list[str] = []
    for event in events:
        if not (event.type.endswith(".delta") and event.type in found[-2:]):
            found.append(event.type)
    return found


def sent(session: Any, *types: str) -> list[dict[str, Any]]:
    """What the emulator received in one of its sessions, of these types."""
    return [event for event in session.received if event["type"] in types]


def wait_for(condition: Callable[[], Any], *, seconds: float = 10.0) -> None:
    """Wait for what happens in another thread."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


class Talk:
    """A session of either kind, spoken to in one way."""

    def __init__(self, session: Any, both: Any) -> None:
        self.session = session
        self.both = both
        self.events: list[Any] = []

    async def say(self, verb: str, *args: Any) -> None:
        await self.both.get(getattr(self.session, verb)(*args))

    async def next(self) -> Any:
        event = next(self.session) if self.both.kind == "sync" else await anext(self.session)
        self.events.append(event)
        return event

    async def until(self, type_: str, times: int = 1) -> list[Any]:
        """Events up to the so-manieth of a type."""
        found = []
        while times:
            found.append(await self.next())
            times -= found[-1].type == type_
        return found

    async def done(self, times: int = 1) -> list[Any]:
        return await self.until("response.done", times)

    async def ask(self, text: str) -> list[Any]:
        await self.say("send_text", text)
        return await self.done()


@asynccontextmanager
async def talking(both: Any, client: Any, **options: Any) -> Any:
    session = client.realtime.connect(**{"model": MODEL, **options})
    if both.kind == "sync":
        with session:
            yield Talk(session, both)
    else:
        async with session:
            yield Talk(session, both)


async def outlast(both: Any, client: Any, events: list[Any], *, on: tuple[Any, ...] = (), **options: Any) -> None:
    """Listen to a session until an error ends it."""
    async with talking(both, client, **options) as talk:
        if on:
            talk.session.on(*on)
        while True:
            events.append(await talk.next())


@dataclass
class Line:
    """A line to an emulator: it knows what each connection's client sent, and cuts the first where it is told to."""

    target: str
    cut_after: int | None = None
    base_url: str = ""
    received: list[list[dict[str, Any]]] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    close: Callable[[], None] = lambda: None
    cut: Callable[[], None] = lambda: None

    def carry(self, near: ServerConnection) -> None:
        number = len(self.received)
        self.received.append([])
        self.passed.append(0)
        self.cut = lambda: near.socket.shutdown(socket.SHUT_RDWR)
        path = near.request.path.removeprefix("/v1") if near.request else ""
        url = self.target.replace("http://", "ws://") + path
        with connect(url, additional_headers={"authorization": "Bearer line"}, max_size=None) as far:
            pump = threading.Thread(target=self._upwards, args=(near, far, number), daemon=True)
            pump.start()
            with suppress(ConnectionClosed, OSError):
                self._downwards(near, far, number)
        with suppress(OSError):
            near.socket.shutdown(socket.SHUT_RDWR)
        pump.join()

    def _downwards(self, near: Any, far: Any, number: int) -> None:
        for message in far:
            self.passed[number] += 1
            near.send(message)
            if number == 0 and self.passed[number] == self.cut_after:
                self.cut()
                return
        near.close()

    def _upwards(self, near: Any, far: Any, number: int) -> None:
        with suppress(ConnectionClosed, OSError):
            for message in near:
                self.received[number].append(json.loads(message))
                far.send(message)
        far.close()


@contextmanager
def lined(target: str, cut_after: int | None = None) -> Iterator[Line]:
    """Lay a line to an emulator."""
    line = Line(target, cut_after)
    with serve(line.carry, "127.0.0.1", 0, max_size=None) as server:
        line.base_url = f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        line.close = server.shutdown
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield line
        server.shutdown()
        thread.join()
