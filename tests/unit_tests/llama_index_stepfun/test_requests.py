"""Requests: the JSON that stands on the wire for each parameter, and where it goes."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import ValidationError

from llama_index_stepfun import StepFun
from stepfun_client import InvalidParameterError

HI = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hi"}]}
SEARCH = {"type": "web_search", "function": {"description": "d"}}


async def test_a_question_as_it_stands_on_the_wire(ask_whole, wire) -> None:
    await ask_whole(wire.llm(api_key="sk-secret"), "几点了？")

    request = wire.sent[0]
    assert request.method == "POST"
    assert request.url == "https://api.stepfun.com/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert request.content == ('{"model":"step-3.7-flash","messages":[{"role":"user","content":"几点了？"}]}'.encode())


async def test_a_stream_asks_for_the_usage(pieces, wire) -> None:
    await pieces(wire.llm(), "Hi")

    assert wire.body == {**HI, "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"model": "step-3.5-flash"}, {"model": "step-3.5-flash"}),
        ({"model": "of-tomorrow"}, {"model": "of-tomorrow"}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"frequency_penalty": 1}, {"frequency_penalty": 1}),
        ({"stop": "a"}, {"stop": "a"}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"model": "step-audio-2", "modalities": ["text"]}, {"model": "step-audio-2", "modalities": ["text"]}),
        ({"audio": {"voice": "a"}}, {"audio": {"voice": "a", "format": "wav"}}),  # the one format there is
        ({"additional_kwargs": {"top_p": 0.1}, "top_p": 0.9}, {"top_p": 0.1}),
        ({"extra_body": {"seed": 1}}, {"seed": 1}),
        ({"extra_body": {"max_tokens": 9}, "max_tokens": 5}, {"max_tokens": 9}),
        ({"tools": [SEARCH]}, {"tools": [SEARCH]}),
    ],
    ids=str,
)
async def test_parameters_of_the_model(ask_whole, wire, given, sent) -> None:
    await ask_whole(wire.llm(**given), "Hi")

    assert wire.body == {**HI, **sent}


@pytest.mark.parametrize(
    ("in_call", "sent"),
    [
        ({"temperature": 1.5}, {"temperature": 1.5}),
        ({"model": "step-3.5-flash"}, {"model": "step-3.5-flash"}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ({"stop": ["b"]}, {"stop": ["b"]}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        ({"extra_body": {"seed": 2}}, {"seed": 2}),
    ],
    ids=str,
)
async def test_parameters_of_a_call_win_over_the_models(ask, wire, in_call, sent) -> None:
    llm = wire.llm(stop=["a"], reasoning_effort="high", extra_body={"seed": 1}, additional_kwargs={"temperature": 0.1})

    await ask(llm, "Hi", **in_call)

    wanted = {"temperature": 0.1, "stop": ["a"], "reasoning_effort": "high", "seed": 1, **sent}
    assert {name: wire.body.get(name) for name in wanted} == wanted


async def test_headers_of_the_model_and_of_one_call(ask_whole, wire) -> None:
    await ask_whole(wire.llm(default_headers={"x-team": "a", "x-app": "b"}), "Hi", extra_headers={"x-team": "c"})

    assert wire.sent[0].headers["x-team"] == "c"
    assert wire.sent[0].headers["x-app"] == "b"
    assert wire.body == HI


@pytest.mark.parametrize("given", [{"additional_kwargs": {"top_k": 3}}, {"additional_kwargs": {"temperature": 9}}])
async def test_a_parameter_that_is_certainly_wrong_is_not_sent(ask, wire, given) -> None:
    with pytest.raises(InvalidParameterError, match=next(iter(given["additional_kwargs"]))):
        await ask(wire.llm(**given), "Hi")

    assert wire.sent == []


@pytest.mark.parametrize(
    ("where", "url"),
    [
        ({}, "https://api.stepfun.com/v1/chat/completions"),
        ({"region": "global"}, "https://api.stepfun.ai/v1/chat/completions"),
        ({"plan": True}, "https://api.stepfun.com/step_plan/v1/chat/completions"),
        ({"base_url": "http://localhost:1/v1/"}, "http://localhost:1/v1/chat/completions"),
        ({"api_base": "http://localhost:1/v1"}, "http://localhost:1/v1/chat/completions"),
        ({"api_base": None}, "https://api.stepfun.com/v1/chat/completions"),
    ],
    ids=str,
)
async def test_where_a_request_goes(ask_whole, wire, where, url) -> None:
    await ask_whole(wire.llm(**where), "Hi")

    assert wire.sent[0].url == url


@pytest.mark.parametrize("variable", ["STEP_API_KEY", "STEPFUN_API_KEY"])
async def test_the_key_is_read_from_the_environment_at_the_first_call(ask, wire, monkeypatch, variable) -> None:
    llm = wire.llm(api_key=None)
    monkeypatch.setenv(variable, "sk-from-outside")

    await ask(llm, "Hi")

    assert wire.sent[0].headers["authorization"] == "Bearer sk-from-outside"


# --- Completions and prompts -----------------------------------------------------------------------------------------


async def _complete(llm: StepFun, prompt: str, **kwargs):
    return [llm.complete(prompt, **kwargs)]


async def _acomplete(llm: StepFun, prompt: str, **kwargs):
    return [await llm.acomplete(prompt, **kwargs)]


async def _stream_complete(llm: StepFun, prompt: str, **kwargs):
    return list(llm.stream_complete(prompt, **kwargs))


async def _astream_complete(llm: StepFun, prompt: str, **kwargs):
    return [response async for response in await llm.astream_complete(prompt, **kwargs)]


COMPLETIONS = {
    "complete": _complete,
    "acomplete": _acomplete,
    "stream_complete": _stream_complete,
    "astream_complete": _astream_complete,
}


@pytest.mark.parametrize("complete", COMPLETIONS.values(), ids=list(COMPLETIONS))
async def test_a_prompt_is_completed_as_a_users_message(complete, wire) -> None:
    *before, last = await complete(wire.llm(), "Hi", temperature=0.5, formatted=True)

    assert wire.messages == HI["messages"]
    assert wire.body["temperature"] == 0.5
    assert last.text == "42"
    assert last.raw["usage"]["total_tokens"] == 6
    assert "".join(response.delta for response in before) == ("42" if before else "")


async def test_predict_puts_the_system_prompt_first(wire) -> None:
    llm = wire.llm(system_prompt="Be brief.")
    asked = PromptTemplate("Say {word}.")

    said = [llm.predict(asked, word="hi"), await llm.apredict(asked, word="hi")]
    said.append("".join(llm.stream(asked, word="hi")))
    said.append("".join([token async for token in await llm.astream(asked, word="hi")]))

    assert said == ["42"] * 4
    assert [body["messages"] for body in wire.bodies] == [
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hi."}]
    ] * 4


# --- Habits of the existing class ------------------------------------------------------------------------------------


def test_arguments_by_position() -> None:
    llm = StepFun("step-3.5-flash", 0.1, 256, {"top_p": 0.5})

    assert (llm.model, llm.temperature, llm.max_tokens) == ("step-3.5-flash", 0.1, 256)
    assert llm.additional_kwargs == {"top_p": 0.5}


def test_a_call_written_for_the_existing_class(wire) -> None:
    llm = wire.llm(
        model="step-1v-8k",
        temperature=0.1,
        max_tokens=256,
        additional_kwargs=None,
        api_base="http://localhost:1/v1",
        context_window=3900,
        is_chat_model=True,
        is_function_calling_model=False,
        system_prompt="Be brief.",
        timeout=20.0,
        default_headers={"x-app": "a"},
    )

    llm.chat([ChatMessage(role="user", content="Hi")])

    assert wire.body == {**HI, "model": "step-1v-8k", "temperature": 0.1, "max_tokens": 256}
    assert llm.api_base == "http://localhost:1/v1"
    assert (llm.metadata.context_window, llm.metadata.is_function_calling_model) == (3900, False)


@pytest.mark.parametrize(
    "unknown", [{"apikey": "sk-secret"}, {"modle": "step-3.7-flash"}, {"reuse_client": True}], ids=str
)
def test_an_unknown_argument_is_refused_and_not_repeated(unknown) -> None:
    with pytest.raises(ValidationError, match=next(iter(unknown))) as caught:
        StepFun(**unknown)

    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 3},
        {"top_p": 2},
        {"max_tokens": 0},
        {"frequency_penalty": -1},
        {"max_retries": -1},
        {"timeout": 0},
        {"context_window": 0},
        {"region": "mars"},
        {"file_mode": "by post"},
    ],
    ids=str,
)
def test_a_value_that_is_certainly_wrong_is_refused(wrong) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        StepFun(**wrong)
