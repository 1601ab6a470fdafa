"""Life in programs: limits, caches, callbacks, retries, fallbacks, configuration, forks, threads, serialization."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from langchain_core import exceptions as core
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.load import dumps, loads
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tracers.base import BaseTracer
from typing_extensions import Self

import stepfun_client
import stepfun_emulator
from langchain_stepfun import ChatStepFun
from stepfun_client import ConcurrencyLimit
from tests.unit_tests.langchain_stepfun.answers import ANSWERS
from tests.unit_tests.langchain_stepfun.conftest import (
    CHUNKS,
    QUESTION,
    REPLY,
    STREAMED,
    V3,
    WHOLE,
)
from tests.unit_tests.langchain_stepfun.test_connections import soon, soon_async

WAYS = {**WHOLE, **STREAMED, **V3}


# --- The limit on concurrent calls -----------------------------------------------------------------------------------


@pytest.fixture
def busy():
    """An emulator of its own, whose streams take their time."""
    with stepfun_emulator.serving(delay=0.004) as served:
        yield served


def test_a_number_makes_a_limit_and_one_limit_may_be_shared() -> None:
    shared = ConcurrencyLimit(2)

    assert ChatStepFun(concurrency_limit=3).concurrency_limit.limit == 3
    assert ChatStepFun(concurrency_limit=shared).concurrency_limit is shared
    with pytest.raises(ValueError, match="must be 1 or more"):
        ChatStepFun(concurrency_limit=0)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: model.model_copy(update={"temperature": 1})]
)
def test_copies_in_one_process_share_the_limit(copied) -> None:
    model = ChatStepFun(concurrency_limit=2)

    assert copied(model).concurrency_limit is model.concurrency_limit
    assert pickle.loads(pickle.dumps(model)).concurrency_limit.limit == 2


@pytest.mark.parametrize("way", WAYS)
async def test_the_place_is_given_back_after_each_way_of_asking(chat, way) -> None:
    model = chat(concurrency_limit=1)

    replies = [await WAYS[way](model, QUESTION) for _ in range(2)]

    assert all("42" in reply.text for reply in replies)
    assert model.concurrency_limit.free == 1


@pytest.mark.parametrize("way", WAYS)
async def test_the_place_is_given_back_when_a_call_fails(chat, way) -> None:
    model = chat(concurrency_limit=1, default_headers={"x-emulator-fault": "cut-connection"})

    for _ in range(2):
        with pytest.raises(core.ModelConnectionError):
            await WAYS[way](model, QUESTION)
    assert model.concurrency_limit.free == 1


class Most:
    """Watches how many streams an emulator writes at once."""

    def __init__(self, server: stepfun_emulator.Emulator) -> None:
        self._server, self._ends, self.most = server, threading.Event(), 0
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ends.is_set():
            self.most = max(self.most, self._server.open_streams)
            time.sleep(0.001)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


async def test_two_models_share_a_limit_on_threads_and_in_a_loop(busy) -> None:
    """Each stream is held to its end, as StepFun counts them."""
    limit = ConcurrencyLimit(2)
    one, other = (ChatStepFun(api_key="any", base_url=busy.base_url, concurrency_limit=limit) for _ in range(2))

    async def read() -> int:
        return len([chunk async for chunk in other.astream(QUESTION)])

    with Most(busy) as seen, ThreadPoolExecutor(4) as pool:
        on_threads = [pool.submit(lambda: len(list(one.stream(QUESTION)))) for _ in range(4)]
        in_loop = await asyncio.gather(*(read() for _ in range(4)))
        lengths = [*in_loop, *(done.result() for done in on_threads)]

    assert len(set(lengths)) == 1
    assert seen.most == 2
    assert limit.free == 2
    one.client.close()
    await other.async_client.aclose()


async def test_a_stream_that_is_left_gives_its_place_to_the_next(busy) -> None:
    model = ChatStepFun(api_key="any", base_url=busy.base_url, concurrency_limit=1)

    for _ in model.stream(QUESTION):
        assert model.concurrency_limit.free == 0
        break
    assert soon(lambda: model.concurrency_limit.free == 1)
    async for _ in model.astream(QUESTION):
        assert model.concurrency_limit.free == 0
        break

    assert await soon_async(lambda: model.concurrency_limit.free == 1)
    assert "42" in (await model.ainvoke(QUESTION)).text
    model.client.close()
    await model.async_client.aclose()


async def test_who_waits_may_be_cancelled(chat) -> None:
    model = chat(concurrency_limit=1)

    with model.concurrency_limit.held(), pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(model.ainvoke(QUESTION), timeout=0.05)
    assert model.concurrency_limit.free == 1
    assert "42" in (await model.ainvoke(QUESTION)).text


@pytest.mark.parametrize("way", ["batch", "abatch"])
async def test_max_concurrency_holds_in_a_batch(busy, way) -> None:
    model = ChatStepFun(api_key="any", base_url=busy.base_url, streaming=True)
    questions, config = [QUESTION] * 8, {"max_concurrency": 3}

    with Most(busy) as seen:
        replies = model.batch(questions, config) if way == "batch" else await model.abatch(questions, config)

    assert all("42" in reply.text for reply in replies)
    assert seen.most <= 3
    model.client.close()
    await model.async_client.aclose()


@pytest.mark.parametrize("way", WAYS)
async def test_a_rate_limiter_is_asked_before_each_call(wire, way) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=50, check_every_n_seconds=0.005, max_bucket_size=1)
    model, started = wire.chat(rate_limiter=limiter), time.monotonic()

    for _ in range(4):
        await WAYS[way](model, "Hi")

    assert time.monotonic() - started >= 3 / 50
    assert len(wire.sent) == 4


# --- Caches ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def global_cache():
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("kind", ["text", "reasoning", "parallel tool calls", "search", "audio"])
async def test_an_answer_from_a_cache_is_the_answer(ask_whole, wire, kind, version) -> None:
    wire.answer = ANSWERS[kind]
    cache = InMemoryCache()

    fresh = await ask_whole(wire.chat(cache=cache, output_version=version), "Hi")
    again = await ask_whole(wire.chat(cache=cache, output_version=version), "Hi")

    assert len(wire.sent) == 1  # another model with the same settings finds it too
    assert again.content_blocks == fresh.content_blocks
    assert again.tool_calls == fresh.tool_calls
    assert again.additional_kwargs == fresh.additional_kwargs


async def test_the_global_cache_tells_models_and_calls_apart(ask_whole, wire, global_cache) -> None:
    for asked in ({}, {"temperature": 1}, {"model": "step-3.5-flash"}):
        await ask_whole(wire.chat(**asked), "Hi")
        await ask_whole(wire.chat(**asked), "Hi")
    await ask_whole(wire.chat(), "Hi", max_tokens=5)
    await ask_whole(wire.chat(cache=False), "Hi")

    assert len(wire.sent) == 5


@pytest.mark.parametrize(
    "given",
    [{"concurrency_limit": 2}, {"http_client": httpx.Client()}, {"api_key": "sk-other"}, {"default_headers": None}],
    ids=lambda given: next(iter(given)),
)
def test_what_changes_no_answer_changes_no_cache_key(given) -> None:
    model = ChatStepFun(api_key="sk-one")
    other = ChatStepFun(**{"api_key": "sk-one", **given})

    assert other._get_llm_string() == model._get_llm_string()


# --- Callbacks -------------------------------------------------------------------------------------------------------


class Heard(BaseCallbackHandler):
    """Writes down what happens."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.seen: list[str] = []
        self.error: BaseException | None = None

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("start")

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.seen.append("error")
        self.error = error


