"""A client's life: its key and address, copies and pickles, threads, event loops, forks, proxies, its httpx client."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pydantic import SecretStr

from stepfun_client import (
    APIConnectionError,
    APITimeoutError,
    AsyncStepFunClient,
    InvalidParameterError,
    MissingAPIKeyError,
    StepFunClient,
)
from stepfun_client.core.call import Call

GLOBAL = "https://api.stepfun.ai"
CHINA = "https://api.stepfun.com"


class TestTheKey:
    """Given, else `STEP_API_KEY`, else `STEPFUN_API_KEY`, read when it is needed."""

    @pytest.mark.parametrize("region", ["cn", "global"])
    async def test_without_one_the_first_use_says_what_to_do(self, both, server, wire, region):
        client = both.client(server, api_key=None, region=region)
        page = {"cn": "https://platform.stepfun.com/", "global": "https://platform.stepfun.ai/"}[region]
        for call in (client.models.list, lambda: both.items(client.chat.stream(**wire.ask))):
            with pytest.raises(MissingAPIKeyError) as raised:
                await both.get(call())
            for part in ("STEP_API_KEY", "STEPFUN_API_KEY", "api_key=...", page):
                assert part in str(raised.value)
        assert server.accepted == 0

    @pytest.mark.parametrize(
        ("given", "environment", "used"),
        [
            ("a", {"STEP_API_KEY": "b", "STEPFUN_API_KEY": "c"}, "a"),
            (SecretStr("a"), {}, "a"),
            ("  a\n", {}, "a"),
            (None, {"STEP_API_KEY": "b", "STEPFUN_API_KEY": "c"}, "b"),
            (None, {"STEPFUN_API_KEY": "c"}, "c"),
            (None, {"STEP_API_KEY": "", "STEPFUN_API_KEY": "c"}, "c"),
            ("", {"STEP_API_KEY": " b "}, "b"),
        ],
    )
    async def test_which_one_is_used(self, both, server, wire, monkeypatch, given, environment, used) -> None:  # noqa: PLR0917
        client = both.client(server.answers(wire.completion()), api_key=given)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)  # after the client was made
        await both.get(client.chat.create(**wire.ask))
        assert server.requests[0].headers["authorization"] == f"Bearer {used}"

    @pytest.mark.parametrize("key", ["sk a", "sk\nb", "sk-密钥", "sk\x00"])
    async def test_what_cannot_be_a_key(self, both, server, key):
        with pytest.raises(InvalidParameterError, match="copy it again") as raised:
            await both.get(both.client(server, api_key=key).models.list())
        assert key not in str(raised.value)
        assert server.accepted == 0

    async def test_a_header_does_not_replace_it(self, both, server, wire):
        client = both.client(server.answers(wire.completion()), default_headers={"authorization": "Basic x"})
        await both.get(client.chat.create(**wire.ask))
        assert server.requests[0].headers.get_list("authorization") == [f"Bearer {wire.key}"]


@pytest.mark.parametrize(
    ("options", "environment", "address"),
    [
        ({}, None, f"{CHINA}/v1"),
        ({"region": "global"}, None, f"{GLOBAL}/v1"),
        ({"plan": True}, None, f"{CHINA}/step_plan/v1"),
        ({"region": "global", "plan": True}, None, f"{GLOBAL}/step_plan/v1"),
        ({"base_url": "http://localhost:8765/v1/"}, None, "http://localhost:8765/v1"),
        ({"base_url": "http://localhost:8765/v1", "plan": True}, None, "http://localhost:8765/step_plan/v1"),
        ({"base_url": "https://a/step_plan/v1", "plan": True}, None, "https://a/step_plan/v1"),
        ({"base_url": "https://a/other", "plan": True}, None, "https://a/other"),
        ({}, "http://env/v1", "http://env/v1"),
        ({"region": "global"}, "http://env/v1", "http://env/v1"),
        ({"base_url": "http://given/v1"}, "http://env/v1", "http://given/v1"),
        ({}, "", f"{CHINA}/v1"),
    ],
)
def test_where_it_calls(both, monkeypatch, options, environment, address):
    if environment is not None:
        monkeypatch.setenv("STEPFUN_BASE_URL", environment)
    assert both.client(**options).base_url == address


@pytest.mark.parametrize(
    ("options", "param", "message"),
    [
        ({"region": "eu"}, "region", "'cn' (api.stepfun.com) or 'global' (api.stepfun.ai)"),
        ({"max_retries": -1}, "max_retries", "0 or more"),
        ({"timeout": 0}, "timeout", "above 0 seconds"),
    ],
)
def test_what_it_is_made_with_is_checked_at_once(both, options, param, message):
    with pytest.raises(InvalidParameterError) as raised:
        both.client(**options)
    assert message in str(raised.value)
    assert raised.value.param == param


_WITH_PASSWORD = [
    "https://user:hunter2@api.stepfun.com/v1",
    " https://hunter2@api.stepfun.com/v1",
    "user:hunter2@api.stepfun.com/v1",
    "https://user:hunter2/3@api.stepfun.com/v1",
]


@pytest.mark.parametrize("address", _WITH_PASSWORD)
async def test_an_address_with_a_password_is_refused_and_not_shown(both, address, monkeypatch):
    with pytest.raises(InvalidParameterError, match="holds a user or a password") as raised:
        both.client(base_url=address)
    assert raised.value.param == "base_url"
    assert "hunter2" not in str(raised.value)

    monkeypatch.setenv("STEPFUN_BASE_URL", address)
    with pytest.raises(InvalidParameterError, match="holds a user or a password") as raised:
        await both.get(both.client().models.list())
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("address", ["https://a:8000/v1/@team", "http://[::1]/@team", "http://[::1]:80/@team"])
def test_an_at_sign_behind_the_host_is_no_password(both, address):
    assert both.client(base_url=address).base_url == address


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "api.stepfun.com/v1"}, "it must begin with https://"),
        ({"base_url": "http://[::1/v1"}, "cannot be sent"),
        ({"default_headers": {"X-App": "应用"}}, "cannot be sent"),
        ({"default_headers": {"X-App": 7}}, "cannot be sent"),
    ],
)
async def test_what_cannot_be_called_is_said_at_the_first_call(both, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        await both.get(both.client(**options).models.list())


@pytest.mark.parametrize(
    ("kind", "of_client", "of_call", "timeout"),
    [
        ("chat", None, None, {"connect": 5.0, "read": 60.0, "write": 60.0, "pool": 60.0}),
        ("image", None, None, {"connect": 5.0, "read": 120.0, "write": 120.0, "pool": 120.0}),
        ("audio", None, None, {"connect": 5.0, "read": 90.0, "write": 90.0, "pool": 90.0}),
        ("chat", 7, None, {"connect": 5.0, "read": 7, "write": 7, "pool": 7}),
        ("chat", 7, 3, {"connect": 3, "read": 3, "write": 3, "pool": 3}),
    ],
)
class TestTimeouts:
    """By kind, by client, by call: the nearest wins."""

    async def test_of_each_call(self, both, kind, of_client, of_call, timeout) -> None:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json={})

        def flow():
            yield Call("GET", "/x", kind=kind, timeout=of_call)

        await both.get(both.mocked(answer, timeout=of_client).run(flow()))
        assert seen[0].extensions["timeout"] == timeout


class TestItsOwnHTTPClient:
    """Used as it is, never closed, never pickled."""

    async def test_it_is_used_and_stays_open(self, both, server, wire):
        http = both.http(headers={"X-Mine": "yes"})
        client = both.client(server.answers(wire.completion()), http_client=http)
        assert (await both.get(client.chat.create(**wire.ask))).text == "OK"
        await both.close(client)
        assert (await both.get(client.chat.create(**wire.ask))).text == "OK"
        assert server.requests[0].headers["x-mine"] == "yes"
        assert not http.is_closed
        await both.get(http.close() if both.kind == "sync" else http.aclose())

    async def test_its_timeouts_count_unless_told_otherwise(self, both):
        seen = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.extensions["timeout"]["read"])
            return httpx.Response(200, json={"data": []})

        http = both.http(transport=httpx.MockTransport(answer), timeout=33)
        client = both.client(http_client=http)
        await both.get(client.models.list())
        await both.get(client.models.list(timeout=2))
        assert seen == [33, 2]

    async def test_a_stream_that_it_has_read_already(self, both, wire):
        body = wire.delta(content="OK") + wire.done
        client = both.mocked(lambda _: httpx.Response(200, content=body))
        assert (await both.get(client.chat.stream(**wire.ask).completion())).text == "OK"

    async def test_a_copy_shares_it_and_a_pickle_does_not(self, both, wire, monkeypatch):
        client = both.mocked(lambda _: httpx.Response(200, json=wire.completion_body()))
        assert (await both.get(copy.deepcopy(client).chat.create(**wire.ask))).text == "OK"
        assert pickle.loads(pickle.dumps(client))._http_client is None


@pytest.mark.parametrize("used", [False, True])
class TestCopies:
    """Before and after use; a copy keeps the key, a pickle does not, and neither holds connections."""

    async def original(self, both, server, wire, used):
        server.answers(wire.completion())
        client = both.client(server, max_retries=5, default_headers={"X-App": "tests"})
        if used:
            await both.get(client.chat.create(**wire.ask))
        return client

    @pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy])
    async def test_a_copy(self, both, server, wire, used, twin) -> None:
        client = await self.original(both, server, wire, used)
        made = twin(client)
        assert (await both.get(made.chat.create(**wire.ask))).text == "OK"
        assert server.requests[-1].headers["authorization"] == f"Bearer {wire.key}"
        assert server.requests[-1].headers["x-app"] == "tests"
        assert server.accepted == 1 + used, "connections are not shared"
        await both.close(made)

    async def test_its_settings(self, both, server, wire, used):
        client = await self.original(both, server, wire, used)
        assert copy.deepcopy(client._settings) == client._settings
        assert pickle.loads(pickle.dumps(client._settings)).api_key is None

    async def test_a_pickle(self, both, server, wire, used, monkeypatch):
        pickled = pickle.dumps(await self.original(both, server, wire, used))
        assert wire.key.encode() not in pickled
        made = pickle.loads(pickled)
        with pytest.raises(MissingAPIKeyError):
            await both.get(made.chat.create(**wire.ask))
        monkeypatch.setenv("STEP_API_KEY", "sk-of-the-other-process")
        assert (await both.get(made.chat.create(**wire.ask))).text == "OK"
        assert server.requests[-1].headers["authorization"] == "Bearer sk-of-the-other-process"
        assert repr(made) == repr(both.made[0])
        await both.close(made)


async def test_it_is_lazy_and_may_be_used_again_after_closing(both, server, wire):
    client = both.client(server.answers(wire.completion()))
    await both.close(client)
    assert server.accepted == 0
    for times in (1, 2):
        await both.get(client.chat.create(**wire.ask))
        await both.close(client)
        server.wait_for(lambda: server.open == 0)
        assert server.accepted == times


async def test_as_a_context_manager_it_closes_at_the_end(both, server, wire):
    client = both.client(server.answers(wire.completion()))
    if both.kind == "sync":
        with client as entered:
            entered.chat.create(**wire.ask)
    else:
        async with client as entered:
            await entered.chat.create(**wire.ask)
    assert entered is client
    server.wait_for(lambda: server.open == 0)


async def test_a_connection_is_used_again(both, server, wire):
    client = both.client(server.answers(wire.completion()))
    for _ in range(5):
        await both.get(client.chat.create(**wire.ask))
    assert (len(server.requests), server.accepted) == (5, 1)


class TestEventLoops:
    """One asynchronous client serves one event loop after another, and leaves nothing open behind a loop that ended."""

    def test_in_sequence(self, server, wire):
        client = AsyncStepFunClient("key", base_url=server.answers(wire.completion()).base_url)

        async def ask() -> str:
            return (await client.chat.create(**wire.ask)).text

        for times in (1, 2, 3):
            assert asyncio.run(ask()) == "OK"
            server.wait_for(lambda: server.open == 0)
            assert server.accepted == times
        assert len(client._driver._made) == 1, "loops that ended are not kept"

    def test_at_once_in_several_threads(self, server, wire):
        client = AsyncStepFunClient("key", base_url=server.answers(wire.completion()).base_url)

        async def ask() -> list[str]:
            replies = await asyncio.gather(*(client.chat.create(**wire.ask) for _ in range(5)))
            return [reply.text for reply in replies]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: asyncio.run(ask()), range(8))) == [["OK"] * 5] * 8
        server.wait_for(lambda: server.open == 0)

    async def test_a_client_that_is_dropped_closes_its_connections(self, server, wire):
        client = AsyncStepFunClient("key", base_url=server.answers(wire.completion()).base_url)
        await client.chat.create(**wire.ask)
        del client
        await server.wait_async(lambda: server.open == 0)

    def test_a_client_that_is_dropped_as_its_loop_ends_closes_its_connections(self, server, wire):
        async def ask() -> str:
            client = AsyncStepFunClient("key", base_url=server.base_url)
            return (await client.chat.create(**wire.ask)).text

        server.answers(wire.completion())
        assert asyncio.run(ask()) == "OK"
        server.wait_for(lambda: server.open == 0)


def test_a_sync_client_that_is_dropped_closes_its_connections(server, wire):
    StepFunClient("key", base_url=server.answers(wire.completion()).base_url).chat.create(**wire.ask)
    server.wait_for(lambda: server.accepted == 1 and server.open == 0)


def test_threads_share_one_client(server, wire):
    with StepFunClient("key", base_url=server.answers(wire.completion()).base_url) as client:
        together = threading.Barrier(8)

        def ask(_: int) -> str:
            together.wait()
            return client.chat.create(**wire.ask).text

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == ["OK"] * 8
        assert len(client._driver._made) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the server's thread; the child does not need it
class TestFork:
    """A child makes connections of its own, and leaves its parent's alone."""

    @staticmethod
    def in_a_child(job) -> int:
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if job() else 1)
            finally:
                os._exit(2)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def test_sync(self, server, wire):
        with StepFunClient("key", base_url=server.answers(wire.completion()).base_url) as client:
            client.chat.create(**wire.ask)

            def job() -> bool:
                said = client.chat.create(**wire.ask).text
                client.close()
                return said == "OK"

            assert self.in_a_child(job) == 0
            assert server.accepted == 2
            assert client.chat.create(**wire.ask).text == "OK"
            assert server.accepted == 2, "the parent's connection still works"

    def test_async(self, server, wire):
        client = AsyncStepFunClient("key", base_url=server.answers(wire.completion()).base_url)

        async def ask() -> bool:
            return (await client.chat.create(**wire.ask)).text == "OK"

        async def main() -> int:
            await ask()
            code = await asyncio.get_running_loop().run_in_executor(None, self.in_a_child, lambda: asyncio.run(ask()))
            assert await ask()
            return code

        assert asyncio.run(main()) == 0
        assert server.accepted == 2


