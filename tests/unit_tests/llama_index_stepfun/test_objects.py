"""The object: what it says of itself, its copies and pickles, who is told of a call, and where the key is not."""

from __future__ import annotations

import copy
import inspect
import io
import json
import logging
import pickle
import subprocess
import sys
import traceback
from typing import Any

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.rate_limiter import BaseRateLimiter

import llama_index_stepfun
import stepfun_client
from llama_index_stepfun import StepFun
from stepfun_client.catalog import MODELS
from tests.unit_tests.llama_index_stepfun.conftest import PIECES, QUESTION, STREAMED, WHOLE
from tests.unit_tests.llama_index_stepfun.test_requests import COMPLETIONS

KEY = "sk-a-key-that-nobody-may-see-0123456789"
CHAT_MODELS = [info for info in MODELS.values() if "chat" in info.kinds]

# --- Metadata --------------------------------------------------------------------------------------------------------


def test_the_default_model() -> None:
    told = StepFun().metadata

    assert told.model_name == "step-3.7-flash"
    assert told.context_window == 256_000
    assert (told.is_chat_model, told.is_function_calling_model) == (True, True)
    assert 0 < told.num_output < told.context_window


@pytest.mark.parametrize("info", CHAT_MODELS, ids=lambda info: info.id)
def test_every_chat_model_of_the_catalogue(info) -> None:
    told = StepFun(model=info.id).metadata

    assert told.model_name == info.id
    assert told.context_window == (info.context or llama_index_stepfun.llm.UNKNOWN_CONTEXT_TOKENS)
    assert told.is_function_calling_model is (info.tools is not False)
    assert 0 < told.num_output <= told.context_window // 4


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"context_window": 10_000}, {"context_window": 10_000, "num_output": 2500}),
        ({"max_tokens": 100}, {"num_output": 100}),
        ({"is_chat_model": False}, {"is_chat_model": False}),
        ({"is_function_calling_model": False}, {"is_function_calling_model": False}),
        ({"model": "step-audio-r1.1"}, {"is_function_calling_model": False}),
        ({"model": "step-audio-r1.1", "is_function_calling_model": True}, {"is_function_calling_model": True}),
        ({"model": "of-tomorrow"}, {"context_window": 32_000, "is_function_calling_model": True}),
    ],
    ids=str,
)
def test_what_is_set_wins(given, told) -> None:
    said = StepFun(**given).metadata

    assert {name: getattr(said, name) for name in told} == told


# --- Copies, pickles and dicts ---------------------------------------------------------------------------------------

GIVEN: dict[str, Any] = {
    "model": "step-3.5-flash",
    "temperature": 0.5,
    "stop": ["a"],
    "tools": [{"type": "web_search"}],
    "additional_kwargs": {"top_p": 0.5},
    "extra_body": {"seed": {"of": 1}},
    "api_base": "http://localhost:1/v1",
    "system_prompt": "Be brief.",
    "file_mode": "hybrid",
}

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "dict": lambda llm: StepFun.from_dict(llm.to_dict()),
    "json": lambda llm: StepFun.from_json(llm.to_json()),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_asks_the_same(how, wire) -> None:
    llm = wire.llm(**GIVEN)
    llm.chat([ChatMessage(role="user", content="Hi")])

    again = COPIES[how](llm)

    assert again.to_dict() == llm.to_dict()
    assert again.metadata == llm.metadata
    assert again._request([], {}) == llm._request([], {})
    assert again.client is not llm.client


@pytest.mark.parametrize("how", COPIES)
def test_what_a_copy_changes_is_its_own(how) -> None:
    llm = StepFun(**GIVEN)
    again = COPIES[how](llm)

    again.stop.append("b")
    again.extra_body["seed"]["of"] = 2
    again.additional_kwargs["top_p"] = 0.1

    assert (llm.stop, llm.extra_body, llm.additional_kwargs) == (["a"], {"seed": {"of": 1}}, {"top_p": 0.5})