class HeardAsync(AsyncCallbackHandler):
    """Writes down what happens, asynchronously."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("start")

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("end")


@pytest.mark.parametrize("way", WAYS)
async def test_callbacks_hear_the_beginning_and_the_end(chat, way) -> None:
    heard, heard_async = Heard(), HeardAsync()
    callbacks = [heard, heard_async] if way.startswith("a") else [heard]

    reply = await WAYS[way](chat(), QUESTION, config={"callbacks": callbacks})

    assert heard.seen == ["start", "end"]
    assert heard_async.seen == (["start", "end"] if way.startswith("a") else [])
    assert "".join(heard.tokens) == (reply.text if way in STREAMED else "")


@pytest.mark.parametrize("way", WAYS)
async def test_callbacks_hear_the_typed_error(chat, way) -> None:
    heard = Heard()

    with pytest.raises(stepfun_client.RateLimitError):
        await WAYS[way](
            chat(default_headers={"x-emulator-fault": "rate-limit"}), QUESTION, config={"callbacks": [heard]}
        )

    assert await soon_async(lambda: heard.seen == ["start", "error"])  # of async v3 events a little later
    assert isinstance(heard.error, core.ModelRateLimitError)


async def test_langsmith_is_told_who_answers(ask_or_watch, wire) -> None:
    class Tracer(BaseTracer):
        def _persist_run(self, run: Any) -> None:
            told.update(run.extra["metadata"])

    told: dict[str, Any] = {}
    await ask_or_watch(wire.chat(temperature=0.5), "Hi", config={"callbacks": [Tracer()]}, max_tokens=9)

    assert {name: told[name] for name in told if name.startswith("ls_") and name != "ls_integration"} == {
        "ls_provider": "stepfun",
        "ls_model_name": "step-3.7-flash",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
    }


# --- Retries and fallbacks -------------------------------------------------------------------------------------------


def refusing(wire: Any, times: int, status: int = 429) -> None:
    """Let the wire refuse so many requests, and then answer."""
    refusals = iter([httpx.Response(status, json={"error": {"message": "no"}}) for _ in range(times)])
    wire.reply = lambda: next(refusals, None) or httpx.Response(200, json=REPLY)


async def test_with_retry_on_cores_classes(ask_whole, wire) -> None:
    refusing(wire, 2)
    model = wire.chat().with_retry(
        retry_if_exception_type=(core.ModelRateLimitError,), wait_exponential_jitter=False, stop_after_attempt=3
    )

    assert (await ask_whole(model, "Hi")).text == "42"
    assert len(wire.sent) == 3


async def test_with_fallbacks_on_cores_classes(ask, chat) -> None:
    broken = chat(default_headers={"x-emulator-fault": "overloaded"})
    model = broken.with_fallbacks([chat()], exceptions_to_handle=(core.ModelAPIError,))

    assert "42" in (await ask(model, QUESTION)).text


async def test_a_fallback_does_not_hide_another_kind_of_error(ask_whole, chat) -> None:
    model = chat(api_key="invalid-key").with_fallbacks([chat()], exceptions_to_handle=(core.ModelAPIError,))

    with pytest.raises(stepfun_client.AuthenticationError):
        await ask_whole(model, QUESTION)


# --- Configuration ---------------------------------------------------------------------------------------------------


async def test_configurable_fields(ask, wire) -> None:
    shared = ConcurrencyLimit(1)
    model = wire.chat(concurrency_limit=shared).configurable_fields(
        model=ConfigurableField("model"), temperature=ConfigurableField("heat"), stop=ConfigurableField("stop")
    )

    await ask(model, "Hi", config={"configurable": {"model": "step-3.5-flash", "heat": 0.1, "stop": ["x"]}})
    assert (wire.body["model"], wire.body["temperature"], wire.body["stop"]) == ("step-3.5-flash", 0.1, ["x"])

    await ask(model, "Hi")
    assert wire.body["model"] == "step-3.7-flash"
    assert "temperature" not in wire.body
    assert shared.free == 1


async def test_configurable_alternatives(ask, wire) -> None:
    model = wire.chat().configurable_alternatives(
        ConfigurableField("which"), default_key="fast", careful=wire.chat(reasoning_effort="high")
    )

    await ask(model, "Hi", config={"configurable": {"which": "careful"}})
    assert wire.body["reasoning_effort"] == "high"

    await ask(model, "Hi")
    assert "reasoning_effort" not in wire.body


async def test_a_copy_with_new_settings_asks_with_them_after_the_first_was_used(ask_whole) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=REPLY)

    transport = httpx.MockTransport(answer)
    http = {
        "http_client": httpx.Client(transport=transport),
        "http_async_client": httpx.AsyncClient(transport=transport),
    }
    model = ChatStepFun(api_key="sk-one", base_url="http://one/v1", **http)
    await ask_whole(model, "Hi")

    other = model.model_copy(update={"base_url": "http://two/v1", "default_headers": {"x-team": "two"}})
    await ask_whole(other, "Hi")
    await ask_whole(model, "Hi")

    assert [request.url.host for request in seen] == ["one", "two", "one"]
    assert [request.headers.get("x-team") for request in seen] == [None, "two", None]


# --- Processes and threads -------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the server's thread; the child does not need it
def test_a_forked_child_asks_over_a_connection_of_its_own(chat) -> None:
    model = chat(concurrency_limit=1)
    model.invoke(QUESTION)

    child = os.fork()
    if child == 0:
        try:
            answered = "42" in model.invoke(QUESTION).text and "42" in asyncio.run(model.ainvoke(QUESTION)).text
            os._exit(0 if answered else 1)
        finally:
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "42" in model.invoke(QUESTION).text


def test_threads_share_a_model_from_its_first_call_on(chat) -> None:
    model, together = chat(), threading.Barrier(8)

    def ask(number: int) -> str:
        together.wait()
        way = CHUNKS["stream"] if number % 2 else WHOLE["invoke"]
        reply = asyncio.run(way(model, QUESTION))
        return "".join(chunk.text for chunk in reply) if isinstance(reply, list) else reply.text

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(ask, range(8)))

    assert len(set(texts)) == 1


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
async def test_dumps_and_loads_before_and_after_use(chat, monkeypatch, used) -> None:
    monkeypatch.setenv("STEP_API_KEY", "any")
    model = chat(reasoning_effort="low", concurrency_limit=2, default_headers={"x-team": "a"}, upload_above=5)
    if used:
        model.invoke(QUESTION)
        await model.ainvoke(QUESTION)

    again = loads(
        dumps(model), secrets_from_env=True, valid_namespaces=["langchain_stepfun"], allowed_objects=[ChatStepFun]
    )

    assert (again.reasoning_effort, again.base_url, again.upload_above) == ("low", model.base_url, 5)
    assert again.default_headers == {"x-team": "a"}
    assert again.invoke(QUESTION).text == model.invoke(QUESTION).text
    again.client.close()
