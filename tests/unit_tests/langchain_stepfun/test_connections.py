"""Connections: streams that nobody reads to their end are closed, so that no concurrency slot is held for nothing."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator

import pytest
from pydantic import ValidationError

import stepfun_emulator
from langchain_stepfun import ChatStepFun, StepFunImageEdit
from stepfun_emulator import Emulator

LONG = "Say something long about " + "many things and " * 8


@pytest.fixture
def server() -> Iterator[Emulator]:
    """An emulator of its own, whose streams take their time."""
    with stepfun_emulator.serving(delay=0.002) as served:
        yield served


def soon(holds: Callable[[], bool], seconds: float = 1.0) -> bool:
    """Whether it holds within that time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


async def soon_async(holds: Callable[[], bool]) -> bool:
    return await asyncio.to_thread(soon, holds)


def chat(server: Emulator) -> ChatStepFun:
    return ChatStepFun(api_key="any", base_url=server.base_url, max_retries=0)


def test_a_thousand_abandoned_streams_leave_no_connection_open(server) -> None:
    model = chat(server)

    for _ in range(1000):
        for _ in model.stream(LONG):
            break

    assert soon(lambda: server.open_streams == 0)
    model.client.close()
    assert soon(lambda: server.connections == 0)
    assert len([request for request in server.requests if request.path.endswith("/completions")]) >= 500


async def test_a_thousand_abandoned_asynchronous_streams_leave_no_connection_open(server) -> None:
    model = chat(server)

    async def abandon() -> None:
        async for _ in model.astream(LONG):
            break

    for _ in range(50):
        await asyncio.gather(*(abandon() for _ in range(20)))
    gc.collect()

    assert await soon_async(lambda: server.open_streams == 0)
    await model.async_client.aclose()
    assert await soon_async(lambda: server.connections == 0)


async def test_a_cancelled_stream_closes_its_connection_within_a_second(server) -> None:
    model, begun = chat(server), asyncio.Event()

    async def read() -> None:
        async for _ in model.astream(LONG):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    assert server.open_streams == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await soon_async(lambda: server.open_streams == 0)
    await model.async_client.aclose()


async def test_a_cancelled_call_closes_its_connection_within_a_second(server) -> None:
    model = ChatStepFun(api_key="any", base_url=server.base_url, default_headers={"x-emulator-fault": "stall"})

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(model.ainvoke(LONG), timeout=0.2)

    assert await soon_async(lambda: server.connections == 0)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [(ChatStepFun, "base_url"), (StepFunImageEdit, "base_url"), (StepFunImageEdit, "modelverse_base_url")],
)
def test_an_address_with_a_password_is_refused_when_it_is_given_and_not_shown(kind, setting) -> None:
    with pytest.raises(ValidationError, match=f"{setting} holds a user or a password") as raised:
        kind(**{setting: "https://user:hunter2@example.com/v1"})
    assert "hunter2" not in str(raised.value)


def test_a_model_that_is_dropped_closes_its_connections(server) -> None:
    model = chat(server)
    model.invoke("Hi")
    assert server.connections == 1

    del model
    gc.collect()

    assert soon(lambda: server.connections == 0)


def test_one_model_in_many_event_loops(server) -> None:
    model = chat(server)

    async def ask() -> str:
        reply = await model.ainvoke("6 * 7?")
        await model.async_client.aclose()
        return reply.text

    assert ["42" in asyncio.run(ask()) for _ in range(3)] == [True, True, True]


def test_one_model_in_many_threads(server) -> None:
    model = chat(server)

    replies = model.batch(["6 * 7?"] * 32, {"max_concurrency": 8})

    assert all("42" in reply.text for reply in replies)
    model.client.close()
