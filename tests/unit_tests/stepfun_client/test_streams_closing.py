"""A stream that nobody reads to its end holds no connection, and with it no concurrency slot at StepFun."""

from __future__ import annotations

import asyncio
import time

import pytest

from stepfun_client import AsyncStepFunClient


@pytest.fixture
def endless(server, wire):
    """A server whose streams begin and do not end."""
    return server.answers([wire.head(), wire.chunk(wire.delta(content="So")), server.stall])


async def test_a_thousand_that_are_left_inside_the_loop(both, endless, wire):
    client = both.client(endless)
    for _ in range(1000):
        if both.kind == "sync":
            for _chunk in client.chat.stream(**wire.ask):
                break
        else:
            async for _chunk in client.chat.stream(**wire.ask):
                break
    await endless.wait_async(lambda: endless.open == 0)
    assert endless.accepted == 1000


async def test_many_that_are_dropped_while_others_run(both, endless, wire):
    client = both.client(endless)
    for _ in range(4):
        streams = [client.chat.stream(**wire.ask) for _ in range(50)]
        for stream in streams:
            await both.first(stream)
        assert endless.open >= 50
        del stream, streams
    await endless.wait_async(lambda: endless.open == 0)
    assert endless.accepted == 200


async def test_a_stream_that_is_never_begun_opens_nothing(both, endless, wire):
    both.client(endless).chat.stream(**wire.ask)
    assert endless.accepted == 0


async def test_the_end_of_a_with_block_closes(both, endless, wire):
    stream = both.client(endless).chat.stream(**wire.ask)
    if both.kind == "sync":
        with stream:
            next(stream)
    else:
        async with stream:
            await anext(stream)
    await endless.wait_async(lambda: endless.open == 0)


async def test_closing_twice_is_closing(both, endless, wire):
    stream = both.client(endless).chat.stream(**wire.ask)
    await both.first(stream)
    for _ in range(2):
        await both.get(stream.close())
    assert await both.items(stream) == []
    await endless.wait_async(lambda: endless.open == 0)


async def test_an_error_in_the_readers_own_code_closes(both, endless, wire):
    async def read() -> None:
        await both.first(both.client(endless).chat.stream(**wire.ask))
        raise KeyError

    with pytest.raises(KeyError):
        await read()
    await endless.wait_async(lambda: endless.open == 0)


@pytest.mark.parametrize("bad", ["error", "garbage"])
async def test_an_error_inside_the_stream_closes(both, server, wire, bad):
    event = wire.event({"error": {"message": "no"}} if bad == "error" else b"{")
    stream = both.client(server.answers([wire.head(), wire.chunk(event), server.stall])).chat.stream(**wire.ask)
    with pytest.raises(Exception, match=r"no|cannot be read"):
        await both.items(stream)
    await server.wait_async(lambda: server.open == 0)


async def test_after_a_stream_read_to_its_end_the_connection_is_used_again(both, server, wire):
    client = both.client(server.answers(wire.answer(wire.delta(content="OK"))))
    for _ in range(5):
        assert (await both.get(client.chat.stream(**wire.ask).completion())).text == "OK"
    assert (len(server.requests), server.accepted) == (5, 1)


@pytest.mark.parametrize("after", ["silence", "pings"])
async def test_after_done_nobody_waits_for_the_end(both, server, wire, after):
    said = [wire.head(), *map(wire.chunk, (wire.delta(content="OK", finish_reason="stop"), b"data: [DONE]\n\n"))]
    rest = (
        [server.stall] if after == "silence" else [step for _ in range(50) for step in (0.1, wire.chunk(b": ping\n\n"))]
    )
    client = both.client(server.answers([*said, *rest]))
    start = time.monotonic()
    assert (await both.get(client.chat.stream(**wire.ask).completion())).text == "OK"
    assert time.monotonic() - start < 3


class TestCancelling:
    """A cancelled task closes its connection within a second, wherever it was."""

    @pytest.mark.parametrize("silent", [True, False])
    async def test_while_it_waits(self, server, wire, silent):
        begun = [] if silent else [wire.head(), wire.chunk(wire.delta(content="So"))]
        async with AsyncStepFunClient("key", base_url=server.answers([*begun, server.stall]).base_url) as client:
            task = asyncio.ensure_future(client.chat.stream(**wire.ask).completion())
            await server.wait_async(lambda: server.requests)
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await server.wait_async(lambda: server.open == 0) < 1

    async def test_by_a_time_limit(self, endless, wire):
        async with AsyncStepFunClient("key", base_url=endless.base_url) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.chat.stream(**wire.ask).completion(), 0.05)
            assert await endless.wait_async(lambda: endless.open == 0) < 1

    async def test_one_of_many(self, endless, wire):
        async with AsyncStepFunClient("key", base_url=endless.base_url) as client:
            tasks = [asyncio.ensure_future(client.chat.stream(**wire.ask).completion()) for _ in range(20)]
            await endless.wait_async(lambda: len(endless.requests) == 20)
            tasks[7].cancel()
            assert await endless.wait_async(lambda: endless.open == 19) < 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert await endless.wait_async(lambda: endless.open == 0) < 1


def test_what_a_loop_abandons_as_it_ends_is_closed(endless, wire):
    async def main() -> None:
        client = AsyncStepFunClient("key", base_url=endless.base_url)
        async for _ in client.chat.stream(**wire.ask):
            break

    asyncio.run(main())
    endless.wait_for(lambda: endless.open == 0)
