"""The object itself: made without a connection, copied, pickled, serialized, and never showing its key."""

from __future__ import annotations

import copy
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
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.load import dumpd, dumps, loads
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.base import BaseTracer
from pydantic import SecretStr

import langchain_stepfun
import stepfun_client
from langchain_stepfun import ChatStepFun
from stepfun_client.catalog import MODELS
from tests.unit_tests.langchain_stepfun.conftest import QUESTION

KEY = "sk-never-to-be-seen-anywhere"


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


# --- Lazy, copied, pickled -------------------------------------------------------------------------------------------


def test_nothing_is_connected_before_the_first_call() -> None:
    model = ChatStepFun()

    assert (model._sync, model._async) == (None, None)
    assert model.client is model.client
    assert model.async_client is model.async_client


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda model: model.model_copy(update={"temperature": 0.5}),
}


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize("how", COPIES)
async def test_a_copy_works_before_and_after_use(chat, monkeypatch, how, used) -> None:
    model = chat(reasoning_effort="low", max_tokens=500)
    if used:
        model.invoke(QUESTION)
        await model.ainvoke(QUESTION)

    again = COPIES[how](model)

    monkeypatch.setenv("STEP_API_KEY", "any")  # a pickle holds no key: it is found where it wakes up
    assert (again.reasoning_effort, again.max_tokens) == ("low", 500)
    assert "42" in again.invoke(QUESTION).text
    assert "42" in (await again.ainvoke(QUESTION)).text
    again.client.close()
    await again.async_client.aclose()


def test_a_copy_with_another_address_goes_there(chat) -> None:
    model = chat()
    model.invoke(QUESTION)

    other = model.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})

    assert other.client.base_url == "http://127.0.0.1:1/v1"
    assert model.client.base_url != other.client.base_url


def test_a_copy_shares_the_users_httpx_client_and_a_pickle_leaves_it_out(wire) -> None:
    model = wire.chat()

    assert copy.deepcopy(model).http_client is model.http_client
    assert pickle.loads(pickle.dumps(model)).http_client is None


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_dumps_and_loads(monkeypatch) -> None:
    monkeypatch.setenv("STEP_API_KEY", KEY)
    model = ChatStepFun(model="step-3.5-flash", temperature=0.5, api_key=KEY, stop=["a"])

    text = dumps(model)
    again = loads(
        text,
        secrets_from_env=True,
        valid_namespaces=["langchain_stepfun"],
        allowed_objects=[ChatStepFun],
    )

    assert json.loads(text)["type"] == "constructor"
    assert isinstance(again, ChatStepFun)
    assert (again.model, again.temperature, again.stop) == ("step-3.5-flash", 0.5, ["a"])
    assert again.api_key.get_secret_value() == KEY


def test_what_langchain_asks_a_model() -> None:
    model = ChatStepFun(model="step-3.5-flash", temperature=0.5, max_tokens=9)

    assert model._llm_type == "stepfun-chat"
    named = {"model": "step-3.5-flash", "api": "chat", "temperature": 0.5, "max_tokens": 9}
    assert model._identifying_params == named
    assert model.lc_secrets == {"api_key": "STEP_API_KEY"}
    params = model._get_ls_params(stop=["a"], model="step-3.7-flash")
    assert (params["ls_provider"], params["ls_model_name"]) == ("stepfun", "step-3.7-flash")
    assert (params["ls_temperature"], params["ls_max_tokens"], params["ls_stop"]) == (0.5, 9, ["a"])
    assert model.metadata["lc_versions"]["stepfun-integrations"] == stepfun_client.__version__


# --- Profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_says_what_the_model_can_do() -> None:
    profile = ChatStepFun(model="step-3.7-flash").profile

    assert profile["max_input_tokens"] == 256_000
    assert (profile["image_inputs"], profile["video_inputs"], profile["audio_inputs"]) == (True, True, False)
    assert (profile["tool_calling"], profile["tool_choice"]) == (True, True)
    assert profile["reasoning_output"] is True
    assert profile["reasoning_effort_levels"] == ["low", "medium", "high"]
    assert profile["structured_output"] is False  # so that an agent does not ask for json_schema


@pytest.mark.parametrize("info", [info for info in MODELS.values() if "chat" in info.kinds], ids=lambda info: info.id)
def test_every_chat_model_of_the_catalogue_has_a_profile(info) -> None:
    profile = ChatStepFun(model=info.id).profile

    assert profile["name"] == info.id
    assert profile["structured_output"] == info.json_schema
    assert profile["image_inputs"] == ("image" in info.inputs)
    assert profile["audio_outputs"] == ("audio" in info.outputs)
    assert profile.get("max_input_tokens") == info.context


@pytest.mark.parametrize("model", ["of-tomorrow", "step-tts-2"])
def test_no_profile_where_nothing_is_known(model) -> None:
    assert not ChatStepFun(model=model).profile


CHAT_MODELS = [info for info in MODELS.values() if "chat" in info.kinds]


@pytest.mark.parametrize("info", CHAT_MODELS, ids=lambda info: info.id)
def test_a_profile_says_what_is_known_and_nothing_else(info) -> None:
    profile = ChatStepFun(model=info.id).profile

    known = {
        "reasoning_output": info.reasoning,
        "tool_calling": info.tools,
        "tool_choice": info.tools,
        "max_output_tokens": info.max_output,
        "reasoning_effort_levels": list(info.efforts) or None,
        "video_inputs": "video" in info.inputs,
        "audio_inputs": "audio" in info.inputs,
    }
    assert {name: profile.get(name) for name in known} == known
    assert not {name for name, value in known.items() if value is None} & set(profile)


