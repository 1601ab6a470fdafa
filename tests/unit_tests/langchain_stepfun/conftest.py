"""Two counterparts for ChatStepFun: the emulator, which answers, and a wire of one canned reply, which keeps the bytes.

And tables, so that no test is written once for each way of asking: `ask` is every way to get a message, `chunks` every
way to get a stream, `watch` every way to get v3 events.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_stepfun import ChatStepFun
from tests.unit_tests.langchain_stepfun.tooling import USES, Use

if TYPE_CHECKING:
    from stepfun_emulator import Emulator
    from tests.unit_tests.langchain_stepfun.answers import Answer

QUESTION = "What is 6 * 7?"

REPLY = {
    "id": "chatcmpl-0f1e2d3c4b5a69788796a5b4c3d2e1f0.01",
    "model": "step-3.7-flash",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "42"}}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}
EVENTS = (
    b'data: {"id":"1","model":"step-3.7-flash","choices":[{"index":0,"delta":{"content":"42"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,'
    b'"completion_tokens":1,"total_tokens":6}}\n\ndata: [DONE]\n\n'
)


def added(parts: list[AIMessageChunk]) -> AIMessageChunk:
    """A stream's chunks, added up as LangChain does."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


async def _invoke(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return model.invoke(asked, **kwargs)


async def _ainvoke(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return await model.ainvoke(asked, **kwargs)


async def _batch(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return model.batch([asked, asked], **kwargs)[1]


async def _abatch(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return (await model.abatch([asked, asked], **kwargs))[1]


async def _stream(model: Any, asked: Any, /, **kwargs: Any) -> list[AIMessageChunk]:
    return list(model.stream(asked, **kwargs))


async def _astream(model: Any, asked: Any, /, **kwargs: Any) -> list[AIMessageChunk]:
    return [chunk async for chunk in model.astream(asked, **kwargs)]


async def _stream_added(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return added(await _stream(model, asked, **kwargs))


async def _astream_added(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return added(await _astream(model, asked, **kwargs))


async def _v3(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return model.stream_events(asked, version="v3", **kwargs).output


async def _av3(model: Any, asked: Any, /, **kwargs: Any) -> AIMessage:
    return await (await model.astream_events(asked, version="v3", **kwargs))


async def _events(model: Any, asked: Any, /, **kwargs: Any) -> list[dict[str, Any]]:
    return list(model.stream_events(asked, version="v3", **kwargs))


async def _aevents(model: Any, asked: Any, /, **kwargs: Any) -> list[dict[str, Any]]:
    return [event async for event in await model.astream_events(asked, version="v3", **kwargs)]


Ask = Callable[..., Awaitable[AIMessage]]
Chunks = Callable[..., Awaitable[list[AIMessageChunk]]]

WHOLE: dict[str, Ask] = {"invoke": _invoke, "ainvoke": _ainvoke}
STREAMED: dict[str, Ask] = {"stream": _stream_added, "astream": _astream_added}
BATCHED: dict[str, Ask] = {"batch": _batch, "abatch": _abatch}
CHUNKS: dict[str, Chunks] = {"stream": _stream, "astream": _astream}
V3: dict[str, Ask] = {"v3": _v3, "async v3": _av3}
WATCHED = {"v3": _events, "async v3": _aevents}


@pytest.fixture(params=[*WHOLE, *STREAMED, *BATCHED])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Every way to get a message, a stream's chunks added up."""
    return {**WHOLE, **STREAMED, **BATCHED}[request.param]


@pytest.fixture(params=list(WHOLE))
def ask_whole(request: pytest.FixtureRequest) -> Ask:
    """Both ways to get a whole reply."""
    return WHOLE[request.param]


@pytest.fixture(params=[*WHOLE, *STREAMED, *V3])
def ask_or_watch(request: pytest.FixtureRequest) -> Ask:
    """Every way to get one message: whole, streamed, and of v3 events."""
    return {**WHOLE, **STREAMED, **V3}[request.param]


@pytest.fixture(params=list(WATCHED))
def watch(request: pytest.FixtureRequest) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Both ways to get v3 events, as a list."""
    return WATCHED[request.param]


@pytest.fixture(params=list(CHUNKS))
def chunks(request: pytest.FixtureRequest) -> Chunks:
    """Both ways to get a stream, as a list."""
    return CHUNKS[request.param]


@pytest.fixture
async def chat(emulator: Emulator) -> AsyncIterator[Callable[..., ChatStepFun]]:
    """Make a ChatStepFun that talks to the emulator, without retries; connections are closed after the test."""
    made: list[ChatStepFun] = []

    def make(**kwargs: Any) -> ChatStepFun:
        made.append(ChatStepFun(**{"api_key": "any", "base_url": emulator.base_url, "max_retries": 0, **kwargs}))
        return made[-1]

    yield make
    for model in made:
        model.client.close()
        await model.async_client.aclose()


@pytest.fixture(params=list(USES))
def use(request: pytest.FixtureRequest) -> Use:
    """Both ways to use a tool: as an agent calls it, to a tool message."""
    return USES[request.param]


@pytest.fixture
async def tools(emulator: Emulator) -> AsyncIterator[Callable[..., Any]]:
    """Make a tool, parser or retriever that talks to the emulator, which has forgotten what it was asked before."""
    made: list[Any] = []

    def make(kind: type[Any], *args: Any, **kwargs: Any) -> Any:
        made.append(kind(*args, **{"api_key": "any", "base_url": emulator.base_url, "max_retries": 0, **kwargs}))
        return made[-1]

    emulator.requests.clear()
    yield make
    for tool in made:
        tool.client.close()
        await tool.async_client.aclose()


class Wire:
    """A server that gives one canned reply to everything, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.reply: Callable[[], httpx.Response] | None = None
        self.answer: Answer | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The last request's JSON."""
        return json.loads(self.sent[-1].content)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The last request's messages."""
        return self.body["messages"]

    def chat(self, **kwargs: Any) -> ChatStepFun:
        """Make a ChatStepFun that talks to this wire."""
        transport = httpx.MockTransport(self._answer)
        return ChatStepFun(
            **{"api_key": "any", "max_retries": 0, **kwargs},
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if self.reply is not None:
            return self.reply()
        if self.answer is not None:
            return self.answer.reply(request)
        if json.loads(request.content).get("stream"):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=EVENTS)
        return httpx.Response(200, json=REPLY)


@pytest.fixture
def wire() -> Wire:
    """A wire of one canned reply."""
    return Wire()
