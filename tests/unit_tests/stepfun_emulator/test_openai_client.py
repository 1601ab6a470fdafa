"""A client that nobody here wrote is satisfied: the openai package."""

from __future__ import annotations

import base64
import json

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

MODEL = "step-3.7-flash"


def ask(text: str) -> list:
    return [{"role": "user", "content": text}]


@pytest.fixture
async def async_client(emulator):
    async with AsyncOpenAI(base_url=emulator.base_url, api_key="test", max_retries=0) as client:
        yield client


def test_completion(openai_client: OpenAI):
    reply = openai_client.chat.completions.create(model=MODEL, messages=ask("Reply with only OK"))
    assert reply.choices[0].message.content == "OK"
    assert reply.choices[0].message.reasoning_content
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_stream(openai_client: OpenAI):
    with openai_client.chat.completions.create(
        model=MODEL, messages=ask("Count to 5"), stream=True, stream_options={"include_usage": True}
    ) as chunks:
        found = list(chunks)
    assert "".join(chunk.choices[0].delta.content for chunk in found if chunk.choices) == "1, 2, 3, 4, 5"
    assert found[-1].usage.completion_tokens > 0


async def test_async_completion_and_stream(async_client: AsyncOpenAI):
    reply = await async_client.chat.completions.create(model=MODEL, messages=ask("Reply with only 好"))
    assert reply.choices[0].message.content == "好"
    chunks = await async_client.chat.completions.create(model=MODEL, messages=ask("Reply with only 好"), stream=True)
    assert "".join([chunk.choices[0].delta.content async for chunk in chunks]) == "好"


@pytest.mark.parametrize("fault", ["crlf", "one-byte", "odd-chunks", "tool-whole", "tool-repeated-id"])
def test_streams_on_a_difficult_line(openai_client: OpenAI, fault):
    chunks = openai_client.chat.completions.create(
        model=MODEL, messages=ask("Reply with only 你好"), stream=True, extra_headers={"x-emulator-fault": fault}
    )
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == "你好"


def test_tool_call_loop(openai_client: OpenAI, tool):
    weather = tool("get_weather", "Get the weather of a city", city={"type": "string"})
    messages = ask("What is the weather in Paris and Rome?")
    reply = openai_client.chat.completions.create(model=MODEL, messages=messages, tools=[weather])
    assert reply.choices[0].finish_reason == "tool_calls"
    calls = reply.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    made = [{"id": c.id, "type": "function", "function": c.function.model_dump()} for c in calls]
    messages.append({"role": "assistant", "content": None, "tool_calls": made})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"sunny {call.id}"} for call in calls]
    reply = openai_client.chat.completions.create(model=MODEL, messages=messages, tools=[weather])
    assert all(f"sunny {call.id}" in reply.choices[0].message.content for call in calls)


def test_accumulated_tool_stream(openai_client: OpenAI, tool):
    calculator = tool("calculator", "Evaluate an expression", expression={"type": "string"})
    with openai_client.chat.completions.stream(model=MODEL, messages=ask("What is 3 * 4?"), tools=[calculator]) as made:
        message = made.get_final_completion().choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments) == {"expression": "3 * 4"}


def test_vision(openai_client: OpenAI, chart):
    url = f"data:image/png;base64,{base64.b64encode(chart).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "How many bars?"}]
    reply = openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])
    assert "3 bars" in reply.choices[0].message.content


def test_json_schema(openai_client: OpenAI):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    reply = openai_client.chat.completions.create(
        model="step-3.5-flash",
        messages=ask("I live in Paris"),
        response_format={"type": "json_schema", "json_schema": {"name": "place", "schema": schema}},
    )
    assert json.loads(reply.choices[0].message.content) == {"city": "Paris"}


def test_audio(openai_client: OpenAI):
    reply = openai_client.chat.completions.create(
        model="step-audio-2",
        messages=ask("Reply with only hello"),
        modalities=["text", "audio"],
        audio={"voice": "wenrounansheng", "format": "wav"},
    )
    assert reply.choices[0].message.audio.transcript == "hello"


def test_files(openai_client: OpenAI):
    file = openai_client.files.create(file=("notes.md", b"# Notes"), purpose="file-extract")  # type: ignore[arg-type]
    assert file.id in [one.id for one in openai_client.files.list()]
    while openai_client.files.retrieve(file.id).status != "success":
        pass
    assert openai_client.files.content(file.id).text == "# Notes"
    assert openai_client.files.delete(file.id).deleted


async def test_async_files(async_client: AsyncOpenAI):
    file = await async_client.files.create(file=("a.png", b"\x89PNG"), purpose="storage")  # type: ignore[arg-type]
    assert file.id in [one.id async for one in async_client.files.list()]
    assert (await async_client.files.delete(file.id)).deleted


def test_models(openai_client: OpenAI):
    assert MODEL in [model.id for model in openai_client.models.list()]
    assert openai_client.models.retrieve(MODEL).id == MODEL


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate-limit", openai.RateLimitError),
        ("overloaded", openai.InternalServerError),
        ("html-error", openai.InternalServerError),
        ("drop-connection", openai.APIConnectionError),
    ],
)
def test_failures_are_its_own_errors(openai_client: OpenAI, fault, error):
    with pytest.raises(error):
        openai_client.chat.completions.create(
            model=MODEL, messages=ask("Hi"), extra_headers={"x-emulator-fault": fault}
        )


def test_errors_carry_their_type(openai_client: OpenAI):
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.chat.completions.create(model="gpt-5", messages=ask("Hi"))
    assert caught.value.type == "model_invalid"
    with pytest.raises(openai.AuthenticationError):
        openai_client.with_options(api_key="invalid").models.list()


def test_its_retries_get_through_a_flaky_line(openai_client: OpenAI):
    patient = openai_client.with_options(max_retries=2)
    reply = patient.chat.completions.create(
        model=MODEL, messages=ask("Reply with only patience"), extra_headers={"x-emulator-fault": "flaky"}
    )
    assert reply.choices[0].message.content == "patience"