@pytest.mark.parametrize("effort", ["low", "medium", "high", "utmost"])
@pytest.mark.parametrize("info", [info for info in CHAT_MODELS if info.efforts], ids=lambda info: info.id)
def test_an_effort_is_checked_against_a_model_that_is_known(wire, info, effort) -> None:
    model = wire.chat(model=info.id, reasoning_effort=effort)

    if effort in info.efforts:
        model.invoke(QUESTION)
        assert wire.body["reasoning_effort"] == effort
    else:
        with pytest.raises(stepfun_client.InvalidParameterError, match=f"'{effort}'; {info.id} takes 'low'"):
            model.invoke(QUESTION)
        assert wire.sent == []


def test_an_effort_of_tomorrow_goes_to_a_model_of_tomorrow(wire) -> None:
    wire.chat(model="of-tomorrow", reasoning_effort="utmost").invoke(QUESTION)

    assert wire.body["reasoning_effort"] == "utmost"


# --- The import ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["", "; langchain_stepfun.ChatStepFun(api_key='any')"], ids=["import", "made"])
def test_importing_the_package_loads_nothing_heavy(used) -> None:
    script = f"import langchain_stepfun{used}; import sys; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    heavy = ("httpx._main", "stepfun_emulator", "llama_index", "llama_index_stepfun", "websockets", "PIL", "openai")
    assert "langchain_stepfun.chat_models" in loaded
    assert [name for name in heavy if name in loaded] == []
    assert [name for name in ("click", "rich", "starlette", "uvicorn", "langchain") if name in loaded] == []


def test_the_package_exports_what_it_names() -> None:
    assert all(hasattr(langchain_stepfun, name) for name in langchain_stepfun.__all__)


# --- The key ---------------------------------------------------------------------------------------------------------


class Everything(BaseCallbackHandler):
    """Writes down whatever it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *args, **kwargs: self.seen.append(f"{name} {args} {kwargs}")
        return super().__getattribute__(name)


class EverythingAsync(AsyncCallbackHandler):
    """Writes down what it is told, asynchronously."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")

    async def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")


class Traced(BaseTracer):
    """Keeps whole runs, as LangSmith's tracer would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def _persist_run(self, run: Any) -> None:
        self.seen.append(f"{run!r} {vars(run)} {json.dumps(run.serialized)}")


GIVEN = {"text": KEY, "secret": SecretStr(KEY), "environment": None}


@pytest.mark.parametrize("given", GIVEN)
async def test_the_key_is_seen_nowhere(emulator, monkeypatch, caplog, given) -> None:
    caplog.set_level(logging.DEBUG)
    if given == "environment":
        monkeypatch.setenv("STEP_API_KEY", KEY)
    model = ChatStepFun(api_key=GIVEN[given], base_url=emulator.base_url, max_retries=0)
    told, told_async, traced = Everything(), EverythingAsync(), Traced()
    config = {"callbacks": [told, told_async, traced]}

    chain = ChatPromptTemplate.from_template("{question}") | model.bind_tools([multiply])
    chain.invoke({"question": "Multiply 6 and 7"}, config)
    await chain.ainvoke({"question": "Multiply 6 and 7"}, config)
    list(chain.stream({"question": "Multiply 6 and 7"}, config))
    events = [str(event) async for event in chain.astream_events({"question": "Multiply"}, config, version="v2")]
    with pytest.raises(stepfun_client.NotFoundError) as caught:
        model.invoke(QUESTION, config, model="step-99")

    assert told.seen
    assert told_async.seen
    assert traced.seen
    places = {
        "repr": repr(model),
        "str": str(model),
        "repr of the clients": f"{model.client!r} {model.async_client!r} {model.client._settings!r}",
        "vars": str(vars(model)),
        "model_dump": str(model.model_dump()) + str(model.model_dump_json()),
        "dumps": dumps(model) + str(dumpd(chain)),
        "pickle": repr(pickle.dumps(model)) + repr(pickle.dumps(model.client)),
        "identifying params": str(model._identifying_params) + str(model._get_ls_params()),
        "callbacks": "".join(told.seen + told_async.seen),
        "tracing": "".join(traced.seen) + "".join(events),
        "error": repr(caught.value) + str(caught.value) + str(vars(caught.value)) + repr(pickle.dumps(caught.value)),
        "traceback": "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()),
        "logs": caplog.text,
    }
    assert [place for place, text in places.items() if KEY in text] == []
    assert "stepfun" in caplog.text  # there was something to find it in
    model.client.close()
    await model.async_client.aclose()


def test_a_key_that_the_service_quotes_is_masked_in_the_error(wire) -> None:
    wire.reply = lambda: httpx.Response(401, json={"error": {"message": f"Incorrect API key {KEY}", "type": "x"}})

    with pytest.raises(stepfun_client.AuthenticationError) as caught:
        wire.chat(api_key=KEY).invoke(QUESTION)

    shown = io.StringIO()
    traceback.print_exception(caught.value, file=shown)
    assert "Incorrect API key ***" in shown.getvalue()
    assert KEY not in shown.getvalue() + str(vars(caught.value))
