"""What a reviewer broke, once: each of these failed before it was mended."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_stepfun import ChatStepFun
from langchain_stepfun.profiles import profile_of
from stepfun_client import APIResponseError, InvalidParameterError, RateLimitError, StepFunError


def event(**body: Any) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def delta(**said: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": said}])


END = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n"


def replying(body: bytes, content_type: str = "text/event-stream", **given: Any) -> ChatStepFun:
    def reply(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": content_type}, content=body)

    return ChatStepFun(api_key="sk-test", http_client=httpx.Client(transport=httpx.MockTransport(reply)), **given)


def streamed(model: ChatStepFun) -> AIMessage:
    whole = None
    for chunk in model.stream("Hi"):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


def test_a_stream_of_nothing_but_its_end_is_no_answer() -> None:
    with pytest.raises(APIResponseError):
        streamed(replying(b"data: [DONE]\n\n"))


def test_an_event_named_error_is_one() -> None:
    failing = (
        delta(content="abc") + b'event: error\ndata: {"message": "boom", "type": "rate_limited"}\n\ndata: [DONE]\n\n'
    )
    with pytest.raises(RateLimitError, match="boom"):
        streamed(replying(failing))


def test_an_error_document_in_place_of_a_stream_is_read() -> None:
    document = b'{"error": {"message": "too much", "type": "rate_limited"}}'
    with pytest.raises(RateLimitError, match="too much"):
        streamed(replying(document, "application/json"))


def test_n_cannot_slip_into_a_stream_by_extra_body() -> None:
    with pytest.raises(InvalidParameterError, match="n must be 1"):
        streamed(replying(END, extra_body={"n": 2}))


def test_a_message_is_made_of_one_choice() -> None:
    second = event(choices=[{"index": 1, "delta": {"content": "B"}}])
    assert streamed(replying(delta(content="A") + second + END)).text == "A"


def test_two_calls_of_one_delta_without_index_and_id_are_two() -> None:
    calls = [{"function": {"name": "a", "arguments": f'{{"x": {n}}}'}} for n in (1, 2)]
    message = streamed(replying(delta(tool_calls=calls) + END))
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("a", {"x": 1}), ("a", {"x": 2})]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": {"x": 1}}}]}, {"x": 1}),
    ],
    ids=["content in parts", "arguments an object"],
)
def test_odd_values_in_a_stream_are_read(said: dict[str, Any], expected: Any) -> None:
    message = streamed(replying(delta(**said) + END))
    assert (message.tool_calls[0]["args"] if message.tool_calls else message.text) == expected


def test_counts_may_be_texts() -> None:
    counted = event(choices=[], usage={"prompt_tokens": "29", "completion_tokens": "4", "total_tokens": "33"})
    usage = streamed(
        replying(delta(content="a") + END.replace(b"data: [DONE]", counted + b"data: [DONE]"))
    ).usage_metadata
    assert usage is not None
    assert usage["total_tokens"] == 33


class Product(BaseModel):
    """A product of two numbers."""

    a: int
    b: int


def test_a_copy_for_another_model_has_its_profile(chat: Any) -> None:
    model = chat(model="step-3.5-flash").model_copy(update={"model": "step-3.7-flash"})
    assert model.profile == profile_of("step-3.7-flash")
    agent = create_agent(model, [], response_format=Product)
    asked = {"messages": [HumanMessage("Multiply 6 and 7")]}
    assert agent.invoke(asked)["structured_response"] == Product(a=6, b=7)


def test_a_profile_of_the_users_stays() -> None:
    own = {"name": "mine", "max_input_tokens": 5}
    assert ChatStepFun(profile=own).model_copy(update={"model": "step-3.5-flash"}).profile == own


def test_model_kwargs_do_not_hold_what_has_an_argument() -> None:
    with pytest.raises(ValueError, match="model_kwargs must not hold model"):
        ChatStepFun(model_kwargs={"model": "step-3.5-flash"})


def test_an_invalid_call_that_was_answered_goes_back(wire: Any) -> None:
    broken = AIMessage("", invalid_tool_calls=[{"name": "add", "args": '{"a":', "id": "1", "error": "cut"}])
    wire.chat().invoke([HumanMessage("Hi"), broken, ToolMessage("no JSON", tool_call_id="1"), HumanMessage("Again")])
    sent = wire.body["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"a":'


def test_a_call_can_take_the_stop_back(wire: Any) -> None:
    wire.chat(stop=["a"]).invoke("Hi", stop=[])
    assert "stop" not in wire.body


def test_a_calls_extra_body_is_laid_over_the_models(wire: Any) -> None:
    wire.chat(extra_body={"a": 1, "b": 1}).invoke("Hi", extra_body={"b": 2})
    assert (wire.body["a"], wire.body["b"]) == (1, 2)


def test_a_tool_stepfun_refuses_is_refused_when_bound() -> None:
    tool = {"type": "function", "function": {"name": "no blanks", "parameters": {"type": "object", "properties": {}}}}
    with pytest.raises(InvalidParameterError, match="refused by StepFun"):
        ChatStepFun().bind_tools([tool])


def test_a_choice_without_tools_is_none(wire: Any) -> None:
    wire.chat().bind_tools([], tool_choice="any").invoke("Hi")
    assert "tool_choice" not in wire.body


def test_arguments_that_are_no_json_are_named() -> None:
    call = {"name": "f", "args": {"when": object()}, "id": "1", "type": "tool_call"}
    with pytest.raises(StepFunError, match="cannot be written as JSON"):
        ChatStepFun(api_key="sk-test").invoke([HumanMessage("Hi"), AIMessage("", tool_calls=[call])])
