"""Connections: streams that nobody reads to their end are closed, so that no concurrency slot is held for nothing."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from pydantic import ValidationError

import stepfun_emulator
from llama_index_stepfun import StepFun, StepFunToolSpec
from stepfun_emulator import Emulator
from tests.unit_tests.llama_index_stepfun.test_agents import memory

LONG = [ChatMessage(role="user", content="Say something long about " + "many things and " * 8)]
TIMES = 100


@pytest.fixture
def server() -> Iterator[Emulator]:
    """An emulator of its own, whose streams take their time."""
    with stepfun_emulator.serving(delay=0.002) as served:
        yield served


@pytest.mark.parametrize("kind", [StepFun, StepFunToolSpec])
@pytest.mark.parametrize("setting", ["base_url", "api_base"])
def test_an_address_with_a_password_is_refused_when_it_is_given_and_not_shown(kind, setting) -> None:
    with pytest.raises(ValidationError, match="base_url holds a user or a password") as raised:
        kind(**{setting: "https://user:hunter2@example.com/v1"})
    assert "hunter2" not in str(raised.value)


def soon(holds: Callable[[], bool], seconds: float = 1.0) -> bool:
    """Whether it holds within that time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


async def soon_async(holds: Callable[[], bool]) -> bool:
    return await asyncio.to_thread(soon, holds)


def stepfun(server: Emulator) -> StepFun:
    return StepFun(api_key="any", api_base=server.base_url, max_retries=0)


@pytest.mark.parametrize("way", ["stream_chat", "stream_complete", "stream_chat_with_tools"])
def test_abandoned_streams_leave_no_connection_open(server, way) -> None:
    llm = stepfun(server)
    asked = {
        "stream_chat": lambda: llm.stream_chat(LONG),
        "stream_complete": lambda: llm.stream_complete(LONG[0].content),
        "stream_chat_with_tools": lambda: llm.stream_chat_with_tools([], chat_history=LONG),
    }[way]

    for _ in range(TIMES):
        for _ in asked():
            break

    assert soon(lambda: server.open_streams == 0)
    assert len(server.requests) == TIMES
    llm.client.close()
    assert soon(lambda: server.connections == 0)


@pytest.mark.parametrize("way", ["astream_chat", "astream_complete", "astream_chat_with_tools"])
async def test_abandoned_asynchronous_streams_leave_no_connection_open(server, way) -> None:
    llm = stepfun(server)
    asked = {
        "astream_chat": lambda: llm.astream_chat(LONG),
        "astream_complete": lambda: llm.astream_complete(LONG[0].content),
        "astream_chat_with_tools": lambda: llm.astream_chat_with_tools([], chat_history=LONG),
    }[way]

    async def abandon() -> None:
        async for _ in await asked():
            break

    for _ in range(TIMES // 20):
        await asyncio.gather(*(abandon() for _ in range(20)))
    gc.collect()

    assert await soon_async(lambda: server.open_streams == 0)
    assert len(server.requests) == TIMES
    await llm.async_client.aclose()
    assert await soon_async(lambda: server.connections == 0)


async def test_a_cancelled_stream_closes_its_connection_within_a_second(server) -> None:
    llm, begun = stepfun(server), asyncio.Event()

    async def read() -> None:
        async for _ in await llm.astream_chat(LONG):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    assert server.open_streams == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await soon_async(lambda: server.open_streams == 0)
    await llm.async_client.aclose()


async def test_a_cancelled_agent_closes_its_connection_within_a_second(server) -> None:
    llm = stepfun(server)
    handler = FunctionAgent(tools=[print], llm=llm).run(LONG[0].content, memory=memory())

    async for _ in handler.stream_events():
        if server.open_streams:
            break
    await handler.cancel_run()

    assert await soon_async(lambda: server.open_streams == 0)
    await llm.async_client.aclose()


async def test_a_cancelled_call_closes_its_connection_within_a_second(server) -> None:
    llm = StepFun(api_key="any", api_base=server.base_url, default_headers={"x-emulator-fault": "stall"})

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(llm.achat(LONG), timeout=0.2)

    assert await soon_async(lambda: server.connections == 0)
    await llm.async_client.aclose()


def test_a_model_that_is_dropped_closes_its_connections(server) -> None:
    llm = stepfun(server)
    llm.complete("Hi")
    assert server.connections == 1

    del llm
    gc.collect()

    assert soon(lambda: server.connections == 0)


def test_one_model_in_many_event_loops(server) -> None:
    llm = stepfun(server)

    async def ask() -> str:
        reply = await llm.acomplete("6 * 7?")
        await llm.async_client.aclose()
        return reply.text

    assert [asyncio.run(ask()) for _ in range(3)] == ["6 * 7 = 42"] * 3
