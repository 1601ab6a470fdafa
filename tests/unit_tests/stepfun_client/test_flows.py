"""A job of several calls is one generator: both clients run it, wait where it waits, and tell it what went wrong."""

from __future__ import annotations

import asyncio

import pytest

from stepfun_client import AuthenticationError, MissingAPIKeyError, ServerError
from stepfun_client.core.call import Call, Pause


def submit_and_poll():
    task = yield Call("POST", "/tasks", content=b"{}")
    while True:
        reply = yield Call("GET", f"/tasks/{task.json()['id']}", query={"wait": 1, "page": None})
        if reply.json()["status"] == "done":
            return reply.json()["result"], reply.trace_id, reply.status
        yield Pause(1.5)


async def test_calls_and_pauses_in_their_order(both, server, wire, naps):
    server.answers(
        wire.reply({"id": 7}),
        wire.reply({"status": "running"}),
        wire.error(503),  # a retry is no business of the flow's
        wire.reply({"status": "running"}),
        wire.reply({"status": "done", "result": "sung"}),
    )
    assert await both.get(both.client(server).run(submit_and_poll())) == ("sung", wire.trace_id, 200)
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/v1/tasks"),
        *[("GET", "/v1/tasks/7?wait=1")] * 4,
    ]
    assert [naps[0], naps[2]] == [1.5, 1.5]


async def test_an_error_is_thrown_in_so_that_the_flow_can_clean_up(both, server, wire, naps):
    def careful():
        file = yield Call("POST", "/files", content=b"{}")
        try:
            yield Call("POST", "/audio/voices", content=b"{}")
        finally:
            yield Call("DELETE", f"/files/{file.json()['id']}")

    server.answers(wire.reply({"id": "f1"}), wire.error(401), wire.reply({}))
    with pytest.raises(AuthenticationError):
        await both.get(both.client(server).run(careful()))
    assert [request.method for request in server.requests] == ["POST", "POST", "DELETE"]


async def test_a_flow_may_live_with_an_error(both, server, wire, naps):
    def first_or_second():
        try:
            reply = yield Call("GET", "/first")
        except ServerError:
            reply = yield Call("GET", "/second")
        return reply.json()

    server.answers(wire.error(500), wire.reply("second best"))
    assert await both.get(both.client(server, max_retries=0).run(first_or_second())) == "second best"


async def test_a_flow_without_calls_is_no_special_case(both, server):
    def nothing():
        return "nothing"
        yield

    assert await both.get(both.client(server).run(nothing())) == "nothing"
    assert server.accepted == 0


class TestAFlowThatIsNotRunToItsEnd:
    """It is closed, so that what it holds is released."""

    @staticmethod
    def holding(held: list[str], step):
        held.append("taken")
        try:
            yield step
        finally:
            held.append("released")

    async def test_an_error_that_is_none_of_ours(self, both):
        held: list[str] = []
        with pytest.raises(MissingAPIKeyError):
            await both.get(both.client(api_key=" ").run(self.holding(held, Call("GET", "/models"))))
        assert held == ["taken", "released"]

    async def test_a_cancelled_task(self, server):
        from stepfun_client import AsyncStepFunClient

        held: list[str] = []
        async with AsyncStepFunClient("key", base_url=server.answers([server.stall]).base_url) as client:
            task = asyncio.ensure_future(client.run(self.holding(held, Call("GET", "/models"))))
            await server.wait_async(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert held == ["taken", "released"]
            assert await server.wait_async(lambda: server.open == 0) < 1