class TestProxies:
    """httpx's environment variables count, read when the client makes its connections."""

    async def test_http(self, both, server, wire, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", server.answers(wire.completion()).base_url.removesuffix("/v1"))
        client = both.client(base_url="http://api.stepfun.invalid/v1")
        assert (await both.get(client.chat.create(**wire.ask))).text == "OK"
        assert server.requests[0].path == "http://api.stepfun.invalid/v1/chat/completions"

    async def test_https(self, both, server, wire, monkeypatch, naps):
        monkeypatch.setenv("HTTPS_PROXY", server.answers(wire.error(403)).base_url.removesuffix("/v1"))
        with pytest.raises(APIConnectionError, match="the proxy settings"):
            await both.get(both.client().models.list())
        assert [(request.method, request.path) for request in server.requests] == [
            ("CONNECT", "api.stepfun.com:443")
        ] * 3
        assert not any("authorization" in request.headers for request in server.requests)


async def test_a_server_that_does_not_accept_is_a_connect_timeout(both, naps):
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("", request=request)

    with pytest.raises(APITimeoutError, match=r"\(ConnectTimeout\)"):
        await both.get(both.mocked(answer).models.list())
    assert len(naps) == 2


AT_EXIT = {
    "sync, not closed": "client = StepFunClient('key'); client.chat.create(**ask)",
    "sync, a stream left open": "client = StepFunClient('key'); stream = client.chat.stream(**ask); next(stream)",
    "async, not closed": "client = AsyncStepFunClient('key'); asyncio.run(create(client))",
    "half made": "with suppress(AttributeError): Driver(None, object())",
}
PROGRAM = """
import asyncio
from contextlib import suppress
from stepfun_client import AsyncStepFunClient, StepFunClient
from stepfun_client.core.transport import Driver
ask = {{"model": "step-3", "messages": [{{"role": "user", "content": "Hi"}}]}}
async def create(client): await client.chat.create(**ask)
{}
"""


@pytest.mark.parametrize("statement", AT_EXIT.values(), ids=AT_EXIT)
def test_the_interpreter_ends_without_a_word(server, wire, statement):
    server.answers(wire.answer(wire.delta(content="OK")) if "stream" in statement else wire.completion())
    environment = {**os.environ, "STEPFUN_BASE_URL": server.base_url}
    command = [sys.executable, "-W", "default", "-c", PROGRAM.format(statement)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