@pytest.mark.parametrize("how", ["copy", "deepcopy"])
def test_what_a_copy_shares(how, wire) -> None:
    """Whoever is told of calls, or holds them back, does so for the copy too; and the key opens it."""
    limiter, manager = Limiter(), CallbackManager([])
    llm = wire.llm(api_key=KEY, rate_limiter=limiter, callback_manager=manager)

    again = COPIES[how](llm)

    assert again.rate_limiter is limiter
    assert again.callback_manager is manager
    assert again.http_client is llm.http_client
    assert again.api_key.get_secret_value() == KEY


def test_a_pickle_reads_the_key_where_it_wakes_up(monkeypatch, wire) -> None:
    asleep = pickle.dumps(wire.llm(api_key=KEY))
    monkeypatch.setenv("STEP_API_KEY", "sk-of-the-other-machine")

    again = pickle.loads(asleep)

    assert KEY.encode() not in asleep
    assert (again.api_key, again.http_client) == (None, None)
    again.http_client = wire.llm().http_client
    again.chat([ChatMessage(role="user", content="Hi")])
    assert wire.sent[-1].headers["authorization"] == "Bearer sk-of-the-other-machine"


def test_class_names_are_what_components_are_known_by() -> None:
    assert StepFun.class_name() == StepFun().to_dict()["class_name"] == "StepFun_LLM"


# --- Who is told, and who holds back ---------------------------------------------------------------------------------

ASKS = {**WHOLE, **STREAMED, **COMPLETIONS}


@pytest.mark.parametrize("way", ASKS)
async def test_tokens_are_counted_once_and_right(way, stepfun) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = stepfun(callback_manager=CallbackManager([counter]))

    response = await ASKS[way](llm, QUESTION)

    usage = (response[-1] if isinstance(response, list) else response).raw["usage"]
    assert counter.prompt_llm_token_count == usage["prompt_tokens"] > 0
    assert counter.completion_llm_token_count == usage["completion_tokens"] > 0
    assert len(counter.llm_token_counts) == 1


@pytest.mark.parametrize("way", ASKS)
async def test_callbacks_are_called_once(way, wire) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)

    await ASKS[way](wire.llm(callback_manager=CallbackManager([handler])), QUESTION)

    (pair,) = handler.get_event_pairs(CBEventType.LLM)
    assert len(pair) == 2
    assert handler.get_llm_inputs_outputs() == [pair]


async def test_a_failure_is_told(ask, wire) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    wire.says(httpx.Response(500))

    with pytest.raises(stepfun_client.ServerError):
        await ask(wire.llm(callback_manager=CallbackManager([handler])), QUESTION)

    ((_, ended),) = handler.get_event_pairs(CBEventType.LLM)
    assert isinstance(ended.payload["exception"], stepfun_client.ServerError)


async def test_events_of_a_whole_reply(ask_whole, wire, told) -> None:
    response = await ask_whole(wire.llm(), QUESTION, temperature=0.5)

    (began,), (ended,) = told.of(LLMChatStartEvent), told.of(LLMChatEndEvent)
    assert began.additional_kwargs == {"temperature": 0.5}
    assert began.model_dict["model_name"] == "step-3.7-flash"
    assert ended.response == response


async def test_events_of_a_stream(pieces, wire, told) -> None:
    responses = await pieces(wire.llm(), QUESTION)

    assert [one.response for one in told.of(LLMChatInProgressEvent)] == responses
    assert told.of(LLMChatEndEvent)[0].response == responses[-1]


@pytest.mark.parametrize("way", COMPLETIONS)
async def test_events_of_a_completion(way, wire, told) -> None:
    await COMPLETIONS[way](wire.llm(), QUESTION)

    assert len(told.of(LLMCompletionEndEvent)) == 1
    assert told.of(LLMChatStartEvent) == []


