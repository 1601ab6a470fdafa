"""The main jobs against the service itself: chat, stream, tools, a picture, files, models."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage

from demo.picture import BLUE, GREEN, RED, bar_chart
from langchain_stepfun import ChatStepFun
from stepfun_client import AsyncStepFunClient, AuthenticationError, NotFoundError, StepFunClient

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

CHART = bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)
SUM = "What is 6 * 7? Answer with the number."


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def check(reply: AIMessage) -> None:
    """What every answer to the sum holds."""
    assert "42" in reply.text
    assert reply.additional_kwargs["reasoning_content"]
    assert 0 < reply.usage_metadata["output_tokens"] <= 1000
    assert reply.usage_metadata["input_tokens"] < 100
    assert reply.response_metadata["finish_reason"] == "stop"
    assert len(reply.response_metadata["trace_id"]) == 32


async def test_chat(model: ChatStepFun) -> None:
    check(model.invoke(SUM))
    check(await model.ainvoke(SUM))


async def test_stream(model: ChatStepFun) -> None:
    parts = list(model.stream(SUM))
    assert len(parts) > 2
    check(sum(parts[1:], parts[0]))

    total: AIMessageChunk | None = None
    async for chunk in model.astream(SUM):
        total = chunk if total is None else total + chunk
    assert total is not None
    check(total)


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_tools(model: ChatStepFun, streaming: bool) -> None:
    bound = model.model_copy(update={"streaming": streaming}).bind_tools([multiply], tool_choice="multiply")
    question = HumanMessage("Multiply 6 and 7 with the tool.")

    asked = bound.invoke([question])
    (call,) = asked.tool_calls
    answer = model.invoke([question, asked, ToolMessage("42", tool_call_id=call["id"])], tools=bound.kwargs["tools"])

    assert (call["name"], call["args"]) == ("multiply", {"a": 6, "b": 7})
    assert "42" in answer.text


def test_a_picture(model: ChatStepFun) -> None:
    picture = {"type": "image", "base64": base64.b64encode(CHART).decode(), "mime_type": "image/png"}
    question = {"type": "text", "text": "Which colour has the tallest bar? Answer with one word."}

    assert "blue" in model.invoke([HumanMessage([picture, question])]).text.lower()


def test_files(model: ChatStepFun) -> None:
    with StepFunClient() as client:
        file = client.files.create(CHART, filename="chart.png", purpose="storage")
        try:
            assert client.files.wait(file.id, deadline=60).id == file.id
            assert file.id in [one.id for one in client.files.list()]
            question = {"type": "text", "text": "Which colour has the tallest bar? Answer with one word."}
            reply = model.invoke([HumanMessage([{"type": "image", "file_id": file.id}, question])])
        finally:
            client.files.delete(file.id)

    assert "blue" in reply.text.lower()


async def test_models_and_the_account() -> None:
    async with AsyncStepFunClient() as client:
        assert "step-3.7-flash" in [model.id for model in await client.models.list()]
        assert (await client.models.retrieve("step-3.7-flash")).id == "step-3.7-flash"
        count = await client.tokens.count(model="step-3.7-flash", messages=[{"role": "user", "content": SUM}])
        assert 5 < count.total_tokens < 50
        assert await client.account.retrieve()


def test_what_is_refused() -> None:
    with pytest.raises(AuthenticationError) as wrong_key:
        ChatStepFun(api_key="invalid-key-of-a-test").invoke("Hi")
    with pytest.raises(NotFoundError) as wrong_model:
        ChatStepFun(model="step-that-is-not").invoke("Hi")

    assert wrong_key.value.is_retryable is False
    assert wrong_model.value.trace_id
