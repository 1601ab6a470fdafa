"""A client of the realtime socket that nobody here wrote, and short ways to talk with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

import stepfun_emulator
from stepfun_emulator import Emulator
from stepfun_emulator.sound import hear, utter

Event = dict[str, Any]
RATE = 24_000
MODEL = "stepaudio-2.5-realtime"
SILENCE = bytes(2 * RATE)
DONE = "response.done"


class Client:
    """A conversation with the emulator, event by event."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: set[str] = set()

    def send(self, type_: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": type_, **fields}))

    def receive(self) -> Event:
        event: Event = json.loads(self.socket.recv(timeout=20))
        assert next(iter(event)) == "event_id"
        assert event["event_id"] not in self.seen
        self.seen.add(event["event_id"])
        return event

    def ask(self, type_: str, **fields: Any) -> Event:
        self.send(type_, **fields)
        return self.receive()

    def update(self, **session: Any) -> Event:
        answer = self.ask("session.update", session=session)
        assert answer["type"] == "session.updated", answer
        return answer["session"]

    def append(self, samples: bytes) -> None:
        self.send("input_audio_buffer.append", audio=base64.b64encode(samples).decode())

    def write(self, text: str) -> Event:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self.ask("conversation.item.create", item=item)

    def until(self, type_: str) -> list[Event]:
        found = [self.receive()]
        while found[-1]["type"] != type_:
            assert found[-1]["type"] != "error", found[-1]
            found.append(self.receive())
        return found

    def respond(self) -> list[Event]:
        self.send("response.create")
        return self.until(DONE)

    def say(self, text: str) -> list[Event]:
        """Speak where turns are detected, and take all that follows."""
        self.append(utter(text) + SILENCE)
        return self.until(DONE)

    def quiet(self) -> None:
        """See that the server has nothing more to say."""
        assert self.ask("response.cancel")["error"]["code"] == "response_not_active"

    def refused(self, type_: str, param: str | None, **fields: Any) -> str:
        answer = self.ask(type_, event_id="mine", **fields)
        assert list(answer) == ["event_id", "type", "error"], answer
        assert list(answer["error"]) == ["type", "code", "message", "param", "event_id"]
        assert (answer["type"], answer["error"]["param"]) == ("error", param), answer
        assert answer["error"]["event_id"] == "mine"
        return answer["error"]["message"]


Dial = Callable[..., AbstractContextManager[Client]]


@contextmanager
def dialling(base_url: str, model: str = MODEL, **headers: str) -> Iterator[Client]:
    url = base_url.replace("http://", "ws://") + f"/realtime?model={model}"
    with connect(url, additional_headers={"authorization": "Bearer test", **headers}, max_size=None) as socket:
        yield Client(socket)


@pytest.fixture
def dial(emulator: Emulator) -> Dial:
    """Connect: the arguments are the model, headers, and ``base_url`` for another emulator."""

    def call(model: str = MODEL, *, base_url: str = emulator.base_url, **headers: str) -> Any:
        return dialling(base_url, model, **headers)

    return call


@pytest.fixture
def client(dial: Dial) -> Iterator[Client]:
    """A session that has just been created."""
    with dial() as client:
        assert client.receive()["type"] == "session.created"
        yield client


@pytest.fixture(scope="module")
def slow_emulator() -> Iterator[Emulator]:
    """An emulator that pauses between events, so that an answer can be broken off."""
    with stepfun_emulator.serving(delay=0.005) as running:
        yield running


@pytest.fixture
def slow(slow_emulator: Emulator) -> Iterator[Client]:
    with dialling(slow_emulator.base_url) as client:
        client.receive()
        yield client


@pytest.fixture(scope="session")
def understood() -> Callable[[list[Event]], str]:
    """What the sound of some events says."""

    def listen(events: list[Event]) -> str:
        sound = b"".join(base64.b64decode(one["delta"]) for one in events if one["type"] == "response.audio.delta")
        return "".join(one.text for one in hear(sound, RATE))

    return listen


@pytest.fixture(scope="session")
def types() -> Callable[[list[Event]], list[str]]:
    """The types of events in order, each run of deltas once."""

    def listed(events: list[Event]) -> list[str]:
        found: list[str] = []
        for event in events:
            name = event["type"]
            if not (name.endswith(".delta") and name in found):
                found.append(name)
        return found

    return listed