class Limiter(BaseRateLimiter):
    """Counts who comes by."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def acquire(self, num_tokens: int = 0) -> None:
        self.passed.append("sync")

    async def async_acquire(self, num_tokens: int = 0) -> None:
        self.passed.append("async")


@pytest.mark.parametrize("way", ASKS)
async def test_a_rate_limiter_is_asked_once_a_call(way, wire) -> None:
    limiter = Limiter()

    await ASKS[way](wire.llm(rate_limiter=limiter), QUESTION)

    assert limiter.passed == ["async" if way.startswith("a") else "sync"]


# --- The import ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["", "; llama_index_stepfun.StepFun(api_key='any').metadata"], ids=["import", "made"])
def test_importing_the_package_loads_nothing_heavy(used) -> None:
    script = f"import llama_index_stepfun{used}; import sys; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert "llama_index_stepfun.llm" in loaded
    heavy = {"httpx._main", "click", "rich", "websockets", "starlette", "uvicorn", "stepfun_emulator"}
    others = {"openai", "langchain", "langchain_core", "langchain_stepfun", "tiktoken", "nltk", "pandas"}
    assert (heavy | others) & set(loaded) == set()


def test_the_package_exports_what_it_names() -> None:
    assert all(hasattr(llama_index_stepfun, name) for name in llama_index_stepfun.__all__)


def test_every_argument_is_described() -> None:
    ours = StepFun.model_fields.keys() - FunctionCallingLLM.model_fields.keys()

    assert [name for name in ours if f"\n    {name}: " not in inspect.getdoc(StepFun)] == []


# --- The key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_environment", [False, True], ids=["given", "environment"])
async def test_the_key_is_seen_nowhere(emulator, monkeypatch, caplog, told, from_environment) -> None:
    caplog.set_level(logging.DEBUG)
    if from_environment:
        monkeypatch.setenv("STEP_API_KEY", KEY)
    handler = LlamaDebugHandler(print_trace_on_end=False)
    llm = StepFun(
        api_key=None if from_environment else KEY,
        api_base=emulator.base_url,
        max_retries=0,
        callback_manager=CallbackManager([handler]),
    )

    for ask in [*WHOLE.values(), *PIECES.values(), *COMPLETIONS.values()]:
        await ask(llm, QUESTION)
    with pytest.raises(stepfun_client.NotFoundError) as caught:
        llm.chat([ChatMessage(role="user", content="Hi")], model="step-99")

    places = {
        "repr": repr(llm) + str(llm),
        "repr of the clients": f"{llm.client!r} {llm.async_client!r}",
        "vars": str(vars(llm)),
        "dumps": str(llm.to_dict()) + llm.to_json() + str(llm.model_dump()) + llm.model_dump_json(),
        "payload": str(llm.to_payload()),
        "pickle": repr(pickle.dumps(llm)),
        "events": "".join(event.model_dump_json(fallback=str) for event in told.events),
        "callbacks": str([(event.payload, event.event_type) for event in handler.get_events()]),
        "error": repr(caught.value) + str(vars(caught.value)) + repr(pickle.dumps(caught.value)),
        "traceback": "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()),
        "logs": caplog.text,
    }
    assert [place for place, text in places.items() if KEY in text] == []
    assert all(places[place] for place in ("events", "callbacks", "logs"))  # there was something to find it in
    llm.client.close()
    await llm.async_client.aclose()


async def test_a_key_that_the_service_quotes_is_masked(ask, wire) -> None:
    wire.says(lambda: httpx.Response(401, json={"error": {"message": f"Incorrect API key {KEY}", "type": "x"}}))

    with pytest.raises(stepfun_client.AuthenticationError) as caught:
        await ask(wire.llm(api_key=KEY), QUESTION)

    shown = io.StringIO()
    traceback.print_exception(caught.value, file=shown)
    assert "Incorrect API key ***" in shown.getvalue()
    assert KEY not in shown.getvalue() + json.dumps(vars(caught.value), default=str)
