"""Requests: the JSON that stands on the wire for each parameter and each kind of message."""

from __future__ import annotations

import json

import httpx
import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_stepfun import ChatStepFun
from stepfun_client import InvalidParameterError


async def test_a_question_as_it_stands_on_the_wire(ask_whole, wire) -> None:
    await ask_whole(wire.chat(api_key="sk-secret"), "几点了？")

    request = wire.sent[0]
    assert request.method == "POST"
    assert request.url == "https://api.stepfun.com/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert request.headers["content-type"] == "application/json"
    assert request.content == ('{"model":"step-3.7-flash","messages":[{"role":"user","content":"几点了？"}]}'.encode())


async def test_a_stream_asks_for_the_usage(chunks, wire) -> None:
    await chunks(wire.chat(), "Hi")

    assert wire.body == {
        "model": "step-3.7-flash",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


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
        ({"n": 1}, {"n": 1}),
        ({"stop": "a"}, {"stop": "a"}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"reasoning_format": "deepseek-style"}, {"reasoning_format": "deepseek-style"}),
        ({"model": "step-audio-2", "modalities": ["text"]}, {"model": "step-audio-2", "modalities": ["text"]}),
        ({"audio": {"voice": "a", "format": "wav"}}, {"audio": {"voice": "a", "format": "wav"}}),
        ({"audio": {"voice": "a"}}, {"audio": {"voice": "a", "format": "wav"}}),  # the one format there is
        ({"model_kwargs": {"top_p": 0.1}}, {"top_p": 0.1}),
        ({"extra_body": {"seed": 1}}, {"seed": 1}),
        ({"extra_body": {"max_tokens": 9}, "max_tokens": 5}, {"max_tokens": 9}),
    ],
    ids=str,
)
async def test_parameters_of_the_model(ask_whole, wire, given, sent) -> None:
    await ask_whole(wire.chat(**given), "Hi")

    assert wire.body == {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hi"}], **sent}


@pytest.mark.parametrize(
    ("call", "sent"),
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
async def test_parameters_of_a_call_win_over_the_models(ask, wire, call, sent) -> None:
    model = wire.chat(temperature=0.1, stop=["a"], reasoning_effort="high", extra_body={"seed": 1})

    await ask(model, "Hi", **call)

    wanted = {"temperature": 0.1, "stop": ["a"], "reasoning_effort": "high", "seed": 1, **sent}
    assert {name: wire.body.get(name) for name in wanted} == wanted


async def test_headers_and_timeout_of_one_call(ask_whole, wire) -> None:
    await ask_whole(wire.chat(default_headers={"x-team": "a", "x-app": "b"}), "Hi", extra_headers={"x-team": "c"})

    assert wire.sent[0].headers["x-team"] == "c"
    assert wire.sent[0].headers["x-app"] == "b"
    assert set(wire.body) == {"model", "messages"}


@pytest.mark.parametrize(
    ("where", "url"),
    [
        ({}, "https://api.stepfun.com/v1/chat/completions"),
        ({"region": "global"}, "https://api.stepfun.ai/v1/chat/completions"),
        ({"plan": True}, "https://api.stepfun.com/step_plan/v1/chat/completions"),
        ({"region": "global", "plan": True}, "https://api.stepfun.ai/step_plan/v1/chat/completions"),
        ({"base_url": "http://localhost:1/v1/"}, "http://localhost:1/v1/chat/completions"),
    ],
    ids=str,
)
async def test_where_a_request_goes(ask_whole, wire, where, url) -> None:
    await ask_whole(wire.chat(**where), "Hi")

    assert wire.sent[0].url == url


@pytest.mark.parametrize("variable", ["STEP_API_KEY", "STEPFUN_API_KEY"])
async def test_the_key_is_read_from_the_environment_at_the_first_call(ask_whole, wire, monkeypatch, variable) -> None:
    model = wire.chat(api_key=None)
    monkeypatch.setenv(variable, "sk-from-outside")

    await ask_whole(model, "Hi")

    assert wire.sent[0].headers["authorization"] == "Bearer sk-from-outside"


async def test_the_address_is_read_from_the_environment(ask_whole, wire, monkeypatch) -> None:
    monkeypatch.setenv("STEPFUN_BASE_URL", "http://localhost:1/v1")

    await ask_whole(wire.chat(), "Hi")

    assert wire.sent[0].url.host == "localhost"


CALL = {"name": "add", "args": {"a": 1, "b": "二"}, "id": "call_1"}
WIRE_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": "二"}'}}


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (SystemMessage("Be brief."), {"role": "system", "content": "Be brief."}),
        (
            SystemMessage([{"type": "text", "text": "a"}, "b"]),
            {"role": "system", "content": "a\nb"},
        ),
        (HumanMessage("Hi", name="Ann"), {"role": "user", "content": "Hi"}),
        (AIMessage("Hi"), {"role": "assistant", "content": "Hi"}),
        (AIMessage(""), {"role": "assistant", "content": ""}),
        (
            AIMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            {"role": "assistant", "content": "ab"},
        ),
        (
            AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}]),
            {"role": "assistant", "content": "a"},
        ),
        (
            AIMessage("", tool_calls=[CALL]),
            {"role": "assistant", "content": None, "tool_calls": [WIRE_CALL]},
        ),
        (
            AIMessage("I add.", tool_calls=[CALL]),
            {"role": "assistant", "content": "I add.", "tool_calls": [WIRE_CALL]},
        ),
        (
            AIMessage("", invalid_tool_calls=[{"name": "add", "args": '{"a":', "id": "call_2", "error": "cut"}]),
            {"role": "assistant", "content": ""},  # nobody answers it, and every call sent must be answered
        ),
        (
            AIMessage("", additional_kwargs={"audio": {"data": "UklG", "transcript": "spoken"}}),
            {"role": "assistant", "content": "spoken"},
        ),
        (ToolMessage("3", tool_call_id="call_1"), {"role": "tool", "tool_call_id": "call_1", "content": "3"}),
        (
            ToolMessage([{"type": "text", "text": "a"}, "b"], tool_call_id="call_1"),
            {"role": "tool", "tool_call_id": "call_1", "content": "a\nb"},
        ),
        (ChatMessage("Hi", role="user"), {"role": "user", "content": "Hi"}),
        (ChatMessage("Be brief.", role="developer"), {"role": "system", "content": "Be brief."}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_messages(wire, message, sent) -> None:
    wire.chat().invoke([message])

    assert wire.messages == [sent]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (FunctionMessage("3", name="add"), "no FunctionMessage; possible are HumanMessage"),
        (RemoveMessage(id="1"), "no RemoveMessage"),
        (SystemMessage([{"type": "image", "url": "https://x/a.png"}]), "'image' block in a system message, only text"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_message_without_a_place_is_refused_before_anything_is_sent(ask, wire, message, why) -> None:
    with pytest.raises(InvalidParameterError, match=why):
        await ask(wire.chat(), [message])
    assert wire.sent == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"frequency": 1}, "frequency"),
        ({"max_completion_tokens": 5}, "max_completion_tokens"),
        ({"temperature": 3}, "less than or equal to 2"),
        ({"top_p": -1}, "greater than or equal to 0"),
        ({"n": 0}, "greater than or equal to 1"),
        ({"timeout": 0}, "greater than 0"),
        ({"region": "moon"}, "'cn' or 'global'"),
        ({"streaming": True, "n": 2}, "n must be 1 with streaming=True"),
    ],
    ids=str,
)
def test_what_cannot_be_right_is_refused_when_the_model_is_made(given, why) -> None:
    with pytest.raises(ValueError, match=why):
        ChatStepFun(**given)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"temperatur": 1}, "temperatur"),
        ({"temperature": 3}, "temperature"),
        ({"model": "step-3.5-flash-2603", "reasoning_effort": "medium"}, "takes 'low', 'high'"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "does not take response_format json_schema"),
        ({"modalities": ["text", "audio"]}, "answers in text only"),
    ],
    ids=str,
)
async def test_what_cannot_be_right_is_refused_before_it_is_sent(ask, wire, call, why) -> None:
    with pytest.raises(InvalidParameterError, match=why):
        await ask(wire.chat(), "Hi", **call)
    assert wire.sent == []


def test_extra_body_is_the_way_past_every_check(wire) -> None:
    wire.chat().invoke("Hi", extra_body={"modalities": ["text", "audio"], "temperature": 3})

    assert wire.body["modalities"] == ["text", "audio"]
    assert wire.body["temperature"] == 3


def test_an_httpx_client_of_ones_own_is_used_and_left_open(wire) -> None:
    model = wire.chat()
    model.invoke("Hi")
    model.client.close()

    assert not model.http_client.is_closed
    assert isinstance(model.http_client, httpx.Client)
    assert json.loads(wire.sent[0].content)["model"] == model.model_name
