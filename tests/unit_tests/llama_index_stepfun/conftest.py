"""Two counterparts for StepFun: the emulator, which answers, and a wire that replies as it is told and keeps the bytes.

And two tables, so that no test is written once for each way of asking: `ask` is every way to get a response, `pieces`
every way to get a stream.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage, ChatResponse
from pydantic import Field

from llama_index_stepfun import StepFun, StepFunToolSpec
from stepfun_client.core import transport
from tests.unit_tests.llama_index_stepfun.tooling import KEY, USES, Use

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

QUESTION = "What is 6 * 7?"
TRACE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
USAGE = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}


def reply(text: str | None = "42", *, finish_reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A whole reply as it stands on the wire."""
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "finish_reason": finish_reason, "message": said}
    return {"id": f"chatcmpl-{TRACE}.01", "model": "step-3.7-flash", "choices": [choice], "usage": USAGE}


def event(delta: dict[str, Any] | None = None, *, index: int = 0, **choice: Any) -> bytes:
    """One event of a stream."""
    chunk = {"id": f"{TRACE}.01", "choices": [{"index": index, "delta": delta or {}, **choice}]}
    return b"data: %b\n\n" % json.dumps(chunk, ensure_ascii=False).encode()


def end(finish_reason: str | None = "stop", usage: dict[str, Any] | None = USAGE) -> bytes:
    """The last events of a stream."""
    last = {"id": f"{TRACE}.01", "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}], "usage": usage}
    return b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(last).encode()


def call(name: str, arguments: str, call_id: str = "call_1") -> dict[str, Any]:
    """A tool call as it stands on the wire."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversation(asked: str | ChatMessage | Sequence[ChatMessage]) -> list[ChatMessage]:
    if isinstance(asked, str):
        return [ChatMessage(role="user", content=asked)]
    return [asked] if isinstance(asked, ChatMessage) else list(asked)


async def _chat(llm: Any, asked: Any, **kwargs: Any) -> ChatResponse:
    return llm.chat(conversation(asked), **kwargs)


async def _achat(llm: Any, asked: Any, **kwargs: Any) -> ChatResponse:
    return await llm.achat(conversation(asked), **kwargs)


async def _stream(llm: Any, asked: Any, **kwargs: Any) -> list[ChatResponse]:
    return list(llm.stream_chat(conversation(asked), **kwargs))


async def _astream(llm: Any, asked: Any, **kwargs: Any) -> list[ChatResponse]:
    return [response async for response in await llm.astream_chat(conversation(asked), **kwargs)]


async def _last(llm: Any, asked: Any, **kwargs: Any) -> ChatResponse:
    return (await _stream(llm, asked, **kwargs))[-1]


async def _alast(llm: Any, asked: Any, **kwargs: Any) -> ChatResponse:
    return (await _astream(llm, asked, **kwargs))[-1]


Ask = Callable[..., Awaitable[ChatResponse]]
Pieces = Callable[..., Awaitable[list[ChatResponse]]]

WHOLE: dict[str, Ask] = {"chat": _chat, "achat": _achat}
STREAMED: dict[str, Ask] = {"stream_chat": _last, "astream_chat": _alast}
PIECES: dict[str, Pieces] = {"stream_chat": _stream, "astream_chat": _astream}


@pytest.fixture(params=[*WHOLE, *STREAMED])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Every way to get a response; of a stream the last one."""
    return {**WHOLE, **STREAMED}[request.param]


@pytest.fixture(params=list(WHOLE))
def ask_whole(request: pytest.FixtureRequest) -> Ask:
    """Both ways to get a whole reply."""
    return WHOLE[request.param]


@pytest.fixture(params=list(PIECES))
def pieces(request: pytest.FixtureRequest) -> Pieces:
    """Both ways to get a stream, as a list."""
    return PIECES[request.param]


@pytest.fixture
async def stepfun(emulator: Emulator) -> AsyncIterator[Callable[..., StepFun]]:
    """Make a StepFun that talks to the emulator, without retries; connections are closed after the test."""
    made: list[StepFun] = []

    def make(*args: Any, **kwargs: Any) -> StepFun:
        made.append(StepFun(*args, **{"api_key": "any", "api_base": emulator.base_url, "max_retries": 0, **kwargs}))
        return made[-1]

    yield make
    for llm in made:
        llm.client.close()
        await llm.async_client.aclose()


@pytest.fixture(params=list(USES))
def use(request: pytest.FixtureRequest) -> Use:
    """Both ways to use a tool."""
    return USES[request.param]


@pytest.fixture
async def spec(emulator: Emulator) -> AsyncIterator[Callable[..., StepFunToolSpec]]:
    """Make a tool spec that talks to the emulator, and forget what the emulator was asked before."""
    made: list[StepFunToolSpec] = []

    def make(**kwargs: Any) -> StepFunToolSpec:
        made.append(StepFunToolSpec(**{"api_key": KEY, "base_url": emulator.base_url, "max_retries": 0, **kwargs}))
        return made[-1]

    emulator.requests.clear()
    yield make
    for one in made:
        one.client.close()
        await one.async_client.aclose()


class Wire:
    """A server that gives its replies one after another, the last one for ever, and keeps what it was sent.

    A reply is a wire object, the bytes of a stream, or a whole httpx.Response.
    """

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self._replies: deque[Any] = deque()

    def says(self, *replies: Any) -> Wire:
        self._replies = deque(replies)
        return self

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The requests' JSON."""
        return [json.loads(request.content) for request in self.sent]

    @property
    def body(self) -> dict[str, Any]:
        """The last request's JSON."""
        return self.bodies[-1]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The last request's messages."""
        return self.body["messages"]

    def llm(self, *args: Any, **kwargs: Any) -> StepFun:
        """Make a StepFun that talks to this wire."""
        transport = httpx.MockTransport(self._answer)
        return StepFun(
            *args,
            **{"api_key": "any", "max_retries": 0, **kwargs},
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        given = (self._replies.popleft() if len(self._replies) > 1 else self._replies[0]) if self._replies else reply()
        if callable(given):
            given = given()
        if isinstance(given, httpx.Response):
            return given
        if isinstance(given, dict) and json.loads(request.content).get("stream"):
            given = streamed(given)
        if isinstance(given, bytes):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=given)
        return httpx.Response(200, json=given)


def streamed(whole: dict[str, Any]) -> bytes:
    """The stream that a whole reply would be: each text in two pieces."""
    choice = whole["choices"][0]
    events = []
    for name, value in choice["message"].items():
        if name in ("content", "reasoning_content") and value:
            events += [event({name: part}) for part in (value[: len(value) // 2], value[len(value) // 2 :])]
        elif value and name != "role":
            numbered = [{"index": at, **one} for at, one in enumerate(value)] if name == "tool_calls" else value
            events.append(event({name: numbered}))
    return b"".join(events) + end(choice["finish_reason"], whole["usage"])


@pytest.fixture
def wire() -> Wire:
    """A wire that says 42, or what it is told to say."""
    return Wire()


@pytest.fixture
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's pauses, between tries or while a file is parsed, take no time worth the name."""

    async def nap(_: float) -> None:
        await asyncio.sleep(0.005)

    for_async = {"get_running_loop": asyncio.get_running_loop, "sleep": nap}
    for_sync = {"perf_counter": time.perf_counter, "sleep": lambda _: time.sleep(0.005)}
    monkeypatch.setattr(transport, "asyncio", SimpleNamespace(**for_async))
    monkeypatch.setattr(transport, "time", SimpleNamespace(**for_sync))


class Told(BaseEventHandler):
    """Keeps what LlamaIndex's instrumentation tells."""

    events: list[Any] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Told"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
def told() -> Iterator[Told]:
    """All events of the instrumentation while the test runs."""
    root, handler = get_dispatcher(), Told()
    root.add_event_handler(handler)
    yield handler
    root.event_handlers.remove(handler)
